"""Find quotations by their marks.

Curly, straight, angled and low marks, double and single. Two things make it more than pairing:

- **Over paragraphs.** By the printers' rule a quotation that goes on opens anew in each paragraph and closes only
  in the last. An opening without a close counts where the next paragraph opens again; each paragraph then has its
  own quotation, up to its end.
- **Apostrophes.** ``’`` and ``'`` also stand for letters left out and for possession ("the rebels' base"): a single
  mark opens only before a letter at the beginning of a word, and closes only at the end of one.

A quotation inside a quotation is part of the outer one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["quotations"]

Range = tuple[int, int]

CLOSERS: Final = {"“": "”", "„": "“”", "«": "»", "»": "«", '"': '"', "‘": "’", "'": "'", "‹": "›", "”": "”"}
DOUBLE: Final = frozenset('“„«»"”')
MARK: Final = re.compile(f"[{''.join(CLOSERS)}]")
BEFORE_OPENING: Final = re.compile(r"[\s(\[{—–\-/:“”\"«„‘'…]")
AFTER_CLOSING: Final = re.compile(r"[\s)\]}—–\-/:;,.!?…”\"»’'›]")


def quotations(text: str, paragraphs: Sequence[Range]) -> list[Range]:
    """Return the outermost quotations with their marks, in order, as ranges into the text.

    Args:
        text: The whole text.
        paragraphs: Its paragraphs, in order; no range crosses one.
    """
    found: list[Range] = []
    for position, (start, end) in enumerate(paragraphs):
        following = paragraphs[position + 1] if position + 1 < len(paragraphs) else None
        goes_on = following is not None and text[following[0]] in DOUBLE
        found += _in_paragraph(text, start, end, next_mark=text[following[0]] if goes_on and following else "")
    return found


def _in_paragraph(text: str, start: int, end: int, *, next_mark: str) -> list[Range]:
    found: list[Range] = []
    at = start
    while mark := MARK.search(text, at, end):
        at = mark.start()
        if not _opens(text, at, start, end):
            at += 1
            continue
        close = _closing(text, at, start, end)
        if close is not None:
            found.append((at, close + 1))
            at = close + 1
        elif text[at] in DOUBLE and text[at] == next_mark:
            found.append((at, end))
            break
        else:
            at += 1
    return found


def _opens(text: str, at: int, start: int, end: int) -> bool:
    mark = text[at]
    if mark not in CLOSERS or at + 1 >= end or text[at + 1].isspace():
        return False
    free = at == start or bool(BEFORE_OPENING.match(text[at - 1]))
    if mark in "“„«‹":
        return True
    if mark in "”»":  # as an opening: Swedish, Finnish ”…”, Danish »…«; only at the beginning of a word
        return free and text[at + 1].isalnum()
    if mark == '"':
        return free
    return free and (text[at + 1].isalpha() or text[at + 1] in '…[(“"')


def _closing(text: str, at: int, start: int, end: int) -> int | None:
    mark = text[at]
    closers = CLOSERS[mark]
    depth = 0
    for found in re.compile(f"[{mark}{closers}]").finditer(text, at + 1, end):
        here, character = found.start(), found.group()
        if mark in "“«" and character == mark:
            depth += 1  # the same opening again inside
        elif character in closers and _closes(text, here, end, single=mark in "‘'", straight=mark in "\"'”"):
            if depth == 0:
                return here
            depth -= 1
    return None


def _closes(text: str, here: int, end: int, *, single: bool, straight: bool) -> bool:
    if not (single or straight):
        return True
    if text[here - 1].isspace():
        return False
    ends = here + 1 >= end or bool(AFTER_CLOSING.match(text[here + 1]))
    # "the rebels' base": a possessive plural, unless what follows shows the end of the quotation
    if single and ends and text[here - 1] == "s" and here + 2 < end and text[here + 1] == " ":
        return not text[here + 2].islower()
    return ends
