"""Estimate what is true of all documents from those that a queue chose: weights against its bias.

What a queue ranks first is not like the rest, so a plain mean over it is wrong. As every draw logged the chance with
which it took its document, that can be put right without a model of the bias: the weights of a levelled unbiased risk
estimator (LURE). After m - 1 draws from N documents, the m-th document's value over its chance, added to the values
drawn before, estimates the total over all N without bias; LURE is the mean of these M estimates with the weights
that would be best if all values were alike.

A queue that is planned again has more than one pool. Each document belongs to the round in which it was first
ranked, its cohort; the total of a cohort is estimated from the draws of all rounds that could have taken its
documents, in the same way. With one round this is LURE to the letter.

Reference: Farquhar, Gal and Rainforth 2021, On statistical bias in active learning: how and when to fix it, ICLR 2021.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .queue_rows import QueueRow
from .reserve import RANKED

__all__ = ["CorrectedMean", "corrected_mean", "lure_weights"]

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CorrectedMean:
    """A mean over the ranked documents, estimated from those that have a value.

    Attributes:
        mean: Without the queue's bias; NaN where nothing was drawn yet.
        plain: The plain mean over the same documents, for comparison.
        drawn: How many documents it rests on: all ranks in a row from the first that have been done.
        population: For how many documents it speaks.
        unseen: How many ranked documents it cannot speak for, as no draw of their round has been done.
        effective: Kish's effective sample size: how many equally weighted documents tell as much.
    """

    mean: float
    plain: float
    drawn: int
    population: int
    unseen: int
    effective: float


def lure_weights(probabilities: Sequence[float], pool: int) -> Numbers:
    """Return the weight of each draw; the mean of weight times value estimates the mean over the pool.

    Args:
        probabilities: Chance of each drawn document at its draw, in the order of the draws, without replacement.
        pool: How many documents there were before the first draw.

    Raises:
        ValueError: More draws than documents, or a chance outside 0 … 1.
    """
    q = np.asarray(probabilities, dtype=np.float64)
    if len(q) > pool or (len(q) and not ((q > 0) & (q <= 1 + 1e-12)).all()):
        raise ValueError(f"expected at most {pool} chances in 0 … 1, got {len(q)}")
    left = pool - np.arange(len(q), dtype=np.float64)  # N - m + 1 in the paper
    return _weights(left, q, np.ones(len(q), dtype=bool)) * (len(q) / pool) if len(q) else q


def _weights(left: Numbers, q: Numbers, own: npt.NDArray[np.bool_]) -> Numbers:
    """Return what each draw's value counts in the estimate of a cohort's total.

    Args:
        left: How many documents could be drawn, at each draw.
        q: The chance of what was drawn.
        own: Whether it was of the cohort.
    """
    if (left == 1).any():  # all were drawn: the total is known, and the weights below would be infinite
        share = (left == 1).astype(np.float64)
        share /= share.sum()
    else:
        share = 1 / ((left - 1) * left)
        share /= share.sum()
    later = share.sum() - np.cumsum(share)
    return np.asarray(own * (share / q + later), dtype=np.float64)


def corrected_mean(rows: Iterable[QueueRow], values: Mapping[str, float | None]) -> CorrectedMean:
    """Estimate the mean of a value over all ranked documents from those that were drawn and done.

    Args:
        rows: The whole queue, in any order; reserved rows are left out, as their plain mean needs no correction.
        values: Document id to its value, such as the number of errors in its suggestions; None for a document that
            was looked at and has none (skipped), which then does not count in the population either. A rank
            without an entry ends the list of draws: what was done behind it was not done in the queue's order.

    Raises:
        ValueError: A value is no finite number.
    """
    ranked = sorted((row for row in rows if row.part == RANKED), key=lambda row: row.rank)
    first_undone = next((i for i, row in enumerate(ranked) if row.document_id not in values), len(ranked))
    drawn = ranked[:first_undone]
    said = [values[row.document_id] for row in drawn]
    worth = np.array([0.0 if value is None else value for value in said], dtype=np.float64)
    counts = np.array([value is not None for value in said], dtype=np.float64)
    if not np.isfinite(worth).all():
        raise ValueError("every value must be a finite number")
    weights = np.zeros(len(drawn))
    population = 0
    for cohort in sorted({row.arrived for row in ranked}):
        found = _of_cohort(cohort, drawn)
        if found is not None:
            weights += found
            population += sum(row.arrived == cohort for row in ranked)
    total = float(weights @ counts)
    plain = float(worth.sum() / counts.sum()) if counts.any() else float("nan")
    # where none was skipped the size of the population is known, and need not be estimated
    size = float(population) if counts.all() else total
    square = float((weights**2 * counts).sum())
    return CorrectedMean(
        mean=float(weights @ worth) / size if size > 0 else float("nan"),
        plain=plain,
        drawn=len(drawn),
        population=population,
        unseen=len(ranked) - population,
        effective=total**2 / square if square else 0.0,
    )


def _of_cohort(cohort: int, drawn: Sequence[QueueRow]) -> Numbers | None:
    """Return what every draw counts in the total of the documents first ranked in a round; None if nothing tells."""
    # by the rounds' own rule, not by what happened to be drawn in them: that would be a bias of its own
    telling = np.array([row.since <= cohort <= row.round for row in drawn], dtype=bool)
    if not telling.any():
        return None
    left = np.array([row.pool for row in drawn], dtype=np.float64)[telling]
    q = np.array([row.probability for row in drawn], dtype=np.float64)[telling]
    own = np.array([row.arrived == cohort for row in drawn], dtype=bool)[telling]
    weights = np.zeros(len(drawn))
    weights[telling] = _weights(left, q, own)
    return weights
