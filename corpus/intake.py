"""Sort what was read into what is new, what is known and what is set aside, and write it in shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from copydesk.schemas import Document, Removed

from .dedupe import Growth
from .desk import Desk, read_columns
from .freeze import Outcome
from .records import RawRecord
from .restoring import ASIDE, can_be_overruled, kept_ids, overruled_ids
from .resuming import Reading
from .settings import IngestSettings, settings_digest
from .store import content_name, record_removed, removed

__all__ = ["IngestResult", "Intake", "Known", "ingest_key"]

VERSION: Final = "1"
"""Goes up when the same record would become another document; what is known is then looked at again."""

SHARD_DOCUMENTS: Final = 1_000
SHARD_CHARACTERS: Final = 50_000_000

SETTINGS_DEPEND: Final = ("no text column", "too large", "unknown file type", "binary file")
"""Refusals of a whole file that another setting or a newer copydesk lifts; then the note of them is out of date."""

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
        growth: How far likenesses of the desk's articles reach, and where they were cut.
    """

    accepted: int
    repeated: int
    removed: tuple[Removed, ...]
    documents: int
    copies: int
    seen: int
    changes: Mapping[str, int] = field(default_factory=dict)
    growth: Growth = field(default_factory=Growth)


def ingest_key(settings: IngestSettings) -> str:
    """Return the digest of everything, but the record itself, that a document depends on."""
    return settings_digest(settings, "ingest", VERSION)


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
        self._kept, self._overruled = kept_ids(desk), overruled_ids(desk)
        self._refused: list[Document] = []
        self._read_places: set[str] = set()
        # documents of a run that was killed or had other settings, until they are met again
        self._unfinished: dict[int, str] = {}
        self._key = ingest_key(desk.settings.ingest)
        # lines that many articles have in common are told from all that a run reads, so that it reads all
        self.reading = Reading(desk, self._key, on=not desk.settings.ingest.boilerplate)
        self._whole: set[str] = set()
        finished = desk.state().get("ingest", {})
        for part in desk.parts("articles"):
            for row in read_columns(part, COLUMNS).to_pylist():
                self._remember(row["id"], row["outlet"], row["external_id"], row["sha256"])
                if finished.get(part.stem) == self._key or part.stem in self.reading.parts:
                    self._known_raw.add(int(row["raw_sha256"][:16], 16))
                else:
                    self._unfinished[int(row["id"], 16)] = part.stem
        self._open = Counter(self._unfinished.values())

    def knows(self, record: RawRecord) -> bool:
        """Tell whether these very bytes became a document before, under the settings of now.

        Only of runs that came to their end: one that was killed may not have noted all that it set aside.
        """
        return int(record.raw_sha256[:16], 16) in self._known_raw

    def take(self, outcome: Outcome) -> None:
        """Take the fate of one record."""
        if outcome.mark is not None:
            self.reading.passed(outcome.mark)
            return
        self.seen += 1
        self.changes.update(outcome.changes)
        self.repeated += outcome.known
        document, notes = outcome.document, outcome.removed
        if outcome.refused is not None and int(outcome.refused.id, 16) in self._overruled:
            document, notes = outcome.refused, ()
        elif outcome.refused is not None:
            self._keep(outcome.refused)
        if document is not None:
            key = (document.outlet, document.external_id)
            first, sha256 = self._texts_by_key.get(key, ("", "")) if document.external_id else ("", "")
            number = int(document.id, 16)
            if first and sha256 != document.sha256 and number not in self._overruled:
                self._keep(document)
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
            if number in self._known or (first and sha256 == document.sha256):
                self.repeated += 1
                self._meet(document.id)
                document = None
            place = outcome.of.partition(":")[0]
            self._read_places |= {place, place.partition("!")[0]}  # a member stands for its archive, too
        # before the document, which may fill its shard: what is noted as whole has all its notes
        for item in notes:
            self._set_aside(item)
        if document is not None:
            self._accept(document)

    def flush(self) -> None:
        """Write whatever is not written yet."""
        self._write_documents()
        self._write_set_aside()
        self._forget_outdated()
        self._note_finished()
        self.reading.forget()

    def result(self, copies: int, growth: Growth) -> IngestResult:
        """Return what was done."""
        return IngestResult(
            accepted=self.accepted,
            repeated=self.repeated,
            removed=tuple(self._aside),
            documents=len(self._known),
            copies=copies,
            seen=self.seen,
            changes=dict(sorted(self.changes.items())),
            growth=growth,
        )

    def _meet(self, id: str) -> None:
        part = self._unfinished.pop(int(id, 16), None)
        if part is not None:
            self._open[part] -= 1
            if not self._open[part]:
                self._whole.add(part)

    def _accept(self, document: Document) -> None:
        self.accepted += 1
        self._remember(document.id, document.outlet, document.external_id, document.sha256)
        self._documents.append(document)
        self._characters += len(document.text)
        if len(self._documents) == SHARD_DOCUMENTS or self._characters >= SHARD_CHARACTERS:
            self._write_shard()

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

    def _keep(self, document: Document) -> None:
        """Keep a document that a rule sets aside, so that a person can overrule the rule without the source."""
        if int(document.id, 16) in self._kept:
            return
        self._kept.add(int(document.id, 16))
        self._refused.append(document)
        if len(self._refused) == SHARD_DOCUMENTS:
            self._write_refused()

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
            if item.stage == "read" and not can_be_overruled(item):
                return item.reason in SETTINGS_DEPEND and item.of in self._read_places
            return can_be_overruled(item) and int(item.document_id or "0", 16) in self._known

        for part in self.desk.parts("removed"):
            rows = list(self.desk.read_part(Removed, part))
            kept = [row for row in rows if not outdated(row)]
            if len(kept) < len(rows):
                record_removed(self.desk, part.stem.removeprefix("part-"), kept)

    def _write_shard(self) -> None:
        """Write a full shard; where a large file was read further, all else that came of it too, and a note of that."""
        if not self.reading.has_news:
            self._write_documents()
            return
        # first what was set aside: killed in between, the next run finds that noted and writes the same shards
        self._write_set_aside()
        self._write_documents()
        self.reading.note(self._whole)
        self._whole.clear()

    def _write_documents(self) -> None:
        if self._documents:
            name = content_name(document.id for document in self._documents)
            self._whole.add(self.desk.write(Document, "articles", name, self._documents).stem)
            self._documents, self._characters = [], 0

    def _write_set_aside(self) -> None:
        self._write_refused()
        for stage in sorted(self._removed):
            self._write_removed(stage)

    def _write_refused(self) -> None:
        if self._refused:
            self.desk.write(Document, ASIDE, content_name(document.id for document in self._refused), self._refused)
            self._refused = []

    def _write_removed(self, stage: str) -> None:
        rows = self._removed.pop(stage, [])
        if rows:
            name = content_name(f"{row.reason}\x1f{row.of}\x1f{row.detail}" for row in rows)
            self.desk.write(Removed, "removed", f"{stage}-{name}", rows)
