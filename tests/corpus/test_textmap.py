from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.corpus import TextMap
from copydesk.schemas import InputError


def edited(text, dice):
    """Return a text after some random edits, and the map of them."""
    made, edits, at = [], [], 0
    while at < len(text):
        keep = dice.draw(st.integers(0, 6))
        taken = dice.draw(st.integers(0, 3))
        start = min(len(text), at + keep)
        end = min(len(text), start + taken)
        new = dice.draw(st.text("xyz", max_size=3))
        made += [text[at:start], new]
        edits.append((start, end, len(new)))
        at = max(end, at + 1) if end > at else end
        if end == start == at - 1:  # nothing moved: keep one character
            edits[-1] = (start, start, len(new))
            made.append(text[start : start + 1])
            at = start + 1
    return "".join(made), TextMap.edited(len(text), edits)


def check(source, text, found):
    """Every kept piece is the same in both, and both texts are covered from end to end."""
    here = there = 0
    for made, taken, kept in found.pieces:
        if kept:
            assert source[there : there + taken] == text[here : here + made]
        here, there = here + made, there + taken
    assert (here, there) == (len(text), len(source))


@settings(deadline=None, max_examples=120)
@given(st.text("abcd \n", max_size=40), st.data())
def test_maps_compose(source, dice):
    middle, first = edited(source, dice)
    text, second = edited(middle, dice)
    check(source, middle, first)
    whole = first.then(second)
    check(source, text, whole)
    # a range goes back at least as far as in two steps, and farther only where pieces of both overlap
    for start in range(len(text)):
        found = whole.to_source(start, start + 1)
        between = second.to_source(start, start + 1)
        stepped = first.to_source(*between) if between else None
        if stepped and found:
            assert found[0] <= stepped[0]
            assert stepped[1] <= found[1]
        elif stepped:
            pytest.fail(f"{start} is lost")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=30), st.text(max_size=30))
def test_two_versions_are_compared(before, after):
    check(before, after, TextMap.compared(before, after))


@settings(deadline=None, max_examples=60)
@given(st.text("ab", max_size=30), st.data())
def test_what_is_written_is_read(source, dice):
    _, found = edited(source, dice)
    assert TextMap.decode(found.encode()) == found


def test_there_and_back():
    found = TextMap.edited(10, [(2, 4, 1), (6, 6, 2), (8, 10, 0)])
    assert found.encode() == "2,1/2,2,2/0,2,0/2"
    assert found.to_source(0, 2) == (0, 2)
    assert found.to_source(2, 3) == (2, 4)
    assert found.to_source(5, 7) is None
    assert found.to_source(1, 8) == (1, 7)
    assert found.from_source(3, 4) == (2, 3)
    assert found.from_source(8, 10) is None
    assert (found.length, found.source_length) == (9, 10)


@pytest.mark.parametrize("written", ["x", "1,,2", "-1", "3/", "1,2/"])
def test_what_is_no_map(written):
    with pytest.raises(InputError, match=re.escape("not a map of a text")):
        TextMap.decode(written)


def test_maps_that_do_not_fit():
    with pytest.raises(InputError, match="do not follow on each other"):
        TextMap.same(3).then(TextMap.same(4))
