"""Find who speaks the quotations that no reporting clause claimed, and who speaks in a transcript.

In this order: "what he called “…”"; a quoting verb beside the marks ("…," Bazil laughs; as one adviser put it); a name
before a colon; the speaker of the sentence or quotation before it in the same paragraph; the speaker of the
paragraph before, where the whole paragraph is a quotation. One or two quoted words are a name or distance.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from .knowledge import knowledge
from .models import Block, Token
from .ranges import QUOTES, TRAIL, between_marks, noun_phrase, token_range
from .reporting import subject_of, verbs
from .speakers import Range, Saying

__all__ = ["Surroundings", "from_quotation", "turns"]

_SCARE: Final = 3
"""Quotations of at most so many words that no verb claims are names or distance, not speech."""
_FAR: Final = 120
_WHAT: Final = re.compile(r"\bwhat (?:[^\s.,;]+ ){1,6}$")
_TURN: Final = re.compile(r"([A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*){0,4})((?:, [^:\n]{1,50})?): (?=\S)")
_FEWEST_TURNS: Final = 3


class Surroundings:
    """The quoting verbs of a block, looked up by where they stand."""

    def __init__(self, text: str, block: Block, quotes: Sequence[Range]) -> None:
        self.text = text
        self.block = block
        self._quotes = quotes

    @cached_property
    def _speaking(self) -> tuple[list[int], list[Token]]:
        found = []
        for token in verbs().among(self.block, verbs().beside):
            start = self.block.start + token.idx
            place = bisect.bisect_right(self._quotes, (start, len(self.text))) - 1
            inside = place >= 0 and self._quotes[place][0] <= start < self._quotes[place][1]
            if not inside and subject_of(token) is not None:
                found.append((start, token))
        return [start for start, _ in found], [token for _, token in found]

    def verb_beside(self, quote: Range) -> Token | None:
        """Return the quoting verb next to a quotation: after its end, or before it and a comma or colon."""
        text, best = self.text, None
        starts, tokens = self._speaking
        low, high = bisect.bisect_left(starts, quote[0] - _FAR - 40), bisect.bisect_left(starts, quote[1] + _FAR)
        for start, token in zip(starts[low:high], tokens[low:high], strict=True):
            after = start >= quote[1]
            gap = text[quote[1] : start] if after else text[start + len(token) : quote[0]]
            closed = any(mark in gap for mark in ".!?\n") or (after and text[quote[1] - 2 : quote[1] - 1] == ".")
            fits = token.lemma_ not in verbs().manner or (after and self._tells(token, quote))
            if not closed and fits and len(gap) < _FAR and (best is None or len(gap) < best[0]):
                best = (len(gap), token)
        return best[1] if best else None

    def _tells(self, token: Token, quote: Range) -> bool:
        """Tell whether a verb of manner speaks: "…," he laughs; "…", as one adviser put it."""
        if token.lemma_ == "put":
            return token.i + 1 < len(token.doc) and str(token.nbor().lower_) == "it"
        return self.text[quote[1] - 2 : quote[1] - 1] in (",", "?", "!") or self.text[quote[1] : quote[1] + 1] == ","

    def who_called(self, quote: Range) -> tuple[Range, Range] | None:
        """Return source and cue of "what the army called “…”"."""
        lead = self.text[max(self.block.start, quote[0] - 80) : quote[0]]
        if not _WHAT.search(lead):
            return None
        token = self._last_before(quote[0])
        token = token.head if token is not None and token.lower_ == "as" else token
        if token is None or token.pos_ != "VERB" or (subject := subject_of(token)) is None:
            return None
        return noun_phrase(self.block, subject), token_range(self.block, token, token)

    def before_colon(self, quote: Range) -> Range | None:
        """Return the noun phrase that opens a sentence without a verb before a quotation: "Carl Undset, in a post: “…”"."""
        lead = self.text[self.block.start : quote[0]].rstrip()
        token = self._last_before(self.block.start + len(lead))
        if not lead.endswith(":") or token is None:
            return None
        first = token
        while first.i > 0 and not (first.nbor(-1).is_punct and first.nbor(-1).text in ".!?") and first.i > token.i - 20:
            first = first.nbor(-1)
        if any(t.pos_ in ("VERB", "AUX") for t in first.doc[first.i : token.i]):
            return None
        last = None
        for word in first.doc[first.i : token.i + 1]:
            if word.pos_ not in ("PROPN", "NOUN", "DET", "ADJ"):
                break
            last = word
        first = first.nbor() if last is not None and last.i > first.i and first.pos_ == "DET" else first
        return token_range(self.block, first, last) if last is not None and last.pos_ in ("PROPN", "NOUN") else None

    def _last_before(self, place: int) -> Token | None:
        tokens = self.block.parsed
        low, high = 0, len(tokens)
        while low < high:
            middle = (low + high) // 2
            if self.block.start + tokens[middle].idx < place:
                low = middle + 1
            else:
                high = middle
        low -= 1
        while low >= 0 and tokens[low].text in QUOTES:
            low -= 1
        return tokens[low] if low >= 0 else None


def from_quotation(near: Surroundings, quote: Range, before: Sequence[Saying]) -> Saying | None:
    """Return who speaks a quotation that no clause claimed; None where it is no speech.

    Args:
        near: The block that the quotation stands in.
        quote: Its range with its marks.
        before: The attributions before it, in the order in which they were found.
    """
    text, block = near.text, near.block
    content = between_marks(text, quote)
    if (called := near.who_called(quote)) is not None:
        return Saying(content, called[0], called[1], "direct", "", None, "beside")
    lead = text[max(block.start, quote[0] - 24) : quote[0]].rstrip().lower()
    if lead.endswith(tuple(knowledge("attribution")["phrases"]["naming"])):
        return None
    beside = near.verb_beside(quote)
    if beside is not None:
        subject = subject_of(beside)
        source = noun_phrase(block, subject) if subject is not None else None
        return Saying(content, source, token_range(block, beside, beside), "direct", "", None, "beside")
    if (name := near.before_colon(quote)) is not None:
        return Saying(content, name, None, "direct", "", None, "beside")
    words = len(text[slice(*content)].split())
    carried = _carried(text, block, quote, before)
    if words <= _SCARE and not (carried and _sentence(text, quote)):
        return None
    if carried is None:
        return Saying(content, None, None, "direct", "", None, "quoted") if words > 2 * _SCARE else None
    return Saying(content, carried, None, "direct", "", None, "carried")


def _sentence(text: str, quote: Range) -> bool:
    """Tell whether a quotation is a sentence of its own: "Why should I?"."""
    inner = text[quote[0] : quote[1]].strip(QUOTES)
    return inner[:1].isupper() and inner[-1:] in (".", "?", "!")


def _carried(text: str, block: Block, quote: Range, before: Sequence[Saying]) -> Range | None:
    """Return the source of what was said right before a quotation."""
    past = [s for s in before if s.source and s.content[1] <= quote[0]]
    direct = max((s for s in past if s.form == "direct"), key=lambda s: s.content, default=None)
    if direct is not None and direct.content[0] >= block.start:
        return direct.source
    for saying in sorted(past, key=lambda s: (-_end(s), s.content[0])):
        # the sentence before, whoever is quoted inside it: 'He said the road was open. "We drove on it."'
        between = text[_end(saying) : quote[0]].strip(TRAIL + QUOTES)
        if (
            saying.content[0] >= block.start
            and between == "."
            and text[quote[0] : quote[0] + 2].strip(QUOTES).isupper()
        ):
            return saying.source
        break
    if direct is None:
        return None
    rest = text[block.start : quote[0]] + text[quote[1] : block.end]
    near = text.count("\n\n", direct.content[1], quote[0]) <= 1
    return direct.source if near and not rest.strip(TRAIL + QUOTES + ".") else None


def _end(saying: Saying) -> int:
    return max(place[1] for place in (saying.content, saying.source, saying.cue) if place)


def turns(text: str) -> Iterator[Saying]:
    """Yield the turns of a transcript: paragraphs that a speaker's name and a colon open.

    A text is a transcript where at least three paragraphs open so, one speaker at least twice.
    """
    data = knowledge("attribution")["turns"]
    found: list[tuple[int, int, int, str]] = []
    start = 0
    for paragraph in text.split("\n\n"):
        match = _TURN.match(paragraph)
        if match and match.group(1) not in data["never"]:
            inner = match.end() + len(paragraph[match.end() :]) - len(paragraph[match.end() :].lstrip(QUOTES))
            end = start + len(paragraph.rstrip(QUOTES + "., \n"))
            if start + inner < end:
                found.append((start, start + inner, end, match.group(1)))
        start += len(paragraph) + 2
    names = Counter(name for *_, name in found)
    found = [turn for turn in found if names[turn[3]] > 1 or turn[3].isupper()]
    if len(found) < _FEWEST_TURNS or len(names) == 1 or max(names.values()) == 1:
        return
    for start, inner, end, name in found:
        source = None if name in data["nameless"] else (start, start + len(name))
        yield Saying((inner, end), source, None, "direct", "", None, "turn")
