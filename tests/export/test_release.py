from __future__ import annotations

import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copydesk.corpus import file_sha256
from copydesk.export import LABELS_FILE, load_release, problems, read_labels, read_splits, release, releases
from copydesk.export.hub_datasets import load_config
from copydesk.schemas import DeskError, SchemeError, load_scheme

FILES = {
    "leakage.json",
    "CHANGELOG.md",
    "CITATION.cff",
    "README.md",
    "conflict-news-1.0.0.toml",
    "croissant.json",
    "guidelines.md",
    "labels.json",
    "loss.json",
    "manifest.json",
    "personal.json",
}


def tree(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep the datasets cache of each test to itself."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def test_the_first_release_is_1_0_0_and_complete(released):
    made = released.release
    assert (made.version, made.new, made.parent, made.silver) == ("1.0.0", True, "", 0)
    assert made.reasons == ("the first release of gold",)
    assert made.path == released.desk.path / "releases" / "1.0.0"
    assert {path.name for path in made.path.iterdir() if path.is_file()} == FILES
    assert set(made.rows) == {"articles", "entities", "spans", "stance", "annotations", "edits"}
    assert made.rows["articles"] == 10
    assert made.rows["annotations"] == 14
    assert list(problems(made.path)) == []


def test_nothing_but_the_release_is_left_beside_it(released):
    assert [path.name for path in (released.desk.path / "releases").iterdir()] == ["1.0.0"]


@pytest.mark.parametrize("config", ["articles", "entities", "spans", "stance", "annotations", "edits"])
def test_every_table_loads_and_streams_alike_with_its_names(released, config):
    whole = load_release(released.release.path, config)
    assert sum(map(len, whole.values())) == released.release.rows[config]
    for split, rows in whole.items():
        assert str(rows.info.version) == "1.0.0"
        assert rows.features["origin"].names == ["gold", "adjudicated", "silver"]
        streamed = load_release(released.release.path, config, split=split, streaming=True)
        assert list(streamed) == list(rows)


def test_label_names_are_those_of_labels_json(released):
    labels = read_labels(released.release.path / LABELS_FILE)
    train = load_release(released.release.path, "entities", split="train")
    assert train.features["ner_tags"].feature.names == list(labels["ner_tags"])
    assert read_labels(released.desk.path / LABELS_FILE) == labels


def test_pandas_polars_and_duckdb_read_it(released):
    files = released.release.path / "entities"
    rows = released.release.rows["entities"]
    assert len(pd.read_parquet(files)) == rows
    assert pl.scan_parquet(files / "*.parquet").select(pl.len()).collect().item() == rows
    query = f"select count(*), sum(len(entities)) from '{files}/*.parquet'"
    assert duckdb.sql(query).fetchall()[0][0] == rows


def test_nothing_is_null_and_nothing_is_json(released):
    def look(value, where):
        assert value is not None, where
        if isinstance(value, dict):
            for name, inner in value.items():
                look(inner, f"{where}.{name}")
        elif isinstance(value, list):
            for inner in value:
                look(inner, where)
        elif isinstance(value, str):
            assert not value.startswith(("{", "[{")), where

    for file in released.release.path.rglob("*.parquet"):
        for row in pq.read_table(file).to_pylist():
            look(row, file.parent.name)


def test_names_survive_where_the_parquet_metadata_was_stripped(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "stripped")
    for file in copy.rglob("*.parquet"):
        pq.write_table(pq.read_table(file).replace_schema_metadata(None), file)
    train = load_config(copy, "stance", split="train")  # load_release would refuse what is not the release's own file
    assert train.features["label"].names[0] == "negative"


def test_every_document_is_in_one_split_everywhere(released):
    splits = read_splits(released.desk.path / "splits.json")
    assert set(splits) == set(released.ids)
    for config in released.release.rows:
        for split, rows in load_release(released.release.path, config).items():
            assert {splits[key] for key in rows["document_id"]} == {split}


def test_people_are_pseudonymous_everywhere(released):
    for name, content in tree(released.release.path).items():
        assert b"anna@" not in content, name
        assert b"example.org" not in content, name
    names = {name for rows in load_release(released.release.path, "annotations").values() for name in rows["annotator"]}
    assert names == {"annotator-1", "annotator-2"}


def test_edits_say_what_became_of_suggestions(released):
    rows = [row for part in load_release(released.release.path, "edits").values() for row in part]
    kinds = load_release(released.release.path, "edits", split="train").features["kind"].names
    retyped = [row for row in rows if kinds[row["kind"]] == "retyped"]
    assert len(retyped) == 14
    assert {row["suggested_label"] for row in retyped} == {"NAMED_EVENT"}
    assert all(row["suggested"] == row["final"] for row in retyped)
    assert {row["model"] for row in rows} == {"toy@1"}


def test_the_manifest_lists_every_file_with_its_hash_and_rows(released):
    manifest = json.loads((released.release.path / "manifest.json").read_text())
    found = {name for name in tree(released.release.path) if name != "manifest.json"}
    assert set(manifest["files"]) == found
    for name, file in manifest["files"].items():
        path = released.release.path / name
        assert file["sha256"] == file_sha256(path)
        if name.endswith(".parquet"):
            assert file["rows"] == pq.read_metadata(path).num_rows
    assert manifest["scheme"]["digest"] == released.desk.scheme().digest
    assert manifest["pipelines"] == ["toy@1"]
    assert manifest["copydesk"]
    assert len(manifest["ledger"]) == 64


def test_a_release_puts_away_what_a_killed_one_left(newsroom):
    newsroom.annotate_all()
    (newsroom.desk.path / "releases" / "building-x" / "release").mkdir(parents=True)
    (newsroom.desk.path / ".pull-x").mkdir()
    release(newsroom.desk)
    assert [path.name for path in (newsroom.desk.path / "releases").iterdir()] == ["1.0.0"]
    assert not (newsroom.desk.path / ".pull-x").exists()


def test_the_same_content_makes_nothing_new(newsroom):
    newsroom.annotate_all()
    first = release(newsroom.desk)
    before = tree(newsroom.desk.path / "releases")
    again = release(newsroom.desk)
    assert (again.new, again.version, again.path) == (False, "1.0.0", first.path)
    assert again.reasons == ("nothing changed since this release",)
    assert tree(newsroom.desk.path / "releases") == before


def test_a_release_is_never_changed(newsroom):
    newsroom.annotate_all()
    release(newsroom.desk)
    with pytest.raises(DeskError, match=r"release 1\.0\.0 exists and is never changed"):
        release(newsroom.desk, version="1.0.0")


def test_a_version_is_raised_and_never_lowered(newsroom):
    newsroom.annotate_all()
    with pytest.raises(DeskError, match=r"a version is three numbers such as 1\.2\.0, got '2'"):
        release(newsroom.desk, version="2")
    with pytest.raises(DeskError, match=r"version 0\.9\.0 was asked for a release without silver labels"):
        release(newsroom.desk, version="0.9.0")
    assert release(newsroom.desk, version="2.0.0").reasons == ("the first release of gold", "raised by hand")
    newsroom.annotate(newsroom.ids[0], "bert@example.org")
    with pytest.raises(DeskError, match=r"version 1\.5\.0 is too low: the changes call for 2\.1\.0") as caught:
        release(newsroom.desk, version="1.5.0")
    assert "1 more annotators' versions" in str(caught.value)


def test_without_people_there_is_no_gold_and_the_error_names_silver(newsroom):
    newsroom.suggest()
    with pytest.raises(DeskError, match="nobody has finished an annotation here") as caught:
        release(newsroom.desk)
    assert "copydesk release --silver" in str(caught.value)
    assert releases(newsroom.desk.path) == []
    assert not (newsroom.desk.path / "splits.json").exists()


def test_silver_needs_suggestions(newsroom):
    with pytest.raises(DeskError, match="there are no suggestions to release"):
        release(newsroom.desk, silver=True)


def test_silver_says_so_in_version_card_and_rows(newsroom):
    newsroom.suggest()
    newsroom.annotate(newsroom.ids[0])
    made = release(newsroom.desk, silver=True)
    assert (made.version, made.silver) == ("0.1.0", 4)
    card = (made.path / "README.md").read_text()
    assert "**Silver release.** 4 of 5 articles carry machine suggestions" in card
    assert "- machine-generated" in card
    origins = [name for rows in load_release(made.path, "articles").values() for name in rows["origin"]]
    assert sorted(origins) == [0, 2, 2, 2, 2]
    # gold goes its own way afterwards
    newsroom.annotate_all(keys=newsroom.ids[1:])
    assert release(newsroom.desk).version == "1.0.0"
    assert (newsroom.desk.path / "releases" / "0.1.0").is_dir()


def test_documents_keep_their_split_and_labels_their_id(newsroom):
    newsroom.annotate_all(keys=newsroom.ids[:3])
    release(newsroom.desk)
    before = read_splits(newsroom.desk.path / "splits.json")
    newsroom.annotate_all(keys=newsroom.ids[3:])
    second = release(newsroom.desk)
    assert (second.version, second.parent) == ("1.1.0", "1.0.0")
    after = read_splits(newsroom.desk.path / "splits.json")
    assert {key: after[key] for key in before} == before
    text = (second.path / "CHANGELOG.md").read_text()
    assert text.index("## 1.1.0") < text.index("## 1.0.0")
    assert "2 documents added" in text


def test_a_correction_in_train_alone_is_a_patch(newsroom):
    newsroom.annotate_all()
    release(newsroom.desk)
    splits = read_splits(newsroom.desk.path / "splits.json")
    train = next(key for key in newsroom.ids if splits[key] == "train")
    truth = newsroom.truth[train]
    fixed = replace(truth, entities=truth.entities[1:], stances=())
    newsroom.annotate(train, annotations=fixed, number=5, state="updated")
    patch = release(newsroom.desk)
    assert patch.version == "1.0.1"
    assert patch.reasons[0].endswith("label changes in train only")
    test = next(key for key in newsroom.ids if splits[key] == "test")
    truth = newsroom.truth[test]
    newsroom.annotate(
        test, annotations=replace(truth, entities=truth.entities[:1], stances=()), number=6, state="updated"
    )
    minor = release(newsroom.desk)
    assert minor.version == "1.1.0"
    assert minor.reasons[0].endswith("in validation or test: scores are no longer comparable")


def test_a_label_under_another_scheme_leaves_nothing_behind(newsroom, tmp_path):
    newsroom.suggest()
    scheme = load_scheme()
    text = newsroom.desk.path / "small.toml"
    kept = [label.id for label in scheme.labels if label.id != "WEAPON"]
    write_scheme(text, scheme, kept)
    settings = newsroom.desk.path / "copydesk.toml"
    settings.write_text(settings.read_text().replace('scheme = "conflict-news-1.0"', 'scheme = "small.toml"'))
    desk = type(newsroom.desk)(newsroom.desk.path)
    with pytest.raises(SchemeError, match="'WEAPON' is not among the names of 'label'"):
        release(desk, silver=True)
    assert list((desk.path / "releases").iterdir()) == []
    assert not (desk.path / "labels.json").exists()


def write_scheme(path, scheme, kept):
    """Write a scheme without some of its labels, as TOML by way of JSON's literals."""
    plain = scheme.model_dump(mode="json")
    plain["labels"] = [label for label in plain["labels"] if label["id"] in kept]
    plain["attributes"] = [{**a, "labels": [n for n in a["labels"] if n in kept]} for a in plain["attributes"]]
    plain["relations"] = []

    def literal(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{name} = {literal(inner)}" for name, inner in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(literal, value)) + "]"
        return json.dumps(value)

    path.write_text("\n".join(f"{name} = {literal(value)}" for name, value in plain.items()) + "\n")


def test_the_desk_is_held_by_one_writer(newsroom):
    newsroom.annotate_all()
    with newsroom.desk.locked(), pytest.raises(DeskError, match="another copydesk is at work"):
        release(newsroom.desk)


def test_a_missing_article_stops_the_release(newsroom):
    newsroom.annotate_all()
    (newsroom.desk.path / "articles" / "part-00000.parquet").unlink()
    with pytest.raises(DeskError, match=r"nobody has finished|has labels, but its article is not in the desk"):
        release(newsroom.desk)


REBUILD = """
import sys
from pathlib import Path
from copydesk.corpus import Desk
from copydesk.export import release
print(release(Desk(Path(sys.argv[1]))).path)
"""


def test_the_same_desk_gives_the_same_bytes_elsewhere(released, tmp_path):
    copy = shutil.copytree(
        released.desk.path, tmp_path / "moved" / "elsewhere", ignore=shutil.ignore_patterns("releases")
    )
    other = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "LC_ALL": "C", "LANG": "tr_TR.UTF-8"}
    made = subprocess.run(
        [sys.executable, "-c", REBUILD, str(copy)],
        env={**os.environ, **other},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert tree(Path(made.stdout.strip())) == tree(released.release.path)


def test_another_order_of_the_ledger_s_files_changes_no_label(released, newsrooms):
    other = newsrooms("other", 10)
    other.suggest()
    for key in reversed(other.ids):
        other.annotate(key)
    other.annotate_all("bert@example.org", other.ids[:4])
    made = release(other.desk)
    assert made.content == released.release.content


@pytest.fixture
def sizeless(monkeypatch):
    """Leave the sizes of files off the card: they are in datasets' cache key too, and would hide what is tested."""
    card = importlib.import_module("copydesk.export.card")
    header = card._header

    def bare(manifest, labels):
        made = header(manifest, labels)
        for info in made["dataset_info"]:
            info["download_size"] = info["dataset_size"] = 0
            for split in info["splits"]:
                split["num_bytes"] = 0
        return made

    monkeypatch.setattr(card, "_header", bare)


def polarities(path):
    return sorted(row for rows in load_release(path, "stance").values() for row in rows["polarity"])


def turned(truth):
    return replace(truth, stances=tuple(replace(stance, polarity="mixed") for stance in truth.stances))


def test_two_folders_of_one_name_load_their_own_rows(newsrooms, sizeless):
    first, second = newsrooms("1/desk"), newsrooms("2/desk")
    second.truth = {key: turned(truth) for key, truth in second.truth.items()}
    paths = []
    for room in (first, second):
        room.annotate_all()
        paths.append(release(room.desk).path)
    assert paths[0].name == paths[1].name
    assert polarities(paths[0]) == [0, 1, 2, 3, 4]
    assert polarities(paths[1]) == [5, 5, 5, 5, 5]


def test_a_release_rebuilt_in_place_loads_its_new_rows(newsroom, sizeless):
    newsroom.annotate_all()
    path = release(newsroom.desk).path
    assert polarities(path) == [0, 1, 2, 3, 4]
    shutil.rmtree(path)
    for number, key in enumerate(newsroom.ids):
        newsroom.annotate(key, annotations=turned(newsroom.truth[key]), number=number + 1, state="updated")
    assert release(newsroom.desk).path == path
    assert polarities(path) == [5, 5, 5, 5, 5]


def test_releasing_and_loading_reach_for_no_network(newsroom, monkeypatch):
    def refuse(*arguments, **more):
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    newsroom.annotate_all()
    load_release(release(newsroom.desk).path, "stance")


def test_the_offline_switch_does_not_leak(released, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config.constants, "HF_HUB_OFFLINE", False)
    load_release(released.release.path, "stance")
    assert datasets.config.HF_HUB_OFFLINE is False
    assert datasets.config.constants.HF_HUB_OFFLINE is False
    assert "HF_HUB_OFFLINE" not in os.environ


def test_loading_what_is_not_there_says_what_is(released, tmp_path):
    with pytest.raises(DeskError, match="this release has no table 'ner'; it has articles, entities"):
        load_release(released.release.path, "ner")
    with pytest.raises(DeskError, match=r"no release here: there is no manifest\.json"):
        load_release(tmp_path, "entities")


def test_a_damaged_file_does_not_load(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "damaged")
    (copy / "entities" / "train-00000-of-00001.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DeskError, match=r"the release is damaged: entities/train-00000-of-00001\.parquet"):
        load_release(copy, "entities")


def test_a_table_that_was_changed_does_not_load(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    file = copy / "stance" / "train-00000-of-00001.parquet"
    table = pq.read_table(file)
    at = table.schema.get_field_index("target")
    wrong = pa.array(["x" for _ in range(len(table))], pa.string())
    pq.write_table(table.set_column(at, table.schema.field(at), wrong), file)
    with pytest.raises(
        DeskError, match=r"stance/train-00000-of-00001\.parquet is not the file that the manifest lists"
    ):
        load_release(copy, "stance")
    assert load_release(copy, "articles")["train"]


def test_a_damaged_release_is_no_base_for_the_next(newsroom):
    newsroom.annotate_all(keys=newsroom.ids[:4])
    first = release(newsroom.desk)
    file = first.path / "articles" / "train-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    newsroom.annotate(newsroom.ids[4])
    with pytest.raises(DeskError, match="the release is damaged: articles/train") as caught:
        release(newsroom.desk)
    assert "Restore it from a copy" in str(caught.value)
    assert releases(newsroom.desk.path) == ["1.0.0"]


def test_a_lost_label_file_gives_no_released_label_another_id(newsroom):
    newsroom.annotate_all()
    release(newsroom.desk)
    (newsroom.desk.path / LABELS_FILE).write_text('{"label": ["NEW"]}')
    with pytest.raises(DeskError, match="the label ids of 'label' are not those of release 1") as caught:
        release(newsroom.desk)
    assert "Put labels.json back" in str(caught.value)
    (newsroom.desk.path / LABELS_FILE).unlink()  # the scheme is the same, so the same ids come of it
    assert not release(newsroom.desk).new
    with pytest.raises(DeskError, match="so there is nothing to release as 9"):
        release(newsroom.desk, version="9.0.0")


def test_damage_inside_the_ledger_is_named(newsroom):
    newsroom.annotate_all()
    (part,) = newsroom.desk.parts("annotations")
    raw = bytearray(part.read_bytes())
    raw[4 : len(raw) // 2] = b"\xff" * (len(raw) // 2 - 4)
    part.write_bytes(bytes(raw))
    with pytest.raises(DeskError, match="not a readable Parquet file"):
        release(newsroom.desk)


def test_progress_counts_documents(newsroom):
    newsroom.annotate_all()
    seen = []
    release(newsroom.desk, on_progress=lambda progress: seen.append((progress.done, progress.total)))
    assert seen == [(5, 5)]  # all of one batch
