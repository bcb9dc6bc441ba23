"""Give tasks that nobody has touched the suggestions of now: where theirs are others, rank elsewhere, or got lost.

The server's tasks are read page by page, and the desk's documents only for those that need something. What people
have annotated or begun keeps what they saw. New predictions are stored before old ones are deleted: a kill in between
leaves one too many, which the next run takes away, and never none. So they go one by one: the server's own action
for many tasks at once takes all predictions of a task, the new one too, and would have to come first. Whoever opened a
task meanwhile, or before the run after a kill, would work without suggestions in an arm that shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from copydesk.corpus import Desk
from copydesk.schemas import Document, OffsetError, SchemeError, StudioError, Suggestion

from .client import NoAnswerError, RefusedError, StudioClient
from .making import TaskMaker, Unit
from .outgoing import queued_pairs
from .project import Project
from .wire import Prediction

__all__ = ["Renewal"]

FIELDS: Final = ("id", "data", "predictions", "total_annotations", "cancelled_annotations", "draft_exists")
PAGE: Final = 200
BATCH: Final = 250
TRIES: Final = 4
NEAR: Final = 5e-7
"""Scores nearer than this are of one rank: the tasks of a document in the focus layout differ by less."""


@dataclass(frozen=True, slots=True)
class _Stale:
    """A task whose suggestions are not those of now: `old` predictions go; with `fresh`, a new one comes."""

    id: int
    key: str
    document_id: str
    old: tuple[int, ...]
    fresh: bool


@dataclass(slots=True)
class Renewal:
    """One sweep over a project.

    Attributes:
        desk: The desk, which has what is suggested now.
        client: An open connection.
        project: The project.
        maker: Makes its tasks.
        version: How the pipeline of now is called.
        sleep: How to wait before something is asked again.
        updated: Tasks that got other predictions.
    """

    desk: Desk
    client: StudioClient
    project: Project
    maker: TaskMaker
    version: str
    sleep: Callable[[float], None]
    updated: int = 0
    _units: dict[str, Unit] = field(default_factory=dict)

    def sweep(self) -> None:
        """Go through all tasks.

        Raises:
            StudioError: The server stored less than it was given, or gave up on us.
        """
        held: list[_Stale] = []
        for raw in self.client.pages(self.project.id, FIELDS, full=True, size=PAGE):
            if (found := self._stale(raw)) is not None:
                held.append(found)
            if len(held) >= BATCH:
                self._renew(held)
                held = []
        self._renew(held)

    def _stale(self, raw: Mapping[str, Any]) -> _Stale | None:
        if raw["total_annotations"] or raw["cancelled_annotations"] or raw.get("draft_exists"):
            return None
        data = raw.get("data") or {}
        key, document_id = data.get("copydesk_key"), str(data.get("document_id"))
        if not isinstance(key, str) or f"/{self.maker.scheme_part}/" not in key:
            return None
        priority = self.maker.order.priority(document_id)
        good: list[int] = []
        old: list[int] = []
        for prediction in raw["predictions"]:
            score = prediction.get("score")
            ranked = priority is None or (score is not None and abs(score - priority) < NEAR)
            (good if ranked and prediction["model_version"] == self.version else old).append(int(prediction["id"]))
        if good and not old and len(good) == 1:
            return None
        return _Stale(int(raw["id"]), key, document_id, (*old, *good[1:]), not good)

    def _renew(self, stale: list[_Stale]) -> None:
        wanted = list(dict.fromkeys(task.document_id for task in stale if task.fresh))
        predictions: dict[str, Prediction] = {}
        by_document: dict[str, list[_Stale]] = {}
        for task in stale:
            by_document.setdefault(task.document_id, []).append(task)
        for document, suggestion in queued_pairs(self.desk, wanted):
            predictions |= dict(self._predictions(document, suggestion, by_document[document.id]))
        self._replace([(task, predictions.get(task.key)) for task in stale])

    def _predictions(
        self, document: Document, suggestion: Suggestion | None, stale: list[_Stale]
    ) -> Iterator[tuple[str, Prediction]]:
        units = [self.maker.unit_of(task.key, document, suggestion) for task in stale]
        try:
            for task in self.maker.tasks([unit for unit in units if unit is not None]):
                if task["predictions"]:
                    yield task["data"]["copydesk_key"], task["predictions"][0]
        except (SchemeError, OffsetError):
            return  # what cannot be shown is told where it would be sent first

    def _replace(self, batch: list[tuple[_Stale, Prediction | None]]) -> None:
        # a task about which nothing is suggested any more keeps what it has
        batch = [(task, prediction) for task, prediction in batch if prediction is not None or not task.fresh]
        new = [{"task": task.id, **prediction} for task, prediction in batch if prediction is not None]
        if new:
            self._store(new)
        for task, _ in batch:
            for number in task.old:
                self._delete(f"/api/predictions/{number}/")
        self.updated += len(batch)

    def _store(self, new: list[dict[str, Any]]) -> None:
        try:
            answer = self.client.send("POST", f"/api/projects/{self.project.id}/import/predictions", new)
        except RefusedError as error:
            if error.status != 413 or len(new) == 1:
                raise
            self._store(new[: len(new) // 2])
            self._store(new[len(new) // 2 :])
            return
        if answer.get("created") != len(new):
            raise StudioError(
                f"Label Studio stored {answer.get('created')} of {len(new)} predictions",
                where=self.project.url,
                hint="Run copydesk push again; if it repeats, compare the labelling config with the scheme.",
            )

    def _delete(self, path: str) -> None:
        """Delete something; what is gone already is as good."""
        for attempt in range(TRIES):
            try:
                self.client.send("DELETE", path)
            except (RefusedError, NoAnswerError) as error:
                status = error.status if isinstance(error, RefusedError) else 0
                if status == 404:
                    return
                if attempt == TRIES - 1 or (status and status < 500 and status != 429):
                    raise
                self.sleep(2.0**attempt)
            else:
                return
