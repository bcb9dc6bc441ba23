"""Find the article in a page. The only door to trafilatura.

trafilatura finds the body; this module reads it as blocks instead of as one string, adds captions and what the
page says about itself (:mod:`copydesk.corpus.page_facts`), and never asks the network or the clock. A page that is
built to be slow is refused by counting, so that the same page always has the same fate.
"""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .page_facts import page_facts, words

__all__ = ["Extracted", "NoArticle", "extract"]

MAX_TAGS: Final = 50_000
"""Ten times a long live page; the parser itself gives up at 256 levels."""
LAST_DAY: Final = "2100-12-31"
SHORTEST: Final = 60
"""An article has at least one block of so many characters (a third of it in scripts without blanks)."""

LINK_LENGTH: Final = 4
"""A shorter link is found in any text by chance."""

CHARSET: Final = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
FOREIGN: Final = re.compile(r"[^\x00-\x7f\ufffd]")
BLOCKS: Final = frozenset({"p", "head", "item", "row", "ab", "div", "list", "quote", "table", "body", "main"})
SENTENCE_END: Final = re.compile(r"[.!?…:][\"'”’»)\]]*$")
NOT_HERE: Final = "ancestor::aside or ancestor::nav or ancestor::footer"


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("copydesk-windows-1252", _as_windows)

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
        fields: Further values by our field names: url, outlet, published, modified, language, licence, byline, robots.
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
    # the tree is read once, and only what trafilatura looks at is read by it
    facts, captions = page_facts(tree, url=url), _captions(tree)
    found = _bare(tree, url)
    if found is None or found.body is None:
        raise NoArticle
    blocks = [block for block in _blocks(found.body) if block not in captions]
    if not any(_is_prose(block) for block in blocks) or _is_link_list("\n".join(blocks), tree):
        raise NoArticle
    fields = dict(facts.fields)
    if "published" not in fields and (date := _found_date(tree, fields.get("url", ""))):
        fields["published"] = date
    byline = fields.get("byline", "")
    blocks = [block for block in blocks if not byline or block.casefold() != f"by {byline}".casefold()]
    return Extracted(_title(facts.title, facts.headings, fields), tuple(blocks), tuple(captions), fields)


def _bare(tree: Any, url: str) -> Any:
    import trafilatura

    try:
        return trafilatura.bare_extraction(
            tree,
            url=url or None,
            with_metadata=False,
            include_comments=False,
            output_format="txt",  # the tree is the same, and it is not also written out as text
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NoArticle("page cannot be parsed", f"{type(error).__name__}: {error}") from error


def _found_date(tree: Any, url: str) -> str:
    """Return the day that a page shows without saying so in any of the usual places, or the empty string."""
    import htmldate

    try:
        # without a last day it takes today's, and the result would change with the clock
        found = htmldate.find_date(tree, url=url or None, original_date=True, extensive_search=False, max_date=LAST_DAY)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return ""
    return str(found or "")


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
    mended = page.decode("utf-8", "replace")
    if len(FOREIGN.findall(mended)) > 2 * mended.count("\ufffd"):
        # UTF-8 with something else pasted into it, such as an advertisement
        return page.decode("utf-8", "copydesk-windows-1252")
    import charset_normalizer

    best = charset_normalizer.from_bytes(page[:100_000]).best()
    if best is not None:
        try:
            return page.decode(best.encoding)
        except (UnicodeDecodeError, LookupError):
            pass
    raise NoArticle("encoding unknown", f"neither UTF-8 nor {declared.group(1).decode() if declared else 'declared'}")


def _captions(tree: Any) -> list[str]:
    places = tree.xpath("//article//figcaption") or tree.xpath(f"//figcaption[not({NOT_HERE})]")
    return list(dict.fromkeys(text for element in places if (text := words(element))))


def _title(title: str, headings: Sequence[str], fields: Mapping[str, str]) -> str:
    """Return the headline without what the outlet hangs on it."""
    if len(headings) == 1 and len(headings[0]) >= 10 and title.startswith(headings[0]):
        return headings[0]
    outlet = fields.get("outlet", "")
    return re.sub(rf"\s+[|–—-]\s+{re.escape(outlet)}$", "", title) if outlet else title


def _blocks(element: Any) -> Iterator[str]:
    """Yield the text blocks of trafilatura's tree, in order."""
    if element.tag == "row":
        yield " | ".join(text for cell in element if (text := words(cell)))
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


def _is_link_list(text: str, tree: Any) -> bool:
    """Tell whether most of a text is the words of links, as on a front page."""
    # counting letters is cheap, and nearly every article has more of its own than all links of its page together
    if 2 * sum(map(len, tree.xpath("//a//text()", smart_strings=False))) <= len(text):
        return False
    links = {link for element in tree.iter("a") if len(link := words(element)) >= LINK_LENGTH}
    return 2 * sum(len(link) for link in links if link in text) > len(text)
