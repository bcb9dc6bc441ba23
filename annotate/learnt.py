"""Mend what a trained ``ner`` finds where a few examples cannot have taught it better.

It has learnt a desk's conventions, so its labels and borders stand, but for four slips that a model of this size makes
and that nobody's conventions ask for: a border on a comma or a bracket, half of a listed name, a rank cut from its
person, a brigade that is a person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from .knowledge import knowledge
from .labels import with_title
from .mentions import Mention

__all__ = ["outside_learnt", "settled", "whole_names"]

_EDGE: Final = ' \t\n\N{NO-BREAK SPACE}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"“”„«»‘(),;:–—[]…'
_NOTE: Final = re.compile(r"[.,]?\[\d*$")
"""The beginning of a footnote's number, which the tokenizer leaves on the word: ``traditions.[3``."""


def settled(text: str, start: int, end: int, label: str, limit: int) -> tuple[int, int, str]:
    """Return a learnt mention without marks at its edges, a person with the ranks before the name.

    Args:
        text: The document's.
        start: Where the mention starts.
        end: Where it ends.
        label: Of the scheme.
        limit: Where its block starts: a rank stands in the same one.

    Returns:
        Start, end and label; start and end are the same where nothing is left.
    """
    start += len(text[start:end]) - len(text[start:end].lstrip(_EDGE))
    end = max(start, start + len(_NOTE.sub("", text[start:end]).rstrip(_EDGE)))
    if label == "PERSON" and start < end:
        last = text[start:end].rsplit(None, 1)[-1]
        for rule in knowledge("labels")["retype"]:
            if "PERSON" in rule["from"] and rule["to"] == "ARMED_ACTOR" and last in rule["last"]:
                return start, end, "ARMED_ACTOR"
        start = with_title(text, start, limit)
    return start, end, label


def whole_names(text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """Return the mentions with each learnt one that is a part of a listed name grown to the whole name.

    An article that was learnt with the part stays with the whole. What else of the name was learnt apart goes.
    """
    listed = [
        mention for mention in mentions if mention.origin == "gazetteer" and " " in text[mention.start : mention.end]
    ]
    grown: dict[int, Mention] = {}
    for place, mention in enumerate(mentions):
        if mention.learnt:
            for name in listed:
                article = re.match(r"(?i)(?:the|an?)\s+", text[mention.start : mention.end])
                inner = mention.start + (article.end() if article else 0)
                shorter = mention.end - inner < name.end - name.start
                if shorter and name.start <= inner and mention.end <= name.end and inner < mention.end:
                    start = mention.start if inner == name.start else name.start
                    label = mention.label if inner == name.start else name.label
                    grown[place] = replace(mention, start=start, end=name.end, label=label)
                    break
    first: dict[int, int] = {}
    for place, mention in grown.items():
        first.setdefault(mention.end, place)
    return [
        grown.get(place, mention)
        for place, mention in enumerate(mentions)
        if place not in grown or first[grown[place].end] == place
    ]


def outside_learnt(mentions: Sequence[Mention]) -> list[Mention]:
    """Return the mentions without those that stand inside a learnt one: this gold has none inside another."""
    learnt: list[Mention] = []
    kept = []
    for mention in sorted(mentions, key=lambda m: (m.start, -m.end)):
        learnt = [other for other in learnt if other.end > mention.start]
        if mention.learnt or not any(mention.end <= other.end for other in learnt):
            kept.append(mention)
        if mention.learnt:
            learnt.append(mention)
    return kept
