"""Read somebody's own copies of articles through the same extraction as :func:`ingest`, without a desk.

The same page gives the same frozen text here and there; nothing is judged, for whoever asks knows which text it should be.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from copydesk.schemas import InputError, Removed, text_sha256

from .engine import ordered
from .extract import NoArticle
from .freeze import freeze
from .places import SourceFile, find, missing
from .settings import IngestSettings
from .sources import RawRecord, read

__all__ = ["Copy", "page_copy", "read_copies"]

BATCH_RECORDS: Final = 64
BATCH_BYTES: Final = 4_000_000
SETTINGS: Final = IngestSettings()


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of an article.

    Attributes:
        of: Its place: a file's label, with line or record number, or an address.
        text: Its frozen text.
        title: Its headline, or empty.
        url: The address that it states, or empty.
        raw_sha256: SHA-256 of the bytes that it was read from.
    """

    of: str
    text: str
    title: str
    url: str
    raw_sha256: str


def read_copies(sources: Sequence[str], known: Container[str] = frozenset()) -> Iterator[Copy | Removed]:
    """Yield every article of files, folders and patterns, in order, or why there is none.

    Args:
        sources: As :func:`ingest` takes them.
        known: SHA-256 of texts that are frozen already: a record with such a text is taken as it is.

    Raises:
        InputError: A source isn't there.
    """
    if absent := missing(sources):
        raise InputError("no such file or folder", where=", ".join(absent), hint="Check the name.")
    unread: list[SourceFile] = []
    for file in find(sources, desk=Path("/nowhere")):
        opened = False
        for item in read(file, SETTINGS):
            found = item if isinstance(item, Removed) else _known(item, known)
            if found:
                yield found
            opened = opened or not found
        unread += [file] if opened else []
    # what is known took no more than a look; the rest is read again for other processes, a batch at a time
    records = (item for file in unread for item in read(file, SETTINGS) if isinstance(item, RawRecord))
    raw = (record for record in records if not _known(record, known))
    for batch in ordered(_frozen, _batches(raw), desk=None, label=_label, enough=6):
        yield from batch


def page_copy(page: bytes, place: str, url: str) -> Copy | Removed:
    """Return the article of a page that was read from a place, its own address or that of an archive."""
    return _copy(RawRecord(place, "html", hashlib.sha256(page).hexdigest(), html=page, fields={"url": url}))


def _known(record: RawRecord, known: Container[str]) -> Copy | None:
    """Return a record's text as it is, if it is one of the texts looked for."""
    try:
        digest = text_sha256(record.text)
    except UnicodeEncodeError:  # half a surrogate pair, which cleaning mends
        return None
    if not record.text or digest not in known:
        return None
    return Copy(record.of, record.text, record.fields.get("title", ""), record.fields.get("url", ""), record.raw_sha256)


def _batches(records: Iterable[RawRecord]) -> Iterator[list[RawRecord]]:
    batch: list[RawRecord] = []
    size = 0
    for record in records:
        batch.append(record)
        size += record.size
        if size >= BATCH_BYTES or len(batch) >= BATCH_RECORDS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _label(batch: Sequence[RawRecord]) -> str:
    return f"records {batch[0].of} to {batch[-1].of}"


def _frozen(batch: Sequence[RawRecord]) -> list[Copy | Removed]:
    return [_copy(record) for record in batch]


def _copy(record: RawRecord) -> Copy | Removed:
    try:
        title, text, _, fields = freeze(record, Counter())
    except NoArticle as error:
        return Removed("", "extract", str(error), record.of, error.detail)
    return Copy(record.of, text, title, fields.get("url", ""), record.raw_sha256)
