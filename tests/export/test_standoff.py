"""A release without texts: no word of an article is in any file of it, and everything else is as ever."""

from __future__ import annotations

import importlib
import json
import shutil

import pyarrow.parquet as pq
import pytest

from copydesk.corpus import Desk
from copydesk.export import CONFIGS, diff, load_release, problems, release
from copydesk.export.fingerprints import title_hash
from copydesk.export.standoff import STANDOFF, archived

from .conftest import Newsroom


@pytest.fixture(scope="session")
def withheld(tmp_path_factory):
    """A desk with two annotators' work and its release 1.0.0 without texts, past every gate; nobody may change it."""
    room = Newsroom(tmp_path_factory.mktemp("withheld") / "desk")
    room.suggest()
    room.annotate_all()
    room.annotate_all("bert@example.org", room.ids[:4])
    room.release = release(room.desk, text="standoff")
    return room


def words_of(room):
    """Return pieces of the articles that nothing but the articles has."""
    for document in room.documents.values():
        for block in document.text.split("\n\n"):
            if len(block) > 12:
                yield block[:40]
        yield from (entity.span.text for entity in room.truth[document.id].entities if len(entity.span.text) > 8)


def test_no_word_of_an_article_is_in_any_file(withheld):
    ours = ("guidelines.md", "conflict-news-1.0.0.toml")  # whose examples are our own
    files = [path for path in withheld.release.path.rglob("*") if path.is_file() and path.name not in ours]
    said = [path.read_bytes() for path in files if path.suffix != ".parquet"]
    said += [repr(pq.read_table(path).to_pylist()).encode() for path in files if path.suffix == ".parquet"]
    pages = b"\n".join(said)
    found = {words for words in words_of(withheld) if words.encode() in pages}
    assert not found


def test_it_passes_every_gate_and_loads(withheld):
    assert list(problems(withheld.release.path)) == []
    for name in withheld.release.rows:
        for rows in load_release(withheld.release.path, name).values():
            assert rows.column_names == list(STANDOFF[name].features)


def test_its_rows_are_those_of_a_full_release(withheld, tmp_path, unverified):
    folder = tmp_path / "desk"
    shutil.copytree(withheld.desk.path, folder)
    shutil.rmtree(folder / "releases")
    (folder / "labels.json").unlink()
    full = release(Desk(folder))
    assert full.rows == withheld.release.rows
    for name in full.rows:
        for path in (full.path / name).glob("*.parquet"):
            columns = [
                column
                for column in CONFIGS[name].features
                if CONFIGS[name].features[column] == STANDOFF[name].features.get(column)
            ]
            mine = pq.read_table(withheld.release.path / name / path.name, columns=columns)
            assert mine.to_pylist() == pq.read_table(path, columns=columns).to_pylist()
    found = diff(withheld.release.path, full.path)
    assert not found.changes
    assert any("articles.text added" in line for line in found.growing)


def test_the_settings_can_say_it_for_every_release(newsroom):
    newsroom.annotate_all()
    settings = newsroom.desk.path / "copydesk.toml"
    settings.write_text(settings.read_text().replace('text = "full"', 'text = "standoff"'))
    made = release(Desk(newsroom.desk.path))
    assert json.loads((made.path / "manifest.json").read_text())["text"] == "standoff"
    assert "text" not in pq.read_schema(made.path / "articles" / "train-00000-of-00001.parquet").names


def test_versions_and_changes_are_as_ever_and_no_words_are_in_the_changelog(newsroom):
    newsroom.annotate_all(keys=newsroom.ids[:4])
    first = release(newsroom.desk, text="standoff")
    again = release(newsroom.desk, text="standoff")
    newsroom.annotate_all(keys=newsroom.ids[4:])
    second = release(newsroom.desk, text="standoff")
    assert (first.version, again.new, second.version) == ("1.0.0", False, "1.1.0")
    assert all(change.text == "" for change in diff(first.path, second.path).of("spans"))
    page = (second.path / "CHANGELOG.md").read_text()
    assert "document added" in page
    assert not [words for words in words_of(newsroom) if words in page]


def test_taking_the_texts_out_is_a_major_step(newsroom):
    newsroom.annotate_all()
    release(newsroom.desk)
    made = release(newsroom.desk, text="standoff")
    assert made.version == "2.0.0"
    assert any("column articles.text" in reason for reason in made.reasons)


def test_a_text_that_may_not_be_passed_on_can_be_released_without_it(newsroom):
    newsroom.annotate_all()
    settings = newsroom.desk.path / "copydesk.toml"
    settings.write_text(settings.read_text().replace('unknown_licence = "count"', 'unknown_licence = "stop"'))
    made = release(Desk(newsroom.desk.path), text="standoff")
    manifest = json.loads((made.path / "manifest.json").read_text())
    assert manifest["texts"]["withheld"]
    assert json.loads((made.path / "personal.json").read_text()) == []


def test_losses_keep_their_places_without_their_words(withheld):
    losses = json.loads((withheld.release.path / "loss.json").read_text())
    assert losses
    assert {tuple(loss) for loss in losses} == {("document_id", "start", "end", "label", "config", "reason")}


@pytest.mark.parametrize(
    ("url", "day", "where"),
    [
        ("https://a.example/1", "2031-03-04T10:00:00", "https://w.example/20310304/https://a.example/1"),
        ("https://a.example/1", "", "https://w.example/2/https://a.example/1"),
        ("", "2031-03-04", ""),
        ("file:///etc/passwd", "2031-03-04", ""),
    ],
)
def test_a_copy_in_an_archive_is_named_by_day(url, day, where):
    assert archived(url, day, "https://w.example/{day}/{url}") == where
    assert archived(url, day, "") == ""


def test_a_headline_is_known_by_its_words_alone():
    assert title_hash("Shells hit “the Qasr hospital”") == title_hash("SHELLS HIT THE QASR HOSPITAL")
    assert title_hash(" … ") == ""


def test_killed_while_words_are_taken_out_nothing_is_left(newsroom, monkeypatch):
    newsroom.annotate_all()
    module = importlib.import_module("copydesk.export.standoff")

    def killed(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_forget_words", killed)
    with pytest.raises(KeyboardInterrupt):
        release(newsroom.desk, text="standoff")
    assert list((newsroom.desk.path / "releases").iterdir()) == []
