"""A release as spaCy's training files: what they hold, what they cannot, and that spaCy trains on them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest
import spacy
from spacy.tokens import DocBin

from copydesk.export import load_release, write_spacy
from copydesk.schemas import DeskError

spacy_files = importlib.import_module("copydesk.export.spacy_files")


def docs(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


@pytest.fixture(scope="module")
def made(released, tmp_path_factory):
    return write_spacy(released.release.path, tmp_path_factory.mktemp("spacy"))


def test_every_document_lies_in_the_file_of_its_split(made, released):
    rows = load_release(released.release.path, "articles")
    for split, name in (("train", "train.spacy"), ("validation", "dev.spacy"), ("test", "test.spacy")):
        assert [doc.text for doc in docs(made.folder / name)] == rows[split]["text"]
    assert sum(made.docs.values()) == 10


def test_spans_are_the_release_s_or_listed_as_lost(made, released):
    rows = load_release(released.release.path, "articles")
    wanted = set()
    for split in rows:
        names = rows[split].features["entities"].feature["label"].names
        for row in rows[split]:
            wanted |= {(row["text"], e["start"], e["end"], names[e["label"]]) for e in row["entities"]}
    found, grouped = set(), set()
    for name in ("train.spacy", "dev.spacy", "test.spacy"):
        for doc in docs(made.folder / name):
            found |= {(doc.text, e.start_char, e.end_char, e.label_) for e in doc.ents}
            grouped |= {(doc.text, e.start_char, e.end_char, e.label_) for e in doc.spans["sc"]}
    texts = {row["document_id"]: row["text"] for split in rows for row in rows[split]}
    lost = {(texts[one.document_id], one.start, one.end, one.label) for one in made.lost if one.config == "doc.ents"}
    assert found | lost == wanted
    assert not found & lost
    assert grouped == wanted
    assert (made.entities, made.spans) == (len(found), len(grouped))
    assert len(json.loads((made.folder / "loss.json").read_text("utf-8"))) == len(made.lost)


def test_overlaps_and_borders_inside_a_token_are_lost_by_name():
    row = spacy_files._Row("train", "d", "en", "The Toland parliament met.", 100, (
        (4, 21, "ORG"), (4, 10, "GPE"), (12, 21, "ORG"),
    ))  # fmt: skip
    maker = spacy_files._Docs(["ORG", "GPE"])
    ((_, doc),) = maker.docs([row])
    assert [(e.text, e.label_) for e in doc.ents] == [("Toland parliament", "ORG")]
    assert {(e.text, e.label_) for e in doc.spans["sc"]} == {("Toland parliament", "ORG"), ("Toland", "GPE")}
    assert {(one.start, one.label, one.config, one.reason) for one in maker.lost} == {
        (104, "GPE", "doc.ents", "inside a longer span"),
        (112, "ORG", "doc.ents", "inside a longer span"),
        (112, "ORG", "doc.spans", "inside a longer span"),
    }


def test_sentences_have_their_own_docs(released, tmp_path):
    made = write_spacy(released.release.path, tmp_path, each="sentence")
    rows = load_release(released.release.path, "entities", split="train")
    assert [doc.text for doc in docs(tmp_path / "train.spacy")] == rows["text"]
    assert made.docs["train"] == len(rows)


def test_the_same_release_gives_the_same_bytes(made, released, tmp_path):
    write_spacy(released.release.path, tmp_path)
    for file in made.folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


@pytest.mark.slow
def test_spacy_takes_the_files_as_they_are(made, tmp_path):
    def run(*words):
        command = [sys.executable, "-m", "spacy", *words]
        return subprocess.run(command, cwd=made.folder, capture_output=True, text=True, check=False)

    debug = run("debug", "data", "config.cfg")
    assert "training docs" in debug.stdout
    assert "No overlap between training and evaluation data" in debug.stdout
    train = run("train", "config.cfg", "--output", str(tmp_path / "model"), "--training.max_steps", "4",
                "--training.eval_frequency", "2")  # fmt: skip
    assert train.returncode == 0, train.stderr[-2000:]
    trained = spacy.load(tmp_path / "model" / "model-last")
    assert "ARMED_ACTOR" in trained.get_pipe("ner").labels


def test_no_release_and_no_texts_are_told(tmp_path, released):
    with pytest.raises(DeskError, match="no release here"):
        write_spacy(tmp_path, tmp_path / "out")
    bare = tmp_path / "bare"
    bare.mkdir()
    manifest = json.loads((released.release.path / "manifest.json").read_text("utf-8"))
    (bare / "manifest.json").write_text(json.dumps({**manifest, "text": "standoff"}), "utf-8")
    with pytest.raises(DeskError, match="this release has no texts"):
        write_spacy(bare, tmp_path / "out")
