from __future__ import annotations

import copy
import importlib
from dataclasses import replace

import pytest
from conftest import MODEL, annotated, make_document
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import (
    align,
    connect,
    decode,
    encode,
    encode_result,
    finished,
    gold,
    make_project,
    pull,
    push,
    slips,
    suggestions,
)
from copydesk.corpus import Desk, documents
from copydesk.schemas import OUTLET, Annotations, Attribution, Entity, Origin, Span, Stance, Suggestion, load_scheme

decoys = importlib.import_module("copydesk.annotate.decoys")
SCHEME = load_scheme()
QUICK = settings(deadline=None, max_examples=40)


def suggestion(said, score=0.5):
    return Suggestion(said, MODEL, (), score)


@QUICK
@given(annotated(SCHEME), st.text(min_size=1, max_size=6))
def test_a_decoy_is_wrong_fits_the_scheme_and_is_the_same_every_time(drawn, salt):
    document, said = drawn
    honest = suggestion(said)
    wrong = decoys.decoy(document, honest, SCHEME, salt=salt)
    assert wrong == decoys.decoy(document, honest, SCHEME, salt=salt)
    assert (wrong.pipeline, wrong.score, wrong.read) == (honest.pipeline, honest.score, honest.read)
    task = encode(document, wrong, SCHEME, arm="decoy", salt=salt)
    assert (
        task["predictions"][0]["model_version"] == encode(document, honest, SCHEME)["predictions"][0]["model_version"]
    )
    back = decode(task, task["predictions"][0], SCHEME, document, origin=MODEL)
    assert [problem for problem in back.problems if problem.kind == "dropped"] == []
    changed = [kinds for kinds, _, _ in align(said, wrong.annotations) if kinds != ("accepted",)]
    if said.entities or any(a.form for a in said.attributions):
        assert changed
    # an entity that is taken away may take several stances along
    removed = [e for e in said.entities if wrong.annotations.entity(e.id) is None]
    assert len(changed) <= decoys.MOST + sum(len(said.stances) for _ in removed)


@QUICK
@given(annotated(SCHEME))
def test_another_salt_slips_in_other_things(drawn):
    document, said = drawn
    made = {str(decoys.decoy(document, suggestion(said), SCHEME, salt=f"s{n}").annotations) for n in range(12)}
    if len(said.entities) >= 3:
        assert len(made) > 1


def test_every_kind_of_mistake_is_made():
    text = "The northern army shelled Qasr. “We hold it,” said General Orlo, whom the rebels hate, on Monday."
    document = make_document(text)

    def span(words):
        start = text.find(words)
        return Span.of(document, start, start + len(words))

    entities = (
        Entity("e1", span("northern army"), "ARMED_ACTOR", MODEL, {"actor_class": "state_military"}),
        Entity("e2", span("Qasr"), "GPE", MODEL), Entity("e3", span("Orlo"), "PERSON", MODEL),
        Entity("e4", span("rebels"), "ARMED_ACTOR", MODEL), Entity("e5", span("Monday"), "TIME", MODEL),
    )  # fmt: skip
    quoted = Attribution("a1", span("We hold it"), MODEL, source=span("General Orlo"), form="direct")
    stance = Stance("e3", OUTLET, "-2", MODEL, (span("hate"),))
    said = Annotations(document.id, document.sha256, entities, (quoted,), (stance,))
    kinds, sources, polarities = set(), set(), set()
    for number in range(60):
        wrong = decoys.decoy(document, suggestion(said), SCHEME, salt=f"salt {number}").annotations
        for found, before, after in align(said, wrong):
            kinds |= set(found)
            if isinstance(after, Attribution) and after.source != quoted.source:
                sources.add(after.source.text)
            if isinstance(after, Stance) and isinstance(before, Stance):
                polarities.add(after.polarity)
    assert kinds == {"accepted", "retyped", "resized", "removed", "reattributed", "restanced"}
    assert "northern army" in sources
    assert polarities == {"-2", "+2"}


def test_a_moved_boundary_is_a_whole_word_away():
    document = make_document("On Monday, the Relief Union said so.\n\nNext")
    start = document.text.find("Relief Union")
    near = decoys._neighbours(document, Span.of(document, start, start + 12))
    assert {span.text for span in near} == {"Relief Union said", "the Relief Union", "Union", "Relief"}
    last = Span.of(document, document.text.find("so"), document.text.find("so") + 2)
    assert "\n" not in "".join(span.text for span in decoys._neighbours(document, last))


def test_where_nothing_is_suggested_a_word_is_called_an_entity():
    document = make_document("Nothing much happened here.")
    nothing = Annotations(document.id, document.sha256)
    wrong = decoys.decoy(document, suggestion(nothing), SCHEME, salt="s").annotations
    assert [entity.span.text in ("much", "happened") for entity in wrong.entities] == [True]
    bare = make_document("…!")
    same = suggestion(Annotations(bare.id, bare.sha256))
    assert decoys.decoy(bare, same, SCHEME, salt="s") == same


def test_layers_that_are_not_shown_stay_as_they_are():
    document = make_document("The army blamed the rebels.")
    army = Entity("e1", Span.of(document, 4, 8), "ARMED_ACTOR", MODEL)
    stance = Stance("e1", OUTLET, "-1", MODEL, (Span.of(document, 9, 15),))
    said = Annotations(document.id, document.sha256, (army,), (), (stance,))
    only = SCHEME.select(["entities"])
    for number in range(20):
        wrong = decoys.decoy(document, suggestion(said), only, salt=str(number)).annotations
        assert [s.polarity for s in wrong.stances] in ([], ["-1"])


@pytest.mark.parametrize("score", [None, 0.0, 1.0])
def test_scores_give_nothing_away(score):
    document = make_document("The army blamed the rebels of Qasr in the north.")
    army = Entity("e1", Span.of(document, 4, 8), "ARMED_ACTOR", Origin("model", "m", "1"), score=0.25)
    said = Annotations(document.id, document.sha256, (army,))
    wrong = decoys.decoy(document, replace(suggestion(said), score=score), SCHEME, salt="s")
    assert wrong.score == score
    assert {entity.score for entity in wrong.annotations.entities} <= {0.25, score}


# what became of it

PIPELINE = Origin("model", "list", "1")


@pytest.fixture
def shown(fake_studio, make_desk, by_list):
    """A desk all of whose tasks are decoys, on the server: the desk, and task id to (document, honest, decoy)."""
    desk = make_desk()
    settings = desk.path / "copydesk.toml"
    settings.write_text(settings.read_text().replace("decoy = 0.0", "decoy = 1.0"))
    desk = Desk(desk.path)
    salt = desk.settings.arms.salt
    scheme = importlib.import_module("copydesk.annotate.project").shown_scheme(desk)
    client = connect(desk)
    project = make_project(desk)[0]
    pairs, tasks = {}, []
    for document in documents(desk):
        honest = by_list(document, PIPELINE)
        wrong = decoys.decoy(document, honest, scheme, salt=salt)
        pairs[document.id] = (document, honest.annotations, wrong.annotations)
        tasks.append(encode(document, wrong, scheme, arm="decoy", salt=salt))
    answer = client.send("POST", f"/api/projects/{project.id}/import", tasks, return_task_ids=True)
    return desk, dict(zip(answer["task_ids"], pairs.values(), strict=True)), scheme


def test_what_is_left_as_it_was_slipped_in_is_no_gold(fake_studio, shown):
    desk, tasks, scheme = shown
    for number, (document, _, wrong) in tasks.items():
        fake_studio.annotate(number, encode_result(document, wrong, scheme), email="hasty@example.org")
    pull(desk)
    found = list(slips(desk))
    assert found
    assert {slip.corrected for slip in found} == {False}
    assert {slip.document_id for slip in found} == {document.id for document, _, _ in tasks.values()}
    result = gold(desk)
    assert result.documents == ()
    assert len(result.decoyed) == len(tasks)
    assert gold(desk, silver=True).count("silver") == len(tasks)  # what was honestly suggested, and says so
    assert len(list(finished(desk))) == len(tasks)  # the work itself stands, with its arm
    assert {item.arm for item in finished(desk)} == {"decoy"}


def test_what_is_corrected_is_gold(fake_studio, shown):
    desk, tasks, scheme = shown
    for number, (document, honest, _) in tasks.items():
        fake_studio.annotate(number, encode_result(document, honest, scheme), email="careful@example.org")
    pull(desk)
    assert all(slip.corrected for slip in slips(desk))
    result = gold(desk)
    assert result.decoyed == ()
    assert len(result.documents) == len(tasks)
    labels = {d.annotations.document_id: {(e.span, e.label) for e in d.annotations.entities} for d in result.documents}
    for document, honest, _ in tasks.values():
        assert labels[document.id] == {(entity.span, entity.label) for entity in honest.entities}


def test_one_thing_overlooked_is_enough(fake_studio, shown):
    desk, tasks, scheme = shown
    number, (document, honest, wrong) = next(
        (n, t) for n, t in tasks.items() if any(e.label != t[1].entity(e.id).label for e in t[2].entities)
    )
    bad = next(e for e in wrong.entities if e.label != honest.entity(e.id).label)
    mostly = replace(honest, entities=tuple(bad if e.id == bad.id else e for e in honest.entities))
    fake_studio.annotate(number, encode_result(document, mostly, scheme), email="nearly@example.org")
    pull(desk)
    left = [slip for slip in slips(desk) if not slip.corrected]
    assert [(slip.kind, slip.shown.label, slip.honest.label) for slip in left] == [
        ("retyped", bad.label, honest.entity(bad.id).label)
    ]
    assert gold(desk).documents == ()


def test_new_suggestions_do_not_blur_what_was_slipped_in(fake_studio, shown, suggest_anew):
    desk, tasks, scheme = shown
    for number, (document, _, wrong) in tasks.items():
        fake_studio.annotate(number, encode_result(document, wrong, scheme), email="hasty@example.org")
    pull(desk)
    before = [(slip.kind, slip.shown, slip.corrected) for slip in slips(desk)]
    suggest_anew(desk, "2")
    settings = desk.path / "copydesk.toml"
    settings.write_text(settings.read_text().replace("decoy = 1.0", "decoy = 0.0"))
    assert [(slip.kind, slip.shown, slip.corrected) for slip in slips(Desk(desk.path))] == before


def test_without_the_honest_suggestions_nobody_can_tell(fake_studio, shown):
    desk, tasks, scheme = shown
    number, (document, honest, _) = next(iter(tasks.items()))
    fake_studio.annotate(number, encode_result(document, honest, scheme), email="careful@example.org")
    pull(desk)
    for part in desk.parts("suggestions/list@1"):
        part.unlink()
    assert [(slip.kind, slip.corrected) for slip in slips(desk)] == [("honest suggestions gone", False)]
    assert gold(desk).documents == ()


@pytest.mark.parametrize("right", [False, True], ids=["left as it was shown", "put right"])
def test_a_task_of_one_mention_has_its_slips_too(fake_studio, make_desk, right):
    desk = make_desk()
    settings = desk.path / "copydesk.toml"
    settings.write_text(settings.read_text().replace("decoy = 0.0", "decoy = 1.0"))
    desk = Desk(desk.path)
    push(desk, layers=["stance"], layout="focus")
    honest = {s.target: s.polarity for said in suggestions(desk) for s in said.annotations.stances}
    assert set(honest.values()) == {"0"}
    wrong = 0
    for prediction in list(fake_studio.predictions.values()):
        rows = copy.deepcopy(prediction["result"])
        for row in rows:
            if row.get("from_name") == "polarity":
                wrong += row["value"]["choices"] != ["0"]
                row["value"]["choices"] = ["0"] if right else row["value"]["choices"]
        fake_studio.annotate(prediction["task"], rows, email="ana@example.org")
    pull(desk)
    found = list(slips(desk))
    assert len(found) == wrong == len(honest)
    assert {(slip.kind, slip.layer, slip.honest.polarity, slip.corrected) for slip in found} == {
        ("restanced", "stance", "0", right)
    }
    assert {slip.shown.polarity for slip in found}.isdisjoint({"0"})
    untrusted = importlib.import_module("copydesk.annotate.slips").untrusted
    assert sum(untrusted(desk).values()) == (0 if right else wrong)


@QUICK
@given(annotated(SCHEME), st.text(min_size=1, max_size=6))
def test_whoever_puts_everything_right_is_seen_to(drawn, salt):
    module = importlib.import_module("copydesk.annotate.slips")
    document, honest = drawn
    shown = decoys.decoy(document, suggestion(honest), SCHEME, salt=salt).annotations
    after = {id(before): now for _, before, now in align(shown, honest) if before is not None}
    for _, was, became in module._slipped(honest, shown):
        if became is None:
            assert module._there_again(was, shown, honest)
        else:
            assert module._corrected(was, became, after.get(id(became)))
            assert not module._corrected(was, became, became)


def test_what_was_shown_over_the_words_anyway_does_not_bring_them_back():
    module = importlib.import_module("copydesk.annotate.slips")
    text = "New York City Council met."
    document = make_document(text)
    council, city = (
        Entity(f"e{end}", Span.of(document, 0, end), label, Origin("model", "m", "1"))
        for end, label in ((21, "ORG"), (13, "GPE"))
    )
    shown = Annotations(document.id, document.sha256, (city,))
    assert not module._there_again(council, shown, shown), "untouched"
    wider = Annotations(document.id, document.sha256, (city, replace(council, id="x", label="GPE")))
    assert module._there_again(council, shown, wider)
