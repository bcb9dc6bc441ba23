"""Measure how fast records come out of large files, against unpacking, decoding and NFC, which nobody can avoid."""

from __future__ import annotations

import gzip
import json
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from copydesk.corpus.places import SourceFile
from copydesk.corpus.settings import IngestSettings
from copydesk.corpus.sources import RawRecord, read

from .figure import Figure, figure, ratio
from .ingest import make_pages

__all__ = ["figures"]

SETTINGS = IngestSettings()


def _warc_record(number: int, page: bytes) -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: example\r\n\r\n"
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{number:012d}>\r\n"
        f"WARC-Date: 2026-03-02T08:00:00Z\r\nWARC-Target-URI: https://example.org/{number}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http) + len(page)}\r\n\r\n"
    )
    return head.encode() + http + page + b"\r\n\r\n"


def _files(folder: Path, pages: list[bytes]) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Yield each file with the least that reading it takes: unpacking all of it, decoding it and NFC."""

    def decoded(data: bytes) -> None:
        unicodedata.normalize("NFC", data.decode("utf-8"))

    records = [_warc_record(number, page) for number, page in enumerate(pages)]
    lines = [json.dumps({"id": str(n), "html": page.decode()}).encode() + b"\n" for n, page in enumerate(pages)]
    plain, packed, jsonl = folder / "a.warc", folder / "b.warc.gz", folder / "c.jsonl.gz"
    zipped = folder / "d.zip"
    plain.write_bytes(b"".join(records))
    packed.write_bytes(b"".join(gzip.compress(record, 6, mtime=0) for record in records))
    jsonl.write_bytes(gzip.compress(b"".join(lines), 6, mtime=0))
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, page in enumerate(pages):
            archive.writestr(f"{number:06d}.html", page)

    def unpacked(path: Path) -> None:
        with gzip.open(path) as stream:
            decoded(stream.read())

    def unzipped() -> None:
        with zipfile.ZipFile(zipped) as archive:
            for name in archive.namelist():
                decoded(archive.read(name))

    yield plain, lambda: decoded(plain.read_bytes())
    for path in (packed, jsonl):
        yield path, partial(unpacked, path)
    yield zipped, unzipped


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield the speed of reading (records and their hashes, no extraction) as a share of that limit."""
    number = 400 if quick else 4_000
    pages = make_pages(number)
    with tempfile.TemporaryDirectory() as folder:
        for path, least in _files(Path(folder), pages):

            def ours(path: Path = path) -> None:
                found = sum(isinstance(item, RawRecord) for item in read(SourceFile(path, path.name), SETTINGS))
                assert found == number, found

            share, taken, peer = ratio(ours, least, rounds=3 if quick else 5)
            kind = "".join(path.suffixes).lstrip(".")
            yield figure(
                f"read {kind}, speed of the limit",
                share,
                "ratio",
                peer="unpack, decode, NFC",
                n=number,
                seconds=taken + peer,
            )
            size = sum(map(len, pages)) / 1e6
            yield figure(f"read {kind}", size / taken, "MB of pages/s CPU", n=number, seconds=taken)
