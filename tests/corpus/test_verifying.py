"""Copies are verified against the article that stands for them: kinds, the window, no chains."""

from __future__ import annotations

import importlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.corpus import clusters, documents, ingest

from .conftest import change_setting, story, write_jsonl

verifying = importlib.import_module("copydesk.corpus.verifying")
DedupeSettings = importlib.import_module("copydesk.corpus.settings").DedupeSettings


def member(name, grams, date=0.0):
    return verifying.Member(name, date, name.encode(), np.array(sorted(grams), dtype=np.uint64))


def places_of(desk, news, records):
    write_jsonl(news / "a.jsonl", [{"id": n, **record} for n, record in enumerate(records)])
    ingest(desk, [str(news)])
    numbers = {document.id: int(document.external_id) for document in documents(desk)}
    return {numbers[key]: (numbers[place.canonical], place.kind) for key, place in clusters(desk).items()}


def test_an_excerpt_from_the_middle_of_a_long_story_is_found(desk, news):
    long = story(1, sentences=60)
    start = long.index("In ", len(long) // 2)
    records = [{"text": long, "date": "2024-01-01"}]
    records.append({"text": long[start : long.index("In ", start + 600)], "date": "2024-01-02"})
    assert places_of(desk, news, records) == {0: (0, "canonical"), 1: (0, "excerpt")}


def test_a_later_and_longer_story_is_an_update(desk, news):
    first = story(1, sentences=10)
    records = [
        {"text": first, "date": "2024-01-01"},
        {"text": f"{first} {story(2, sentences=6)}", "date": "2024-01-02"},
    ]
    assert places_of(desk, news, records) == {0: (0, "canonical"), 1: (0, "update")}


def test_a_story_with_another_beginning_is_found_where_the_setting_asks(desk, news):
    body = story(1, sentences=12)
    records = [{"text": f"{story(n, sentences=5)} {body}", "date": f"2024-01-0{n}"} for n in (2, 3)]
    assert places_of(desk, news, records)[1] == (1, "canonical")
    desk = change_setting(desk, "^contained = .*", "contained = 0.5")
    assert places_of(desk, news, records)[1] == (0, "reprint")


@pytest.mark.parametrize(("days", "kind"), [(0, "reprint"), (30, "reprint"), (29, "canonical")])
def test_the_window_keeps_near_copies_of_other_times_apart(desk, news, days, kind):
    desk = change_setting(desk, "^window_days = .*", f"window_days = {days}")
    text = story(1, sentences=20)
    records = [
        {"text": text, "date": "2024-01-01"},
        {"text": f"{text} Reporting by our staff.", "date": "2024-01-31"},
        {"text": text, "date": "2025-06-01"},
        {"text": f"{text} By our desk."},
    ]
    kinds = [place[1] for _, place in sorted(places_of(desk, news, records).items())]
    assert kinds == ["canonical", kind, "exact", "reprint"], "the same words at any time, and what has no date"


def test_a_chain_does_not_join_its_ends():
    links = [member(f"{n:02}", range(10 * n, 10 * n + 100)) for n in range(30)]
    close = DedupeSettings()
    assert all(verifying.verified(one, other, close) for one, other in pairwise(links))
    found = verifying.stars(links, close)
    assert len(found) == 15
    assert all(verifying.verified(star[0], other, close) for star in found for other in star[1:])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=14), st.randoms())
def test_stars_hold_everyone_once_in_any_order(makings, dice):
    group = [
        member(f"{n:02}", range(start, start + 50), float(date) if date else float("inf"))
        for n, (start, date) in enumerate(makings)
    ]
    found = [[one.id for one in star] for star in verifying.stars(group, DedupeSettings())]
    assert sorted(name for star in found for name in star) == [one.id for one in group]
    dice.shuffle(group)
    assert [[one.id for one in star] for star in verifying.stars(group, DedupeSettings())] == found


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sets(st.integers(0, 12)), max_size=8), st.integers(1, 3), st.integers(2, 5))
def test_shared_anchors_are_those_of_a_plain_count(sets, least, most):
    rare = {gram for gram in range(13) if sum(gram in one for one in sets) <= most}
    wanted = [
        (a, b) for a in range(len(sets)) for b in range(a + 1, len(sets)) if len(sets[a] & sets[b] & rare) >= least
    ]
    anchors = [np.array(sorted(one), dtype=np.uint64) for one in sets]
    assert verifying.shared_anchors(anchors, least=least, most=most) == wanted
