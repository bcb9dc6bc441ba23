"""Read records out of files. Each kind of file is one small class in `KINDS`.

A source yields, for every record, either a :class:`RawRecord` or a :class:`~copydesk.schemas.Removed` that says why
it could not be read, and always goes on with the next one. Files are read as streams: never more than one record
(at most ``max_bytes``), or one batch of Parquet rows, is in memory.

The kind is told by content where the first bytes are telling (Parquet, HTML, anything binary) and by the
file's ending otherwise.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.schemas import Removed

from .columns import fields_of, wanted
from .places import SourceFile
from .settings import IngestSettings

__all__ = ["KINDS", "RawRecord", "Source", "read"]

HEAD: Final = 8_192
NOT_UTF8: Final = "not UTF-8"
TOO_LARGE: Final = "too large"
MAGIC: Final = (b"%pdf-", b"pk\x03\x04", b"\x89png", b"\xff\xd8\xff", b"gif8", b"{\\rtf")  # compared in lower case
FRONT_MATTER: Final = re.compile(r"---[ \t]*\r?\n(.*?\n)---[ \t]*(?:\r?\n|$)", re.DOTALL)
FRONT_LINE: Final = re.compile(r"^([\w -]+):(.*)$", re.MULTILINE)
CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One article as its source holds it.

    Attributes:
        of: Where it came from: the file's label, with line or record number.
        kind: The kind of source.
        raw_sha256: SHA-256 of its bytes: the file's, the line's, or the row's as JSON.
        text: Its text, where the source has text.
        html: Its page, where the source has HTML.
        fields: What else the source says, by our field names (see :data:`~copydesk.corpus.columns.FIELDS`).
    """

    of: str
    kind: str
    raw_sha256: str
    text: str = ""
    html: bytes = b""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """About how much there is to do, in bytes."""
        return len(self.text) + len(self.html)


class Source(Protocol):
    """A kind of file."""

    kind: str
    suffixes: tuple[str, ...]

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield the file's records in order."""
        ...


def read(file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
    """Yield every record of a file, or why there is none. Never raises for what is in the file."""
    try:
        if not stat.S_ISREG(file.path.stat().st_mode):  # a pipe would wait for ever
            yield _aside(file.label, "cannot be read", "no regular file, or a folder that may not be entered")
            return
        with file.open() as stream:
            head = stream.read(HEAD)
        source = _kind(file, head, settings)
        if isinstance(source, Removed):
            yield source
        else:
            yield from source.records(file, settings)
    except (EOFError, zlib.error) as error:
        yield _aside(file.label, "damaged gzip", str(error))
    except OSError as error:
        yield _aside(file.label, "cannot be read", error.strerror or str(error))


def _kind(file: SourceFile, head: bytes, settings: IngestSettings) -> Source | Removed:
    if not head:
        return _aside(file.label, "empty file")
    if head.startswith(b"PAR1"):
        return ParquetSource()
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    by_suffix = next((source for source in KINDS if file.suffix in source.suffixes), None)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):  # UTF-16, which only a page may be in
        return by_suffix if isinstance(by_suffix, HtmlSource) else _aside(file.label, NOT_UTF8, "the file is UTF-16")
    if isinstance(by_suffix, WHOLE) and (refusal := _too_large(file, settings)):
        return refusal
    if start.startswith(MAGIC) or len(CONTROL.findall(head)) * 50 > len(head):
        return _aside(file.label, "binary file")
    if start.startswith((b"<!doctype html", b"<html")):
        return HtmlSource()
    if by_suffix is not None and not isinstance(by_suffix, ParquetSource):
        return by_suffix
    if _is_json_line(start):
        return JsonlSource()
    if file.named and not file.suffix:
        return TextSource()
    hint = "write one JSON object a line (.jsonl)" if file.suffix == ".json" else f"known are {_endings()}"
    return _aside(file.label, "unknown file type", f"the ending is {file.suffix or 'none'}; {hint}")


def _is_json_line(start: bytes) -> bool:
    """Tell whether a file whose ending says nothing begins with a JSON object on one line."""
    line, end, _ = start.partition(b"\n")
    if not end and len(start) > HEAD // 2:
        return start.startswith(b'{"')  # the line goes on behind what was read
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


class TextSource:
    """A file that is one article in plain text."""

    kind = "text"
    suffixes: tuple[str, ...] = (".txt", ".text", ".md", ".markdown")

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield the one article."""
        raw = _whole(file, settings)
        if isinstance(raw, Removed):
            yield raw
            return
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            yield _aside(file.label, NOT_UTF8, f"byte {error.start} cannot be read; save the file as UTF-8")
            return
        values: dict[str, str] = {}
        if file.suffix in (".md", ".markdown") and (front := FRONT_MATTER.match(text)):
            said = {name: _unquoted(value) for name, value in FRONT_LINE.findall(front.group(1))}
            values = fields_of(said, settings.columns)
            values.pop("text", None)
            text = text[front.end() :]
        yield RawRecord(file.label, self.kind, _digest(raw), text=text, fields=values)


def _unquoted(value: str) -> str:
    value = value.strip()
    value = value[1:] if value[:1] in ('"', "'") else value
    return value[:-1] if value[-1:] in ('"', "'") else value


class HtmlSource:
    """A file that is one page."""

    kind = "html"
    suffixes: tuple[str, ...] = (".html", ".htm", ".xhtml")

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield the one page."""
        raw = _whole(file, settings)
        yield raw if isinstance(raw, Removed) else RawRecord(file.label, self.kind, _digest(raw), html=raw)


class JsonlSource:
    """A file with one JSON object a line."""

    kind = "jsonl"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson", ".jsonlines")

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield one record a line; empty lines are passed over."""
        with file.open() as stream:
            for number, line in _lines(stream, settings.max_bytes):
                of = f"{file.label}:{number}"
                if line is None:
                    yield _aside(of, TOO_LARGE, f"the line is longer than {settings.max_bytes:,} bytes")
                elif line.strip():
                    yield self._record(of, line, settings)

    def _record(self, of: str, line: bytes, settings: IngestSettings) -> RawRecord | Removed:
        try:
            value = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            return _aside(of, NOT_UTF8, f"byte {error.start} of the line cannot be read")
        except (ValueError, RecursionError) as error:
            return _aside(of, "broken JSON", str(error))
        if not isinstance(value, dict):
            return _aside(of, "broken JSON", f"expected an object, found {type(value).__name__}")
        return _from_fields(of, self.kind, _digest(line.strip()), value, settings)


class CsvSource:
    """A table in text: comma, semicolon or tab between its cells, names in its first row."""

    kind = "csv"
    suffixes: tuple[str, ...] = (".csv", ".tsv", ".tab")

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield one record a row."""
        csv.field_size_limit(settings.max_bytes)
        with file.open() as stream:
            lines = _TextLines(stream, settings.max_bytes)
            header_line = next(lines, "").removeprefix("\ufeff")
            delimiter = "\t" if file.suffix in (".tsv", ".tab") else max(",;\t", key=header_line.count)
            names = next(csv.reader([header_line], delimiter=delimiter), [])
            if refusal := _no_text_column(file.label, names, settings):
                yield refusal
                return
            rows = csv.reader(lines, delimiter=delimiter)
            while True:
                of = f"{file.label}:{lines.number + 1}"
                lines.too_long = False
                try:
                    row = next(rows, None)
                except csv.Error as error:
                    yield _aside(of, "broken row", str(error))
                    continue
                if row is None:
                    return
                if lines.too_long:
                    yield _aside(of, TOO_LARGE, f"the line is longer than {settings.max_bytes:,} bytes")
                elif lines.ended:  # a row that asked for more lines than there are
                    yield _aside(
                        of, "broken row", f"a quotation mark is never closed; lines up to {lines.number} are in it"
                    )
                elif row:
                    yield self._record(of, names, row, settings)

    def _record(self, of: str, names: list[str], row: list[str], settings: IngestSettings) -> RawRecord | Removed:
        if len(row) > len(names):
            return _aside(of, "broken row", f"{len(row)} cells under {len(names)} column names; is a cell unquoted?")
        values = dict(zip(names, row, strict=False))
        raw = json.dumps(values, sort_keys=True).encode("ascii")
        return _from_fields(of, self.kind, _digest(raw), values, settings)


class ParquetSource:
    """A Parquet file."""

    kind = "parquet"
    suffixes: tuple[str, ...] = (".parquet", ".pq")

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield one record a row."""
        number = 0
        try:
            with pq.ParquetFile(file.path) as table:
                names = table.schema_arrow.names
                if refusal := _no_text_column(file.label, names, settings):
                    yield refusal
                    return
                columns = sorted({name for group in wanted(names, settings.columns).values() for name in group})
                for batch in table.iter_batches(batch_size=64, columns=columns):
                    for row in batch.to_pylist():
                        number += 1
                        raw = json.dumps(row, sort_keys=True, default=str).encode("ascii")
                        yield _from_fields(f"{file.label}:{number}", self.kind, _digest(raw), row, settings)
        except (pa.ArrowException, UnicodeDecodeError) as error:
            yield _aside(f"{file.label}:{number + 1}", "damaged Parquet", str(error))


def _from_fields(
    of: str, kind: str, digest: str, record: Mapping[str, Any], settings: IngestSettings
) -> RawRecord | Removed:
    values = fields_of(record, settings.columns)
    text, html = values.pop("text", ""), values.pop("html", "")
    seen = "columns seen: " + ", ".join(str(name) for name in record)
    if not text.strip() and not html.strip():
        return _aside(of, "no text", seen)
    if max(len(text), len(html)) > settings.max_bytes:
        return _aside(of, TOO_LARGE, f"the record is longer than {settings.max_bytes:,} bytes")
    # bytes that are no UTF-8 came through as half a surrogate pair; JSON may hold those too, which `clean` counts
    if kind != "jsonl" and any("\udc80" <= c <= "\udcff" for value in (text, html, *values.values()) for c in value):
        return _aside(of, NOT_UTF8)
    if text.strip():
        return RawRecord(of, kind, digest, text=text, fields=values)
    return RawRecord(of, kind, digest, html=html.encode("utf-8", "replace"), fields=values)


def _no_text_column(of: str, names: list[str], settings: IngestSettings) -> Removed | None:
    found = wanted(names, settings.columns)
    if "text" in found or "html" in found:
        return None
    seen = ", ".join(names) or "none"
    return _aside(
        of, "no text column", f'columns seen: {seen}; name yours in copydesk.toml: columns = {{ text = "…" }}'
    )


def _whole(file: SourceFile, settings: IngestSettings) -> bytes | Removed:
    """Return all bytes of a file that is one article."""
    if refusal := _too_large(file, settings):
        return refusal
    with file.open() as stream:
        raw = stream.read(settings.max_bytes + 1)
    if refusal := _too_large(file, settings, size=len(raw)):
        return refusal
    return raw if raw.strip() else _aside(file.label, "empty file")


def _too_large(file: SourceFile, settings: IngestSettings, *, size: int | None = None) -> Removed | None:
    if (file.path.stat().st_size if size is None else size) <= settings.max_bytes:
        return None
    return _aside(file.label, TOO_LARGE, f"more than {settings.max_bytes:,} bytes (ingest.max_bytes)")


def _lines(stream: BinaryIO, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield (number, line) from 1 on; None stands for a line longer than the limit, which is never held."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) <= limit:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(min(limit, 1 << 20))
        yield number, None


class _TextLines:
    """Lines as text for the csv module, which may be asked on after any of them."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._lines = _lines(stream, limit)
        self.number = 0
        self.too_long = False
        self.ended = False

    def __iter__(self) -> _TextLines:
        return self

    def __next__(self) -> str:
        found = next(self._lines, None)
        if found is None:
            self.ended = True
            raise StopIteration
        self.number, line = found
        if line is None:
            self.too_long = True
            return "\n"
        return line.decode("utf-8", "surrogateescape")


def _aside(of: str, reason: str, detail: str = "") -> Removed:
    return Removed(document_id="", stage="read", reason=reason, of=of, detail=detail)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _endings() -> str:
    return " ".join(suffix for source in KINDS for suffix in source.suffixes)


KINDS: Final[tuple[Source, ...]] = (TextSource(), HtmlSource(), JsonlSource(), CsvSource(), ParquetSource())
WHOLE: Final = (TextSource, HtmlSource)
