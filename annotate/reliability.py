"""Compute chance-corrected agreement from sums that are additive over documents.

Every measure here is a function of sums, so a bootstrap over documents needs no second look at any annotation: the
sums of a resample are a weighted sum of what each document adds. All functions take arrays of the same shape (one
value for each resample) and return one; where a measure is not defined the value is NaN, never a comfortable 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers: TypeAlias = npt.NDArray[np.float64]

__all__ = ["UnitSums", "alpha", "dice", "kappa", "ordinal_alpha", "unitizing_alpha"]


def dice(shared: Numbers, total: Numbers) -> Numbers:
    """Return the share of what two people marked that both marked (Dice 1945); of exact spans this is their F1.

    Args:
        shared: Marks of either side that the other side has too.
        total: Marks of both sides.
    """
    return _divided(shared, total)


def _divided(above: Numbers, below: Numbers) -> Numbers:
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


def alpha(frequencies: Numbers, same: Numbers) -> Numbers:
    """Return Krippendorff's alpha of values of which any two differ alike (Krippendorff 2011, section B).

    Args:
        frequencies: How often each value was given to things that two or more people valued; shape (…, values).
        same: Of the same things, what agrees: each that m people valued adds, for every ordered pair of two of them
            who gave one value, 1 / (m - 1); shape (…).

    Returns:
        Shape (…): 1 where all agree, 0 where chance would do as well, below 0 where it would do better; NaN where
        nothing was valued twice, or all values are one and the same, so that there is nothing to tell apart.
    """
    total = frequencies.sum(axis=-1)
    return 1.0 - _divided((total - 1) * (total - same), total**2 - (frequencies**2).sum(axis=-1))


def ordinal_alpha(coincidences: Numbers) -> Numbers:
    """Return Krippendorff's alpha of ranks (Krippendorff 2011, section C).

    Args:
        coincidences: Shape (…, values, values), symmetric, lowest rank first: each thing that m people valued adds,
            for every ordered pair of two of them, 1 / (m - 1) where their values cross.

    Returns:
        Shape (…); as told by :func:`alpha`.
    """
    import numpy as np

    frequencies = coincidences.sum(axis=-1)
    total = frequencies.sum(axis=-1)
    middle = np.cumsum(frequencies, axis=-1) - frequencies / 2
    # two ranks differ by the square of how many values lie between them, half of each end counted
    distance = (middle[..., :, None] - middle[..., None, :]) ** 2
    observed = (coincidences * distance).sum(axis=(-1, -2))
    expected = (frequencies[..., :, None] * frequencies[..., None, :] * distance).sum(axis=(-1, -2))
    return 1.0 - _divided(observed * (total - 1), expected)


def kappa(same: Numbers, left: Numbers, right: Numbers) -> Numbers:
    """Return Cohen's kappa of two people (Cohen 1960).

    Args:
        same: How often they gave one value; shape (…).
        left: How often the one gave each value; shape (…, values).
        right: How often the other did.

    Returns:
        Shape (…); NaN where both gave but one value throughout.
    """
    total = left.sum(axis=-1)
    return 1.0 - _divided(total * (total - same), total**2 - (left * right).sum(axis=-1))


@dataclass(frozen=True, slots=True)
class UnitSums:
    """What alpha for unitizing is made of, of one label among one set of annotators.

    Attributes:
        annotators: How many.
        length: Code points of the texts that they read.
        observed: Sum of the squared differences between the units of every two of them.
        lengths: The lengths of units that occur, ascending; shape (kinds,).
        units: How many units have each of these lengths; shape (…, kinds).
        room: For each of these lengths b, the sum of g - b + 1 over the gaps g that are as long; shape (…, kinds).
    """

    annotators: int
    length: Numbers
    observed: Numbers
    lengths: Numbers
    units: Numbers
    room: Numbers

    def disagreements(self) -> tuple[Numbers, Numbers]:
        """Return observed and expected disagreement; both of shape (…)."""
        people, total = self.annotators, self.annotators * self.length
        observed = _divided(2 * self.observed, people * (people - 1) * self.length**2)
        b = self.lengths
        number = self.units.sum(axis=-1, keepdims=True)
        of_units = (number - 1) / 3 * (2 * b**3 - 3 * b**2 + b)
        above = (self.units * (of_units + b**2 * self.room)).sum(axis=-1)
        below = total * (total - 1) - (self.units * b * (b - 1)).sum(axis=-1)
        return observed, _divided(2 * above, self.length * below)


def unitizing_alpha(sums: Mapping[str, Sequence[UnitSums]]) -> Numbers:
    """Return Krippendorff's alpha for unitizing, alpha_U (Krippendorff 1995; 2004, section 11.6).

    Disagreements are averaged over labels. Where not all annotators read the same texts, each set of annotators is a
    continuum of its own, weighted by what they read. A gap ends where its document does.

    Args:
        sums: Label to its sums, one for each set of annotators.
    """
    import numpy as np

    parts = [(part, *part.disagreements()) for label in sums.values() for part in label]
    weights = [part.annotators * part.length for part, _, _ in parts]
    observed = sum(weight * np.nan_to_num(found) for weight, (_, found, _) in zip(weights, parts, strict=True))
    expected = sum(weight * np.nan_to_num(found) for weight, (_, _, found) in zip(weights, parts, strict=True))
    return 1.0 - _divided(np.asarray(observed, dtype=np.float64), np.asarray(expected, dtype=np.float64))
