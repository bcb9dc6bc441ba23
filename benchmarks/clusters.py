"""Measure within-document clusters of actors: pairwise precision and recall on our samples, and by rule.

``benchmarks/data/clusters.jsonl`` says, for the 18 annotated samples, which of their actor mentions are the same actor:
by name, by description ("the town of Brenice … the town"), or as those who fight for it and are spoken of as it.
Measured once on people's mentions, and once on those that the pipeline suggests: there a pair counts where both
mentions overlap a gold mention of the same family of labels.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from copydesk.annotate import load_suggester, mention_clusters
from copydesk.corpus import SuggestSettings
from copydesk.schemas import Document, Entity, Origin, Span, load_scheme

from .figure import Figure, figure, over_documents
from .samples import sample_documents, sample_rows

GOLD: Final = Path(__file__).parent / "data" / "clusters.jsonl"
Place = tuple[int, int]


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield pairwise precision and recall on people's mentions and on suggested ones; `data` is not needed."""
    rows = {row["sha256"]: row for row in sample_rows()}
    gold = {row["sha256"]: row for row in map(json.loads, GOLD.read_text(encoding="utf-8").splitlines())}
    cases = [pair for pair in sample_documents() if pair[0].sha256 in gold]
    start = time.perf_counter()
    by_people = [
        _count(document, _entities(document, rows[document.sha256]), gold[document.sha256]) for document, _ in cases
    ]
    yield from _figures("people's mentions", by_people, time.perf_counter() - start)
    start = time.perf_counter()
    suggester = load_suggester(SuggestSettings(layers=["entities"]), load_scheme())
    by_pipeline = [
        _count(document, said.annotations.entities, gold[document.sha256])
        for (document, _), said in zip(cases, suggester.suggest(cases), strict=True)
    ]
    yield from _figures("suggested mentions", by_pipeline, time.perf_counter() - start)


def _figures(name: str, counts: Sequence[Counter[str]], spent: float) -> Iterator[Figure]:
    for measure, of in (("precision", "found"), ("recall", "gold")):
        value, interval = over_documents(counts, lambda c, o=of: 100 * c["right"] / max(c[o], 1))
        yield figure(f"clusters, {name}", value, f"pairwise {measure} (%)", n=sum(c[of] for c in counts),
                     seconds=spent, interval=interval)  # fmt: skip
        spent = 0


def _entities(document: Document, row: dict[str, Any]) -> list[Entity]:
    return [
        Entity(e["id"], Span.of(document, e["start"], e["end"]), e["label"], Origin("person", row["annotator"]))
        for e in row["entities"]
    ]


def _count(document: Document, entities: Sequence[Entity], row: dict[str, Any]) -> Counter[str]:
    """Return how many pairs are right, found and gold, all as pairs of gold mentions that found ones stand on."""
    cluster_of = {(m["start"], m["end"]): number for number, c in enumerate(row["clusters"]) for m in c}
    spans = {entity.id: entity.span for entity in entities}
    found, right = 0, set()
    for cluster in mention_clusters(document, entities):
        for pair in itertools.combinations(cluster.members, 2):
            one, other = (_gold_place(spans[member], cluster_of) for member in pair)
            found += 1
            if one and other and one != other and cluster_of[one] == cluster_of[other]:
                right.add((one, other))
    pairs = sum(len(c) * (len(c) - 1) // 2 for c in row["clusters"])
    return Counter(right=len(right), found=found, gold=pairs)


def _gold_place(span: Span, known: dict[Place, int]) -> Place | None:
    return max(
        (place for place in known if place[0] < span.end and span.start < place[1]),
        key=lambda place: min(place[1], span.end) - max(place[0], span.start),
        default=None,
    )
