from __future__ import annotations

import json
import shutil

import pytest

from copydesk.corpus import file_sha256
from copydesk.export import Snapshot
from copydesk.export.croissant_check import faults
from copydesk.export.strangers import MAX_READ, Strangers

mlcroissant = pytest.importorskip("mlcroissant")


@pytest.fixture
def folder(released, tmp_path):
    return shutil.copytree(released.release.path, tmp_path / "copy")


def edit(folder, change):
    path = folder / "croissant.json"
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


def test_it_is_valid_and_every_table_can_be_read_through_it(folder):
    assert list(faults(folder, MAX_READ)) == []
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, config in manifest["configs"].items():
        for split, rows in config["splits"].items():
            assert sum(1 for _ in dataset.records(f"{name}/{split}")) == rows


def test_records_say_what_the_tables_say(folder, released):
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    row = next(iter(dataset.records("articles/train")))
    document = released.documents[row["articles/train/document_id"].decode()]
    assert row["articles/train/text"].decode() == document.text
    first, *_ = row["articles/train/entities"]
    start, end = first["articles/train/entities/start"], first["articles/train/entities/end"]
    assert document.text[start:end] == first["articles/train/entities/text"].decode()
    names = {r["labels/label/id"]: r["labels/label/name"] for r in dataset.records("labels/label")}
    labels = json.loads((folder / "labels.json").read_text())["label"]
    assert list(names.values()) == labels


def test_a_file_with_another_hash_is_not_read(folder):
    def spoil(said):
        said["distribution"][0]["sha256"] = "0" * 64

    edit(folder, spoil)
    assert any("cannot be read" in fault for fault in faults(folder, MAX_READ))


def test_what_is_too_large_is_not_read_whole(folder):
    def spoil(said):
        said["distribution"][0]["sha256"] = "0" * 64

    edit(folder, spoil)
    assert list(faults(folder, 0)) == []


def test_what_is_not_valid_is_told(folder):
    edit(folder, lambda said: said["recordSet"][-1]["field"][0]["source"].update(fileObject={"@id": "nowhere"}))
    assert any("nowhere" in fault for fault in faults(folder, MAX_READ))


def test_without_the_library_nothing_is_claimed(released, monkeypatch):
    monkeypatch.setattr("copydesk.export.croissant_check.__file__", _without())
    with Strangers(Snapshot.of(released.release.path)) as strangers:
        assert list(strangers.read()) == []
        assert not strangers.is_validated


def _without():
    import tempfile
    from pathlib import Path

    from copydesk.export import croissant_check

    source = Path(croissant_check.__file__).read_text().replace("import mlcroissant", "raise ImportError")
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(source)
    return file.name


def test_the_fields_of_responsible_ai_are_measured(folder):
    said = json.loads((folder / "croissant.json").read_text())
    manifest = json.loads((folder / "manifest.json").read_text())
    assert said["rai:annotationsPerItem"] == "1.40"  # fourteen versions of ten articles
    assert said["rai:dataCollectionTimeFrame"] == [manifest["texts"]["first"], manifest["texts"]["last"]]
    assert said["rai:machineAnnotationTools"] == manifest["pipelines"]
    assert "2 articles state no day" in said["rai:dataCollectionMissingData"]
    assert "10 articles of 2 outlets" in said["rai:dataCollection"]
    assert "2 annotators" in said["rai:annotatorDemographics"]
    assert all(said[name] for name in said if name.startswith("rai:"))


def test_every_table_file_is_listed_with_its_hash(folder):
    said = json.loads((folder / "croissant.json").read_text())
    listed = {file["contentUrl"]: file["sha256"] for file in said["distribution"]}
    assert listed == {
        path.relative_to(folder).as_posix(): file_sha256(path) for path in sorted(folder.rglob("*.parquet"))
    }
