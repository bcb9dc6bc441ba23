"""Hold two pipelines side by side on gold: what an annotator would be shown by each, and what they would still have to do.

Both are compared whole, with rules and all, on documents that neither was trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from copydesk.corpus import SuggestSettings
from copydesk.schemas import (
    Document,
    InputError,
    LabelScheme,
    OnProgress,
    Origin,
    Progress,
    Removed,
    SettingsError,
    silent,
    text_sha256,
)

from .crosswalk import LabelMap
from .pipelines import DEFAULT_PIPELINE, PipelineFiles, describe_pipeline
from .scoring import Interval, Mark, Metric, Score, difference, score
from .suggest import load_suggester
from .training_data import Labelled, TrainingData

__all__ = [
    "BASE",
    "METRICS",
    "Comparison",
    "articles_inside",
    "compare",
    "gold_marks",
    "judged_pipeline",
    "suggested_marks",
    "text_key",
    "trained_on",
]

BASE: Final = "base"
"""What the shipped pipeline may be called."""
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two pipelines on the same documents.

    Attributes:
        names: Name and version of each.
        scores: How each meets gold.
        documents: How many documents they were held against; `left_out` how many had trained one of them.
        trim: Whether leading articles were left outside suggestions, as they are outside this gold.
    """

    names: tuple[Origin, Origin]
    scores: tuple[Score, Score]
    documents: int
    left_out: int
    trim: bool

    def difference(self, metric: Metric) -> Interval:
        """Return by how much the second one exceeds the first, with an interval over documents."""
        return difference(self.scores[1], self.scores[0], metric)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that either suggested or that is gold, sorted."""
        return tuple(sorted({label for one in self.scores for label in one.labels}))


def compare(
    one: str,
    other: str,
    data: TrainingData,
    scheme: LabelScheme,
    settings: SuggestSettings | None = None,
    *,
    whole: bool = False,
    on_progress: OnProgress = silent,
) -> Comparison:
    """Compare two pipelines on the held-out documents that neither was trained on.

    Args:
        one: A pipeline by name or folder; ``base`` is the shipped one.
        other: The same.
        data: Documents with marks.
        scheme: Of the suggestions.
        settings: For the rest of the suggester. Whether articles are trimmed follows the gold.
        whole: Use the documents of both sides of the held-out border. Those that trained either stay out.
        on_progress: Told of documents.

    Raises:
        InputError: No document is left to compare on.
        SettingsError: A pipeline cannot be used.
    """
    names = [DEFAULT_PIPELINE if name == BASE else name for name in (one, other)]
    seen = frozenset().union(*(trained_on(describe_pipeline(name)) for name in names))
    asked = data.documents if whole else data.part("held out")
    documents = [document for document in asked if text_key(document.text) not in seen]
    if not documents:
        raise InputError(
            f"no document to compare on: {len(asked)} of {len(data.documents)} are held out,"
            f" and {len(asked) - len(documents)} of them trained a pipeline",
            hint="Annotate more documents, or give others with --data.",
        )
    trim = not articles_inside(data.documents)
    settings = (settings or SuggestSettings()).model_copy(update={"trim_articles": trim})
    gold = gold_marks(documents, data.labels)
    origins, scores = [], []
    for name in names:
        origin, found = suggested_marks(name, documents, data.labels, scheme, settings, on_progress=on_progress)
        origins.append(origin)
        scores.append(score(found, gold))
    return Comparison(
        (origins[0], origins[1]), (scores[0], scores[1]), len(documents), len(asked) - len(documents), trim
    )


def judged_pipeline(
    name: str, documents: Sequence[Labelled], labels: LabelMap, scheme: LabelScheme, settings: SuggestSettings
) -> Score:
    """Return how what a pipeline and the rules suggest meets what people marked."""
    return score(suggested_marks(name, documents, labels, scheme, settings)[1], gold_marks(documents, labels))


def gold_marks(documents: Iterable[Labelled], labels: LabelMap) -> list[list[Mark]]:
    """Return what people marked, in the classes that both sides can tell apart; other marks are left out."""
    return [_scored(document.marks, labels) for document in documents]


def suggested_marks(
    name: str,
    documents: Sequence[Labelled],
    labels: LabelMap,
    scheme: LabelScheme,
    settings: SuggestSettings,
    *,
    on_progress: OnProgress = silent,
) -> tuple[Origin, list[list[Mark]]]:
    """Return who suggests, and what it suggests in each document, in the classes that both sides can tell apart.

    Raises:
        SettingsError: The pipeline broke on a document; finding nothing there would look like its work.
    """
    suggester = load_suggester(settings.model_copy(update={"pipeline": name, "layers": ["entities"]}), scheme)
    # by number: two documents may have one text
    plain = [
        (Document(str(number), document.text, text_sha256(document.text), language="und"), document.segments)
        for number, document in enumerate(documents)
    ]
    found: list[list[Mark]] = [[] for _ in documents]

    def broken(removed: Removed) -> None:
        text = documents[int(removed.document_id)].id
        raise SettingsError(f"the pipeline cannot be judged: {removed.reason} ({text}): {removed.detail}", where=name)

    for done, said in enumerate(suggester.suggest(plain, on_removed=broken), start=1):
        marks = [Mark(e.span.start, e.span.end, e.label) for e in said.annotations.entities]
        found[int(said.annotations.document_id)] = _scored(marks, labels)
        on_progress(Progress(f"suggest with {suggester.origin.name}", done, len(documents)))
    return suggester.origin, found


def _scored(marks: Iterable[Mark], labels: LabelMap) -> list[Mark]:
    return [mark._replace(label=name) for mark in marks if (name := labels.scored(mark.label))]


def articles_inside(documents: Iterable[Labelled]) -> bool:
    """Tell whether people took "the" and "a" along more often than they left them outside."""
    inside = outside = 0
    for document in documents:
        for mark in document.marks:
            inside += bool(re.match(r"(?i)(?:the|an?)\s", document.text[mark.start : mark.end]))
            outside += bool(re.search(r"(?i)\b(?:the|an?)\s$", document.text[max(0, mark.start - 5) : mark.start]))
    return inside > outside


def text_key(text: str) -> str:
    """Return what a pipeline remembers a document by that it was trained on: nothing of its words."""
    return text_sha256(text)[:16]


def trained_on(about: PipelineFiles) -> frozenset[str]:
    """Return the keys of the documents that ``copydesk train entities`` trained a pipeline on; of others none."""
    meta = about.folder / "meta.json"
    if not about.trained or not meta.is_file():
        return frozenset()
    return frozenset(json.loads(meta.read_text(encoding="utf-8")).get("copydesk", {}).get("trained_on", ()))
