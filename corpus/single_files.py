"""Read files that are one article each: plain text and pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from copydesk.schemas import Removed

from .columns import fields_of
from .places import SourceFile
from .records import NOT_UTF8, RawRecord, aside, digest, whole
from .settings import IngestSettings

__all__ = ["HtmlSource", "TextSource"]

FRONT_MATTER: Final = re.compile(r"---[ \t]*\r?\n(.*?\n)---[ \t]*(?:\r?\n|$)", re.DOTALL)
FRONT_LINE: Final = re.compile(r"^([\w -]+):(.*)$", re.MULTILINE)


class TextSource:
    """A file that is one article in plain text."""

    kind = "text"
    suffixes: tuple[str, ...] = (".txt", ".text", ".md", ".markdown")
    magic: tuple[bytes, ...] = ()

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield the one article."""
        raw = whole(file, settings)
        if isinstance(raw, Removed):
            yield raw
            return
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            yield aside(file.label, NOT_UTF8, f"byte {error.start} cannot be read; save the file as UTF-8")
            return
        values: dict[str, str] = {}
        length = len(text)
        if file.suffix in (".md", ".markdown") and (front := FRONT_MATTER.match(text)):
            said = {name: _unquoted(value) for name, value in FRONT_LINE.findall(front.group(1))}
            values = fields_of(said, settings.columns)
            values.pop("text", None)
            text = text[front.end() :]
        yield RawRecord(file.label, self.kind, digest(raw), text=text, fields=values, skipped=length - len(text))


def _unquoted(value: str) -> str:
    value = value.strip()
    value = value[1:] if value[:1] in ('"', "'") else value
    return value[:-1] if value[-1:] in ('"', "'") else value


class HtmlSource:
    """A file that is one page."""

    kind = "html"
    suffixes: tuple[str, ...] = (".html", ".htm", ".xhtml")
    magic: tuple[bytes, ...] = ()

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield the one page."""
        raw = whole(file, settings)
        yield raw if isinstance(raw, Removed) else RawRecord(file.label, self.kind, digest(raw), html=raw)
