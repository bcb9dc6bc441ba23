"""Find the lines that an outlet hangs on its articles ("Subscribe to our newsletter"), and take them out.

One page does not show them: they are what many articles of one outlet have in common that otherwise have nothing in
common. So a run that looks for them goes through its records twice, and freezes no text before it has seen them all::

    records ──► read, extract, clean ──► spool ──count──► lines ──► take them out ──► freeze
                                                  ▲   │
                      boilerplate/: what earlier runs counted, and this one

A line counts as boilerplate where at least ``ingest.boilerplate`` articles of an outlet with different stories have it
as a paragraph of its own, and a tenth of all. What earlier runs counted is added, so that small runs learn too. A line
that was learnt is taken out of whatever comes in later; what is frozen stays as it is. The result does not depend on
the order of the records, on workers, or on a run that was killed: counting is adding, and a run counts once.
"""

from __future__ import annotations

import hashlib
import pickle
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.schemas import Document, OnProgress, Progress, Removed, document_id, silent, text_sha256

from .desk import Desk
from .freeze import Outcome
from .store import content_name
from .textmap import TextMap

__all__ = ["BOILERPLATE", "boilerplate", "without_boilerplate"]

TABLE: Final = "boilerplate"
LONGEST: Final = 160
"""Characters of a line that can be boilerplate; what is longer says something."""
SHARE: Final = 0.1
"""Of an outlet's articles, how many have a line that is boilerplate; a common short sentence is in fewer."""
CELLS: Final = 1 << 22
"""Of the sketch that says which lines need no exact count; 16 MB, however many lines there are."""
QUOTES: Final = frozenset('“”"«»„')

BOILERPLATE: Final = pa.schema(
    [("outlet", pa.string()), ("line", pa.string()), ("articles", pa.int64()), ("stories", pa.int64())]
)
"""What a run counted: articles and different stories with a line; the empty line counts all of the outlet's."""

Key = tuple[str, str]


@dataclass(slots=True)
class _Count:
    articles: int = 0
    stories: set[int] = field(default_factory=set)


def boilerplate(desk: Desk) -> dict[str, tuple[str, ...]]:
    """Return the lines that a desk has learnt to take out, by outlet, each list sorted."""
    found: dict[str, list[str]] = {}
    for outlet, line in sorted(_learnt(_noted(desk), desk.settings.ingest.boilerplate)):
        found.setdefault(outlet, []).append(line)
    return {outlet: tuple(lines) for outlet, lines in found.items()}


def without_boilerplate(
    outcomes: Iterable[Outcome], desk: Desk, *, on_progress: OnProgress = silent
) -> Iterator[Outcome]:
    """Yield every outcome in its order, with the boilerplate taken out of its document and a record of what was taken.

    Nothing is yielded before the last outcome was taken. The caller holds the desk's lock.

    Args:
        outcomes: Of one run.
        desk: Whose outlets; its setting ``ingest.boilerplate`` is above 0.
        on_progress: Told of records read.
    """
    at_least = desk.settings.ingest.boilerplate
    with tempfile.TemporaryFile(dir=desk.path) as spool:  # without a name: a killed run leaves nothing
        sketch = _spooled(outcomes, spool, on_progress)
        counted, articles = _counted(_outcomes(spool), lambda key: sketch[_cell(key)] > 1)
        name = _note(desk, counted, articles)
        totals = _noted(desk, but=name)
        for key, count in counted.items():
            before = totals.get(key, (0, 0))
            totals[key] = (before[0] + count.articles, before[1] + len(count.stories))
        learnt = _learnt(totals, at_least)
        frozen = _frozen(desk)
        for outcome in _outcomes(spool):
            yield _cut(outcome, learnt, frozen, desk.settings.ingest.min_characters)


def _spooled(outcomes: Iterable[Outcome], spool: IO[bytes], on_progress: OnProgress) -> Any:
    import numpy as np

    sketch = np.zeros(CELLS, np.uint32)
    for number, outcome in enumerate(outcomes, start=1):
        pickle.dump(outcome, spool, protocol=pickle.HIGHEST_PROTOCOL)
        if outcome.document is not None:
            for line in set(_lines(outcome.document)):
                sketch[_cell((outcome.document.outlet, line))] += 1
        on_progress(Progress("read", number, None, "records"))
    return sketch


def _outcomes(spool: IO[bytes]) -> Iterator[Outcome]:
    spool.seek(0)
    while True:
        try:
            yield pickle.load(spool)  # noqa: S301 - what this very process has just written
        except EOFError:
            return


def _lines(document: Document) -> Iterator[str]:
    """Yield the paragraphs of a document that could be boilerplate, in small letters."""
    for start, end in _places(document):
        yield document.text[start:end].casefold()


def _places(document: Document) -> Iterator[tuple[int, int]]:
    """Yield where those paragraphs stand."""
    blocks = list(_blocks(document.text))
    title = bool(document.title) and document.text.startswith(f"{document.title}\n\n")
    for start, end in blocks[title : len(blocks) - document.captions]:
        block = document.text[start:end]
        if len(block) <= LONGEST and QUOTES.isdisjoint(block) and any(letter.isalpha() for letter in block):
            yield start, end


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for block in text.split("\n\n"):
        yield start, start + len(block)
        start += len(block) + 2


def _cell(key: Key) -> int:
    return _hash("\x1f".join(key)) % CELLS


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _counted(outcomes: Iterable[Outcome], may_repeat: Callable[[Key], bool]) -> tuple[dict[Key, _Count], int]:
    """Count exactly every line of several articles, and return a number that stands for all of them.

    The same text twice is one article.
    """
    counts: dict[Key, _Count] = {}
    seen: set[int] = set()
    for document in (outcome.document for outcome in outcomes if outcome.document is not None):
        outlet, text = document.outlet, _hash(f"{document.outlet}\x1f{document.sha256}")
        if text in seen:
            continue
        seen.add(text)
        story = _hash(_lede(document))
        for line in {"", *_lines(document)}:
            if not line or may_repeat((outlet, line)):
                count = counts.setdefault((outlet, line), _Count())
                count.articles += 1
                count.stories |= {story} if line else set()
    return {key: count for key, count in counts.items() if not key[1] or count.articles > 1}, sum(seen)


def _lede(document: Document) -> str:
    """Return what tells a story from another: its first long paragraph. What comes last may be an outlet's own words."""
    blocks = [document.text[start:end] for start, end in _blocks(document.text)]
    return next((block for block in blocks[1:] if len(block) > LONGEST), max(blocks, key=len))


def _note(desk: Desk, counted: Mapping[Key, _Count], articles: int) -> str:
    """Write what a run counted, and return the name of its part; a run that is run again writes the same one."""
    rows = [(*key, count.articles, len(count.stories)) for key, count in sorted(counted.items())]
    name = content_name([str(articles), *("\x1e".join(map(str, row)) for row in rows)])
    if rows:
        columns = {column: [row[at] for row in rows] for at, column in enumerate(BOILERPLATE.names)}
        desk.write_table(TABLE, name, pa.table(columns, schema=BOILERPLATE))
    return name


def _noted(desk: Desk, *, but: str = "") -> dict[Key, tuple[int, int]]:
    """Return articles and stories by outlet and line, over all runs but one."""
    articles: Counter[Key] = Counter()
    stories: Counter[Key] = Counter()
    for part in desk.parts(TABLE):
        if part.stem != f"part-{but}":
            for row in pq.read_table(part).to_pylist():
                articles[row["outlet"], row["line"]] += row["articles"]
                stories[row["outlet"], row["line"]] += row["stories"]
    return {key: (articles[key], stories[key]) for key in articles}


def _learnt(totals: Mapping[Key, tuple[int, int]], at_least: int) -> frozenset[Key]:
    return frozenset(
        (outlet, line)
        for (outlet, line), (articles, stories) in totals.items()
        if line and at_least and stories >= at_least and articles >= SHARE * totals.get((outlet, ""), (0, 0))[0]
    )


def _frozen(desk: Desk) -> dict[int, int]:
    """Return the ids of the desk's documents by the raw bytes that they were made of."""
    found: dict[int, int] = {}
    for part in desk.parts("articles"):
        table = pq.read_table(part, columns=["id", "raw_sha256"])
        for key, raw in zip(table["id"].to_pylist(), table["raw_sha256"].to_pylist(), strict=True):
            found[int(raw[:16] or "0", 16)] = int(key, 16)
    return found


def _cut(outcome: Outcome, learnt: frozenset[Key], frozen: Mapping[int, int], least: int) -> Outcome:
    document = outcome.document
    if document is None:
        return outcome
    gone = [
        place for place in _places(document) if (document.outlet, document.text[slice(*place)].casefold()) in learnt
    ]
    if not gone or frozen.get(int(document.raw_sha256[:16] or "0", 16)) == int(document.id, 16):
        return outcome  # also what was frozen before the line was learnt
    shorter = _shorter(document, gone)
    # one record an article: every article of an outlet may have several such lines
    told = " ¶ ".join(document.text[start:end] for start, end in gone)
    lines = (Removed(shorter.id, "clean", "boilerplate", outcome.of, told),)
    kept = tuple(replace(item, document_id=shorter.id) for item in outcome.removed)
    if len(shorter.text) < least:
        detail = f"{len(shorter.text)} characters without boilerplate, ingest.min_characters is {least}"
        note = Removed(shorter.id, "clean", "too short", outcome.of, detail)
        return replace(outcome, document=None, removed=(note,), refused=shorter)
    return replace(outcome, document=shorter, removed=(*kept, *lines))


def _shorter(document: Document, gone: Sequence[tuple[int, int]]) -> Document:
    """Return a document without some of its blocks, under the id of the text that is left."""
    text, taken = document.text, set(gone)
    kept = [place for place in _blocks(text) if place not in taken]
    shorter = "\n\n".join(text[start:end] for start, end in kept)
    edits: list[tuple[int, int, int]] = []
    at = 0
    for start, end in kept:
        edits += [(at, start, 0)] if at < start else []
        at = end + 2
    end = kept[-1][1] if kept else 0
    edits += [(end, len(text), 0)] if end < len(text) else []
    return replace(
        document,
        id=document_id(shorter, outlet=document.outlet, url=document.url, external_id=document.external_id),
        text=shorter,
        sha256=text_sha256(shorter),
        raw_map=_mapped(document, edits),
    )


def _mapped(document: Document, edits: Sequence[tuple[int, int, int]]) -> str:
    if not document.raw_map:
        return ""
    return TextMap.decode(document.raw_map).then(TextMap.edited(len(document.text), edits)).encode()
