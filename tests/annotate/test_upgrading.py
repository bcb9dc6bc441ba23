from __future__ import annotations

import copy
import json
import random
import shutil

import pytest
from killable import run_until_killed

from copydesk.annotate import decode, edits, finished, ledger, pull, push, upgrade_project, upgrade_projects
from copydesk.corpus import Desk, documents
from copydesk.schemas import (
    UNNAMED,
    Annotations,
    Entity,
    Migration,
    Origin,
    SchemeError,
    Span,
    StudioError,
    Suggestion,
    load_scheme,
)

KILLS = 8
PERSON = Origin("person", "ana@copydesk.local")
OLD = load_scheme()
SWAPS = {"ARMED_ACTOR": "ARMED_GROUP", "actor_class": "group_class", "TIME": "WHEN"}
FILE = """
from = "conflict-news 1.0.0"
to = "conflict-news 1.1.0"
[labels]
ARMED_ACTOR = "ARMED_GROUP"
TIME = "WHEN"
[attributes]
actor_class = "group_class"
"""


def new_scheme(desk, version="1.1.0", **swaps):
    """Give a desk the shipped scheme as another version, with names swapped; return the desk, opened anew."""
    text = OLD.model_dump_json().replace('"version":"1.0.0"', f'"version":"{version}"')
    for old, new in swaps.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    (desk.path / "scheme.toml").write_text(toml(json.loads(text)))
    settings = desk.path / "copydesk.toml"
    settings.write_text(settings.read_text().replace('scheme = "conflict-news-1.0"', 'scheme = "scheme.toml"', 1))
    return Desk(desk.path)


def toml(raw):
    """Write plain data as TOML; a JSON string, list or number is TOML already, an inline table has = for :."""

    def value(item):
        if isinstance(item, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {value(v)}" for k, v in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(map(value, item)) + "]"
        return json.dumps(item)

    return "\n".join(f"{key} = {value(item)}" for key, item in raw.items())


@pytest.fixture
def migration(tmp_path):
    path = tmp_path / "migration.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def worked(fake_studio, make_desk):
    """A desk whose tasks are annotated in the old words: one as suggested, one skipped, one with a draft."""
    desk = make_desk()
    push(desk)
    first, second, third, _ = fake_studio.tasks
    rows = [
        dict(row, value=dict(row["value"])) if "value" in row else dict(row)
        for p in fake_studio.predictions.values() if p["task"] == first for row in p["result"]
    ]  # fmt: skip
    region = next(row for row in rows if row.get("value", {}).get("labels") == ["ARMED_ACTOR"])
    answer = {"choices": ["state_military"], "start": region["value"]["start"], "end": region["value"]["end"]}
    rows.append({
        "id": region["id"], "from_name": "actor_class", "to_name": "text", "type": "choices", "value": answer,
    })  # fmt: skip
    fake_studio.annotate(first, rows)
    region = json.loads(json.dumps(region))
    fake_studio.annotate(second, [region], was_cancelled=True, email="bo@copydesk.local")
    fake_studio.tasks[third]["drafts"] = [{"id": 900, "result": [json.loads(json.dumps(region))], "user": "bo"}]
    fake_studio.calls.clear()
    return desk


@pytest.mark.slow
def test_killed_at_any_moment_the_next_run_completes(fake_studio, worked, migration, module):
    """An upgrade ended by SIGKILL anywhere: what people did is in the ledger, and the next one ends as if nothing was."""
    desk = new_scheme(worked, **SWAPS)
    module("history").keep_migration(desk, migration)
    kept = ("projects", "tasks", "predictions", "annotations")
    before = {name: copy.deepcopy(getattr(fake_studio, name)) for name in kept}
    done = shutil.copytree(desk.path, desk.path.parent / "whole")
    calls = run_until_killed(done, "upgrading", "upgrade_project")
    wanted = [item.annotations for item in finished(Desk(done))]
    assert wanted
    whole = {name: copy.deepcopy(getattr(fake_studio, name)) for name in kept}
    draw, killed = random.Random(6), 0
    for number in range(KILLS):
        for name, things in before.items():
            setattr(fake_studio, name, copy.deepcopy(things))
        again = Desk(shutil.copytree(desk.path, desk.path.parent / f"again-{number}"))
        moment = draw.randrange(calls * number // KILLS, calls * (number + 1) // KILLS)
        killed += run_until_killed(again.path, "upgrading", "upgrade_project", moment=moment) is None
        upgrade_project(again)
        assert not words(fake_studio) & {*SWAPS}
        for name, things in whole.items():
            assert moved(getattr(fake_studio, name)) == moved(things)
        assert [item.annotations for item in finished(again)] == wanted
        assert "conflict-news 1.0.0" in {entry.scheme for entry in ledger(again)}
    repeated = upgrade_project(again)
    assert (repeated.before, repeated.tasks, repeated.annotations, repeated.config) == ((), 0, 0, ())
    assert killed >= KILLS - 1  # the process that measured how long it is and those that die differ by a little


def moved(things):
    """Return what an upgrade changes in projects, tasks, annotations or predictions."""
    parts = ("result", "data", "drafts", "label_config", "description")
    return {number: [thing.get(part) for part in parts] for number, thing in things.items()}


def words(fake):
    """Return every label and every asked name on the server."""
    things = [*fake.annotations.values(), *fake.predictions.values()]
    things += [draft for task in fake.tasks.values() for draft in task.get("drafts", ())]
    found = set()
    for thing in things:
        for row in thing["result"]:
            found |= {row.get("from_name", ""), *row.get("value", {}).get("labels", ())}
    return found


def test_everything_is_moved_and_a_second_time_changes_nothing(fake_studio, worked, migration):
    desk = new_scheme(worked, **SWAPS)
    looked = upgrade_project(desk, migration=migration, dry_run=True)
    assert (looked.tasks, looked.annotations, looked.drafts, looked.decisions) == (4, 2, 1, ())
    assert any("Label ARMED_GROUP of entities is missing" in line for line in looked.config)
    assert "ARMED_ACTOR" in words(fake_studio)
    assert not [c for c in fake_studio.calls if c[0] == "PATCH"]
    done = upgrade_project(desk, migration=migration)
    assert (done.before, done.after) == (("conflict-news 1.0.0",), "conflict-news 1.1.0")
    assert (done.tasks, done.annotations, done.drafts) == (4, 2, 1)
    assert done.predictions >= 3
    assert not words(fake_studio) & {*SWAPS}
    assert words(fake_studio) >= {"ARMED_GROUP", "group_class"}
    assert {task["data"]["scheme"] for task in fake_studio.tasks.values()} == {"conflict-news 1.1.0"}
    again = upgrade_project(desk)
    assert (again.before, again.tasks, again.annotations, again.predictions, again.config) == ((), 0, 0, 0, ())
    # and a push finds every task where it is
    pushed = push(desk)
    assert (pushed.created, pushed.already, pushed.doubles_left) == (0, 4, ())


def test_the_ledger_has_both_and_reads_both(fake_studio, worked, migration):
    before = [item.annotations for item in _pulled(worked)]
    desk = new_scheme(worked, **SWAPS)
    upgrade_project(desk, migration=migration)
    after = [item.annotations for item in finished(desk)]
    assert [[(e.id, e.span, SWAPS.get(e.label, e.label)) for e in a.entities] for a in before] == [
        [(e.id, e.span, e.label) for e in a.entities] for a in after
    ]
    assert [e.attributes for a in after for e in a.entities if e.attributes] == [{"group_class": "state_military"}]
    pull(desk)
    assert {entry.scheme for entry in ledger(desk)} == {"conflict-news 1.0.0", "conflict-news 1.1.0"}
    assert [item.annotations for item in finished(desk)] == after
    kinds = {edit.kind for edit in edits(desk)}
    assert kinds == {"accepted", "reattributed"}  # the suggestions are read in the new words too


def test_moving_an_answer_makes_it_no_newer_than_that_of_another_project(fake_studio, worked, migration):
    """Of what was asked in two projects the newer answer stands, also when the older one was moved last."""
    first = next(iter(fake_studio.tasks.values()))
    push(worked, layers=["entities"])
    other = next(
        task for task in fake_studio.tasks.values()
        if task["data"]["document_id"] == first["data"]["document_id"] and task["project"] != first["project"]
    )  # fmt: skip
    fake_studio.annotate(other["id"], [], updated_at="2026-01-03T00:00:00.000000Z")
    (before,) = [item.annotations for item in _pulled(worked)]
    assert before.entities == ()
    desk = new_scheme(worked, **SWAPS)
    upgrade_project(desk, migration=migration)
    for _ in range(2):
        pull(desk)
        assert [item.annotations.entities for item in finished(desk)] == [()]
    entries = [entry for entry in ledger(desk) if entry.task_id == first["id"]]
    assert len(entries) == 2
    assert entries[0].answered == entries[1].answered < entries[1].updated_at
    # and moved once more, it is still as old as it was
    (desk.path / "scheme.toml").write_text((desk.path / "scheme.toml").read_text().replace('"1.1.0"', '"1.2.0"', 1))
    (migration.parent / "next.toml").write_text(
        'from = "conflict-news 1.1.0"\nto = "conflict-news 1.2.0"\n[labels]\nARMED_GROUP = "ARMED_ACTOR"\n'
    )
    text = (desk.path / "scheme.toml").read_text().replace('"ARMED_GROUP"', '"ARMED_ACTOR"')
    (desk.path / "scheme.toml").write_text(text)
    upgrade_project(Desk(desk.path), migration=migration.parent / "next.toml")
    pull(Desk(desk.path))
    entries = [entry for entry in ledger(desk) if entry.task_id == first["id"]]
    assert len(entries) == 3
    assert {entry.answered for entry in entries} == {entries[0].updated_at}


def test_all_projects_are_looked_at_before_the_first_is_moved(fake_studio, worked, migration):
    push(worked, layers=["entities"])
    desk = new_scheme(worked, **SWAPS)
    undecided = upgrade_projects(desk)
    assert len(undecided) == 2
    assert any(one.decisions for one in undecided)
    assert "ARMED_ACTOR" in words(fake_studio)
    looked = upgrade_projects(desk, migration=migration, dry_run=True)
    assert [one.tasks for one in looked] == [4, 4]
    assert "ARMED_ACTOR" in words(fake_studio)
    done = upgrade_projects(desk, migration=migration)
    assert [one.tasks for one in done] == [4, 4]
    assert not words(fake_studio) & {*SWAPS}
    assert [one.tasks for one in upgrade_projects(desk)] == [0, 0]


def _pulled(desk):
    pull(desk)
    return finished(desk)


def test_what_nobody_decided_stops_it_before_anything_is_written(fake_studio, worked, tmp_path):
    desk = new_scheme(worked, **SWAPS)
    half = tmp_path / "half.toml"
    half.write_text(FILE.replace('ARMED_ACTOR = "ARMED_GROUP"\n', ""))
    looked = upgrade_project(desk, migration=half, dry_run=True)
    assert [d.name for d in looked.decisions] == ["label ARMED_ACTOR"]
    assert looked.decisions[0].why == "conflict-news 1.1.0 has no label 'ARMED_ACTOR'"
    assert len(looked.decisions[0].documents) >= 2
    with pytest.raises(StudioError, match=r"label ARMED_ACTOR: .* used [0-9]+ times, in "):
        upgrade_project(desk, migration=half)
    assert not [c for c in fake_studio.calls if c[0] == "PATCH"]
    # nothing that is never used needs a decision
    assert all("NAMED_EVENT" not in d.name for d in looked.decisions)


def test_a_decision_to_drop_takes_along_what_hangs_on_it(fake_studio, worked, tmp_path):
    desk = new_scheme(worked, **SWAPS)
    path = tmp_path / "drop.toml"
    path.write_text(
        'drop = ["label ARMED_ACTOR", "attribute actor_class"]\n'
        + FILE.replace('ARMED_ACTOR = "ARMED_GROUP"\n', "").replace('actor_class = "group_class"', "")
    )
    done = upgrade_project(desk, migration=path)
    assert done.rows_dropped > 0
    for thing in [*fake_studio.annotations.values(), *fake_studio.predictions.values()]:
        regions = {row["id"] for row in thing["result"] if row["type"] == "labels"}
        for row in thing["result"]:
            ends = (row["from_id"], row["to_id"]) if row["type"] == "relation" else (row["id"],)
            assert set(ends) <= regions
    # the ledger has them all the same
    assert any("ARMED_ACTOR" in entry.raw for entry in ledger(desk))


@pytest.mark.parametrize("seed", range(8))
def test_killed_anywhere_the_next_run_goes_on(fake_studio, worked, migration, seed):
    desk = new_scheme(worked, **SWAPS)
    moment = random.Random(seed).randint(1, 9)
    real, left = fake_studio.answer, [moment]

    def dying(method, *request):
        if method == "PATCH":
            left[0] -= 1
            if left[0] == 0:
                raise ConnectionAbortedError
        return real(method, *request)

    fake_studio.answer = dying
    with pytest.raises(StudioError):
        upgrade_project(desk, migration=migration)
    fake_studio.answer = real
    upgrade_project(desk, migration=migration)
    assert not words(fake_studio) & {*SWAPS}
    assert len({task["data"]["copydesk_key"] for task in fake_studio.tasks.values()}) == 4
    assert push(desk).created == 0


def test_an_editor_left_open_still_writes_old_words(fake_studio, worked, migration):
    desk = new_scheme(worked, **SWAPS)
    upgrade_project(desk, migration=migration)
    late = {
        "id": "late", "from_name": "entities", "to_name": "text", "type": "labels",
        "value": {"start": 0, "end": 6, "text": "x", "labels": ["ARMED_ACTOR"]},
    }  # fmt: skip
    fake_studio.annotate(list(fake_studio.tasks)[3], [late], email="late@copydesk.local")
    pull(desk)
    said = next(item for item in finished(desk) if item.annotator == "late@copydesk.local")
    assert [entity.label for entity in said.annotations.entities] == ["ARMED_GROUP"]
    assert upgrade_project(desk).annotations == 1
    assert "ARMED_ACTOR" not in words(fake_studio)


def test_a_push_with_another_version_says_what_to_do(fake_studio, worked):
    desk = new_scheme(worked, **SWAPS)
    with pytest.raises(StudioError, match=r"was made with the scheme conflict-news 1\.0\.0; the desk's is") as error:
        push(desk, reset_config=True)
    assert "copydesk project --upgrade --dry-run" in str(error.value)


def test_a_version_without_a_file_changes_no_names(fake_studio, worked):
    desk = new_scheme(worked)
    done = upgrade_project(desk)
    assert (done.tasks, done.annotations, done.predictions) == (4, 0, 0)
    assert push(desk).created == 0


def test_another_migration_between_the_same_versions_is_refused(fake_studio, worked, migration, tmp_path):
    desk = new_scheme(worked, **SWAPS)
    upgrade_project(desk, migration=migration)
    other = tmp_path / "other.toml"
    other.write_text(FILE.replace('TIME = "WHEN"', ""))
    with pytest.raises(SchemeError, match=r"the desk has another migration from conflict-news 1\.0\.0"):
        upgrade_project(desk, migration=other)


def test_an_old_scheme_that_the_desk_does_not_have(fake_studio, worked, migration):
    desk = new_scheme(worked, **SWAPS)
    for path in (desk.path / "schemes").glob("*.json"):
        path.unlink()
    for task in fake_studio.tasks.values():
        task["data"]["scheme"] = "other-news 0.3.0"
    with pytest.raises(StudioError, match=r"tasks were made with other-news 0\.3\.0"):
        upgrade_project(desk, dry_run=True)


def test_a_renamed_layer(fake_studio, worked, tmp_path):
    settings = worked.path / "copydesk.toml"
    text = OLD.model_dump_json().replace('"1.0.0"', '"1.1.0"').replace('"id":"entities"', '"id":"mentions"')
    text = text.replace('"layer":"entities"', '"layer":"mentions"')
    (worked.path / "scheme.toml").write_text(toml(json.loads(text)))
    said = settings.read_text().replace('scheme = "conflict-news-1.0"', 'scheme = "scheme.toml"', 1)
    studio = said.index("[studio]")
    settings.write_text(said[:studio] + said[studio:].replace('["entities", ', '["mentions", ', 1))
    path = tmp_path / "layer.toml"
    path.write_text('from = "conflict-news 1.0.0"\nto = "conflict-news 1.1.0"\n[layers]\nentities = "mentions"\n')
    desk = Desk(worked.path)
    done = upgrade_project(desk, migration=path)
    assert done.tasks == 4
    assert "entities" not in words(fake_studio)
    assert "mentions" in words(fake_studio)
    assert push(desk).created == 0
    assert len(fake_studio.projects) == 1


def test_what_was_saved_since_the_pull_is_not_written_over(fake_studio, worked, migration):
    desk = new_scheme(worked, **SWAPS)
    real, first = fake_studio.answer, next(iter(fake_studio.annotations))

    def saving(method, path, *request):
        status, answer = real(method, path, *request)
        if (method, path) == ("GET", f"/api/annotations/{first}/") and isinstance(answer, dict):
            # somebody moved a boundary after our export
            fake_studio.answer = real
            answer["result"][0]["value"]["end"] += 1
            fake_studio.annotations[first]["updated_at"] = "2026-03-01T00:00:00.000000Z"
        return status, answer

    fake_studio.answer = saving
    with pytest.raises(StudioError, match=f"somebody saved annotation {first} since it was pulled"):
        upgrade_project(desk, migration=migration)
    upgrade_project(desk, migration=migration)
    assert not words(fake_studio) & {*SWAPS}
    pulled = [json.loads(e.raw)["result"][0]["value"]["end"] for e in ledger(desk) if json.loads(e.raw)["id"] == first]
    assert pulled[1] == pulled[0] + 1


def test_what_somebody_begins_between_the_pull_and_the_move_is_not_written_over(fake_studio, worked, migration):
    desk = new_scheme(worked, **SWAPS)
    real = fake_studio.answer

    def saving(method, path, *request):
        status, answer = real(method, path, *request)
        if (method, path) == ("GET", "/api/drafts/900/"):
            fake_studio.answer = real
            answer["result"][0]["value"]["end"] += 1
        return status, answer

    fake_studio.answer = saving
    with pytest.raises(StudioError, match="somebody saved draft 900 since it was pulled"):
        upgrade_project(desk, migration=migration)
    upgrade_project(desk)
    assert not words(fake_studio) & {*SWAPS}


def test_rows_taken_from_a_begun_draft_are_in_the_ledger(fake_studio, worked, tmp_path):
    desk = new_scheme(worked, **SWAPS)
    path = tmp_path / "drop.toml"
    path.write_text('drop = ["label ARMED_ACTOR"]\n' + FILE.replace('ARMED_ACTOR = "ARMED_GROUP"\n', ""))
    (draft,) = [draft for task in fake_studio.tasks.values() for draft in task.get("drafts", ())]
    before = copy.deepcopy(draft["result"])
    assert upgrade_project(desk, migration=path).drafts == 1
    assert draft["result"] == []
    assert [json.loads(entry.raw)["result"] for entry in ledger(desk) if entry.state == "draft"] == [before]
    assert [item.annotator for item in finished(desk)] == ["ana@copydesk.local"]  # what is begun is not finished


def test_what_a_second_migration_drops_goes_from_rows_in_the_first_versions_words(
    fake_studio, worked, tmp_path, module
):
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text(FILE)
    two.write_text(
        'from = "conflict-news 1.1.0"\nto = "conflict-news 1.2.0"\ndrop = ["label WHEN", "attribute group_class"]\n'
    )
    between = new_scheme(worked, **SWAPS)
    module("history").keep_migration(between, one)
    module("history").keep_scheme(between, between.scheme())
    raw = json.loads(between.scheme().model_dump_json().replace('"1.1.0"', '"1.2.0"'))
    raw["labels"] = [label for label in raw["labels"] if label["id"] != "WHEN"]
    raw["attributes"] = [a for a in raw["attributes"] if a["id"] != "group_class" and "WHEN" not in a["labels"]]
    (worked.path / "scheme.toml").write_text(toml(raw))
    desk = Desk(worked.path)
    assert {"ARMED_ACTOR", "TIME", "actor_class"} <= words(fake_studio)
    done = upgrade_project(desk, migration=two)
    assert done.rows_dropped > 0
    assert "ARMED_GROUP" in words(fake_studio)
    assert not words(fake_studio) & {*SWAPS, "WHEN", "group_class"}
    again = upgrade_project(desk)
    assert (again.tasks, again.annotations, again.predictions) == (0, 0, 0)


FOREIGN = [None, 7, "abc", "a/b/c", ["x"], {"a": 1}]


@pytest.mark.parametrize("key", FOREIGN, ids=map(repr, FOREIGN))
def test_a_strangers_task_with_a_field_of_our_name_is_left_alone(fake_studio, make_desk, migration, module, key):
    desk = make_desk()
    project = push(desk).project_id
    data = {"text": "x", "copydesk_key": key, "document_id": "d"}
    fake_studio.tasks[999] = {"id": 999, "project": project, "data": dict(data)}
    fake_studio.tasks[998] = {"id": 998, "project": project, "data": {"text": "x", "copydesk_key": "a/b/c/d"}}
    desk = new_scheme(desk, **SWAPS)
    assert not module("upgrading")._is_ours(data)
    assert upgrade_project(desk, migration=migration, dry_run=True).tasks == 4


def begun_stances(fake, desk, chosen="ARMED_ACTOR"):
    """Push the stance pass and let a person choose, where it is offered, a holder with this label."""
    push(desk, layers=["stance"])
    for number, task in list(fake.tasks.items()):
        alias = next((h["alias"] for h in task["data"]["holders"] if h["alias"].endswith(f" {chosen}")), None)
        if alias is None:
            continue
        rows = [
            json.loads(json.dumps(r)) for p in fake.predictions.values() if p["task"] == number for r in p["result"]
        ]
        rows = [row for row in rows if row.get("from_name") not in ("polarity", "holder", "role")]
        for name, answer in (("polarity", "-2"), ("holder", alias)):
            rows.append({
                "id": f"x{name}", "from_name": name, "to_name": "text", "type": "choices", "value": {"choices": [answer]},
            })  # fmt: skip
        fake.annotate(number, rows)


def held(desk):
    """Return label of the holder, or who else it is, and polarity of every finished stance."""
    found = []
    for item in finished(desk):
        labels = {entity.id: entity.label for entity in item.annotations.entities}
        found += [(labels.get(s.holder, s.holder), s.polarity) for s in item.annotations.stances]
    return sorted(found)


def test_a_stance_keeps_its_holder_when_the_holders_label_is_renamed(fake_studio, make_desk, migration, module):
    desk = make_desk()
    begun_stances(fake_studio, desk)
    pull(desk)
    before = held(desk)
    assert before
    assert {holder for holder, _ in before} == {"ARMED_ACTOR"}
    after = [("ARMED_GROUP", polarity) for _, polarity in before]
    desk = new_scheme(desk, **SWAPS)
    module("history").keep_migration(desk, migration)
    assert held(desk) == after  # the ledger's old words, read in the new ones
    upgrade_project(desk, layers=["stance"])
    assert held(desk) == after
    pull(desk)
    assert held(desk) == after
    offered = [holder["alias"] for task in fake_studio.tasks.values() for holder in task["data"]["holders"]]
    assert any(alias.endswith(" ARMED_GROUP") for alias in offered)
    assert not any(alias.endswith(tuple(SWAPS)) for alias in offered)
    again = upgrade_project(desk, layers=["stance"])
    assert (again.tasks, again.annotations, again.predictions) == (0, 0, 0)
    assert push(desk, layers=["stance"]).created == 0


def test_a_holder_whose_label_is_taken_away_is_an_unnamed_one_and_needs_a_decision(fake_studio, make_desk, tmp_path):
    desk = make_desk()
    begun_stances(fake_studio, desk)
    desk = new_scheme(desk, **SWAPS)
    kept = tmp_path / "kept.toml"
    kept.write_text(FILE.replace('ARMED_ACTOR = "ARMED_GROUP"\n', ""))
    (open_label,) = upgrade_project(desk, layers=["stance"], migration=kept, dry_run=True).decisions
    assert open_label.name == "label ARMED_ACTOR"
    kept.write_text('drop = ["label ARMED_ACTOR"]\n' + kept.read_text())
    upgrade_project(desk, layers=["stance"], migration=kept)
    pull(desk)
    assert held(desk)
    assert {holder for holder, _ in held(desk)} == {UNNAMED}
    assert not any(h["alias"].endswith("ARMED_ACTOR") for t in fake_studio.tasks.values() for h in t["data"]["holders"])


@pytest.mark.parametrize(("answered", "holder"), [((), UNNAMED), (("OUTLET",), "OUTLET")])
@pytest.mark.parametrize("drop", ["label PERSON", "relation holder"])
def test_a_stance_on_one_page_never_becomes_the_outlets_when_its_holder_goes(
    new_document, module, drop, answered, holder
):
    document = new_document("Mayor Orlo blamed the rebels and praised the army.")
    rows = [
        _row("orlo", "entities", "labels", (6, 10), "PERSON"),
        _row("rebels", "entities", "labels", (22, 28), "ARMED_ACTOR"),
        _row("army", "entities", "labels", (45, 49), "ARMED_ACTOR"),
        {**_row("rebels", "polarity", "choices", (22, 28), "-2"), "score": 0.5},
        _row("army", "polarity", "choices", (45, 49), "+1"),
        {"type": "relation", "from_id": "orlo", "to_id": "rebels", "direction": "right", "labels": ["holder"]},
        *(_row("rebels", "holder", "choices", (22, 28), who) for who in answered),
    ]
    said = Migration.model_validate({"from": "conflict-news 1.0.0", "to": "conflict-news 1.1.0", "drop": [drop]})
    moved = module("history").migrated(rows, said, OLD)
    assert module("history").migrated(moved, said, OLD) == moved
    decoded = decode({"data": {"sha256": document.sha256}}, {"result": moved}, OLD, document, origin=PERSON)
    assert {stance.target: stance.holder for stance in decoded.annotations.stances} == {
        "army": "OUTLET",
        "rebels": holder,
    }
    assert [row for row in moved if row.get("from_name") == "holder" and "score" in row] == []


def _row(region, name, kind, place, said):
    value = {"start": place[0], "end": place[1], "text": "never trusted", kind: [said]}
    return {"id": region, "from_name": name, "to_name": "text", "type": kind, "value": value}


def test_two_mentions_of_one_span_keep_their_keys_when_the_order_of_their_labels_changes(
    fake_studio, make_desk, tmp_path
):
    desk = make_desk(articles=("One\n\nThe army said no.",))
    document, pipeline = next(documents(desk)), Origin("model", "list", "1")
    place = Span.of(document, at := document.text.index("army"), at + 4)

    def suggest(*labels):
        entities = tuple(Entity(label, place, label, pipeline) for label in labels)
        said = Suggestion(Annotations(document.id, document.sha256, entities), pipeline, (), 0.5)
        desk.write(Suggestion, "suggestions/list@1", "all", [said])

    suggest("ARMED_ACTOR", "ORG")
    push(desk, layers=["stance"])
    path = tmp_path / "renamed.toml"
    path.write_text('from = "conflict-news 1.0.0"\nto = "conflict-news 1.1.0"\n[labels]\nARMED_ACTOR = "WAR_GROUP"\n')
    desk = new_scheme(desk, ARMED_ACTOR="WAR_GROUP")
    assert upgrade_project(desk, layers=["stance"], migration=path).tasks == 2
    keys = fake_studio.keys()
    ends = {key.rpartition("/")[2] for key in keys}
    assert ends == {f"{at}-{at + 4}-WAR_GROUP", f"{at}-{at + 4}-ORG"}
    assert {task["data"]["focus"] for task in fake_studio.tasks.values()} == ends
    suggest("WAR_GROUP", "ORG")
    assert push(desk, layers=["stance"]).created == 0
