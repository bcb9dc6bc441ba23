"""Put every document in front of people once, with what is suggested about it.

The server knows no key of ours and stores the same task twice without a word, so we look before we send:
all keys in the project are read first, and after any answer that does not say what happened they are read
again before anything is sent again. An answer's counts are believed only if they are the expected ones,
because predictions can get lost behind a success. What nobody has touched gets new suggestions; what
somebody has annotated, or begun to, is left alone. Killed anywhere, the next run goes on.

Where a queue is planned, tasks are made in its order, and their rank is their prediction's score, by which the
server offers them: so people get them in that order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from copydesk.corpus import Desk, record_removed
from copydesk.schemas import (
    DeskError,
    Document,
    LabelScheme,
    OffsetError,
    OnProgress,
    Progress,
    Removed,
    SchemeError,
    StudioError,
    Suggestion,
    silent,
)

from .client import NoAnswerError, RefusedError, StudioClient, connect
from .outgoing import Order, Pair, batches, pairs, planned_order, presented, queued_pairs
from .project import Project, ensure_project, shown_scheme
from .reserve import cluster_of, kept, settle_sides
from .tasks import Prediction, Task, encode, model_version, task_key

__all__ = ["PushResult", "push"]

PUSHED: Final = "push"
BATCH: Final = 250
BATCH_CHARACTERS: Final = 8_000_000
TRIES: Final = 4
SETTLE: Final = {True: (1.0, 2.0, 4.0, 8.0, 15.0, 30.0), False: (1.0, 2.0)}
"""Seconds to wait before looking what became of a request; longer where the server may still be at work on it."""


@dataclass(frozen=True, slots=True)
class PushResult:
    """What a push did.

    Attributes:
        project_id: The project on the server.
        url: Its address.
        created: New tasks.
        already: Tasks that were there.
        predictions_updated: Tasks that got new suggestions in the place of old ones, or of lost ones.
        failed: What could not be pushed, and why; also in the desk's removed table.
        doubles_removed: Tasks that had been imported twice, of which the untouched one was deleted.
        doubles_left: Keys that two tasks have, both touched by people: somebody must choose.
        model_version: The pipeline whose suggestions the project shows.
    """

    project_id: int
    url: str
    created: int = 0
    already: int = 0
    predictions_updated: int = 0
    failed: tuple[Removed, ...] = ()
    doubles_removed: int = 0
    doubles_left: tuple[str, ...] = ()
    model_version: str = ""


def push(
    desk: Desk,
    *,
    limit: int | None = None,
    reset_config: bool = False,
    on_progress: OnProgress = silent,
    sleep: Callable[[float], None] = time.sleep,
) -> PushResult:
    """Bring the desk's project on the server up to date with the desk.

    Args:
        desk: A desk with articles; suggestions are sent where there are some. Where a queue is planned, tasks are
            made and offered in its order.
        limit: Send only the next so many documents of the queue that are not there; by default all, those that the
            queue does not rank behind it.
        reset_config: Put the scheme's labelling config in the place of one that was changed by hand.
        on_progress: Told of every batch.
        sleep: How to wait before looking again after a lost answer.

    Raises:
        StudioError: No server, a changed labelling config, or a server that gave up on us midway; what was
            pushed until then stays and the next run goes on from there.
        DeskError: Another copydesk is at work here, or a limit is given and no queue is planned.
    """
    with desk.locked():
        order = planned_order(desk)
        if limit is not None and not order.ranks:
            raise DeskError("no queue is planned", where=str(desk.path), hint="Plan one: copydesk queue --plan")
        client = connect(desk)
        scheme = shown_scheme(desk)
        project = ensure_project(client, desk, scheme, reset_config=reset_config)
        work = _Push(client, project, sleep, order)
        work.reconcile()
        try:
            _work_through(work, desk, scheme, limit, on_progress)
        finally:
            record_removed(desk, "push", work.failed)
        desk.note(PUSHED, {client.name: str(work.created + work.already)})  # for those who ask without the server
        return PushResult(
            project.id,
            project.url,
            work.created,
            work.already,
            work.updated,
            tuple(work.failed),
            work.doubles_removed,
            tuple(work.doubles_left),
            work.version,
        )


def _work_through(work: _Push, desk: Desk, scheme: LabelScheme, most: int | None, on_progress: OnProgress) -> None:
    canonical = {document for document, group in cluster_of(desk).items() if document == group}
    there = {document for document in canonical if task_key(document, scheme) in work.there}
    work.already = len(there)
    ranks = work.order.ranks
    waiting = [document for document in ranks if document in canonical and document not in there][:most]
    # tasks of a time before the queue was planned still have other scores
    given = kept(desk).given
    rescore = any(ranks.get(document, 0) > given for document in there)
    if ranks:
        # before anything is sent: what people may have got keeps its place, whatever happens now
        settle_sides(desk, given=max((ranks.get(document, 0) for document in (*there, *waiting)), default=0))
    behind = (pair for pair in pairs(desk) if pair[0].id not in ranks) if most is None else iter(())
    total = len(canonical) if most is None else len(there) + len(waiting)
    on_progress(Progress("push", 0, total, "tasks"))
    sent = work.encoded(chain(queued_pairs(desk, waiting), behind), scheme)
    for batch in batches(sent, BATCH, BATCH_CHARACTERS):
        work.send(batch)
        done = work.created + work.already + len(work.failed)
        on_progress(Progress("push", min(done, total), total, "tasks"))
    if work.troubled:
        work.reconcile()
    work.renew_predictions(pairs(desk), scheme, rescore=rescore)
    work.show_newest()
    on_progress(Progress("push", total, total, "tasks"))


@dataclass(slots=True)
class _OnServer:
    """A task of ours on the server."""

    id: int
    touched: bool
    predictions: int


@dataclass(slots=True)
class _Push:
    """One push at work: what is on the server, and what was done so far."""

    client: StudioClient
    project: Project
    sleep: Callable[[float], None]
    order: Order
    there: dict[str, _OnServer] = field(default_factory=dict)
    failed: list[Removed] = field(default_factory=list)
    created: int = 0
    already: int = 0
    updated: int = 0
    doubles_removed: int = 0
    doubles_left: list[str] = field(default_factory=list)
    troubled: bool = False
    version: str = ""

    # what is there

    def reconcile(self) -> None:
        """Read which of our tasks are on the server; of two with one key, delete one that nobody touched."""
        fields = ("id", "data", "total_annotations", "cancelled_annotations", "total_predictions")
        there: dict[str, _OnServer] = {}
        doubles: list[tuple[str, _OnServer]] = []
        for raw in self.client.pages(self.project.id, fields):
            key = (raw.get("data") or {}).get("copydesk_key")
            if key is None:
                continue
            touched = bool(raw["total_annotations"] or raw["cancelled_annotations"])
            task = _OnServer(int(raw["id"]), touched, int(raw["total_predictions"]))
            first = there.setdefault(key, task)
            if first is not task:
                keep, drop = (task, first) if task.touched and not first.touched else (first, task)
                there[key] = keep
                doubles.append((key, drop))
        self.there = there
        self.doubles_left = []
        for key, task in doubles:
            if task.touched or self.client.get(f"/api/tasks/{task.id}/").get("draft_exists"):
                self.doubles_left.append(key)
            else:
                self.client.send("DELETE", f"/api/tasks/{task.id}/")
                self.doubles_removed += 1

    def encoded(self, pairs: Iterable[Pair], scheme: LabelScheme) -> Iterator[Task]:
        """Yield the tasks that are not on the server yet."""
        for document, suggestion in pairs:
            if task_key(document, scheme) in self.there:
                continue
            try:
                yield self._encoded(document, suggestion, scheme)
            except (SchemeError, OffsetError) as error:
                reason = "text changed" if isinstance(error, OffsetError) else "would break the screen"
                self._fail(document.id, reason, error.message)

    def _encoded(self, document: Document, suggestion: Suggestion | None, scheme: LabelScheme) -> Task:
        return encode(document, presented(suggestion, scheme), scheme, priority=self.order.priorities.get(document.id))

    def _fail(self, document: str, reason: str, detail: str) -> None:
        self.failed.append(Removed(document, "push", reason, f"task of {document}", detail))

    # sending

    def send(self, batch: list[Task]) -> None:
        """Import a batch so that each of its tasks is there once, or is recorded as failed.

        Raises:
            StudioError: The server does not come back, or refuses us altogether.
        """
        pending = batch
        for attempt in range(TRIES):
            try:
                answer = self.client.send("POST", self._path("import"), pending, return_task_ids=True)
            except RefusedError as error:
                if error.status in (401, 403, 404):
                    raise
                clear = error.status < 500 and error.status not in (408, 409, 429)
                if clear or (attempt > 0 and error.status == 500):
                    self._split(pending, error)
                    return
                self._wait(error.retry_after, attempt)
                last: StudioError = error
            except NoAnswerError as error:
                last = error
            else:
                self._count(pending, answer)
                return
            pending = self._missing(pending, patient=isinstance(last, NoAnswerError))
            if not pending:
                return
        raise StudioError(
            f"{last.message}; {len(pending)} tasks of this batch are not on the server",
            where=self.client.url,
            hint="Everything else is; run copydesk push again to go on.",
        )

    def _path(self, end: str) -> str:
        return f"/api/projects/{self.project.id}/{end}"

    def _wait(self, asked: float | None, attempt: int) -> None:
        self.sleep(min(asked, 60.0) if asked is not None else 2.0**attempt)

    def _split(self, pending: list[Task], error: RefusedError) -> None:
        """Send the halves of a batch that the server will not have, down to the one task that it refuses."""
        if len(pending) == 1:
            self._fail(pending[0]["data"]["document_id"], "refused by the server", error.message)
            return
        middle = len(pending) // 2
        self.send(pending[:middle])
        self.send(pending[middle:])

    def _count(self, pending: list[Task], answer: dict[str, Any]) -> None:
        self.created += len(pending)
        wanted = sum(len(task["predictions"]) for task in pending)
        found = answer.get("prediction_count")
        if answer.get("task_count") != len(pending) or found != wanted:
            self.troubled = True  # the sweep at the end finds which
        for task, number in zip(pending, answer.get("task_ids") or [], strict=False):
            self.there[task["data"]["copydesk_key"]] = _OnServer(int(number), False, len(task["predictions"]))

    def _missing(self, pending: list[Task], *, patient: bool) -> list[Task]:
        """Look which tasks did arrive although the answer did not; wait while the server may still be at work."""
        self.troubled = True
        for seconds in SETTLE[patient]:
            self.sleep(seconds)
            self.reconcile()
            missing = [task for task in pending if task["data"]["copydesk_key"] not in self.there]
            if len(missing) < len(pending):
                # a request is stored whole or not at all, so what is there is all that will come
                self.created += len(pending) - len(missing)
                return missing
        return pending

    # predictions

    def renew_predictions(self, pairs: Iterable[Pair], scheme: LabelScheme, *, rescore: bool = False) -> None:
        """Give every untouched task the suggestions of now: where they are others, or got lost.

        Args:
            pairs: The desk's documents with their suggestions.
            scheme: As the project shows it.
            rescore: Whether tasks may have other scores than their ranks say.
        """
        versions = set(self.client.get(self._path("model-versions/")) or ())
        stale: dict[int, list[tuple[int, tuple[str, float | None]]]] | None = None
        batch: list[tuple[_OnServer, Prediction, list[int]]] = []
        for document, suggestion in pairs:
            if suggestion is None:
                continue
            self.version = model_version(suggestion)
            task = self.there.get(task_key(document, scheme))
            if task is None or task.touched:
                continue
            if (rescore or versions - {self.version}) and stale is None:
                stale = self._predictions()
            found = stale.get(task.id, []) if stale is not None else []
            if stale is not None and task.id not in stale:
                continue  # touched since, or begun
            now = (self.version, self.order.priorities.get(document.id, suggestion.score))
            old = [number for number, shown in found if shown != now]
            if not old and (found if stale is not None else task.predictions):
                continue
            fresh = len(old) == len(found)
            prediction = self._encoded(document, suggestion, scheme)["predictions"][0]
            batch.append((task, prediction if fresh else {}, old))
            if len(batch) >= BATCH:
                self._replace(batch)
                batch = []
        self._replace(batch)

    def _predictions(self) -> dict[int, list[tuple[int, tuple[str, float | None]]]]:
        """Return, for every task that nobody has touched or begun, its predictions as (id, (model version, score))."""
        fields = ("id", "predictions", "total_annotations", "cancelled_annotations", "draft_exists")
        return {
            int(raw["id"]): [(int(p["id"]), (str(p["model_version"]), p.get("score"))) for p in raw["predictions"]]
            for raw in self.client.pages(self.project.id, fields, full=True, size=200)
            if not (raw["total_annotations"] or raw["cancelled_annotations"] or raw.get("draft_exists"))
        }

    def _replace(self, batch: list[tuple[_OnServer, Prediction, list[int]]]) -> None:
        """Store new predictions, then delete the old ones: a kill in between leaves one too many, never none."""
        new = [{"task": task.id, **prediction} for task, prediction, _ in batch if prediction]
        if new:
            answer = self.client.send("POST", self._path("import/predictions"), new)
            if answer.get("created") != len(new):
                raise StudioError(
                    f"Label Studio stored {answer.get('created')} of {len(new)} predictions",
                    where=self.project.url,
                    hint="Run copydesk push again; if it repeats, compare the labelling config with the scheme.",
                )
        for _, _, old in batch:
            for number in old:
                self.client.send("DELETE", f"/api/predictions/{number}/")
        self.updated += len(batch)

    def show_newest(self) -> None:
        """Make the project show the newest suggestions: the server would go on showing those of its first import."""
        if self.version and self.version in (self.client.get(self._path("model-versions/")) or ()):
            project = self.client.get(f"/api/projects/{self.project.id}/")
            if project.get("model_version") != self.version:
                self.client.send("PATCH", f"/api/projects/{self.project.id}/", {"model_version": self.version})
