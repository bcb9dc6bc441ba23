"""What a source yields, and what all kinds of source need to yield it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Protocol

from copydesk.schemas import Removed

from .columns import fields_of, wanted
from .crawls import as_crawled
from .places import SourceFile
from .settings import IngestSettings

__all__ = [
    "NOT_UTF8",
    "TOO_LARGE",
    "Mark",
    "RawRecord",
    "Source",
    "Yielded",
    "aside",
    "digest",
    "lines",
    "no_text_column",
    "record_of",
    "too_large",
    "whole",
]

NOT_UTF8: Final = "not UTF-8"
TOO_LARGE: Final = "too large"
PAGE: Final = re.compile(r"\ufeff?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


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
        skipped: How many characters of its file stand before its text, such as the front matter of Markdown.
    """

    of: str
    kind: str
    raw_sha256: str
    text: str = ""
    html: bytes = b""
    fields: Mapping[str, str] = field(default_factory=dict)
    skipped: int = 0

    @property
    def size(self) -> int:
        """About how much there is to do, in bytes."""
        return len(self.text) + len(self.html)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a large file from which reading can go on; all that stands before it was yielded.

    Attributes:
        of: The place as a person knows it, with the number of the record after it.
        file: Which file, in which state (see :attr:`SourceFile.identity`).
        offset: In bytes of the file as it lies there.
        number: How many records stand before it.
    """

    of: str
    file: str
    offset: int
    number: int


Yielded = RawRecord | Removed | Mark | SourceFile
"""What a source may yield; a :class:`SourceFile` is a file inside it, which is then read as any other."""


class Source(Protocol):
    """A kind of file.

    Attributes:
        kind: Its name, which every document read from it keeps.
        suffixes: The endings that tell it, lower-case; the longest that fits wins.
        magic: First bytes that tell it whatever its ending is.
    """

    kind: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...]

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[Yielded]:
        """Yield the file's records in order."""
        ...


def record_of(
    of: str, kind: str, sha256: str, record: Mapping[str, Any], settings: IngestSettings
) -> RawRecord | Removed:
    """Return a record that was read by the names of its columns, or why there is none.

    Args:
        of: Its place.
        kind: The kind of its source; of what a known crawler wrote, the crawler's name.
        sha256: Of its bytes.
        record: Its values by the source's names.
        settings: Their ``columns`` and ``max_bytes`` count.
    """
    crawler, known = as_crawled(record)
    values = fields_of(known, settings.columns)
    text, html = values.pop("text", ""), values.pop("html", "")
    if PAGE.match(text):  # what it is counts more than what its column is called
        text, html = "", text
    if not text.strip() and not html.strip():
        return aside(of, "no text", "columns seen: " + ", ".join(str(name) for name in record))
    if max(len(text), len(html)) > settings.max_bytes:
        return aside(of, TOO_LARGE, f"the record is longer than {settings.max_bytes:,} bytes")
    # bytes that are no UTF-8 came through as half a surrogate pair; JSON may hold those too, which `clean` counts
    from_json = kind in ("jsonl", "json")
    if not from_json and any("\udc80" <= c <= "\udcff" for value in (text, html, *values.values()) for c in value):
        return aside(of, NOT_UTF8)
    if text.strip():
        return RawRecord(of, crawler or kind, sha256, text=text, fields=values)
    return RawRecord(of, crawler or kind, sha256, html=html.encode("utf-8", "replace"), fields=values)


def no_text_column(of: str, names: list[str], settings: IngestSettings) -> Removed | None:
    """Return why a table without a column for text or page cannot be read, or None where it has one."""
    found = wanted(names, settings.columns)
    if "text" in found or "html" in found:
        return None
    seen = ", ".join(names) or "none"
    return aside(of, "no text column", f'columns seen: {seen}; name yours in copydesk.toml: columns = {{ text = "…" }}')


def whole(file: SourceFile, settings: IngestSettings) -> bytes | Removed:
    """Return all bytes of a file that is one article, or why not: it is empty or too large."""
    if refusal := too_large(file, settings):
        return refusal
    with file.open() as stream:
        raw = stream.read(settings.max_bytes + 1)
    if refusal := too_large(file, settings, size=len(raw)):
        return refusal
    return raw if raw.strip() else aside(file.label, "empty file")


def too_large(file: SourceFile, settings: IngestSettings, *, size: int | None = None) -> Removed | None:
    """Return why a file is too large, or None; `size` in bytes is by default what lies there, packed or not."""
    if (file.size() if size is None else size) <= settings.max_bytes:
        return None
    return aside(file.label, TOO_LARGE, f"more than {settings.max_bytes:,} bytes (ingest.max_bytes)")


def lines(stream: BinaryIO, limit: int) -> Iterator[tuple[int, bytes | None]]:
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


def aside(of: str, reason: str, detail: str = "") -> Removed:
    """Return the note of something that could not be read."""
    return Removed(document_id="", stage="read", reason=reason, of=of, detail=detail)


def digest(raw: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(raw).hexdigest()
