"""Two tables side by side: every row that differs is found, and no other, however the rows are spread over splits."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.export import alongside
from copydesk.export.alongside import unlike, windows
from copydesk.schemas import DeskError

SPAN = pa.struct([("start", pa.int32()), ("text", pa.string()), ("more", pa.list_(pa.string()))])
span = st.fixed_dictionaries(
    {
        "start": st.integers(0, 2),
        "text": st.sampled_from(["", "a", "é"]),
        "more": st.lists(st.sampled_from("xy"), max_size=2),
    }
)
rows = st.lists(st.tuples(st.lists(span, max_size=3), st.lists(span, max_size=3), st.booleans()), max_size=12)


@given(rows, st.integers(0, 3), st.booleans())
@settings(deadline=None, max_examples=150)
def test_columns_differ_where_their_values_do(pairs, skipped, wordless):
    left = [one for one, _, _ in pairs]
    right = [one if is_same else other for one, other, is_same in pairs]
    columns = (pa.array(values, pa.list_(SPAN)).slice(skipped) for values in (left, right))

    def said(items):
        return [{**item, "text": "" if wordless else item["text"]} for item in items]

    expected = [said(one) != said(other) for one, other in zip(left, right, strict=True)][skipped:]
    assert unlike(*columns, wordless=wordless).tolist() == expected


def test_columns_of_another_type_differ_everywhere():
    assert unlike(pa.array([1, 2]), pa.array(["1", "2"])).tolist() == [True, True]
    one = pa.array([{"a": 1}], pa.struct([("a", pa.int64())]))
    other = pa.array([{"b": 1}], pa.struct([("b", pa.int64())]))
    assert unlike(one, other).tolist() == [True]


def put(folder, documents):
    """Write (id, split, said) as the articles of a release."""
    (folder / "articles").mkdir(parents=True)
    for split in {split for _, split, _ in documents}:
        found = sorted((key, split, said) for key, where, said in documents if where == split)
        table = pa.table(dict(zip(("document_id", "split", "said"), zip(*found, strict=True), strict=True)))
        pq.write_table(table, folder / "articles" / f"{split}-00000-of-00001.parquet")
    return folder


document = st.tuples(st.sampled_from(["train", "validation", "test"]), st.sampled_from("ab"))
release = st.dictionaries(st.integers(0, 40).map("{:02d}".format), document, max_size=30)


@given(release, release, st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_windows_hold_every_document_once_and_name_those_that_differ(tmp_path_factory, old, new, batch):
    folders = [
        put(tmp_path_factory.mktemp("r") / "r", [(key, *value) for key, value in side.items()]) for side in (old, new)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alongside, "BATCH", batch)
        found = list(windows(*folders, ["document_id", "split", "said"]))
    seen = [
        [key for window in found for key in getattr(window, side)["document_id"].to_pylist()] for side in ("old", "new")
    ]
    assert seen == [sorted(old), sorted(new)]
    differing = [key for window in found for key in window.ids]
    assert differing == sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def test_every_document_is_named_where_it_is_asked_for(tmp_path):
    one = put(tmp_path / "a", [("1", "train", "x"), ("2", "test", "x")])
    columns = ["document_id", "said"]
    assert [key for window in windows(one, one, columns, every=True) for key in window.ids] == ["1", "2"]
    assert not any(window.ids for window in windows(one, one, columns))


def test_rows_out_of_order_are_refused(tmp_path):
    (tmp_path / "articles").mkdir()
    pq.write_table(pa.table({"document_id": ["2", "1"]}), tmp_path / "articles" / "train-00000-of-00001.parquet")
    with pytest.raises(DeskError, match="not in the order of their ids"):
        list(windows(tmp_path, tmp_path, ["document_id"]))
