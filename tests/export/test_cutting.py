"""Sentences are cut all at once as they are one by one."""

from __future__ import annotations

import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import cuts_by_piece, tokenize

tokens_of = importlib.import_module("copydesk.export.cutting").tokens_of

WORDS = st.sampled_from(
    [
        "The", "army's", "U.S.", "don't", "(AP)", "—", "“Never”", "12,000", "👨‍👩‍👧‍👦", "e\u0301", "قوات", "الجيش",
        "x\u00ad", "a\u200db", ":-)", "can't.", "$5m", "https://example.org/a?b=1",
    ]
)  # fmt: skip
BLANKS = st.sampled_from([" ", " ", " ", "  ", "\n", "\u00a0", "\t", "\u2028", "\x1c"])
SENTENCES = st.lists(
    st.tuples(
        st.lists(st.tuples(WORDS, BLANKS), max_size=8).map(lambda parts: "".join(a + b for a, b in parts)),
        st.sampled_from(["en", "fr", "uk", "zz"]),
    ),
    max_size=6,
)


def one_by_one(sentences, languages):
    return [
        (place, start, end, text[start:end])
        for place, (text, language) in enumerate(zip(sentences, languages, strict=True))
        for start, end in tokenize(text, language)
    ]


@settings(deadline=None, max_examples=200)
@given(SENTENCES)
def test_all_at_once_is_one_by_one(rows):
    sentences, languages = [text for text, _ in rows], [language for _, language in rows]
    found = tokens_of(sentences, languages)
    said = zip(found.sentence.tolist(), found.start.tolist(), found.end.tolist(), found.text.to_pylist(), strict=True)
    assert list(said) == one_by_one(sentences, languages)


@pytest.mark.parametrize("sentences", [[], [""], ["", "a b", "", " c"]])
def test_nothing_is_nothing(sentences):
    found = tokens_of(sentences, ["en"] * len(sentences))
    assert found.text.to_pylist() == [row[3] for row in one_by_one(sentences, ["en"] * len(sentences))]


def test_a_language_whose_words_white_space_does_not_part_is_cut_whole(monkeypatch):
    cutting = importlib.import_module("copydesk.export.cutting")
    monkeypatch.setattr(cutting, "cuts_by_piece", lambda language: language != "zh")
    monkeypatch.setattr(cutting, "tokenize", lambda text, language: [(0, len(text))])
    found = tokens_of(["俄罗斯 军队", "a b"], ["zh", "en"])
    assert found.text.to_pylist() == ["俄罗斯 军队", "a", "b"]
    assert cuts_by_piece("en")
