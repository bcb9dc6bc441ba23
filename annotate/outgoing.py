"""Say what a push sends and in which order: the queue's, and behind it what the queue does not rank.

The tables have no order of value, so what comes next is picked out of all their shards at once: columns are read
whole, records are made only of what is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.corpus import Desk, canonical_documents
from copydesk.schemas import DeskError, Document, LabelScheme, Suggestion, from_table

from .project import limit
from .queue_rows import queue
from .suggest import CURRENT, suggestions
from .tasks import Task

__all__ = ["Order", "Pair", "batches", "pairs", "planned_order", "presented", "queued_pairs"]

Pair = tuple[Document, Suggestion | None]
T = TypeVar("T")
PICK: Final = 2_000
"""Documents held at a time, with their suggestions."""


@dataclass(frozen=True, slots=True)
class Order:
    """A desk's queue as a push needs it; empty where none was planned.

    Attributes:
        ranks: Document id to rank, in ascending order.
        priorities: Document id to the score that makes a server's screens sort by rank.
    """

    ranks: dict[str, int]
    priorities: dict[str, float]


def planned_order(desk: Desk) -> Order:
    """Return the order that the desk's queue says."""
    rows = sorted(queue(desk), key=lambda row: row.rank)
    ranks = {row.document_id: row.rank for row in rows}
    return Order(ranks, {row.document_id: row.priority for row in rows})


def pairs(desk: Desk) -> Iterator[Pair]:
    """Yield every document with its suggestion; both tables have the same order, so little is held."""
    stream = suggestions(desk)
    waiting: dict[str, Suggestion] = {}
    for document in canonical_documents(desk):
        while document.id not in waiting and (suggestion := next(stream, None)) is not None:
            waiting[suggestion.annotations.document_id] = suggestion
        yield document, waiting.pop(document.id, None)


def queued_pairs(desk: Desk, documents: Sequence[str]) -> Iterator[Pair]:
    """Yield these documents in this order, each with its suggestion."""
    current = desk.state().get(CURRENT)
    folder = f"suggestions/{current['name']}@{current['version']}" if current else "suggestions/none"
    for start in range(0, len(documents), PICK):
        wanted = documents[start : start + PICK]
        texts = {document.id: document for document in _pick(desk, Document, "articles", "id", wanted)}
        said = {s.annotations.document_id: s for s in _pick(desk, Suggestion, folder, "document_id", wanted)}
        for document in wanted:
            if document in texts:
                yield texts[document], said.get(document)


def _pick(desk: Desk, kind: type[T], table: str, column: str, wanted: Sequence[str]) -> Iterator[T]:
    ids = pa.array(wanted)
    for part in desk.parts(table):
        try:
            with pq.ParquetFile(part) as file:
                for group in range(file.num_row_groups):
                    found = pc.is_in(file.read_row_group(group, columns=[column]).column(column), value_set=ids)
                    if pc.any(found).as_py():
                        yield from from_table(kind, file.read_row_group(group).filter(found))
        except (pa.ArrowException, OSError) as error:
            raise DeskError(f"not a readable Parquet file: {error}", where=str(part)) from error


def batches(tasks: Iterable[Task], number: int, characters: int) -> Iterator[list[Task]]:
    """Yield tasks in batches of at most so many tasks and about so many characters."""
    batch: list[Task] = []
    held = 0
    for task in tasks:
        size = len(task["data"]["text"]) + sum(150 * len(item["result"]) for item in task["predictions"])
        if batch and (len(batch) >= number or held + size > characters):
            yield batch
            batch, held = [], 0
        batch.append(task)
        held += size
    if batch:
        yield batch


def presented(suggestion: Suggestion | None, scheme: LabelScheme) -> Suggestion | None:
    """Return a suggestion cut down to the layers that a project shows."""
    if suggestion is None:
        return None
    return Suggestion(limit(suggestion.annotations, scheme), suggestion.pipeline, suggestion.read, suggestion.score)
