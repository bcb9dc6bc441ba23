"""Find what is worth another look in people's work: document by document, across documents, and person by person.

The checks of one annotated document are :func:`copydesk.schemas.check`'s; here are those that need more than one, or
need to know who did it and how. Findings carry a link to the task in Label Studio, where it can be put right.

    6xx across documents   7xx the way somebody works
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias

from copydesk.corpus import Desk, documents
from copydesk.schemas import CHECKS, Annotations, Document, Entity, LabelScheme, check, check_message

from .edits import edits
from .gold import pseudonyms
from .ledger import FinishedAnnotation, finished
from .same_surface import same_surface
from .studio import studio_status

__all__ = ["LINTS", "Lint", "LintReport", "lint", "lint_message"]

ENOUGH: Final = 5
"""Documents that words need with one label before another label elsewhere is odd."""
NEARLY: Final = 0.9
"""The share of documents in which words have their usual label."""
FASTEST: Final = 25.0
"""Words a second: nobody reads so fast. Skimming goes up to about 12 (Rayner et al. 2016)."""
SEEN: Final = 200
"""Suggestions that somebody must have been shown before accepting all of them says anything."""


@dataclass(frozen=True, slots=True, order=True)
class Lint:
    """One finding.

    Attributes:
        document_id: Whose annotations; empty where it is about all of somebody's work.
        annotator: The pseudonym of who made them.
        code: Of the check, such as ``W101``.
        of: What it is about: an entity, attribution, stance, question or person.
        detail: The values that were found, for a person.
        link: The task in Label Studio; empty where no address is known.
    """

    document_id: str
    annotator: str
    code: str
    of: str
    detail: str = ""
    link: str = ""

    @property
    def message(self) -> str:
        """What the check says: the first line of its docstring."""
        return lint_message(self.code)


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was found.

    Attributes:
        findings: Sorted by document, annotator and code.
        checked: How many pieces of work were looked at, one for each document and annotator.
    """

    findings: tuple[Lint, ...]
    checked: int

    @property
    def counts(self) -> dict[str, int]:
        """How many findings each code has, codes sorted."""
        return dict(sorted(Counter(finding.code for finding in self.findings).items()))


@dataclass(frozen=True)
class Work:
    """One person's work on one document, and what the desk says elsewhere.

    Attributes:
        document: The text.
        said: What they said.
        seconds: Of work; None where unknown.
        others: Who saved it last, as the server names them, where that is not its author; empty otherwise.
        usual: Words to the label that they have nearly everywhere, with the number of documents.
    """

    document: Document
    said: Annotations
    seconds: float | None
    others: str = ""
    usual: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @cached_property
    def by_words(self) -> dict[str, list[Entity]]:
        """The mentions by their words."""
        found: dict[str, list[Entity]] = defaultdict(list)
        for entity in self.said.entities:
            found[entity.span.text].append(entity)
        return found


_Found: TypeAlias = Iterator[tuple[str, str]]


def other_label_here(work: Work) -> _Found:
    """The same words have different labels in this document."""
    for words, mentions in work.by_words.items():
        labels = Counter(mention.label for mention in mentions)
        places = {(mention.span.start, mention.span.end) for mention in mentions}
        if len(labels) > 1 and len(places) > 1:
            said = ", ".join(f"{label} {number}×" for label, number in labels.most_common())
            yield f"entity {min(mentions, key=lambda m: labels[m.label]).id}", f"{words!r}: {said}"


def other_label_elsewhere(work: Work) -> _Found:
    """The same words nearly always have another label elsewhere."""
    for words, mentions in work.by_words.items():
        label, number = work.usual.get(words, ("", 0))
        for mention in mentions:
            if label not in ("", mention.label) and label not in {m.label for m in mentions}:
                yield f"entity {mention.id}", f"{words!r} as {mention.label}; {label} in {number:,} documents"


def missed(work: Work) -> _Found:
    """The same words are marked elsewhere in this document, and not here."""
    taken = [(entity.span.start, entity.span.end) for entity in work.said.entities]
    for words, mentions in work.by_words.items():
        if any(letter.isdigit() for letter in words):
            continue  # a number says something else each time
        span = mentions[0].span
        for start, end in same_surface(work.document.text, span.start, span.end):
            if not any(start < other[1] and other[0] < end for other in taken):
                yield (
                    f"entity {mentions[0].id}",
                    f"{words!r} at {start} is not marked; {mentions[0].label} at {span.start}",
                )


def empty_in_no_time(work: Work) -> _Found:
    """The annotations are empty, and were done faster than anybody reads."""
    said = work.said
    words = len(work.document.text.split())
    if said.entities or said.attributions or said.stances or work.seconds is None:
        return
    if words > work.seconds * FASTEST:
        yield "the document", f"{words:,} words in {work.seconds:.0f} s"


def saved_by_another(work: Work) -> _Found:
    """The annotation was last saved by somebody else than its author."""
    if work.others:
        yield "the document", f"by user {work.others}"


def accepts_everything(accepted: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """The annotator accepted every suggestion that they were ever shown."""
    for name, (same, shown) in sorted(accepted.items()):
        if shown >= SEEN and same == shown:
            yield name, f"{shown:,} suggestions"


_OF_WORK: Final[Mapping[str, Callable[[Work], _Found]]] = {
    "W601": other_label_here,
    "W602": other_label_elsewhere,
    "W603": missed,
    "W701": empty_in_no_time,
    "W703": saved_by_another,
}
_OF_PEOPLE: Final = {"W702": accepts_everything}
LINTS: Final[Mapping[str, str]] = {
    code: (run.__doc__ or "").strip().splitlines()[0].rstrip(".")
    for code, run in (*_OF_WORK.items(), *_OF_PEOPLE.items())
}
"""What each check of more than one document says, by its code."""


def lint_message(code: str) -> str:
    """Return what a check says.

    Raises:
        KeyError: There is no such code.
    """
    return LINTS[code] if code in LINTS else check_message(code)


def lint(
    desk: Desk, *, select: Iterable[str] = ("E", "W"), accepted: Mapping[str, tuple[int, int]] | None = None
) -> LintReport:
    """Check everything that people finished in a desk.

    Args:
        desk: Whose ledger is read.
        select: Codes, or beginnings of codes.
        accepted: By pseudonym, how many suggestions stand as they were, of how many shown, where a caller went through the
            desk's edits already: they cost more than all the rest.

    Raises:
        DeskError: The ledger is damaged.
        ValueError: A member of `select` begins no code.
    """
    wanted = tuple(select)
    for beginning in wanted:
        if not any(code.startswith(beginning) for code in (*CHECKS, *LINTS)):
            raise ValueError(f"no check's code begins with {beginning!r}")
    done = list(finished(desk))
    ids = {entry.document_id for entry in done}
    texts = {document.id: document for document in documents(desk) if document.id in ids}
    names, usual, links, scheme = pseudonyms(desk), _usual(done), _links(desk, done), desk.scheme()
    found: list[Lint] = []
    for entry in done:
        work = Work(texts[entry.document_id], entry.annotations, entry.lead_time, _saved_by(entry), usual)
        name, link = names[entry.annotator], links[entry.entry.key]
        found += [Lint(entry.document_id, name, *said, link) for said in _of(work, scheme, wanted)]
    if "W702".startswith(wanted):
        counts = _accepted(desk, names) if accepted is None else accepted
        found += [Lint("", name, "W702", name, detail) for name, detail in accepts_everything(counts)]
    return LintReport(tuple(sorted(found)), len(done))


def _of(work: Work, scheme: LabelScheme, wanted: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield what is found in one person's work on one document: code, what it is about, detail."""
    known = [beginning for beginning in wanted if any(code.startswith(beginning) for code in CHECKS)]
    for finding in check(work.document, work.said, scheme, select=known).findings:
        yield finding.code, finding.of, finding.detail
    for code, run in _OF_WORK.items():
        if code.startswith(wanted):
            yield from ((code, of, detail) for of, detail in run(work))


def _saved_by(entry: FinishedAnnotation) -> str:
    """Return who saved an annotation last, as the server names them, where that is not its author."""
    raw = entry.entry.said()
    author, by = raw.get("completed_by"), raw.get("updated_by")
    author = author.get("id") if isinstance(author, dict) else author
    by = by.get("id") if isinstance(by, dict) else by
    return "" if by is None or author is None or by == author else str(by)


def _usual(done: Iterable[FinishedAnnotation]) -> dict[str, tuple[str, int]]:
    """Return the label that words have in nearly all documents, with the number of those documents."""
    seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for entry in done:
        for entity in entry.annotations.entities:
            seen[entity.span.text][entity.label].add(entry.document_id)
    usual: dict[str, tuple[str, int]] = {}
    for words, labels in seen.items():
        label, where = max(sorted(labels.items()), key=lambda item: len(item[1]))
        if len(where) >= ENOUGH and len(where) >= NEARLY * len(set().union(*labels.values())):
            usual[words] = label, len(where)
    return usual


def _links(desk: Desk, done: Iterable[FinishedAnnotation]) -> dict[str, str]:
    """Return, for each entry's key, the address of its task in Label Studio."""
    own = studio_status(desk).url
    found = {}
    for entry in (one.entry for one in done):
        server = own if entry.server == "own" else entry.server
        # work that was imported from elsewhere has no address
        there = server.startswith(("http://", "https://"))
        found[entry.key] = f"{server}/projects/{entry.project_id}/data?task={entry.task_id}" if there else ""
    return found


def _accepted(desk: Desk, names: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Return, for each annotator, how many suggestions stand as they were, of how many they were shown."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for edit in edits(desk):
        if edit.kind != "added" and edit.arm != "decoy":
            counts[names[edit.annotator]][0] += edit.kind == "accepted"
            counts[names[edit.annotator]][1] += 1
    return {name: (same, shown) for name, (same, shown) in counts.items()}
