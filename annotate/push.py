"""Put every document in front of people once, with what is suggested about it.

The server knows no key of ours and stores the same task twice without a word, so we look before we send:
all keys in the project are read first, and after any answer that does not say what happened they are read
again before anything is sent again. An answer's counts are believed only if they are the expected ones,
because predictions can get lost behind a success. What nobody has touched gets new suggestions; what
somebody has annotated, or begun to, is left alone. Killed anywhere, the next run goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow.parquet as pq

from copydesk.corpus import Desk, canonical_documents, copies, record_removed
from copydesk.schemas import (
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
from .project import Project, ensure_project, limit, shown_scheme
from .suggest import suggestions
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
    reset_config: bool = False,
    on_progress: OnProgress = silent,
    sleep: Callable[[float], None] = time.sleep,
) -> PushResult:
    """Bring the desk's project on the server up to date with the desk.

    Args:
        desk: A desk with articles; suggestions are sent where there are some.
        reset_config: Put the scheme's labelling config in the place of one that was changed by hand.
        on_progress: Told of every batch.
        sleep: How to wait before looking again after a lost answer.

    Raises:
        StudioError: No server, a changed labelling config, or a server that gave up on us midway; what was
            pushed until then stays and the next run goes on from there.
        DeskError: Another copydesk is at work here.
    """
    with desk.locked():
        client = connect(desk)
        scheme = shown_scheme(desk)
        project = ensure_project(client, desk, scheme, reset_config=reset_config)
        work = _Push(client, project, sleep)
        work.reconcile()
        try:
            _work_through(work, desk, scheme, on_progress)
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


def _work_through(work: _Push, desk: Desk, scheme: LabelScheme, on_progress: OnProgress) -> None:
    total = sum(pq.read_metadata(part).num_rows for part in desk.parts("articles")) - len(copies(desk))
    done = 0
    on_progress(Progress("push", 0, total, "tasks"))
    for batch in _batches(work.encoded(_pairs(desk), scheme)):
        work.send(batch)
        done = work.created + work.already + len(work.failed)
        on_progress(Progress("push", min(done, total), total, "tasks"))
    if work.troubled:
        work.reconcile()
    work.renew_predictions(_pairs(desk), scheme)
    work.show_newest()
    on_progress(Progress("push", total, total, "tasks"))


def _pairs(desk: Desk) -> Iterator[tuple[Document, Suggestion | None]]:
    """Yield every document with its suggestion; both tables have the same order, so little is held."""
    stream = suggestions(desk)
    waiting: dict[str, Suggestion] = {}
    for document in canonical_documents(desk):
        while document.id not in waiting and (suggestion := next(stream, None)) is not None:
            waiting[suggestion.annotations.document_id] = suggestion
        yield document, waiting.pop(document.id, None)


def _batches(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    batch: list[Task] = []
    characters = 0
    for task in tasks:
        size = len(task["data"]["text"]) + sum(150 * len(item["result"]) for item in task["predictions"])
        if batch and (len(batch) >= BATCH or characters + size > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(task)
        characters += size
    if batch:
        yield batch


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

    def encoded(self, pairs: Iterable[tuple[Document, Suggestion | None]], scheme: LabelScheme) -> Iterator[Task]:
        """Yield the tasks that are not on the server yet."""
        for document, suggestion in pairs:
            if task_key(document, scheme) in self.there:
                self.already += 1
                continue
            try:
                yield encode(document, _shown(suggestion, scheme), scheme)
            except (SchemeError, OffsetError) as error:
                reason = "text changed" if isinstance(error, OffsetError) else "would break the screen"
                self._fail(document.id, reason, error.message)

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

    def renew_predictions(self, pairs: Iterable[tuple[Document, Suggestion | None]], scheme: LabelScheme) -> None:
        """Give every untouched task the suggestions of now: where they are others, or got lost."""
        versions = set(self.client.get(self._path("model-versions/")) or ())
        stale: dict[int, list[tuple[int, str]]] | None = None
        batch: list[tuple[_OnServer, Prediction, list[int]]] = []
        for document, suggestion in pairs:
            if suggestion is None:
                continue
            self.version = model_version(suggestion)
            task = self.there.get(task_key(document, scheme))
            if task is None or task.touched:
                continue
            if versions - {self.version} and stale is None:
                stale = self._predictions()
            found = stale.get(task.id, []) if stale is not None else []
            if stale is not None and task.id not in stale:
                continue  # touched since, or begun
            old = [number for number, version in found if version != self.version]
            if not old and (found if stale is not None else task.predictions):
                continue
            fresh = len(old) == len(found)
            prediction = encode(document, _shown(suggestion, scheme), scheme)["predictions"][0]
            batch.append((task, prediction if fresh else {}, old))
            if len(batch) >= BATCH:
                self._replace(batch)
                batch = []
        self._replace(batch)

    def _predictions(self) -> dict[int, list[tuple[int, str]]]:
        """Return, for every task that nobody has touched or begun, its predictions as (id, model version)."""
        fields = ("id", "predictions", "total_annotations", "cancelled_annotations", "draft_exists")
        return {
            int(raw["id"]): [(int(item["id"]), str(item["model_version"])) for item in raw["predictions"]]
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


def _shown(suggestion: Suggestion | None, scheme: LabelScheme) -> Suggestion | None:
    if suggestion is None:
        return None
    annotations = limit(suggestion.annotations, scheme)
    return Suggestion(annotations, suggestion.pipeline, suggestion.read, suggestion.score)
