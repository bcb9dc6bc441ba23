from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.export import CONFIGS, grow, parquet
from copydesk.export.hub_datasets import arrow_schema
from copydesk.export.parquet import Digest, TableWriter
from copydesk.schemas import load_scheme

LABELS = grow({}, load_scheme())
SPANS = CONFIGS["spans"]
SCHEMA = arrow_schema(SPANS.features, LABELS)


@pytest.fixture
def small(monkeypatch):
    """Make groups small, so that little data has several."""
    for name, value in (("EVERY", 256), ("LEAST", 2**17), ("MOST", 2**22)):
        monkeypatch.setattr(parquet, name, value)


def ids(count):
    return sorted(hashlib.sha256(str(number).encode()).hexdigest()[:16] for number in range(count))


def table(documents, rows=20):
    """Return rows of `spans`, as many for each document, that differ."""
    keys = [key for key in documents for _ in range(rows)]
    numbers = [int(key[:6], 16) + place for key in documents for place in range(rows)]
    columns = {}
    for field in SCHEMA:
        if field.name in ("id", "text"):
            columns[field.name] = [f"{key}-{number}" for key, number in zip(keys, numbers, strict=True)]
        elif field.name == "document_id":
            columns[field.name] = keys
        elif field.name == "attributes":
            columns[field.name] = [[{"name": "n", "value": str(number % 7)}] * (number % 3) for number in numbers]
        elif pa.types.is_string(field.type):
            columns[field.name] = [f"{field.name} {number % 5}" for number in numbers]
        else:
            columns[field.name] = [number % 3 for number in numbers]
    return pa.table(columns, SCHEMA)


def written(folder, *tables):
    writer = TableWriter(folder, SPANS, "train", LABELS)
    for one in tables:
        writer.write(one)
    return writer.close(), writer


def groups(path):
    """Return the first document of every row group, and the bytes of the group."""
    content = path.read_bytes()
    with pq.ParquetFile(path) as file:
        found = {}
        for number in range(file.num_row_groups):
            chunks = [file.metadata.row_group(number).column(place) for place in range(file.metadata.num_columns)]
            starts = [chunk.dictionary_page_offset or chunk.data_page_offset for chunk in chunks]
            end = max(start + chunk.total_compressed_size for start, chunk in zip(starts, chunks, strict=True))
            first = file.read_row_group(number, columns=["document_id"])["document_id"][0].as_py()
            found[first] = content[min(starts) : end]
        return found


def columns(path):
    """Return the bytes of every column of a file with one row group."""
    content = path.read_bytes()
    with pq.ParquetFile(path) as file:
        assert file.num_row_groups == 1
        parts = [file.metadata.row_group(0).column(place) for place in range(file.metadata.num_columns)]
    starts = {part.path_in_schema: part.dictionary_page_offset or part.data_page_offset for part in parts}
    return {part.path_in_schema: content[starts[part.path_in_schema] :][: part.total_compressed_size] for part in parts}


def test_bytes_and_digest_depend_on_the_rows_alone(tmp_path, small):
    documents = ids(900)
    whole = table(documents)
    one, _ = written(tmp_path / "one", whole)
    parts = [whole.slice(start, 20 * 37) for start in range(0, whole.num_rows, 20 * 37)]
    other, writer = written(tmp_path / "other", *parts)
    assert one == other
    name = "spans/train-00000-of-00001.parquet"
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    assert pq.read_table(tmp_path / "one" / name).equals(whole)
    assert (writer.rows, writer.bytes) == (whole.num_rows, whole.nbytes)


def test_a_new_document_changes_the_row_group_it_joins_and_no_other_but_the_next(tmp_path, small):
    documents = ids(2_000)
    new = documents.pop(1_234)
    _, before = written(tmp_path / "before", table(documents))
    _, after = written(tmp_path / "after", table(sorted([*documents, new])))
    old, now = groups(before.path), groups(after.path)
    assert len(old) > 4
    changed = [place for place, key in enumerate(old) if old[key] != now.get(key)]
    joined = max(place for place, key in enumerate(old) if key <= new)
    assert joined in changed
    assert set(changed) <= {joined, joined + 1}  # the last page before a border reaches into the next group's first


def test_a_row_group_without_a_border_ends_somewhere(tmp_path, small, monkeypatch):
    monkeypatch.setattr(parquet, "MOST", 2**19)
    key = next(key for key in ids(50) if int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % 256)
    documents = [key + str(number).zfill(4) for number in range(6)]
    _, writer = written(tmp_path, table(documents, rows=2_000))
    with pq.ParquetFile(writer.path) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert len(sizes) > 1
    assert not any(size % 2_000 for size in sizes)  # a document is never cut


def test_a_corrected_label_changes_the_column_of_labels_alone(tmp_path):
    whole = table(ids(500))
    place = whole.column_names.index("label")
    labels = whole["label"].to_pylist()
    labels[4_321] = (labels[4_321] + 1) % 3
    other = whole.set_column(place, SCHEMA.field("label"), pa.array(labels, SCHEMA.field("label").type))
    (_, before), (_, after) = (written(tmp_path / name, one) for name, one in (("before", whole), ("after", other)))
    differ = {name for name, content in columns(before.path).items() if content != columns(after.path)[name]}
    assert differ == {"label"}


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_digest_does_not_see_how_rows_are_cut(seed, size):
    documents = [f"{seed}-{number:02d}" for number in range(12)]
    whole = table(["0badc0de" + key for key in documents], rows=3)
    one, other = Digest(), Digest()
    one.update(whole)
    for start in range(0, whole.num_rows, size):
        other.update(whole.slice(start, size))
    assert one.hexdigest() == other.hexdigest()


@pytest.mark.parametrize("column", SCHEMA.names)
def test_a_digest_sees_every_column(column):
    whole = table(ids(3), rows=3)
    place = whole.column_names.index(column)
    other = whole.set_column(place, SCHEMA.field(column), whole[column].take(pa.array([1, 0, *range(2, 9)])))
    one, two = Digest(), Digest()
    one.update(whole)
    two.update(other)
    assert (one.hexdigest() == two.hexdigest()) == whole.equals(other)


def test_a_digest_sees_where_a_text_ends_and_a_list_begins():
    def digest(values, kind):
        found = Digest()
        found.update(pa.table({"a": pa.array(values, kind)}))
        return found.hexdigest()

    text, lists = pa.string(), pa.list_(pa.string())
    assert digest(["ab", "c"], text) != digest(["a", "bc"], text)
    assert digest([["a"], ["b", "c"]], lists) != digest([["a", "b"], ["c"]], lists)
