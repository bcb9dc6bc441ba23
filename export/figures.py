"""Compute every number that the card, the report and the files beside it show, once.

A :class:`Figure` is a table that answers a question. Whoever shows it, shows these rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .facets import JOINS
from .tally import Row, Tally

__all__ = [
    "Figure",
    "ranked",
    "release_figures",
]


@dataclass(frozen=True, slots=True)
class Figure:
    """A table that answers a question.

    Attributes:
        id: Its file name, and its place in a manifest.
        question: What it answers, in words.
        columns: The names of the columns.
        rows: The answer.
        n: How many things were counted.
        unit: What was counted, in the plural.
        least: Below this n it says that there is too little data.
        note: How to read it.
        facet: What kind of :mod:`facets` leads from a row to the documents behind it; empty where none does.
        keys: The columns whose values, joined, are the facet's value.
    """

    id: str
    question: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    n: int
    unit: str
    least: int = 1
    note: str = ""
    facet: str = ""
    keys: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether there is enough data to show."""
        return self.n >= self.least and bool(self.rows)

    def value(self, row: Row) -> str:
        """Return the facet's value that a row has."""
        said = dict(zip(self.columns, row, strict=True))
        return JOINS.get(self.facet, "").join(str(said[key]) for key in self.keys)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON."""
        numbers = [
            name
            for place, name in enumerate(self.columns)
            if self.rows and all(isinstance(row[place], (int, float)) for row in self.rows)
        ]
        return {
            "question": self.question,
            "columns": list(self.columns),
            "numbers": numbers,
            "rows": [list(row) for row in self.rows],
            "n": self.n,
            "unit": self.unit,
            "least": self.least,
            "note": self.note,
        }


# what stands


def release_figures(tally: Tally, splits: Sequence[str]) -> list[Figure]:
    """Return the figures that a release carries in its manifest and shows on its card."""
    return [
        _labels(tally, splits),
        _stances(tally, splits),
        Figure(
            "licences",
            "Under which licences are the texts?",
            ("licence", "articles"),
            tuple(ranked(tally.licences)),
            tally.documents,
            "articles",
        ),
        Figure(
            "losses",
            "What can the flat views not hold?",
            ("table", "reason", "label", "spans"),
            tuple((*key, count) for key, count in sorted(tally.losses.items(), key=lambda item: (-item[1], item[0]))),
            tally.losses.total(),
            "spans",
        ),
    ]


def _labels(tally: Tally, splits: Sequence[str]) -> Figure:
    totals: Counter[tuple[str, str]] = Counter()
    for (layer, label, _), count in tally.labels.items():
        totals[layer, label] += count
    return Figure(
        "labels",
        "How often is each label used?",
        ("layer", "label", "spans", *splits),
        tuple(
            (layer, label, count, *(tally.labels[layer, label, split] for split in splits))
            for (layer, label), count in ranked(totals)
        ),
        totals.total(),
        "labelled spans",
        facet="label",
        keys=("label",),
    )


def _stances(tally: Tally, splits: Sequence[str]) -> Figure:
    totals: Counter[tuple[str, str]] = Counter()
    for (label, holder, _), count in tally.stances.items():
        totals[label, holder] += count
    return Figure(
        "stances",
        "How are actors evaluated, and by whom?",
        ("stance", "holder", "stances", *splits),
        tuple(
            (label, holder, count, *(tally.stances[label, holder, split] for split in splits))
            for (label, holder), count in ranked(totals)
        ),
        totals.total(),
        "stances",
        facet="stance",
        keys=("stance",),
    )


def ranked(counts: Mapping[Any, int]) -> list[tuple[Any, int]]:
    """Return counts, largest first, and of equal ones in the order of their names."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
