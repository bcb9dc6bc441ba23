"""Count everything that a report shows in one pass over the desk, shelf by shelf, in as many processes as the desk may use.

Texts and labels of a shelf (:mod:`shelves`) are looked at together and forgotten; what is kept are counts, and for each
facet (:mod:`facets`) how many documents have it and a few of them. Counts of shelves add up in whatever order and
grouping, so the report is the same however many processes made it. What a release counts too is counted by the
release's own code: the rows of ``spans`` and ``stance`` are made by :mod:`views`, and :mod:`tally` adds them up.
"""

from __future__ import annotations

import functools
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from copydesk.annotate import Gold, GoldResult, current_pipeline, gold, suggestions_folder
from copydesk.corpus import Desk, ordered
from copydesk.schemas import (
    ANNOTATIONS,
    DOCUMENTS,
    SEGMENTS,
    DeskError,
    LabelScheme,
    OnProgress,
    Progress,
    SegmentKind,
    annotations_to_row,
    polarity_grade,
    silent,
)

from .arrays import flat
from .batch import Batch
from .claims import Claim, claims
from .company import company
from .facets import (
    ACTORS,
    JOINS,
    NOT_STATED,
    Facet,
    actor_name,
    actor_names,
    article_facets,
    label_facets,
    stance_facets,
    week_of,
)
from .features import SPANS, STANCE
from .hub_datasets import arrow_schema
from .labels import LABELS_FILE, Labels, grow, read_labels
from .shelves import Shelves, shelved
from .tally import Tally
from .views import Views

__all__ = ["Behind", "Survey", "Surveyed", "survey"]

SIZE: Final = 500
"""How many documents a shelf holds."""
SHOWN: Final = 12
"""How many documents of each facet are kept."""
MOST_ACTORS: Final = 40
MOST_OUTLETS: Final = 8
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(slots=True)
class Behind:
    """The documents that have a facet: how many, and the first of them by id, which is as good as drawn by lot."""

    count: int = 0
    first: tuple[str, ...] = ()


@dataclass(slots=True)
class Survey:
    """Counts over documents.

    Attributes:
        tally: What a release counts too.
        counts: By what is counted, numbers of keys: ``articles``, ``words`` and ``sentences`` by outlet, ``weeks``,
            ``languages``, ``licences``, ``vocabulary`` by outlet and word, ``coverage`` (articles that name an actor)
            by actor and week, ``together`` (sentences) by two actors, ``spoken`` (mentions) by speaker and actor,
            ``loaded`` by label and voice, ``outlet stances`` by outlet, actor and polarity, ``week stances`` likewise.
        behind: The documents that have a facet.
        claims: What is said of numbers of victims, with the event that it seems to be about.
        documents: How many articles; `labelled` how many of them have labels.
        every: Each document's facets, where somebody wants them all.
    """

    tally: Tally = field(default_factory=lambda: Tally(tolls=[]))
    counts: defaultdict[str, Counter[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(Counter))
    behind: dict[Facet, Behind] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    documents: int = 0
    labelled: int = 0
    every: list[tuple[str, Facet]] | None = None

    def merge(self, other: Survey) -> None:
        """Add the counts of other documents."""
        self.tally.merge(other.tally)
        for name, found in other.counts.items():
            self.counts[name].update(found)
        for facet, there in other.behind.items():
            mine = self.behind.setdefault(facet, Behind())
            mine.count += there.count
            mine.first = tuple(sorted({*mine.first, *there.first})[:SHOWN])
        self.claims += other.claims
        self.documents += other.documents
        self.labelled += other.labelled
        if self.every is not None:
            self.every += other.every or ()

    def note(self, facets: Iterable[tuple[str, Facet]]) -> None:
        """Keep which documents have which facets; documents that were noted before may not come again."""
        members: defaultdict[Facet, set[str]] = defaultdict(set)
        for key, facet in facets:
            members[facet].add(key)
        if self.every is not None:
            self.every += ((key, facet) for facet, keys in members.items() for key in sorted(keys))
        for facet, keys in members.items():
            mine = self.behind.setdefault(facet, Behind())
            mine.count += len(keys)
            mine.first = tuple(sorted({*mine.first, *keys})[:SHOWN])


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A desk, counted.

    Attributes:
        survey: The counts.
        result: What stands of people's work.
        unchecked: Whether nobody finished anything, so that the labels counted are suggestions.
        about: A row for each article, sorted by id: ``id``, ``title``, ``url``, ``outlet``, ``published``.
    """

    survey: Survey
    result: GoldResult
    unchecked: bool
    about: pa.Table

    @property
    def as_of(self) -> str:
        """The day of the newest finished annotation; empty where nobody annotated."""
        every = (version.updated_at[:10] for said in self.result.versions.values() for version in said)
        return max(every, default="")


@dataclass(frozen=True, slots=True)
class _Piece:
    """One shelf of every table, and what people let stand of its documents."""

    number: int
    articles: Shelves
    segments: Shelves
    suggestions: Shelves | None
    golds: Mapping[str, Gold]


@dataclass(frozen=True, slots=True)
class _Sought:
    """What a shelf is looked at for."""

    scheme: LabelScheme
    labels: Labels
    actors: frozenset[str]
    outlets: frozenset[str]
    every: bool


def survey(
    desk: Desk, *, every: Callable[[list[tuple[str, Facet]]], None] | None = None, on_progress: OnProgress = silent
) -> Surveyed:
    """Count a desk at any stage: what people let stand, or where nobody finished anything what the machine suggests.

    Args:
        desk: The desk; only read.
        every: Is given each document's facets, shelf by shelf; without it only some documents of each are kept.
        on_progress: Is told of articles.

    Raises:
        DeskError: A table is damaged, or a label belongs to a document that is not in the desk.
        OffsetError: A label does not fit its document's text.
    """
    result = gold(desk, keep=False)
    golds = {item.annotations.document_id: item for item in result.documents}
    pipeline = None if golds else current_pipeline(desk)
    folder = suggestions_folder(pipeline) if pipeline else ""
    about = _about(desk)
    ids = about["id"].combine_chunks()
    _refuse_missing(desk, golds, ids)
    scheme = desk.scheme()
    labels = grow(read_labels(desk.path / LABELS_FILE), scheme)
    sought = _Sought(
        scheme, labels, frozenset(_actors(desk, folder, golds)), frozenset(_outlets(about)), every is not None
    )
    whole = Survey()
    with tempfile.TemporaryDirectory(prefix="copydesk-") as place:
        pieces = _pieces(desk, Path(place), ids, golds, folder)
        made = ordered(
            functools.partial(_counted, sought=sought), pieces, desk=desk, label=lambda piece: str(piece.number)
        )
        for one in made:
            if every and one.every:
                every(one.every)
            whole.merge(one)
            on_progress(Progress("report", whole.documents, len(ids)))
    return Surveyed(whole, result, not golds, about)


def _about(desk: Desk) -> pa.Table:
    columns = ["id", "title", "url", "outlet", "published"]
    empty = pa.schema([DOCUMENTS.field(name) for name in columns]).empty_table()
    kept = [table.select(columns).cast(empty.schema) for table in desk.read_tables("articles")]
    return pa.concat_tables([empty, *kept]).sort_by("id").combine_chunks()


def _refuse_missing(desk: Desk, golds: Mapping[str, Gold], ids: pa.Array) -> None:
    there = pc.is_in(pa.array(list(golds), pa.string()), value_set=ids)
    for key, found in zip(golds, there.to_pylist(), strict=True):
        if not found:
            raise DeskError(
                f"document {key} has labels, but its article is not in the desk",
                where=str(desk.path),
                hint="Ingest it again from its source, or restore articles/ from a copy.",
            )


def _actors(desk: Desk, folder: str, golds: Mapping[str, Gold]) -> list[str]:
    """Return the names of the actors that most articles name."""
    named: Counter[str] = Counter()
    for table in desk.read_tables(folder) if folder else ():
        parents, items = flat(table["entities"])
        kept = pc.is_in(items.field("label"), value_set=pa.array(ACTORS)).to_numpy(zero_copy_only=False)
        words = pc.utf8_lower(items.field("span").field("text").filter(pa.array(kept)))
        pairs = pa.table({"document": parents[kept], "words": words}).group_by(["document", "words"]).aggregate([])
        for said in pairs["words"].value_counts().to_pylist():
            named[actor_name(said["values"])] += said["counts"]
    for item in golds.values():
        named.update({actor_name(e.span.text) for e in item.annotations.entities if e.label in ACTORS})
    return [name for name, _ in sorted(named.items(), key=lambda item: (-item[1], item[0]))[:MOST_ACTORS]]


def _outlets(about: pa.Table) -> list[str]:
    counts = Counter(outlet or NOT_STATED for outlet in about["outlet"].to_pylist())
    return [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_OUTLETS]]


def _pieces(desk: Desk, place: Path, ids: pa.Array, golds: Mapping[str, Gold], folder: str) -> Iterator[_Piece]:
    articles = shelved(place / "articles.arrow", DOCUMENTS, desk.read_tables("articles"), "id", ids, SIZE)
    segments = shelved(place / "segments.arrow", SEGMENTS, desk.read_tables("segments"), "document_id", ids, SIZE)
    said = None
    if folder:
        said = shelved(place / "said.arrow", ANNOTATIONS, desk.read_tables(folder), "document_id", ids, SIZE)
    names = ids.to_pylist()
    for number in range(-(-len(names) // SIZE)):
        mine = names[number * SIZE : (number + 1) * SIZE]
        yield _Piece(
            number,
            _alone(articles, number),
            _alone(segments, number),
            _alone(said, number) if said else None,
            {key: golds[key] for key in mine if key in golds},
        )


def _alone(table: Shelves, number: int) -> Shelves:
    """Return shelves of which only one is filled: what another process has to know of them."""
    return replace(table, places=[*([()] * number), table.places[number]])


@functools.cache
def _schemas(labels: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, pa.Schema]:
    return {config.name: arrow_schema(config.features, dict(labels)) for config in (SPANS, STANCE)}


def _counted(piece: _Piece, *, sought: _Sought) -> Survey:
    """Count one shelf."""
    found = Survey(every=[] if sought.every else None)
    articles = _last(piece.articles.take(piece.number), "id")
    segments = piece.segments.take(piece.number).sort_by([("document_id", "ascending"), ("index", "ascending")])
    found.documents = len(articles)
    _count_articles(found, articles, segments, sought)
    batch = _batch(piece, articles, segments)
    if batch is not None:
        found.labelled = len(batch)
        _count_labels(found, batch, sought)
    return found


def _last(table: pa.Table, key: str) -> pa.Table:
    """Return one row for each document, sorted; of several the last."""
    places = {name: place for place, name in enumerate(table[key].to_pylist())}
    return table.take(pa.array([places[name] for name in sorted(places)], pa.int64())).combine_chunks()


def _batch(piece: _Piece, articles: pa.Table, segments: pa.Table) -> Batch | None:
    """Return the documents of a shelf that have labels; None where none has."""
    rows = [annotations_to_row(one.annotations) for one in piece.golds.values()]
    standing = pa.Table.from_pylist(rows, schema=ANNOTATIONS)
    if piece.suggestions is not None:
        standing = pa.concat_tables([piece.suggestions.take(piece.number), standing])
    standing = _last(standing, "document_id")
    if not len(standing):
        return None
    ids = standing["document_id"].combine_chunks()
    mine = articles.filter(pc.is_in(articles["id"], value_set=ids)).combine_chunks()
    keys = ids.to_pylist()
    return Batch(
        documents=mine,
        segments=segments.filter(pc.is_in(segments["document_id"], value_set=ids)),
        standing=standing,
        origin=[piece.golds[key].origin if key in piece.golds else "silver" for key in keys],
        annotators=[()] * len(keys),
        cluster=keys,
        copies=[()] * len(keys),
        split=["train"] * len(keys),  # nothing here asks for it, and the tables want one
    )


def _count_articles(found: Survey, articles: pa.Table, segments: pa.Table, sought: _Sought) -> None:
    sentences = segments.filter(pc.equal(segments["kind"], SegmentKind.SENTENCE.value))["document_id"].value_counts()
    cut = {said["values"]: said["counts"] for said in sentences.to_pylist()}
    columns = (articles[name].to_pylist() for name in ("id", "outlet", "published", "language", "licence", "text"))
    counts = found.counts
    vocabulary = counts["vocabulary"]
    for key, outlet, published, language, licence, text in zip(*columns, strict=True):
        name = outlet or NOT_STATED
        counts["articles"][name,] += 1
        counts["words"][name,] += len(text.split())
        counts["sentences"][name,] += cut.get(key, 0)
        if week := week_of(published):
            counts["weeks"][week,] += 1
        counts["languages"][language,] += 1
        counts["licences"][licence or NOT_STATED,] += 1
        where = name if name in sought.outlets else ""
        for word, number in Counter(_WORD.findall(text.casefold())).items():
            vocabulary[where, word] += number
    found.note(article_facets(articles))


def _count_labels(found: Survey, batch: Batch, sought: _Sought) -> None:
    batch.check()
    views = Views(batch, sought.scheme, sought.labels, _schemas(tuple(sought.labels.items())))
    tables = {"spans": views.spans(), "stance": views.stances()}
    found.tally.add(batch, views.standing, tables, ())
    spans, documents = tables["spans"], batch.documents
    found.note(label_facets(spans, sought.labels, sought.actors))
    found.note(stance_facets(views.standing, sought.actors))
    found.note((key, ("origin", origin)) for key, origin in zip(views.ids, batch.origin, strict=True))
    weeks = dict(zip(documents["id"].to_pylist(), map(week_of, documents["published"].to_pylist()), strict=True))
    outlets = dict(zip(documents["id"].to_pylist(), documents["outlet"].to_pylist(), strict=True))
    for key, name in actor_names(spans, sought.labels):
        if name in sought.actors and weeks[key]:
            found.counts["coverage"][name, weeks[key]] += 1
    stances = tables["stance"]
    columns = (stances[name].to_pylist() for name in ("document_id", "target", "polarity"))
    for key, target, code in zip(*columns, strict=True):
        polarity, name = sought.labels["polarity"][code], actor_name(target)
        if polarity_grade(polarity) is None or name not in sought.actors:
            continue
        found.counts["outlet stances"][outlets[key] or NOT_STATED, name, polarity] += 1
        if weeks[key]:
            found.counts["week stances"][weeks[key], name, polarity] += 1
    _count_company(found, spans, sought)
    found.claims += claims(spans, documents, sought.labels)


def _count_company(found: Survey, spans: pa.Table, sought: _Sought) -> None:
    """Count which actors one sentence names together, who speaks of whom, and in whose voice loaded words are."""
    facets: list[tuple[str, Facet]] = []
    for document, kind, key in company(spans, sought.scheme, sought.labels, _Known(sought.actors)):
        found.counts[kind][key] += 1
        facets.append((document, (kind, JOINS[kind].join(key))))
    found.note(facets)


class _Known:
    """The actors that are counted, by the words of a mention."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._cache: dict[str, str] = {}

    def __call__(self, words: str) -> str:
        """Return the name of an actor, or nothing for one of the many others."""
        if words not in self._cache:
            name = actor_name(words)
            self._cache[words] = name if name in self._names else ""
        return self._cache[words]
