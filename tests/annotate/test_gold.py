from __future__ import annotations

import dataclasses

import pyarrow.parquet as pq
import pytest
from hands import Hands

from copydesk.annotate import GOLD, gold, pseudonyms
from copydesk.corpus import Desk
from copydesk.schemas import (
    Origin,
    Suggestion,
)


@pytest.fixture
def hands(tmp_path):
    return Hands(tmp_path / "desk")


PORT = ("the port", "FACILITY")
REBELS = ("Rebels", "ARMED_ACTOR")


def test_an_untouched_desk_has_no_gold(hands):
    result = gold(hands.desk)
    assert result.documents == ()
    assert result.disagreements == ()
    assert not hands.desk.parts("gold")


def test_one_annotator_s_version_is_gold_under_a_pseudonym(hands):
    hands.finish(0, "anna@example.org", REBELS, stance="-1")
    (only,) = gold(hands.desk).documents
    assert (only.origin, only.annotators) == ("gold", ("annotator-1",))
    assert only.annotations.entities[0].origin == Origin("person", "annotator-1")
    assert only.annotations.stances[0].target == only.annotations.entities[0].id
    assert "anna" not in repr(only)


def test_the_newest_version_of_each_annotator_counts(hands):
    hands.finish(0, "anna", REBELS)
    hands.finish(0, "anna", PORT, minute=5, state="updated")
    (only,) = gold(hands.desk).documents
    assert [entity.span.text for entity in only.annotations.entities] == ["the port"]


def test_two_annotators_agree_or_it_stays_open(hands):
    hands.finish(0, "anna", REBELS, PORT)
    hands.finish(0, "bert", REBELS)
    result = gold(hands.desk)
    (only,) = result.documents
    assert [entity.span.text for entity in only.annotations.entities] == ["Rebels"]
    assert only.annotators == ("annotator-1", "annotator-2")
    assert [(d.text, d.open) for d in result.open] == [("the port", True)]
    assert {version.annotator for version in result.versions[only.annotations.document_id]} == set(only.annotators)


def test_an_adjudication_stands_alone_and_settles(hands):
    hands.finish(0, "anna", REBELS)
    hands.finish(0, "bert", PORT)
    hands.finish(0, "carl", REBELS, PORT, truth=True)
    result = gold(hands.desk)
    (only,) = result.documents
    assert (only.origin, only.annotators) == ("adjudicated", ("annotator-3",))
    assert only.annotations.entities[0].origin == Origin("adjudication", "annotator-3")
    assert result.disagreements == ()


def test_of_two_adjudications_the_newer_stands(hands):
    hands.finish(0, "anna", REBELS, truth=True, minute=9)
    hands.finish(0, "bert", PORT, truth=True, minute=1)
    (only,) = gold(hands.desk).documents
    assert only.annotators == ("annotator-1",)


def test_skipped_work_is_no_gold(hands):
    hands.finish(0, "anna", REBELS)
    hands.finish(0, "anna", REBELS, minute=3, state="skipped")
    assert gold(hands.desk).documents == ()


def test_pseudonyms_follow_the_ledger_and_never_change_hands(hands):
    hands.finish(1, "zoe", ("The army", "ARMED_ACTOR"))
    hands.finish(0, "anna", REBELS)
    assert pseudonyms(hands.desk) == {"zoe": "annotator-1", "anna": "annotator-2"}
    hands.finish(0, "bert", REBELS)
    assert pseudonyms(hands.desk)["bert"] == "annotator-3"


def test_who_only_looks_writes_nothing(hands):
    hands.finish(0, "anna", REBELS)
    assert len(gold(hands.desk, keep=False).documents) == 1
    assert not hands.desk.parts("gold")
    assert "gold" not in hands.desk.state()


def test_gold_is_written_only_where_it_changed(hands):
    hands.finish(0, "anna", REBELS)
    gold(hands.desk)
    (part,) = hands.desk.parts("gold")
    table = pq.read_table(part)
    assert table.schema.names == GOLD.names
    assert table.column("origin").to_pylist() == ["gold"]
    before = part.stat().st_mtime_ns, part.read_bytes()
    gold(hands.desk)
    assert (part.stat().st_mtime_ns, part.read_bytes()) == before
    hands.finish(0, "bert", PORT)
    gold(hands.desk)
    assert part.read_bytes() != before[1]
    part.unlink()
    gold(hands.desk)
    assert part.exists()


def test_gold_that_is_gone_leaves_no_shard(hands):
    hands.finish(0, "anna", REBELS)
    gold(hands.desk)
    hands.finish(0, "anna", REBELS, minute=1, state="deleted")
    gold(hands.desk)
    assert not hands.desk.parts("gold")


def test_gold_is_a_pure_function_of_the_ledger(hands, tmp_path):
    other = Hands(tmp_path / "other")
    for one in (hands, other):
        one.finish(0, "anna", REBELS, PORT, stance="+1")
        one.finish(1, "bert", ("Київ", "LOCATION"))
    assert gold(hands.desk) == gold(other.desk)
    assert hands.desk.parts("gold")[0].read_bytes() == other.desk.parts("gold")[0].read_bytes()


def test_silver_fills_only_what_nobody_finished(hands):
    machine = Origin("model", "toy", "1")
    suggested = [
        Suggestion(dataclasses.replace(hands.say(number, label)), machine, ((0, 3),), 0.5)
        for number, label in ((0, PORT), (1, ("The army", "ARMED_ACTOR")))
    ]
    hands.desk.write(Suggestion, "suggestions/toy@1", "00000", suggested)
    hands.desk.note("pipeline", {"name": "toy", "version": "1"})
    hands.finish(0, "anna", REBELS)
    found = {document.annotations.document_id: document for document in gold(hands.desk, silver=True).documents}
    first, second = (found[document.id] for document in hands.documents)
    assert (first.origin, second.origin) == ("gold", "silver")
    assert second.annotators == ()
    assert second.annotations.entities[0].span.text == "The army"
    assert len(pq.read_table(hands.desk.parts("gold")[0])) == 1


def test_an_adjudication_decides_what_its_task_asked_for_and_no_more(hands):
    hands.finish(0, "anna", REBELS, PORT, stance="-1")
    hands.finish(0, "bert", REBELS, stance="-2")
    hands.finish(0, "chief", ("the port", "LOCATION"), REBELS, layers="entities", truth=True)
    (only,) = gold(hands.desk).documents
    assert {(e.span.text, e.label) for e in only.annotations.entities} == {
        ("Rebels", "ARMED_ACTOR"),
        ("the port", "LOCATION"),
    }
    assert not only.annotations.stances, "the two still do not agree on it"
    hands.finish(0, "bert", REBELS, stance="-1", minute=5, state="updated")
    (only,) = gold(hands.desk).documents
    assert [stance.polarity for stance in only.annotations.stances] == ["-1"], (
        "and an adjudicator of entities cannot tell"
    )
    assert only.origin == "gold"


def test_one_person_s_own_star_on_one_layer_keeps_their_other_work(hands):
    hands.finish(0, "anna", REBELS, PORT, layers="entities", truth=True)
    hands.finish(0, "anna", REBELS, layers="entities+stance", stance="-1", minute=1)
    (only,) = gold(hands.desk).documents
    assert len(only.annotations.stances) == 1


def test_who_had_another_layer_has_not_left_the_mentions_out(hands):
    settings = hands.desk.path / "copydesk.toml"
    hands.finish(0, "anna", REBELS, PORT, layers="entities")
    hands.finish(0, "bert", ("Brutal", "PEJORATIVE"), layers="wording")
    result = gold(Desk(settings.parent))
    (only,) = result.documents
    assert {e.span.text for e in only.annotations.entities} == {"Rebels", "the port", "Brutal"}
    assert result.disagreements == ()
