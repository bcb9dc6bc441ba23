"""Suggest entities: what the model sees, what the rules know, and one decision where they disagree.

::

    model ──► map labels ──► trim, retype, drop ──┐
    gazetteer of armed actors ────────────────────┼──► resolve: the longest wins, then the surer origin;
    head rules, pattern rules ──► check in parse ─┤            inside another only where `[nested]` says so
    tolls ────────────────────────────────────────┘

Everything that is a list of words is in ``data/``; here is only how the lists meet.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from copydesk.schemas import SegmentKind

from . import gazetteer, rules, tolls
from .knowledge import knowledge
from .labels import MODIFIER, by_context, judged, places_in_time, tidy, with_title, without_title
from .models import Block, Parse, Token
from .roles import gpe_role
from .words import Phrases, Word, words_of

__all__ = ["Mention", "Tokens", "find_mentions", "without_title"]

# of two mentions of equal length the one with the higher rank stays; of overlapping ones too
_RANK: Final = {"gazetteer": 4, "toll": 5, "model": 2, "country": 1, "repeat": 0}
_RULE_RANK: Final = 3
# names that no training text had are called people or organisations in one place and polities in another
_MISTAKEN: Final = frozenset({"PERSON", "ORG", "LOCATION"})
_PLACED: Final = re.compile(r"\b(?:[Ii]n|[Nn]ear|[Oo]utside|[Ii]nside|(?:north|south|east|west) of) $")
_REPEATED: Final = frozenset({"PERSON", "ORG", "GPE", "ARMED_ACTOR", "LOCATION"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A found entity before it gets an id.

    Attributes:
        origin: ``model``, or the id of the rule, or ``gazetteer``, ``toll``, ``country``, ``repeat``.
    """

    start: int
    end: int
    label: str
    origin: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """How much this origin's word counts against another's."""
        return _RANK.get(self.origin, _RULE_RANK)


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


def find_mentions(parse: Parse, tokens: Tokens, *, trim: bool = True) -> list[Mention]:
    """Return the entity mentions of a parsed document, sorted by place.

    Args:
        parse: The document's parse.
        tokens: Its tokens by offset.
        trim: Whether a leading article and a trailing ``'s`` are left outside the mention.
    """
    text = parse.document.text
    words = words_of(text)
    named = list(_from_gazetteer(words))
    named += _consistent(text, list(_from_model(parse)))
    named += _countries(words, text)
    named = _resolve(text, named)
    pattern = [Mention(m.start, m.end, m.rule.label, m.rule.id) for m in rules.find_patterns(text)]
    named = _resolve(text, named + list(_repeats(text, words, named + pattern)))
    names = {mention.end: mention.start for mention in named if mention.label not in ("TIME", "TOLL", "POPULATION")}
    found = named + list(_from_rules(text, words, names, tokens))
    found += [Mention(toll.start, toll.end, "TOLL", "toll", toll.attributes) for toll in tolls.find_tolls(text)]
    resolved = _joined_times(text, _resolve(text, found))
    attributed = [_with_attributes(mention, text, tokens) for mention in resolved]
    return attributed if trim else [_with_article(mention, text) for mention in attributed]


# where mentions come from


def _from_gazetteer(words: list[Word]) -> Iterator[Mention]:
    for start, end, actor in gazetteer.find_actors(words):
        attributes = {"actor_class": actor.actor_class} if actor.actor_class else {}
        yield Mention(start, end, "ARMED_ACTOR", "gazetteer", attributes)


def _from_model(parse: Parse) -> Iterator[Mention]:
    labels = knowledge("labels")["map"]
    for block in parse.blocks:
        if block.kind is SegmentKind.DATELINE:
            yield from _from_dateline(block.parsed.text, block.start)
            continue
        for entity in block.parsed.ents:
            label = labels.get(entity.label_, entity.label_)
            if not label:
                continue
            start, end = tidy(parse.document.text, block.start + entity.start_char, block.start + entity.end_char)
            if start < end and (label := judged(label, parse.document.text[start:end], entity)):
                label = by_context(parse.document.text, start, end, label)
                if label == "PERSON":
                    start = with_title(parse.document.text, start, block.start)
                    start = _with_office(block, entity, start)
                yield Mention(start, end, label, "model")


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


def _consistent(text: str, mentions: list[Mention]) -> list[Mention]:
    """Return a model's mentions with one label per name: the one it gave most often in this document."""
    votes: dict[str, Counter[str]] = {}
    for mention in mentions:
        if mention.label != "TIME":
            # a dateline is always a place: its vote counts for all the others
            name = text[mention.start : mention.end]
            ballot = votes.setdefault(name.casefold(), Counter())
            ballot[mention.label] += 100 if mention.origin == "dateline" else 1
            if mention.label in _MISTAKEN and " " not in name and not name.isupper():
                ballot["GPE"] += 2 * bool(_PLACED.search(text, max(0, mention.start - 20), mention.start))
    return [
        replace(mention, label=votes[name].most_common(1)[0][0])
        if (name := text[mention.start : mention.end].casefold()) in votes and mention.label != "TIME"
        else mention
        for mention in mentions
    ]


def _repeats(text: str, words: list[Word], named: list[Mention]) -> Iterator[Mention]:
    """Yield the other places of the names that the model found twice: it misses about one repeat in five."""
    seen = Counter((text[m.start : m.end], m.label) for m in named if m.label in _REPEATED and m.end - m.start > 2)
    labels = {name: label for (name, label), times in seen.items() if times > 1}
    short = set(knowledge("labels")["short_names"]["words"])
    for name, label in {text[m.start : m.end]: m.label for m in named if m.label in ("ARMED_ACTOR", "ORG")}.items():
        if " " in name and (head := name.rsplit(" ", 1)[-1]) in short:
            labels.setdefault(head, label)
    known = {(m.start, m.end) for m in named}
    for first, last, label in Phrases(labels.items(), lower=False).find(words) if labels else ():
        start, end = words[first].start, words[last - 1].end
        if (start, end) not in known and text[end : end + 1] not in ("-", "–"):
            yield Mention(start, end, label, "repeat")


@cache
def _country_table() -> Phrases[None]:
    data = knowledge("polities")
    lists = ("countries", "partially_recognised", "places")
    return Phrases([(name, None) for key in lists for name in data[key]], lower=False)


def _countries(words: list[Word], text: str) -> Iterator[Mention]:
    for first, last, _ in _country_table().find(words):
        # "US" in a headline of capitals is the pronoun as often as not: the model decides alone
        if text[words[last - 1].end : words[last - 1].end + 1] != "-":
            yield Mention(words[first].start, words[last - 1].end, "GPE", "country")


def _from_rules(text: str, words: list[Word], names: Mapping[int, int], tokens: Tokens) -> Iterator[Mention]:
    for match in rules.find(text, words, names):
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


# which mentions stay


def _resolve(text: str, mentions: Iterable[Mention]) -> list[Mention]:
    """Return the mentions that stay: longest first, then by rank, nested ones where the data allows."""
    ordered = sorted(mentions, key=lambda m: (-(m.end - m.start), -m.rank, m.start, m.label, m.origin))
    kept: list[Mention] = []
    starts: dict[int, list[Mention]] = {}
    for mention in ordered:
        # buckets of 64 code points keep this linear: a mention is compared with its neighbours only
        buckets = range(mention.start >> 6, (mention.end >> 6) + 1)
        rivals = {other for bucket in buckets for other in map(_identity, starts.get(bucket, ()))}
        if all(_compatible(text, other.mention, mention) for other in rivals):
            kept.append(mention)
            for bucket in buckets:
                starts.setdefault(bucket, []).append(mention)
    return sorted(kept, key=lambda m: (m.start, -m.end, m.label))


@dataclass(frozen=True, slots=True, eq=False)
class _Identity:
    mention: Mention


def _identity(mention: Mention) -> _Identity:
    return _Identity(mention)


def _compatible(text: str, outer: Mention, inner: Mention) -> bool:
    if inner.end <= outer.start or outer.end <= inner.start:
        return True
    if not (outer.start <= inner.start and inner.end <= outer.end) or (outer.start, outer.end) == (
        inner.start,
        inner.end,
    ):
        return False
    data = knowledge("labels")["nested"]
    if outer.label == "TOLL" and inner.label == "ARMED_ACTOR":
        return any(character.isupper() for character in text[inner.start : inner.end])
    if outer.label not in data.get(inner.label, ()):
        return False
    before = text[outer.start : inner.start].split()
    while before and before[-1].lower() in ("the", "a", "an"):
        before.pop()
    return bool(before) and before[-1].lower() in data["after"]


def _joined_times(text: str, mentions: list[Mention]) -> list[Mention]:
    """Return the mentions with times side by side made one: "Sunday" and "morning"."""
    joined: list[Mention] = []
    for mention in mentions:
        last = joined[-1] if joined else None
        if last and last.label == mention.label == "TIME" and text[last.end : mention.start] == " ":
            joined[-1] = replace(last, end=mention.end)
        else:
            joined.append(mention)
    return joined


def _with_article(mention: Mention, text: str) -> Mention:
    for article in ("the ", "a ", "an "):
        start = mention.start - len(article)
        if (
            start >= 0
            and text[start : mention.start].lower() == article
            and (start == 0 or not text[start - 1].isalnum())
        ):
            return replace(mention, start=start)
    return mention


def _with_attributes(mention: Mention, text: str, tokens: Tokens) -> Mention:
    """Return the mention with the attributes that its words show."""
    attributes = dict(mention.attributes)
    words = text[mention.start : mention.end]
    if mention.label == "ARMED_ACTOR" and mention.origin != "gazetteer":
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
    elif mention.label == "GPE":
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
    nation = parts[0] in knowledge("polities")["adjectives"]
    return "state_military" if nation and parts[-1] in ("forces", "troops", "warplanes") and len(parts) == 2 else ""
