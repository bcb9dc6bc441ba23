"""What is stored comes back the same, whatever Unicode it holds, and a foreign table is refused."""

import dataclasses
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.schemas import (
    ANNOTATIONS,
    CLUSTERS,
    DOCUMENTS,
    POLARITIES,
    REMOVED,
    SEGMENTS,
    SUGGESTIONS,
    Annotations,
    Attribution,
    Cluster,
    DeskError,
    Document,
    Entity,
    MentionCluster,
    Origin,
    Removed,
    Segment,
    SegmentKind,
    Span,
    Stance,
    Suggestion,
    annotations_from_row,
    annotations_to_row,
    from_table,
    to_table,
)

# Unicode as newspapers and the web have it, and worse: everything but surrogates
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
nasty = st.sampled_from(
    [
        "",
        "👩‍👩‍👧‍👦",
        "🇺🇦",
        "é",
        "e\u0301",
        "\u202eabc\u202c",
        "مدينة",
        "Київ",
        "\x00",
        "a\u2028b",
        "\ufeff",
        "𝔸",
        "俄罗斯",
        "\u200d",
    ]
)
texts = st.one_of(anything, nasty)
scores = st.one_of(st.none(), st.floats(0, 1))
origins = st.builds(
    Origin, kind=st.sampled_from(["model", "rule", "person", "adjudication"]), name=texts, version=texts
)
offsets = st.integers(0, 2**40)
spans = st.builds(Span, start=offsets, end=offsets, text=texts)
entities = st.builds(
    Entity, id=texts, span=spans, label=texts, origin=origins,
    attributes=st.dictionaries(texts, texts, max_size=3), score=scores,
)  # fmt: skip
attributions = st.builds(
    Attribution, id=texts, content=spans, origin=origins, source=st.none() | spans, cue=st.none() | spans,
    form=texts, source_type=texts, score=scores,
)  # fmt: skip
stances = st.builds(
    Stance, target=texts, holder=texts, polarity=st.sampled_from(POLARITIES), origin=origins,
    evidence=st.lists(spans, max_size=2).map(tuple), role=texts, score=scores,
)  # fmt: skip


def several(strategy):
    return st.lists(strategy, max_size=3).map(tuple)


annotations = st.builds(
    Annotations, document_id=texts, sha256=texts, entities=several(entities), attributions=several(attributions),
    stances=several(stances), choices=st.dictionaries(texts, several(texts), max_size=2),
)  # fmt: skip
documents = st.builds(
    Document, captions=st.integers(0, 9),
    **dict.fromkeys((f for f in Document.__dataclass_fields__ if f != "captions"), texts),
)  # fmt: skip
RECORDS = {
    Document: documents,
    Segment: st.builds(
        Segment, document_id=texts, index=offsets, start=offsets, end=offsets, kind=st.sampled_from(SegmentKind)
    ),
    Removed: st.builds(Removed, document_id=texts, stage=texts, reason=texts, of=texts, detail=texts),
    Cluster: st.builds(
        Cluster, document_id=texts, cluster_id=texts, canonical=texts, kind=texts, similarity=st.floats(0, 1)
    ),
    Annotations: annotations,
    Suggestion: st.builds(
        Suggestion,
        annotations=annotations,
        pipeline=origins,
        read=several(st.tuples(offsets, offsets)),
        score=scores,
        clusters=several(st.builds(MentionCluster, members=several(texts), name=texts, score=st.floats(0, 1))),
        stance_read=several(st.tuples(offsets, offsets)),
    ),
}
SCHEMAS = {
    Document: DOCUMENTS,
    Segment: SEGMENTS,
    Removed: REMOVED,
    Cluster: CLUSTERS,
    Annotations: ANNOTATIONS,
    Suggestion: SUGGESTIONS,
}
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_records_come_back_from_a_table(kind):
    @quick
    @given(st.lists(RECORDS[kind], max_size=4))
    def round_trip(records):
        table = to_table(kind, records)
        assert table.schema.equals(SCHEMAS[kind])
        table.validate(full=True)
        assert list(from_table(kind, table)) == records

    round_trip()


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_records_come_back_from_a_file(kind, tmp_path):
    @settings(quick, max_examples=5)
    @given(st.lists(RECORDS[kind], min_size=1, max_size=3))
    def round_trip(records):
        pq.write_table(to_table(kind, records), tmp_path / "part-0.parquet")
        assert list(from_table(kind, pq.read_table(tmp_path / "part-0.parquet"))) == records

    round_trip()


@quick
@given(annotations)
def test_a_row_is_plain_data_and_comes_back(said):
    row = annotations_to_row(said)
    assert annotations_from_row(row) == said
    assert [pair["name"] for entity in row["entities"] for pair in entity["attributes"]] == [
        name for entity in said.entities for name in sorted(entity.attributes)
    ]


def test_the_order_of_a_mapping_does_not_reach_the_file():
    origin, span = Origin("person", "ann"), Span(0, 1, "a")
    one = Annotations("d", "h", (Entity("e", span, "X", origin, {"a": "1", "b": "2"}),), choices={"p": ("1",), "q": ()})
    two = Annotations("d", "h", (Entity("e", span, "X", origin, {"b": "2", "a": "1"}),), choices={"q": (), "p": ("1",)})
    assert to_table(Annotations, [one]).equals(to_table(Annotations, [two]))


def test_no_column_but_a_score_is_ever_null():
    def nullable(fields, path=""):
        for field in fields:
            if pa.types.is_struct(field.type):
                yield from nullable(field.type.fields, f"{path}{field.name}.")
            elif pa.types.is_list(field.type) and pa.types.is_struct(field.type.value_type):
                yield from nullable(field.type.value_type.fields, f"{path}{field.name}.")
            if field.nullable:
                yield f"{path}{field.name}"

    names = {name for schema in SCHEMAS.values() for name in nullable(schema)}
    assert names <= {"score", "similarity", "entities.score", "attributions.score", "stances.score", "clusters.score"}


def test_a_table_of_another_kind_is_refused():
    with pytest.raises(DeskError) as caught:
        list(from_table(Segment, to_table(Removed, [])))
    assert str(caught.value) == (
        "expected the columns document_id, index, start, end, kind of Segment, "
        "found document_id, stage, reason, of, detail\n"
        "The file was written by another version of copydesk, or by something else."
    )


@quick
@given(annotations)
def test_a_row_has_every_field_of_its_classes(said):
    row = annotations_to_row(said)
    for name, things in (("entities", said.entities), ("attributions", said.attributions), ("stances", said.stances)):
        for stored, thing in zip(row[name], things, strict=True):
            listed = {key: stored[key][0] if stored[key] else None for key in {"source", "cue"} & stored.keys()}
            attributes = {"attributes": thing.attributes} if "attributes" in stored else {}
            found = stored | listed | attributes
            assert json.loads(json.dumps(found)) == json.loads(json.dumps(dataclasses.asdict(thing)))
