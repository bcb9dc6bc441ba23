"""Bring articles in: read → extract → clean → language → dedupe → segment.

What is accepted is appended to ``articles/`` in shards named by their content, in the order of the sources; what is
not, to ``removed/`` with stage and reason. Both happen under the desk's lock, and nothing is ever rewritten: a run that
was killed is run again, finds what it had written, and goes on with the same next shard, byte for byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Final

import pyarrow.parquet as pq

from copydesk.schemas import Document, InputError, OnProgress, Progress, Removed, silent

from .columns import check_columns
from .dedupe import cluster_all
from .desk import Desk
from .engine import ordered
from .freeze import Outcome, prepare
from .places import find, missing
from .segment import segment_all
from .settings import IngestSettings
from .sources import RawRecord, read
from .store import content_name, record_removed, removed, sweep

__all__ = ["IngestResult", "ingest"]

SHARD_DOCUMENTS: Final = 1_000
SHARD_CHARACTERS: Final = 50_000_000
BATCH_RECORDS: Final = 64
BATCH_BYTES: Final = 4_000_000

SETTINGS_DEPEND: Final = ("no text column", "too large")
"""Refusals of a whole file that another setting lifts; then the note of them is out of date."""

Item = RawRecord | Removed


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


def ingest(desk: Desk, sources: Sequence[str], *, on_progress: OnProgress = silent) -> IngestResult:
    """Read articles into a desk, find copies among all that it holds, and cut them into segments.

    Args:
        desk: Where to; its settings say what may come in.
        sources: Files, folders and patterns (``news/**/*.html``). With none, what an earlier run left undone is done.
        on_progress: Told of records read, then of shards.

    Raises:
        InputError: A source isn't there. All others were processed before.
        SettingsError: ``ingest.columns`` maps an unknown field.
        DeskError: Another copydesk is at work here, or a worker process died.
    """
    check_columns(desk.settings.ingest.columns)
    absent = missing(sources)
    present = [source for source in sources if source not in absent]
    if absent and not present:
        raise _absent(absent, None)
    with desk.locked():
        sweep(desk)
        intake = Intake(desk)
        for outcome in _outcomes(desk, present):
            intake.take(outcome)
            on_progress(Progress("ingest", intake.seen, None, "records"))
        intake.flush()
        copies = cluster_all(desk, on_progress=on_progress)
        segment_all(desk, on_progress=on_progress)
    result = intake.result(copies)
    if absent:
        raise _absent(absent, result)
    return result


def _absent(paths: Sequence[str], result: IngestResult | None) -> InputError:
    named = ", ".join(paths)
    message = "no such file or folder" if len(paths) == 1 else "no such files or folders"
    done = f" Everything else was processed: {result.accepted} new, {result.repeated} known." if result else ""
    return InputError(message, where=named, hint=f"Check the name; a pattern must match something.{done}")


def _outcomes(desk: Desk, sources: Sequence[str]) -> Iterator[Outcome]:
    settings = desk.settings.ingest
    items: Iterator[Item] = chain.from_iterable(read(file, settings) for file in find(sources, desk=desk.path))
    work = partial(_prepare_batch, settings=settings)
    for batch in ordered(work, _batches(items), desk=desk, label=_label):
        yield from batch


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for item in items:
        batch.append(item)
        size += item.size if isinstance(item, RawRecord) else 0
        if len(batch) == BATCH_RECORDS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _prepare_batch(batch: Sequence[Item], *, settings: IngestSettings) -> list[Outcome]:
    return [Outcome(removed=(item,)) if isinstance(item, Removed) else prepare(item, settings) for item in batch]


def _label(batch: Sequence[Item]) -> str:
    return batch[0].of if len(batch) == 1 else f"{batch[0].of} … {batch[-1].of}"


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
        self._texts_by_key: dict[tuple[str, str], tuple[str, str]] = {}
        for part in desk.parts("articles"):
            for row in pq.read_table(part, columns=["id", "outlet", "external_id", "sha256"]).to_pylist():
                self._remember(row["id"], row["outlet"], row["external_id"], row["sha256"])
        self._noted = set(removed(desk))
        self._read_places: set[str] = set()

    def take(self, outcome: Outcome) -> None:
        """Take the fate of one record."""
        self.seen += 1
        self.changes.update(outcome.changes)
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
