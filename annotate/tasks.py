"""Write annotations in Label Studio's words: the codec's first half, and the wire format itself.

One document is one task; everything said about it is one list of result rows. A row belongs to the region
whose `id` it carries, and a region may have several rows:

    entity       labels row in its layer's tag          attributes   choices and number rows, same id
    attribution  regions CONTENT, SOURCE, CUE           relations    SOURCE ─source→ CONTENT, CUE ─cue→ CONTENT
    stance       choices rows on the target's region    holder, evidence   relations into that region
    a further stance on the same target                 a region STANCE over the same words
    answer about the whole document                     a choices row without offsets

A source, a cue or a piece of evidence used twice is one region with two relations. Offsets are code points,
which is what a ``Text`` tag with ``granularity="symbol"`` counts. The server checks none of this: a dangling
relation blanks the annotator's screen, a region id given twice swallows a span, a lone surrogate breaks
every later export. Hence :func:`check_result`, through which every row leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, TypedDict

from copydesk.corpus import ArmSettings
from copydesk.schemas import (
    OUTLET,
    UNNAMED,
    Annotations,
    Attribute,
    Document,
    Entity,
    LabelScheme,
    SchemeError,
    Span,
    Stance,
    Suggestion,
)

from .arms import Arm, arm_token, known_arm

__all__ = [
    "Prediction",
    "Result",
    "Task",
    "TaskData",
    "check_result",
    "encode",
    "encode_result",
    "key_arm",
    "task_key",
]

TEXT: Final = "text"
SALT: Final = ArmSettings().salt
LARGEST_INTEGER: Final = 2**53 - 1
"""The largest whole number that the browser keeps exactly."""


class Result(TypedDict, total=False):
    """One row of a result: of a region (`id`, `from_name`, `value`) or of a relation (`from_id`, `to_id`)."""

    id: str
    from_name: str
    to_name: str
    type: str
    value: dict[str, Any]
    score: float
    meta: dict[str, list[str]]
    origin: str
    from_id: str
    to_id: str
    direction: str
    labels: list[str]


class TaskData(TypedDict):
    """What a task carries besides its suggestions; `copydesk_key` is how it is found again."""

    text: str
    copydesk_key: str
    document_id: str
    sha256: str
    title: str
    outlet: str
    url: str
    published: str
    scheme: str
    scheme_digest: str
    layers: str
    layout: str
    focus: str


class Prediction(TypedDict, total=False):
    """Suggestions as the server stores them; tasks are offered in ascending order of `score`."""

    model_version: str
    score: float
    result: list[Result]


class Task(TypedDict):
    """A task as it is imported."""

    data: TaskData
    predictions: list[Prediction]


def task_key(
    document: Document | str, scheme: LabelScheme, *, arm: Arm = "shown", salt: str = SALT, focus: str = ""
) -> str:
    """Return the key under which a task is pushed once: document (or its id), scheme version, layers, arm, focus.

    The arm stands there as a token, because annotators can see a task's data.
    """
    document_id = document if isinstance(document, str) else document.id
    token = arm_token(document_id, arm, salt)
    key = f"{document_id}/{scheme.name}-{scheme.version}/{_layers(scheme)}/{token}"
    return f"{key}/{focus}" if focus else key


def key_arm(key: str, salt: str) -> str:
    """Return the arm of the task with this key; empty where the key was made with another salt."""
    document_id, _, rest = key.partition("/")
    token = rest.split("/")[2] if rest.count("/") >= 2 else ""
    return known_arm(document_id, token, salt) or ""


def _layers(scheme: LabelScheme) -> str:
    return "+".join(sorted(layer.id for layer in scheme.layers))


def encode(
    document: Document,
    said: Suggestion | Annotations | None,
    scheme: LabelScheme,
    *,
    arm: Arm = "shown",
    salt: str = SALT,
    priority: float | None = None,
) -> Task:
    """Return a document as a task, with what is suggested about it.

    Args:
        document: The document; its text travels with its hash.
        said: What to suggest; None makes a task without suggestions.
        scheme: The scheme, cut down to the layers that the project shows.
        arm: The arm that the task belongs to.
        salt: What hides the arm in the task's key: that of the desk's `arms`.
        priority: Where the task stands in the queue, smallest first; by default the suggestion's own score,
            so that what the pipeline is least sure of comes first.

    Raises:
        SchemeError: Something does not fit the scheme, or would break the screen or an export.
        OffsetError: A span does not fit the document's text.
    """
    if bad := _surrogate(document.text):
        raise SchemeError(bad, where=f"document {document.id}")
    predictions: list[Prediction] = []
    if said is not None:
        annotations = _showable(said.annotations) if isinstance(said, Suggestion) else said
        prediction: Prediction = {
            "model_version": model_version(said) if isinstance(said, Suggestion) else "copydesk",
            "result": encode_result(document, annotations, scheme),
        }
        score = priority if priority is not None else said.score if isinstance(said, Suggestion) else None
        if score is not None:
            prediction["score"] = score
        predictions.append(prediction)
    data: TaskData = {
        "text": document.text,
        "copydesk_key": task_key(document, scheme, arm=arm, salt=salt),
        "document_id": document.id,
        "sha256": document.sha256,
        "title": document.title,
        "outlet": document.outlet,
        "url": document.url,
        "published": document.published,
        "scheme": f"{scheme.name} {scheme.version}",
        "scheme_digest": scheme.digest,
        "layers": _layers(scheme),
        "layout": "document",
        "focus": "",
    }
    for name, value in data.items():
        if bad := _surrogate(str(value)):
            raise SchemeError(bad, where=f"document {document.id}, {name}")
    return {"data": data, "predictions": predictions}


def _showable(annotations: Annotations) -> Annotations:
    """Return a suggestion's labels without the types of sources that it names nowhere.

    The type is an answer about a SOURCE region, and there is none. What a person said is never left out like this:
    :func:`encode_result` refuses it. But one odd guess, of whatever pipeline, must not cost a document its task.
    """
    if all(a.source is not None or not a.source_type for a in annotations.attributions):
        return annotations
    tidy = tuple(a if a.source is not None else replace(a, source_type="") for a in annotations.attributions)
    return replace(annotations, attributions=tidy)


def model_version(suggestion: Suggestion) -> str:
    """Return how a pipeline is called on the server."""
    return f"{suggestion.pipeline.name}@{suggestion.pipeline.version}"


def encode_result(document: Document, annotations: Annotations, scheme: LabelScheme) -> list[Result]:
    """Return annotations as result rows: what a prediction or an annotation holds.

    Raises:
        SchemeError: Something does not fit the scheme, or would break the screen or an export.
        OffsetError: A span, or the text's hash, is not the document's.
    """
    annotations.check(document)
    rows = _Rows(document, scheme)
    rows.reserve(
        [entity.id for entity in annotations.entities] + [attribution.id for attribution in annotations.attributions]
    )
    _write_entities(rows, annotations)
    _write_attributions(rows, annotations)
    _write_stances(rows, annotations)
    for question, values in sorted(annotations.choices.items()):
        asked = next((q for q in scheme.questions if q.id == question), None)
        if asked is None or not set(values) <= {value.id for value in asked.values}:
            raise rows.misfit(f"question {question!r} with the answer {', '.join(values)!r}")
        value = {"choices": list(values)}
        rows.add({"id": f"question-{question}", "from_name": question, "type": "choices", "value": value})
    check_result(rows.rows, document)
    return rows.rows


_Place: TypeAlias = tuple[str, Span, str]
"""A region as its rows name it: id, span, label."""


@dataclass(slots=True)
class _Rows:
    """The rows written so far, and the regions that later rows may share."""

    document: Document
    scheme: LabelScheme
    rows: list[Result] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    shared: dict[tuple[str, Span, str], str] = field(default_factory=dict)
    layers: dict[str, str] = field(init=False)
    asked: dict[str, Attribute] = field(init=False)

    def __post_init__(self) -> None:
        self.layers = {label.id: label.layer for label in self.scheme.labels}
        self.asked = {attribute.id: attribute for attribute in self.scheme.attributes}

    def misfit(self, what: str) -> SchemeError:
        scheme = f"{self.scheme.name} {self.scheme.version}"
        return SchemeError(f"{what} does not fit the scheme {scheme}", where=f"document {self.document.id}")

    def reserve(self, ids: Iterable[str]) -> None:
        for wanted in ids:
            if wanted in self.ids or not wanted:
                raise self.misfit(f"the region id {wanted!r}, empty or given twice,")
            self.ids.add(wanted)

    def add(self, row: Result) -> None:
        row["to_name"] = TEXT
        self.rows.append(row)

    def region(
        self, id: str, span: Span, label: str, *, score: float | None = None, meta: dict[str, list[str]] | None = None
    ) -> None:
        if label not in self.layers:
            raise self.misfit(f"the label {label!r}")
        value = {"start": span.start, "end": span.end, "text": span.text, "labels": [label]}
        row: Result = {"id": id, "from_name": self.layers[label], "type": "labels", "value": value}
        if score is not None:
            row["score"] = score
        if meta:
            row["meta"] = meta
        self.add(row)

    def share(self, label: str, span: Span, value: str = "") -> str:
        """Return the id of the region with this label and span, making it where it is new."""
        key = (label, span, value)
        if key not in self.shared:
            self.shared[key] = self.free(f"{label.lower()}-{span.start}-{span.end}")
            self.region(self.shared[key], span, label)
        return self.shared[key]

    def free(self, wanted: str) -> str:
        found, number = wanted, 1
        while found in self.ids:
            number += 1
            found = f"{wanted}-{number}"
        self.ids.add(found)
        return found

    def answer(self, place: _Place, name: str, value: str, *, score: float | None = None) -> None:
        """Write one attribute of a region."""
        region, span, label = place
        asked = self.asked.get(name)
        if asked is None or label not in asked.labels:
            raise self.misfit(f"the attribute {name!r} of {label}")
        words = {"start": span.start, "end": span.end, "text": span.text}
        row: Result = {"id": region, "from_name": name}
        if asked.kind == "integer":
            if not value.isascii() or not value.isdigit() or str(int(value)) != value or int(value) > LARGEST_INTEGER:
                raise self.misfit(f"{name} = {value!r}")
            row |= {"type": "number", "value": {**words, "number": int(value)}}
        else:
            allowed = {"true"} if asked.kind == "flag" else {v.id for v in asked.values}
            if value not in allowed:
                raise self.misfit(f"{name} = {value!r}")
            row |= {"type": "choices", "value": {**words, "choices": [value]}}
        if score is not None:
            row["score"] = score
        self.add(row)

    def relate(self, source: str, relation: str, target: str) -> None:
        if all(known.id != relation for known in self.scheme.relations):
            raise self.misfit(f"the relation {relation!r}")
        self.rows.append(
            {"type": "relation", "from_id": source, "to_id": target, "direction": "right", "labels": [relation]}
        )


def _write_entities(rows: _Rows, annotations: Annotations) -> None:
    for entity in annotations.entities:
        rows.region(entity.id, entity.span, entity.label, score=entity.score)
        for name, value in sorted(entity.attributes.items()):
            rows.answer((entity.id, entity.span, entity.label), name, value)


def _write_attributions(rows: _Rows, annotations: Annotations) -> None:
    for attribution in annotations.attributions:
        rows.region(attribution.id, attribution.content, "CONTENT", score=attribution.score)
        if attribution.form:
            rows.answer((attribution.id, attribution.content, "CONTENT"), "form", attribution.form)
        if attribution.source is not None:
            key = ("SOURCE", attribution.source, attribution.source_type)
            new = key not in rows.shared
            source = rows.share(*key)
            if new and attribution.source_type:
                rows.answer((source, attribution.source, "SOURCE"), "source_type", attribution.source_type)
            rows.relate(source, "source", attribution.id)
        elif attribution.source_type:
            raise rows.misfit(f"the source type {attribution.source_type!r} of an attribution without a source")
        if attribution.cue is not None:
            rows.relate(rows.share("CUE", attribution.cue), "cue", attribution.id)


def _write_stances(rows: _Rows, annotations: Annotations) -> None:
    entities = {entity.id: entity for entity in annotations.entities}
    carriers: dict[str, int] = {}
    said: set[tuple[str, str]] = set()
    for stance in sorted(annotations.stances, key=lambda stance: (stance.target, stance.holder)):
        target = entities.get(stance.target)
        if target is None or (stance.target, stance.holder) in said:
            raise rows.misfit(f"the stance of {stance.holder} on {stance.target}, given twice or on no entity,")
        said.add((stance.target, stance.holder))
        number = carriers.get(stance.target, 0)
        if number == 0 and stance.holder != stance.target:
            carriers[stance.target] = 1
            _write_stance(rows, stance, (target.id, target.span, target.label), entities)
            continue
        # the second stance on a target, and a stance on oneself (a region cannot be related to itself)
        carrier = rows.free(f"stance-{max(number, 1)}-{stance.target}")
        carriers[stance.target] = number + 1 if number else 0
        rows.region(carrier, target.span, "STANCE", meta={"target": [stance.target]})
        _write_stance(rows, stance, (carrier, target.span, "STANCE"), entities)


def _write_stance(rows: _Rows, stance: Stance, place: _Place, entities: Mapping[str, Entity]) -> None:
    rows.answer(place, "polarity", stance.polarity, score=stance.score)
    if stance.role:
        rows.answer(place, "role", stance.role)
    if stance.holder in (OUTLET, UNNAMED):
        rows.answer(place, "holder", stance.holder)
    elif stance.holder in entities:
        rows.relate(stance.holder, "holder", place[0])
    else:
        raise rows.misfit(f"the holder {stance.holder!r} of a stance on {stance.target}")
    for evidence in stance.evidence:
        rows.relate(rows.share("EVIDENCE", evidence), "evidence", place[0])


def _surrogate(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return f"a lone surrogate {text[error.start]!a} at offset {error.start} would break every export of the project"
    return ""


def check_result(rows: Iterable[Result], document: Document) -> None:
    """Refuse rows that the server would take and the screen or a later export would break on.

    Raises:
        SchemeError: A region id stands for two spans, a relation leads nowhere, an offset lies outside the
            text, or a string holds a lone surrogate.
    """
    rows = list(rows)
    where = f"document {document.id}"
    places: dict[str, tuple[int, int]] = {}
    labelled: set[str] = set()
    for row in rows:
        if row["type"] == "relation" or "start" not in row["value"]:
            continue
        start, end = row["value"]["start"], row["value"]["end"]
        if not 0 <= start < end <= len(document.text):
            raise SchemeError(f"region {row['id']} lies at [{start}, {end}), outside the text", where=where)
        if places.setdefault(row["id"], (start, end)) != (start, end) or (
            row["type"] == "labels" and row["id"] in labelled
        ):
            raise SchemeError(f"the region id {row['id']} is given twice: the second span would be lost", where=where)
        if row["type"] == "labels":
            labelled.add(row["id"])
    if stray := sorted(set(places) - labelled):
        raise SchemeError(f"region {stray[0]} has answers but no label", where=where)
    for row in rows:
        if row["type"] == "relation":
            for end_id in (row["from_id"], row["to_id"]):
                if end_id not in labelled:
                    raise SchemeError(f"a relation leads to {end_id}, which is no region: blank screen", where=where)
        elif bad := _surrogate(f"{row['id']}{row['value'].get('text', '')}"):
            raise SchemeError(bad, where=where)
