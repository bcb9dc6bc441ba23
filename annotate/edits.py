"""Say what became of each suggestion: align it with what a person finished, by content.

The server's own `origin` marks are no base for this: they are lost with drafts and absent behind the API. So
the suggestions that an annotator saw and the annotation that they left are both decoded and matched:

    entities       same span and label, else same span, else the pairs with the greatest overlap in all
    attributions   by their content, in the same way
    stances        by target and holder as the entities were matched, else by target
    answers        by question

Where contents tie, the region id that Label Studio keeps through a correction decides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from copydesk.corpus import Desk
from copydesk.schemas import Annotations, Attribution, Document, Entity, LabelScheme, OffsetError, Origin, Span, Stance

from .decoding import decode
from .ledger import LedgerEntry, by_id, finished, shown_task
from .matching import best_pairs

__all__ = ["Answer", "Edit", "EditKind", "align", "edits"]

EditKind = Literal["accepted", "retyped", "resized", "reattributed", "restanced", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer about the whole document."""

    question: str
    values: tuple[str, ...]


Item: TypeAlias = Entity | Attribution | Stance | Answer
_T = TypeVar("_T", Entity, Attribution)


@dataclass(frozen=True, slots=True)
class Edit:
    """What became of one suggestion, or one thing that nobody had suggested.

    Attributes:
        kind: ``accepted``; ``retyped``: another label; ``resized``: other offsets; ``reattributed``: another
            attribute, source, cue or answer; ``restanced``: another polarity, holder, role or evidence;
            ``removed``; ``added``. Of several the first that changes most: resized, retyped, then the rest.
        also: The other kinds of change in the same thing.
        layer: The layer it belongs to; ``questions`` for an answer about the whole document.
        document_id: The document.
        annotator: Whose edit it is.
        suggested: What was suggested; None for what was added.
        final: What was left standing; None for what was removed.
        model: The pipeline that suggested, as the server calls it.
        score: The suggestion's score, where the model gave one.
        lead_time: Seconds that the annotator worked on the whole document, where known.
    """

    kind: EditKind
    layer: str
    document_id: str
    annotator: str
    suggested: Item | None
    final: Item | None
    model: str
    score: float | None
    lead_time: float | None = None
    also: tuple[EditKind, ...] = ()


Change: TypeAlias = tuple[tuple[EditKind, ...], Item | None, Item | None]


def edits(desk: Desk) -> Iterator[Edit]:
    """Yield every edit of every finished annotation that started from suggestions.

    The base is the copy of the suggestions that the server took when the annotation was made, so later
    suggestions do not blur it.

    Raises:
        DeskError: The ledger is damaged.
    """
    scheme = desk.scheme()
    layers = {label.id: label.layer for label in scheme.labels}
    done = [item for item in finished(desk) if item.entry.prediction]
    texts = by_id(desk, {item.document_id for item in done})
    for item in done:
        suggested = _suggested(item.entry, scheme, texts)
        if suggested is None:
            continue
        for kinds, before, after in align(suggested, item.annotations):
            thing = before if before is not None else after
            assert thing is not None, "an edit is of something"
            yield Edit(
                kinds[0],
                _layer(thing, layers),
                item.document_id,
                item.annotator,
                before,
                after,
                item.model_version,
                None if before is None or isinstance(before, Answer) else before.score,
                item.lead_time,
                kinds[1:],
            )


def _suggested(entry: LedgerEntry, scheme: LabelScheme, texts: Mapping[str, Document]) -> Annotations | None:
    document = texts[entry.document_id]
    name, _, version = entry.model_version.partition("@")
    prediction = json.loads(entry.prediction)
    try:
        origin = Origin("model", name, version)
        return decode(shown_task(entry), prediction, scheme, document, origin=origin).annotations
    except OffsetError:
        return None


def _layer(thing: Item, layers: Mapping[str, str]) -> str:
    match thing:
        case Entity():
            return layers.get(thing.label, "entities")
        case Attribution():
            return "attribution"
        case Stance():
            return "stance"
        case Answer():
            return "questions"


def align(suggested: Annotations, final: Annotations) -> list[Change]:
    """Return what became of everything suggested, and everything added: (kinds, before, after), in text order."""
    pairs = _matched(suggested.entities, final.entities, lambda e: e.span, lambda e: e.label, _entity_likeness)
    changes: list[Change] = [(_entity_kinds(before, after), before, after) for before, after in pairs]
    quoted = _matched(
        suggested.attributions, final.attributions, lambda a: a.content, lambda a: a.form, _attribution_likeness
    )
    changes += [(_attribution_kinds(before, after), before, after) for before, after in quoted]
    renamed = {before.id: after.id for before, after in pairs if before is not None and after is not None}
    changes += _stances(suggested.stances, final.stances, renamed)
    changes += _answers(suggested, final)
    return changes


# spans


def _matched(
    before: Sequence[_T],
    after: Sequence[_T],
    span: Callable[[_T], Span],
    label: Callable[[_T], str],
    likeness: Callable[[_T, _T], float],
) -> list[tuple[_T | None, _T | None]]:
    """Match what was suggested with what stands; what is left over is paired with None."""
    pairs: list[tuple[_T | None, _T | None]] = []
    left, right = list(before), list(after)
    same: tuple[Callable[[_T], Hashable], ...] = (lambda x: (span(x), label(x)), span)
    for key in same:
        groups: dict[Hashable, tuple[list[_T], list[_T]]] = {}
        for thing in left:
            groups.setdefault(key(thing), ([], []))[0].append(thing)
        for thing in right:
            groups.setdefault(key(thing), ([], []))[1].append(thing)
        for olds, news in groups.values():
            weights = {(i, j): 1.0 + likeness(old, new) for i, old in enumerate(olds) for j, new in enumerate(news)}
            for i, j in best_pairs(weights):
                pairs.append((olds[i], news[j]))
                left = [thing for thing in left if thing is not olds[i]]
                right = [thing for thing in right if thing is not news[j]]
    overlaps = {
        (i, j): _overlap(span(old), span(new)) + 0.25 * (label(old) == label(new)) + likeness(old, new)
        for i, old in enumerate(left)
        for j, new in enumerate(right)
        if span(old).overlaps(span(new))
    }
    matched = best_pairs(overlaps)
    pairs += [(left[i], right[j]) for i, j in matched]
    lost, found = {i for i, _ in matched}, {j for _, j in matched}
    pairs += [(thing, None) for i, thing in enumerate(left) if i not in lost]
    pairs += [(None, thing) for j, thing in enumerate(right) if j not in found]

    def place(pair: tuple[_T | None, _T | None]) -> tuple[int, int, str]:
        thing = pair[0] if pair[0] is not None else pair[1]
        assert thing is not None, "a pair has at least one side"
        return span(thing).start, span(thing).end, thing.id

    return sorted(pairs, key=place)


def _overlap(one: Span, other: Span) -> float:
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared / (max(one.end, other.end) - min(one.start, other.start))


def _entity_likeness(before: Entity, after: Entity) -> float:
    return 0.1 * (before.attributes == after.attributes) + 0.5 * (before.id == after.id)


def _attribution_likeness(before: Attribution, after: Attribution) -> float:
    return 0.1 * (before.source == after.source) + 0.1 * (before.cue == after.cue) + 0.5 * (before.id == after.id)


def _entity_kinds(before: Entity | None, after: Entity | None) -> tuple[EditKind, ...]:
    if before is None or after is None:
        return ("added",) if before is None else ("removed",)
    kinds: list[EditKind] = []
    if before.span != after.span:
        kinds.append("resized")
    if before.label != after.label:
        kinds.append("retyped")
    if before.attributes != after.attributes:
        kinds.append("reattributed")
    return tuple(kinds) or ("accepted",)


def _attribution_kinds(before: Attribution | None, after: Attribution | None) -> tuple[EditKind, ...]:
    if before is None or after is None:
        return ("added",) if before is None else ("removed",)
    kinds: list[EditKind] = []
    if before.content != after.content:
        kinds.append("resized")
    parts = ("source", "cue", "form", "source_type")
    if any(getattr(before, part) != getattr(after, part) for part in parts):
        kinds.append("reattributed")
    return tuple(kinds) or ("accepted",)


# stances and answers


def _stances(before: Sequence[Stance], after: Sequence[Stance], renamed: Mapping[str, str]) -> Iterator[Change]:
    # a target that nobody kept gets a name that no entity has, so that nothing is matched with it
    left = {(renamed.get(s.target, f"gone {s.target}"), renamed.get(s.holder, s.holder)): s for s in before}
    right = {(s.target, s.holder): s for s in after}
    for key in [key for key in left if key in right]:
        old, new = left.pop(key), right.pop(key)
        same = (old.polarity, old.role, old.evidence) == (new.polarity, new.role, new.evidence)
        yield ("accepted",) if same else ("restanced",), old, new
    for key, old in sorted(left.items()):
        rival = next((other for other in sorted(right) if other[0] == key[0]), None)
        if rival is None:
            yield ("removed",), old, None
        else:
            yield ("restanced",), old, right.pop(rival)
    for _, new in sorted(right.items()):
        yield ("added",), None, new


def _answers(suggested: Annotations, final: Annotations) -> Iterator[Change]:
    for question in sorted({*suggested.choices, *final.choices}):
        before, after = suggested.choices.get(question), final.choices.get(question)
        old = None if before is None else Answer(question, before)
        new = None if after is None else Answer(question, after)
        if old is None or new is None:
            yield ("added",) if old is None else ("removed",), old, new
        else:
            yield ("accepted",) if before == after else ("reattributed",), old, new
