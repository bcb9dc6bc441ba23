"""Bring home what people did: every version of every annotation, once.

The server's export snapshot is the one answer that holds everything: skipped work, ground truth, other people's
drafts, and the suggestions as each annotator saw them. It is streamed to a file, checked against the server's own
hash, read task by task, and what is new goes to one new file of the ledger. Nothing is written before all of it has
been read, so a cut answer or a kill leaves the ledger as it was. What is known of annotations and tasks meanwhile
lies on disk (:mod:`.pulled`).

Of a large project only the tasks are exported that changed since the last pull, by the server's own word. Clocks can
be wrong, so it is asked from a while before, and what it says is compared with what was seen. Everything is exported
where the numbers of tasks or annotations disagree, where the server's clock stands before what it wrote, where it does
not list what it should, and every fiftieth time in any case.
"""

from __future__ import annotations

import dataclasses
import hashlib
import socket
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

from copydesk.corpus import Desk, sweep
from copydesk.schemas import OnProgress, Progress, SchemeError, StudioError, silent

from .client import RefusedError, StudioClient, connect
from .decisions import record_decisions
from .entries import Place, annotation_id, append, draft_entry, version_entry
from .gold import pseudonyms
from .ledger import LEDGER, LedgerEntry, digest, rows
from .project import Project, find_projects
from .project_notes import noted_kinds
from .pulled import Index, LastPull, opened_index
from .reserve import settle_sides
from .shown import config_changes, shown_scheme

__all__ = ["PullResult", "pull"]

BATCH: Final = 500
SMALL: Final = 2_000
"""So many tasks are always exported whole: it takes seconds, and tells how much work is begun."""
MOST: Final = 5_000
"""More changed tasks than these are not picked out one by one."""
PARTIAL: Final = 50
"""So many pulls of what changed are followed by one of everything."""
OVERLAP: Final = timedelta(minutes=10)
"""By so much clocks may differ, and a change may be written down later than its time says."""

STAMP: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How the server wants a time; any other way is an error 500 to it."""


@dataclass(frozen=True, slots=True)
class PullResult:
    """What a pull found.

    Attributes:
        project_id: The desk's first project on the server.
        url: Its address.
        projects: How many projects of the desk there are.
        tasks: How many of our tasks they hold.
        added: New versions in the ledger: of annotations submitted, updated or skipped, and of drafts where asked for.
        already: Annotations that had not changed since they were last seen.
        skipped: How many of those now on the server are skipped.
        gone: New tombstones, for annotations that are no longer on the server.
        drafts: Work begun and not yet submitted, in the tasks that were exported.
        foreign: Tasks that somebody else put into a project; they are left alone.
        exported: Tasks that were read whole; of the others the server says that nothing changed.
        annotators: Annotations on the server by annotator.
        drift: Differences between a project's labelling config and the scheme.
        lost_projects: Ids of projects of this desk that are no longer on the server; the ledger keeps their work.
        decisions: New rows in the desk's decisions, of adjudications that came home.
    """

    project_id: int
    url: str
    projects: int = 1
    tasks: int = 0
    added: int = 0
    already: int = 0
    skipped: int = 0
    gone: int = 0
    drafts: int = 0
    foreign: int = 0
    exported: int = 0
    annotators: dict[str, int] = field(default_factory=dict)
    drift: tuple[str, ...] = ()
    lost_projects: tuple[int, ...] = ()
    decisions: int = 0


def pull(desk: Desk, *, drafts: bool = False, full: bool = False, on_progress: OnProgress = silent) -> PullResult:
    """Add everything new in the desk's projects to the desk's ledger.

    Args:
        desk: Whose projects.
        drafts: Also keep work that is begun and not submitted; it never counts as finished.
        full: Export every task again, whatever the server says about its last change.
        on_progress: Told of tasks.

    Raises:
        StudioError: No server, no project, or an export that failed or arrived damaged; the ledger is as it was.
        DeskError: Another copydesk is at work here.
    """
    with desk.locked():
        sweep(desk)
        client = connect(desk)
        projects = find_projects(client, desk)
        there = {project.id for project in projects}
        lost = tuple(sorted(set(noted_kinds(desk, client.name)) - there))
        with (
            tempfile.TemporaryDirectory(prefix=".pull-", dir=desk.path) as scratch,
            opened_index(Path(scratch) / "index.sqlite") as index,
        ):
            index.read_ledger(desk)
            work = _Pull(desk, client, index, Path(scratch) / "snapshot.json", drafts=drafts, full=full or drafts)
            work.give_up(lost)
            if not projects:
                raise _no_project(desk, client, lost)
            for project in projects:
                work.project(project, on_progress)
            settle_sides(desk)
            decided = len(record_decisions(desk, pseudonyms(desk)).fresh) if work.count["adjudicated"] else 0
            drift = tuple(line for project in projects for line in _drift(desk, project))
            return work.result(projects, drift=drift, lost_projects=lost, decisions=decided)


def _drift(desk: Desk, project: Project) -> list[str]:
    try:
        scheme = shown_scheme(desk, project.layers.split("+") if project.layers else ())
    except SchemeError as error:  # the scheme has no such layer any more: the project waits for its upgrade
        return [error.message]
    return config_changes(scheme, project.layout, project.use, project.config)


def _no_project(desk: Desk, client: StudioClient, lost: Collection[int]) -> StudioError:
    if not lost:
        return StudioError("this desk has no project on the server yet", where=client.url, hint="Run copydesk push.")
    there = rows(desk, ["annotation", "state", "server", "project_id"])
    kept = {
        row["annotation"]
        for row in there
        if row["server"] == client.name and row["project_id"] in lost and row["state"] != "draft"
    }
    return StudioError(
        f"project {', '.join(map(str, lost))} is no longer on the server; the ledger keeps its {len(kept)} annotations",
        where=client.url,
        hint="copydesk push makes it again.",
    )


def _is_ours(data: Any) -> bool:
    """Tell whether a task was made by copydesk: anybody may import tasks whose data have such a name for other things."""
    key = data.get("copydesk_key") if isinstance(data, dict) else None
    return isinstance(key, str) and key.count("/") >= 3 and isinstance(data.get("document_id"), str)


def _check_whole(target: Path, made: dict[str, Any], client: StudioClient) -> None:
    if not made.get("md5"):
        return
    with target.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != made["md5"]:
        raise StudioError(
            "the export arrived damaged: its hash is not the one that the server announced",
            where=client.url,
            hint="Nothing was written; run copydesk pull again.",
        )


def _tasks(target: Path, client: StudioClient, total: int | None, on_progress: OnProgress) -> Iterator[dict[str, Any]]:
    import ijson

    done = 0
    with target.open("rb") as file:
        try:
            for task in ijson.items(file, "item", use_float=True):
                yield task
                done += 1
                if done % BATCH == 0:
                    on_progress(Progress("pull", done, total, "tasks"))
        except ijson.JSONError as error:
            raise StudioError(
                f"the export breaks off after {done} tasks: {error}",
                where=client.url,
                hint="Nothing was written; run copydesk pull again.",
            ) from error
    if total is not None and done != total:
        raise StudioError(
            f"the export holds {done} tasks and not the {total} that were announced",
            where=client.url,
            hint="Nothing was written; run copydesk pull again.",
        )
    on_progress(Progress("pull", done, done, "tasks"))


@dataclass(slots=True)
class _Pull:
    """One pull at work: what is known, and what was counted so far."""

    desk: Desk
    client: StudioClient
    index: Index
    snapshot: Path
    drafts: bool
    full: bool
    count: Counter[str] = field(default_factory=Counter)

    def project(self, project: Project, on_progress: OnProgress) -> None:
        """Pull one project."""
        self.client.put_away(project.id, _mark(self.desk))
        begun = datetime.now(UTC).isoformat()
        last = self.index.begin(self.desk, self.client.name, project.id)
        wanted = self._changed(project, last)
        if wanted:
            self._read(project, wanted, on_progress)
        if wanted is None or self._withheld(wanted) or not self._agrees(project):
            wanted = None
            self.index.forget_tasks()
            self._read(project, None, on_progress)
        partial = 0 if wanted is None else last.partial + 1
        ours, others = self.index.finish(self.desk, self.client.name, project.id, begun=begun, partial=partial)
        self.count.update(tasks=ours, foreign=others, exported=self.index.count("exported"))

    def _changed(self, project: Project, last: LastPull) -> list[int] | None:
        """Return the tasks to export; None for all of them."""
        total = self.index.count("seen")
        since = _since(last, self.client.date)
        if self.full or total <= SMALL or last.partial >= PARTIAL or since is None:
            return None
        fields = ("id", "updated_at")
        pages = self.client.pages(project.id, fields, since=since.astimezone(UTC).strftime(STAMP))
        self.index.list_tasks((int(raw["id"]), str(raw.get("updated_at") or "")) for raw in pages)
        if not self.index.lists(last.task):  # an unknown filter is no error to the server, but an empty list
            return None
        most = min(MOST, total // 2)
        changed = self.index.changed(most + 1)
        return changed if len(changed) <= most else None

    def _agrees(self, project: Project) -> bool:
        """Tell whether there are as many tasks and annotations as we know."""
        answer = self.client.get("/api/tasks", project=project.id, page=1, page_size=1, include="id")
        if answer["total"] != self.index.count("known"):
            return False
        if self.index.count("foreign") or "total_annotations" not in answer:
            return True
        people, skipped = self.index.standing(self.client.name, project.id)
        return bool(answer["total_annotations"] == people.total() - skipped)

    def _withheld(self, wanted: Collection[int]) -> bool:
        """Tell whether the server kept back tasks that it has, as it does where it does not know the filter."""
        missed = next((task for task in wanted if not self.index.exported(task)), None)
        if missed is None:
            return False
        try:
            self.client.get(f"/api/tasks/{missed}/")
        except RefusedError as error:
            if error.status != 404:
                raise
            return False  # deleted since it was listed
        return True

    def _read(self, project: Project, wanted: list[int] | None, on_progress: OnProgress) -> None:
        """Bring home these tasks, or all of them, and find out what is gone."""
        on_progress(Progress("pull", 0, None, "tasks"))
        with self.client.snapshot(project.id, self.snapshot, tasks=wanted, title=_mark(self.desk)) as made:
            _check_whole(self.snapshot, made, self.client)
        total = (made.get("counters") or {}).get("task_number")
        append(self.desk, self._new(project, _tasks(self.snapshot, self.client, total, on_progress)))
        self.snapshot.unlink()
        if self.index.miss(self.client.name, project.id, whole=wanted is None):
            append(self.desk, self._tombstones())

    def _new(self, project: Project, tasks: Iterator[dict[str, Any]]) -> Iterator[LedgerEntry]:
        """Yield what the ledger does not hold yet, and note what was read."""
        about = Place(self.client.name, project.id, self.desk.settings.arms.salt)
        for task in tasks:
            document = task["data"]["document_id"] if _is_ours(task.get("data")) else None
            changed, made = (str(task.get(name) or "") for name in ("updated_at", "created_at"))
            self.index.export(int(task["id"]), changed, document, made)
            if document is None:
                continue
            self.count["drafts"] += len(task.get("drafts") or ())
            for annotation in task.get("annotations") or ():
                uid = annotation_id(annotation, self.client.name)
                entry = version_entry(about, task, annotation, uid, self.index.known(uid))
                if moved := self.index.answered(uid, annotation.get("result")):
                    entry = dataclasses.replace(entry, answered_at=moved)
                self.index.meet(entry.annotation, self.client.name, project.id)
                yield from self._unless_known(entry)
            for draft in (task.get("drafts") or ()) if self.drafts else ():
                yield from self._unless_known(draft_entry(about, task, draft))

    def _unless_known(self, entry: LedgerEntry) -> Iterator[LedgerEntry]:
        last = self.index.known(entry.annotation)
        if last is not None and last.key in (entry.key, digest([entry.key, last.before])):
            return
        if last is not None and self.index.has(entry.key):  # it is again as it was before: a version of its own
            entry = dataclasses.replace(entry, key=digest([entry.key, last.key]))
        self.index.learn(entry)
        self.count["added"] += 1
        self.count["adjudicated"] += entry.adjudicates
        self.count["drafts kept"] += entry.state == "draft"
        yield entry

    # what was there and is not any more

    def give_up(self, projects: Collection[int]) -> None:
        """Write tombstones for everything in projects that are no longer there."""
        for project in projects:
            if self.index.miss_all(self.client.name, project):
                append(self.desk, self._tombstones())

    def _tombstones(self) -> Iterator[LedgerEntry]:
        columns = [name for name in LEDGER.names if name not in ("raw", "prediction", "asked")]
        for row in rows(self.desk, columns):
            state = self.index.missing(row["annotation"])
            last = self.index.known(row["annotation"])
            if state is None or last is None or last.key != row["key"]:
                continue
            ended = {"key": digest([row["key"], state]), "state": state, "raw": "", "prediction": "", "asked": ""}
            tombstone = LedgerEntry(**{**row, **ended})
            self.index.learn(tombstone)
            self.count["gone"] += 1
            yield tombstone

    # writing and telling

    def result(self, projects: list[Project], **more: Any) -> PullResult:
        """Return what all of it came to."""
        annotators: Counter[str] = Counter()
        skipped = 0
        for project in projects:
            people, their = self.index.standing(self.client.name, project.id)
            annotators += people
            skipped += their
        already = annotators.total() - self.count["added"] + self.count["drafts kept"]
        counted = {name: self.count[name] for name in ("tasks", "added", "gone", "drafts", "foreign", "exported")}
        told: dict[str, Any] = {**counted, "already": already, "skipped": skipped, "annotators": dict(annotators)}
        return PullResult(projects[0].id, projects[0].url, len(projects), **told, **more)


def _since(last: LastPull, date: str) -> datetime | None:
    """Return from when on the server has to be asked for changes; None where clocks cannot tell."""
    try:
        newest, begun = datetime.fromisoformat(last.newest), datetime.fromisoformat(last.begun)
        now = parsedate_to_datetime(date)
        since = min(newest, begun) - OVERLAP  # the newest may be of a time when the server's clock was ahead
        return since if now >= newest - OVERLAP or now >= begun else None
    except (ValueError, TypeError):
        return None


def _mark(desk: Desk) -> str:
    """Return what our exports are called on a server, so that those of a killed pull can be told from others'."""
    place = f"{socket.gethostname()}\x1f{desk.path.resolve()}"
    return f"copydesk pull {hashlib.sha256(place.encode()).hexdigest()[:12]}"
