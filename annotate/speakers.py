"""Hold what an attribution is made of, and tell what is known about its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .knowledge import knowledge

__all__ = ["Range", "Saying", "source_type", "with_speakers"]

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Saying:
    """An attribution before it gets an id; all ranges are offsets into the document.

    Attributes:
        speaker: The source, or where that is a pronoun the last source before it that is none.
        sure: How directly it was found: ``clause``, ``phrase``, ``beside``, ``carried``,
            ``quoted`` (nobody is named).
    """

    content: Range
    source: Range | None
    cue: Range | None
    form: str
    source_type: str
    speaker: Range | None
    sure: str


def source_type(text: str, saying: Saying) -> str:
    """Return a value of the scheme's ``source_type`` that the words of a source show, or ``""``."""
    if saying.source is None:
        return ""
    near = text[saying.source[0] : saying.source[1]]
    after = text[saying.source[1] : saying.source[1] + 90].partition("\n")[0].partition(".")[0]
    hidden = (
        "requesting anonymity",
        "condition of anonymity",
        "asked not to be named",
        "speaking anonymously",
        "declined to be named",
    )
    if any(words in after for words in hidden):
        return "anonymous"
    padded = f" {near} "
    for kind, words in knowledge("attribution")["source_type"].items():
        if any(f" {word} " in padded or f" {word.capitalize()} " in padded for word in words):
            return str(kind)
    return ""


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
