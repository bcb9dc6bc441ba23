from __future__ import annotations

import dataclasses
import importlib
import json
import random
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.annotate import LEDGER, Answer, LedgerEntry, align, edits
from copydesk.corpus import documents
from copydesk.schemas import OUTLET, UNNAMED, Annotations, Attribution, Entity, Origin, Span, Stance, Suggestion

focus_tasks = importlib.import_module("copydesk.annotate.focus").focus_tasks
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


# from the ledger


def row(span, label, id):
    value = {"start": span.start, "end": span.end, "text": "", "labels": [label]}
    return {"id": id, "from_name": "entities", "to_name": "text", "type": "labels", "value": value, "score": 0.75}


def write_ledger(desk, *entries):
    kinds = {"int": 1, "bool": False, "float | None": 12.5, "str": ""}
    blank = {field.name: kinds[field.type] for field in dataclasses.fields(LedgerEntry)}
    rows = [{**blank, "key": str(number), **entry} for number, entry in enumerate(entries)]
    desk.write_table("annotations", "00000", pa.Table.from_pylist(rows, schema=LEDGER))


def test_an_edit_says_whose_it_is_and_of_what(make_desk):
    desk = make_desk()
    document = next(documents(desk))
    rebels, qasr = Span.of(document, 0, 6), Span.of(document, 11, 15)
    shown = json.dumps({"result": [row(rebels, "ORG", "r"), row(qasr, "GPE", "q")]})
    work = {
        "document_id": document.id, "sha256": document.sha256, "model_version": "list@1", "arm": "decoy",
        "annotator": "ana", "layout": "document", "prediction": shown, "updated_at": "2031-01-01T00:00:00Z",
    }  # fmt: skip
    kept, nothing = json.dumps({"result": [row(rebels, "ARMED_ACTOR", "r")]}), json.dumps({"result": []})
    write_ledger(
        desk,
        {**work, "annotation": "1", "state": "submitted", "raw": nothing},
        {**work, "annotation": "1", "state": "updated", "raw": kept},
        {**work, "annotation": "2", "annotator": "ben", "state": "skipped", "raw": nothing},
        {
            **work,
            "annotation": "4",
            "annotator": "eve",
            "state": "submitted",
            "raw": kept,
            "layout": "focus",
            "focus": "0-6",
        },
        {**work, "annotation": "5", "annotator": "fay", "state": "submitted", "raw": nothing, "prediction": ""},
        {**work, "annotation": "6", "annotator": "gus", "state": "submitted", "raw": nothing, "document_id": "0" * 16},
    )
    found = list(edits(desk))
    assert [edit.kind for edit in found] == ["retyped", "removed"]
    assert {(e.annotator, e.model, e.score, e.lead_time, e.arm) for e in found} == {
        ("ana", "list@1", 0.75, 12.5, "decoy")
    }
    assert (found[0].suggested.label, found[0].final.label) == ("ORG", "ARMED_ACTOR")
    assert (found[1].suggested.span, found[1].final) == (qasr, None)


def test_a_task_about_one_mention_has_edits_of_its_stances_alone(make_desk, scheme):
    desk = make_desk()
    document = next(documents(desk))
    rebels = Entity("r", Span.of(document, 0, 6), "ARMED_ACTOR", MODEL)
    said = Annotations(document.id, document.sha256, (rebels,), (), (Stance("r", OUTLET, "-1", MODEL),))
    task = focus_tasks(document, Suggestion(said, MODEL, ()), scheme)[0]
    rows = task["predictions"][0]["result"]
    left = [{**row, "value": {"choices": ["+1"]}} if row.get("from_name") == "polarity" else row for row in rows]
    write_ledger(
        desk,
        {"document_id": document.id, "sha256": task["data"]["passage_sha256"], "annotation": "1", "annotator": "ana",
         "state": "submitted", "layout": "focus", "focus": task["data"]["focus"], "arm": "shown",
         "raw": json.dumps({"result": left}), "prediction": json.dumps({"result": rows})},
    )  # fmt: skip
    (edit,) = edits(desk)
    assert (edit.kind, edit.layer, edit.suggested.polarity, edit.final.polarity) == ("restanced", "stance", "-1", "+1")


@pytest.mark.parametrize("state", ["draft", "skipped", "deleted"])
def test_what_is_not_finished_is_no_edit(make_desk, state):
    desk = make_desk()
    document = next(documents(desk))
    write_ledger(
        desk,
        {"document_id": document.id, "sha256": document.sha256, "annotation": "1", "annotator": "ana", "state": state,
         "raw": json.dumps({"result": []}), "prediction": json.dumps({"result": [row(Span.of(document, 0, 6), "ORG", "r")]})},
    )  # fmt: skip
    assert list(edits(desk)) == []


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


@pytest.mark.parametrize("fresh", [False, True], ids=["ids kept", "fresh ids"])
def test_simulated_edits_are_reconstructed(new_document, fresh):
    """Ids tell where contents tie; behind an API, or redrawn, every region has a new one."""
    draw = random.Random(20260102)
    right = total = 0
    for _ in range(150):
        document = new_document(" ".join(draw.choices(WORDS, k=60)))
        said, left, truth, (stances, final_stances) = simulate(draw, document)
        names = {entity.id: f"f{number}" if fresh else entity.id for number, entity in enumerate(left)}
        own = dict(zip(names.values(), names, strict=True))
        shuffled = [replace(entity, id=names[entity.id]) for entity in draw.sample(left, len(left))]
        changes = align(
            annotations(document, *said.values(), stances=tuple(stances)),
            annotations(document, *shuffled, stances=tuple(replace(s, target=names[s.target]) for s in final_stances)),
        )
        for kinds, before, after in changes:
            thing = before or after
            name = thing.target if isinstance(thing, Stance) else thing.id
            name = name if before else own[name]
            total += 1
            right += truth.get(f"stance {name}" if isinstance(thing, Stance) else name) == kinds[0]
    assert total > 3000
    assert right / total >= 0.999, f"{right} of {total}"


def test_of_two_that_changed_places_neither_takes_the_others_correction(document):
    """One suggestion is retyped, and another was cut down from the very words that it now has."""
    wide, narrow = mention(document, "army said", "ORG", "1"), mention(document, "The army said", "GPE", "2")
    left = annotations(
        document,
        replace(wide, span=mention(document, "army", "ORG", "x").span, id="a"),
        replace(wide, label="GPE", id="b"),
    )
    pairs = {(kinds, before.id, after.id) for kinds, before, after in align(annotations(document, wide, narrow), left)}
    assert pairs == {(("resized",), "1", "a"), (("resized",), "2", "b")}


def test_a_new_holder_is_found_by_what_the_stance_says(document):
    army, rebels, qasr = (mention(document, words, "ORG", words) for words in ("army", "rebels", "Qasr"))
    denied, hold = mention(document, "denied", "ORG", "x").span, mention(document, "hold", "ORG", "x").span
    said = (Stance("army", OUTLET, "-1", MODEL, (denied,)), Stance("army", "rebels", "+1", MODEL, (hold,)))
    left = (Stance("army", UNNAMED, "+1", PERSON, (hold,)), Stance("army", "Qasr", "-1", PERSON, (denied,)))
    changes = align(
        annotations(document, army, rebels, qasr, stances=said), annotations(document, army, rebels, qasr, stances=left)
    )
    found = {(before.holder, after.holder) for _, before, after in changes if isinstance(before, Stance)}
    assert found == {(OUTLET, "Qasr"), ("rebels", UNNAMED)}
