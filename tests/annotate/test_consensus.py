from __future__ import annotations

import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import consensus, mention_id, reidentify
from copydesk.schemas import OUTLET, Annotations, Attribution, Document, Entity, Origin, Span, Stance, text_sha256

Asked = importlib.import_module("copydesk.annotate.consensus").Asked
TEXT = "Rebels shelled the hospital, the brutal rebels said on Monday."
DOCUMENT = Document("d0", TEXT, text_sha256(TEXT))


def span(words):
    start = TEXT.index(words)
    return Span.of(DOCUMENT, start, start + len(words))


def said(who, entities=(), attributions=(), stances=(), choices=None):
    """Return what a person says: entities as (words, label, attributes), stances as (target, holder, polarity, evidence)."""
    origin = Origin("person", who)
    made = {
        (words, label): Entity(f"{who}{words}{label}", span(words), label, origin, dict(more))
        for words, label, more in entities
    }
    ids = {words: entity.id for (words, _), entity in made.items()}
    return reidentify(
        Annotations(
            "d0",
            DOCUMENT.sha256,
            tuple(made.values()),
            tuple(
                Attribution(f"{who}{content}", span(content), origin, span(source) if source else None, None, form)
                for content, source, form in attributions
            ),
            tuple(
                Stance(ids[target], ids.get(holder, holder), polarity, origin, tuple(map(span, evidence)), role)
                for target, holder, polarity, evidence, role in stances
            ),
            choices or {},
        )
    )


def agree(*versions):
    agreed, differences = consensus({f"p{number}": version for number, version in enumerate(versions)})
    return agreed, differences


REBELS = ("Rebels", "ARMED_ACTOR", {})


def test_what_two_say_alike_stands_and_nothing_is_listed():
    agreed, differences = agree(said("p0", [REBELS]), said("p1", [REBELS]))
    assert [(e.span.text, e.label, e.origin.name) for e in agreed.entities] == [("Rebels", "ARMED_ACTOR", "p0+p1")]
    assert differences == ()


def test_a_tie_is_left_out_and_open():
    agreed, (only,) = agree(said("p0", [REBELS]), said("p1"))
    assert agreed.entities == ()
    assert (only.item, only.text, only.votes, only.decided, only.open) == (
        "label",
        "Rebels",
        (("p0", "ARMED_ACTOR"), ("p1", "")),
        "",
        True,
    )


def test_two_labels_for_one_span_are_open():
    agreed, (only,) = agree(said("p0", [REBELS]), said("p1", [("Rebels", "POPULATION", {})]))
    assert agreed.entities == ()
    assert only.open
    assert only.votes == (("p0", "ARMED_ACTOR"), ("p1", "POPULATION"))


def test_three_labels_from_three_people_are_open_though_all_found_the_span():
    labels = ("ARMED_ACTOR", "POPULATION", "ORG")
    agreed, (only,) = agree(*(said(f"p{n}", [("Rebels", label, {})]) for n, label in enumerate(labels)))
    assert agreed.entities == ()
    assert only.open


def test_a_majority_settles_and_is_still_listed():
    agreed, (only,) = agree(said("p0", [REBELS]), said("p1", [REBELS]), said("p2"))
    assert len(agreed.entities) == 1
    assert (only.decided, only.open) == ("ARMED_ACTOR", False)
    agreed, (only,) = agree(said("p0", [REBELS]), said("p1"), said("p2"))
    assert agreed.entities == ()
    assert (only.decided, only.open) == ("", False)


def test_attributes_are_asked_of_those_who_marked_the_mention():
    rebel = ("Rebels", "ARMED_ACTOR", {"actor_class": "rebel_insurgent"})
    agreed, differences = agree(said("p0", [rebel]), said("p1", [rebel]), said("p2"))
    assert agreed.entities[0].attributes == {"actor_class": "rebel_insurgent"}
    assert [d.item for d in differences] == ["label"]
    agreed, differences = agree(said("p0", [rebel]), said("p1", [REBELS]))
    assert agreed.entities[0].attributes == {}
    assert [(d.item, d.open) for d in differences] == [("actor_class", True)]


def test_stances_follow_the_same_rule():
    def one(who, polarity, evidence=("brutal",), role="antagonist"):
        return said(who, [REBELS], stances=[("Rebels", OUTLET, polarity, evidence, role)])

    agreed, differences = agree(one("p0", "-1"), one("p1", "-1"))
    assert [(s.polarity, s.role, s.evidence[0].text, s.origin.name) for s in agreed.stances] == [
        ("-1", "antagonist", "brutal", "p0+p1")
    ]
    assert agreed.stances[0].target == agreed.entities[0].id
    assert not differences
    agreed, (only,) = agree(one("p0", "-1"), one("p1", "-2"))
    assert agreed.stances == ()
    assert (only.layer, only.item, only.open, only.text) == ("stance", "polarity", True, "OUTLET → Rebels")


def test_evidence_with_other_borders_gives_the_words_in_common():
    def one(who, evidence):
        return said(who, [REBELS], stances=[("Rebels", OUTLET, "-1", evidence, "")])

    agreed, (only,) = agree(one("p0", ["the brutal"]), one("p1", ["brutal rebels"]))
    assert [e.text for e in agreed.stances[0].evidence] == ["brutal"]
    assert (only.item, only.decided, only.open) == ("evidence", "brutal", False)
    agreed, (only,) = agree(one("p0", ["brutal"]), one("p1", ["said"]))
    assert agreed.stances[0].evidence == ()
    assert only.open


def test_attributions_and_answers_follow_the_same_rule():
    told = ("Rebels shelled the hospital", "the brutal rebels", "indirect")
    agreed, differences = agree(
        said("p0", attributions=[told], choices={"graphic": ("yes",)}),
        said("p1", attributions=[(told[0], "rebels", "indirect")], choices={"graphic": ("no",)}),
    )
    (attribution,) = agreed.attributions
    assert (attribution.content.text, attribution.source, attribution.form) == (told[0], None, "indirect")
    assert agreed.choices == {}
    assert [(d.layer, d.item, d.open) for d in differences] == [
        ("attribution", "source", True),
        ("questions", "graphic", True),
    ]
    agreed, _ = agree(*(said(f"p{n}", choices={"kinds": ("b", "a")}) for n in range(2)))
    assert agreed.choices == {"kinds": ("a", "b")}


def test_reidentify_merges_the_same_mention_and_follows_references():
    origin = Origin("person", "p")
    twice = Annotations(
        "d0",
        DOCUMENT.sha256,
        (
            Entity("x", span("Rebels"), "ARMED_ACTOR", origin, {"a": "1"}),
            Entity("y", span("Rebels"), "ARMED_ACTOR", origin, {"b": "2"}),
        ),
        stances=(
            Stance("y", OUTLET, "0", origin),
            Stance("gone", OUTLET, "0", origin),
            Stance("x", "gone", "0", origin),
        ),
    )
    new = reidentify(twice)
    key = mention_id("d0", span("Rebels"), "ARMED_ACTOR")
    assert [(e.id, e.attributes) for e in new.entities] == [(key, {"a": "1", "b": "2"})]
    assert [(s.target, s.holder) for s in new.stances] == [(key, OUTLET)]
    assert reidentify(new) == new


LABELS = ("ARMED_ACTOR", "POPULATION")
WORDS = ("Rebels", "the hospital", "rebels", "the brutal rebels", "Monday")


@st.composite
def people(draw):
    versions = []
    for number in range(draw(st.integers(1, 4))):
        entities = draw(st.sets(st.tuples(st.sampled_from(WORDS), st.sampled_from(LABELS))))
        targets = sorted({words for words, _ in entities})
        stances = [
            (
                target,
                OUTLET,
                draw(st.sampled_from(("-1", "0", "+1"))),
                draw(st.lists(st.sampled_from(WORDS), max_size=2, unique=True)),
                "",
            )
            for target in targets
            if draw(st.booleans())
        ]
        versions.append(said(f"p{number}", [(words, label, {}) for words, label in sorted(entities)], stances=stances))
    return versions


@settings(deadline=None, max_examples=80)
@given(people(), st.randoms(use_true_random=False))
def test_consensus_is_whole_whatever_people_say(versions, random):
    agreed, differences = agree(*versions)
    agreed.check(DOCUMENT)
    ids = {entity.id for entity in agreed.entities}
    for stance in agreed.stances:
        assert stance.target in ids
        assert stance.holder in ids | {OUTLET}
    for entity in agreed.entities:
        assert 2 * sum(any(entity.id == other.id for other in v.entities) for v in versions) > len(versions)
    # neither the order of the people nor a second reading changes it
    items = [(f"p{number}", version) for number, version in enumerate(versions)]
    random.shuffle(items)
    assert consensus(dict(items)) == (agreed, differences)
    if len(versions) == 1:
        assert differences == ()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_unanimous_people_change_nothing(count):
    everything = [REBELS, ("the hospital", "FACILITY", {"protected": "hospital"})]
    told = [("Rebels shelled the hospital", "the brutal rebels", "indirect")]
    view = [("Rebels", "the hospital", "+2", ("brutal",), "none")]
    agreed, differences = agree(*(said(f"p{n}", everything, told, view, {"graphic": ("no",)}) for n in range(count)))
    assert differences == ()
    alone = said("p0", everything, told, view, {"graphic": ("no",)})
    assert [(e.id, e.attributes) for e in agreed.entities] == [(e.id, e.attributes) for e in alone.entities]
    assert [(s.target, s.holder, s.polarity, s.evidence) for s in agreed.stances] == [
        (s.target, s.holder, s.polarity, s.evidence) for s in alone.stances
    ]


def test_who_was_not_asked_has_no_say():
    hospital = ("hospital", "FACILITY", {})
    monday = ("Monday", "TIME", {})
    whole = said("p0", [REBELS, hospital, monday], stances=[("hospital", "OUTLET", "0", (), "")])
    one = said("p1", [REBELS], stances=[("Rebels", "OUTLET", "-1", (), "")])
    place = frozenset({(span("Rebels").start, span("Rebels").end)})
    focused = Asked(frozenset(), place)
    agreed, differences = consensus({"p0": whole, "p1": one}, {"p1": focused})
    # p1 had no task about the hospital or Monday; of the rebels both were asked, and p0 saw no stance
    assert [e.span.text for e in agreed.entities] == ["Rebels", "hospital", "Monday"]
    assert [s.polarity for s in agreed.stances] == ["0"]
    assert [(d.layer, d.item, d.votes) for d in differences] == [("stance", "polarity", (("p0", ""), ("p1", "-1")))]
    agreed, differences = consensus(
        {"p0": whole, "p1": one}, {"p0": Asked(frozenset({"entities", "stance"})), "p1": focused}
    )
    assert len(differences) == 1
    agreed, differences = consensus({"p0": whole, "p1": one}, {"p0": Asked(frozenset({"entities"})), "p1": focused})
    assert sorted(s.polarity for s in agreed.stances) == ["-1", "0"]
    assert differences == ()
