from __future__ import annotations

import json
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copydesk.annotate import edits, finished, ledger, pull, push
from copydesk.corpus import removed
from copydesk.schemas import DeskError, StudioError


@pytest.fixture
def desk(fake_studio, make_desk):
    desk = make_desk()
    push(desk)
    return desk


def result_of(fake, task):
    return [dict(row) for p in fake.predictions.values() if p["task"] == task for row in p["result"]]


def label(start, end, name="GPE"):
    return {
        "id": f"r{start}", "from_name": "entities", "to_name": "text", "type": "labels",
        "value": {"start": start, "end": end, "text": "x", "labels": [name]},
    }  # fmt: skip


def test_pulling_twice_adds_nothing(fake_studio, desk):
    for task in list(fake_studio.tasks):
        fake_studio.annotate(task, result_of(fake_studio, task))
    first = pull(desk)
    assert (first.tasks, first.added, first.already) == (4, 4, 0)
    second = pull(desk)
    assert (second.tasks, second.added, second.already) == (4, 0, 4)
    assert len(desk.parts("annotations")) == 1
    assert fake_studio.exports == {}
    assert {edit.kind for edit in edits(desk)} == {"accepted"}


def test_what_the_server_computes_anew_is_no_new_version(fake_studio, desk):
    number = fake_studio.annotate(next(iter(fake_studio.tasks)), [])
    pull(desk)
    fake_studio.annotations[number]["prediction"] = {
        **fake_studio.annotations[number]["prediction"],
        "created_ago": "1 day",
    }
    assert pull(desk).added == 0


@pytest.mark.parametrize("how", ["cut", "drop", 500])
def test_a_broken_download_writes_nothing(fake_studio, desk, how):
    fake_studio.annotate(next(iter(fake_studio.tasks)), [])
    fake_studio.fail("GET", "/download$", how, times=9, after=True)
    with pytest.raises(StudioError):
        pull(desk)
    assert list(ledger(desk)) == []
    assert fake_studio.exports == {}
    fake_studio.faults.clear()
    assert pull(desk).added == 1


def test_a_pull_puts_away_the_snapshot_of_a_killed_one(fake_studio, desk):
    (desk.path / ".pull-x").mkdir()
    (desk.path / ".pull-x" / "snapshot.json").write_text("[")
    pull(desk)
    assert not list(desk.path.glob(".pull-*"))


def test_a_damaged_export_is_noticed(fake_studio, desk):
    fake_studio.annotate(next(iter(fake_studio.tasks)), [])
    whole = fake_studio.download
    fake_studio.routes = (
        (
            "GET",
            r"/api/projects/(\d+)/exports/(\d+)/download",
            lambda *a: (200, whole(*a[1:])[1].replace(b"ana@", b"bob@")),
        ),
        *fake_studio.routes,
    )
    with pytest.raises(StudioError, match="the export arrived damaged"):
        pull(desk)
    assert list(ledger(desk)) == []


def test_an_export_that_failed_says_why(fake_studio, desk):
    fake_studio.export_status = "failed"
    with pytest.raises(StudioError, match=r"could not export project 1: status failed") as error:
        pull(desk)
    assert "lone surrogate" in str(error.value)


def test_a_desk_that_was_never_pushed(fake_studio, make_desk):
    with pytest.raises(StudioError, match="this desk has no project on the server yet"):
        pull(make_desk())


def test_versions_tombstones_and_what_comes_back(fake_studio, desk):
    first, second, *_ = fake_studio.tasks
    one = fake_studio.annotate(first, [label(0, 6)])
    two = fake_studio.annotate(second, [label(0, 5)])
    pull(desk)
    fake_studio.annotations[one] |= {"result": [], "updated_at": "2026-01-02T04:00:00Z"}
    gone = fake_studio.annotations.pop(two)
    result = pull(desk)
    assert (result.added, result.gone) == (1, 1)
    assert [entry.state for entry in ledger(desk)] == ["submitted", "submitted", "updated", "deleted"]
    assert [len(item.annotations.entities) for item in finished(desk)] == [0]
    assert pull(desk).gone == 0
    fake_studio.annotations[two] = gone  # a backup was played back
    assert pull(desk).added == 1
    assert pull(desk).added == 0
    assert len(list(finished(desk))) == 2
    del fake_studio.annotations[two]
    assert pull(desk).gone == 1
    assert pull(desk).gone == 0


def test_the_newest_of_each_annotator_stands(fake_studio, desk):
    task = next(iter(fake_studio.tasks))
    fake_studio.annotate(task, [label(0, 6)], updated_at="2026-01-02T05:00:00Z")
    fake_studio.annotate(task, [], updated_at="2026-01-02T04:00:00Z")
    fake_studio.annotate(task, [], "bo@copydesk.local", was_cancelled=True)
    fake_studio.annotate(task, [], "cy@copydesk.local", ground_truth=True)
    result = pull(desk)
    assert (result.added, result.skipped) == (4, 1)
    found = {item.annotator: item for item in finished(desk)}
    assert set(found) == {"ana@copydesk.local", "cy@copydesk.local"}
    assert len(found["ana@copydesk.local"].annotations.entities) == 1
    assert found["cy@copydesk.local"].ground_truth


def test_what_does_not_decode_is_recorded(fake_studio, desk):
    first, second, *_ = fake_studio.tasks
    fake_studio.annotate(first, [label(0, 999), label(6, 11), label(0, 6, "TERRORIST")])
    fake_studio.tasks[second]["data"] = {**fake_studio.tasks[second]["data"], "text": "changed on the server"}
    fake_studio.annotate(second, [label(0, 5)])
    pull(desk)
    (item,) = finished(desk)
    assert [entity.span.text for entity in item.annotations.entities] == ["hit"]
    reasons = sorted(record.reason for record in removed(desk))
    assert reasons == ["blanks at the edges stripped", "offsets outside the text", "text changed", "unknown label"]
    assert all(record.stage == "decode" for record in removed(desk))


def test_other_peoples_tasks_are_counted_and_left_alone(fake_studio, desk):
    number = fake_studio.number()
    fake_studio.tasks[number] = {"id": number, "project": 1, "data": {"text": "theirs"}}
    fake_studio.annotate(number, [])
    result = pull(desk)
    assert (result.foreign, result.tasks, result.added) == (1, 4, 0)


@pytest.mark.parametrize("key", [None, 7, ["a"], {"a": 1}, "abc", "a/b/c/d"])
def test_a_stranger_s_task_that_uses_our_name_stops_no_pull(fake_studio, desk, key):
    number = fake_studio.number()
    data = {"text": "theirs", "copydesk_key": key}
    fake_studio.tasks[number] = {"id": number, "project": 1, "data": data}
    fake_studio.annotate(number, [])
    result = pull(desk)
    assert (result.foreign, result.added) == (1, 0)


def test_a_damaged_ledger_is_named(fake_studio, desk):
    fake_studio.annotate(next(iter(fake_studio.tasks)), [])
    pull(desk)
    part = desk.parts("annotations")[0]
    part.write_bytes(b"not parquet")
    with pytest.raises(Exception, match=f"{part}: not a readable Parquet file"):
        list(finished(desk))


def damaged(desk, **columns):
    """Write the ledger's first file anew with other values in its first row."""
    part = desk.parts("annotations")[0]
    table = pq.read_table(part)
    rows = table.to_pylist()
    rows[0] |= columns
    fields = [pa.field(f.name, f.type) for f in table.schema]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)), part)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"raw": "{"}, "the raw of annotation .* is no JSON object"),
        ({"raw": "7"}, "the raw of annotation .* is no JSON object"),
        ({"annotator": None}, "a row has no annotator"),
    ],
)
def test_a_ledger_with_nonsense_in_it_is_one_clear_error(fake_studio, desk, columns, said):
    fake_studio.annotate(next(iter(fake_studio.tasks)), [])
    pull(desk)
    damaged(desk, **columns)
    with pytest.raises(DeskError, match=said):
        list(finished(desk))


def test_a_copy_of_a_file_in_the_ledger_is_named(fake_studio, desk):
    fake_studio.annotate(next(iter(fake_studio.tasks)), [])
    pull(desk)
    part = desk.parts("annotations")[0]
    (copy := part.with_name("part-00001 (copy).parquet")).write_bytes(part.read_bytes())
    for what in (lambda: list(finished(desk)), lambda: pull(desk)):
        with pytest.raises(DeskError, match=r"no file of the ledger") as raised:
            what()
        assert raised.value.where == str(copy)


def test_a_project_that_is_no_number_in_the_notes_is_named(fake_studio, desk):
    state = json.loads((desk.path / "state.json").read_text())
    state["studio"] = dict.fromkeys(state["studio"], "seven")
    (desk.path / "state.json").write_text(json.dumps(state))
    with pytest.raises(DeskError, match="'seven' stands where the number of a project belongs"):
        pull(desk)


# a large project: only what changed


@pytest.fixture
def large(monkeypatch, module, desk):
    """The same desk, with four tasks for a large project; each of them may be picked out."""
    monkeypatch.setattr(module("pull"), "SMALL", 1)
    return desk


def touch(fake, number, **more):
    fake.annotations[number] |= {"updated_at": "2026-01-02T03:05:00.000000Z", **more}


def test_of_a_large_project_only_what_changed_is_exported(fake_studio, large):
    numbers = [fake_studio.annotate(task, [label(0, 6)]) for task in fake_studio.tasks]
    first = pull(large)
    assert (first.tasks, first.exported, first.added) == (4, 4, 4)
    exports = fake_studio.count("POST", "/exports/$")
    again = pull(large)
    assert (again.tasks, again.exported, again.added, again.already) == (4, 0, 0, 4)
    assert fake_studio.count("POST", "/exports/$") == exports
    touch(fake_studio, numbers[1], result=[])
    third = pull(large)
    assert (third.tasks, third.exported, third.added, third.already) == (4, 1, 1, 3)
    assert fake_studio.views == {}
    assert pull(large, full=True).exported == 4


def test_what_was_deleted_shows_in_the_numbers(fake_studio, large):
    numbers = [fake_studio.annotate(task, []) for task in fake_studio.tasks]
    pull(large)
    fake_studio.delete_task({}, None, list(fake_studio.tasks)[2])
    result = pull(large)
    assert (result.gone, result.tasks, result.exported) == (1, 3, 3)
    for task in fake_studio.tasks.values():  # a server that does not say that the task changed
        task["updated_at"] = fake_studio.task_view(task)["updated_at"]
    gone = fake_studio.annotations.pop(numbers[0])
    assert pull(large).gone == 1
    assert {entry.state for entry in ledger(large)} == {"submitted", "vanished", "deleted"}
    fake_studio.annotations[numbers[0]] = gone
    assert pull(large).added == 1
    assert pull(large).added == 0


def test_a_server_clock_that_was_set_back_loses_no_change(fake_studio, large, module, monkeypatch):
    """What was written before is of the future now; the server's own clock tells."""
    tasks = list(fake_studio.tasks.values())
    for task in tasks:
        task["updated_at"] = "2031-01-01T00:00:00.000000Z"
    number = fake_studio.annotate(tasks[0]["id"], [])
    with monkeypatch.context() as patch:
        patch.setattr(module("pull"), "datetime", Later)  # our clock is wrong in the same way
        pull(large)
    touch(fake_studio, number, result=[label(0, 6)])
    tasks[0]["updated_at"] = "2026-01-01T00:00:00.000000Z"
    result = pull(large)
    assert (result.exported, result.added) == (4, 1)


class Later(datetime):
    """A clock that is years ahead."""

    @classmethod
    def now(cls, tz=None):
        return cls(2031, 1, 1, tzinfo=tz)


def test_our_own_clock_may_be_wrong(fake_studio, large, module, monkeypatch):
    numbers = [fake_studio.annotate(task, []) for task in fake_studio.tasks]
    with monkeypatch.context() as patch:
        patch.setattr(module("pull"), "datetime", Later)
        pull(large)
    touch(fake_studio, numbers[0], result=[label(0, 6)])
    assert (pull(large).added, pull(large).added) == (1, 0)


@pytest.mark.parametrize("how", ["none", "all"])
def test_a_server_that_does_not_know_a_filter(fake_studio, large, how):
    numbers = [fake_studio.annotate(task, []) for task in fake_studio.tasks]
    pull(large)
    fake_studio.ignored_views = how
    touch(fake_studio, numbers[0], result=[label(0, 6)])
    result = pull(large)
    assert (result.added, result.tasks, result.exported) == (1, 4, 4)


def test_everything_comes_again_from_time_to_time(fake_studio, large, module, monkeypatch):
    monkeypatch.setattr(module("pull"), "PARTIAL", 2)
    fake_studio.annotate(next(iter(fake_studio.tasks)), [])
    assert [pull(large).exported for _ in range(5)] == [4, 0, 0, 4, 0]


def test_what_was_remembered_of_tasks_may_be_damaged(fake_studio, large):
    fake_studio.annotate(next(iter(fake_studio.tasks)), [])
    pull(large)
    (kept,) = (large.path / "pulled").glob("*.parquet")
    kept.write_bytes(kept.read_bytes()[:40])
    assert pull(large).exported == 4
    kept.unlink()
    assert pull(large).exported == 4


# drafts, people, leftovers


def test_drafts_on_request(fake_studio, desk):
    task = next(iter(fake_studio.tasks.values()))
    draft = {"id": 7, "user": "ana@copydesk.local", "result": [label(0, 6)], "lead_time": 3.0,
             "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:06Z", "created_ago": "1 minute"}  # fmt: skip
    task["drafts"] = [draft]
    result = pull(desk)
    assert (result.drafts, result.added) == (1, 0)
    assert pull(desk, drafts=True).added == 1
    draft["created_ago"] = "2 minutes"
    assert (pull(desk, drafts=True).added, pull(desk, drafts=True).already) == (0, 0)
    draft |= {"result": [], "updated_at": "2026-01-02T03:05:06Z"}
    assert pull(desk, drafts=True).added == 1
    task["drafts"] = []
    assert (pull(desk, drafts=True).gone, pull(desk).gone) == (0, 0)
    assert [(entry.state, entry.annotator) for entry in ledger(desk)] == [("draft", "ana@copydesk.local")] * 2
    assert list(finished(desk)) == []
    assert list(edits(desk)) == []


def test_an_account_that_is_gone_takes_no_work_along(fake_studio, desk):
    number = fake_studio.annotate(next(iter(fake_studio.tasks)), [label(0, 6)])
    pull(desk)
    fake_studio.annotations[number]["completed_by"] = None
    result = pull(desk)
    assert (result.added, result.gone, result.annotators) == (0, 0, {"ana@copydesk.local": 1})


def test_two_accounts_that_are_gone_are_not_taken_for_one(fake_studio, desk):
    task = next(iter(fake_studio.tasks))
    for start in (0, 7):
        fake_studio.annotate(task, [label(start, start + 3)], completed_by=None)
    pull(desk)
    assert len({item.annotator for item in finished(desk)}) == 2
    assert pull(desk).added == 0


LATER = "2027-01-01T00:00:00Z"


def rebuilt(fake, annotations=()):
    """Set the server up anew: the same tasks under the same numbers, made later, without the work in them."""
    for task in fake.tasks.values():
        task["created_at"] = LATER
    fake.annotations = dict(annotations)


def test_a_server_that_was_rebuilt_deletes_nobody_s_work(fake_studio, desk):
    first, second, *_ = fake_studio.tasks
    for task in (first, second):
        fake_studio.annotate(task, [label(0, 6)])
    pull(desk)
    rebuilt(fake_studio)
    assert pull(desk).gone == 2
    assert {entry.state for entry in ledger(desk)} == {"submitted", "vanished"}
    assert len(list(finished(desk))) == 2
    # what is done there now can be deleted as ever
    number = fake_studio.annotate(first, [label(7, 10)], created_at="2027-01-02T00:00:00Z", updated_at=LATER)
    pull(desk)
    del fake_studio.annotations[number]
    pull(desk)
    assert [entry.state for entry in ledger(desk)][-1] == "deleted"


def test_a_task_of_another_document_under_the_same_number_deletes_nothing(fake_studio, desk):
    first, second, *_ = fake_studio.tasks.values()
    fake_studio.annotate(first["id"], [label(0, 6)])
    pull(desk)
    fake_studio.annotations.clear()
    first["data"], second["data"] = second["data"], first["data"]
    pull(desk)
    assert [entry.state for entry in ledger(desk)] == ["submitted", "vanished"]


def test_a_server_that_was_restored_deletes_nothing_made_since_its_backup(fake_studio, desk):
    task = next(iter(fake_studio.tasks))
    pull(desk)
    before = dict(fake_studio.seen)
    fake_studio.annotate(task, [label(0, 6)])
    pull(desk)
    fake_studio.annotations.clear()
    fake_studio.changed = lambda task, said: f"2026-01-02T03:04:05.{before[task['id']][1]:06d}Z"
    assert pull(desk).gone == 1
    assert [entry.state for entry in ledger(desk)] == ["submitted", "vanished"]


def test_a_server_is_the_same_under_another_address(fake_studio, desk, monkeypatch):
    numbers = [fake_studio.annotate(task, [label(0, 6)]) for task in list(fake_studio.tasks)[:3]]
    pull(desk)
    monkeypatch.setenv("COPYDESK_STUDIO_URL", fake_studio.url.replace("127.0.0.1", "localhost"))
    del fake_studio.annotations[numbers[0]]
    result = pull(desk)
    assert (result.added, result.gone, sum(result.annotators.values())) == (0, 1, 2)
    del fake_studio.annotations[numbers[1]]  # and it is still known to be the same the next time
    assert pull(desk).gone == 1
    assert [entry.state for entry in ledger(desk)] == ["submitted"] * 3 + ["deleted"] * 2


def test_a_task_that_is_not_ours_any_more_takes_no_work_along(fake_studio, desk):
    task = next(iter(fake_studio.tasks.values()))
    fake_studio.annotate(task["id"], [label(0, 6)])
    pull(desk)
    task["data"] = {name: value for name, value in task["data"].items() if name != "copydesk_key"}
    assert pull(desk).gone == 1
    assert [entry.state for entry in ledger(desk)] == ["submitted", "vanished"]
    assert len(list(finished(desk))) == 1


def test_a_version_that_comes_back_is_a_version(fake_studio, desk):
    """A backup of the server was played back: the newest version is the old one again, and is there once."""
    number = fake_studio.annotate(next(iter(fake_studio.tasks)), [label(0, 6)])
    first = dict(fake_studio.annotations[number])
    pull(desk)
    touch(fake_studio, number, result=[])
    second = dict(fake_studio.annotations[number])
    for said in (second, first, second):
        fake_studio.annotations[number] = dict(said)
        assert (pull(desk).added, pull(desk).added) == (1, 0)
    entries = list(ledger(desk))
    assert len({entry.key for entry in entries}) == len(entries) == 4
    assert [len(item.annotations.entities) for item in finished(desk)] == [0]


def test_what_a_killed_pull_left_on_the_server_is_put_away(fake_studio, desk, module):
    mark = module("pull")._mark(desk)
    project = next(iter(fake_studio.projects))
    for number, title in ((901, mark), (902, "somebody's own")):
        fake_studio.exports[number], fake_studio.titles[number] = b"[]", title
        fake_studio.views[number] = {"id": number, "project": project, "data": {"title": title}}
    pull(desk)
    assert set(fake_studio.exports) == set(fake_studio.views) == {902}
