"""Remember which projects a desk has on a server: which numbers they bear there, when they were made, what each is for.

A project is for everybody, or for one annotator's own queue, or for adjudication: its use. Use, layers and layout
together are what a desk has one project of.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from copydesk.corpus import Desk
from copydesk.schemas import DeskError

from .shown import Layout, laid_out, layers_of, shown_scheme

__all__ = [
    "ADJUDICATION",
    "MADE",
    "STATE",
    "ProjectKind",
    "adjudication_beside",
    "noted_kinds",
    "own_kind",
    "own_queue",
    "owner_of",
    "project_title",
]

STATE: Final = "studio"
MADE: Final = "studio projects"
"""The stage under which it is noted when each project was made, by the server's word."""
ADJUDICATION: Final = "adjudication"
"""The use of the project in which somebody decides what others do not agree on."""
OWN: Final = "for:"
LONGEST: Final = 50
"""Characters of a title that the server takes."""


class ProjectKind(NamedTuple):
    """What a desk has one project of on a server.

    Attributes:
        layers: The layers that it shows, as in a task's data.
        layout: What a task is.
        use: Empty: for everybody; :func:`own_queue` of an annotator; :data:`ADJUDICATION`, or one beside it.
    """

    layers: str
    layout: Layout
    use: str = ""


def own_queue(annotator: str) -> str:
    """Return the use of the project that holds one annotator's own queue."""
    return f"{OWN}{annotator}"


def adjudication_beside(version: str) -> str:
    """Return the use of the adjudicator's project in a newer version's words, beside one that is not moved to it yet."""
    return f"{ADJUDICATION}-{version}"


def owner_of(use: str) -> str:
    """Return whose queue a project of this use is; empty where it is not one person's."""
    return use.removeprefix(OWN) if use.startswith(OWN) else ""


def project_title(desk: Desk, layers: str = "", layout: Layout = "document", use: str = "") -> str:
    """Return a project's title, made to fit the server's 3 to 50 characters.

    The project of the settings has the plain title; every other one says its layers, its layout if it is focus, and
    whose queue or what else it is for.
    """
    title = (desk.settings.studio.project or desk.settings.name)[:LONGEST].strip()
    title = title if len(title) >= 3 else f"{title} desk"
    said = [_said_of(layers, layout)] if layers and (layers, layout) != own_kind(desk)[:2] else []
    whose = owner_of(use) or use
    said += [whose] if whose else []
    if not said:
        return title
    tail = f" ({', '.join(said)})"
    if whose and len(title) + len(tail) > LONGEST:  # cut short, it could be another desk's: a mark of all of it tells
        mark = hashlib.sha256(f"{title}{tail}".encode()).hexdigest()[:6]
        tail = f" ({whose[:29].strip()}, {mark})"
    elif len(tail) > 40:  # a scheme with very many layers: how many tells less, and fits
        tail = f" ({_counted(layers, layout)})"
    return title[: LONGEST - len(tail)].strip() + tail


def _said_of(layers: str, layout: Layout) -> str:
    return f"{layers}{', focus' if layout == 'focus' else ''}"


def _counted(layers: str, layout: Layout) -> str:
    return f"{layers.count('+') + 1} layers{', focus' if layout == 'focus' else ''}"


def own_kind(desk: Desk) -> ProjectKind:
    """Return what the project that the settings name is."""
    layout = desk.settings.studio.layout
    return ProjectKind(layers_of(laid_out(shown_scheme(desk), layout)), layout)


def noted_kinds(desk: Desk, server: str) -> dict[int, ProjectKind | None]:
    """Return the projects that a desk remembers on a server: id to what it is.

    None stands for a project noted by an older copydesk, which had one project a desk and said no more of it.

    Raises:
        DeskError: What is noted is damaged.
    """
    found: dict[int, ProjectKind | None] = {}
    for name, number in desk.state().get(STATE, {}).items():
        place, *what = name.split(" ")
        if place != server or not number:  # none, where it turned out to be another one's
            continue
        if not what:
            found.setdefault(_number(desk, number), None)
        elif len(what) in (2, 3):
            layers, layout, *use = what
            found[_number(desk, number)] = ProjectKind(layers, "focus" if layout == "focus" else "document", *use)
    return found


def _number(desk: Desk, noted: object) -> int:
    if not str(noted).isdecimal():
        raise DeskError(
            f"it is damaged: {str(noted)[:80]!r} stands where the number of a project belongs",
            where=str(desk.path / "state.json"),
            hint=f"Take that entry out of {STATE!r}: push finds the desk's projects by their titles.",
        )
    return int(str(noted))
