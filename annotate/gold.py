"""Make gold of what people finished: a pure function of the ledger.

A document's gold is, in this order: the newest annotation marked as ground truth; the one annotator's version; else the
consensus of its annotators (:mod:`consensus`). Ground truth decides what its task asked for: of some layers, or of one
mention, it stands in the place of what the rule says of them. On top of all that stand the decisions of adjudicators,
item by item (:mod:`settling`). A version that still has something in it that a decoy slipped in counts nowhere
(:mod:`slips`). With ``silver`` the documents that nobody has
finished get what the desk's pipeline suggests, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from copydesk.corpus import ConsensusSettings, Desk, file_sha256, settings_digest
from copydesk.schemas import ANNOTATIONS, Annotations, LabelScheme, Origin, annotations_to_row

from .consensus import EVERYTHING, Asked, Disagreement, consensus, reidentify
from .decisions import Verdict, known_decisions, record_decisions
from .items import Item
from .joining import Part, join
from .ledger import FinishedAnnotation, finished, ledger
from .second_opinions import SecondOpinions, second_opinions
from .settling import settle
from .slips import untrusted
from .suggest import suggestions
from .weighing import Several, weighed

__all__ = ["GOLD", "Gold", "GoldOrigin", "GoldResult", "Version", "gold", "pseudonyms"]

GoldOrigin = Literal["gold", "adjudicated", "silver", "carried"]

GOLD: Final = pa.schema(
    [
        *ANNOTATIONS,
        pa.field("origin", pa.string(), False),
        pa.field("annotators", pa.list_(pa.string()), False),
        pa.field("rule", pa.string(), False),
    ]
)
"""A row of ``gold/``: the annotations, then what they are, whose they were, and by which rule they stand."""

SHARD: Final = 1_000
"""How many documents a file of the gold table holds."""


@dataclass(frozen=True, slots=True)
class Gold:
    """The labels that stand for one document.

    Attributes:
        annotations: With ids that derive from document, span and label.
        origin: ``gold`` (one annotator, or the consensus of several), ``adjudicated``, ``silver`` or ``carried`` (what
            stands for another article with the same text).
        annotators: The pseudonyms of the people behind it; none behind silver.
        rule: By what it stands: ``ground truth``, ``one annotator``, ``unanimous``, ``majority`` or a model's name, with ``, adjudicated``
            behind it where decisions stand on some of its items; empty for silver.
        carried_from: The document that people worked on, where `origin` is ``carried``.
    """

    annotations: Annotations
    origin: GoldOrigin
    annotators: tuple[str, ...] = ()
    rule: str = ""
    carried_from: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """What one person last said about one document, under their pseudonym.

    Attributes:
        annotator: The pseudonym.
        annotations: With ids by content, so that they can be joined with gold's.
        ground_truth: Whether it is an adjudication.
        seconds: Of work; -1 where unknown.
        updated_at: When they last saved it, as the server wrote it.
        asked: What their tasks were about.
        arm: The arm of those tasks.
        decided: Those of their tasks that are adjudications, oldest first.
    """

    annotator: str
    annotations: Annotations
    ground_truth: bool
    seconds: int
    updated_at: str
    asked: Asked = EVERYTHING
    arm: str = "shown"
    decided: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class GoldResult:
    """Everything that stands, and everything that people did not say alike.

    Attributes:
        documents: Sorted by document id.
        disagreements: Sorted by document, place and item; those settled by majority are there too.
        versions: Document id to every annotator's version, by pseudonym; both sorted.
        names: Annotator, as the ledger has them, to pseudonym.
        pipelines: The pipelines (``name@version``) whose suggestions people started from, or that silver is of.
        decoyed: (document, annotator) of the versions left out because of what a decoy had slipped in.
        decisions: The adjudicators' decisions that are in force, by document and place.
        stale: Those of them that judged other versions than people have by now. They stand until somebody decides again.
        by_rule: Of the documents with decisions, what stands without them.
        second_opinions: Where several adjudicators decided the same, and how far they agree.
    """

    documents: tuple[Gold, ...]
    disagreements: tuple[Disagreement, ...]
    versions: Mapping[str, tuple[Version, ...]]
    names: Mapping[str, str]
    pipelines: tuple[str, ...]
    decoyed: tuple[tuple[str, str], ...] = ()
    decisions: tuple[Verdict, ...] = ()
    stale: tuple[Verdict, ...] = ()
    by_rule: Mapping[str, Annotations] = field(default_factory=dict)
    second_opinions: SecondOpinions = field(default_factory=SecondOpinions)

    @property
    def open(self) -> tuple[Disagreement, ...]:
        """The disagreements that no majority settles: a person has to."""
        return tuple(disagreement for disagreement in self.disagreements if disagreement.open)

    def count(self, origin: GoldOrigin) -> int:
        """Return how many documents have this origin."""
        return sum(1 for document in self.documents if document.origin == origin)


def pseudonyms(desk: Desk) -> dict[str, str]:
    """Name every annotator ``annotator-1``, ``annotator-2`` … in the order the ledger first saw them.

    The ledger only grows, so a pseudonym never changes hands.
    """
    names: dict[str, str] = {}
    for entry in ledger(desk):
        if entry.annotator:
            names.setdefault(entry.annotator, f"annotator-{len(names) + 1}")
    return names


def gold(desk: Desk, *, silver: bool = False, keep: bool = True) -> GoldResult:
    """Return the labels that stand for every finished document, and keep them in the desk's ``gold/``.

    Args:
        desk: A desk; its ledger may be empty.
        silver: Give the documents that nobody finished what the desk's pipeline suggests.
        keep: Write ``gold/``, for which the caller holds the desk's lock; False only looks.
    """
    names = pseudonyms(desk)
    wrong = untrusted(desk)
    entries = [entry for entry in finished(desk) if (entry.document_id, entry.annotator) not in wrong]
    versions = _versions(entries, names)
    pipelines = {entry.model_version for entry in entries if entry.model_version}
    documents: list[Gold] = []
    disagreements: list[Disagreement] = []
    scheme = desk.scheme()
    answers = record_decisions(desk, names) if keep else known_decisions(desk, names)
    decided = answers.in_force
    by_rule: dict[str, Annotations] = {}
    stale = [row for document in decided.keys() - versions.keys() for row in decided[document].values()]
    ruled = _weighed(versions, scheme, desk.settings.consensus)
    for own, said in versions.items():
        document, differences = _stands(said, scheme, ruled.get(own), desk.settings.consensus.model)
        if own in decided:
            by_rule[own] = document.annotations
            document, differences, judged_others = _settled(document, differences, decided[own], said, scheme)
            stale += judged_others
        documents.append(document)
        disagreements += differences
    if keep:
        _keep(desk, documents)
    if silver:
        for suggestion in suggestions(desk):
            if suggestion.annotations.document_id not in versions:
                documents.append(Gold(reidentify(suggestion.annotations), "silver"))
                pipelines.add(f"{suggestion.pipeline.name}@{suggestion.pipeline.version}")
    return GoldResult(
        tuple(sorted(documents, key=lambda document: document.annotations.document_id)),
        tuple(sorted(disagreements, key=lambda d: (d.document_id, d.start, d.end, d.layer, d.item, d.text))),
        versions,
        names,
        tuple(sorted(pipelines)),
        tuple(sorted(wrong)),
        tuple(row for _, rows in sorted(decided.items()) for _, row in sorted(rows.items())),
        tuple(sorted(stale, key=lambda row: (row.document_id, row.item))),
        by_rule,
        second_opinions(answers),
    )


def _versions(entries: Iterable[FinishedAnnotation], names: Mapping[str, str]) -> dict[str, tuple[Version, ...]]:
    """Return document id → every annotator's newest version; both sorted."""
    found: dict[str, dict[str, Version]] = {}
    for entry in sorted(entries, key=lambda e: (e.document_id, e.annotator, e.updated_at)):
        name = names[entry.annotator]
        found.setdefault(entry.document_id, {})[name] = Version(
            name,
            _signed(entry.annotations, Origin("adjudication" if entry.ground_truth else "person", name)),
            entry.ground_truth,
            -1 if entry.lead_time is None else round(entry.lead_time),
            entry.updated_at,
            entry.asked,
            entry.arm,
            tuple(_signed_part(part, name) for part in entry.decided),
        )
    return {
        document: tuple(sorted(said.values(), key=lambda v: _number(v.annotator))) for document, said in found.items()
    }


def _number(pseudonym: str) -> int:
    return int(pseudonym.rpartition("-")[2])


_Ruled = tuple[Annotations, tuple[Disagreement, ...]]


def _weighed(
    versions: Mapping[str, Sequence[Version]], scheme: LabelScheme, settings: ConsensusSettings
) -> dict[str, _Ruled]:
    """Return what a model of the annotators decides about the documents that several of them finished, if one is set."""
    if settings.model == "majority":
        return {}
    several = {
        own: Several({v.annotator: v.annotations for v in said}, {v.annotator: v.asked for v in said})
        for own, said in versions.items()
        if len(said) > 1
    }
    return weighed(several, scheme, settings.model, least=settings.least, seed=settings.seed)


def _stands(
    versions: Sequence[Version], scheme: LabelScheme, by_model: _Ruled | None = None, model: str = "majority"
) -> tuple[Gold, tuple[Disagreement, ...]]:
    """Apply the rule to one document."""
    whole = [version for version in versions if version.ground_truth and _covers(version, versions)]
    if whole:
        last = max(whole, key=lambda version: (version.updated_at, _number(version.annotator)))
        return Gold(last.annotations, "adjudicated", (last.annotator,), "ground truth"), ()
    everybody = tuple(version.annotator for version in versions)
    if len(versions) == 1:
        agreed, differences = versions[0].annotations, tuple[Disagreement, ...]()
    elif by_model is not None:
        agreed, differences = by_model
    else:
        agreed, differences = consensus(
            {version.annotator: version.annotations for version in versions},
            {version.annotator: version.asked for version in versions},
            {label.id: label.layer for label in scheme.span_labels},
        )
    decided = sorted((part for version in versions for part in version.decided), key=lambda p: (p.updated_at, p.key))
    rule = "one annotator" if len(versions) == 1 else model if differences else "unanimous"
    if not decided:
        return Gold(agreed, "gold", everybody, rule), differences
    ruled = Part(agreed, frozenset(layer.id for layer in scheme.layers), "", "", "")
    stands, _ = join([ruled, *decided], scheme)
    return Gold(stands, "gold", everybody, f"{rule}, ground truth"), differences


def _settled(
    ruled: Gold,
    differences: tuple[Disagreement, ...],
    decided: Mapping[Item, Verdict],
    versions: Sequence[Version],
    scheme: LabelScheme,
) -> tuple[Gold, tuple[Disagreement, ...], tuple[Verdict, ...]]:
    """Put decisions in the place of what the rule says of one document; return those that are stale, too."""
    if ruled.rule == "ground truth":  # what is decided later stands above it
        before = max(version.updated_at for version in versions if version.annotator in ruled.annotators)
        decided = {item: row for item, row in decided.items() if row.decided_at > before}
        if not decided:
            return ruled, differences, ()
    found = settle(
        ruled.annotations,
        differences,
        decided,
        {version.annotator: version.annotations for version in versions},
        {version.annotator: version.asked for version in versions},
        scheme,
    )
    people = {*ruled.annotators, *(row.adjudicator for row in decided.values())}
    origin: GoldOrigin = "adjudicated" if found.whole or ruled.origin == "adjudicated" else ruled.origin
    document = Gold(found.annotations, origin, tuple(sorted(people, key=_number)), f"{ruled.rule}, adjudicated")
    return document, found.disagreements, found.stale


def _covers(version: Version, versions: Sequence[Version]) -> bool:
    """Tell whether somebody was asked for everything that anybody was asked about a document."""
    if version.asked.layers is None:
        return True
    asked = [other.asked for other in versions]
    layers = frozenset[str]().union(*(other.layers or () for other in asked))
    mentions = frozenset[tuple[int, int]]().union(*(other.mentions for other in asked))
    single = "stance" in version.asked.layers or mentions <= version.asked.mentions
    return all(other.layers is not None for other in asked) and layers <= version.asked.layers and single


def _signed(annotations: Annotations, origin: Origin) -> Annotations:
    """Return annotations with ids by content, all said by one person, without a machine's scores."""
    return reidentify(
        replace(
            annotations,
            entities=tuple(replace(entity, origin=origin, score=None) for entity in annotations.entities),
            attributions=tuple(replace(item, origin=origin, score=None) for item in annotations.attributions),
            stances=tuple(replace(stance, origin=origin, score=None) for stance in annotations.stances),
        )
    )


def _signed_part(part: Part, name: str) -> Part:
    return replace(part, annotations=_signed(part.annotations, Origin("adjudication", name)))


def _keep(desk: Desk, documents: Sequence[Gold]) -> None:
    """Write the gold table where it changed, and remove shards that are no longer needed."""
    noted = desk.state().get("gold", {})
    current: dict[str, str] = {}
    for name, rows in _shards(documents):
        key = settings_digest(rows)
        current[name] = key
        path = desk.path / "gold" / f"part-{name}.parquet"
        if noted.get(name) != f"{key} {_file_key(path)}":
            path = desk.write_table("gold", name, pa.Table.from_pylist(rows, schema=GOLD))
            desk.note("gold", {name: f"{key} {_file_key(path)}"})
    for part in desk.parts("gold"):
        if part.stem.removeprefix("part-") not in current:
            part.unlink()


def _file_key(path: Path) -> str:
    return file_sha256(path) if path.exists() else ""


def _shards(documents: Sequence[Gold]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    ordered = sorted(documents, key=lambda document: document.annotations.document_id)
    for number, start in enumerate(range(0, len(ordered), SHARD)):
        yield (
            f"{number:05d}",
            [
                {
                    **annotations_to_row(item.annotations),
                    "origin": item.origin,
                    "annotators": list(item.annotators),
                    "rule": item.rule,
                }
                for item in ordered[start : start + SHARD]
            ],
        )
