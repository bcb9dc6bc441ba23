"""Cut many sentences into tokens at once, by the rule of :func:`~copydesk.annotate.tokenize`.

That rule asks about what stands between two white spaces. Nearly all sentences have single blanks and no other white
space: they are cut at these column by column, each different piece is asked about once, and the answers are laid out again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.annotate import cuts_by_piece, tokenize

from .arrays import Numbers, texts

__all__ = ["Tokens", "tokens_of"]


class Tokens(NamedTuple):
    """Tokens, in order: the sentence that each is in, its half-open range of code points there, and its text."""

    sentence: Numbers
    start: Numbers
    end: Numbers
    text: pa.Array


def tokens_of(sentences: Sequence[str], languages: Sequence[str]) -> Tokens:
    """Cut sentences into tokens.

    Args:
        sentences: Their texts.
        languages: ISO 639-1 code of each.
    """
    plain: dict[str, list[int]] = defaultdict(list)
    other: list[int] = []
    for place, (text, language) in enumerate(zip(sentences, languages, strict=True)):
        if _is_plain(text) and cuts_by_piece(language):
            plain[language].append(place)
        else:
            other.append(place)
    parts = [_cut_at_blanks(places, [sentences[at] for at in places], language) for language, places in plain.items()]
    if other:
        parts.append(_cut_alone(other, [sentences[at] for at in other], [languages[at] for at in other]))
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Tokens(_none(), _none(), _none(), texts([]))
    sentence, start, end = (np.concatenate([part[field] for part in parts]) for field in range(3))
    order = np.argsort(sentence, kind="stable")
    text = pa.concat_arrays([part.text for part in parts]).take(pa.array(order))
    return Tokens(sentence[order], start[order], end[order], text)


def _is_plain(text: str) -> bool:
    """Tell whether a text has no white space but single blanks between its pieces: no other is printable to Python."""
    return text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " "


def _cut_at_blanks(places: Sequence[int], sentences: Sequence[str], language: str) -> Tokens:
    pieces = pc.split_pattern(pa.array(sentences, pa.large_string()), " ")
    sentence = pc.list_parent_indices(pieces).to_numpy(zero_copy_only=False).astype(np.int64)
    said = pc.list_flatten(pieces).dictionary_encode()
    # where each piece begins: behind all before it, each with its blank, less what the sentences before it took
    ends = np.cumsum(pc.utf8_length(pc.list_flatten(pieces)).to_numpy(zero_copy_only=False).astype(np.int64) + 1)
    begins = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    begins -= begins[np.searchsorted(sentence, sentence)]
    words = said.dictionary.to_pylist()
    known = said.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    ranges = [tokenize(word, language) for word in words]
    counts = np.array([len(found) for found in ranges], dtype=np.int64)
    cut = _numbers(ranges)
    text = texts([word[a:b] for word, found in zip(words, ranges, strict=True) for a, b in found])
    # which token of which different piece stands at each place
    each = counts[known]
    piece = np.repeat(np.arange(len(known)), each)
    nth = np.arange(len(piece)) - np.repeat(np.cumsum(each) - each, each)
    token = (np.cumsum(counts) - counts)[known][piece] + nth
    at = np.asarray(places, dtype=np.int64)[sentence[piece]]
    return Tokens(at, begins[piece] + cut[token, 0], begins[piece] + cut[token, 1], text.take(pa.array(token)))


def _cut_alone(places: Sequence[int], sentences: Sequence[str], languages: Sequence[str]) -> Tokens:
    ranges = [tokenize(text, language) for text, language in zip(sentences, languages, strict=True)]
    cut = _numbers(ranges)
    text = texts([said[a:b] for said, found in zip(sentences, ranges, strict=True) for a, b in found])
    counts = [len(found) for found in ranges]
    return Tokens(np.repeat(np.asarray(places, dtype=np.int64), counts), cut[:, 0], cut[:, 1], text)


def _numbers(ranges: Sequence[Sequence[tuple[int, int]]]) -> Numbers:
    count = sum(map(len, ranges))
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(ranges)), dtype=np.int64, count=2 * count)
    return flat.reshape(-1, 2)


def _none() -> Numbers:
    return np.zeros(0, dtype=np.int64)
