"""Read the rows of a result into regions, answers and links: what :func:`~.decoding.decode` builds on.

Nearly every row is as the encoder or the browser writes it, and is read at once. Whatever is unusual about one
sends it the careful way, where nothing raises and nothing is dropped without a :class:`Problem`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from copydesk.schemas import Document, Span

from .wire import LARGEST_INTEGER, Asked, Vocabulary

__all__ = ["Problem", "Reading", "Region", "read_rows"]

RELATION: Final = frozenset(("type", "from_id", "to_id", "direction", "labels"))
ANSWER: Final = frozenset(("id", "from_name", "to_name", "type", "value", "score", "origin"))
CHOICE: Final = frozenset(("start", "end", "text", "choices"))
"""What rows have that are as the encoder or the browser writes them."""


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


@dataclass(slots=True)
class Region:
    """One label on one span; `target` is the mention that a STANCE region is about."""

    id: str
    span: Span
    label: str
    score: float | None
    target: str = ""


@dataclass(slots=True)
class Reading:
    """All that is known while one annotation is read.

    Attributes:
        scores: Whether the author has scores, as models do and people do not.
        regions: Every region by its id.
        twins: The regions of a row's id, where that id stands for more than one.
        answers: Region to attribute to answer.
        stance_scores: Region to the score of the polarity given on it.
        links: Relation to (source, target).
        unheard: Regions that somebody was said to be the holder of a stance on, in words or by an arrow that cannot be read.
        choices: Question to answers.
    """

    document: Document
    words: Vocabulary
    scores: bool
    regions: dict[str, Region] = field(default_factory=dict)
    twins: dict[str, list[Region]] = field(default_factory=dict)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    stance_scores: dict[str, float | None] = field(default_factory=dict)
    links: dict[str, list[tuple[Region, Region]]] = field(default_factory=dict)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unheard: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def drop(self, region: str, reason: str, detail: str = "") -> None:
        """Record what is left out."""
        self.problems.append(Problem(self.document.id, region, "dropped", reason, detail))

    def note(self, region: str, reason: str, detail: str = "") -> None:
        """Record what is read in another way than it stands there."""
        self.problems.append(Problem(self.document.id, region, "normalised", reason, detail))

    def called(self, id: str) -> Sequence[Region]:
        """Return the regions that a row's id stands for: one, as a rule."""
        if id in self.twins:
            return self.twins[id]
        return (self.regions[id],) if id in self.regions else ()


def read_rows(reading: Reading, rows: Any) -> None:
    """Read all rows of a result, in whatever order they come."""
    if not isinstance(rows, list):
        reading.drop("result", "row that cannot be read", f"a {type(rows).__name__} in the place of rows")
        return
    answers, relations = [], []
    for number, row in _but_plain(reading, rows):
        if fault := _fault(row):
            name = str(row.get("id") or f"row {number}") if isinstance(row, dict) else f"row {number}"
            reading.drop(name[:80], "row that cannot be read", fault[:200])
        elif (kind := row.get("type")) == "relation":
            relations.append(row)
        elif kind == "labels":
            _read_region(reading, row, str(row.get("id") or f"row {number}"))
        else:
            answers.append(row)
    for row in answers:
        _read_answer(reading, row)
    for row in relations:
        _read_relation(reading, row)


def _but_plain(reading: Reading, rows: list[Any]) -> Iterator[tuple[int, Any]]:
    """Read the regions that are as the encoder or the browser writes them, and yield every other row in its place."""
    regions, layers, text, scores = reading.regions, reading.words.layers, reading.document.text, reading.scores
    length = len(text)
    for number, row in enumerate(rows):
        try:
            if row["type"] == "labels" and "meta" not in row:
                value, own, score = row["value"], row["id"], row.get("score")
                start, end, names = value["start"], value["end"], value["labels"]
                if type(start) is type(end) is int and 0 <= start < end <= length and type(names) is list:
                    words, (name,) = text[start:end], names
                    known = layers[name] == row["from_name"] and type(own) is str and own and own not in regions
                    if known and words == words.strip() and (score is None or type(score) is float):
                        regions[own] = Region(own, Span(start, end, words), name, score if scores else None)
                        continue
        except (KeyError, TypeError, ValueError):
            pass  # it is unusual, and whoever reads it with care will say how
        yield number, row


def _is_sound(row: Any) -> bool:
    """Tell whether a row is an answer of one choice, or a relation by one name: most that are no regions are."""
    try:
        if row["type"] == "relation":
            (name,) = row["labels"]
            return type(name) is str and type(row["labels"]) is list and row.keys() <= RELATION
        value = row["value"]
        (name,) = value["choices"]
        return (
            type(name) is str
            and type(value["choices"]) is list
            and row.keys() <= ANSWER
            and value.keys() <= CHOICE
            and type(row.get("score", 0.0)) is float
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def _fault(row: Any) -> str:
    """Say which part of a row is of the wrong kind; the server checks none of it."""
    if _is_sound(row):
        return ""
    if not isinstance(row, dict):
        return f"a {type(row).__name__} in the place of a row"
    value, meta, score = row.get("value") or {}, row.get("meta") or {}, row.get("score")
    if not isinstance(value, dict) or not isinstance(meta, dict):
        return f"value {value!r}, meta {meta!r}"
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        return f"score {score!r}"
    lists = row.get("labels"), value.get("labels"), value.get("choices"), meta.get("target")
    for name, names in zip(("labels", "value.labels", "value.choices", "meta.target"), lists, strict=True):
        if names and not (type(names) is list and set(map(type, names)) == {str}):
            return f"{name} {names!r}"
    return ""


# regions


def _read_region(reading: Reading, row: Mapping[str, Any], row_id: str) -> None:
    value = row.get("value") or {}
    names = value.get("labels") or []
    span = _span(reading, row_id, value)
    if span is None:
        return
    if not names:
        reading.drop(row_id, "region without a label", f"{span.text!r} at {span.start}")
    layers = reading.words.layers
    for name in names:
        if layers.get(name) is None or layers[name] != row.get("from_name"):
            reading.drop(row_id, "unknown label", f"{name!r} in {row.get('from_name')!r}, on {span.text!r}")
            continue
        own = row_id
        while own in reading.regions:
            own += "~"
        if own != row_id:
            reading.note(own, "region id given twice", f"{name} on {span.text!r} became a region of its own")
            reading.twins.setdefault(row_id, list(reading.called(row_id)))
        target = ((row.get("meta") or {}).get("target") or [""])[0]
        region = Region(own, span, name, row.get("score") if reading.scores else None, target)
        reading.regions[own] = region
        if row_id in reading.twins:
            reading.twins[row_id].append(region)


def _span(reading: Reading, row_id: str, value: Mapping[str, Any]) -> Span | None:
    start, end = _whole(value.get("start")), _whole(value.get("end"))
    text = reading.document.text
    if start is None or end is None or not 0 <= start <= end <= len(text):
        found = f"[{value.get('start')!r}, {value.get('end')!r}) of {len(text)}"
        reading.drop(row_id, "offsets outside the text", found)
        return None
    words = text[start:end]
    bare = words.strip()
    if not bare:
        reading.drop(row_id, "empty span", f"[{start}, {end})")
        return None
    if len(bare) != len(words):
        start += len(words) - len(words.lstrip())
        end = start + len(bare)
        reading.note(row_id, "blanks at the edges stripped", repr(words))
    return Span(start, end, bare)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    return int(value) if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else None


# answers


def _read_answer(reading: Reading, row: Mapping[str, Any]) -> None:
    name, value = str(row.get("from_name")), row.get("value") or {}
    if name in reading.words.questions:
        _read_question(reading, name, reading.words.questions[name], value)
        return
    region_id = str(row.get("id"))
    asked = reading.words.attributes.get(name)
    if asked is None:
        reading.drop(region_id, "unknown question", f"{row.get('type')} {name!r}: {value!r}"[:200])
        return
    answer = _answer(asked, value)
    if answer is None:
        reading.drop(region_id, "unknown answer", f"{name}: {value.get('choices', value.get('number'))!r}")
        if name == "holder" and value.get("choices"):
            reading.unheard.update(region.id for region in reading.called(region_id))
        return
    fitting = [region for region in reading.called(region_id) if region.label in asked.labels]
    if not fitting:
        labels = [region.label for region in reading.called(region_id)]
        reading.drop(region_id, "answer not asked of this label", f"{name} = {answer} on {labels or 'no region'}")
    for region in fitting:
        reading.answers.setdefault(region.id, {})[name] = answer
        if name == "polarity" and reading.scores:
            reading.stance_scores[region.id] = row.get("score")


def _answer(asked: Asked, value: Mapping[str, Any]) -> str | None:
    if asked.kind == "integer":
        number = _whole(value.get("number"))
        return str(number) if number is not None and 0 <= number <= LARGEST_INTEGER else None
    given = value.get("choices")
    return given[0] if given and len(given) == 1 and given[0] in asked.allowed else None


def _read_question(reading: Reading, name: str, asked: Asked, value: Mapping[str, Any]) -> None:
    said = value.get("choices") or ()
    given = tuple(choice for choice in said if choice in asked.allowed)
    if len(given) < len(said):
        reading.drop(name, "unknown answer", f"{said!r}")
    if not given:
        return
    if name in reading.choices:
        reading.drop(name, "question answered twice", f"{given!r}")
    elif len(given) > 1 and not asked.multiple:
        reading.drop(name, "several answers to a question that takes one", f"{given!r}")
    else:
        reading.choices[name] = given


# relations


def _read_relation(reading: Reading, row: Mapping[str, Any]) -> None:
    source, target = str(row.get("from_id")), str(row.get("to_id"))
    if row.get("direction") == "left":
        source, target = target, source
    name, wanted = f"{source} → {target}", row.get("labels")
    sources, targets = reading.called(source), reading.called(target)
    if not sources or not targets:
        _lose_holder(reading, targets, wanted)
        reading.drop(name, "relation to nothing", f"{wanted!r}")
        return
    for starts, stops in ((sources, targets), (targets, sources)):
        found = _link(reading, starts, stops, wanted)
        if found is None:
            continue
        relation, start, stop = found
        if starts is not sources or not wanted:
            reading.note(name, "relation read by its ends", f"as {relation} from {start.id}")
        reading.links.setdefault(relation, []).append((start, stop))
        return
    _lose_holder(reading, targets, wanted)
    ends = [" and ".join(region.label for region in regions) for regions in (sources, targets)]
    reading.drop(name, "relation between labels it is not for", f"{wanted or []!r} from {ends[0]} to {ends[1]}")


def _lose_holder(reading: Reading, targets: Sequence[Region], wanted: Any) -> None:
    if not wanted or "holder" in wanted:
        reading.unheard.update(region.id for region in targets)


def _link(
    reading: Reading, starts: Sequence[Region], stops: Sequence[Region], wanted: Any
) -> tuple[str, Region, Region] | None:
    """Return the first relation of those wanted, or of all, that fits the labels of two regions."""
    for start in starts:
        for stop in stops:
            for relation in reading.words.between.get((start.label, stop.label), ()):
                if not wanted or relation in wanted:
                    return relation, start, stop
    return None
