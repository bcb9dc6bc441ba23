"""Cut a document into headline, dateline, paragraphs, sentences, quotations and captions, by offsets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.schemas import SEGMENTS, Document, OnProgress, Segment, SegmentKind, from_table, silent

from .desk import Desk
from .engine import Shard, ShardsResult, run_shards
from .quotes import quotations
from .sentences import sentences
from .store import article_shards

__all__ = ["segment", "segment_all"]

VERSION: Final = "1"
"""Goes into every key: another version cuts every shard anew."""

RANK: Final = {kind: rank for rank, kind in enumerate(SegmentKind)}

_DAY: Final = (
    r"(?:\d{1,2} )?(?:Jan|Feb|March|April|May|June|July|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?(?: \d{1,2})?(?:,? \d{4})?"
)
_PLACE: Final = r"[A-Z][A-Z'’.\-]+(?:[ /][A-Z][A-Z'’.\-]*)*"  # no "-" here: it is in both classes, and "A-A-A-…" would take for ever
_MORE: Final = r"(?:, (?:[A-Z][\w'’.\-]*)(?: [A-Z][\w'’.\-]*){0,3})?"
DATELINE: Final = re.compile(
    rf"(?:(?:{_PLACE}|[A-Z][\w'’\-]+(?: [A-Z][\w'’\-]+){{0,3}}(?=, |/| \()){_MORE}(?:,? {_DAY})?(?: ?\([^()]{{2,40}}\))?"
    r"|\([A-Z][^()]{1,30}\))(?=\s?(?:—|–|--|-)\s)"
)
CAPITALS: Final = re.compile(r"[A-Z]{2}|\(")


def segment(document: Document) -> list[Segment]:
    """Return the segments of a document, numbered in the order of their beginnings, larger ones first.

    The first block is the headline where the document has a title; the last ``document.captions`` blocks are
    captions; the others are paragraphs. Every block is covered by sentences, a headline by exactly one. A
    dateline is a piece of the first paragraph, a quotation (with its marks) a piece of any.
    """
    found: list[tuple[int, int, SegmentKind]] = []
    blocks = _blocks(document)
    paragraphs = [(start, end) for start, end, kind in blocks if kind is SegmentKind.PARAGRAPH]
    quoted = quotations(document.text, paragraphs)
    for start, end, kind in blocks:
        found.append((start, end, kind))
        if kind is SegmentKind.HEADLINE:
            found.append((start, end, SegmentKind.SENTENCE))
            continue
        inside = [span for span in quoted if start <= span[0] < end]
        found += [(*span, SegmentKind.SENTENCE) for span in sentences(document.text, start, end, quoted=inside)]
    found += [(*span, SegmentKind.QUOTE) for span in quoted]
    if paragraphs and (dateline := DATELINE.match(document.text, *paragraphs[0])) and CAPITALS.search(dateline.group()):
        found.append((dateline.start(), dateline.end(), SegmentKind.DATELINE))
    found.sort(key=lambda item: (item[0], -item[1], RANK[item[2]]))
    return [Segment(document.id, index, start, end, kind) for index, (start, end, kind) in enumerate(found)]


def segment_all(desk: Desk, *, on_progress: OnProgress = silent) -> ShardsResult:
    """Cut every articles shard that is new or changed. The caller holds the desk's lock."""
    shards = article_shards(desk, "segments", "segment", VERSION)
    return run_shards(_segment_shard, shards, desk=desk, stage="segment", on_progress=on_progress)


def _segment_shard(shard: Shard) -> pa.Table:
    columns: dict[str, list[str | int]] = {name: [] for name in SEGMENTS.names}
    for path in shard.inputs:
        for document in _documents(path):
            for item in segment(document):
                # by column: a dictionary for each of some fifty segments an article would cost more than cutting them
                columns["document_id"].append(item.document_id)
                columns["index"].append(item.index)
                columns["start"].append(item.start)
                columns["end"].append(item.end)
                columns["kind"].append(item.kind.value)
    return pa.table(columns, schema=SEGMENTS)


def _documents(path: Path) -> Iterator[Document]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield from from_table(Document, file.read_row_group(group))


def _blocks(document: Document) -> list[tuple[int, int, SegmentKind]]:
    blocks: list[tuple[int, int, SegmentKind]] = []
    start = 0
    parts = document.text.split("\n\n") if document.text else []
    for position, part in enumerate(parts):
        kind = SegmentKind.PARAGRAPH
        if position == 0 and document.title and part == document.title:
            kind = SegmentKind.HEADLINE
        elif position >= len(parts) - document.captions:
            kind = SegmentKind.CAPTION
        blocks.append((start, start + len(part), kind))
        start += len(part) + 2
    return blocks
