"""Find or make a desk's project on a server, and see to it that it asks what the scheme asks.

A project is remembered by its id; where that is lost it is known again by its title and by the scheme that
its labelling config names. A config that somebody changed by hand is never overwritten unasked: labels taken
away there may stand in annotations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from copydesk.corpus import Desk
from copydesk.schemas import (
    OUTLET,
    UNNAMED,
    Annotations,
    Entity,
    LabelScheme,
    SchemeError,
    StudioError,
    config_drift,
    config_scheme,
    labelling_config,
)

from .client import RefusedError, StudioClient

__all__ = ["Project", "ensure_project", "find_project", "limit", "project_title", "shown_scheme"]

STATE: Final = "studio"


@dataclass(frozen=True, slots=True)
class Project:
    """A project on a server: its id, address and title, the config it has, and the model version it shows."""

    id: int
    url: str
    title: str
    config: str
    model_version: str


def shown_scheme(desk: Desk) -> LabelScheme:
    """Return the desk's scheme cut down to the layers that its project shows."""
    return desk.scheme().select(list(desk.settings.studio.layers))


def limit(annotations: Annotations, scheme: LabelScheme) -> Annotations:
    """Return annotations cut down to the layers of a scheme that was cut down: what a project shows of them."""
    layers = {layer.id for layer in scheme.layers}
    labels = {label.id for label in scheme.span_labels}
    known = {attribute.id for attribute in scheme.attributes}
    entities = tuple(
        Entity(e.id, e.span, e.label, e.origin, {k: v for k, v in e.attributes.items() if k in known}, e.score)
        for e in annotations.entities
        if e.label in labels
    )
    shown = {entity.id for entity in entities} | {OUTLET, UNNAMED}
    stances = [s for s in annotations.stances if s.target in shown and s.holder in shown]
    return Annotations(
        annotations.document_id,
        annotations.sha256,
        entities,
        annotations.attributions if "attribution" in layers else (),
        tuple(stances) if "stance" in layers else (),
        {q.id: annotations.choices[q.id] for q in scheme.questions if q.id in annotations.choices},
    )


def project_title(desk: Desk) -> str:
    """Return the project's title, made to fit the server's 3 to 50 characters."""
    title = (desk.settings.studio.project or desk.settings.name)[:50].strip()
    return title if len(title) >= 3 else f"{title} desk"


def find_project(client: StudioClient, desk: Desk) -> Project | None:
    """Return the desk's project on this server, or None if it was never made or is gone."""
    noted = desk.done(STATE, client.name)
    if noted is not None:
        try:
            return _project(client, client.get(f"/api/projects/{int(noted)}/"))
        except RefusedError as error:
            if error.status != 404:
                raise
    alike = []
    page = 1
    while True:
        answer = client.get("/api/projects/", page=page, page_size=100, title=project_title(desk))
        alike += [raw for raw in answer["results"] if raw["title"] == project_title(desk)]
        if not answer.get("next"):
            break
        page += 1
    named = [raw for raw in alike if _scheme_name(raw.get("label_config", "")) == desk.scheme().name]
    if not named:
        return None
    found = _project(client, min(named, key=lambda raw: int(raw["id"])))
    desk.note(STATE, {client.name: str(found.id)})
    return found


def _scheme_name(config: str) -> str | None:
    try:
        known = config_scheme(config)
    except SchemeError:  # a stranger's config may be anything
        return None
    return known[0] if known else None


def _project(client: StudioClient, raw: dict[str, Any]) -> Project:
    url = f"{client.url}/projects/{raw['id']}/data"
    return Project(int(raw["id"]), url, raw["title"], raw.get("label_config") or "", raw.get("model_version") or "")


def ensure_project(client: StudioClient, desk: Desk, scheme: LabelScheme, *, reset_config: bool = False) -> Project:
    """Return the desk's project with the scheme's labelling config, making it where there is none.

    Args:
        client: An open connection.
        desk: Whose project.
        scheme: The scheme as the project shall show it.
        reset_config: Put the scheme's config in the place of one that was changed.

    Raises:
        StudioError: Somebody changed the project's labelling config; names every difference.
    """
    config = labelling_config(scheme)
    project = find_project(client, desk)
    if project is None:
        body = {
            "title": project_title(desk),
            "description": f"copydesk: {scheme.title} {scheme.version}",
            "label_config": config,
            # tasks come in ascending order of their prediction's score: by rank in the queue, else least sure first
            "sampling": "Uncertainty sampling",
            "show_collab_predictions": True,
        }
        project = _project(client, client.send("POST", "/api/projects/", body))
        desk.note(STATE, {client.name: str(project.id)})
        return project
    differences = config_drift(config, project.config)
    if not differences:
        return project
    if not reset_config:
        raise StudioError(
            f"the labelling config of project {project.title!r} is not the scheme's:\n"
            + "\n".join(f"  - {difference}" for difference in differences),
            where=project.url,
            hint="To put the scheme's config back: copydesk push --reset-config. To keep the change, make it in the"
            " scheme's TOML file.",
        )
    return _project(client, client.send("PATCH", f"/api/projects/{project.id}/", {"label_config": config}))
