"""Make one task of every actor's mention: its paragraph, the mention marked in it, and the stance on it asked.

What a whole document says in the regions' answers, the task of one mention says in answers of its own, which stand
open on the screen and take one key each (see ``schemas/focus_layout.py``):

    the mention                 the region whose `meta` names it         polarity, role      choices rows without offsets
    a holder that is a mention  a choice ``start-end LABEL`` of ``holder``, from the task's field ``holders``
    its evidence                EVIDENCE regions that no arrow leaves    a further stance    a region STANCE over the mention

Offsets in a task are those of the paragraph; the paragraph is a pure function of the document and the mention, and
its place and hash travel with the task, so that every answer finds its way back into the whole text. Mentions are
known by span and label, as everywhere where several people's work meets. Nothing is suggested in the arm ``blind``:
the mention is still marked, because it is the question.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypedDict

from copydesk.schemas import (
    FOCUS_FURTHER,
    FOCUS_HOLDERS,
    OUTLET,
    UNNAMED,
    Annotations,
    Document,
    Entity,
    LabelScheme,
    SchemeError,
    Span,
    Stance,
    Suggestion,
    focus_scheme,
    holder_keys,
    text_sha256,
)

from .arms import Arm
from .consensus import reidentify
from .focus_places import focus_place, mention_place, passage
from .focus_reading import decode_focus
from .tasks import SALT, encode, model_version, task_key
from .voices import attribution_around
from .wire import TEXT, Prediction, Result, Task, TaskData, Vocabulary, check_result, vocabulary

__all__ = ["FocusData", "Holder", "decode_focus", "focus_keys", "focus_tasks"]

MOST_HOLDERS: Final = 8
"""How many mentions are offered as the holder besides those that are suggested."""
SHOWN_CHARACTERS: Final = 48
STEP: Final = 1e-9
"""What keeps a document's tasks together, in the order of the text, where scores say the order."""


class Holder(TypedDict, total=False):
    """A mention that can be the holder, as the editor's choices want it: what is shown, and what is stored."""

    value: str
    alias: str
    hotkey: str


class FocusData(TaskData):
    """What the task of one mention carries.

    ``text`` is the paragraph, ``sha256`` the hash of the whole document, ``passage_sha256`` that of the paragraph and
    ``passage_start`` where it begins.
    """

    passage_start: int
    passage_sha256: str
    holders: list[Holder]


def focus_keys(
    document: Document,
    said: Suggestion | Annotations | None,
    scheme: LabelScheme,
    *,
    arm: Arm = "shown",
    salt: str = SALT,
) -> list[str]:
    """Return the keys of the tasks that :func:`focus_tasks` makes, in the same order, without making any."""
    scheme = focus_scheme(scheme)
    asked = _asked(_annotations(document, said), scheme)
    return [task_key(document, scheme, arm=arm, salt=salt, focus=focus) for focus, _ in asked]


def focus_tasks(
    document: Document,
    said: Suggestion | Annotations | None,
    scheme: LabelScheme,
    *,
    arm: Arm = "shown",
    salt: str = SALT,
    priority: float | None = None,
) -> list[Task]:
    """Return a task for every mention that has a suggested stance or can be the target of one, in text order.

    A GPE is asked about where it acts, as the scheme says. Evidence outside the mention's paragraph is not shown.

    Args:
        document: The document.
        said: All that is suggested about it, not cut down to the layers: its attributions say whose words a mention
            stands in. None makes no task, because no mention is known.
        scheme: The scheme; layers that the layout does not show are left out.
        arm: The arm that the document belongs to; ``blind`` marks the mention and answers nothing.
        salt: What hides the arm in the tasks' keys.
        priority: Where the document stands in the queue, smallest first; by default the suggestion's own score.

    Raises:
        SchemeError: The scheme asks for no stance, or something does not fit it.
        OffsetError: A span does not fit the document's text.
    """
    if said is None:
        return []
    scheme = focus_scheme(scheme)
    annotations = _annotations(document, said)
    annotations.check(document)
    given = encode(document, None, scheme, arm=arm, salt=salt)["data"]
    score = priority if priority is not None else said.score if isinstance(said, Suggestion) else None
    version = model_version(said) if isinstance(said, Suggestion) else "copydesk"
    entities = {entity.id: entity for entity in annotations.entities}
    able = {label for relation in scheme.relations if relation.id == "holder" for label in relation.source}
    tasks: list[Task] = []
    for number, (focus, target) in enumerate(_asked(annotations, scheme)):
        voice = _voice(annotations, target, able)
        stances = [stance for stance in annotations.stances if stance.target == target.id]
        # of several, the task's own answer is that of whoever speaks there
        stances.sort(key=lambda stance: (stance.holder != voice, stance.holder))
        if arm == "blind":
            stances, voice = [], ""
        suggested = {stance.holder for stance in stances} or {voice}
        start, end = passage(document, target.span.start, target.span.end)
        rows = _Rows(replace(document, text=document.text[start:end]), vocabulary(scheme), entities, start)
        rows.write(target, focus, stances, voice if voice in (OUTLET, UNNAMED, "") else _alias(entities[voice]))
        prediction: Prediction = {"model_version": version, "result": rows.rows}
        if score is not None:
            prediction["score"] = score + number * STEP
        data: FocusData = {
            **given,
            "text": document.text[start:end],
            "copydesk_key": task_key(document, scheme, arm=arm, salt=salt, focus=focus),
            "layout": "focus",
            "focus": focus,
            "passage_start": start,
            "passage_sha256": text_sha256(document.text[start:end]),
            FOCUS_HOLDERS: _offered(annotations, target, suggested, able, (start, end), holder_keys(scheme)),
        }
        tasks.append({"data": data, "predictions": [prediction]})
    return tasks


def _annotations(document: Document, said: Suggestion | Annotations | None) -> Annotations:
    if said is None:
        return Annotations(document.id, document.sha256)
    return reidentify(said.annotations if isinstance(said, Suggestion) else said)


# which mentions


def _asked(annotations: Annotations, scheme: LabelScheme) -> Iterator[tuple[str, Entity]]:
    """Yield the mentions to ask about, each with its name: its span and its label.

    The label always: a name that depends on what else is suggested would mean another mention as soon as that changes.
    """
    judged = {stance.target for stance in annotations.stances}
    for entity in sorted(annotations.entities, key=lambda e: (e.span.start, e.span.end, e.label)):
        if entity.label not in scheme.stance_targets or not (entity.id in judged or _acts(entity, scheme)):
            continue
        yield focus_place(entity.span.start, entity.span.end, entity.label), entity


def _acts(entity: Entity, scheme: LabelScheme) -> bool:
    """Tell whether a mention is an actor: all are but a polity that is only a place, where the scheme tells them."""
    if entity.label != "GPE" or scheme.attribute("gpe_role") is None:
        return True
    return entity.attributes.get("gpe_role") == "actor"


def _voice(annotations: Annotations, target: Entity, able: Collection[str]) -> str:
    """Return whose words a mention stands in: a mention's id, the outlet, or a source that is no mention."""
    around = attribution_around(annotations, target.span)
    if around is None:
        return OUTLET
    if around.source is None:
        return UNNAMED
    inside = [e for e in annotations.entities if e.label in able and around.source.contains(e.span) and e != target]
    widest = max(inside, key=lambda e: (e.span.end - e.span.start, -e.span.start, e.label), default=None)
    return widest.id if widest else UNNAMED


def _offered(
    annotations: Annotations,
    target: Entity,
    suggested: Collection[str],
    able: Collection[str],
    shown: tuple[int, int],
    keys: Sequence[str],
) -> list[Holder]:
    """Return the mentions to choose the holder from: those suggested, then those of the paragraph, nearest first."""
    near = [
        entity
        for entity in annotations.entities
        if entity.label in able
        and shown[0] <= entity.span.start
        and entity.span.end <= shown[1]
        and entity.id not in {target.id, *suggested}
    ]
    near.sort(key=lambda e: (abs(e.span.start - target.span.start), e.span.start, e.span.end, e.label))
    chosen = [entity for entity in annotations.entities if entity.id in suggested]
    words = {entity.span.text for entity in chosen}
    for entity in near:
        # the same words twice would be two answers that nobody can tell apart
        if entity.span.text not in words and len(chosen) < len(suggested) + MOST_HOLDERS:
            words.add(entity.span.text)
            chosen.append(entity)
    offered: list[Holder] = [{"value": _shown(e.span.text), "alias": _alias(e)} for e in chosen]
    for holder, key in zip(offered, keys, strict=False):
        holder["hotkey"] = key
    return offered


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 1] + "…"


def _alias(entity: Entity) -> str:
    return mention_place(entity.span.start, entity.span.end, entity.label)


# what is suggested


@dataclass(slots=True)
class _Rows:
    """The rows of one task, checked before they leave; `start` is where the shown paragraph begins."""

    shown: Document
    words: Vocabulary
    entities: Mapping[str, Entity]
    start: int
    rows: list[Result] = field(default_factory=list)
    marked: dict[Span, str] = field(default_factory=dict)

    def write(self, target: Entity, focus: str, stances: Sequence[Stance], voice: str) -> None:
        """Write the mention and the stances on it; where there is none, the holder that one would have.

        Raises:
            SchemeError: A stance does not fit the scheme, or a row would break the screen or an export.
        """
        end = self.start + len(self.shown.text)
        meta = {"focus": [focus], "passage": [focus_place(self.start, end)]}
        self._region(target.id, target.span, target.label, meta, target.score)
        for number, stance in enumerate(stances):
            place = None
            if number:
                place = (f"stance-{number}-{target.id}", target.span)
                self._region(*place, "STANCE", {"target": [target.id]})
            self._answers(stance, target, place)
            self._evidence(stance, place[0] if place else target.id)
        if not stances and voice and "holder" in self.words.attributes:
            self._answer("holder", voice, None)
        self._draw_what_is_shared(target.id)
        check_result(self.rows, self.shown)

    def _value(self, span: Span) -> dict[str, Any]:
        return {"start": span.start - self.start, "end": span.end - self.start, "text": span.text}

    def _region(
        self, name: str, span: Span, label: str, meta: dict[str, list[str]] | None = None, score: float | None = None
    ) -> None:
        if label not in self.words.layers:
            raise self._misfit(f"the label {label!r}")
        value = {**self._value(span), "labels": [label]}
        row: Result = {"id": name, "from_name": self.words.layers[label], "to_name": TEXT, "type": "labels"}
        row["value"] = value
        if meta:
            row["meta"] = meta
        if score is not None:
            row["score"] = score
        self.rows.append(row)

    def _answers(self, stance: Stance, target: Entity, place: tuple[str, Span] | None) -> None:
        label = "STANCE" if place else target.label
        answers = {"polarity": stance.polarity, "holder": self._holder(stance, label), "role": stance.role}
        for question, answer in answers.items():
            asked = self.words.attributes.get(question)
            known = asked is not None and label in asked.labels
            if answer and not (known and (question == "holder" or (asked and answer in asked.allowed))):
                raise self._misfit(f"{question} = {answer!r} of {label}")
            if not answer:
                continue
            self._answer(question, answer, place)
            if question == "polarity" and stance.score is not None:
                self.rows[-1]["score"] = stance.score

    def _answer(self, question: str, answer: str, place: tuple[str, Span] | None) -> None:
        row: Result = {"id": f"focus-{question}", "from_name": question, "to_name": TEXT, "type": "choices"}
        row["value"] = {"choices": [answer]}
        if place is not None:
            row |= {"id": place[0], "from_name": FOCUS_FURTHER + question}
            row["value"] |= self._value(place[1])
        self.rows.append(row)

    def _holder(self, stance: Stance, label: str) -> str:
        if stance.holder in (OUTLET, UNNAMED):
            return stance.holder
        holder = self.entities.get(stance.holder)
        if holder is None or "holder" not in self.words.between.get((holder.label, label), ()):
            raise self._misfit(f"the holder {stance.holder!r} of a stance on {stance.target}")
        return _alias(holder)

    def _evidence(self, stance: Stance, carrier: str) -> None:
        for span in stance.evidence:
            if span.start < self.start or span.end > self.start + len(self.shown.text):
                continue  # nobody could see it here
            name = self.marked.get(span)
            if name is None:
                name = self.marked[span] = focus_place(span.start, span.end, "evidence")
                self._region(name, span, "EVIDENCE")
            self.rows.append(
                {"type": "relation", "from_id": name, "to_id": carrier, "direction": "right", "labels": ["evidence"]}
            )

    def _draw_what_is_shared(self, target: str) -> None:
        """Leave the arrow out where evidence is of the task's own stance alone: that is what no arrow means."""
        further = {row["from_id"] for row in self.rows if row["type"] == "relation" and row["to_id"] != target}
        self.rows = [row for row in self.rows if row["type"] != "relation" or row["from_id"] in further]

    def _misfit(self, what: str) -> SchemeError:
        return SchemeError(f"{what} does not fit the scheme", where=f"document {self.shown.id}")
