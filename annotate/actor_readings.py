"""Read an annotated document actor by actor: how it is judged, whom it judges, whose dead, whose figures."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from copydesk.schemas import Annotations, Document, Entity, MentionCluster, Span, Stance

from .mention_clusters import mention_clusters
from .mention_forms import FAMILIES
from .voices import attribution_around

__all__ = ["ActorReading", "by_actor"]


@dataclass(frozen=True, slots=True)
class ActorReading:
    """What a document says of one actor, over all its mentions. All entities are given by their id.

    Attributes:
        actor: Its mentions; a cluster of one where it is mentioned once, with the score 1.
        towards: Stances whose target is one of the mentions.
        held: Stances whose holder is one of them.
        victims: Tolls that the actor stands inside of: its own dead, or those "of" it.
        claimed: Tolls in the actor's voice: the innermost source around them is one of the mentions.
        said: Ids of the attributions whose source is one of the mentions.
    """

    actor: MentionCluster
    towards: tuple[Stance, ...]
    held: tuple[Stance, ...]
    victims: tuple[str, ...]
    claimed: tuple[str, ...]
    said: tuple[str, ...]


def by_actor(
    document: Document, annotations: Annotations, *, clusters: Sequence[MentionCluster] | None = None
) -> tuple[ActorReading, ...]:
    """Return a document's actors in the order of the text, each with its stances, tolls and sayings.

    Args:
        document: The document.
        annotations: Gold, or what a pipeline suggests.
        clusters: Its clusters, such as a suggestion's; found anew by :func:`mention_clusters` where left out.

    >>> from copydesk.schemas import Document, document_id, text_sha256
    >>> text = "Nothing happened."
    >>> empty = Document(document_id(text), text, text_sha256(text))
    >>> by_actor(empty, Annotations(empty.id, empty.sha256))
    ()
    """
    actors = sorted((e for e in annotations.entities if e.label in FAMILIES), key=lambda e: (e.span, e.id))
    if clusters is None:
        clusters = mention_clusters(document, actors)
    joined = {member for cluster in clusters for member in cluster.members}
    alone = [MentionCluster((actor.id,), actor.span.text, 1.0) for actor in actors if actor.id not in joined]
    place = {actor.id: number for number, actor in enumerate(actors)}
    known = [cluster for cluster in (*clusters, *alone) if all(member in place for member in cluster.members)]
    ordered = sorted(known, key=lambda cluster: place[cluster.members[0]])
    of = {member: number for number, cluster in enumerate(ordered) for member in cluster.members}

    near = _Nearby(actors)
    speaking: dict[str, int] = {}
    for attribution in annotations.attributions:
        if attribution.source is not None and (speaker := near.most_of(attribution.source)) is not None:
            speaking[attribution.id] = of[speaker.id]
    towards, held, victims, claimed, said = (defaultdict[int, list[Any]](list) for _ in range(5))
    for stance in annotations.stances:
        towards[of.get(stance.target, -1)].append(stance)
        held[of.get(stance.holder, -1)].append(stance)
    for toll in (entity for entity in annotations.entities if entity.label == "TOLL"):
        for number in sorted({of[actor.id] for actor in near.inside(toll.span)}):
            victims[number].append(toll.id)
        around = attribution_around(annotations, toll.span)
        claimed[speaking.get(around.id, -1) if around is not None else -1].append(toll.id)
    for spoken, number in speaking.items():
        said[number].append(spoken)
    return tuple(
        ActorReading(cluster, *(tuple(found[number]) for found in (towards, held, victims, claimed, said)))
        for number, cluster in enumerate(ordered)
    )


class _Nearby:
    """Actor mentions by where they stand."""

    def __init__(self, actors: Sequence[Entity]) -> None:
        self._actors = actors
        self._starts = [actor.span.start for actor in actors]
        self._longest = max((actor.span.end - actor.span.start for actor in actors), default=0)

    def _touching(self, span: Span) -> list[Entity]:
        low = bisect.bisect_left(self._starts, span.start - self._longest)
        high = bisect.bisect_left(self._starts, span.end)
        return [actor for actor in self._actors[low:high] if actor.span.end > span.start]

    def inside(self, span: Span) -> list[Entity]:
        return [actor for actor in self._touching(span) if span.contains(actor.span)]

    def most_of(self, span: Span) -> Entity | None:
        """Return the mention that shares most of a span's words, the first of several, or None."""

        def shared(actor: Entity) -> int:
            return min(span.end, actor.span.end) - max(span.start, actor.span.start)

        return max(self._touching(span), key=shared, default=None)
