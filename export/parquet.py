"""Write Parquet whose bytes depend on the rows alone, and of which the next version shares what did not change.

``pyarrow`` writes with every option given. Rows come in the order of their documents' ids, which are hashes, so a new
document lies between old ones. A row group therefore ends where the ids say so and not after a count: after a
document whose id has a certain remainder, as a content-defined chunker ends a chunk. The group that a new document
joins is written anew, and at most the first page of the next; every other keeps its bytes. Inside a group pages end
by content as well.

Two digests tell what was written: `logical` over the values, column by column, the same under any version of any
library, and the SHA-256 of the file's bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .features import Config, decoder, encoder
from .hub_datasets import arrow_schema
from .labels import Labels

__all__ = ["Digest", "TableWriter", "read_rows"]

EVERY: Final = 8_192
"""A row group ends after one document in so many, by the remainder of its id's hash."""
LEAST: Final = 2**25
"""No row group ends before its rows take about so many bytes, but for the last."""
MOST: Final = 2**27
"""A row group that takes about so many bytes ends with the document, whatever its id."""
PAGES: Final = {"min_chunk_size": 16 * 1024, "max_chunk_size": 64 * 1024, "norm_level": 0}
"""How large a page is before compression, in bytes: a changed value costs its page."""
KEYS: Final = ("id", "document_id", "cluster_id", "split")
"""Columns whose least and largest value are noted for each group, for those who look for a document."""
UNIQUE: Final = ("id", "target", "target_id", "holder_id")
"""Fields of which nearly every value differs: a dictionary of them would be one large page that every change costs."""


class TableWriter:
    """Write the rows of one split of one table to one file, made with the first row.

    Args:
        folder: The release folder.
        config: Which table.
        split: Which split.
        labels: The ids of every name.
    """

    def __init__(self, folder: Path, config: Config, split: str, labels: Labels) -> None:
        self.path = folder / config.name / f"{split}-00000-of-00001.parquet"
        self.rows = 0
        self.bytes = 0
        self.schema = arrow_schema(config.features, labels)
        self._encode = encoder(dict(config.features), labels)
        self._waiting = _Waiting(self.path.with_suffix(".rows"), self.schema)
        self._size = 0
        self._digest = Digest()
        self._file: pq.ParquetWriter | None = None

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Take rows with label names, as :meth:`write` takes a table.

        Raises:
            SchemeError: A name is not in its closed set.
        """
        if rows:
            self.write(pa.Table.from_pylist([self._encode(row) for row in rows], schema=self.schema))

    def write(self, table: pa.Table) -> None:
        """Take whole documents in the order of their ids: rows with label ids, of this table's columns."""
        if not table.num_rows:
            return
        table = table.cast(self.schema).combine_chunks()
        self.rows += table.num_rows
        self.bytes += table.nbytes
        self._digest.update(table)
        first, before = 0, 0
        sizes = np.cumsum(_sizes(table))
        for end, closes in _borders(table["document_id"]):
            size = int(sizes[end - 1])
            if self._size + size - before >= (LEAST if closes else MOST):
                self._waiting.add(table.slice(first, end - first))
                self._flush()
                first, before = end, size
        if first < table.num_rows:
            self._waiting.add(table.slice(first))
            self._size += int(sizes[-1]) - before

    def _flush(self) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = pq.ParquetWriter(
                self.path,
                self.schema,
                version="2.6",
                compression="zstd",
                compression_level=3,
                use_dictionary=[path for path in _leaves(self.schema) if path.rpartition(".")[2] not in UNIQUE],
                write_statistics=list(KEYS),
                data_page_version="1.0",
                write_page_index=False,  # it names the place of every page, so that one changed label changes all of it
                use_content_defined_chunking=PAGES,
                store_schema=True,
            )
        # one chunk: where a page ends must not depend on how the rows came
        rows, self._size = self._waiting.taken(), 0
        self._file.write_table(rows, row_group_size=rows.num_rows)

    def close(self) -> str:
        """Finish the file, if any row came, and return the digest over all values."""
        if self._waiting:
            self._flush()
        if self._file is not None:
            self._file.close()
        return self._digest.hexdigest()


class _Waiting:
    """Rows that wait for the end of their group, in a file: a group is large, and as many wait as a release has tables.

    Args:
        path: The file; it is there while rows wait.
        schema: Of the rows.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._file: pa.RecordBatchStreamWriter | None = None

    def __bool__(self) -> bool:
        return self._file is not None

    def add(self, table: pa.Table) -> None:
        """Put rows behind those that wait."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._file = pa.ipc.new_stream(str(self._path), self._schema, options=options)
        self._file.write_table(table)

    def taken(self) -> pa.Table:
        """Return all that wait, in one piece, and forget them."""
        assert self._file is not None
        self._file.close()
        self._file = None
        with pa.OSFile(str(self._path)) as file, pa.ipc.open_stream(file) as stream:
            rows = stream.read_all().combine_chunks()
        self._path.unlink()
        return rows


def _leaves(fields: Iterable[pa.Field], before: str = "") -> Iterator[str]:
    """Yield the path of every column as Parquet has it."""
    for field in fields:
        path, kind = f"{before}{field.name}", field.type
        while pa.types.is_list(kind):
            path, kind = f"{path}.list.element", kind.value_type
        yield from _leaves(kind, f"{path}.") if pa.types.is_struct(kind) else [path]


def _sizes(table: pa.Table) -> Any:
    """Return about how many bytes each row takes; it depends on the row alone, not on those that came with it."""
    sizes = np.full(table.num_rows, 8 * table.num_columns, dtype=np.int64)
    for column in table.columns:
        if pa.types.is_string(column.type):
            sizes += pc.fill_null(pc.binary_length(column), 0).to_numpy()
        elif pa.types.is_list(column.type):
            inner = column.type.value_type
            sizes += pc.fill_null(pc.list_value_length(column), 0).to_numpy() * 12 * max(1, inner.num_fields)
    return sizes


def _borders(documents: pa.ChunkedArray) -> Iterator[tuple[int, bool]]:
    """Yield where each document of a sorted column ends, and whether its id ends a row group."""
    runs = documents.combine_chunks()
    runs = runs if isinstance(runs, pa.Array) else runs.chunk(0)
    encoded = pc.run_end_encode(runs)
    for end, key in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        yield end, int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % EVERY == 0


class Digest:
    """Digest the values of tables with the same columns; how they are cut into tables makes no difference.

    Of every column, a struct's fields and a list's items each as a column of their own, it takes the values in order:
    numbers as little-endian 64-bit integers or floats, text as UTF-8 and apart from it the lengths in bytes, of lists
    the lengths. Label ids stand for the names at their places in ``labels.json``, where an id never changes its name.
    """

    def __init__(self) -> None:
        self._columns: dict[str, Any] = {}

    def update(self, table: pa.Table) -> None:
        """Take the next rows."""
        for name in table.column_names:
            for chunk in table[name].chunks:
                self._take(name, chunk)

    def hexdigest(self) -> str:
        """Return the digest so far: a SHA-256 over each column's name and SHA-256, sorted."""
        lines = (f"{name} {digest.hexdigest()}\n" for name, digest in sorted(self._columns.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _take(self, name: str, values: pa.Array) -> None:
        kind = values.type
        if pa.types.is_struct(kind):
            for inner, field in zip(kind, values.flatten(), strict=True):
                self._take(f"{name}.{inner.name}", field)
        elif pa.types.is_list(kind):
            self._put(f"{name} lengths", pc.list_value_length(values).to_numpy(zero_copy_only=False).astype("<i8"))
            self._take(f"{name} items", values.flatten())
        elif pa.types.is_string(kind):
            self._put(f"{name} lengths", pc.binary_length(values).to_numpy(zero_copy_only=False).astype("<i8"))
            self._put(name, _utf8(values))
        else:
            number = values.to_numpy(zero_copy_only=False)
            self._put(name, number.astype("<f8" if pa.types.is_floating(kind) else "<i8"))

    def _put(self, name: str, data: Any) -> None:
        self._columns.setdefault(name, hashlib.sha256()).update(data)


def _utf8(values: pa.StringArray) -> memoryview:
    """Return the bytes behind a text column, one text after the other."""
    _, offsets, data = values.buffers()
    if data is None:
        return memoryview(b"")
    places = np.frombuffer(offsets, dtype=np.int32)
    return memoryview(data)[places[values.offset] : places[values.offset + len(values)]]


def read_rows(folder: Path, config: Config, labels: Labels, *, columns: list[str] | None = None) -> Any:
    """Yield every row of a table of a release, label ids turned to names, split by split.

    Args:
        folder: A release folder.
        config: Which table.
        labels: The release's own labels.
        columns: Only these, where given.
    """
    kept = {name: feature for name, feature in config.features.items() if columns is None or name in columns}
    decode = decoder(kept, labels)
    for path in sorted((folder / config.name).glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256, columns=columns):
                yield from map(decode, batch.to_pylist())
