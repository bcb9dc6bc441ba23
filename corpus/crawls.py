"""Know the records of crawlers and extractors by the names that they use.

Most records are understood by their column names alone (:mod:`copydesk.corpus.columns`). A crawler whose names mean
something else, or whose text is a tree, is one entry of `CRAWLERS`: the keys that tell it, and where its values are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["CRAWLERS", "Crawler", "as_crawled"]


@dataclass(frozen=True, slots=True)
class Crawler:
    """How one crawler writes an article.

    Attributes:
        name: Becomes the document's ``source_kind``.
        keys: Keys that all of its records have, and hardly anybody else's.
        fields: Our field name to the path of its value: keys, with a dot between them. The first that is there counts.
        text: Makes the text where it is no string.
    """

    name: str
    keys: frozenset[str]
    fields: Mapping[str, tuple[str, ...]]
    text: Callable[[Mapping[str, Any]], str] | None = field(default=None)


def as_crawled(record: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the name of the crawler that wrote a record, and the record with our field names.

    A record of no crawler known here comes back as it is, with an empty name. Keys that :data:`CRAWLERS` doesn't name
    stay beside our names, so that the setting ``columns`` reaches them.
    """
    crawler = next((one for one in CRAWLERS if one.keys <= record.keys()), None)
    if crawler is None:
        return "", record
    known: dict[str, Any] = {}
    for name, paths in crawler.fields.items():
        values = (_at(record, path) for path in paths)
        # news-please writes the word where there is nothing
        value = next((value for value in values if value not in (None, "", "None", [])), None)
        if value is not None:
            known[name] = value
    if crawler.text is not None and (text := crawler.text(record)):
        known["text"] = text
    taken = {path.partition(".")[0] for paths in crawler.fields.values() for path in paths}
    rest = {name: value for name, value in record.items() if name not in taken and name not in known}
    return crawler.name, known | rest


def _at(record: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(record, Mapping):
            return None
        record = record.get(key)
    return record


def _fundus_text(record: Mapping[str, Any]) -> str:
    """Return the body, which is a summary and sections of a headline and paragraphs, as blocks."""
    body = record.get("body")
    if not isinstance(body, Mapping):
        return ""
    sections = body.get("sections")
    blocks = [body.get("summary")]
    for section in sections if isinstance(sections, list) else []:
        if isinstance(section, Mapping):
            blocks += [section.get("headline"), section.get("paragraphs")]
    lines = [line for block in blocks for line in (block if isinstance(block, list) else [block])]
    return "\n\n".join(line for line in lines if isinstance(line, str) and line.strip())


CRAWLERS: Final = (
    Crawler(
        "trafilatura",
        frozenset({"source-hostname", "fingerprint", "text"}),
        {
            "url": ("source",),
            "outlet": ("source-hostname", "sitename", "hostname"),
            "published": ("date",),
            "retrieved": ("filedate",),
            "byline": ("author",),
            "licence": ("license",),
        },
    ),
    Crawler(
        "news-please",
        frozenset({"maintext", "date_publish", "source_domain"}),
        {
            "text": ("maintext",),
            "title": ("title", "title_page", "title_rss"),
            "outlet": ("source_domain",),
            "published": ("date_publish",),
            "retrieved": ("date_download",),
            "modified": ("date_modify",),
            "byline": ("authors",),
        },
    ),
    Crawler(
        "fundus",
        frozenset({"body", "publishing_date"}),
        {
            "published": ("publishing_date",),
            "byline": ("authors",),
            "language": ("lang",),
            "url": ("html.responded_url", "html.requested_url", "url"),
            "retrieved": ("html.crawl_date",),
            "outlet": ("html.source_info.publisher", "publisher"),
            "text": ("plaintext",),
            "html": ("html.content",),
        },
        _fundus_text,
    ),
)
"""Every crawler whose records need more than the names of columns."""
