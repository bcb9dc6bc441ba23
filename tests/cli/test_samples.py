"""The sample articles and annotations are what samples/README.md says, and fit the text to the letter."""

import json

import pytest

from copydesk.cli.samples import read_annotations, to_annotations
from copydesk.corpus import Desk, canonical_documents, clusters, documents, removed
from copydesk.schemas import InputError, OffsetError, check, load_scheme

PEOPLE = ("annotator-1", "annotator-2", "adjudicator")


def rows(samples, name):
    return [json.loads(line) for line in (samples / "annotations" / f"{name}.jsonl").read_text("utf-8").splitlines()]


def test_articles_are_many_and_some_are_copies(sample_desk):
    desk = Desk(sample_desk)
    assert sum(1 for _ in documents(desk)) == 25
    kinds = [cluster.kind for cluster in clusters(desk).values()]
    assert (kinds.count("reprint"), kinds.count("exact"), len(set(kinds))) == (6, 1, 3)
    assert sorted(item.reason for item in removed(desk)) == ["empty file", "no article found", "other language"]


def test_articles_hold_what_is_hard(sample_desk):
    text = "\n".join(document.text for document in documents(Desk(sample_desk)))
    for hard in ("🤷🏽‍♀️", "أحمد النجّار", "Пётр Лисин", "Nuñez-Åkerblom"):
        assert hard in text
    assert "\r" not in text
    assert "cookies" not in text


@pytest.mark.parametrize("name", PEOPLE)
def test_every_span_is_the_texts(sample_desk, samples, name):
    read = read_annotations(Desk(sample_desk), samples / "annotations" / f"{name}.jsonl")
    assert len(read) == (8 if name == "adjudicator" else 18)
    assert all(row.ground_truth is (name == "adjudicator") for row in read)


@pytest.mark.parametrize("name", PEOPLE)
def test_annotations_follow_the_scheme(sample_desk, samples, name):
    desk = Desk(sample_desk)
    texts = {document.id: document for document in documents(desk)}
    for row in read_annotations(desk, samples / "annotations" / f"{name}.jsonl"):
        found = check(texts[row.annotations.document_id], row.annotations, load_scheme(), select=["E"])
        assert found.ok, [str(finding) for finding in found.errors]


def test_both_annotators_did_every_article_and_differ(sample_desk, samples):
    wanted = {document.id for document in canonical_documents(Desk(sample_desk))}
    first, second = ({row["document"]: row for row in rows(samples, name)} for name in PEOPLE[:2])
    assert set(first) == set(second) == wanted
    same = sum(first[key]["entities"] == second[key]["entities"] for key in wanted)
    assert same == 0, "people differ somewhere in every article"
    shared = sum(
        len(
            {(e["start"], e["end"], e["label"]) for e in first[key]["entities"]}
            & {(e["start"], e["end"], e["label"]) for e in second[key]["entities"]}
        )
        for key in wanted
    )
    assert shared > 0.9 * sum(len(row["entities"]) for row in first.values()), "and agree on most"


def test_a_span_that_slipped_is_refused(sample_desk, samples):
    row = rows(samples, "annotator-1")[0]
    document = next(d for d in documents(Desk(sample_desk)) if d.id == row["document"])
    row["entities"][0]["start"] += 1
    row["entities"][0]["end"] += 1
    with pytest.raises(OffsetError, match="should read"):
        to_annotations(row, document)


def test_an_unknown_document_is_named(sample_desk, tmp_path):
    file = tmp_path / "people.jsonl"
    file.write_text('{"document": "0123456789abcdef"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="no document 0123456789abcdef") as caught:
        read_annotations(Desk(sample_desk), file)
    assert f"{file}:1" in str(caught.value)


@pytest.mark.parametrize("line", ["[]", "{}", "nonsense", '{"document": 7}'])
def test_a_line_that_is_no_annotation_is_named(sample_desk, tmp_path, line):
    file = tmp_path / "people.jsonl"
    file.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_annotations(Desk(sample_desk), file)
    assert f"{file}:2" in str(caught.value)


def test_a_file_that_is_not_there_is_named(sample_desk, tmp_path):
    with pytest.raises(InputError, match="cannot read annotations"):
        read_annotations(Desk(sample_desk), tmp_path / "nobody.jsonl")
