"""Keep the queue's rows: which document came when, by which chance, and what made it.

A round is one file of ``queue/``. Together they are the queue: ranks run through all rounds without a gap.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.corpus import Desk
from copydesk.schemas import DeskError

from .reserve import QUEUE_TABLE, RANKED, RESERVE, shown

__all__ = ["QUEUE", "QueueRow", "QueueStanding", "priority_of", "queue", "queue_standing", "rows_table", "upcoming"]

MOST: Final = 1_000_000
"""Ranks that a priority tells apart."""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One document's place in the queue, and what made it.

    Attributes:
        document_id: The document.
        rank: Its place, from 1, over all rounds and both parts.
        priority: The rank as the score of a prediction, 0 … 1, smallest first.
        part: ``ranked``, drawn by value, or ``reserve``, of the random sample for evaluation.
        round: The planning that gave it this place, from 1.
        draw: Which draw of its part in that round, from 1.
        pool: How many documents of its part could be drawn then, this one included.
        probability: The chance that of these it was this one, given all draws before; the places of the part are fixed.
        reserve_chance: The chance that this place went to the reserve.
        arrived: The round in which the document was first ranked.
        since: The oldest round whose documents could be drawn in this round.
        value: What the draw went by, 0 … 1; None in the reserve, which nothing is computed for.
        uncertainty: The share of the round's documents that the pipeline doubts less.
        uncertainty_entities: Mean binary entropy of the layer's scores in bits; None where it has none.
        uncertainty_attribution: The same.
        uncertainty_stance: The same.
        diversity: The share of its words, by weight, that no document annotated or ranked before it has.
        rare: The share of the round's documents whose rarest label is less rare.
        rare_label: The rarest label suggested for it.
        pipeline: Whose suggestions were looked at, as ``name@version``.
    """

    document_id: str
    rank: int
    priority: float
    part: str
    round: int
    draw: int
    pool: int
    probability: float
    reserve_chance: float
    arrived: int
    since: int
    value: float | None
    uncertainty: float | None
    uncertainty_entities: float | None
    uncertainty_attribution: float | None
    uncertainty_stance: float | None
    diversity: float | None
    rare: float | None
    rare_label: str
    pipeline: str


_KINDS: Final = {"int": pa.int64(), "float": pa.float64(), "float | None": pa.float64(), "str": pa.string()}
QUEUE: Final = pa.schema(
    [
        pa.field(field.name, _KINDS[str(field.type)], nullable="None" in str(field.type))
        for field in dataclasses.fields(QueueRow)
    ]
)
"""The columns of ``queue/``: those of :class:`QueueRow`."""


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """How far people are, counted: documents in the queue, and those of them that somebody worked on."""

    ranked: int = 0
    ranked_done: int = 0
    reserve: int = 0
    reserve_done: int = 0


def queue(desk: Desk) -> Iterator[QueueRow]:
    """Yield the desk's queue by rank; nothing where none was planned.

    Raises:
        DeskError: A file of it is damaged, or was written by another version of copydesk.
    """
    for part in desk.parts(QUEUE_TABLE):
        table = _table(part)
        for batch in table.to_batches(max_chunksize=1024):
            for row in batch.to_pylist():
                yield QueueRow(**row)


def _table(part: Path) -> pa.Table:
    try:
        table = pq.read_table(part)
    except (pa.ArrowException, OSError) as error:
        raise DeskError(f"not a readable Parquet file: {error}", where=str(part)) from error
    if table.schema.names != QUEUE.names:
        raise DeskError(
            "this queue was written by another version of copydesk",
            where=str(part),
            hint="Update copydesk: pip install --upgrade copydesk",
        )
    return table


def queue_standing(desk: Desk) -> QueueStanding:
    """Count how many documents are in the queue's parts, and how many of each somebody worked on."""
    done = shown(desk)
    counts = Counter[tuple[str, bool]]()
    for part in desk.parts(QUEUE_TABLE):
        table = _table(part)
        pairs = zip(table.column("part").to_pylist(), table.column("document_id").to_pylist(), strict=True)
        counts.update((side, document in done) for side, document in pairs)
    of = {side: (counts[side, False] + counts[side, True], counts[side, True]) for side in (RANKED, RESERVE)}
    return QueueStanding(*of[RANKED], *of[RESERVE])


def priority_of(rank: int) -> float:
    """Return a rank as the score of a prediction: 0 … 1, smallest first, so that the server's screens sort by it."""
    return min(rank, MOST) / MOST


def rows_table(rows: Iterable[QueueRow]) -> pa.Table:
    """Return rows as a table with the schema :data:`QUEUE`."""
    held = list(rows)
    return pa.table({name: [getattr(row, name) for row in held] for name in QUEUE.names}, schema=QUEUE)


def upcoming(desk: Desk, most: int) -> list[tuple[QueueRow, str]]:
    """Return the next rows that nobody has worked on, each with its document's title."""
    done = shown(desk)
    rows = list(islice((row for row in queue(desk) if row.document_id not in done), most))
    wanted = pa.array([row.document_id for row in rows], pa.string())
    titles: dict[str, str] = {}
    for part in desk.parts("articles"):
        table = pq.read_table(part, columns=["id", "title"])
        table = table.filter(pc.is_in(table.column("id"), value_set=wanted))
        titles |= dict(zip(table.column("id").to_pylist(), table.column("title").to_pylist(), strict=True))
    return [(row, titles.get(row.document_id, "")) for row in rows]
