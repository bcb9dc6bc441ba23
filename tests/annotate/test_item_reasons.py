"""A reason for single marks, beside the article's: which decisions it goes for."""

from __future__ import annotations

import json

import pytest
from hands import Hands
from judge import answer, question, renamed

from copydesk.annotate import adjudicate, adjudication_cases, decisions, encode, gold, pull
from copydesk.corpus import removed
from copydesk.schemas import ITEM_REASON, adjudication_config, adjudication_scheme, config_drift

REBELS, PORT, MAYOR = ("Rebels", "ARMED_ACTOR"), ("the port", "FACILITY"), ("the mayor", "PERSON")
PLACE, LONGER = ("the port", "LOCATION"), ("hit the port", "NAMED_EVENT")


@pytest.fixture
def two(tmp_path):
    hands = Hands(tmp_path / "desk")
    hands.finish(0, "anna", REBELS, PORT, MAYOR)
    hands.finish(0, "bert", REBELS, PLACE)
    return hands


def rows(hands, *labels, here=(), stance="", reason="edge_case"):
    """Return an answer's rows: these marks, the article's reason, and reasons on single marks by their words."""
    scheme = adjudication_scheme(hands.desk.scheme())
    said = hands.say(0, *labels, stance=stance)
    said = type(said)(said.document_id, said.sha256, said.entities, (), said.stances,
                      {"adjudication_reason": (reason,)})  # fmt: skip
    found = encode(hands.documents[0], said, scheme)["predictions"][0]["result"]
    for words, label, why in here:
        (own,) = (r["id"] for r in found if (r.get("value") or {}).get("labels") == [label] and
                  r["value"]["text"] == words)  # fmt: skip
        found.append(given(own, why))
    return found


def given(region, why):
    value = {"start": 0, "end": 1, "text": "", "choices": [why]}
    return {"id": region, "from_name": ITEM_REASON.id, "to_name": "text", "type": "choices", "value": value}


def decided(hands, result):
    answer(hands, question(hands, 0), 0, "chief", raw={"result": result})
    gold(hands.desk)
    return {row.name: row.reason for row in decisions(hands.desk)}


def test_the_article_s_reason_goes_for_all_that_has_none_of_its_own(two):
    assert decided(two, rows(two, REBELS, PLACE)) == {
        "FACILITY": "edge_case", "LOCATION": "edge_case", "PERSON": "edge_case",
    }  # fmt: skip


def test_a_reason_on_a_mark_goes_for_it_and_for_what_it_took_the_place_of(two):
    found = decided(two, rows(two, REBELS, PLACE, here=[("the port", "LOCATION", "guideline_gap")]))
    assert found == {"FACILITY": "guideline_gap", "LOCATION": "guideline_gap", "PERSON": "edge_case"}
    assert {row.layer for row in decisions(two.desk)} == {"entities"}
    assert adjudication_cases(two.desk).reasons == {"edge_case": 1, "guideline_gap": 1}
    (port, mayor) = sorted(gold(two.desk).disagreements, key=lambda one: one.start)
    assert (port.text, port.reason, mayor.reason) == ("the port", "guideline_gap", "edge_case")


def test_a_mark_that_overlaps_a_rejected_one_and_one_that_does_not(two):
    found = decided(two, rows(two, REBELS, LONGER, here=[("hit the port", "NAMED_EVENT", "ambiguous_text")]))
    assert found == {
        "FACILITY": "ambiguous_text", "LOCATION": "ambiguous_text", "NAMED_EVENT": "ambiguous_text",
        "PERSON": "edge_case",
    }  # fmt: skip


def test_what_stands_on_a_mark_of_its_own_takes_no_neighbour_s_reason(two):
    found = decided(two, rows(two, REBELS, LONGER, PLACE, here=[("hit the port", "NAMED_EVENT", "ambiguous_text")]))
    assert (found["LOCATION"], found["NAMED_EVENT"]) == ("edge_case", "ambiguous_text")
    assert found["FACILITY"] == "ambiguous_text", "rejected, and this is what somebody gave a reason for"


def test_a_stance_has_the_reason_of_the_mark_that_carries_it(tmp_path):
    hands = Hands(tmp_path / "desk")
    hands.finish(0, "anna", REBELS, MAYOR, stance="-2")
    hands.finish(0, "bert", REBELS, stance="-1")
    found = decided(hands, rows(hands, REBELS, MAYOR, stance="-1",
                                here=[("Rebels", "ARMED_ACTOR", "disagreement_of_judgement")]))  # fmt: skip
    assert found == {"ARMED_ACTOR by OUTLET": "disagreement_of_judgement", "PERSON": "edge_case"}


def test_a_stance_that_was_rejected_and_evidence_that_speaks_for_its_stance(tmp_path):
    hands = Hands(tmp_path / "desk")
    hands.finish(0, "anna", REBELS, stance="-2")
    hands.finish(0, "bert", REBELS)
    said = rows(hands, REBELS, here=[("Rebels", "ARMED_ACTOR", "annotator_error")])
    assert decided(hands, said) == {"ARMED_ACTOR by OUTLET": "annotator_error"}
    hands.finish(0, "bert", REBELS, stance="-1", minute=12, state="updated")
    said = rows(hands, REBELS, stance="-1", here=[("Reb", "EVIDENCE", "guideline_gap")])
    answer(hands, question(hands, 0), 0, "chief", raw={"result": said}, minute=15, state="updated")
    assert {row.name: row.reason for row in gold(hands.desk).decisions} == {"ARMED_ACTOR by OUTLET": "guideline_gap"}


@pytest.mark.parametrize(
    "broken",
    [
        {"value": {"choices": ["whim"]}},
        {"value": {"choices": ["edge_case", "guideline_gap"]}},
        {"value": {"choices": [7]}},
        {"value": None},
        {"id": "nowhere"},
    ],
)
def test_a_reason_that_is_none_is_told_and_the_article_s_stands(two, broken):
    said = rows(two, REBELS, PLACE)
    own = next(row["id"] for row in said if row["type"] == "labels" and row["value"]["text"] == "the port")
    assert set(decided(two, [*said, {**given(own, "guideline_gap"), **broken}]).values()) == {"edge_case"}
    (lost,) = (item for item in removed(two.desk) if item.stage == "adjudication")
    assert lost.reason in ("unknown question", "row that cannot be read")


def test_the_project_asks_for_it_and_brings_it_home(fake_studio, two):
    done = adjudicate(two.desk)
    config = fake_studio.projects[done.project_id]["label_config"]
    assert f'<Choices name="{ITEM_REASON.id}"' in config
    (task,) = fake_studio.tasks
    proposal = next(p for p in fake_studio.predictions.values() if p["model_version"] == "proposal")
    said = rows(two, REBELS, PLACE, here=[("the port", "LOCATION", "guideline_gap")])
    fake_studio.annotate(task, said, email="chief", prediction=proposal)
    assert (pull(two.desk).drift, len(list(decisions(two.desk)))) == ((), 3)
    assert {row.reason for row in decisions(two.desk)} == {"guideline_gap", "edge_case"}
    assert not [item for item in removed(two.desk) if item.stage == "adjudication"]


def test_a_project_of_an_older_copydesk_gets_the_question_without_a_word(fake_studio, two, module):
    done = adjudicate(two.desk)
    project = fake_studio.projects[done.project_id]
    scheme = module("shown").shown_scheme(two.desk)
    project["label_config"] = older = adjudication_config(scheme, by_mark=False)
    assert config_drift(adjudication_config(scheme), older)
    assert pull(two.desk).drift == (), "nobody changed it by hand"
    assert adjudicate(two.desk).already == 1
    assert ITEM_REASON.id in project["label_config"]


def test_reasons_move_with_the_scheme(two):
    made_with = "conflict-news 1.0.0"
    said = rows(two, REBELS, PLACE, here=[("the port", "LOCATION", "guideline_gap")])
    answer(two, question(two, 0), 0, "chief", raw={"result": said}, made_with=made_with)
    desk = renamed(two.desk, "LOCATION", "REGION")
    reasons = {row.name: row.reason for row in gold(desk).decisions}
    assert (reasons["REGION"], reasons["FACILITY"], reasons["PERSON"]) == (
        "guideline_gap", "guideline_gap", "edge_case",
    )  # fmt: skip
    assert json.loads(next(row for row in gold(desk).decisions if row.name == "REGION").votes)
