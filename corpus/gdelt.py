"""Read GDELT lists. A row of the Global Knowledge Graph is an address and a date; its text lies beside the list, or nowhere.

20240301120000.gkg.csv.zip                 the list, as GDELT gives it out
20240301120000-12.html                     the article of its row 20240301120000-12, saved by whoever crawled it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from copydesk.schemas import Removed

from .places import SourceFile
from .records import TOO_LARGE, RawRecord, aside, lines
from .settings import IngestSettings
from .single_files import HtmlSource, TextSource

__all__ = ["GkgSource"]

COLUMNS: Final = 27
"""Of GKG 2.1, see its codebook of February 2015: id, date, kind of source, outlet, address, …"""

ENDINGS: Final = (".txt", ".html", ".htm")


class GkgSource:
    """A list of the GDELT Global Knowledge Graph 2.1, with texts beside it."""

    kind = "gkg"
    suffixes: tuple[str, ...] = (".gkg.csv",)
    magic: tuple[bytes, ...] = ()

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield one record a row."""
        with file.open() as stream:
            for number, line in lines(stream, settings.max_bytes):
                of = f"{file.label}:{number}"
                if line is None:
                    yield aside(of, TOO_LARGE, f"the line is longer than {settings.max_bytes:,} bytes")
                elif line.strip():
                    # lists name pages in any encoding; only ASCII matters here
                    yield self._record(of, file, line.decode("utf-8", "replace").rstrip("\r\n").split("\t"), settings)

    def _record(self, of: str, file: SourceFile, row: list[str], settings: IngestSettings) -> RawRecord | Removed:
        if len(row) < COLUMNS:
            return aside(of, "broken row", f"{len(row)} cells; a row of GKG 2.1 has {COLUMNS}")
        name, date, _, outlet, address = row[:5]
        fields = {"url": address, "outlet": outlet, "retrieved": _date(date)}
        fields = {field: value for field, value in fields.items() if value}
        # an id with anything else in it would name a file somewhere else
        beside = [file.path.parent / f"{name}{ending}" for ending in ENDINGS] if _is_id(name) and not file.state else []
        text = next((path for path in beside if path.is_file()), None)
        if text is None:
            return aside(
                of, "only metadata", f"the article is at {address}; no file {name}.txt or {name}.html beside the list"
            )
        source = TextSource() if text.suffix == ".txt" else HtmlSource()
        found = next(iter(source.records(SourceFile(Path(text), of), settings)))
        return found if isinstance(found, Removed) else replace(found, kind=self.kind, fields=fields)


def _is_id(name: str) -> bool:
    return re.fullmatch(r"\d{14}-T?\d+", name, re.ASCII) is not None


def _date(value: str) -> str:
    try:
        return datetime.strptime(value, "%Y%m%d%H%M%S").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return ""
