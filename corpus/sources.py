"""Read records out of files. Each kind of file is one small class in `KINDS`.

A source yields, for every record, either a :class:`RawRecord` or a :class:`~copydesk.schemas.Removed` that says why
it could not be read, and always goes on with the next one. Files are read as streams: never more than one record
(at most ``max_bytes``), or one batch of Parquet rows, is in memory. A file in which other files lie yields those, and
they are read in turn.

The kind is told by content where the first bytes are telling (Parquet, WARC, HTML, anything binary) and by the
file's ending otherwise.
"""

from __future__ import annotations

import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from copydesk.schemas import Removed

from .archives import MAX_DEPTH, TarSource, WaczSource, ZipSource
from .feeds import FeedSource
from .gdelt import GkgSource
from .json_files import JsonlSource, JsonSource, is_json_line
from .places import SourceFile
from .records import NOT_UTF8, Mark, RawRecord, Source, aside, too_large
from .settings import IngestSettings
from .single_files import HtmlSource, TextSource
from .tables import CsvSource, ParquetSource
from .unpacking import TooMuchError
from .warc import WarcSource

__all__ = ["KINDS", "Mark", "RawRecord", "Source", "read", "read_marked"]

HEAD: Final = 8_192
BINARY: Final = (b"%pdf-", b"pk\x03\x04", b"\x89png", b"\xff\xd8\xff", b"gif8", b"{\\rtf")  # compared in lower case
CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
PAGE: Final = re.compile(rb"(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype html|html[\s>])")

KINDS: Final[tuple[Source, ...]] = (
    TextSource(),
    HtmlSource(),
    JsonlSource(),
    JsonSource(),
    CsvSource(),
    ParquetSource(),
    WarcSource(),
    ZipSource(),
    WaczSource(),
    TarSource(),
    FeedSource(),
    GkgSource(),
)
"""Every kind of file that can be read. A new kind is one more class here."""

WHOLE: Final = (TextSource, HtmlSource)
"""Kinds of which a file is one record."""

ARCHIVES: Final = (ZipSource, TarSource)
PACKED: Final = (*ARCHIVES, ParquetSource, WarcSource)
"""Kinds that are binary by themselves."""


def read(file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
    """Yield every record of a file, or why there is none. Never raises for what is in the file.

    A file that is written to while it is read is reported as its last; where it is one record, in the place of it.
    """
    return (item for item in read_marked(file, settings) if not isinstance(item, Mark))


def read_marked(file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed | Mark]:
    """Yield as :func:`read` does, and between the records of large files the places from which reading can go on."""
    try:
        if file.opener is None and not stat.S_ISREG(file.path.stat().st_mode):  # a pipe would wait for ever
            yield aside(file.label, "cannot be read", "no regular file, or a folder that may not be entered")
            return
        before = file.stamp()
        source = _kind(file, settings)
        if isinstance(source, Removed):
            yield source
            return
        for item in _items(source, file, settings):
            if isinstance(source, WHOLE) and file.stamp() != before:
                break
            yield item
        if file.stamp() != before:
            yield aside(file.label, "changed while it was read", "run it again when nothing writes to it")
    except (EOFError, zlib.error) as error:
        other = file.label.lower().endswith((".xz", ".bz2", ".zst"))
        yield aside(file.label, "damaged archive" if other else "damaged gzip", str(error))
    except (lzma.LZMAError, zipfile.BadZipFile) as error:
        yield aside(file.label, "damaged archive", str(error))
    except TooMuchError as error:
        yield aside(file.label, "unpacks to too much", str(error))
    except OSError as error:
        yield aside(file.label, "cannot be read", error.strerror or str(error))


def _items(source: Source, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed | Mark]:
    for item in source.records(file, settings):
        if isinstance(item, SourceFile):
            yield from read_marked(item, settings)
        else:
            yield item


def _kind(file: SourceFile, settings: IngestSettings) -> Source | Removed:
    head = file.head(HEAD)
    if not head:
        return aside(file.label, "empty file")
    by_magic = next((source for source in KINDS if source.magic and head.startswith(source.magic)), None)
    if by_magic is not None:
        return by_magic
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    by_suffix = _by_suffix(file)
    if isinstance(by_suffix, WarcSource):  # its beginning may be what is damaged
        return by_suffix
    if isinstance(by_suffix, ARCHIVES):
        deep = aside(file.label, "nested too deep", f"archives lie in each other, more than {MAX_DEPTH} deep")
        return deep if file.depth >= MAX_DEPTH else by_suffix
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):  # UTF-16, which only a page may be in
        return by_suffix if isinstance(by_suffix, HtmlSource) else aside(file.label, NOT_UTF8, "the file is UTF-16")
    if isinstance(by_suffix, WHOLE) and (refusal := too_large(file, settings)):
        return refusal
    if start.startswith(BINARY) or len(CONTROL.findall(head)) * 50 > len(head):
        return aside(file.label, "binary file")
    if PAGE.match(start):
        return HtmlSource()
    if by_suffix is not None and not isinstance(by_suffix, PACKED):
        return by_suffix
    if is_json_line(head):
        return JsonlSource()
    if file.named and not file.suffix:
        return TextSource()
    known = " ".join(suffix for source in KINDS for suffix in source.suffixes)
    return aside(file.label, "unknown file type", f"the ending is {file.suffix or 'none'}; known are {known}")


def _by_suffix(file: SourceFile) -> Source | None:
    name = file.name
    fitting = ((len(suffix), source) for source in KINDS for suffix in source.suffixes if name.endswith(suffix))
    return max(fitting, key=lambda found: found[0], default=(0, None))[1]
