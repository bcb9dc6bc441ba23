"""Bring articles in: read → extract → clean → language → dedupe → segment.

What is accepted is appended to ``articles/`` in shards named by their content, in the order of the sources; what is
not, to ``removed/`` with stage and reason. Both happen under the desk's lock, and nothing is ever rewritten: a run that
was killed is run again, finds what it had written, and goes on with the same next shard, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Final

from copydesk.schemas import InputError, OnProgress, Progress, Removed, silent

from .boilerplate import without_boilerplate
from .columns import check_columns
from .dedupe import cluster_all, growth
from .desk import Desk
from .engine import ordered
from .freeze import Outcome, prepare
from .intake import IngestResult, Intake, Known
from .places import find, missing
from .segment import segment_all
from .settings import IngestSettings
from .sources import Mark, RawRecord, read_marked
from .store import sweep

__all__ = ["IngestResult", "ingest"]

BATCH_RECORDS: Final = 64
BATCH_BYTES: Final = 4_000_000
BATCH_ITEMS: Final = 20_000
"""Known records and refusals cost nothing, so that a batch may hold many."""

Item = RawRecord | Removed | Known | Mark


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
        outcomes = _outcomes(desk, present, intake)
        if desk.settings.ingest.boilerplate:
            outcomes = without_boilerplate(outcomes, desk, on_progress=on_progress)
        for outcome in outcomes:
            intake.take(outcome)
            on_progress(Progress("ingest", intake.seen, None, "records"))
        intake.flush()
        copies = cluster_all(desk, on_progress=on_progress)
        segment_all(desk, on_progress=on_progress)
    result = intake.result(copies, growth(desk))
    if absent:
        raise _absent(absent, result)
    return result


def _absent(paths: Sequence[str], result: IngestResult | None) -> InputError:
    named = ", ".join(paths)
    message = "no such file or folder" if len(paths) == 1 else "no such files or folders"
    done = f" Everything else was processed: {result.accepted} new, {result.repeated} known." if result else ""
    return InputError(message, where=named, hint=f"Check the name; a pattern must match something.{done}")


def _outcomes(desk: Desk, sources: Sequence[str], intake: Intake) -> Iterator[Outcome]:
    settings = desk.settings.ingest
    files = (intake.reading.resumed(file) for file in find(sources, desk=desk.path))
    items: Iterator[Item] = chain.from_iterable(read_marked(file, settings) for file in files)
    items = (Known(item.of) if isinstance(item, RawRecord) and intake.knows(item) else item for item in items)
    work = partial(_prepare_batch, settings=settings)
    for batch in ordered(work, _batches(items), desk=desk, label=_label):
        yield from batch


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    records = size = 0
    for item in items:
        batch.append(item)
        if isinstance(item, RawRecord):
            records += 1
            size += item.size
        if records == BATCH_RECORDS or size >= BATCH_BYTES or len(batch) == BATCH_ITEMS:
            yield batch
            batch, records, size = [], 0, 0
    if batch:
        yield batch


def _prepare_batch(batch: Sequence[Item], *, settings: IngestSettings) -> list[Outcome]:
    return [_outcome(item, settings) for item in batch]


def _outcome(item: Item, settings: IngestSettings) -> Outcome:
    if isinstance(item, Known):
        return Outcome(of=item.of, known=True)
    if isinstance(item, Mark):
        return Outcome(of=item.of, mark=item)
    return Outcome(removed=(item,), of=item.of) if isinstance(item, Removed) else prepare(item, settings)


def _label(batch: Sequence[Item]) -> str:
    return batch[0].of if len(batch) == 1 else f"{batch[0].of} … {batch[-1].of}"
