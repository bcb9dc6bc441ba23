"""What a migration leaves to people, where an adjudicator's project of the older scheme stands already."""

from __future__ import annotations

import pytest
from hands import Hands
from test_upgrading import new_scheme

from copydesk.annotate import (
    adjudicate,
    connect,
    decisions,
    find_projects,
    gold,
    migration_tasks,
    pull,
    upgrade_projects,
)
from copydesk.corpus import Desk
from copydesk.schemas import StudioError, config_scheme, config_use, load_scheme

OLD = load_scheme()
V1 = f"{OLD.name} {OLD.version}"
REBELS, PORT, PLACE = ("Rebels", "ARMED_ACTOR"), ("the port", "FACILITY"), ("the port", "LOCATION")
ARMY = ("army", "PLATFORM")


@pytest.fixture
def hands(tmp_path, fake_studio):
    """Two who differ about the port, which the adjudicator is asked about, and agree on a label that will be gone."""
    made = Hands(tmp_path / "desk")
    made.finish(0, "anna", REBELS, PORT, made_with=V1)
    made.finish(0, "bert", REBELS, PLACE, made_with=V1)
    for who in ("anna", "bert"):
        made.finish(1, who, ARMY, made_with=V1)
    adjudicate(made.desk)
    return made


def half(desk, tmp_path):
    """Give the desk another version without PLATFORM, and a migration that says nothing of it."""
    desk = new_scheme(desk, PLATFORM="MACHINE")
    path = tmp_path / "half.toml"
    path.write_text('from = "conflict-news 1.0.0"\nto = "conflict-news 1.1.0"\n', "utf-8")
    return desk, path


def submit(fake, task, label, words):
    """Answer a task with one mark and a reason."""
    text = fake.tasks[task]["data"]["text"]
    start = text.index(words)
    value = {"start": start, "end": start + len(words), "text": words, "labels": [label]}
    rows = [
        {"id": "n", "from_name": "entities", "to_name": "text", "type": "labels", "value": value},
        {"id": "q", "from_name": "adjudication_reason", "to_name": "text", "type": "choices",
         "value": {"choices": ["guideline_gap"]}},
    ]  # fmt: skip
    fake.annotate(task, rows, email="chief")


def test_the_tasks_get_a_project_beside_the_older_one(fake_studio, hands, tmp_path):
    (older,) = fake_studio.projects
    desk, path = half(hands.desk, tmp_path)
    with pytest.raises(StudioError, match=r"was made with the scheme conflict-news 1\.0\.0"):
        adjudicate(desk)
    before = {number: dict(task) for number, task in fake_studio.tasks.items()}
    done = migration_tasks(desk, migration=path)
    assert (done.names, done.sent.created, done.sent.failed) == (("label PLATFORM",), 1, ())
    assert done.sent.project_id != older
    beside = fake_studio.projects[done.sent.project_id]
    assert beside["title"] == "desk (adjudication-1.1.0)"
    assert config_use(beside["label_config"]) == "adjudication"
    assert config_scheme(beside["label_config"])[:2] == ("conflict-news", "1.1.0")
    assert "versions are the tabs annotator-1" in beside["expert_instruction"]
    assert {n: task for n, task in fake_studio.tasks.items() if n in before} == before, "the older one is as it was"
    again = migration_tasks(desk)
    assert (again.sent.created, again.sent.already, len(fake_studio.projects)) == (0, 1, 2)


def test_what_is_answered_there_lets_both_projects_move(fake_studio, hands, tmp_path):
    desk, path = half(hands.desk, tmp_path)
    sent = migration_tasks(desk, migration=path).sent
    (task,) = (n for n, task in fake_studio.tasks.items() if task["project"] == sent.project_id)
    submit(fake_studio, task, "MACHINE", "army")
    pull(desk)
    assert [(row.text, row.name, row.reason) for row in decisions(desk)] == [("army", "MACHINE", "guideline_gap")]
    assert migration_tasks(desk).sent is None
    (kept,) = (desk.path / "schemes").glob("*-to-*.toml")
    kept.write_text(f'drop = ["label PLATFORM"]\n{kept.read_text("utf-8")}', "utf-8")
    desk = Desk(desk.path)
    moved = upgrade_projects(desk)
    assert (len(moved), [one.decisions for one in moved]) == (2, [(), ()])
    assert adjudicate(desk).already == 1, "and the older one goes on where it was"
    uses = {project.use for project in find_projects(connect(desk), desk)}
    assert uses == {"adjudication", "adjudication-1.1.0"}
    words = {(e.span.text, e.label) for d in gold(desk, keep=False).documents for e in d.annotations.entities}
    assert ("army", "MACHINE") in words
