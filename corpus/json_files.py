"""Read files of JSON: one object a line, or objects of any layout, alone or in a list."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from copydesk.schemas import Removed

from .places import SourceFile
from .records import NOT_UTF8, TOO_LARGE, RawRecord, aside, digest, lines, record_of
from .settings import IngestSettings

__all__ = ["JsonSource", "JsonlSource", "is_json_line"]

CHUNK: Final = 1 << 20
BETWEEN: Final = re.compile(r"[\s,]*")
OPEN_LIST: Final = re.compile(r"\s*\[")


class JsonlSource:
    """A file with one JSON object a line."""

    kind = "jsonl"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson", ".jsonlines", ".jl")
    magic: tuple[bytes, ...] = ()

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield one record a line; empty lines are passed over."""
        with file.open() as stream:
            for number, line in lines(stream, settings.max_bytes):
                of = f"{file.label}:{number}"
                if line is None:
                    yield aside(of, TOO_LARGE, f"the line is longer than {settings.max_bytes:,} bytes")
                elif line.strip():
                    yield self._record(of, line, settings)

    def _record(self, of: str, line: bytes, settings: IngestSettings) -> RawRecord | Removed:
        try:
            value = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            return aside(of, NOT_UTF8, f"byte {error.start} of the line cannot be read")
        except (ValueError, RecursionError) as error:
            return aside(of, "broken JSON", str(error))
        if not isinstance(value, dict):
            return aside(of, "broken JSON", f"expected an object, found {type(value).__name__}")
        return record_of(of, self.kind, digest(line.strip()), value, settings)


class JsonSource:
    """A file with an object, or with a list of objects, over any number of lines.

    So write news-please (a file an article), fundus and Scrapy (a list). Objects are read one after the other; no more
    than one of them is held. A file whose first line is a whole object is read line by line.
    """

    kind = "json"
    suffixes: tuple[str, ...] = (".json",)
    magic: tuple[bytes, ...] = ()

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield one record an object; its place is its number in the file."""
        if is_json_line(file.head(CHUNK)):
            yield from JsonlSource().records(file, settings)
            return
        with file.open() as stream:
            for number, value in enumerate(_values(stream, settings.max_bytes), start=1):
                of = f"{file.label}:{number}"
                if isinstance(value, _BrokenJson):
                    yield aside(of, value.reason, value.detail)
                elif isinstance(value, dict):
                    raw = json.dumps(value, sort_keys=True).encode("ascii")
                    yield record_of(of, self.kind, digest(raw), value, settings)
                else:
                    yield aside(of, "broken JSON", f"expected an object, found {type(value).__name__}")


def is_json_line(start: bytes) -> bool:
    """Tell whether a file begins with a JSON object on one line, as far as its first bytes tell."""
    start = start.removeprefix(codecs.BOM_UTF8).lstrip()
    line, end, _ = start.partition(b"\n")
    if not end and len(start) > 4_096:
        return start.startswith(b'{"')  # the line goes on behind what was read
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


class _BrokenJson:
    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail


def _values(stream: BinaryIO, limit: int) -> Iterator[Any]:
    """Yield every value of a list, or of values that follow each other; the last is a _BrokenJson where one cannot be read."""
    decoder = json.JSONDecoder()
    text = codecs.getincrementaldecoder("utf-8-sig")()
    buffer, position, ended = "", 0, False
    in_list = False
    wanted = CHUNK
    while True:
        start = BETWEEN.match(buffer, position).end()  # type: ignore[union-attr]  # it matches nothing, too
        if start < len(buffer):
            if not in_list and OPEN_LIST.match(buffer, start):
                in_list, position = True, start + 1
                continue
            if in_list and buffer[start] == "]":
                in_list, position = False, start + 1
                continue
            try:
                value, position = decoder.raw_decode(buffer, start)
                # a number or a word may go on in the next piece; an object has its end
                yield value
                continue
            except RecursionError as error:
                yield _BrokenJson("broken JSON", str(error))
                return
            except ValueError as error:
                problem = str(error)
                if len(buffer) - start > limit:
                    yield _BrokenJson(TOO_LARGE, f"an object is longer than {limit:,} characters, or broken: {problem}")
                    return
        elif ended:
            if in_list:
                yield _BrokenJson("broken JSON", "the list is never closed")
            return
        if ended:
            yield _BrokenJson("broken JSON", problem)
            return
        raw = stream.read(wanted)
        ended = not raw
        try:
            buffer = buffer[start:] + text.decode(raw, final=ended)
        except UnicodeDecodeError as error:
            yield _BrokenJson(NOT_UTF8, str(error))
            return
        position = 0
        wanted = max(CHUNK, len(buffer))  # doubling, so that a long object is not tried again and again
