"""Put the words back into rows of a release without texts, some hundred documents at a time.

Where the text is the one that was released, every offset holds and the words are cut out of it, column by column.
Where it is another version, the row is first moved (:func:`moved`): what was placed goes along, what was not is left
out, and what was said about a sentence stays only where the sentence stands word for word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from copydesk.annotate import Version
from copydesk.corpus import segment
from copydesk.schemas import (
    ANNOTATIONS,
    DOCUMENTS,
    SEGMENTS,
    Annotations,
    Attribution,
    Document,
    Entity,
    Origin,
    SegmentKind,
    Span,
    Stance,
    text_sha256,
)

from .anchoring import Placed, Range, place
from .arrays import Numbers, fitted, flat, listed, struct, texts
from .batch import Batch
from .decided import reread
from .fingerprints import Anchor, Fingerprints, Sentence, title_hash
from .labels import UNSPECIFIED, Labels
from .tables import EditRow

__all__ = ["Moved", "headline", "moved", "moved_edit", "reworded", "version"]

SOMEBODY: Final = Origin("person", "")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """A document in another version of its text.

    Attributes:
        row: Its row of ``articles``, moved.
        placed: Where its spans went.
        labels: How many labels of the article's standoff are left out.
    """

    row: Row
    placed: Placed
    labels: int


def headline(row: Mapping[str, Any], text: str, stated: str) -> str:
    """Return the title of an article from its text, or from what its copy states, if it is the one that was released."""
    if not row["title_hash"]:  # there is none, or it has no words, as a row of signs
        first = text[: max(row["title_length"], 0)]
        return "" if title_hash(first) else first
    for title in (text[: max(row["title_length"], 0)], stated, text.partition("\n\n")[0]):
        if title and title_hash(title) == row["title_hash"]:
            return title
    return stated


def moved(row: Row, text: str, stated: str, raw_sha256: str, labels: Labels) -> Moved | None:
    """Move a row of ``articles`` to another version of its text; None where that is another text.

    Args:
        row: As a release without texts has it, with label ids.
        text: The text as it is.
        stated: The headline that its copy states.
        raw_sha256: Of the bytes of that copy.
        labels: The ids of every name.
    """
    caption = labels["segment"].index(SegmentKind.CAPTION.value)
    document = Document(
        row["document_id"],
        text,
        text_sha256(text),
        title=headline(row, text, stated),
        captions=sum(piece["kind"] == caption for piece in row["segments"]),
    )
    pieces = segment(document)
    sentences = [(piece.start, piece.end) for piece in pieces if piece.kind is SegmentKind.SENTENCE]
    known = Fingerprints(
        row["document_id"],
        tuple(Sentence(**one) for one in row["sentences"]),
        tuple(Anchor(**one) for one in row["anchors"]),
    )
    placed = place(known, text, sentences or [(0, len(text))])
    if placed is None:
        return None
    kinds = {name: number for number, name in enumerate(labels["segment"])}
    said, lost = standing(row, placed)
    cut = [{"start": piece.start, "end": piece.end, "kind": kinds[piece.kind.value]} for piece in pieces]
    return Moved({**row, **said, "segments": cut, "sha256": document.sha256, "raw_sha256": raw_sha256}, placed, lost)


def standing(row: Row, placed: Placed) -> tuple[Row, int]:
    """Return the moved labels of a row of ``articles`` or ``annotations``, and how many had to be left out."""
    ranges = {entity["id"]: (entity["start"], entity["end"]) for entity in row["entities"]}
    entities = [item for item in row["entities"] if _range(item) in placed.places]
    there = {item["id"] for item in entities}
    attributions = [
        item
        for item in row["attributions"]
        if all(_range(part) in placed.places for part in (item, *item["source"], *item["cue"]))
    ]
    stances = [
        item
        for item in row["stances"]
        if ranges.get(item["target"]) in placed.whole
        and (item["holder"] in there or item["holder"] not in ranges)
        and all(_range(part) in placed.whole for part in item["evidence"])
    ]
    said = {
        "entities": [_put(item, placed) for item in entities],
        "attributions": [_put(item, placed, "source", "cue") for item in attributions],
        "stances": [{**item, "evidence": [_put(part, placed) for part in item["evidence"]]} for item in stances],
    }
    return said, sum(len(row[name]) - len(said[name]) for name in said)


def moved_edit(row: Row, placed: Placed) -> Row | None:
    """Return a row of ``edits`` moved; None where one of its spans is lost."""
    parts = [*row["suggested"], *row["final"]]
    if not all(_range(part) in placed.places for part in parts):
        return None
    return {**row, **{name: [_put(part, placed) for part in row[name]] for name in ("suggested", "final")}}


def _range(item: Mapping[str, Any]) -> Range:
    return item["start"], item["end"]


def _put(item: Row, placed: Placed, *inner: str) -> Row:
    start, end = placed.places[_range(item)]
    return {**item, "start": start, "end": end, **{name: [_put(part, placed) for part in item[name]] for name in inner}}


# words, one document at a time: what people did


def version(row: Row, text: str, labels: Labels) -> Version:
    """Return a row of ``annotations``, with label ids, as an annotator's version."""

    def span(item: Mapping[str, Any]) -> Span:
        return Span(item["start"], item["end"], text[item["start"] : item["end"]])

    said = Annotations(
        row["document_id"],
        "",
        tuple(
            Entity(
                e["id"],
                span(e),
                labels["label"][e["label"]],
                SOMEBODY,
                {p["name"]: p["value"] for p in e["attributes"]},
            )
            for e in row["entities"]
        ),
        tuple(
            Attribution(
                a["id"],
                span(a),
                SOMEBODY,
                source=span(a["source"][0]) if a["source"] else None,
                cue=span(a["cue"][0]) if a["cue"] else None,
                form=_said(labels, "form", a),
                source_type=_said(labels, "source_type", a),
            )
            for a in row["attributions"]
        ),
        tuple(
            Stance(
                s["target"],
                s["holder"],
                labels["polarity"][s["polarity"]],
                SOMEBODY,
                tuple(span(part) for part in s["evidence"]),
                _said(labels, "role", s),
            )
            for s in row["stances"]
        ),
        {item["question"]: tuple(item["values"]) for item in row["choices"]},
    )
    return Version(row["annotator"], said, row["ground_truth"], row["seconds"], "")


def edit(row: Row, text: str, labels: Labels) -> EditRow:
    """Return a row of ``edits``, with label ids, as an edit."""

    def spans(name: str) -> tuple[Span, ...]:
        return tuple(Span(p["start"], p["end"], text[p["start"] : p["end"]]) for p in row[name])

    return EditRow(
        row["annotator"],
        labels["edit"][row["kind"]],
        tuple(labels["edit"][one] for one in row["also"]),
        labels["layer"][row["layer"]],
        row["suggested_label"],
        spans("suggested"),
        row["final_label"],
        spans("final"),
        row["model"],
        None if row["score"] < 0 else row["score"],
    )


def _said(labels: Labels, key: str, item: Mapping[str, Any]) -> str:
    name = labels[key][item[key]]
    return "" if name == UNSPECIFIED else name


# words, column by column: what stands


def reworded(
    rows: pa.Table,
    words: Sequence[str],
    titles: Sequence[str],
    labels: Labels,
    *,
    versions: Iterable[tuple[int, Row]] = (),
    edits: Iterable[tuple[int, Row]] = (),
    decisions: Iterable[tuple[int, Row]] = (),
) -> Batch:
    """Return documents with their words again.

    Args:
        rows: Rows of ``articles`` without words, in the order of their documents' ids; offsets fit the texts.
        words: The text of each.
        titles: The title of each.
        labels: The ids of every name.
        versions: Place of a document and a row of ``annotations``.
        edits: Place of a document and a row of ``edits``.
        decisions: Place of a document and a row of ``decisions``.
    """
    count = rows.num_rows
    digests = texts(map(text_sha256, words))
    given = {
        "id": rows["document_id"],
        "text": pa.array(words, pa.large_string()),
        "title": texts(titles),
        "sha256": digests,
    }
    blank = {name: texts([""] * count) for name in ("external_id", "modified", "robots", "raw_map")}
    blank["captions"] = np.zeros(count, np.int64)
    documents = _table(
        DOCUMENTS, {name: _one(rows[name]) for name in DOCUMENTS.names if name in rows.column_names} | given | blank
    )
    made = _Columns(rows, words, labels)
    names = labels["origin"]
    return Batch(
        documents=documents,
        segments=made.segments(),
        standing=_table(
            ANNOTATIONS,
            {
                "document_id": rows["document_id"],
                "sha256": digests,
                "entities": made.entities(),
                "attributions": made.attributions(),
                "stances": made.stances(),
                "choices": _one(rows["choices"]),
            },
        ),
        origin=[names[number] for number in rows["origin"].to_pylist()],
        annotators=rows["annotators"].to_pylist(),
        cluster=rows["cluster_id"].to_pylist(),
        copies=rows["copies"].to_pylist(),
        split=rows["split"].to_pylist(),
        versions=[(at, version(row, words[at], labels)) for at, row in versions],
        edits=[(at, edit(row, words[at], labels)) for at, row in edits],
        decisions=[(at, reread(row, labels)) for at, row in decisions],
    )


class _Columns:
    """The nested columns of rows of ``articles``, with words."""

    def __init__(self, rows: pa.Table, words: Sequence[str], labels: Labels) -> None:
        self.rows = rows
        self.words = words
        self.labels = labels

    def segments(self) -> pa.Table:
        """Return the segments of all documents as a table of them."""
        document, items = flat(self.rows["segments"])
        first = np.searchsorted(document, np.arange(self.rows.num_rows))
        columns = {
            "document_id": _one(self.rows["document_id"]).take(pa.array(document)),
            "index": np.arange(len(document)) - first[document],
            "start": items.field("start"),
            "end": items.field("end"),
            "kind": self._names("segment", items.field("kind")),
        }
        return _table(SEGMENTS, columns)

    def entities(self) -> pa.Array:
        """Return the entities of each document, as annotations have them."""
        document, items = flat(self.rows["entities"])
        return self._listed(
            document,
            items,
            span=self._span(document, items),
            label=self._names("label", items.field("label")),
            attributes=items.field("attributes"),
        )

    def attributions(self) -> pa.Array:
        """Return the attributions of each document."""
        document, items = flat(self.rows["attributions"])
        return self._listed(
            document,
            items,
            content=self._span(document, items),
            source=self._inner(document, items.field("source")),
            cue=self._inner(document, items.field("cue")),
            form=self._names("form", items.field("form")),
            source_type=self._names("source_type", items.field("source_type")),
        )

    def stances(self) -> pa.Array:
        """Return the stances of each document."""
        document, items = flat(self.rows["stances"])
        return self._listed(
            document,
            items,
            target=items.field("target"),
            holder=items.field("holder"),
            polarity=self._names("polarity", items.field("polarity")),
            role=self._names("role", items.field("role")),
            evidence=self._inner(document, items.field("evidence")),
        )

    def _listed(self, document: Numbers, items: pa.Array, **fields: pa.Array) -> pa.Array:
        count = len(document)
        if "id" in {field.name for field in items.type}:
            fields["id"] = items.field("id")
        origin = {name: texts([getattr(SOMEBODY, name)] * count) for name in ("kind", "name", "version")}
        return listed(
            document, self.rows.num_rows, struct(**fields, score=pa.nulls(count, pa.float64()), origin=struct(**origin))
        )

    def _names(self, key: str, numbers: pa.Array) -> pa.Array:
        return texts("" if name == UNSPECIFIED else name for name in self.labels[key]).take(numbers)

    def _span(self, document: Numbers, items: pa.Array) -> pa.Array:
        start, end = items.field("start"), items.field("end")
        cut = [
            self.words[at][first:last]
            for at, first, last in zip(document.tolist(), start.to_pylist(), end.to_pylist(), strict=True)
        ]
        return struct(start=start, end=end, text=texts(cut))

    def _inner(self, document: Numbers, lists: pa.Array) -> pa.Array:
        parent, items = flat(lists)
        return listed(parent, len(document), self._span(document[parent], items))


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array.chunk(0) if isinstance(array, pa.ChunkedArray) else array


def _table(schema: pa.Schema, columns: Mapping[str, Any]) -> pa.Table:
    made = []
    for field in schema:
        value = columns[field.name]
        value = _one(value) if isinstance(value, (pa.ChunkedArray, pa.Array)) else pa.array(value)
        made.append(fitted(value, field.type))
    return pa.Table.from_arrays(made, schema=schema)
