"""Verify that two articles are copies, and say of which kind; gather verified copies around the one they copy.

Every member of a cluster is verified against the article that stands for it. A is like B and B is like C does not
put A and C together: that is how a chain of chance matches grows until it holds the whole corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .settings import DedupeSettings

__all__ = ["CANONICAL", "Hashes", "Member", "jaccard", "kind_of", "shared_anchors", "stars", "verified"]

Hashes = npt.NDArray[np.uint64]

CANONICAL: Final = "canonical"
EXACT: Final = "exact"
REPRINT: Final = "reprint"
UPDATE: Final = "update"
EXCERPT: Final = "excerpt"

CONTAINED_GRAMS: Final = 40
"""A shorter article than this is contained in too many by chance."""
SHORTER: Final = 0.8
"""An article with less than this share of another's 5-grams is an excerpt of it, not a reprint."""
HELD: Final = 0.9
"""An excerpt or an earlier version lies in the other article at least to this share."""
DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Member:
    """What is compared of one article.

    Attributes:
        id: The document's id.
        date: When it was published, in seconds since 1970; infinite where that is unknown.
        exact: A digest of its words in order, without case and punctuation.
        grams: The hashes of its different word 5-grams, sorted.
    """

    id: str
    date: float
    exact: bytes
    grams: Hashes


def jaccard(one: Hashes, other: Hashes) -> float:
    """Return the Jaccard similarity of two sorted sets of hashes, 0 … 1."""
    shared = _shared(one, other)
    return shared / (len(one) + len(other) - shared)


def verified(one: Member, other: Member, settings: DedupeSettings) -> bool:
    """Return whether two articles are copies.

    They are where their words are the same, whenever they were published. Else both must lie in one time window, if
    the settings have one and both dates are known, and either reach the threshold of similarity, or the shorter must
    lie in the longer to the share that the settings ask for.
    """
    if one.exact == other.exact:
        return True
    apart = abs(one.date - other.date) if max(one.date, other.date) < float("inf") else 0.0
    if settings.window_days and apart > settings.window_days * DAY:
        return False
    shared = _shared(one.grams, other.grams)
    shorter = min(len(one.grams), len(other.grams))
    if shorter >= CONTAINED_GRAMS and shared >= settings.contained * shorter:
        return True
    return shared >= settings.threshold * (len(one.grams) + len(other.grams) - shared)


def stars(members: Iterable[Member], settings: DedupeSettings) -> list[list[Member]]:
    """Cut a group that hangs together into clusters whose every member is verified against the first.

    The first published (by id where dates are unknown or the same) takes all that copy it; the first of the rest
    takes of the rest, until none is left. The order in which members come makes no difference.

    Returns:
        The clusters, each with the article that stands for it first.
    """
    rest = sorted(members, key=lambda member: (member.date, member.id))
    found: list[list[Member]] = []
    while rest:
        first, *others = rest
        star, rest = [first], []
        for other in others:
            (star if verified(first, other, settings) else rest).append(other)
        found.append(star)
    return found


def kind_of(copy: Member, first: Member) -> str:
    """Return what a verified copy is to the article that stands for it: exact, excerpt, update or reprint."""
    if copy.exact == first.exact:
        return EXACT
    shared = _shared(copy.grams, first.grams)
    if len(copy.grams) < SHORTER * len(first.grams) and shared >= HELD * len(copy.grams):
        return EXCERPT
    later = first.date < copy.date < float("inf")
    if later and len(first.grams) < SHORTER * len(copy.grams) and shared >= HELD * len(first.grams):
        return UPDATE
    return REPRINT


def shared_anchors(anchors: Sequence[Hashes], *, least: int, most: int) -> list[tuple[int, int]]:
    """Return the pairs of articles that have several rare 5-grams in common, sorted.

    This finds what MinHash cannot: an excerpt of a long article, or one with another beginning and end, is like it in
    few of all their 5-grams, but shares a whole run of them.

    Args:
        anchors: Of every article, the 5-grams whose hash falls on the same residue: the same share of any text.
        least: How many a pair must share.
        most: A 5-gram in more articles than this is a phrase of an outlet, and tells of no copy.
    """
    if not anchors:
        return []
    grams = np.concatenate(anchors)
    owners = np.repeat(np.arange(len(anchors), dtype=np.int64), [len(item) for item in anchors])
    order = np.lexsort((owners, grams))
    grams, owners = grams[order], owners[order]
    if not len(grams):
        return []
    starts = np.flatnonzero(np.r_[True, grams[1:] != grams[:-1]])
    sizes = np.diff(np.r_[starts, len(grams)])
    pairs: list[npt.NDArray[np.int64]] = []
    for size in range(2, most + 1):
        runs = owners[starts[sizes == size][:, None] + np.arange(size)]
        left, right = np.triu_indices(size, 1)
        pairs.append((runs[:, left] * len(anchors) + runs[:, right]).ravel())
    keys, counts = np.unique(np.concatenate(pairs), return_counts=True)
    return [divmod(int(key), len(anchors)) for key in keys[counts >= least]]


def _shared(one: Hashes, other: Hashes) -> int:
    return len(np.intersect1d(one, other, assume_unique=True))
