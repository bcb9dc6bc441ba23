"""Cut paragraphs into sentences. The only door to nupunkt.

nupunkt proposes boundaries at about a million words a second; rules of our own then take some back and add some,
because news is full of stops that end nothing (ranks, initials, datelines, quotations of several sentences inside
one sentence) and of abbreviations that do end something ("in Washington D.C. The army …"). The words that the rules
know are data: ``data/sentences.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

__all__ = ["sentences"]

Range = tuple[int, int]

STOP: Final = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s+(?:[\"'“‘«(\[]*[A-Z]|[*(]?\d{1,2}[.)]\s))")
LAST_WORD: Final = re.compile(r"([^\s(\[“‘\"'«”’—–-]+)\.[\"'”’)\]»]*$")
NEXT_WORD: Final = re.compile(r"\s*[\"'“‘«(\[]*([\w’']+)")
ITEM: Final = re.compile(r"[*(]?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]")
ACRONYM: Final = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
HELD_TOGETHER: Final = 150
"""A quotation of at most so many characters is never cut: “We won't leave. We can't,” he said. Longer ones are
several sentences, and treebanks cut them too; the figure is the best on the development data."""


@dataclass(frozen=True, slots=True)
class _Words:
    titles: frozenset[str]
    abbreviations: frozenset[str]
    starters: frozenset[str]


def sentences(text: str, start: int, end: int, *, quoted: Sequence[Range] = ()) -> list[Range]:
    """Return the sentences of one paragraph, in order, as ranges without outer white space.

    Args:
        text: The whole text.
        start: Where the paragraph begins.
        end: Where it ends.
        quoted: Its quotations, as :func:`~copydesk.corpus.quotes.quotations` finds them; none but a long
            one is cut.
    """
    import nupunkt

    paragraph = text[start:end]
    held = [(one - start, other - start) for one, other in quoted if other - one <= HELD_TOGETHER]
    proposed = {len(paragraph[:stop].rstrip()) for _, stop in nupunkt.sent_spans(paragraph)}
    cuts = sorted(proposed | {match.end() for match in STOP.finditer(paragraph)} | {len(paragraph)})
    found: list[Range] = []
    begin = 0
    for cut in cuts:
        last = cut == len(paragraph)
        inside = any(one < cut < other for one, other in held)
        if last or (not inside and _ends(paragraph, begin, cut, proposed=cut in proposed)):
            span = _strip(text, start + begin, start + cut)
            if span[0] < span[1]:
                found.append(span)
            begin = cut
    return found


def _ends(paragraph: str, begin: int, cut: int, *, proposed: bool) -> bool:
    """Tell whether a sentence that begins at `begin` ends at `cut`."""
    words = _words()
    if ITEM.fullmatch(paragraph[begin:cut].strip()):
        return False  # the number of a list item belongs to the item
    following = NEXT_WORD.match(paragraph, cut)
    starter = following is not None and following.group(1) in words.starters
    last = LAST_WORD.search(paragraph, begin, cut)
    if last is None:
        return proposed or paragraph[cut - 1] in "?!" or starter
    word = last.group(1)
    if word in words.titles:
        return False
    if word in words.abbreviations or ACRONYM.fullmatch(word) or re.fullmatch("[A-Z]", word):
        return starter
    # a whole lower-case word in front of the stop is no abbreviation, whatever it was seen with
    return proposed or (word.isalpha() and word.islower() and len(word) > 1) or starter


@cache
def _words() -> _Words:
    source = resources.files("copydesk.corpus") / "data" / "sentences.toml"
    lists = tomllib.loads(source.read_text(encoding="utf-8"))
    return _Words(*(frozenset(lists[name]) for name in ("titles", "abbreviations", "starters")))


def _strip(text: str, start: int, end: int) -> Range:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end
