"""Overrule what a rule of the desk set aside: bring a document in although it is too short, or in another language.

What is set aside by a rule is kept whole in ``aside/``, so that no source is needed. An overruling is data, too::

    removed/ ──► restored/   the note, word for word: the rule does not touch this document again
    aside/   ──► articles/   the document, under the id that the note names

Where the articles are read again from nothing, what ``restored/`` names comes in with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from copydesk.schemas import Document, InputError, OnProgress, Removed, silent

from .dedupe import cluster_all
from .desk import Desk, read_columns
from .segment import segment_all
from .store import content_name, record_removed, removed, sweep

__all__ = ["ASIDE", "RESTORED", "RestoreResult", "can_be_overruled", "kept_ids", "overruled_ids", "restore"]

ASIDE: Final = "aside"
RESTORED: Final = "restored"
LEAST: Final = 4
"""Digits of an id that a person must give; fewer name too many documents."""

HINTS: Final = {
    "read": "No article could be read there. Mend the source, then copydesk ingest it again.",
    "extract": "No article was found on the page. Give its text as a file of its own, and copydesk ingest that.",
    "clean": "Nothing was kept from the article but this note; the article itself is in the desk, or is empty.",
}
HELD: Final = "The article is in the desk; a later stage passed over it. Change its settings, and run that stage again."


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What one run of :func:`restore` did.

    Attributes:
        restored: Documents that are in the desk now, and were not.
        already: Ids of documents that had been restored before.
        later: What is overruled, but was set aside by a copydesk that kept no texts: it comes in when its source is
            read again.
        documents: Documents in the desk now.
        copies: Documents of these that another one stands for.
    """

    restored: tuple[Document, ...]
    already: tuple[str, ...]
    later: tuple[Removed, ...]
    documents: int
    copies: int


def can_be_overruled(item: Removed) -> bool:
    """Tell whether a note is of a document that only a rule of the desk kept out."""
    if item.stage == "read":
        return item.reason == "id already used by another text"
    return item.stage == "language" or (item.stage == "clean" and item.reason == "too short")


def kept_ids(desk: Desk) -> set[int]:
    """Return the ids of the documents that are kept in ``aside/``, as numbers."""
    return _ids(desk, ASIDE, "id")


def overruled_ids(desk: Desk) -> set[int]:
    """Return the ids of the documents that a person let in against the rules, as numbers."""
    return _ids(desk, RESTORED, "document_id")


def restore(desk: Desk, ids: Sequence[str], *, on_progress: OnProgress = silent) -> RestoreResult:
    """Bring documents in that a rule set aside, and put them in their place: copies, segments.

    Args:
        desk: Where.
        ids: Of documents in ``removed/``, or the beginnings of such ids: four digits or more.
        on_progress: Told of shards.

    Raises:
        InputError: An id names nothing, several documents, or something that has no text; then nothing is done.
        DeskError: Another copydesk is at work here.
    """
    with desk.locked():
        sweep(desk)
        notes, already = _named(desk, ids)
        wanted = {note.document_id for note in notes}
        _overrule(desk, notes)
        documents = {document.id: document for document in desk.read(Document, ASIDE) if document.id in wanted}
        here = _ids(desk, "articles", "id")
        fresh = [documents[key] for key in sorted(documents) if int(key, 16) not in here]
        if fresh:
            desk.write(Document, "articles", content_name(document.id for document in fresh), fresh)
        _forget(desk, {key for key in wanted if key in documents or int(key, 16) in here})
        copies = cluster_all(desk, on_progress=on_progress)
        segment_all(desk, on_progress=on_progress)
    later = tuple(note for note in notes if note.document_id not in documents and int(note.document_id, 16) not in here)
    return RestoreResult(tuple(fresh), already, later, len(here) + len(fresh), copies)


def _ids(desk: Desk, table: str, column: str) -> set[int]:
    return {
        int(key, 16) for part in desk.parts(table) for key in read_columns(part, [column]).column(column).to_pylist()
    }


def _named(desk: Desk, ids: Sequence[str]) -> tuple[list[Removed], tuple[str, ...]]:
    """Return one note for every document that an id names, sorted by id; and the ids of those that are in already."""
    found: dict[str, Removed] = {}
    already: set[str] = set()
    noted = list(removed(desk))
    overruled = {item.document_id for item in desk.read(Removed, RESTORED)}
    here = _ids(desk, "articles", "id")
    for given in ids:
        fitting = [item for item in noted if _fits(item, given)]
        may = {item.document_id: item for item in reversed(fitting) if can_be_overruled(item)}
        before = {key for key in overruled if _begins(key, given)} - may.keys()
        if len(may) + len(before) > 1:
            some = ", ".join(sorted({*may, *before})[:3])
            raise InputError(f"names several documents: {some}", where=given, hint="Give more of its digits.")
        if not may and not before:
            raise _refusal(given, fitting)
        already |= {key for key in before if int(key, 16) in here}
        found.update(may)
    return [found[key] for key in sorted(found)], tuple(sorted(already))


def _fits(item: Removed, given: str) -> bool:
    return item.of == given or (bool(item.document_id) and _begins(item.document_id, given))


def _begins(key: str, given: str) -> bool:
    return len(given) >= LEAST and key.startswith(given.lower())


def _refusal(given: str, fitting: Sequence[Removed]) -> InputError:
    if not fitting:
        hint = f"copydesk removed lists the ids; give {LEAST} digits or more."
        return InputError("nothing with this id was set aside", where=given, hint=hint)
    item = fitting[0]
    return InputError(
        f"there is nothing to restore: {item.reason} ({item.stage})", where=given, hint=HINTS.get(item.stage, HELD)
    )


def _overrule(desk: Desk, notes: Sequence[Removed]) -> None:
    before = overruled_ids(desk)
    fresh = [note for note in notes if int(note.document_id, 16) not in before]
    if fresh:
        desk.write(Removed, RESTORED, content_name(note.document_id for note in fresh), fresh)


def _forget(desk: Desk, ids: set[str]) -> None:
    """Delete the notes of documents that are in the desk now."""
    for part in desk.parts("removed"):
        rows = list(desk.read_part(Removed, part))
        kept = [row for row in rows if not (row.document_id in ids and can_be_overruled(row))]
        if len(kept) < len(rows):
            record_removed(desk, part.stem.removeprefix("part-"), kept)
