"""removed, restore: what a person sees of what was set aside, and overrules."""

import json

import pytest

from copydesk.cli.options import Engine

TEXT = "The council said the bridge over the river would open again on Monday. " * 5
SHORT = "The bridge is closed."


@pytest.fixture
def full(copydesk, desk, tmp_path):
    rows = [
        {"id": "1", "outlet": "Wire", "title": "Bridge", "text": TEXT},
        {"id": "2", "outlet": "Wire", "title": "Closed", "text": SHORT},
        {"id": "3", "outlet": "Post", "title": "Closed too", "text": SHORT},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "empty.txt").write_bytes(b"")
    copydesk("ingest", tmp_path / "rows.jsonl", tmp_path / "empty.txt", "--desk", desk)
    return desk


def test_removed_is_filtered_by_stage_reason_and_outlet(copydesk, full):
    def listed(*options):
        return [row["of"] for row in copydesk("removed", "--desk", full, "--json", *options).json["removed"]]

    assert len(listed()) == 3
    assert listed("--stage", "read") == ["empty.txt"]
    assert listed("--reason", "too short") == ["rows.jsonl:2", "rows.jsonl:3"]
    assert listed("--outlet", "Post") == ["rows.jsonl:3"]
    assert listed("--outlet", "Post", "--stage", "read") == []
    assert copydesk("removed", "--desk", full, "--outlet", "None").out == "Nothing was set aside.\n"


def test_removed_counts(copydesk, full):
    shown = copydesk("removed", "--desk", full, "--counts")
    assert shown.status == 0
    assert [line.split() for line in shown.out.splitlines()] == [
        ["1", "empty", "file", "(read)"],
        ["1", "too", "short", "(clean)", "Post"],
        ["1", "too", "short", "(clean)", "Wire"],
    ]
    counts = copydesk("removed", "--desk", full, "--counts", "--json").json["counts"]
    assert counts[2] == {"outlet": "Wire", "reason": "too short", "stage": "clean", "number": 1}


def test_restore_takes_an_id_as_removed_shows_it(copydesk, full):
    rows = copydesk("removed", "--desk", full, "--json").json["removed"]
    wanted = next(row["document_id"] for row in rows if row["of"] == "rows.jsonl:2")
    assert [row["restorable"] for row in rows] == [row["stage"] == "clean" for row in rows]
    assert wanted[:12] in copydesk("removed", "--desk", full).out
    shown = copydesk("restore", wanted[:12], "--desk", full)
    assert shown.status == 0
    assert shown.out == f"Restored {wanted[:12]} Closed\nThe desk holds 2 articles, 0 of them copies of others.\n"
    again = copydesk("restore", wanted, "--desk", full, "--json").json
    assert (again["restored"], again["already"], again["documents"]) == ([], [wanted], 2)


def test_restore_of_nothing_is_status_2(copydesk, full):
    shown = copydesk("restore", "0123456789ab", "--desk", full)
    assert shown.status == 2
    assert "0123456789ab: nothing with this id was set aside" in shown.err
    assert "copydesk removed lists the ids" in shown.err


def test_a_text_that_was_not_kept_is_a_finding(copydesk, full):
    for part in (full / "aside").iterdir():
        part.unlink()
    rows = copydesk("removed", "--desk", full, "--json", "--outlet", "").json["removed"]
    wanted = next(row["document_id"] for row in rows if row["of"] == "rows.jsonl:2")
    shown = copydesk("restore", wanted, "--desk", full)
    assert shown.status == 1
    assert "its text was not kept" in shown.err
    assert "(rows.jsonl:2)" in shown.err


def test_an_address_without_ray_is_refused(copydesk, full):
    shown = copydesk("ingest", "--desk", full, "--engine", Engine.SERIAL.value, "--address", "127.0.0.1:1")
    assert shown.status == 2
    assert "only a Ray cluster has an address" in shown.err


def test_engine_changes_where_and_not_what(copydesk, full):
    assert copydesk("ingest", "--desk", full, "--engine", "serial").status == 0


def test_status_tells_what_is_out_of_date(copydesk, full):
    assert "Up to date: ingest, sign, dedupe, segment\n" in copydesk("status", "--desk", full).out
    settings = full / "copydesk.toml"
    settings.write_text(settings.read_text("utf-8").replace("\nthreshold = 0.8", "\nthreshold = 0.7"), encoding="utf-8")
    shown = copydesk("status", "--desk", full)
    assert "Up to date: ingest, sign, segment\n" in shown.out
    assert "dedupe: 0 of 1 shard up to date, 1 out of date: copydesk ingest\n" in shown.out
    stages = copydesk("status", "--desk", full, "--json").json["stages"]
    assert [stage["stage"] for stage in stages][:4] == ["ingest", "sign", "dedupe", "segment"]
