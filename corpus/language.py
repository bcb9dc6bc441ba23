"""Tell which language a text is in. The only door to py3langid."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["identify", "normalise_language"]

SAMPLES: Final = (500, 1_500)
"""Code points that are read: first these few, and where they leave any doubt, more; still more changes nothing."""
CERTAIN: Final = 1 - 1e-6
"""From this probability on, the few are enough."""
SURE: Final = 0.9
"""Below this probability the source's own word counts."""


def identify(text: str, *, declared: str = "") -> str:
    """Return the ISO 639-1 code of a text's language, or ``und`` for a text without letters.

    Args:
        text: The whole text; a piece of it is read.
        declared: What the source says, as a code or a tag such as ``en-GB``; it counts where the text
            leaves doubt.
    """
    claimed = normalise_language(declared)
    best, share = "und", 0.0
    for sample in (text[:size] for size in SAMPLES):
        if any(character.isalpha() for character in sample):
            best, share = _told(sample)
        if share >= CERTAIN or len(sample) == len(text):
            break
    return best if share >= SURE or not claimed else claimed


def _told(sample: str) -> tuple[str, float]:
    """Return the likeliest language and its probability."""
    import py3langid

    ranked = py3langid.rank(sample)
    best, top = ranked[0]
    # log probabilities; what is far behind adds nothing
    return str(best), 1 / sum(math.exp(float(score) - float(top)) for _, score in ranked if float(top - score) < 50)


def normalise_language(tag: str) -> str:
    """Return the primary code of a language tag, or the empty string where there is none.

    >>> normalise_language("en_GB"), normalise_language("English"), normalise_language("x")
    ('en', 'en', '')
    """
    primary = tag.strip().lower().replace("_", "-").split("-")[0]
    names = {"english": "en", "french": "fr", "arabic": "ar", "russian": "ru", "ukrainian": "uk", "spanish": "es"}
    names |= {"german": "de", "eng": "en", "fra": "fr", "fre": "fr", "ara": "ar", "rus": "ru", "ukr": "uk", "spa": "es"}
    primary = names.get(primary, primary)
    return primary if len(primary) in (2, 3) and primary.isalpha() and primary.isascii() else ""
