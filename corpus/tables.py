"""Read tables: text with separators, and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.schemas import Removed

from .columns import wanted
from .places import SourceFile
from .records import TOO_LARGE, RawRecord, aside, digest, lines, no_text_column, record_of
from .settings import IngestSettings

__all__ = ["CsvSource", "ParquetSource", "TextLines"]


class CsvSource:
    """A table in text: comma, semicolon or tab between its cells, names in its first row."""

    kind = "csv"
    suffixes: tuple[str, ...] = (".csv", ".tsv", ".tab")
    magic: tuple[bytes, ...] = ()

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield one record a row."""
        csv.field_size_limit(settings.max_bytes)
        with file.open() as stream:
            text = TextLines(stream, settings.max_bytes)
            header_line = next(text, "").removeprefix("\ufeff")
            delimiter = "\t" if file.suffix in (".tsv", ".tab") else max(",;\t", key=header_line.count)
            names = next(csv.reader([header_line], delimiter=delimiter), [])
            if refusal := no_text_column(file.label, names, settings):
                yield refusal
                return
            rows = csv.reader(text, delimiter=delimiter)
            while True:
                of = f"{file.label}:{text.number + 1}"
                text.too_long = False
                try:
                    row = next(rows, None)
                except csv.Error as error:
                    yield aside(of, "broken row", str(error))
                    continue
                if row is None:
                    return
                if text.too_long:
                    yield aside(of, TOO_LARGE, f"the line is longer than {settings.max_bytes:,} bytes")
                elif text.ended:  # a row that asked for more lines than there are
                    yield aside(
                        of, "broken row", f"a quotation mark is never closed; lines up to {text.number} are in it"
                    )
                elif row:
                    yield self._record(of, names, row, settings)

    def _record(self, of: str, names: list[str], row: list[str], settings: IngestSettings) -> RawRecord | Removed:
        if len(row) > len(names):
            return aside(of, "broken row", f"{len(row)} cells under {len(names)} column names; is a cell unquoted?")
        values = dict(zip(names, row, strict=False))
        raw = json.dumps(values, sort_keys=True).encode("ascii")
        return record_of(of, self.kind, digest(raw), values, settings)


class ParquetSource:
    """A Parquet file."""

    kind = "parquet"
    suffixes: tuple[str, ...] = (".parquet", ".pq")
    magic: tuple[bytes, ...] = (b"PAR1",)

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield one record a row."""
        number = 0
        try:
            with _seekable(file) as stream, pq.ParquetFile(stream) as table:
                names = table.schema_arrow.names
                if refusal := no_text_column(file.label, names, settings):
                    yield refusal
                    return
                columns = sorted({name for group in wanted(names, settings.columns).values() for name in group})
                for batch in table.iter_batches(batch_size=64, columns=columns):
                    for row in batch.to_pylist():
                        number += 1
                        raw = json.dumps(row, sort_keys=True, default=str).encode("ascii")
                        yield record_of(f"{file.label}:{number}", self.kind, digest(raw), row, settings)
        except (pa.ArrowException, UnicodeDecodeError) as error:
            yield aside(f"{file.label}:{number + 1}", "damaged Parquet", str(error))


def _seekable(file: SourceFile) -> BinaryIO:
    """Open a file that is read from its end, as it lies there or, out of an archive, in memory."""
    stream = file.open()
    if stream.seekable():
        return stream
    with stream:
        return cast("BinaryIO", io.BytesIO(stream.read()))


class TextLines:
    """Lines as text for the csv module, which may be asked on after any of them."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._lines = lines(stream, limit)
        self.number = 0
        self.too_long = False
        self.ended = False

    def __iter__(self) -> TextLines:
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
