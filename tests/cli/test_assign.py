"""copydesk assign, and the push that follows it, against a Label Studio in memory."""

from __future__ import annotations

import shutil

import pytest

TEAM = 'annotators = ["ana@example.org", "ben@example.org", "cara@example.org"]'


@pytest.fixture
def team(sample_desk, tmp_path):
    """The sample desk, with three annotators and an overlap of two."""
    path = tmp_path / "desk"
    shutil.copytree(sample_desk, path)
    file = path / "copydesk.toml"
    text = file.read_text(encoding="utf-8")
    assert "annotators = []" in text
    text = text.replace("annotators = []", TEAM).replace("overlap = 1", "overlap = 2")
    file.write_text(text, encoding="utf-8")
    return path


def test_a_day_of_three(copydesk, team, studio):
    assert copydesk("status", "--json", "--desk", team).json["assigned"] == 0
    looked = copydesk("assign", "--limit", 6, "--dry-run", "--desk", team)
    assert "Would assign 6 articles in 12 tasks." in looked.out
    assert "Nobody is assigned anything" not in looked.out
    made = copydesk("assign", "--limit", 6, "--desk", team)
    assert made.status == 0
    assert "Assigned 6 articles in 12 tasks." in made.out
    assert "ben@example.org" in made.out
    pushed = copydesk("push", "--desk", team)
    assert pushed.status == 0
    assert pushed.out.count("Sent 4 tasks for ") == 3
    standing = copydesk("status", "--json", "--desk", team).json
    assert (standing["assigned"], standing["pushed"]) == (12, 12)
    again = copydesk("push", "--json", "--desk", team).json["queues"]
    assert [(q["annotator"], q["created"], q["already"]) for q in again] == [
        (f"{who}@example.org", 0, 4) for who in ("ana", "ben", "cara")
    ]
    assert [p["given"] for p in copydesk("assign", "--list", "--json", "--desk", team).json["people"]] == [4, 4, 4]
    listed = copydesk("project", "--list", "--json", "--desk", team).json["projects"]
    assert {project["use"] for project in listed} == {f"for:{who}@example.org" for who in ("ana", "ben", "cara")}


def test_nobody_is_named(copydesk, sample_desk):
    refused = copydesk("assign", "--desk", sample_desk)
    assert refused.status == 2
    assert "nobody is named who annotates" in refused.err
    assert "annotators = [" in refused.err
    assert "Nobody is assigned anything" in copydesk("assign", "--list", "--desk", sample_desk).out


def test_a_push_before_the_plan(copydesk, team, studio):
    refused = copydesk("push", "--desk", team)
    assert refused.status == 2
    assert "Plan it: copydesk assign" in refused.err
    assert "copydesk assign --limit" in copydesk("push", "--limit", 3, "--desk", team).err
    assert studio.projects == {}


def test_fewer_people_than_the_overlap_is_a_finding(copydesk, team):
    file = team / "copydesk.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("overlap = 2", "overlap = 5"), encoding="utf-8")
    found = copydesk("assign", "--desk", team)
    assert found.status == 1
    assert "with fewer annotators than assign.overlap" in found.err


def test_a_setting_that_makes_no_sense_is_named(copydesk, team):
    file = team / "copydesk.toml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("experts = []", 'experts = ["dan@x.org"]'), encoding="utf-8"
    )
    refused = copydesk("assign", "--desk", team)
    assert refused.status == 2
    assert "experts names dan@x.org, who is not among the annotators" in refused.err


def test_an_emptied_list_of_people_is_no_plan_until_somebody_says_so(copydesk, team, studio):
    copydesk("assign", "--limit", 6, "--desk", team)
    copydesk("push", "--desk", team)
    file = team / "copydesk.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(TEAM, "annotators = []"), encoding="utf-8")
    refused = copydesk("push", "--desk", team)
    assert refused.status == 2
    assert "assign.annotators names nobody any more, and 12 tasks are still with those it named" in refused.err
    assert len(studio.projects) == 3, "nothing was sent to anybody"
    looked = copydesk("assign", "--dry-run", "--json", "--desk", team).json
    assert (looked["withdrawn"], looked["given"], looked["short"]) == (12, 0, {})
    taken = copydesk("assign", "--desk", team)
    assert (taken.status, "12 tasks taken back" in taken.out) == (0, True)
    assert "everybody's one project" in taken.out
    pushed = copydesk("push", "--desk", team)
    assert pushed.status == 0
    assert "assign.annotators names nobody any more: this goes to everybody's one project" in pushed.err
    assert pushed.out.count("Took 4 tasks away again") == 3
    assert len(studio.projects) == 4
    again = copydesk("push", "--json", "--desk", team).json
    assert (again["created"], again["queues"], again["already"]) == (0, [], len(studio.tasks))
    assert copydesk("assign", "--json", "--desk", team).json["withdrawn"] == 0
    file.write_text(file.read_text(encoding="utf-8").replace("annotators = []", TEAM), encoding="utf-8")
    assert copydesk("assign", "--limit", 6, "--json", "--desk", team).json["given"] == 24, "six again, six new"
