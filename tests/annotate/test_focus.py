"""A task of one mention says where it is from, shows no more than its paragraph, and loses nothing on the way back."""

from __future__ import annotations

import copy
import importlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.annotate import push
from copydesk.corpus import documents
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
    focus_scheme,
)

MODEL = Origin("model", "drawn", "1")
ME = Origin("person", "ana")
TEXT = (
    "Rebels 🔥 advance\n\n"
    "The mayor Orlo 👨‍👩‍👧 called the rebels of Toland brave; the army, a\u00a0spokesman said, “قوات الجيش fled”.\n\n"
    "Nobody saw the army in Qasr."
)


@pytest.fixture
def focus(module):
    return module("focus")


@pytest.fixture
def document(new_document):
    return new_document(TEXT, title="Rebels 🔥 advance")


def entity(document, words, label, number=0, **attributes):
    start = -1
    for _ in range(number + 1):
        start = document.text.index(words, start + 1)
    return Entity(f"e{start}", Span.of(document, start, start + len(words)), label, MODEL, attributes, 0.5)


def span(document, words):
    start = document.text.index(words)
    return Span.of(document, start, start + len(words))


@pytest.fixture
def said(document):
    orlo, rebels = entity(document, "Orlo", "PERSON"), entity(document, "rebels", "ARMED_ACTOR")
    army, forces = entity(document, "army", "ARMED_ACTOR"), entity(document, "قوات الجيش", "ARMED_ACTOR")
    entities = (
        orlo, rebels, army, forces, entity(document, "army", "ARMED_ACTOR", 1),
        entity(document, "Toland", "GPE", gpe_role="actor"), entity(document, "Qasr", "GPE", gpe_role="place"),
        entity(document, "spokesman", "TIME"),
    )  # fmt: skip
    stances = (
        Stance(rebels.id, orlo.id, "+2", MODEL, (span(document, "brave"),), "protagonist", 0.75),
        Stance(rebels.id, OUTLET, "0", MODEL, (span(document, "brave"), span(document, "advance"))),
        Stance(army.id, UNNAMED, "-1", MODEL, (), "", 0.25),
    )
    content = Attribution("a1", span(document, "قوات الجيش fled"), MODEL, source=span(document, "a\u00a0spokesman"))
    annotations = Annotations(document.id, document.sha256, entities, (content,), stances)
    return Suggestion(annotations, MODEL, (), 0.5)


def choices(task):
    rows = task["predictions"][0]["result"]
    return {r["from_name"]: r["value"]["choices"][0] for r in rows if r["type"] == "choices"}


# what a task shows


def test_every_actor_gets_a_task_and_no_place_does(focus, document, said, scheme):
    tasks = focus.focus_tasks(document, said, scheme)
    words = [t["predictions"][0]["result"][0]["value"]["text"] for t in tasks]
    assert words == ["Orlo", "rebels", "Toland", "army", "قوات الجيش", "army"]
    place = next(e for e in said.annotations.entities if e.span.text == "Qasr")
    judged = replace(said.annotations, stances=(*said.annotations.stances, Stance(place.id, OUTLET, "-1", MODEL)))
    assert len(focus.focus_tasks(document, judged, scheme)) == 7


def test_a_task_carries_its_paragraph_with_its_place_and_both_hashes(focus, document, said, scheme, module):
    data = focus.focus_tasks(document, said, scheme)[1]["data"]
    start = data["passage_start"]
    assert data["text"] == document.text[start : start + len(data["text"])] == TEXT.split("\n\n")[1]
    assert data["sha256"] == document.sha256
    assert data["passage_sha256"] == module("focus").text_sha256(data["text"])
    where = document.text.index("rebels")
    assert (data["layout"], data["focus"]) == ("focus", f"{where}-{where + 6}-ARMED_ACTOR")
    assert data["layers"] == "entities+stance"
    assert data["copydesk_key"].endswith(f"/{data['focus']}")


def test_the_keys_are_known_without_the_tasks_and_do_not_clash(focus, document, said, scheme):
    for arm in ("shown", "blind", "decoy"):
        tasks = focus.focus_tasks(document, said, scheme, arm=arm, salt="s")
        keys = focus.focus_keys(document, said, scheme, arm=arm, salt="s")
        assert [task["data"]["copydesk_key"] for task in tasks] == keys
        assert len(set(keys)) == len(keys)
        assert arm not in str(tasks)
    assert focus.focus_keys(document, said, scheme) == focus.focus_keys(document, said, focus_scheme(scheme))
    assert focus.focus_tasks(document, None, scheme) == focus.focus_keys(document, None, scheme) == []


def test_the_holder_is_suggested_even_where_no_stance_is(focus, document, said, scheme):
    tasks = {t["predictions"][0]["result"][0]["value"]["text"]: t for t in focus.focus_tasks(document, said, scheme)}
    orlo = document.text.index("Orlo")
    assert choices(tasks["Toland"]) == {"holder": OUTLET}
    assert choices(tasks["قوات الجيش"]) == {"holder": UNNAMED}  # said by somebody who is no mention
    rebels = choices(tasks["rebels"])
    # of two stances the outlet's is the task's own, because the words are the outlet's
    assert (rebels["polarity"], rebels["holder"]) == ("0", OUTLET)
    assert (rebels["further-polarity"], rebels["further-holder"]) == ("+2", f"{orlo}-{orlo + 4} PERSON")
    offered = tasks["rebels"]["data"]["holders"]
    assert offered[0] == {"value": "Orlo", "alias": f"{orlo}-{orlo + 4} PERSON", "hotkey": "6"}
    # not itself, and nothing of another paragraph
    assert [holder["value"] for holder in offered[1:]] == ["Toland", "army", "قوات الجيش"]


def test_the_holder_of_quoted_words_is_the_mention_in_their_source(focus, new_document, scheme):
    document = new_document("The mayor Ina Vale of Qasr said the army is late.")
    vale, army = entity(document, "Ina Vale", "PERSON"), entity(document, "army", "ARMED_ACTOR")
    quote = Attribution(
        "a", span(document, "the army is late"), MODEL, source=span(document, "The mayor Ina Vale of Qasr")
    )
    said = Annotations(document.id, document.sha256, (vale, army), (quote,))
    task = focus.focus_tasks(document, said, scheme)[1]
    assert choices(task) == {"holder": "10-18 PERSON"}
    read = focus.decode_focus(task["data"], task["predictions"][0], scheme, document, origin=MODEL)
    assert (read.annotations.stances, read.problems) == ((), ())  # a question is no answer


def test_the_blind_arm_marks_the_mention_and_answers_nothing(focus, document, said, scheme):
    shown, blind = (focus.focus_tasks(document, said, scheme, arm=arm) for arm in ("shown", "blind"))
    assert [task["data"]["focus"] for task in blind] == [task["data"]["focus"] for task in shown]
    for task in blind:
        (only,) = task["predictions"][0]["result"]
        assert only["type"] == "labels"
    names = [holder["value"] for holder in blind[1]["data"]["holders"]]
    assert names == ["Toland", "Orlo", "army", "قوات الجيش"]  # by nearness alone


def test_tasks_of_one_document_stay_together_in_the_order_of_the_text(focus, document, said, scheme):
    scores = [t["predictions"][0]["score"] for t in focus.focus_tasks(document, said, scheme, priority=7.0)]
    assert scores == sorted(set(scores))
    assert scores[0] == 7.0
    assert scores[-1] < 7.0 + 1e-6
    assert focus.focus_tasks(document, said, scheme)[0]["predictions"][0]["score"] == said.score
    assert "score" not in focus.focus_tasks(document, said.annotations, scheme)[0]["predictions"][0]


def test_a_paragraph_too_long_for_a_screen_is_cut_at_blanks(focus, new_document, scheme):
    document = new_document("Head\n\n" + "word 🔥 " * 5_000 + "the rebels left " + "word " * 5_000 + "end")
    rebels = entity(document, "rebels", "ARMED_ACTOR")
    said = Annotations(document.id, document.sha256, (rebels,))
    (task,) = focus.focus_tasks(document, said, scheme)
    assert len(task["data"]["text"]) < 2_100
    assert task["data"]["text"].startswith(("word", "🔥"))
    assert task["data"]["text"].endswith("word")
    read = focus.decode_focus(task["data"], task["predictions"][0], scheme, document, origin=MODEL)
    assert [e.span for e in read.annotations.entities] == [rebels.span]


def test_two_mentions_in_one_place_are_two_tasks(focus, document, scheme):
    place = span(document, "Toland")
    entities = tuple(Entity(label, place, label, MODEL) for label in ("ORG", "GPE", "ORG"))
    entities = tuple(replace(e, id=f"{number}") for number, e in enumerate(entities))
    stances = (Stance("0", OUTLET, "-1", MODEL), Stance("1", OUTLET, "+1", MODEL))
    said = Annotations(document.id, document.sha256, entities, (), stances)
    tasks = focus.focus_tasks(document, said, scheme)
    where = f"{place.start}-{place.end}"
    assert [task["data"]["focus"] for task in tasks] == [f"{where}-GPE", f"{where}-ORG"]
    alone = replace(said, entities=entities[:1], stances=stances[:1])
    assert [task["data"]["focus"] for task in focus.focus_tasks(document, alone, scheme)] == [f"{where}-ORG"]
    for task, label, polarity in zip(tasks, ("GPE", "ORG"), ("+1", "-1"), strict=True):
        read = focus.decode_focus(task["data"], task["predictions"][0], scheme, document, origin=MODEL)
        assert [e.label for e in read.annotations.entities] == [label]
        assert [stance.polarity for stance in read.annotations.stances] == [polarity]


def suggest(desk, version, labels):
    """Suggest that the first word of the desk's one document is a mention, with each of these labels."""
    document, pipeline = next(documents(desk)), Origin("model", "list", version)
    entities = tuple(Entity(label, span(document, "army"), label, pipeline) for label in labels)
    said = Suggestion(Annotations(document.id, document.sha256, entities), pipeline, (), 0.5)
    desk.write(Suggestion, f"suggestions/list@{version}", "all", [said])
    desk.note("pipeline", {"name": "list", "version": version})


def asked_about(fake):
    """Return the label of the mention of every task, by task, and let what is shown be what was last suggested."""
    places = importlib.import_module("copydesk.annotate.focus_places")
    return sorted(
        places.asked_label(task | {"predictions": [p for p in fake.predictions.values() if p["task"] == number]})
        for number, task in fake.tasks.items()
    )


@pytest.mark.parametrize("worked", [True, False], ids=["annotated", "untouched"])
@pytest.mark.parametrize("older", [True, False], ids=["pushed by an older copydesk", "pushed now"])
def test_a_second_label_on_a_mention_is_asked_about_and_the_first_not_again(fake_studio, make_desk, older, worked):
    desk = make_desk(articles=("One\n\nThe army said no.",))
    suggest(desk, "1", ["ORG"])
    push(desk, layers=["stance"])
    (number,) = fake_studio.tasks
    if older:  # its keys name the label only where another mention has the span
        without_label(fake_studio, number)
        key = fake_studio.tasks[number]["data"]["copydesk_key"]
        assert push(desk, layers=["stance"]).created == 0
        assert fake_studio.keys() == [key]
    if worked:
        fake_studio.annotate(number, [row for p in fake_studio.predictions.values() for row in p["result"]])
    suggest(desk, "2", ["ARMED_ACTOR", "ORG"])
    assert push(desk, layers=["stance"]).created == 1
    assert asked_about(fake_studio) == ["ARMED_ACTOR", "ORG"]
    assert push(desk, layers=["stance"]).created == 0


def test_a_task_of_an_older_copydesk_gets_new_suggestions(fake_studio, make_desk):
    desk = make_desk(articles=("One\n\nThe army said no.",))
    suggest(desk, "1", ["ORG"])
    push(desk, layers=["stance"])
    (number,) = fake_studio.tasks
    without_label(fake_studio, number)
    suggest(desk, "2", ["ORG"])
    assert push(desk, layers=["stance"]).predictions_updated == 1
    assert [p["model_version"] for p in fake_studio.predictions.values()] == ["list@2"]
    (task,) = fake_studio.tasks.values()
    (prediction,) = fake_studio.predictions.values()
    read = importlib.import_module("copydesk.annotate.focus").decode_focus(
        task["data"], prediction, desk.scheme(), next(documents(desk)), origin=MODEL
    )
    assert [entity.label for entity in read.annotations.entities] == ["ORG"]


def without_label(fake, number):
    """Turn a task into what an older copydesk would have pushed."""
    data = fake.tasks[number]["data"]
    for name in ("copydesk_key", "focus"):
        data[name] = data[name].removesuffix("-ORG")
    for prediction in fake.predictions.values():
        for row in prediction["result"]:
            if "meta" in row:
                row["meta"]["focus"] = [data["focus"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: replace(s, polarity="+3"), "polarity = '+3' of ARMED_ACTOR does not fit the scheme"),
        (lambda s: replace(s, role="hero"), "role = 'hero' of ARMED_ACTOR does not fit the scheme"),
    ],
)
def test_what_does_not_fit_the_scheme_never_leaves(focus, document, said, scheme, change, message):
    stances = tuple(change(stance) for stance in said.annotations.stances)
    with pytest.raises(SchemeError, match=message.replace("+", r"\+")):
        focus.focus_tasks(document, replace(said.annotations, stances=stances), scheme)


def test_other_bad_suggestions_never_leave(focus, document, said, scheme, new_document):
    holder = next(e for e in said.annotations.entities if e.label == "TIME")
    rebels = next(e for e in said.annotations.entities if e.span.text == "rebels")
    by_time = replace(said.annotations, stances=(Stance(rebels.id, holder.id, "0", MODEL),))
    with pytest.raises(SchemeError, match=r"the holder .* of a stance on"):
        focus.focus_tasks(document, by_time, scheme)
    with pytest.raises(OffsetError):
        focus.focus_tasks(new_document(TEXT + "."), said, scheme)
    bad = replace(document, title="half \ud83d a character")
    with pytest.raises(SchemeError, match="lone surrogate"):
        focus.focus_tasks(bad, said, scheme)
    odd = replace(said.annotations, stances=(replace(said.annotations.stances[0], score=float("nan")),))
    with pytest.raises(SchemeError, match="score"):
        focus.focus_tasks(document, odd, scheme)
    with pytest.raises(SchemeError, match="the focus layout asks for the stance"):
        focus.focus_tasks(document, said, scheme.select(["entities"]))


# and back


def joined(focus, module, tasks, scheme, document, origin=MODEL):
    """Return what the predictions of tasks say together, by what it says."""
    entities, stances, problems = {}, {}, []
    for task in tasks:
        read = focus.decode_focus(task["data"], task["predictions"][0], scheme, document, origin=origin)
        problems += read.problems
        read.annotations.check(document)
        entities |= {e.id: e for e in read.annotations.entities}
        stances |= {(s.target, s.holder): s for s in read.annotations.stances}
    said = Annotations(document.id, document.sha256, tuple(entities.values()), (), tuple(stances.values()))
    return module("consensus").reidentify(said), problems


def within(stance, entities, document, passage):
    """Return a stance with the evidence that its paragraph shows."""
    target = entities[stance.target].span
    start, end = passage(document, target.start, target.end)
    return replace(stance, evidence=tuple(s for s in stance.evidence if start <= s.start and s.end <= end))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_reading_undoes_writing(data, annotated_documents, scheme, module):
    focus, passage = module("focus"), module("focus_places").passage
    document, annotations = data.draw(annotated_documents)
    expected = module("consensus").reidentify(annotations)
    tasks = focus.focus_tasks(document, annotations, scheme)
    for task in tasks:
        assert document.text[task["data"]["passage_start"] :].startswith(task["data"]["text"])
    read, problems = joined(focus, module, tasks, scheme, document)
    entities = {entity.id: entity for entity in expected.entities}
    assert list(read.stances) == [within(s, entities, document, passage) for s in expected.stances]
    assert problems == []
    known = {(e.span, e.label) for e in expected.entities}
    assert {(e.span, e.label) for e in read.entities} <= known
    assert {e.id for e in read.entities} >= {stance.target for stance in expected.stances}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_no_answer_of_a_browser_can_break_it(data, annotated_documents, scheme, module):
    focus = module("focus")
    document, annotations = data.draw(annotated_documents)
    tasks = focus.focus_tasks(document, annotations, scheme)
    junk = st.recursive(
        st.none() | st.booleans() | st.integers(-5, 10**13) | st.floats() | st.text(max_size=8) | st.just("holder"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
        max_leaves=12,
    )
    for task in tasks[:3]:
        rows = copy.deepcopy(task["predictions"][0]["result"])
        for number in range(data.draw(st.integers(0, 3))):
            if rows and data.draw(st.booleans()):
                spoilt = data.draw(st.sampled_from(rows))
                if isinstance(spoilt, dict):
                    spoilt[data.draw(st.sampled_from(NAMES))] = data.draw(junk)
            else:
                rows.insert(number, data.draw(junk))
        read = focus.decode_focus(task["data"], {"result": rows}, scheme, document, origin=ME)
        read.annotations.check(document)


NAMES = (
    "id", "from_name", "to_name", "type", "value", "meta", "score", "from_id", "to_id", "labels", "start", "end",
    "choices", "focus", "target", "passage",
)  # fmt: skip


def answered(task, **answers):
    """Return a task's prediction as somebody submits it, with other answers."""
    rows = copy.deepcopy(task["predictions"][0]["result"])
    rows = [r for r in rows if r.get("from_name") not in answers]
    for name, answer in answers.items():
        if answer is not None:
            value = {"choices": [answer]}
            rows.append({"id": f"x{name}", "from_name": name, "to_name": "text", "type": "choices", "value": value})
    return {"result": rows}


@pytest.fixture
def task(focus, document, said, scheme):
    """The task about the army, with one stance by an unnamed source."""
    return focus.focus_tasks(document, said, scheme)[3]


@pytest.fixture
def read(focus, scheme, document):
    return lambda task, annotation: focus.decode_focus(task["data"], annotation, scheme, document, origin=ME)


def test_an_answer_becomes_the_stance_on_the_mention(read, task, document):
    found = read(task, answered(task, polarity="mixed", role="antagonist", holder=OUTLET))
    (stance,) = found.annotations.stances
    (army,) = found.annotations.entities
    assert (stance.target, stance.holder, stance.polarity, stance.role) == (army.id, OUTLET, "mixed", "antagonist")
    assert (stance.score, stance.origin) == (None, ME)
    assert army.span.start == document.text.index("army")
    assert found.problems == ()


def test_a_chosen_holder_comes_with_its_mention(read, task, module, document):
    orlo = next(holder for holder in task["data"]["holders"] if holder["value"] == "Orlo")
    found = read(task, answered(task, holder=orlo["alias"])).annotations
    (stance,) = found.stances
    assert found.entity(stance.holder).span == span(document, "Orlo")
    assert found.entity(stance.holder).id == module("consensus").mention_id(
        document.id, span(document, "Orlo"), "PERSON"
    )


@pytest.mark.parametrize("alias", ["0-999999 PERSON", "9-3 PERSON", "3-9 NOBODY", "3-9", "x" * 900, "", "٣-٩ PERSON"])
def test_a_holder_that_nobody_offered_is_said_and_left_out(read, task, alias):
    found = read(task, answered(task, holder=alias))
    assert [p.reason for p in found.problems] == ["unknown answer", "stance whose holder cannot be read"]
    assert found.annotations.stances == ()  # the person said that somebody else held it: it is not the outlet's


def test_evidence_needs_no_arrow(read, task, document):
    annotation = answered(task)
    start = task["data"]["text"].index("fled")
    value = {"start": start, "end": start + 4, "text": "fled", "labels": ["EVIDENCE"]}
    annotation["result"].append({"id": "v", "from_name": "stance", "to_name": "text", "type": "labels", "value": value})
    found = read(task, annotation)
    assert [s.evidence for s in found.annotations.stances] == [(span(document, "fled"),)]
    assert found.problems == ()


def test_a_further_stance_is_drawn_over_the_mention_however_roughly(read, task):
    annotation = answered(task)
    place = annotation["result"][0]["value"]
    value = {"start": place["start"] - 2, "end": place["end"], "text": "", "labels": ["STANCE"]}
    annotation["result"] += [
        {"id": "s", "from_name": "stance", "to_name": "text", "type": "labels", "value": value},
        {"id": "s", "from_name": "further-polarity", "to_name": "text", "type": "choices",
         "value": {**value, "choices": ["+1"]}},
        {"id": "s", "from_name": "further-holder", "to_name": "text", "type": "choices",
         "value": {**value, "choices": [task["data"]["holders"][0]["alias"]]}},
    ]  # fmt: skip
    found = read(task, annotation)
    words = {e.id: e.span.text for e in found.annotations.entities}
    said = {(words[s.target], words.get(s.holder, s.holder), s.polarity) for s in found.annotations.stances}
    assert said == {("army", UNNAMED, "-1"), ("army", task["data"]["holders"][0]["value"], "+1")}
    assert found.problems == ()


def test_the_mention_can_be_resized_retyped_and_redrawn(read, task, document):
    annotation = answered(task)
    region = annotation["result"][0]
    region["value"]["start"] -= 4
    region["value"]["labels"] = ["ORG"]
    for changed in (region, {**region, "meta": {}, "id": "new"}):
        annotation["result"][0] = changed
        (mention,) = read(task, annotation).annotations.entities
        assert (mention.span, mention.label) == (span(document, "the army"), "ORG")
        assert len(read(task, annotation).annotations.stances) == 1


def test_a_mention_that_somebody_deleted_says_nothing(read, task):
    annotation = answered(task)
    del annotation["result"][0]
    found = read(task, annotation)
    assert (found.annotations.entities, found.annotations.stances) == ((), ())
    assert {problem.reason for problem in found.problems} == {"answer about a mention that is not there"}


def test_offsets_outside_the_paragraph_reach_no_other(read, task):
    annotation = answered(task)
    value = {"start": 5, "end": len(task["data"]["text"]) + 5, "text": "", "labels": ["EVIDENCE"]}
    annotation["result"].append({"id": "v", "from_name": "stance", "to_name": "text", "type": "labels", "value": value})
    found = read(task, annotation)
    assert [s.evidence for s in found.annotations.stances] == [()]
    assert [(p.region, p.reason) for p in found.problems] == [("v", "offsets outside the text")]


def test_the_ledger_alone_is_enough(focus, task, scheme, document, module):
    annotation = answered(task, polarity="+1")
    whole = focus.decode_focus(task["data"], annotation, scheme, document, origin=ME)
    shown = module("focus").text_sha256(task["data"]["text"])
    for known in (shown, document.sha256):
        kept = {"focus": task["data"]["focus"], "sha256": known}
        assert focus.decode_focus(kept, annotation, scheme, document, origin=ME) == whole


@pytest.mark.parametrize(
    "change",
    [
        {"text": "another text"}, {"sha256": "0" * 64}, {"passage_sha256": "0" * 64}, {"focus": ""},
        {"focus": "9-3"}, {"focus": "0-99999"}, {"focus": None},
    ],
)  # fmt: skip
def test_another_text_is_never_decoded(focus, task, scheme, document, change):
    with pytest.raises(OffsetError):
        focus.decode_focus({**task["data"], **change}, answered(task), scheme, document, origin=ME)
    with pytest.raises(OffsetError):
        focus.decode_focus({"focus": task["data"]["focus"]}, answered(task), scheme, document, origin=ME)
    moved = replace(document, text="x" + document.text, sha256="0" * 64)
    with pytest.raises(OffsetError):
        focus.decode_focus(task["data"], answered(task), scheme, moved, origin=ME)
