"""Hold what a pull has to know about every annotation and every task: on disk, for they can be many.

A scratch database takes in the newest version of each annotation that the ledger holds, and the tasks as they stood
when they were last pulled. The tasks are kept from pull to pull as ``pulled/<server>-<project>.parquet``: a task's
id, when the server last changed it, in the server's own words, and whether it is ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import Desk, write_atomically
from copydesk.schemas import DeskError

from .ledger import TOMBSTONES, LedgerEntry, digest, rows
from .moved import moves

__all__ = ["Index", "Known", "LastPull", "opened_index"]

FOLDER: Final = "pulled"
BATCH: Final = 2_000
_LEARNT: Final = (
    "annotation", "key", "state", "server", "project_id", "task_id", "annotator", "document_id", "created_at",
)  # fmt: skip
_ENDED: Final = (*TOMBSTONES, "draft")
"""States of what cannot be missing."""
_SEEN: Final = pa.schema(
    [
        pa.field("task_id", pa.int64(), nullable=False),
        pa.field("updated_at", pa.string(), nullable=False),
        pa.field("ours", pa.bool_(), nullable=False),
    ]
)
_TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -2000;
CREATE TABLE known (annotation TEXT PRIMARY KEY, key TEXT, state TEXT, server TEXT, project INTEGER, task INTEGER,
    annotator TEXT, document TEXT, created TEXT, tombstone TEXT, before TEXT) WITHOUT ROWID;
CREATE TABLE versions (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE moved (annotation TEXT, rows TEXT, answered TEXT, PRIMARY KEY (annotation, rows)) WITHOUT ROWID;
CREATE TABLE listed (task INTEGER PRIMARY KEY, updated TEXT);
CREATE TABLE seen (task INTEGER PRIMARY KEY, updated TEXT, ours INTEGER);
CREATE TABLE earlier (task INTEGER PRIMARY KEY, updated TEXT);
CREATE TABLE exported (task INTEGER PRIMARY KEY, updated TEXT, ours INTEGER, document TEXT, created TEXT);
CREATE TABLE met (annotation TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE missing (annotation TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID;
BEGIN;
"""
_CLEAR: Final = ("DELETE FROM listed", "DELETE FROM seen", "DELETE FROM exported", "DELETE FROM met")
_COUNTS: Final = {
    "seen": "SELECT COUNT(*) FROM seen",
    "exported": "SELECT COUNT(*) FROM exported",
    "known": "SELECT COUNT(*) FROM (SELECT task FROM seen UNION SELECT task FROM exported)",
    "foreign": "SELECT COUNT(*) FROM seen WHERE NOT ours",
}
_PEOPLE: Final = (
    "SELECT annotator, COUNT(*), SUM(state = 'skipped') FROM known"
    " WHERE server = ? AND project = ? AND state NOT IN (?, ?, ?) GROUP BY annotator"
)
_MISS: Final = (
    "INSERT INTO missing SELECT annotation, CASE WHEN EXISTS ("
    " SELECT 1 FROM exported LEFT JOIN earlier USING (task)"
    " WHERE exported.task = known.task AND exported.ours AND exported.document = known.document"
    " AND NOT IFNULL(moment(exported.created) > moment(known.created), 0)"
    " AND NOT IFNULL(moment(exported.updated) < moment(earlier.updated), 0)"
    ") THEN 'deleted' ELSE 'vanished' END FROM known"
    " WHERE server = ? AND project = ? AND state NOT IN (?, ?, ?) AND annotation NOT IN (SELECT annotation FROM met)"
    " AND (? OR task IN (SELECT task FROM exported))"
)
"""Deleted is what is gone from the task that it was made in. A server that was rebuilt counts from one again: another
task has the number then, of another document or made later. One that was restored has the task as it was before."""
_MISS_ALL: Final = (
    "INSERT INTO missing SELECT annotation, 'vanished' FROM known"
    " WHERE server = ? AND project = ? AND state NOT IN (?, ?, ?)"
)
_CHANGED: Final = (
    "SELECT task FROM listed LEFT JOIN seen USING (task)"
    " WHERE seen.task IS NULL OR listed.updated = '' OR listed.updated <> seen.updated ORDER BY task LIMIT ?"
)
_CALLED_NOW: Final = "UPDATE known SET server = ?, project = ? WHERE server = ? AND project = ?"
_NOW: Final = (
    "SELECT task, updated, ours FROM exported UNION ALL SELECT task, updated, ours FROM seen"
    " WHERE task NOT IN (SELECT task FROM exported) ORDER BY task"
)


class LastPull(NamedTuple):
    """What is remembered of a project's last pull.

    Attributes:
        begun: When it began by our own clock, as ISO 8601 in UTC; empty if there was none.
        newest: The newest of the server's words for a task's last change.
        task: The task that has them.
        partial: How many pulls there were since all tasks were pulled.
    """

    begun: str = ""
    newest: str = ""
    task: int = 0
    partial: int = 0


class Known(NamedTuple):
    """The newest version of an annotation.

    Attributes:
        key: Its key.
        state: Its state.
        server: Where it is.
        project: The project there.
        task: The task there.
        annotator: Whose it is.
        document: The document that it is about.
        created: When it was made, in the server's own words.
        tombstone: The key of the last tombstone the annotation ever had; empty if it had none.
        before: The key of the version before this one; empty if there was none.
    """

    key: str
    state: str
    server: str
    project: int
    task: int
    annotator: str
    document: str
    created: str
    tombstone: str
    before: str


@contextlib.contextmanager
def opened_index(path: Path) -> Iterator[Index]:
    """Make an index in a scratch file.

    Raises:
        DeskError: The disk has no room for it.
    """
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.create_function("moment", 1, _moment, deterministic=True)
        database.executescript(_TABLES)
        yield Index(database)
    except sqlite3.Error as error:
        raise DeskError(
            f"the scratch file of the pull cannot be written: {error}",
            where=str(path.parent),
            hint="Nothing was lost. Is the disk full?",
        ) from error
    finally:
        database.close()


class Index:
    """What is known; one project at a time is compared with it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._ask = database.execute
        self._formerly: list[tuple[str, int]] = []
        self._moved = False

    # annotations

    def read_ledger(self, desk: Desk) -> None:
        """Take in every annotation of a desk's ledger, without reading any raw JSON."""
        for row in rows(desk, list(_LEARNT)):
            self._learn(*(row[name] for name in _LEARNT))
        noted = self._database.executemany("INSERT OR REPLACE INTO moved VALUES (?, ?, ?)", moves(desk))
        self._moved = noted.rowcount > 0

    def learn(self, entry: LedgerEntry) -> None:
        """Take in what the ledger gets now."""
        self._learn(*(getattr(entry, name) for name in _LEARNT))

    def _learn(self, annotation: str, key: str, state: str, *place: str | int) -> None:
        last = self.known(annotation)
        tombstone = key if state in TOMBSTONES else last.tombstone if last else ""
        row = (annotation, key, state, *place, tombstone, last.key if last else "")
        self._ask("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._ask("INSERT OR IGNORE INTO versions VALUES (?)", (key,))

    def known(self, annotation: str) -> Known | None:
        """Return an annotation's newest version."""
        row = self._ask("SELECT * FROM known WHERE annotation = ?", (annotation,)).fetchone()
        return Known(*row[1:]) if row else None

    def answered(self, annotation: str, result: Any) -> str:
        """Return when an annotation with these rows was last saved by its author, if an upgrade wrote them; else empty."""
        if not self._moved:
            return ""
        asked = "SELECT answered FROM moved WHERE annotation = ? AND rows = ?"
        row = self._ask(asked, (annotation, digest(result))).fetchone()
        return str(row[0]) if row else ""

    def has(self, key: str) -> bool:
        """Tell whether the ledger has a version with this key."""
        return self._ask("SELECT 1 FROM versions WHERE key = ?", (key,)).fetchone() is not None

    def standing(self, server: str, project: int) -> tuple[Counter[str], int]:
        """Return how many annotations of a project are there, by annotator, and how many of them are skipped."""
        found = self._ask(_PEOPLE, (server, project, *_ENDED)).fetchall()
        return Counter({annotator: number for annotator, number, _ in found}), sum(skipped for *_, skipped in found)

    # the tasks of a project

    def begin(self, desk: Desk, server: str, project: int) -> LastPull:
        """Turn to a project, and return what is remembered of its last pull; nothing where that is damaged."""
        self.forget_tasks()
        self._ask("DELETE FROM earlier")
        self._formerly = []
        try:
            with pq.ParquetFile(_path(desk, server, project)) as file:
                if file.schema_arrow.names != _SEEN.names:
                    return LastPull()
                said = {name.decode(): value.decode() for name, value in (file.schema_arrow.metadata or {}).items()}
                for batch in file.iter_batches(BATCH):
                    found = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                    self._database.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", found)
        except (FileNotFoundError, pa.ArrowException):  # it only saves work
            self.forget_tasks()
            return LastPull()
        self._ask("INSERT INTO earlier SELECT task, updated FROM seen")
        self._formerly = [(place[0], int(place[1])) for place in json.loads(said.get("formerly", "[]"))]
        self._call_now(server, project)
        newest = self._ask("SELECT updated, task FROM seen ORDER BY updated DESC LIMIT 1").fetchone()
        if newest is None:
            return LastPull()
        return LastPull(said.get("begun", ""), newest[0], newest[1], int(said.get("partial", 0)))

    def forget_tasks(self) -> None:
        """Begin the project anew."""
        for clear in _CLEAR:
            self._ask(clear)

    def count(self, which: str) -> int:
        """Return how many tasks are ``seen``, ``exported``, ``known`` (either), or seen and ``foreign``."""
        return int(self._ask(_COUNTS[which]).fetchone()[0])

    def list_tasks(self, listed: Iterable[tuple[int, str]]) -> None:
        """Take in tasks, with the words for their last change, as the server lists them now."""
        self._database.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?)", listed)

    def lists(self, task: int) -> bool:
        """Tell whether the server listed a task."""
        return self._ask("SELECT 1 FROM listed WHERE task = ?", (task,)).fetchone() is not None

    def changed(self, most: int) -> list[int]:
        """Return the listed tasks that do not stand as they were last seen, at most so many of them."""
        return [task for (task,) in self._ask(_CHANGED, (most,))]

    def export(self, task: int, updated: str, document: str | None, created: str) -> None:
        """Note that a task was read whole, with the document that it is about if it is ours, and when it was made."""
        row = (task, updated, document is not None, document, created)
        self._ask("INSERT OR REPLACE INTO exported VALUES (?, ?, ?, ?, ?)", row)

    def exported(self, task: int) -> bool:
        """Tell whether a task was read whole."""
        return self._ask("SELECT 1 FROM exported WHERE task = ?", (task,)).fetchone() is not None

    def meet(self, annotation: str, server: str, project: int) -> None:
        """Note that an annotation was seen in a project; it tells a server that had another address before."""
        self._ask("INSERT OR IGNORE INTO met VALUES (?)", (annotation,))
        known = self.known(annotation)
        if known is not None and known.server != server:
            self._formerly.append((known.server, known.project))
            self._call_now(server, project)

    def _call_now(self, server: str, project: int) -> None:
        for place in self._formerly:
            self._ask(_CALLED_NOW, (server, project, *place))

    # what was there and is not any more

    def miss(self, server: str, project: int, *, whole: bool) -> int:
        """Note which annotations are gone, each with the state of its tombstone, and return how many.

        ``deleted`` where the task that it was made in is there, so that somebody meant it; ``vanished`` where it is
        not, which shows only in a whole export, or where the server went back to a day before it was made.
        """
        return self._miss(_MISS, server, project, whole)

    def miss_all(self, server: str, project: int) -> int:
        """Note that all annotations of a project vanished with it, and return how many."""
        return self._miss(_MISS_ALL, server, project)

    def _miss(self, asked: str, server: str, project: int, *more: bool) -> int:
        self._ask("DELETE FROM missing")
        return self._ask(asked, (server, project, *_ENDED, *more)).rowcount

    def missing(self, annotation: str) -> str | None:
        """Return the state of an annotation's tombstone, or None if it is not gone."""
        row = self._ask("SELECT state FROM missing WHERE annotation = ?", (annotation,)).fetchone()
        return row[0] if row else None

    # what the next pull has to know

    def finish(self, desk: Desk, server: str, project: int, *, begun: str, partial: int) -> tuple[int, int]:
        """Write down how the tasks of the project stand; return how many are ours and how many are not.

        Written after the ledger, so that nothing is taken for pulled.
        """
        formerly = json.dumps(sorted(set(self._formerly)))
        schema = _SEEN.with_metadata({"begun": begun, "partial": str(partial), "formerly": formerly})
        found = self._ask(_NOW)
        ours = others = 0
        with (
            write_atomically(_path(desk, server, project)) as temporary,
            pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
        ):
            while batch := found.fetchmany(BATCH):
                tasks, updated, mine = zip(*batch, strict=True)
                ours += sum(mine)
                others += len(mine) - sum(mine)
                columns: list[Any] = [list(tasks), list(updated), list(map(bool, mine))]
                writer.write_table(pa.table(columns, schema=schema))
        return ours, others


def _moment(said: str | None) -> str | None:
    """Return a time of the server's so that earlier ones sort before later ones; None if it is none."""
    try:
        return datetime.fromisoformat(said or "").astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return None


def _path(desk: Desk, server: str, project: int) -> Path:
    place = hashlib.sha256(server.encode()).hexdigest()[:12]  # an address is no file name
    return desk.path / FOLDER / f"{place}-{project}.parquet"
