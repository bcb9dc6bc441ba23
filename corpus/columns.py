"""Read a record's fields by name, whatever its source calls them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from copydesk.schemas import SettingsError

__all__ = ["FIELDS", "check_columns", "fields_of", "outlet_name", "plain_value", "wanted"]

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("text", "body", "content", "article", "article text", "full text", "main text", "article body", "plain text",
             "story", "cleaned text", "paragraphs"),
    "html": ("html", "raw html", "html content", "page"),
    "title": ("title", "headline", "heading"),
    "url": ("url", "link", "canonical url", "canonical", "uri", "permalink", "web url", "article url"),
    "outlet": ("outlet", "source", "publisher", "domain", "source domain", "site name", "site", "hostname", "newspaper",
               "media", "publication"),
    "published": ("published", "date", "published at", "publish date", "publication date", "date publish", "pub date",
                  "published date", "date published", "publishing date", "datetime", "timestamp"),
    "retrieved": ("retrieved", "retrieved at", "date download", "crawl date", "crawled", "scraped at", "fetched",
                  "date retrieved", "download date", "filedate"),
    "id": ("id", "external id", "article id", "doc id", "document id", "guid", "uuid", "key"),
    "language": ("language", "lang"),
    "licence": ("licence", "license"),
    "byline": ("byline", "author", "authors", "creator", "writer"),
    "modified": ("modified", "date modified", "date modify", "modified date", "last modified", "updated", "updated at"),
    "robots": ("robots", "x robots tag"),
}  # fmt: skip
"""Our fields, each with the names that sources give it, most telling first. Case, blanks and underscores don't count."""


def check_columns(columns: Mapping[str, str]) -> None:
    """Check the setting ``ingest.columns``.

    Raises:
        SettingsError: It maps a field that a document doesn't have.
    """
    for field in columns:
        if field not in FIELDS:
            raise SettingsError(
                f"unknown field {field!r}",
                where="copydesk.toml: ingest.columns",
                hint=f"Known fields, each with the name of your column: {', '.join(FIELDS)}.",
            )


def wanted(names: Iterable[str], columns: Mapping[str, str]) -> dict[str, list[str]]:
    """Return for each of our fields the source's columns that may hold it, best first.

    Args:
        names: The columns that the source has.
        columns: The setting ``ingest.columns``: our field to the source's column, which comes first.
    """
    by_plain: dict[str, list[str]] = {}
    for name in names:
        by_plain.setdefault(_plain(name), []).append(name)
    found: dict[str, list[str]] = {}
    for field, synonyms in FIELDS.items():
        candidates = (
            [columns[field]] if columns.get(field) in set(by_plain.get(_plain(columns.get(field, "")), ())) else []
        )
        for synonym in synonyms:
            candidates += [name for name in by_plain.get(_plain(synonym), ()) if name not in candidates]
        if candidates:
            found[field] = candidates
    return found


@lru_cache(maxsize=256)
def _wanted(names: tuple[str, ...], columns: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    """Remember the answer: the records of a source have the same few columns, again and again."""
    return wanted(names, dict(columns))


def fields_of(record: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    """Return a record's values by our field names; a field without a value is left out."""
    values: dict[str, str] = {}
    seen = tuple(name for name in record if isinstance(name, str))
    for field, names in _wanted(seen, tuple(columns.items())).items():
        for name in names:
            value = plain_value(record[name], joiner="\n\n" if field == "text" else ", ")
            if value.strip():
                values[field] = value if field in ("text", "html") else value.strip()
                break
    if "outlet" in values:
        values["outlet"] = outlet_name(values["outlet"])
    return values


def plain_value(value: Any, *, joiner: str = ", ") -> str:
    """Return a foreign value as text: a list joined, an object by its ``name``, nothing as the empty string."""
    if value is None or isinstance(value, bool) or value != value:  # noqa: PLR0124 - NaN stands for nothing
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return plain_value(value.get("name") or value.get("title"))
    if isinstance(value, list | tuple):
        return joiner.join(part for item in value if (part := plain_value(item)))
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat() if isoformat else value)


def outlet_name(value: str) -> str:
    """Return an outlet's name; of an address, its host.

    >>> outlet_name("https://www.example.org/news/1"), outlet_name("The Example")
    ('example.org', 'The Example')
    """
    if "://" not in value:
        return value
    try:
        host = urlsplit(value).hostname or ""
    except ValueError:
        return value
    return host.removeprefix("www.") or value


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
