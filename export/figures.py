"""Compute every number that the card, the report and the files beside it show, once.

A :class:`Figure` is a table that answers a question. Whoever shows it, shows these rows.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from copydesk.annotate import Disagreement
from copydesk.schemas import Cluster, Document, Removed, polarity_grade

from .tally import Row, Tally, story

__all__ = [
    "Figure",
    "annotation_figures",
    "corpus_figures",
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
    """

    id: str
    question: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    n: int
    unit: str
    least: int = 1
    note: str = ""

    @property
    def enough(self) -> bool:
        """Whether there is enough data to show."""
        return self.n >= self.least and bool(self.rows)

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


# the corpus


def corpus_figures(
    documents: Sequence[Document], clusters: Mapping[str, Cluster], removed: Iterable[Removed]
) -> list[Figure]:
    """Return what the articles are: whose, from when, how many are copies, and what was set aside."""
    outlets = Counter(_outlet(document) for document in documents)
    words: Counter[str] = Counter()
    for document in documents:
        words[_outlet(document)] += len(document.text.split())
    weeks = Counter(week for document in documents if (week := _week(document.published)))
    reasons = Counter((item.stage, item.reason) for item in removed)
    return [
        Figure(
            "outlets",
            "Whose articles are these?",
            ("outlet", "articles", "words"),
            tuple((outlet, count, words[outlet]) for outlet, count in _ranked(outlets)),
            len(documents),
            "articles",
        ),
        Figure(
            "weeks",
            "When were they published?",
            ("week", "articles"),
            _every_week(weeks),
            weeks.total(),
            "articles with a date",
            note="Weeks begin on Monday.",
        ),
        _copies(documents, clusters),
        Figure(
            "removed",
            "What was set aside, and why?",
            ("reason", "stage", "records"),
            tuple((reason, stage, count) for (stage, reason), count in _ranked(reasons)),
            reasons.total(),
            "records set aside",
        ),
    ]


def _copies(documents: Sequence[Document], clusters: Mapping[str, Cluster]) -> Figure:
    sizes = Counter(cluster.cluster_id for cluster in clusters.values())
    titles = {document.id: story(document) for document in documents}
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for cluster in clusters.values():
        kinds[cluster.cluster_id][cluster.kind] += 1
    many = [(key, size) for key, size in _ranked(sizes) if size > 1]
    return Figure(
        "copies",
        "Which stories were printed more than once?",
        ("story", "printed", "exact copies", "near copies"),
        tuple((titles.get(key, key), size, kinds[key]["exact"], kinds[key]["near"]) for key, size in many[:12]),
        sum(size for _, size in many),
        "articles in clusters of copies",
        note="The largest clusters first, twelve at most. One article of each cluster is annotated.",
    )


def _outlet(document: Document) -> str:
    return document.outlet or "not stated"


def _week(published: str) -> str:
    try:
        day = date.fromisoformat(published[:10])
    except ValueError:
        return ""
    return (day - timedelta(days=day.weekday())).isoformat()


def _every_week(weeks: Mapping[str, int]) -> tuple[Row, ...]:
    """Return a count for every week from the first to the last, empty ones too, within three years."""
    if not weeks:
        return ()
    first, last = date.fromisoformat(min(weeks)), date.fromisoformat(max(weeks))
    if (last - first).days > 3 * 366:
        return tuple(sorted(weeks.items()))
    every = (first + timedelta(weeks=step) for step in range((last - first).days // 7 + 1))
    return tuple((week.isoformat(), weeks.get(week.isoformat(), 0)) for week in every)


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
            tuple(_ranked(tally.licences)),
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
            for (layer, label), count in _ranked(totals)
        ),
        totals.total(),
        "labelled spans",
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
            for (label, holder), count in _ranked(totals)
        ),
        totals.total(),
        "stances",
    )


def annotation_figures(
    tally: Tally, disagreements: Sequence[Disagreement], documents: Mapping[str, Document]
) -> list[Figure]:
    """Return what people made of the articles."""
    tolls = tally.tolls or []
    return [
        Figure(
            "edits",
            "What became of the machine's suggestions?",
            ("label", "outcome", "suggestions"),
            tuple((label, kind, count) for (label, kind), count in sorted(tally.edits.items())),
            tally.edits.total(),
            "suggestions and additions",
            least=10,
            note="An addition is a label that the machine did not suggest.",
        ),
        Figure(
            "annotators",
            "Who annotated how much?",
            ("annotator", "articles", "median seconds"),
            tuple(
                (who, len(seconds), int(statistics.median([s for s in seconds if s >= 0] or [-1])))
                for who, seconds in sorted(tally.annotators.items(), key=lambda item: int(item[0].rpartition("-")[2]))
            ),
            sum(len(seconds) for seconds in tally.annotators.values()),
            "finished versions",
            note="Annotators are known by pseudonym. A median of -1 means that no time was recorded.",
        ),
        _matrix(tally),
        Figure(
            "tolls",
            "Who claims how many?",
            ("story", "outlet", "words", "number", "kind", "victims", "claimed by"),
            tuple(sorted(tolls, key=lambda row: tuple(map(str, row)))),
            len(tolls),
            "tolls",
            note="Claimed by: the source of the attribution around the number, else the outlet itself.",
        ),
        _disagreements(disagreements),
        _open(disagreements, documents),
    ]


def _matrix(tally: Tally) -> Figure:
    pairs: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (holder, target, polarity), count in tally.grades.items():
        pairs[holder, target][polarity] += count
    rows: list[Row] = []
    for (holder, target), polarities in sorted(pairs.items()):
        grades = {grade: n for polarity, n in polarities.items() if (grade := polarity_grade(polarity)) is not None}
        graded = sum(grades.values())
        mean = round(sum(grade * n for grade, n in grades.items()) / graded, 2) if graded else 0.0
        below, above = (sum(n for grade, n in grades.items() if grade * sign > 0) for sign in (-1, 1))
        other = polarities.total() - graded
        rows.append((holder, target, polarities.total(), mean, below, graded - below - above, above, other))
    return Figure(
        "stance-matrix",
        "Who evaluates whom, and how?",
        ("holder", "target", "stances", "mean grade", "negative", "neutral", "positive", "mixed or unclear"),
        tuple(rows),
        tally.grades.total(),
        "stances",
        least=5,
        note="Mean grade from -2 (very negative) to +2 (very positive), mixed and unclear ones left out. "
        "The number in a cell is how many stances it rests on; of one or two it is pale, for it says little.",
    )


def _disagreements(disagreements: Sequence[Disagreement]) -> Figure:
    counts: Counter[tuple[str, str]] = Counter()
    still: Counter[tuple[str, str]] = Counter()
    for item in disagreements:
        counts[item.layer, item.item] += 1
        still[item.layer, item.item] += item.open
    return Figure(
        "disagreements",
        "What do annotators not agree on?",
        ("layer", "about", "disagreements", "open"),
        tuple((*key, count, still[key]) for key, count in _ranked(counts)),
        counts.total(),
        "disagreements",
        note="Open ones have no majority and are left out of gold until somebody decides.",
    )


def _open(disagreements: Sequence[Disagreement], documents: Mapping[str, Document]) -> Figure:
    waiting = [item for item in disagreements if item.open]
    return Figure(
        "open",
        "What waits for somebody to decide?",
        ("story", "about", "words", "what was said"),
        tuple(
            (
                story(documents[item.document_id]),
                item.item.replace("_", " "),
                item.text or "the whole article",
                "; ".join(f"{who}: {said or 'nothing'}" for who, said in item.votes),
            )
            for item in waiting
        ),
        len(waiting),
        "open disagreements",
        note="None of these is in gold. Mark the right annotation as ground truth in Label Studio to settle an article.",
    )


def _ranked(counts: Mapping[Any, int]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
