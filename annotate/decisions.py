"""Keep what adjudicators decided as data: ``decisions/part-*.parquet``, one row for each document and item.

A row says what stands, what stood before by the rule, who had said what, why they differed, and by whom it was decided.
The table only grows. Rows come from the adjudications in the ledger, each of which carries what it was asked, so that
they can be made again from it, also in the words of a newer scheme. What nobody disputed and the adjudicator left as it
was has no row: it passes by the rule.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import Desk, record_removed, write_atomically
from copydesk.schemas import (
    ADJUDICATION_REASON,
    Annotations,
    DeskError,
    Document,
    LabelScheme,
    OffsetError,
    Origin,
    Removed,
    adjudication_scheme,
)

from .consensus import Asked, reidentify
from .decoding import decode
from .history import SchemeHistory
from .item_reasons import Marks, read_reasons
from .items import Item, Said, items, layers_by_label, votes
from .ledger import TOMBSTONES, LedgerEntry, by_id, digest, ledger, rows, shown_task, standing

__all__ = ["DECISIONS", "Decided", "Verdict", "asked_of", "decisions", "known_decisions", "record_decisions"]

TABLE: Final = "decisions"
REASON: Final = ADJUDICATION_REASON.id
STAGE: Final = "adjudication"
"""Under which it is recorded what cannot be read."""
_PART: Final = re.compile(r"part-\d+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an adjudicator decided about one item.

    Attributes:
        key: What tells the row from every other: of the adjudication, the scheme and the item.
        entry: The key of the adjudication in the ledger.
        document_id: The document.
        scheme: Name and version of the scheme in whose words the row is.
        layer: The item's layer; ``questions`` for an answer about the whole document.
        start: Code-point offset of the span concerned, of a stance its target's.
        end: Offset after it; 0 for the whole document.
        name: The label, ``CONTENT``, ``LABEL by HOLDER`` or the question.
        text: The words of the span.
        ruled: What stands by the rule, without any decision, as JSON; empty for nothing.
        stands: What stands now; empty for nothing.
        votes: Who had said what, as JSON: pseudonym to value, empty where they said nothing.
        disputed: Whether it was to be decided; else the adjudicator overruled what the rule says and nobody doubted.
        reason: Why they differed, one of the five codes: the one given there, or else the article's; empty where nobody
            said.
        adjudicator: The pseudonym of who decided.
        decided_at: When they last saved it, as the server wrote it.
        judged: The digest of the versions that they judged, as the task's key has it.
        layers: What they were asked about, as ``entities+stance``.
    """

    key: str
    entry: str
    document_id: str
    scheme: str
    layer: str
    start: int
    end: int
    name: str
    text: str
    ruled: str
    stands: str
    votes: str
    disputed: bool
    reason: str
    adjudicator: str
    decided_at: str
    judged: str
    layers: str

    @property
    def item(self) -> Item:
        """The item that it is about."""
        return Item(self.start, self.end, self.layer, self.name, self.text)

    def is_stale(self, now: Mapping[str, str]) -> bool:
        """Tell whether people say something else of the item by now than what was judged."""
        return bool(json.loads(self.votes) != dict(now))


_KINDS: Final = {"int": pa.int64(), "bool": pa.bool_(), "str": pa.string()}
DECISIONS: Final = pa.schema(
    [pa.field(one.name, _KINDS[str(one.type)], nullable=False) for one in dataclasses.fields(Verdict)]
)
"""The columns of ``decisions/``: those of :class:`Verdict`."""


def decisions(desk: Desk) -> Iterator[Verdict]:
    """Yield every row of a desk's decisions, oldest first, also those that newer ones have replaced.

    Raises:
        DeskError: A file of the table is damaged.
    """
    for part in desk.parts(TABLE):
        try:
            if not _PART.fullmatch(part.stem):
                raise DeskError("this is no file of the decisions: they are named part-00001.parquet and so on")
            table = pq.read_table(part, columns=DECISIONS.names).cast(DECISIONS)
        except (pa.ArrowException, OSError, ValueError, DeskError) as error:
            raise DeskError(
                f"not a readable table of decisions: {error}",
                where=str(part),
                hint="Remove it: what the ledger has of it is decided again with the next copydesk pull.",
            ) from error
        yield from (Verdict(**row) for row in table.to_pylist())


class Adjudication(NamedTuple):
    """An answer of an adjudicator that stands; sorts by when it was given.

    Attributes:
        answered: When they last saved it, as the server wrote it.
        entry: Its key in the ledger.
        document_id: The document.
        layers: What it was about, as the scheme calls them now.
        annotation: Its id.
        adjudicator: The pseudonym of who gave it.
        judged: The digest of the versions that they judged, as the task's key has it.
    """

    answered: str
    entry: str
    document_id: str
    layers: frozenset[str]
    annotation: str
    adjudicator: str = ""
    judged: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """All that adjudicators decided, in the words of the present scheme.

    Attributes:
        given: The answers that stand and can be read, oldest first; also those that leave all to the rule.
        rows: What they decided.
        fresh: Those of the rows that the table does not hold yet.
        problems: What of the answers cannot be read.
    """

    given: tuple[Adjudication, ...] = ()
    rows: tuple[Verdict, ...] = ()
    fresh: tuple[Verdict, ...] = ()
    problems: tuple[Removed, ...] = ()

    @property
    def in_force(self) -> dict[str, dict[Item, Verdict]]:
        """Document to item to the decision about it: the newest answer stands for all that it was asked about."""
        by_entry: dict[str, list[Verdict]] = {}
        for row in self.rows:
            by_entry.setdefault(row.entry, []).append(row)
        found: dict[str, dict[Item, Verdict]] = {}
        for one in self.given:
            about = one.layers | {"questions"}
            before = found.get(one.document_id, {})
            kept = {item: row for item, row in before.items() if item.layer not in about}
            found[one.document_id] = kept | {row.item: row for row in by_entry.get(one.entry, ())}
        return {document: rows for document, rows in found.items() if rows}


def known_decisions(desk: Desk, names: Mapping[str, str]) -> Decided:
    """Return what adjudicators decided; what has no row yet is made of the ledger.

    Args:
        desk: Whose.
        names: Annotator, as the ledger has them, to pseudonym.
    """
    stand = standing(desk, adjudications=True)
    if not stand:
        return Decided()
    scheme = desk.scheme()
    present = f"{scheme.name} {scheme.version}"
    kept = {row.key: row for row in decisions(desk) if row.entry in stand and row.scheme == present}
    known = {row.entry for row in kept.values()}
    waiting = [e for e in ledger(desk) if e.key in stand and e.key not in known and e.state not in TOMBSTONES]
    history = SchemeHistory(desk)
    texts = by_id(desk, {entry.document_id for entry in waiting})
    reader = _Reader(scheme, adjudication_scheme(scheme), history, texts, names)
    fresh = {row.key: row for entry in waiting for row in reader.read(entry)}
    given = sorted(one for one in _given(desk, stand, history, names) if one.entry not in reader.lost)
    every = sorted([*kept.values(), *fresh.values()], key=_order)
    told = _told_before(desk, {one.annotation for one in given if one.entry in known})
    return Decided(tuple(given), tuple(every), tuple(sorted(fresh.values(), key=_order)), (*told, *reader.problems))


def record_decisions(desk: Desk, names: Mapping[str, str]) -> Decided:
    """Return the same, and write the fresh rows as the table's next file; the caller holds the desk's lock.

    What cannot be read is recorded under ``adjudication`` in the desk's removed table.
    """
    found = known_decisions(desk, names)
    record_removed(desk, STAGE, found.problems)
    if found.fresh:
        taken = [int(part.stem.removeprefix("part-")) for part in desk.parts(TABLE)]
        path = desk.path / TABLE / f"part-{max(taken, default=0) + 1:05d}.parquet"
        columns = [[getattr(one, name) for one in found.fresh] for name in DECISIONS.names]
        table = pa.table(columns, schema=DECISIONS)
        with write_atomically(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
    return found


def _order(row: Verdict) -> tuple[str, str, Item]:
    return row.decided_at, row.entry, row.item


def _given(desk: Desk, stand: set[str], history: SchemeHistory, names: Mapping[str, str]) -> Iterator[Adjudication]:
    about = ["key", "state", "annotation", "document_id", "layers", "scheme", "updated_at", "answered_at"]
    about += ["annotator", "copydesk_key"]
    for row in rows(desk, about):
        if row["key"] in stand and row["state"] not in TOMBSTONES:
            answered = row["answered_at"] or row["updated_at"]
            layers = _called(row["layers"], row["scheme"], history)
            who, judged = names[row["annotator"]], row["copydesk_key"].rpartition("-")[2]
            yield Adjudication(answered, row["key"], row["document_id"], layers, row["annotation"], who, judged)


def _called(layers: str, version: str, history: SchemeHistory) -> frozenset[str]:
    """Return layers as the scheme calls them now."""
    now = history.words(version).layers
    return frozenset(now.get(layer, layer) for layer in layers.split("+"))


def _told_before(desk: Desk, annotations: set[str]) -> Iterator[Removed]:
    """Yield what was recorded of answers that have their rows already, and are not read again."""
    for one in desk.read(Removed, "removed"):
        if one.stage == STAGE and one.of.removeprefix("annotation ").partition(", ")[0] in annotations:
            yield one


# what an adjudication was asked


def asked_of(
    versions: Mapping[str, tuple[list[Any], Asked]], ruled: list[Any], places: Iterable[tuple[str, int, int, str]]
) -> str:
    """Return the JSON that a task for an adjudicator carries of what it asks.

    Args:
        versions: Annotator to what they said, as result rows, and what they were asked.
        ruled: What stands by the rule, without any decision, as result rows.
        places: Where something is to be decided, also if all said the same there, as a model of annotators may doubt it.
    """
    people = {
        who: {
            "result": rows,
            "layers": None if asked.layers is None else sorted(asked.layers),
            "mentions": sorted(map(list, asked.mentions)),
        }
        for who, (rows, asked) in versions.items()
    }
    question = {"ruled": ruled, "versions": people, "places": sorted(map(list, set(places)))}
    return json.dumps(question, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Question:
    """What an adjudication was asked, in the words of the present scheme."""

    ruled: Said
    said: Mapping[str, Said]
    asked: Mapping[str, Asked]
    places: frozenset[tuple[str, int, int, str]]


@dataclass(slots=True)
class _Reader:
    """Makes decisions of adjudications, and keeps what does not fit."""

    scheme: LabelScheme
    asking: LabelScheme
    """The same with the question for the reason."""
    history: SchemeHistory
    texts: Mapping[str, Document]
    names: Mapping[str, str]
    problems: list[Removed] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    """The keys of those that cannot be read at all."""

    def read(self, entry: LedgerEntry) -> list[Verdict]:
        """Return the decisions of one adjudication; none where it cannot be read against our text."""
        document = self.texts.get(entry.document_id)
        if document is None:
            return self._lost(entry, "no such document")
        try:
            question = self._question(entry, document)
            result, marks = read_reasons(self._now(entry, entry.said()), document)
            answer = self._decoded(entry, result, document, keep=True)
        except OffsetError as error:
            return self._lost(entry, "text changed", str(error).splitlines()[0])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            return self._lost(entry, "adjudication without its question", f"{type(error).__name__}: {error}"[:200])
        return list(self._rows(entry, answer, question, marks))

    def _lost(self, entry: LedgerEntry, reason: str, detail: str = "") -> list[Verdict]:
        self.lost.add(entry.key)
        self.problems.append(Removed(entry.document_id, STAGE, reason, f"annotation {entry.annotation}", detail))
        return []

    def _question(self, entry: LedgerEntry, document: Document) -> _Question:
        """Return what an adjudication was asked.

        Raises:
            ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError: Nothing that we wrote.
        """
        question = json.loads(entry.asked)
        said: dict[str, Said] = {}
        asked: dict[str, Asked] = {}
        for who, version in sorted(question["versions"].items()):
            said[who] = self._items(entry, self._decoded(entry, self._now(entry, version), document))
            layers = version["layers"]
            names = None if layers is None else _called("+".join(layers), entry.scheme, self.history)
            asked[who] = Asked(names, frozenset((int(start), int(end)) for start, end in version["mentions"]))
        ruled = self._now(entry, {"result": question["ruled"]})
        places = frozenset((str(layer), int(at), int(end), str(name)) for layer, at, end, name in question["places"])
        return _Question(self._items(entry, self._decoded(entry, ruled, document)), said, asked, places)

    def _now(self, entry: LedgerEntry, said: Mapping[str, Any]) -> Any:
        """Return the rows of something in the present scheme's words."""
        return self.history.read(said, entry.scheme).get("result")

    def _decoded(self, entry: LedgerEntry, result: Any, document: Document, *, keep: bool = False) -> Annotations:
        read = decode(
            shown_task(entry),
            {"result": result},
            self.asking,
            document,
            origin=Origin("adjudication", entry.annotator),
        )
        for problem in read.problems if keep else ():
            detail = f"{problem.detail} ({problem.kind}; by {entry.annotator})"
            where = f"annotation {entry.annotation}, region {problem.region}"
            self.problems.append(Removed(entry.document_id, STAGE, problem.reason, where, detail))
        return reidentify(read.annotations)

    def _layers(self, entry: LedgerEntry) -> frozenset[str]:
        return _called(entry.layers, entry.scheme, self.history)

    def _items(self, entry: LedgerEntry, said: Annotations) -> Said:
        """Return what is said of the items that the adjudication was asked about."""
        mine = self._layers(entry) | {"questions"}
        found = items(said, layers_by_label(self.scheme))
        return {item: value for item, value in found.items() if item.layer in mine and item.name != REASON}

    def _rows(self, entry: LedgerEntry, answer: Annotations, question: _Question, marks: Marks) -> Iterator[Verdict]:
        decided, ruled, said = self._items(entry, answer), question.ruled, question.said
        whole, by_label = next(iter(answer.choices.get(REASON, ())), ""), layers_by_label(self.scheme)
        scheme = f"{self.scheme.name} {self.scheme.version}"
        layers = "+".join(sorted(self._layers(entry)))
        for item in sorted({*ruled, *decided, *(item for own in said.values() for item in own)}):
            voted = votes(item, said, question.asked)
            disputed = len(set(voted.values())) > 1 or item.place in question.places
            if not disputed and ruled.get(item, "") == decided.get(item, ""):
                continue  # it passes by the rule
            yield Verdict(
                key=digest([entry.key, scheme, item]),
                entry=entry.key,
                document_id=entry.document_id,
                scheme=scheme,
                layer=item.layer,
                start=item.start,
                end=item.end,
                name=item.name,
                text=item.text,
                ruled=ruled.get(item, ""),
                stands=decided.get(item, ""),
                votes=json.dumps(voted, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
                disputed=disputed,
                reason=marks.reason(item, by_label, stands=bool(decided.get(item))) or whole,
                adjudicator=self.names[entry.annotator],
                decided_at=entry.answered,
                judged=entry.copydesk_key.rpartition("-")[2],
                layers=layers,
            )
