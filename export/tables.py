"""Turn the standoff of one document into the rows of every table.

All rows are views of the same standoff. What a view cannot hold is not dropped in silence: it is a
:class:`Loss`, span by span, in the release's ``loss.json``. Flattening to BIO tags keeps the longer
span of two that overlap, then the earlier, then the one whose label has the lower id; only spans that
begin and end where a token does can be tagged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from copydesk.annotate import Gold, Version, tokenize, voices
from copydesk.schemas import (
    Annotations,
    Cluster,
    Document,
    LabelScheme,
    Segment,
    SegmentKind,
    Span,
    Stance,
    polarity_class,
)

from .decided import DecisionRow, decision_values
from .features import CONFIGS
from .labels import UNSPECIFIED, Labels

__all__ = ["EditRow", "Loss", "Record", "edit_values", "flatten", "placed", "rows", "sentences", "standoff"]


@dataclass(frozen=True, slots=True)
class EditRow:
    """What became of one suggestion, or what a person added, as a row of ``edits`` says it.

    A label is that of an entity, CONTENT, the polarity of a stance, or an answer; the spans are an entity's or
    an attribution's own, and of a stance its evidence.
    """

    annotator: str
    kind: str
    also: tuple[str, ...]
    layer: str
    suggested_label: str
    suggested: tuple[Span, ...]
    final_label: str
    final: tuple[Span, ...]
    model: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that a release says about one document."""

    document: Document
    segments: tuple[Segment, ...]
    gold: Gold
    cluster: Cluster | None
    copies: tuple[str, ...]
    split: str
    versions: tuple[Version, ...] = ()
    edits: tuple[EditRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """A span that one table cannot hold as it is, and why. Offsets are into the article."""

    document_id: str
    start: int
    end: int
    label: str
    text: str
    config: str
    reason: str


def rows(record: Record, scheme: LabelScheme, labels: Labels) -> tuple[dict[str, list[dict[str, Any]]], list[Loss]]:
    """Return table name → rows with label names, in the order of the text, and what was lost."""
    losses: list[Loss] = []
    view = _View(record, scheme, labels, losses)
    made = {
        "articles": [view.article()],
        "entities": list(view.sentence_rows()),
        "spans": list(view.span_rows()),
        "stance": list(view.stance_rows()),
        "annotations": list(view.version_rows()),
        "edits": list(view.edit_rows()),
        "decisions": list(view.decision_rows()),
    }
    assert made.keys() == CONFIGS.keys()
    return made, losses


def sentences(document: Document, segments: Sequence[Segment]) -> list[tuple[int, int]]:
    """Return the ranges of a document's sentences; the whole text where it was not segmented."""
    found = sorted((s.start, s.end) for s in segments if s.kind is SegmentKind.SENTENCE)
    return found or ([(0, len(document.text))] if document.text else [])


def flatten(
    tokens: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int, str]], order: Sequence[str]
) -> tuple[list[str], list[tuple[tuple[int, int, str], str]]]:
    """Write spans as one BIO tag per token.

    Args:
        tokens: Half-open ranges in order.
        spans: Start, end, label; they may overlap.
        order: Labels, the one that wins a tie first.

    Returns:
        A tag per token, and each span that has no place, with the reason.

    >>> flatten([(0, 2), (3, 5)], [(0, 5, "ORG"), (3, 5, "GPE")], ["GPE", "ORG"])
    (['B-ORG', 'I-ORG'], [((3, 5, 'GPE'), 'inside a longer span')])
    """
    tags = ["O"] * len(tokens)
    taken: list[tuple[int, int]] = []
    lost = []
    begins = {start: place for place, (start, _) in enumerate(tokens)}
    ends = {end: place for place, (_, end) in enumerate(tokens)}
    for span in sorted(spans, key=lambda s: (s[0] - s[1], s[0], order.index(s[2]))):
        start, end, label = span
        over = [other for other in taken if start < other[1] and other[0] < end]
        if over:
            same = (start, end) in over
            inside = any(other[0] <= start and end <= other[1] for other in over)
            reason = "same words, other label" if same else "inside a longer span" if inside else "crosses another span"
            lost.append((span, reason))
        elif start not in begins or end not in ends:
            lost.append((span, "begins or ends inside a token"))
        else:
            first, last = begins[start], ends[end]
            tags[first : last + 1] = [f"B-{label}"] + [f"I-{label}"] * (last - first)
            taken.append((start, end))
    return tags, lost


def placed(annotations: Annotations) -> Annotations:
    """Call every mention by its place, as a release does, and with its label where another entity has the same span."""
    spans = Counter(entity.span for entity in annotations.entities)
    names = {
        entity.id: _place(entity.span, *([entity.label] if spans[entity.span] > 1 else []))
        for entity in annotations.entities
    }
    stances = [
        replace(one, target=names[one.target], holder=names.get(one.holder, one.holder)) for one in annotations.stances
    ]
    return replace(
        annotations,
        entities=tuple(replace(entity, id=names[entity.id]) for entity in annotations.entities),
        attributions=tuple(replace(one, id=_place(one.content, "CONTENT")) for one in annotations.attributions),
        stances=tuple(sorted(stances, key=lambda one: (one.target, one.holder))),
    )


def _place(span: Span, *label: str) -> str:
    return "-".join((str(span.start), str(span.end), *label))


def standoff(annotations: Annotations) -> dict[str, list[dict[str, Any]]]:
    """Return annotations as the four columns that ``articles`` and ``annotations`` share."""
    return {
        "entities": [
            {"id": e.id, **_range(e.span), "label": e.label, "attributes": _pairs(e.attributes)}
            for e in annotations.entities
        ],
        "attributions": [
            {
                "id": a.id,
                **_range(a.content),
                "form": a.form or UNSPECIFIED,
                "source_type": a.source_type or UNSPECIFIED,
                "source": [_range(a.source)] if a.source else [],
                "cue": [_range(a.cue)] if a.cue else [],
            }
            for a in annotations.attributions
        ],
        "stances": [
            {
                "target": s.target,
                "holder": s.holder,
                "label": polarity_class(s.polarity),
                "polarity": s.polarity,
                "role": s.role or UNSPECIFIED,
                "evidence": [_range(span) for span in s.evidence],
            }
            for s in annotations.stances
        ],
        "choices": [{"question": question, "values": list(said)} for question, said in annotations.choices.items()],
    }


class _View:
    """One document seen as the rows of each table."""

    def __init__(self, record: Record, scheme: LabelScheme, labels: Labels, losses: list[Loss]) -> None:
        self.record = record
        self.entity_labels = labels["entity"]
        self.scheme = scheme
        self.losses = losses
        self.document = record.document
        self.said = placed(record.gold.annotations)
        self.sentences = sentences(record.document, record.segments)
        self.spans = {entity.id: entity for entity in self.said.entities}

    def keys(self, *parts: object) -> dict[str, Any]:
        record = self.record
        return {
            "id": "-".join((self.document.id, *map(str, parts))),
            "document_id": self.document.id,
            "cluster_id": record.cluster.cluster_id if record.cluster else self.document.id,
            "split": record.split,
            "origin": record.gold.origin,
            "scheme": f"{self.scheme.name} {self.scheme.version}",
        }

    def article(self) -> dict[str, Any]:
        document = self.document
        plain = ("title", "text", "sha256", "url", "outlet", "byline", "published", "retrieved", "language", "licence")
        return {
            **self.keys(),
            **{name: getattr(document, name) for name in (*plain, "source_kind", "raw_sha256")},
            "copies": list(self.record.copies),
            "annotators": list(self.record.gold.annotators),
            "segments": [{"start": s.start, "end": s.end, "kind": s.kind.value} for s in self.record.segments],
            **standoff(self.said),
        }

    def sentence_rows(self) -> Iterator[dict[str, Any]]:
        order = self.entity_labels
        entities = [entity for entity in self.said.entities if entity.label in order]
        placed: set[str] = set()
        for index, (start, end) in enumerate(self.sentences):
            text = self.document.text[start:end]
            tokens = tokenize(text, self.document.language)
            inside = [e for e in entities if start <= e.span.start and e.span.end <= end]
            placed.update(entity.id for entity in inside)
            moved = {(e.span.start - start, e.span.end - start, e.label): e for e in inside}
            tags, lost = flatten(tokens, list(moved), order)
            for key, reason in lost:
                self.lose("entities", moved[key].span, moved[key].label, reason)
            yield {
                **self.keys(f"{index:04d}"),
                "sentence": index,
                "start": start,
                "text": text,
                "tokens": [text[first:last] for first, last in tokens],
                "token_starts": [first for first, _ in tokens],
                "token_ends": [last for _, last in tokens],
                "ner_tags": tags,
                "entities": [
                    {"id": e.id, "start": first, "end": last, "text": e.span.text, "label": label}
                    for (first, last, label), e in moved.items()
                ],
            }
        for entity in entities:
            if entity.id not in placed:
                self.lose("entities", entity.span, entity.label, "crosses a sentence boundary")

    def span_rows(self) -> Iterator[dict[str, Any]]:
        layers = {label.id: label.layer for label in self.scheme.labels}
        spoken = voices(self.said)
        names = {(entity.span, entity.label): entity.id for entity in self.said.entities}
        for span, label, attributes in sorted(
            self._labelled(), key=lambda item: (item[0].start, -item[0].end, item[1])
        ):
            start, end = self._window(span)
            yield {
                **self.keys(names.get((span, label)) or _place(span, label)),
                "layer": layers.get(label, ""),
                "label": label,
                **_range(span),
                "attributes": _pairs(attributes),
                "voice": spoken[span],
                "sentence_start": start,
                "sentence_end": end,
            }

    def _labelled(self) -> list[tuple[Span, str, Mapping[str, str]]]:
        found: dict[tuple[Span, str], Mapping[str, str]] = {(e.span, e.label): e.attributes for e in self.said.entities}
        for item in self.said.attributions:
            named = {"form": item.form, "source_type": item.source_type}
            found[item.content, "CONTENT"] = {name: value for name, value in named.items() if value}
            for span, label in ((item.source, "SOURCE"), (item.cue, "CUE")):
                if span:
                    found.setdefault((span, label), {})
        for stance in self.said.stances:
            for span in stance.evidence:
                found.setdefault((span, "EVIDENCE"), {})
        return [(span, label, attributes) for (span, label), attributes in found.items()]

    def _window(self, span: Span) -> tuple[int, int]:
        """Return the sentence of a span, or all the sentences that it crosses."""
        touched = [s for s in self.sentences if s[0] < span.end and span.start < s[1]]
        ends = [span.start, span.end, *(place for pair in touched for place in pair)]
        return min(ends), max(ends)

    def stance_rows(self) -> Iterator[dict[str, Any]]:
        places = {e.id: place for place, e in enumerate(self.said.entities)}
        ordered = sorted(self.said.stances, key=lambda s: (places.get(s.target, -1), s.holder))
        starts = [start for start, _ in self.sentences]
        for stance in ordered:
            target = self.spans[stance.target]
            start, end = self._window(target.span)
            holder = self.spans.get(stance.holder)
            yield {
                **self.keys(stance.target, stance.holder),
                "sentence": max((i for i, s in enumerate(starts) if s <= start), default=0),
                "start": start,
                "text": self.document.text[start:end],
                "target": target.span.text,
                "target_start": target.span.start - start,
                "target_end": target.span.end - start,
                "target_label": target.label,
                "target_id": target.id,
                "holder": holder.span.text if holder else stance.holder,
                "holder_kind": "mention" if holder else stance.holder.lower(),
                "holder_id": holder.id if holder else "",
                "label": polarity_class(stance.polarity),
                "polarity": stance.polarity,
                "role": stance.role or UNSPECIFIED,
                "evidence": list(self._evidence(stance, start, end)),
            }

    def _evidence(self, stance: Stance, start: int, end: int) -> Iterator[dict[str, Any]]:
        for span in stance.evidence:
            if start <= span.start and span.end <= end:
                yield {"start": span.start - start, "end": span.end - start, "text": span.text}
            else:
                self.lose("stance", span, "EVIDENCE", "outside the target's sentence")

    def version_rows(self) -> Iterator[dict[str, Any]]:
        for version in self.record.versions:
            yield {
                **self.keys(version.annotator),
                "annotator": version.annotator,
                "ground_truth": version.ground_truth,
                "seconds": version.seconds,
                **standoff(placed(version.annotations)),
            }

    def edit_rows(self) -> Iterator[dict[str, Any]]:
        numbers: Counter[str] = Counter()
        for edit in self.record.edits:
            numbers[edit.annotator] += 1
            yield {
                **self.keys(edit.annotator, f"{numbers[edit.annotator]:05d}"),
                **edit_values(edit),
            }

    def decision_rows(self) -> Iterator[dict[str, Any]]:
        for number, decision in enumerate(self.record.decisions, start=1):
            yield {**self.keys(f"{number:05d}"), **decision_values(decision, self.document.text)}

    def lose(self, config: str, span: Span, label: str, reason: str) -> None:
        self.losses.append(Loss(self.document.id, span.start, span.end, label, span.text, config, reason))


def edit_values(edit: EditRow) -> dict[str, Any]:
    """Return the columns of ``edits`` that are about the edit itself."""
    return {
        "annotator": edit.annotator,
        "kind": edit.kind,
        "also": list(edit.also),
        "layer": edit.layer,
        "suggested_label": edit.suggested_label,
        "suggested": [_range(span) for span in edit.suggested],
        "final_label": edit.final_label,
        "final": [_range(span) for span in edit.final],
        "model": edit.model,
        "score": -1.0 if edit.score is None else round(edit.score, 4),
    }


def _range(span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "text": span.text}


def _pairs(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in sorted(attributes.items())]
