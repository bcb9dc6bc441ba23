"""Load a spaCy pipeline and parse documents with it: the only place that knows spaCy.

A pipeline is a package, a folder or a config of spaCy's; what finds entities in it may be any component
that spaCy has a factory for, whoever wrote it (see :mod:`copydesk.annotate.pipelines`).

A document is parsed once, block by block (headline, paragraph, caption), because a parser that sees
paragraph breaks cuts sentences 17 to 38 points better than one that does not. A block longer than
:data:`WINDOW` is read in several windows; nothing is left out, and :attr:`Parse.read` says which code
points were really read. Every parsed document lives in a memory zone of its batch: what a component
makes of it must be plain values (spans, strings, numbers), never spaCy tokens.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from copydesk.corpus import ComponentSettings
from copydesk.schemas import Document, Segment, SegmentKind, SettingsError

from .endpoint import offer
from .pipelines import DEFAULT_PIPELINE, EXTRAS, NER_STAYS, PipelineFiles, describe_pipeline

__all__ = [
    "DEFAULT_PIPELINE",
    "WINDOW",
    "Block",
    "Found",
    "Parse",
    "Pipeline",
    "PipelineFiles",
    "describe_pipeline",
    "load_pipeline",
    "windows",
]

WINDOW: Final = 4_000
"""The most code points that the models read at once. News paragraphs have 200 to 600."""
UNSPACED: Final = re.compile(r"\S{400}")
"""No word of news is so long. The tokenizer's time grows with the square of such a run: it is read piece by piece."""
BATCH: Final = 60_000
"""How many code points are parsed in one memory zone."""

Parsed = Any
"""A ``spacy.tokens.Doc``; typed as Any so that no other module needs spaCy to name it."""
Token = Any
"""A ``spacy.tokens.Token``."""

_STAMP: Final = re.compile(r"\d{1,2}[:.]\d{2}(?: [A-Z]{3})?\s*[-–—:]\s+")
"""The time before an entry of a live page; like a dateline it is no part of the sentence."""
_FINDERS: Final = frozenset(
    {*EXTRAS, "ner", "copydesk_tagger", "entity_ruler", "span_ruler", "spancat", "spancat_singlelabel"}
)
"""Factories of components that find entities; others may say so by ``assigns``."""
_BLOCKS: Final = frozenset({SegmentKind.HEADLINE, SegmentKind.PARAGRAPH, SegmentKind.CAPTION})


@dataclass(frozen=True, slots=True)
class Found:
    """An entity that a component found.

    Attributes:
        span: The spaCy ``Span``; lives as long as its block.
        label: The component's label.
        score: How sure the component is, from 0 to 1; None where it doesn't say.
    """

    span: Any
    label: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Block:
    """One parsed window of a document.

    Attributes:
        start: Where the window starts in the document's text, in code points; `end` where it ends.
        kind: The kind of block that it is, or is a part of.
        parsed: The spaCy ``Doc``; valid only until the next document is taken from the iterator.
        spans: The key of ``doc.spans`` that holds the entities; empty: ``doc.ents``.
        labels: The component's words for labels, see :class:`PipelineFiles`.
    """

    start: int
    end: int
    kind: SegmentKind
    parsed: Parsed
    spans: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def entities(self) -> Iterator[Found]:
        """Yield what the component found, by place; from ``doc.spans`` they may overlap.

        A score is the span group's (``attrs["scores"]``) or the span's own (``span._.score``).
        """
        group = self.parsed.spans.get(self.spans, ()) if self.spans else self.parsed.ents
        scores = getattr(group, "attrs", {}).get("scores", ())
        known = len(scores) == len(group)
        for index, span in enumerate(group):
            own = span._.score if span.has_extension("score") else None
            label = self.labels.get(span.label_, span.label_)
            yield Found(span, label, _probability(scores[index] if known and len(scores) else own))


@dataclass(frozen=True, slots=True)
class Parse:
    """A document with the one parse that all components share."""

    document: Document
    blocks: tuple[Block, ...]

    @property
    def read(self) -> tuple[tuple[int, int], ...]:
        """The ranges of code points that the models read, sorted and merged."""
        merged: list[tuple[int, int]] = []
        for block in self.blocks:
            start, end = block.start, block.end
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return tuple(merged)


def _probability(score: Any) -> float | None:
    # an extension that nobody set is 0 in gliner-spacy
    try:
        number = float(score)  # also of numpy
    except (TypeError, ValueError):
        return None
    return number if 0 < number <= 1 else None


class Pipeline:
    """A loaded spaCy pipeline that knows the digest of its own files.

    Args:
        nlp: The ``spacy.language.Language``.
        about: What its files say about it.
    """

    def __init__(self, nlp: Any, about: PipelineFiles) -> None:
        self._nlp = nlp
        self.about = about

    @cached_property
    def components(self) -> frozenset[str]:
        """What runs in it: ``parser``, ``tagger`` and so on; ``ner`` stands for anything that finds entities."""
        names = set(self._nlp.pipe_names)
        for name in self._nlp.pipe_names:
            meta = self._nlp.get_pipe_meta(name)
            if meta.factory in _FINDERS or "doc.ents" in meta.assigns:
                names.add("ner")
        return frozenset(names)

    def parse(
        self,
        documents: Iterable[tuple[Document, Sequence[Segment]]],
        *,
        on_failure: Callable[[Document, Exception], None] | None = None,
    ) -> Iterator[Parse]:
        """Parse documents in order, batch by batch, each batch in a memory zone.

        The parse that is yielded must be used up before the next one is asked for.

        Args:
            documents: Each with its segments.
            on_failure: Told of a document that a component broke on; it is left out, and the rest go on.
                By default the component's error is raised.
        """
        # a component from elsewhere may break on a document, and reads one at a time anyway: none is read twice
        for batch in _batches(documents, 0 if self.about.component else BATCH):
            plans = [(document, list(windows(document, segments))) for document, segments in batch]
            with self._nlp.memory_zone():
                for document, plan, parsed in self._parsed(plans, on_failure):
                    blocks = zip(plan, parsed, strict=True)
                    yield Parse(document, tuple(self._block(*window, doc) for window, doc in blocks))

    def _parsed(
        self, plans: Sequence[tuple[Document, _Plan]], on_failure: Callable[[Document, Exception], None] | None
    ) -> Iterator[tuple[Document, _Plan, list[Parsed]]]:
        """Yield every document with its plan and a parse per window: all in one pass, singly where that fails."""
        try:
            parsed = iter(self._read([document.text[start:end] for document, plan in plans for start, end, _ in plan]))
        except Exception as error:
            if on_failure is None:
                raise
            if len(plans) == 1:
                on_failure(plans[0][0], error)
                return
            for pair in plans:
                yield from self._parsed([pair], on_failure)
            return
        for document, plan in plans:
            yield document, plan, [next(parsed) for _ in plan]

    def _read(self, texts: Sequence[str]) -> list[Parsed]:
        with warnings.catch_warnings():
            # spacy-huggingface-pipelines warns and goes on without entities: nothing found would look like nothing there
            warnings.filterwarnings("error", message="Unable to process, skipping")
            warnings.filterwarnings("ignore", message="(Unable to process texts as batch|Skipping annotation)")
            return list(self._nlp.pipe(texts, batch_size=64))

    def _block(self, start: int, end: int, kind: SegmentKind, parsed: Parsed) -> Block:
        return Block(start, end, kind, parsed, self.about.component.spans, self.about.labels)


_Plan = list[tuple[int, int, SegmentKind]]


def windows(document: Document, segments: Sequence[Segment] = ()) -> Iterator[tuple[int, int, SegmentKind]]:
    """Yield the windows that the models read: start, end, kind; in order, none longer than :data:`WINDOW`.

    Without segments the blocks are what empty lines separate. A dateline is a window of its own: left
    in the sentence that follows, it becomes its subject.
    """
    datelines = {segment.start: segment.end for segment in segments if segment.kind is SegmentKind.DATELINE}
    blocks = [(s.start, s.end, s.kind) for s in segments if s.kind in _BLOCKS] or list(_blocks(document.text))
    for start, end, kind in sorted(blocks):
        stamp = _STAMP.match(document.text, start, end)
        cut = datelines.get(start, stamp.end() if stamp else start)
        if start < cut < end:
            yield start, cut, SegmentKind.DATELINE
        yield from ((first, last, kind) for first, last in _windows(document.text, cut, end) if last > first)


def _blocks(text: str) -> Iterator[tuple[int, int, SegmentKind]]:
    start = 0
    for part in text.split("\n\n"):
        if part.strip():
            yield start, start + len(part), SegmentKind.PARAGRAPH
        start += len(part) + 2


def _windows(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    size = 400 if UNSPACED.search(text, start, end) else WINDOW
    while end - start > size:
        # the last sentence end, else the last space, else a hard cut; never in the first half
        half, limit = start + size // 2, start + size
        cut = max(text.rfind(mark, half, limit) + len(mark) for mark in (". ", ".” ", '." ', "? ", "! ", "。"))
        if cut <= half:
            cut = text.rfind(" ", half, limit) + 1
        if cut <= half:
            cut = limit
        yield start, cut
        start = cut
    yield start, end


def _batches(
    documents: Iterable[tuple[Document, Sequence[Segment]]], most: int
) -> Iterator[list[tuple[Document, Sequence[Segment]]]]:
    batch: list[tuple[Document, Sequence[Segment]]] = []
    size = 0
    for document, segments in documents:
        batch.append((document, segments))
        size += len(document.text)
        if size >= most:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def load_pipeline(
    name: str = DEFAULT_PIPELINE,
    *,
    need: Iterable[str] = (),
    component: ComponentSettings = NER_STAYS,
) -> Pipeline:
    """Load a pipeline.

    Args:
        name: A package, a folder or a config: see :mod:`copydesk.annotate.pipelines`.
        need: Components that must be in it, such as ``parser``; ``ner``: anything that finds entities.
        component: What finds entities in the place of its own ``ner``.

    Raises:
        SettingsError: It is not installed, cannot be loaded, lacks a component, or is the default
            pipeline with other weights than the pinned ones.
    """
    about = describe_pipeline(name, component=component)
    nlp = _assembled(about, name)
    if about.component:
        _add_component(nlp, about.component)
    pipeline = Pipeline(nlp, about)
    missing = sorted(set(need) - pipeline.components - ({"ner"} if about.component else set()))
    if missing:
        raise SettingsError(
            f"the pipeline has no {missing[0]}; it has {', '.join(sorted(pipeline.components)) or 'no components'}",
            where=name,
            hint="Attribution and stance need a parser, entities an ner: take another pipeline, or drop the layer "
            "from `layers` under [suggest].",
        )
    return pipeline


def _assembled(about: PipelineFiles, name: str) -> Any:
    import spacy

    if name.startswith("blank:"):
        return _blank(about.language, name)
    # the sentence model is switched off by its maker and the parser cuts sentences: do not even read it
    exclude = ["senter", "ner"] if about.component else ["senter"]
    config_file = about.folder if about.folder.is_file() else about.folder / "config.cfg"
    try:
        if about.component.factory == "llm" or '"llm"' in config_file.read_text(encoding="utf-8"):
            offer()
        if about.folder.is_dir():
            return spacy.load(about.folder, exclude=exclude)
        config = spacy.util.load_config(config_file)
        nlp = spacy.util.load_model_from_config(config, auto_fill=True, exclude=exclude)
        _try(nlp)
    except Exception as error:  # spaCy raises many kinds for a broken folder; all mean the same to the reader
        for factory in EXTRAS:
            if f"'{factory}'" in str(error) or f" {factory} " in str(error):
                _has_factory(factory, name)
        raise SettingsError(f"spaCy cannot load the pipeline: {error}", where=name) from error
    return nlp


def _blank(language: str, name: str) -> Any:
    """Return spaCy's rules for the words and sentences of a language."""
    import spacy

    try:
        nlp = spacy.blank(language)
    except ImportError as error:
        raise SettingsError(
            f"spaCy has no rules for the language {language!r}", where=name, hint="blank:xx reads any language."
        ) from error
    nlp.add_pipe("sentencizer")
    return nlp


def _try(nlp: Any) -> None:
    """Run what a config made that has weights: those that nobody trained break on their first word."""
    from spacy.pipeline import TrainablePipe

    weightless = [name for name, pipe in nlp.pipeline if not isinstance(pipe, TrainablePipe)]
    with nlp.select_pipes(disable=weightless):
        nlp("Try")


def _add_component(nlp: Any, component: ComponentSettings) -> None:
    _has_factory(component.factory, "suggest.entities.factory")
    try:
        # last, so that it may use whatever the others found
        nlp.add_pipe(component.factory, name=f"entities-{component.factory}", config=component.config)
    except Exception as error:  # of a package that we do not know: a wrong setting, absent weights, no endpoint
        raise SettingsError(
            f"{component.factory} cannot be made: {error}",
            where="suggest.entities",
            hint="Its settings are [suggest.entities] config; see docs/pipelines.md and the package's own pages.",
        ) from error


def _has_factory(factory: str, where: str) -> None:
    """Raise SettingsError where no installed package registers this factory."""
    from spacy.language import Language

    cause = ""
    try:
        if not factory or Language.has_factory(factory):
            return
    except Exception as error:  # its package is there and cannot be imported
        cause = f": {error}"
    extra = EXTRAS.get(factory)
    raise SettingsError(
        f"no installed package makes the component {factory!r}{cause}",
        where=where,
        hint=f"pip install copydesk[{extra}]" if extra else "Install the package that registers it with spaCy.",
    )
