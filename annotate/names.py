"""Make the names of a document agree with each other: one label per name, surnames, acronyms, repeats.

A model reads a sentence at a time. A document says more: who "Griffin" is stands where "Michael Griffin" does, and
what "the CPA" is where "Coalition Provisional Authority (CPA)" does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from .knowledge import knowledge
from .labels import without_title
from .mentions import Mention
from .polities import places
from .words import Phrases, Word

__all__ = ["acronyms", "consistent", "repeats"]

# names that no training text had are called people or organisations in one place and polities in another
_MISTAKEN: Final = frozenset({"PERSON", "ORG", "LOCATION"})
_PLACED: Final = re.compile(r"\b(?:[Ii]n|[Nn]ear|[Oo]utside|[Ii]nside|(?:north|south|east|west) of) $")
_REPEATED: Final = frozenset({"PERSON", "ORG", "GPE", "ARMED_ACTOR", "LOCATION"})
_LISTED: Final = re.compile(r"(?:, (?:and |or )?| and | or )$")
_DEFINED: Final = re.compile(r" ?\((?:the |or )?(?P<short>[A-Z][A-Za-z-]{1,9})[);,]")


def consistent(text: str, mentions: list[Mention]) -> list[Mention]:
    """Return a model's mentions with one label per name: the one that the document speaks for most."""
    votes: dict[str, Counter[str]] = {}
    surnames = _surnames(text, mentions)
    listed = _listed(text, mentions)
    for mention in mentions:
        if mention.label == "TIME" or mention.learnt:
            continue
        name = text[mention.start : mention.end]
        ballot = votes.setdefault(name.casefold(), Counter())
        # a dateline is always a place: its vote counts for all the others
        ballot[mention.label] += 100 if mention.origin == "dateline" else 1
        if mention.label in _MISTAKEN and " " not in name and not name.isupper():
            ballot["GPE"] += 2 * bool(_PLACED.search(text, max(0, mention.start - 20), mention.start))
            ballot["GPE"] += 2 * (mention.start in listed)
        if name in surnames and name not in places():
            ballot["PERSON"] += 2
    return [
        replace(mention, label=votes[name].most_common(1)[0][0])
        if (name := text[mention.start : mention.end].casefold()) in votes
        and mention.label != "TIME"
        and not mention.learnt
        else mention
        for mention in mentions
    ]


def _surnames(text: str, mentions: Sequence[Mention]) -> set[str]:
    """Return the last words of the people who are named in full."""
    found = set()
    for mention in mentions:
        if mention.label == "PERSON":
            name = text[mention.start : mention.end]
            parts = name[without_title(name) :].split(" ")
            if len(parts) > 1 and len(parts[-1]) > 2 and parts[-1][0].isupper() and not parts[-1].isupper():
                found.add(parts[-1])
    return found


def _listed(text: str, mentions: Sequence[Mention]) -> set[int]:
    """Return the starts of one-word mentions that two polities stand beside in a list: "Mosul, Baiji and Tuz"."""
    ordered = sorted((m for m in mentions if m.label != "TIME"), key=lambda m: m.start)
    found: set[int] = set()
    run: list[Mention] = []
    for mention in [*ordered, None]:
        if mention and run and _LISTED.fullmatch(text, run[-1].end, mention.start):
            run.append(mention)
            continue
        known = sum(other.label == "GPE" for other in run)
        if known > 1 and known * 2 >= len(run):
            found |= {other.start for other in run if other.label != "GPE"}
        run = [mention] if mention else []
    return found


def repeats(text: str, words: list[Word], named: list[Mention]) -> Iterator[Mention]:
    """Yield the other places of the names of a document: a model misses about one repeat in five.

    Those are the names that it has twice, the surnames of people, the last word of a longer name ("the Front"), and
    in a headline of capitals every name of the body.
    """
    seen = Counter((text[m.start : m.end], m.label) for m in named if m.label in _REPEATED and m.end - m.start > 2)
    labels = {name: label for (name, label), times in seen.items() if times > 1}
    short = _short_names()
    for name, label in {text[m.start : m.end]: m.label for m in named if m.label in ("ARMED_ACTOR", "ORG")}.items():
        if " " in name and (head := name.rsplit(" ", 1)[-1]) in short:
            labels.setdefault(head, label)
    for surname in _surnames(text, named) - places():
        labels.setdefault(surname, "PERSON")
    known = {(m.start, m.end) for m in named}
    yield from _found(text, words, Phrases(labels.items(), lower=False), known)
    end = text.find("\n\n")
    if end > 0 and text[:end].isupper():
        shouted = Phrases({name.lower(): label for name, label in seen}.items(), lower=True)
        yield from _found(text, [word for word in words if word.end <= end], shouted, known)


def _found(text: str, words: list[Word], table: Phrases[str], known: set[tuple[int, int]]) -> Iterator[Mention]:
    for first, last, label in table.find(words):
        start, end = words[first].start, words[last - 1].end
        if (start, end) not in known and text[end : end + 1] not in ("-", "–"):
            yield Mention(start, end, label, "repeat")


def acronyms(text: str, words: list[Word], named: list[Mention]) -> Iterator[Mention]:
    """Yield short names in capitals: those that a document explains, and those that it calls "the ABC" and repeats."""
    labels: dict[str, str] = {}
    for mention in named:
        if mention.label in ("ORG", "ARMED_ACTOR") and (match := _DEFINED.match(text, mention.end)):
            short = match["short"]
            if short[0].lower() == text[mention.start].lower() and sum(map(str.isupper, short)) > 1:
                labels[short] = mention.label
    taken = {(mention.start, mention.end): mention for mention in named}
    places_of: dict[str, list[Word]] = {}
    for index, word in enumerate(words):
        short = word.text.isupper() and 2 < len(word.text) < 7 and word.text.isalpha()
        if (short or word.text in labels) and not _shouted(words, index):
            places_of.setdefault(word.text, []).append(word)
    never = _never()
    for short, found in places_of.items():
        label = labels.get(short, "")
        if not label and len(found) > 1 and short not in never and short not in places():
            the = sum(text[max(0, word.start - 4) : word.start].lower() == "the " for word in found)
            label = "ORG" if the * 2 >= len(found) else ""
        if label:
            for word in found:
                if (word.start, word.end) not in taken:
                    yield Mention(word.start, word.end, label, "acronym")


def _shouted(words: list[Word], index: int) -> bool:
    """Tell whether a word's neighbours are in capitals too: then capitals say nothing."""
    beside = [words[other].text for other in (index - 1, index + 1) if 0 <= other < len(words)]
    return any(word.isupper() and len(word) > 3 for word in beside)


@cache
def _never() -> frozenset[str]:
    return frozenset(knowledge("labels")["acronyms"]["never"])


@cache
def _short_names() -> frozenset[str]:
    return frozenset(knowledge("labels")["short_names"]["words"])
