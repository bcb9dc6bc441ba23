"""Score found spans against gold: strict, partial, by label, and by what an annotator would still have to do.

*Strict* counts a found span as right where its label and both ends are those of a gold span. *Partial* asks for the
same label and any overlap: what SemEval-2013 task 9.1 (Segura-Bedmar et al. 2013, section 5) and nervaluate call
``type`` or ``ent_type``; their own ``partial`` does not look at the label. Precision is the share of found spans
that are right, recall the share of gold spans that are found, each counted on its own side, so that one long span
over two short ones makes neither side more than it is.

*Effort* is the least number of operations that turn what was found into gold: add, delete, resize, relabel. A span
that has to be resized and relabelled costs two, like deleting it and adding the right one. It is an edit distance over
a best pairing of overlapping spans within each document, per 100 gold spans: 100 is what an annotator does who
is shown nothing. Moving a span elsewhere is no resizing.

Intervals come from resampling documents, not spans: mentions of one article are not independent (percentile
bootstrap, Efron & Tibshirani 1993, chapter 13; for the difference of two systems paired by document, as in
Koehn 2004).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from .matching import best_pairs

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["OPERATIONS", "Counts", "Interval", "Mark", "Metric", "Rate", "Score", "difference", "score"]

Metric = Literal["strict", "partial", "effort"]
OPERATIONS: Final = ("add", "delete", "resize", "relabel")


class Mark(NamedTuple):
    """A labelled span: half-open offsets and a label."""

    start: int
    end: int
    label: str


class Rate(NamedTuple):
    """Precision, recall and F1, each from 0 to 1; 0 where nothing was found, or nothing is there to find."""

    precision: float
    recall: float
    f1: float


class Interval(NamedTuple):
    """A value with the bounds of its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted for one label in one document.

    Attributes:
        found: Found spans; `gold` gold spans; `exact` those that are both.
        near_found: Found spans that overlap a gold span of their label; `near_gold` the other way round.
        operations: What is left to do, by :data:`OPERATIONS`; deletions count for the label of the found
            span, the others for that of the gold span.
    """

    found: int = 0
    gold: int = 0
    exact: int = 0
    near_found: int = 0
    near_gold: int = 0
    operations: Mapping[str, int] = field(default_factory=dict)

    @property
    def effort(self) -> int:
        """The number of operations."""
        return sum(self.operations.values())

    def row(self) -> tuple[int, int, int, int, int, int]:
        """Return what the measures are made of: found, gold, exact, near_found, near_gold, effort."""
        return self.found, self.gold, self.exact, self.near_found, self.near_gold, self.effort


@dataclass(frozen=True)
class Score:
    """How well found spans meet gold.

    Attributes:
        documents: For every document, in order, the counts of each label that occurs in it.
    """

    documents: tuple[Mapping[str, Counts], ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every label that was found or is gold, sorted."""
        return tuple(sorted({label for counts in self.documents for label in counts}))

    @property
    def strict(self) -> Rate:
        """Same label, same ends; over all labels (micro average)."""
        return _rate(self._total(), 2, 2)

    @property
    def partial(self) -> Rate:
        """Same label, any overlap; over all labels (micro average)."""
        return _rate(self._total(), 3, 4)

    @property
    def effort(self) -> float:
        """Operations still needed per 100 gold spans."""
        return _effort(self._total())

    @property
    def gold(self) -> int:
        """How many gold spans there are."""
        return self._total()[1]

    @property
    def found(self) -> int:
        """How many spans were found."""
        return self._total()[0]

    @property
    def operations(self) -> dict[str, int]:
        """How often each operation is needed."""
        total: Counter[str] = Counter()
        for counts in self.documents:
            for one in counts.values():
                total.update(one.operations)
        return {name: total[name] for name in OPERATIONS}

    @property
    def by_label(self) -> dict[str, Score]:
        """The score of each label alone, by label; effort as counted for that label."""
        return {label: self.only(label) for label in self.labels}

    def only(self, label: str) -> Score:
        """Return the score of one label."""
        return Score(tuple({label: counts[label]} if label in counts else {} for counts in self.documents))

    def value(self, metric: Metric) -> float:
        """Return one measure as a number: strict and partial F1 from 0 to 1, effort per 100 gold spans."""
        return _value(self._total(), metric)

    def interval(
        self, metric: Metric, level: float = 0.95, resamples: int = 1000, *, seed: int = 0
    ) -> Interval:  # fmt: skip
        """Return a measure with its bootstrap interval over documents; the same seed gives the same interval."""
        values = [_value(row, metric) for row in _resampled(self._table, resamples, seed)]
        return Interval(self.value(metric), *_percentiles(values, level))

    @cached_property
    def _table(self) -> npt.NDArray[np.int64]:
        """One row per document: the sums of :meth:`Counts.row` over its labels."""
        import numpy as np

        rows = [[sum(column) for column in zip(*(c.row() for c in counts.values()), strict=True)] or [0] * 6
                for counts in self.documents]  # fmt: skip
        return np.array(rows, dtype=np.int64).reshape(-1, 6)

    def _total(self) -> tuple[int, ...]:
        return tuple(int(number) for number in self._table.sum(axis=0))


def score(found: Iterable[Iterable[Mark]], gold: Iterable[Iterable[Mark]]) -> Score:
    """Score found spans against gold, document by document.

    Args:
        found: The spans found in each document; a span given twice counts once.
        gold: The gold spans of the same documents, in the same order.

    Raises:
        ValueError: There are not as many documents on both sides.

    >>> one = score([[Mark(0, 5, "ORG"), Mark(9, 12, "GPE")]], [[Mark(0, 5, "ORG"), Mark(9, 14, "GPE")]])
    >>> one.strict.f1, one.partial.f1, one.effort
    (0.5, 1.0, 50.0)
    """
    return Score(
        tuple(_document(sorted(set(ours)), sorted(set(theirs))) for ours, theirs in zip(found, gold, strict=True))
    )


def difference(
    one: Score, other: Score, metric: Metric, level: float = 0.95, resamples: int = 1000, *, seed: int = 0
) -> Interval:  # fmt: skip
    """Return by how much a measure of `one` exceeds that of `other`, with a paired bootstrap interval.

    Raises:
        ValueError: They are not scores of the same documents (their number or their gold differs).
    """
    if [row[1] for row in one._table.tolist()] != [row[1] for row in other._table.tolist()]:
        raise ValueError("the two scores are not of the same documents")
    pairs = zip(_resampled(one._table, resamples, seed), _resampled(other._table, resamples, seed), strict=True)
    values = [_value(ours, metric) - _value(theirs, metric) for ours, theirs in pairs]
    return Interval(one.value(metric) - other.value(metric), *_percentiles(values, level))


def _document(found: Sequence[Mark], gold: Sequence[Mark]) -> dict[str, Counts]:
    overlaps = _overlaps(found, gold)
    todo: dict[str, Counter[str]] = {}
    near_found = {i for i, j in overlaps if found[i].label == gold[j].label}
    near_gold = {j for i, j in overlaps if found[i].label == gold[j].label}
    for label, operation in _operations(found, gold, overlaps):
        todo.setdefault(label, Counter())[operation] += 1
    exact = Counter(mark.label for mark in set(found) & set(gold))
    ours, theirs = Counter(mark.label for mark in found), Counter(mark.label for mark in gold)
    return {
        label: Counts(
            ours[label],
            theirs[label],
            exact[label],
            sum(found[i].label == label for i in near_found),
            sum(gold[j].label == label for j in near_gold),
            dict(todo.get(label, {})),
        )
        for label in sorted(ours | theirs)
    }


def _overlaps(found: Sequence[Mark], gold: Sequence[Mark]) -> list[tuple[int, int]]:
    """Return the pairs (index of found, index of gold) that share a character, in one sweep over both."""
    pairs = []
    open_gold: list[int] = []
    following = 0
    for i, mark in enumerate(found):
        while following < len(gold) and gold[following].start < mark.end:
            open_gold.append(following)
            following += 1
        # found is sorted by start: what ends before this start meets no later one either
        open_gold = [j for j in open_gold if gold[j].end > mark.start]
        pairs += [(i, j) for j in open_gold if gold[j].start < mark.end]
    return pairs


def _operations(
    found: Sequence[Mark], gold: Sequence[Mark], overlaps: Iterable[tuple[int, int]]
) -> list[tuple[str, str]]:
    """Return the fewest operations, each with the label that it counts for.

    A pair saves against deleting one and adding the other: two operations where both are alike, one where one
    relabelling or one resizing makes them alike, none otherwise. The pairing that saves most costs least.
    """
    same = {mark: j for j, mark in enumerate(gold)}
    # an exact pair saves two, and the two pairs that it may stand in the way of save one each: it is always right
    done = {i: same[mark] for i, mark in enumerate(found) if mark in same}
    taken = set(done.values())
    weights = {
        (i, j): 1.0
        for i, j in overlaps
        if i not in done and j not in taken and (found[i].label == gold[j].label or found[i][:2] == gold[j][:2])
    }
    paired = dict(best_pairs(weights))
    todo = [
        (gold[j].label, "relabel" if found[i].label != gold[j].label else "resize") for i, j in sorted(paired.items())
    ]
    todo += [(mark.label, "delete") for i, mark in enumerate(found) if i not in done and i not in paired]
    kept = taken | set(paired.values())
    return todo + [(mark.label, "add") for j, mark in enumerate(gold) if j not in kept]


def _rate(row: Sequence[int], right_found: int, right_gold: int) -> Rate:
    precision = row[right_found] / row[0] if row[0] else 0.0
    recall = row[right_gold] / row[1] if row[1] else 0.0
    both = precision + recall
    return Rate(precision, recall, 2 * precision * recall / both if both else 0.0)


def _effort(row: Sequence[int]) -> float:
    return 100 * row[5] / max(row[1], 1)


def _value(row: Sequence[int], metric: Metric) -> float:
    if metric == "effort":
        return _effort(row)
    return _rate(row, 2, 2).f1 if metric == "strict" else _rate(row, 3, 4).f1


def _resampled(table: npt.NDArray[np.int64], resamples: int, seed: int) -> list[list[int]]:
    """Return the sums over documents drawn with replacement, once per resample."""
    import numpy as np

    if not len(table):
        return [[0] * 6]
    drawn = np.random.default_rng(seed).integers(0, len(table), size=(resamples, len(table)))
    sums: list[list[int]] = [table[draw].sum(axis=0).tolist() for draw in drawn]
    return sums


def _percentiles(values: Sequence[float], level: float) -> tuple[float, float]:
    import numpy as np

    low, high = np.percentile(values, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)
