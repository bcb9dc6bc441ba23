"""Walk the articles of two releases side by side, column by column, and stop only where they differ.

Both tables lie in the order of their documents' ids, split by split, so six sorted streams are merged: a window ends
at the lowest id that some stream was read up to, which leaves at most one batch of each in memory. Inside a window the
documents that both have are put in the same order and compared value by value, columns against columns; no row
becomes Python that is the same on both sides.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.schemas import DeskError

from .splits import SPLITS

__all__ = ["Window", "unlike", "windows"]

BATCH: Final = 512
"""How many documents of a split are read at once."""
WORDS: Final = "text"
"""The field of a span that says its words."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """The documents of two releases between two ids.

    Attributes:
        old: Rows of the older release in order of id.
        new: Rows of the newer one.
        ids: Which documents differ or are in one of them alone, sorted; every other is the same in both.
        same: Columns in which none of the documents differs, where all of them are in both.
    """

    old: pa.Table
    new: pa.Table
    ids: tuple[str, ...]
    same: frozenset[str] = frozenset()


def windows(
    old: Path, new: Path, columns: list[str], *, wordless: bool = False, every: bool = False
) -> Iterator[Window]:
    """Yield the articles of two release folders, some hundred at a time, in order of id.

    Args:
        old: The older release folder.
        new: The newer one.
        columns: To be compared; ``document_id`` must be one. What one of the two does not have makes no difference.
        wordless: Whether the words of spans, and columns of words, make no difference.
        every: Whether to take every document for different, as where a number does not mean the same in both.

    Raises:
        DeskError: The rows of a release do not lie in the order of their ids.
    """
    sides = [[_Stream(path, columns) for path in _parts(folder)] for folder in (old, new)]
    while ends := [stream.ids[-1] for side in sides for stream in side if stream.fill()]:
        border = min(ends)  # what lies beyond it was not read from every stream yet
        left, right = (_together([stream.take(border) for stream in side]) for side in sides)
        if every:
            ids = {*left["document_id"].to_pylist(), *right["document_id"].to_pylist()}
            yield Window(left, right, tuple(sorted(ids)))
        else:
            yield Window(left, right, *_differing(left, right, wordless))


def _parts(folder: Path) -> list[Path]:
    return [path for split in SPLITS for path in sorted((folder / "articles").glob(f"{split}-*.parquet"))]


@dataclass(slots=True)
class _Stream:
    """One file's rows, of which the next batch is held."""

    path: Path
    columns: list[str]
    held: pa.Table | None = None
    ids: list[str] = field(default_factory=list)
    finished: bool = False
    batches: Iterator[pa.RecordBatch] | None = None

    def fill(self) -> bool:
        """Read on where nothing is held; tell whether there is anything."""
        while not self.ids and not self.finished:
            if self.batches is None:
                self.batches = self._read()
            batch = next(self.batches, None)
            if batch is None:
                self.finished = True
                break
            self.held = pa.Table.from_batches([batch])
            self.ids = batch.column("document_id").to_pylist()
            if any(one >= other for one, other in zip(self.ids, self.ids[1:], strict=False)):
                raise DeskError("the articles of this release are not in the order of their ids", where=str(self.path))
        return bool(self.ids)

    def take(self, border: str) -> pa.Table | None:
        """Return the held rows up to an id."""
        if self.held is None:
            return None
        end = bisect_right(self.ids, border)
        taken, self.held, self.ids = self.held.slice(0, end), self.held.slice(end), self.ids[end:]
        return taken

    def _read(self) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self.path) as file:
            there = set(file.schema_arrow.names)
            wanted = [name for name in self.columns if name in there]
            yield from file.iter_batches(batch_size=BATCH, columns=wanted)


def _together(tables: list[pa.Table | None]) -> pa.Table:
    """Return rows of several splits as one table in order of id."""
    there = [table for table in tables if table is not None and table.num_rows]
    if not there:
        return pa.table({"document_id": pa.array([], pa.string())})
    table = pa.concat_tables(there)
    return table.take(pc.sort_indices(table["document_id"])) if len(there) > 1 else table


def _differing(left: pa.Table, right: pa.Table, wordless: bool) -> tuple[tuple[str, ...], frozenset[str]]:
    mine, theirs = (table["document_id"].combine_chunks() for table in (left, right))
    places = pc.index_in(mine, value_set=theirs)
    both = pc.is_valid(places)
    gone, here = mine.filter(pc.invert(both)), mine.filter(both)
    come = theirs.filter(pc.invert(pc.is_in(theirs, value_set=mine)))
    if not len(here):
        return tuple(sorted([*gone.to_pylist(), *come.to_pylist()])), frozenset()
    ours, yours = left.filter(both), right.take(places.drop_null())
    mask = np.zeros(len(here), dtype=bool)
    same = set()
    for name in ours.column_names:
        if name in yours.column_names and not (wordless and name in ("text", "title")):
            differs = unlike(_one(ours[name]), _one(yours[name]), wordless=wordless)
            mask |= differs
            same |= set() if differs.any() else {name}
    found = tuple(sorted([*gone.to_pylist(), *come.to_pylist(), *here.filter(pa.array(mask)).to_pylist()]))
    # of a document that is in one release alone every label counts
    return found, frozenset() if len(gone) or len(come) else frozenset(same)


def _one(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def unlike(left: pa.Array, right: pa.Array, *, wordless: bool = False) -> Mask:
    """Return in which places two columns of the same length differ.

    Args:
        left: Values, lists or structs, none of them null.
        right: As many.
        wordless: Whether a field ``text`` of a struct makes no difference.
    """
    if pa.types.is_list(left.type) and pa.types.is_list(right.type):
        return _unlike_lists(left, right, wordless)
    if pa.types.is_struct(left.type) and pa.types.is_struct(right.type):
        ours, yours = (dict(zip((f.name for f in a.type), a.flatten(), strict=True)) for a in (left, right))
        names = [name for name in {**ours, **yours} if not (wordless and name == WORDS)]
        mask = np.zeros(len(left), dtype=bool)
        for name in names:
            if name not in ours or name not in yours:
                return np.ones(len(left), dtype=bool)
            mask |= unlike(ours[name], yours[name], wordless=wordless)
        return mask
    if left.type != right.type:
        return np.ones(len(left), dtype=bool)
    found: Mask = pc.fill_null(pc.not_equal(left, right), True).to_numpy(zero_copy_only=False)
    return found


def _unlike_lists(left: Any, right: Any, wordless: bool) -> Mask:
    mask: Mask = pc.not_equal(pc.list_value_length(left), pc.list_value_length(right)).to_numpy(zero_copy_only=False)
    mask = mask.copy()
    if mask.any():
        # items stand beside each other only where there are as many
        rows, keep = np.flatnonzero(~mask), pa.array(~mask)
        left, right = left.filter(keep), right.filter(keep)
    else:
        rows = np.arange(len(mask))
    items = unlike(left.flatten(), right.flatten(), wordless=wordless)
    if items.any():
        owners = pc.list_parent_indices(left).to_numpy(zero_copy_only=False)
        mask[rows[np.unique(owners[items])]] = True
    return mask
