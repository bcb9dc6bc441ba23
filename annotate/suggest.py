"""Suggest entities, attribution and stance for the documents of a desk.

One parse per document is shared by all components; what they find becomes one
:class:`~copydesk.schemas.Suggestion` per document, with an id per region that depends on nothing but
the document, the label and the place, so that the same find keeps its id from version to version.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.corpus import (
    Desk,
    Shard,
    SuggestSettings,
    canonical_documents,
    copies,
    file_sha256,
    quotations,
    record_removed,
    run_shards,
    settings_digest,
)
from copydesk.schemas import (
    OUTLET,
    UNNAMED,
    Annotations,
    Attribution,
    Document,
    Entity,
    LabelScheme,
    OnProgress,
    Origin,
    Removed,
    Segment,
    SegmentKind,
    Span,
    Stance,
    Suggestion,
    silent,
    to_table,
)

from .attribution import Saying, find_sayings
from .entities import Mention, Tokens, find_mentions
from .knowledge import RULES_VERSION, knowledge, knowledge_digest
from .models import Parse, Pipeline, PipelineFiles, describe_pipeline, load_pipeline
from .stance import Judgement, LexiconStance, StanceModel, find_judgements, probabilities

__all__ = ["SuggestResult", "Suggester", "load_suggester", "pipeline_origin", "suggest", "suggestions"]

CURRENT: Final = "pipeline"
"""Where ``state.json`` notes which pipeline a desk uses now."""
LONGEST: Final = 250_000
"""Code points; a longer text is no news article, and parsing one was seen to take minutes."""


class Suggester:
    """Everything that suggests, loaded once.

    Args:
        pipeline: The spaCy pipeline.
        settings: What to suggest.
        scheme: Labels, attributes and values that it does not have are left out.
        stance: What reads stances; the shipped baseline by default.
    """

    def __init__(
        self, pipeline: Pipeline, settings: SuggestSettings, *, scheme: LabelScheme, stance: StanceModel | None = None
    ) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._scheme = scheme
        self._stance = stance or LexiconStance()
        self._layers = frozenset(settings.layers) & {layer.id for layer in scheme.layers}
        self._labels = frozenset(label.id for label in scheme.span_labels)
        self._rules = f"{RULES_VERSION}+{knowledge_digest()[:8]}"
        self.origin = pipeline_origin(pipeline.about, settings, scheme)

    def refusal(self, document: Document) -> Removed | None:
        """Return why nothing can be suggested for a document, or None where it can be read."""
        return _refusal(document, self._pipeline.about)

    def suggest(self, documents: Iterable[tuple[Document, Sequence[Segment]]]) -> Iterator[Suggestion]:
        """Yield a suggestion for every document in a language that the pipeline reads, in order.

        Args:
            documents: Each with its segments; without segments, paragraphs are what empty lines separate.
        """
        readable = (pair for pair in documents if self.refusal(pair[0]) is None)
        segments: dict[str, Sequence[Segment]] = {}

        def remembered() -> Iterator[tuple[Document, Sequence[Segment]]]:
            for document, parts in readable:
                segments[document.id] = parts
                yield document, parts

        for parse in self._pipeline.parse(remembered()):
            yield self._suggestion(parse, segments.pop(parse.document.id, ()))

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
            tokens = Tokens(parse)
            spans = targets[parse.document.id].pop(0)
            yield tuple(probabilities(tokens, span.start, span.end, self._stance, conflict=conflict) for span in spans)

    def _suggestion(self, parse: Parse, segments: Sequence[Segment]) -> Suggestion:
        document = parse.document
        tokens = Tokens(parse)
        mentions = find_mentions(parse, tokens, trim=self._settings.trim_articles)
        mentions = [mention for mention in mentions if mention.label in self._labels]
        sayings: list[Saying] = []
        judgements: list[Judgement] = []
        if self._layers & {"attribution", "stance"}:
            sayings = _typed(find_sayings(parse, _quotations(document, segments)), mentions)
        if "stance" in self._layers:
            targets = self._scheme.stance_targets
            judgements = list(find_judgements(parse, tokens, mentions, sayings, targets=targets, model=self._stance))
        # a stance needs the entities that it is about, whatever layers are shown
        entities = (
            tuple(self._entity(document, mention) for mention in mentions)
            if self._layers & {"entities", "stance"}
            else ()
        )
        annotations = Annotations(
            document_id=document.id,
            sha256=document.sha256,
            entities=entities,
            attributions=self._attributions(document, sayings) if "attribution" in self._layers else (),
            stances=tuple(self._stances(document, judgements)),
        ).check(document)
        return Suggestion(annotations, self.origin, parse.read, _summary(annotations))

    def _entity(self, document: Document, mention: Mention) -> Entity:
        scores = knowledge("scores")
        model = mention.origin == "model"
        by_model = Origin("model", self.origin.name, self.origin.version)
        score = scores["entities"].get(f"{mention.origin}:{mention.label}", scores["model" if model else "rules"])
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
            score=float(score),
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
                    source_type=saying.source_type,
                )
        return tuple(found.values())

    def _stances(self, document: Document, judgements: Sequence[Judgement]) -> Iterator[Stance]:
        for judgement in judgements:
            target, holder = judgement.target, judgement.holder
            assert not isinstance(holder, str) or holder in (OUTLET, UNNAMED)
            yield Stance(
                target=_id(document, target.label, target.start, target.end),
                holder=holder if isinstance(holder, str) else _id(document, holder.label, holder.start, holder.end),
                polarity=judgement.polarity,
                origin=Origin("rule", "lexicon-and-roles", self._rules),
                evidence=tuple(Span.of(document, *place) for place in judgement.evidence),
                score=judgement.score,
            )


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


def _refusal(document: Document, about: PipelineFiles) -> Removed | None:
    if len(document.text) > LONGEST:
        return Removed(
            document_id=document.id,
            stage="suggest",
            reason="too long to suggest on",
            of=document.title or document.id,
            detail=f"{len(document.text):,} code points; at most {LONGEST:,} are read. It can be annotated by hand.",
        )
    if document.language in (about.language, "und", ""):
        return None
    return Removed(
        document_id=document.id,
        stage="suggest",
        reason="language not read by the pipeline",
        of=document.title or document.id,
        detail=f"the document is in {document.language}; {about.name} reads {about.language}. It can be annotated by hand.",
    )


def pipeline_origin(about: PipelineFiles, settings: SuggestSettings, scheme: LabelScheme) -> Origin:
    """Return a pipeline's name and its version, which changes with weights, rules, settings and scheme."""
    rest = settings.model_dump(mode="json", exclude={"pipeline"})
    digest = settings_digest(about.digest, knowledge_digest(), rest, scheme.digest)
    name = re.sub(r"[^\w.-]+", "-", about.name).strip("-.") or "pipeline"
    return Origin("model", name, f"{about.version}+{digest[:8]}")


def load_suggester(settings: SuggestSettings, scheme: LabelScheme) -> Suggester:
    """Load the pipeline that the settings name.

    Raises:
        SettingsError: It is not installed, has other weights than the pinned ones, or lacks a component.
    """
    need = {"ner"} if {"entities", "stance"} & set(settings.layers) else set()
    need |= {"parser"} if {"attribution", "stance"} & set(settings.layers) else set()
    return Suggester(load_pipeline(settings.pipeline, need=need), settings, scheme=scheme)


# the stage


@dataclass(frozen=True, slots=True)
class SuggestResult:
    """What a desk has after :func:`suggest`.

    Attributes:
        pipeline: Name and version of the pipeline.
        path: The folder of its suggestions.
        documents: Documents with suggestions; `entities`, `attributions`, `stances` in them.
        removed: Documents that nothing could be suggested for, and why.
        done: Shards made in this run; `skipped` were made before.
    """

    pipeline: Origin
    path: Path
    documents: int
    entities: int
    attributions: int
    stances: int
    removed: tuple[Removed, ...]
    done: int
    skipped: int


def suggest(desk: Desk, *, pipeline: str | None = None, on_progress: OnProgress = silent) -> SuggestResult:
    """Suggest on every canonical document of a desk that has no suggestions of this pipeline yet.

    Writes ``suggestions/<name>@<version>/part-*.parquet``, one shard per articles shard, and notes the
    pipeline as the desk's current one.

    Args:
        desk: Where.
        pipeline: A spaCy pipeline by name or folder in place of the one in the settings.
        on_progress: Told of shards.

    Raises:
        SettingsError: The pipeline cannot be used.
        DeskError: Another copydesk is at work here, or a worker process died.
    """
    settings = desk.settings.suggest.model_copy(update={"pipeline": pipeline} if pipeline else {})
    about = describe_pipeline(settings.pipeline)
    origin = pipeline_origin(about, settings, desk.scheme())
    folder = f"{origin.name}@{origin.version}"
    with desk.locked():
        work = functools.partial(_suggest_shard, desk.path, settings)
        shards = _shards(desk, folder, origin)
        result = run_shards(work, shards, desk=desk, stage=f"suggest {folder}", on_progress=on_progress)
        refused = tuple(r for document in canonical_documents(desk) if (r := _refusal(document, about)))
        record_removed(desk, "suggest", refused)
        desk.note(CURRENT, {"name": origin.name, "version": origin.version})
    counts = _counts([shard.output for shard in shards])
    return SuggestResult(
        origin, desk.path / "suggestions" / folder, *counts, removed=refused, done=result.done, skipped=result.skipped
    )


def _shards(desk: Desk, folder: str, origin: Origin) -> list[Shard]:
    others = copies(desk)
    shards = []
    for part in desk.parts("articles"):
        segments = desk.path / "segments" / part.name
        inputs = (part, segments) if segments.exists() else (part,)
        ids = set(pq.read_table(part, columns=["id"]).column("id").to_pylist())
        key = settings_digest([file_sha256(path) for path in inputs], origin.version, sorted(others & ids))
        shards.append(Shard(inputs, desk.path / "suggestions" / folder / part.name, key))
    return shards


@functools.lru_cache(maxsize=1)
def _loaded(settings: str, scheme: str) -> Suggester:
    return load_suggester(SuggestSettings.model_validate_json(settings), LabelScheme.model_validate_json(scheme))


def _suggest_shard(path: Path, settings: SuggestSettings, shard: Shard) -> pa.Table:
    desk = Desk(path)
    others = copies(desk)
    suggester = _loaded(settings.model_dump_json(), desk.scheme().model_dump_json())
    segments: dict[str, list[Segment]] = {}
    for part in shard.inputs[1:]:
        for segment in desk.read_part(Segment, part):
            segments.setdefault(segment.document_id, []).append(segment)
    documents = (
        (document, segments.get(document.id, []))
        for document in desk.read_part(Document, shard.inputs[0])
        if document.id not in others
    )
    return to_table(Suggestion, suggester.suggest(documents))


def _counts(parts: Iterable[Path]) -> tuple[int, int, int, int]:
    totals = [0, 0, 0, 0]
    for part in parts:
        table = pq.read_table(part, columns=["entities", "attributions", "stances"])
        totals[0] += table.num_rows
        for position, column in enumerate(table.columns, start=1):
            totals[position] += pc.sum(pc.list_value_length(column)).as_py() or 0
    documents, entities, attributions, stances = totals
    return documents, entities, attributions, stances


def suggestions(desk: Desk, *, pipeline: Origin | None = None) -> Iterator[Suggestion]:
    """Yield the suggestions of a pipeline, the desk's current one by default; nothing where there are none."""
    if pipeline is None:
        current = desk.state().get(CURRENT)
        if current is None:
            return
        pipeline = Origin("model", current["name"], current["version"])
    yield from desk.read(Suggestion, f"suggestions/{pipeline.name}@{pipeline.version}")
