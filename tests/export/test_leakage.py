"""The leakage audit: every kind of leak is found, named and counted, and stops a release as set."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copydesk.corpus import ReleaseSettings
from copydesk.export import release
from copydesk.export.leakage import audit, refuse_leaks
from copydesk.schemas import ReleaseError

WORDS = [f"word{number}" for number in range(400)]
SETTINGS = ReleaseSettings()


def text(start, length=60):
    return " ".join(WORDS[start : start + length]).capitalize() + "."


def article(split, document, words, *, cluster="", url="", title=""):
    return {"document_id": document, "split": split, "cluster_id": cluster or document, "url": url, "title": title,
            "text": words}  # fmt: skip


@pytest.fixture
def tables(tmp_path):
    """Write the tables of a release folder, as far as the audit reads them."""

    def write(*articles, names=()):
        for split in {row["split"] for row in articles}:
            rows = [row for row in articles if row["split"] == split]
            (tmp_path / "articles").mkdir(exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows), tmp_path / "articles" / f"{split}-00000-of-00001.parquet")
        kind = pa.list_(pa.struct([("text", pa.string()), ("label", pa.int64())]))
        for split, found in names:
            (tmp_path / "entities").mkdir(exist_ok=True)
            table = pa.table({"entities": pa.array([[{"text": t, "label": n} for t, n in found]], kind)})
            pq.write_table(table, tmp_path / "entities" / f"{split}-00000-of-00001.parquet")
        return tmp_path

    return write


def test_splits_without_anything_in_common_pass(tables):
    found = audit(tables(article("train", "a", text(0)), article("test", "b", text(100))), SETTINGS)
    assert found.leaks == ()
    refuse_leaks(found, SETTINGS)
    assert set(found.plain().values()) == {0}


@pytest.mark.parametrize("kind", ["cluster", "url"])
def test_copies_and_one_address_across_splits(tables, kind):
    folder = tables(
        article("train", "a", text(0), **{kind: "x"}),
        article("train", "b", text(80), **{kind: "x"}),
        article("test", "c", text(160), **{kind: "x"}),
        article("validation", "d", text(240), **{kind: "y"}),
    )
    (leak,) = audit(folder, SETTINGS).leaks
    assert (leak.document_id, leak.split, leak.other_id, leak.other_split, leak.detail) == (
        "c",
        "test",
        "a",
        "train",
        "x",
    )


def test_an_excerpt_is_found_and_counted(tables):
    excerpt = text(300, 40) + " " + text(20, 30)
    folder = tables(
        article("train", "a", text(0)), article("validation", "b", text(120)), article("test", "c", excerpt)
    )
    (leak,) = audit(folder, SETTINGS).of("text")
    assert (leak.document_id, leak.other_id, leak.other_split) == ("c", "a", "train")
    assert leak.share == round(18 / 58, 4), "30 words in common hold 18 runs of 13, of 58 in all"
    assert leak.detail == "18 of 58 runs of 13 words"
    assert not audit(folder, ReleaseSettings(shared_text=0.4)).of("text")


def test_case_and_punctuation_do_not_hide_a_copy(tables):
    folder = tables(article("train", "a", text(0).upper()), article("test", "c", text(0).replace(" ", ", ")))
    assert [leak.share for leak in audit(folder, SETTINGS).of("text")] == [1.0]


def test_validation_and_test_are_held_against_each_other(tables):
    folder = tables(
        article("train", "a", text(100)), article("validation", "b", text(0)), article("test", "c", text(0))
    )
    (leak,) = audit(folder, SETTINGS).of("text")
    assert (leak.document_id, leak.other_id) == ("c", "b")


def test_twelve_words_in_common_are_none(tables):
    folder = tables(article("train", "a", text(0, 12)), article("test", "c", text(0, 12)))
    assert not audit(folder, ReleaseSettings(shared_text=0.0)).leaks


def test_a_title_in_two_splits_is_listed_without_its_words_and_stops_nothing(tables):
    title = "Five things to know today"
    folder = tables(
        article("train", "a", text(0), title=title), article("test", "b", text(100), title=title.upper()),
        article("train", "c", text(200), title="Live updates"), article("test", "d", text(300), title="Live updates"),
    )  # fmt: skip
    found = audit(folder, SETTINGS)
    (leak,) = found.leaks
    assert (leak.kind, leak.document_id, leak.detail) == ("title", "b", "")
    refuse_leaks(found, SETTINGS)


def test_leaks_stop_a_release_by_name_unless_they_are_only_counted(tables):
    leaky = [article("test", f"t{number}", text(0)) for number in range(30)]
    found = audit(tables(article("train", "a", text(0), url="https://x.org/1"), *leaky), SETTINGS)
    with pytest.raises(ReleaseError, match="30 pairs of documents leak") as caught:
        refuse_leaks(found, SETTINGS)
    assert "document t0 (test) and a (train) share text: 48 of 48 runs of 13 words" in str(caught.value)
    assert "and 10 more" in str(caught.value)
    refuse_leaks(found, ReleaseSettings(leakage="count"))


def test_a_release_is_stopped_and_nothing_of_it_stays(newsrooms):
    room = newsrooms("desk", 30, leakage="stop")
    room.annotate_all()
    with pytest.raises(ReleaseError, match="leak from one split into another"):
        release(room.desk)
    assert not list((room.desk.path / "releases").iterdir())


def test_a_release_tells_what_it_only_counts(newsrooms):
    room = newsrooms("desk", 30)
    room.annotate_all()
    made = release(room.desk)
    said = json.loads((made.path / "leakage.json").read_text("utf-8"))
    manifest = json.loads((made.path / "manifest.json").read_text("utf-8"))
    assert said["shared_text_across_splits"] == manifest["leakage"]["shared_text_across_splits"] > 0
    assert len([leak for leak in said["leaks"] if leak["kind"] == "text"]) == said["shared_text_across_splits"]
    assert "shared text across splits" in (made.path / "README.md").read_text("utf-8")


def test_names_that_train_has_too(tables):
    folder = tables(
        article("train", "a", text(0)), article("test", "b", text(100)),
        names=[("train", [("Qasr", 1), ("Orlo", 2)]), ("test", [("QASR", 1), ("Orlo", 3), ("Sel", 1)])],
    )  # fmt: skip
    found = audit(folder, SETTINGS)
    assert found.names == {"test": (3, 1)}
    said = json.loads(found.json())
    assert (said["test_names_in_all"], said["test_names_also_in_train"], said["leaks"]) == (3, 1, [])
