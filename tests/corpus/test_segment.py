from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.corpus import clean, ingest, segment, segments
from copydesk.schemas import Document, SegmentKind, text_sha256

from .conftest import change_setting, story, write_jsonl


def document(text, *, title="", captions=0):
    return Document(id="0" * 16, text=text, sha256=text_sha256(text), title=title, captions=captions)


def pieces(found, text, kind):
    return [text[item.start : item.end] for item in found if item.kind is kind]


def test_a_document_is_cut_into_all_kinds():
    text = (
        "Harun falls, U.N. says\n\nHARUN, Tavria (MW) — The army left on Friday. Brig. Gen. Haddad denied it.\n\n"
        "“We saw them,” said Nadia. “They ran.”\n\nSmoke over Harun. Photo: L. Orlov"
    )
    found = segment(document(text, title="Harun falls, U.N. says", captions=1))
    assert pieces(found, text, SegmentKind.HEADLINE) == ["Harun falls, U.N. says"]
    assert pieces(found, text, SegmentKind.DATELINE) == ["HARUN, Tavria (MW)"]
    assert len(pieces(found, text, SegmentKind.PARAGRAPH)) == 2
    assert pieces(found, text, SegmentKind.CAPTION) == ["Smoke over Harun. Photo: L. Orlov"]
    assert pieces(found, text, SegmentKind.QUOTE) == ["“We saw them,”", "“They ran.”"]
    assert pieces(found, text, SegmentKind.SENTENCE) == [
        "Harun falls, U.N. says",
        "HARUN, Tavria (MW) — The army left on Friday.",
        "Brig. Gen. Haddad denied it.",
        "“We saw them,” said Nadia.",
        "“They ran.”",
        "Smoke over Harun.",
        "Photo: L. Orlov",
    ]
    assert [item.index for item in found] == list(range(len(found)))
    assert [(item.start, -item.end) for item in found] == sorted((item.start, -item.end) for item in found)


DATELINES = {
    "ALEPPO, Syria (AP) — Rebels came.": "ALEPPO, Syria (AP)",
    "BEIRUT — Rebels came.": "BEIRUT",
    "KYIV, Ukraine, March 3 (Reuters) - Rebels came.": "KYIV, Ukraine, March 3 (Reuters)",
    "GENEVA, Nov. 30 (Xinhua) -- Rebels came.": "GENEVA, Nov. 30 (Xinhua)",
    "NEW YORK/BEIRUT (Reuters) – Rebels came.": "NEW YORK/BEIRUT (Reuters)",
    "Aleppo, 29 November (SANA) – Rebels came.": "Aleppo, 29 November (SANA)",
    "(CNN) — Rebels came.": "(CNN)",
    "The army — or what was left of it — came.": "",
    "Rebels came - and went.": "",
    "Harun, a town of 9,000 — most of them gone — fell.": "",
    "UN observers — all of them — left.": "",
}


def test_datelines():
    for text, dateline in DATELINES.items():
        found = pieces(segment(document(text)), text, SegmentKind.DATELINE)
        assert found == ([dateline] if dateline else []), text


TEXTS = st.lists(
    st.lists(st.sampled_from([*"aB.!? “”\"'’‘(—1\n", "Gen. ", "U.N. ", "He "]), max_size=40).map("".join), max_size=6
).map("\n\n".join)


@settings(deadline=None, max_examples=80)
@given(TEXTS, st.integers(0, 2))
def test_segments_are_clean_cuts(raw, captions):
    text = clean(clean(raw).text.replace("\n\n", "\0").replace("\n", " ").replace("\0", "\n\n")).text
    found = segment(document(text, captions=captions))
    sentences = [item for item in found if item.kind is SegmentKind.SENTENCE]
    for item in found:
        piece = text[item.start : item.end]
        assert piece
        assert piece == piece.strip()
        assert "\n\n" not in piece
    # sentences never overlap, and cover every visible character
    assert all(one.end <= other.start for one, other in pairwise(sentences))
    covered = "".join(text[item.start : item.end] for item in sentences)
    assert "".join(covered.split()) == "".join(text.split())


def test_an_empty_document_has_no_segments():
    assert segment(document("")) == []


def test_segments_are_cut_anew_where_they_are_lost(desk, news):
    ingest(desk, [write_jsonl(news / "a.jsonl", [{"text": story(1)}])])
    before = list(segments(desk))
    desk.parts("segments")[0].unlink()
    ingest(change_setting(desk, "^min_characters = .*", "min_characters = 300"), [])
    assert list(segments(desk)) == before


def test_a_row_of_capitals_and_hyphens_takes_no_time():
    text = "A-" * 2_000 + " said nobody."
    started = time.process_time()
    assert segment(document(text))
    assert time.process_time() - started < 1
