"""Figures of what became of suggestions: by label, by model, by score; and what training came to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from copydesk.annotate import Answer, Edit
from copydesk.schemas import Attribution, Entity, Stance

from .facets import Facet
from .figures import Figure
from .intervals import share_interval
from .tally import Row

__all__ = ["Fates", "fates", "suggestion_figures"]

BINS: Final = 10
LEAST_SCORED: Final = 30


@dataclass(slots=True)
class Fates:
    """What became of suggestions.

    Attributes:
        outcomes: By label and outcome.
        models: By pipeline and outcome.
        scores: By tenth of the score and whether the suggestion stands as it was.
        facets: Document id and outcome.
        kept: By annotator and whether the suggestion stands as it was, of every document; for lint.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    models: Counter[tuple[str, str]] = field(default_factory=Counter)
    scores: Counter[tuple[int, bool]] = field(default_factory=Counter)
    facets: set[tuple[str, Facet]] = field(default_factory=set)
    kept: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def accepted(self, names: Mapping[str, str]) -> dict[str, tuple[int, int]]:
        """Return, by pseudonym, how many suggestions stand as they were, of how many they were shown."""
        people = {who for who, _ in self.kept}
        return {names[who]: (self.kept[who, True], self.kept[who, True] + self.kept[who, False]) for who in people}


def fates(edits: Iterable[Edit], *, documents: Iterable[str]) -> Fates:
    """Count edits of these documents; decoys, which were wrong on purpose, are left out."""
    found, wanted = Fates(), frozenset(documents)
    for edit in edits:
        if edit.arm == "decoy":
            continue
        if edit.kind != "added":
            found.kept[edit.annotator, edit.kind == "accepted"] += 1
        if edit.document_id not in wanted:
            continue
        found.outcomes[_label(edit), edit.kind] += 1
        found.facets.add((edit.document_id, ("outcome", edit.kind)))
        if edit.kind != "added":
            found.models[edit.model, edit.kind] += 1
            if edit.score is not None:
                found.scores[min(BINS - 1, max(0, int(edit.score * BINS))), edit.kind == "accepted"] += 1
    return found


def _label(edit: Edit) -> str:
    match edit.suggested if edit.suggested is not None else edit.final:
        case Entity() as entity:
            return entity.label
        case Attribution():
            return "CONTENT"
        case Stance():
            return "stance"
        case Answer() as answer:
            return answer.question
        case None:
            raise ValueError("an edit is of something")


def suggestion_figures(found: Fates, models: Path) -> list[Figure]:
    """Return what became of suggestions, whether scores can be believed, and what trained pipelines were worth.

    Args:
        found: The counts.
        models: The desk's folder of trained pipelines; it need not be there.
    """
    return [
        Figure(
            "edits",
            "What became of the machine's suggestions?",
            ("label", "outcome", "suggestions"),
            tuple((label, kind, count) for (label, kind), count in sorted(found.outcomes.items())),
            found.outcomes.total(),
            "suggestions and additions",
            least=10,
            note="An addition is a label that the machine did not suggest. Decoys are left out.",
            facet="outcome",
            keys=("outcome",),
        ),
        Figure(
            "models",
            "Which version of the pipeline was corrected how much?",
            ("pipeline", "outcome", "suggestions"),
            tuple((model, kind, count) for (model, kind), count in sorted(found.models.items())),
            found.models.total(),
            "suggestions",
            least=10,
            note="Each annotation counts for the version that it started from.",
            facet="outcome",
            keys=("outcome",),
        ),
        _calibration(found),
        _learning(models),
        _curves(models),
    ]


def _calibration(found: Fates) -> Figure:
    rows: list[Row] = []
    error = 0.0
    total = found.scores.total()
    for tenth in range(BINS):
        kept, lost = found.scores[tenth, True], found.scores[tenth, False]
        if not kept + lost:
            continue
        low, high = share_interval(kept, kept + lost)
        share, middle = kept / (kept + lost), (tenth + 0.5) / BINS
        error += abs(share - middle) * (kept + lost) / total
        rows.append((round(middle, 2), round(share, 3), round(low, 3), round(high, 3), kept, kept + lost))
    return Figure(
        "calibration",
        "Can the scores be believed?",
        ("score", "share kept", "low", "high", "kept", "suggestions"),
        tuple(rows),
        total,
        "suggestions with a score",
        least=LEAST_SCORED,
        note=f"Tenths of the score, at their middle. On the diagonal a score of 0.8 is kept as it was in 80 of 100 cases; mean distance from it: {error:.3f}. "
        "With 95 % intervals.",
    )


def _learning(models: Path) -> Figure:
    rows: list[Row] = []
    for path in sorted(models.glob("*/meta.json")) if models.is_dir() else ():
        rows += _measured(path)
    rows.sort(key=lambda row: (row[1], row[0]))
    return Figure(
        "learning",
        "What did training on people's labels bring?",
        ("pipeline", "spans learnt from", "exact F1", "base", "held-out effort"),
        tuple(rows),
        len(rows),
        "trained pipelines",
        note="On held-out articles, with rules: how often span and label are exactly right; effort is what is left to do by hand, of what would be without suggestions.",
    )


def _measured(path: Path) -> Iterator[Row]:
    """Yield what the card of a pipeline says, where it says something."""
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        card = said["copydesk"]
        after, before = card["held_out"]["trained with rules"], card["held_out"]["base with rules"]
        yield (
            f"{said['name']}@{said['version']}",
            sum(int(number) for number in card["examples"].values()),
            float(after["strict"]),
            float(before["strict"]),
            float(after["effort"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # a pipeline from elsewhere, or one whose training was stopped


def _curves(models: Path) -> Figure:
    rows: list[Row] = []
    for path in sorted(models.glob("*.curve.json")) if models.is_dir() else ():
        rows += _points(path)
    return Figure(
        "learning-curve",
        "Would more annotated articles still help?",
        ("pipeline", "articles", "spans", "exact F1", "partial F1", "held-out effort"),
        tuple(rows),
        len(rows),
        "points measured",
        least=3,
        note="Each point is a training on so many articles, judged with rules on the same held-out articles; the one at 0 is the pipeline that it began with. "
        "A line that still rises says that more annotation pays. From copydesk train entities --curve.",
    )


def _points(path: Path) -> list[Row]:
    """Return the points of one learning curve; none where the file is not one."""
    name = path.name.removesuffix(".curve.json")
    try:
        return [
            (
                name,
                int(point["documents"]),
                int(point["spans"]),
                float(point["strict"]),
                float(point["partial"]),
                float(point["effort"]),
            )
            for point in json.loads(path.read_text(encoding="utf-8"))
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
