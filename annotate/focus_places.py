"""Name the places of focus tasks: the mention a task is about, the paragraph it shows, the mentions it offers."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from copydesk.schemas import Document

__all__ = ["Place", "focus_place", "mention_place", "passage", "read_focus", "read_mention"]

REACH: Final = 1_000
"""How many code points of a paragraph are shown on either side of a mention: what fits on a screen."""
_FOCUS: Final = re.compile(r"(\d{1,12})-(\d{1,12})(?:-(\w+))?", re.ASCII)
_MENTION: Final = re.compile(r"(\d{1,12})-(\d{1,12}) (\w+)", re.ASCII)


class Place(NamedTuple):
    """A mention's place; the label is empty where the span says it all."""

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
