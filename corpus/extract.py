"""Find the article in a page. The only door to trafilatura.

trafilatura finds the body; this module reads it as blocks instead of as one string, adds captions and what the
page says about itself (JSON-LD, OpenGraph, meta), and never asks the network or the clock. A page that is
built to be slow is refused by counting, so that the same page always has the same fate.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Extracted", "NoArticle", "extract"]

MAX_TAGS: Final = 50_000
"""Ten times a long live page; the parser itself gives up at 256 levels."""
SHORTEST: Final = 60
"""An article has at least one block of so many characters (a third of it in scripts without blanks)."""

LINK_LENGTH: Final = 4
"""A shorter link is found in any text by chance."""

CHARSET: Final = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
BLOCKS: Final = frozenset({"p", "head", "item", "row", "ab", "div", "list", "quote", "table", "body", "main"})
PUBLISHED: Final = ("article:published_time", "datePublished", "og:published_time", "parsely-pub-date", "pubdate",
                    "publishdate", "DC.date.issued", "dcterms.date", "dc.date", "date")  # fmt: skip
SENTENCE_END: Final = re.compile(r"[.!?…:][\"'”’»)\]]*$")
NOT_HERE: Final = "ancestor::aside or ancestor::nav or ancestor::footer"

# its warnings are about single pages; whatever matters becomes a reason of ours
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
logging.getLogger("htmldate").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Extracted:
    """An article as its page shows it, not yet clean.

    Attributes:
        title: The headline, or empty.
        paragraphs: The body, block by block.
        captions: What stands under its pictures.
        fields: Further values by our field names: url, outlet, published, language, licence, byline.
    """

    title: str = ""
    paragraphs: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


class NoArticle(Exception):  # noqa: N818 - a fate, not a fault
    """A page in which there is nothing to read; its text is a countable reason, `detail` the rest."""

    def __init__(self, reason: str = "no article found", detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail


def extract(page: bytes, *, url: str = "") -> Extracted:
    """Return the article of an HTML page.

    Args:
        page: Its bytes; read as UTF-8, else as the page declares, else as its bytes look.
        url: Where it is from, if known; nothing is fetched.

    Raises:
        NoArticle: There is none, the page's encoding cannot be told, or the page is built to be slow.
    """
    import trafilatura

    source = _decode(page)
    if source.count("<") > MAX_TAGS:
        raise NoArticle("page too complex", f"more than {MAX_TAGS:,} tags")
    tree = trafilatura.load_html(source)
    if tree is None:
        raise NoArticle
    captions, links = _captions(tree), [text for link in tree.iter("a") if len(text := _words(link)) >= LINK_LENGTH]
    fields, headings = _fields(tree), [_words(item) for item in tree.xpath("//h1")]
    found = _bare(tree, url)
    if found is None or found.body is None:
        raise NoArticle
    blocks = [block for block in _blocks(found.body) if block not in captions]
    if not any(_is_prose(block) for block in blocks) or _is_link_list("\n".join(blocks), links):
        raise NoArticle
    fields = _merged(fields, found)
    byline = fields.get("byline", "")
    blocks = [block for block in blocks if not byline or block.casefold() != f"by {byline}".casefold()]
    return Extracted(_title(found.title or "", headings, fields), tuple(blocks), tuple(captions), fields)


def _bare(tree: Any, url: str) -> Any:
    import trafilatura

    try:
        return trafilatura.bare_extraction(
            tree,
            url=url or None,
            with_metadata=True,
            include_comments=False,
            # without a last day it takes today's, and the result would change with the clock
            date_extraction_params={"original_date": True, "extensive_search": False, "max_date": "2100-12-31"},
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NoArticle("page cannot be parsed", f"{type(error).__name__}: {error}") from error


def _decode(page: bytes) -> str:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if page.startswith(mark):
            return page.decode(encoding, "replace")
    declared = CHARSET.search(page[:4096])
    names = ["utf-8", *([declared.group(1).decode("ascii")] if declared else [])]
    for name in names:
        try:
            # what the web calls latin-1 is windows-1252
            return page.decode("cp1252" if name.lower() in ("iso-8859-1", "latin-1", "latin1", "ascii") else name)
        except (UnicodeError, LookupError):  # UnicodeError: Python has a codec named "undefined", and pages say that
            continue
    import charset_normalizer

    best = charset_normalizer.from_bytes(page[:100_000]).best()
    if best is not None:
        try:
            return page.decode(best.encoding)
        except (UnicodeDecodeError, LookupError):
            pass
    raise NoArticle("encoding unknown", f"neither UTF-8 nor {declared.group(1).decode() if declared else 'declared'}")


def _words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _captions(tree: Any) -> list[str]:
    places = tree.xpath("//article//figcaption") or tree.xpath(f"//figcaption[not({NOT_HERE})]")
    return list(dict.fromkeys(text for element in places if (text := _words(element))))


def _fields(tree: Any) -> dict[str, str]:
    """Return what the page says about itself, apart from what trafilatura reads."""
    said: dict[str, str] = {}
    meta: dict[str, str] = {}
    for element in tree.xpath("//meta[@content]"):
        for key in ("property", "name", "itemprop"):
            if element.get(key):
                meta.setdefault(element.get(key), element.get("content"))
    linked = _linked_data(tree)
    dates = [meta[name] for name in PUBLISHED if meta.get(name)]
    said["published"] = str(linked.get("datePublished") or (dates[0] if dates else ""))
    said["language"] = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    said["language"] = said["language"] or meta.get("og:locale", "")
    links = tree.xpath("//link[@rel='license']/@href | //a[contains(concat(' ', @rel, ' '), ' license ')]/@href")
    licence = linked.get("license") or (links[0] if links else "") or meta.get("dcterms.license", "")
    said["licence"] = _licence(licence) if isinstance(licence, str) else ""
    return said


def _linked_data(tree: Any) -> dict[str, Any]:
    """Return the first JSON-LD object that is some kind of article."""
    for script in tree.xpath("//script[@type='application/ld+json']"):
        try:
            value = json.loads(script.text or "")
        except (ValueError, RecursionError):
            continue
        for item in _objects(value):
            kinds = item.get("@type")
            if any(
                "Article" in str(kind) or "Report" in str(kind)
                for kind in (kinds if isinstance(kinds, list) else [kinds])
            ):
                return item
    return {}


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = value.get("@graph", [])
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _licence(value: str) -> str:
    """Return the SPDX id of a Creative Commons address; anything else as it is.

    >>> _licence("https://creativecommons.org/licenses/by-sa/4.0/")
    'CC-BY-SA-4.0'
    """
    match = re.search(r"creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)/(\d\.\d)", value)
    if not match:
        return value.strip()
    return "CC0-1.0" if match.group(1) == "zero" else f"CC-{match.group(1).upper()}-{match.group(2)}"


def _merged(fields: Mapping[str, str], found: Any) -> dict[str, str]:
    values = {
        "url": found.url if str(found.url or "").startswith(("http://", "https://")) else "",
        "outlet": found.sitename or found.hostname,
        "published": fields["published"] or found.date,
        "language": fields["language"] or found.language,
        "licence": fields["licence"] or found.license,
        "byline": (found.author or "").replace("; ", ", "),
    }
    return {name: value for name, value in values.items() if value}


def _title(title: str, headings: list[str], fields: Mapping[str, str]) -> str:
    """Return the headline without what the outlet hangs on it."""
    if len(headings) == 1 and len(headings[0]) >= 10 and title.startswith(headings[0]):
        return headings[0]
    outlet = fields.get("outlet", "")
    return re.sub(rf"\s+[|–—-]\s+{re.escape(outlet)}$", "", title) if outlet else title


def _blocks(element: Any) -> Iterator[str]:
    """Yield the text blocks of trafilatura's tree, in order."""
    if element.tag == "row":
        yield " | ".join(text for cell in element if (text := _words(cell)))
        return
    if not any(child.tag in BLOCKS for child in element.iterdescendants()):
        yield from _lines(element)
        return
    if text := " ".join((element.text or "").split()):
        yield text
    for child in element:
        if isinstance(child.tag, str):
            yield from _blocks(child)
        if tail := " ".join((child.tail or "").split()):
            yield tail


def _lines(element: Any) -> Iterator[str]:
    """Yield the pieces between line breaks, joined where a break stands inside a sentence."""
    # trafilatura makes one break of the two with which old pages part paragraphs, so their number says nothing
    block = ""
    for line in _broken_text(element).split("\n"):
        words = " ".join(line.split())
        if block and words and SENTENCE_END.search(block):
            yield block
            block = words
        else:
            block = f"{block} {words}".strip()
    if block:
        yield block


def _broken_text(element: Any) -> str:
    """Return an element's text with one line break per ``lb`` and blanks for all other white space."""
    text = (
        "\n" if element.tag == "lb" else re.sub(r"\s+", " ", element.text or "") if isinstance(element.tag, str) else ""
    )
    for child in element:
        text += _broken_text(child) + re.sub(r"\s+", " ", child.tail or "")
    return re.sub(r" *\n *", "\n", text)


def _is_prose(block: str) -> bool:
    return len(block) >= (SHORTEST if " " in block[:SHORTEST] else SHORTEST // 3)


def _is_link_list(text: str, links: list[str]) -> bool:
    """Tell whether most of a text is the words of links, as on a front page."""
    linked = sum(len(link) for link in set(links) if link in text)
    return 2 * linked > len(text)
