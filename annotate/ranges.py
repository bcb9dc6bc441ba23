"""Cut what a parse shows into ranges of the text: noun phrases, clauses, the words between quotation marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .models import Block, Token
from .signals import coordinated_with
from .speakers import Range

__all__ = [
    "QUOTES",
    "TRAIL",
    "around",
    "between_marks",
    "clause_range",
    "covers",
    "noun_phrase",
    "subtree",
    "token_range",
]

QUOTES: Final = "\"“”„«»‘’'"
TRAIL: Final = " \t\n\N{NO-BREAK SPACE},;:–—-"
_TURNS: Final = ("but ", "and ", "while ", "although ")
_TWINS: Final = (('"', '"'), ("“", "”"), ("”", "“"), ("'", "'"), ("‘", "’"))
_LEFT_OUT: Final = frozenset({"the", "a", "an", "its", "their", "his", "her"})
_BREAKS: Final = frozenset({",", "—", "–", "(", '"', "“", ";", ":"})


def token_range(block: Block, first: Token, last: Token) -> Range:
    """Return the range from one token to another, as offsets into the document."""
    return block.start + first.idx, block.start + last.idx + len(last)


def subtree(block: Block, token: Token) -> Range:
    """Return the range of a token and everything below it."""
    return token_range(block, token.left_edge, token.right_edge)


def clause_range(block: Block, clause: Token) -> Range:
    """Return a clause without a verb at its end that belongs to the verb above it."""
    start, end = subtree(block, clause)
    for child in clause.children:
        if child.dep_ == "conj" and coordinated_with(child).i != clause.i:
            end = block.start + min(
                [child.left_edge.idx, *(c.idx for c in clause.children if c.dep_ == "cc" and c.i < child.i)]
            )
            break
    return start, end


def noun_phrase(block: Block, head: Token, *, whole: bool = False) -> Range:
    """Return a source: its noun phrase up to the first comma after its head, without determiner unless `whole`.

    "Its spokesman, Major Oren Sela, told …" is the name, where it stands in apposition to what somebody is.
    """
    last = _last_of(head)
    if head.pos_ == "NOUN" and last.i + 2 < len(head.doc) and last.nbor().text == ",":
        for child in head.children:
            if child.dep_ == "appos" and child.pos_ == "PROPN" and child.left_edge.i == last.i + 2:
                named = _last_of(child)
                return token_range(block, head.left_edge if whole else child.left_edge, named)
    first = head.left_edge
    while (
        not whole
        and first.i < head.i
        and (first.is_punct or first.dep_ in ("mark", "advmod", "cc") or first.lower_ in _LEFT_OUT)
    ):
        first = first.nbor()
    return token_range(block, first, last)


def _last_of(head: Token) -> Token:
    last = head
    for token in head.doc[head.i + 1 : head.right_edge.i + 1]:
        if token.text in _BREAKS:
            break
        last = token
    return last


def around(text: str, whole: Range, cue: Range, source: Range) -> Iterator[Range]:
    """Yield a content, in two parts where source and cue stand inside it."""
    start, end = whole
    hole = (min(cue[0], source[0]), max(cue[1], source[1]))
    if not start <= hole[0] < end:
        # source and cue at one edge only
        if start < hole[1] <= end and start <= hole[0]:
            start = hole[1]
        parts = [(start, end)]
    else:
        after = text[hole[1] : end].lstrip(TRAIL)
        # ", but …" or "; …" after "the ministry claimed" is the outlet's again
        ends = after.startswith(_TURNS) or text[hole[1] : end].lstrip(" ").startswith(";")
        parts = [(start, hole[0])] if ends else [(start, hole[0]), (hole[1], end)]
    for part in parts:
        low, high = _tidy(text, part)
        if high - low > 3 and any(character.isalnum() for character in text[low:high]):
            yield low, high


def _tidy(text: str, part: Range) -> Range:
    start, end = part
    while start < end and text[start] in TRAIL:
        start += 1
    while end > start and text[end - 1] in TRAIL + ".":
        end -= 1
    for mark, twin in _TWINS:
        # a mark whose other half lies outside would stand alone
        if end > start and text[end - 1] == mark and twin not in text[start : end - 1]:
            end -= 1
        if end > start and text[start] == mark and twin not in text[start + 1 : end]:
            start += 1
    while end > start and text[end - 1] in TRAIL:
        end -= 1
    inner = text[start:end]
    opened = inner.count('"') % 2 == 1 or inner.count("“") > inner.count("”")
    if opened and (close := re.match(r"[.,]?[\"”]", text[end : end + 2])):
        end += close.end()
    return start, end


def between_marks(text: str, quote: Range) -> Range:
    """Return a quotation without its marks, and without a comma or full stop at its end."""
    start, end = quote
    while start < end and (text[start] in QUOTES or text[start].isspace()):
        start += 1
    while end > start and (text[end - 1] in QUOTES or text[end - 1].isspace()):
        end -= 1
    if end > start and text[end - 1] in ",." and text[end - 3 : end] != "...":
        end -= 1
    return start, end


def covers(outer: Range, inner: Range) -> bool:
    """Tell whether a range holds another, give or take a mark on either side."""
    return outer[0] <= inner[0] + 1 and inner[1] <= outer[1] + 1
