from __future__ import annotations

import importlib
from dataclasses import replace

import pytest

from copydesk.schemas import Annotations, Attribution, Entity, Origin, Span, Stance, load_scheme

joining = importlib.import_module("copydesk.annotate.joining")
consensus = importlib.import_module("copydesk.annotate.consensus")
ANA = Origin("person", "ana")
TEXT = "The army praised Lantern 5. The army fled, the mayor said."
SCHEME = load_scheme()
ALL = frozenset({"entities", "attribution", "stance"})


@pytest.fixture
def document(new_document):
    return new_document(TEXT)


def mention(document, words, label="ARMED_ACTOR", nth=0):
    start = -1
    for _ in range(nth + 1):
        start = document.text.index(words, start + 1)
    span = Span.of(document, start, start + len(words))
    return Entity(consensus.mention_id(document.id, span, label), span, label, ANA)


def said(document, *entities, stances=(), attributions=(), choices=None):
    return Annotations(document.id, document.sha256, entities, attributions, tuple(stances), choices or {})


def part(annotations, layers=ALL, focus="", at="2031-01-01", key="k"):
    return joining.Part(annotations, frozenset(layers), focus, at, key)


def judged(joined):
    names = {entity.id: (entity.span.start, entity.label) for entity in joined.entities}
    return {(names[stance.target], stance.polarity) for stance in joined.stances}


def test_one_part_stays_as_it_is(document):
    alone = said(document, replace(mention(document, "army"), id="mine"))
    assert joining.join([part(alone)], SCHEME) == (alone, ())


def test_of_a_layer_that_was_asked_twice_the_newer_answer_stands(document):
    army, five, mayor = mention(document, "army"), mention(document, "Lantern 5"), mention(document, "mayor", "PERSON")
    content = Span.of(document, 28, 41)
    first = said(
        document, army, five,
        stances=[Stance(five.id, army.id, "+1", ANA)],
        attributions=[Attribution("c", content, ANA, form="indirect")],
        choices={"graphic": ("no",)},
    )  # fmt: skip
    second = said(document, army, five, mayor, choices={"graphic": ("yes",)})
    joined, lost = joining.join([part(second, ["entities"], at="2031-01-02"), part(first)], SCHEME)
    assert {e.span.text for e in joined.entities} == {"army", "Lantern 5", "mayor"}
    assert judged(joined) == {((five.span.start, "ARMED_ACTOR"), "+1")}
    assert [a.content for a in joined.attributions] == [content]
    assert joined.choices == {"graphic": ("yes",)}
    assert lost == ()
    joined.check(document)


def test_a_stance_that_lost_its_mention_is_named(document):
    army, five = mention(document, "army"), mention(document, "Lantern 5")
    first = said(document, army, five, stances=[Stance(five.id, army.id, "+1", ANA)])
    joined, lost = joining.join([part(first), part(said(document, army), ["entities"], at="2031-01-02")], SCHEME)
    assert [entity.span.text for entity in joined.entities] == ["army"]
    assert joined.stances == ()
    assert [stance.polarity for stance in lost] == ["+1"]


def test_one_mentions_task_answers_for_that_mention_alone(document):
    army, again = mention(document, "army"), mention(document, "army", nth=1)
    whole = said(
        document, army, again,
        stances=[Stance(army.id, "OUTLET", "0", ANA), Stance(again.id, "OUTLET", "0", ANA)],
    )  # fmt: skip
    focus = f"{again.span.start}-{again.span.end}"
    one = said(document, again, stances=[Stance(again.id, "UNNAMED", "-1", ANA)])
    for order in (1, -1):  # a mention's own task counts, whenever it was saved
        parts = [part(whole, at="2031-01-03"), part(one, focus=focus)][::order]
        joined, _ = joining.join(parts, SCHEME)
        assert judged(joined) == {
            ((army.span.start, "ARMED_ACTOR"), "0"), ((again.span.start, "ARMED_ACTOR"), "-1"),
        }  # fmt: skip


def test_a_mention_drawn_anew_keeps_its_stance(document):
    army = mention(document, "army")
    wider = mention(document, "The army")
    whole = said(document, army, stances=[Stance(army.id, "OUTLET", "0", ANA)])
    one = said(document, wider, stances=[Stance(wider.id, "OUTLET", "-2", ANA)])
    joined, _ = joining.join([part(whole), part(one, focus=f"{army.span.start}-{army.span.end}")], SCHEME)
    assert judged(joined) == {((wider.span.start, "ARMED_ACTOR"), "-2")}


def test_another_label_on_the_same_words_is_another_mention(document):
    actor, body = mention(document, "army"), mention(document, "army", "ORG")
    whole = said(
        document, actor, body,
        stances=[Stance(actor.id, "OUTLET", "0", ANA), Stance(body.id, "OUTLET", "+1", ANA)],
    )  # fmt: skip
    place = f"{actor.span.start}-{actor.span.end}"
    one = said(document, actor, stances=[Stance(actor.id, "OUTLET", "-1", ANA)])
    joined, _ = joining.join([part(whole), part(one, focus=place)], SCHEME)
    assert judged(joined) == {((actor.span.start, "ARMED_ACTOR"), "-1"), ((body.span.start, "ORG"), "+1")}
    other = said(document, body, stances=[Stance(body.id, "OUTLET", "-2", ANA)])
    joined, _ = joining.join([part(whole), part(other, focus=f"{place}-ORG")], SCHEME)
    assert judged(joined) == {((actor.span.start, "ARMED_ACTOR"), "0"), ((body.span.start, "ORG"), "-2")}


def test_two_mentions_tasks_without_the_whole(document):
    army, five = mention(document, "army"), mention(document, "Lantern 5")
    parts = [
        part(said(document, e, stances=[Stance(e.id, "OUTLET", p, ANA)]), focus=f"{e.span.start}-{e.span.end}", key=p)
        for e, p in ((army, "-1"), (five, "+1"))
    ]
    joined, _ = joining.join(parts, SCHEME)
    assert judged(joined) == {((army.span.start, "ARMED_ACTOR"), "-1"), ((five.span.start, "ARMED_ACTOR"), "+1")}
