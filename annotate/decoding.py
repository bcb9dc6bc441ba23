"""Read annotations out of Label Studio's words: the codec's second half.

Only offsets are trusted: the words they cover are cut from our own frozen text, whose hash must be the one
that the task carries. People and browsers produce what no scheme foresees, so nothing here raises over a
row and nothing is dropped in silence: whatever does not fit becomes a :class:`Problem` that names its
region and says why it was left out, or how it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from copydesk.schemas import (
    ATTRIBUTION_LABELS,
    OUTLET,
    STANCE_LABELS,
    Annotations,
    Attribute,
    Attribution,
    Document,
    Entity,
    LabelScheme,
    OffsetError,
    Origin,
    Span,
    Stance,
    text_sha256,
)

from .tasks import LARGEST_INTEGER

__all__ = ["Decoded", "Problem", "decode"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not fit.

    Attributes:
        document_id: Whose annotation it is in.
        region: The region or relation concerned.
        kind: ``dropped`` if it is not in the annotations, ``normalised`` if it is, read in another way.
        reason: A short, countable word group.
        detail: What exactly was found.
    """

    document_id: str
    region: str
    kind: Literal["dropped", "normalised"]
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Annotations, and what did not fit into them."""

    annotations: Annotations
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Region:
    """One label on one span, with the answers given on it."""

    id: str
    span: Span
    label: str
    score: float | None
    target: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    stance_score: float | None = None


@dataclass(slots=True)
class _Reading:
    """All that is known while one annotation is read."""

    document: Document
    scheme: LabelScheme
    origin: Origin
    scores: bool
    labels: dict[str, str] = field(init=False)
    asked: dict[str, Attribute] = field(init=False)
    targets: frozenset[str] = field(init=False)
    regions: dict[str, _Region] = field(default_factory=dict)
    by_row: dict[str, list[_Region]] = field(default_factory=dict)
    links: dict[str, list[tuple[_Region, _Region]]] = field(default_factory=dict)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.labels = {label.id: label.layer for label in self.scheme.labels}
        self.asked = {attribute.id: attribute for attribute in self.scheme.attributes}
        self.targets = self.scheme.stance_targets

    def drop(self, region: str, reason: str, detail: str = "") -> None:
        self.problems.append(Problem(self.document.id, region, "dropped", reason, detail))

    def note(self, region: str, reason: str, detail: str = "") -> None:
        self.problems.append(Problem(self.document.id, region, "normalised", reason, detail))


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
    data = task["data"]
    shown = data.get("text")
    for found in (data.get("sha256"), text_sha256(shown) if isinstance(shown, str) else None):
        if found is not None and found != document.sha256:
            raise OffsetError(
                document.id, 0, len(document.text), expected=f"text {document.sha256}", found=f"text {found}"
            )
    reading = _Reading(document, scheme, origin, scores=origin.kind in ("model", "rule"))
    rows = list(_readable(reading, annotation.get("result") or []))
    for number, row in enumerate(rows):
        if row.get("type") == "labels":
            _read_region(reading, row, str(row.get("id") or f"row {number}"))
    for row in rows:
        if row.get("type") not in ("labels", "relation"):
            _read_answer(reading, row)
    for row in rows:
        if row.get("type") == "relation":
            _read_relation(reading, row)
    entities = _entities(reading)
    stances = _stances(reading, entities)
    return Decoded(
        Annotations(
            document.id,
            document.sha256,
            tuple(sorted(entities.values(), key=lambda e: (e.span.start, e.span.end, e.label, e.id))),
            tuple(sorted(_attributions(reading), key=lambda a: (a.content.start, a.content.end, a.id))),
            tuple(sorted(stances, key=lambda stance: (stance.target, stance.holder))),
            dict(sorted(reading.choices.items())),
        ),
        tuple(reading.problems),
    )


# rows into regions, answers and links


def _readable(reading: _Reading, rows: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a result whose parts are of the kinds that Label Studio writes."""
    if not isinstance(rows, list):
        reading.drop("result", "row that cannot be read", f"a {type(rows).__name__} in the place of rows")
        return
    for number, row in enumerate(rows):
        if fault := _fault(row):
            name = str(row.get("id") or f"row {number}") if isinstance(row, dict) else f"row {number}"
            reading.drop(name[:80], "row that cannot be read", fault[:200])
        else:
            yield row


def _fault(row: Any) -> str:
    """Say which part of a row is of the wrong kind; the server checks none of it."""
    if not isinstance(row, dict):
        return f"a {type(row).__name__} in the place of a row"
    value, meta = row.get("value") or {}, row.get("meta") or {}
    if not isinstance(value, dict) or not isinstance(meta, dict):
        return f"value {value!r}, meta {meta!r}"
    lists = {"labels": row.get("labels"), "value.labels": value.get("labels"), "value.choices": value.get("choices")}
    for name, names in {**lists, "meta.target": meta.get("target")}.items():
        if names and not (isinstance(names, list) and all(isinstance(item, str) for item in names)):
            return f"{name} {names!r}"
    score = row.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        return f"score {score!r}"
    return ""


def _read_region(reading: _Reading, row: Mapping[str, Any], id: str) -> None:
    value = row.get("value") or {}
    names = value.get("labels") or []
    span = _span(reading, id, value)
    if span is None:
        return
    if not names:
        reading.drop(id, "region without a label", f"{span.text!r} at {span.start}")
    for name in names:
        if reading.labels.get(name) is None or reading.labels[name] != row.get("from_name"):
            reading.drop(id, "unknown label", f"{name!r} in {row.get('from_name')!r}, on {span.text!r}")
            continue
        own = id
        while own in reading.regions:
            own += "~"
        if own != id:
            reading.note(own, "region id given twice", f"{name} on {span.text!r} became a region of its own")
        target = ((row.get("meta") or {}).get("target") or [""])[0]
        score = row.get("score") if reading.scores else None
        region = _Region(own, span, name, score, target if isinstance(target, str) else "")
        reading.regions[own] = region
        reading.by_row.setdefault(id, []).append(region)


def _span(reading: _Reading, id: str, value: Mapping[str, Any]) -> Span | None:
    start, end = _whole(value.get("start")), _whole(value.get("end"))
    text = reading.document.text
    if start is None or end is None or not 0 <= start <= end <= len(text):
        found = f"[{value.get('start')!r}, {value.get('end')!r}) of {len(text)}"
        reading.drop(id, "offsets outside the text", found)
        return None
    words = text[start:end]
    bare = words.strip()
    if not bare:
        reading.drop(id, "empty span", f"[{start}, {end})")
        return None
    if len(bare) != len(words):
        start += len(words) - len(words.lstrip())
        end = start + len(bare)
        reading.note(id, "blanks at the edges stripped", repr(words))
    return Span(start, end, bare)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    return int(value) if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else None


def _read_answer(reading: _Reading, row: Mapping[str, Any]) -> None:
    region_id, name, value = str(row.get("id")), str(row.get("from_name")), row.get("value") or {}
    question = next((question for question in reading.scheme.questions if question.id == name), None)
    if question is not None:
        allowed = {known.id for known in question.values}
        given = tuple(choice for choice in value.get("choices") or () if choice in allowed)
        if len(given) < len(value.get("choices") or ()):
            reading.drop(name, "unknown answer", f"{value.get('choices')!r}")
        if given and name in reading.choices:
            reading.drop(name, "question answered twice", f"{given!r}")
        elif given:
            reading.choices[name] = given
        return
    attribute = reading.asked.get(name)
    if attribute is None:
        reading.drop(region_id, "unknown question", f"{row.get('type')} {name!r}: {value!r}"[:200])
        return
    answer = _answer(attribute, value)
    if answer is None:
        reading.drop(region_id, "unknown answer", f"{name}: {value.get('choices', value.get('number'))!r}")
        return
    fitting = [region for region in reading.by_row.get(region_id, ()) if region.label in attribute.labels]
    if not fitting:
        labels = [region.label for region in reading.by_row.get(region_id, ())]
        reading.drop(region_id, "answer not asked of this label", f"{name} = {answer} on {labels or 'no region'}")
    for region in fitting:
        region.answers[name] = answer
        if name == "polarity" and reading.scores:
            region.stance_score = row.get("score")


def _answer(attribute: Attribute, value: Mapping[str, Any]) -> str | None:
    if attribute.kind == "integer":
        number = _whole(value.get("number"))
        return str(number) if number is not None and 0 <= number <= LARGEST_INTEGER else None
    given = value.get("choices") or []
    allowed = {"true"} if attribute.kind == "flag" else {known.id for known in attribute.values}
    return given[0] if len(given) == 1 and given[0] in allowed else None


def _read_relation(reading: _Reading, row: Mapping[str, Any]) -> None:
    source, target = str(row.get("from_id")), str(row.get("to_id"))
    if row.get("direction") == "left":
        source, target = target, source
    name = f"{source} → {target}"
    if source not in reading.by_row or target not in reading.by_row:
        reading.drop(name, "relation to nothing", f"{row.get('labels')!r}")
        return
    wanted = row.get("labels") or []
    for start, end, turned in ((source, target, False), (target, source, True)):
        for relation in reading.scheme.relations:
            if wanted and relation.id not in wanted:
                continue
            starts = [region for region in reading.by_row[start] if region.label in relation.source]
            stops = [region for region in reading.by_row[end] if region.label in relation.target]
            if starts and stops:
                if turned or not wanted:
                    reading.note(name, "relation read by its ends", f"as {relation.id} from {start}")
                reading.links.setdefault(relation.id, []).append((starts[0], stops[0]))
                return
    ends = [" and ".join(region.label for region in reading.by_row[end]) for end in (source, target)]
    reading.drop(name, "relation between labels it is not for", f"{wanted!r} from {ends[0]} to {ends[1]}")


# regions into annotations


def _entities(reading: _Reading) -> dict[str, Entity]:
    special = {*ATTRIBUTION_LABELS, *STANCE_LABELS}
    found = {}
    for region in reading.regions.values():
        if region.label not in special:
            own = {name: value for name, value in region.answers.items() if reading.asked[name].layer != "stance"}
            attributes = dict(sorted(own.items()))
            found[region.id] = Entity(region.id, region.span, region.label, reading.origin, attributes, region.score)
    return found


def _into(reading: _Reading, relation: str) -> dict[str, list[_Region]]:
    """Return, for each region, the distinct regions that relate to it, in text order."""
    into: dict[str, list[_Region]] = {}
    for source, target in reading.links.get(relation, ()):
        if source not in into.setdefault(target.id, []):
            into[target.id].append(source)
    for sources in into.values():
        sources.sort(key=lambda region: (region.span, region.id))
    return into


def _attributions(reading: _Reading) -> Iterable[Attribution]:
    sources, cues = _into(reading, "source"), _into(reading, "cue")
    used = {region.id for regions in (*sources.values(), *cues.values()) for region in regions}
    for region in reading.regions.values():
        if region.label in ("SOURCE", "CUE") and region.id not in used:
            reading.drop(region.id, f"{region.label} without a content", repr(region.span.text))
        if region.label != "CONTENT":
            continue
        own = {"source": sources.get(region.id, []), "cue": cues.get(region.id, [])}
        for name, regions in own.items():
            for further in regions[1:]:
                reading.drop(further.id, f"second {name} of one content", repr(further.span.text))
        source, cue = (next(iter(own[name]), None) for name in ("source", "cue"))
        yield Attribution(
            region.id,
            region.span,
            reading.origin,
            source=source.span if source else None,
            cue=cue.span if cue else None,
            form=region.answers.get("form", ""),
            source_type=source.answers.get("source_type", "") if source else "",
            score=region.score,
        )


def _stances(reading: _Reading, entities: Mapping[str, Entity]) -> Iterable[Stance]:
    holders, evidence = _into(reading, "holder"), _into(reading, "evidence")
    used = {region.id for regions in evidence.values() for region in regions}
    stances: dict[tuple[str, str], Stance] = {}
    for region in reading.regions.values():
        if region.label == "EVIDENCE" and region.id not in used:
            reading.drop(region.id, "EVIDENCE without a stance", repr(region.span.text))
        target = _target(reading, region, entities)
        if target is None or not _has_stance(reading, region, holders, evidence):
            continue
        spans = tuple(item.span for item in evidence.get(region.id, ()))
        for holder in _holders(reading, region, holders):
            stance = Stance(
                target,
                holder,
                region.answers["polarity"],
                reading.origin,
                tuple(sorted(set(spans))),
                region.answers.get("role", ""),
                region.stance_score,
            )
            if (target, holder) in stances:
                reading.drop(region.id, "second stance of one holder on one target", f"{holder} on {target}")
            else:
                stances[target, holder] = stance
    return stances.values()


def _target(reading: _Reading, region: _Region, entities: Mapping[str, Entity]) -> str | None:
    if region.id in entities:
        return region.id if region.label in reading.targets else None
    if region.label != "STANCE":
        return None
    able = [
        entity.id
        for entity in entities.values()
        if entity.label in reading.targets
        and (entity.span.start, entity.span.end) == (region.span.start, region.span.end)
    ]
    if region.target in able:
        return region.target
    if len(able) == 1:
        return able[0]
    reading.drop(region.id, "STANCE region without one target", f"{region.span.text!r}: {len(able)} mentions there")
    return None


def _has_stance(
    reading: _Reading, region: _Region, holders: Mapping[str, Any], evidence: Mapping[str, list[_Region]]
) -> bool:
    if "polarity" in region.answers:
        return True
    said: list[str] = [name for name in ("holder", "role") if name in region.answers]
    said += [name for name, into in (("holder", holders), ("evidence", evidence)) if region.id in into]
    if said or region.label == "STANCE":
        reading.drop(region.id, "stance without a polarity", f"{region.span.text!r}, {', '.join(said) or 'nothing'}")
    return False


def _holders(reading: _Reading, region: _Region, holders: Mapping[str, list[_Region]]) -> list[str]:
    mentions = [holder.id for holder in holders.get(region.id, ())]
    answer = region.answers.get("holder")
    if mentions and answer:
        reading.note(region.id, "two kinds of holder", f"{answer} left out, {', '.join(mentions)} kept")
    if len(mentions) > 1:
        reading.note(region.id, "several holders", f"one stance for each of {', '.join(mentions)}")
    if mentions:
        return mentions
    if answer:
        return [answer]
    quoted = any(r.label == "CONTENT" and r.span.contains(region.span) for r in reading.regions.values())
    if quoted:
        reading.drop(region.id, "stance in quoted words without a holder", repr(region.span.text))
        return []
    reading.note(region.id, "stance without a holder", f"read as {OUTLET}")
    return [OUTLET]
