"""Which documents train, which are held out, and what is said about rows that cannot be used."""

from __future__ import annotations

import json

import pytest

from copydesk.annotate import Mark, label_map, training_data
from copydesk.schemas import InputError, SettingsError, load_scheme

SCHEME = load_scheme()


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(number, label="PERSON", **more):
    text = f"Witness {number} spoke of the {number * 7919}th night in town {number * 104729} to nobody in particular."
    return {"doc_id": f"d{number}", "text": text, "entities": [[0, 9, label]], **more}


def read(path, **more):
    return training_data(path, SCHEME, **more)


def test_the_rows_own_border_counts(tmp_path):
    data = read(write(tmp_path / "a.jsonl", [row(n, split="train" if n < 4 else "dev") for n in range(6)]))
    assert [d.id for d in data.part("train")] == ["d0", "d1", "d2", "d3"]
    assert [d.id for d in data.part("held out")] == ["d4", "d5"]
    assert data.documents[0].marks == (Mark(0, 9, "PERSON"),)


def test_without_a_border_a_hash_draws_it_and_more_documents_move_none(tmp_path):
    few = read(write(tmp_path / "a.jsonl", [row(n) for n in range(30)]))
    many = read(write(tmp_path / "b.jsonl", [row(n) for n in range(60)]))
    held = {d.id for d in few.part("held out")}
    assert 1 <= len(held) <= 15
    assert held == {d.id for d in many.part("held out")} & {d.id for d in few.documents}
    assert {d.id for d in read(tmp_path / "a.jsonl", salt="other").part("held out")} != held


def test_copies_never_cross_the_border(tmp_path):
    rows = [row(n) for n in range(12)]
    rows += [{**row(n), "doc_id": f"copy{n}", "text": row(n)["text"] + " Updated."} for n in range(12)]
    data = read(write(tmp_path / "a.jsonl", rows))
    sides = {d.id: d.part for d in data.documents}
    assert len(sides) == 24
    assert all(sides[f"d{n}"] == sides[f"copy{n}"] for n in range(12))


def test_a_copy_of_a_held_out_document_does_not_train(tmp_path):
    rows = [row(n, split="train") for n in range(4)]
    rows += [{**row(2), "doc_id": "again", "split": "test"}]
    data = read(write(tmp_path / "a.jsonl", rows))
    assert data.copies == ("d2",)
    assert [d.id for d in data.part("train")] == ["d0", "d1", "d3"]


def test_labels_of_another_set_go_by_the_crosswalk(tmp_path):
    labels = ["Person", "Organisation", "Money", "MilitaryPlatform", "GPE"]
    data = read(write(tmp_path / "a.jsonl", [row(n, label) for n, label in enumerate(labels)]), labels="re3d")
    assert data.unknown == {"Money": 1}
    assert data.ambiguous == {"Organisation": 1}
    assert data.labels.candidates["Organisation"] == ("ARMED_ACTOR", "ORG")
    assert data.labels.candidates["MilitaryPlatform"] == ("PLATFORM",)
    assert data.documents[2].marks == ()
    fixed = read(tmp_path / "a.jsonl", labels="re3d", fixed={"Organisation": "ORG", "Person": ""})
    assert (dict(fixed.ambiguous), dict(fixed.unknown)) == ({}, {"Money": 1, "Person": 1})


def test_what_cannot_be_told_apart_is_scored_as_one():
    names = label_map(SCHEME, "re3d")
    assert {names.scored(label) for label in ("GPE", "LOCATION", "FACILITY", "Location")} == {"Location"}
    assert names.scored("PLATFORM") == names.scored("Vehicle") == "MilitaryPlatform, Vehicle"
    assert names.scored("NAMED_EVENT") == names.scored("Money") == ""
    own = label_map(SCHEME)
    assert own.scored("NAMED_EVENT") == "NAMED_EVENT"
    assert label_map(SCHEME, "ontonotes").scored("ORG") == "ARMED_ACTOR, ORG"


def test_unknown_columns_and_labels_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="no column 'conll'") as caught:
        label_map(SCHEME, "conll")
    assert "re3d" in str(caught.value)
    with pytest.raises(SettingsError, match="has no label 'ORGANISATION'"):
        label_map(SCHEME, "re3d", {"Organisation": "ORGANISATION"})
    with pytest.raises(InputError, match="none of its labels is one of scheme conflict-news: Person") as found:
        read(write(tmp_path / "a.jsonl", [row(1, "Person")]))
    assert "--labels re3d" in str(found.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"text": "a"}', "no field 'entities'"),
        ('{"text": " ", "entities": []}', "`text` must be words"),
        ('{"text": "abc", "entities": {}}', "`entities` a list"),
        ('{"text": "abc", "entities": [[0, 9, "PERSON"]]}', r"span \[0, 9\) does not lie in the text of 3 code points"),
        ('{"text": "abc", "entities": [[2, 2, "PERSON"]]}', r"span \[2, 2\) does not lie"),
        ('{"text": "abc", "entities": [[-1, 2, "PERSON"]]}', r"span \[-1, 2\) does not lie"),
        ('{"text": "abc", "entities": [["0", 2, "PERSON"]]}', "not a span"),
        ('{"text": "abc", "entities": [[true, 2, "PERSON"]]}', "not a span"),
        ('{"text": "abc", "entities": [[0, 2]]}', "not a span"),
        ('{"text": "abc", "entities": [[0, 2, ""]]}', "not a span"),
    ],
)
def test_bad_rows_are_named_by_file_and_line(tmp_path, line, message):
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(row(1)) + "\n\n" + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert caught.value.where == f"{path}:3"


def test_other_bad_sources(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nothing.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(InputError, match="no document"):
        read(tmp_path / "empty.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"text": "\xe9", "entities": []}')
    with pytest.raises(InputError, match="not UTF-8"):
        read(tmp_path / "latin.jsonl")
    with pytest.raises(InputError, match="a second document 'd1'"):
        read(write(tmp_path / "twice.jsonl", [row(1), row(1)]))
    with pytest.raises(InputError, match="no articles table") as caught:
        read(tmp_path)
    assert "release" in str(caught.value)


def test_the_digest_is_of_content_not_of_place(tmp_path):
    one = read(write(tmp_path / "a.jsonl", [row(n) for n in range(6)]))
    other = read(write(tmp_path / "b.jsonl", [row(n) for n in reversed(range(6))]))
    assert one.digest == other.digest
    assert one.digest != read(write(tmp_path / "c.jsonl", [row(n) for n in range(7)])).digest


def test_what_a_desk_reserves_is_held_out_wherever_it_comes_from(tmp_path):
    lines = [
        {"doc_id": f"d{n}", "text": f"Lantern {n} crossed the river at Sarn on day {n}.", "entities": [[0, 7, "ARMED_ACTOR"]],
         "split": "train" if n else "dev"}
        for n in range(8)
    ]  # fmt: skip
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    plain = training_data(path, load_scheme())
    kept = training_data(path, load_scheme(), reserve={"d3"})
    assert "d3" in {d.id for d in plain.part("train")} - {d.id for d in kept.part("train")}
    assert "d3" in {d.id for d in kept.part("held out")}


@pytest.mark.parametrize("content", [b"PAR1", b""])
def test_a_broken_release_is_named(tmp_path, content):
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "train-00000-of-00001.parquet").write_bytes(content)
    with pytest.raises(InputError, match="not the articles table of a release"):
        training_data(tmp_path, load_scheme())


def test_a_lone_surrogate_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "Qasr \ud800 fell", "entities": [[0, 4, "GPE"]]}))
    with pytest.raises(InputError, match="a lone surrogate at offset 5"):
        training_data(path, load_scheme())
