"""Decide whether a polity acts or is only a place, from where it stands in the sentence.

A polity acts where it is the subject of a verb that states and governments do (``acts`` in
``data/polities.toml``), the agent of a passive, or the object of words that make somebody answerable
("accused Russia", "talks with Iran"). Everything else is a place: that is what most mentions are.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from .knowledge import knowledge
from .models import Token
from .polities import states

__all__ = ["gpe_role"]


@cache
def _lists() -> dict[str, frozenset[str]]:
    data: dict[str, Any] = knowledge("polities")
    return {name: frozenset(words) for name, words in data["roles"].items()} | {"state": states()}


def gpe_role(head: Token | None, mention: str) -> str:
    """Return ``actor`` or ``place``.

    Args:
        head: The token that the mention hangs from the rest by; None where it is not known.
        mention: The text of the mention.
    """
    if head is None:
        return "place"
    token = head
    while token.dep_ == "conj" and token.head.i != token.i:
        token = token.head
    lists = _lists()
    parent = token.head
    if token.dep_ in ("nsubj", "nsubjpass"):
        known = mention in lists["state"]
        return "actor" if parent.lemma_ in lists["acts"] or (known and _transitive(parent)) else "place"
    if token.dep_ == "dobj":
        return "actor" if parent.lemma_ in lists["done_to"] else "place"
    if token.dep_ == "pobj":
        return _after_preposition(parent, mention in lists["state"], lists)
    if token.dep_ == "poss" and mention in lists["state"]:
        return "actor" if parent.lemma_ in lists["owned"] else "place"
    return "place"


def _transitive(verb: Token) -> bool:
    """Tell whether a verb has an object or a clause: things happen in places, deeds are done to something."""
    return verb.pos_ == "VERB" and any(child.dep_ in ("dobj", "ccomp", "xcomp") for child in verb.children)


def _after_preposition(preposition: Token, state: bool, lists: dict[str, frozenset[str]]) -> str:
    word = preposition.lower_
    if preposition.dep_ == "agent" or (word == "by" and preposition.head.pos_ in ("VERB", "NOUN")):
        return "actor" if state else "place"
    if state and word in ("with", "against", "between") and preposition.head.lemma_ in lists["with"]:
        return "actor"
    if state and word == "to" and preposition.head.lemma_ in lists["answer"]:
        return "actor"
    if state and word in ("from", "of", "on") and preposition.head.lemma_ in lists["from"]:
        return "actor"
    return "place"
