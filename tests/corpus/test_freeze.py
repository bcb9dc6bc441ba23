"""From a raw record to a frozen text: its map back to the source, what its page and its source say, older desks."""

from __future__ import annotations

import importlib
import unicodedata
from collections import Counter

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.corpus import Desk, TextMap, clean, documents, ingest, segments
from copydesk.schemas import DOCUMENTS, Document, SegmentKind

from .conftest import change_setting, story, tree_digest, write_jsonl

freeze = importlib.import_module("copydesk.corpus.freeze")
sources = importlib.import_module("copydesk.corpus.sources")
clean_traced = importlib.import_module("copydesk.corpus.clean").clean_traced

PIECES = (
    "The army left.", "Harun falls", "“We saw them,” said Nadia.", "\u200b", "\r\n", "\n", "\n\n", "  ", "\u00a0", "â€œnoâ€\x9d",
    "e\u0301", "# ", "---\n", "\ufeff", "\u2028", "café", "Ärzte", "\x00", "\ud83d\ude00", "👩\u200d🚀", "- item", "\t", "Ã©", "\u202b",
    "by night on the road to the coast and", "word word word word word word word", "\n \n", "\u1100\u1161", "\udc80", "ﬁ", "Ð\x9f",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=25).map("".join)


def kept(source, text, found):
    """Check that a map covers both texts, and that what it says is kept is the same; return how many characters that is."""
    here = there = same = 0
    for made, taken, is_same in found.pieces:
        if is_same:
            assert source[there : there + taken] == text[here : here + made]
            same += made
        here, there = here + made, there + taken
    assert (here, there) == (len(text), len(source))
    return same


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_cleaning_with_a_trace_is_cleaning(raw):
    cleaned, found = clean_traced(raw)
    assert cleaned == clean(raw)
    kept(raw, cleaned.text, found)


@settings(deadline=None, max_examples=200)
@given(TEXTS, st.sampled_from(["", "", "Harun falls", "The army left", "x\ny"]))
def test_a_text_leads_back_to_its_source(raw, title):
    record = sources.RawRecord("a", "text", "0", text=raw, fields={"title": title} if title else {})
    frozen = freeze.frozen_text(record, Counter())
    kept(raw, frozen.text, frozen.raw_map)
    assert TextMap.decode(frozen.raw_map.encode()) == frozen.raw_map
    assert unicodedata.is_normalized("NFC", frozen.text)


def test_every_character_that_was_not_changed_is_traced():
    raw = "Harun falls\r\n\r\nThe army said on\r\nFriday that it\u00a0had left.\r\n\r\nRe\u0301fugie\u0301s fled north\r\nby night.\r\n"
    frozen = freeze.frozen_text(sources.RawRecord("a", "text", "0", text=raw), Counter())
    assert frozen.text == "Harun falls\n\nThe army said on Friday that it had left.\n\nRéfugiés fled north by night."
    for words in ("Harun falls", "The army said on Friday", "that it had left", "Réfugiés", "by night."):
        at = frozen.text.index(words)
        start, end = frozen.raw_map.to_source(at, at + len(words))
        assert clean(raw[start:end]).text.replace("\n", " ") == words
        assert frozen.raw_map.from_source(start, end) == (at, at + len(words))
    # four spots are changed in this text of a hundred letters, and the map is no longer than that
    assert len(frozen.raw_map.encode()) < 80


def test_files_lead_back_to_their_own_characters(desk, news):
    body = "\n\n".join(story(number, 2) for number in range(3))
    (news / "a.txt").write_text(f"\ufeffHarun falls\r\n\r\n{body}", encoding="utf-8", newline="")
    (news / "b.md").write_text(f"---\ntitle: Qasra falls\n---\n# Denials\n\n{body} Now.", encoding="utf-8")
    ingest(desk, [str(news)])
    for document in documents(desk):
        with (news / ("a.txt" if document.title == "Harun falls" else "b.md")).open(
            encoding="utf-8-sig", newline=""
        ) as file:
            source = file.read()
        found = TextMap.decode(document.raw_map)
        assert found.source_length == len(source)
        kept(source, document.text, found)
        at = document.text.index("In ")
        start, end = found.to_source(at, at + 60)
        assert source[start:end] == document.text[at : at + 60]


PAGE = """<!doctype html><html lang="en"><head><title>Harun falls</title><meta name="robots" content="noai, noindex">
<meta property="article:modified_time" content="2024-11-30T08:00:00Z"><meta name="date" content="2024-11-29"></head>
<body><article><h1>Harun falls</h1><p>{}</p><p>{}</p></article></body></html>"""


def test_what_a_page_asks_and_what_its_server_asks_stand_together(desk, news):
    page = PAGE.format(story(1, 3), story(2, 3))
    ingest(desk, [write_jsonl(news / "a.jsonl", [{"html": page, "robots": "tdm-reservation=1, noai"}])])
    (document,) = documents(desk)
    assert document.robots == "noai, noindex, tdm-reservation=1"
    assert (document.modified, document.published) == ("2024-11-30T08:00:00+00:00", "2024-11-29")
    assert document.raw_map == ""


def test_a_date_of_change_that_cannot_be_read_is_noted(desk, news):
    record = {"text": story(1, 5), "updated": "03/04/2024"}
    result = ingest(desk, [write_jsonl(news / "a.jsonl", [record])])
    assert [(item.reason, item.detail) for item in result.removed] == [("date not understood", "modified: 03/04/2024")]
    assert next(documents(desk)).modified == ""


def test_the_lede_is_the_first_long_paragraph(desk, news):
    text = "\n\n".join(("Harun falls", "By Lena Orlov", story(1, 2), story(2, 2)))
    (news / "a.txt").write_text(text, encoding="utf-8")
    ingest(desk, [str(news)])
    (document,) = documents(desk)
    (lede,) = [item for item in segments(desk) if item.kind is SegmentKind.LEDE]
    assert document.text[lede.start : lede.end] == story(1, 2)


@pytest.fixture
def old_desk(desk, news):
    """A desk whose articles were written before there were maps."""
    ingest(desk, [write_jsonl(news / "a.jsonl", [{"text": story(number)} for number in range(3)])])
    for part in desk.parts("articles"):
        pq.write_table(pq.read_table(part).drop_columns(["modified", "robots", "raw_map"]), part)
    return Desk(desk.path)


def test_an_older_desk_is_read(old_desk):
    found = list(documents(old_desk))
    assert len(found) == 3
    assert {(d.modified, d.robots, d.raw_map) for d in found} == {("", "", "")}
    assert all(table.schema.equals(DOCUMENTS) for table in old_desk.read_tables("articles"))


def test_an_older_desk_goes_on(old_desk, news):
    again = ingest(old_desk, [str(news)])
    assert (again.accepted, again.documents) == (0, 3)
    more = ingest(old_desk, [write_jsonl(news / "b.jsonl", [{"text": story(9)}])])
    assert (more.accepted, more.documents) == (1, 4)
    assert sorted(bool(document.raw_map) for document in documents(old_desk)) == [False, False, False, True]


def test_a_table_of_something_else_is_still_refused(old_desk):
    part = old_desk.parts("articles")[0]
    pq.write_table(pq.read_table(part).drop_columns(["text"]), part)
    with pytest.raises(Exception, match="expected the columns"):
        list(documents(old_desk))


def test_settings_that_are_off_change_no_digest(desk, news):
    source = write_jsonl(news / "a.jsonl", [{"text": story(1)}])
    ingest(desk, [source])
    before = tree_digest(desk.path)["state.json"]
    path = desk.path / "copydesk.toml"
    path.write_text(
        "".join(line for line in path.open(encoding="utf-8") if not line.startswith("boilerplate")), "utf-8"
    )
    ingest(Desk(desk.path), [source])
    assert tree_digest(desk.path)["state.json"] == before
    ingest(change_setting(desk, "^min_characters = .*", "min_characters = 201"), [source])
    assert tree_digest(desk.path)["state.json"] != before


def test_fields_of_documents_have_defaults_where_they_came_later():
    assert Document("0", "text", "0").raw_map == ""
