from __future__ import annotations

import pytest

from copydesk.annotate import edits, finished, ledger, pull, push
from copydesk.corpus import removed
from copydesk.schemas import StudioError


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


def test_a_damaged_ledger_is_named(fake_studio, desk):
    fake_studio.annotate(next(iter(fake_studio.tasks)), [])
    pull(desk)
    part = desk.parts("annotations")[0]
    part.write_bytes(b"not parquet")
    with pytest.raises(Exception, match=f"{part}: not a readable Parquet file"):
        list(finished(desk))
