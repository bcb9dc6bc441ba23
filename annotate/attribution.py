"""Find who is speaking: source, cue and content, over the dependency parse and the quotation marks.

::

    "The bridge is gone," the governor told reporters, adding that it had been hit twice.
     └─── content ─────┘  └ source ──┘ └cue┘           └cue─┘ └───── content ───────────┘

Three passes. Clauses (:mod:`.reporting`): a reporting verb with a clause, before or after it, or around it ("The
rebels, he said, had fled"). Phrases: "according to", "in the words of". Quotations that no verb claimed
(:mod:`.quoted`). Contents nest: "the ministry said that rebels had claimed …" is two. A source that is a pronoun
stays as it is.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from .knowledge import knowledge
from .models import Block, Parse, Token
from .quoted import Surroundings, from_quotation, turns
from .ranges import around, between_marks, covers, noun_phrase, subtree, token_range
from .reporting import from_verb, verbs, with_form
from .speakers import Range, Saying, source_type, with_speakers

__all__ = ["Saying", "find_sayings"]

_REMEMBERED = 20
"""How many attributions back a quotation without a speaker looks for one."""


def find_sayings(parse: Parse, quotations: Sequence[Range]) -> list[Saying]:
    """Return the attributions of a parsed document, sorted by content.

    Args:
        parse: The document's parse; without a dependency parse only quotations can be found.
        quotations: Ranges of quotations with their marks, in order.
    """
    text = parse.document.text
    spoken = list(turns(text))
    opened = [saying.content[0] for saying in spoken]
    found: list[Saying] = []
    for block in parse.blocks:
        low, high = (bisect.bisect_left(quotations, (place, 0)) for place in (block.start, block.end))
        inside = [quote for quote in quotations[low:high] if quote[1] <= block.end]
        first = max(bisect.bisect_right(opened, block.start) - 1, 0)
        said = [saying.content for saying in spoken[first : bisect.bisect_left(opened, block.end)]]
        found += _in_block(text, block, inside, said, found[-_REMEMBERED:])
    unique = {(saying.content, saying.cue): saying for saying in reversed(spoken + found)}
    typed = (replace(saying, source_type=source_type(text, saying)) for saying in unique.values())
    return with_speakers(text, sorted(typed, key=lambda s: (s.content, s.cue or s.content)))


def _in_block(text: str, block: Block, quotes: list[Range], spoken: list[Range], before: list[Saying]) -> list[Saying]:
    found: list[Saying] = []
    for token in verbs().among(block, verbs().any):
        found += from_verb(text, block, token, quotes, spoken)
    found += _from_phrases(text, block, quotes)
    near = Surroundings(text, block, quotes)
    for quote in quotes:
        content = between_marks(text, quote)
        claimed = any(covers(saying.content, content) for saying in found)
        if content[0] < content[1] and not claimed and not any(covers(turn, content) for turn in spoken):
            saying = from_quotation(near, quote, [*before, *found[-_REMEMBERED:]])
            found += [saying] if saying is not None else []
    return found


# according to


@cache
def _phrases() -> re.Pattern[str]:
    listed = sorted(knowledge("attribution")["phrases"]["according"], key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, listed))})(?= )", re.IGNORECASE)


def _from_phrases(text: str, block: Block, quotes: list[Range]) -> Iterator[Saying]:
    matches = list(_phrases().finditer(text, block.start, block.end))
    if not matches:
        return
    starts = {block.start + token.idx: token for token in block.parsed}
    ends = {block.start + token.idx + len(token): token for token in block.parsed}
    for match in matches:
        first, last = starts.get(match.start()), ends.get(match.end())
        if first is not None and last is not None:
            yield from _from_phrase(text, block, first, last, quotes)


def _from_phrase(text: str, block: Block, first: Token, last: Token, quotes: list[Range]) -> Iterator[Saying]:
    name = next((child for node in (last, first) for child in node.children if child.dep_ == "pobj"), None)
    if name is None or name.i < last.i:
        return
    source = noun_phrase(block, name)
    cue = token_range(block, first, last)
    sentence = token_range(block, first.sent[0], first.sent[-1])
    inside = _enclosing_clause(block, first, sentence)
    skipped = noun_phrase(block, name, whole=True)
    if any(child.dep_ == "appos" for child in name.children):  # "according to X, an aid group, …"
        skipped = (source[0], max(source[1], block.start + name.right_edge.idx + len(name.right_edge)))
    for content in around(text, inside, cue, skipped):
        yield with_form(text, Saying(content, source, cue, "", "", None, "phrase"), quotes)


def _enclosing_clause(block: Block, token: Token, sentence: Range) -> Range:
    """Return the sentence, or the subordinate clause that an "according to" in its middle belongs to."""
    verb = token.head
    while verb.pos_ not in ("VERB", "AUX") and verb.head.i != verb.i:
        verb = verb.head
    if verb.dep_ in ("ccomp", "relcl", "advcl"):
        clause = subtree(block, verb)
        return clause if clause[0] <= block.start + token.idx < clause[1] else sentence
    return sentence
