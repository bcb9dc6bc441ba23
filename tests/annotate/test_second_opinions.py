"""Two adjudicators of one article: what is compared, and which of them stands."""

from __future__ import annotations

import pytest
from hands import Hands
from judge import answer, decide, question

from copydesk.annotate import Differing, SecondOpinions, adjudication_cases, gold

REBELS, PORT, MAYOR = ("Rebels", "ARMED_ACTOR"), ("the port", "FACILITY"), ("the mayor", "PERSON")
PLACE = ("the port", "LOCATION")


@pytest.fixture
def two(tmp_path):
    """They agree on the rebels, contradict each other on the port, and only Anna has the mayor."""
    hands = Hands(tmp_path / "desk")
    hands.finish(0, "anna", REBELS, PORT, MAYOR)
    hands.finish(0, "bert", REBELS, PLACE)
    return hands


def opinions(hands):
    found = gold(hands.desk, keep=False).second_opinions
    assert found == adjudication_cases(hands.desk).second_opinions
    return found


def test_one_adjudicator_is_no_second_opinion_however_often_they_answer(two):
    assert opinions(two) == SecondOpinions()
    task = question(two, 0)
    answer(two, task, 0, "chief", REBELS, PLACE)
    answer(two, task, 0, "chief", REBELS, PORT, minute=12, key="again")
    found = opinions(two)
    assert (found.documents, found.items, found.alike, found.differing) == (0, 0, 0, ())


def test_what_both_decided_alike_and_what_not(two):
    task = question(two, 0)
    answer(two, task, 0, "chief", REBELS, PLACE, MAYOR, minute=9)
    answer(two, task, 0, "deputy", REBELS, PLACE, minute=12)
    found = opinions(two)
    assert (found.documents, found.items, found.alike) == (1, 3, 2), "the port as two items, and the mayor"
    (differing,) = found.differing
    assert isinstance(differing, Differing)
    assert (differing.item.text, differing.said) == ("the mayor", (("annotator-3", "{}"), ("annotator-4", "")))
    words = {e.span.text for e in gold(two.desk).documents[0].annotations.entities}
    assert words == {"Rebels", "the port"}, "the newer answer stands"


def test_what_one_left_to_the_rule_is_what_the_rule_says(two):
    task = question(two, 0)
    answer(two, task, 0, "chief", REBELS, PLACE, minute=9)
    answer(two, task, 0, "deputy", PLACE, minute=12)
    (differing,) = opinions(two).differing
    assert (differing.item.text, differing.said) == ("Rebels", (("annotator-3", "{}"), ("annotator-4", "")))


def test_the_order_of_the_answers_decides_who_stands_and_nothing_else(tmp_path):
    counts, stands = set(), []
    for number, (first, second) in enumerate(
        [(("chief", PLACE), ("deputy", PORT)), (("deputy", PORT), ("chief", PLACE))]
    ):
        hands = Hands(tmp_path / f"{number}")
        hands.finish(0, "anna", REBELS, PORT)
        hands.finish(0, "bert", REBELS, PLACE)
        task = question(hands, 0)
        answer(hands, task, 0, first[0], REBELS, first[1], minute=9)
        answer(hands, task, 0, second[0], REBELS, second[1], minute=12)
        found = opinions(hands)
        counts.add((found.documents, found.items, found.alike))
        stands.append({e.label for e in gold(hands.desk).documents[0].annotations.entities})
    assert counts == {(1, 2, 0)}
    assert stands == [{"ARMED_ACTOR", "FACILITY"}, {"ARMED_ACTOR", "LOCATION"}]


def test_an_answer_taken_back_is_no_opinion_and_one_of_other_versions_neither(two):
    task = question(two, 0)
    answer(two, task, 0, "chief", REBELS, PLACE, minute=9)
    answer(two, task, 0, "deputy", REBELS, PORT, minute=12)
    assert len(opinions(two).differing) == 2
    answer(two, task, 0, "deputy", minute=13, state="deleted")
    assert opinions(two) == SecondOpinions()
    two.finish(0, "anna", REBELS, PORT, minute=20, state="updated")
    decide(two, 0, "deputy", REBELS, PORT, minute=25)
    assert opinions(two) == SecondOpinions(), "she had no mayor any more: another question"


def test_other_layers_are_another_question(two):
    some, whole = question(two, 0, layers=("entities",)), question(two, 0)
    answer(two, some, 0, "chief", REBELS, PLACE, minute=9)
    answer(two, whole, 0, "deputy", REBELS, PORT, minute=12)
    assert opinions(two) == SecondOpinions()
    answer(two, some, 0, "deputy", REBELS, PORT, minute=15)
    assert (opinions(two).documents, opinions(two).items) == (1, 3)
