"""Bring home what people did: every version of every annotation, once.

The server's export snapshot is the one answer that holds everything: skipped work, ground truth, other
people's drafts, and the suggestions as each annotator saw them. It is streamed to a file, checked against
the server's own hash, read task by task, and what is new goes to one new file of the ledger. Nothing is
written before all of it has been read, so a cut answer or a kill leaves the ledger as it was.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import Desk, sweep, write_atomically
from copydesk.schemas import (
    OnProgress,
    Progress,
    StudioError,
    config_drift,
    labelling_config,
    silent,
    text_sha256,
)

from .client import StudioClient, connect
from .ledger import LEDGER, TABLE, TOMBSTONES, Known, LedgerEntry, digest, latest, ledger, version_key
from .project import STATE, Project, find_project, shown_scheme
from .reserve import settle_sides
from .tasks import key_arm

__all__ = ["PullResult", "pull"]

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class PullResult:
    """What a pull found.

    Attributes:
        project_id: The project on the server.
        url: Its address.
        tasks: How many of our tasks it holds.
        added: New versions in the ledger: of annotations submitted, updated or skipped.
        already: Annotations that had not changed since they were last seen.
        skipped: How many of those now on the server are skipped.
        gone: New tombstones, for annotations that are no longer on the server.
        drafts: Work begun and not yet submitted.
        foreign: Tasks that somebody else put into the project; they are left alone.
        annotators: Annotations on the server by annotator.
        drift: Differences between the project's labelling config and the scheme.
    """

    project_id: int
    url: str
    tasks: int = 0
    added: int = 0
    already: int = 0
    skipped: int = 0
    gone: int = 0
    drafts: int = 0
    foreign: int = 0
    annotators: dict[str, int] = field(default_factory=dict)
    drift: tuple[str, ...] = ()


def pull(desk: Desk, *, on_progress: OnProgress = silent) -> PullResult:
    """Add everything new in the desk's project to the desk's ledger.

    Raises:
        StudioError: No server, no project, or an export that failed or arrived damaged; the ledger is as it was.
        DeskError: Another copydesk is at work here.
    """
    with desk.locked():
        sweep(desk)
        client = connect(desk)
        project = find_project(client, desk)
        if project is None:
            raise _no_project(client, desk)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=desk.path) as scratch:
            target = Path(scratch) / "snapshot.json"
            on_progress(Progress("pull", 0, None, "tasks"))
            with client.snapshot(project.id, target) as made:
                _check_whole(target, made, client)
            total = (made.get("counters") or {}).get("task_number")
            result = _record(desk, client, project, _tasks(target, client, total, on_progress))
        settle_sides(desk)
        drift = config_drift(labelling_config(shown_scheme(desk)), project.config)
        return dataclasses.replace(result, drift=tuple(drift))


def _no_project(client: StudioClient, desk: Desk) -> StudioError:
    noted = desk.done(STATE, client.name)
    if noted is None:
        return StudioError("this desk has no project on the server yet", where=client.url, hint="Run copydesk push.")
    known = latest(desk)
    gone = {uid for uid, last in known.items() if (last.server, last.project_id) == (client.name, int(noted))}
    _append(desk, _tombstones(desk, {uid for uid in gone if known[uid].state not in TOMBSTONES}, set()))
    return StudioError(
        f"project {noted} is no longer on the server; the ledger keeps its {len(gone)} annotations",
        where=client.url,
        hint="copydesk push makes it again.",
    )


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
    on_progress(Progress("pull", done, done, "tasks"))


@dataclass(slots=True)
class _Count:
    tasks: int = 0
    added: int = 0
    already: int = 0
    skipped: int = 0
    gone: int = 0
    drafts: int = 0
    foreign: int = 0
    annotators: dict[str, int] = field(default_factory=dict)


def _record(desk: Desk, client: StudioClient, project: Project, tasks: Iterator[dict[str, Any]]) -> PullResult:
    known = latest(desk)
    count = _Count()

    def entries() -> Iterator[LedgerEntry]:
        seen: set[str] = set()
        present: set[int] = set()
        for task in tasks:
            if "copydesk_key" not in (task.get("data") or {}):
                count.foreign += 1
                continue
            count.tasks += 1
            count.drafts += len(task.get("drafts") or ())
            present.add(int(task["id"]))
            for annotation in task.get("annotations") or ():
                entry = _entry(client.name, project.id, task, annotation, known, desk.settings.arms.salt)
                seen.add(entry.annotation)
                count.annotators[entry.annotator] = count.annotators.get(entry.annotator, 0) + 1
                count.skipped += bool(annotation.get("was_cancelled"))
                if entry.annotation in known and known[entry.annotation].key == entry.key:
                    count.already += 1
                else:
                    count.added += 1
                    yield entry
        missing = {
            uid
            for uid, last in known.items()
            if (last.server, last.project_id) == (client.name, project.id)
            and uid not in seen
            and last.state not in TOMBSTONES
        }
        for entry in _tombstones(desk, missing, present):
            count.gone += 1
            yield entry

    _append(desk, entries())
    return PullResult(project.id, project.url, **dataclasses.asdict(count))


def _entry(
    server: str,
    project: int,
    task: dict[str, Any],
    annotation: dict[str, Any],
    known: dict[str, Known],
    salt: str,
) -> LedgerEntry:
    data = task["data"]
    who = annotation.get("completed_by")
    annotator = str(who.get("email") or who.get("id")) if isinstance(who, dict) else f"user {who}"
    uid = str(annotation.get("unique_id") or f"{server}/{annotation['id']}")
    prediction = annotation.pop("prediction", None) or {}
    return LedgerEntry(
        key=version_key(annotation, annotator, after=known[uid].tombstone if uid in known else ""),
        annotation=uid,
        state="skipped" if annotation.get("was_cancelled") else "updated" if uid in known else "submitted",
        server=server,
        project_id=project,
        task_id=int(task["id"]),
        copydesk_key=data["copydesk_key"],
        document_id=str(data.get("document_id", "")),
        sha256=text_sha256(str(data.get("text", ""))),
        scheme=str(data.get("scheme", "")),
        layers=str(data.get("layers", "")),
        arm=key_arm(data["copydesk_key"], salt),
        layout=str(data.get("layout") or "document"),
        focus=str(data.get("focus") or ""),
        annotator=annotator,
        ground_truth=bool(annotation.get("ground_truth")),
        lead_time=annotation.get("lead_time"),
        created_at=str(annotation.get("created_at") or ""),
        updated_at=str(annotation.get("updated_at") or ""),
        model_version=str(prediction.get("model_version") or ""),
        raw=json.dumps(annotation, ensure_ascii=False, sort_keys=True),
        prediction=json.dumps(prediction, ensure_ascii=False, sort_keys=True) if prediction else "",
    )


def _tombstones(desk: Desk, gone: set[str], present: set[int]) -> Iterator[LedgerEntry]:
    """Yield a tombstone for each annotation that is gone: ``deleted`` if its task is among those present."""
    if not gone:
        return
    last = {entry.annotation: entry for entry in ledger(desk) if entry.annotation in gone}
    for entry in sorted(last.values(), key=lambda entry: entry.annotation):
        state = "deleted" if entry.task_id in present else "vanished"
        key = digest([entry.key, state])
        yield dataclasses.replace(entry, key=key, state=state, raw="", prediction="")


def _append(desk: Desk, entries: Iterator[LedgerEntry]) -> None:
    """Write entries as the ledger's next file; with none of them, no file."""
    taken = [int(part.stem.removeprefix("part-")) for part in desk.parts(TABLE)]
    path = desk.path / TABLE / f"part-{max(taken, default=0) + 1:05d}.parquet"
    first = next(entries, None)
    if first is None:
        return
    with write_atomically(path) as temporary, pq.ParquetWriter(temporary, LEDGER, compression="zstd") as writer:
        batch = [first]
        for entry in entries:
            batch.append(entry)
            if len(batch) >= BATCH:
                writer.write_table(_table(batch))
                batch = []
        if batch:
            writer.write_table(_table(batch))


def _table(entries: list[LedgerEntry]) -> pa.Table:
    return pa.Table.from_pylist([dataclasses.asdict(entry) for entry in entries], schema=LEDGER)
