from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import tokenize, tokenizer_version


def test_words_and_marks_are_tokens_and_white_space_is_none():
    text = "“U.S.\u00a0troops  don’t,” 俄罗斯 said 🕊️."
    assert [text[start:end] for start, end in tokenize(text)][:6] == ["“", "U.S.", "troops", "do", "n’t", ","]


@pytest.mark.parametrize("language", ["en", "fr", "und", "xx", "zz"])
def test_any_language_has_rules(language):
    assert tokenize("One two", language) == [(0, 3), (4, 7)]


def test_an_empty_text_has_no_tokens():
    assert tokenize("") == []


def test_the_version_names_the_rules():
    assert tokenizer_version().startswith("spacy ")


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_tokens_cover_everything_but_white_space_in_order(text):
    tokens = tokenize(text)
    ends = [0, *(end for _, end in tokens)]
    assert all(end <= start for end, (start, _) in zip(ends, tokens, strict=False))
    rest = "".join(text[end:start] for end, (start, _) in zip(ends, [*tokens, (len(text), 0)], strict=True))
    assert not rest.strip()
