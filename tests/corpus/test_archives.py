from __future__ import annotations

import bz2
import gzip
import importlib
import io
import json
import lzma
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copydesk.corpus import documents, ingest
from copydesk.schemas import InputError, Removed

from .archives_of_ours import packed, page, record
from .conftest import change_setting, story, tree_digest, write_jsonl

places = importlib.import_module("copydesk.corpus.places")
sources = importlib.import_module("copydesk.corpus.sources")
unpacking = importlib.import_module("copydesk.corpus.unpacking")


def read(desk, *names):
    return [
        item
        for file in places.find([str(name) for name in names], desk=desk.path)
        for item in sources.read(file, desk.settings.ingest)
    ]


def fates(found):
    return {item.of.partition("!")[2]: getattr(item, "reason", "") or item.kind for item in found}


def table(texts):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), buffer)
    return buffer.getvalue()


def tarred(members, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


MEMBERS = {
    "a/one.txt": b"One.",
    "a/two.html": page(2).encode(),
    "lines.jsonl.gz": gzip.compress(b'{"text": "three"}\n{"text": "four"}\n'),
    "table.parquet": table(["five"]),
    "crawl.warc.gz": packed([record(6)]),
    ".hidden.txt": b"no",
    "__MACOSX/a/._one.txt": b"no",
    "picture.jpg": b"\xff\xd8\xff" + b"x" * 100,
}
FOUND = {
    "a/one.txt": "text",
    "a/two.html": "html",
    "lines.jsonl.gz:1": "jsonl",
    "lines.jsonl.gz:2": "jsonl",
    "table.parquet:1": "parquet",
    "crawl.warc.gz:1": "warc",
    "picture.jpg": "binary file",
}


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a.zip", zipped(MEMBERS)),
        ("a.tar", tarred(MEMBERS)),
        ("a.tar.gz", tarred(MEMBERS, "w:gz")),
        ("a.tgz", tarred(MEMBERS, "w:gz")),
        ("a.tar.bz2", tarred(MEMBERS, "w:bz2")),
        ("a.tar.xz", tarred(MEMBERS, "w:xz")),
        ("a.tar.zst", pa.compress(tarred(MEMBERS), "zstd", asbytes=True)),
    ],
)
def test_any_kind_of_file_in_any_kind_of_archive(desk, news, name, made):
    (news / name).write_bytes(made)
    found = read(desk, news)
    assert fates(found) == FOUND
    assert all(item.of.startswith(f"news/{name}!") for item in found)


@pytest.mark.parametrize(
    ("ending", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", lambda data: pa.compress(data, "zstd", asbytes=True))],
)  # fmt: skip
def test_files_packed_by_themselves(desk, news, ending, pack):
    made = pack(b'{"text": "one"}\n{"text": "two"}\n' * 2_000)
    (news / f"a.jsonl{ending}").write_bytes(made)
    assert len(read(desk, news)) == 4_000
    (news / f"a.jsonl{ending}").write_bytes(made[: len(made) // 2])
    last = read(desk, news)[-1]
    assert last.reason in ("damaged gzip", "damaged archive", "cannot be read")


def test_names_that_lead_out_of_the_archive(desk, news):
    names = {
        "../up.txt": b"no",
        "/etc/root.txt": b"no",
        "a/../../up.txt": b"no",
        "c:/up.txt": b"no",
        "a/b..c.txt": b"One.",
    }
    (news / "a.zip").write_bytes(zipped(names))
    (news / "b.tar").write_bytes(tarred(names))
    found = read(desk, news)
    assert [getattr(item, "reason", "read") for item in found] == ["unsafe name"] * 4 + ["read"] + [
        "unsafe name"
    ] * 4 + ["read"]
    assert not (news.parent / "up.txt").exists()


def test_links_in_a_tar_are_not_followed(desk, news):
    with tarfile.open(news / "a.tar", "w") as archive:
        link = tarfile.TarInfo("passwords.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert read(desk, news)[0].detail == "a link or a device, no regular file"


def test_archives_in_archives_end(desk, news):
    inner = {"story.txt": b"One."}
    made = zipped(inner)
    for _ in range(2):
        made = zipped({"next.zip": made})
    (news / "a.zip").write_bytes(made)
    assert fates(read(desk, news)) == {"next.zip!next.zip!story.txt": "text"}
    (news / "a.zip").write_bytes(zipped({"next.tar": tarred({"next.zip": made})}))
    assert [item.reason for item in read(desk, news)] == ["nested too deep"]


@pytest.mark.parametrize("make", [zipped, lambda members: tarred(members, "w:gz")])
def test_a_bomb_ends_its_archive(desk, news, monkeypatch, make):
    monkeypatch.setattr(unpacking, "FREE", 1_000_000)
    (news / "a.zip" if make is zipped else news / "a.tar.gz").write_bytes(
        make({"one.txt": b"One.", "bomb.jsonl": b"\n" * 9_000_000, "three.txt": b"Three."})
    )
    found = read(desk, news)
    assert found[0].text == "One."
    assert found[-1].reason == "unpacks to too much"
    assert len(found) == 2


def test_a_bomb_in_gzip(desk, news, monkeypatch):
    monkeypatch.setattr(unpacking, "FREE", 1_000_000)
    (news / "a.jsonl.gz").write_bytes(gzip.compress(b"\n" * 9_000_000))
    (news / "b.zip").write_bytes(zipped({"c.jsonl.gz": gzip.compress(gzip.compress(b"\n" * 9_000_000))}))
    assert [item.reason for item in read(desk, news)] == ["unpacks to too much", "binary file"]


def test_members_that_share_their_bytes_share_the_allowance(desk, news, monkeypatch):
    monkeypatch.setattr(unpacking, "FREE", 1_000_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.jsonl", b"\n" * 900_000)
        first = archive.infolist()[0]
        for number in range(50):  # every name leads to the same bytes
            other = zipfile.ZipInfo(f"{number}.jsonl")
            for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(other, name, getattr(first, name))
            archive.filelist.append(other)
    (news / "a.zip").write_bytes(buffer.getvalue())
    assert read(desk, news)[-1].reason in ("unpacks to too much", "damaged archive")
    assert len(read(desk, news)) <= 2


@pytest.mark.parametrize("name", ["a.zip", "a.wacz", "a.tar", "a.tar.gz"])
def test_a_damaged_archive(desk, news, name):
    (news / name).write_bytes(b"no archive at all, only words" * 30)
    assert read(desk, news)[0].reason == "damaged archive"
    good = tarred(MEMBERS, "w:gz") if "tar" in name else zipped(MEMBERS)
    (news / name).write_bytes(good[: len(good) // 2])
    assert read(desk, news)[-1].reason in ("damaged archive", "damaged gzip", "cannot be read")


def test_a_damaged_member_costs_itself(desk, news):
    made = bytearray(zipped({"one.txt": b"One. " * 500, "two.txt": b"Two. " * 500}))
    at = made.index(b"one.txt") + 20
    made[at] ^= 0xFF
    (news / "a.zip").write_bytes(bytes(made))
    first, second = read(desk, news)
    assert isinstance(first, Removed)
    assert second.text == "Two. " * 500


def test_an_archive_with_nothing_in_it(desk, news):
    (news / "a.zip").write_bytes(zipped({}))
    (news / "b.wacz").write_bytes(zipped({"datapackage.json": b"{}"}))
    assert [item.reason for item in read(desk, news)] == ["empty file"] * 2


def test_an_encrypted_member(desk, news):
    made = bytearray(zipped({"one.txt": b"One."}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        made[made.index(mark) + at] |= 1
    (news / "a.zip").write_bytes(bytes(made))
    assert read(desk, news)[0].reason == "encrypted"


def test_an_archive_gives_the_same_documents_as_its_files(tmp_path, desk, news):
    stories = {f"{number}.txt": story(number).encode() for number in range(6)}
    (news / "a.zip").write_bytes(zipped(stories))
    assert ingest(desk, [str(news)]).accepted == 6
    from_zip = sorted(document.id for document in documents(desk))
    for name, text in stories.items():
        (news / name).write_bytes(text)
    assert ingest(desk, [str(news)]).accepted == 0
    assert sorted(document.id for document in documents(desk)) == from_zip


def test_addresses_of_fsspec(desk, news):
    fsspec = importlib.import_module("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe("/harun/news/a.jsonl", b'{"text": "one"}\n')
    memory.pipe("/harun/news/deep/b.zip", zipped({"two.txt": b"Two."}))
    memory.pipe("/harun/news/.hidden.txt", b"no")
    memory.pipe("/harun/news/c.warc.gz", packed([record(3)]))
    memory.pipe("/harun/news/d.parquet", table(["four"]))
    try:
        assert [item.of for item in read(desk, "memory://harun/news")] == [
            "news/a.jsonl:1", "news/c.warc.gz:1", "news/d.parquet:1", "news/deep/b.zip!two.txt"
        ]  # fmt: skip
        assert [item.of for item in read(desk, "memory://harun/news/*.jsonl", "memory://harun/news/a.jsonl")] == [
            "a.jsonl:1"
        ]
        assert [item.of for item in read(desk, "memory://harun/news/a.jsonl")] == ["a.jsonl:1"]
        assert places.missing(["memory://harun/nowhere", "memory://harun/news"]) == ["memory://harun/nowhere"]
        write_jsonl(news / "e.jsonl", [{"text": "five"}])
        assert [item.of for item in read(desk, f"file://{news}")] == ["news/e.jsonl:1"]
    finally:
        memory.rm("/harun", recursive=True)


def test_a_protocol_that_nobody_knows(desk):
    with pytest.raises(InputError, match=r"(?i)protocol"):
        ingest(desk, ["nosuch://bucket/news"])


def test_the_same_bytes_from_elsewhere_as_from_here(tmp_path, desk, news):
    memory = importlib.import_module("fsspec").filesystem("memory")
    lines = "".join(json.dumps({"text": story(number)}) + "\n" for number in range(5)).encode()
    memory.pipe("/same/news/a.jsonl", lines)
    (news / "a.jsonl").write_bytes(lines)
    try:
        corpus = importlib.import_module("copydesk.corpus")
        other = change_setting(corpus.init_desk(tmp_path / "other", name="desk"), "^engine = .*", 'engine = "serial"')
        ingest(desk, [str(news)])
        ingest(other, ["memory://same/news"])
        assert tree_digest(desk.path) == tree_digest(other.path)
    finally:
        memory.rm("/same", recursive=True)
