"""Look for what leaks from one split into another: the audit that each release goes through.

=============  ===================================================================================  ========
leak           two documents of different splits …                                                  stops
=============  ===================================================================================  ========
cluster        are copies of each other                                                             as set
address        have the same address                                                                as set
text           share word 13-grams: of the one in evaluation at least the set share                 as set
title          have the same title of five words or more                                            never
=============  ===================================================================================  ========

Runs of thirteen words are what Brown et al. (2020, appendix C) look for between training and test text. How many entity
names of an evaluation split stand in train too is measured, and stops nothing: a model that knows a name is no fault
of the splits, but a reader should know how many new ones there are.

What is compared is held as numbers of eight bytes: the 13-grams of validation and test, never those of train.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import ReleaseSettings
from copydesk.schemas import ReleaseError

from .splits import SPLITS

__all__ = ["LEAKAGE_FILE", "Leak", "Leakage", "audit", "refuse_leaks"]

LEAKAGE_FILE: Final = "leakage.json"
GRAM: Final = 13
TITLE_WORDS: Final = 5
EVALUATION: Final = ("validation", "test")
_SHOWN: Final = 20
_WORD: Final = re.compile(r"\w+")
_FACTORS: Final = np.array([pow(0x9E3779B97F4A7C15, GRAM - 1 - place, 2**64) for place in range(GRAM)], dtype=np.uint64)

Grams = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """Two documents in different splits that have something in common.

    Attributes:
        kind: ``cluster``, ``address``, ``text`` or ``title``.
        document_id: The one in evaluation: in test, or in validation where the other is in train.
        split: Its split.
        other_id: The other one.
        other_split: Its split.
        share: Of the first one's 13-grams those that the other has too; 1 for every other kind.
        detail: What they have in common.
    """

    kind: str
    document_id: str
    split: str
    other_id: str
    other_split: str
    share: float = 1.0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Leakage:
    """What an audit found.

    Attributes:
        leaks: Every pair, sorted.
        names: For validation and test: how many different names (words and label) its entities have, and how many
            of those train has too.
    """

    leaks: tuple[Leak, ...]
    names: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[Leak, ...]:
        """Return the leaks of one kind."""
        return tuple(leak for leak in self.leaks if leak.kind == kind)

    def plain(self) -> dict[str, Any]:
        """Return what the manifest says of it: numbers of pairs, and of names."""
        counts = {
            "copies_across_splits": len(self.of("cluster")),
            "same_address_across_splits": len(self.of("address")),
            "shared_text_across_splits": len(self.of("text")),
            "same_title_across_splits": len(self.of("title")),
        }
        return counts | {
            f"{split}_names_{what}": number
            for split, both in sorted(self.names.items())
            for what, number in zip(("in_all", "also_in_train"), both, strict=True)
        }

    def json(self) -> str:
        """Return every pair as the release's ``leakage.json``."""
        listed = [{name: getattr(leak, name) for name in Leak.__slots__} for leak in self.leaks]
        return json.dumps({**self.plain(), "leaks": listed}, ensure_ascii=False, indent=1) + "\n"


def audit(folder: Path, settings: ReleaseSettings) -> Leakage:
    """Look for leaks in the built tables of a release, which still have their texts.

    Args:
        folder: With ``articles/`` and ``entities/``.
        settings: From which share on a text counts as shared.
    """
    described = list(_described(folder))
    leaks = [
        *_same("cluster", ((row[0], row[1], row[2]) for row in described)),
        *_same("address", ((row[0], row[1], row[3]) for row in described)),
        *_same("title", ((row[0], row[1], _title(row[4])) for row in described)),
        *_shared_text(folder, settings.shared_text),
    ]
    return Leakage(tuple(sorted(leaks)), _names(folder))


def refuse_leaks(found: Leakage, settings: ReleaseSettings) -> None:
    """Refuse a release whose splits leak, unless the settings only count.

    Copies can lie in two splits only where they were released before anybody knew that they are copies.

    Raises:
        ReleaseError: Names the pairs, up to twenty.
    """
    wrong = [leak for leak in found.leaks if leak.kind != "title"]
    if not wrong or settings.leakage == "count":
        return
    lines = [_said(leak) for leak in islice(wrong, _SHOWN)]
    lines += [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    raise ReleaseError(
        "\n  ".join([f"{len(wrong)} pairs of documents leak from one split into another:", *lines]),
        hint="Articles that belong together are kept together by [release] group_by, and copies by [dedupe]. What was "
        'released never changes its split. To release it and only count them: [release] leakage = "count".',
    )


def _said(leak: Leak) -> str:
    pair = f"document {leak.document_id} ({leak.split}) and {leak.other_id} ({leak.other_split})"
    what = {"cluster": "are copies", "address": "have one address", "text": "share text"}[leak.kind]
    return f"{pair} {what}: {leak.detail}"


# what documents are


def _described(folder: Path) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield every article's split, id, cluster, address and title."""
    names = ["document_id", "cluster_id", "url", "title"]
    for split, batch in _batches(folder, "articles", names):
        columns = (batch.column(name).to_pylist() for name in names)
        yield from ((split, *row) for row in zip(*columns, strict=True))


def _batches(folder: Path, table: str, columns: list[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    for split in SPLITS:
        for path in sorted((folder / table).glob(f"{split}-*.parquet")):
            with pq.ParquetFile(path) as file:
                yield from ((split, batch) for batch in file.iter_batches(batch_size=500, columns=columns))


def _title(title: str) -> str:
    words = _WORD.findall(title.casefold())
    return " ".join(words) if len(words) >= TITLE_WORDS else ""


def _same(kind: str, rows: Iterable[tuple[str, str, str]]) -> Iterator[Leak]:
    """Yield one leak for each document in evaluation whose key a document of an earlier split has too."""
    first: dict[str, dict[str, str]] = defaultdict(dict)
    found: list[tuple[str, str, str]] = []
    for split, document, key in rows:
        if key:
            first[key].setdefault(split, document)
            found.append((split, document, key))
    for split, document, key in found:
        earlier = next((other for other in SPLITS[: SPLITS.index(split)] if other in first[key]), None)
        if earlier is not None:
            # a title is the article's own words, which a release without texts must not have
            yield Leak(kind, document, split, first[key][earlier], earlier, 1.0, "" if kind == "title" else key)


# what they say


@lru_cache(2**17)
def _number(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def _grams(text: str) -> Grams:
    """Return a text's different word 13-grams as numbers, sorted; case and punctuation do not count."""
    numbers = np.array([_number(word) for word in _WORD.findall(text.casefold())], dtype=np.uint64)
    if len(numbers) < GRAM:
        return np.empty(0, dtype=np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(numbers + np.uint64(1), GRAM)
    return np.asarray(np.unique((windows * _FACTORS).sum(axis=1, dtype=np.uint64)), dtype=np.uint64)


def _shared_text(folder: Path, share: float) -> Iterator[Leak]:
    """Yield the documents in evaluation of whose 13-grams at least such a share stands in one of an earlier split."""
    held = {split: _Held() for split in EVALUATION}
    for split, batch in _batches(folder, "articles", ["document_id", "text"]):
        if split in held:
            for document, text in zip(*(batch.column(name).to_pylist() for name in batch.schema.names), strict=True):
                held[split].add(document, _grams(text))
    for one in held.values():
        one.close()
    for split, batch in _batches(folder, "articles", ["document_id", "text"]):
        later = [other for other in EVALUATION if SPLITS.index(other) > SPLITS.index(split)]
        if not later:
            continue
        for document, text in zip(*(batch.column(name).to_pylist() for name in batch.schema.names), strict=True):
            grams = _grams(text)
            for other in later:
                for number, common in held[other].common(grams):
                    total = held[other].totals[number]
                    if common >= share * total:
                        detail = f"{common} of {total} runs of {GRAM} words"
                        name = held[other].documents[number]
                        yield Leak("text", name, other, document, split, round(common / total, 4), detail)


@dataclass(slots=True)
class _Held:
    """The 13-grams of one split's documents: numbers in order, each with its document's."""

    documents: list[str] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    pieces: list[Grams] = field(default_factory=list)
    grams: Grams = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    owners: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))

    def add(self, document: str, grams: Grams) -> None:
        self.documents.append(document)
        self.totals.append(len(grams))
        self.pieces.append(grams)

    def close(self) -> None:
        """Put all 13-grams in order."""
        if self.pieces:
            every = np.concatenate(self.pieces)
            order = np.argsort(every, kind="stable")
            self.grams = every[order]
            self.owners = np.repeat(np.arange(len(self.pieces), dtype=np.int32), self.totals)[order]
            self.pieces = []

    def common(self, grams: Grams) -> Iterator[tuple[int, int]]:
        """Yield (document's number, 13-grams in common) for every document that has any of these."""
        starts = np.searchsorted(self.grams, grams, "left")
        ends = np.searchsorted(self.grams, grams, "right")
        hits = np.flatnonzero(starts < ends)
        if len(hits):
            found = [self.owners[starts[hit] : ends[hit]] for hit in hits]
            numbers, counts = np.unique(np.concatenate(found), return_counts=True)
            yield from zip(numbers.tolist(), counts.tolist(), strict=True)


def _names(folder: Path) -> dict[str, tuple[int, int]]:
    """Return, for validation and test, how many different names there are, and how many of them train has too."""
    seen: dict[str, set[tuple[str, int]]] = {split: set() for split in SPLITS}
    for split, batch in _batches(folder, "entities", ["entities"]):
        inner = batch.column("entities").flatten()
        texts = (text.casefold() for text in inner.field("text").to_pylist())
        seen[split].update(zip(texts, inner.field("label").to_pylist(), strict=True))
    return {split: (len(seen[split]), len(seen[split] & seen["train"])) for split in EVALUATION if seen[split]}
