"""Find or make a desk's projects on a server, and see to it that they ask what the scheme asks.

A desk has one project for each set of layers, layout and use that it works with: all layers on one page, say, and
stance alone, one task per mention. A project is remembered by its id and the moment when it was made, because a server that
was set up anew gives the same numbers to others. Where that is lost it is known again by its title and by what its
labelling config names: the scheme, the layers, the layout. A config that somebody changed by hand is never overwritten
unasked: labels taken away there may stand in annotations. Nor is an instruction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from copydesk.corpus import Desk
from copydesk.schemas import (
    LabelScheme,
    SchemeError,
    StudioError,
    config_drift,
    config_layers,
    config_layout,
    config_scheme,
    instruction,
    is_own_instruction,
)

from .client import RefusedError, StudioClient, connect
from .history import SchemeHistory, keep_scheme
from .project_notes import MADE, STATE, ProjectKind, noted_kinds, own_kind, owner_of, project_title
from .shown import Layout, asked_for, config_changes, laid_out, layers_of, project_config, shown_scheme

__all__ = [
    "Project",
    "ensure_project",
    "find_project",
    "find_projects",
    "make_project",
    "remember_project",
]


@dataclass(frozen=True, slots=True)
class Project:
    """A project on a server.

    Attributes:
        id: Its number there.
        url: Its address.
        title: As it stands there.
        config: The labelling config that it has.
        model_version: The pipeline whose suggestions it shows.
        layers: The layers that it shows, as in a task's data: ``entities+stance``.
        layout: What a task is: a whole document, or one mention.
        instruction: What annotators read first, as HTML.
        made: When it was made, as the server says; empty where it does not.
        use: Whose queue or what else it is for; empty where it is for everybody.
        overlap: How many people the server's labelling stream gives each task to.
    """

    id: int
    url: str
    title: str
    config: str
    model_version: str
    layers: str = ""
    layout: Layout = "document"
    instruction: str = ""
    made: str = ""
    use: str = ""
    overlap: int = 1

    @property
    def kind(self) -> ProjectKind:
        """What the desk has one project of."""
        return ProjectKind(self.layers, self.layout, self.use)


def remember_project(desk: Desk, client: StudioClient, project: Project) -> None:
    """Note where a desk's project is."""
    wanted = {" ".join((client.name, *project.kind)).rstrip(): str(project.id)}
    if project.kind == own_kind(desk):
        wanted[client.name] = str(project.id)  # where it stood when a desk had one project
    noted = desk.state().get(STATE, {})
    for name, number in noted.items():  # of a server that was set up anew since
        if number == str(project.id) and name.split(" ")[0] == client.name and name not in wanted:
            wanted[name] = ""
    if any(noted.get(name) != number for name, number in wanted.items()):
        desk.note(STATE, wanted)
    place = f"{client.name} {project.id}"
    if project.made and desk.done(MADE, place) != project.made:
        desk.note(MADE, {place: project.made})


# finding


def find_project(
    client: StudioClient, desk: Desk, scheme: LabelScheme | None = None, layout: Layout | None = None, use: str = ""
) -> Project | None:
    """Return a desk's project on this server, or None if it was never made or is gone.

    Args:
        client: An open connection.
        desk: Whose project.
        scheme: The scheme as the project shows it; by default the layers of the settings.
        layout: By default that of the settings.
        use: Whose queue or what else it is for; by default everybody's.
    """
    layout = layout or desk.settings.studio.layout
    scheme = laid_out(scheme or shown_scheme(desk), layout)
    kind = ProjectKind(layers_of(scheme), layout, use)
    noted = noted_kinds(desk, client.name)
    before = SchemeHistory(desk).layers_before(kind.layers)
    lost: set[int] = set()
    for number, what in sorted(noted.items(), key=lambda item: item[1] is None):  # those that say what they are first
        if what == kind or (what is None and (layout, use) == ("document", "")):
            raw = _there(client, number)
            if raw is not None and _is_ours(client, desk, raw, kind):
                project = _project(client, raw, kind)
                remember_project(desk, client, project)
                return project
            lost.add(number)
        elif what is not None and what.layers in before and what[1:] == kind[1:]:
            raw = _there(client, number)
            if raw is not None and _is_ours(client, desk, raw, what):
                return _project(client, raw, what)  # its tasks have to be moved yet: it keeps its name
            lost.add(number)
    raw = min(_alike(client, desk, scheme, kind, lost), key=lambda raw: int(raw["id"]), default=None)
    if raw is None:
        return None
    project = _project(client, raw, kind)
    remember_project(desk, client, project)
    return project


def find_projects(client: StudioClient, desk: Desk) -> list[Project]:
    """Return every project of the desk that is on this server, the settings' one first, then by id."""
    first = find_project(client, desk)
    found = {first.id: first} if first is not None else {}
    for number, what in sorted(noted_kinds(desk, client.name).items()):
        raw = None if number in found else _there(client, number)
        if raw is not None:
            config = raw.get("label_config") or ""
            kind = what or ProjectKind(_layers_in(config), _layout_in(config))
            if _is_ours(client, desk, raw, kind):
                found[number] = _project(client, raw, kind)
    return list(found.values())


def _is_ours(client: StudioClient, desk: Desk, raw: dict[str, Any], kind: ProjectKind) -> bool:
    """Tell whether the project that bears a number which we noted is the one that we noted it for.

    It is if it was made at the moment noted with it, whatever has been changed in it. Where no moment was noted, as by
    an older copydesk, or it is another one, title and config have to be what we would look for.
    """
    if raw.get("created_at") and desk.done(MADE, f"{client.name} {raw['id']}") == str(raw["created_at"]):
        return True
    config = raw.get("label_config") or ""
    try:
        made_for = laid_out(shown_scheme(desk, kind.layers.split("+")), kind.layout).digest
    except SchemeError:  # the scheme has such layers no more: the project waits for its upgrade
        made_for = ""
    meant = _layout_in(config) == kind.layout and _is_meant(config, kind.layers, made_for)
    return meant and raw["title"] in _titles(desk, kind)


def _titles(desk: Desk, kind: ProjectKind) -> set[str]:
    """Return the titles that a project may have, under every name that its layers had.

    That of the settings' project is the one without layers, and which project that is changes with the settings.
    """
    names = {kind.layers, *SchemeHistory(desk).layers_before(kind.layers)}
    plain = project_title(desk, use=kind.use)
    return {plain, *(project_title(desk, name, kind.layout, kind.use) for name in names)}


def _there(client: StudioClient, number: int) -> dict[str, Any] | None:
    try:
        raw: dict[str, Any] = client.get(f"/api/projects/{number}/")
    except RefusedError as error:
        if error.status != 404:
            raise
        return None
    return raw


def _alike(
    client: StudioClient, desk: Desk, scheme: LabelScheme, kind: ProjectKind, lost: Collection[int]
) -> Iterator[dict[str, Any]]:
    """Yield the projects on the server that bear one of the titles and show this scheme's layers in this layout."""
    noted = noted_kinds(desk, client.name).keys() - set(lost)
    for title in sorted(_titles(desk, kind)):
        page = 1
        while True:
            answer = client.get("/api/projects/", page=page, page_size=100, title=title)
            for raw in answer["results"]:
                config = raw.get("label_config") or ""
                ours = raw["title"] == title and _scheme_name(config) == scheme.name and int(raw["id"]) not in noted
                if ours and _layout_in(config) == kind.layout and _is_meant(config, kind.layers, scheme.digest):
                    yield raw
            if not answer.get("next"):
                break
            page += 1


def _is_meant(config: str, layers: str, made_for: str) -> bool:
    """Tell whether a config was made for these layers, or a scheme's digest, whatever happened to it since."""
    try:
        known = config_scheme(config)
    except SchemeError:  # a stranger's config may be anything
        return False
    return (known is not None and known[2] == made_for) or _layers_in(config) == layers


def _layers_in(config: str) -> str:
    try:
        return "+".join(sorted(config_layers(config)))
    except SchemeError:
        return ""


def _layout_in(config: str) -> Layout:
    try:
        return config_layout(config)
    except SchemeError:
        return "document"


def _scheme_name(config: str) -> str | None:
    try:
        known = config_scheme(config)
    except SchemeError:
        return None
    return known[0] if known else None


def _project(client: StudioClient, raw: dict[str, Any], kind: ProjectKind) -> Project:
    return Project(
        int(raw["id"]),
        f"{client.url}/projects/{raw['id']}/data",
        raw["title"],
        raw.get("label_config") or "",
        raw.get("model_version") or "",
        kind.layers,
        kind.layout,
        raw.get("expert_instruction") or "",
        str(raw.get("created_at") or ""),
        kind.use,
        int(raw.get("maximum_annotations") or 1),
    )


# making


def ensure_project(
    client: StudioClient,
    desk: Desk,
    scheme: LabelScheme,
    *,
    reset_config: bool = False,
    layout: Layout | None = None,
    use: str = "",
) -> Project:
    """Return the desk's project with the scheme's labelling config, making it where there is none.

    Where fewer people than the settings ask for would get each task of everybody's project, it is told of them all;
    somebody who raised that number by hand is left alone.

    Args:
        client: An open connection.
        desk: Whose project.
        scheme: The scheme as the project shall show it.
        reset_config: Put the scheme's config in the place of one that was changed.
        layout: What a task is; by default as the settings say.
        use: Whose queue or what else it is for; by default everybody's.

    Raises:
        StudioError: Somebody changed the project's labelling config, which names every difference; or the project
            was made with another version of the scheme, so that its tasks have to be moved first.
    """
    layout = layout or desk.settings.studio.layout
    keep_scheme(desk, desk.scheme())  # for the day when the desk has another one
    scheme = laid_out(scheme, layout)
    config = project_config(scheme, layout, use)
    project = find_project(client, desk, scheme, layout, use)
    if project is None:
        return _make(client, desk, scheme, ProjectKind(layers_of(scheme), layout, use), config)
    changes: dict[str, Any] = {}
    if config_drift(config, project.config):
        _refuse_another_version(project, scheme)
        if by_hand := [] if reset_config else config_changes(scheme, layout, use, project.config):
            raise drifted(project, by_hand)
        changes["label_config"] = config
    own = instruction(scheme, layout, use)
    # by the last line, which has a digest of all the others: the server cleans the HTML in its own way
    if project.instruction.split("\n")[-1] != own.split("\n")[-1] and is_own_instruction(project.instruction):
        changes |= {"expert_instruction": own, "show_instruction": True}
    if project.overlap < _overlap(desk, use):
        changes["maximum_annotations"] = _overlap(desk, use)
    if not changes:
        return project
    raw = client.send("PATCH", f"/api/projects/{project.id}/", changes)
    return _project(client, raw, project.kind)


def _overlap(desk: Desk, use: str) -> int:
    """Return how many people a task is for: one, where the project is one person's own."""
    return 1 if use else desk.settings.assign.overlap


def make_project(
    desk: Desk, *, layers: Sequence[str] = (), layout: Layout | None = None, reset_config: bool = False
) -> tuple[Project, bool]:
    """Make the project of a set of layers and a layout, or find it; return it and whether it is new.

    Args:
        desk: Whose project.
        layers: Layers of the desk's scheme; by default those of the settings.
        layout: What a task is; by default what suits the layers, or as the settings say.
        reset_config: Put the scheme's config in the place of one that was changed.

    Raises:
        StudioError: No server, or as told by :func:`ensure_project`.
        SchemeError: The scheme has no such layer, or it needs another one.
        DeskError: Another copydesk is at work here.
    """
    with desk.locked():
        client = connect(desk)
        scheme, layout = asked_for(desk, layers, layout)
        there = find_project(client, desk, scheme, layout) is not None
        return ensure_project(client, desk, scheme, reset_config=reset_config, layout=layout), not there


def _make(client: StudioClient, desk: Desk, scheme: LabelScheme, kind: ProjectKind, config: str) -> Project:
    whose = f"the queue of {owner_of(kind.use)}; " if owner_of(kind.use) else ""
    body = {
        "title": project_title(desk, *kind),
        "description": f"copydesk: {whose}{scheme.title} {scheme.version}",
        "label_config": config,
        "expert_instruction": instruction(scheme, kind.layout, kind.use),
        "show_instruction": True,
        # tasks come in ascending order of their prediction's score: by rank in the queue, else least sure first
        "sampling": "Uncertainty sampling",
        "show_collab_predictions": True,
        "maximum_annotations": _overlap(desk, kind.use),
    }
    project = _project(client, client.send("POST", "/api/projects/", body), kind)
    remember_project(desk, client, project)
    return project


def drifted(project: Project, differences: Sequence[str]) -> StudioError:
    """Return the error that names what somebody changed in a project's config."""
    return StudioError(
        f"the labelling config of project {project.title!r} is not the scheme's:\n"
        + "\n".join(f"  - {difference}" for difference in differences),
        where=project.url,
        hint="To put the scheme's config back: copydesk push --reset-config. To keep the change, make it in the"
        " scheme's TOML file.",
    )


def _refuse_another_version(project: Project, scheme: LabelScheme) -> None:
    known = config_scheme(project.config)
    if known is not None and known[:2] != (scheme.name, scheme.version):
        raise StudioError(
            f"project {project.title!r} was made with the scheme {known[0]} {known[1]}; the desk's is"
            f" {scheme.name} {scheme.version}",
            where=project.url,
            hint="Move its tasks and annotations first: copydesk project --upgrade --dry-run shows what that means; of"
            " annotators' own projects and the adjudicator's, copydesk scheme migrate.",
        )
