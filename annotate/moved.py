"""Remember what an upgrade wrote on the server, so that it is not taken for somebody's answer.

The server notes a new time of change for everything that an upgrade puts into new words. Where somebody answered the
same question in two projects, the newer answer stands; the move of one of them makes it no newer. So an upgrade notes
what it is about to write, and a pull that meets it keeps the time of the answer itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import Desk, write_atomically
from copydesk.schemas import DeskError

from .ledger import digest

__all__ = ["Move", "moves", "note_moves"]

TABLE: Final = "upgrades"


class Move(NamedTuple):
    """One annotation put into new words.

    Attributes:
        annotation: The annotation, as the ledger names it.
        rows: The digest of its rows afterwards.
        answered_at: When its author last saved it, in the server's own words.
    """

    annotation: str
    rows: str
    answered_at: str


_SCHEMA: Final = pa.schema([pa.field(name, pa.string(), nullable=False) for name in Move._fields])


def note_moves(desk: Desk, about: Iterable[Move]) -> None:
    """Note moves, before they are made; doing it twice is doing it once."""
    rows = sorted(set(about))
    if rows:
        path = desk.path / TABLE / f"part-{digest(rows)[:16]}.parquet"
        with write_atomically(path) as temporary:
            columns = [list(column) for column in zip(*rows, strict=True)]
            pq.write_table(pa.table(columns, schema=_SCHEMA), temporary, compression="zstd")


def moves(desk: Desk) -> Iterator[Move]:
    """Yield every move that was noted.

    Raises:
        DeskError: A file of them is damaged.
    """
    for part in desk.parts(TABLE):
        try:
            table = pq.read_table(part, columns=_SCHEMA.names)
        except (pa.ArrowException, OSError) as error:
            raise DeskError(f"not a readable Parquet file: {error}", where=str(part)) from error
        yield from map(Move._make, zip(*(column.to_pylist() for column in table.columns), strict=True))
