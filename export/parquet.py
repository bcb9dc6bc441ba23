"""Write Parquet whose bytes depend on the rows alone.

``pyarrow`` writes with every option given, row group by row group in the order of the rows, so memory
holds one group; two digests tell what was written: `logical` over the rows with label names in
canonical JSON, the same under any version of any library, and the SHA-256 of the file's bytes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .features import Config, decoder, encoder
from .hub_datasets import arrow_schema
from .labels import Labels

__all__ = ["TableWriter", "read_rows", "row_digest"]


def row_digest(row: dict[str, Any]) -> bytes:
    """Return the SHA-256 of a row's canonical JSON: sorted keys, UTF-8, label names."""
    text = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


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
        self._config = config
        self._encode = encoder(dict(config.features), labels)
        self._schema = arrow_schema(config.features, labels)
        self._waiting: list[dict[str, Any]] = []
        self._digests = hashlib.sha256()
        self._file: pq.ParquetWriter | None = None

    def add(self, row: dict[str, Any]) -> None:
        """Take one row with label names; the caller gives them in their final order.

        Raises:
            SchemeError: A name is not in its closed set.
        """
        self._digests.update(row_digest(row))
        self._waiting.append(self._encode(row))
        self.rows += 1
        if len(self._waiting) == self._config.group:
            self._flush()

    def _flush(self) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = pq.ParquetWriter(
                self.path,
                self._schema,
                version="2.6",
                compression="zstd",
                compression_level=3,
                use_dictionary=True,
                write_statistics=True,
                data_page_version="1.0",
                write_page_index=True,
                use_content_defined_chunking=True,
                store_schema=True,
            )
        table = pa.Table.from_pylist(self._waiting, schema=self._schema)
        self.bytes += table.nbytes
        self._file.write_table(table, row_group_size=self._config.group)
        self._waiting = []

    def close(self) -> str:
        """Finish the file, if any row came, and return the digest over all rows."""
        if self._waiting:
            self._flush()
        if self._file is not None:
            self._file.close()
        return self._digests.hexdigest()


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
