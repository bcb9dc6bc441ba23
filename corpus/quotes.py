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
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["quotations"]

Range = tuple[int, int]

CLOSERS: Final = {"“": "”", "„": "“”", "«": "»", "»": "«", '"': '"', "‘": "’", "'": "'", "‹": "›", "”": "”"}
DOUBLE: Final = frozenset('“„«»"”')
SPACED: Final = frozenset("«‹")
NESTING: Final = frozenset("“«")
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
    closings = _Closings(text, start, end)
    at = start
    while mark := MARK.search(text, at, end):
        at = mark.start()
        if not _opens(text, at, start, end):
            at += 1
            continue
        close = closings.of(at)
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
    if mark not in CLOSERS or at + 1 >= end:
        return False
    if text[at + 1].isspace():
        return mark in SPACED and at + 2 < end and not text[at + 2].isspace()  # « Nous partons », as French is printed
    free = at == start or bool(BEFORE_OPENING.match(text[at - 1]))
    if mark in "“„«‹":
        return True
    if mark in "”»":  # as an opening: Swedish, Finnish ”…”, Danish »…«; only at the beginning of a word
        return free and text[at + 1].isalnum()
    if mark == '"':
        return free
    return free and (text[at + 1].isalpha() or text[at + 1] in '…[(“"')


class _Closings:
    """Where the quotations of a paragraph close. Every kind of mark is gone through once, however many stay open."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text, self._start, self._end = text, start, end
        self._partners: dict[str, dict[int, int]] = {}
        self._places: dict[str, list[int]] = {}

    def of(self, at: int) -> int | None:
        """Return where the quotation that opens here closes, or None."""
        mark = self._text[at]
        if mark in NESTING:
            if mark not in self._partners:
                self._partners[mark] = self._paired(mark)
            return self._partners[mark].get(at)
        if mark not in self._places:
            self._places[mark] = list(self._closing(mark))
        places = self._places[mark]
        following = bisect_right(places, at)
        return places[following] if following < len(places) else None

    def _paired(self, mark: str) -> dict[int, int]:
        """Return opening → closing of marks that open anew inside: the innermost open one closes first."""
        partners: dict[int, int] = {}
        opened: list[int] = []
        for found in re.compile(f"[{mark}{CLOSERS[mark]}]").finditer(self._text, self._start, self._end):
            if found.group() == mark:
                opened.append(found.start())
            elif opened:
                partners[opened.pop()] = found.start()
        return partners

    def _closing(self, mark: str) -> Iterator[int]:
        for found in re.compile(f"[{CLOSERS[mark]}]").finditer(self._text, self._start, self._end):
            if _closes(self._text, found.start(), self._end, single=mark in "‘'", straight=mark in "\"'”"):
                yield found.start()


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
