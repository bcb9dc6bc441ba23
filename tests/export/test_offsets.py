from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.export.offsets import misfits

TEXTS = st.lists(st.text(alphabet="ab é🕊ж\n", max_size=12), min_size=1, max_size=4)
RANGES = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 9), st.integers(-1, 14), st.booleans()), max_size=12)


@settings(deadline=None, max_examples=300)
@given(TEXTS, RANGES, st.integers(0, 3))
def test_it_says_what_cutting_each_string_says(texts, ranges, cut):
    """Every range is compared as Python would, also where the column is a slice of a longer one."""
    ranges = [(parent % len(texts), start, end, right) for parent, start, end, right in ranges]
    words = [texts[p][max(s, 0) : max(e, 0)] if right else "zz" for p, s, e, right in ranges]
    expected = [
        place
        for place, ((parent, start, end, _), word) in enumerate(zip(ranges, words, strict=True))
        if not (0 <= start <= end <= len(texts[parent])) or texts[parent][start:end] != word
    ]
    column = pa.array(["жx"] * cut + texts).slice(cut)
    parents, starts, ends = (np.array([row[n] for row in ranges], np.int64) for n in range(3))
    assert misfits(column, parents, starts, ends, pa.array(words, pa.string())) == expected
