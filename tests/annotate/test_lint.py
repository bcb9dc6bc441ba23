"""lint: what needs more than one document to be seen, or somebody's way of working."""

from __future__ import annotations

import importlib

import pytest
from conftest import make_document
from hands import Hands

from copydesk.annotate import LINTS, lint, lint_message
from copydesk.schemas import Annotations, Entity, Origin, Span

linting = importlib.import_module("copydesk.annotate.lint")
PERSON = Origin("person", "x")
TEXT = "Qasr fell. The army left Qasr, Qasr's port and Qasrine on 12 May. 12 people died."


def work(*marks, text=TEXT, seconds=60.0, usual=()):
    document = make_document(text)
    entities = []
    for number, (words, nth, label) in enumerate(marks):
        start = -1
        for _ in range(nth + 1):
            start = text.index(words, start + 1)
        entities.append(Entity(f"e{number}", Span.of(document, start, start + len(words)), label, PERSON))
    said = Annotations(document.id, document.sha256, tuple(entities))
    return linting.Work(document, said, seconds, "", dict(usual))


def test_the_same_words_with_other_labels_in_one_document():
    found = list(linting.other_label_here(work(("Qasr", 0, "GPE"), ("Qasr", 1, "GPE"), ("Qasr", 2, "LOCATION"))))
    assert found == [("entity e2", "'Qasr': GPE 2×, LOCATION 1×")]
    stacked = work(("Qasr", 0, "GPE"), ("Qasr", 0, "LOCATION"))
    assert not list(linting.other_label_here(stacked)), "two labels on one place are another check's"


def test_the_same_words_with_another_label_elsewhere():
    usual = {"Qasr": ("GPE", 7)}
    found = list(linting.other_label_elsewhere(work(("Qasr", 0, "LOCATION"), usual=usual)))
    assert found == [("entity e0", "'Qasr' as LOCATION; GPE in 7 documents")]
    assert not list(linting.other_label_elsewhere(work(("Qasr", 0, "GPE"), usual=usual)))


def test_mentions_that_were_missed():
    found = list(linting.missed(work(("Qasr", 0, "GPE"), ("12 May", 0, "TIME"))))
    assert [detail for _, detail in found] == [
        "'Qasr' at 25 is not marked; GPE at 0",
        "'Qasr' at 31 is not marked; GPE at 0",
    ], "not inside Qasrine; numbers are no names"
    inside = work(("Qasr", 0, "GPE"), ("Qasr", 1, "GPE"), ("Qasr's port", 0, "FACILITY"))
    assert not list(linting.missed(inside)), "what lies in another mention is marked"


@pytest.mark.parametrize(
    ("seconds", "marks", "number"), [(0.5, (), 1), (60, (), 0), (None, (), 0), (0.5, (("Qasr", 0, "GPE"),), 0)]
)
def test_empty_in_no_time(seconds, marks, number):
    assert len(list(linting.empty_in_no_time(work(*marks, seconds=seconds)))) == number


def test_who_accepts_everything():
    seen = {"annotator-1": (500, 500), "annotator-2": (499, 500), "annotator-3": (20, 20)}
    assert list(linting.accepts_everything(seen)) == [("annotator-1", "500 suggestions")]


def test_lint_of_a_desk(tmp_path):
    hands = Hands(tmp_path / "desk")
    hands.finish(0, "anna@example.org", ("the por", "FACILITY"))
    hands.finish(0, "bert@example.org")
    hands.finish(1, "anna@example.org", ("Київ", "GPE"))
    found = lint(hands.desk)
    assert found.checked == 3
    assert [(one.annotator, one.code) for one in found.findings] == [("annotator-1", "W101"), ("annotator-2", "W501")]
    assert found.counts == {"W101": 1, "W501": 1}
    assert found.findings[0].message == lint_message("W101")
    assert not lint(hands.desk, select=["W6"]).findings
    with pytest.raises(ValueError, match="X9"):
        lint(hands.desk, select=["X9"])


def test_usual_labels_need_enough_documents(tmp_path):
    texts = [f"Report {number}: Qasr fell." for number in range(6)]
    hands = Hands(tmp_path / "desk", texts=texts)
    for number in range(5):
        hands.finish(number, "anna@example.org", ("Qasr", "GPE"))
    assert not lint(hands.desk, select=["W602"]).findings
    hands.finish(5, "bert@example.org", ("Qasr", "LOCATION"))
    assert not lint(hands.desk, select=["W602"]).findings, "five of six documents are not nearly all"


def test_links_lead_to_the_task(tmp_path):
    hands = Hands(tmp_path / "desk")
    hands.finish(0, "anna@example.org", server="https://labels.example.org")
    assert lint(hands.desk).findings[0].link == "https://labels.example.org/projects/1/data?task=1"


def test_work_that_somebody_else_saved_last(tmp_path):
    hands = Hands(tmp_path / "desk")
    hands.finish(0, "anna@example.org", ("Rebels", "ARMED_ACTOR"), raw={"completed_by": {"id": 3}, "updated_by": 3})
    assert not lint(hands.desk, select=["W703"]).findings
    hands.finish(
        0, "anna@example.org", ("Rebels", "ARMED_ACTOR"), raw={"completed_by": {"id": 3}, "updated_by": 1}, minute=1
    )
    (one,) = lint(hands.desk, select=["W703"]).findings
    assert one.detail == "by user 1"


def test_every_code_says_something():
    assert set(LINTS) == {"W601", "W602", "W603", "W701", "W702", "W703"}
    for code in LINTS:
        assert lint_message(code)[0].isupper()
        assert not lint_message(code).endswith(".")
