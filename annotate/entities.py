"""Suggest entities: what the model sees, what the rules know, and one decision where they disagree.

::

    model ──► map labels ──► trim, retype, drop ──► names agree ──┐
    gazetteers, countries ────────────────────────────────────────┼──► resolve: a desk's own entry first, then what was
    head rules, pattern rules ──► check in parse ─────────────────┤    learnt, then the longest, then the surer origin;
    tolls, repeats, acronyms ─────────────────────────────────────┘    inside another only where `[nested]` says so

Everything that is a list of words is in ``data/``; here is only how the lists meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from copydesk.schemas import SegmentKind

from . import gazetteer, rules, tolls
from .knowledge import knowledge
from .labels import MODIFIER, by_context, judged, places_in_time, tidy, with_title, without_title
from .learnt import outside_learnt, settled, whole_names
from .mentions import OWN, Mention, agreement, joined_times, resolve, with_article
from .models import Block, Parse, Token
from .names import acronyms, consistent, repeats
from .polities import adjectives, country_table
from .roles import gpe_role
from .words import Word, words_of

__all__ = ["Conventions", "Mention", "Tokens", "find_mentions", "without_title"]


@cache
def _shipped() -> gazetteer.Gazetteer:
    return gazetteer.Gazetteer(gazetteer.shipped())


@dataclass(frozen=True, slots=True)
class Conventions:
    """What a desk and its pipeline ask of entities, beside what ships.

    Attributes:
        own: The desk's own gazetteer entries.
        labels: Label of the model → label of the scheme, before the shipped map; ``""`` drops it.
        trained: Label of the scheme → examples that the pipeline's model was trained on; empty for a base model.
        flat: Whether those had no mention inside another: then nothing is added inside what the model found.
    """

    own: gazetteer.Gazetteer | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    trained: Mapping[str, int] = field(default_factory=dict)
    flat: bool = False

    def label(self, label: str) -> str:
        """Return what a model's label is called in the scheme, ``""`` to drop it."""
        if label in self.labels:
            return self.labels[label]
        return label if label in self.trained else str(knowledge("labels")["map"].get(label, label))

    def silences(self, mention: Mention) -> bool:
        """Tell whether a rule's mention is left out, as the model saw enough of its label to know better."""
        seen = self.trained.get(mention.label, 0)
        ruled = mention.origin not in ("model", "dateline", "gazetteer", OWN)
        return ruled and seen >= int(knowledge("labels")["trained"]["enough"])


class Tokens:
    """The tokens of a parse, by the offsets of the document's text."""

    def __init__(self, parse: Parse) -> None:
        self._starts: dict[int, Token] = {}
        self._ends: dict[int, Token] = {}
        for block in parse.blocks:
            for token in block.parsed:
                start = block.start + token.idx
                self._starts[start] = token
                self._ends[start + len(token)] = token

    def last(self, end: int) -> Token | None:
        """Return the token that ends at this offset, or None."""
        return self._ends.get(end)

    def first(self, start: int) -> Token | None:
        """Return the token that starts at this offset, or None."""
        return self._starts.get(start)

    def head(self, start: int, end: int) -> Token | None:
        """Return the token of a range that the rest of it hangs from, or None."""
        # a range that cuts through a token hangs where its last whole, or begun, token does
        last = self._ends.get(end) or next(
            (self._starts[place] for place in range(end - 1, start - 1, -1) if place in self._starts), None
        )
        if last is None:
            return None
        first = self._starts.get(start)
        low = first.i if first is not None and first.doc is last.doc else last.i
        token = last
        while low <= token.head.i <= last.i and token.head.i != token.i:
            token = token.head
        return token


_PLAIN: Final = Conventions()


def find_mentions(
    parse: Parse, tokens: Tokens, *, trim: bool = True, conventions: Conventions = _PLAIN
) -> list[Mention]:
    """Return the entity mentions of a parsed document, sorted by place.

    Args:
        parse: The document's parse.
        tokens: Its tokens by offset.
        trim: Whether a leading article and a trailing ``'s`` are left outside the mention.
        conventions: The desk's own gazetteers and label names, and what its pipeline was trained on.
    """
    text = parse.document.text
    words = words_of(text)
    known = list(_from_gazetteers(words, conventions))
    known += consistent(text, list(_from_model(parse, conventions)))
    known += _countries(words, text)
    known = whole_names(text, known)
    named = resolve(text, known)
    patterns = list(rules.find_patterns(text))
    pattern = [Mention(m.start, m.end, m.rule.label, m.rule.id) for m in patterns]
    more = [*repeats(text, words, named + pattern), *acronyms(text, words, named + pattern)]
    named = resolve(text, named + [mention for mention in more if not conventions.silences(mention)])
    names = {mention.end: mention.start for mention in named if mention.label not in ("TIME", "TOLL", "POPULATION")}
    ruled = list(_from_rules(rules.find(text, words, names, patterns), tokens))
    ruled += [Mention(toll.start, toll.end, "TOLL", "toll", toll.attributes) for toll in tolls.find_tolls(text)]
    found = named + [mention for mention in ruled if not conventions.silences(mention)]
    resolved = agreement(text, joined_times(text, resolve(text, found)), known + ruled)
    if conventions.flat:
        resolved = outside_learnt(resolved)
    attributed = [_with_attributes(mention, text, tokens) for mention in resolved]
    return attributed if trim else [with_article(mention, text) for mention in attributed]


# where mentions come from


def _from_gazetteers(words: list[Word], conventions: Conventions) -> Iterator[Mention]:
    for hit in _shipped().find(words):
        yield Mention(hit.start, hit.end, hit.entry.label, "gazetteer", hit.entry.attributes)
    for hit in conventions.own.find(words) if conventions.own else ():
        yield Mention(hit.start, hit.end, hit.entry.label, OWN, hit.entry.attributes)


def _from_model(parse: Parse, conventions: Conventions) -> Iterator[Mention]:
    text = parse.document.text
    for block in parse.blocks:
        if block.kind is SegmentKind.DATELINE:
            yield from _from_dateline(text[block.start : block.end], block.start)
            continue
        for found in block.entities():
            entity, label = found.span, conventions.label(found.label)
            if not label:
                continue
            start, end = block.start + entity.start_char, block.start + entity.end_char
            if label in conventions.trained:  # it learnt where this desk's mentions begin and end
                start, end = _stripped(text, start, end)
                if start < end:
                    start, end, label = settled(text, start, end, label, block.start)
                if start < end:
                    yield Mention(start, end, label, "model", score=found.score, learnt=True)
                continue
            start, end = tidy(text, start, end)
            if start < end and (label := judged(label, text[start:end], entity)):
                label = by_context(text, start, end, label)
                if label == "PERSON":
                    start = with_title(text, start, block.start)
                    start = _with_office(block, entity, start)
                yield Mention(start, end, label, "model", score=found.score)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a range without white space at its edges, and an empty one where it crosses a line."""
    words = text[start:end]
    if "\n" in words.strip():
        return start, start
    start += len(words) - len(words.lstrip())
    return start, start + len(words.strip())


def _with_office(block: Block, entity: Any, start: int) -> int:
    """Return where a person's mention starts with the office before the name: "camp coordinator Judith Amadi"."""
    doc = block.parsed
    index = entity.start
    while block.start + doc[index].idx > start and index > 0:
        index -= 1
    while block.start + doc[index].idx < start and index < entity.end - 1:
        index += 1
    while (
        index > 0 and doc[index - 1].pos_ == "NOUN" and doc[index - 1].dep_ == "compound" and doc[index - 1].whitespace_
    ):
        index -= 1
    return min(start, block.start + int(doc[index].idx))


def _from_dateline(line: str, start: int) -> Iterator[Mention]:
    """Yield the places before a dateline's bracket or dash, and the outlet inside its brackets."""
    for match in re.finditer(r"\((?P<outlet>[^()]+)\)|(?P<place>(?:\d{1,2} )?[A-Z][\w’'. -]*\w)", line):
        kind = match.lastgroup or "place"
        low, high = match.span(kind)
        words = line[low:high].strip(" -")
        if kind == "outlet":
            yield Mention(start + low, start + high, "ORG", "dateline", {"org_class": "media"})
        elif places_in_time(words):
            yield Mention(start + low, start + high, "TIME", "dateline")
        else:
            yield Mention(start + low, start + low + len(words), "GPE", "dateline")


@cache
def _homonyms() -> frozenset[str]:
    return frozenset(knowledge("polities")["homonyms"])


def _countries(words: list[Word], text: str) -> Iterator[Mention]:
    for first, last, _ in country_table().find(words):
        start, end = words[first].start, words[last - 1].end
        # a name before a hyphen is part of a modifier; some names begin a sentence as another word
        if text[end : end + 1] == "-" or (text[start:end] in _homonyms() and _begins(text, start)):
            continue
        yield Mention(start, end, "GPE", "country")


def _begins(text: str, start: int) -> bool:
    before = text[max(0, start - 2) : start].strip(" \"“‘'(")
    return before in ("", ".", "!", "?", ":") or before.endswith("\n")


def _from_rules(matches: Iterable[rules.Match], tokens: Tokens) -> Iterator[Mention]:
    for match in matches:
        if match.rule.whole and _modifies(tokens.last(match.end)):
            continue
        yield Mention(match.start, match.end, match.rule.label, match.rule.id, match.rule.attributes)


def _modifies(token: Token | None) -> bool:
    """Tell whether a mention's last token only modifies a noun after it, or stands before a hyphen."""
    if token is None:
        return False
    if token.i + 1 < len(token.doc) and not token.whitespace_:
        if token.nbor().text in "-–":
            return True
        if token.nbor().text in ("'", "’", "'s", "’s"):
            return False
    return token.dep_ in MODIFIER and token.head.i > token.i


# what their words say of them


def _with_attributes(mention: Mention, text: str, tokens: Tokens) -> Mention:
    """Return the mention with the attributes that its words show."""
    attributes = dict(mention.attributes)
    words = text[mention.start : mention.end]
    if mention.label == "ARMED_ACTOR" and mention.origin not in ("gazetteer", OWN):
        value = rules.actor_class(words) or _class_of_name(words) or _class_of_nation(words)
        if value:
            attributes["actor_class"] = value
    elif mention.label == "ORG" and "org_class" not in attributes and (value := rules.org_class(words)):
        attributes["org_class"] = value
    elif mention.label == "FACILITY" and "protected" not in attributes:
        for kind, names in knowledge("labels")["protected"].items():
            if set(names) & set(words.split()):
                attributes["protected"] = kind
                break
    elif mention.label == "GPE" and "gpe_role" not in attributes:
        attributes["gpe_role"] = gpe_role(tokens.head(mention.start, mention.end), words)
        if words in knowledge("polities")["partially_recognised"]:
            attributes["partially_recognised"] = "true"
    return replace(mention, attributes=attributes)


def _class_of_name(words: str) -> str:
    """Return the class of the named actor that a mention such as "Hamas fighters" begins with."""
    return next((actor.actor_class for _, _, actor in gazetteer.find_actors(words_of(words))), "")


def _class_of_nation(words: str) -> str:
    """Return ``state_military`` for the forces or troops of a nation, and of nobody else's."""
    parts = words.split()
    nation = parts[0] in adjectives()
    return "state_military" if nation and parts[-1] in ("forces", "troops", "warplanes") and len(parts) == 2 else ""
