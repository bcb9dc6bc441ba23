"""Lay out one person's units of one label on a text, and say how two people's differ: what alpha_U is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

__all__ = ["Place", "difference", "gaps", "side_by_side"]

Place: TypeAlias = tuple[int, int]
"""Half-open code-point offsets."""


def side_by_side(places: Iterable[Place]) -> tuple[list[Place], int]:
    """Return units that do not overlap, in order, and how many were left out: of two the longer one stays."""
    kept: list[Place] = []
    dropped = 0
    for start, end in sorted(places, key=lambda place: (place[0] - place[1], place)):
        if any(start < other[1] and other[0] < end for other in kept):
            dropped += 1
        else:
            kept.append((start, end))
    return sorted(kept), dropped


def difference(left: Sequence[Place], right: Sequence[Place]) -> float:
    """Return the sum of squared differences of two people's units (Krippendorff 2004, section 11.6.3)."""
    total = 0.0
    alone = set(right)
    for start, end in left:
        met = [other for other in right if start < other[1] and other[0] < end]
        total += sum((start - other[0]) ** 2 + (end - other[1]) ** 2 for other in met) or 0.0
        alone.difference_update(met)
        if not met:
            total += (end - start) ** 2
    return total + sum((end - start) ** 2 for start, end in alone)


def gaps(units: Sequence[Place], length: int) -> Iterator[int]:
    """Yield the lengths of what lies between units, and before the first and behind the last, of a text so long."""
    at = 0
    for start, end in units:
        if start > at:
            yield start - at
        at = end
    if length > at:
        yield length - at
