"""Draw documents one after another, each with a chance proportional to its weight at that moment.

A weight changes while we draw: words that a drawn document has are no news in the next. Sums over whole numbers are
the same in any order, so weights are whole numbers, chances are exact quotients, and the same input gives the same
bytes on any machine. Only the weights of documents that share a word with the last one drawn are computed anew, and
every word is news once, so the work grows with the words in all documents and not with the square of their number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Drawn", "Words", "draw_all", "uniform"]

Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
BLOCK: Final = 512
ONE: Final = 1 << 32
"""A weight of 1, as a whole number; a million documents of it are far from the largest number that fits."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One draw.

    Attributes:
        document: Position of the document.
        pool: How many could be drawn, this one included.
        probability: The chance that this one was, given all draws before.
        news: The share of its words, by weight, that no document before had.
    """

    document: int
    pool: int
    probability: float
    news: float


def uniform(below: int, *key: object) -> int:
    """Return a whole number from 0 to `below` - 1 that looks random and depends on the key alone."""
    text = "\x1f".join(map(str, key))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()) % below


class Words:
    """Which document has which words, and which of them are news still.

    Args:
        starts: Where each document's words begin in `words`; one more than documents.
        words: Word numbers, each once per document.
        kinds: How many word numbers there are.
        read: Word numbers that are no news from the beginning.
    """

    def __init__(self, starts: Ints, words: npt.NDArray[np.int32], kinds: int, read: npt.NDArray[np.int32]) -> None:
        documents = len(starts) - 1
        often = np.bincount(words, minlength=kinds)
        # a word that no other document has is worth nothing: reading it prepares for no other document
        telling = often[words] >= 2
        owner = np.repeat(np.arange(documents, dtype=np.int32), np.diff(starts))[telling]
        self._words = words[telling]
        self._starts = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=documents)))).astype(np.int64)
        worth = np.round(1024 * np.log((1 + documents) / np.maximum(often, 1)))
        self._worth = np.maximum(worth, 1).astype(np.int64)
        self._holders = owner[np.argsort(self._words, kind="stable")]
        self._ends = np.cumsum(np.bincount(self._words, minlength=kinds))
        self._fresh = np.ones(kinds, dtype=bool)
        self._fresh[read] = False
        self._all = self._sums(self._worth[self._words], owner, documents)
        self._left = self._sums(self._worth[self._words] * self._fresh[self._words], owner, documents)

    @staticmethod
    def _sums(values: Ints, owner: npt.NDArray[np.int32], documents: int) -> Ints:
        sums = np.zeros(documents, dtype=np.int64)
        np.add.at(sums, owner, values)
        return sums

    def news(self, documents: Ints) -> Numbers:
        """Return for each document the share of its words, by weight, that is news: 0 … 1."""
        return np.asarray(self._left[documents] / np.maximum(self._all[documents], 1), dtype=np.float64)

    def read(self, document: int) -> Ints:
        """Take a document's words as read, and return the documents for which that makes a difference."""
        words = self._words[self._starts[document] : self._starts[document + 1]]
        words = words[self._fresh[words]]
        if not len(words):
            return np.empty(0, dtype=np.int64)
        self._fresh[words] = False
        ends = self._ends[words]
        begins = np.where(words > 0, self._ends[words - 1], 0)
        holders = np.concatenate([self._holders[low:high] for low, high in zip(begins, ends, strict=True)])
        np.subtract.at(self._left, holders, np.repeat(self._worth[words], ends - begins))
        touched: Ints = np.unique(holders).astype(np.int64)
        return touched


def draw_all(weigh: Callable[[Ints, Numbers], Numbers], words: Words, count: int, *key: object) -> Iterator[Drawn]:
    """Yield every document once, in the order in which it is drawn.

    Args:
        weigh: Returns weights in 0 … 1, above 0, of the documents at these positions with this share of news.
        words: The words of the documents.
        count: How many documents there are.
        key: What the draws depend on, besides the weights.
    """
    everyone = np.arange(count, dtype=np.int64)
    weights = _whole(weigh(everyone, words.news(everyone)))
    left = np.ones(count, dtype=bool)
    blocks = np.add.reduceat(weights, np.arange(0, count, BLOCK)) if count else weights
    for pool in range(count, 0, -1):
        ends = np.cumsum(blocks)
        total = int(ends[-1])
        place = uniform(total, *key, pool)
        block = int(np.searchsorted(ends, place, side="right"))
        begin = block * BLOCK
        within = np.cumsum(weights[begin : begin + BLOCK])
        place -= int(ends[block]) - int(within[-1])
        chosen = begin + int(np.searchsorted(within, place, side="right"))
        chance = int(weights[chosen]) / total
        news = float(words.news(np.array([chosen]))[0])
        blocks[block] -= weights[chosen]
        weights[chosen] = 0
        left[chosen] = False
        touched = words.read(chosen)
        touched = touched[left[touched]]
        if len(touched):
            fresh = _whole(weigh(touched, words.news(touched)))
            np.add.at(blocks, touched // BLOCK, fresh - weights[touched])
            weights[touched] = fresh
        yield Drawn(chosen, pool, chance, news)


def _whole(weights: Numbers) -> Ints:
    whole: Ints = np.maximum(np.floor(weights * ONE), 1).astype(np.int64)
    return whole
