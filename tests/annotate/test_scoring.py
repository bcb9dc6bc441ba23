"""What strict, partial, effort and their intervals count."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import OPERATIONS, Mark, difference, score

M = Mark
LABELS = ("ORG", "GPE", "PERSON")


def marks(most=6):
    one = st.builds(
        lambda start, length, label: Mark(start, start + length, label),
        st.integers(0, 12),
        st.integers(1, 6),
        st.sampled_from(LABELS),
    )
    return st.lists(one, max_size=most, unique=True)


@pytest.mark.parametrize(
    ("found", "gold", "operations"),
    [
        ([], [], {}),
        ([M(0, 5, "ORG")], [M(0, 5, "ORG")], {}),
        ([], [M(0, 5, "ORG")], {"add": 1}),
        ([M(0, 5, "ORG")], [], {"delete": 1}),
        ([M(0, 5, "ORG")], [M(0, 7, "ORG")], {"resize": 1}),
        ([M(0, 5, "ORG")], [M(0, 5, "GPE")], {"relabel": 1}),
        ([M(0, 5, "ORG")], [M(0, 7, "GPE")], {"add": 1, "delete": 1}),  # a resize and a relabelling cost the same
        ([M(0, 5, "ORG")], [M(6, 9, "ORG")], {"add": 1, "delete": 1}),  # nothing is moved elsewhere
        ([M(0, 9, "ORG")], [M(0, 4, "ORG"), M(5, 9, "ORG")], {"resize": 1, "add": 1}),
        # the exact pair is taken though the longer span overlaps it as well
        ([M(0, 4, "ORG"), M(0, 9, "ORG")], [M(0, 4, "ORG")], {"delete": 1}),
        # a greedy pairing from the left would leave one operation more
        ([M(0, 6, "ORG"), M(2, 3, "ORG")], [M(2, 4, "ORG"), M(5, 8, "ORG")], {"resize": 2}),
    ],
)
def test_effort_is_the_fewest_operations(found, gold, operations):
    assert score([found], [gold]).operations == {name: operations.get(name, 0) for name in OPERATIONS}


def cheapest(found, gold):
    """Try every pairing: what the definition says, in the slowest way."""
    padded = list(range(len(gold))) + [None] * len(found)
    best = len(found) + len(gold)
    for chosen in set(permutations(padded, len(found))):
        cost, used = 0, set()
        for mark, place in zip(found, chosen, strict=True):
            if place is None:
                cost += 1
                continue
            other = gold[place]
            used.add(place)
            if mark.start >= other.end or other.start >= mark.end:
                cost = 99
                break
            cost += (mark[:2] != other[:2]) + (mark.label != other.label)
        best = min(best, cost + len(gold) - len(used))
    return best


@settings(deadline=None, max_examples=150)
@given(marks(most=4), marks(most=4))
def test_effort_equals_the_best_of_all_pairings(found, gold):
    assert sum(score([found], [gold]).operations.values()) == cheapest(found, gold)


@settings(deadline=None, max_examples=200)
@given(marks(), marks())
def test_effort_is_bounded_symmetric_and_zero_only_for_gold(found, gold):
    there, back = score([found], [gold]).operations, score([gold], [found]).operations
    assert sum(there.values()) == sum(back.values()) <= len(found) + len(gold)
    assert (sum(there.values()) == 0) == (set(found) == set(gold))
    assert there["add"] - there["delete"] == len(gold) - len(found)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(marks(), marks()), max_size=4))
def test_labels_add_up_and_partial_is_never_below_strict(pairs):
    found, gold = [one for one, _ in pairs], [other for _, other in pairs]
    whole = score(found, gold)
    parts = whole.by_label
    assert sum(part.gold for part in parts.values()) == whole.gold == sum(map(len, gold))
    assert sum(part.found for part in parts.values()) == whole.found == sum(map(len, found))
    assert sum(sum(part.operations.values()) for part in parts.values()) == sum(whole.operations.values())
    assert all(near >= exact for near, exact in zip(whole.partial, whole.strict, strict=True))
    assert 0 <= whole.strict.f1 <= 1


def test_rates_by_hand():
    found = [[M(0, 5, "ORG"), M(8, 12, "GPE")], [M(0, 3, "ORG")]]
    gold = [[M(0, 5, "ORG"), M(8, 14, "GPE"), M(20, 22, "ORG")], []]
    one = score(found, gold)
    assert one.strict == (1 / 3, 1 / 3, 1 / 3)
    assert one.partial == (2 / 3, 2 / 3, 2 / 3)
    assert one.by_label["GPE"].strict.f1 == 0
    assert one.by_label["GPE"].partial.f1 == 1
    assert one.effort == 100  # resize, add, delete for three gold spans
    assert one.labels == ("GPE", "ORG")


def test_a_long_span_over_two_is_right_once_and_finds_both():
    one = score([[M(0, 9, "ORG")]], [[M(0, 4, "ORG"), M(5, 9, "ORG")]])
    assert (one.partial.precision, one.partial.recall) == (1, 1)


def test_nothing_at_all():
    one = score([], [])
    assert (one.strict.f1, one.effort, one.gold, one.labels) == (0, 0, 0, ())
    assert one.interval("strict") == (0, 0, 0)


def test_documents_must_pair_up():
    with pytest.raises(ValueError, match="zip"):
        score([[]], [])


def several():
    gold = [[M(n, n + 2, "ORG"), M(9, 12, "GPE")] for n in range(8)]
    found = [[M(n, n + 2, "ORG")] if n % 2 else [M(n, n + 3, "ORG"), M(9, 12, "GPE")] for n in range(8)]
    return score(found, gold), score(gold, gold)


def test_intervals_hold_the_value_and_are_the_same_again():
    one, _ = several()
    for metric in ("strict", "partial", "effort"):
        interval = one.interval(metric, resamples=200)
        assert interval.low <= interval.value <= interval.high
        assert interval == one.interval(metric, resamples=200)
    assert one.interval("strict", level=0.5, resamples=200).low >= one.interval("strict", resamples=200).low
    assert one.interval("strict", resamples=9, seed=1) != one.interval("strict", resamples=9, seed=2)


def test_the_difference_is_paired():
    one, perfect = several()
    gain = difference(perfect, one, "strict")
    assert gain.value == perfect.strict.f1 - one.strict.f1
    assert gain.low > 0
    assert difference(one, one, "effort") == (0, 0, 0)
    with pytest.raises(ValueError, match="same documents"):
        difference(one, score([[]], [[]]), "strict")
