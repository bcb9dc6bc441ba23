from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.annotate import Answer, align
from copydesk.schemas import OUTLET, UNNAMED, Annotations, Attribution, Entity, Origin, Span, Stance

MODEL = Origin("model", "drawn", "1")
PERSON = Origin("person", "ana")
WORDS = [
    "the",
    "army",
    "of",
    "Qasr",
    "hit",
    "rebel",
    "posts",
    "near",
    "Orlo",
    "on",
    "Monday",
    "while",
    "talks",
    "went",
    "on",
    "and",
    "twelve",
    "people",
    "died",
    "there",
]
ACTORS = ["ARMED_ACTOR", "ORG", "GPE", "POPULATION", "PERSON"]
LABELS = [*ACTORS, "LOCATION", "FACILITY", "WEAPON", "TIME"]


@pytest.fixture
def document(new_document):
    return new_document("The army said “we hold Qasr” on Monday and the rebels denied it.")


def mention(document, words, label, id, **more):
    start = document.text.index(words)
    return Entity(id, Span.of(document, start, start + len(words)), label, more.pop("origin", MODEL), **more)


def annotations(document, *entities, **more):
    return Annotations(document.id, document.sha256, entities, **more)


def kinds(suggested, final):
    return [kinds for kinds, _, _ in align(suggested, final)]


def test_each_kind_of_edit(document):
    army, qasr = mention(document, "army", "ORG", "a"), mention(document, "Qasr", "GPE", "q")
    monday, rebels = mention(document, "Monday", "TIME", "m"), mention(document, "rebels", "ORG", "r")
    said = annotations(document, army, qasr, monday, rebels)
    left = annotations(
        document,
        replace(army, label="ARMED_ACTOR"),
        replace(qasr, attributes={"gpe_role": "place"}),
        mention(document, "on Monday", "TIME", "m"),
        mention(document, "it", "ORG", "new"),
    )
    assert sorted(kinds(said, left)) == sorted(
        [("retyped",), ("reattributed",), ("resized",), ("removed",), ("added",)]
    )


def test_contents_decide_and_not_ids(document):
    army, rebels = mention(document, "army", "ARMED_ACTOR", "1"), mention(document, "rebels", "ARMED_ACTOR", "2")
    swapped = annotations(document, replace(army, id="2"), replace(rebels, id="1"))
    assert kinds(annotations(document, army, rebels), swapped) == [("accepted",), ("accepted",)]


def test_several_changes_in_one_thing(document):
    said = annotations(document, mention(document, "army", "ORG", "a"))
    left = annotations(
        document, mention(document, "The army", "ARMED_ACTOR", "a", attributes={"actor_class": "state_military"})
    )
    assert kinds(said, left) == [("resized", "retyped", "reattributed")]


def test_the_greatest_overlap_in_all_wins(document):
    """Two suggestions and two corrections that overlap crosswise are matched as pairs, not greedily."""
    said = annotations(document, mention(document, "army said", "ORG", "1"), mention(document, "said “we", "ORG", "2"))
    left = annotations(
        document, mention(document, "said “we hold", "ORG", "3"), mention(document, "The army said", "ORG", "4")
    )
    pairs = {(before.id, after.id) for _, before, after in align(said, left)}
    assert pairs == {("1", "4"), ("2", "3")}


def test_attributions_and_stances(document):
    army, rebels = mention(document, "army", "ARMED_ACTOR", "a"), mention(document, "rebels", "ARMED_ACTOR", "r")
    content = Span.of(document, 14, 27)
    quote = Attribution("c", content, MODEL, source=army.span, form="direct")
    denied = mention(document, "denied", "ORG", "x").span
    stances = (
        Stance("a", OUTLET, "0", MODEL), Stance("a", "r", "-1", MODEL, (denied,)),
        Stance("r", "a", "-2", MODEL), Stance("r", OUTLET, "0", MODEL),
    )  # fmt: skip
    said = annotations(document, army, rebels, attributions=(quote,), stances=stances)
    final = annotations(
        document,
        replace(army, id="A"), replace(rebels, id="R"),
        attributions=(replace(quote, id="C", cue=denied),),
        stances=(
            Stance("A", OUTLET, "0", PERSON), Stance("A", "R", "-2", PERSON, (denied,)),
            Stance("R", UNNAMED, "-2", PERSON), Stance("A", "A", "+2", PERSON),
        ),
    )  # fmt: skip
    found = Counter(
        (kinds[0], type(before or after).__name__)
        for kinds, before, after in align(said, final)
        if kinds != ("accepted",)
    )
    assert found == {
        ("reattributed", "Attribution"): 1, ("restanced", "Stance"): 2, ("removed", "Stance"): 1, ("added", "Stance"): 1,
    }  # fmt: skip


def test_a_stance_on_a_removed_mention_is_removed(document):
    army = mention(document, "army", "ARMED_ACTOR", "a")
    said = annotations(document, army, stances=(Stance("a", OUTLET, "0", MODEL),))
    assert kinds(said, annotations(document)) == [("removed",), ("removed",)]


def test_answers(document):
    said = annotations(document, choices={"graphic": ("no",), "article_kind": ("report",)})
    final = annotations(document, choices={"graphic": ("yes",), "article_kind": ("report",)})
    assert align(said, final) == [
        (("accepted",), Answer("article_kind", ("report",)), Answer("article_kind", ("report",))),
        (("reattributed",), Answer("graphic", ("no",)), Answer("graphic", ("yes",))),
    ]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_nothing_is_lost_or_counted_twice(annotated_documents, data):
    _, said = data.draw(annotated_documents)
    _, left = data.draw(annotated_documents)
    changes = align(said, left)
    for side, whole in ((1, said), (2, left)):
        things = [change[side] for change in changes if change[side] is not None]
        assert len(things) == sum(map(len, (whole.entities, whole.attributions, whole.stances, whole.choices)))
        assert len({id(thing) for thing in things if not isinstance(thing, Answer)}) == len(things) - len(whole.choices)
    assert {kinds for kinds, _, _ in align(said, said)} <= {("accepted",)}


# what a person does, played many times


def simulate(draw, document):
    """Return suggestions, what a person made of them, and the truth: suggestion id (or new id) to kind."""
    starts = [0]
    for word in document.text.split(" ")[:-1]:
        starts.append(starts[-1] + len(word) + 1)
    ends = [start + len(word) for start, word in zip(starts, document.text.split(" "), strict=True)]
    spans = {}
    while len(spans) < 18:  # distinct spans, nested and overlapping ones among them
        first = draw.randrange(len(starts))
        last = min(first + draw.choice([0, 0, 0, 1, 1, 2]), len(starts) - 1)
        spans.setdefault((first, last), Span.of(document, starts[first], ends[last]))
    places = sorted(spans)
    chosen, spare = places[:14], places[14:]
    said = {place: Entity(f"s{n}", spans[place], draw.choice(LABELS), MODEL) for n, place in enumerate(chosen)}
    taken = {place: entity.span for place, entity in said.items()}
    left, truth, lost = [], {}, []
    for place, entity in said.items():
        kind = draw.choices(["accepted", "retyped", "resized", "reattributed", "removed"], [60, 12, 10, 8, 10])[0]
        first, last = place
        bigger = (first, min(last + 1, len(starts) - 1)) if draw.random() < 0.5 else (max(first - 1, 0), last)
        if kind == "resized" and (
            bigger == place or Span.of(document, starts[bigger[0]], ends[bigger[1]]) in taken.values()
        ):
            kind = "accepted"
        truth[entity.id] = kind
        if kind == "removed":
            lost.append(entity.span)
        elif kind == "retyped":
            left.append(replace(entity, label=draw.choice([label for label in LABELS if label != entity.label])))
        elif kind == "resized":
            taken[place] = Span.of(document, starts[bigger[0]], ends[bigger[1]])
            left.append(replace(entity, span=taken[place]))
        elif kind == "reattributed":
            left.append(replace(entity, attributes={"noted": "true"}))
        else:
            left.append(entity)
    for number, place in enumerate(spare):
        span = spans[place]
        if span not in taken.values() and not any(span.overlaps(gone) for gone in lost):
            left.append(Entity(f"new{number}", span, draw.choice(LABELS), PERSON))
            truth[f"new{number}"] = "added"
    return said, left, truth, add_stances(draw, said, left, truth)


def add_stances(draw, said, left, truth):
    kept = {entity.id: entity for entity in left}
    before, after = [], []
    for entity in said.values():
        if entity.label not in ACTORS:
            continue
        stance = Stance(entity.id, OUTLET, "0", MODEL)
        before.append(stance)
        kind = draw.choices(["accepted", "restanced", "removed"], [70, 20, 10])[0] if entity.id in kept else "removed"
        truth[f"stance {entity.id}"] = kind
        if kind != "removed":
            after.append(replace(stance, polarity="-1") if kind == "restanced" else stance)
    return before, after


def test_simulated_edits_are_reconstructed(new_document):
    draw = random.Random(20260102)
    right = total = 0
    for _ in range(150):
        document = new_document(" ".join(draw.choices(WORDS, k=60)))
        said, left, truth, (stances, final_stances) = simulate(draw, document)
        shuffled = draw.sample(left, len(left))
        changes = align(
            annotations(document, *said.values(), stances=tuple(stances)),
            annotations(document, *shuffled, stances=tuple(final_stances)),
        )
        for kinds, before, after in changes:
            thing = before or after
            name = f"stance {thing.target}" if isinstance(thing, Stance) else thing.id
            total += 1
            right += truth.get(name) == kinds[0]
    assert total > 3000
    assert right / total >= 0.999, f"{right} of {total}"
