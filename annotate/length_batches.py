"""Put examples of like length into one batch, so that little is computed for padding."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

__all__ = ["length_batches"]

_CHUNK: Final = 20
"""Sorted within so many batches only: sorted as a whole, a batch would meet the same neighbours in each epoch."""


def length_batches(lengths: Sequence[int], size: int, draws: random.Random) -> list[list[int]]:
    """Return every position once, in batches of at most `size` and of like length, in random order."""
    order = list(range(len(lengths)))
    draws.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), _CHUNK * size):
        chunk = sorted(order[start : start + _CHUNK * size], key=lambda position: lengths[position])
        batches += [chunk[low : low + size] for low in range(0, len(chunk), size)]
    draws.shuffle(batches)
    return batches
