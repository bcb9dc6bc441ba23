"""copies: what a person sees of articles that say the same."""

import json

import pytest

TEXT = " ".join(
    f"Sentence {name} of the report says that the bridge over the {name} river would open again on Monday."
    for name in ("long", "short", "wide", "deep", "old", "new", "dry", "cold", "blue", "slow")
)


@pytest.fixture
def full(copydesk, desk, tmp_path):
    rows = [
        {"id": "1", "outlet": "Wire", "title": "Bridge", "text": TEXT, "date": "2024-01-01"},
        {
            "id": "2",
            "outlet": "Post",
            "title": "Bridge",
            "text": TEXT.replace("Monday", "Friday", 1),
            "date": "2024-01-02",
        },
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    copydesk("ingest", tmp_path / "rows.jsonl", "--desk", desk)
    return desk


def test_copies_lists_clusters(copydesk, full):
    shown = copydesk("copies", "--desk", full)
    assert shown.status == 0
    first, last = shown.out.splitlines()
    assert first.split()[0] == "2"
    assert "1 reprint  2 outlets  Bridge" in first
    assert last == "1 cluster of copies, 2 articles."
    told = copydesk("copies", "--desk", full, "--json").json
    assert told["total"] == 1
    assert told["clusters"][0]["kinds"] == {"reprint": 1}
    assert told["growth"] == {
        "pairs": 1,
        "largest_group": 2,
        "cut_groups": 0,
        "largest_cluster": 2,
        "full_clusters": 0,
    }
    assert copydesk("copies", "--desk", full, "--kind", "excerpt").out == "No copies.\n"


def test_copies_shows_what_a_copy_changed(copydesk, full):
    members = copydesk("copies", "--desk", full, "--json").json["clusters"][0]["members"]
    copy = members[1]["document_id"]
    shown = copydesk("copies", copy[:12], "--desk", full)
    assert "on[- Monday.-]{+ Friday.+} Sentence short" in shown.out
    told = copydesk("copies", copy, "--desk", full, "--json").json
    assert [piece["kind"] for piece in told["changes"]] == ["same", "removed", "added", "same"]
    assert copydesk("copies", members[0]["document_id"], "--desk", full, "--json").json["changes"] == []


def test_copies_refuses_an_unknown_id(copydesk, full):
    shown = copydesk("copies", "nothing", "--desk", full)
    assert shown.status == 2
    assert "no article has an id like this" in shown.err


def test_a_desk_without_copies_says_so(copydesk, desk):
    assert copydesk("copies", "--desk", desk).out == "No copies.\n"


def test_ingest_says_that_a_cluster_reached_its_bound(copydesk, desk, tmp_path):
    settings = desk / "copydesk.toml"
    written = settings.read_text(encoding="utf-8")
    assert "\nlargest = 1000 " in written
    settings.write_text(written.replace("\nlargest = 1000 ", "\nlargest = 1 "), encoding="utf-8")
    rows = [
        {"id": name, "text": f"{TEXT} Edition of {name}.", "date": "2024-01-01"} for name in ("one", "two", "three")
    ]
    lines = [json.dumps(row) + "\n" for row in rows]
    (tmp_path / "rows.jsonl").write_text("".join(lines[:1]), encoding="utf-8")
    first = copydesk("ingest", tmp_path / "rows.jsonl", "--desk", desk)
    assert "dedupe.largest" not in first.out
    (tmp_path / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    shown = copydesk("ingest", tmp_path / "rows.jsonl", "--desk", desk)
    assert "1 cluster of copies reached dedupe.largest, the largest has 2 articles: see copydesk copies." in shown.out
    told = copydesk("ingest", tmp_path / "rows.jsonl", "--desk", desk, "--json").json
    assert told["growth"] == copydesk("copies", "--desk", desk, "--json").json["growth"]
    assert told["growth"]["full_clusters"] == 1, "a run that made no clusters tells of those that are there"
