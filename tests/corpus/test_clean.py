from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.corpus import clean

NASTY = st.sampled_from(
    [
        *"\u200b\u200c\u200d\ufeff\xad\u202e\u2066\xa0\t\r\n\x0b\x85\u2028\x00\ud800\udc00\u0301\u0344\ufe0f",
        "â€œ",
        "Ã©",
        "👩",
        "🏽",
        "می",
        "क्",
        "“",
        "’",
        "Ａ",
        "ﬁ",
        " ",
        "e\u0301",
        "\u0958",
        "a",
        ".",
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=60), st.lists(NASTY, max_size=25).map("".join)))
def test_cleaning_twice_is_cleaning_once(text):
    once = clean(text)
    again = clean(once.text)
    assert again.text == once.text
    assert again.changes == {}


@settings(deadline=None, max_examples=200)
@given(st.one_of(st.text(max_size=60), st.lists(NASTY, max_size=25).map("".join)))
def test_a_clean_text_is_plain(text):
    plain = clean(text).text
    assert unicodedata.is_normalized("NFC", plain)
    assert plain.encode("utf-8").decode("utf-8") == plain
    assert not set(plain) & set("\r\t\x0b\x0c\x85\u2028\u2029\xa0\u200b\ufeff\u202e\x00")
    assert "  " not in plain
    assert "\n\n\n" not in plain
    assert all(line == line.strip() for line in plain.split("\n"))


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree", "line_break"),
        ("â€œYesâ€\x9d, she said", "“Yes”, she said", "mojibake"),
        ("Ge\u0301ne\u0301ral", "Général", "nfc"),
        ("a\xa0 \tb", "a b", "blank"),
        ("a\x00b\x1bc", "abc", "control"),
        ("Ha\xadrun\u200b \ufeffcity", "Harun city", "zero_width"),
        ("fake \u202etxt.exe", "fake txt.exe", "bidi"),
        ("half \ud83d pair", "half \ufffd pair", "surrogate"),
    ],
)
def test_each_change_is_made_and_counted(before, after, kind):
    cleaned = clean(before)
    assert cleaned.text == after
    assert cleaned.changes.get(kind)


@pytest.mark.parametrize(
    "text",
    [
        "“Curly” ‘quotes’ — and dashes… stay",
        "Ａ full-width letter and the ligature ﬁ",
        "👨‍👩‍👧 and 👩🏽‍🚀 and ❤️‍🔥 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "می‌خواهم بروم",
        "क्‍ष",
        "Ελλάδα, Україна, الجيش",
    ],
)
def test_what_a_reader_sees_stays(text):
    assert clean(text).text == text
    assert clean(text).changes == {}


def test_a_pair_written_as_two_halves_is_one_character():
    assert clean("\ud83d\ude00").text == "😀"
    assert "surrogate" not in clean("\ud83d\ude00").changes


def test_a_joiner_between_latin_letters_goes():
    assert clean("Ha\u200drun and \u200d👩").text == "Harun and 👩"
