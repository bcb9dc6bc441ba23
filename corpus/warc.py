"""Read web archives: WARC files, packed or not, as CC-News, Common Crawl and browsers write them. The only door to fastwarc.

`warc_frames` cuts the file into records; fastwarc reads each of them, its HTTP header and how its page is encoded.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from copydesk.schemas import Removed

from .places import SourceFile
from .records import TOO_LARGE, Mark, RawRecord, aside, digest
from .settings import IngestSettings
from .unpacking import Allowance, packing
from .warc_frames import Frame, frames

__all__ = ["WarcSource"]

MARK_EVERY: Final = 1_000_000
"""Bytes of the file between two places from which a killed run goes on."""

TYPE: Final = re.compile(rb"^warc-type:[ \t]*([\w-]+)", re.IGNORECASE | re.MULTILINE)
PAGES: Final = frozenset({"response", "resource", "conversion"})
DAMAGED: Final = "damaged WARC record"
WAYS: Final[tuple[Literal["all", "none"], ...]] = ("all", "none")
HTML: Final = ("text/html", "application/xhtml+xml")
SAYS_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}charset|<\?xml[^>]{0,100}encoding", re.IGNORECASE)
ROBOTS: Final = {"X-Robots-Tag": "{}", "TDM-Reservation": "tdm-reservation={}", "TDM-Policy": "tdm-policy={}"}


class WarcSource:
    """A web archive in WARC.

    What a server answered, and what was made of it, counts as a record; requests, notes on the crawl and repeated visits
    are passed over.
    """

    kind = "warc"
    suffixes: tuple[str, ...] = (".warc",)
    magic: tuple[bytes, ...] = (b"WARC/1.", b"WARC/0.")

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed | Mark]:
        """Yield one record a page, and marks between them; reading begins at the file's ``start``."""
        offset, number = file.start
        with file.open_packed() as stream:
            how = packing(stream.read(6))
        members = how == "gzip"
        stream = file.open() if how and not members else file.open_packed()
        marked = bool(not how or members) and not file.depth
        with stream:
            if offset:
                stream.seek(offset)
            allowance = file.allowance or Allowance(file.size())
            at = offset
            for frame in frames(
                stream, packed=members, limit=settings.max_bytes, allowance=allowance, start=(offset, number)
            ):
                # a mark's place depends on the file alone, not on where this run began to read
                if marked and frame.offset is not None and frame.offset // MARK_EVERY > at // MARK_EVERY:
                    at = frame.offset
                    yield Mark(f"{file.label}:{frame.number}", file.identity, at, frame.number - 1)
                number = frame.number
                if (item := _record(f"{file.label}:{frame.number}", frame, settings)) is not None:
                    yield item
            if marked and number > file.start[1]:
                yield Mark(file.label, file.identity, file.size(), number)


def _record(of: str, frame: Frame, settings: IngestSettings) -> RawRecord | Removed | None:
    found = TYPE.search(frame.header)
    kind = found.group(1).decode("ascii", "replace").lower() if found else ""
    if frame.header and found and kind not in PAGES:
        return None
    if frame.large:
        return aside(of, TOO_LARGE, f"more than {settings.max_bytes:,} bytes (ingest.max_bytes)")
    if frame.problem:
        return aside(of, DAMAGED, frame.problem)
    problem = ""
    # some crawlers keep the note that a page was packed beside the page that they unpacked
    for decode in WAYS:
        try:
            item = _page(of, kind, _parsed(frame, decode), settings)
        except (OSError, ValueError) as error:
            problem = problem or str(error)
            continue
        if isinstance(item, RawRecord) and decode == "none" and b"<" not in item.html[:1_000]:
            break
        return item
    return aside(of, DAMAGED, problem)


def _parsed(frame: Frame, decode: Literal["all", "none"]) -> Any:
    from fastwarc.warc import ArchiveIterator

    record = next(iter(ArchiveIterator(io.BytesIO(frame.raw), parse_http=False)), None)
    if record is None:
        raise ValueError("no record that can be read")
    record.parse_http(auto_decode=decode)
    return record


def _page(of: str, kind: str, record: Any, settings: IngestSettings) -> RawRecord | Removed:
    http = record.http_headers
    if http is not None and http.status_code is not None and not 200 <= http.status_code < 300:
        return aside(of, "no page", f"the server answered with status {http.status_code}")
    said = (http if http is not None else record.headers).get("Content-Type") or ""
    media = said.partition(";")[0].strip().lower()
    raw = record.reader.read(settings.max_bytes + 1)
    if len(raw) > settings.max_bytes:
        return aside(of, TOO_LARGE, f"more than {settings.max_bytes:,} bytes (ingest.max_bytes)")
    if not raw.strip():
        return aside(of, "empty file", "the record has no content")
    fields = {"url": record.headers.get("WARC-Target-URI") or "", "retrieved": record.headers.get("WARC-Date") or ""}
    if http is not None:
        fields["robots"] = ", ".join(
            sorted(form.format(http.get(name)) for name, form in ROBOTS.items() if http.get(name))
        )
    fields = {name: value.strip("<> ") for name, value in fields.items() if value}
    if media in HTML or (not media and raw[:500].lstrip().lower().startswith((b"<!doctype html", b"<html"))):
        return RawRecord(of, "warc", digest(raw), html=_as_utf8(raw, record.http_charset), fields=fields)
    if media == "text/plain" and kind == "conversion":
        return RawRecord(of, "warc", digest(raw), text=raw.decode("utf-8", "replace"), fields=fields)
    return aside(of, "no page", media or "no media type")


def _as_utf8(page: bytes, charset: str | None) -> bytes:
    """Return a page in the encoding that its server names, where it names none itself."""
    if not charset or SAYS_CHARSET.search(page[:4_096]):
        return page
    try:
        page.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return page.decode(codecs.lookup(charset).name).encode("utf-8")
        except (UnicodeError, LookupError):
            return page
    return page
