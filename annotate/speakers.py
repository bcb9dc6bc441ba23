"""Hold what an attribution is made of, and tell what is known about its source."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from .knowledge import knowledge

__all__ = ["Range", "Saying", "score_of", "source_type", "with_speakers"]

Range = tuple[int, int]
_NEAR: Final = 120
"""How far behind a source it may be said that it shall stay unnamed."""


@dataclass(frozen=True, slots=True)
class Saying:
    """An attribution before it gets an id; all ranges are offsets into the document.

    Attributes:
        speaker: The source, or where that is a pronoun the last source before it that is none.
        sure: How directly it was found: ``clause``, ``phrase``, ``beside``, ``carried``,
            ``turn`` (of a transcript), ``quoted`` (nobody is named).
    """

    content: Range
    source: Range | None
    cue: Range | None
    form: str
    source_type: str
    speaker: Range | None
    sure: str


def score_of(saying: Saying) -> float:
    """Return how often an attribution found in this way, and of this form, was right on development data."""
    scores = knowledge("attribution")["scores"]
    return float(scores.get(f"{saying.sure}:{saying.form}", scores["other"]))


def source_type(text: str, saying: Saying) -> str:
    """Return a value of the scheme's ``source_type`` that the words of a source show, or ``""``."""
    if saying.source is None:
        return ""
    start, end = saying.source
    limit = text.find("\n", end, end + _NEAR)
    after = text[end : end + _NEAR if limit < 0 else limit].partition(". ")[0]
    if _hidden().search(after) or _hidden().search(text, start, end):
        return "anonymous"
    near = f" {text[start:end]} "
    return next((kind for kind, words in _types() if words.search(near)), "")


@cache
def _hidden() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, knowledge("attribution")["phrases"]["hidden"])))


@cache
def _types() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return each type of source with its words, as written or with a capital, between spaces."""
    found = []
    for kind, words in knowledge("attribution")["source_type"].items():
        forms = sorted({form for word in words for form in (word, word.capitalize())}, key=len, reverse=True)
        found.append((kind, re.compile(rf" (?:{'|'.join(map(re.escape, forms))})[ ,’']")))
    return tuple(found)


def with_speakers(text: str, sayings: Iterable[Saying]) -> list[Saying]:
    """Return the sayings with pronoun sources read as the last source before them that is no pronoun."""
    named: Range | None = None
    found: list[Saying] = []
    for saying in sorted(sayings, key=lambda s: s.source or s.content):
        if saying.source is None:
            found.append(saying)
            continue
        if text[slice(*saying.source)].lower() in ("he", "she", "they", "it"):
            near = named is not None and text.count("\n\n", named[1], saying.source[0]) <= 1
            found.append(replace(saying, speaker=named if near else None))
        else:
            named = saying.source
            found.append(replace(saying, speaker=named))
    return sorted(found, key=lambda s: (s.content, s.cue or s.content))
