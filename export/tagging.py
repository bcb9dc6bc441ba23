"""Tag the tokens of many sentences at once, by the rule of :func:`~copydesk.export.flatten`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .arrays import Numbers, keyed, place_of
from .cutting import Tokens
from .labels import Labels
from .tables import flatten

__all__ = ["Ranges", "tagged"]


class Ranges(NamedTuple):
    """Entities, sorted by sentence, start, longest first: their sentence, range in it, and label."""

    sentence: Numbers
    start: Numbers
    end: Numbers
    label: Numbers


def tagged(tokens: Tokens, entities: Ranges, labels: Labels) -> tuple[Numbers, list[tuple[int, str]]]:
    """Write entities as one BIO tag per token.

    Args:
        tokens: The tokens of all sentences.
        entities: What to tag.
        labels: The ids of every name.

    Returns:
        The tag of each token; and the place of each entity that has none, with the reason.
    """
    order = labels["entity"]
    names = {name: place for place, name in enumerate(labels["ner_tags"])}
    tags = np.full(len(tokens.sentence), names["O"], dtype=np.int64)
    if not len(entities.sentence):
        return tags, []
    # most sentences have no two entities that overlap, and all of those are tagged at once
    crowded = _crowded(entities)
    first = place_of(keyed(tokens.sentence, tokens.start), keyed(entities.sentence, entities.start))
    last = place_of(keyed(tokens.sentence, tokens.end), keyed(entities.sentence, entities.end))
    alone = ~np.isin(entities.sentence, crowded)
    whole = alone & (first >= 0) & (last >= 0)
    lost = [(place, "begins or ends inside a token") for place in np.flatnonzero(alone & ~whole).tolist()]
    begin, inside = (np.array([names[f"{prefix}-{name}"] for name in order], dtype=np.int64) for prefix in "BI")
    label, lengths = entities.label[whole], last[whole] - first[whole]
    within = np.repeat(first[whole] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum()) + 1
    tags[within] = np.repeat(inside[label], lengths)
    tags[first[whole]] = begin[label]
    for sentence in crowded.tolist():
        low, high = (int(np.searchsorted(entities.sentence, sentence, side)) for side in ("left", "right"))
        spans = {
            (int(entities.start[place]), int(entities.end[place]), order[entities.label[place]]): place
            for place in range(low, high)
        }
        at, to = (int(np.searchsorted(tokens.sentence, sentence, side)) for side in ("left", "right"))
        ranges = list(zip(tokens.start[at:to].tolist(), tokens.end[at:to].tolist(), strict=True))
        written, missing = flatten(ranges, list(spans), order)
        tags[at:to] = [names[tag] for tag in written]
        lost += [(spans[span], reason) for span, reason in missing]
    return tags, lost


def _crowded(entities: Ranges) -> Numbers:
    """Return the sentences in which entities overlap."""
    reach = np.maximum.accumulate(keyed(entities.sentence, entities.end))
    over: Numbers = np.unique(entities.sentence[1:][keyed(entities.sentence, entities.start)[1:] < reach[:-1]])
    return over
