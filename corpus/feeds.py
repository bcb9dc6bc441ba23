"""Read feeds that somebody saved: RSS, Atom and news sitemaps. An item is an article where its full text is in it.

Most items are only a headline, a teaser and an address. Those are set aside by that name: the page behind the address is the
article, and it says all this itself. Files are read as streams, entities of their own are never put in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from copydesk.schemas import Removed

from .columns import outlet_name
from .places import SourceFile
from .records import TOO_LARGE, RawRecord, aside
from .settings import IngestSettings

__all__ = ["FeedSource"]

ROOT: Final = re.compile(rb"<(?:\w+:)?(rss|feed|urlset|sitemapindex|RDF)[\s>]")
ITEMS: Final = ("item", "entry", "url", "sitemap")
OUTER: Final = ("title", "language", "link")
TAG: Final = re.compile(r"<[^<>]{1,500}>")
LICENCES: Final = frozenset({"license", "licence"})

SAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("title",),
    "url": ("link", "loc", "origLink"),
    "id": ("guid", "id"),
    "published": ("pubDate", "published", "publication_date", "date", "issued", "created"),
    "modified": ("updated", "modified", "lastmod"),
    "byline": ("creator", "author"),
    "licence": ("license", "licence"),
    "language": ("language",),
    "outlet": ("name", "source"),
}
"""Our fields, each with the elements that hold it, whatever their namespace; the first that is there counts."""

FULL: Final = ("encoded", "content")
"""Elements that hold the whole article; a ``description`` or ``summary`` does not, whatever its length."""


class FeedSource:
    """A saved feed or sitemap."""

    kind = "feed"
    suffixes: tuple[str, ...] = (".rss", ".atom", ".xml")
    magic: tuple[bytes, ...] = ()

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[RawRecord | Removed]:
        """Yield one record an item."""
        from lxml import etree

        if not ROOT.search(file.head(8_192)):
            yield aside(file.label, "unknown file type", "XML that is no RSS, no Atom and no sitemap")
            return
        number = 0
        outer: dict[str, str] = {}
        with file.open() as stream:
            events = etree.iterparse(
                stream, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, recover=True
            )
            depth = 0
            try:
                for event, element in events:
                    name = _name(element)
                    if event == "start":
                        depth += name in ITEMS
                    elif name in ITEMS:
                        depth -= 1
                        if depth == 0:
                            number += 1
                            yield _item(f"{file.label}:{number}", element, outer, settings)
                            _forget(element)
                    elif depth == 0 and name in OUTER and name not in outer and (text := _text(element)):
                        outer[name] = text
            except etree.XMLSyntaxError as error:
                yield aside(f"{file.label}:{number + 1}", "broken XML", str(error))
        if not number:
            yield aside(file.label, "no text", "a feed without any item")


def _item(of: str, element: Any, outer: Mapping[str, str], settings: IngestSettings) -> RawRecord | Removed:
    found = _elements(element)
    fields = _fields(found, outer)
    full = next((body for name in FULL for one in found.get(name, ()) if (body := _body(one))), "")
    if len(full) > settings.max_bytes:
        return aside(of, TOO_LARGE, f"the item is longer than {settings.max_bytes:,} bytes")
    if not full.strip():
        address = fields.get("url", "")
        return aside(of, "only metadata", f"the article is at {address}" if address else "no text and no address")
    title = fields.get("title", "")
    raw = "\x1f".join((full, *(f"{name}={value}" for name, value in sorted(fields.items()))))
    sha256 = hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()
    if not TAG.search(full):
        return RawRecord(of, "feed", sha256, text=full, fields=fields)
    page = f"<!doctype html><html><head><meta charset='utf-8'><title>{escape(title)}</title></head><body><article>{full}</article>"
    return RawRecord(of, "feed", sha256, html=f"{page}</body></html>".encode("utf-8", "replace"), fields=fields)


def _elements(item: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for element in item.iterdescendants():
        if isinstance(element.tag, str):
            found.setdefault(_name(element), []).append(element)
    return found


def _fields(found: Mapping[str, list[Any]], outer: Mapping[str, str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for field, names in SAYS.items():
        values = (_said(field, one) for name in names for one in found.get(name, ()))
        if value := next((value for value in values if value), ""):
            fields[field] = value
    if fields.get("id", "").startswith(("http://", "https://")):
        fields.setdefault("url", fields.pop("id"))  # most ids are the address
        fields.pop("id", None)
    fields.setdefault("language", outer.get("language", ""))
    outlet = fields.get("outlet") or outer.get("title", "")
    fields["outlet"] = outlet_name(outlet)
    return {name: value for name, value in fields.items() if value}


def _said(field: str, element: Any) -> str:
    if field == "url" and (address := element.get("href")):  # Atom
        return str(address).strip() if element.get("rel", "alternate") == "alternate" else ""
    if field in ("byline", "outlet") and (named := _child(element, "name")):
        return named
    if field == "licence":
        return _text(element) or str(element.get("href") or "")
    return _text(element)


def _child(element: Any, name: str) -> str:
    return next((_text(one) for one in element if isinstance(one.tag, str) and _name(one) == name), "")


def _body(element: Any) -> str:
    """Return the article in an element, as a page or as text; empty where it only points somewhere or is a picture."""
    if element.get("type") == "xhtml":
        from lxml import etree

        return "".join(etree.tostring(child, encoding="unicode", with_tail=False) for child in element)
    if element.get("src") or element.get("url"):
        return ""
    return "".join(element.itertext())


def _text(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _forget(element: Any) -> None:
    """Free what was read: without this the whole tree is held at the end."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
