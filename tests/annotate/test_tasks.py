from __future__ import annotations

import importlib
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.annotate import Decoded, decode, encode, encode_result
from copydesk.schemas import (
    OUTLET,
    UNNAMED,
    Annotations,
    Attribution,
    Entity,
    OffsetError,
    Origin,
    SchemeError,
    Span,
    Stance,
    Suggestion,
)

MODEL = Origin("model", "drawn", "1")
PERSON = Origin("person", "ana@copydesk.local")
TASKS, READING, WIRE = (importlib.import_module(f"copydesk.annotate.{name}") for name in ("tasks", "reading", "wire"))
calm = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture
def document(new_document):
    return new_document("Rebels hit Qasr\n\nThe army said “we hold Qasr” on Monday 👨‍👩‍👧 and the rebels denied it.")


def mention(document, words, label, id, **attributes):
    start = document.text.index(words)
    return Entity(id, Span.of(document, start, start + len(words)), label, PERSON, attributes)


def said(document, *entities, **more):
    return Annotations(document.id, document.sha256, entities, **more)


def row(id, start, end, label, layer="entities", **more):
    return {
        "id": id, "from_name": layer, "to_name": "text", "type": "labels",
        "value": {"start": start, "end": end, "text": "never trusted", "labels": [label]}, **more,
    }  # fmt: skip


def choice(id, name, value):
    return {"id": id, "from_name": name, "to_name": "text", "type": "choices", "value": {"choices": [value]}}


def relation(start, end, *labels, direction="right"):
    return {"type": "relation", "from_id": start, "to_id": end, "direction": direction, "labels": list(labels)}


def read(document, scheme, *rows):
    task = {"data": {"sha256": document.sha256, "text": document.text}}
    return decode(task, {"result": list(rows)}, scheme, document, origin=PERSON)


# inverse to each other


@calm
@given(data=st.data())
def test_decoding_undoes_encoding(annotated_documents, scheme, data):
    document, annotations = data.draw(annotated_documents)
    task = encode(document, Suggestion(annotations, MODEL, ()), scheme)
    decoded = decode(task, task["predictions"][0], scheme, document, origin=MODEL)
    assert decoded.annotations == annotations
    assert decoded.problems == ()


@settings(calm, max_examples=25)
@given(data=st.data())
def test_decoding_undoes_encoding_of_long_texts(long_documents, scheme, data):
    document, annotations = data.draw(long_documents)
    assert len(document.text) >= 59_000
    task = json.loads(json.dumps(encode(document, Suggestion(annotations, MODEL, ()), scheme)))
    decoded = decode(task, task["predictions"][0], scheme, document, origin=MODEL)
    assert decoded == Decoded(annotations)


@calm
@given(data=st.data())
def test_nothing_that_breaks_a_screen_leaves_the_encoder(annotated_documents, scheme, data):
    """What the encoder makes passes the check of foreign rows, and no two rows without a common region share an id."""
    document, annotations = data.draw(annotated_documents)
    rows = encode_result(document, annotations, scheme)
    WIRE.check_result(rows, document)
    regions = {row["id"] for row in rows if row["type"] == "labels"}
    answers = [row["id"] for row in rows if row["type"] == "choices" and "start" not in row["value"]]
    assert regions.isdisjoint(answers)
    json.dumps(rows, ensure_ascii=False, allow_nan=False).encode()


@calm
@given(data=st.data())
def test_plain_rows_are_read_as_with_all_care(annotated_documents, scheme, data):
    document, annotations = data.draw(annotated_documents)
    rows = encode_result(document, annotations, scheme)
    rows = data.draw(st.permutations(rows)) + data.draw(
        st.lists(st.sampled_from(rows), max_size=3) if rows else st.just([])
    )
    quick = read(document, scheme, *rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(READING, "_but_plain", lambda reading, rows: enumerate(rows))
        assert read(document, scheme, *rows) == quick


@calm
@given(data=st.data())
def test_a_row_may_come_in_any_order(annotated_documents, scheme, data):
    document, annotations = data.draw(annotated_documents)
    task = encode(document, Suggestion(annotations, MODEL, ()), scheme)
    rows = data.draw(st.permutations(task["predictions"][0]["result"]))
    assert decode(task, {"result": rows}, scheme, document, origin=MODEL) == Decoded(annotations)


@calm
@given(data=st.data())
def test_decoding_survives_any_row(annotated_documents, scheme, data):
    """Whatever rows are missing, doubled or out of order, nothing raises and no row is lost without a word."""
    document, annotations = data.draw(annotated_documents)
    rows = encode_result(document, annotations, scheme)
    kept = data.draw(st.lists(st.sampled_from(rows), max_size=len(rows) * 2) if rows else st.just([]))
    decoded = read(document, scheme, *kept)
    decoded.annotations.check(document)
    labels = [row for row in kept if row["type"] == "labels"]
    if labels and not decoded.problems:
        assert decoded.annotations.entities or decoded.annotations.attributions or decoded.annotations.stances


def test_a_task_carries_what_finds_it_again(document, scheme):
    task = encode(
        replace(document, title="Rebels hit Qasr", outlet="Wire"), None, scheme.select(["stance", "entities"])
    )
    assert task["predictions"] == []
    key = task["data"]["copydesk_key"]
    assert key.rpartition("/")[0] == f"{document.id}/conflict-news-1.0.0/entities+stance"
    assert TASKS.key_arm(key, "copydesk") == "shown"
    assert TASKS.key_arm(key, "another") == ""
    assert "shown" not in str(task["data"])  # whoever annotates must not be able to tell the arm
    assert task["data"]["sha256"] == document.sha256
    assert (task["data"]["title"], task["data"]["outlet"], task["data"]["scheme"]) == (
        "Rebels hit Qasr", "Wire", "conflict-news 1.0.0",
    )  # fmt: skip


def test_priority_is_the_predictions_score(document, scheme):
    suggestion = Suggestion(said(document), MODEL, (), 0.7)
    assert encode(document, suggestion, scheme)["predictions"][0]["score"] == 0.7
    assert encode(document, suggestion, scheme, priority=0.01)["predictions"][0]["score"] == 0.01
    assert encode(document, suggestion, scheme)["predictions"][0]["model_version"] == "drawn@1"


def test_a_second_stance_gets_a_region_of_its_own(document, scheme):
    army, rebels = (
        mention(document, "army", "ARMED_ACTOR", "army"),
        mention(document, "rebels", "ARMED_ACTOR", "rebels"),
    )
    stances = (
        Stance("army", OUTLET, "0", PERSON),
        Stance("army", "rebels", "-2", PERSON),
        Stance("army", "army", "+2", PERSON),
    )
    rows = encode_result(document, said(document, army, rebels, stances=stances), scheme)
    carriers = [row for row in rows if row.get("value", {}).get("labels") == ["STANCE"]]
    assert len(carriers) == 2
    assert all(row["from_id"] != row["to_id"] for row in rows if row["type"] == "relation")


# what never leaves the encoder


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: replace(a, stances=(Stance("army", "nobody", "0", PERSON),)), "the holder 'nobody'"),
        (lambda a: replace(a, stances=(Stance("nobody", OUTLET, "0", PERSON),)), "on no entity"),
        (lambda a: replace(a, entities=a.entities * 2), "given twice"),
        (lambda a: replace(a, entities=(replace(a.entities[0], label="TERRORIST"),)), "the label 'TERRORIST'"),
        (lambda a: replace(a, entities=(replace(a.entities[0], attributes={"toll_low": "3"}),)), "the attribute 'toll_low' of"),
        (lambda a: replace(a, entities=(replace(a.entities[0], attributes={"actor_class": "bad"}),)), "actor_class = 'bad'"),
        (lambda a: replace(a, choices={"graphic": ("perhaps",)}), "question 'graphic'"),
        (lambda a: replace(a, attributions=(Attribution("c", a.entities[0].span, PERSON, source_type="expert"),)),
         "an attribution without a source"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_scheme_is_refused(document, scheme, change, words):
    annotations = change(said(document, mention(document, "army", "ARMED_ACTOR", "army")))
    with pytest.raises(SchemeError) as error:
        encode_result(document, annotations, scheme)
    assert words in str(error.value)
    assert document.id in str(error.value)


def test_an_integer_is_plain_and_exact_in_a_browser(document, scheme):
    for value in ("007", "-1", "1.5", "٣", str(2**53)):
        toll = mention(document, "Monday", "TOLL", "t", toll_low=value)
        with pytest.raises(SchemeError, match="toll_low"):
            encode_result(document, said(document, toll), scheme)


def test_a_span_of_another_text_is_refused(document, scheme):
    entity = Entity("e", Span(0, 6, "rebels"), "ARMED_ACTOR", PERSON)
    with pytest.raises(OffsetError, match="should read 'rebels'"):
        encode_result(document, said(document, entity), scheme)
    with pytest.raises(OffsetError):
        encode_result(document, replace(said(document), sha256="0" * 64), scheme)


LONE = "\ud83d"


@pytest.mark.parametrize(
    "change",
    [
        lambda d, s: (replace(d, text=d.text + LONE), s),
        *[lambda d, s, name=name: (replace(d, **{name: LONE}), s) for name in ("title", "outlet", "url", "published", "id")],
        lambda d, s: (d, replace(s, pipeline=Origin("model", LONE, "1"))),
        lambda d, s: (d, replace(s, pipeline=Origin("model", "drawn", LONE))),
        lambda d, s: (d, _with(s, entities=(replace(s.annotations.entities[0], id=LONE),))),
        lambda d, s: (d, _with(s, entities=(replace(s.annotations.entities[0], label=LONE),))),
        lambda d, s: (d, _with(s, entities=(replace(s.annotations.entities[0], attributes={LONE: "true"}),))),
        lambda d, s: (d, _with(s, entities=(replace(s.annotations.entities[0], attributes={"actor_class": LONE}),))),
        lambda d, s: (d, _with(s, attributions=(Attribution(LONE, s.annotations.entities[0].span, PERSON),))),
        lambda d, s: (d, _with(s, attributions=(Attribution("c", s.annotations.entities[0].span, PERSON, form=LONE),))),
        lambda d, s: (d, _with(s, stances=(Stance("army", OUTLET, LONE, PERSON),))),
        lambda d, s: (d, _with(s, stances=(Stance("army", LONE, "0", PERSON),))),
        lambda d, s: (d, _with(s, stances=(Stance("army", OUTLET, "0", PERSON, role=LONE),))),
        lambda d, s: (d, _with(s, choices={"graphic": (LONE,)})),
        lambda d, s: (d, _with(s, choices={LONE: ("yes",)})),
    ],
)  # fmt: skip
def test_a_lone_surrogate_never_leaves_the_encoder(document, scheme, change):
    suggestion = Suggestion(said(document, mention(document, "army", "ARMED_ACTOR", "army")), MODEL, ())
    changed, said_of_it = change(document, suggestion)
    if changed.id != document.id:
        said_of_it = replace(said_of_it, annotations=replace(said_of_it.annotations, document_id=changed.id))
    with pytest.raises(SchemeError):
        encode(changed, said_of_it, scheme)


def _with(suggestion, **more):
    return replace(suggestion, annotations=replace(suggestion.annotations, **more))


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(document, scheme, score):
    army = replace(mention(document, "army", "ARMED_ACTOR", "army"), score=score)
    stance = Stance("army", OUTLET, "0", PERSON, score=score)
    for bad in (said(document, army), said(document, replace(army, score=None), stances=(stance,))):
        with pytest.raises(SchemeError, match="the score"):
            encode_result(document, bad, scheme)
    with pytest.raises(SchemeError, match="the score"):
        encode(document, Suggestion(said(document), MODEL, (), score), scheme)
    with pytest.raises(SchemeError, match="the score"):
        encode(document, Suggestion(said(document), MODEL, ()), scheme, priority=score)


@pytest.mark.parametrize(
    "span", [Span(0, 999, "Rebels"), Span(-3, 5, "Rebel"), Span(5, 5, ""), Span(9, 3, "x"), Span(80, 85, "")]
)
def test_offsets_outside_the_text_are_refused(document, scheme, span):
    for bad in (
        said(document, Entity("e", span, "ORG", PERSON)),
        said(document, attributions=(Attribution("c", span, PERSON),)),
        said(document, attributions=(Attribution("c", Span(0, 6, "Rebels"), PERSON, source=span),)),
        said(document, attributions=(Attribution("c", Span(0, 6, "Rebels"), PERSON, cue=span),)),
        said(document, mention(document, "army", "ORG", "a"), stances=(Stance("a", OUTLET, "0", PERSON, (span,)),)),
    ):
        with pytest.raises(OffsetError):
            encode_result(document, bad, scheme)


@pytest.mark.parametrize("values", [(), ("yes", "yes"), ("yes", "no")])
def test_a_question_takes_one_answer(document, scheme, values):
    with pytest.raises(SchemeError, match="question 'graphic'"):
        encode_result(document, said(document, choices={"graphic": values}), scheme)


def test_an_id_of_an_entity_and_of_an_attribution_at_once_is_refused(document, scheme):
    army = mention(document, "army", "ARMED_ACTOR", "one")
    with pytest.raises(SchemeError, match="given twice"):
        encode_result(document, said(document, army, attributions=(Attribution("one", army.span, PERSON),)), scheme)


def test_a_lone_surrogate_is_refused(document, scheme):
    broken = replace(document, text=document.text + "\ud83d")
    with pytest.raises(SchemeError, match=r"a lone surrogate .*would break every export"):
        encode(broken, None, scheme)
    with pytest.raises(SchemeError, match="title"):
        encode(replace(document, title="\udc80"), None, scheme)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("r", 0, 999, "GPE")], "outside the text"),
        ([row("r", 5, 5, "GPE")], "outside the text"),
        ([row("r", -1, 5, "GPE")], "outside the text"),
        ([row("r", 0, 5, "GPE"), row("r", 7, 9, "GPE")], "given twice"),
        ([row("r", 0, 5, "GPE"), row("r", 0, 5, "ORG")], "given twice"),
        ([row("r", 0, 5, "GPE"), relation("r", "s", "holder")], "is no region: blank screen"),
        ([{**choice("r", "polarity", "0"), "value": {"start": 0, "end": 3, "choices": ["0"]}}], "answers but no label"),
        ([row("r\ud83d", 0, 5, "GPE")], "a lone surrogate"),
        ([row("r", 0, 5, "\ud83d")], "a lone surrogate"),
        ([row("r", 0, 5, "GPE", meta={"target": ["\ud83d"]})], "a lone surrogate"),
        ([row("r", 0, 5, "GPE", meta={"\ud83d": ["x"]})], "a lone surrogate"),
        ([choice("q", "graphic", "\ud83d")], "a lone surrogate"),
        ([row("r", 0, 5, "GPE"), row("s", 7, 9, "GPE"), relation("r", "s", "\ud83d")], "a lone surrogate"),
        ([row("r", 0, 5, "GPE", score=float("nan"))], "a score or number nan"),
    ],
)
def test_rows_that_break_the_screen_are_refused(document, module, rows, words):
    with pytest.raises(SchemeError, match=words):
        module("wire").check_result(rows, document)


# what people and browsers send back


def test_only_offsets_are_trusted(document, scheme):
    decoded = read(document, scheme, row("r", 11, 15, "GPE"))
    assert decoded.annotations.entities[0].span == Span(11, 15, "Qasr")


def test_another_text_is_another_task(document, scheme):
    for data in (
        {"sha256": "0" * 64}, {"sha256": document.sha256, "text": "Rebels left Qasr"}, {"text": "Rebels left Qasr"},
        {"sha256": document.sha256, "text": document.text + "\ud83d"}, {"sha256": document.sha256, "text": 7}, {},
    ):  # fmt: skip
        with pytest.raises(OffsetError):
            decode({"data": data}, {"result": []}, scheme, document, origin=PERSON)


@pytest.mark.parametrize(
    ("rows", "kind", "reason"),
    [
        ([row("r", 0, 999, "GPE")], "dropped", "offsets outside the text"),
        ([row("r", 9, 3, "GPE")], "dropped", "offsets outside the text"),
        ([row("r", None, 3, "GPE")], "dropped", "offsets outside the text"),
        ([row("r", 1.5, 3, "GPE")], "dropped", "offsets outside the text"),
        ([row("r", 4, 4, "GPE")], "dropped", "empty span"),
        ([row("r", 15, 17, "GPE")], "dropped", "empty span"),
        ([row("r", 10, 17, "GPE")], "normalised", "blanks at the edges stripped"),
        ([row("r", 0, 6, "TERRORIST")], "dropped", "unknown label"),
        ([row("r", 0, 6, "GPE", layer="attribution")], "dropped", "unknown label"),
        ([{**row("r", 0, 6, "GPE"), "value": {"start": 0, "end": 6}}], "dropped", "region without a label"),
        ([row("r", 0, 6, "GPE"), row("r", 11, 15, "GPE")], "normalised", "region id given twice"),
        ([row("r", 0, 6, "GPE"), relation("r", "gone", "holder")], "dropped", "relation to nothing"),
        ([row("r", 0, 6, "TIME"), row("s", 11, 15, "GPE"), relation("r", "s", "holder")], "dropped",
         "relation between labels it is not for"),
        ([row("r", 0, 6, "GPE"), choice("r", "nonsense", "x")], "dropped", "unknown question"),
        ([row("r", 0, 6, "GPE"), choice("r", "gpe_role", "x")], "dropped", "unknown answer"),
        ([row("r", 0, 6, "TIME"), choice("r", "gpe_role", "actor")], "dropped", "answer not asked of this label"),
        ([choice("q", "graphic", "perhaps")], "dropped", "unknown answer"),
        ([choice("q", "graphic", "no"), choice("q", "graphic", "yes")], "dropped", "question answered twice"),
        ([{**choice("q", "graphic", "no"), "value": {"choices": ["no", "yes"]}}], "dropped",
         "several answers to a question that takes one"),
        ([row("r", 0, 6, "SOURCE", "attribution")], "dropped", "SOURCE without a content"),
        ([row("r", 0, 6, "CUE", "attribution")], "dropped", "CUE without a content"),
        ([row("r", 0, 6, "EVIDENCE", "stance")], "dropped", "EVIDENCE without a stance"),
        ([row("r", 0, 6, "STANCE", "stance"), choice("r", "polarity", "0")], "dropped", "STANCE region without one target"),
        ([row("r", 0, 6, "ORG"), choice("r", "holder", "OUTLET")], "dropped", "stance without a polarity"),
        ([row("r", 0, 6, "ORG"), choice("r", "polarity", "-1")], "normalised", "stance without a holder"),
        ([row("c", 0, 15, "CONTENT", "attribution"), row("r", 0, 6, "ORG"), choice("r", "polarity", "-1")], "dropped",
         "stance in quoted words without a holder"),
        ([row("a", 0, 6, "SOURCE", "attribution"), row("b", 11, 15, "SOURCE", "attribution"),
          row("c", 0, 15, "CONTENT", "attribution"), relation("a", "c", "source"), relation("b", "c", "source")], "dropped",
         "second source of one content"),
        (["words"], "dropped", "row that cannot be read"),
        ([{**row("r", 0, 6, "GPE"), "value": [0, 6]}], "dropped", "row that cannot be read"),
        ([row("r", 0, 6, ["GPE"])], "dropped", "row that cannot be read"),
        ([{**row("r", 0, 6, "GPE"), "meta": {"target": {"id": "r"}}}], "dropped", "row that cannot be read"),
        ([{**row("r", 0, 6, "GPE"), "score": "high"}], "dropped", "row that cannot be read"),
        ([choice("q", "graphic", {"no": True})], "dropped", "row that cannot be read"),
        ([row("r", float("nan"), float("inf"), "GPE")], "dropped", "offsets outside the text"),
        ([row("r", "9" * 5000, 6, "GPE")], "dropped", "offsets outside the text"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(document, scheme, rows, kind, reason):
    problems = read(document, scheme, *rows).problems
    assert [(problem.kind, problem.reason) for problem in problems] == [(kind, reason)]
    assert problems[0].document_id == document.id
    assert problems[0].region


def test_a_result_that_is_no_list_is_named(document, scheme):
    task = {"data": {"sha256": document.sha256}}
    (problem,) = decode(task, {"result": {"id": "r"}}, scheme, document, origin=PERSON).problems
    assert problem.reason == "row that cannot be read"


def test_a_relation_drawn_the_wrong_way_or_without_a_label_is_read_by_its_ends(document, scheme):
    source, content = row("s", 17, 25, "SOURCE", "attribution"), row("c", 31, 45, "CONTENT", "attribution")
    for drawn in (relation("c", "s", "source"), relation("s", "c"), relation("s", "c", "source", direction="left")):
        decoded = read(document, scheme, source, content, drawn)
        assert decoded.annotations.attributions[0].source == Span(17, 25, "The army")
    assert read(document, scheme, source, content, relation("s", "c", "source")).problems == ()


def test_a_stance_region_made_by_hand_finds_its_target_by_its_words(document, scheme):
    rows = [
        row("army", 21, 25, "ARMED_ACTOR"), choice("army", "polarity", "0"), choice("army", "holder", "OUTLET"),
        row("again", 21, 25, "STANCE", "stance"), choice("again", "polarity", "-2"), choice("again", "holder", "UNNAMED"),
    ]  # fmt: skip
    stances = read(document, scheme, *rows).annotations.stances
    assert [(s.target, s.holder, s.polarity) for s in stances] == [("army", "OUTLET", "0"), ("army", "UNNAMED", "-2")]


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ([relation("gone", "army", "holder")], "relation to nothing"),
        ([relation("gone", "army")], "relation to nothing"),
        ([relation("army", "gone", "holder", direction="left")], "relation to nothing"),
        ([row("r", 0, 6, "TERRORIST"), relation("r", "army", "holder")], "unknown label"),
        ([row("r", 0, 6, "TIME"), relation("r", "army", "holder")], "relation between labels it is not for"),
        ([choice("army", "holder", "SOMEBODY")], "unknown answer"),
    ],
)  # fmt: skip
def test_a_stance_whose_holder_is_lost_does_not_become_the_outlets(document, scheme, lost, reason):
    rows = [row("army", 21, 25, "ARMED_ACTOR"), choice("army", "polarity", "-2")]
    decoded = read(document, scheme, *rows, *lost)
    assert decoded.annotations.stances == ()
    assert decoded.problems[0].reason == reason
    assert ("army", "dropped", "stance whose holder cannot be read") in [
        (problem.region, problem.kind, problem.reason) for problem in decoded.problems
    ]
    kept = read(document, scheme, *rows, *lost, choice("army", "holder", "UNNAMED"))
    assert [stance.holder for stance in kept.annotations.stances] == [UNNAMED]


def test_lost_evidence_does_not_cost_a_stance_its_holder(document, scheme):
    rows = [row("army", 21, 25, "ARMED_ACTOR"), choice("army", "polarity", "-2"), relation("gone", "army", "evidence")]
    assert [stance.holder for stance in read(document, scheme, *rows).annotations.stances] == [OUTLET]


def test_a_person_has_no_scores(document, scheme):
    assert read(document, scheme, row("r", 0, 6, "GPE", score=0.9)).annotations.entities[0].score is None
