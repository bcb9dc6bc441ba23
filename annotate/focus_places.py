"""Name the places of focus tasks: the mention a task is about, the paragraph it shows, the mentions it offers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from copydesk.schemas import Document

__all__ = [
    "Place",
    "asked_label",
    "focus_place",
    "mention_place",
    "older_key",
    "passage",
    "read_focus",
    "read_mention",
    "renamed_focus",
]

REACH: Final = 1_000
"""How many code points of a paragraph are shown on either side of a mention: what fits on a screen."""
_FOCUS: Final = re.compile(r"(\d{1,12})-(\d{1,12})(?:-(\w+))?", re.ASCII)
_MENTION: Final = re.compile(r"(\d{1,12})-(\d{1,12}) (\w+)", re.ASCII)


class Place(NamedTuple):
    """A mention's place; the label is empty in what an older copydesk wrote, for all mentions of a span but one."""

    start: int
    end: int
    label: str = ""


def focus_place(start: int, end: int, label: str = "") -> str:
    """Write a place as ``start-end``, with ``-LABEL`` behind it where a label is given."""
    return f"{start}-{end}-{label}" if label else f"{start}-{end}"


def read_focus(written: str) -> Place | None:
    """Read what :func:`focus_place` writes; None for anything else."""
    found = _FOCUS.fullmatch(written)
    return Place(int(found[1]), int(found[2]), found[3] or "") if found else None


def older_key(key: str) -> str:
    """Return the key that an older copydesk gave a task: without the label; the key itself where it has none."""
    part, slash, focus = key.rpartition("/")
    place = read_focus(focus)
    return f"{part}{slash}{focus_place(place.start, place.end)}" if place else key


def asked_label(task: Mapping[str, Any]) -> str:
    """Return the label of the mention that a task on the server is about; empty where nothing there tells any more.

    Args:
        task: The task as the server shows it, with its predictions and annotations.
    """
    asked = read_focus(str((task.get("data") or {}).get("focus")))
    for kind in ("predictions", "annotations"):  # people can give a mention another label
        for said in task.get(kind) or ():
            for row in said.get("result") or ():
                if asked and (noted := _focused(row)) and noted[:2] == asked[:2]:
                    return str(row["value"]["labels"][0])
    return ""


def _focused(row: Any) -> Place | None:
    """Return the mention that a row says it is, if it is a labelled region at all."""
    try:
        return read_focus(str(row["meta"]["focus"][0])) if row["value"]["labels"][0] else None
    except (TypeError, KeyError, IndexError):
        return None


def renamed_focus(written: str, labels: Mapping[str, str]) -> str:
    """Return what :func:`focus_place` writes with its label as it is called now; one that was taken away stays.

    Args:
        written: The place; anything else comes back as it is.
        labels: Old label to new one.
    """
    place = read_focus(written)
    if place is None or not place.label:
        return written
    return focus_place(place.start, place.end, labels.get(place.label) or place.label)


def mention_place(start: int, end: int, label: str) -> str:
    """Write a mention as the answer that says that it is the holder: ``start-end LABEL``."""
    return f"{start}-{end} {label}"


def read_mention(written: str) -> Place | None:
    """Read what :func:`mention_place` writes; None for anything else."""
    found = _MENTION.fullmatch(written)
    return Place(int(found[1]), int(found[2]), found[3]) if found else None


def passage(document: Document, start: int, end: int) -> tuple[int, int]:
    """Return the range of the paragraph around a mention, cut at blanks where it is too long for a screen."""
    text = document.text
    left = text.rfind("\n\n", 0, start)
    left = 0 if left < 0 else left + 2
    right = text.find("\n\n", end)
    right = len(text) if right < 0 else right
    if start - left > REACH:
        left = next((at + 1 for at in range(start - REACH, start) if text[at].isspace()), start - REACH)
    if right - end > REACH:
        right = next((at for at in range(end + REACH, end, -1) if text[at].isspace()), end + REACH)
    return left, right
