"""Compare many ranges of many texts with the words that they should hold, column by column.

Offsets are code points and Arrow's texts are UTF-8 bytes. A code point begins at every byte that does not continue
one (RFC 3629: 10xxxxxx), so one pass over the bytes gives the place of each; after that a range is two look-ups
and a comparison of bytes, a hundred times faster than cutting strings one by one.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

__all__ = ["misfits"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"


def misfits(texts: pa.Array, parents: Numbers, starts: Numbers, ends: Numbers, words: pa.Array) -> list[int]:
    """Return which ranges do not hold their words.

    Args:
        texts: The texts; none is null.
        parents: For each range, which text it is of; shape (n,).
        starts: Its first code point; shape (n,).
        ends: The code point after its last; shape (n,).
        words: What it should hold; n strings.

    Returns:
        The places of the ranges that are outside their text, reversed, or hold something else, ascending.

    >>> misfits(pa.array(["a 🕊 b"]), np.array([0, 0]), np.array([2, 2]), np.array([3, 4]), pa.array(["🕊", "🕊"]))
    [1]
    """
    if not len(words):
        return []
    data, places = _bytes(texts)
    wanted, marks = _bytes(words)
    begins = np.append(np.flatnonzero((data & 0xC0) != 0x80), len(data))
    first = np.searchsorted(begins, places)
    length = first[1:] - first[:-1]
    inside = (starts >= 0) & (starts <= ends) & (ends <= length[parents])
    low = begins[np.where(inside, first[parents] + starts, 0)]
    high = begins[np.where(inside, first[parents] + ends, 0)]
    size = marks[1:] - marks[:-1]
    fits = inside & (high - low == size)
    kept = np.flatnonzero(fits)
    # one long row of bytes from the texts beside the same of the words
    run = size[kept]
    step = np.arange(run.sum()) - np.repeat(np.cumsum(run) - run, run)
    same = data[np.repeat(low[kept], run) + step] == wanted[np.repeat(marks[kept], run) + step]
    fits[np.repeat(kept, run)[~same]] = False
    return [int(place) for place in np.flatnonzero(~fits)]


def _bytes(texts: pa.Array) -> tuple[Any, Numbers]:
    """Return the UTF-8 bytes of texts one after the other, and where each begins, with the end of the last."""
    plain = texts.cast(pa.large_string())
    _, offsets, data = plain.buffers()
    places = np.frombuffer(offsets, np.int64, len(plain) + 1, plain.offset * 8)
    everything = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return everything[places[0] : places[-1]], places - places[0]
