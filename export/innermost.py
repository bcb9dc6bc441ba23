"""Find the innermost attribution around each span of many documents at once, in columns.

The same as :func:`copydesk.annotate.voices`, which looks at one document and span by span.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from copydesk.schemas import OUTLET, UNNAMED

from .arrays import Numbers, flat, texts
from .standing import Attributions, firsts

__all__ = ["spoken_by"]

_AT_ONCE: Final = 4_000_000
"""How many pairs of a span and an attribution are held against each other at once."""


def spoken_by(said: Attributions, count: int, document: Numbers, start: Numbers, end: Numbers) -> pa.Array:
    """Return whose words each span is: the source's of the innermost attribution that holds it and more than it.

    Args:
        said: The attributions, sorted by document.
        count: How many documents there are.
        document: The place of each span's document, sorted.
        start: Where each span begins.
        end: Where it ends.
    """
    around = np.full(len(document), -1, dtype=np.int64)
    first = np.searchsorted(said.document, np.arange(count + 1))
    many = np.diff(first)[document] if len(document) else np.zeros(0, dtype=np.int64)
    borders = np.concatenate([[0], np.cumsum(many)])
    begin = 0
    while begin < len(document):
        stop = max(begin + 1, int(np.searchsorted(borders, borders[begin] + _AT_ONCE, "right")) - 1)
        here = slice(begin, stop)
        span = np.repeat(np.arange(begin, stop), many[here])
        attribution = first[document[span]] + np.arange(len(span)) - (borders[span] - borders[begin])
        around_here = _innermost(said, span, attribution, start, end)
        around[around_here[0]] = around_here[1]
        begin = stop
    names = _names(said)
    return texts([names[place] for place in around.tolist()])


def _innermost(
    said: Attributions, span: Numbers, attribution: Numbers, start: Numbers, end: Numbers
) -> tuple[Numbers, Numbers]:
    """Return spans that lie in an attribution, and of each the shortest, of equal ones the first, around it."""
    low, high = said.start[attribution], said.end[attribution]
    inside = (low <= start[span]) & (end[span] <= high) & ((low != start[span]) | (end[span] != high))
    span, attribution, low, high = span[inside], attribution[inside], low[inside], high[inside]
    order = np.lexsort((low, high - low, span))
    kept = order[firsts(span[order])]
    return span[kept], attribution[kept]


def _names(said: Attributions) -> list[str]:
    """Return the name of each attribution's source; in the last place that of nobody's: the outlet's."""
    found = [UNNAMED] * len(said.document) + [OUTLET]
    parent, spans = flat(said.source)
    for place, words in zip(parent.tolist(), spans.field("text").to_pylist(), strict=True):
        found[place] = words
    return found
