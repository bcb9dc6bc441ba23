"""Check what every row of a release promises, column by column: its place, its offsets, its tags.

Tables are read side by side in windows of documents; see :func:`broken`. Nothing is raised: what is broken is
yielded, with the table and the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.schemas import OUTLET, UNNAMED

from .diff import Snapshot
from .offsets import misfits
from .tables import flatten

__all__ = ["broken"]

_WINDOW: Final = 500  # documents


def broken(release: Snapshot) -> Iterator[str]:
    """Yield every promise that the rows of a release folder break.

    The promises: ids are there once; a row's document is in ``articles`` of the same split, and in no other; offsets
    give the words beside them; a sentence is where the article has it; a stance's target and holder are there;
    tokens and tags go together, and tags are the row's entities, flattened.
    """
    documents: list[pa.Array] = []
    for split in release.manifest["split_names"]:
        cursors = {
            name: _Cursor(release.path / name / f"{split}-00000-of-00001.parquet")
            for name, config in release.manifest["configs"].items()
            if split in config["splits"]
        }
        articles = cursors.pop("articles")
        while (rows := articles.next(_WINDOW)) is not None:
            window = _Window(split, rows, release)
            documents.append(window.ids)
            yield from window.check("articles", rows)
            last = window.ids[-1].as_py()
            for name, cursor in cursors.items():
                yield from window.check(name, cursor.until(last))
        for name, cursor in cursors.items():
            for row in cursor.rest():
                yield f"{name} row {row}: its document is not in articles/{split}, or not in its place"
    for twin in _twins(pa.chunked_array(documents, pa.string())):
        yield f"articles row {twin}: the id is there twice"


def _twins(ids: pa.Array | pa.ChunkedArray) -> list[str]:
    """Return the strings that are there more than once."""
    if pc.count_distinct(ids).as_py() == len(ids):
        return []
    counted = pc.value_counts(ids)
    listed: list[str] = counted.filter(pc.greater(pc.struct_field(counted, 1), 1)).field(0).to_pylist()
    return listed


class _Cursor:
    """Read a Parquet file forward, up to a document at a time."""

    def __init__(self, path: Path) -> None:
        self._batches = pq.ParquetFile(path).iter_batches(batch_size=2_000)
        self._rows: pa.Table | None = None

    def next(self, count: int) -> pa.Table | None:
        """Return the next rows, at most `count` of them; None where there are no more."""
        if not self._fill():
            return None
        assert self._rows is not None
        taken, self._rows = self._rows.slice(0, count), self._rows.slice(count)
        return taken

    def until(self, last: str) -> pa.Table | None:
        """Return the next rows whose document is `last` or before it; None where there are none."""
        taken: list[pa.Table] = []
        while self._fill():
            assert self._rows is not None
            after = pc.index(pc.greater(self._rows["document_id"], last), True).as_py()
            taken.append(self._rows.slice(0, None if after < 0 else after))
            self._rows = self._rows.slice(len(taken[-1]))
            if after >= 0:
                break
        return pa.concat_tables(taken) if taken and sum(map(len, taken)) else None

    def rest(self) -> Iterator[str]:
        """Yield the ids of the rows that nobody asked for."""
        while (rows := self.next(2_000)) is not None:
            yield from rows["id"].to_pylist()

    def _fill(self) -> bool:
        if self._rows is None or not len(self._rows):
            batch = next(self._batches, None)
            self._rows = None if batch is None else pa.Table.from_batches([batch])
        return self._rows is not None


class _Window:
    """Some documents of a split, and the checks of the rows about them."""

    def __init__(self, split: str, articles: pa.Table, release: Snapshot) -> None:
        self.split = split
        self.ids = _one(articles["document_id"])
        # a release without texts has nothing that offsets could be held against
        self.texts = _one(articles["text"]) if "text" in articles.column_names else None
        self.tags = release.labels["ner_tags"]

    def check(self, table: str, rows: pa.Table | None) -> Iterator[str]:
        """Yield what rows of one table break."""
        if rows is None:
            return
        view = _View(self, table, {name: _one(rows[name]) for name in rows.column_names})
        for place, fault in view.faults():
            yield f"{table} row {view['id'][place].as_py()}: {fault}"


class _View:
    """Rows of one table, column by column."""

    def __init__(self, window: _Window, table: str, columns: dict[str, pa.Array]) -> None:
        self.window = window
        self.table = table
        self.columns = columns
        self.documents = pc.index_in(columns["document_id"], window.ids)

    def __getitem__(self, name: str) -> pa.Array:
        return self.columns[name]

    def faults(self) -> Iterator[tuple[int, str]]:
        """Yield the place of each row that breaks a promise, and which."""
        twins = set(_twins(self["id"]))
        if twins:
            yield from (
                (place, "the id is there twice") for place, row in enumerate(self["id"].to_pylist()) if row in twins
            )
        own = pc.equal(pc.utf8_slice_codeunits(self["id"], 0, 16), pc.utf8_slice_codeunits(self["document_id"], 0, 16))
        yield from self._where(pc.invert(own), "the id does not begin with its document's")
        yield from self._where(pc.not_equal(self["split"], self.window.split), "its document is in two splits")
        lost = pc.is_null(self.documents)
        yield from self._where(lost, f"its document is not in articles/{self.window.split}, or not in its place")
        if pc.any(lost).as_py():
            return
        back = np.flatnonzero(np.diff(self.documents.to_numpy()) < 0) + 1
        yield from ((int(place), "its document is not in its place: rows come by document") for place in back)
        if self.window.texts is not None:
            yield from self._words()

    def _where(self, mask: pa.Array, fault: str) -> Iterator[tuple[int, str]]:
        yield from ((int(place), fault) for place in np.flatnonzero(mask.to_numpy(zero_copy_only=False)))

    def _words(self) -> Iterator[tuple[int, str]]:
        article = self.documents.to_numpy()
        every = np.arange(len(article))
        if self.table in ("articles", "annotations"):
            yield from self._standoff(article)
        elif self.table == "entities":
            yield from self._sentence(article)
            yield from self._ranges(self["text"], every, "entities")
            yield from self._tokens()
        elif self.table == "spans":
            yield from self._plain(self.window.texts, article, ("start", "end", "text"))
        elif self.table == "stance":
            yield from self._sentence(article)
            names = ("target_start", "target_end", "target")
            yield from self._plain(self["text"], every, names, "the target's offsets do not give its text")
            yield from self._ranges(self["text"], every, "evidence")
        elif self.table == "edits":
            for name in ("suggested", "final"):
                yield from self._ranges(self.window.texts, article, name)
        elif self.table == "decisions":
            for path in (("span",), ("holder_span",), ("parts",), ("ruled_parts",), ("votes", "parts")):
                yield from self._ranges(self.window.texts, article, *path)

    def _plain(self, texts: Any, parents: Any, names: Sequence[str], fault: str = "") -> Iterator[tuple[int, str]]:
        """Check one range a row, in three columns."""
        start, end, words = (self[name] for name in names)
        for place in misfits(texts, parents, _ints(start), _ints(end), words):
            yield place, fault or _said(start[place], end[place], words[place])

    def _ranges(self, texts: Any, parents: Any, *names: str) -> Iterator[tuple[int, str]]:
        """Check a list of ranges in each row, or a list of them inside a list."""
        values, rows = self.columns[names[0]], np.arange(len(self.documents))
        for place, name in enumerate(names):
            values = pc.struct_field(values, name) if place else values
            rows, values = rows[_ints(pc.list_parent_indices(values))], pc.list_flatten(values)
        start, end, words = (pc.struct_field(values, name) for name in ("start", "end", "text"))
        for place in misfits(texts, parents[rows], _ints(start), _ints(end), words):
            yield int(rows[place]), _said(start[place], end[place], words[place])

    def _standoff(self, article: Any) -> Iterator[tuple[int, str]]:
        lists = (
            ("entities",),
            ("attributions",),
            ("attributions", "source"),
            ("attributions", "cue"),
            ("stances", "evidence"),
        )
        for names in lists:
            yield from self._ranges(self.window.texts, article, *names)
        known = _keys(self["entities"], "id")
        rows = _ints(pc.list_parent_indices(self["stances"]))
        held = pc.list_flatten(self["stances"])
        free = pc.is_in(pc.struct_field(held, "holder"), pa.array([OUTLET, UNNAMED]))
        sound = pc.and_(
            pc.is_in(_keys(self["stances"], "target"), known),
            pc.or_(free, pc.is_in(_keys(self["stances"], "holder"), known)),
        )
        for place in np.flatnonzero(~sound.to_numpy(zero_copy_only=False)):
            yield int(rows[place]), "a stance refers to an entity that is not there"

    def _sentence(self, article: Any) -> Iterator[tuple[int, str]]:
        start = _ints(self["start"])
        for place in misfits(
            self.window.texts, article, start, start + _ints(pc.utf8_length(self["text"])), self["text"]
        ):
            yield place, "the sentence is not where the article has it"

    def _tokens(self) -> Iterator[tuple[int, str]]:
        lists = [self[name] for name in ("tokens", "token_starts", "token_ends", "ner_tags")]
        lengths = [_ints(pc.list_value_length(values)) for values in lists]
        ragged = np.any([length != lengths[0] for length in lengths[1:]], axis=0)
        fault = "tokens, offsets and tags do not go together"
        yield from ((int(place), fault) for place in np.flatnonzero(ragged))
        if not ragged.any():
            rows = _ints(pc.list_parent_indices(lists[0]))
            words, start, end, tags = (pc.list_flatten(values) for values in lists)
            wrong = misfits(self["text"], rows, _ints(start), _ints(end), words)
            yield from ((place, fault) for place in sorted({int(rows[token]) for token in wrong}))
            yield from self._tags(rows, _ints(tags), set(rows[wrong]))

    def _tags(self, rows: Any, tags: Any, wrong: Iterable[int]) -> Iterator[tuple[int, str]]:
        """Flatten the entities of each row that has any anew; in every other row all tags are O."""
        names = self.window.tags
        # the labels of entities and of tags grow in the same order
        order = [name.removeprefix("B-") for name in names if name.startswith("B-")]
        full = np.zeros(len(self.documents), bool)
        full[_ints(pc.list_parent_indices(self["entities"]))] = True
        full[list(wrong)] = False
        bare = np.unique(rows[(tags != 0) & ~full[rows]])
        fault = "the tags are not the row's entities, flattened"
        yield from ((int(place), fault) for place in bare if place not in set(wrong))
        plainly, expected = self._plain_tags(rows, names, order)
        full &= ~plainly
        unlike = np.unique(rows[(tags != expected) & plainly[rows]])
        yield from ((int(place), fault) for place in unlike if place not in set(wrong))
        places = np.flatnonzero(full)
        wanted = ("token_starts", "token_ends", "ner_tags", "entities")
        for place, row in zip(
            places, pa.table({n: self[n].take(pa.array(places)) for n in wanted}).to_pylist(), strict=True
        ):
            tokens = list(zip(row["token_starts"], row["token_ends"], strict=True))
            spans = [(e["start"], e["end"], order[e["label"]]) for e in row["entities"]]
            if flatten(tokens, spans, order)[0] != [names[tag] for tag in row["ner_tags"]]:
                yield int(place), fault

    def _plain_tags(self, rows: Any, names: Sequence[str], order: Sequence[str]) -> tuple[Any, Any]:
        """Return which rows have entities that tags hold without loss, and the tag of every token in those.

        Such entities begin and end where tokens do and do not overlap, so nothing has to give way to anything.
        """
        listed = self["entities"]
        parents = _ints(pc.list_parent_indices(listed))
        start, end, label = (
            _ints(pc.struct_field(pc.list_flatten(listed), name)) for name in ("start", "end", "label")
        )
        plainly = np.zeros(len(listed), bool)
        plainly[parents] = True
        expected = np.zeros(len(rows), np.int64)
        if not len(parents) or not len(rows):
            return plainly & False, expected
        first, begins = _found(rows, _ints(pc.list_flatten(self["token_starts"])), parents, start)
        last, ends = _found(rows, _ints(pc.list_flatten(self["token_ends"])), parents, end)
        by_place = np.lexsort((start, parents))
        one, other = by_place[:-1], by_place[1:]
        crossing = (parents[one] == parents[other]) & (start[other] < end[one])
        plainly[parents[~(begins & ends) | (last < first)]] = False
        plainly[parents[one[crossing]]] = False
        kept = plainly[parents]
        number = {name: place for place, name in enumerate(names)}
        ids = np.array([(number[f"B-{name}"], number[f"I-{name}"]) for name in order])[label[kept]]
        run = last[kept] - first[kept] + 1
        step = np.arange(run.sum()) - np.repeat(np.cumsum(run) - run, run)
        expected[np.repeat(first[kept], run) + step] = np.repeat(ids[:, 1], run)
        expected[first[kept]] = ids[:, 0]
        return plainly, expected


def _found(rows: Any, places: Any, wanted_rows: Any, wanted: Any) -> tuple[Any, Any]:
    """Return where each (row, place) lies in ascending (rows, places), and whether it is there."""
    span = int(max(places.max(), wanted.max())) + 2
    keys = rows * span + places
    at = np.minimum(np.searchsorted(keys, wanted_rows * span + wanted), len(keys) - 1)
    return at, keys[at] == wanted_rows * span + wanted


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _ints(values: pa.Array) -> Any:
    return values.to_numpy(zero_copy_only=False).astype(np.int64)


def _keys(values: pa.Array, name: str) -> pa.Array:
    """Return one field of the structs in lists, each with its row before it, so that rows stay apart."""
    rows = pc.list_parent_indices(values).cast(pa.string())
    return pc.binary_join_element_wise(rows, pc.struct_field(pc.list_flatten(values), name), " ")


def _said(start: pa.Scalar, end: pa.Scalar, words: pa.Scalar) -> str:
    return f"the offsets [{start.as_py()}, {end.as_py()}) do not give {words.as_py()!r}"
