"""Find named armed actors by the gazetteer of ``data/actors.toml``.

A weak alias, such as RSF, is shared with other things: it counts only in a document that also has the
name or a strong alias of the same actor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from .knowledge import knowledge
from .words import Phrases, Word

__all__ = ["Actor", "actors", "find_actors"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A named armed actor.

    Attributes:
        actor_class: The scheme's class, empty where it changed or is disputed.
        wikidata: Its Wikidata id, empty where the editors were not sure.
        source: Where name, aliases and class come from.
        example: A sentence with the name in double brackets.
    """

    name: str
    aliases: tuple[str, ...]
    weak: tuple[str, ...]
    actor_class: str
    wikidata: str
    source: str
    example: str


@cache
def actors() -> tuple[Actor, ...]:
    """Return the shipped gazetteer."""
    return tuple(
        Actor(
            name=item["name"],
            aliases=tuple(item.get("aliases", ())),
            weak=tuple(item.get("weak", ())),
            actor_class=item.get("class", ""),
            wikidata=item.get("wikidata", ""),
            source=item["source"],
            example=item["example"],
        )
        for item in knowledge("actors")["actor"]
    )


@cache
def _table() -> Phrases[tuple[Actor, bool]]:
    entries = [(alias, (actor, False)) for actor in actors() for alias in (actor.name, *actor.aliases)]
    entries += [(alias, (actor, True)) for actor in actors() for alias in actor.weak]
    return Phrases(entries, lower=False)


def find_actors(words: list[Word]) -> Iterator[tuple[int, int, Actor]]:
    """Yield (start, end, actor) for every name found; starts and ends are offsets into the text."""
    found = [(words[first].start, words[last - 1].end, *value) for first, last, value in _table().find(words)]
    named = {actor.name for _, _, actor, weak in found if not weak}
    for start, end, actor, weak in found:
        if not weak or actor.name in named:
            yield start, end, actor
