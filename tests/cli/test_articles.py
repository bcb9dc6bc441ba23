"""init, ingest, removed: also with everything that a source can get wrong."""

import json

import pytest

from copydesk.corpus import Desk, documents

GOOD = "A bridge in the valley\n\n" + "The council said the bridge over the river would open again on Monday. " * 5


def test_init_makes_a_desk_and_says_what_is_next(copydesk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = copydesk("init", "my-desk")
    assert shown.status == 0
    assert shown.out == (
        "Made the desk my-desk in my-desk; its settings are in my-desk/copydesk.toml.\n"
        "Next: cd my-desk, then copydesk ingest SOURCE …\n"
    )


def test_init_twice_is_refused(copydesk, desk):
    shown = copydesk("init", desk)
    assert shown.status == 2
    assert "this is a desk already" in shown.err


def test_init_speaks_json(copydesk, tmp_path):
    assert copydesk("init", tmp_path / "d", "--name", "other", "--json").json == {
        "path": str(tmp_path / "d"),
        "name": "other",
    }


def test_commands_outside_a_desk_say_how_to_get_one(copydesk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (("ingest", "x"), ("suggest",), ("status",), ("push",), ("release",), ("report",), ("removed",)):
        shown = copydesk(*words)
        assert (shown.status, shown.out) == (2, ""), words
        assert "no copydesk.toml here" in shown.err
        assert "copydesk init my-desk" in shown.err


def test_a_desk_can_be_named_by_the_environment(copydesk, desk, monkeypatch):
    monkeypatch.setenv("COPYDESK_DESK", str(desk))
    assert copydesk("removed").out == "Nothing was set aside.\n"


def test_ingest_counts_and_a_second_run_repeats(copydesk, desk, samples):
    first = copydesk("ingest", samples / "articles", "--desk", desk)
    assert first.status == 1, "an empty file is there to be looked at"
    assert "Read 28 records: 25 new articles." in first.out
    assert "The desk holds 25 articles, 7 of them copies of others." in first.out
    assert "articles/empty.txt: empty file" in first.err
    second = copydesk("ingest", samples / "articles", "--desk", desk, "--json").json
    assert (second["accepted"], second["repeated"], second["documents"]) == (0, 25, 25)


def test_ingest_of_good_articles_is_status_0(copydesk, desk, tmp_path):
    (tmp_path / "good.txt").write_text(GOOD, encoding="utf-8")
    shown = copydesk("ingest", tmp_path / "good.txt", "--desk", desk)
    assert shown.status == 0
    assert "1 new article." in shown.out


BAD = {
    "empty.txt": (b"", "empty file"),
    "binary.txt": (b"\x89PNG\r\n\x1a\n\x00\x00\x01\x02" * 40, "binary"),
    "latin.txt": (("Für alle Fälle: " * 40).encode("latin-1"), "UTF-8"),
    "columns.csv": (b"id,mood\n1,fine\n2,bad\n", "mood"),
    "page.html": (b"<!DOCTYPE html><html><body><nav><a href='/'>Home</a></nav></body></html>", "no article"),
    "record.jsonl": (json.dumps({"id": "1", "title": "No text"}).encode() + b"\n", "text"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_source_is_named_and_the_good_one_goes_on(copydesk, desk, tmp_path, name):
    content, said = BAD[name]
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.txt").write_text(GOOD, encoding="utf-8")
    (folder / name).write_bytes(content)
    shown = copydesk("ingest", folder, "--desk", desk)
    assert shown.status == 1, shown
    assert "1 new article" in shown.out
    assert name in shown.err
    assert said in shown.err
    assert "Traceback" not in shown.err
    listed = copydesk("removed", "--desk", desk)
    assert name in listed.out


def test_a_file_that_is_too_large_is_named_without_being_read(copydesk, desk, tmp_path):
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(200_000_000)  # sparse
    shown = copydesk("ingest", large, "--desk", desk)
    assert shown.status == 1
    assert "large.txt: too large" in shown.err


def test_a_path_that_is_not_there_is_status_2_and_the_rest_goes_on(copydesk, desk, tmp_path):
    (tmp_path / "good.txt").write_text(GOOD, encoding="utf-8")
    shown = copydesk("ingest", tmp_path / "nowhere", tmp_path / "good.txt", "--desk", desk)
    assert shown.status == 2
    assert "no such file or folder" in shown.err
    assert sum(1 for _ in documents(Desk(desk))) == 1


def test_two_records_with_one_id_and_different_texts_are_two_documents(copydesk, desk, tmp_path):
    file = tmp_path / "twice.jsonl"
    other = GOOD.replace("bridge", "harbour").replace("Monday", "Friday").replace("council", "mayor")
    rows = [{"id": "7", "title": "One", "text": GOOD}, {"id": "7", "title": "Other", "text": other}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shown = copydesk("ingest", file, "--desk", desk, "--json")
    assert shown.json["accepted"] + len(shown.json["removed"]) == 2, "nothing is lost unsaid"


def test_a_desk_of_a_newer_version_is_left_alone(copydesk, desk):
    settings = desk / "copydesk.toml"
    settings.write_text(settings.read_text("utf-8").replace("format = 1", "format = 99"), encoding="utf-8")
    shown = copydesk("status", "--desk", desk)
    assert shown.status == 2
    assert "this desk has format 99" in shown.err
    assert "Update copydesk" in shown.err


def test_a_setting_with_a_typing_error_is_named(copydesk, desk):
    settings = desk / "copydesk.toml"
    settings.write_text(settings.read_text("utf-8").replace("min_characters", "min_charakters"), encoding="utf-8")
    shown = copydesk("ingest", "--desk", desk)
    assert shown.status == 2
    assert "Did you mean 'min_characters'?" in shown.err
