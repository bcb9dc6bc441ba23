"""Turn one raw record into one frozen document, or into the reason why not. Pure: runs in any process."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from copydesk.schemas import Document, Removed, document_id, text_sha256

from .clean import clean, clean_traced
from .dates import iso_date
from .extract import NoArticle, extract
from .language import identify, normalise_language
from .plain import placed_paragraphs, split_headline
from .records import Mark, RawRecord
from .settings import IngestSettings
from .textmap import Piece, TextMap

__all__ = ["Frozen", "Outcome", "freeze", "frozen_text", "prepare"]

BREAKS: Final = re.compile(r" ?\n+ ?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record.

    Attributes:
        document: The document, or None where the record was set aside.
        removed: What was set aside: the record, or a field of it that could not be read.
        changes: How often cleaning changed what.
        of: The record's place.
        known: Whether the record was not looked at, as an earlier run made a document of the same bytes.
        mark: Where reading can go on; then this is no record's.
        refused: The document that a rule of the desk set aside, which a person may overrule.
    """

    document: Document | None = None
    removed: tuple[Removed, ...] = ()
    changes: Mapping[str, int] = field(default_factory=dict)
    of: str = ""
    known: bool = False
    mark: Mark | None = None
    refused: Document | None = None


def prepare(record: RawRecord, settings: IngestSettings) -> Outcome:
    """Return a record's document, or why there is none."""
    changes: Counter[str] = Counter()
    try:
        frozen = frozen_text(record, changes)
    except NoArticle as error:
        return Outcome(removed=(Removed("", "extract", str(error), record.of, error.detail),), of=record.of)
    text, fields = frozen.text, frozen.fields
    outlet = fields.get("outlet") or settings.outlet
    url, external_id = fields.get("url", ""), fields.get("id", "")
    document = Document(
        id=document_id(text, outlet=outlet, url=url, external_id=external_id),
        text=text,
        sha256=text_sha256(text),
        title=frozen.title,
        url=url,
        outlet=outlet,
        published=iso_date(fields.get("published", "")),
        retrieved=iso_date(fields.get("retrieved", "")),
        licence=fields.get("licence") or settings.licence,
        byline=fields.get("byline", ""),
        external_id=external_id,
        source_kind=record.kind,
        raw_sha256=record.raw_sha256,
        captions=frozen.captions,
        modified=iso_date(fields.get("modified", "")),
        robots=fields.get("robots", ""),
        raw_map=frozen.raw_map.encode(),
    )
    return _judge(document, record, fields, settings, changes)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A record's text as it stays, and what is said about it.

    Attributes:
        title: The headline, which is the text's first block, or empty.
        text: The frozen text.
        captions: How many of its last blocks are captions.
        fields: What else its source and its page say, by our field names.
        raw_map: How the text came from the record's text; empty for a page.
    """

    title: str
    text: str
    captions: int
    fields: Mapping[str, str]
    raw_map: TextMap = field(default_factory=TextMap)


def freeze(record: RawRecord, changes: Counter[str]) -> tuple[str, str, int, Mapping[str, str]]:
    """Return a record's title, frozen text, number of captions, and what else its source and its page say.

    Raises:
        NoArticle: There is nothing to read in its page.
    """
    frozen = frozen_text(record, changes)
    return frozen.title, frozen.text, frozen.captions, frozen.fields


def frozen_text(record: RawRecord, changes: Counter[str]) -> Frozen:
    """Return a record's text as it stays.

    Raises:
        NoArticle: There is nothing to read in its page.
    """
    return _from_page(record, changes) if record.html else _from_text(record, changes)


def _from_page(record: RawRecord, changes: Counter[str]) -> Frozen:
    article = extract(record.html, url=record.fields.get("url", ""))
    title = _one_line(record.fields.get("title", "") or article.title, changes)
    blocks = [line for block in article.paragraphs if (line := _one_line(block, changes))]
    captions = [line for block in article.captions if (line := _one_line(block, changes))]
    if title and blocks and _same(blocks[0], title):
        blocks = blocks[1:]  # a body that repeats the title loses it
    text = clean("\n\n".join([*([title] if title else []), *blocks, *captions])).text
    said = {**article.fields, **record.fields}
    if asked := {article.fields.get("robots", ""), record.fields.get("robots", "")} - {""}:
        # what the page asks and what its server asks stand beside each other
        said["robots"] = ", ".join(sorted({one.strip() for value in asked for one in value.split(",") if one.strip()}))
    return Frozen(title, text, len(captions), _said(said))


def _from_text(record: RawRecord, changes: Counter[str]) -> Frozen:
    cleaned, first = clean_traced(record.text)
    changes.update(cleaned.changes)
    placed = placed_paragraphs(cleaned.text)
    blocks = [" ".join(cleaned.text[start:end] for start, end in lines) for lines in placed]
    given = _one_line(record.fields.get("title", ""), changes)
    own, _ = ("", blocks) if given else split_headline(blocks)
    title = given or _one_line(own)
    body = 1 if own else 0
    if title and len(blocks) > body and _same(_one_line(blocks[body]), title):
        placed = placed[:body] + placed[body + 1 :]  # a body that repeats the title loses it
    text, second = _assembled(cleaned.text, placed, given, changes)
    final, third = clean_traced(text)
    before = TextMap.of([(0, record.skipped, False)])
    return Frozen(title, final.text, 0, _said(record.fields), TextMap.joined([before, first.then(second).then(third)]))


def _assembled(
    source: str, placed: Sequence[Sequence[tuple[int, int]]], title: str, changes: Counter[str]
) -> tuple[str, TextMap]:
    """Return the blocks of a clean text, each on one line and apart, behind a title from elsewhere; and how they came."""
    texts = [title] if title else []
    pieces: list[Piece] = [(len(title), 0, False)]
    at = 0
    for lines in placed:
        joined, block = _joined(source, lines)
        line, step = _one_line_traced(joined, changes)
        if not line:
            continue
        gap = source[at : lines[0][0]]
        parted = 2 if texts else 0
        pieces.append((parted, len(gap), parted == 2 and gap == "\n\n"))
        pieces += block.then(step).pieces
        texts.append(line)
        at = lines[-1][1]
    pieces.append((0, len(source) - at, False))
    return "\n\n".join(texts), TextMap.of(pieces)


def _joined(source: str, lines: Sequence[tuple[int, int]]) -> tuple[str, TextMap]:
    """Return lines with one blank between them, and how they came from all from the first to the last."""
    if len(lines) == 1:
        return source[slice(*lines[0])], TextMap.same(lines[0][1] - lines[0][0])
    pieces: list[Piece] = []
    for position, (start, end) in enumerate(lines):
        if position:
            pieces.append((1, start - lines[position - 1][1], False))
        pieces.append((end - start, end - start, True))
    return " ".join(source[start:end] for start, end in lines), TextMap.of(pieces)


def _said(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: _one_line(value) for name, value in fields.items()}


def _judge(
    document: Document, record: RawRecord, fields: Mapping[str, str], settings: IngestSettings, changes: Counter[str]
) -> Outcome:
    def refuse(stage: str, reason: str, detail: str = "", *, language: str = "") -> Outcome:
        note = Removed(document.id, stage, reason, record.of, detail)
        kept = replace(document, language=language) if language else None
        return Outcome(removed=(note,), changes=changes, of=record.of, refused=kept)

    if not document.text:
        return refuse("clean", "no text", "nothing that can be read is left after cleaning")
    language = identify(document.text, declared=fields.get("language", ""))
    if len(document.text) < settings.min_characters:
        detail = f"{len(document.text)} characters, ingest.min_characters is {settings.min_characters}"
        return refuse("clean", "too short", detail, language=language)
    if settings.languages and language not in {normalise_language(code) or code for code in settings.languages}:
        detail = f"{language}; ingest.languages is {', '.join(settings.languages)}"
        return refuse("language", "other language", detail, language=language)
    dropped = tuple(
        Removed(document.id, "clean", "date not understood", record.of, f"{name}: {fields[name]}")
        for name in ("published", "retrieved", "modified")
        if fields.get(name) and not getattr(document, name)
    )
    return Outcome(replace(document, language=language), dropped, changes, record.of)


def _same(one: str, other: str) -> bool:
    return one.casefold().rstrip(" .") == other.casefold().rstrip(" .")


def _one_line(text: str, changes: Counter[str] | None = None) -> str:
    cleaned = clean(text)
    if changes is not None:
        changes.update(cleaned.changes)
    return " ".join(cleaned.text.split("\n")).replace("  ", " ") if "\n" in cleaned.text else cleaned.text


def _one_line_traced(text: str, changes: Counter[str]) -> tuple[str, TextMap]:
    cleaned, step = clean_traced(text)
    changes.update(cleaned.changes)
    if "\n" not in cleaned.text:
        return cleaned.text, step
    breaks = [(match.start(), match.end(), 1) for match in BREAKS.finditer(cleaned.text)]
    return BREAKS.sub(" ", cleaned.text), step.then(TextMap.edited(len(cleaned.text), breaks))
