"""Read what a page says about itself: JSON-LD, OpenGraph, other meta elements, links, and its printed byline.

Several places may say the same thing. The first that says it wins, in the order of who writes it for whom::

    title       og:title, other meta, JSON-LD, the only <h1>, <title>
    url         <link rel=canonical>, og:url, JSON-LD, where the page was read from
    outlet      og:site_name, the publisher in JSON-LD, other meta, the host
    byline      the author in JSON-LD, meta, what is marked as a byline
    published   JSON-LD, meta, <time>
    robots      everything that is said, to whomever

Nothing here looks at the body: that is :mod:`copydesk.corpus.extract`.
"""

from __future__ import annotations

import html
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from .columns import outlet_name

__all__ = ["PageFacts", "page_facts", "words"]

LONGEST: Final = 10_000
"""Characters of a value that are kept; a page may say anything."""
LONGEST_BYLINE: Final = 120

TITLES: Final = ("og:title", "citation_title", "dc.title", "dcterms.title", "fb_title", "headline", "parsely-title",
                 "sailthru.title", "shareaholic:title", "rbtitle", "title", "twitter:title")  # fmt: skip
PUBLISHED: Final = ("article:published_time", "datepublished", "og:published_time", "parsely-pub-date", "pubdate",
                    "publishdate", "dc.date.issued", "dcterms.date", "dc.date", "date", "citation_publication_date",
                    "sailthru.date", "article:published", "og:article:published_time")  # fmt: skip
MODIFIED: Final = ("article:modified_time", "datemodified", "og:updated_time", "og:modified_time", "dcterms.modified",
                   "last-modified", "lastmod", "revised")  # fmt: skip
AUTHORS: Final = ("author", "article:author", "parsely-author", "sailthru.author", "byl", "dc.creator", "dcterms.creator",
                  "citation_author", "authors", "creator", "og:article:author")  # fmt: skip
OUTLETS: Final = ("application-name", "publisher", "dc.publisher", "dcterms.publisher", "article:publisher", "rbpubname",
                  "apple-mobile-web-app-title")  # fmt: skip
LICENCES: Final = ("dcterms.license", "dc.license", "license", "dcterms.rights", "dc.rights")
ROBOTS: Final = ("robots", "googlebot", "googlebot-news", "bingbot", "ai-policy", "gptbot", "ccbot", "google-extended")
RESERVED: Final = ("tdm-reservation", "tdm-policy")

TITLE_PARTS: Final = re.compile(r"(.+)?\s+[–•·—|⁄*⋆~‹«<›»>:-]\s+(.+)")
BY: Final = re.compile(r"(?:written |words |reporting )?(?:by|von|par|por)[:\s]\s*", re.IGNORECASE)
AND: Final = re.compile(r"\s*[;|/&]\s*|\s+(?:and|und|et)\s+", re.IGNORECASE)
HANDLE: Final = re.compile(r"\(?@\w+\)?|\S+@\S+\.\S+")
CREATIVE_COMMONS: Final = re.compile(r"creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)/(\d\.\d)")

BYLINE: Final = "//*[@rel='author' or @itemprop='author' or contains(@class, 'uthor') or contains(@class, 'yline')]"
BYLINE_CLASS: Final = re.compile(r"byline|author-name|article-author|(?:^|\s)author(?:$|\s)", re.IGNORECASE)
LICENSED: Final = "//a[contains(@rel, 'license') or contains(@href, 'creativecommons.org/')]"
ELSEWHERE: Final = frozenset({"aside", "footer", "nav"})


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page says about itself.

    Attributes:
        title: Its headline as it is given to others, with whatever the outlet hangs on it; empty where none is.
        headings: The words of its first-level headings.
        fields: By our field names, only what is said: url, outlet, published, modified, language, licence, byline,
            robots.
    """

    title: str
    headings: tuple[str, ...]
    fields: Mapping[str, str]


def page_facts(tree: Any, *, url: str = "") -> PageFacts:
    """Read a parsed page.

    Args:
        tree: The page as an ``lxml.html`` element; it is not changed.
        url: Where the page was read from, if known.
    """
    meta = _Meta(tree)
    said = _LinkedData(tree)
    headings = tuple(words(item) for item in tree.iter("h1"))
    address = _address(tree, meta, said, url)
    outlet = (
        meta.first("og:site_name") or _names(said.get("publisher")) or said.outlet or meta.first(*OUTLETS, plain=True)
    )
    outlet = outlet or (outlet_name(address) if address else "")
    fields = {
        "url": address,
        "outlet": outlet,
        "published": _text(said.get("datePublished")) or meta.first(*PUBLISHED) or _time(tree),
        "modified": _text(said.get("dateModified")) or meta.first(*MODIFIED),
        "language": _language(tree, meta, said),
        "licence": _licence(tree, meta, said),
        "byline": _byline(tree, meta, said, outlet),
        "robots": _robots(meta),
    }
    title = meta.first(*TITLES) or _text(said.get("headline")) or _own_title(tree, headings)
    return PageFacts(_tidy(title), headings, {name: _tidy(value) for name, value in fields.items() if value})


def words(element: Any) -> str:
    """Return the words of an element and all in it, with one blank between them."""
    return " ".join("".join(element.itertext()).split())


class _Meta:
    """The meta elements of a page by their names, whatever attribute holds the name."""

    def __init__(self, tree: Any) -> None:
        self._values: dict[str, list[str]] = {}
        for element in tree.iter("meta"):
            content = element.get("content")
            if not content or content.isspace():
                continue
            for key in ("property", "name", "itemprop", "http-equiv"):
                if name := element.get(key):
                    self._values.setdefault(name.lower(), []).append(content.strip()[:LONGEST])

    def first(self, *names: str, plain: bool = False) -> str:
        """Return the first value of the first of these names that has one; with `plain` no address."""
        return next((value for value in self.all(*names) if not (plain and "://" in value)), "")

    def all(self, *names: str) -> Iterator[str]:
        """Yield every value of these names."""
        for name in names:
            yield from self._values.get(name, ())


class _LinkedData:
    """The JSON-LD of a page: the first object that is some kind of article, and who else is described."""

    def __init__(self, tree: Any) -> None:
        objects = [item for script in tree.iter("script") if _is_linked(script) for item in _objects(script.text)]
        self._by_id = {item["@id"]: item for item in objects if isinstance(item.get("@id"), str) and len(item) > 1}
        kinds = ("Article", "Report", "BlogPosting")
        self._article = next((item for item in objects if any(kind in _kind(item) for kind in kinds)), {})
        sites = [item for item in objects if any(kind in _kind(item) for kind in ("WebSite", "MediaOrganization"))]
        self.outlet = next((name for item in sites if (name := _names(item))), "")

    def get(self, name: str) -> Any:
        """Return a value of the article, with what it refers to in its place."""
        value = self._article.get(name)
        values = value if isinstance(value, list) else [value]
        found = [self._by_id.get(v["@id"], v) if isinstance(v, dict) and _is_reference(v) else v for v in values]
        return found if isinstance(value, list) else found[0]


def _is_linked(script: Any) -> bool:
    return (script.get("type") or "").strip().lower() == "application/ld+json"


def _is_reference(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("@id"), str) and "name" not in value


def _kind(item: Mapping[str, Any]) -> str:
    return str(item.get("@type") or "")


def _objects(text: str | None) -> list[dict[str, Any]]:
    """Return the objects of a script, those of its graph among them; none where it is no JSON."""
    try:
        value = json.loads((text or "").strip().removeprefix("<!--").removesuffix("-->"), strict=False)
    except (ValueError, RecursionError):
        return []
    found: list[dict[str, Any]] = []
    waiting = deque([value])
    while waiting:
        item = waiting.popleft()
        if isinstance(item, list):
            waiting.extend(inner for inner in item if isinstance(inner, dict | list))
        elif isinstance(item, dict):
            found.append(item)
            waiting.append(item.get("@graph"))
    return found


def _text(value: Any) -> str:
    """Return a value of JSON-LD that should be words; anything else is nothing."""
    value = value[0] if isinstance(value, list) and value else value
    if isinstance(value, dict):
        value = value.get("@value") or value.get("@id") or value.get("url")
    return value.strip()[:LONGEST] if isinstance(value, str) else ""


def _names(value: Any) -> str:
    """Return the names of people or bodies in JSON-LD, joined."""
    found: list[str] = []
    for item in value if isinstance(value, list) else [value]:
        name = item.get("name") if isinstance(item, dict) else item
        if isinstance(item, dict) and not name:
            name = " ".join(str(item[part]) for part in ("givenName", "familyName") if item.get(part))
        for one in name if isinstance(name, list) else [name]:
            if isinstance(one, str) and one.strip() and "://" not in one and one.strip() not in found:
                found.append(one.strip())
    return ", ".join(found)[:LONGEST]


def _address(tree: Any, meta: _Meta, said: _LinkedData, given: str) -> str:
    links = [link.get("href") or "" for link in tree.iter("link") if (link.get("rel") or "").lower() == "canonical"]
    candidates = [*links, meta.first("og:url"), _text(said.get("url")), _text(said.get("mainEntityOfPage"))]
    base = given or next((value for value in candidates if "://" in value), "")
    found = [address for value in (*candidates, given) if value and (address := _absolute(value, base))]
    # a template that forgot about articles calls each of them its front page
    return next((address for address in found if urlsplit(address).path.strip("/")), found[0] if found else "")


def _absolute(value: str, base: str) -> str:
    try:
        parts = urlsplit(urljoin(base, value.strip()) if base else value.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or "." not in host or re.search(r"\s", value.strip()):
        return ""
    return parts._replace(fragment="").geturl()


def _time(tree: Any) -> str:
    """Return the first point in time that is marked as the publication's."""
    for element in tree.iter("time"):
        marks = f"{element.get('itemprop') or ''} {element.get('class') or ''}".lower()
        if element.get("datetime") and ("publish" in marks or element.get("pubdate") is not None):
            return str(element.get("datetime"))
    return ""


def _language(tree: Any, meta: _Meta, said: _LinkedData) -> str:
    stated = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    return stated or meta.first("og:locale") or _text(said.get("inLanguage")) or meta.first("content-language")


def _licence(tree: Any, meta: _Meta, said: _LinkedData) -> str:
    links = [link.get("href") or "" for link in tree.iter("link") if link.get("rel") == "license"]
    links += [a.get("href") or "" for a in tree.xpath(LICENSED) if "license" in (a.get("rel") or "").split()]
    # a picture's licence stands beside it, the page's own at its foot
    links += [a.get("href") or "" for a in tree.xpath(LICENSED) if _in_footer(a)]
    value = _text(said.get("license")) or next(filter(None, links), "") or meta.first(*LICENCES)
    return spdx(value[:200])


def _in_footer(element: Any) -> bool:
    marks = (f"{above.get('class') or ''} {above.get('id') or ''}" for above in element.iterancestors())
    return _within(element, frozenset({"footer"})) or any("footer" in mark for mark in marks)


def spdx(value: str) -> str:
    """Return the SPDX id of a Creative Commons address; anything else as it is.

    >>> spdx("https://creativecommons.org/licenses/by-sa/4.0/")
    'CC-BY-SA-4.0'
    """
    match = CREATIVE_COMMONS.search(value)
    if not match:
        return value.strip()
    return "CC0-1.0" if match.group(1) == "zero" else f"CC-{match.group(1).upper()}-{match.group(2)}"


def _byline(tree: Any, meta: _Meta, said: _LinkedData, outlet: str) -> str:
    authors = [_names(said.get("author")), *dict.fromkeys(value for value in meta.all(*AUTHORS) if " " in value)]
    names = list(dict.fromkeys(name for value in authors[:1] if (name := _authors(value))))
    names = names or list(dict.fromkeys(name for value in authors[1:4] if (name := _authors(value))))[:1]
    if names and names[0].casefold() != outlet.casefold():
        return names[0]
    for element in tree.xpath(BYLINE):
        line = words(element) if _is_byline(element) else ""
        if 2 < len(line) < LONGEST_BYLINE and (name := _authors(line)) and name.casefold() != outlet.casefold():
            return name
    return ""


def _is_byline(element: Any) -> bool:
    marked = "author" in (element.get("rel"), element.get("itemprop"))
    return (marked or bool(BYLINE_CLASS.search(element.get("class") or ""))) and not _within(element, ELSEWHERE)


def _within(element: Any, tags: frozenset[str]) -> bool:
    return any(above.tag in tags for above in element.iterancestors())


def _authors(value: str) -> str:
    """Return names as a list with commas, without "By", handles and addresses."""
    line = BY.sub("", HANDLE.sub("", html.unescape(value)).strip(), count=1)
    names = [" ".join(name.split()).strip(" ,") for name in AND.split(line)]
    return ", ".join(dict.fromkeys(name for name in names if name and "://" not in name))


def _robots(meta: _Meta) -> str:
    """Return every directive to machines, sorted; one that is not for all of them with its addressee."""
    found: set[str] = set()
    for name in ROBOTS:
        for value in meta.all(name):
            addressed = "" if name == "robots" else f"{name}:"
            found |= {f"{addressed}{one}" for one in _directives(value)}
    found |= {f"{name}={' '.join(value.split())}" for name in RESERVED for value in meta.all(name)}
    return ", ".join(sorted(found))


def _directives(value: str) -> Iterable[str]:
    return (" ".join(one.split()).lower() for one in value.split(",") if one.strip())


def _own_title(tree: Any, headings: tuple[str, ...]) -> str:
    if len(headings) == 1 and headings[0]:
        return headings[0]
    element = next(tree.iter("title"), None)
    title = words(element) if element is not None else ""
    parts = TITLE_PARTS.fullmatch(title)
    for piece in (*(parts.groups() if parts else ()), title):
        if piece and "." not in piece:
            return str(piece)
    second = next(tree.iter("h2"), None)
    return next((heading for heading in headings if heading), "") or (words(second) if second is not None else "")


def _tidy(value: str) -> str:
    return " ".join(html.unescape(value).split())[:LONGEST]
