"""adjudicate, as a person sees it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "annotate"))  # for hands, people without a server

from hands import Hands
from judge import answer, decide, question

REBELS, PORT, PLACE = ("Rebels", "ARMED_ACTOR"), ("the port", "FACILITY"), ("the port", "LOCATION")


@pytest.fixture
def hands(tmp_path):
    hands = Hands(tmp_path / "desk")
    hands.finish(0, "anna@example.org", REBELS, PORT)
    hands.finish(0, "bert@example.org", REBELS, PLACE)
    return hands


def test_nothing_to_decide(copydesk, desk):
    shown = copydesk("adjudicate", "--list", "--desk", desk)
    assert (shown.status, shown.out) == (0, "0 open disagreements.\n")


def test_what_is_open_is_listed_without_a_server_and_without_names(copydesk, hands):
    shown = copydesk("adjudicate", "--list", "--desk", hands.desk.path)
    assert shown.status == 0
    assert shown.out == "1 open disagreement.\n  the port  label  annotator-1 FACILITY; annotator-2 LOCATION\n"
    (dispute,) = copydesk("adjudicate", "--list", "--json", "--desk", hands.desk.path).json["disputes"]
    assert dispute["votes"] == {"annotator-1": "FACILITY", "annotator-2": "LOCATION"}
    assert (dispute["open"], dispute["stands"]) == (True, "")


def test_sent_once_and_then_there(copydesk, hands, studio):
    shown = copydesk("adjudicate", "--desk", hands.desk.path)
    assert shown.status == 0
    assert shown.out.startswith(f"Sent 1 task to {studio.url}/projects/1/data.\n1 open disagreement.\n")
    again = copydesk("adjudicate", "--json", "--desk", hands.desk.path).json
    assert (again["created"], again["already"], again["documents"]) == (0, 1, [hands.documents[0].id])
    (listed,) = copydesk("project", "--list", "--json", "--desk", hands.desk.path).json["projects"]
    assert listed["use"] == "adjudication"


def test_what_was_decided_is_told_by_reason_and_what_is_stale(copydesk, hands):
    decide(hands, 0, "chief", REBELS, PLACE, reason="disagreement_of_judgement")
    shown = copydesk("adjudicate", "--list", "--desk", hands.desk.path)
    assert shown.out == (
        "0 open disagreements.\n2 decisions in force; articles by reason: 1 disagreement of judgement.\n"
    )
    assert "2  decisions of adjudicators" in copydesk("status", "--desk", hands.desk.path).out
    hands.finish(0, "anna@example.org", REBELS, minute=20, state="updated")
    standing = copydesk("status", "--json", "--desk", hands.desk.path).json
    assert (standing["decided"], standing["stale"]) == (2, 1)
    shown = copydesk("adjudicate", "--list", "--desk", hands.desk.path)
    assert "1 decision judged other versions than people have by now; --again asks about them again." in shown.out
    assert f"stale: {hands.documents[0].id}, FACILITY on 'the port', decided by annotator-3" in shown.err
    (stale,) = copydesk("adjudicate", "--list", "--json", "--desk", hands.desk.path).json["stale"]
    assert (stale["stands"], stale["reason"]) == (None, "disagreement_of_judgement")


def test_what_cannot_be_sent_is_a_finding(copydesk, hands, studio):
    studio.refuse_text = "Rebels"
    shown = copydesk("adjudicate", "--desk", hands.desk.path)
    assert shown.status == 1
    assert "refused by the server" in shown.err


def test_an_unknown_layer_and_a_server_that_is_not_there(copydesk, hands):
    shown = copydesk("adjudicate", "--layers", "moods", "--desk", hands.desk.path)
    assert shown.status == 2
    assert "has no layer 'moods'" in shown.err
    shown = copydesk("adjudicate", "--desk", hands.desk.path)
    assert shown.status == 4
    assert "Traceback" not in shown.err


def test_two_adjudicators_who_differ_are_told(copydesk, hands):
    task = question(hands, 0)
    answer(hands, task, 0, "chief", REBELS, PLACE)
    answer(hands, task, 0, "deputy", REBELS, PORT, minute=12)
    shown = copydesk("adjudicate", "--list", "--desk", hands.desk.path)
    assert shown.status == 0
    assert (
        "1 article decided by several adjudicators: alike on 0 of 2 items; where they differ, the newer answer stands.\n"
    ) in shown.out
    assert (
        f"adjudicators differ: {hands.documents[0].id}, FACILITY on 'the port':"
        " annotator-3 rejects it; annotator-4 keeps it"
    ) in shown.err
    told = copydesk("adjudicate", "--list", "--json", "--desk", hands.desk.path).json["second_opinions"]
    assert (told["documents"], told["items"], told["alike"], len(told["differing"])) == (1, 2, 0, 2)
    assert told["differing"][0]["said"][0] == {"adjudicator": "annotator-3", "stands": None}
    standing = copydesk("status", "--desk", hands.desk.path)
    assert "2    on which adjudicators differ" in standing.out
    assert copydesk("status", "--json", "--desk", hands.desk.path).json["contested"] == 2
