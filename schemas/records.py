"""Give every stored record an explicit Arrow schema, and a round trip to the nouns.

A desk's tables are Parquet files with exactly these columns, so that pandas, polars, DuckDB and Ray
read them without copydesk. ``to_table`` and ``from_table`` are inverse to each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import pyarrow as pa

from .annotations import Annotations, Attribution, Entity, MentionCluster, Origin, Stance, Suggestion
from .documents import Cluster, Document, Removed, Segment, SegmentKind, Span
from .errors import DeskError

__all__ = [
    "ANNOTATIONS",
    "CLUSTERS",
    "DOCUMENTS",
    "REMOVED",
    "SEGMENTS",
    "SUGGESTIONS",
    "annotations_from_row",
    "annotations_to_row",
    "completed",
    "from_table",
    "to_table",
]


T = TypeVar("T")


def _struct(**fields: pa.DataType) -> pa.StructType:
    return pa.struct([pa.field(name, kind, nullable=kind == pa.float64()) for name, kind in fields.items()])


def _schema(**fields: pa.DataType) -> pa.Schema:
    return pa.schema(list(_struct(**fields)))


_TEXT: Final = pa.string()
_SPAN: Final = _struct(start=pa.int64(), end=pa.int64(), text=_TEXT)
_ORIGIN: Final = _struct(kind=_TEXT, name=_TEXT, version=_TEXT)
_PAIR: Final = _struct(name=_TEXT, value=_TEXT)

DOCUMENTS: Final = _schema(
    **{
        field.name: (pa.int64() if field.name == "captions" else pa.large_string() if field.name == "text" else _TEXT)
        for field in dataclasses.fields(Document)
    }
)
SEGMENTS: Final = _schema(document_id=_TEXT, index=pa.int64(), start=pa.int64(), end=pa.int64(), kind=_TEXT)
REMOVED: Final = _schema(**{field.name: _TEXT for field in dataclasses.fields(Removed)})
CLUSTERS: Final = _schema(document_id=_TEXT, cluster_id=_TEXT, canonical=_TEXT, kind=_TEXT, similarity=pa.float64())

_ENTITY: Final = _struct(
    id=_TEXT, span=_SPAN, label=_TEXT, attributes=pa.list_(_PAIR), score=pa.float64(), origin=_ORIGIN
)
# a list of at most one stands for what may be absent, so that no column is ever null but a score
_ATTRIBUTION: Final = _struct(
    id=_TEXT,
    content=_SPAN,
    source=pa.list_(_SPAN),
    cue=pa.list_(_SPAN),
    form=_TEXT,
    source_type=_TEXT,
    score=pa.float64(),
    origin=_ORIGIN,
)
_STANCE: Final = _struct(
    target=_TEXT,
    holder=_TEXT,
    polarity=_TEXT,
    role=_TEXT,
    evidence=pa.list_(_SPAN),
    score=pa.float64(),
    origin=_ORIGIN,
)
_ANNOTATIONS_FIELDS: Final[dict[str, pa.DataType]] = {
    "document_id": _TEXT,
    "sha256": _TEXT,
    "entities": pa.list_(_ENTITY),
    "attributions": pa.list_(_ATTRIBUTION),
    "stances": pa.list_(_STANCE),
    "choices": pa.list_(_struct(question=_TEXT, values=pa.list_(_TEXT))),
}
ANNOTATIONS: Final = _schema(**_ANNOTATIONS_FIELDS)
SUGGESTIONS: Final = _schema(
    **_ANNOTATIONS_FIELDS,
    pipeline=_ORIGIN,
    read=pa.list_(_struct(start=pa.int64(), end=pa.int64())),
    score=pa.float64(),
    clusters=pa.list_(_struct(members=pa.list_(_TEXT), name=_TEXT, score=pa.float64())),
    stance_read=pa.list_(_struct(start=pa.int64(), end=pa.int64())),
)


def _optional(row: list[dict[str, Any]]) -> Span | None:
    return Span(**row[0]) if row else None


def annotations_to_row(annotations: Annotations) -> dict[str, Any]:
    """Return annotations as one row of :data:`ANNOTATIONS`."""
    # not dataclasses.asdict: what it copies is most of the time of a table
    return {
        "document_id": annotations.document_id,
        "sha256": annotations.sha256,
        "entities": [
            {
                **_fields(entity),
                "span": _fields(entity.span),
                "origin": _fields(entity.origin),
                "attributes": _pairs(entity.attributes),
            }
            for entity in annotations.entities
        ],
        "attributions": [
            {
                **_fields(attribution),
                "content": _fields(attribution.content),
                "origin": _fields(attribution.origin),
                "source": [_fields(attribution.source)] if attribution.source else [],
                "cue": [_fields(attribution.cue)] if attribution.cue else [],
            }
            for attribution in annotations.attributions
        ],
        "stances": [
            {
                **_fields(stance),
                "origin": _fields(stance.origin),
                "evidence": [_fields(span) for span in stance.evidence],
            }
            for stance in annotations.stances
        ],
        "choices": [
            {"question": question, "values": list(values)} for question, values in sorted(annotations.choices.items())
        ],
    }


def _fields(thing: Entity | Attribution | Stance | Span | Origin) -> dict[str, Any]:
    """Return the fields of a slotted dataclass as they are, in order."""
    return {name: getattr(thing, name) for name in thing.__slots__}


def annotations_from_row(row: Mapping[str, Any]) -> Annotations:
    """Return the annotations that a row of :data:`ANNOTATIONS` holds."""
    return Annotations(
        document_id=row["document_id"],
        sha256=row["sha256"],
        entities=tuple(
            Entity(
                id=item["id"],
                span=Span(**item["span"]),
                label=item["label"],
                origin=Origin(**item["origin"]),
                attributes={pair["name"]: pair["value"] for pair in item["attributes"]},
                score=item["score"],
            )
            for item in row["entities"]
        ),
        attributions=tuple(
            Attribution(
                id=item["id"],
                content=Span(**item["content"]),
                origin=Origin(**item["origin"]),
                source=_optional(item["source"]),
                cue=_optional(item["cue"]),
                form=item["form"],
                source_type=item["source_type"],
                score=item["score"],
            )
            for item in row["attributions"]
        ),
        stances=tuple(
            Stance(
                target=item["target"],
                holder=item["holder"],
                polarity=item["polarity"],
                origin=Origin(**item["origin"]),
                evidence=tuple(Span(**span) for span in item["evidence"]),
                role=item["role"],
                score=item["score"],
            )
            for item in row["stances"]
        ),
        choices={item["question"]: tuple(item["values"]) for item in row["choices"]},
    )


def _pairs(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in sorted(attributes.items())]


def _suggestion_to_row(suggestion: Suggestion) -> dict[str, Any]:
    return {
        **annotations_to_row(suggestion.annotations),
        "pipeline": dataclasses.asdict(suggestion.pipeline),
        "read": [{"start": start, "end": end} for start, end in suggestion.read],
        "score": suggestion.score,
        "clusters": [dataclasses.asdict(cluster) for cluster in suggestion.clusters],
        "stance_read": [{"start": start, "end": end} for start, end in suggestion.stance_read],
    }


def _suggestion_from_row(row: Mapping[str, Any]) -> Suggestion:
    return Suggestion(
        annotations=annotations_from_row(row),
        pipeline=Origin(**row["pipeline"]),
        read=tuple((item["start"], item["end"]) for item in row["read"]),
        score=row["score"],
        clusters=tuple(MentionCluster(tuple(item["members"]), item["name"], item["score"]) for item in row["clusters"]),
        stance_read=tuple((item["start"], item["end"]) for item in row["stance_read"]),
    )


_CODECS: Final[dict[type, tuple[pa.Schema, Callable[[Any], dict[str, Any]], Callable[[Mapping[str, Any]], Any]]]] = {
    Document: (DOCUMENTS, dataclasses.asdict, lambda row: Document(**row)),
    Segment: (
        SEGMENTS,
        lambda segment: {**dataclasses.asdict(segment), "kind": segment.kind.value},
        lambda row: Segment(**{**row, "kind": SegmentKind(row["kind"])}),
    ),
    Removed: (REMOVED, dataclasses.asdict, lambda row: Removed(**row)),
    Cluster: (CLUSTERS, dataclasses.asdict, lambda row: Cluster(**row)),
    Annotations: (ANNOTATIONS, annotations_to_row, annotations_from_row),
    Suggestion: (SUGGESTIONS, _suggestion_to_row, _suggestion_from_row),
}


def to_table(kind: type[T], records: Iterable[T]) -> pa.Table:
    """Return records of one kind as a table with that kind's schema."""
    schema, to_row, _ = _CODECS[kind]
    return pa.Table.from_pylist([to_row(record) for record in records], schema=schema)


def from_table(kind: type[T], table: pa.Table) -> Iterator[T]:
    """Yield the records of a table; a column that an earlier copydesk did not write holds its default.

    Raises:
        DeskError: The table's columns are not those of this kind of record.
    """
    schema, _, from_row = _CODECS[kind]
    table = completed(kind, table)
    if table.schema.names != schema.names:
        raise DeskError(
            f"expected the columns {', '.join(schema.names)} of {kind.__name__}, found {', '.join(table.schema.names)}",
            hint="The file was written by another version of copydesk, or by something else.",
        )
    for batch in table.to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            yield from_row(row)


def completed(kind: type[Any], table: pa.Table) -> pa.Table:
    """Return a table with the columns that records of this kind have today.

    What an earlier copydesk did not write gets the field's default, if it has one; then the columns stand in the
    schema's order. Any other table is returned as it is.
    """
    schema = _CODECS[kind][0]
    absent = set(schema.names) - set(table.column_names)
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(kind)
        if field.name in absent and field.default is not dataclasses.MISSING
    }
    if not absent or set(defaults) != absent or not set(table.column_names) < set(schema.names):
        return table
    for name, value in sorted(defaults.items()):
        table = table.append_column(
            schema.field(name), pa.repeat(pa.scalar(value, schema.field(name).type), table.num_rows)
        )
    return table.select(schema.names)
