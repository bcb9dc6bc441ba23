"""copydesk train entities and copydesk compare, as a person sees them."""

from __future__ import annotations

import json

import pytest


def row(number):
    text = f"Lantern {number + 2} crossed the river with a sling-kite and burnt {number + 3} barns full of hay near Toland."
    marks = [[0, len(f"Lantern {number + 2}"), "ARMED_ACTOR"]]
    for words, label in (("sling-kite", "WEAPON"), ("Toland", "GPE")):
        marks.append([text.index(words), text.index(words) + len(words), label])
    return {"text": text, "entities": marks, "split": "dev" if number % 3 == 2 else "train"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "lanterns.jsonl"
    path.write_text("".join(json.dumps(row(number)) + "\n" for number in range(12)), encoding="utf-8")
    return path


def test_train_then_compare(copydesk, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = copydesk("train", "entities", "--data", data, "--out", tmp_path / "models", "--epochs", 40)
    assert done.status == 0, done.err
    (folder,) = (tmp_path / "models").iterdir()
    assert folder.name.startswith("lanterns-")
    assert "8 documents trained on, 4 documents held out." in done.out
    assert f"Next: copydesk suggest --pipeline models/{folder.name}" in done.out

    compared = copydesk("compare", "base", folder, "--data", data)
    assert compared.status == 0, compared.err
    assert "4 documents, 12 gold spans." in compared.out
    assert "WEAPON" in compared.out

    found = json.loads(copydesk("compare", "base", folder, "--data", data, "--json").out)
    assert found["difference"]["effort"]["value"] < 0 < found["difference"]["strict"]["value"]
    assert found["scores"][1]["strict"]["f1"] > found["scores"][0]["strict"]["f1"]

    again = copydesk("train", "entities", "--data", data, "--out", tmp_path / "models", "--epochs", 40, "--json")
    told = json.loads(again.out)
    assert (told["better"], told["examples"]["WEAPON"], told["documents"]) == (True, 8, {"train": 8, "held_out": 4})


def test_no_better_is_a_finding(copydesk, tmp_path):
    # what the base finds anyway: nothing is left to gain
    names = ("John Smith", "Mary Jones", "Peter Brown", "Susan Clark", "Angela Merkel", "Barack Obama")
    rows = []
    for number, name in enumerate(names):
        text = f"{name} flew to Damascus."
        marks = [[0, len(name), "PERSON"], [len(text) - 9, len(text) - 1, "GPE"]]
        rows.append({"text": text, "entities": marks, "split": "dev" if number > 3 else "train"})
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = copydesk("train", "entities", "--data", path, "--out", tmp_path / "models", "--epochs", 1)
    assert done.status == 1
    assert "no better than what it began with" in done.out
    assert "Next:" not in done.out


def test_wrong_use(copydesk, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nowhere = copydesk("train", "entities", "--data", data)
    assert nowhere.status == 2
    assert "--out" in nowhere.err
    assert copydesk("train", "entities").status == 2  # no desk, no data
    mapped = copydesk("train", "entities", "--data", data, "--out", "m", "--map", "Person")
    assert mapped.status == 2
    assert "THEIRS=OURS" in mapped.err
    column = copydesk("compare", "base", "base", "--data", data, "--labels", "conll")
    assert column.status == 2
    assert "no column 'conll'" in column.err


def test_a_desk_with_too_little_gold(copydesk, tmp_path):
    assert copydesk("init", tmp_path / "desk").status == 0
    done = copydesk("train", "entities", "--desk", tmp_path / "desk")
    assert done.status == 2
    assert "0 documents with gold, and training needs at least 5" in done.err


def test_paths_in_a_desks_settings_count_from_the_desk(copydesk, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    desk = tmp_path / "far" / "desk"
    assert copydesk("init", desk).status == 0
    settings = desk / "copydesk.toml"
    settings.write_text(settings.read_text().replace("gazetteers = []", 'gazetteers = ["names.toml"]'))
    (desk / "names.toml").write_text('[[entry]]\nname = "Lantern 9"\nlabel = "ARMED_ACTOR"\n')
    done = copydesk("compare", "base", "base", "--data", data, "--desk", desk)
    assert done.status == 0, done.err
    assert "4 documents, 12 gold spans." in done.out
