"""Answer a Label Studio that asks for suggestions while people label: what a live backend says.

A task is known by its key and its text: asked about any other, or about a text that is not the desk's, a backend
says nothing. What it says of a document is made as push makes it, in the arm that the task's key tells, of the
desk's suggestions; where the pipeline has not read the document yet, it reads it now. Asked about a mention that
somebody just marked, it offers every other place with the same words.

What comes in is not trusted: of a task the key, hash and text are looked at, of a marked region its offsets, label
and answers, and every word that goes out is cut from the desk's own text.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import pyarrow.parquet as pq

from copydesk.corpus import Desk
from copydesk.schemas import (
    Annotations,
    CopydeskError,
    Document,
    Entity,
    LabelScheme,
    Origin,
    Segment,
    Span,
    Suggestion,
    from_table,
)

from .languages import ByLanguage
from .making import TaskMaker, Unit
from .outgoing import current_version, planned_order, queued_pairs
from .same_surface import LONGEST, same_surface, trimmed
from .shown import Layout, laid_out, shown_scheme
from .suggest import Suggester, announce
from .suggesters import Guest
from .tasks import encode_result
from .wire import LARGEST_INTEGER, Prediction, vocabulary

__all__ = ["Answers"]

OFFERED: Final = Origin("rule", "same surface", "1")
RawTask: TypeAlias = Mapping[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """A task of ours: what it is made of, and by what."""

    unit: Unit
    maker: TaskMaker
    text: str
    """As the server has it."""


class Answers:
    """Everything that a live backend can say about a desk's tasks; may be asked by several threads at once.

    Args:
        desk: Whose tasks.

    Raises:
        SettingsError: The desk's pipeline cannot be used.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._origin, self._load = announce(desk)
        self._reading = threading.Lock()
        self._suggester: Suggester | Guest | ByLanguage | None = None

    @property
    def model_version(self) -> str:
        """How the pipeline that answers is called on a server: the one whose suggestions push sends."""
        return current_version(self._desk) or self._own_version

    @property
    def _own_version(self) -> str:
        return f"{self._origin.name}@{self._origin.version}"

    @property
    def reads(self) -> bool:
        """Whether documents without suggestions are read now: only by the pipeline that made the others."""
        return self.model_version == self._own_version

    # what is suggested on opening a task

    def predict(self, tasks: Sequence[Any], context: Mapping[str, Any] | None = None) -> list[Any]:
        """Return for each task a list of what to show of it: one prediction, or none.

        Args:
            tasks: As the server writes them, of whatever project.
            context: While somebody labels, what was just marked; each answer is then what :meth:`offer` says.
        """
        if context is not None:
            return [self.offer(task, context) for task in tasks]
        version = self.model_version
        return [
            [] if known is None or _is_annotated(task) else self._prediction(known, version)
            for task, known in zip(tasks, self._known(tasks), strict=True)
        ]

    def _prediction(self, known: _Known, version: str) -> list[Prediction]:
        try:
            made = [
                prediction
                for task in known.maker.tasks([known.unit])
                if task["data"]["text"] == known.text  # else no offset of ours would fit
                for prediction in task["predictions"]
            ]
        except CopydeskError as error:  # it would break the screen, and push has told about it
            log.warning("no suggestions for %s: %s", known.unit.document.id, type(error).__name__)
            return []
        # any other version would be asked for again each time that the task is opened
        return [prediction for prediction in made if prediction["model_version"] == version]

    def _known(self, tasks: Sequence[Any], *, read: bool = True) -> Iterator[_Known | None]:
        data = [_data(task) for task in tasks]
        wanted = list(dict.fromkeys(str(item["document_id"]) for item in data if item))
        pairs = {document.id: (document, said) for document, said in queued_pairs(self._desk, wanted)} if wanted else {}
        makers: dict[tuple[str, Layout], TaskMaker | None] = {}
        for item in data:
            document, said = pairs.get(str(item.get("document_id")), (None, None))
            if document is None or item["sha256"] != document.sha256:
                yield None
                continue
            if said is None and read and self.reads:
                said = self._read(document)
                pairs[document.id] = (document, said)
            layout: Layout = "focus" if item.get("layout") == "focus" else "document"
            made_by = str(item.get("layers", "")), layout
            if made_by not in makers:
                makers[made_by] = self._maker(*made_by)
            maker = makers[made_by]
            unit = maker.unit_of(item["copydesk_key"], document, said) if maker else None
            yield _Known(unit, maker, item["text"]) if maker and unit else None

    def _maker(self, layers: str, layout: Layout) -> TaskMaker | None:
        try:
            scheme = laid_out(shown_scheme(self._desk, layers.split("+")), layout)
        except CopydeskError:  # a scheme that the desk had once, or what is no scheme
            return None
        return TaskMaker(scheme, layout, self._desk.settings.arms, planned_order(self._desk))

    def _read(self, document: Document) -> Suggestion | None:
        """Let the pipeline read a document now; None where it cannot."""
        with self._reading:
            if self._suggester is None:
                self._suggester = self._load()
            return next(iter(self._suggester.suggest([(document, _segments(self._desk, document.id))])), None)

    # what is offered while somebody labels

    def offer(self, task: Any, context: Mapping[str, Any]) -> Prediction:
        """Return the places with the same words as the region that was just marked, labelled like it.

        The screen sends every region with the new one's label, the new one last, and takes all that is offered at
        once. So only the last one that a person drew counts: else what they took away again would come back with
        the next mention of that label. Nothing is offered in the arm ``blind``, in a task about one mention, and
        where a region of the same layer stands already, or covers part of the words.
        """
        nothing: Prediction = {"model_version": self.model_version, "result": []}
        known = next(self._known([task], read=False))
        if known is None or known.unit.arm == "blind" or known.text != known.unit.document.text:
            return nothing
        document, scheme = known.unit.document, known.maker.scheme
        rows = _rows(context.get("result"))
        taken = list(_places([*_standing(task), *rows], scheme))
        offered: dict[str, Entity] = {}
        for marked in list(_marked(rows, document, scheme))[-1:]:
            layer = vocabulary(scheme).layers[marked.label]
            for place in same_surface(document.text, marked.span.start, marked.span.end):
                if not any(layer == other and _overlap(place, its) for other, its in taken):
                    entity = _like(marked, document, place)
                    offered[entity.id] = entity
        said = Annotations(document.id, document.sha256, tuple(offered.values()))
        return {**nothing, "result": encode_result(document, said, scheme)}


# what is read of a request


def _data(task: Any) -> Mapping[str, Any]:
    """Return a task's data where it can be one of ours, else nothing."""
    data = task.get("data") if isinstance(task, Mapping) else None
    names = ("document_id", "copydesk_key", "sha256", "text")
    if not isinstance(data, Mapping) or not all(isinstance(data.get(name), str) for name in names):
        return {}
    return data


def _is_annotated(task: RawTask) -> bool:
    annotations = task.get("annotations")
    return isinstance(annotations, list) and bool(annotations)


def _rows(result: Any) -> list[Mapping[str, Any]]:
    """Return the rows of a result that are about a place in the text."""
    rows = result if isinstance(result, list) else []
    return [row for row in rows if isinstance(row, Mapping) and isinstance(row.get("value"), Mapping)]


def _standing(task: RawTask) -> list[Mapping[str, Any]]:
    """Return the regions that stand in the task as far as the server knows: of a draft, else of what was there."""
    for kind in ("drafts", "annotations", "predictions"):
        said = task.get(kind)
        last = said[-1] if isinstance(said, list) and said else None
        if isinstance(last, Mapping):
            return _rows(last.get("result"))
    return []


def _places(rows: Sequence[Mapping[str, Any]], scheme: LabelScheme) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the layer and place of every region."""
    layers = vocabulary(scheme).layers
    for row in rows:
        layer, place = layers.get(_label(row)), _place(row)
        if layer is not None and place is not None:
            yield layer, place


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _label(row: Mapping[str, Any]) -> str:
    labels = row["value"].get("labels")
    return labels[0] if isinstance(labels, list) and len(labels) == 1 and isinstance(labels[0], str) else ""


def _place(row: Mapping[str, Any]) -> tuple[int, int] | None:
    start, end = row["value"].get("start"), row["value"].get("end")
    return (start, end) if type(start) is int and type(end) is int else None


def _marked(rows: Sequence[Mapping[str, Any]], document: Document, scheme: LabelScheme) -> Iterator[Entity]:
    """Yield the regions that a person marked as entities, with what was answered about them."""
    known = {label.id for label in scheme.span_labels}
    for row in rows:
        label, place = _label(row), _place(row)
        if label not in known or place is None or not 0 <= place[0] < place[1] <= len(document.text):
            continue
        if row.get("origin") == "prediction" or row.get("id") == _offer_id(document, label, place):
            continue
        if place[1] - place[0] > LONGEST:
            continue
        start, end = trimmed(document.text, *place)
        if start < end:
            attributes = _attributes(rows, str(row.get("id")), label, scheme)
            yield Entity("marked", Span.of(document, start, end), label, OFFERED, attributes)


def _attributes(rows: Sequence[Mapping[str, Any]], region: str, label: str, scheme: LabelScheme) -> dict[str, str]:
    """Return the answers about a region that the scheme asks for and allows."""
    asked = {attribute.id for attribute in scheme.attributes_of(label)}
    found: dict[str, str] = {}
    for row in rows:
        name, value = row.get("from_name"), row["value"]
        if row.get("id") != region or not isinstance(name, str) or name not in asked:
            continue
        asked_for = vocabulary(scheme).attributes[name]
        choices, number = value.get("choices"), value.get("number")
        if isinstance(choices, list) and len(choices) == 1 and str(choices[0]) in asked_for.allowed:
            found[name] = str(choices[0])
        elif asked_for.kind == "integer" and type(number) is int and 0 <= number <= LARGEST_INTEGER:
            found[name] = str(number)
    return found


def _like(marked: Entity, document: Document, place: tuple[int, int]) -> Entity:
    own = _offer_id(document, marked.label, place)
    return Entity(own, Span.of(document, *place), marked.label, OFFERED, marked.attributes)


def _offer_id(document: Document, label: str, place: tuple[int, int]) -> str:
    said = f"{document.id}\x1foffered\x1f{label}\x1f{place[0]}\x1f{place[1]}"
    return hashlib.sha256(said.encode()).hexdigest()[:10]


def _segments(desk: Desk, document_id: str) -> list[Segment]:
    found: list[Segment] = []
    for part in desk.parts("segments"):
        table = pq.read_table(part, filters=[("document_id", "=", document_id)])
        found += from_table(Segment, table) if table.num_rows else ()
    return found
