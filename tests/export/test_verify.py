from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copydesk.corpus import file_sha256
from copydesk.export import problems, verify
from copydesk.schemas import DeskError


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
        ("entities", twin, "the id is there twice"),
        ("entities", move, "its document is in two splits"),
        ("entities", misplace, "the sentence is not where the article has it"),
        ("stance", mistarget, "the target's offsets do not give its text"),
    ],
)
def test_every_promise_is_checked(released, tmp_path, config, change, message):
    copy = tampered(released, tmp_path, config, change)
    with pytest.raises(DeskError, match=f"the built release breaks a promise: {config} row .*{message}"):
        verify(copy)


def test_names_that_differ_from_labels_json_are_found(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    labels = json.loads((copy / "labels.json").read_text())
    labels["stance"][:2] = reversed(labels["stance"][:2])
    (copy / "labels.json").write_text(json.dumps(labels))
    assert any("stance.label: the label names are not those of labels.json" in problem for problem in problems(copy))


def test_a_file_that_is_not_the_manifest_s_is_found(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    (copy / "guidelines.md").write_text("do as you like")
    assert list(problems(copy)) == ["guidelines.md is not the file that the manifest lists"]
