from __future__ import annotations

import multiprocessing

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


def test_a_worker_cuts_words_without_loading_torch():
    """What PyTorch takes of memory and time is not paid where only words are cut."""
    after = (
        "(__import__('copydesk.annotate').annotate.tokenize('U.S. troops'),"
        " sorted({'torch', 'spacy'} & {*__import__('sys').modules}))"
    )
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(eval, (after,)) == ([(0, 4), (5, 11)], ["spacy"])
