"""Hold the standoff of many documents as columns: what :func:`~copydesk.annotate.reidentify` makes of each, at once.

References follow, duplicates fall together, everything is sorted as there. A document is known by its place in the
batch, a mention by its place among all mentions of the batch.

In a release a mention is called by where it stands, ``23-32``, and where another entity has the same span, by its label
too. A hash, as elsewhere, would do as well to refer to it; but another label would make it another one, in every table
that names it, and a corrected label is what changes most between two releases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.schemas import OUTLET, UNNAMED, polarity_class

from .arrays import Numbers, codes, flat, listed, struct, texts
from .labels import UNSPECIFIED, Labels

__all__ = ["Attributions", "Evidence", "Mentions", "Stances", "Standing", "firsts", "place_ids"]

_NOBODY: Final = (OUTLET, UNNAMED)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Every entity, sorted by document, start, longest first, label."""

    document: Numbers
    start: Numbers
    end: Numbers
    label: Numbers
    id: pa.Array
    text: pa.Array
    attributes: pa.Array

    def __len__(self) -> int:
        return len(self.document)


@dataclass(frozen=True, slots=True)
class Attributions:
    """Every attribution, sorted by document, start, longest first; `source` and `cue` are lists of at most one span."""

    document: Numbers
    start: Numbers
    end: Numbers
    id: pa.Array
    text: pa.Array
    form: pa.Array
    source_type: pa.Array
    source: pa.Array
    cue: pa.Array


@dataclass(frozen=True, slots=True)
class Evidence:
    """Every span that shows a stance, by the stance's place, sorted."""

    stance: Numbers
    start: Numbers
    end: Numbers
    text: pa.Array


@dataclass(frozen=True, slots=True)
class Stances:
    """Every stance, sorted by document, id of the target, id of the holder.

    `target` and `holder` are places of mentions; a holder of -1 is the outlet, of -2 nobody whom the text names.
    """

    document: Numbers
    target: Numbers
    holder: Numbers
    target_id: pa.Array
    holder_id: pa.Array
    polarity: pa.Array
    role: pa.Array
    evidence: Evidence


class Standing:
    """What stands about a batch of documents.

    Args:
        rows: With the columns of :data:`copydesk.schemas.ANNOTATIONS`, a document each.
        labels: The ids of every name.

    Raises:
        SchemeError: A label is not in its closed set.
    """

    def __init__(self, rows: pa.Table, labels: Labels) -> None:
        self.count = rows.num_rows
        self.labels = labels
        self.ids: list[str] = rows["document_id"].to_pylist()
        self.mentions, old, places = _mentions(rows, labels)
        self.attributions = _attributions(rows)
        self.stances = _stances(rows, self.mentions, old, places)
        self._choices = rows["choices"]

    def columns(self) -> dict[str, pa.Array]:
        """Return the four columns that ``articles`` and ``annotations`` share."""
        return {
            "entities": self._entity_lists(),
            "attributions": self._attribution_lists(),
            "stances": self._stance_lists(),
            "choices": self._choice_lists(),
        }

    def _entity_lists(self) -> pa.Array:
        it = self.mentions
        items = struct(id=it.id, start=it.start, end=it.end, text=it.text, label=it.label, attributes=it.attributes)
        return listed(it.document, self.count, items)

    def _attribution_lists(self) -> pa.Array:
        it = self.attributions
        said = {
            name: codes(column, self.labels[name], name, empty=UNSPECIFIED)
            for name, column in (("form", it.form), ("source_type", it.source_type))
        }
        items = struct(id=it.id, start=it.start, end=it.end, text=it.text, **said, source=it.source, cue=it.cue)
        return listed(it.document, self.count, items)

    def _stance_lists(self) -> pa.Array:
        it = self.stances
        evidence = struct(start=it.evidence.start, end=it.evidence.end, text=it.evidence.text)
        items = struct(
            target=it.target_id,
            holder=it.holder_id,
            **self.stance_codes(),
            evidence=listed(it.evidence.stance, len(it.document), evidence),
        )
        return listed(it.document, self.count, items)

    def stance_codes(self) -> dict[str, Numbers]:
        """Return the ids of each stance's class, polarity and role."""
        grade = codes(self.stances.polarity, self.labels["polarity"], "polarity")
        classes = np.array(
            [self.labels["stance"].index(polarity_class(name)) for name in self.labels["polarity"]], dtype=np.int64
        )
        role = codes(self.stances.role, self.labels["role"], "role", empty=UNSPECIFIED)
        return {"label": classes[grade], "polarity": grade, "role": role}

    def _choice_lists(self) -> pa.Array:
        kind = pa.list_(pa.struct({"question": pa.string(), "values": pa.list_(pa.string())}))
        if not pc.sum(pc.list_value_length(self._choices)).as_py():
            return pa.array([[]] * self.count, kind)
        made = []
        for row in self._choices.to_pylist():
            said = {item["question"]: sorted(set(item["values"])) for item in row}
            made.append([{"question": question, "values": values} for question, values in sorted(said.items())])
        return pa.array(made, kind)


def place_ids(start: Numbers, end: Numbers, labels: pa.Array | None = None) -> pa.Array:
    """Return what spans are called within their document: ``23-32``, or with their labels ``23-32-SOURCE``."""
    columns = [pa.array(numbers).cast(pa.string()) for numbers in (start, end)]
    return pc.binary_join_element_wise(*columns, *([] if labels is None else [labels]), "-")


def _spans(spans: Any) -> tuple[Numbers, Numbers, pa.Array]:
    start, end, text = spans.flatten()
    return start.to_numpy(zero_copy_only=False), end.to_numpy(zero_copy_only=False), text


def firsts(*columns: Numbers) -> Any:
    """Return which rows of sorted columns differ from the row before."""
    fresh = np.ones(len(columns[0]), dtype=bool)
    if len(fresh) > 1:
        fresh[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return fresh


def _mentions(rows: pa.Table, labels: Labels) -> tuple[Mentions, pa.Array, Numbers]:
    """Return the mentions; and of each as it was written, its document and id as one text, and its place now."""
    document, items = flat(rows["entities"])
    start, end, text = _spans(items.field("span"))
    names = labels["label"]
    label = codes(items.field("label"), names, "label")
    alphabetic = np.argsort(np.argsort(np.array(names)))
    order = np.lexsort((alphabetic[label], -end, start, document))
    fresh = firsts(document[order], start[order], end[order], label[order])
    kept = order[fresh]
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.cumsum(fresh) - 1
    attributes = items.field("attributes").take(pa.array(kept))
    if len(kept) < len(order):
        attributes = _merged(items.field("attributes"), order, fresh)
    document_, start, end, label = document[kept], start[kept], end[kept], label[kept]
    made = Mentions(
        document_,
        start,
        end,
        label,
        _called(document_, start, end, label, names),
        text.take(pa.array(kept)),
        attributes,
    )
    return made, _named(document, items.field("id")), places


def _called(document: Numbers, start: Numbers, end: Numbers, label: Numbers, names: Sequence[str]) -> pa.Array:
    """Return the ids of sorted mentions: the place, and the label where two have the same."""
    new = firsts(document, start, end)
    alone = new & np.append(new[1:], True)[: len(new)]
    said = texts(names).take(pa.array(label))
    return pc.if_else(pa.array(alone), place_ids(start, end), place_ids(start, end, said))


def _merged(attributes: pa.Array, order: Numbers, fresh: Any) -> pa.Array:
    """Return attributes where the same mention was written twice: the first that says one wins."""
    made: list[dict[str, str]] = []
    for place, new in zip(order.tolist(), fresh.tolist(), strict=True):
        said = {pair["name"]: pair["value"] for pair in attributes[place].as_py()}
        if new:
            made.append(said)
        else:
            made[-1] = said | made[-1]
    pairs = [[{"name": name, "value": value} for name, value in sorted(said.items())] for said in made]
    return pa.array(pairs, attributes.type)


def _named(document: Numbers, id_: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.array(document).cast(pa.string()), id_, "\x1f")


def _attributions(rows: pa.Table) -> Attributions:
    document, items = flat(rows["attributions"])
    start, end, text = _spans(items.field("content"))
    order = np.lexsort((-end, start, document))
    kept = order[firsts(document[order], start[order], end[order])]
    picked = pa.array(kept)
    return Attributions(
        document[kept],
        start[kept],
        end[kept],
        place_ids(start[kept], end[kept], texts(["CONTENT"] * len(kept))),
        text.take(picked),
        *(items.field(name).take(picked) for name in ("form", "source_type", "source", "cue")),
    )


def _stances(rows: pa.Table, mentions: Mentions, old: pa.Array, places: Numbers) -> Stances:
    document, items = flat(rows["stances"])
    target = _place(document, items.field("target"), old, places)
    holder = _place(document, items.field("holder"), old, places)
    # a place of -1 is one that is not there; the two who are no mentions have names instead
    for code, name in enumerate(_NOBODY):
        holder = np.where(pc.equal(items.field("holder"), name).to_numpy(zero_copy_only=False), -2 - code, holder)
    there = np.flatnonzero((target >= 0) & (holder != -1))
    holder = np.where(holder < -1, holder + 1, holder)  # from here on: -1 the outlet, -2 nobody named
    names = np.array([*mentions.id.to_pylist(), _NOBODY[1], _NOBODY[0]])  # so that names[-1] is the outlet
    order = there[np.lexsort((names[holder[there]], names[target[there]], document[there]))]
    kept = order[firsts(document[order], target[order], holder[order])]
    picked = pa.array(kept)
    stance, spans = flat(items.field("evidence").take(picked))
    start, end, text = _spans(spans)
    sorted_ = np.lexsort((end, start, stance))
    shown = sorted_[firsts(stance[sorted_], start[sorted_], end[sorted_])]
    return Stances(
        document[kept],
        target[kept],
        holder[kept],
        texts(names[target[kept]].tolist()),
        texts(names[holder[kept]].tolist()),
        items.field("polarity").take(picked),
        items.field("role").take(picked),
        Evidence(stance[shown], start[shown], end[shown], text.take(pa.array(shown))),
    )


def _place(document: Numbers, id_: pa.Array, old: pa.Array, places: Numbers) -> Numbers:
    found = pc.fill_null(pc.index_in(_named(document, id_), value_set=old), -1).to_numpy(zero_copy_only=False)
    return np.where(found >= 0, places[found], -1) if len(places) else np.full(len(document), -1, dtype=np.int64)
