"""Find names by gazetteers: ``data/actors.toml``, ``data/weapons.toml``, ``data/platforms.toml``, and a desk's own.

An entry is a name with aliases, its label and attributes, a source and an example. Three kinds of help read more
than the name as it is written:

- **weak** aliases, such as RSF or Patriot, are shared with other things: one counts only in a document that also
  has the name or a strong alias of the same entry, or right before one of the file's `heads` ("Patriot missiles");
- **heads** that follow a name belong to it: "T-72 tanks";
- **designations**, names of letters and a number, are found with a plural and a variant: "T-72s", "T-72B3", "F16".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from .knowledge import knowledge
from .words import Phrases, Word

__all__ = ["Entry", "Gazetteer", "Hit", "actors", "entries_of", "find_actors", "shipped"]

FILES: Final = ("actors", "weapons", "platforms")
# letters, a number, and what makes: T-72, T-72B3, F-16C, 2S19, MQ-9A, Su-34M
_DESIGNATION: Final = re.compile(
    r"(?P<base>[A-Z][A-Za-z]{0,4}-?\d{1,3}|\dS\d{1,2})(?P<variant>[A-Z]{0,3}\d?[A-Z]?(?:-\d)?)s?$"
)
_HEADS_AT_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A named thing.

    Attributes:
        label: The scheme's label of its mentions.
        aliases: Other names, found as they are written: capitals count.
        weak: Aliases that other things share.
        heads: Words after the name that belong to the mention, in lower case.
        before_heads: Words that may stand between: "Patriot air defence systems".
        kind: What it is, in a word or two, for the reader.
        attributes: The scheme's attributes of its mentions.
        wikidata: Its Wikidata id, empty where the editors were not sure.
        source: Where name, aliases and attributes come from.
        example: A sentence with a mention in double brackets.
        own: Whether a desk's own file has it: such entries win over shipped ones.
    """

    name: str
    label: str
    source: str
    example: str
    aliases: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    heads: frozenset[str] = frozenset()
    before_heads: frozenset[str] = frozenset()
    kind: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    wikidata: str = ""
    own: bool = False

    @property
    def actor_class(self) -> str:
        """The scheme's class of an armed actor, empty where it changed or is disputed."""
        return self.attributes.get("actor_class", "")


@dataclass(frozen=True, slots=True)
class Hit:
    """A mention of an entry, as offsets into the text."""

    start: int
    end: int
    entry: Entry


def entries_of(data: Mapping[str, Any], *, own: bool = False) -> tuple[Entry, ...]:
    """Return the entries of a gazetteer file as its TOML has them.

    What the file's top says of `label`, `heads` and `attributes` holds for every entry without a label of its own.
    """
    return tuple(_entry(item, {} if item.get("label") else data, own) for item in data["entry"])


def _entry(item: Mapping[str, Any], data: Mapping[str, Any], own: bool) -> Entry:
    return Entry(
        name=item["name"],
        label=item.get("label") or data["label"],
        source=item.get("source", ""),
        example=item.get("example", ""),
        aliases=tuple(item.get("aliases", ())),
        weak=tuple(item.get("weak", ())),
        heads=frozenset(item.get("heads") or data.get("heads", ())),
        before_heads=frozenset(item.get("before_heads") or data.get("before_heads", ())),
        kind=item.get("kind", ""),
        attributes=dict(data.get("attributes", {})) | item.get("attributes", {}),
        wikidata=item.get("wikidata", ""),
        own=own,
    )


@cache
def shipped() -> tuple[Entry, ...]:
    """Return the shipped entries of all files."""
    return tuple(entry for name in FILES for entry in entries_of(knowledge(name)))


@cache
def actors() -> tuple[Entry, ...]:
    """Return the shipped armed actors."""
    return entries_of(knowledge("actors"))


class Gazetteer:
    """Entries, ready to be found.

    Args:
        entries: Of two entries with one name, the first is found.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        entries = tuple(entries)
        strong = [(alias, (entry, False)) for entry in entries for alias in (entry.name, *entry.aliases)]
        weak = [(alias, (entry, True)) for entry in entries for alias in entry.weak]
        self._phrases: Phrases[tuple[Entry, bool]] = Phrases([*strong, *weak], lower=False)
        self._designations: dict[str, tuple[Entry, bool]] = {}
        for alias, value in [*strong, *weak]:
            if (found := _DESIGNATION.fullmatch(alias)) and not found["variant"]:
                self._designations.setdefault(found["base"].replace("-", ""), value)

    def find(self, words: Sequence[Word]) -> list[Hit]:
        """Return every mention of an entry among the words of a text, in order of its last word."""
        found = [
            (first, self._with_heads(words, last, entry), last, entry, weak)
            for first, last, (entry, weak) in self._joined(words)
        ]
        named = {entry.name for _, _, _, entry, weak in found if not weak}
        return [
            Hit(words[first].start, words[end - 1].end, entry)
            for first, end, last, entry, weak in found
            if not weak or entry.name in named or end > last
        ]

    def _joined(self, words: Sequence[Word]) -> Iterator[tuple[int, int, tuple[Entry, bool]]]:
        """Yield what stands in the tables, two names of one entry side by side as one: "BM-21 Grad"."""
        last: tuple[int, int, tuple[Entry, bool]] | None = None
        for first, end, value in sorted(self._found(words), key=lambda hit: (hit[0], -hit[1])):
            if last and last[2][0] is value[0] and last[1] == first and words[first].joined:
                last = (last[0], end, (value[0], last[2][1] and value[1]))
                continue
            if last:
                yield last
            last = (first, end, value)
        if last:
            yield last

    def _found(self, words: Sequence[Word]) -> Iterator[tuple[int, int, tuple[Entry, bool]]]:
        covered: set[int] = set()
        for first, last, value in self._phrases.find(words):
            covered.update(range(first, last))
            yield first, last, value
        if not self._designations:
            return
        for index, word in enumerate(words):
            if index in covered or word.text.isalpha() or not (match := _DESIGNATION.fullmatch(word.text)):
                continue
            known = self._designations.get(match["base"].replace("-", ""))
            if known is not None:
                yield index, index + 1, known

    @staticmethod
    def _with_heads(words: Sequence[Word], last: int, entry: Entry) -> int:
        end = last
        for index in range(last, min(last + _HEADS_AT_MOST, len(words))):
            if not words[index].joined or words[index - 1].genitive:
                break
            if words[index].lower in entry.heads:
                end = index + 1
            elif words[index].lower not in entry.before_heads:
                break
        return end


@cache
def _shipped_actors() -> Gazetteer:
    return Gazetteer(actors())


def find_actors(words: Sequence[Word]) -> Iterator[tuple[int, int, Entry]]:
    """Yield (start, end, entry) for every shipped armed actor named; starts and ends are offsets into the text."""
    for hit in _shipped_actors().find(words):
        yield hit.start, hit.end, hit.entry
