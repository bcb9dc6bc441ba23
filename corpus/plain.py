"""Find the blocks of a plain text: its headline and its paragraphs.

Plain text comes in two habits, and one file may mix them::

    one paragraph a line              hard-wrapped, empty lines between

    Rebels enter the city             Rebels enter the city
    The army said on Friday …
    Residents fled north …            The army said on Friday
                                      that its units …

In the second, a line end inside a group means nothing. A text is taken as hard-wrapped where most lines
that are not the last of their group are short and do not end as a sentence does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["is_headline", "paragraphs", "placed_paragraphs", "split_headline"]

Range = tuple[int, int]

LINE: Final = re.compile(r"[^\n]+")
GROUP_BREAK: Final = re.compile(r"\n\s*\n")
SENTENCE_END: Final = re.compile(r"[.!?…:;][\"'”’»)\]]*$")
BULLET: Final = re.compile(r"(?:[-*•–—] |\d{1,2}[.)] )")
HEADING: Final = re.compile(r"#{1,6} +")  # Markdown; a hashtag has no blank
UNDERLINE: Final = re.compile(r"[-=_*~#\s]{3,}")
FULL_STOP: Final = re.compile(r"[.;,:…][\"'”’»)\]]*$")
INITIALS: Final = re.compile(r"\b(?:[A-Z]\.){2,}$")
WRAP_WIDTH: Final = 120
HEADLINE_LENGTH: Final = 200
HEADLINE_WORDS: Final = 30


def paragraphs(text: str) -> list[str]:
    """Return the blocks of a clean text (see :func:`~copydesk.corpus.clean`), without empty ones.

    >>> paragraphs("The army said on Friday\\nthat it had left.\\n\\nResidents fled north\\nby night.")
    ['The army said on Friday that it had left.', 'Residents fled north by night.']
    >>> paragraphs("Rebels enter the city\\nThe army said it had left.\\nResidents fled.")
    ['Rebels enter the city', 'The army said it had left.', 'Residents fled.']
    """
    return [" ".join(text[start:end] for start, end in lines) for lines in placed_paragraphs(text)]


def placed_paragraphs(text: str) -> list[list[Range]]:
    """Return where the blocks of a clean text stand: for each the ranges of its lines, without heading marks."""
    groups = list(_groups(text))
    lines = [[text[start:end] for start, end in group] for group in groups]
    if not _is_wrapped(lines):
        return [[place] for group in groups for place in group if not UNDERLINE.fullmatch(text, *place)]
    blocks = [block for group, words in zip(groups, lines, strict=True) for block in _unwrap(group, words)]
    return [block for block in blocks if not UNDERLINE.fullmatch(text, block[0][0], block[-1][1])]


def _groups(text: str) -> Iterator[list[Range]]:
    """Yield the lines of every group between empty lines, without outer white space and heading marks."""
    borders = [0, *(place for gap in GROUP_BREAK.finditer(text) for place in gap.span()), len(text)]
    for start, end in zip(borders[::2], borders[1::2], strict=True):
        yield [place for line in LINE.finditer(text, start, end) if (place := _without_mark(text, *line.span()))]


def _without_mark(text: str, start: int, end: int) -> Range | None:
    line = text[start:end]
    start += len(line) - len(line.lstrip())
    end = start + len(line.strip())
    if mark := HEADING.match(text, start, end):
        start = mark.end()
    return (start, end) if start < end else None


def is_headline(block: str) -> bool:
    """Tell whether a first block reads as a headline: short, on its own, without a full stop at its end."""
    if len(block) > HEADLINE_LENGTH or len(block.split()) > HEADLINE_WORDS:
        return False
    return not FULL_STOP.search(block) or bool(INITIALS.search(block))


def split_headline(blocks: Sequence[str]) -> tuple[str, list[str]]:
    """Return the headline (or the empty string) and the other blocks."""
    if len(blocks) > 1 and is_headline(blocks[0]):
        return blocks[0], list(blocks[1:])
    return "", list(blocks)


def _is_wrapped(groups: Sequence[Sequence[str]]) -> bool:
    inner = [line for group in groups for line in group[:-1] if not UNDERLINE.fullmatch(line)]
    if groups and len(groups[0]) > 1 and is_headline(groups[0][0]):
        inner = inner[1:]  # a headline right above its text says nothing about the text
    if len(inner) < 2 and len(groups) < 2:
        return False
    if not inner or max(map(len, inner)) > WRAP_WIDTH:
        return False
    open_ended = sum(not SENTENCE_END.search(line) for line in inner)
    return 2 * open_ended > len(inner)


def _unwrap(places: Sequence[Range], lines: Sequence[str]) -> list[list[Range]]:
    blocks: list[list[Range]] = []
    width = max(map(len, lines), default=0)
    for position, line in enumerate(lines):
        before = lines[position - 1]
        short = position > 0 and len(before) < 0.6 * width
        starts = not blocks or BULLET.match(line) or UNDERLINE.fullmatch(line) or UNDERLINE.fullmatch(before)
        if starts or (short and SENTENCE_END.search(before)):
            blocks.append([places[position]])
        else:
            blocks[-1].append(places[position])
    return blocks
