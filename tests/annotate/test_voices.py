from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import article

from copydesk.annotate import attribution_around, by_actor, encode, voice, voices
from copydesk.schemas import (
    OUTLET,
    UNNAMED,
    Annotations,
    Attribution,
    Entity,
    Origin,
    SchemeError,
    Span,
    Stance,
    Suggestion,
    load_scheme,
)

BY = Origin("person", "annotator")
TEXT = "The Sarnic Front said 11 soldiers had died. The army said the Front had claimed that 40 rebels fell. Rain fell."
DOCUMENT = article(TEXT)


def span(words, nth=0):
    at = -1
    for _ in range(nth + 1):
        at = TEXT.index(words, at + 1)
    return Span.of(DOCUMENT, at, at + len(words))


def entity(id, label, words, nth=0):
    return Entity(id, span(words, nth), label, BY)


def annotated(**more):
    outer = Attribution("c2", span("the Front had claimed that 40 rebels fell"), BY, source=span("army"))
    inner = Attribution("c3", span("that 40 rebels fell"), BY, source=span("Front", 1))
    first = Attribution("c1", span("11 soldiers had died"), BY, source=span("Sarnic Front"))
    entities = (
        entity("e1", "ARMED_ACTOR", "Sarnic Front"),
        entity("t1", "TOLL", "11 soldiers"),
        entity("e2", "ARMED_ACTOR", "soldiers"),
        entity("e3", "ARMED_ACTOR", "army"),
        entity("e4", "ARMED_ACTOR", "Front", 1),
        entity("t2", "TOLL", "40 rebels"),
        entity("e5", "ARMED_ACTOR", "rebels"),
    )
    return Annotations(
        DOCUMENT.id, DOCUMENT.sha256, entities=entities, attributions=(first, outer, inner), **more
    )  # fmt: skip


def test_the_voice_is_the_innermost_source():
    said = annotated()
    assert voice(said, span("11 soldiers")) == "Sarnic Front"
    assert voice(said, span("Front", 1)) == "army"
    assert voice(said, span("40 rebels")) == "Front"
    assert voice(said, span("Rain")) == OUTLET
    assert attribution_around(said, span("40 rebels")).id == "c3"


def test_a_content_is_not_in_its_own_voice():
    said = annotated()
    assert voice(said, said.attributions[2].content) == "army"
    assert voice(said, said.attributions[0].content) == OUTLET


def test_a_content_without_a_source_is_unnamed():
    said = Annotations(DOCUMENT.id, DOCUMENT.sha256, attributions=(Attribution("c", span("11 soldiers had died"), BY),))
    assert voice(said, span("soldiers")) == UNNAMED


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=12))
def test_all_voices_at_once_are_each_voice(places):
    contents = tuple(
        Attribution(f"c{number}", Span.of(DOCUMENT, start, min(start + size, len(TEXT))), BY, source=span("army"))
        for number, (start, size) in enumerate(places)
    )
    said = Annotations(DOCUMENT.id, DOCUMENT.sha256, entities=annotated().entities, attributions=contents)
    assert voices(said) == {place: voice(said, place) for place in said.spans()}


def test_stances_and_tolls_are_read_by_actor():
    stance = Stance("e4", "e3", "-1", BY, (span("claimed"),))
    said = annotated(stances=(stance,))
    readings = {reading.actor.name: reading for reading in by_actor(DOCUMENT, said)}
    front, army = readings["Sarnic Front"], readings["army"]
    assert front.actor.members == ("e1", "e4")
    assert (front.towards, front.held, army.held) == ((stance,), (), (stance,))
    assert front.claimed == ("t1", "t2")
    assert front.said == ("c1", "c3")
    assert readings["rebels"].victims == ("t2",)
    assert readings["soldiers"].victims == ("t1",)
    assert army.claimed == ()


def test_given_clusters_are_used_as_they_are():
    readings = by_actor(DOCUMENT, annotated(), clusters=())
    assert [len(reading.actor.members) for reading in readings] == [1, 1, 1, 1, 1]


ODD = Attribution("c", span("11 soldiers had died"), BY, source_type="anonymous")


def test_a_suggested_source_type_without_a_source_costs_no_task():
    odd = Annotations(DOCUMENT.id, DOCUMENT.sha256, attributions=(ODD,))
    task = encode(DOCUMENT, Suggestion(odd, Origin("model", "m", "1"), ()), load_scheme())
    rows = task["predictions"][0]["result"]
    assert [row["value"]["labels"] for row in rows if row["type"] == "labels"] == [["CONTENT"]]


def test_a_persons_source_type_without_a_source_is_refused():
    odd = Annotations(DOCUMENT.id, DOCUMENT.sha256, attributions=(ODD,))
    with pytest.raises(SchemeError, match="without a source"):
        encode(DOCUMENT, odd, load_scheme())
