from __future__ import annotations

import gzip
import importlib
import json
import os
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copydesk.corpus import ingest, removed
from copydesk.schemas import Removed, SettingsError

from .conftest import ARTICLE, change_setting, story, write_jsonl

sources = importlib.import_module("copydesk.corpus.sources")
places = importlib.import_module("copydesk.corpus.places")
columns = importlib.import_module("copydesk.corpus.columns")
json_files = importlib.import_module("copydesk.corpus.json_files")


def records(desk, *names):
    return [
        record
        for file in places.find([str(name) for name in names], desk=desk.path)
        for record in sources.read(file, desk.settings.ingest)
    ]


def refusal(desk, path):
    (found,) = records(desk, path)
    assert isinstance(found, Removed)
    assert found.stage == "read"
    return found


def test_an_empty_file(desk, news):
    (news / "empty.txt").touch()
    assert refusal(desk, news) == Removed("", "read", "empty file", "news/empty.txt")


def test_a_binary(desk, news):
    (news / "picture.txt").write_bytes(bytes(range(256)) * 20)
    assert refusal(desk, news).reason == "binary file"


@pytest.mark.parametrize("magic", [b"%PDF-1.7\n", b"PK\x03\x04word", b"\x89PNG\r\n"])
def test_a_known_binary_by_its_first_bytes(desk, news, magic):
    (news / "article.txt").write_bytes(magic + b"x" * 500)
    assert refusal(desk, news).reason == "binary file"


@pytest.mark.parametrize("name", ["huge.txt", "huge.html"])
def test_a_file_of_200_megabytes(desk, news, name):
    with (news / name).open("wb") as file:
        file.truncate(200_000_000)
    found = refusal(desk, news)
    assert found.reason == "too large"
    assert "20,000,000 bytes (ingest.max_bytes)" in found.detail


def test_a_line_of_200_megabytes_is_never_held(desk, news):
    with (news / "huge.jsonl").open("wb") as file:
        file.write(json.dumps({"text": "one"}).encode() + b"\n" + b" " * 9000)
        file.truncate(200_000_000)
        file.seek(0, 2)
        file.write(b"\n" + json.dumps({"text": "three"}).encode())
    one, two, three = records(desk, news)
    assert (one.text, two.reason, two.of, three.text) == ("one", "too large", "news/huge.jsonl:2", "three")


def test_text_that_is_not_utf8(desk, news):
    (news / "latin.txt").write_bytes("Général".encode("latin-1"))
    found = refusal(desk, news)
    assert found.reason == "not UTF-8"
    assert found.detail == "byte 1 cannot be read; save the file as UTF-8"


def test_utf16_text_is_refused_by_name(desk, news):
    (news / "wide.txt").write_bytes("Harun falls".encode("utf-16"))
    assert refusal(desk, news) == Removed("", "read", "not UTF-8", "news/wide.txt", "the file is UTF-16")


def test_a_csv_without_the_needed_column_names_those_it_has(desk, news):
    (news / "table.csv").write_text("headline,author\nHarun falls,Lena\n")
    found = refusal(desk, news)
    assert found.reason == "no text column"
    assert found.detail.startswith("columns seen: headline, author; name yours in copydesk.toml")


def test_a_parquet_without_the_needed_column(desk, news):
    pq.write_table(pa.table({"headline": ["x"]}), news / "table.parquet")
    assert refusal(desk, news).detail.startswith("columns seen: headline;")


def test_a_damaged_parquet(desk, news):
    (news / "table.parquet").write_bytes(b"PAR1 and then nothing")
    assert refusal(desk, news).reason == "damaged Parquet"


def test_each_line_of_a_jsonl_stands_for_itself(desk, news):
    (news / "mixed.jsonl").write_bytes(
        b'{"text": "one"}\n{broken\n\n[1]\n{"title": "no body"}\n{"text": "\xff"}\n{"text": ""}\n{"text": null}\n{"text": "nine"}'
    )
    found = records(desk, news)
    assert [getattr(item, "reason", "") or item.text for item in found] == [
        "one", "broken JSON", "broken JSON", "no text", "not UTF-8", "no text", "no text", "nine"
    ]  # fmt: skip
    assert [item.of.split(":")[1] for item in found] == ["1", "2", "4", "5", "6", "7", "8", "9"]
    assert found[3].detail == "columns seen: title"


def test_rows_of_a_csv(desk, news):
    (news / "rows.csv").write_bytes(
        'id;Headline;Body\n1;Harun falls;"Two\nlines"\n2;x;y;z\n3;short\n4;bad;\xff\n5;ok;five\n'.encode("latin-1")
    )
    found = records(desk, news)
    assert [getattr(item, "reason", "") or item.text for item in found] == [
        "Two\nlines", "broken row", "no text", "not UTF-8", "five"
    ]  # fmt: skip
    assert found[0].fields == {"id": "1", "title": "Harun falls"}
    assert [item.of for item in found][:2] == ["news/rows.csv:2", "news/rows.csv:4"]


def test_an_unclosed_quote_swallows_no_more_than_a_record_may_hold(desk, news):
    desk = change_setting(desk, "^max_bytes = .*", "max_bytes = 1_000 #")
    rows = "".join(f"{number},{'word ' * 20}\n" for number in range(40))
    (news / "rows.csv").write_text('id,text\n0,"never closed\n' + rows)
    found = records(desk, news)
    assert found[0].reason == "broken row"
    assert any(isinstance(item, sources.RawRecord) for item in found)


def test_tsv_and_parquet(desk, news):
    (news / "a.tsv").write_text("url\tcontent\nhttps://x.example/1\tText, with a comma\n")
    pq.write_table(
        pa.table({"Article Text": ["one", None], "authors": [["A", "B"], []], "extra": [1, 2]}), news / "b.parquet"
    )
    first, second, third = records(desk, news)
    assert (first.text, first.fields) == ("Text, with a comma", {"url": "https://x.example/1"})
    assert (second.text, second.fields, second.of) == ("one", {"byline": "A, B"}, "news/b.parquet:1")
    assert third.reason == "no text"


def test_packed_files(desk, news):
    with gzip.open(news / "a.jsonl.gz", "wt") as file:
        file.write('{"text": "one"}\n{"text": "two"}\n')
    whole = (news / "a.jsonl.gz").read_bytes()
    (news / "b.jsonl.gz").write_bytes(whole[:-12])
    found = records(desk, news)
    assert [item.text for item in found[:2]] == ["one", "two"]
    assert found[-1].reason == "damaged gzip"
    assert found[-1].of == "news/b.jsonl.gz"


def test_content_counts_more_than_the_ending(desk, news):
    (news / "page.txt").write_text("<!DOCTYPE html><html><body>x</body></html>")
    (news / "lines").write_text('{"text": "one"}\n{"text": "two"}\n')
    pq.write_table(pa.table({"text": ["three"]}), news / "table.dat")
    assert [item.kind for item in records(desk, news)] == ["jsonl", "jsonl", "html", "parquet"]


def test_unknown_endings(desk, news):
    (news / "style.css").write_text("body { color: red }")
    found = refusal(desk, news)
    assert found.reason == "unknown file type"
    assert found.detail.startswith("the ending is .css; known are .txt")


def test_a_file_without_ending_is_text_where_it_is_named(desk, news):
    (news / "story").write_text(ARTICLE)
    assert refusal(desk, news).reason == "unknown file type"
    (found,) = records(desk, news / "story")
    assert (found.kind, found.of) == ("text", "story")


def test_patterns_folders_and_files_are_read_once(desk, news):
    (news / "deep").mkdir()
    (news / "deep" / "b.txt").write_text("two")
    (news / "a.txt").write_text("one")
    (news / ".hidden.txt").write_text("no")
    assert [item.of for item in records(desk, news, news / "a.txt", f"{news}/**/*.txt")] == [
        "news/a.txt",
        "news/deep/b.txt",
    ]
    assert [item.of for item in records(desk, f"{news}/*/*.txt")] == ["deep/b.txt"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9.txt", r"caf\udce9.txt"),  # Latin-1, as old archives have it
        (b"two\nlines.txt", r"two\nlines.txt"),
        (b"red\x1b[31m.txt", r"red\x1b[31m.txt"),
        ("\u202etxt.exe.txt".encode(), r"\u202etxt.exe.txt"),
    ],
)
def test_a_name_that_no_table_and_no_terminal_can_hold(desk, news, name, shown):
    path = os.path.join(os.fsencode(news), name)  # noqa: PTH118 - bytes
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(ARTICLE.encode())
    (news / "empty.txt").touch()
    for source in (news, f"{news}/*.txt"):
        (found,) = (r for r in records(desk, source) if not isinstance(r, Removed))
        assert found.of.endswith(shown)
    open(path, "wb").close()  # noqa: PTH123
    result = ingest(desk, [str(news)])
    assert [item.reason for item in result.removed] == ["empty file"] * 2
    assert any(item.of.endswith(shown) for item in removed(desk))


def test_a_loop_of_folders_ends(desk, news):
    (news / "a.txt").write_text("one")
    (news / "again").symlink_to(news)
    assert len(records(desk, news)) == 1


def test_a_desk_never_reads_its_own_tables(desk):
    ingest(desk, [write_jsonl(desk.path / "raw.jsonl", [{"text": story(1)}])])
    assert [item.of for item in records(desk, desk.path)] == ["desk/raw.jsonl:1"]


def test_columns_of_the_settings_come_first(desk, news):
    desk = change_setting(desk, "^columns = .*", 'columns = { text = "story", outlet = "paper" }')
    write_jsonl(
        news / "a.jsonl", [{"text": "teaser", "story": "all of it", "paper": "P", "source": "S"}, {"text": "other"}]
    )
    first, second = records(desk, news)
    assert (first.text, first.fields["outlet"], second.text) == ("all of it", "P", "other")


def test_an_unknown_field_in_the_settings(desk, news):
    desk = change_setting(desk, "^columns = .*", 'columns = { headlin = "x" }')
    with pytest.raises(SettingsError, match="unknown field 'headlin'") as caught:
        ingest(desk, [str(news)])
    assert "Known fields, each with the name of your column: text, html, title" in str(caught.value)


def test_a_file_that_a_newer_copydesk_can_read_is_no_longer_noted(desk, news):
    from copydesk.corpus import record_removed

    (news / "a.json").write_text(json.dumps([{"text": story(1)}], indent=2))
    record_removed(desk, "read-0", [Removed("", "read", "unknown file type", "news/a.json", "the ending is .json")])
    assert ingest(desk, [str(news)]).accepted == 1
    assert list(removed(desk)) == []


def test_values_that_are_no_text():
    values = columns.fields_of(
        {
            "text": ["One.", "Two."],
            "source": {"id": None, "name": "The Wire"},
            "id": 7,
            "lang": None,
            "author": float("nan"),
        },
        {},
    )
    assert values == {"text": "One.\n\nTwo.", "outlet": "The Wire", "id": "7"}


def test_an_outlet_given_as_an_address():
    assert columns.fields_of({"source": "https://www.wire.example/world/1"}, {}) == {"outlet": "wire.example"}


def test_json_of_any_layout(desk, news):
    (news / "a.json").write_text('{"text": "one"}\n{"text": "two"}\n')
    (news / "b.json").write_text('{"text": "three"}')
    (news / "c.json").write_text('\ufeff{\n  "text": "four"\n}')
    (news / "d.json").write_text('[\n{"text": "five"},\n 7, {"text": "six"}\n]\n')
    found = records(desk, news)
    assert [getattr(item, "text", "") or item.reason for item in found] == [
        "one", "two", "three", "four", "five", "broken JSON", "six"
    ]  # fmt: skip
    assert [item.of for item in found][-3:] == ["news/d.json:1", "news/d.json:2", "news/d.json:3"]


@pytest.mark.parametrize(
    ("written", "reason", "detail"),
    [
        (b'[{"text": "one"}, {"text": \n', "broken JSON", "Expecting value"),
        (b'[{"text": "one"}, {"text": "\xff"}\n]', "not UTF-8", "invalid start byte"),
        (b'[\n{"text": "one"}, ', "broken JSON", "the list is never closed"),
        (b"[" * 200_000, "broken JSON", "recursion"),
    ],
)
def test_json_that_breaks_off(desk, news, written, reason, detail):
    (news / "a.json").write_bytes(written)
    last = records(desk, news)[-1]
    assert last.reason == reason
    assert detail in last.detail


def test_a_list_of_json_is_never_held_whole(desk, news, monkeypatch):
    monkeypatch.setattr(json_files, "CHUNK", 100)
    stories = [{"text": f"{number} " + "word " * number} for number in range(80)]
    (news / "a.json").write_text(json.dumps(stories, indent=2))
    assert [item.text for item in records(desk, news)] == [story["text"] for story in stories]
    desk = change_setting(desk, "^max_bytes = .*", "max_bytes = 1_000 #")
    (news / "a.json").write_text(json.dumps([{"text": "one"}, {"text": "x" * 5_000}, {"text": "three"}], indent=2))
    assert [getattr(item, "text", "") or item.reason for item in records(desk, news)] == ["one", "too large"]


def test_a_page_in_a_column_of_text_is_a_page(desk, news):
    write_jsonl(news / "a.jsonl", [{"body": " <!DOCTYPE html><html><p>One.</p></html>"}])
    (found,) = records(desk, news)
    assert (found.text, found.html[:10]) == ("", b" <!DOCTYPE")


def test_front_matter_of_markdown(desk, news):
    (news / "a.md").write_text('---\ntitle: "Harun falls"\ndate: 2024-11-29\n---\n# Harun falls\n\nText.\n')
    (found,) = records(desk, news)
    assert found.fields == {"title": "Harun falls", "published": "2024-11-29"}
    assert found.text == "# Harun falls\n\nText.\n"


def test_front_matter_takes_no_time_for_blanks(desk, news):
    (news / "a.md").write_text("---\ntitle: Harun" + " " * 50_000 + "falls\nauthor: 'Nadia Brek'\n---\nText.\n")
    started = time.process_time()
    (found,) = records(desk, news)
    assert time.process_time() - started < 1
    assert found.fields["byline"] == "Nadia Brek"


def test_a_quotation_mark_that_is_never_closed_swallows_nothing_in_silence(desk, news):
    (news / "a.csv").write_text('title,text\nOne,"Closed, and\nover two lines."\nTwo,"Open.\nThree,Text.\nFour,Text.\n')
    found, broken = records(desk, news)
    assert found.text == "Closed, and\nover two lines."
    assert (broken.of, broken.reason) == ("news/a.csv:4", "broken row")
    assert broken.detail == "a quotation mark is never closed; lines up to 6 are in it"


def test_what_is_no_regular_file(desk, news):
    os.mkfifo(news / "pipe.txt")
    (news / "lost.txt").symlink_to(news / "nowhere")
    (news / "self.txt").symlink_to(news / "self.txt")
    assert [item.reason for item in records(desk, news)] == ["cannot be read"] * 3
