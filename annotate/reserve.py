"""Keep a random sample of documents aside for evaluation, and never let a document change sides.

A cluster of copies is on one side, by a hash of its canonical document's id. As a desk grows, an older copy may
turn up and become the canonical one, or an article may join two clusters. So the side of every document that was
queued or annotated is written down in ``queue/kept.json``, which only grows, and what is new in a cluster follows
it. A copy of a document that people ranked and trained on is never part of the sample.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow.parquet as pq

from copydesk.corpus import Desk, clusters, write_atomically
from copydesk.schemas import DeskError

__all__ = [
    "QUEUE_TABLE",
    "RANKED",
    "RESERVE",
    "Kept",
    "cluster_of",
    "keep",
    "kept",
    "reserved",
    "settle_sides",
    "shown",
]

QUEUE_TABLE: Final = "queue"
KEPT_FILE: Final = "kept.json"
RANKED: Final = "ranked"
RESERVE: Final = "reserve"


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
    path = desk.path / QUEUE_TABLE / KEPT_FILE
    if not path.exists():
        return Kept()
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
        sides = {str(document): str(side) for document, side in raw["sides"].items()}
        if wrong := sorted(set(sides.values()) - {RANKED, RESERVE}):
            raise ValueError(f"no side {wrong[0]!r}")
        return Kept(int(raw["given"]), sides)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DeskError(
            f"the record of the reserved sample is damaged: {error}",
            where=str(path),
            hint="Restore it from a copy: without it, documents could change between training and evaluation.",
        ) from error


def keep(desk: Desk, what: Kept) -> None:
    """Write it down, one document a line. The caller holds the desk's lock."""
    with write_atomically(desk.path / QUEUE_TABLE / KEPT_FILE) as temporary:
        raw = {"given": what.given, "sides": what.sides}
        temporary.write_text(json.dumps(raw, indent=0, sort_keys=True) + "\n", encoding="utf-8")


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
    parts = (pq.read_table(part, columns=["document_id"]) for part in desk.parts("annotations"))
    return frozenset(str(document) for part in parts for document in part.column("document_id").to_pylist())


def settle_sides(desk: Desk, documents: Iterable[str] = (), *, given: int = 0) -> None:
    """Write down on which side these documents are, and all that people have worked on.

    The caller holds the desk's lock.

    Args:
        desk: Whose documents.
        documents: Ids.
        given: The last rank that is handed to people now; a smaller one than before changes nothing.
    """
    before = kept(desk)
    new = (set(documents) | shown(desk)) - before.sides.keys()
    after = replace(before, given=max(before.given, given))
    if new:
        sample = reserved(desk)
        sides = {document: RESERVE if document in sample else RANKED for document in sorted(new)}
        after = replace(after, sides=before.sides | sides)
    if after != before:
        keep(desk, after)
