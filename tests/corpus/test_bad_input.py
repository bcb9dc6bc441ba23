"""Everything that a newsroom's disk can hold, in one folder: the run goes on, and each thing has its reason."""

from __future__ import annotations

import gzip
import importlib
import zipfile
from collections import Counter

from copydesk.corpus import documents, ingest, removed

from .archives_of_ours import packed, page, record
from .conftest import change_setting, story, write_jsonl

places = importlib.import_module("copydesk.corpus.places")
sources = importlib.import_module("copydesk.corpus.sources")
single_files = importlib.import_module("copydesk.corpus.single_files")


def test_one_folder_of_everything(desk, news):
    desk = change_setting(desk, "^max_bytes = .*", "max_bytes = 2_000_000 #")
    (news / "cut.jsonl.gz").write_bytes(
        gzip.compress(b'{"text": "' + story(1).encode() + b'"}\n' + story(20, 90).encode())[:-40]
    )
    (news / "lengths.warc.gz").write_bytes(packed([record(2), record(3, off_by=70), record(4)]))
    (news / "deep.html").write_text("<html><body>" + "<div>" * 1_000_00 + "x" + "</div>" * 1_000_00)
    (news / "line.html").write_text("<html><body><p>" + "word " * 500_000)
    (news / "line.jsonl").write_text('{"text": "' + "word " * 500_000 + '"}\n')
    with zipfile.ZipFile(news / "names.zip", "w") as archive:
        archive.writestr("../../up.txt", story(5))
        archive.writestr("fine.txt", story(6))
    (news / "nul.txt").write_bytes(b"\0" * 5_000)
    (news / "nul.jsonl").write_text('{"text": "\\u0000' + story(7) + '\\u0000"}\n')
    (news / "mixed.txt").write_bytes(story(8).encode() + "Général".encode("latin-1"))
    (news / "mixed.html").write_bytes(
        page(9).replace("Story", "Général").replace("In ", "À ").encode() + "<p>Général</p>".encode("latin-1")
    )
    write_jsonl(
        news / "dates.jsonl",
        [{"text": story(10), "date": "0001-01-01"}, {"text": story(11), "date": "3024-05-05T00:00:00Z"},
         {"text": story(12), "date": "10000-01-01"}],
    )  # fmt: skip
    write_jsonl(news / "ids.jsonl", [{"id": "7", "text": story(13)}, {"id": "7", "text": story(14)}])
    (news / "loop").symlink_to(news, target_is_directory=True)
    result = ingest(desk, [str(news)])
    reasons = Counter(item.reason for item in result.removed)
    assert reasons == {
        "damaged gzip": 1,
        "damaged WARC record": 1,
        "page too complex": 1,
        "too large": 2,
        "unsafe name": 1,
        "binary file": 1,
        "not UTF-8": 1,
        "date not understood": 3,
        "id already used by another text": 1,
    }
    assert sorted(removed(desk), key=repr) == sorted(result.removed, key=repr)
    texts = "\n".join(document.text for document in documents(desk))
    for number in (1, 2, 4, 6, 7, 10, 11, 12, 13):
        assert story(number)[:60] in texts, number
    assert result.accepted == 10
    assert "\0" not in texts
    assert "Général 9 from Harun" in texts
    assert ingest(desk, [str(news)]).accepted == 0


def grows_while_it_is_read(monkeypatch, path, by):
    """Write to a file as soon as its first bytes were looked at."""
    look = sources._kind

    def looked(file, settings):
        found = look(file, settings)
        if file.path == path:
            path.write_bytes(path.read_bytes() + by)
        return found

    monkeypatch.setattr(sources, "_kind", looked)


def read(desk, path):
    return [
        item for file in places.find([str(path)], desk=desk.path) for item in sources.read(file, desk.settings.ingest)
    ]


def test_an_article_that_changes_while_it_is_read(desk, news, monkeypatch):
    (news / "a.txt").write_text(story(1))
    (news / "b.txt").write_text(story(2))
    grows_while_it_is_read(monkeypatch, news / "a.txt", b" More of it.")
    first, second = read(desk, news)
    assert (first.of, first.reason) == ("news/a.txt", "changed while it was read")
    assert second.text == story(2)


def test_a_table_that_grows_while_it_is_read(desk, news, monkeypatch):
    write_jsonl(news / "a.jsonl", [{"text": story(1)}])
    grows_while_it_is_read(monkeypatch, news / "a.jsonl", b'{"text": "two"}\n{"te')
    found = read(desk, news)
    assert [getattr(item, "reason", "read") for item in found] == [
        "read",
        "read",
        "broken JSON",
        "changed while it was read",
    ]


def test_a_file_that_goes_away(desk, news, monkeypatch):
    (news / "a.txt").write_text(story(1))
    (news / "b.txt").write_text(story(2))
    look = sources._kind

    def gone(file, settings):
        (news / "a.txt").unlink(missing_ok=True)
        return look(file, settings)

    monkeypatch.setattr(sources, "_kind", gone)
    assert [getattr(item, "reason", "read") for item in read(desk, news)] == ["cannot be read", "read"]
