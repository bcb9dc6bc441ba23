"""What suggestions do to labels: planted effects come back, with intervals that hold as often as they say."""

from __future__ import annotations

import random

import pytest
from conftest import make_document

from copydesk.annotate import Work, anchoring, estimate
from copydesk.corpus import init_desk
from copydesk.schemas import OUTLET, Annotations, Entity, Origin, Span, Stance, load_scheme

SCHEME = load_scheme()
WORDS = " ".join(f"word{number:02d}" for number in range(40))
PERSON, MODEL = Origin("person", "p"), Origin("model", "list", "1")


def annotations(text, marks, stances=()):
    """Marks are (number of a word, label); stances (number of a mark, polarity)."""
    document, first = make_document(text), text.index("word00")
    entities = []
    for place, (word, label) in enumerate(marks):
        start = first + 7 * word
        entities.append(Entity(f"e{place}", Span(start, start + 6, f"word{word:02d}"), label, PERSON))
    said = tuple(Stance(f"e{place}", OUTLET, polarity, PERSON) for place, polarity in stances)
    return Annotations(document.id, document.sha256, tuple(entities), (), said)


def works(seed, *, documents=40, shown=0.5, blind=0.3, slower=1.0, taken=0.9, found=0.6):
    """People's work in two arms: the share of ORG, the time and how much is taken from the machine are planted."""
    draw = random.Random(seed)
    for arm, share in (("shown", shown), ("blind", blind)):
        for number in range(documents):
            text = f"{arm} {number} {WORDS}"
            suggested = annotations(text, [(word, "ORG") for word in range(0, 20, 2)])
            rate = taken if arm == "shown" else found
            marks = [
                (word, "ORG" if draw.random() < share else "GPE") for word in range(0, 20, 2) if draw.random() < rate
            ]
            seconds = 100 * (slower if arm == "shown" else 1.0) * draw.lognormvariate(0, 0.3)
            yield Work(f"{arm}{number}", arm, "annotator-1", annotations(text, marks), suggested, seconds)


def by_name(effects):
    return {(effect.outcome, effect.of): effect for effect in effects}


def test_planted_effects_come_back():
    found = by_name(estimate(works(1, documents=400, slower=0.5), SCHEME, draws=200))
    share = found["share of mentions", "ORG"]
    assert (share.shown, share.blind, share.effect) == pytest.approx((0.5, 0.3, 0.2), abs=0.03)
    assert share.low < share.effect < share.high
    assert share.documents == (400, 400)
    assert found["suggested mentions found", ""].effect == pytest.approx(0.3, abs=0.03)
    assert found["suggested borders taken", ""].effect == 0.0
    assert found["suggested labels taken", ""].effect == pytest.approx(0.2, abs=0.03)
    time = found["seconds a document", ""]
    assert time.scale == "ratio"
    assert time.effect == pytest.approx(0.5, abs=0.05)
    assert 0 < time.low < time.effect < time.high < 1
    assert found["mentions a document", ""].effect == pytest.approx(3.0, abs=0.3)


def test_intervals_hold_as_often_as_they_say():
    truth = {
        ("share of mentions", "ORG"): 0.2,
        ("suggested mentions found", ""): 0.3,
        ("mentions a document", ""): 3.0,
        ("seconds a document", ""): 0.8,
    }
    rounds, held = 120, dict.fromkeys(truth, 0)
    for seed in range(rounds):
        found = by_name(estimate(works(seed, documents=30, slower=0.8), SCHEME, draws=200, seed=seed))
        for outcome, value in truth.items():
            held[outcome] += found[outcome].low <= value <= found[outcome].high
    # 95 % of 120 is 114; fewer than 105 has a chance of less than 1 in 1,000
    assert all(105 <= number < rounds for number in held.values()), held


def test_no_effect_is_found_where_there_is_none():
    inside = 0
    for seed in range(60):
        effect = by_name(estimate(works(seed, shown=0.4, blind=0.4, documents=30), SCHEME, draws=200))[
            "share of mentions", "ORG"
        ]
        inside += effect.low <= 0 <= effect.high
    assert inside >= 51


def test_agreement_rises_where_people_take_what_they_are_shown():
    def two(arm, number, labels):
        text = f"{arm} {number} {WORDS}"
        for who, label in zip(("annotator-1", "annotator-2"), labels, strict=True):
            yield Work(f"{arm}{number}", arm, who, annotations(text, [(1, label)]))

    made = [work for n in range(6) for work in (*two("shown", n, ("ORG", "ORG")), *two("blind", n, ("ORG", "GPE")))]
    found = by_name(estimate(made, SCHEME, draws=50))
    assert found["agreement, exact F1", ""].effect == 1.0
    assert found["agreement, F1 of finding", ""].effect == 0.0


def test_polarities_are_compared_on_the_same_target_and_holder():
    text = f"x {WORDS}"
    suggested = annotations(text, [(1, "ORG"), (2, "GPE")], [(0, "-1"), (1, "+1")])
    said = annotations(text, [(2, "LOCATION"), (1, "ORG")], [(1, "-1"), (0, "0")])
    made = [Work(f"{arm}", arm, "a", said, suggested) for arm in ("shown", "blind")]
    found = by_name(estimate(made, SCHEME))
    assert found["suggested polarities taken", ""].shown == 0.5
    assert found["share of stances", "-1"].shown == 0.5


def test_an_arm_without_documents_says_so():
    found = by_name(estimate((work for work in works(1) if work.arm == "shown"), SCHEME))
    share = found["share of mentions", "ORG"]
    assert (share.blind, share.effect, share.low) == (None, None, None)
    assert share.reason == "nothing to measure it on in the blind documents"


def test_few_documents_have_no_interval():
    share = by_name(estimate(works(1, documents=4), SCHEME))["share of mentions", "ORG"]
    assert share.effect is not None
    assert share.low is None
    assert share.reason == "fewer than 5 documents in an arm"


def test_a_desk_where_nobody_worked(tmp_path):
    found = anchoring(init_desk(tmp_path / "desk"))
    assert (found.effects, found.decoys, found.shown, found.blind) == ((), (), 0, 0)
    with pytest.raises(KeyError):
        found.effect("share of mentions", "ORG")
