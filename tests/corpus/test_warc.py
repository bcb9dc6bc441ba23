from __future__ import annotations

import gzip
import importlib
import io
import random
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.corpus import documents, ingest, removed
from copydesk.schemas import Removed

from .archives_of_ours import packed, page, record
from .conftest import change_setting, tree_digest

frames_of = importlib.import_module("copydesk.corpus.warc_frames")
intake = importlib.import_module("copydesk.corpus.intake")
sources = importlib.import_module("copydesk.corpus.sources")
unpacking = importlib.import_module("copydesk.corpus.unpacking")
warc = importlib.import_module("copydesk.corpus.warc")

FORMS = {
    "plain": b"".join,
    "members": packed,
    "one member": lambda records: gzip.compress(b"".join(records), mtime=0),
    "members of any size": lambda records: b"".join(
        gzip.compress(part, mtime=0) for part in _cut(b"".join(records), 700)
    ),
}


def _cut(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def read(desk, path):
    places = importlib.import_module("copydesk.corpus.places")
    return [
        item for file in places.find([str(path)], desk=desk.path) for item in sources.read(file, desk.settings.ingest)
    ]


def fates(found):
    return [item.reason if isinstance(item, Removed) else int(item.fields["url"].rpartition("/")[2]) for item in found]


@pytest.mark.parametrize("form", FORMS)
def test_the_pages_of_a_web_archive(desk, news, form):
    other = [record(7, b"GET /", kind="request"), record(8, b"software: ours", kind="warcinfo")]
    (news / "crawl.warc").write_bytes(FORMS[form]([other[1], record(1), other[0], record(2)]))
    first, second = read(desk, news)
    assert (first.of, second.of) == ("news/crawl.warc:2", "news/crawl.warc:4")
    assert first.fields == {"url": "https://harun.example/1", "retrieved": "2024-11-29T10:00:00Z"}
    assert second.html == page(2).encode()
    assert first.kind == "warc"


def test_an_archive_is_known_by_its_first_bytes(desk, news):
    (news / "crawl.dat").write_bytes(record(1))
    assert fates(read(desk, news)) == [1]


def test_texts_that_were_made_of_pages(desk, news):
    (news / "a.wet.warc.gz").write_bytes(packed([record(1, b"One.\nTwo.", kind="conversion", said="text/plain")]))
    (found,) = read(desk, news)
    assert found.text == "One.\nTwo."


def test_what_is_no_page_is_set_aside(desk, news):
    (news / "a.warc").write_bytes(
        record(1, status="404 Not Found") + record(2, b"\x89PNG", said="image/png") + record(3, b"  ") + record(4)
    )
    found = read(desk, news)
    assert fates(found) == ["no page", "no page", "empty file", 4]
    assert [item.detail for item in found[:2]] == ["the server answered with status 404", "image/png"]


def test_what_the_server_asks_of_machines(desk, news):
    (news / "a.warc").write_bytes(record(1, more="X-Robots-Tag: noai\r\nTDM-Reservation: 1\r\n"))
    assert read(desk, news)[0].fields["robots"] == "noai, tdm-reservation=1"


def test_pages_in_the_encoding_that_their_server_names(desk, news):
    text = page(1).replace("Story", "Gesch\u00e4ft")
    told = record(1, text.encode("cp1252"), said="text/html; charset=windows-1252")
    wrong = record(2, text.encode(), said="text/html; charset=no-such-thing")
    chunked = b"5\r\n<html\r\n1\r\n>\r\n0\r\n\r\n"
    (news / "a.warc").write_bytes(
        told + wrong + record(3, gzip.compress(text.encode()), more="Content-Encoding: gzip\r\n")
        + record(4, text.encode(), more="Content-Encoding: gzip\r\n")  # unpacked, and still said to be packed
        + record(5, chunked, more="Transfer-Encoding: chunked\r\n")
    )  # fmt: skip
    found = read(desk, news)
    assert [item.html.decode() for item in found] == [text, text, text, text, "<html>"]


@pytest.mark.parametrize("form", ["plain", "members"])
@pytest.mark.parametrize("off_by", [-4_000, -50, -1, 1, 50, 4_000, 10**12])
def test_a_wrong_length_costs_its_record_and_no_other(desk, news, form, off_by):
    stories = [record(1), record(2, off_by=max(off_by, 40 - len(page(2)))), record(3), record(4)]
    (news / "a.warc").write_bytes(FORMS[form](stories))
    found = read(desk, news)
    assert fates(found) == [1, "damaged WARC record", 3, 4]
    assert "its length is wrong" in found[1].detail
    assert [item.of.rpartition(":")[2] for item in found] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "by", [b"Content-Length: -1", b"Content-Length: many", b"X: 1", b"Content-Length: " + b"9" * 400]
)
@pytest.mark.parametrize("form", ["plain", "members"])
def test_a_length_that_is_no_number(desk, news, form, by):
    line = next(line for line in record(2).split(b"\r\n") if line.startswith(b"Content-Length"))
    (news / "a.warc").write_bytes(FORMS[form]([record(1), record(2).replace(line, by), record(3)]))
    assert fates(read(desk, news)) == [1, "damaged WARC record", 3]


def test_a_file_that_breaks_off(desk, news):
    whole = packed([record(1), record(2), record(3)])
    (news / "a.warc.gz").write_bytes(whole[:-100])
    found = read(desk, news)
    assert fates(found) == [1, 2, "damaged WARC record"]
    assert found[2].detail == "the file ends in the middle of a packed record"
    (news / "a.warc.gz").unlink()
    (news / "a.warc").write_bytes(b"".join([record(1), record(2)])[:-500])
    assert fates(read(desk, news)) == [1, "damaged WARC record"]


@pytest.mark.parametrize("where", ["head", "middle", "end"])
def test_damage_in_one_member(desk, news, where):
    members = [gzip.compress(record(number), mtime=0) for number in (1, 2, 3)]
    at = {"head": 2, "middle": len(members[1]) // 2, "end": len(members[1]) - 6}[where]
    members[1] = members[1][:at] + bytes(byte ^ 0x55 for byte in members[1][at : at + 4]) + members[1][at + 4 :]
    (news / "a.warc.gz").write_bytes(b"".join(members))
    found = read(desk, news)
    assert fates(found) == [1, "damaged WARC record", 3]


def test_damage_at_the_very_beginning(desk, news):
    (news / "a.warc.gz").write_bytes(gzip.compress(b"rubbish " * 900) + packed([record(1)]))
    assert fates(read(desk, news)) == ["damaged WARC record", 1]


def test_a_record_that_is_too_large_is_never_held(desk, news):
    desk = change_setting(desk, "^max_bytes = .*", "max_bytes = 5_000 #")
    bomb = record(2, gzip.compress(b"<html>" + b" " * 10_000_000), more="Content-Encoding: gzip\r\n")
    for form in ("plain", "members"):
        (news / "a.warc").write_bytes(FORMS[form]([record(1), record(2, b"x" * 600_000), record(3)]))
        assert fates(read(desk, news)) == [1, "too large", 3]
    desk = change_setting(desk, "^max_bytes = .*", "max_bytes = 50_000 #")
    (news / "a.warc").write_bytes(record(1) + bomb + record(3))
    assert fates(read(desk, news)) == [1, "too large", 3]


def test_a_member_that_unpacks_to_too_much(desk, news, monkeypatch):
    monkeypatch.setattr(unpacking, "FREE", 100_000)
    (news / "a.warc.gz").write_bytes(packed([record(1), record(2, b"\0" * 5_000_000)]))
    found = read(desk, news)
    assert found[-1].reason == "unpacks to too much"
    assert "bytes come out of it" in found[-1].detail


def test_a_web_archive_in_wacz(desk, news):
    with zipfile.ZipFile(news / "a.wacz", "w") as archive:
        archive.writestr("datapackage.json", "{}")
        archive.writestr("pages/pages.jsonl", '{"text": "not this"}\n')
        archive.writestr("archive/data.warc.gz", packed([record(1), record(2)]))
    found = read(desk, news)
    assert [item.of for item in found] == ["news/a.wacz!archive/data.warc.gz:1", "news/a.wacz!archive/data.warc.gz:2"]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(sorted(FORMS)), st.integers(1, 6))
def test_no_damage_stops_the_reading(seed, form, holes):
    dice = random.Random(seed)
    data = bytearray(FORMS[form]([record(number) for number in range(1, 6)]))
    for _ in range(holes):
        at = dice.randrange(len(data))
        data[at : at + dice.randrange(12)] = dice.randbytes(dice.randrange(12))
    stream = io.BytesIO(bytes(data))
    how = unpacking.packing(bytes(data[:6])) == "gzip"
    found = list(frames_of.frames(stream, packed=how, limit=100_000, allowance=unpacking.Allowance(len(data))))
    assert [frame.number for frame in found] == list(range(1, len(found) + 1))
    assert all(frame.problem or frame.header for frame in found)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(max_size=3_000), max_size=6), st.sampled_from(sorted(FORMS)))
def test_whatever_a_block_holds_is_kept(blocks, form):
    blocks = [block for block in blocks if not block.endswith((b"\r", b"\n"))]
    data = FORMS[form]([record(number, block, kind="resource") for number, block in enumerate(blocks)])
    packed_too = form != "plain"
    found = frames_of.frames(io.BytesIO(data), packed=packed_too, limit=9_000, allowance=unpacking.Allowance(len(data)))
    assert [frame.block for frame in found] == blocks


class KilledError(BaseException):
    """Stands for a process that is gone."""


def test_a_killed_run_goes_on_in_the_middle_of_a_file(tmp_path, desk, monkeypatch):
    monkeypatch.setattr(intake, "SHARD_DOCUMENTS", 4)
    monkeypatch.setattr(warc, "MARK_EVERY", 2_000)
    import copydesk.corpus as corpus

    records = [record(number, status="200 OK" if number % 5 else "404 Not Found") for number in range(40)]
    (tmp_path / "a.warc.gz").write_bytes(packed(records))
    source = [str(tmp_path / "a.warc.gz")]
    whole = change_setting(corpus.init_desk(tmp_path / "other", name="desk"), "^engine = .*", 'engine = "serial"')
    ingest(whole, source)
    expected = tree_digest(whole.path)

    write = type(desk).write
    looked_at = []
    parse = warc._record
    monkeypatch.setattr(
        warc, "_record", lambda of, frame, made: (looked_at.append(frame.number), parse(of, frame, made))[1]
    )
    for kill_at in (1, 3, 5, 8):
        calls = iter(range(1, 1_000))

        def dying(self, *arguments, at=kill_at, count=calls):
            if next(count) == at:
                raise KilledError
            return write(self, *arguments)

        monkeypatch.setattr(type(desk), "write", dying)
        with pytest.raises(KilledError):
            ingest(desk, source)
    monkeypatch.setattr(type(desk), "write", write)
    looked_at.clear()
    ingest(desk, source)
    assert min(looked_at) > 10
    assert not (desk.path / ".reading.json").exists()
    assert tree_digest(desk.path) == expected
    assert len(list(documents(desk))) == 32
    assert sum(item.reason == "no page" for item in removed(desk)) == 8


def test_a_file_that_was_written_anew_is_read_from_its_beginning(tmp_path, desk, monkeypatch):
    monkeypatch.setattr(intake, "SHARD_DOCUMENTS", 4)
    monkeypatch.setattr(warc, "MARK_EVERY", 2_000)
    source = tmp_path / "a.warc.gz"
    source.write_bytes(packed([record(number) for number in range(20)]))
    write = type(desk).write
    calls = iter(range(1, 1_000))

    def dying(self, *arguments):
        if next(calls) == 4:
            raise KilledError
        return write(self, *arguments)

    monkeypatch.setattr(type(desk), "write", dying)
    with pytest.raises(KilledError):
        ingest(desk, [str(source)])
    monkeypatch.setattr(type(desk), "write", write)
    assert (desk.path / ".reading.json").exists()
    source.write_bytes(packed([record(number) for number in range(100, 121)]))
    assert ingest(desk, [str(source)]).accepted == 21
