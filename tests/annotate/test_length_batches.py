from __future__ import annotations

import importlib
import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

length_batches = importlib.import_module("copydesk.annotate.length_batches").length_batches


@given(st.lists(st.integers(1, 99), max_size=400), st.integers(1, 9), st.integers(0, 9))
def test_every_example_is_in_one_batch(lengths, size, seed):
    batches = length_batches(lengths, size, random.Random(seed))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    assert all(0 < len(batch) <= size for batch in batches)
    assert all(lengths[a] <= lengths[b] for batch in batches for a, b in itertools.pairwise(batch))
    assert batches == length_batches(lengths, size, random.Random(seed))
