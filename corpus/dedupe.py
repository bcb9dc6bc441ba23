"""Find copies: articles that say the same in the same words, or nearly.

Two stages, because either alone fails on news. MinHash over word 5-grams finds *candidates* fast; each candidate
pair is then *verified* on the real 5-grams before it may join two articles. Joining on candidates alone is how a
chain of chance matches once swallowed a corpus.

A pair is a copy where its Jaccard similarity reaches the desk's threshold, or where the shorter article lies
almost whole in the longer one (a story cut from the end, as newspapers cut). Of each cluster the article that was
published first stands for all, or the one with the smallest id where dates are missing.

References: Broder 1997, On the resemblance and containment of documents; rensa for the signatures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from copydesk.schemas import Cluster, OnProgress, Progress, silent

from .desk import Desk, file_sha256
from .settings import DedupeSettings, settings_digest

__all__ = ["cluster_all", "cluster_documents", "similarity"]

VERSION: Final = "1"
GRAM: Final = 5
SEED: Final = 42
CANDIDATE_THRESHOLD: Final = 0.5
"""Signatures at least about this similar become candidates; lower than any sensible threshold, as pairs are verified."""
CONTAINED: Final = 0.9
CONTAINED_GRAMS: Final = 40
"""A shorter article than this is contained in too many by chance."""
ALL_PAIRS: Final = 40
"""In a larger bucket each article is compared with the first and with its neighbour, not with all."""

Hashes = npt.NDArray[np.uint64]
WORD: Final = re.compile(r"\w+")


@dataclass(slots=True)
class _Table:
    """What is kept of every document while clusters are made: some 600 bytes each, never its text."""

    ids: list[str] = field(default_factory=list)
    dates: list[float] = field(default_factory=list)
    exact: list[bytes] = field(default_factory=list)
    signatures: list[npt.NDArray[np.uint32]] = field(default_factory=list)


def cluster_all(desk: Desk, *, on_progress: OnProgress = silent) -> int:
    """Put every document of the desk into its cluster and return how many are copies of another.

    Reads the texts twice, shard by shard. Does nothing where neither articles nor settings changed. The caller
    holds the desk's lock.
    """
    parts = desk.parts("articles")
    key = settings_digest([file_sha256(part) for part in parts], desk.settings.dedupe, "dedupe", VERSION)
    output = desk.path / "clusters" / "part-all.parquet"
    if not parts:
        return 0
    if desk.done("dedupe", "part-all") != key or not output.exists():
        clusters = cluster_documents(parts, desk.settings.dedupe, on_progress=on_progress)
        desk.write(Cluster, "clusters", "all", clusters)
        desk.note("dedupe", {"part-all": key})
    kinds = pq.read_table(output, columns=["kind"]).column("kind").to_pylist()
    return sum(kind != "canonical" for kind in kinds)


def cluster_documents(
    parts: Iterable[Path], settings: DedupeSettings, *, on_progress: OnProgress = silent
) -> list[Cluster]:
    """Return the place of every document among its copies, by id.

    Args:
        parts: Articles shards.
        settings: The threshold and the length of the signatures.
        on_progress: Told of shards read, twice over all.
    """
    parts = list(parts)
    table = _Table()
    for number, part in enumerate(parts, start=1):
        _sign(part, table, settings)
        on_progress(Progress("dedupe", number, 2 * len(parts), "shards"))
    pairs = sorted({*_equal_pairs(table), *_candidates(table.signatures, settings.permutations)})
    grams = _grams_of(parts, {position for pair in pairs for position in pair}, on_progress)
    parent = list(range(len(table.ids)))
    for one, other in pairs:
        if table.exact[one] == table.exact[other] or _is_copy(grams[one], grams[other], settings.threshold):
            _join(parent, one, other)
    return _clusters(table, parent, grams)


def similarity(one: str, other: str) -> float:
    """Return the Jaccard similarity of two texts over word 5-grams, 0 … 1.

    >>> similarity("The army left the town on Friday", "the army left the town on Friday!")
    1.0
    """
    return _jaccard(_grams(one), _grams(other))


def _rows(part: Path) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(part) as file:
        for batch in file.iter_batches(batch_size=256, columns=["id", "text", "published"]):
            yield from batch.to_pylist()


def _sign(part: Path, table: _Table, settings: DedupeSettings) -> None:
    import rensa

    grams: list[Hashes] = []
    for row in _rows(part):
        table.ids.append(row["id"])
        table.dates.append(_instant(row["published"]))
        words = _words(row["text"])
        table.exact.append(blake2b(words.tobytes(), digest_size=16).digest())
        grams.append(_grams_of_words(words))
    offsets = np.cumsum([0, *(len(item) for item in grams)], dtype=np.uint64)
    flat = np.concatenate(grams) if grams else np.empty(0, np.uint64)
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, settings.permutations, SEED)
    table.signatures += [np.asarray(row, dtype=np.uint32) for row in matrix.to_rows()]


def _instant(published: str) -> float:
    if not published:
        return float("inf")
    moment = datetime.fromisoformat(published)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@lru_cache(maxsize=200_000)
def _word_hash(word: str) -> int:
    # not hash(): that one differs from process to process
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _words(text: str) -> Hashes:
    return np.fromiter((_word_hash(word) for word in WORD.findall(text.casefold())), dtype=np.uint64)


def _grams_of_words(words: Hashes) -> Hashes:
    size = max(1, len(words) - GRAM + 1)
    mixed: Hashes = np.zeros(size, dtype=np.uint64)
    for offset in range(min(GRAM, len(words))):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + words[offset : offset + size]
        mixed = mixed ^ (mixed >> np.uint64(29))
    return np.unique(mixed)


def _grams(text: str) -> Hashes:
    return _grams_of_words(_words(text))


def _jaccard(one: Hashes, other: Hashes) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def _is_copy(one: Hashes, other: Hashes, threshold: float) -> bool:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    shorter = min(len(one), len(other))
    contained = shorter >= CONTAINED_GRAMS and shared >= CONTAINED * shorter
    return contained or shared >= threshold * (len(one) + len(other) - shared)


def _equal_pairs(table: _Table) -> Iterator[tuple[int, int]]:
    first: dict[bytes, int] = {}
    for position, digest in enumerate(table.exact):
        if digest in first:
            yield first[digest], position
        first.setdefault(digest, position)


def _candidates(signatures: list[npt.NDArray[np.uint32]], permutations: int) -> Iterator[tuple[int, int]]:
    """Yield pairs that share a band of their signatures (locality-sensitive hashing)."""
    if len(signatures) < 2:
        return
    matrix = np.vstack(signatures)
    rows = _rows_per_band(permutations)
    for start in range(0, permutations - rows + 1, rows):
        band = np.ascontiguousarray(matrix[:, start : start + rows]).view(np.dtype((np.void, 4 * rows))).ravel()
        order = np.argsort(band, kind="stable")
        edges = np.flatnonzero(band[order][1:] != band[order][:-1]) + 1
        for bucket in np.split(order, edges):
            if len(bucket) > 1:
                yield from _bucket_pairs([int(position) for position in bucket])


def _bucket_pairs(bucket: list[int]) -> Iterator[tuple[int, int]]:
    bucket.sort()
    if len(bucket) <= ALL_PAIRS:
        yield from combinations(bucket, 2)
        return
    yield from pairwise(bucket)
    yield from ((bucket[0], other) for other in bucket[2:])


def _rows_per_band(permutations: int) -> int:
    """Return the band size whose turning point lies nearest to :data:`CANDIDATE_THRESHOLD`."""

    def distance(rows: int) -> float:
        turning_point: float = (rows / permutations) ** (1 / rows)
        return abs(turning_point - CANDIDATE_THRESHOLD)

    return min(range(1, permutations + 1), key=distance)


def _grams_of(parts: list[Path], wanted: set[int], on_progress: OnProgress) -> dict[int, Hashes]:
    """Return the real 5-grams of the documents at these positions."""
    found: dict[int, Hashes] = {}
    position = 0
    for number, part in enumerate(parts, start=1):
        for row in _rows(part):
            if position in wanted:
                found[position] = _grams(row["text"])
            position += 1
        on_progress(Progress("dedupe", len(parts) + number, 2 * len(parts), "shards"))
    return found


def _find(parent: list[int], position: int) -> int:
    while parent[position] != position:
        parent[position] = parent[parent[position]]
        position = parent[position]
    return position


def _join(parent: list[int], one: int, other: int) -> None:
    one, other = _find(parent, one), _find(parent, other)
    parent[max(one, other)] = min(one, other)


def _clusters(table: _Table, parent: list[int], grams: Mapping[int, Hashes]) -> list[Cluster]:
    members: dict[int, list[int]] = {}
    for position in range(len(parent)):
        members.setdefault(_find(parent, position), []).append(position)
    found: list[Cluster] = []
    for group in members.values():
        first = min(group, key=lambda position: (table.dates[position], table.ids[position]))
        canonical = table.ids[first]
        for position in group:
            kind, share = "canonical", 1.0
            if position != first:
                exact = table.exact[position] == table.exact[first]
                share = 1.0 if exact else round(_jaccard(grams[position], grams[first]), 6)
                kind = "exact" if exact else "near"
            found.append(Cluster(table.ids[position], canonical, canonical, kind, share))
    return sorted(found, key=lambda cluster: cluster.document_id)
