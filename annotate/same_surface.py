"""Find where else in a text the same words stand: what is offered when somebody marks one mention.

Letters, digits and marks count as they are written, blanks do not: a double one matches a single one. A place counts
only where no word goes on before or behind it, and no emoji: neither "Aden" in "Adenauer", nor one person in a
family. Scripts that put no blanks between words have no such edge.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["LONGEST", "same_surface", "trimmed"]

LONGEST: Final = 200
"""Code points that a mention may have; a longer one is no name."""
MOST: Final = 500
JOINER: Final = "\N{ZERO WIDTH JOINER}"
_BLANKS: Final = re.compile(r"[^\S\n]+")
_UNSPACED: Final = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a place without the blanks at its edges.

    >>> trimmed("hit  Qasr .", 3, 10)
    (5, 9)
    """
    inside = text[start:end]
    return start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip())


def same_surface(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return every other place with the words of the given one, in order; at most :data:`MOST`.

    >>> same_surface("Aden, Aden's and Adenauer", 0, 4)
    [(6, 10)]
    """
    surface = text[start:end]
    words = [re.escape(word) for word in _BLANKS.split(surface) if word]
    if not words or len(surface) > LONGEST or "\n" in surface:
        return []
    found: list[tuple[int, int]] = []
    for place in re.finditer(r"[^\S\n]+".join(words), text):
        if place.span() != (start, end) and not _cuts(text, place.start()) and not _cuts(text, place.end()):
            found.append(place.span())
            if len(found) == MOST:
                break
    return found


def _cuts(text: str, edge: int) -> bool:
    """Tell whether an offset lies inside a word, or inside what is shown as one character."""
    if edge in (0, len(text)):
        return False
    before, after = text[edge - 1], text[edge]
    if JOINER in (before, after) or _clings(after) or (_is_half_a_flag(before) and _is_half_a_flag(after)):
        return True
    if not (_goes_on(before) and _goes_on(after)):
        return False
    return not (_unspaced(before) or _unspaced(after))


def _clings(character: str) -> bool:
    """Tell whether a character changes the one before it: combining marks, selectors, tones of skin."""
    return unicodedata.category(character).startswith("M") or "\U0001f3fb" <= character <= "\U0001f3ff"


def _goes_on(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character).startswith("M")


def _is_half_a_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _unspaced(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_UNSPACED)
