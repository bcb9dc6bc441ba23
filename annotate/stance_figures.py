"""Fit temperatures and count how good and how honest probabilities are; plain functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .stance_items import CLASSES, Calibration, Probabilities

__all__ = ["Figures", "expected_error", "fit_temperature", "log_loss", "macro_f1", "recall_average"]


@dataclass(frozen=True, slots=True)
class Figures:
    """How good a model is on a development part; everything but `n` in per cent.

    Attributes:
        n: Targets.
        macro_f1: Mean F1 of the three classes; `recall` their mean recall.
        calibration_error: See :func:`expected_error`.
    """

    n: int = 0
    macro_f1: float = 0.0
    accuracy: float = 0.0
    recall: float = 0.0
    calibration_error: float = 0.0

    @classmethod
    def of(cls, scores: Sequence[Sequence[float]], truth: Sequence[int], temperature: float) -> Figures:
        """Return the figures of rows of logits at a temperature; fitted and counted on the same rows."""
        rows = Calibration(temperature).probabilities(scores)
        said = [best(row) for row in rows]
        right = sum(one == other for one, other in zip(said, truth, strict=True))
        return cls(
            n=len(truth),
            macro_f1=round(100 * macro_f1(said, truth), 2),
            accuracy=round(100 * right / max(len(truth), 1), 2),
            recall=round(100 * recall_average(said, truth), 2),
            calibration_error=round(100 * expected_error(rows, truth), 2),
        )


def best(row: Sequence[float]) -> int:
    """Return the position of the largest number, the first of equals."""
    return max(range(len(row)), key=lambda place: row[place])


def macro_f1(said: Sequence[int], truth: Sequence[int]) -> float:
    """Return the mean F1 of the classes, from 0 to 1."""
    scores = []
    for label in range(len(CLASSES)):
        right = sum(one == other == label for one, other in zip(said, truth, strict=True))
        scores.append(2 * right / max(sum(one == label for one in (*said, *truth)), 1))
    return sum(scores) / len(scores)


def recall_average(said: Sequence[int], truth: Sequence[int]) -> float:
    """Return the mean recall of the classes that occur, from 0 to 1."""
    recalls = []
    for label in sorted(set(truth)):
        mine = [one for one, other in zip(said, truth, strict=True) if other == label]
        recalls.append(sum(one == label for one in mine) / len(mine))
    return sum(recalls) / max(len(recalls), 1)


def expected_error(rows: Sequence[Probabilities], truth: Sequence[int], *, bins: int = 10) -> float:
    """Return the expected calibration error of the likeliest class in equally wide bins (Guo et al. 2017), 0 to 1."""
    held: dict[int, list[tuple[float, bool]]] = {}
    for row, label in zip(rows, truth, strict=True):
        top = best(row)
        held.setdefault(min(int(row[top] * bins), bins - 1), []).append((row[top], top == label))
    gaps = (abs(sum(sure for sure, _ in bin_) - sum(right for _, right in bin_)) for bin_ in held.values())
    return sum(gaps) / max(len(truth), 1)


def log_loss(rows: Sequence[Probabilities], truth: Sequence[int]) -> float:
    """Return the mean negative logarithm of the probability that the right class got."""
    return -sum(math.log(max(row[label], 1e-12)) for row, label in zip(rows, truth, strict=True)) / max(len(truth), 1)


def fit_temperature(scores: Sequence[Sequence[float]], truth: Sequence[int]) -> float:
    """Return the temperature between 0.2 and 10 with the least log loss, by golden section over its logarithm."""
    if not truth:
        return 1.0
    ratio = (math.sqrt(5) - 1) / 2
    low, high = math.log(0.2), math.log(10.0)

    def loss(place: float) -> float:
        return log_loss(Calibration(math.exp(place)).probabilities(scores), truth)

    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(40):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return math.exp((low + high) / 2)
