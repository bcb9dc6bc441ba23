"""Read what a mention of an actor is made of: its words, its head, whether it is a name, what it points at.

Mentions of one family with the same words are one :class:`Form`. A nominal mention ("the army", "rebels") is a
form together with others only where its determiner points at something known; "two soldiers" and "their army"
stand alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from copydesk.schemas import Document, Entity

from .knowledge import knowledge
from .labels import without_title

__all__ = ["FAMILIES", "Form", "forms_of", "plain_words"]

FAMILIES: Final[Mapping[str, str]] = {
    "PERSON": "person",
    "ARMED_ACTOR": "body",
    "ORG": "body",
    "GPE": "place",
    "POPULATION": "people",
}
"""Labels of actors, and which of them can be one actor: a model calls an army an organisation."""

_WORD: Final = re.compile(r"(?:[^\W\d_]\.){2,}|\w+(?:[-’'.]\w+)*")
_OF: Final = re.compile(r"\b(?:of|in|for|from|at|against|on|to)\b|[(,]")
_BEFORE: Final = re.compile(r"([\w.’'-]+)[ \N{NO-BREAK SPACE}]+$")
_STARTS: Final = re.compile(r"(?:^|\n|[.!?:–—-][”\"’]? |[“\"‘])$")
_GENITIVE: Final = re.compile(r"'s$")
_PARTICLE: Final = re.compile(r"\b(?:[aA]l|[eE]l|[aA]sh|[aA]n|[aA]d)[- ](?=\w)")
_SMALL: Final = frozenset({"of", "the", "for", "in", "and", "a", "an", "to", "on", "at", "by"})


@dataclass(frozen=True, slots=True)
class Form:
    """Mentions of one family with the same words.

    Attributes:
        number: Its place among the forms of a document, by its first mention.
        family: A value of :data:`FAMILIES`.
        words: Its words in lower case, without article, genitive and, for a person, titles.
        head: The last word of what stands before "of", "in", "for" and the like.
        name: Whether it is a name; else it is nominal.
        members: Ids of its mentions, in the order of the text.
        rule: What makes its mentions one actor: ``surface``, ``nominal``, ``bare``.
        text: Its first mention as written.
        places: Where each mention begins and ends.
        titles: What stood before a person's name, in lower case.
        definite: Whether each mention points at something known, as a headline does without an article.
    """

    number: int
    family: str
    words: tuple[str, ...]
    head: str
    name: bool
    members: tuple[str, ...]
    rule: str
    text: str
    places: tuple[tuple[int, int], ...]
    titles: frozenset[str]
    definite: bool

    @property
    def core(self) -> tuple[str, ...]:
        """The words without those for whoever fights for it."""
        members = _words("members")
        return tuple(word for word in self.words if word not in members and word not in _SMALL)


@dataclass(frozen=True, slots=True)
class _Mention:
    id: str
    start: int
    end: int
    family: str
    words: tuple[str, ...]
    head: str
    name: bool
    titles: frozenset[str]
    pointing: str
    """``definite``, ``bare``, ``indefinite`` (a, an) or ``other``."""
    text: str


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(knowledge("clusters")["words"][name])


@cache
def _nouns() -> frozenset[str]:
    """Return last words of nominal actors: capitalised at the start of a sentence they are still no names."""
    heads = (head for rule in knowledge("rules")["head"] for head in rule["heads"])
    return frozenset(head.split()[-1].lower() for head in heads) | _words("members")


def plain_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case, without genitives.

    >>> plain_words("Da’esh's"), plain_words("Workers’ Party")
    (("da'esh",), ('workers', 'party'))
    """
    return tuple(word.casefold() for word in _plain(name))


def _plain(name: str) -> list[str]:
    return [word for found in _WORD.findall(name.replace("’", "'")) if (word := _GENITIVE.sub("", found))]


def forms_of(document: Document, actors: Iterable[Entity]) -> list[Form]:
    """Return the forms of a document's actor mentions, in the order of the text."""
    text = document.text
    headline = text.find("\n\n") if "\n\n" in text else 0
    common = frozenset(_WORD.findall(text))
    known = (entity for entity in actors if entity.label in FAMILIES)
    ordered = sorted(known, key=lambda e: (e.span.start, e.span.end, e.label, e.id))
    read = [_read(text, entity, headline, common) for entity in ordered]
    groups: dict[tuple[object, ...], list[_Mention]] = {}
    for mention in (mention for mention in read if mention.words):
        groups.setdefault(_key(mention, groups), []).append(mention)
    return [_form(number, mentions) for number, mentions in enumerate(groups.values())]


def _key(mention: _Mention, groups: Mapping[tuple[object, ...], Sequence[_Mention]]) -> tuple[object, ...]:
    """Return what mentions of one form share."""
    same = (mention.family, mention.words, mention.name)
    if mention.name or mention.pointing == "definite":
        return same
    if mention.pointing == "indefinite" and same not in groups:
        return same  # "a militia" is the militia that the text goes on about
    if mention.pointing == "bare" and mention.family == "body" and mention.words[-1].endswith(("s", "men")):
        return (*same, "bare")
    return (*same, mention.id)


def _form(number: int, mentions: Sequence[_Mention]) -> Form:
    first = mentions[0]
    rule = "surface" if first.name else "bare" if first.pointing == "bare" else "nominal"
    return Form(
        number,
        first.family,
        first.words,
        first.head,
        first.name,
        tuple(mention.id for mention in mentions),
        rule,
        first.text,
        tuple((mention.start, mention.end) for mention in mentions),
        frozenset(title for mention in mentions for title in mention.titles),
        all(mention.pointing == "definite" for mention in mentions),
    )


def _read(text: str, entity: Entity, headline: int, common: frozenset[str]) -> _Mention:
    start, end = entity.span.start, entity.span.end
    inside = text[start:end]
    titles: frozenset[str] = frozenset()
    family = FAMILIES[entity.label]
    bare = inside
    if family == "person" and (cut := without_title(inside)):
        titles = frozenset(word.lower() for word in _WORD.findall(inside[:cut]))
        bare = inside[cut:]
    if family == "person":
        bare = _PARTICLE.sub("", bare)
    found = _plain(bare)
    article = found[0].lower() if len(found) > 1 and found[0].lower() in _words("definite") | {"a", "an"} else ""
    found = found[1:] if article else found
    words = tuple(word.casefold() for word in found)
    at_start = bool(_STARTS.search(text[max(0, start - 3) : start])) or start == 0
    name = bool(titles) or _is_name(found, at_start=at_start, headline=end <= headline, common=common)
    pointing = _pointing(text, start, article, in_headline=end <= headline)
    stem = _OF.split(bare)[0]
    heads = _plain(stem) or found or [""]
    head = heads[-1].casefold()
    return _Mention(entity.id, start, end, family, words, head, name, titles, pointing, inside)


def _is_name(words: Sequence[str], *, at_start: bool, headline: bool, common: frozenset[str]) -> bool:
    """Tell whether a mention has a capital that is not only that of a sentence's, or headline's, words."""
    for place, word in enumerate(words):
        if word[0].lower() == word[0].upper() and word[0].isalpha():
            return True  # a script without capitals
        if not word[0].isupper():
            continue
        doubtful = headline or (at_start and place == 0)
        if not doubtful or (word.lower() not in common and word.lower() not in _nouns()):
            return True
    return False


def _pointing(text: str, start: int, article: str, *, in_headline: bool) -> str:
    match = None if article else _BEFORE.search(text, max(0, start - 30), start)
    before = article or (match.group(1).lower() if match else "")
    further = _BEFORE.search(text, max(0, match.start() - 30), match.start(1)) if match else None
    if further and further.group(1).lower() in _words("definite") | {"a", "an"} and before not in _words("definite"):
        return "other"  # "the western army" is not yet "the army"
    if before in _words("definite") or (in_headline and not _counts(before)):
        return "definite"
    if before in ("a", "an"):
        return "indefinite"
    return "other" if _counts(before) else "bare"


def _counts(word: str) -> bool:
    return word in _words("quantity") or word[:1].isdigit() or word.endswith(("'s", "’s", "s'", "s’"))
