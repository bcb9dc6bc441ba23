"""Sort a desk's tables by document without holding them: what a release is read from.

A desk keeps its tables in the order in which things came; a release wants them in the order of the documents' ids.
So every row is put on the shelf of its document, of a fixed number of documents each, in one file for each table, and
taken from there shelf by shelf: an external sort, of which memory holds a few shelves at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.annotate import Gold, Version
from copydesk.schemas import ANNOTATIONS, DeskError, annotations_to_row

from .batch import Batch
from .decided import DecisionRow
from .tables import EditRow

__all__ = ["Shelf", "Shelves", "shelved"]

_SPILL: Final = 16 * 2**20
"""How many bytes of a table are read before they are put on their shelves."""


@dataclass(frozen=True, slots=True)
class Shelves:
    """A table on shelves.

    Attributes:
        path: Its file: Arrow record batches.
        places: Which of them are of each shelf.
        schema: Its columns.
    """

    path: Path
    places: Sequence[Sequence[int]]
    schema: pa.Schema

    def take(self, number: int) -> pa.Table:
        """Return the rows of one shelf, in the order in which they were put there."""
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_file(source) as file:
            return pa.Table.from_batches([file.get_batch(place) for place in self.places[number]], self.schema)


def shelved(path: Path, schema: pa.Schema, tables: Iterable[pa.Table], key: str, ids: pa.Array, size: int) -> Shelves:
    """Put the rows of a table on shelves; rows of other documents are left out.

    Args:
        path: The file to make.
        schema: The columns that count.
        tables: The rows, in any order and any pieces.
        key: The column with the document's id.
        ids: The documents, sorted.
        size: How many documents a shelf holds.

    Raises:
        DeskError: A column is missing.
    """
    places: list[list[int]] = [[] for _ in range(-(-len(ids) // size))]
    count = 0
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as file:
        for table in _pieces(tables, schema):
            at = pc.index_in(table[key], value_set=ids)
            shelf = pc.fill_null(at, -1).to_numpy() // size  # what is not there: -1
            order = np.argsort(shelf, kind="stable")
            borders = np.searchsorted(shelf[order], np.arange(len(places) + 1))
            rows = table.take(pa.array(order[borders[0] :])).combine_chunks()
            for number in np.flatnonzero(np.diff(borders)).tolist():
                first, end = borders[number] - borders[0], borders[number + 1] - borders[0]
                for batch in rows.slice(first, end - first).to_batches():
                    file.write_batch(batch)
                    places[number].append(count)
                    count += 1
    return Shelves(path, places, schema)


def _pieces(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield tables of about as many bytes as are read at once, of these columns alone."""
    waiting: list[pa.Table] = []
    for table in tables:
        if missing := sorted(set(schema.names) - set(table.column_names)):
            raise DeskError(
                f"expected the columns {', '.join(schema.names)}, and {missing[0]} is missing",
                hint="The file was written by another version of copydesk, or by something else.",
            )
        waiting.append(table.select(schema.names).cast(schema))
        if sum(piece.nbytes for piece in waiting) >= _SPILL:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One shelf of every table, and what people made of its documents: enough to make a batch of, anywhere.

    Attributes:
        number: Which one.
        ids: Its documents, sorted.
        articles: On shelves, as `segments` and `suggestions`.
        golds: What people let stand, by document; of the others the suggestion stands, as silver.
        clusters: Each document's cluster; `copies` the others in it, `splits` its split.
        versions: Every annotator's version, by document; `edits` what became of suggestions, `decisions` what
            adjudicators decided.
    """

    number: int
    ids: tuple[str, ...]
    articles: Shelves
    segments: Shelves
    suggestions: Shelves | None
    golds: Mapping[str, Gold]
    clusters: Sequence[str]
    copies: Sequence[Sequence[str]]
    splits: Sequence[str]
    versions: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)
    edits: Mapping[str, tuple[EditRow, ...]] = field(default_factory=dict)
    decisions: Mapping[str, tuple[DecisionRow, ...]] = field(default_factory=dict)

    def batch(self) -> Batch:
        """Read the shelf."""
        return Batch(
            documents=self._each(self.articles, "id"),
            segments=self.segments.take(self.number).sort_by([("document_id", "ascending"), ("index", "ascending")]),
            standing=self._standing(),
            origin=self._of_gold(lambda gold: gold.origin, "silver"),
            annotators=self._of_gold(lambda gold: gold.annotators, ()),
            cluster=self.clusters,
            copies=self.copies,
            split=self.splits,
            versions=[(place, one) for place, key in enumerate(self.ids) for one in self.versions.get(key, ())],
            edits=[(place, one) for place, key in enumerate(self.ids) for one in self.edits.get(key, ())],
            decisions=[(place, one) for place, key in enumerate(self.ids) for one in self.decisions.get(key, ())],
        )

    def _of_gold(self, what: Callable[[Gold], Any], otherwise: Any) -> list[Any]:
        return [what(self.golds[key]) if key in self.golds else otherwise for key in self.ids]

    def _standing(self) -> pa.Table:
        rows = [annotations_to_row(gold.annotations) for gold in self.golds.values()]
        found = pa.Table.from_pylist(rows, schema=ANNOTATIONS)
        if self.suggestions is not None:
            # gold last: where both are there, it counts
            found = pa.concat_tables([self.suggestions.take(self.number), found])
        return self._in_order(found, "document_id")

    def _each(self, shelves: Shelves, key: str) -> pa.Table:
        return self._in_order(shelves.take(self.number), key)

    def _in_order(self, table: pa.Table, key: str) -> pa.Table:
        """Return one row for each document; of several the last."""
        places = {name: place for place, name in enumerate(table[key].to_pylist())}
        return table.take(pa.array([places[name] for name in self.ids])).combine_chunks()
