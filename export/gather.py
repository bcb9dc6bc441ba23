"""Bring together everything that a desk knows about each document that stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from copydesk.annotate import (
    Answer,
    Disagreement,
    Edit,
    Gold,
    Version,
    edits,
    gold,
)
from copydesk.corpus import Desk, clusters, documents, segments
from copydesk.schemas import (
    Attribution,
    Cluster,
    DeskError,
    Document,
    Entity,
    Segment,
    Span,
    Stance,
    annotations_to_row,
)

from .splits import assign
from .tables import EditRow, Record

__all__ = ["Gathered", "gather"]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a release is made of.

    Attributes:
        golds: What stands, by document id, sorted.
        documents: Their texts.
        segments: Their segments.
        clusters: Every document's place among its copies, of the whole desk.
        versions: Every annotator's version, by document.
        edits: What became of suggestions, by document.
        disagreements: What annotators did not say alike.
        pipelines: The pipelines whose suggestions are behind the labels.
        ledger: A digest over everything that people finished.
        as_of: The day of the newest finished annotation; empty where nobody annotated.
    """

    golds: Mapping[str, Gold]
    documents: Mapping[str, Document]
    segments: Mapping[str, tuple[Segment, ...]]
    clusters: Mapping[str, Cluster]
    versions: Mapping[str, tuple[Version, ...]]
    edits: Mapping[str, tuple[EditRow, ...]]
    disagreements: tuple[Disagreement, ...]
    pipelines: tuple[str, ...]
    ledger: str
    as_of: str

    def splits(self, desk: Desk, locked: Mapping[str, str]) -> dict[str, str]:
        """Return the split of every document."""
        groups: dict[str, list[str]] = {}
        for key in self.golds:
            groups.setdefault(self.clusters[key].cluster_id if key in self.clusters else key, []).append(key)
        return assign(groups, desk.settings.release, locked)

    def records(self, splits: Mapping[str, str]) -> Iterator[Record]:
        """Yield one record per document, in the order of their ids."""
        others: dict[str, list[str]] = {}
        for cluster in self.clusters.values():
            others.setdefault(cluster.cluster_id, []).append(cluster.document_id)
        for key, standing in self.golds.items():
            place = self.clusters.get(key)
            copies = sorted(set(others[place.cluster_id]) - {key}) if place else []
            yield Record(
                document=self.documents[key],
                segments=self.segments.get(key, ()),
                gold=standing,
                cluster=place,
                copies=tuple(copies),
                split=splits[key],
                versions=self.versions.get(key, ()),
                edits=self.edits.get(key, ()),
            )


def gather(desk: Desk, *, silver: bool = False, keep: bool = False) -> Gathered:
    """Read a desk's gold and everything about its documents; with `keep`, under the lock, write ``gold/`` too.

    Raises:
        DeskError: A label belongs to a document that is not in the desk.
        OffsetError: A label does not fit its document's text.
    """
    result = gold(desk, silver=silver, keep=keep)
    golds = {item.annotations.document_id: item for item in result.documents}
    texts = {document.id: document for document in documents(desk) if document.id in golds}
    for key, item in golds.items():
        if key not in texts:
            raise DeskError(
                f"document {key} has labels, but its article is not in the desk",
                where=str(desk.path),
                hint="Ingest it again from its source, or restore articles/ from a copy.",
            )
        item.annotations.check(texts[key])
    pieces: dict[str, list[Segment]] = {}
    for segment in segments(desk):
        if segment.document_id in golds:
            pieces.setdefault(segment.document_id, []).append(segment)
    return Gathered(
        golds=dict(sorted(golds.items())),
        documents=texts,
        segments={key: tuple(sorted(found, key=lambda s: s.index)) for key, found in pieces.items()},
        clusters=clusters(desk),
        versions=result.versions,
        edits=_edits(desk, result.names, golds),
        disagreements=result.disagreements,
        pipelines=result.pipelines,
        ledger=_digest(result.versions),
        as_of=max((v.updated_at[:10] for found in result.versions.values() for v in found), default=""),
    )


def _digest(versions: Mapping[str, tuple[Version, ...]]) -> str:
    """Return a SHA-256 over what people finished, the same in whatever files the ledger lies."""
    total = hashlib.sha256()
    for key, found in sorted(versions.items()):
        for version in found:
            said = annotations_to_row(version.annotations)
            line = [key, version.annotator, version.ground_truth, version.seconds, version.updated_at, said]
            total.update(json.dumps(line, sort_keys=True, ensure_ascii=False).encode())
    return total.hexdigest()


def _edits(desk: Desk, names: Mapping[str, str], golds: Mapping[str, Gold]) -> dict[str, tuple[EditRow, ...]]:
    found: dict[str, list[EditRow]] = {}
    for edit in edits(desk):
        if edit.document_id in golds:
            found.setdefault(edit.document_id, []).append(_edit(edit, names))
    return {key: tuple(sorted(rows, key=_edit_order)) for key, rows in found.items()}


def _edit(edit: Edit, names: Mapping[str, str]) -> EditRow:
    before, after = _said(edit.suggested), _said(edit.final)
    return EditRow(
        names[edit.annotator], edit.kind, edit.also, edit.layer, *before, *after, model=edit.model, score=edit.score
    )


def _said(thing: Entity | Attribution | Stance | Answer | None) -> tuple[str, tuple[Span, ...]]:
    """Return the label and the spans of one side of an edit."""
    match thing:
        case Entity():
            return thing.label, (thing.span,)
        case Attribution():
            return "CONTENT", (thing.content,)
        case Stance():
            return thing.polarity, thing.evidence
        case Answer():
            return f"{thing.question}: {', '.join(thing.values)}", ()
        case None:
            return "", ()


def _edit_order(row: EditRow) -> tuple[Any, ...]:
    return (
        len(row.annotator),
        row.annotator,
        row.final or row.suggested,
        row.layer,
        row.suggested_label,
        row.final_label,
        row.kind,
    )
