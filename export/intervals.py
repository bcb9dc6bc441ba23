"""Say how sure a number is that rests on few: intervals for a share and for a mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

__all__ = ["mean_interval", "share_interval"]

_Z: Final = 1.959964


def share_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), which stays between 0 and 1 however small n is.

    Raises:
        ValueError: Nothing was counted.

    >>> [round(end, 2) for end in share_interval(9, 10)]
    [0.6, 0.98]
    """
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"no share of {n}: {hits}")
    share = hits / n
    below = 1 + _Z**2 / n
    middle = (share + _Z**2 / (2 * n)) / below
    wide = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / below
    return max(0.0, middle - wide), min(1.0, middle + wide)


def mean_interval(grades: Mapping[int, int], *, low: int = -2, high: int = 2) -> tuple[float, float]:
    """Return the 95 % interval of the mean of grades on a bounded scale, from their counts.

    A normal interval around a mean that one imagined grade at each end of the scale has pulled to the middle (after Agresti
    and Coull 1998): without them, three equal grades would be certain.

    Raises:
        ValueError: There are no grades.

    >>> [round(end, 2) for end in mean_interval({-2: 3})]
    [-2.0, 0.06]
    """
    n = sum(grades.values())
    if not n:
        raise ValueError("no grades")
    seen = dict(grades)
    for end in (low, high):
        seen[end] = seen.get(end, 0) + 1
    size = n + 2
    mean = sum(grade * number for grade, number in seen.items()) / size
    spread = math.sqrt(sum(number * (grade - mean) ** 2 for grade, number in seen.items()) / size)
    wide = _Z * spread / math.sqrt(size)
    return max(float(low), mean - wide), min(float(high), mean + wide)
