"""Hold what is said about a document, and who said it.

Entities are typed spans. An attribution is who is speaking: source, cue, content. A stance is how
a holder evaluates a target mention. All three refer to frozen text by :class:`Span`, and each knows
its :class:`Origin`. Inside one :class:`Annotations`, entity ids are unique, an attribution is known
by the id of its content region, and a stance by its (target, holder).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from .documents import Document, Span

__all__ = [
    "OUTLET",
    "POLARITIES",
    "UNNAMED",
    "Annotations",
    "Attribution",
    "Entity",
    "MentionCluster",
    "Origin",
    "Stance",
    "Suggestion",
    "polarity_class",
    "polarity_grade",
]

OUTLET: Final = "OUTLET"
"""The holder of a stance that the article itself expresses."""
UNNAMED: Final = "UNNAMED"
"""The holder of a stance expressed by a source that the text does not name."""

POLARITIES: Final = ("-2", "-1", "0", "+1", "+2", "mixed", "cannot_tell")
"""Every value of a stance's polarity, from very negative to very positive, then the two refusals."""


def polarity_class(polarity: str) -> str:
    """Return the published class of a polarity.

    >>> [polarity_class(p) for p in ("-2", "0", "+1", "mixed")]
    ['negative', 'neutral', 'positive', 'mixed']
    """
    grade = polarity_grade(polarity)
    if grade is None:
        return polarity
    return "negative" if grade < 0 else "positive" if grade > 0 else "neutral"


def polarity_grade(polarity: str) -> int | None:
    """Return a polarity as a number from -2 to 2, or None for ``mixed`` and ``cannot_tell``."""
    if polarity not in POLARITIES:
        raise ValueError(f"polarity must be one of {', '.join(POLARITIES)}, got {polarity!r}")
    return None if polarity in ("mixed", "cannot_tell") else int(polarity)


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Who said so: a model or a rule and its version, a person, an adjudication."""

    kind: Literal["model", "rule", "person", "adjudication"]
    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A typed mention.

    Attributes:
        id: Unique within one document's annotations; the region id in Label Studio.
        span: Where it is.
        label: A label id of a span layer of the scheme.
        attributes: Attribute id to value; every value is a string in its canonical form
            (a value id, a decimal integer, ``true``).
        score: Probability in 0 … 1 where a model gives one.
    """

    id: str
    span: Span
    label: str
    origin: Origin
    attributes: Mapping[str, str] = field(default_factory=dict)
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who is speaking: a source, the cue that says so, and what is attributed.

    Attributes:
        id: The id of the content region, unique within one document's annotations.
        content: What is attributed. An interrupted quotation is several attributions.
        source: Who speaks, where the text names it.
        cue: The verb or phrase that attributes, where there is one.
        form: ``direct``, ``indirect`` or ``mixed``; empty where nobody has said.
        source_type: A value of the scheme's ``source_type``; empty where nobody has said.
    """

    id: str
    content: Span
    origin: Origin
    source: Span | None = None
    cue: Span | None = None
    form: str = ""
    source_type: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Stance:
    """How a holder evaluates a target, here.

    Attributes:
        target: The id of the target's entity.
        holder: :data:`OUTLET`, :data:`UNNAMED` or the id of the holder's entity.
        polarity: One of :data:`POLARITIES`.
        evidence: The words that show it, sorted; a complete stance has at least one.
        role: A value of the scheme's ``role``; empty where nobody has said.
    """

    target: str
    holder: str
    polarity: str
    origin: Origin
    evidence: tuple[Span, ...] = ()
    role: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Annotations:
    """Everything that one origin says about one document.

    Attributes:
        document_id: Whose text the offsets point into.
        sha256: The hash of that text, so that no offset is ever read against another.
        choices: Answers to the scheme's questions about the whole document.
    """

    document_id: str
    sha256: str
    entities: tuple[Entity, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    stances: tuple[Stance, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def spans(self) -> Iterator[Span]:
        """Yield every span of every layer."""
        for entity in self.entities:
            yield entity.span
        for attribution in self.attributions:
            yield attribution.content
            if attribution.source is not None:
                yield attribution.source
            if attribution.cue is not None:
                yield attribution.cue
        for stance in self.stances:
            yield from stance.evidence

    def entity(self, id: str) -> Entity | None:
        """Return the entity with this id, or None."""
        return next((entity for entity in self.entities if entity.id == id), None)

    def check(self, document: Document) -> Annotations:
        """Return the annotations themselves if every span agrees with the document's text.

        Raises:
            OffsetError: A span, or the whole text by its hash, is not the document's.
        """
        for span in self.spans():
            span.check(document)
        if (self.document_id, self.sha256) != (document.id, document.sha256):
            from .errors import OffsetError

            raise OffsetError(
                document.id,
                0,
                len(document.text),
                expected=f"text {self.sha256} of document {self.document_id}",
                found=document.sha256,
            )
        return self


@dataclass(frozen=True, slots=True)
class MentionCluster:
    """Mentions of one actor within one document: "the Syrian Arab Army" and, later, "the army".

    Attributes:
        members: Ids of the entities, in the order of the text; at least two.
        name: The text of the mention that names the actor best.
        score: Probability in 0 … 1 that all members are the same actor, as measured for how they were joined.
    """

    members: tuple[str, ...]
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What one pipeline suggests for one document.

    Attributes:
        annotations: The suggested labels.
        pipeline: The pipeline's name and version; ``pipeline.version`` changes with any part of it.
        read: The ranges of code points, half-open, sorted and merged, that its models really read.
        score: A summary in 0 … 1 of how sure the pipeline is, for ordering a queue.
        clusters: Mentions that are one actor. No label of a document depends on them.
        stance_read: The ranges that the stance model read, like `read`; empty where none was asked.
    """

    annotations: Annotations
    pipeline: Origin
    read: tuple[tuple[int, int], ...]
    score: float | None = None
    clusters: tuple[MentionCluster, ...] = ()
    stance_read: tuple[tuple[int, int], ...] = ()
