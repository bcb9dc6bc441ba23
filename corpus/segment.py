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
from .sentences import block_sentences
from .store import article_shards

__all__ = ["segment", "segment_all", "segment_shards"]

VERSION: Final = "2"
"""Goes into every key: another version cuts every shard anew."""

LEDE_LENGTH: Final = 60
"""The lede is the first paragraph that is no mere byline, place or date: one of at least so many characters."""

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
    dateline is a piece of the first paragraph, a quotation (with its marks) a piece of any. The lede is the first
    paragraph of some length, and stands beside it.
    """
    found: list[tuple[int, int, SegmentKind]] = []
    blocks = _blocks(document)
    paragraphs = [(start, end) for start, end, kind in blocks if kind is SegmentKind.PARAGRAPH]
    quoted = quotations(document.text, paragraphs)
    ranges = [(start, end) for start, end, _ in blocks]
    cut = block_sentences(document.text, ranges, quoted=quoted, language=document.language)
    for (start, end, kind), spans in zip(blocks, cut, strict=True):
        found.append((start, end, kind))
        whole = kind is SegmentKind.HEADLINE
        found += [(*span, SegmentKind.SENTENCE) for span in ([(start, end)] if whole else spans)]
    found += [(*span, SegmentKind.QUOTE) for span in quoted]
    if lede := next((span for span in paragraphs if span[1] - span[0] >= LEDE_LENGTH), None):
        found.append((*lede, SegmentKind.LEDE))
    if paragraphs and (dateline := DATELINE.match(document.text, *paragraphs[0])) and CAPITALS.search(dateline.group()):
        found.append((dateline.start(), dateline.end(), SegmentKind.DATELINE))
    found.sort(key=lambda item: (item[0], -item[1], RANK[item[2]]))
    return [Segment(document.id, index, start, end, kind) for index, (start, end, kind) in enumerate(found)]


def segment_all(desk: Desk, *, on_progress: OnProgress = silent) -> ShardsResult:
    """Cut every articles shard that is new or changed. The caller holds the desk's lock."""
    return run_shards(_segment_shard, segment_shards(desk), desk=desk, stage="segment", on_progress=on_progress)


def segment_shards(desk: Desk) -> list[Shard]:
    """Return the stage's work: one shard per articles shard."""
    return article_shards(desk, "segments", "segment", VERSION)


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
