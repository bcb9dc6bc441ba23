"""Hold many documents as columns: what the tables of a release are made from, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.annotate import Version
from copydesk.schemas import (
    ANNOTATIONS,
    Document,
    OffsetError,
    Segment,
    SegmentKind,
    annotations_to_row,
    to_table,
)

from .arrays import Numbers, codes, flat, listed, struct
from .decided import DecisionRow
from .labels import Labels
from .tables import EditRow, Record

__all__ = ["Batch", "Sentences", "batched"]

SIZE: Final = 500
"""How many documents make a batch."""


def batched(records: Iterable[Record]) -> Iterator[Batch]:
    """Yield batches of records that come in the order of their ids."""
    stream = iter(records)
    while found := list(islice(stream, SIZE)):
        yield Batch.of(found)


@dataclass(frozen=True, slots=True)
class Sentences:
    """Every sentence of a batch, sorted; of a document that was not segmented, its whole text."""

    document: Numbers
    start: Numbers
    end: Numbers
    first: Numbers
    """The place of each document's first sentence."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that a release says about some documents, in the order of their ids.

    Attributes:
        documents: A table of :class:`~copydesk.schemas.Document`.
        segments: A table of :class:`~copydesk.schemas.Segment`, sorted by document and index.
        standing: The gold of each document, as :data:`~copydesk.schemas.ANNOTATIONS` has it.
        origin: What each document's labels are.
        annotators: The pseudonyms behind them.
        cluster: Each document's cluster, or itself.
        copies: The other documents of its cluster.
        split: Each document's split.
        versions: Place of a document, and an annotator's version of it.
        edits: Place of a document, and an edit of it.
        decisions: Place of a document, and a decision about it.
    """

    documents: pa.Table
    segments: pa.Table
    standing: pa.Table
    origin: Sequence[str]
    annotators: Sequence[Sequence[str]]
    cluster: Sequence[str]
    copies: Sequence[Sequence[str]]
    split: Sequence[str]
    versions: Sequence[tuple[int, Version]] = field(default=())
    edits: Sequence[tuple[int, EditRow]] = field(default=())
    decisions: Sequence[tuple[int, DecisionRow]] = field(default=())

    def __len__(self) -> int:
        return int(self.documents.num_rows)

    @classmethod
    def of(cls, records: Iterable[Record]) -> Batch:
        """Make a batch of records in the order of their ids."""
        found = list(records)
        return cls(
            to_table(Document, [record.document for record in found]),
            to_table(Segment, [piece for record in found for piece in record.segments]),
            pa.Table.from_pylist([annotations_to_row(r.gold.annotations) for r in found], schema=ANNOTATIONS),
            [record.gold.origin for record in found],
            [record.gold.annotators for record in found],
            [record.cluster.cluster_id if record.cluster else record.document.id for record in found],
            [record.copies for record in found],
            [record.split for record in found],
            [(place, version) for place, record in enumerate(found) for version in record.versions],
            [(place, edit) for place, record in enumerate(found) for edit in record.edits],
            [(place, one) for place, record in enumerate(found) for one in record.decisions],
        )

    def texts(self) -> list[str]:
        """Return the text of each document."""
        found: list[str] = self.documents["text"].to_pylist()
        return found

    def check(self) -> None:
        """Check every offset of what stands against the texts.

        Raises:
            OffsetError: A label does not fit its text.
        """
        texts = self.texts()
        self._check_hashes()
        for column, name in (("entities", "span"), ("attributions", "content"), ("stances", "")):
            document, items = flat(self.standing[column])
            if name:
                _check(self, texts, document, items.field(name))
            for inner in {"attributions": ("source", "cue"), "stances": ("evidence",)}.get(column, ()):
                parent, spans = flat(items.field(inner))
                _check(self, texts, document[parent], spans)

    def _check_hashes(self) -> None:
        said = self.standing
        for place in np.flatnonzero(pc.not_equal(said["sha256"], self.documents["sha256"]).to_numpy()).tolist():
            key, right = (self.documents[name][place].as_py() for name in ("id", "sha256"))
            wrong = f"text {said['sha256'][place].as_py()} of document {key}"
            raise OffsetError(key, 0, len(self.texts()[place]), expected=wrong, found=right)

    def _segment_rows(self) -> Numbers:
        ids = pc.index_in(self.segments["document_id"], value_set=self.documents["id"].combine_chunks())
        found: Numbers = ids.to_numpy().astype(np.int64)
        return found

    def segment_lists(self, labels: Labels) -> pa.Array:
        """Return the segments of each document, as ``articles`` has them."""
        rows, table = self._segment_rows(), self.segments
        kind = codes(table["kind"].combine_chunks(), labels["segment"], "segment")
        items = struct(start=table["start"].to_numpy(), end=table["end"].to_numpy(), kind=kind)
        return listed(rows, len(self), items)

    def sentences(self) -> Sentences:
        """Return the ranges of all sentences."""
        kept = pc.equal(self.segments["kind"], SegmentKind.SENTENCE.value).to_numpy()
        document = self._segment_rows()[kept]
        start, end = (self.segments[name].to_numpy()[kept] for name in ("start", "end"))
        lengths = pc.utf8_length(self.documents["text"]).to_numpy().astype(np.int64)
        bare = np.setdiff1d(np.flatnonzero(lengths), document)
        document = np.concatenate([document, bare])
        start, end = np.concatenate([start, np.zeros_like(bare)]), np.concatenate([end, lengths[bare]])
        order = np.lexsort((end, start, document))
        first = np.searchsorted(document[order], np.arange(len(self)))
        return Sentences(document[order], start[order], end[order], first)


def _check(batch: Batch, texts: Sequence[str], document: Numbers, spans: pa.Array) -> None:
    for place, start, end, text in zip(document.tolist(), *(part.to_pylist() for part in spans.flatten()), strict=True):
        if texts[place][start:end] != text or not 0 <= start < end:
            found = texts[place][start:end] if 0 <= start < end else "nothing"
            raise OffsetError(batch.documents["id"][place].as_py(), start, end, expected=text, found=found)
