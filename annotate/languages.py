"""Suggest in several languages: a pipeline for each that the settings name, the first for all else.

``[suggest] pipelines`` gives a language its own pipeline::

    pipelines = { fr = "fr_core_news_sm", uk = "blank" }

A document goes to its language's pipeline. What reads attribution and stance was made for English: another language gets
entities alone, from its pipeline's ``ner`` and from names that are written alike everywhere. ``blank`` is spaCy's rules
for the language's words without any model: what it finds comes from the desk's own gazetteers and our patterns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby

from copydesk.corpus import SuggestSettings, settings_digest
from copydesk.schemas import Document, LabelScheme, Origin, Removed, SettingsError, Suggestion

from .own_gazetteers import conventions
from .pipelines import PipelineFiles, describe_pipeline
from .stance_choice import StanceChoice, choose_stance
from .suggester import Suggester, load_suggester, pipeline_origin
from .suggesters import Guest, OnRemoved, Read, too_long, unheard

__all__ = ["ByLanguage", "announced_by_language", "load_suggesters"]

ENGLISH_ONLY = frozenset({"attribution", "stance"})


class ByLanguage:
    """Several suggesters behind the face of one.

    Args:
        first: What reads every document in no language of its own among the others.
        others: By ISO 639-1 code.
        origin: Name and version of all of them together.
    """

    def __init__(self, first: Suggester | Guest, others: Mapping[str, Suggester | Guest], origin: Origin) -> None:
        self._first, self._others = first, dict(others)
        self.origin = origin

    def refusal(self, document: Document) -> Removed | None:
        """Return why nothing can be suggested for a document, or None where one of them reads it."""
        return self._reader(document.language).refusal(document)

    def suggest(self, documents: Iterable[Read], *, on_removed: OnRemoved = unheard) -> Iterator[Suggestion]:
        """Yield a suggestion for every document that its language's pipeline reads, in order."""
        # neighbours in one language are read together; the order stays
        for language, some in groupby(documents, key=lambda pair: pair[0].language):
            for suggestion in self._reader(language).suggest(some, on_removed=on_removed):
                yield replace(suggestion, pipeline=self.origin)

    def _reader(self, language: str) -> Suggester | Guest:
        return self._others.get(language, self._first)


def load_suggesters(
    settings: SuggestSettings, scheme: LabelScheme, *, stance: StanceChoice | None = None
) -> Suggester | Guest | ByLanguage:
    """Load what suggests by a desk's settings: one suggester, or one for each language.

    Raises:
        SettingsError: A pipeline is not installed, or lacks what its layers need.
    """
    first = load_suggester(settings.model_copy(update={"pipelines": {}}), scheme, stance=stance)
    if not settings.pipelines:
        return first
    stance = stance or choose_stance(settings)
    others = {code: load_suggester(own, scheme, stance=reads) for code, own, reads in _own_settings(settings, stance)}
    return ByLanguage(first, others, _together(first.origin, {code: one.origin for code, one in others.items()}))


def announced_by_language(
    first: Origin,
    refusal: Callable[[Document], Removed | None],
    settings: SuggestSettings,
    scheme: LabelScheme,
    stance: StanceChoice,
) -> tuple[Origin, Callable[[Document], Removed | None]]:
    """Return who will suggest, and what tells the documents that none of them reads; no model is loaded.

    Args:
        first: The desk's first pipeline.
        refusal: What tells the documents that it does not read.
        settings: Of the desk.
        scheme: Of the desk.
        stance: What reads stances in English.
    """
    origins: dict[str, Origin] = {}
    for language, own, reads in _own_settings(settings, stance):
        about = describe_pipeline(own.pipeline, component=own.entities)
        _refuse_other_language(about, language)
        conventions(own, scheme, about.trained)
        origins[language] = pipeline_origin(about, own, scheme, stance=reads.digest)

    def refused(document: Document) -> Removed | None:
        return too_long(document) if document.language in origins else refusal(document)

    return (_together(first, origins), refused) if origins else (first, refusal)


def _own_settings(
    settings: SuggestSettings, stance: StanceChoice
) -> Iterator[tuple[str, SuggestSettings, StanceChoice]]:
    """Yield every language with the settings and the stance model of its own suggester."""
    for language, name in sorted(settings.pipelines.items()):
        pipeline = f"blank:{language}" if name == "blank" else name
        # who put a component in the place of the first pipeline's ner did not say so of any other
        changed = {"pipeline": pipeline, "pipelines": {}, "entities": type(settings.entities)()}
        if language == "en":
            yield language, settings.model_copy(update=changed), stance
            continue
        changed |= {"layers": [layer for layer in settings.layers if layer not in ENGLISH_ONLY], "stance": "lexicon"}
        own = settings.model_copy(update=changed)
        yield language, own, choose_stance(own)


def _refuse_other_language(about: PipelineFiles, language: str) -> None:
    if about.language not in (language, "xx"):
        raise SettingsError(
            f"the pipeline reads {about.language}",
            where=f"suggest.pipelines: {language}",
            hint=f'Name one for {language}, or "blank" for its rules without a model.',
        )


def _together(first: Origin, others: Mapping[str, Origin]) -> Origin:
    codes = sorted(others)
    digest = settings_digest(first.version, [(code, others[code].name, others[code].version) for code in codes])
    version = first.version.partition("+")[0]
    return Origin("model", "-".join([first.name, *codes]), f"{version}+{digest[:8]}")
