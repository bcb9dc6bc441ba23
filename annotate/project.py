"""Find or make a desk's projects on a server, and see to it that they ask what the scheme asks.

A desk has one project for each set of layers and each layout that it works with: all layers on one page, say, and
stance alone, one task per mention. A project is remembered by its id and the moment when it was made, because a server that
was set up anew gives the same numbers to others. Where that is lost it is known again by its title and by what its
labelling config names: the scheme, the layers, the layout. A config that somebody changed by hand is never overwritten
unasked: labels taken away there may stand in annotations. Nor is an instruction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from copydesk.corpus import Desk
from copydesk.schemas import (
    DeskError,
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
from .shown import Layout, asked_for, laid_out, layers_of, project_config, shown_scheme

__all__ = [
    "Project",
    "ensure_project",
    "find_project",
    "find_projects",
    "make_project",
    "noted_projects",
    "project_title",
    "remember_project",
]

STATE: Final = "studio"
MADE: Final = "studio projects"
"""The stage under which it is noted when each project was made, by the server's word."""


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


# names and notes


def project_title(desk: Desk, layers: str = "", layout: Layout = "document") -> str:
    """Return a project's title, made to fit the server's 3 to 50 characters.

    The project of the settings has the plain title; every other one says its layers, and its layout if it is focus.
    """
    title = (desk.settings.studio.project or desk.settings.name)[:50].strip()
    title = title if len(title) >= 3 else f"{title} desk"
    if not layers or (layers, layout) == _own(desk):
        return title
    said = f" ({layers}{', focus' if layout == 'focus' else ''})"
    if len(said) > 40:  # a scheme with very many layers: how many tells less, and fits
        said = f" ({layers.count('+') + 1} layers{', focus' if layout == 'focus' else ''})"
    return title[: 50 - len(said)].strip() + said


def _own(desk: Desk) -> tuple[str, Layout]:
    """Return layers and layout of the project that the settings name."""
    layout = desk.settings.studio.layout
    return layers_of(laid_out(shown_scheme(desk), layout)), layout


def noted_projects(desk: Desk, server: str) -> dict[int, tuple[str, Layout] | None]:
    """Return the projects that a desk remembers on a server: id to layers and layout.

    None stands for a project noted by an older copydesk, which had one project a desk and said no more of it.
    """
    found: dict[int, tuple[str, Layout] | None] = {}
    for name, number in desk.state().get(STATE, {}).items():
        place, _, layout = name.rpartition(" ")
        place, _, layers = place.rpartition(" ")
        if name == server and number:
            found.setdefault(_number(desk, number), None)
        elif place == server and number:  # none, where it turned out to be another one's
            found[_number(desk, number)] = (layers, "focus" if layout == "focus" else "document")
    return found


def _number(desk: Desk, noted: object) -> int:
    if not str(noted).isdecimal():
        raise DeskError(
            f"it is damaged: {str(noted)[:80]!r} stands where the number of a project belongs",
            where=str(desk.path / "state.json"),
            hint=f"Take that entry out of {STATE!r}: push finds the desk's projects by their titles.",
        )
    return int(str(noted))


def remember_project(desk: Desk, client: StudioClient, project: Project) -> None:
    """Note where a desk's project is."""
    wanted = {f"{client.name} {project.layers} {project.layout}": str(project.id)}
    if (project.layers, project.layout) == _own(desk):
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
    client: StudioClient, desk: Desk, scheme: LabelScheme | None = None, layout: Layout | None = None
) -> Project | None:
    """Return a desk's project on this server, or None if it was never made or is gone.

    Args:
        client: An open connection.
        desk: Whose project.
        scheme: The scheme as the project shows it; by default the layers of the settings.
        layout: By default that of the settings.
    """
    layout = layout or desk.settings.studio.layout
    scheme = laid_out(scheme or shown_scheme(desk), layout)
    layers = layers_of(scheme)
    noted = noted_projects(desk, client.name)
    before = SchemeHistory(desk).layers_before(layers)
    lost: set[int] = set()
    for number, what in sorted(noted.items(), key=lambda item: item[1] is None):  # those that say what they are first
        if what == (layers, layout) or (what is None and layout == "document"):
            raw = _there(client, number)
            if raw is not None and _is_ours(client, desk, raw, layers, layout):
                project = _project(client, raw, layers, layout)
                remember_project(desk, client, project)
                return project
            lost.add(number)
        elif what is not None and what[0] in before and what[1] == layout:
            raw = _there(client, number)
            if raw is not None and _is_ours(client, desk, raw, what[0], layout):
                return _project(client, raw, what[0], layout)  # its tasks have to be moved yet: it keeps its name
            lost.add(number)
    raw = min(_alike(client, desk, scheme, layout, lost), key=lambda raw: int(raw["id"]), default=None)
    if raw is None:
        return None
    project = _project(client, raw, layers, layout)
    remember_project(desk, client, project)
    return project


def find_projects(client: StudioClient, desk: Desk) -> list[Project]:
    """Return every project of the desk that is on this server, the settings' one first, then by id."""
    first = find_project(client, desk)
    found = {first.id: first} if first is not None else {}
    for number, what in sorted(noted_projects(desk, client.name).items()):
        raw = None if number in found else _there(client, number)
        if raw is not None:
            config = raw.get("label_config") or ""
            layers, layout = what or (_layers_in(config), _layout_in(config))
            if _is_ours(client, desk, raw, layers, layout):
                found[number] = _project(client, raw, layers, layout)
    return list(found.values())


def _is_ours(client: StudioClient, desk: Desk, raw: dict[str, Any], layers: str, layout: Layout) -> bool:
    """Tell whether the project that bears a number which we noted is the one that we noted it for.

    It is if it was made at the moment noted with it, whatever has been changed in it. Where no moment was noted, as by
    an older copydesk, or it is another one, title and config have to be what we would look for.
    """
    if raw.get("created_at") and desk.done(MADE, f"{client.name} {raw['id']}") == str(raw["created_at"]):
        return True
    config = raw.get("label_config") or ""
    try:
        made_for = laid_out(shown_scheme(desk, layers.split("+")), layout).digest
    except SchemeError:  # the scheme has such layers no more: the project waits for its upgrade
        made_for = ""
    meant = _layout_in(config) == layout and _is_meant(config, layers, made_for)
    return meant and raw["title"] in _titles(desk, layers, layout)


def _titles(desk: Desk, layers: str, layout: Layout) -> set[str]:
    """Return the titles that a project may have, under every name that its layers had.

    That of the settings' project is the plain one, and which project that is changes with the settings.
    """
    names = {layers, *SchemeHistory(desk).layers_before(layers)}
    return {project_title(desk), *(project_title(desk, name, layout) for name in names)}


def _there(client: StudioClient, number: int) -> dict[str, Any] | None:
    try:
        raw: dict[str, Any] = client.get(f"/api/projects/{number}/")
    except RefusedError as error:
        if error.status != 404:
            raise
        return None
    return raw


def _alike(
    client: StudioClient, desk: Desk, scheme: LabelScheme, layout: Layout, lost: Collection[int]
) -> Iterator[dict[str, Any]]:
    """Yield the projects on the server that bear one of the titles and show this scheme's layers in this layout."""
    noted = noted_projects(desk, client.name).keys() - set(lost)
    for title in sorted(_titles(desk, layers_of(scheme), layout)):
        page = 1
        while True:
            answer = client.get("/api/projects/", page=page, page_size=100, title=title)
            for raw in answer["results"]:
                config = raw.get("label_config") or ""
                ours = raw["title"] == title and _scheme_name(config) == scheme.name and int(raw["id"]) not in noted
                if ours and _layout_in(config) == layout and _is_meant(config, layers_of(scheme), scheme.digest):
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


def _project(client: StudioClient, raw: dict[str, Any], layers: str, layout: Layout) -> Project:
    return Project(
        int(raw["id"]),
        f"{client.url}/projects/{raw['id']}/data",
        raw["title"],
        raw.get("label_config") or "",
        raw.get("model_version") or "",
        layers,
        layout,
        raw.get("expert_instruction") or "",
        str(raw.get("created_at") or ""),
    )


# making


def ensure_project(
    client: StudioClient,
    desk: Desk,
    scheme: LabelScheme,
    *,
    reset_config: bool = False,
    layout: Layout | None = None,
) -> Project:
    """Return the desk's project with the scheme's labelling config, making it where there is none.

    Args:
        client: An open connection.
        desk: Whose project.
        scheme: The scheme as the project shall show it.
        reset_config: Put the scheme's config in the place of one that was changed.
        layout: What a task is; by default as the settings say.

    Raises:
        StudioError: Somebody changed the project's labelling config, which names every difference; or the project
            was made with another version of the scheme, so that its tasks have to be moved first.
    """
    layout = layout or desk.settings.studio.layout
    keep_scheme(desk, desk.scheme())  # for the day when the desk has another one
    scheme = laid_out(scheme, layout)
    config = project_config(scheme, layout)
    project = find_project(client, desk, scheme, layout)
    if project is None:
        return _make(client, desk, scheme, layout, config)
    changes: dict[str, Any] = {}
    if differences := config_drift(config, project.config):
        _refuse_another_version(project, scheme)
        if not reset_config:
            raise drifted(project, differences)
        changes["label_config"] = config
    own = instruction(scheme, layout)
    # by the last line, which has a digest of all the others: the server cleans the HTML in its own way
    if project.instruction.split("\n")[-1] != own.split("\n")[-1] and is_own_instruction(project.instruction):
        changes |= {"expert_instruction": own, "show_instruction": True}
    if not changes:
        return project
    raw = client.send("PATCH", f"/api/projects/{project.id}/", changes)
    return _project(client, raw, project.layers, project.layout)


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


def _make(client: StudioClient, desk: Desk, scheme: LabelScheme, layout: Layout, config: str) -> Project:
    layers = layers_of(scheme)
    body = {
        "title": project_title(desk, layers, layout),
        "description": f"copydesk: {scheme.title} {scheme.version}",
        "label_config": config,
        "expert_instruction": instruction(scheme, layout),
        "show_instruction": True,
        # tasks come in ascending order of their prediction's score: by rank in the queue, else least sure first
        "sampling": "Uncertainty sampling",
        "show_collab_predictions": True,
    }
    project = _project(client, client.send("POST", "/api/projects/", body), layers, layout)
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
            hint="Move its tasks and annotations first: copydesk project --upgrade --dry-run shows what that means.",
        )
