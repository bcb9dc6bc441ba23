from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import Gold, reidentify
from copydesk.corpus import segment
from copydesk.export import flatten, grow
from copydesk.export.tables import Record, rows
from copydesk.schemas import (
    OUTLET,
    Annotations,
    Attribution,
    Document,
    Entity,
    Origin,
    Span,
    Stance,
    load_scheme,
    text_sha256,
)

SCHEME = load_scheme()
LABELS = grow({}, SCHEME)
ORDER = LABELS["entity"]
WHO = Origin("person", "annotator-1")
TEXT = "Port news\n\nThe T-72s left. “Rebels of the North lied 🕊️,” the mayor said. Nobody knows."
DOCUMENT = Document("d1", TEXT, text_sha256(TEXT), title="Port news", language="en")


def span(words):
    start = TEXT.index(words)
    return Span.of(DOCUMENT, start, start + len(words))


def record(*mentions, attributions=(), stances=()):
    entities = tuple(Entity(words, span(words), label, WHO) for words, label in mentions)
    said = Annotations("d1", DOCUMENT.sha256, entities, tuple(attributions), tuple(stances))
    gold = Gold(reidentify(said), "gold", ("annotator-1",))
    return Record(DOCUMENT, tuple(segment(DOCUMENT)), gold, None, (), "train")


def views(*mentions, **more):
    return rows(record(*mentions, **more), SCHEME, LABELS)


def test_every_sentence_is_a_row_with_tokens_tags_and_relative_offsets():
    made, losses = views(("Rebels of the North", "ARMED_ACTOR"), ("the mayor", "PERSON"))
    assert losses == []
    found = made["entities"]
    assert [row["text"] for row in found] == [
        "Port news",
        "The T-72s left.",
        "“Rebels of the North lied 🕊️,” the mayor said.",
        "Nobody knows.",
    ]
    row = found[2]
    assert row["start"] == TEXT.index("“Rebels")
    tagged = [f"{token}/{tag}" for token, tag in zip(row["tokens"], row["ner_tags"], strict=True) if tag != "O"]
    assert tagged == [
        "Rebels/B-ARMED_ACTOR",
        "of/I-ARMED_ACTOR",
        "the/I-ARMED_ACTOR",
        "North/I-ARMED_ACTOR",
        "the/B-PERSON",
        "mayor/I-PERSON",
    ]
    assert [row["text"][e["start"] : e["end"]] for e in row["entities"]] == ["Rebels of the North", "the mayor"]


def test_what_bio_cannot_hold_is_listed_span_by_span():
    made, losses = views(
        ("Rebels of the North", "ARMED_ACTOR"),
        ("the North", "LOCATION"),
        ("Rebels of", "PERSON"),
        ("72s", "PLATFORM"),
        ("left. “Rebels", "NAMED_EVENT"),
    )
    assert {(loss.text, loss.label, loss.reason) for loss in losses} == {
        ("the North", "LOCATION", "inside a longer span"),
        ("Rebels of", "PERSON", "inside a longer span"),
        ("72s", "PLATFORM", "begins or ends inside a token"),
        ("left. “Rebels", "NAMED_EVENT", "crosses a sentence boundary"),
    }
    assert {loss.config for loss in losses} == {"entities"}
    assert all(TEXT[loss.start : loss.end] == loss.text for loss in losses)
    # the list beside the tags, and the table of spans, still hold them
    assert "the North" in [e["text"] for row in made["entities"] for e in row["entities"]]
    assert {row["text"] for row in made["spans"]} >= {"72s", "left. “Rebels"}


def test_the_voice_is_the_innermost_source():
    inner, outer = span("Rebels of the North lied 🕊️"), span("“Rebels of the North lied 🕊️,”")
    said = [
        Attribution("a", inner, WHO),
        Attribution("b", outer, WHO, source=span("the mayor"), cue=span("said"), form="direct"),
    ]
    made, _ = views(("Rebels of the North", "ARMED_ACTOR"), ("the mayor", "PERSON"), attributions=said)
    voices = {(row["text"], row["label"]): row["voice"] for row in made["spans"]}
    assert voices["Rebels of the North", "ARMED_ACTOR"] == "UNNAMED"
    assert voices["the mayor", "PERSON"] == OUTLET
    assert voices["Rebels of the North lied 🕊️", "CONTENT"] == "the mayor"
    assert ("said", "CUE") in voices


def test_a_stance_has_its_sentence_and_lists_evidence_elsewhere():
    view = Stance("Rebels of the North", "the mayor", "-2", WHO, (span("Nobody knows"), span("lied")), "antagonist")
    made, losses = views(("Rebels of the North", "ARMED_ACTOR"), ("the mayor", "PERSON"), stances=[view])
    (row,) = made["stance"]
    assert row["text"][row["target_start"] : row["target_end"]] == "Rebels of the North" == row["target"]
    assert (row["holder"], row["holder_kind"], row["label"], row["polarity"]) == (
        "the mayor",
        "mention",
        "negative",
        "-2",
    )
    assert [e["text"] for e in row["evidence"]] == ["lied"]
    assert [(loss.config, loss.text, loss.reason) for loss in losses] == [
        ("stance", "Nobody knows", "outside the target's sentence")
    ]
    assert {row["text"] for row in made["spans"] if row["label"] == "EVIDENCE"} == {"lied", "Nobody knows"}


def test_a_target_across_sentences_takes_them_all():
    view = Stance("left. “Rebels", OUTLET, "0", WHO)
    made, _ = views(("left. “Rebels", "ARMED_ACTOR"), stances=[view])
    (row,) = made["stance"]
    assert row["text"].startswith("The T-72s left.")
    assert row["text"][row["target_start"] : row["target_end"]] == row["target"]


def test_a_document_without_segments_is_one_sentence():
    made, _ = rows(replace(record(("the mayor", "PERSON")), segments=()), SCHEME, LABELS)
    assert [row["text"] for row in made["entities"]] == [TEXT]


def test_rows_know_where_they_belong():
    made, _ = views(("the mayor", "PERSON"), stances=[Stance("the mayor", OUTLET, "0", WHO)])
    for name, listed in made.items():
        for row in listed:
            assert (row["document_id"], row["cluster_id"], row["split"], row["origin"]) == ("d1", "d1", "train", "gold")
            assert row["scheme"] == "conflict-news 1.0.0", name
        ids = [row["id"] for row in listed]
        assert len(set(ids)) == len(ids)


@st.composite
def tokens_and_spans(draw):
    ends = sorted(draw(st.sets(st.integers(1, 40), min_size=1, max_size=12)))
    tokens = [(start, end) for start, end in zip([0, *ends], ends, strict=False) if draw(st.booleans())]
    edge = st.integers(0, 40)
    spans = draw(st.sets(st.tuples(edge, edge, st.sampled_from(ORDER)).filter(lambda s: s[0] < s[1]), max_size=8))
    return tokens, sorted(spans)


@settings(deadline=None, max_examples=200)
@given(tokens_and_spans())
def test_flattening_keeps_or_lists_every_span(case):
    tokens, spans = case
    tags, lost = flatten(tokens, spans, ORDER)
    assert len(tags) == len(tokens)
    found, current = [], None
    for place, tag in enumerate(tags):
        if tag.startswith("I-"):
            assert current is not None
            assert current[2] == tag[2:]
            current[1] = tokens[place][1]
            continue
        if current:
            found.append(tuple(current))
        current = [*tokens[place], tag[2:]] if tag != "O" else None
    if current:
        found.append(tuple(current))
    assert sorted(found + [span for span, _ in lost]) == spans
