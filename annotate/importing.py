"""Bring home what people annotated elsewhere: other tools' files become articles and entries of the ledger.

    file → marked texts ── ingest ──► articles, frozen      offsets go along by the map that freezing left
                        └─ rows in Label Studio's words ──► ledger: one version for each document and annotator

Importing the same again adds nothing, and a changed file adds new versions. What does not fit is recorded under
``import`` in the desk's removed table, span by span.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

from copydesk.corpus import Desk, TextMap, documents, ingest, record_removed
from copydesk.schemas import DeskError, Document, LabelScheme, OnProgress, Removed, silent, text_sha256

from .entries import append
from .ledger import LedgerEntry, rows, version_key
from .regions import Link, Marked, Region, rows_of
from .shown import layers_of
from .wire import vocabulary

__all__ = ["ImportResult", "import_annotations"]

NAMESPACE: Final = uuid.UUID("a3a3b0f2-3a53-5d0a-8f0e-0a3c5b3a9f52")
STAGE: Final = "import"
ELSEWHERE: Final = "import"
"""What stands for an arm in the key of imported work: nobody knows what its authors were shown."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did.

    Attributes:
        documents: Texts in the source.
        known: Of them, texts that the desk had already, word for word.
        annotations: Versions added to the ledger.
        already: Annotations that were there as they are.
        regions: Labelled spans brought in.
        removed: What did not come in, or not as it was, with the reason.
    """

    documents: int
    known: int
    annotations: int
    already: int
    regions: int
    removed: tuple[Removed, ...] = ()


def import_annotations(
    desk: Desk,
    marked: Iterable[Marked | Removed],
    *,
    source: str,
    annotator: str,
    gold: bool = False,
    on_progress: OnProgress = silent,
) -> ImportResult:
    """Take annotated texts from another tool into a desk.

    A text that the desk has under its name (a document's id) is that document; every other becomes an article by the
    desk's own ingest, and its spans move with what cleaning changes.

    Args:
        desk: Where to.
        marked: The texts, with what is marked in them, and what could not be read.
        source: What they come from, such as ``brat``; part of what tells them from others.
        annotator: Whose work it is.
        gold: Whether it is an adjudication.
        on_progress: Told of records and of shards.

    Raises:
        DeskError: The annotator has no name, or another copydesk is at work here.
    """
    if not annotator.strip() or not source.strip():
        raise DeskError("whose work this is must be said", where=str(desk.path), hint="Name somebody: --annotator NAME")
    with tempfile.TemporaryDirectory(prefix=".import-", dir=desk.path) as scratch:
        work = _Import(desk, Path(scratch), source, annotator, gold)
        work.read(marked)
        work.ingest(on_progress)
        with desk.locked():
            work.write()
            # a name that somebody chose is never part of a path
            record_removed(desk, f"{STAGE}-{text_sha256(f'{source} {annotator}')[:12]}", work.removed)
    return work.result()


@dataclass(slots=True)
class _Import:
    """One import at work."""

    desk: Desk
    scratch: Path
    source: str
    annotator: str
    gold: bool
    count: Counter[str] = field(default_factory=Counter)
    removed: list[Removed] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    """Where what is said about each text begins in the spool."""

    def read(self, marked: Iterable[Marked | Removed]) -> None:
        """Write every text, and what is marked in it, aside: they can be many."""
        texts, said = (self.scratch / name for name in ("texts.jsonl", "said.jsonl"))
        with texts.open("w", encoding="utf-8") as file, said.open("wb") as spool:
            for one in marked:
                self.count["documents"] += 1
                if isinstance(one, Removed):
                    self.removed.append(one)
                    continue
                if one.name in self.places:
                    self._remove("", "name used twice", one.name, "the first text of that name was taken")
                    continue
                self.places[one.name] = spool.tell()
                self.removed += [
                    Removed("", STAGE, reason, f"{self.source} {one.name}", what) for what, reason in one.unread
                ]
                file.write(json.dumps({"id": self._outer(one.name), "text": one.text}) + "\n")
                spool.write(json.dumps(_plain(one)).encode() + b"\n")

    def _outer(self, name: str) -> str:
        return f"{self.source} {name}"

    def _remove(self, document: str, reason: str, name: str, detail: str) -> None:
        self.removed.append(Removed(document, STAGE, reason, self._outer(name), detail))

    def ingest(self, on_progress: OnProgress) -> None:
        """Make articles of the texts that the desk does not have."""
        with (self.scratch / "said.jsonl").open("rb") as spool:
            for document in documents(self.desk):
                if document.id in self.places and self._at(spool, document.id).text == document.text:
                    self.count["known"] += 1
        if self.count["known"] < len(self.places):
            ingest(self.desk, [str(self._unknown())], on_progress=on_progress)

    def _unknown(self) -> Path:
        """Return a file of the texts that are no document's under their name."""
        known = {document.id for document in documents(self.desk)} & self.places.keys()
        path = self.scratch / "new.jsonl"
        with (self.scratch / "texts.jsonl").open(encoding="utf-8") as texts, path.open("w", encoding="utf-8") as file:
            for line in texts:
                if json.loads(line)["id"].removeprefix(f"{self.source} ") not in known:
                    file.write(line)
        return path

    def _at(self, spool: IO[bytes], name: str) -> Marked:
        spool.seek(self.places[name])
        return _marked(json.loads(spool.readline()))

    def write(self) -> None:
        """Append what is new to the ledger."""
        newest = {
            row["annotation"]: row["key"]
            for row in rows(self.desk, ["annotation", "key", "server"])
            if row["server"] == self._server
        }
        self.count["annotations"] = append(self.desk, self._entries(newest))

    @property
    def _server(self) -> str:
        return f"{STAGE} {self.source}"

    def _entries(self, newest: Mapping[str, str]) -> Iterator[LedgerEntry]:
        scheme = self.desk.scheme()
        left = dict.fromkeys(self.places)
        names = {self._outer(name): name for name in self.places}
        with (self.scratch / "said.jsonl").open("rb") as spool:
            for document in documents(self.desk):
                name = document.id if document.id in left else names.get(document.external_id, "")
                if name not in left:
                    continue
                said = self._at(spool, name)
                del left[name]
                moved = self._moved(document, said)
                entry = self._entry(document, moved, scheme)
                if newest.get(entry.annotation) == entry.key:
                    self.count["already"] += 1
                else:
                    yield replace(entry, state="updated" if entry.annotation in newest else "submitted")
        for name in left:
            self._remove("", "its text is no article here", name, "ingest set it aside; copydesk removed says why")

    def _moved(self, document: Document, said: Marked) -> Marked:
        """Return what is marked where it stands in the frozen text."""
        if document.text == said.text:
            self.count["regions"] += len(said.regions)
            return said
        way = TextMap.decode(document.raw_map)
        if way.source_length != len(said.text):
            self._remove(document.id, "its text is not the one that the article came from", said.name, "")
            return replace(said, text=document.text, regions=(), links=(), answers={})
        kept: list[Region] = []
        for region in said.regions:
            words = said.words(region)
            place = way.from_source(region.start, region.end)
            if not words or not 0 <= region.start < region.end <= len(said.text):
                self._remove(document.id, "offsets outside the text", said.name, f"{region.start}-{region.end}")
            elif place is None:
                self._remove(document.id, "its words were cleaned away", said.name, f"{region.label} {words[:80]!r}")
            else:
                kept.append(replace(region, start=place[0], end=place[1]))
                if (now := document.text[slice(*place)]) != words:
                    detail = f"{region.label} {words[:80]!r} is {now[:80]!r} in the article"
                    self._remove(document.id, "its words were cleaned: it is kept", said.name, detail)
        self.count["regions"] += len(kept)
        there = {region.id for region in kept}
        links = tuple(link for link in said.links if link.source in there and link.target in there)
        return replace(said, text=document.text, regions=tuple(kept), links=links)

    def _entry(self, document: Document, said: Marked, scheme: LabelScheme) -> LedgerEntry:
        whole = layers_of(scheme)
        about = f"{self.source} {document.id} {self.annotator}{' gold' if self.gold else ''}"
        raw: dict[str, Any] = {
            "unique_id": str(uuid.uuid5(NAMESPACE, about)),
            "result": rows_of(said, scheme),
            "was_cancelled": False,
            "ground_truth": self.gold,
            "lead_time": None,
        }
        key = f"{document.id}/{scheme.name}-{scheme.version}/{whole}/{ELSEWHERE}"
        return LedgerEntry(
            key=version_key(raw, self.annotator),
            annotation=raw["unique_id"],
            state="submitted",
            server=self._server,
            project_id=0,
            task_id=0,
            copydesk_key=key,
            document_id=document.id,
            sha256=document.sha256,
            scheme=f"{scheme.name} {scheme.version}",
            scheme_digest=scheme.digest,
            layers=_layers(said, scheme),
            arm="",
            layout="document",
            focus="",
            annotator=self.annotator,
            ground_truth=self.gold,
            lead_time=None,
            created_at="",
            updated_at="",
            model_version="",
            raw=json.dumps(raw, ensure_ascii=False, sort_keys=True),
            prediction="",
        )

    def result(self) -> ImportResult:
        """Return what was done."""
        count = self.count
        return ImportResult(
            count["documents"],
            count["known"],
            count["annotations"],
            count["already"],
            count["regions"],
            tuple(self.removed),
        )


def _layers(said: Marked, scheme: LabelScheme) -> str:
    """Return the layers that somebody speaks of who marked this; the entities at least, so that none is an answer too."""
    words = vocabulary(scheme)
    found = {words.layers[region.label] for region in said.regions if region.label in words.layers}
    asked = {name for region in said.regions for name in region.attributes}
    found |= {words.attributes[name].layer for name in asked if name in words.attributes}
    return "+".join(sorted(found | {"entities"}))


def _plain(one: Marked) -> list[Any]:
    regions = [[r.id, r.start, r.end, r.label, dict(r.attributes)] for r in one.regions]
    links = [[link.source, link.relation, link.target] for link in one.links]
    return [one.name, one.text, regions, links, {name: list(values) for name, values in one.answers.items()}]


def _marked(plain: list[Any]) -> Marked:
    name, text, regions, links, answers = plain
    return Marked(
        name,
        text,
        tuple(Region(*region) for region in regions),
        tuple(Link(*link) for link in links),
        {question: tuple(values) for question, values in answers.items()},
    )
