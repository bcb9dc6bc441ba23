"""Cut texts into words by spaCy's rules, without a model: what BIO tags stand on."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib import metadata
from typing import Final, TypeAlias

__all__ = ["cuts_by_piece", "tokenize", "tokenizer_version"]

KNOWN_WORDS: Final = 2**17
"""How many pieces between white spaces are remembered, per language."""

Ranges: TypeAlias = tuple[tuple[int, int], ...]


@contextlib.contextmanager
def _no_torch_in_a_worker() -> Iterator[None]:
    """Let spaCy be imported without PyTorch, which it takes along wherever that is installed: 2 s and 230 MiB.

    A worker process that cuts words first does nothing else with spaCy. Elsewhere a pipeline may come that needs it.
    """
    if multiprocessing.parent_process() is None or not sys.modules.keys().isdisjoint({"spacy", "torch"}):
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]  # Python's own way to say that there is none
    try:
        yield
    finally:
        del sys.modules["torch"]


@cache
def _tokenizer(language: str) -> tuple[Callable[[str], Ranges], bool]:
    """Return what cuts a text into tokens, and whether it needs the text whole."""
    with _no_torch_in_a_worker():
        import spacy
        from spacy.tokenizer import Tokenizer

    try:
        rules = spacy.blank(language).tokenizer
    except ImportError:  # a language that spaCy has no rules for
        rules = spacy.blank("xx").tokenizer

    def cut(text: str) -> Ranges:
        return tuple((token.idx, token.idx + len(token)) for token in rules(text) if not token.is_space)

    # languages that write no spaces have a tokenizer of another kind
    return (lru_cache(KNOWN_WORDS)(cut), False) if type(rules) is Tokenizer else (cut, True)


def tokenize(text: str, language: str = "en") -> list[tuple[int, int]]:
    """Cut a text into words and punctuation by spaCy's rules for its language; no model is loaded.

    The rules are asked about what stands between two white spaces, once for each such piece, which is many times
    faster than the whole text; and no word depends on those before it, as spaCy's tokens can around emoticons.

    Args:
        text: Any text.
        language: ISO 639-1 code; rules for any language are used where spaCy has none of its own.

    Returns:
        Half-open code-point ranges in order, white space left out.

    >>> tokenize("U.S. troops don't.")
    [(0, 4), (5, 11), (12, 14), (14, 17), (17, 18)]
    """
    cut, whole = _tokenizer(language)
    if whole:
        return list(cut(text))
    found: list[tuple[int, int]] = []
    at = 0
    for piece in text.split():
        at = text.index(piece, at)
        ranges = cut(piece)
        if len(ranges) == 1:  # nearly always
            found.append((at, at + len(piece)))
        else:
            found += [(at + start, at + end) for start, end in ranges]
        at += len(piece)
    return found


def cuts_by_piece(language: str) -> bool:
    """Tell whether :func:`tokenize` cuts a language at white space first, and each piece between by itself."""
    return not _tokenizer(language)[1]


def tokenizer_version() -> str:
    """Return the name and version of the rules behind :func:`tokenize`, without loading them."""
    return f"spacy {metadata.version('spacy')} blank, by piece"
