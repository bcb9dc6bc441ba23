"""Keep a random sample of documents aside for evaluation, and never let a document change sides.

A cluster of copies is on one side, by a hash of its canonical document's id. As a desk grows, an older copy may
turn up and become the canonical one, or an article may join two clusters. So the side of every document that was
queued or annotated is written down in ``queue/kept.json``, which only grows, and what is new in a cluster follows
it. A copy of a document that people ranked and trained on is never part of the sample.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.corpus import Desk, clusters, write_atomically
from copydesk.schemas import DeskError

__all__ = [
    "QUEUE_TABLE",
    "RANKED",
    "RESERVE",
    "Kept",
    "cluster_of",
    "kept",
    "reserved",
    "settle_sides",
    "shown",
]

QUEUE_TABLE: Final = "queue"
KEPT_FILE: Final = "kept.json"
RANKED: Final = "ranked"
RESERVE: Final = "reserve"
SIDES: Final = (RANKED, RESERVE)
BATCH: Final = 5_000
"""Documents at a time that are made into Python's own strings: those take ten times the room of a column's."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is written down about a queue besides its rows, and never taken back.

    Attributes:
        given: The last rank that was handed to people; all up to it stay where they are.
        sides: Document id to ``ranked`` or ``reserve``.
    """

    given: int = 0
    sides: dict[str, str] = field(default_factory=dict)


def kept(desk: Desk) -> Kept:
    """Read what is written down; a desk without a queue has nothing.

    Raises:
        DeskError: The file is damaged.
    """
    given, documents, in_reserve = _recorded(desk)
    return Kept(given, dict(_pairs(documents, in_reserve)))


def _recorded(desk: Desk) -> tuple[int, pa.Array, pa.Array]:
    """Return the last rank handed to people, the documents with a side, and which of them are in the sample."""
    path = desk.path / QUEUE_TABLE / KEPT_FILE
    if not path.exists():
        return 0, pa.array([], pa.string()), pa.array([], pa.bool_())
    try:
        return _parsed(path)
    except (ValueError, OverflowError) as error:
        raise DeskError(
            f"the record of the reserved sample is damaged: {error}",
            where=str(path),
            hint="Restore it from a copy: without it, documents could change between training and evaluation.",
        ) from error


def _parsed(path: Path) -> tuple[int, pa.Array, pa.Array]:
    import ijson

    given, document, whole = None, "", False
    documents, sides = _Column(pa.string()), _Column(pa.bool_())
    with path.open("rb") as file:
        try:
            for place, event, value in ijson.parse(file):
                if (place, event) == ("given", "number"):
                    given = int(value)
                elif (place, event) == ("sides", "map_key"):
                    document = value
                elif (place, event) == ("sides", "end_map"):
                    whole = True
                elif (place, event) == (f"sides.{document}", "string") and value in SIDES:
                    documents.append(document)
                    sides.append(value == RESERVE)
                elif place.startswith("sides."):
                    raise ValueError(f"no side {value!r}")
        except ijson.JSONError as error:
            raise ValueError(str(error)) from error
    if given is None or not whole:
        raise ValueError(f"{'sides' if given is not None else 'given'!r} is missing")
    return given, documents.whole(), sides.whole()


class _Column:
    """A column that grows, never held as Python's own objects but for the last few."""

    def __init__(self, kind: pa.DataType) -> None:
        self.kind = kind
        self.done: list[pa.Array] = []
        self.last: list[object] = []

    def append(self, value: object) -> None:
        self.last.append(value)
        if len(self.last) >= BATCH:
            self.done.append(pa.array(self.last, self.kind))
            self.last = []

    def whole(self) -> pa.Array:
        return pa.concat_arrays([*self.done, pa.array(self.last, self.kind)])


def _pairs(documents: pa.Array, in_reserve: pa.Array) -> Iterator[tuple[str, str]]:
    for at in range(0, len(documents), BATCH):
        some = zip(documents.slice(at, BATCH).to_pylist(), in_reserve.slice(at, BATCH).to_pylist(), strict=True)
        yield from ((document, RESERVE if sample else RANKED) for document, sample in some)


def _write(desk: Desk, given: int, sides: Iterable[tuple[str, str]]) -> None:
    """Write it down, one document a line."""
    path = desk.path / QUEUE_TABLE / KEPT_FILE
    with write_atomically(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(f'{{\n"given": {given},\n"sides": {{')
        before = "\n"
        for document, side in sides:
            file.write(f'{before}{json.dumps(document)}: "{side}"')
            before = ",\n"
        file.write("}\n}\n" if before == "\n" else "\n}\n}\n")


def reserved(desk: Desk) -> frozenset[str]:
    """Return the ids of the documents, copies included, that are kept as a random sample for evaluation.

    The queue never ranks them by value and nothing may be trained on them. They get to people at random places of
    the queue. A document that was queued or annotated never changes sides, however the desk grows; the share and
    the salt, ``queue.reserve`` and ``queue.salt``, decide for those that were not.
    """
    known = kept(desk).sides
    groups: dict[str, list[str]] = {}
    for document, group in cluster_of(desk).items():
        groups.setdefault(group, []).append(document)
    found: set[str] = set()
    for group, members in groups.items():
        recorded = {known[document] for document in members if document in known}
        new = (RANKED in recorded and RANKED) or (RESERVE if recorded else _drawn(desk, group))
        found.update(document for document in members if known.get(document, new) == RESERVE)
    return frozenset(found)


def _drawn(desk: Desk, canonical: str) -> str:
    settings = desk.settings.queue
    number = int.from_bytes(hashlib.sha256(f"{settings.salt}\x1freserve\x1f{canonical}".encode()).digest()[:7])
    return RESERVE if number / 2**56 < settings.reserve else RANKED


def cluster_of(desk: Desk) -> dict[str, str]:
    """Return document id to the id of its canonical document, for every document of a desk."""
    columns = [pq.read_table(part, columns=["id"]).column("id") for part in desk.parts("articles")]
    found = {str(document): str(document) for column in columns for document in column.to_pylist()}
    return found | {document: cluster.canonical for document, cluster in clusters(desk).items() if document in found}


def shown(desk: Desk) -> frozenset[str]:
    """Return the ids of the documents that somebody has worked on, whatever became of it."""
    return frozenset(_ids(desk, "annotations", "document_id").to_pylist())


def settle_sides(desk: Desk, documents: Iterable[str] = (), *, given: int = 0) -> None:
    """Write down on which side these documents are, and all that people have worked on.

    The caller holds the desk's lock.

    Args:
        desk: Whose documents.
        documents: Ids.
        given: The last rank that is handed to people now; a smaller one than before changes nothing.
    """
    last, known, in_reserve = _recorded(desk)
    wanted = pa.concat_arrays([pa.array(sorted(documents), pa.string()), _ids(desk, "annotations", "document_id")])
    new = pc.unique(wanted.filter(pc.invert(pc.is_in(wanted, value_set=known))))
    if not len(new) and given <= last:
        return
    settled = pa.concat_arrays([known, new])
    sample = pa.concat_arrays([in_reserve, _sides(desk, new, known, in_reserve)])
    order = pc.array_sort_indices(settled)
    _write(desk, max(given, last), _pairs(settled.take(order), sample.take(order)))


def _sides(desk: Desk, new: pa.Array, known: pa.Array, in_reserve: pa.Array) -> pa.Array:
    """Return which of these documents are in the sample, by the rule of :func:`reserved`."""
    articles = _ids(desk, "articles", "id")
    groups = _groups(desk, articles)
    own = groups.take(pc.index_in(new, value_set=articles))  # null for what the desk has not
    recorded = in_reserve.take(pc.index_in(articles, value_set=known))
    ranked = pc.is_in(own, value_set=groups.filter(pc.invert(recorded)))
    aside = pc.is_in(own, value_set=groups.filter(recorded))

    def decided() -> Iterator[bool]:
        for at in range(0, len(own), BATCH):
            for group, lost, found in zip(*(c.slice(at, BATCH).to_pylist() for c in (own, ranked, aside)), strict=True):
                yield group is not None and not lost and (found or _drawn(desk, group) == RESERVE)

    return pa.array(decided(), pa.bool_(), size=len(own))


def _groups(desk: Desk, articles: pa.Array) -> pa.Array:
    """Return what :func:`cluster_of` does of these documents, in their order."""
    members, heads = (_whole(desk, "clusters", column) for column in ("document_id", "canonical"))
    return pc.coalesce(heads.take(pc.index_in(articles, value_set=members)), articles)


def _ids(desk: Desk, table: str, column: str) -> pa.Array:
    """Return what a column of a table says, each once."""
    return pc.unique(_whole(desk, table, column))


def _whole(desk: Desk, table: str, column: str) -> pa.Array:
    found = [pa.array([], pa.string())]
    for part in desk.parts(table):
        with pq.ParquetFile(part) as file:
            found += [batch.column(0).cast(pa.string()) for batch in file.iter_batches(columns=[column])]
    return pa.concat_arrays(found)
