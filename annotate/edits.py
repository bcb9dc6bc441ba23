"""Say what became of each suggestion: align it with what a person finished, by content.

The server's own `origin` marks are no base for this: they are lost with drafts and absent behind the API. So
the suggestions that an annotator saw and the annotation that they left are both decoded and matched:

    entities       same span and label, else the pairs of overlapping spans that are most alike in all
    attributions   by their content, in the same way
    stances        by target and holder as the entities were matched, else by target, the most alike in all
    answers        by question

Where contents tie, the region id that Label Studio keeps through a correction decides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypeVar

from copydesk.corpus import Desk
from copydesk.schemas import Annotations, Attribution, Document, Entity, LabelScheme, OffsetError, Origin, Span, Stance

from .decoding import decode
from .focus_reading import decode_focus
from .history import SchemeHistory
from .ledger import LedgerEntry, author, by_id, ledger, shown_task, standing
from .matching import best_pairs

__all__ = ["Answer", "Edit", "EditKind", "align", "edits"]

SAME_LABEL: Final = 0.5
SAME_EDGE: Final = 0.3
SAME_ID: Final = 0.75
"""What speaks for a pair besides the share of words they have in common; chosen on simulated edits."""

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
        layer: The layer it belongs to; ``questions`` for an answer about the whole document.
        document_id: The document.
        annotator: Whose edit it is.
        suggested: What was suggested; None for what was added.
        final: What was left standing; None for what was removed.
        model: The pipeline that suggested, as the server calls it.
        score: The suggestion's score, where the model gave one.
        lead_time: Seconds that the annotator worked on the whole document, where known.
        also: The other kinds of change in the same thing.
        arm: The arm of the task: in ``decoy`` the suggestions were wrong on purpose.
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
    arm: str = ""


Change: TypeAlias = tuple[tuple[EditKind, ...], Item | None, Item | None]


def edits(desk: Desk) -> Iterator[Edit]:
    """Yield every edit of every annotation that stands and started from suggestions.

    The base is the copy of the suggestions that the server took when the annotation was made, so later
    suggestions do not blur it. Each annotation is held against its own suggestions, also where a document's
    finished work is put together from several; a task about one mention has edits of the stances on it alone. Skipped
    work and drafts are no edits.

    Raises:
        DeskError: The ledger is damaged.
    """
    scheme = desk.scheme()
    layers = {label.id: label.layer for label in scheme.labels}
    history = SchemeHistory(desk)
    keys = standing(desk)
    texts = by_id(desk, {entry.document_id for entry in _suggested_to(desk, keys)})
    for entry in _suggested_to(desk, keys):
        document = texts.get(entry.document_id)
        read = None if document is None else _both(entry, scheme, document, history)
        if read is None:
            continue
        for kinds, before, after in align(*read):
            thing = before if before is not None else after
            assert thing is not None, "an edit is of something"
            if entry.layout == "focus" and not isinstance(thing, Stance):
                continue  # the mention is shown there to be asked about, and was suggested elsewhere
            yield Edit(
                kinds[0],
                _layer(thing, layers),
                entry.document_id,
                entry.annotator,
                before,
                after,
                entry.model_version,
                None if before is None or isinstance(before, Answer) else before.score,
                entry.lead_time,
                kinds[1:],
                entry.arm,
            )


def _suggested_to(desk: Desk, keys: Set[str]) -> Iterator[LedgerEntry]:
    """Yield the finished versions with these keys whose annotators saw suggestions."""
    for entry in ledger(desk):
        saw = bool(entry.prediction) and entry.arm != "blind"  # what the blind arm is sent is empty
        if saw and entry.key in keys and entry.state in ("submitted", "updated"):
            yield entry


def _both(
    entry: LedgerEntry, scheme: LabelScheme, document: Document, history: SchemeHistory
) -> tuple[Annotations, Annotations] | None:
    """Return what was suggested and what was made of it; None where the text is another by now."""
    name, _, version = entry.model_version.partition("@")
    task = shown_task(entry)

    def read(said: dict[str, Any], origin: Origin) -> Annotations:
        annotation = history.read(said, entry.scheme)
        if entry.layout == "focus":
            data = {**task["data"], "focus": entry.focus}
            return decode_focus(data, annotation, scheme, document, origin=origin).annotations
        return decode(task, annotation, scheme, document, origin=origin).annotations

    try:
        return read(entry.shown(), Origin("model", name, version)), read(entry.said(), author(entry))
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
    """Match what was suggested with what stands; what is left over is paired with None.

    What kept both span and label is matched first. The rest is one assignment over all pairs that overlap, so that
    of two things that were moved onto each other's places neither takes the other's correction.
    """
    groups: dict[tuple[int, int, str], tuple[list[_T], list[_T]]] = {}
    for side, things in enumerate((before, after)):
        for thing in things:
            key = (span(thing).start, span(thing).end, label(thing))
            groups.setdefault(key, ([], []))[side].append(thing)
    pairs: list[tuple[_T | None, _T | None]] = []
    left, right = [], []
    for olds, news in groups.values():
        weights = {(i, j): 1.0 + likeness(old, new) for i, old in enumerate(olds) for j, new in enumerate(news)}
        matched = best_pairs(weights)
        pairs += [(olds[i], news[j]) for i, j in matched]
        lost, found = {i for i, _ in matched}, {j for _, j in matched}
        left += [thing for i, thing in enumerate(olds) if i not in lost]
        right += [thing for j, thing in enumerate(news) if j not in found]
    overlaps = {
        (i, j): _overlap(span(left[i]), span(right[j]))
        + SAME_LABEL * (label(left[i]) == label(right[j]))
        + likeness(left[i], right[j])
        for i, j in _overlapping([span(thing) for thing in left], [span(thing) for thing in right])
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


def _overlapping(left: Sequence[Span], right: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Yield the numbers of all spans that overlap, without comparing each with each."""
    order = sorted(range(len(right)), key=lambda j: right[j].start)
    starts = [right[j].start for j in order]
    longest = max((span.end - span.start for span in right), default=0)
    for i, span in enumerate(left):
        for j in order[bisect_left(starts, span.start - longest) : bisect_left(starts, span.end)]:
            if span.overlaps(right[j]):
                yield i, j


def _overlap(one: Span, other: Span) -> float:
    """Return how much of two spans is shared, and more where an edge is: a resize moves one edge, as a rule."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    edges = (one.start == other.start) + (one.end == other.end)
    return shared / (max(one.end, other.end) - min(one.start, other.start)) + SAME_EDGE * edges


def _entity_likeness(before: Entity, after: Entity) -> float:
    return 0.1 * (before.attributes == after.attributes) + SAME_ID * (before.id == after.id)


def _attribution_likeness(before: Attribution, after: Attribution) -> float:
    return 0.1 * (before.source == after.source) + 0.1 * (before.cue == after.cue) + SAME_ID * (before.id == after.id)


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
        same = _stance_likeness(old, new) == 1.0
        yield ("accepted",) if same else ("restanced",), old, new
    # another holder: of all on the same target, those that say the most alike
    olds, news = sorted(left), sorted(right)
    weights = {
        (i, j): 1.0 + _stance_likeness(left[old], right[new])
        for i, old in enumerate(olds)
        for j, new in enumerate(news)
        if old[0] == new[0]
    }
    pairs = dict(best_pairs(weights))
    for i, key in enumerate(olds):
        if i in pairs:
            yield ("restanced",), left[key], right.pop(news[pairs[i]])
        else:
            yield ("removed",), left[key], None
    for _, new in sorted(right.items()):
        yield ("added",), None, new


def _stance_likeness(one: Stance, other: Stance) -> float:
    same = (one.evidence == other.evidence, one.polarity == other.polarity, one.role == other.role)
    return 0.5 * same[0] + 0.25 * same[1] + 0.25 * same[2]


def _answers(suggested: Annotations, final: Annotations) -> Iterator[Change]:
    for question in sorted({*suggested.choices, *final.choices}):
        before, after = suggested.choices.get(question), final.choices.get(question)
        old = None if before is None else Answer(question, before)
        new = None if after is None else Answer(question, after)
        if old is None or new is None:
            yield ("added",) if old is None else ("removed",), old, new
        else:
            yield ("accepted",) if before == after else ("reattributed",), old, new
