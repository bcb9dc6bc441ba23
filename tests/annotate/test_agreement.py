"""Agreement taken apart: what is counted for whom, what has no value and why, cuts, intervals."""

from __future__ import annotations

import dataclasses
import importlib
import random

import krippendorff
import numpy as np
import pytest
from conftest import make_document
from hands import Hands
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import Mark, Version, agree, agreement, score
from copydesk.schemas import OUTLET, Annotations, Attribution, Entity, Origin, Span, Stance, load_scheme

DocumentVersions = importlib.import_module("copydesk.annotate.agreement_counts").DocumentVersions
reidentify, Asked = (
    getattr(importlib.import_module("copydesk.annotate.consensus"), n) for n in ("reidentify", "Asked")
)

SCHEME = load_scheme().select(["entities", "attribution", "stance"])
TEXT = "The army shelled Qasr, rebels said. The ministry praised the army on Monday, and rebels left."
PERSON = Origin("person", "someone")


def span(words, nth=0, text=TEXT):
    start = -1
    for _ in range(nth + 1):
        start = text.index(words, start + 1)
    return Span(start, start + len(words), words)


def said(name, document, marks=(), *, stances=(), contents=(), asked=None, truth=False, arm="shown", at="2026-11-02"):
    """Return a version: marks (words, nth, label[, attributes]), stances (target, holder, polarity) by place in marks."""
    entities = tuple(
        Entity(f"{number}", span(*mark[:2], document.text), mark[2], PERSON, dict(*mark[3:]))
        for number, mark in enumerate(marks)
    )
    holders = {OUTLET: OUTLET, **{number: f"{number}" for number in range(len(marks))}}
    stances = tuple(Stance(f"{target}", holders[holder], grade, PERSON) for target, holder, grade in stances)
    contents = tuple(
        Attribution(f"c{number}", span(*content[:2], document.text), PERSON, span(*content[2]) if content[2] else None,
                    None, content[3])
        for number, content in enumerate(contents)
    )  # fmt: skip
    whole = reidentify(Annotations(document.id, document.sha256, entities, contents, stances))
    return Version(name, whole, truth, 10, f"{at}T10:00:00Z", asked or Asked(), arm)


def together(*versions, text=TEXT, **facets):
    document = make_document(text)
    made = tuple(version(document) for version in versions)
    return DocumentVersions(document.id, len(document.text), made, facets)


def by(name, *args, **more):
    return lambda document: said(name, document, *args, **more)


ARMY, QASR, REBELS = ("army", 0, "ARMED_ACTOR"), ("Qasr", 0, "GPE"), ("rebels", 0, "ARMED_ACTOR")


def measure(found, name, **more):
    return found.measure(name, **more).value


def test_one_number_is_taken_apart():
    # b finds two of three, types one of them otherwise, and marks one of their own
    found = agree(
        [together(by("a", [ARMY, QASR, REBELS]), by("b", [ARMY, ("Qasr", 0, "LOCATION"), ("Monday", 0, "TIME")]))],
        SCHEME,
    )
    assert measure(found, "F1 of finding") == pytest.approx(4 / 6)
    assert measure(found, "exact F1") == pytest.approx(2 / 6)
    assert measure(found, "partial F1") == pytest.approx(2 / 6)
    typing = found.measure("alpha of typing")
    assert typing.n == 2
    assert typing.value == pytest.approx(
        krippendorff.alpha(reliability_data=[[0, 1], [0, 2]], value_domain=[0, 1, 2], level_of_measurement="nominal")
    )
    assert found.documents == 1
    assert found.annotators == ("a", "b")
    assert found.measure("exact F1").reason == "one document has no interval"


def test_near_marks_count_as_partial_only():
    found = agree([together(by("a", [("The army", 0, "ARMED_ACTOR")]), by("b", [ARMY]))], SCHEME)
    assert (measure(found, "exact F1"), measure(found, "partial F1"), measure(found, "F1 of finding")) == (
        0.0,
        1.0,
        0.0,
    )


def test_stacked_mentions_are_one_value_and_nested_ones_two():
    stacked = [ARMY, ("army", 0, "ORG")]
    same = agree([together(by("a", [*stacked, QASR]), by("b", [*stacked, QASR]))], SCHEME)
    assert measure(same, "exact F1") == measure(same, "alpha of typing") == 1.0
    other = agree([together(by("a", stacked), by("b", [ARMY]))], SCHEME)
    assert measure(other, "F1 of finding") == 1.0
    assert measure(other, "exact F1") == pytest.approx(2 / 3)
    assert other.measure("alpha of typing").n == 1
    nested = [("The army", 0, "ORG"), ("army", 0, "ORG")]
    found = agree([together(by("a", nested), by("b", nested))], SCHEME)
    assert measure(found, "exact F1") == measure(found, "alpha_U") == 1.0
    assert found.overlapping == 2


def test_a_stance_is_compared_where_both_could_have_held_it():
    marks = [ARMY, QASR, REBELS]
    one = by("a", marks, stances=[(0, OUTLET, "-2"), (1, 0, "0"), (2, OUTLET, "+1")])
    two = by("b", marks[:2], stances=[(0, OUTLET, "-1"), (1, OUTLET, "0")])
    found = agree([together(one, two)], SCHEME)
    linking = found.measure("F1 of holder and target")
    assert linking.n == 4, "the stance on a mention that b has not found says nothing about linking"
    assert linking.value == pytest.approx(2 / 4)
    assert found.measure("alpha of polarity").n == 1


def test_ranks_and_refusals():
    marks = [ARMY, QASR, REBELS]
    rows = [("-2", "0", "mixed"), ("-1", "0", "+2"), ("-2", "+1", "cannot_tell")]
    versions = [by(name, marks, stances=[(n, OUTLET, grade) for n, grade in enumerate(row)])
                for name, row in zip("abc", rows, strict=True)]  # fmt: skip
    found = agree([together(*versions)], SCHEME)
    assert found.refused == 2
    ranked = [[-2, 0, np.nan], [-1, 0, 2], [-2, 1, np.nan]]
    wanted = krippendorff.alpha(reliability_data=ranked, value_domain=[-2, -1, 0, 1, 2], level_of_measurement="ordinal")
    assert measure(found, "alpha of polarity") == pytest.approx(wanted, abs=1e-9)
    assert found.measure("alpha of polarity").n == 2, "one rank alone can't be compared"
    assert found.measure("alpha of polarity class").n == 3


def test_who_is_speaking():
    content = ("The army shelled Qasr", 0)
    one = by("a", contents=[(*content, ("rebels", 0), "indirect")])
    two = by("b", contents=[(*content, ("rebels", 1), "indirect")])
    found = agree([together(one, two)], SCHEME)
    assert measure(found, "F1 of contents") == 1.0
    assert measure(found, "F1 of sources") == 0.0
    assert found.measure("alpha of form").value is None, "one value throughout"
    assert "every answer is the same" in found.measure("alpha of form").reason


def test_not_to_raise_a_flag_is_an_answer_and_not_to_choose_is_none():
    tank, jet = ("army", 0, "PLATFORM"), ("Qasr", 0, "PLATFORM")
    flagged, classed = {"military": "true"}, {"actor_class": "state"}
    one = by("a", [(*tank, flagged), jet, (*REBELS, classed)])
    two = by("b", [(*tank, flagged), jet, REBELS])
    found = agree([together(one, two)], load_scheme())
    assert (found.measure("alpha of military").n, measure(found, "alpha of military")) == (2, 1.0)
    assert (found.measure("alpha of actor_class").n, found.measure("alpha of actor_class").part) == (1, "attributes")


def test_nobody_is_held_to_what_they_were_not_asked():
    entities = Asked(frozenset({"entities"}))
    stance = [(0, OUTLET, "-1")]
    found = agree([together(by("a", [ARMY], stances=stance), by("b", [ARMY], asked=entities))], SCHEME)
    assert found.measure("F1 of holder and target").value is None
    assert "no two people were asked" in found.measure("F1 of holder and target").reason
    assert measure(found, "exact F1") == 1.0


def test_marks_of_a_layer_that_only_one_was_asked_for_are_left_out():
    wording = Asked(frozenset({"entities", "wording"}))
    entities = Asked(frozenset({"entities"}))
    loaded = ("shelled", 0, "PEJORATIVE")
    found = agree([together(by("a", [ARMY, loaded], asked=wording), by("b", [ARMY], asked=entities))], load_scheme())
    assert (measure(found, "exact F1"), measure(found, "F1 of finding")) == (1.0, 1.0)
    both = agree([together(by("a", [ARMY, loaded], asked=wording), by("b", [ARMY], asked=wording))], load_scheme())
    assert measure(both, "exact F1") == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [together(by("a", [ARMY]))],
        [together(by("a", [ARMY])), together(by("b", [ARMY]), text=TEXT + " ")],
        [together(by("a", [ARMY]), by("b", [ARMY], truth=True))],
    ],
    ids=["nothing", "one annotator", "disjoint annotators", "an adjudication is nobody's second opinion"],
)
def test_what_cannot_be_compared_has_no_value(documents):
    found = agree(documents, SCHEME, by=["pair", "annotator", "label", "outlet"])
    assert found.documents == 0
    assert all(m.value is None and m.low is None and m.reason for m in found.measures)
    assert found.measure("alpha_U").reason == "no document was finished by two people"


def test_two_who_mark_nothing_do_not_agree_perfectly():
    found = agree([together(by("a"), by("b"))] * 3, SCHEME)
    assert found.documents == 3
    assert found.measure("exact F1").value is None
    assert found.measure("exact F1").reason == "nobody marked any"
    assert found.measure("alpha_U").value is None


def crowd(documents=60, people=3, seed=1):
    """Documents that people read with some care."""
    draw = random.Random(seed)
    labels = ("ARMED_ACTOR", "GPE", "ORG", "PERSON")
    made = []
    for number in range(documents):
        text = f"Report {number}. " + TEXT
        truth = [(words, 0, draw.choice(labels)) for words in ("army", "Qasr", "rebels", "ministry", "Monday")]
        versions = []
        for who in "abcde"[:people]:
            marks = [(w, n, label if draw.random() < 0.8 else draw.choice(labels))
                     for w, n, label in truth if draw.random() < 0.85]  # fmt: skip
            stances = [
                (n, OUTLET, draw.choice(("-1", "-2", "0", "+1"))) for n in range(len(marks)) if draw.random() < 0.5
            ]
            versions.append(by(who, marks, stances=stances, at=f"2026-11-{1 + number % 20:02d}"))
        made.append(together(*versions, text=text, outlet=f"paper {number % 2}", week=f"2026-W{40 + number % 3}"))
    return made


def test_pairs_are_scored_as_pipelines_are():
    documents = crowd(people=2)
    found = agree(documents, SCHEME, draws=0)
    sides = [
        [[Mark(e.span.start, e.span.end, e.label) for e in d.versions[who].annotations.entities] for d in documents]
        for who in (0, 1)
    ]
    assert measure(found, "exact F1") == pytest.approx(score(*sides).strict.f1, abs=1e-12)
    cut = agree(documents, SCHEME, by=["label"], draws=0)
    for label, part in score(*sides).by_label.items():
        assert measure(cut, "exact F1", cut="label", of=label) == pytest.approx(part.strict.f1, abs=1e-12)


def test_cuts_add_up():
    documents = crowd()
    found = agree(documents, SCHEME, by=["pair", "annotator", "label", "outlet", "week"], draws=50)
    whole = found.measure("exact F1")
    for cut, share in (("pair", 1), ("annotator", 2), ("label", 1), ("outlet", 1), ("week", 1)):
        pieces = [m for m in found.measures if m.cut == cut and m.name == "exact F1"]
        assert sum(m.n for m in pieces) == share * whole.n, cut
    assert {m.of for m in found.measures if m.cut == "pair"} == {"a and b", "a and c", "b and c"}
    assert found.measure("kappa of typing", cut="pair", of="a and b").value is not None
    with pytest.raises(KeyError):
        found.measure("kappa of typing", cut="annotator", of="a")


def test_a_pairs_alpha_is_that_of_the_pair_alone():
    documents = crowd()
    found = agree(documents, SCHEME, by=["pair"], draws=0)
    alone = [dataclasses.replace(d, versions=d.versions[:2]) for d in documents]
    pair = agree(alone, SCHEME, draws=0)
    for name in (
        "exact F1",
        "partial F1",
        "F1 of finding",
        "alpha of typing",
        "alpha of polarity",
        "alpha of polarity class",
    ):
        assert measure(found, name, cut="pair", of="a and b") == pytest.approx(measure(pair, name), abs=1e-12)


def test_intervals_hold_the_value_and_come_again():
    documents = crowd()
    found = agree(documents, SCHEME, draws=200)
    for m in found.measures:
        if m.value is not None and m.low is not None:
            assert m.low <= m.value <= m.high
    assert found == agree(documents, SCHEME, draws=200)
    assert found.measure("exact F1").low != agree(documents, SCHEME, draws=200, seed=1).measure("exact F1").low
    wider = agree(documents[:10], SCHEME, draws=200).measure("exact F1")
    assert wider.high - wider.low > found.measure("exact F1").high - found.measure("exact F1").low


def test_an_interval_covers_as_often_as_it_says():
    # the share that many more documents show lies within nearly all intervals from forty
    truth = measure(agree(crowd(2_000, 2, seed=99), SCHEME, draws=0), "exact F1")
    inside = 0
    for seed in range(60):
        m = agree(crowd(40, 2, seed=seed), SCHEME, draws=200).measure("exact F1")
        inside += m.low <= truth <= m.high
    assert inside >= 51, "of sixty intervals 57 should hold it; that fewer than 51 do has a chance of 1 in 500"


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=10)
def test_neither_order_nor_names_matter(shuffler):
    documents = crowd(12)
    names = dict(zip("abc", shuffler.sample("abc", 3), strict=True))
    other = [
        dataclasses.replace(d, versions=tuple(dataclasses.replace(v, annotator=names[v.annotator]) for v in d.versions))
        for d in documents
    ]
    shuffler.shuffle(other)
    one, two = agree(documents, SCHEME, draws=0), agree(other, SCHEME, draws=0)
    assert [m.name for m in one.measures] == [m.name for m in two.measures]
    for left, right in zip(one.measures, two.measures, strict=True):
        assert left.value == (None if right.value is None else pytest.approx(right.value, abs=1e-9))


def test_groups_of_annotators_are_continua_of_their_own():
    both = crowd(20, 2)
    three = crowd(20, 3, seed=5)
    mixed = agree([*both, *three], SCHEME, draws=0).measure("alpha_U").value
    parts = [agree(part, SCHEME, draws=0).measure("alpha_U").value for part in (both, three)]
    assert min(parts) <= mixed <= max(parts)


def test_agreement_of_a_desk(tmp_path):
    hands = Hands(tmp_path / "desk")
    rebels, port = ("Rebels", "ARMED_ACTOR"), ("the port", "FACILITY")
    hands.finish(0, "anna@example.org", rebels, port, stance="-1", arm="blind")
    hands.finish(0, "bert@example.org", rebels, stance="-2", arm="blind")
    hands.finish(1, "anna@example.org", ("Київ", "GPE"))
    hands.finish(0, "cleo@example.org", port, truth=True, arm="blind")
    found = agreement(hands.desk, by=["annotator", "arm", "week", "outlet"])
    assert found.documents == 1
    assert found.annotators == ("annotator-1", "annotator-2"), "who adjudicates is not measured; no address is shown"
    assert measure(found, "exact F1") == pytest.approx(2 / 3)
    assert measure(found, "F1 of holder and target") == 1.0
    assert {m.of for m in found.measures if m.cut == "arm"} == {"blind"}
    assert {m.of for m in found.measures if m.cut == "week"} == {"2031-W01"}
    assert {m.of for m in found.measures if m.cut == "outlet"} == {"unknown"}
