from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.corpus import ReleaseSettings
from copydesk.export import SPLITS, read_splits
from copydesk.export.splits import assign, write_splits
from copydesk.schemas import DeskError

SHARES = ReleaseSettings()


def clusters(count, size=1):
    return {f"cluster{n}": [f"document{n}-{m}" for m in range(size)] for n in range(count)}


def test_shares_are_kept_roughly():
    found = list(assign(clusters(5000), SHARES, {}).values())
    assert 0.78 < found.count("train") / 5000 < 0.82
    assert 0.08 < found.count("validation") / 5000 < 0.12


def test_copies_stay_together():
    found = assign(clusters(50, size=3), SHARES, {})
    for n in range(50):
        assert len({found[f"document{n}-{m}"] for m in range(3)}) == 1


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(0, 60), st.floats(0, 1), st.text(max_size=5))
def test_growth_moves_nothing_that_was_released(count, more, train, salt):
    shares = ReleaseSettings(train=train, validation=(1 - train) / 2, test=(1 - train) / 2, salt=salt)
    first = assign(clusters(count), SHARES, {})
    grown = assign(clusters(count + more), shares, first)
    assert {document: grown[document] for document in first} == first
    assert set(grown.values()) <= set(SPLITS)


def test_growth_moves_almost_nothing_even_without_the_lock():
    first, grown = assign(clusters(500), SHARES, {}), assign(clusters(1000), SHARES, {})
    assert {document: grown[document] for document in first} == first


@pytest.mark.parametrize("count", range(3, 30))
def test_no_split_is_empty_where_a_cluster_can_fill_it(count):
    assert set(assign(clusters(count), SHARES, {}).values()) == set(SPLITS)


@pytest.mark.parametrize("cluster", range(40))
def test_one_document_trains_whatever_its_hash(cluster):
    assert assign({f"cluster{cluster}": ["a"]}, SHARES, {}) == {"a": "train"}


def test_a_split_without_a_share_stays_empty():
    shares = ReleaseSettings(train=0.9, validation=0, test=0.1)
    assert set(assign(clusters(40), shares, {}).values()) == {"train", "test"}


def test_a_new_copy_joins_its_cluster_and_merged_clusters_move_nobody():
    locked = {"a": "test", "b": "train"}
    found = assign({"c": ["a", "b", "new"]}, SHARES, locked)
    assert found == {"a": "test", "b": "train", "new": "test"}


def test_the_lock_round_trips_and_damage_is_named(tmp_path):
    path = tmp_path / "splits.json"
    assert read_splits(path) == {}
    write_splits(path, {"b": "test", "a": "train"})
    assert read_splits(path) == {"a": "train", "b": "test"}
    path.write_text(json.dumps({"a": "dev"}))
    with pytest.raises(DeskError, match="the split lock is damaged: no split 'dev'"):
        read_splits(path)
    path.write_text("{")
    with pytest.raises(DeskError, match="the split lock is damaged"):
        read_splits(path)
