"""Find mentions by the rules of ``data/rules.toml``, without any model.

A head rule finds a head word and walks left over the modifiers it takes::

      Iran-backed   pro-Assad   forces        need: a modifier of side, armed or name
      └─ affiliation ┘└─ side ─┘└ head ┘      the mention starts at the left-most modifier

A pattern rule is a regular expression. Both kinds carry their own examples; the test suite runs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any, Final

from .knowledge import knowledge
from .polities import adjectives
from .words import Phrases, Word, bounded

__all__ = ["Match", "Rule", "actor_class", "find", "find_patterns", "org_class", "rules"]

_AFFILIATION: Final = re.compile(
    r"(?i)(?:[\w’'.]+-(?:backed|led|allied|aligned|affiliated|loyal|linked|supported|trained|funded|controlled|run|installed|dominated|sponsored)"
    r"|(?:pro|anti)-[\w’'.-]+)$"
)
_CALIBRE: Final = re.compile(r"\d+-?mm|mm|\d+-millimet\w+")
_ADJECTIVE: Final = (
    "al",
    "ous",
    "ive",
    "ful",
    "less",
    "ic",
    "ed",
    "ant",
    "ent",
    "ary",
    "able",
    "ible",
    "rupt",
    "new",
    "old",
    "own",
    "ish",
    "ing",
    "brutal",
    "weak",
    "strong",
    "local",
)
_REACH: Final = 5
"""The most modifiers that a head takes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as its data file has it; exactly one of `heads` and `pattern` is there."""

    id: str
    label: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    heads: tuple[str, ...] = ()
    takes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()
    not_after: frozenset[str] = frozenset()
    names: bool = False
    of: bool = False
    whole: bool = False
    trim: bool = False
    pattern: re.Pattern[str] | None = None
    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule found: a range of the text."""

    start: int
    end: int
    rule: Rule


@cache
def rules() -> tuple[Rule, ...]:
    """Return the shipped rules, in the order of their file: of two equal finds the first counts."""
    data = knowledge("rules")
    return tuple(_rule(item) for item in [*data["head"], *data["pattern"]])


def _rule(item: dict[str, Any]) -> Rule:
    sets = {key: frozenset(item.get(key, ())) for key in ("takes", "needs", "before", "not_before", "not_after")}
    pattern = item.get("pattern")
    return Rule(
        id=item["id"],
        label=item["label"],
        attributes=item.get("attributes", {}),
        heads=tuple(item.get("heads", ())),
        names=item.get("names", False),
        of=item.get("of", False),
        whole=item.get("whole", False),
        trim=item.get("trim", False),
        pattern=re.compile(bounded(pattern.replace(" ", "[ \N{NO-BREAK SPACE}]"))) if pattern else None,
        match=tuple(item["match"]),
        no_match=tuple(item["no_match"]),
        **sets,
    )


@cache
def _not_names() -> frozenset[str]:
    return frozenset(knowledge("rules")["not_names"]["words"])


@cache
def _heads() -> Phrases[Rule]:
    return Phrases([(head, rule) for rule in rules() for head in rule.heads], lower=True)


@cache
def _modifiers() -> Mapping[str, frozenset[str]]:
    """Return the kinds that each modifier, in lower case, belongs to."""
    kinds: dict[str, set[str]] = {}
    lists = {**knowledge("rules")["modifiers"], "nation": adjectives()}
    for kind, words in lists.items():
        for word in words:
            kinds.setdefault(word.lower(), set()).add(kind)
    return {word: frozenset(found) for word, found in kinds.items()}


def find(
    text: str, words: list[Word], names: Mapping[int, int], patterns: Iterable[Match] | None = None
) -> list[Match]:
    """Return what the rules find in a text, without a find that lies inside another of its label.

    Args:
        text: The text.
        words: Its words, see :func:`~copydesk.annotate.words.words_of`.
        names: End to start of the names already known, so that "Hamas fighters" is one mention.
        patterns: What :func:`find_patterns` yields for this text, where that is known already.
    """
    matches = chain(_find_heads(words, names), find_patterns(text) if patterns is None else patterns)
    found = sorted(matches, key=lambda match: (match.start, -match.end))
    kept: dict[str, Match] = {}
    outermost: list[Match] = []
    for match in found:
        last = kept.get(match.rule.label)
        if last is None or match.end > last.end:
            outermost.append(match)
            kept[match.rule.label] = match
    return outermost


def _find_heads(words: list[Word], names: Mapping[int, int]) -> Iterator[Match]:
    for first, last, rule in _heads().find(words):
        if match := _extended(words, names, (first, last, rule)):
            yield match


def find_patterns(text: str) -> Iterator[Match]:
    """Yield what the pattern rules alone find."""
    for rule in rules():
        if rule.pattern is not None:
            group = "span" if "span" in rule.pattern.groupindex else 0
            for found in rule.pattern.finditer(text):
                start, end = found.span(group)
                start = _trimmed(text, start, end) if rule.trim else start
                if not (rule.trim and text[start].islower()):
                    yield Match(start, end, rule)


def _extended(words: list[Word], names: Mapping[int, int], hit: tuple[int, int, Rule]) -> Match | None:
    first, last, rule = hit
    if rule.not_before and last < len(words) and words[last].joined and words[last].lower in rule.not_before:
        return None
    start, index = words[first].start, first
    named = names.get(words[last - 1].end, start + 1) <= start and words[last - 1].text[0].isupper()
    if named and rule.label in ("ARMED_ACTOR", "ORG", "PERSON"):
        return None  # the head is the end of a name, and a name is a mention without its modifiers
    kinds: set[str] = set()
    for _ in range(_REACH):
        word = words[index - 1]
        if index == 0 or not words[index].joined or word.genitive:
            break
        known = names.get(word.end)
        if known is not None and known <= word.start and not _kinds(word, rule) and _takes_name(rule):
            kinds.add("name")
            start = min(start, known)
            while index > 0 and words[index - 1].start >= known:
                index -= 1
            break
        found = _kinds(word, rule)
        if not found:
            break
        kinds |= found
        index -= 1
        start = word.start
    if (
        rule.needs
        and not kinds & rule.needs
        and "affiliation" not in kinds
        and not ("name" in kinds and _takes_name(rule))
    ):
        return None
    previous = words[index - 1].lower if index and words[index].joined else ""
    if previous in rule.not_after or (rule.before and not _introduced(words, index, rule)):
        return None
    return Match(start, _end(words, names, last, rule), rule)


def _introduced(words: list[Word], index: int, rule: Rule) -> bool:
    """Tell whether "the", or a genitive, stands before the mention, one adjective between them or none."""
    for back in (1, 2):
        if index < back or not words[index - back + 1].joined:
            return False
        word = words[index - back]
        if word.lower in rule.before or (word.genitive and "the" in rule.before and back == 1):
            return True
        if not word.lower.endswith(_ADJECTIVE):
            return False
    return False


def _end(words: list[Word], names: Mapping[int, int], last: int, rule: Rule) -> int:
    end = words[last - 1].end
    if rule.of and last + 1 < len(words) and words[last].lower in ("of", "at") and words[last + 1].joined:
        begin = words[last + 1].start
        end = next((stop for stop, start in names.items() if start == begin), end)
    return end


def _takes_name(rule: Rule) -> bool:
    return rule.names or "name" in rule.needs or rule.label == "ARMED_ACTOR"


def _kinds(word: Word, rule: Rule) -> frozenset[str]:
    found = _modifiers().get(word.lower, frozenset()) & rule.takes
    if "kind" in rule.takes and _CALIBRE.fullmatch(word.text):
        return frozenset({"kind"})
    if "nation" in found and not word.text[0].isupper():
        found = found - {"nation"}
    if found:
        return found
    if rule.label in ("ARMED_ACTOR", "ORG") and _AFFILIATION.match(word.text):
        return frozenset({"affiliation"})
    if rule.names and word.text[0].isupper() and word.lower not in _not_names():
        return frozenset({"name"})
    return frozenset()


def _trimmed(text: str, start: int, end: int) -> int:
    """Return the start of a name without the small words that a sentence may have put before it."""
    while True:
        head = text[start:end].split(" ", 1)
        if len(head) < 2 or not (head[0].lower() in _not_names() or _AFFILIATION.match(head[0])):
            return start
        start += len(head[0]) + 1


def actor_class(mention: str) -> str:
    """Return the ``actor_class`` that the words of a nominal or named armed actor show, or ``""``.

    >>> actor_class("Syrian opposition forces"), actor_class("fighters")
    ('rebel_insurgent', '')
    """
    return _class_of("class", mention) or _class_of("class", mention.lower())


def org_class(mention: str) -> str:
    """Return the ``org_class`` that the words of an organisation's name show, or ``""``."""
    return _class_of("org_class", mention)


def _class_of(table: str, mention: str) -> str:
    padded = f" {mention} "
    for entry in knowledge("rules")[table]:
        if any(f" {word} " in padded for word in entry["words"]):
            return str(entry["value"])
    return ""
