from __future__ import annotations

import importlib
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copydesk.corpus import file_sha256
from copydesk.export import Snapshot, problems, verify
from copydesk.export.promises import broken
from copydesk.export.verify import damaged
from copydesk.schemas import ReleaseError


def tampered(released, tmp_path, config, change):
    """Return a copy of the release with one row of a table changed, and a manifest that believes it."""
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    name = f"{config}/train-00000-of-00001.parquet"
    table = pq.read_table(copy / name)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), copy / name)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"][name]["sha256"] = file_sha256(copy / name)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


def shift(rows):
    row = next(row for row in rows if row["entities"])
    row["entities"][0]["start"] += 1


def retag(rows):
    row = next(row for row in rows if any(row["ner_tags"]))
    row["ner_tags"] = [0] * len(row["ner_tags"])


def untoken(rows):
    row = next(row for row in rows if row["tokens"])
    row["tokens"][0] = "?"


def twin(rows):
    rows[1]["id"] = rows[0]["id"]


def misname(rows):
    rows[0]["id"] = "f" * 16


def hold(rows):
    row = next(row for row in rows if row["stances"])
    row["stances"][0]["holder"] = "nobody"


def misquote(rows):
    row = next(row for row in rows if any(a["source"] for a in row["attributions"]))
    next(a for a in row["attributions"] if a["source"])["source"][0]["text"] = "somebody else"


def move(rows):
    rows[0]["split"] = "test"


def dangle(rows):
    row = next(row for row in rows if row["stances"])
    row["stances"][0]["target"] = "nobody"


def mistarget(rows):
    rows[0]["target_end"] += 1


def misplace(rows):
    rows[0]["start"] += 1


@pytest.mark.parametrize(
    ("config", "change", "message"),
    [
        ("articles", shift, "do not give"),
        ("articles", dangle, "a stance refers to an entity that is not there"),
        ("entities", retag, "the tags are not the row's entities, flattened"),
        ("entities", untoken, "tokens, offsets and tags do not go together"),
        ("articles", hold, "a stance refers to an entity that is not there"),
        ("articles", misquote, "do not give 'somebody else'"),
        ("annotations", dangle, "a stance refers to an entity that is not there"),
        ("spans", misplace, "do not give"),
        ("entities", twin, "the id is there twice"),
        ("entities", misname, "the id does not begin with its document's"),
        ("entities", move, "its document is in two splits"),
        ("entities", misplace, "the sentence is not where the article has it"),
        ("stance", mistarget, "the target's offsets do not give its text"),
    ],
)
def test_every_promise_is_checked(released, tmp_path, config, change, message):
    copy = tampered(released, tmp_path, config, change)
    (first, *_) = broken(Snapshot.of(copy))
    assert first.startswith(f"{config} row ")
    assert message in first


def test_nothing_is_wrong_with_a_release(released):
    assert list(broken(Snapshot.of(released.release.path))) == []


def test_a_broken_promise_stops_a_release_and_is_named(released, tmp_path):
    copy = tampered(released, tmp_path, "articles", shift)
    with pytest.raises(ReleaseError, match=r"the built release breaks a promise: articles row .* do not give"):
        verify(copy)


def test_rows_out_of_their_place_are_found(released, tmp_path):
    def swap(rows):
        rows[0], rows[-1] = rows[-1], rows[0]

    copy = tampered(released, tmp_path, "spans", swap)
    assert any("not in its place" in problem for problem in broken(Snapshot.of(copy)))


def test_what_datasets_cannot_load_is_no_release(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    card = (copy / "README.md").read_text()
    (copy / "README.md").write_text(card.replace("dtype: string", "dtype: no_such_type"))
    assert any("datasets cannot load it: " in problem for problem in problems(copy))


def test_a_table_too_large_to_load_is_streamed(released, monkeypatch):
    monkeypatch.setattr(importlib.import_module("copydesk.export.strangers"), "MAX_READ", 0)
    assert list(problems(released.release.path)) == []


def test_names_that_differ_from_labels_json_are_found(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    labels = json.loads((copy / "labels.json").read_text())
    labels["stance"][:2] = reversed(labels["stance"][:2])
    (copy / "labels.json").write_text(json.dumps(labels))
    assert any("stance: the columns or their label names are not those" in problem for problem in problems(copy))


def test_a_file_that_is_not_the_manifest_s_is_found(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    (copy / "guidelines.md").write_text("do as you like")
    assert list(damaged(Snapshot.of(copy))) == ["guidelines.md is not the file that the manifest lists"]
