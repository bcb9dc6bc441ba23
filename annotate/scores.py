"""Say how likely a mention is to be exactly right, from how it came about.

The weights of ``data/scores.toml`` are a logistic regression on development data: one per origin and label, shrunk
towards the mean, and one per sign of confidence. ``python -m benchmarks scores`` makes the file anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from .knowledge import knowledge
from .mentions import OWN, Mention

__all__ = ["score", "signs"]


def signs(mention: Mention, text: str) -> Iterator[str]:
    """Yield what speaks for or against a mention: its origin and label, agreement, repeats, length, case, place."""
    yield f"{mention.origin}:{mention.label}"
    yield f"origin:{'model' if mention.origin == 'model' else 'rule'}"
    if mention.agreed:
        yield f"agreed:{'model' if mention.origin == 'model' else 'rule'}"
    if mention.times > 1:
        yield "repeated" if mention.times < 4 else "often"
    words = text[mention.start : mention.end].split()
    yield f"words:{min(len(words), 4)}"
    if mention.origin == "model":
        if len(words) == 1 and (
            mention.start == 0 or text[max(0, mention.start - 2) : mention.start] in (". ", "\n\n")
        ):
            yield "begins"
        if len(words) == 1 and words[0].isupper():
            yield "capitals"
    following = text[mention.end : mention.end + 1]
    if following == "-" or (following == " " and text[mention.end + 1 : mention.end + 2].isupper()):
        yield "goes on"


def score(mention: Mention, text: str) -> float:
    """Return the probability that a mention is exactly right, from 0 to 1.

    A model that says how sure it is keeps its word. A desk's own entry, and what a trained model says without a
    probability, have one score each: here nothing was measured mention by mention.
    """
    data = knowledge("scores")
    if mention.score is not None:
        return mention.score
    if mention.origin == OWN:
        return float(data["own"])
    if mention.learnt:
        return float(data["learnt"])
    weights = data["weights"]
    total = data["bias"] + sum(weights.get(sign, 0.0) for sign in signs(mention, text))
    return round(1 / (1 + math.exp(-total)), 3)
