"""Suggest entities, attribution and stance for documents.

One parse per document is shared by all components; what they find becomes one
:class:`~copydesk.schemas.Suggestion` per document, with an id per region that depends on nothing but
the document, the label and the place, so that the same find keeps its id from version to version.

::

    parse ──► draft (plain values) ──┐
    parse ──► draft ─────────────────┼──► one call of the stance model ────────────► suggestions
    parse ──► draft ─────────────────┘
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from copydesk.corpus import SuggestSettings, quotations, settings_digest
from copydesk.schemas import (
    OUTLET,
    UNNAMED,
    Annotations,
    Attribution,
    Document,
    Entity,
    LabelScheme,
    MentionCluster,
    Origin,
    Removed,
    Segment,
    SegmentKind,
    SettingsError,
    Span,
    Stance,
    Suggestion,
)

from .attribution import Saying, find_sayings
from .entities import Mention, Tokens, find_mentions
from .knowledge import RULES_VERSION, knowledge_digest
from .mention_clusters import mention_clusters
from .models import Parse, Pipeline, PipelineFiles, load_pipeline
from .own_gazetteers import conventions, gazetteer_digests
from .scores import score
from .speakers import score_of
from .stance import Judgement, Reader, StanceTarget, decide, find_targets, one_per_cluster
from .stance_choice import StanceChoice, choose_stance
from .stance_items import StanceModel, Verdict
from .suggesters import Guest, OnRemoved, broken, registered, too_long, unheard

__all__ = ["Suggester", "load_suggester", "pipeline_origin", "refusal_of"]

DOCUMENTS: Final = 64
TARGETS: Final = 512
"""So many documents or targets are drafted before the stance model is asked once for all."""


class Suggester:
    """Everything that suggests, loaded once.

    Args:
        pipeline: The spaCy pipeline.
        settings: What to suggest.
        scheme: Labels, attributes and values that it does not have are left out.
        stance: What reads stances; what the settings name by default.
    """

    def __init__(
        self, pipeline: Pipeline, settings: SuggestSettings, *, scheme: LabelScheme, stance: StanceChoice | None = None
    ) -> None:
        stance = stance or choose_stance(settings)
        self._pipeline = pipeline
        self._settings = settings
        self._scheme = scheme
        self._stance: StanceModel = stance.load()
        self._layers = frozenset(settings.layers) & {layer.id for layer in scheme.layers}
        self._labels = frozenset(label.id for label in scheme.span_labels)
        self._rules = f"{RULES_VERSION}+{knowledge_digest()[:8]}"
        self._conventions = conventions(settings, scheme, pipeline.about.trained, flat=pipeline.about.flat)
        self.origin = pipeline_origin(pipeline.about, settings, scheme, stance=stance.digest)

    def refusal(self, document: Document) -> Removed | None:
        """Return why nothing can be suggested for a document, or None where it can be read."""
        return refusal_of(document, self._pipeline.about)

    def suggest(
        self, documents: Iterable[tuple[Document, Sequence[Segment]]], *, on_removed: OnRemoved = unheard
    ) -> Iterator[Suggestion]:
        """Yield a suggestion for every document in a language that the pipeline reads, in order.

        Args:
            documents: Each with its segments; without segments, paragraphs are what empty lines separate.
            on_removed: Told of a document that a component of the pipeline broke on; the rest go on.
        """
        readable = (pair for pair in documents if self.refusal(pair[0]) is None)
        segments: dict[str, Sequence[Segment]] = {}

        def remembered() -> Iterator[tuple[Document, Sequence[Segment]]]:
            for document, parts in readable:
                segments[document.id] = parts
                yield document, parts

        def failed(document: Document, error: Exception) -> None:
            on_removed(broken(document, error))

        drafts = (
            self._draft(parse, segments.pop(parse.document.id, ()))
            for parse in self._pipeline.parse(remembered(), on_failure=failed)
        )
        for batch in _batches(drafts):
            verdicts = iter(self._stance.judge([target.item for draft in batch for target in draft.targets]))
            for draft in batch:
                yield self._suggestion(draft, [next(verdicts) for _ in draft.targets])

    def judge(
        self, documents: Iterable[tuple[Document, Sequence[Span]]], *, conflict: bool = True
    ) -> Iterator[tuple[tuple[float, float, float], ...]]:
        """Yield, for every document, the stance towards each given target as probabilities.

        Args:
            documents: Each with its target spans.
            conflict: Whether the texts are about armed conflict, where evaluation is rarer.

        Returns:
            Per target the probabilities of critical, neutral and supportive; neutral alone where the
            target cannot be found in the parse.
        """
        targets: dict[str, list[Sequence[Span]]] = {}

        def remembered() -> Iterator[tuple[Document, Sequence[Segment]]]:
            for document, spans in documents:
                targets.setdefault(document.id, []).append(spans)
                yield document, ()

        for parse in self._pipeline.parse(remembered()):
            reader = Reader(parse, Tokens(parse), counted=self._stance.reads_signals)
            spans = targets[parse.document.id].pop(0)
            items = [reader.item(span.start, span.end, conflict=conflict) for span in spans]
            verdicts = iter(self._stance.judge([item for item in items if item is not None]))
            yield tuple((0.0, 1.0, 0.0) if item is None else next(verdicts).probabilities for item in items)

    def _draft(self, parse: Parse, segments: Sequence[Segment]) -> _Draft:
        """Return all that a suggestion needs of a parse, as plain values."""
        document = parse.document
        tokens = Tokens(parse)
        mentions = find_mentions(parse, tokens, trim=self._settings.trim_articles, conventions=self._conventions)
        mentions = [mention for mention in mentions if mention.label in self._labels]
        sayings: list[Saying] = []
        if self._layers & {"attribution", "stance"}:
            sayings = _typed(find_sayings(parse, _quotations(document, segments)), mentions)
        # a stance needs the entities that it is about, whatever layers are shown
        entities = (
            tuple(self._entity(document, mention) for mention in mentions)
            if self._layers & {"entities", "stance"}
            else ()
        )
        clusters = mention_clusters(document, entities)
        targets: list[StanceTarget] = []
        if "stance" in self._layers:
            labels, counted = self._scheme.stance_targets, self._stance.reads_signals
            targets = list(find_targets(parse, tokens, mentions, labels=labels, counted=counted))
        if self._settings.stance_per == "cluster":
            places = {entity.id: (entity.span.start, entity.span.end) for entity in entities}
            inside = {places[member]: cluster.members[0] for cluster in clusters for member in cluster.members}
            targets = one_per_cluster(targets, inside, mentions, sayings)
        return _Draft(document, parse.read, mentions, entities, clusters, sayings, targets)

    def _suggestion(self, draft: _Draft, verdicts: Sequence[Verdict]) -> Suggestion:
        document = draft.document
        by_rule = self._stance.kind == "rule"
        judged = [
            decide(target, verdict, draft.mentions, draft.sayings, by_rule=by_rule)
            for target, verdict in zip(draft.targets, verdicts, strict=True)
        ]
        annotations = Annotations(
            document_id=document.id,
            sha256=document.sha256,
            entities=draft.entities,
            attributions=self._attributions(document, draft.sayings) if "attribution" in self._layers else (),
            stances=tuple(self._stance_of(document, judgement) for judgement in judged if judgement is not None),
        ).check(document)
        return Suggestion(
            annotations,
            self.origin,
            draft.read,
            _summary(annotations),
            draft.clusters,
            () if by_rule else _stance_read(draft.targets, verdicts),
        )

    def _entity(self, document: Document, mention: Mention) -> Entity:
        model = mention.origin == "model"
        by_model = Origin("model", self.origin.name, self.origin.version)
        allowed = {attribute.id: attribute for attribute in self._scheme.attributes_of(mention.label)}
        attributes = {
            name: value
            for name, value in mention.attributes.items()
            if name in allowed and (not allowed[name].values or value in {v.id for v in allowed[name].values})
        }
        return Entity(
            id=_id(document, mention.label, mention.start, mention.end),
            span=Span.of(document, mention.start, mention.end),
            label=mention.label,
            origin=by_model if model else Origin("rule", mention.origin, self._rules),
            attributes=attributes,
            score=score(mention, document.text),
        )

    def _attributions(self, document: Document, sayings: Sequence[Saying]) -> tuple[Attribution, ...]:
        found: dict[tuple[int, int], Attribution] = {}
        for saying in sayings:
            if saying.content not in found:
                found[saying.content] = Attribution(
                    id=_id(document, "CONTENT", *saying.content),
                    content=Span.of(document, *saying.content),
                    origin=Origin("rule", f"attribution-{saying.sure}", self._rules),
                    source=Span.of(document, *saying.source) if saying.source else None,
                    cue=Span.of(document, *saying.cue) if saying.cue else None,
                    form=saying.form,
                    source_type=saying.source_type if saying.source else "",
                    score=score_of(saying),
                )
        return tuple(found.values())

    def _stance_of(self, document: Document, judgement: Judgement) -> Stance:
        target, holder = judgement.target, judgement.holder
        assert not isinstance(holder, str) or holder in (OUTLET, UNNAMED)
        return Stance(
            target=_id(document, target.label, target.start, target.end),
            holder=holder if isinstance(holder, str) else _id(document, holder.label, holder.start, holder.end),
            polarity=judgement.polarity,
            origin=Origin(self._stance.kind, self._stance.name, self._stance.version),
            evidence=tuple(Span.of(document, *place) for place in judgement.evidence),
            score=judgement.score,
        )


@dataclass(frozen=True, slots=True)
class _Draft:
    """A document between its parse and the verdicts on its targets; nothing in it belongs to the parse."""

    document: Document
    read: tuple[tuple[int, int], ...]
    mentions: Sequence[Mention]
    entities: tuple[Entity, ...]
    clusters: tuple[MentionCluster, ...]
    sayings: Sequence[Saying]
    targets: Sequence[StanceTarget]


def _batches(drafts: Iterable[_Draft]) -> Iterator[list[_Draft]]:
    """Yield drafts together until they hold enough targets for batches of like length."""
    batch: list[_Draft] = []
    for draft in drafts:
        batch.append(draft)
        if len(batch) >= DOCUMENTS or sum(len(held.targets) for held in batch) >= TARGETS:
            yield batch
            batch = []
    if batch:
        yield batch


def _stance_read(targets: Sequence[StanceTarget], verdicts: Sequence[Verdict]) -> tuple[tuple[int, int], ...]:
    """Return the ranges of the document that the model read, sorted and merged."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(
        (target.sentence[0] + verdict.read[0], target.sentence[0] + verdict.read[1])
        for target, verdict in zip(targets, verdicts, strict=True)
    ):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)


_TYPES: Final = {"igo": "igo_ngo", "ngo": "igo_ngo", "media": "media"}


def _typed(sayings: Sequence[Saying], mentions: Sequence[Mention]) -> list[Saying]:
    """Return the sayings with the type of source that their entity shows, where the words showed none."""
    by_start = {mention.start: mention for mention in mentions}
    typed = []
    for saying in sayings:
        if saying.source and not saying.source_type:
            inside = (by_start.get(offset) for offset in range(*saying.source))
            mention = next((mention for mention in inside if mention is not None), None)
            kind = "party_to_conflict" if mention and mention.label == "ARMED_ACTOR" else ""
            if mention and mention.label == "ORG":
                kind = _TYPES.get(mention.attributes.get("org_class", ""), "")
            saying = replace(saying, source_type=kind)  # noqa: PLW2901
        typed.append(saying)
    return typed


def _id(document: Document, label: str, start: int, end: int) -> str:
    return hashlib.sha256(f"{document.id}\x1f{label}\x1f{start}\x1f{end}".encode()).hexdigest()[:10]


def _quotations(document: Document, segments: Sequence[Segment]) -> list[tuple[int, int]]:
    found = [(segment.start, segment.end) for segment in segments if segment.kind is SegmentKind.QUOTE]
    if found or segments:
        return found
    start = 0
    paragraphs = []
    for part in document.text.split("\n\n"):
        paragraphs.append((start, start + len(part)))
        start += len(part) + 2
    return quotations(document.text, [(low, high) for low, high in paragraphs if low < high])


def _summary(annotations: Annotations) -> float | None:
    scores = [entity.score for entity in annotations.entities] + [stance.score for stance in annotations.stances]
    known = [score for score in scores if score is not None]
    return round(sum(known) / len(known), 4) if known else None


def refusal_of(document: Document, about: PipelineFiles) -> Removed | None:
    """Return why a pipeline cannot suggest for a document, or None where it can."""
    if refused := too_long(document):
        return refused
    if document.language in (about.language, "und", ""):
        return None
    return Removed(
        document_id=document.id,
        stage="suggest",
        reason="language not read by the pipeline",
        of=document.title or document.id,
        detail=f"the document is in {document.language}; {about.name} reads {about.language}. It can be annotated by hand.",
    )


_READ: Final = ("entities", "attribution", "stance")


def _refuse_unknown_layers(settings: SuggestSettings, scheme: LabelScheme) -> None:
    """Raise SettingsError for a layer that nobody knows: a slip of the pen would be a layer without suggestions."""
    known = dict.fromkeys((*_READ, *(layer.id for layer in scheme.layers)))
    if unknown := [layer for layer in settings.layers if layer not in known]:
        raise SettingsError(
            f"there is no layer {unknown[0]!r}",
            where="suggest.layers",
            hint=f"Scheme {scheme.name} has {', '.join(layer.id for layer in scheme.layers)}; "
            f"{', '.join(_READ)} can be suggested.",
        )


def pipeline_origin(
    about: PipelineFiles, settings: SuggestSettings, scheme: LabelScheme, *, stance: str = ""
) -> Origin:
    """Return a pipeline's name and its version, which changes with weights, rules, settings and scheme.

    Args:
        about: What its files say.
        settings: Of the desk.
        scheme: Of the desk.
        stance: The digest of the stance model and its calibration.
    """
    _refuse_unknown_layers(settings, scheme)
    rest = settings.model_dump(mode="json", exclude={"pipeline", "pipelines", "entities", "gazetteers", "stance"})
    rest["gazetteers"] = gazetteer_digests(settings)  # the other two are in about.digest
    digest = settings_digest(about.digest, knowledge_digest(), rest, scheme.digest, stance)
    name = re.sub(r"[^\w.-]+", "-", about.name).strip("-.") or "pipeline"
    return Origin("model", name, f"{about.version}+{digest[:8]}")


def load_suggester(
    settings: SuggestSettings, scheme: LabelScheme, *, stance: StanceChoice | None = None
) -> Suggester | Guest:
    """Load the pipeline that the settings name, or the suggester that another package registered by that name.

    Args:
        settings: What to suggest, and with what.
        scheme: The labels.
        stance: The stance model; what the settings name by default.

    Raises:
        SettingsError: It is not installed, has other weights than the pinned ones, or lacks a component.
    """
    if guest := registered(settings, scheme):
        return guest
    need = {"ner"} if {"entities", "stance"} & set(settings.layers) else set()
    need |= {"parser"} if {"attribution", "stance"} & set(settings.layers) else set()
    need = set() if settings.pipeline.startswith("blank:") else need  # the desk's own lists find all that is found
    pipeline = load_pipeline(settings.pipeline, need=need, component=settings.entities)
    return Suggester(pipeline, settings, scheme=scheme, stance=stance)
