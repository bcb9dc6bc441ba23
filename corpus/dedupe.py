"""Find copies: articles that say the same in the same words, or nearly.

Two stages, because either alone fails on news. *Candidates* are found fast: by MinHash over word 5-grams, and by
rare 5-grams in common, as an excerpt or a story with another lede is like the whole in few of all its 5-grams. Each
candidate pair is then *verified* on the real 5-grams before it may join two articles. Joining on candidates alone is
how a chain of chance matches once swallowed a corpus.

A pair is a copy where its Jaccard similarity reaches the desk's threshold, or where the shorter article lies
almost whole in the longer one (a story cut from the end, as newspapers cut). Of each cluster the article that was
published first stands for all, or the one with the smallest id where dates are missing; every other member is
verified against that one (:mod:`.verifying`).

References: Broder 1997, On the resemblance and containment of documents; rensa for the signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.schemas import Cluster, OnProgress, Progress, silent

from .desk import Desk, file_sha256, read_columns
from .settings import DedupeSettings, settings_digest
from .signatures import SIGNATURES, grams_of, rows_of, sign, sign_all
from .verifying import CANONICAL, Hashes, Member, jaccard, kind_of, shared_anchors, stars, verified

__all__ = ["cluster_all", "cluster_documents", "clusters_key", "similarity"]

VERSION: Final = "2"
CANDIDATE_THRESHOLD: Final = 0.5
"""Signatures at least about this similar become candidates; lower than any sensible threshold, as pairs are verified."""
SHARED_ANCHORS: Final = 2
COMMON: Final = 24
"""An anchor in more articles than this tells of no copy: MinHash finds a story that is in so many papers."""
ALL_PAIRS: Final = 40
"""In a larger bucket each article is compared with the first and with its neighbour, not with all."""


@dataclass(slots=True)
class _Table:
    """What is kept of every document while clusters are made: some 1,200 bytes each, never its text."""

    ids: list[str] = field(default_factory=list)
    dates: list[float] = field(default_factory=list)
    exact: list[bytes] = field(default_factory=list)
    signatures: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    anchors: list[Hashes] = field(default_factory=list)

    def member(self, position: int, grams: Mapping[int, Hashes]) -> Member:
        return Member(self.ids[position], self.dates[position], self.exact[position], grams[position])


def cluster_all(desk: Desk, *, on_progress: OnProgress = silent) -> int:
    """Put every document of the desk into its cluster and return how many are copies of another.

    Texts are read where they are new, to be signed, and where a candidate has to be verified. Does nothing where neither articles nor settings changed. The caller
    holds the desk's lock.
    """
    parts = desk.parts("articles")
    if not parts:
        return 0
    key = clusters_key(desk)
    output = desk.path / "clusters" / "part-all.parquet"
    sign_all(desk, on_progress=on_progress)
    if desk.done("dedupe", "part-all") != key or not output.exists():
        signed = desk.path / SIGNATURES
        clusters = cluster_documents(parts, desk.settings.dedupe, signed=signed, on_progress=on_progress)
        desk.write(Cluster, "clusters", "all", clusters)
        desk.note("dedupe", {"part-all": key})
    kinds = read_columns(output, ["kind"]).column("kind").to_pylist()
    return sum(kind != "canonical" for kind in kinds)


def clusters_key(desk: Desk) -> str:
    """Return the digest of everything that a desk's clusters depend on."""
    digests = [file_sha256(part) for part in desk.parts("articles")]
    return settings_digest(digests, desk.settings.dedupe, "dedupe", VERSION)


def cluster_documents(
    parts: Iterable[Path], settings: DedupeSettings, *, signed: Path | None = None, on_progress: OnProgress = silent
) -> list[Cluster]:
    """Return the place of every document among its copies, by id.

    Args:
        parts: Articles shards.
        settings: The threshold and the length of the signatures.
        signed: The folder in which every shard lies signed; with none they are signed here.
        on_progress: Told of shards read, twice over all.
    """
    parts = list(parts)
    table = _Table()
    for number, part in enumerate(parts, start=1):
        _take(read_columns(signed / part.name) if signed else sign(part, settings.permutations), table)
        on_progress(Progress("dedupe", number, 2 * len(parts), "shards"))
    pairs = sorted(
        {
            *_equal_pairs(table),
            *_candidates(table.signatures, settings.permutations),
            *shared_anchors(table.anchors, least=SHARED_ANCHORS, most=COMMON),
        }
    )
    grams = _grams_of(parts, {position for pair in pairs for position in pair}, on_progress)
    parent = list(range(len(table.ids)))
    for one, other in pairs:
        if verified(table.member(one, grams), table.member(other, grams), settings):
            _join(parent, one, other)
    return _clusters(table, parent, grams, settings)


def similarity(one: str, other: str) -> float:
    """Return the Jaccard similarity of two texts over word 5-grams, 0 … 1.

    >>> similarity("The army left the town on Friday", "the army left the town on Friday!")
    1.0
    """
    return jaccard(grams_of(one), grams_of(other))


def _take(signed: pa.Table, table: _Table) -> None:
    table.ids += signed["id"].to_pylist()
    table.dates += signed["date"].to_pylist()
    table.exact += signed["exact"].to_pylist()
    table.signatures += [np.frombuffer(item, dtype="<u4") for item in signed["signature"].to_pylist()]
    table.anchors += [np.frombuffer(item, dtype="<u8") for item in signed["anchors"].to_pylist()]


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
        starts, ends = np.append(0, edges), np.append(edges, len(order))
        for bucket in np.flatnonzero(ends - starts > 1).tolist():  # nearly all have one article
            yield from _bucket_pairs(order[starts[bucket] : ends[bucket]].tolist())


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
        number_of_rows = pq.read_metadata(part).num_rows
        places = range(position, position + number_of_rows)
        if not wanted.isdisjoint(places):
            texts = zip(places, rows_of(part), strict=True)
            found.update((place, grams_of(row["text"])) for place, row in texts if place in wanted)
        position += number_of_rows
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


def _clusters(table: _Table, parent: list[int], grams: Mapping[int, Hashes], settings: DedupeSettings) -> list[Cluster]:
    groups: dict[int, list[int]] = {}
    for position in range(len(parent)):
        groups.setdefault(_find(parent, position), []).append(position)
    found: list[Cluster] = []
    for group in groups.values():
        if len(group) == 1:
            found.append(_alone(table.ids[group[0]]))
            continue
        for first, *others in stars([table.member(position, grams) for position in group], settings):
            found.append(_alone(first.id))
            for copy in others:
                share = 1.0 if copy.exact == first.exact else round(jaccard(copy.grams, first.grams), 6)
                found.append(Cluster(copy.id, first.id, first.id, kind_of(copy, first), share))
    return sorted(found, key=lambda cluster: cluster.document_id)


def _alone(document_id: str) -> Cluster:
    return Cluster(document_id, document_id, document_id, CANONICAL, 1.0)
