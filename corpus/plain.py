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
from collections.abc import Sequence
from typing import Final

__all__ = ["is_headline", "paragraphs", "split_headline"]

GROUP_BREAK: Final = re.compile(r"\n\s*\n")
SENTENCE_END: Final = re.compile(r"[.!?…:;][\"'”’»)\]]*$")
BULLET: Final = re.compile(r"(?:[-*•–—] |\d{1,2}[.)] )")
HEADING: Final = re.compile(r"^#{1,6} +")  # Markdown; a hashtag has no blank
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
    groups = [group.split("\n") for group in GROUP_BREAK.split(text)]
    groups = [[HEADING.sub("", line.strip()) for line in group if line.strip()] for group in groups]
    if not _is_wrapped(groups):
        return [line for group in groups for line in group if not UNDERLINE.fullmatch(line)]
    return [block for group in groups for block in _unwrap(group) if not UNDERLINE.fullmatch(block)]


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


def _unwrap(group: Sequence[str]) -> list[str]:
    blocks: list[str] = []
    width = max(map(len, group), default=0)
    for position, line in enumerate(group):
        short = position > 0 and len(group[position - 1]) < 0.6 * width
        starts = (
            not blocks or BULLET.match(line) or UNDERLINE.fullmatch(line) or UNDERLINE.fullmatch(group[position - 1])
        )
        if starts or (short and SENTENCE_END.search(group[position - 1])):
            blocks.append(line)
        else:
            blocks[-1] += " " + line
    return blocks
