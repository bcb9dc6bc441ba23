"""Read annotations out of Label Studio's words: the codec's second half.

Only offsets are trusted: the words they cover are cut from our own frozen text, whose hash must be the one
that the task carries. People and browsers produce what no scheme foresees, so nothing here raises over a
row and nothing is dropped in silence: whatever does not fit becomes a :class:`Problem` that names its
region and says why it was left out, or how it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from copydesk.schemas import (
    ATTRIBUTION_LABELS,
    OUTLET,
    STANCE_LABELS,
    Annotations,
    Attribution,
    Document,
    Entity,
    LabelScheme,
    OffsetError,
    Origin,
    Stance,
)

from .reading import Problem, Reading, Region, read_rows
from .wire import vocabulary

__all__ = ["Decoded", "Problem", "decode"]

ATTRIBUTION: Final = frozenset(ATTRIBUTION_LABELS)
SPECIAL: Final = ATTRIBUTION | frozenset(STANCE_LABELS)
"""The labels whose regions are parts of an attribution or a stance, and no entities."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Annotations, and what did not fit into them."""

    annotations: Annotations
    problems: tuple[Problem, ...] = ()


def decode(
    task: Mapping[str, Any],
    annotation: Mapping[str, Any],
    scheme: LabelScheme,
    document: Document,
    *,
    origin: Origin,
) -> Decoded:
    """Return what an annotation, or a prediction, says about a document.

    It undoes :func:`encode`, up to the order of entities, attributions and stances, which come back sorted.

    Args:
        task: The task; its ``data`` must carry the hash of the document's text.
        annotation: Whatever has a ``result``: an annotation, a draft or a prediction.
        scheme: The scheme that the task was made with, whole or cut down to its layers.
        document: Our own document, whose text the offsets point into.
        origin: Who said so. A person has no score, so scores are kept for a model's or a rule's work only.

    Raises:
        OffsetError: The task was made from another text, or its text was changed on the server.
    """
    _same_text(task["data"], document)
    reading = Reading(document, vocabulary(scheme), origin.kind in ("model", "rule"))
    read_rows(reading, annotation.get("result") or [])
    entities = _entities(reading, origin)
    attributions = _attributions(reading, origin)
    stances = _stances(reading, entities, origin)
    annotations = Annotations(
        document.id,
        document.sha256,
        tuple(sorted(entities.values(), key=lambda e: (e.span.start, e.span.end, e.label, e.id))),
        tuple(sorted(attributions, key=lambda a: (a.content.start, a.content.end, a.id))),
        tuple(sorted(stances, key=lambda stance: (stance.target, stance.holder))),
        dict(sorted(reading.choices.items())),
    )
    return Decoded(annotations, tuple(reading.problems))


def _same_text(data: Mapping[str, Any], document: Document) -> None:
    """Refuse a task whose text, or the hash that it carries, is not the document's.

    Raises:
        OffsetError: It is another text.
    """
    shown, noted = data.get("text"), data.get("sha256")
    if shown is None and noted is None:
        found = "a task that carries neither its text nor its hash"
    elif noted is not None and noted != document.sha256:
        found = f"text {noted}"
    elif shown is not None and shown != document.text:
        found = f"another text of {len(shown)} code points" if isinstance(shown, str) else f"text {shown!r}"
    else:
        return
    raise OffsetError(document.id, 0, len(document.text), expected=f"text {document.sha256}", found=found)


# regions into annotations


def _entities(reading: Reading, origin: Origin) -> dict[str, Entity]:
    asked, answers = reading.words.attributes, reading.answers
    found = {}
    for id_, region in reading.regions.items():
        if region.label not in SPECIAL:
            attributes: dict[str, str] = {}
            if id_ in answers:
                own = sorted(answers[id_].items())
                attributes = {name: value for name, value in own if asked[name].layer != "stance"}
            found[id_] = Entity(id_, region.span, region.label, origin, attributes, region.score)
    return found


def _into(reading: Reading, relation: str) -> dict[str, list[Region]]:
    """Return, for each region, the distinct regions that relate to it, in text order."""
    into: dict[str, list[Region]] = {}
    for source, target in reading.links.get(relation, ()):
        if source not in into.setdefault(target.id, []):
            into[target.id].append(source)
    for sources in into.values():
        if len(sources) > 1:
            sources.sort(key=lambda region: (region.span, region.id))
    return into


def _labelled(reading: Reading, labels: frozenset[str]) -> list[Region]:
    return [region for region in reading.regions.values() if region.label in labels]


def _answer(reading: Reading, region: Region, name: str) -> str:
    return reading.answers.get(region.id, {}).get(name, "")


def _attributions(reading: Reading, origin: Origin) -> Iterable[Attribution]:
    parts = _labelled(reading, ATTRIBUTION)
    if not parts:
        return
    sources, cues = _into(reading, "source"), _into(reading, "cue")
    used = {region.id for regions in (*sources.values(), *cues.values()) for region in regions}
    for region in parts:
        if region.label != "CONTENT":
            if region.id not in used:
                reading.drop(region.id, f"{region.label} without a content", repr(region.span.text))
            continue
        own = {"source": sources.get(region.id, []), "cue": cues.get(region.id, [])}
        for name, regions in own.items():
            for further in regions[1:]:
                reading.drop(further.id, f"second {name} of one content", repr(further.span.text))
        source, cue = (next(iter(own[name]), None) for name in ("source", "cue"))
        yield Attribution(
            region.id,
            region.span,
            origin,
            source=source.span if source else None,
            cue=cue.span if cue else None,
            form=_answer(reading, region, "form"),
            source_type=_answer(reading, source, "source_type") if source else "",
            score=region.score,
        )


def _stances(reading: Reading, entities: Mapping[str, Entity], origin: Origin) -> Iterable[Stance]:
    holders, evidence = _into(reading, "holder"), _into(reading, "evidence")
    used = {region.id for regions in evidence.values() for region in regions}
    answers = reading.answers
    stances: dict[tuple[str, str], Stance] = {}
    for region in reading.regions.values():
        if region.label == "EVIDENCE" and region.id not in used:
            reading.drop(region.id, "EVIDENCE without a stance", repr(region.span.text))
        # most regions are mentions that nobody says anything about
        if not (region.id in answers or region.label == "STANCE" or region.id in holders or region.id in evidence):
            continue
        target = _target(reading, region, entities)
        if target is None or not _has_stance(reading, region, holders, evidence):
            continue
        spans = tuple(sorted({item.span for item in evidence.get(region.id, ())}))
        polarity, role = _answer(reading, region, "polarity"), _answer(reading, region, "role")
        for holder in _holders(reading, region, holders):
            if (target, holder) in stances:
                reading.drop(region.id, "second stance of one holder on one target", f"{holder} on {target}")
            else:
                stance = Stance(target, holder, polarity, origin, spans, role, reading.stance_scores.get(region.id))
                stances[target, holder] = stance
    return stances.values()


def _target(reading: Reading, region: Region, entities: Mapping[str, Entity]) -> str | None:
    if region.id in entities:
        return region.id if region.label in reading.words.targets else None
    if region.label != "STANCE":
        return None
    able = [
        entity.id
        for entity in entities.values()
        if entity.label in reading.words.targets
        and (entity.span.start, entity.span.end) == (region.span.start, region.span.end)
    ]
    if region.target in able:
        return region.target
    if len(able) == 1:
        return able[0]
    reading.drop(region.id, "STANCE region without one target", f"{region.span.text!r}: {len(able)} mentions there")
    return None


def _has_stance(
    reading: Reading, region: Region, holders: Mapping[str, Any], evidence: Mapping[str, list[Region]]
) -> bool:
    if _answer(reading, region, "polarity"):
        return True
    said: list[str] = [name for name in ("holder", "role") if _answer(reading, region, name)]
    said += [name for name, into in (("holder", holders), ("evidence", evidence)) if region.id in into]
    if said or region.label == "STANCE":
        reading.drop(region.id, "stance without a polarity", f"{region.span.text!r}, {', '.join(said) or 'nothing'}")
    return False


def _holders(reading: Reading, region: Region, holders: Mapping[str, list[Region]]) -> list[str]:
    mentions = [holder.id for holder in holders.get(region.id, ())]
    answer = _answer(reading, region, "holder")
    if mentions and answer:
        reading.note(region.id, "two kinds of holder", f"{answer} left out, {', '.join(mentions)} kept")
    if len(mentions) > 1:
        reading.note(region.id, "several holders", f"one stance for each of {', '.join(mentions)}")
    if mentions:
        return mentions
    if answer:
        return [answer]
    if region.id in reading.unheard:  # somebody else held it: it is not the outlet's
        reading.drop(region.id, "stance whose holder cannot be read", repr(region.span.text))
        return []
    quoted = any(r.label == "CONTENT" and r.span.contains(region.span) for r in reading.regions.values())
    if quoted:
        reading.drop(region.id, "stance in quoted words without a holder", repr(region.span.text))
        return []
    reading.note(region.id, "stance without a holder", f"read as {OUTLET}")
    return [OUTLET]
