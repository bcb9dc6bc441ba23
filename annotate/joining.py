"""Put together what one person said about one document in several tasks.

A desk may ask for its layers in different projects, and for stances one mention at a time. Of a layer that was asked
twice the newer answer stands. A task about one mention answers for that mention alone: it replaces the stances on it,
and leaves every other one. A mention that only such a task names comes with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from copydesk.schemas import OUTLET, UNNAMED, Annotations, Entity, LabelScheme, Stance

from .consensus import reidentify
from .focus_places import read_focus

__all__ = ["Part", "join"]


@dataclass(frozen=True, slots=True)
class Part:
    """One task's finished work.

    Attributes:
        annotations: What was said.
        layers: The layers that the task asked for.
        focus: The mention that it was about, as ``start-end``; empty for a whole document.
        updated_at: When it was saved; parts are joined oldest first, by this and then by `key`.
        key: What tells it from every other.
    """

    annotations: Annotations
    layers: frozenset[str]
    focus: str
    updated_at: str
    key: str


def join(parts: Sequence[Part], scheme: LabelScheme) -> tuple[Annotations, tuple[Stance, ...]]:
    """Return one person's work on one document, of at least one part, and the stances that it could not keep.

    Ids are made by content where there is more than one part. A stance is lost where its mention was taken away in a
    newer answer of another task.
    """
    if len(parts) == 1:
        return parts[0].annotations, ()
    ordered = sorted(parts, key=lambda part: (bool(part.focus), part.updated_at, part.key))
    layers = {label.id: label.layer for label in scheme.span_labels}
    joined = reidentify(ordered[0].annotations)
    lost: list[Stance] = []
    for part in ordered[1:]:
        more = reidentify(part.annotations)
        if part.focus:
            joined = _with_mention(joined, more, part.focus)
        else:
            joined, gone = _with_layers(joined, more, part, layers)
            lost += gone
    return reidentify(joined), tuple(lost)


def _with_layers(
    joined: Annotations, more: Annotations, part: Part, layers: dict[str, str]
) -> tuple[Annotations, list[Stance]]:
    """Return the work so far with the part's layers in the place of its own, and the stances left without a mention."""
    kept = [entity for entity in joined.entities if layers.get(entity.label, "") not in part.layers]
    stances = more.stances if "stance" in part.layers else joined.stances
    entities = _united(more.entities, kept)
    # a stance needs its mentions, whoever showed them
    known = {entity.id: entity for entity in (*more.entities, *joined.entities)}
    named = {name for stance in stances for name in (stance.target, stance.holder)} - {OUTLET, UNNAMED}
    if "entities" not in part.layers:
        entities = _united(entities, [known[name] for name in sorted(named) if name in known])
    stands = {entity.id for entity in entities} | {OUTLET, UNNAMED}
    kept_stances = [stance for stance in stances if stance.target in stands and stance.holder in stands]
    united = Annotations(
        joined.document_id,
        joined.sha256,
        tuple(entities),
        more.attributions if "attribution" in part.layers else joined.attributions,
        tuple(kept_stances),
        {**joined.choices, **more.choices},
    )
    return united, [stance for stance in stances if stance not in kept_stances]


def _with_mention(joined: Annotations, more: Annotations, focus: str) -> Annotations:
    """Return the work so far with what one mention's task says of it.

    All stances of such a task are on its mention, also where somebody drew the mention anew or gave it another label.
    """
    place = read_focus(focus)
    there = [
        entity
        for entity in (*joined.entities, *more.entities)
        if place is not None and (entity.span.start, entity.span.end) == (place.start, place.end)
    ]
    # another label on the same words is another mention, with a task of its own
    labels = {place.label} if place is not None and place.label else {e.label for e in there if e in more.entities}
    about = {entity.id for entity in there if not labels or entity.label in labels}
    about |= {stance.target for stance in more.stances}
    stances = [stance for stance in joined.stances if stance.target not in about]
    return Annotations(
        joined.document_id,
        joined.sha256,
        tuple(_united(joined.entities, more.entities)),
        joined.attributions,
        (*stances, *more.stances),
        joined.choices,
    )


def _united(first: Sequence[Entity], second: Sequence[Entity]) -> list[Entity]:
    """Return entities of both, those of the first where both have one."""
    known = {entity.id for entity in first}
    return [*first, *(entity for entity in second if entity.id not in known)]
