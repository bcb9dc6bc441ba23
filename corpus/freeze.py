"""Turn one raw record into one frozen document, or into the reason why not. Pure: runs in any process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from copydesk.schemas import Document, Removed, document_id, text_sha256

from .clean import clean
from .dates import iso_date
from .extract import Extracted, NoArticle, extract
from .language import identify, normalise_language
from .plain import paragraphs, split_headline
from .settings import IngestSettings
from .sources import RawRecord

__all__ = ["Outcome", "freeze", "prepare"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record.

    Attributes:
        document: The document, or None where the record was set aside.
        removed: What was set aside: the record, or a field of it that could not be read.
        changes: How often cleaning changed what.
        of: The record's place.
        known: Whether the record was not looked at, as an earlier run made a document of the same bytes.
    """

    document: Document | None = None
    removed: tuple[Removed, ...] = ()
    changes: Mapping[str, int] = field(default_factory=dict)
    of: str = ""
    known: bool = False


def prepare(record: RawRecord, settings: IngestSettings) -> Outcome:
    """Return a record's document, or why there is none."""
    changes: Counter[str] = Counter()
    try:
        title, text, captions, fields = freeze(record, changes)
    except NoArticle as error:
        return Outcome(removed=(Removed("", "extract", str(error), record.of, error.detail),), of=record.of)
    outlet = fields.get("outlet") or settings.outlet
    url, external_id = fields.get("url", ""), fields.get("id", "")
    document = Document(
        id=document_id(text, outlet=outlet, url=url, external_id=external_id),
        text=text,
        sha256=text_sha256(text),
        title=title,
        url=url,
        outlet=outlet,
        published=iso_date(fields.get("published", "")),
        retrieved=iso_date(fields.get("retrieved", "")),
        licence=fields.get("licence") or settings.licence,
        byline=fields.get("byline", ""),
        external_id=external_id,
        source_kind=record.kind,
        raw_sha256=record.raw_sha256,
        captions=captions,
    )
    return _judge(document, record, fields, settings, changes)


def freeze(record: RawRecord, changes: Counter[str]) -> tuple[str, str, int, dict[str, str]]:
    """Return a record's title, frozen text, number of captions, and what else its source and its page say.

    Raises:
        NoArticle: There is nothing to read in its page.
    """
    article = _extracted(record) if record.html else _plain(record, changes)
    title, blocks, captions = _blocks(article, changes)
    text = clean("\n\n".join([*([title] if title else []), *blocks, *captions])).text
    said = {**article.fields, **record.fields}
    return title, text, len(captions), {name: _one_line(value) for name, value in said.items()}


def _judge(
    document: Document, record: RawRecord, fields: Mapping[str, str], settings: IngestSettings, changes: Counter[str]
) -> Outcome:
    def refuse(stage: str, reason: str, detail: str = "") -> Outcome:
        return Outcome(removed=(Removed(document.id, stage, reason, record.of, detail),), changes=changes, of=record.of)

    if not document.text:
        return refuse("clean", "no text", "nothing that can be read is left after cleaning")
    if len(document.text) < settings.min_characters:
        return refuse(
            "clean", "too short", f"{len(document.text)} characters, ingest.min_characters is {settings.min_characters}"
        )
    language = identify(document.text, declared=fields.get("language", ""))
    if settings.languages and language not in {normalise_language(code) or code for code in settings.languages}:
        return refuse("language", "other language", f"{language}; ingest.languages is {', '.join(settings.languages)}")
    dropped = tuple(
        Removed(document.id, "clean", "date not understood", record.of, f"{name}: {fields[name]}")
        for name in ("published", "retrieved")
        if fields.get(name) and not getattr(document, name)
    )
    return Outcome(replace(document, language=language), dropped, changes, record.of)


def _plain(record: RawRecord, changes: Counter[str]) -> Extracted:
    cleaned = clean(record.text)
    changes.update(cleaned.changes)
    blocks = paragraphs(cleaned.text)
    title = _one_line(record.fields.get("title", ""))
    if not title:
        title, blocks = split_headline(blocks)
    return Extracted(title=title, paragraphs=tuple(blocks))


def _extracted(record: RawRecord) -> Extracted:
    article = extract(record.html, url=record.fields.get("url", ""))
    title = _one_line(record.fields.get("title", ""))
    return replace(article, title=title) if title else article


def _blocks(article: Extracted, changes: Counter[str]) -> tuple[str, list[str], list[str]]:
    """Return title, paragraphs and captions, clean, each on one line; a body that repeats the title loses it."""
    title = _one_line(article.title, changes)
    blocks = [line for block in article.paragraphs if (line := _one_line(block, changes))]
    captions = [line for block in article.captions if (line := _one_line(block, changes))]
    if title and blocks and _same(blocks[0], title):
        blocks = blocks[1:]
    return title, blocks, captions


def _same(one: str, other: str) -> bool:
    return one.casefold().rstrip(" .") == other.casefold().rstrip(" .")


def _one_line(text: str, changes: Counter[str] | None = None) -> str:
    cleaned = clean(text)
    if changes is not None:
        changes.update(cleaned.changes)
    return " ".join(cleaned.text.split("\n")).replace("  ", " ") if "\n" in cleaned.text else cleaned.text
