"""Make Arrow columns of parts: what :mod:`standoff_columns` and :mod:`views` are written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .features import known_name

__all__ = ["Numbers", "codes", "fitted", "flat", "keyed", "listed", "place_of", "runs", "struct", "texts"]

Numbers: TypeAlias = npt.NDArray[np.int64]

_WIDTH = 32
"""How many bits of a key are for the offset; the rest count documents or sentences."""


def flat(column: pa.ChunkedArray | pa.Array) -> tuple[Numbers, Any]:
    """Return the items of a column of lists, one after the other, and the row that each is in."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    return pc.list_parent_indices(array).to_numpy(zero_copy_only=False).astype(np.int64), pc.list_flatten(array)


def keyed(row: Numbers, offset: Numbers) -> Numbers:
    """Return numbers that order places first by their row (document, sentence), then by their offset in it."""
    return (row << _WIDTH) | offset


def place_of(sorted_: Numbers, wanted: Numbers) -> Numbers:
    """Return where each number is in sorted numbers; -1 where it is not."""
    if not len(sorted_):
        return np.full(len(wanted), -1, dtype=np.int64)
    found = np.minimum(np.searchsorted(sorted_, wanted), len(sorted_) - 1)
    return np.where(sorted_[found] == wanted, found, -1)


def runs(rows: Numbers, count: int) -> pa.Array:
    """Return where the items of each of `count` rows begin, and where the last ends, from sorted row numbers."""
    return pa.array(np.searchsorted(rows, np.arange(count + 1)).astype(np.int32))


def listed(rows: Numbers, count: int, items: pa.Array) -> pa.Array:
    """Return a column of `count` lists from items sorted by row."""
    return pa.ListArray.from_arrays(runs(rows, count), items)


def struct(**fields: Any) -> pa.Array:
    """Return a column of structs from columns."""
    arrays = [value if isinstance(value, pa.Array) else pa.array(value) for value in fields.values()]
    return pa.StructArray.from_arrays(arrays, names=list(fields))


def texts(values: Iterable[str]) -> pa.Array:
    """Return a text column."""
    return pa.array(values, pa.string())


def codes(values: Any, names: Sequence[str], key: str, *, empty: str = "") -> Numbers:
    """Return the ids of names in a closed set.

    Args:
        values: A text column.
        names: The set, in the order of the ids.
        key: What the set is called in ``labels.json``.
        empty: The name that stands where the text is empty.

    Raises:
        SchemeError: A name is not in the set.
    """
    said = pc.replace_with_mask(values, pc.equal(values, ""), pa.scalar(empty)) if empty else values
    found = pc.index_in(said, value_set=texts(names))
    if found.null_count:
        unknown = said.filter(pc.is_null(found))[0].as_py()
        known_name({name: place for place, name in enumerate(names)}, unknown, key)
    numbers: Numbers = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers


def fitted(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column as exactly this type: widths of numbers, and which fields may be null."""
    if array.type == kind:
        return array
    if pa.types.is_list(kind):
        starts = array.offsets
        first = starts[0].as_py() if len(starts) else 0
        inner = array.values.slice(first, (starts[-1].as_py() if len(starts) else 0) - first)
        return pa.ListArray.from_arrays(pc.subtract(starts, first), fitted(inner, kind.value_type), type=kind)
    if pa.types.is_struct(kind):
        named = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        return pa.StructArray.from_arrays([fitted(named[field.name], field.type) for field in kind], fields=list(kind))
    return array.cast(kind)
