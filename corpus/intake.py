"""Sort what was read into what is new, what is known and what is set aside, and write it in shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow.parquet as pq

from copydesk.schemas import Document, Removed

from .desk import Desk
from .freeze import Outcome
from .settings import settings_digest
from .sources import RawRecord
from .store import content_name, record_removed, removed

__all__ = ["IngestResult", "Intake", "Known"]

VERSION: Final = "1"
"""Goes up when the same record would become another document; what is known is then looked at again."""

SHARD_DOCUMENTS: Final = 1_000
SHARD_CHARACTERS: Final = 50_000_000

SETTINGS_DEPEND: Final = ("no text column", "too large")
"""Refusals of a whole file that another setting lifts; then the note of them is out of date."""

COLUMNS: Final = ["id", "outlet", "external_id", "sha256", "raw_sha256"]


@dataclass(frozen=True, slots=True)
class Known:
    """A record whose very bytes became a document in an earlier run, under the same settings."""

    of: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What one run of :func:`ingest` did.

    Attributes:
        accepted: Documents that are new in the desk.
        repeated: Records that were in the desk already, or twice in the sources.
        removed: What was set aside in this run, also where an earlier run had noted it.
        documents: Documents in the desk now.
        copies: Documents of these that another one stands for.
        seen: Records read, of whatever fate.
        changes: How often cleaning changed what, by kind (see :class:`~copydesk.corpus.Cleaned`).
    """

    accepted: int
    repeated: int
    removed: tuple[Removed, ...]
    documents: int
    copies: int
    seen: int
    changes: Mapping[str, int] = field(default_factory=dict)


class Intake:
    """Sort outcomes into what is new, what is known and what is set aside, and write them in shards."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seen = self.accepted = self.repeated = 0
        self.changes: Counter[str] = Counter()
        self._aside: list[Removed] = []
        self._documents: list[Document] = []
        self._characters = 0
        self._removed: dict[str, list[Removed]] = {}
        self._known: set[int] = set()
        self._known_raw: set[int] = set()
        self._texts_by_key: dict[tuple[str, str], tuple[str, str]] = {}
        self._noted = set(removed(desk))
        self._read_places: set[str] = set()
        # documents of a run that was killed or had other settings, until they are met again
        self._unfinished: dict[int, str] = {}
        self._key = settings_digest(desk.settings.ingest, "ingest", VERSION)
        finished = desk.state().get("ingest", {})
        for part in desk.parts("articles"):
            for row in pq.read_table(part, columns=COLUMNS).to_pylist():
                self._remember(row["id"], row["outlet"], row["external_id"], row["sha256"])
                if finished.get(part.stem) == self._key:
                    self._known_raw.add(int(row["raw_sha256"][:16], 16))
                else:
                    self._unfinished[int(row["id"], 16)] = part.stem

    def knows(self, record: RawRecord) -> bool:
        """Tell whether these very bytes became a document before, under the settings of now.

        Only of runs that came to their end: one that was killed may not have noted all that it set aside.
        """
        return int(record.raw_sha256[:16], 16) in self._known_raw

    def take(self, outcome: Outcome) -> None:
        """Take the fate of one record."""
        self.seen += 1
        self.changes.update(outcome.changes)
        self.repeated += outcome.known
        document = outcome.document
        if document is not None:
            key = (document.outlet, document.external_id)
            first, sha256 = self._texts_by_key.get(key, ("", "")) if document.external_id else ("", "")
            if first and sha256 != document.sha256:
                self._set_aside(
                    Removed(
                        document.id,
                        "read",
                        "id already used by another text",
                        outcome.of,
                        f"id {document.external_id}; document {first} came first and is kept",
                    )
                )
                return
            if first or int(document.id, 16) in self._known:
                self.repeated += 1
                self._unfinished.pop(int(document.id, 16), None)
            else:
                self._accept(document)
            self._read_places.add(outcome.of.partition(":")[0])
        for item in outcome.removed:
            self._set_aside(item)

    def flush(self) -> None:
        """Write whatever is not written yet."""
        self._write_documents()
        for stage in sorted(self._removed):
            self._write_removed(stage)
        self._forget_outdated()
        self._note_finished()

    def result(self, copies: int) -> IngestResult:
        """Return what was done."""
        return IngestResult(
            accepted=self.accepted,
            repeated=self.repeated,
            removed=tuple(self._aside),
            documents=len(self._known),
            copies=copies,
            seen=self.seen,
            changes=dict(sorted(self.changes.items())),
        )

    def _accept(self, document: Document) -> None:
        self.accepted += 1
        self._remember(document.id, document.outlet, document.external_id, document.sha256)
        self._documents.append(document)
        self._characters += len(document.text)
        if len(self._documents) == SHARD_DOCUMENTS or self._characters >= SHARD_CHARACTERS:
            self._write_documents()

    def _remember(self, id: str, outlet: str, external_id: str, sha256: str) -> None:
        self._known.add(int(id, 16))
        if external_id:
            self._texts_by_key.setdefault((outlet, external_id), (id, sha256))

    def _set_aside(self, item: Removed) -> None:
        self._aside.append(item)
        if item in self._noted:
            return
        self._noted.add(item)
        rows = self._removed.setdefault(item.stage, [])
        rows.append(item)
        if len(rows) == SHARD_DOCUMENTS:
            self._write_removed(item.stage)

    def _note_finished(self) -> None:
        """Note the shards whose every record was met under these settings, and all that came of it written."""
        open_parts = set(self._unfinished.values())
        noted = self.desk.state().get("ingest", {})
        finished = {part.stem: self._key for part in self.desk.parts("articles") if part.stem not in open_parts}
        if finished.items() - noted.items():
            self.desk.note("ingest", finished)

    def _forget_outdated(self) -> None:
        """Delete notes of what is accepted now, because a setting changed since."""

        def outdated(item: Removed) -> bool:
            if item.stage == "read":
                return item.reason in SETTINGS_DEPEND and item.of in self._read_places
            whole = item.stage == "language" or (item.stage == "clean" and item.reason == "too short")
            return whole and int(item.document_id or "0", 16) in self._known

        for part in self.desk.parts("removed"):
            rows = list(self.desk.read_part(Removed, part))
            kept = [row for row in rows if not outdated(row)]
            if len(kept) < len(rows):
                record_removed(self.desk, part.stem.removeprefix("part-"), kept)

    def _write_documents(self) -> None:
        if self._documents:
            name = content_name(document.id for document in self._documents)
            self.desk.write(Document, "articles", name, self._documents)
            self._documents, self._characters = [], 0

    def _write_removed(self, stage: str) -> None:
        rows = self._removed.pop(stage, [])
        if rows:
            name = content_name(f"{row.reason}\x1f{row.of}\x1f{row.detail}" for row in rows)
            self.desk.write(Removed, "removed", f"{stage}-{name}", rows)
