"""Say who stands beside whom: actors of one sentence, speakers and those they speak of, loaded words and their voice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc

from copydesk.schemas import OUTLET, UNNAMED, LabelScheme

from .facets import ACTORS, actor_name
from .labels import Labels

__all__ = ["VOICES", "company", "speaker"]

VOICES = {OUTLET: "the outlet", UNNAMED: "unnamed source"}


def company(
    spans: pa.Table, scheme: LabelScheme, labels: Labels, known: Callable[[str], str]
) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """Yield a document's id, what is counted and its key, once for every time that it is there.

    ``together``: two actors, once for each sentence that names both. ``spoken``: a speaker and an actor, once for each
    mention inside that speaker's words. ``loaded``: a label of the layer ``wording`` and whose words they are.

    Args:
        spans: Rows of ``spans`` of whole documents.
        scheme: What the labels mean.
        labels: The ids of every name.
        known: From the words of a mention to the name of the actor; empty for those that are not counted.
    """
    names = labels["label"]
    layers = {label.id: label.layer for label in scheme.labels}
    loaded = {place for place, name in enumerate(names) if layers.get(name) == "wording"}
    actors = [place for place, name in enumerate(names) if name in ACTORS]
    rows = spans.filter(pc.is_in(spans["label"], value_set=pa.array([*actors, *sorted(loaded)], pa.int64())))
    columns = (rows[name].to_pylist() for name in ("document_id", "sentence_start", "label", "text", "voice"))
    here: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for key, sentence, label, text, voice in zip(*columns, strict=True):
        if label in loaded:
            yield key, "loaded", (names[label], VOICES.get(voice, "somebody quoted"))
        elif name := known(text):
            here[key, sentence].add(name)
            if voice != OUTLET:
                yield key, "spoken", (VOICES.get(voice) or known(voice) or "another source", name)
    for (key, _), found in here.items():
        yield from ((key, "together", pair) for pair in combinations(sorted(found), 2))


def speaker(voice: str) -> str:
    """Return how a voice is called: the outlet, somebody unnamed, or the name of the source."""
    return VOICES.get(voice) or actor_name(voice)
