"""Turn a batch of documents into the tables of a release, column by column.

These are the rows that :mod:`tables` makes document by document, in the same order; a test holds the two equal. Here
all documents of a batch are looked at together: where a mention lies is a search in sorted numbers, a column that
repeats a document's value is that value taken by place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.schemas import ANNOTATIONS as STANDOFF
from copydesk.schemas import (
    LabelScheme,
    Origin,
    annotations_to_row,
)

from .arrays import Numbers, codes, fitted, flat, keyed, listed, struct, texts
from .batch import Batch
from .cutting import tokens_of
from .decided import decision_values
from .features import (
    ANNOTATIONS,
    ARTICLES,
    CONFIGS,
    DECISIONS,
    EDITS,
    ENTITIES,
    SPANS,
    STANCE,
    Config,
    encoder,
    known_name,
)
from .innermost import spoken_by
from .labels import Labels
from .standing import Standing, firsts, place_ids
from .tables import Loss, edit_values
from .tagging import Ranges, tagged

__all__ = ["Views"]

_NOBODY = Origin("rule", "voice")
_OWN = ("id", "document_id", "cluster_id", "split", "origin", "scheme")
"""The columns that every table has."""


class Views:
    """A batch seen as the rows of each table.

    Args:
        batch: The documents.
        scheme: What the labels mean.
        labels: The ids of every name.
        schemas: Table name to its Arrow schema.

    Attributes:
        losses: What the views made so far cannot hold.
    """

    def __init__(self, batch: Batch, scheme: LabelScheme, labels: Labels, schemas: Mapping[str, pa.Schema]) -> None:
        self.batch = batch
        self.scheme = f"{scheme.name} {scheme.version}"
        self.labels = labels
        self.schemas = schemas
        self.losses: list[Loss] = []
        self.standing = Standing(batch.standing, labels)
        self.sentences = batch.sentences()
        self.texts = batch.texts()
        self.ids = self.standing.ids
        self.origin = codes(texts(batch.origin), labels["origin"], "origin")
        self._layers = {label.id: label.layer for label in scheme.labels}
        self._keys = keyed(self.sentences.document, self.sentences.start)

    def tables(self) -> dict[str, pa.Table]:
        """Return table name to rows with label ids."""
        made = {
            ARTICLES.name: self.articles(),
            ENTITIES.name: self.entities(),
            SPANS.name: self.spans(),
            STANCE.name: self.stances(),
            ANNOTATIONS.name: self.annotations(),
            EDITS.name: self.edits(),
            DECISIONS.name: self.decisions(),
        }
        assert made.keys() == CONFIGS.keys()
        return made

    def articles(self) -> pa.Table:
        """Return one row for each document."""
        documents = self.batch.documents
        every = np.arange(len(self.batch))
        plain = [name for name in ARTICLES.features if name in documents.column_names and name != "id"]
        return self._table(
            ARTICLES,
            every,
            None,
            **{name: documents[name].combine_chunks().cast(pa.string()) for name in plain},
            copies=pa.array(self.batch.copies, pa.list_(pa.string())),
            annotators=pa.array(self.batch.annotators, pa.list_(pa.string())),
            segments=self.batch.segment_lists(self.labels),
            **self.standing.columns(),
        )

    def entities(self) -> pa.Table:
        """Return one row for each sentence."""
        it, mentions = self.sentences, self.standing.mentions
        said = [
            self.texts[d][s:e] for d, s, e in zip(it.document.tolist(), it.start.tolist(), it.end.tolist(), strict=True)
        ]
        languages = self.batch.documents["language"].to_pylist()
        tokens = tokens_of(said, [languages[place] for place in it.document.tolist()])
        kinds = np.array([_place(self.labels["entity"], name) for name in self.labels["label"]], dtype=np.int64)
        sentence = np.searchsorted(self._keys, keyed(mentions.document, mentions.start), "right") - 1
        named = kinds[mentions.label] >= 0
        inside = named & (sentence >= 0)
        inside[inside] &= (it.document[sentence[inside]] == mentions.document[inside]) & (
            mentions.end[inside] <= it.end[sentence[inside]]
        )
        self._lose("entities", np.flatnonzero(named & ~inside), "crosses a sentence boundary")
        held = np.flatnonzero(inside)
        row = sentence[held]
        start, end = mentions.start[held] - it.start[row], mentions.end[held] - it.start[row]
        tags, lost = tagged(tokens, Ranges(row, start, end, kinds[mentions.label[held]]), self.labels)
        for place, reason in lost:
            self._lose("entities", [held[place]], reason)
        picked = pa.array(held)
        items = struct(
            id=mentions.id.take(picked),
            start=start,
            end=end,
            text=mentions.text.take(picked),
            label=kinds[mentions.label[held]],
        )
        index = np.arange(len(said)) - it.first[it.document]
        return self._table(
            ENTITIES,
            it.document,
            texts([f"{place:04d}" for place in index.tolist()]),
            sentence=index,
            start=it.start,
            text=texts(said),
            tokens=listed(tokens.sentence, len(said), tokens.text),
            token_starts=listed(tokens.sentence, len(said), pa.array(tokens.start)),
            token_ends=listed(tokens.sentence, len(said), pa.array(tokens.end)),
            ner_tags=listed(tokens.sentence, len(said), pa.array(tags)),
            entities=listed(row, len(said), items),
        )

    def _lose(self, config: str, places: Iterable[int], reason: str) -> None:
        it = self.standing.mentions
        for place in places:
            start, end, label = int(it.start[place]), int(it.end[place]), self.labels["label"][it.label[place]]
            document = self.ids[it.document[place]]
            self.losses.append(Loss(document, start, end, label, it.text[int(place)].as_py(), config, reason))

    def spans(self) -> pa.Table:
        """Return one row for each labelled span of any layer."""
        document, start, end, label, text, attributes, ids = self._labelled()
        layers = np.array(
            [_place(self.labels["layer"], self._layers.get(name, "")) for name in self.labels["label"]], dtype=np.int64
        )
        first, last = self._window(document, start, end)
        return self._table(
            SPANS,
            document,
            ids,
            layer=layers[label],
            label=label,
            start=start,
            end=end,
            text=text,
            attributes=attributes,
            voice=spoken_by(self.standing.attributions, len(self.batch), document, start, end),
            sentence_start=first,
            sentence_end=last,
        )

    def _labelled(self) -> tuple[Numbers, Numbers, Numbers, Numbers, pa.Array, pa.Array, pa.Array]:
        """Return document, start, end, label, text, attributes and id of every labelled span, each once, sorted."""
        it, said, stances = self.standing.mentions, self.standing.attributions, self.standing.stances
        names, kind = self.labels["label"], it.attributes.type
        named = [
            [{"name": name, "value": value} for name, value in (("form", form), ("source_type", source)) if value]
            for form, source in zip(said.form.to_pylist(), said.source_type.to_pylist(), strict=True)
        ]
        # in the order of whose attributes count where one span has the same label twice
        content = self._part("CONTENT", said.document, said.start, said.end, said.text, pa.array(named, kind))
        parts = [content, (it.document, it.start, it.end, it.label, it.text, it.attributes)]
        for column, name in ((said.source, "SOURCE"), (said.cue, "CUE")):
            parent, spans = flat(column)
            start, end, text = spans.flatten()
            parts.append(self._part(name, said.document[parent], start, end, text, None))
        by = stances.evidence
        parts.append(self._part("EVIDENCE", stances.document[by.stance], by.start, by.end, by.text, None))
        document, start, end, label = (np.concatenate([part[place] for part in parts]) for place in range(4))
        priority = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
        alphabetic = np.argsort(np.argsort(np.array(names)))
        order = np.lexsort((priority, alphabetic[label], -end, start, document))
        kept = order[firsts(document[order], start[order], end[order], label[order])]
        picked = pa.array(kept)
        words = pa.concat_arrays([part[4].cast(pa.string()) for part in parts]).take(picked)
        more = pa.concat_arrays([part[5].cast(kind) for part in parts]).take(picked)
        rest = slice(len(parts[0][0]) + len(parts[1][0]), None)  # the others have a name already
        made = place_ids(start[rest], end[rest], texts(names).take(pa.array(label[rest])))
        ids = pa.concat_arrays([said.id, it.id, made]).take(picked)
        return document[kept], start[kept], end[kept], label[kept], words, more, ids

    def _part(self, label: str, document: Numbers, start: Any, end: Any, text: pa.Array, attributes: Any) -> Any:
        """Return spans that have one label as `_labelled` joins them; without attributes, none is given."""
        known = {name: place for place, name in enumerate(self.labels["label"])}
        number = known_name(known, label, "label") if len(document) else 0
        if attributes is None:
            attributes = pa.array([[]] * len(document), self.standing.mentions.attributes.type)
        return document, np.asarray(start), np.asarray(end), np.full(len(document), number), text, attributes

    def _window(self, document: Numbers, start: Numbers, end: Numbers) -> tuple[Numbers, Numbers]:
        """Return the sentence of each span, or all the sentences that it crosses."""
        it = self.sentences
        if not len(it.document):
            return start, end
        first = np.searchsorted(keyed(it.document, it.end), keyed(document, start), "right")
        last = np.searchsorted(self._keys, keyed(document, end), "left") - 1
        touched = (first <= last) & (first < len(it.document))
        touched[touched] &= it.document[first[touched]] == document[touched]
        begin, finish = start.copy(), end.copy()
        begin[touched] = np.minimum(start[touched], it.start[first[touched]])
        finish[touched] = np.maximum(end[touched], it.end[last[touched]])
        return begin, finish

    def stances(self) -> pa.Table:
        """Return one row for each stance."""
        it, mentions = self.standing.stances, self.standing.mentions
        said = self.standing.stance_codes()
        holders = np.array(it.holder_id.to_pylist(), dtype=np.str_)
        order = np.lexsort((holders, it.target))
        document, target, holder = it.document[order], it.target[order], it.holder[order]
        picked = pa.array(order)
        start, end = self._window(document, mentions.start[target], mentions.end[target])
        sentence = np.searchsorted(self._keys, keyed(document, start), "right") - 1 - self.sentences.first[document]
        words, ids = mentions.text.to_pylist(), mentions.id.to_pylist()
        held = holder.tolist()
        who = it.holder_id.take(picked).to_pylist()
        kinds = np.array([_place(self.labels["holder"], name) for name in ("mention", "unnamed", "outlet")])
        goals = it.target_id.take(picked)
        return self._table(
            STANCE,
            document,
            pc.binary_join_element_wise(goals, texts(who), "-"),
            sentence=np.maximum(sentence, 0),
            start=start,
            text=texts(
                [self.texts[d][s:e] for d, s, e in zip(document.tolist(), start.tolist(), end.tolist(), strict=True)]
            ),
            target=texts([words[place] for place in target.tolist()]),
            target_start=mentions.start[target] - start,
            target_end=mentions.end[target] - start,
            target_label=mentions.label[target],
            target_id=goals,
            holder=texts([words[place] if place >= 0 else name for place, name in zip(held, who, strict=True)]),
            holder_kind=kinds[np.minimum(holder, 0)],
            holder_id=texts([ids[place] if place >= 0 else "" for place in held]),
            **{name: column[order] for name, column in said.items()},
            evidence=self._evidence(order, start, end),
        )

    def _evidence(self, order: Numbers, start: Numbers, end: Numbers) -> pa.Array:
        """Return the evidence that lies in the sentences of the target, as offsets into them; the rest is lost."""
        it = self.standing.stances.evidence
        place = np.argsort(order)[it.stance] if len(order) else it.stance
        by = np.argsort(place, kind="stable")
        place, first, last = place[by], it.start[by], it.end[by]
        inside = (start[place] <= first) & (last <= end[place])
        text = it.text.take(pa.array(by))
        documents = self.standing.stances.document[order]
        for lost in np.flatnonzero(~inside).tolist():
            where, words = self.ids[documents[place[lost]]], text[lost].as_py()
            reason = "outside the target's sentence"
            self.losses.append(Loss(where, int(first[lost]), int(last[lost]), "EVIDENCE", words, "stance", reason))
        place = place[inside]
        items = struct(
            start=first[inside] - start[place], end=last[inside] - start[place], text=text.filter(pa.array(inside))
        )
        return listed(place, len(order), items)

    def annotations(self) -> pa.Table:
        """Return one row for each annotator's version of a document."""
        versions = self.batch.versions
        said = pa.Table.from_pylist([annotations_to_row(v.annotations) for _, v in versions], schema=STANDOFF)
        names = texts([version.annotator for _, version in versions])
        return self._table(
            ANNOTATIONS,
            np.array([place for place, _ in versions], dtype=np.int64),
            names,
            annotator=names,
            ground_truth=pa.array([version.ground_truth for _, version in versions], pa.bool_()),
            seconds=pa.array([version.seconds for _, version in versions], pa.int64()),
            **Standing(said, self.labels).columns(),
        )

    def edits(self) -> pa.Table:
        """Return one row for each edit."""
        numbers: Counter[tuple[int, str]] = Counter()
        parts = []
        for place, edit in self.batch.edits:
            numbers[place, edit.annotator] += 1
            parts.append(f"{edit.annotator}-{numbers[place, edit.annotator]:05d}")
        places, values = [place for place, _ in self.batch.edits], [edit_values(edit) for _, edit in self.batch.edits]
        return self._listed(EDITS, places, parts, values)

    def decisions(self) -> pa.Table:
        """Return one row for each decision."""
        numbers: Counter[int] = Counter()
        parts, values = [], []
        for place, decision in self.batch.decisions:
            numbers[place] += 1
            parts.append(f"{numbers[place]:05d}")
            values.append(decision_values(decision, self.texts[place]))
        return self._listed(DECISIONS, [place for place, _ in self.batch.decisions], parts, values)

    def _listed(
        self, config: Config, places: Sequence[int], parts: Sequence[str], values: Sequence[dict[str, Any]]
    ) -> pa.Table:
        """Return rows of plain values with label names, each of a document's place."""
        own = {name: feature for name, feature in config.features.items() if name not in _OWN}
        schema = pa.schema([field for field in self.schemas[config.name] if field.name in own])
        made = pa.Table.from_pylist(list(map(encoder(own, self.labels), values)), schema=schema)
        columns = {name: made[name].combine_chunks() for name in made.column_names}
        return self._table(config, np.array(places, dtype=np.int64), texts(parts), **columns)

    def _table(self, config: Config, document: Numbers, parts: pa.Array | None, /, **columns: Any) -> pa.Table:
        """Return rows with the keys that every table has; `parts` is what a row's id has after its document's."""
        at = pa.array(document)
        keys = texts(self.ids).take(at)
        every = {
            "id": keys if parts is None else pc.binary_join_element_wise(keys, parts, "-"),
            "document_id": keys,
            "cluster_id": texts(self.batch.cluster).take(at),
            "split": texts(self.batch.split).take(at),
            "origin": self.origin[document],
            "scheme": texts([self.scheme] * len(document)),
            **columns,
        }
        schema = self.schemas[config.name]
        arrays = []
        for field in schema:
            value = every[field.name]
            arrays.append(fitted(value if isinstance(value, pa.Array) else pa.array(value), field.type))
        return pa.Table.from_arrays(arrays, schema=schema)


def _place(names: Sequence[str], name: str) -> int:
    """Return a name's id, or -1 where it has none."""
    return names.index(name) if name in names else -1
