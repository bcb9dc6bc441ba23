"""Keep a desk's assignments: who was given which document, and what became of it.

``assigned/part-*.parquet`` only grows, a file for each planning. What stands of it is the last row about each document
and person. What people did comes from the ledger, so a plan made after a pull deals again what was skipped.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import AssignSettings, Desk
from copydesk.schemas import DeskError, SettingsError

from .assignment import GIVEN, Assignment, Plan, WorkDone, plan
from .gold import gold
from .ledger import finished, rows
from .outgoing import canonical_ids, planned_order
from .suggest import suggestions
from .tasks import is_adjudication

__all__ = [
    "ASSIGNED",
    "ASSIGNED_TABLE",
    "AssignResult",
    "PersonStanding",
    "assign",
    "assigned_queues",
    "assignment_standing",
    "assignments",
    "taking_part",
    "without_annotators",
]

ASSIGNED_TABLE: Final = "assigned"
_KINDS: Final = {"int": pa.int64(), "bool": pa.bool_(), "str": pa.string()}
ASSIGNED: Final = pa.schema(
    [pa.field(field.name, _KINDS[str(field.type)], nullable=False) for field in dataclasses.fields(Assignment)]
)
"""The columns of ``assigned/``: those of :class:`Assignment`."""
GRAPHIC: Final = "graphic"
VIOLENT: Final = frozenset({"killed", "injured"})


@dataclass(frozen=True, slots=True)
class PersonStanding:
    """How one annotator stands.

    Attributes:
        annotator: By email address.
        given: Documents that they have or had.
        done: Those of them that they finished.
        skipped: Those that they skipped.
        waiting: Those that they have before them.
        graphic: Articles given that counted as graphic.
        active: Whether they take part now.
    """

    annotator: str
    given: int
    done: int
    skipped: int
    waiting: int
    graphic: int
    active: bool


@dataclass(frozen=True, slots=True)
class AssignResult:
    """What a planning did, and how everybody stands after it.

    Attributes:
        given: New assignments.
        documents: Documents that they are about.
        withdrawn: Assignments taken back: of leavers, and what was skipped.
        short: Document id to how many people it still lacks, because nobody is left who may have it.
        held_back: Graphic articles that are beyond everybody's cap for now.
        round: The planning's number; 0 where nothing was new.
        people: Sorted by address; those who left are there too.
    """

    given: int
    documents: int
    withdrawn: int
    short: Mapping[str, int]
    held_back: tuple[str, ...]
    round: int
    people: tuple[PersonStanding, ...]


def assign(desk: Desk, *, limit: int | None = None, dry_run: bool = False) -> AssignResult:
    """Plan who annotates which documents, as the settings' section ``assign`` says.

    Documents come in the order of the queue, those that it does not rank behind it. Where nothing is new, nothing is
    written. Where the settings name nobody any more, everybody has left: what is not done is taken back, nothing given.

    Args:
        desk: A desk with articles.
        limit: Give out at most so many documents that nobody was given yet; by default all.
        dry_run: Only say what would be done.

    Raises:
        SettingsError: The settings name no annotators.
        DeskError: Another copydesk is at work here, or a file of the assignments is damaged.
    """
    settings = desk.settings.assign
    if not settings.annotators and not desk.parts(ASSIGNED_TABLE):
        raise SettingsError(
            "nobody is named who annotates",
            where=f"{desk.path / 'copydesk.toml'}, assign.annotators",
            hint='Name them by email address: annotators = ["ana@example.org", "ben@example.org"]',
        )
    with desk.locked():
        standing = list(assignments(desk))
        settings = _spelt(settings, standing)
        progress = _work_done(desk, standing)
        disputed: set[str] = set()
        if settings.tie_breakers and settings.annotators:
            disputed = {one.document_id for one in gold(desk, keep=False).open}
        made = plan(
            _in_order(desk), settings, standing, progress, graphic=_graphic(desk), disputed=disputed, limit=limit
        )
        if not settings.annotators:  # nobody lacks anything where nobody is to have it
            made = dataclasses.replace(made, short={}, waiting=())
        if made.rows and not dry_run:
            table = pa.Table.from_pylist([dataclasses.asdict(row) for row in made.rows], schema=ASSIGNED)
            desk.write_table(ASSIGNED_TABLE, f"{made.rows[0].round:05d}", table)
        return _result(made, [*standing, *made.rows], progress, settings.annotators)


def assignments(desk: Desk) -> Iterator[Assignment]:
    """Yield every row of a desk's assignments, oldest first.

    Raises:
        DeskError: A file of them is damaged, or was written by another version of copydesk.
    """
    for part in desk.parts(ASSIGNED_TABLE):
        try:
            table = pq.read_table(part, schema=ASSIGNED)
        except (pa.ArrowException, OSError) as error:
            raise DeskError(f"not a readable file of assignments: {error}", where=str(part)) from error
        if any(column.null_count for column in table.columns):
            raise DeskError("the assignments are damaged: a row is not filled in", where=str(part))
        yield from (Assignment(**row) for row in table.to_pylist())


def assigned_queues(desk: Desk) -> dict[str, dict[str, Assignment]]:
    """Return what stands: annotator to document id to its last assignment; withdrawn ones are there too."""
    found: dict[str, dict[str, Assignment]] = defaultdict(dict)
    for row in assignments(desk):
        found[row.annotator][row.document_id] = row
    return dict(sorted(found.items()))


def assignment_standing(desk: Desk) -> tuple[PersonStanding, ...]:
    """Return how every annotator of a desk stands."""
    standing = list(assignments(desk))
    return _people(standing, _work_done(desk, standing), _spelt(desk.settings.assign, standing).annotators)


def taking_part(desk: Desk) -> tuple[str, ...]:
    """Return who takes part now, by the address as the assignments have it."""
    return tuple(_spelt(desk.settings.assign, assignments(desk)).annotators)


def _spelt(settings: AssignSettings, standing: Iterable[Assignment]) -> AssignSettings:
    """Return the settings with every address as it was first written in a plan: mail knows no capitals, nor do we."""
    first: dict[str, str] = {}
    for row in standing:
        first.setdefault(row.annotator.casefold(), row.annotator)

    def spelt(names: Sequence[str]) -> list[str]:
        return [first.get(name.casefold(), name) for name in names]

    people = {name: spelt(getattr(settings, name)) for name in ("annotators", "experts", "no_graphic")}
    return settings.model_copy(update={**people, "teams": [spelt(team) for team in settings.teams]})


def without_annotators(desk: Desk) -> int:
    """Return how many tasks are with people although the settings name no annotators any more; 0 where they do."""
    if desk.settings.assign.annotators or not desk.parts(ASSIGNED_TABLE):
        return 0
    return sum(person.waiting for person in assignment_standing(desk))


def _in_order(desk: Desk) -> list[str]:
    """Return the documents in the order in which people shall get them."""
    ranks = planned_order(desk).ranks
    there = [document for document, _ in canonical_ids(desk)]
    known = set(there)
    return [*(d for d in ranks if d in known), *(d for d in there if d not in ranks)]


def _work_done(desk: Desk, standing: Iterable[Assignment]) -> WorkDone:
    """Return what the ledger says that people did: the newest state of each of their annotations."""
    names = {name.casefold(): name for name in desk.settings.assign.annotators}
    names |= {row.annotator.casefold(): row.annotator for row in reversed(list(standing))}  # the first spelling stays
    newest: dict[str, tuple[str, str, str]] = {}
    for row in rows(desk, ["annotation", "state", "document_id", "annotator", "copydesk_key"]):
        # what a tombstone of that kind ends still stands; and who decides between others annotates nothing by it
        if row["state"] != "vanished" and not is_adjudication(row["copydesk_key"]):
            who = names.get(row["annotator"].casefold(), row["annotator"])
            newest[row["annotation"]] = (row["state"], row["document_id"], who)
    done: dict[str, set[str]] = defaultdict(set)
    skipped: dict[str, set[str]] = defaultdict(set)
    for state, document, annotator in newest.values():
        if state == "skipped":
            skipped[document].add(annotator)
        elif state not in ("deleted", "draft"):
            done[document].add(annotator)
    return WorkDone(done, {document: people - done.get(document, set()) for document, people in skipped.items()})


def _graphic(desk: Desk) -> set[str]:
    """Return the documents that count as graphic: somebody said so, or so it seems while nobody has said anything."""
    settings = desk.settings.assign
    if not settings.graphic_per_hour and not settings.no_graphic:
        return set()
    answers: dict[str, bool] = {}
    for one in finished(desk):
        if answer := one.annotations.choices.get(GRAPHIC):
            answers[one.document_id] = answers.get(one.document_id, False) or "yes" in answer
    found = {document for document, yes in answers.items() if yes}
    for suggestion in suggestions(desk) if settings.graphic_guess else ():
        said = suggestion.annotations
        if said.document_id not in answers and any(e.attributes.get("toll_kind") in VIOLENT for e in said.entities):
            found.add(said.document_id)
    return found


def _result(made: Plan, standing: Sequence[Assignment], done: WorkDone, active: Sequence[str]) -> AssignResult:
    given = [row for row in made.rows if row.state == GIVEN]
    return AssignResult(
        len(given),
        len({row.document_id for row in given}),
        len(made.rows) - len(given),
        made.short,
        made.waiting,
        made.rows[0].round if made.rows else 0,
        _people(standing, done, active),
    )


def _people(standing: Sequence[Assignment], work: WorkDone, active: Sequence[str]) -> tuple[PersonStanding, ...]:
    last = {(row.annotator, row.document_id): row for row in standing}
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*active, *(row.annotator for row in standing))}
    for (annotator, document), row in last.items():
        count = counts[annotator]
        finished_it = annotator in work.done.get(document, ())
        count["given"] += 1
        count["done"] += finished_it
        skipped_it = annotator in work.skipped.get(document, ())
        count["skipped"] += skipped_it
        count["waiting"] += row.state == GIVEN and not finished_it and not skipped_it
        count["graphic"] += row.graphic
    return tuple(
        PersonStanding(name, n["given"], n["done"], n["skipped"], n["waiting"], n["graphic"], name in active)
        for name, n in sorted(counts.items())
    )
