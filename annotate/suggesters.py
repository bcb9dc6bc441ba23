"""Let another package suggest: an entry point, a small protocol, and a check of all that comes from it.

A package registers a function under the entry-point group ``copydesk.suggesters``::

    [project.entry-points."copydesk.suggesters"]
    our-model = "our_package:make_suggester"

and a desk uses it with ``suggest.pipeline = "our-model"``. The function gets the desk's ``[suggest]``
settings as a plain dictionary and returns a :class:`ForeignSuggester`. Make it cheap: it is called once
to learn the name and version, and once in every worker process; load weights when `suggest` is called.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from typing import Any, Final, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import Shard, SuggestSettings
from copydesk.schemas import (
    Document,
    LabelScheme,
    Origin,
    Removed,
    Segment,
    SettingsError,
    Suggestion,
    check,
    to_table,
)

from .pipelines import SECRET

__all__ = [
    "GROUP",
    "ForeignSuggester",
    "Guest",
    "OnRemoved",
    "broken",
    "registered",
    "removed_from",
    "suggestions_table",
    "too_long",
    "unheard",
]

GROUP: Final = "copydesk.suggesters"
LONGEST: Final = 250_000
"""Code points; a longer text is no news article, and parsing one was seen to take minutes."""

Read = tuple[Document, Sequence[Segment]]
"""A document with its segments: headline, paragraphs, sentences … by offset."""
OnRemoved = Callable[[Removed], object]
"""Told of a document that nothing is suggested for, and why."""


def unheard(removed: Removed) -> None:
    """Tell nobody."""


@runtime_checkable
class ForeignSuggester(Protocol):
    """What an entry point of the group ``copydesk.suggesters`` makes."""

    @property
    def origin(self) -> Origin:
        """Name and version: ``Origin("model", name, version)``. Another version makes everything anew."""

    def suggest(self, documents: Iterable[Read]) -> Iterable[Suggestion]:
        """Yield at most one suggestion for each document; its labels are the scheme's."""


class Guest:
    """A registered suggester behind the same face as our own, with everything checked that it says.

    Args:
        theirs: What the entry point made.
        scheme: The labels that it must keep to.
        where: Its name, for errors.

    Raises:
        SettingsError: It has no origin or no `suggest`, or no usable name and version.
    """

    def __init__(self, theirs: Any, scheme: LabelScheme, *, where: str) -> None:
        origin = getattr(theirs, "origin", None)
        if not isinstance(origin, Origin) or not callable(getattr(theirs, "suggest", None)):
            raise SettingsError(
                "this is no suggester: it needs origin (an Origin) and suggest(documents)",
                where=f"{GROUP}: {where}",
                hint="See docs/pipelines.md, which has a whole one in fifteen lines.",
            )
        if not re.fullmatch(r"\w[\w.+-]*", origin.name) or not re.fullmatch(r"\w[\w.+-]*", origin.version):
            raise SettingsError(
                f"name {origin.name!r} and version {origin.version!r} make a folder's name: letters, digits, . + - _",
                where=f"{GROUP}: {where}",
            )
        self._theirs = theirs
        self._scheme = scheme
        self.origin = origin

    def refusal(self, document: Document) -> Removed | None:
        """Return why nothing is suggested for a document, or None where it is read."""
        return too_long(document)

    def suggest(self, documents: Iterable[Read], *, on_removed: OnRemoved = unheard) -> Iterator[Suggestion]:
        """Yield a checked suggestion for every document that got one, in order."""
        for batch in _batches(pair for pair in documents if self.refusal(pair[0]) is None):
            found = self._found(batch, on_removed)
            for document, _ in batch:
                if document.id in found:
                    yield found[document.id]

    def _found(self, batch: Sequence[Read], on_removed: OnRemoved) -> dict[str, Suggestion]:
        try:
            made = list(self._theirs.suggest(iter(batch)))
        except Exception as error:
            if len(batch) > 1:  # which document was it?
                parts = [self._found([pair], on_removed) for pair in batch]
                return {name: suggestion for part in parts for name, suggestion in part.items()}
            on_removed(broken(batch[0][0], error))
            return {}
        given = {document.id: document for document, _ in batch}
        found: dict[str, Suggestion] = {}
        for suggestion in made:
            document = given.get(suggestion.annotations.document_id)
            if document is None or document.id in found:
                continue
            if problem := self._problem(document, suggestion):
                on_removed(_removed(document, "suggestion does not fit the document or the scheme", problem))
                given.pop(document.id)
            else:
                found[document.id] = suggestion
        for name in [name for name in given if name not in found]:
            on_removed(_removed(given[name], "nothing suggested", f"{self.origin.name} left it out"))
        return found

    def _problem(self, document: Document, suggestion: Suggestion) -> str:
        try:
            suggestion.annotations.check(document)
        except Exception as error:  # anything may be inside what a stranger made
            return str(error)
        for start, end in (*suggestion.read, *suggestion.stance_read):
            if not 0 <= start <= end <= len(document.text):
                return f"says it read {start} to {end} of {len(document.text)} code points"
        if suggestion.pipeline != self.origin:
            return f"says it comes from {suggestion.pipeline}, not from {self.origin}"
        findings = check(document, suggestion.annotations, self._scheme, select=("E",)).findings
        return str(findings[0]) if findings else ""


def registered(settings: SuggestSettings, scheme: LabelScheme) -> Guest | None:
    """Return the suggester that another package registered under the pipeline's name, or None.

    Raises:
        SettingsError: Two packages registered the name, or what is registered makes no suggester.
    """
    name = settings.pipeline
    points = list(metadata.entry_points(group=GROUP, name=name))
    if not points:
        return None
    if len({point.value for point in points}) > 1:
        packages = ", ".join(sorted(point.dist.name for point in points if point.dist is not None))
        raise SettingsError(f"two packages register this suggester: {packages}", where=f"{GROUP}: {name}")
    try:
        theirs = points[0].load()(settings.model_dump(mode="json"))
    except Exception as error:
        raise SettingsError(f"cannot be made: {error}", where=f"{GROUP}: {name}") from error
    return Guest(theirs, scheme, where=name)


def _batches(documents: Iterable[Read], most: int = 60_000) -> Iterator[list[Read]]:
    batch: list[Read] = []
    size = 0
    for pair in documents:
        batch.append(pair)
        size += len(pair[0].text)
        if size >= most:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


# documents without suggestions


def too_long(document: Document) -> Removed | None:
    """Return the record of a text that is too long to be an article, or None."""
    if len(document.text) <= LONGEST:
        return None
    detail = f"{len(document.text):,} code points; at most {LONGEST:,} are read. It can be annotated by hand."
    return _removed(document, "too long to suggest on", detail)


def broken(document: Document, error: Exception) -> Removed:
    """Return the record of a document that a component broke on; no value of a secret variable is in it."""
    told = f"{type(error).__name__}: {error}".strip().splitlines()[0][:500]
    for name, value in os.environ.items():
        if len(value) >= 8 and SECRET.fullmatch(name):
            told = told.replace(value, "…")
    return _removed(document, "the pipeline broke on it", f"{told}. It can be annotated by hand.")


def _removed(document: Document, reason: str, detail: str) -> Removed:
    return Removed(document.id, "suggest", reason, of=document.title or document.id, detail=detail)


_REMOVED: Final = b"copydesk.removed"
"""Where a shard of suggestions keeps the documents that it has none for: in the metadata of its schema."""


def suggestions_table(suggester: Any, documents: Iterable[Read]) -> pa.Table:
    """Return a shard of suggestions; the documents that the pipeline broke on are in its metadata.

    Args:
        suggester: Ours or a :class:`Guest`.
        documents: Of one articles shard.

    Raises:
        SettingsError: It broke on every one of several documents: then it is the pipeline that is wrong.
    """
    removed: list[Removed] = []
    table = to_table(Suggestion, suggester.suggest(documents, on_removed=removed.append))
    if not removed:
        return table
    if table.num_rows == 0 and len(removed) > 1 and len({(r.reason, r.detail) for r in removed}) == 1:
        raise SettingsError(
            f"nothing could be suggested for any of {len(removed)} documents. {removed[0].reason}: {removed[0].detail}",
            where=suggester.origin.name,
            hint="Mend it and run it again: nothing of this shard was kept.",
        )
    rows = [[r.document_id, r.reason, r.of, r.detail] for r in removed]
    told = json.dumps(rows, ensure_ascii=False).encode()
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _REMOVED: told})


def removed_from(shards: Iterable[Shard]) -> Iterator[Removed]:
    """Yield the documents that finished shards of suggestions hold none for, and why."""
    for shard in shards:
        with contextlib.suppress(KeyError, FileNotFoundError):
            told = (pq.read_schema(shard.output).metadata or {})[_REMOVED]
            for document_id, reason, of, detail in json.loads(told):
                yield Removed(document_id, "suggest", reason, of, detail)
