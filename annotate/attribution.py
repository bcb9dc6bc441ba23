"""Find who is speaking: source, cue and content, over the dependency parse and the quotation marks.

::

    "The bridge is gone," the governor told reporters, adding that it had been hit twice.
     └─── content ─────┘  └ source ──┘ └cue┘           └cue─┘ └───── content ───────────┘

Three passes. Clauses: a reporting verb with a clause, before or after it, or around it ("The rebels, he
said, had fled"). Phrases: "according to". Quotations that no verb claimed: a quoting verb beside them in
the sentence, else the speaker of the quotation before them in the same paragraph, else, where the whole
paragraph is a quotation, the speaker of the paragraph before. A source that is a pronoun stays as it is.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from .knowledge import knowledge
from .models import Block, Parse, Token
from .signals import coordinated_with
from .speakers import Range, Saying, source_type, with_speakers

__all__ = ["Saying", "find_sayings"]

_SUBJECT = frozenset({"nsubj", "nsubjpass", "csubj"})
_QUOTES = "\"“”„«»‘’'"
_TRAIL = " \t\n\N{NO-BREAK SPACE},;:–—-"
_SCARE = 3
"""Quotations of at most so many words that no verb claims are names or distance, not speech."""


_REMEMBERED = 20
"""How many attributions back a quotation without a speaker looks for one."""


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(words) for name, words in knowledge("attribution")["verbs"].items()}


def find_sayings(parse: Parse, quotations: Sequence[Range]) -> list[Saying]:
    """Return the attributions of a parsed document, sorted by content.

    Args:
        parse: The document's parse; without a dependency parse only quotations can be found.
        quotations: Ranges of quotations with their marks, in order.
    """
    text = parse.document.text
    found: list[Saying] = []
    for block in parse.blocks:
        end = block.start + len(block.parsed.text)
        low, high = (bisect.bisect_left(quotations, (place, 0)) for place in (block.start, end))
        inside = [quote for quote in quotations[low:high] if quote[1] <= end]
        found += _in_block(text, block, inside, found[-_REMEMBERED:])
    unique = {(saying.content, saying.cue): saying for saying in reversed(found)}
    typed = (replace(saying, source_type=source_type(text, saying)) for saying in unique.values())
    return with_speakers(text, sorted(typed, key=lambda s: (s.content, s.cue or s.content)))


def _in_block(text: str, block: Block, quotes: list[Range], before: list[Saying]) -> list[Saying]:
    found: list[Saying] = []
    for token in block.parsed:
        if token.lemma_ in _lists()["clause"] and token.pos_ in ("VERB", "AUX"):
            found += _from_verb(text, block, token, quotes)
        elif token.lower_ == "according" and token.i + 1 < len(block.parsed) and token.nbor().lower_ == "to":
            found += _from_according(text, block, token, quotes)
    for quote in quotes:
        content = _inside(text, quote)
        if content[0] < content[1] and not any(_covers(saying.content, content) for saying in found):
            found += _from_quotation(text, block, quote, quotes, [*before, *found])
    return found


# a reporting verb with its clause


def _from_verb(text: str, block: Block, verb: Token, quotes: list[Range]) -> Iterator[Saying]:
    lists = _lists()
    subject = _subject_of(verb)
    if subject is None or _passive_hearsay(verb):
        return
    if any(child.dep_ == "det" and child.lower_ == "no" for child in subject.children):
        return
    if verb.lemma_ in lists["belief"] and _in_quotes(block, verb, quotes):
        return
    if verb.lemma_ in lists["belief"] and subject.lower_ in ("i", "we", "you", "it", "that", "this", "which"):
        return
    source = _noun_phrase(block, subject)
    cue = _range(block, verb, verb)
    for content in _contents(text, block, verb, cue, _noun_phrase(block, subject, whole=True)):
        yield _saying(text, content, source, cue, quotes, "clause")


def _in_quotes(block: Block, verb: Token, quotes: list[Range]) -> bool:
    """Tell whether a verb stands inside a quotation: what its speaker knows or thinks is not reported once more."""
    return any(low <= block.start + verb.idx < high for low, high in quotes)


def _contents(text: str, block: Block, verb: Token, cue: Range, source: Range) -> Iterator[Range]:
    """Yield what a verb reports: its clause, its object, or the sentence around it."""
    lists = _lists()
    if verb.lemma_ in lists["about"]:
        about = [
            child
            for child in verb.children
            if child.dep_ in ("dobj", "prep", "oprd", "xcomp", "ccomp", "dative") and child.i > verb.i
        ]
        whole = len(about) > 1 or any(
            grand.dep_ == "prep" and grand.lower_ == "as" for child in about for grand in child.children
        )
        if whole and about[0].dep_ in ("dobj", "ccomp", "dative"):
            yield from _around(text, _range(block, about[0].left_edge, about[-1].right_edge), cue, source)
        return
    clauses = [child for child in verb.children if _is_clause(verb, child)] or list(_clause_of_a_statement(verb))
    for clause in clauses:
        yield from _around(text, _clause_range(block, clause), cue, source)
    if clauses:
        return
    if any(child.dep_ == "neg" for child in verb.children):
        return
    if (
        verb.dep_ in ("parataxis", "ccomp", "advcl")
        and verb.head.i != verb.i
        and verb.head.pos_ in ("VERB", "AUX")
        and _parenthetical(text, source, cue)
    ):
        yield from _around(text, _range(block, verb.sent[0], verb.sent[-1]), cue, source)
    elif verb.lemma_ in lists["noun"]:
        for child in verb.children:
            if (
                child.dep_ == "dobj"
                and child.pos_ in ("NOUN", "PROPN")
                and child.i > verb.i
                and child.lower_ != "responsibility"
            ):
                yield from _around(text, _subtree(block, child), cue, source)


def _is_clause(verb: Token, child: Token) -> bool:
    if child.dep_ == "ccomp":
        # "reported clashes" is sometimes parsed as a clause without any verb
        return child.pos_ in ("VERB", "AUX") or any(
            grand.dep_ in _SUBJECT or grand.dep_ == "cop" for grand in child.children
        )
    if child.dep_ == "xcomp" and child.i > verb.i:
        return verb.lemma_ in _lists()["infinitive"] and child.pos_ in ("VERB", "AUX")
    return False


def _clause_of_a_statement(verb: Token) -> Iterator[Token]:
    """Yield the that-clause of "said in a statement that …", which parsers hang from the statement."""
    for preposition in verb.children:
        for noun in preposition.children if preposition.dep_ == "prep" else ():
            for clause in noun.children if noun.dep_ == "pobj" else ():
                if clause.dep_ in ("acl", "relcl", "ccomp") and any(
                    child.lower_ == "that" and child.dep_ == "mark" for child in clause.children
                ):
                    yield clause


def _parenthetical(text: str, source: Range, cue: Range) -> bool:
    """Tell whether a "…, he said, …" stands between commas or at the end."""
    start, end = min(source[0], cue[0]), max(source[1], cue[1])
    left = text[max(0, start - 3) : start].rstrip(" ")
    right = text[end : end + 2].lstrip(" ")
    return left.endswith((",", "—", "–", "”", '"')) and (not right or right[0] in ',.—–;:\n“"')


def _around(text: str, whole: Range, cue: Range, source: Range) -> Iterator[Range]:
    """Yield a content, in two parts where source and cue stand inside it."""
    start, end = whole
    hole = (min(cue[0], source[0]), max(cue[1], source[1]))
    if not start <= hole[0] < end:
        # source and cue at one edge only
        if start < hole[1] <= end and start <= hole[0]:
            start = hole[1]
        parts = [(start, end)]
    else:
        after = text[hole[1] : end].lstrip(_TRAIL)
        # ", but …" after "the ministry claimed" is the outlet's again
        parts = (
            [(start, hole[0])]
            if after.startswith(("but ", "and ", "while ", "although "))
            else [(start, hole[0]), (hole[1], end)]
        )
    for part in parts:
        tidy = _tidy(text, part)
        if tidy[1] - tidy[0] > 3 and any(character.isalnum() for character in text[slice(*tidy)]):
            yield tidy


def _subject_of(verb: Token) -> Token | None:
    """Return the speaker of a reporting verb: its subject, its agent, or that of the verb it hangs from."""
    for _ in range(3):
        children = list(verb.children)
        for child in children:
            if child.dep_ == "agent":
                return next((grand for grand in child.children if grand.dep_ == "pobj"), None)
        for child in children:
            if child.dep_ == "nsubj" and child.pos_ in ("NOUN", "PROPN", "PRON", "NUM", "ADJ"):
                return None if child.lower_ in ("there", "that", "which", "what") else child
        if verb.dep_ in ("relcl", "acl"):
            return verb.head if verb.head.pos_ in ("NOUN", "PROPN") and verb.tag_ != "VBN" else None
        if verb.dep_ in ("conj", "advcl", "xcomp") and verb.head.i != verb.i:
            above = coordinated_with(verb)
            if verb.dep_ == "advcl" and above.dep_ == "ccomp" and above.head.lemma_ in _lists()["clause"]:
                above = above.head  # "denied that the town had fallen, calling the report a lie"
            verb = above
            continue
        return None
    return None


def _passive_hearsay(verb: Token) -> bool:
    # "are said to have taken control": nobody is named who says so
    return any(child.dep_ in ("nsubjpass", "auxpass") for child in verb.children) and not any(
        child.dep_ == "agent" for child in verb.children
    )


# according to


def _from_according(text: str, block: Block, token: Token, quotes: list[Range]) -> Iterator[Saying]:
    to = token.nbor()
    name = next((child for node in (to, token) for child in node.children if child.dep_ == "pobj"), None)
    if name is None:
        return
    source = _noun_phrase(block, name)
    cue = _range(block, token, to)
    sentence = _range(block, token.sent[0], token.sent[-1])
    inside = _enclosing_clause(block, token, sentence)
    skipped = _noun_phrase(block, name, whole=True)
    if any(child.dep_ == "appos" for child in name.children):  # "according to X, an aid group, …"
        skipped = (source[0], max(source[1], block.start + name.right_edge.idx + len(name.right_edge)))
    for content in _around(text, inside, cue, skipped):
        yield _saying(text, content, source, cue, quotes, "phrase")


def _enclosing_clause(block: Block, token: Token, sentence: Range) -> Range:
    """Return the sentence, or the subordinate clause that an "according to" in its middle belongs to."""
    verb = token.head
    while verb.pos_ not in ("VERB", "AUX") and verb.head.i != verb.i:
        verb = verb.head
    if verb.dep_ in ("ccomp", "relcl", "advcl"):
        clause = _subtree(block, verb)
        return clause if clause[0] <= block.start + token.idx < clause[1] else sentence
    return sentence


# quotations that no clause claimed


def _from_quotation(text: str, block: Block, quote: Range, quotes: list[Range], before: list[Saying]) -> list[Saying]:
    content = _inside(text, quote)
    lead = text[max(block.start, quote[0] - 24) : quote[0]].rstrip().lower()
    if any(lead.endswith(word) for word in knowledge("attribution")["phrases"]["naming"]):
        return []
    beside = _verb_beside(text, block, quote, quotes)
    if beside is not None:
        subject = _subject_of(beside)
        source = _noun_phrase(block, subject) if subject is not None else None
        return [Saying(content, source, _range(block, beside, beside), "direct", "", None, "beside")]
    length = len(text[slice(*content)].split())
    if length <= _SCARE:
        return []
    carried = _carried(text, block, quote, before)
    if carried is None and length <= 2 * _SCARE:
        return []
    return [
        Saying(
            content, carried.source if carried else None, None, "direct", "", None, "carried" if carried else "quoted"
        )
    ]


def _verb_beside(text: str, block: Block, quote: Range, quotes: list[Range]) -> Token | None:
    """Return the quoting verb next to a quotation: after its end, or before it and a comma or colon."""
    best: tuple[int, Token] | None = None
    for token in block.parsed:
        start = block.start + token.idx
        if token.lemma_ not in _lists()["quoting"] or token.pos_ not in ("VERB", "AUX"):
            continue
        if any(low <= start < high for low, high in quotes) or _subject_of(token) is None:
            continue
        gap = text[quote[1] : start] if start >= quote[1] else text[start + len(token) : quote[0]]
        closed = any(mark in gap for mark in ".!?\n") or (
            start >= quote[1] and text[quote[1] - 2 : quote[1] - 1] == "."
        )
        if not closed and len(gap) < 120 and (best is None or len(gap) < best[0]):
            best = (len(gap), token)
    return best[1] if best else None


def _carried(text: str, block: Block, quote: Range, before: list[Saying]) -> Saying | None:
    direct = [
        saying for saying in before if saying.form == "direct" and saying.source and saying.content[1] <= quote[0]
    ]
    if not direct:
        return None
    last = max(direct, key=lambda saying: saying.content)
    if last.content[0] >= block.start:
        return last
    rest = text[block.start : quote[0]] + text[quote[1] : block.start + len(block.parsed.text)]
    near = text.count("\n\n", last.content[1], quote[0]) <= 1
    return last if near and not rest.strip(_TRAIL + _QUOTES + ".") else None


# ranges


def _saying(text: str, content: Range, source: Range, cue: Range, quotes: list[Range], sure: str) -> Saying:
    quoted = [(low, high) for low, high in quotes if low < content[1] and content[0] < high]
    form = "indirect"
    for low, high in quoted:
        if low <= content[0] + 1 and content[1] <= high + 1:
            content, form = _inside(text, (low, high)) if low >= content[0] - 1 else content, "direct"
        elif form == "indirect":
            form = "mixed"
    return Saying(content, source, cue, form, "", None, sure)


def _inside(text: str, quote: Range) -> Range:
    start, end = quote
    while start < end and (text[start] in _QUOTES or text[start].isspace()):
        start += 1
    while end > start and (text[end - 1] in _QUOTES or text[end - 1].isspace()):
        end -= 1
    if end > start and text[end - 1] in ",." and text[end - 3 : end] != "...":
        end -= 1
    return start, end


def _tidy(text: str, part: Range) -> Range:
    start, end = part
    while start < end and text[start] in _TRAIL:
        start += 1
    while end > start and text[end - 1] in _TRAIL + ".":
        end -= 1
    for mark, twin in (('"', '"'), ("“", "”"), ("”", "“"), ("'", "'"), ("‘", "’")):
        # a mark whose other half lies outside would stand alone
        if end > start and text[end - 1] == mark and twin not in text[start : end - 1]:
            end -= 1
        if end > start and text[start] == mark and twin not in text[start + 1 : end]:
            start += 1
    while end > start and text[end - 1] in _TRAIL:
        end -= 1
    inner = text[start:end]
    opened = inner.count('"') % 2 == 1 or inner.count("“") > inner.count("”")
    if opened and (close := re.match(r"[.,]?[\"”]", text[end : end + 2])):
        end += close.end()
    return start, end


def _covers(outer: Range, inner: Range) -> bool:
    return outer[0] <= inner[0] + 1 and inner[1] <= outer[1] + 1


def _range(block: Block, first: Token, last: Token) -> Range:
    return block.start + first.idx, block.start + last.idx + len(last)


def _subtree(block: Block, token: Token) -> Range:
    return _range(block, token.left_edge, token.right_edge)


def _clause_range(block: Block, clause: Token) -> Range:
    """Return a clause without a verb at its end that belongs to the verb above it."""
    start, end = _subtree(block, clause)
    for child in clause.children:
        if child.dep_ == "conj" and coordinated_with(child).i != clause.i:
            end = block.start + min(
                [child.left_edge.idx, *(c.idx for c in clause.children if c.dep_ == "cc" and c.i < child.i)]
            )
            break
    return start, end


def _noun_phrase(block: Block, head: Token, *, whole: bool = False) -> Range:
    """Return a source: its noun phrase up to the first comma after its head, without determiner unless `whole`."""
    first, last = head.left_edge, head
    for token in head.doc[head.i + 1 : head.right_edge.i + 1]:
        if token.text in (",", "—", "–", "(", '"', "“", ";", ":"):
            break
        last = token
    while (
        not whole
        and first.i < head.i
        and (
            first.is_punct
            or first.dep_ in ("mark", "advmod", "cc")
            or first.lower_ in ("the", "a", "an", "its", "their", "his", "her")
        )
    ):
        first = first.nbor()
    return _range(block, first, last)
