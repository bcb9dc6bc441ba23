"""What is the same in every document of a window is known, so that it is not unpacked."""

from __future__ import annotations

import importlib

import pyarrow as pa

ALONGSIDE = importlib.import_module("copydesk.export.alongside")


def table(**documents):
    """Return rows of a document id, a title and its labels."""
    titles, labels = zip(*documents.values(), strict=True)
    return pa.table({"document_id": list(documents), "title": list(titles), "stances": list(labels)})


def test_a_column_that_is_the_same_in_all_is_named():
    old, new = table(a=("one", ["x"]), b=("two", [])), table(a=("ONE", ["x"]), b=("two", []))
    assert ALONGSIDE._differing(old, new, False) == (("a",), frozenset({"document_id", "stances"}))


def test_nothing_is_called_the_same_where_a_document_is_in_one_release_alone():
    old, new = table(a=("one", ["x"])), table(a=("ONE", ["x"]), b=("two", ["y"]))
    assert ALONGSIDE._differing(old, new, False) == (("a", "b"), frozenset())
    assert ALONGSIDE._differing(new, old, False) == (("a", "b"), frozenset())
