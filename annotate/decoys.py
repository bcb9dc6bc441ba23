"""Make suggestions wrong on purpose, so that a desk can see who corrects what it is shown.

A decoy looks like any other suggestion: the same pipeline, the same ids and scores, and about a fifth of its items
made wrong, each in a way that somebody who reads the text would correct:

    an entity        another label, a boundary moved by one word, or taken away with the stances on it
    an attribution   somebody else as its source, or direct speech called indirect
    a stance         the polarity turned round
    nothing there    one common word called an entity

Which ones, and how, is drawn by a keyed hash of the document and of the item itself: the same on every machine, and
a pipeline that suggests one thing more leaves the other draws as they were. :mod:`slips` reads back what was
slipped in, and what became of it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

from copydesk.schemas import Attribution, Document, Entity, LabelScheme, MentionCluster, Span, Stance, Suggestion

from .consensus import mention_id

__all__ = ["decoy"]

SHARE: Final = 0.2
"""How many of a document's items are made wrong."""
LEAST: Final = 2
MOST: Final = 8
"""More would show that something is up."""

TURNED: Final = {"-2": ("+2",), "-1": ("+1", "+2"), "+1": ("-1", "-2"), "+2": ("-2",)}
UNDECIDED: Final = ("-2", "+2")
FORMS: Final = {"direct": "indirect", "indirect": "direct", "mixed": "indirect"}
NEAR: Final = 80
"""Code points beside a span in which its neighbouring word is looked for."""
EDGES: Final = ".,;:!?()[]{}'\"“”‘’«»…،؟؛-–—"
_BLANK: Final = re.compile(r"[^\S\n]+")
_WORD: Final = re.compile(r"(?<!\S)[a-z]{4,}(?!\S)")

T = TypeVar("T")


def decoy(document: Document, suggestion: Suggestion, scheme: LabelScheme, *, salt: str) -> Suggestion:
    """Return a suggestion made wrong in a few places, which fits the scheme wherever the given one did.

    Args:
        document: The document, whose text every new boundary is cut from.
        suggestion: What the pipeline really suggests, for any of the scheme's layers.
        scheme: The scheme as the project shows it.
        salt: Makes the draws: that of the desk's ``arms``.

    Returns:
        A suggestion by the same pipeline, of the same score. It is the given one only where nothing could be
        made wrong: no item, and no word to call one.
    """
    draws = _Draws(salt, document.id)
    work = _Work(document, scheme, draws, suggestion)
    chances = sorted(work.chances(), key=lambda chance: chance.draw)
    wanted = min(MOST, max(LEAST, sum(chance.draw < SHARE for chance in chances)))
    wrong = 0
    for chance in chances:
        wrong += wrong < wanted and chance.make()
    if not wrong:
        work.call_a_word_an_entity()
    return work.suggestion()


@dataclass(frozen=True, slots=True)
class _Draws:
    salt: str
    document_id: str

    def share(self, what: str) -> float:
        """Draw a number in [0, 1)."""
        said = f"decoy {self.document_id} {what}".encode()
        return int(hmac.new(self.salt.encode(), said, hashlib.sha256).hexdigest()[:13], 16) / 16**13

    def order(self, what: str, things: Sequence[T]) -> list[T]:
        """Return things in a drawn order."""
        drawn = sorted(range(len(things)), key=lambda number: self.share(f"{what} {number}"))
        return [things[number] for number in drawn]


@dataclass(frozen=True, slots=True)
class _Chance:
    """One item that could be made wrong: its draw, and how; `make` tells whether it was possible."""

    draw: float
    make: Callable[[], bool]


class _Work:
    """A suggestion while it is being made wrong."""

    def __init__(self, document: Document, scheme: LabelScheme, draws: _Draws, suggestion: Suggestion) -> None:
        self.document = document
        self.scheme = scheme
        self.draws = draws
        self.given = suggestion
        said = suggestion.annotations
        self.entities = {entity.id: entity for entity in said.entities}
        self.attributions = {attribution.id: attribution for attribution in said.attributions}
        self.stances = {(stance.target, stance.holder): stance for stance in said.stances}
        self.layers = {label.id: label.layer for label in scheme.span_labels}
        self.shown = {layer.id for layer in scheme.layers}

    def chances(self) -> Iterator[_Chance]:
        """Yield every item that people would see."""
        for entity in list(self.entities.values()):
            if entity.label in self.layers:
                place = f"{entity.span.start}-{entity.span.end} {entity.label}"
                yield _Chance(self.draws.share(place), partial(self._spoil_entity, entity.id, place))
        if "attribution" in self.shown:
            for item in list(self.attributions.values()):
                place = f"{item.content.start}-{item.content.end} CONTENT"
                yield _Chance(self.draws.share(place), partial(self._spoil_attribution, item.id, place))
        if "stance" in self.shown:
            for key, stance in list(self.stances.items()):
                span = self.entities[stance.target].span if stance.target in self.entities else None
                place = f"stance {span.start if span else stance.target} {stance.holder}"
                yield _Chance(self.draws.share(place), partial(self._spoil_stance, key, place))

    def suggestion(self) -> Suggestion:
        """Return what came of it."""
        said = replace(
            self.given.annotations,
            entities=tuple(self.entities.values()),
            attributions=tuple(self.attributions.values()),
            stances=tuple(self.stances.values()),
        )
        return replace(self.given, annotations=said, clusters=tuple(self._clusters()))

    def _clusters(self) -> Iterator[MentionCluster]:
        for cluster in self.given.clusters:
            members = tuple(member for member in cluster.members if member in self.entities)
            if len(members) > 1:
                yield replace(cluster, members=members)

    # entities

    def _spoil_entity(self, id: str, place: str) -> bool:
        ways = self.draws.order(f"way {place}", [self._retype, self._resize, self._remove])
        return id in self.entities and any(way(id, place) for way in ways)

    def _retype(self, id: str, place: str) -> bool:
        entity = self.entities[id]
        held = any(id in pair for pair in self.stances)
        wrong = [
            label
            for label, layer in self.layers.items()
            if layer == self.layers[entity.label]
            and label != entity.label
            and (not held or label in self.scheme.stance_targets)  # else the stance could not be shown
            and self._free(entity.span, label)
        ]
        if not wrong:
            return False
        label = self.draws.order(f"label {place}", wrong)[0]
        asked = {attribute.id for attribute in self.scheme.attributes_of(label)}
        kept = {name: value for name, value in entity.attributes.items() if name in asked}
        self.entities[id] = replace(entity, label=label, attributes=kept)
        return True

    def _resize(self, id: str, place: str) -> bool:
        entity = self.entities[id]
        spans = [span for span in _neighbours(self.document, entity.span) if self._free(span, entity.label)]
        if not spans:
            return False
        self.entities[id] = replace(entity, span=self.draws.order(f"span {place}", spans)[0])
        return True

    def _remove(self, id: str, place: str) -> bool:
        del self.entities[id]
        self.stances = {pair: stance for pair, stance in self.stances.items() if id not in pair}
        return True

    def _free(self, span: Span, label: str) -> bool:
        return all((entity.span, entity.label) != (span, label) for entity in self.entities.values())

    def call_a_word_an_entity(self) -> None:
        """Call a common word an entity: what to slip in where there is nothing to make wrong."""
        labels = list(self.layers)
        taken = [entity.span for entity in self.entities.values()]
        words = [Span.of(self.document, *found.span()) for found in _WORD.finditer(self.document.text)]
        words = [word for word in words if not any(word.overlaps(span) for span in taken)]
        if not words or not labels:
            return
        word = self.draws.order("word", words)[0]
        label = self.draws.order("label of a word", labels)[0]
        own = mention_id(self.document.id, word, label)
        self.entities[own] = Entity(own, word, label, self.given.pipeline, score=self.given.score)

    # attributions and stances

    def _spoil_attribution(self, id: str, place: str) -> bool:
        item = self.attributions[id]
        others = {other.source for other in self.attributions.values() if other.source is not None}
        others |= {e.span for e in self.given.annotations.entities if e.label in self.scheme.stance_targets}
        own = [span for span in (item.source, item.content, item.cue) if span is not None]
        wrong = sorted(span for span in others if not any(span.overlaps(other) for other in own))
        if wrong:
            self.attributions[id] = replace(item, source=self.draws.order(f"source {place}", wrong)[0])
            return True
        return self._reform(item)

    def _reform(self, item: Attribution) -> bool:
        asked = self.scheme.attribute("form")
        form = FORMS.get(item.form, "")
        if asked is None or all(value.id != form for value in asked.values):
            return False
        self.attributions[item.id] = replace(item, form=form)
        return True

    def _spoil_stance(self, key: tuple[str, str], place: str) -> bool:
        stance: Stance | None = self.stances.get(key)  # gone where its entity was taken away
        asked = self.scheme.attribute("polarity")
        if stance is None or asked is None:
            return False
        known = {value.id for value in asked.values}
        wrong = [value for value in TURNED.get(stance.polarity, UNDECIDED) if value in known]
        if not wrong:
            return False
        self.stances[key] = replace(stance, polarity=self.draws.order(f"polarity {place}", wrong)[0])
        return True


def _neighbours(document: Document, span: Span) -> list[Span]:
    """Return a span with its boundary moved by one word, in each of the ways that stay within the line."""
    text = document.text
    ends: list[tuple[int, int]] = []
    after = _BLANK.match(text, span.end, span.end + NEAR)
    if after and (found := re.match(r"\S+", text[after.end() : after.end() + NEAR])):
        ends.append((span.start, after.end() + len(found.group().rstrip(EDGES))))
    before = text[max(0, span.start - NEAR) : span.start]
    if found := re.search(r"(\S+)[^\S\n]+$", before):
        ends.append((span.start - len(before) + found.start() + _edge(found.group(1)), span.end))
    inner = list(_BLANK.finditer(span.text))
    if inner:
        ends += [(span.start + inner[0].end(), span.end), (span.start, span.start + inner[-1].start())]
    spans = [Span.of(document, start, end) for start, end in ends if 0 <= start < end]
    # a word that is all punctuation leaves no other boundary
    return [other for other in dict.fromkeys(spans) if other != span and other.text == other.text.strip()]


def _edge(word: str) -> int:
    return len(word) - len(word.lstrip(EDGES))
