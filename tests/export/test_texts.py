from __future__ import annotations

import json
from dataclasses import replace

import pytest

from copydesk.corpus import Desk, ReleaseSettings
from copydesk.export import release
from copydesk.export.texts import measure_texts
from copydesk.schemas import Document, ReleaseError, text_sha256


def restate(room, changes):
    """Give articles other licences, and write the desk's articles anew."""
    documents = [replace(d, **changes.get(key, {})) for key, d in room.documents.items()]
    room.desk.write(Document, "articles", "00000", documents)


def configure(room, **settings):
    path = room.desk.path / "copydesk.toml"
    text = path.read_text()
    for name, value in settings.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{name} = "))
        text = text.replace(line, f"{name} = {json.dumps(value)}")
    path.write_text(text)
    return Desk(room.desk.path)


def left(room):
    home = room.desk.path / "releases"
    return sorted(path.name for path in home.iterdir()) if home.exists() else []


def test_a_text_that_may_not_be_passed_on_stops_the_release_by_name(newsroom):
    newsroom.annotate_all()
    restate(newsroom, {newsroom.ids[1]: {"licence": "© Example Wire. All rights reserved."}})
    with pytest.raises(ReleaseError, match="1 texts may not be passed on by their licence") as caught:
        release(newsroom.desk)
    assert f"document {newsroom.ids[1]}: © Example Wire. All rights reserved." in str(caught.value)
    assert "--text standoff" in str(caught.value)
    assert left(newsroom) == []
    assert not (newsroom.desk.path / "splits.json").exists()


def test_a_right_of_one_s_own_is_set_word_for_word(newsroom):
    newsroom.annotate_all()
    words = "© Example Wire. All rights reserved."
    restate(newsroom, {newsroom.ids[1]: {"licence": words}})
    made = release(configure(newsroom, share=[words]))
    manifest = json.loads((made.path / "manifest.json").read_text())
    assert manifest["texts"]["licences"] == {"open": 5, "restricted": 0, "unknown": 0, "forbidden": 0}
    assert made.notes == ()


def test_an_unknown_licence_is_counted_and_told_or_stops(newsroom):
    newsroom.annotate_all()
    restate(newsroom, {key: {"licence": ""} for key in newsroom.ids[:2]})
    with pytest.raises(ReleaseError, match="2 texts state no licence that is known") as caught:
        release(configure(newsroom, unknown_licence="stop"))
    assert f"document {newsroom.ids[0]}: nothing stated" in str(caught.value)
    made = release(configure(newsroom, unknown_licence="count"))
    assert made.notes == ("2 of 5 texts state no licence that is known: may they be passed on?",)
    assert "| not stated | not known | " in (made.path / "README.md").read_text()


def test_many_documents_are_named_up_to_twenty(newsrooms):
    room = newsrooms("many", 25)
    room.annotate_all()
    restate(room, {key: {"licence": "NONE"} for key in room.ids})
    with pytest.raises(ReleaseError, match="25 texts may not be passed on") as caught:
        release(room.desk)
    assert str(caught.value).count("\n  document ") == 20
    assert "and 5 more" in str(caught.value)


@pytest.fixture
def with_address(newsrooms):
    """A desk whose first article ends with an e-mail address."""
    room = newsrooms("address")
    key = room.ids[0]
    text = room.documents[key].text + "\n\nWrite to desk@example.org or call +44 20 7946 0958."
    room.documents[key] = replace(room.documents[key], text=text, sha256=text_sha256(text))
    room.truth[key] = replace(room.truth[key], sha256=text_sha256(text))
    restate(room, {})
    room.annotate_all()
    return room


def test_personal_data_is_marked_by_place_and_never_quoted(with_address):
    made = release(with_address.desk)
    marks = json.loads((made.path / "personal.json").read_text())
    text = with_address.documents[with_address.ids[0]].text
    assert [(mark["kind"], text[mark["start"] : mark["end"]]) for mark in marks] == [
        ("email", "desk@example.org"),
        ("phone", "+44 20 7946 0958"),
    ]
    assert {mark["document_id"] for mark in marks} == {with_address.ids[0]}
    assert made.notes == ("1 texts hold what looks like personal data; personal.json has the places",)
    for name in ("README.md", "personal.json", "croissant.json", "manifest.json"):
        assert "desk@example" not in (made.path / name).read_text()
    assert "1 e-mail addresses, 1 phone numbers" in (made.path / "README.md").read_text()


def test_personal_data_stops_a_release_where_that_is_set(with_address):
    with pytest.raises(ReleaseError, match="1 texts hold what looks like personal data") as caught:
        release(configure(with_address, personal="stop"))
    assert f"document {with_address.ids[0]}: email, phone" in str(caught.value)
    assert left(with_address) == []


def test_without_texts_nothing_is_refused(released, tmp_path):
    import pyarrow.parquet as pq

    for path in (released.release.path / "articles").glob("*.parquet"):
        target = tmp_path / "articles" / path.name
        target.parent.mkdir(exist_ok=True)
        pq.write_table(pq.read_table(path).drop_columns(["text"]), target)
    found = measure_texts(tmp_path, ReleaseSettings())
    assert found.withheld
    assert found.marks == []
    assert found.verdicts["open"] == found.documents == 10
