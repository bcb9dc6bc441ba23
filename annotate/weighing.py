"""Let a model of the annotators decide where several of them differ, in the place of counting heads.

    spans of one layer ─► clusters by overlap ─► who says which label, or none ─┐
    contents of quotations ─► the same                                         ├─► crowd model ─► a chance per answer
    holder and target, their mentions as just decided ─► which polarity, or none ┘

All documents that several people finished are weighed together, layer by layer, because what is learnt is how each
person errs. What has more than half of the chances stands, with its chance as its score; what has less than the
settings ask for is open, unless all said the same. Borders are the medoid's. Attributes, evidence, sources and answers
about the whole document are counted as by majority, among those who marked the thing at all.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from copydesk.schemas import OUTLET, UNNAMED, Annotations, Attribution, Entity, LabelScheme, Span, Stance

from .consensus import EVERYTHING, Asked, Ballots, Disagreement, mention_id
from .crowd import CrowdModel, posteriors
from .span_clusters import SpanCluster, Vote, cluster_spans

__all__ = ["Several", "weighed"]

ABSENT: Final = ""
CONTENT: Final = "CONTENT"
ATTRIBUTION: Final = "attribution"
STANCE: Final = "stance"

Chances = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Several:
    """What several people say about one document.

    Attributes:
        versions: Annotator to annotations with ids by content.
        asked: Annotator to what they were asked.
    """

    versions: Mapping[str, Annotations]
    asked: Mapping[str, Asked]

    def electorate(self, layer: str, votes: Collection[str], span: Span) -> list[str]:
        """Return who could say something about a span of a layer; who did is among them."""
        if not self.asked:
            return sorted(self.versions)
        return [
            who for who in sorted(self.versions) if who in votes or self.asked.get(who, EVERYTHING).about(layer, span)
        ]


@dataclass(frozen=True, slots=True)
class _Decided:
    """A cluster, the label that stands for it or nothing, the largest chance, and the border that stands."""

    cluster: SpanCluster
    label: str
    chance: float
    border: Span


@dataclass(slots=True)
class _Ruled:
    """What was decided about one document.

    Attributes:
        mentions: Every cluster of mentions, and what stands for it.
        contents: The same of contents.
        polarities: (target, holder) to the polarity that stands or nothing, and the largest chance.
        versions: Annotator to their annotations, every mention and content brought to where the cluster's stands.
    """

    mentions: list[_Decided] = field(default_factory=list)
    contents: list[_Decided] = field(default_factory=list)
    polarities: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    versions: dict[str, Annotations] = field(default_factory=dict)


def weighed(
    documents: Mapping[str, Several], scheme: LabelScheme, model: CrowdModel, *, least: float, seed: int = 0
) -> dict[str, tuple[Annotations, tuple[Disagreement, ...]]]:
    """Return what stands in every document, and where its annotators differ.

    Args:
        documents: Document id to what several people say about it.
        scheme: The desk's scheme.
        model: ``dawid-skene`` or ``mace``.
        least: The chance below which something is open.
        seed: Of the model.

    Raises:
        SettingsError: The model's library is not installed.
    """
    layers = {label.id: label.layer for label in scheme.span_labels}
    ruled = {own: _Ruled() for own in documents}
    fits = {label: frozenset(a.id for a in scheme.attributes_of(label)) for label in layers}
    with _uncollected():
        _weigh_spans(documents, ruled, layers, model, seed)
        for own, several in documents.items():
            ruled[own].versions = _aligned(several, ruled[own], fits)
        _weigh_polarities(documents, ruled, model, seed)
        return {own: _Weighed(ruled[own], several.asked, layers, least).counted() for own, several in documents.items()}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the garbage collector rest: millions of objects are made here that all stay, and it would walk them over and over."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


# chances


def _weigh_spans(
    documents: Mapping[str, Several],
    ruled: Mapping[str, _Ruled],
    layers: Mapping[str, str],
    model: CrowdModel,
    seed: int,
) -> None:
    """Cluster the spans of every document, and weigh each layer's clusters together."""
    waiting: dict[str, list[tuple[str, SpanCluster]]] = defaultdict(list)
    for own, several in documents.items():
        for layer, votes in sorted(_spans(several, layers).items()):
            waiting[layer] += [(own, cluster) for cluster in cluster_spans(layer, votes)]
    for layer, found in sorted(waiting.items()):
        answers = [_labels(documents[own], cluster) for own, cluster in found]
        decided = zip(found, answers, posteriors(answers, model, seed=seed), strict=True)
        for (own, cluster), given, chances in decided:
            label, chance = _best(chances, given.values())
            stands = _Decided(cluster, label, chance, cluster.border(label))
            (ruled[own].contents if layer == ATTRIBUTION else ruled[own].mentions).append(stands)


def _spans(several: Several, layers: Mapping[str, str]) -> dict[str, list[tuple[str, Vote]]]:
    found: dict[str, list[tuple[str, Vote]]] = defaultdict(list)
    for who, version in several.versions.items():
        for entity in version.entities:
            layer = layers.get(entity.label, "spans")
            found[layer].append((who, Vote(entity.span, entity.label, entity.id)))
        for one in version.attributions:
            found[ATTRIBUTION].append((who, Vote(one.content, CONTENT, one.id)))
    return found


def _labels(several: Several, cluster: SpanCluster) -> dict[str, str]:
    """Return what everybody who could says about a cluster: a label, or nothing."""
    asked = several.electorate(cluster.layer, cluster.votes, cluster.border(""))
    return {who: cluster.votes[who].label if who in cluster.votes else ABSENT for who in asked}


def _weigh_polarities(
    documents: Mapping[str, Several], ruled: Mapping[str, _Ruled], model: CrowdModel, seed: int
) -> None:
    places: list[tuple[str, tuple[str, str]]] = []
    answers: list[dict[str, str]] = []
    for own, several in documents.items():
        pairs: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        spans: dict[str, Span] = {}
        for who, version in ruled[own].versions.items():
            spans |= {entity.id: entity.span for entity in version.entities}
            for stance in version.stances:
                pairs[stance.target, stance.holder][who] = stance.polarity
        for pair, votes in sorted(pairs.items()):
            places.append((own, pair))
            could = several.electorate(STANCE, votes, spans[pair[0]])
            answers.append({who: votes.get(who, ABSENT) for who in could})
    for (own, pair), given, chances in zip(places, answers, posteriors(answers, model, seed=seed), strict=True):
        ruled[own].polarities[pair] = _best(chances, given.values())


def _best(chances: Chances, given: Collection[str]) -> tuple[str, float]:
    """Return the answer with more than half of the chances, or nothing, and the largest chance.

    An answer that nobody gave is none, however probable a model thinks it.
    """
    rated = ((chance, answer) for answer, chance in chances.items() if answer in given)
    chance, answer = max(rated, default=(0.0, ABSENT))
    return (answer if chance > 0.5 else ABSENT), chance


# everybody's version, brought to what stands


def _aligned(several: Several, ruled: _Ruled, fits: Mapping[str, frozenset[str]]) -> dict[str, Annotations]:
    """Return every version with its mentions and contents where the clusters' stand; those decided against are left out."""
    place: dict[tuple[str, str], tuple[Span, str]] = {}
    for one in (*ruled.mentions, *ruled.contents):
        if one.label:
            place |= {(who, vote.own): (one.border, one.label) for who, vote in one.cluster.votes.items()}
    return {who: _moved(version, who, place, fits) for who, version in several.versions.items()}


def _moved(
    version: Annotations,
    who: str,
    place: Mapping[tuple[str, str], tuple[Span, str]],
    fits: Mapping[str, frozenset[str]],
) -> Annotations:
    document = version.document_id
    names = {OUTLET: OUTLET, UNNAMED: UNNAMED}
    entities: dict[str, Entity] = {}
    for entity in version.entities:
        if (stands := place.get((who, entity.id))) is not None:
            span, label = stands
            names[entity.id] = mention_id(document, span, label)
            if names[entity.id] != entity.id:
                said = {name: value for name, value in entity.attributes.items() if name in fits.get(label, ())}
                entity = replace(entity, id=names[entity.id], span=span, label=label, attributes=said)  # noqa: PLW2901
            entities.setdefault(entity.id, entity)
    contents: dict[str, Attribution] = {}
    for one in version.attributions:
        if (stands := place.get((who, one.id))) is not None:
            own = mention_id(document, stands[0], CONTENT)
            contents.setdefault(own, one if own == one.id else replace(one, id=own, content=stands[0]))
    stances = {
        (names[s.target], names[s.holder]): replace(s, target=names[s.target], holder=names[s.holder])
        for s in reversed(version.stances)
        if s.target in names and s.holder in names
    }
    return replace(
        version,
        entities=tuple(entities.values()),
        attributions=tuple(contents.values()),
        stances=tuple(stances[pair] for pair in sorted(stances)),
    )


# the count, with chances in the place of heads


class _Weighed(Ballots):
    """One document's votes, weighed."""

    def __init__(self, ruled: _Ruled, asked: Mapping[str, Asked], layers: Mapping[str, str], least: float) -> None:
        super().__init__(ruled.versions, asked, layers)
        self.ruled = ruled
        self.least = least

    def entities(self) -> Iterator[Entity]:
        voters: dict[str, dict[str, Entity]] = defaultdict(dict)
        for who, version in self.versions.items():
            for entity in version.entities:
                voters[entity.id][who] = entity
        scores: dict[str, float] = {}
        for one in self.ruled.mentions:
            self._stands("spans", "label", one.border, self._votes(one), (one.label, one.chance))
            if one.label:
                own = mention_id(self.document, one.border, one.label)
                scores[own] = max(one.chance, scores.get(own, 0.0))
        for own, chance in scores.items():
            yield replace(self.merged(voters[own]), score=chance)

    def attributions(self) -> Iterator[Attribution]:
        scores: dict[Span, float] = {}
        for found in self.ruled.contents:
            self._stands(ATTRIBUTION, "content", found.border, self._votes(found), (found.label, found.chance))
            scores[found.border] = max(found.chance, scores.get(found.border, 0.0))
        for one in super().attributions():
            yield replace(one, score=scores[one.content])

    def settle_content(self, content: Span, votes: Mapping[str, str]) -> str:
        return CONTENT  # what was decided against is in nobody's version any more

    def stances(self) -> Iterator[Stance]:
        for stance in super().stances():
            yield replace(stance, score=self.ruled.polarities[stance.target, stance.holder][1])

    def settle_polarity(self, pair: tuple[str, str], about: Span, votes: Mapping[str, str], text: str) -> str:
        return self._stands("stance", "polarity", about, votes, self.ruled.polarities[pair], text=text)

    def _votes(self, one: _Decided) -> dict[str, str]:
        votes = one.cluster.votes
        asked = self.electorate(one.cluster.layer, votes, one.border)
        return {who: _said(votes.get(who), one.border) for who in asked}

    def _stands(
        self, layer: str, item: str, about: Span, votes: Mapping[str, str], best: tuple[str, float], *, text: str = ""
    ) -> str:
        """Return the answer that stands; list it where not all said the same, as open where its chance is too small."""
        answer, chance = best
        if len(set(votes.values())) > 1:
            self.note(layer, item, about, text or about.text, votes, answer, open=chance < self.least)
        return answer


def _said(vote: Vote | None, border: Span) -> str:
    """Return a vote in words: the label, and where its span has other borders, its words."""
    if vote is None:
        return ABSENT
    return vote.label if vote.span == border else f"{vote.label} “{vote.span.text}”"
