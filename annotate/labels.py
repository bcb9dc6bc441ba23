"""Decide where a mention that a model found begins and ends, and what it is called.

Models know other labels than the scheme, take articles and prepositions along, and call cities people. What
is done about it is data in ``data/labels.toml`` and ``data/polities.toml``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from .knowledge import knowledge
from .polities import adjectives, peoples, places
from .words import bounded

__all__ = ["MODIFIER", "by_context", "judged", "places_in_time", "tidy", "with_title", "without_title"]

# a preposition at the beginning of a sentence has a capital, and models take it for the name's
_ARTICLE: Final = re.compile(r"(?:(?i:the|an?)|Near|In|At|On|From|Around|Outside|Across|Inside|Since|For|By)\s+")
_EDGE: Final = " \t\n\N{NO-BREAK SPACE}\"“”„«»‘’'(),;:–—-[]…"
MODIFIER: Final = frozenset({"compound", "amod", "nmod"})


def tidy(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a range without article, genitive and stray marks at its edges."""
    start += len(text[start:end]) - len(text[start:end].lstrip(_EDGE))
    while match := _ARTICLE.match(text, start, end):
        start = match.end()
    if text[start:end].endswith(("'s", "’s")):
        end -= 2
    end = start + len(text[start:end].rstrip(_EDGE))
    if text[start:end].count("\n"):
        return start, start
    if (dash := re.search(r"\s[-–—]\s", text[start:end])) is not None:
        end = start + dash.start()
    if (cut := text.find("(", start, end)) > start and ")" not in text[cut:end]:
        end = start + len(text[start:cut].rstrip(_EDGE))
    return start, end


def judged(label: str, mention: str, entity: Any) -> str:
    """Return the label that a model's mention shall have, or ``""`` to drop it."""
    data = knowledge("labels")
    if label == "TIME":
        return "TIME" if places_in_time(mention) else ""
    if not any(character.isupper() for character in mention) or len(mention) < 2:
        return ""
    if mention[0] in "@#" or mention in data["acronyms"]["never"]:
        return ""
    if mention in places():
        return "GPE"
    if mention in peoples() and mention not in adjectives():
        return "POPULATION"
    if label == "POPULATION" or mention in peoples():
        root = entity.root
        modifies = root.dep_ in MODIFIER and root.head.i > root.i
        return "POPULATION" if not modifies and (mention in peoples() or root.tag_ in ("NNS", "NNPS")) else ""
    if len(entity) == 1 and entity.root.pos_ not in ("PROPN", "NOUN", "X", "NUM"):
        return ""  # one word that the tagger calls an adjective or an interjection: "Sooooo"
    last = mention.rsplit(None, 1)[-1]
    for rule in data["retype"]:
        if label in rule["from"] and last in rule["last"]:
            return str(rule["to"])
    return label


@cache
def _contexts() -> tuple[tuple[frozenset[str], re.Pattern[str] | None, re.Pattern[str] | None, str], ...]:
    return tuple(
        (
            frozenset(item["from"]),
            re.compile(bounded(f"(?:{item['before']})$")) if "before" in item else None,
            re.compile(bounded(item["after"])) if "after" in item else None,
            item["to"],
        )
        for item in knowledge("labels")["context"]
    )


def by_context(text: str, start: int, end: int, label: str) -> str:
    """Return the label that the words right before or after a name ask for: "the city of X", "X, an aid group"."""
    for sources, before, after, label_there in _contexts():
        if label in sources and (
            (before and before.search(text, max(0, start - 30), start)) or (after and after.match(text, end))
        ):
            return label_there
    return label


def places_in_time(words: str) -> bool:
    """Tell whether words point at the calendar or the clock, and are not a mere length of time."""
    needs, never = _time()
    return bool(needs.search(words)) and not never.search(words)


@cache
def _time() -> tuple[re.Pattern[str], re.Pattern[str]]:
    data = knowledge("labels")["time"]
    return re.compile(data["needs"]), re.compile(data["never"])


@cache
def _titles() -> tuple[str, ...]:
    return tuple(sorted(knowledge("labels")["titles"]["words"], key=len, reverse=True))


def with_title(text: str, start: int, limit: int) -> int:
    """Return where a person's mention starts with the titles, and the nation before them, right before the name."""
    limit = max(limit, start - 100)
    name = start
    while True:
        before = text[limit:start]
        for title in _titles():
            if before.endswith(f"{title} ") and not before[: -len(title) - 1][-1:].isalnum():
                start -= len(title) + 1
                break
        else:
            nation = re.search(r"(?<![\w’'-])[A-Z][\w.]* $", before) if start < name else None
            return start - len(nation[0]) if nation and nation[0].strip() in adjectives() else start


def without_title(mention: str) -> int:
    """Return how many code points of a person's mention are titles or an office before the name.

    >>> without_title("Lt Gen Ivo Marstan"), without_title("hospital director Jana Mirova")
    (7, 18)
    """
    start = 0
    while True:
        title = next((title for title in _titles() if mention.startswith(f"{title} ", start)), None)
        first, space, rest = mention[start:].partition(" ")
        if start == 0 and first in adjectives() and any(rest.startswith(f"{other} ") for other in _titles()):
            title = first
        if title is None and space and first.islower() and len(first) > 3:  # "bin" and "al" belong to names
            title = first
        if title is None:
            return start
        start += len(title) + 1
