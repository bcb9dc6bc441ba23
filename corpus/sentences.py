"""Cut paragraphs into sentences. The only door to nupunkt.

In English, nupunkt proposes boundaries at millions of words a second; rules of our own then take some back and add
some, because news is full of stops that end nothing (ranks, initials, datelines, quotations of several sentences inside
one sentence) and of abbreviations that do end something ("in Washington D.C. The army …"). Other languages have the
rules alone: a stop ends a sentence unless what stands before it is an abbreviation or an initial, or what follows
begins with a small letter. The words that the rules know are data: ``data/sentences.toml`` for English,
``data/sentences_other.toml`` for the rest.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

__all__ = ["block_sentences", "sentences"]

Range = tuple[int, int]

CLOSERS: Final = "\"'”’»)\\]"
OPENERS: Final = "\"'“‘«„‹(\\["
STOP: Final = re.compile(rf"(?<![.!?…])[.!?…]++[{CLOSERS}]*+(?=\s+(?:[{OPENERS}]*[A-Z]|[*(]?\d{{1,2}}[.)]\s))")
CREDIT: Final = re.compile(r"\s(?:Image|Photo|Photograph|Picture|Credit|Video): [A-Z]")
STOP_ELSEWHERE: Final = re.compile(rf"(?<![.!?…؟۔])[.!?…؟۔]++[{CLOSERS}“]*+(?=\s+[{OPENERS}¿¡—–\-\s]*\w)")
CLOSING: Final = frozenset("\"'”’»)]“")
BEFORE_WORD: Final = frozenset("([“‘\"'«„”’—–- \t\n\r\f\v")
NEXT_WORD: Final = re.compile(rf"\s*[{OPENERS}]*([\w’']+)")
NEXT_LETTER: Final = re.compile(rf"\s*[{OPENERS}¿¡—–\-\s]*(\w)")
SMALL: Final = re.compile(r"\s*(?!(?:van|von|de|der|di|da|du|la|le|bin|ibn)\s)[a-z]+(?=$|[\s.,;:!?])")
PLACE_OF_TIME: Final = re.compile(r"\s*(?:[A-Z]{2,5}\b|(?:[A-Z][a-z]+ ){1,2}[Tt]ime\b)")
NUMBER: Final = re.compile(r"\s*(?:\d|[IVXLC]+\b)")
ITEM: Final = re.compile(r"\s*[*(]?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]\s*")
AFTER_NUMBER: Final = re.compile(rf"\d\s\w+\.[{CLOSERS}“]*$")
ACRONYM: Final = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
FREE_BEFORE: Final = re.compile(rf"(?:^|\n|[.!?][{CLOSERS}]*\s)$")
FREE_AFTER: Final = re.compile(r"$|\n|\s[A-Z“\"«]")
LONGEST_WORD: Final = 48
"""How far back a rule looks for the word before a stop; nothing that it knows is longer."""
HELD_TOGETHER: Final = 150
"""A quotation of at most so many characters is never cut: “We won't leave. We can't,” he said. Longer ones are
several sentences, and treebanks cut them too; the figure is the best on the development data."""


@dataclass(frozen=True, slots=True)
class _Words:
    titles: frozenset[str]
    abbreviations: frozenset[str]
    starters: frozenset[str]
    numbered: frozenset[str]
    times: frozenset[str]
    days: frozenset[str]


def sentences(text: str, start: int, end: int, *, quoted: Sequence[Range] = (), language: str = "en") -> list[Range]:
    """Return the sentences of one paragraph, in order, as ranges without outer white space.

    Args:
        text: The whole text.
        start: Where the paragraph begins.
        end: Where it ends.
        quoted: Its quotations, as :func:`~copydesk.corpus.quotes.quotations` finds them; none but a long
            one is cut.
        language: ISO 639-1 code; ``und`` and the empty string are read as English.
    """
    # only the paragraph is handed on, so that many calls for one long text stay cheap
    inside = [(one - start, other - start) for one, other in quoted if start <= one and other <= end]
    found = block_sentences(text[start:end], [(0, end - start)], quoted=inside, language=language)
    return [(start + one, start + other) for one, other in found[0]]


def block_sentences(
    text: str, blocks: Sequence[Range], *, quoted: Sequence[Range] = (), language: str = "en"
) -> list[list[Range]]:
    """Return the sentences of every block of a text, as :func:`sentences` does; one call is much faster than many.

    Args:
        text: The whole text.
        blocks: Its paragraphs, headlines and captions, in order; no sentence crosses one.
        quoted: Its quotations, in order.
        language: ISO 639-1 code.
    """
    held = [span for span in quoted if span[1] - span[0] <= HELD_TOGETHER and not _stands_free(text, *span)]
    if language in ("en", "und", ""):
        proposed = _proposed(text)
        cuts = {match.end() for match in STOP.finditer(text)} | proposed | _before_credits(text)
        decide = _English(text, proposed).ends
    else:
        cuts = {match.end() for match in STOP_ELSEWHERE.finditer(text)}
        decide = _Elsewhere(text, language).ends
    ordered = sorted(cuts)
    starts = [start for start, _ in held]
    found: list[list[Range]] = []
    for start, end in blocks:
        spans: list[Range] = []
        begin = start
        for cut in ordered[bisect_right(ordered, start) : bisect_left(ordered, end)]:
            quote = bisect_left(starts, cut) - 1
            if quote >= 0 and cut < held[quote][1]:
                continue
            if decide(begin, cut):
                spans.append(_strip(text, begin, cut))
                begin = cut
        spans.append(_strip(text, begin, end))
        found.append([span for span in spans if span[0] < span[1]])
    return found


def _stands_free(text: str, start: int, end: int) -> bool:
    """Tell whether nobody is said to have spoken a quotation: it begins a sentence and ends one."""
    return bool(
        text[end - 2] == "." and FREE_BEFORE.search(text, max(0, start - 4), start) and FREE_AFTER.match(text, end)
    )


def _proposed(text: str) -> set[int]:
    """Return where nupunkt ends sentences. Its decisions look at two words, so paragraphs need no calls of their own."""
    import nupunkt

    found: set[int] = set()
    for start, end in nupunkt.sent_spans(text):
        found.add(_strip(text, start, end)[1])
    return found


def _before_credits(text: str) -> set[int]:
    """Return where a caption without a full stop ends, because the name of its photographer follows."""
    places = (match.start() for match in CREDIT.finditer(text))
    return {place for place in places if place and not (text[place - 1].isspace() or text[place - 1] in ".:;,—–-")}


class _English:
    def __init__(self, text: str, proposed: set[int]) -> None:
        self.text, self.proposed, self.words = text, proposed, _words()

    def ends(self, begin: int, cut: int) -> bool:
        """Tell whether a sentence that begins at `begin` ends at `cut`."""
        text, words = self.text, self.words
        proposed = cut in self.proposed
        if cut - begin < 8 and ITEM.fullmatch(text, begin, cut):
            return False  # the number of a list item belongs to the item
        following = NEXT_WORD.match(text, cut)
        starter = following is not None and following.group(1) in words.starters
        word = _last_word(text, begin, cut)
        if not word:
            return proposed or text[cut - 1] in "?!" or starter or text[cut - 1] not in ".…"
        if word in words.titles or SMALL.match(text, cut):
            return False
        if word in words.numbered:
            return not NUMBER.match(text, cut)
        if word in words.times:
            return not (PLACE_OF_TIME.match(text, cut) or (following and following.group(1) in words.days))
        if word in words.abbreviations or ACRONYM.fullmatch(word) or re.fullmatch("[A-Z]", word):
            return starter
        # a whole lower-case word in front of the stop is no abbreviation, whatever it was seen with
        return proposed or (word.isalpha() and word.islower() and len(word) > 1) or starter


class _Elsewhere:
    def __init__(self, text: str, language: str) -> None:
        self.text, self.words = text, _elsewhere(language)

    def ends(self, begin: int, cut: int) -> bool:
        """Tell whether a sentence that begins at `begin` ends at `cut`."""
        if cut - begin < 8 and ITEM.fullmatch(self.text, begin, cut):
            return False
        following = NEXT_LETTER.match(self.text, cut)
        if following is None or following.group(1).islower():
            return False  # letters without case, as in Arabic, are not lower
        word = _last_word(self.text, begin, cut)
        if not word:
            return True
        never, closing, phrases = self.words
        if word.casefold() in closing or self.text.endswith(phrases, begin, cut - 1):
            return True
        if AFTER_NUMBER.search(self.text, max(begin, cut - LONGEST_WORD), cut):
            return True  # a unit or a year: "2024 г. Армия"
        return not (word.casefold() in never or (len(word) == 1 and word.isalpha()) or ACRONYM.fullmatch(word))


@cache
def _words() -> _Words:
    source = resources.files("copydesk.corpus") / "data" / "sentences.toml"
    lists = tomllib.loads(source.read_text(encoding="utf-8"))
    return _Words(**{name: frozenset(words) for name, words in lists.items()})


@cache
def _elsewhere(language: str) -> tuple[frozenset[str], frozenset[str], tuple[str, ...]]:
    """Return the abbreviations that never end a sentence, and the words and phrases that do before a capital."""
    source = resources.files("copydesk.corpus") / "data" / "sentences_other.toml"
    lists = tomllib.loads(source.read_text(encoding="utf-8")).get(language, {})
    closing = lists.get("closing", ())
    phrases = tuple(phrase for phrase in closing if " " in phrase)
    return frozenset(lists.get("never", ())), frozenset(closing), phrases


def _last_word(text: str, begin: int, cut: int) -> str:
    """Return the word before the stop that a sentence ends with, or the empty string where it ends otherwise."""
    while cut > begin and text[cut - 1] in CLOSING:
        cut -= 1
    if cut == begin or text[cut - 1] != ".":
        return ""
    end = at = cut - 1
    while at > max(begin, end - LONGEST_WORD) and text[at - 1] not in BEFORE_WORD:
        at -= 1
    return text[at:end]


def _strip(text: str, start: int, end: int) -> Range:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end
