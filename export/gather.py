"""Bring together everything that a desk knows about each document that stands."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from copydesk.annotate import (
    Answer,
    Disagreement,
    Edit,
    Gold,
    Version,
    carried,
    current_pipeline,
    edits,
    gold,
    suggestions_folder,
)
from copydesk.corpus import Desk, clusters
from copydesk.schemas import (
    ANNOTATIONS,
    DOCUMENTS,
    SEGMENTS,
    Attribution,
    Cluster,
    DeskError,
    Entity,
    Origin,
    Span,
    Stance,
    annotations_to_row,
)

from .arrays import flat
from .batch import SIZE
from .decided import DecisionRow, decision_rows
from .shelves import Shelf, Shelves, shelved
from .splits import assign, grouped
from .tables import EditRow

__all__ = ["Profile", "Shelved", "shelve"]

Profile: TypeAlias = tuple[tuple[str, int], ...]
"""Labels and how often they are there, sorted."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """What a release is made of, on shelves in a folder; of people's work, all that stands.

    Attributes:
        ids: The documents, sorted.
        about: A row for each: ``id``, ``title``, ``url``, ``outlet``, ``published``.
        profiles: The labels of each document's mentions and how often they are there, sorted.
        golds: What people let stand, by document; the others are silver.
        clusters: Every document's place among its copies, of the whole desk.
        articles: Their texts; `segments` and `suggestions` likewise.
        versions: Every annotator's version, by document; `edits` what became of suggestions, `decisions` what
            adjudicators decided, `disagreements` what annotators did not say alike.
        pipelines: The pipelines whose suggestions are behind the labels.
        ledger: A digest over everything that people finished.
        as_of: The day of the newest finished annotation; empty where nobody annotated.
    """

    ids: tuple[str, ...]
    about: pa.Table
    profiles: Mapping[str, Profile]
    golds: Mapping[str, Gold]
    clusters: Mapping[str, Cluster]
    articles: Shelves
    segments: Shelves
    suggestions: Shelves | None
    versions: Mapping[str, tuple[Version, ...]]
    edits: Mapping[str, tuple[EditRow, ...]]
    decisions: Mapping[str, tuple[DecisionRow, ...]]
    disagreements: tuple[Disagreement, ...]
    pipelines: tuple[str, ...]
    ledger: str
    as_of: str

    def splits(self, desk: Desk, locked: Mapping[str, str]) -> dict[str, str]:
        """Return the split of every document."""
        settings = desk.settings.release
        copies = {key: self.clusters[key].cluster_id for key in self.ids if key in self.clusters}
        return assign(grouped(self.about, copies, settings.group_by), settings, locked, self.profiles, self._trusted())

    def _trusted(self) -> set[str]:
        """Return the documents that somebody adjudicated, or that nobody was shown suggestions of."""
        adjudicated = {key for key, gold in self.golds.items() if gold.origin == "adjudicated"}
        blind = {key for key, said in self.versions.items() if said and all(one.arm == "blind" for one in said)}
        own = adjudicated | (blind & self.golds.keys())
        return own | {key for key, gold in self.golds.items() if gold.carried_from in own}

    def shelves(self, splits: Mapping[str, str]) -> Iterator[Shelf]:
        """Yield every shelf, in the order of the documents' ids."""
        copies = _copies(self.clusters)
        for number, start in enumerate(range(0, len(self.ids), SIZE)):
            keys = self.ids[start : start + SIZE]
            yield Shelf(
                number,
                keys,
                _alone(self.articles, number),
                _alone(self.segments, number),
                _alone(self.suggestions, number) if self.suggestions else None,
                {key: self.golds[key] for key in keys if key in self.golds},
                [self.clusters[key].cluster_id if key in self.clusters else key for key in keys],
                [copies(key) for key in keys],
                [splits[key] for key in keys],
                {key: self.versions[key] for key in keys if key in self.versions},
                {key: self.edits[key] for key in keys if key in self.edits},
                {key: self.decisions[key] for key in keys if key in self.decisions},
            )


def shelve(desk: Desk, folder: Path, *, silver: bool = False) -> Shelved:
    """Read a desk's gold and everything about its documents, under its lock; ``gold/`` is written too.

    Args:
        desk: The desk.
        folder: Where the shelves are made; the caller deletes it.
        silver: Also take the suggestions about documents that nobody finished.

    Raises:
        DeskError: A label belongs to a document that is not in the desk.
    """
    result = gold(desk, keep=True)
    golds = {item.annotations.document_id: item for item in result.documents}
    if desk.settings.release.carry:
        golds |= {item.annotations.document_id: item for item in carried(desk, result.documents)}
    pipeline = current_pipeline(desk) if silver else None
    profiles = {key: _profile(Counter(e.label for e in item.annotations.entities)) for key, item in golds.items()}
    found: dict[str, Profile] = _suggested(desk, pipeline, golds) if pipeline else {}
    ids = tuple(sorted({*golds, *found}))
    wanted = pa.array(ids, pa.string())
    about = _about(desk, wanted)
    documents, pieces, said = folder / "articles.arrow", folder / "segments.arrow", folder / "suggestions.arrow"
    return Shelved(
        ids=ids,
        about=about,
        profiles={**found, **profiles},
        golds=golds,
        clusters=clusters(desk),
        articles=shelved(documents, DOCUMENTS, desk.read_tables("articles"), "id", wanted, SIZE),
        segments=shelved(pieces, SEGMENTS, desk.read_tables("segments"), "document_id", wanted, SIZE),
        suggestions=(
            shelved(said, ANNOTATIONS, desk.read_tables(suggestions_folder(pipeline)), "document_id", wanted, SIZE)
            if pipeline and found
            else None
        ),
        versions=result.versions,
        edits=_edits(desk, result.names, golds),
        decisions=decision_rows(result.decisions, result.stale, golds),
        disagreements=result.disagreements,
        pipelines=tuple(
            sorted({*result.pipelines, *([f"{pipeline.name}@{pipeline.version}"] if found and pipeline else [])})
        ),
        ledger=_digest(result.versions),
        as_of=_as_of(result.versions),
    )


def _alone(table: Shelves, number: int) -> Shelves:
    """Return shelves of which only one is filled: what another process has to know of them."""
    return replace(table, places=[*([()] * number), table.places[number]])


def _suggested(desk: Desk, pipeline: Origin, golds: Mapping[str, Gold]) -> dict[str, Profile]:
    """Return what the suggestions say of each document that nobody finished: how often each label is there."""
    found: dict[str, Profile] = {}
    known: dict[Profile, Profile] = {}
    for table in desk.read_tables(suggestions_folder(pipeline)):
        parents, labels = _labels(table)
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        for place, label in zip(parents, labels, strict=True):
            counts[place][label] += 1
        for place, key in enumerate(table["document_id"].to_pylist()):
            if key not in golds:
                profile = _profile(counts[place])
                found[key] = known.setdefault(profile, profile)
    return found


def _labels(table: pa.Table) -> tuple[list[int], list[str]]:
    parents, items = flat(table["entities"])
    return parents.tolist(), items.field("label").to_pylist()


def _profile(counts: Counter[str]) -> Profile:
    return tuple(sorted(counts.items()))


def _about(desk: Desk, wanted: pa.Array) -> pa.Table:
    columns = ["id", "title", "url", "outlet", "published"]
    kept = [
        table.select(columns).filter(pc.is_in(table["id"], value_set=wanted)) for table in desk.read_tables("articles")
    ]
    empty = pa.schema([DOCUMENTS.field(name) for name in columns]).empty_table()
    found = pa.concat_tables([empty, *kept])
    places = {key: place for place, key in enumerate(found["id"].to_pylist())}
    _refuse_missing(desk, wanted.to_pylist(), places)
    return found.take(pa.array([places[key] for key in wanted.to_pylist()], pa.int64()))


def _refuse_missing(desk: Desk, wanted: Iterable[str], found: Container[str]) -> None:
    for key in wanted:
        if key not in found:
            raise DeskError(
                f"document {key} has labels, but its article is not in the desk",
                where=str(desk.path),
                hint="Ingest it again from its source, or restore articles/ from a copy.",
            )


def _copies(clusters: Mapping[str, Cluster]) -> Callable[[str], tuple[str, ...]]:
    """Return a function from a document to the others of its cluster, sorted."""
    others: dict[str, list[str]] = {}
    for cluster in clusters.values():
        others.setdefault(cluster.cluster_id, []).append(cluster.document_id)

    def of(key: str) -> tuple[str, ...]:
        return tuple(sorted(set(others[clusters[key].cluster_id]) - {key})) if key in clusters else ()

    return of


def _as_of(versions: Mapping[str, tuple[Version, ...]]) -> str:
    return max((version.updated_at[:10] for found in versions.values() for version in found), default="")


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
