"""Cut text into words with offsets, and find word groups among them.

Rules read words, not model tokens, so that they can be tested, and run, without any model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

__all__ = ["LONGEST_WORD", "Phrases", "Word", "bounded", "words_of"]

T = TypeVar("T")

_WORD: Final = re.compile(r"(?:[A-Z]\.){2,}|\w+(?:[-’'.]\w+)*")
_ENDLESS: Final = re.compile(r"(\\[wd]|(?<!\\)\[(?:\\.|[^\]\\])+\])([+*])")
LONGEST_WORD: Final = 60
"""Code points. Nothing longer is a word of news, and a pattern need not look at more of it."""
_GENITIVE: Final = ("'s", "’s")


def bounded(pattern: str) -> str:
    """Return a regular expression whose runs of letters or digits end after :data:`LONGEST_WORD`.

    On a chain of 100,000 hyphenated words an endless run is gone through again from every word of it.

    >>> bounded(r"[A-Z][\\w'-]+ \\d+")
    "[A-Z][\\\\w'-]{1,60} \\\\d{1,60}"
    """
    return _ENDLESS.sub(lambda found: f"{found[1]}{{{'1' if found[2] == '+' else '0'},{LONGEST_WORD}}}", pattern)


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its offsets; a genitive ``'s`` is left outside.

    Attributes:
        joined: Whether only one space lies between this word and the one before.
        genitive: Whether a ``'s`` follows.
        after_plural: Whether only a plural's apostrophe and one space lie before it: "Workers' Party".
    """

    start: int
    end: int
    text: str
    lower: str
    joined: bool
    genitive: bool
    after_plural: bool


def words_of(text: str) -> list[Word]:
    """Return the words of a text in order.

    >>> [word.text for word in words_of("U.S. forces hit al-Nusra's base.")]
    ['U.S.', 'forces', 'hit', 'al-Nusra', 'base']
    """
    found: list[Word] = []
    last = -2
    for match in _WORD.finditer(text):
        start, end = match.span()
        word = match.group()
        joined = start == last + 1 and text[last] in "  "
        after_plural = start == last + 2 and text[last:start] in ("' ", "’ ")
        last = end
        genitive = word.endswith(_GENITIVE)
        if genitive:
            word, end = word[:-2], end - 2
        found.append(Word(start, end, word, word.lower(), joined, genitive, after_plural))
    return found


class Phrases(Generic[T]):
    """A table of word groups, looked up by their last word.

    Args:
        entries: Word group and what it stands for.
        lower: Whether capitals count for nothing.
    """

    def __init__(self, entries: Iterable[tuple[str, T]], *, lower: bool) -> None:
        self._lower = lower
        self._by_last: dict[str, list[tuple[tuple[str, ...], T]]] = {}
        for phrase, value in entries:
            group = tuple((word.lower if lower else word.text) for word in words_of(phrase))
            if group:
                self._by_last.setdefault(group[-1], []).append((group, value))
        for groups in self._by_last.values():
            groups.sort(key=lambda group: -len(group[0]))  # the longest first

    def find(self, words: Sequence[Word]) -> Iterator[tuple[int, int, T]]:
        """Yield (index of the first word, index after the last, value) of every word group found.

        Of groups that end at the same word the longest comes first.
        """
        for last, word in enumerate(words):
            for group, value in self._by_last.get(word.lower if self._lower else word.text, ()):
                first = last - len(group) + 1
                if first >= 0 and self._same(words, first, group):
                    yield first, last + 1, value

    def _same(self, words: Sequence[Word], first: int, group: tuple[str, ...]) -> bool:
        for step, expected in enumerate(group):
            word = words[first + step]
            if (word.lower if self._lower else word.text) != expected or (
                step and not (word.joined or word.after_plural)
            ):
                return False
        return True
