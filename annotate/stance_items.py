"""Name what goes into a stance model and what comes out: plain values, free of any parse.

A document is drafted while its parse lives; what a model has to judge leaves the parse as
:class:`StanceItem`, so that the targets of many documents are judged together, by length.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

__all__ = ["CLASSES", "Calibration", "Probabilities", "StanceItem", "StanceModel", "Verdict"]

CLASSES: Final = ("critical", "neutral", "supportive")
Probabilities = tuple[float, float, float]
"""Of :data:`CLASSES`, in that order; they add up to 1."""


@dataclass(frozen=True, slots=True)
class StanceItem:
    """A target in its sentence.

    Attributes:
        text: The sentence.
        start: Where the target begins in `text`; `end` where it ends, half-open.
        counts: How often each kind of signal stands around the target, for the model that reads signals.
        words: The lemmas around it, marked as ``data/stance_fit.toml`` marks them.
        conflict: Whether the text is about armed conflict, where evaluation is rarer.
    """

    text: str
    start: int
    end: int
    counts: Mapping[str, float] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    conflict: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model says of one item: probabilities, and the range of the item's text that it read."""

    probabilities: Probabilities
    read: tuple[int, int]


class StanceModel(Protocol):
    """What reads the stance towards a target out of its sentence.

    `name` and `version` are what its stances' origin says; `kind` is ``model`` or ``rule``; `reads_signals`
    asks for :attr:`StanceItem.counts` and ``words``.
    """

    @property
    def name(self) -> str:
        """How it is called."""

    @property
    def version(self) -> str:
        """Changes with everything that changes what it says."""

    @property
    def kind(self) -> Literal["model", "rule"]:
        """Whether it was trained or written."""

    @property
    def reads_signals(self) -> bool:
        """Whether items need their signals counted."""

    def judge(self, items: Sequence[StanceItem]) -> list[Verdict]:
        """Return a verdict for every item, in order."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes a model's confidence honest: its scores over a temperature, plus an offset a class.

    Temperature scaling (Guo et al. 2017), and the prior shift that offsets are (Saerens et al. 2002). With
    a temperature of 1 and no offsets, logarithms of probabilities come back as the same probabilities.
    """

    temperature: float = 1.0
    offsets: Probabilities = (0.0, 0.0, 0.0)

    def probabilities(self, scores: Iterable[Sequence[float]]) -> list[Probabilities]:
        """Return probabilities for rows of logits, or of logarithms of probabilities."""
        return [self._row(row) for row in scores]

    def moved(self, rows: Iterable[Probabilities]) -> list[Probabilities]:
        """Return rows of probabilities moved by this calibration; the default one leaves them as they are."""
        return self.probabilities([math.log(max(share, 1e-9)) for share in row] for row in rows)

    def _row(self, scores: Sequence[float]) -> Probabilities:
        moved = [float(score) / self.temperature + move for score, move in zip(scores, self.offsets, strict=True)]
        top = max(moved)
        critical, neutral, supportive = (math.exp(score - top) for score in moved)
        total = critical + neutral + supportive
        return critical / total, neutral / total, supportive / total
