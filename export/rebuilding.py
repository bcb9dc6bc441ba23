"""Rebuild some hundred documents of a release from copies of their texts; runs in any process.

What comes in is rows of a release without texts and the copy of each document, what goes out is the rows of every
table of a full release, and what became of each document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, Final, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from copydesk.schemas import LabelScheme, text_sha256

from .anchoring import Placed
from .batch import Batch
from .build import Made, make
from .decided import moved_decision
from .labels import Labels
from .matching_texts import Match
from .rewording import Row, headline, moved, moved_edit, reworded, standing

__all__ = ["Chunk", "Fate", "Rebuilt", "State", "rebuild"]

State: TypeAlias = Literal["exact", "re-anchored", "lost", "missing"]

NONE: Final = "there is no copy of it"
OTHER: Final = "its copy is another text: too few sentences stand word for word"
CHANGED: Final = "its copy is another version of the text, and only exact ones were asked for"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one document.

    Attributes:
        document_id: Which.
        url: Where it may be read.
        state: ``exact``: the very text; ``re-anchored``: another version; ``lost``: its copy is of no use; ``missing``.
        of: The copy that was used, or empty.
        by: What it was known by: its ``text``, ``file``, ``address`` or ``headline``.
        spans: How many labelled spans the release has of it, of all annotators.
        placed: How many of them have a place.
        labels: How many labels of the gold (entities, attributions, stances) are left out.
        reason: Why it is lost or missing.
        lost: Start, end (in the text as it was) and reason of every span without a place.
    """

    document_id: str
    url: str
    state: State
    of: str = ""
    by: str = ""
    spans: int = 0
    placed: int = 0
    labels: int = 0
    reason: str = ""
    lost: tuple[tuple[int, int, str], ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Documents to rebuild: rows of ``articles`` in the order of their ids, the copy of each, and rows about them."""

    articles: pa.Table
    copies: Sequence[Match | None]
    annotations: pa.Table | None
    edits: pa.Table | None
    decisions: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The rows of a chunk, None where nothing of it could be used; and what became of each document."""

    made: Made | None
    fates: tuple[Fate, ...]


def rebuild(chunk: Chunk, *, scheme: LabelScheme, labels: Labels, exact: bool = False) -> Rebuilt:
    """Put the words back into a chunk.

    Args:
        chunk: The documents.
        scheme: What the labels mean.
        labels: The ids of every name.
        exact: Leave documents out whose text is another version.
    """
    work = _Work(chunk, labels)
    fates = tuple(work.document(place, exact=exact) for place in range(len(chunk.copies)))
    if not work.kept:
        return Rebuilt(None, fates)
    return Rebuilt(make(work.batch(), scheme, labels), fates)


class _Work:
    """A chunk while it is looked at."""

    def __init__(self, chunk: Chunk, labels: Labels) -> None:
        self.chunk = chunk
        self.labels = labels
        self.ids: list[str] = chunk.articles["document_id"].to_pylist()
        self.urls: list[str] = chunk.articles["url"].to_pylist()
        self.hashes: list[str] = chunk.articles["sha256"].to_pylist()
        self.spans: list[int] = pc.list_value_length(chunk.articles["anchors"]).to_pylist()
        self.titles = chunk.articles.select(["title_hash", "title_length"]).to_pylist()
        self.kept: list[int] = []
        self.words: list[str] = []
        self.heads: list[str] = []
        self.moved: dict[int, Row] = {}
        self.placed: dict[str, Placed] = {}

    def document(self, place: int, *, exact: bool) -> Fate:
        """Keep a document, as it was or moved, or not; and say so."""
        copy = self.chunk.copies[place]
        fate = Fate(self.ids[place], self.urls[place], "missing", spans=self.spans[place], reason=NONE)
        if copy is None:
            return fate
        fate = replace(fate, of=copy.of, by=copy.by, reason="")
        if text_sha256(copy.text) == self.hashes[place]:
            self._keep(place, copy)
            return replace(fate, state="exact", placed=fate.spans)
        if exact:
            return replace(fate, state="lost", reason=CHANGED)
        row = self.chunk.articles.slice(place, 1).to_pylist()[0]
        found = moved(row, copy.text, copy.title, copy.raw_sha256, self.labels)
        if found is None:
            return replace(fate, state="lost", reason=OTHER)
        self._keep(place, copy)
        self.moved[place] = found.row
        self.placed[self.ids[place]] = found.placed
        lost = tuple((*span, reason) for span, reason in sorted(found.placed.lost.items()))
        return replace(fate, state="re-anchored", placed=fate.spans - len(lost), labels=found.labels, lost=lost)

    def _keep(self, place: int, copy: Match) -> None:
        self.kept.append(place)
        self.words.append(copy.text)
        self.heads.append(headline(self.titles[place], copy.text, copy.title))

    def batch(self) -> Batch:
        """Return the kept documents with their words."""
        rows = self.chunk.articles.take(pa.array(self.kept))
        if self.moved:
            changed = [number for number, place in enumerate(self.kept) if place in self.moved]
            fresh = pa.Table.from_pylist([self.moved[self.kept[number]] for number in changed], schema=rows.schema)
            order = list(range(len(self.kept)))
            for number, place in enumerate(changed):
                order[place] = len(self.kept) + number
            rows = pa.concat_tables([rows, fresh]).take(pa.array(order))
        at = {self.ids[place]: number for number, place in enumerate(self.kept)}
        return reworded(
            rows,
            self.words,
            self.heads,
            self.labels,
            versions=sorted(self._versions(at), key=itemgetter(0)),
            edits=sorted(self._moved(at, self.chunk.edits, moved_edit), key=itemgetter(0)),
            decisions=sorted(self._moved(at, self.chunk.decisions, moved_decision), key=itemgetter(0)),
        )

    def _versions(self, at: dict[str, int]) -> Iterator[tuple[int, Row]]:
        for row in _rows(self.chunk.annotations):
            key = row["document_id"]
            if key in at:
                yield at[key], {**row, **standing(row, self.placed[key])[0]} if key in self.placed else row

    def _moved(
        self, at: dict[str, int], table: pa.Table | None, move: Callable[[Row, Placed], Row | None]
    ) -> Iterator[tuple[int, Row]]:
        for row in _rows(table):
            key = row["document_id"]
            if key in at:
                found = move(row, self.placed[key]) if key in self.placed else row
                if found is not None:
                    yield at[key], found


def _rows(table: pa.Table | None) -> Iterable[Row]:
    return table.to_pylist() if table is not None else ()
