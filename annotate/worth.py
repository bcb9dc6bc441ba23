"""Read from suggestions what makes a document worth a person's time: doubt, rare labels, new words.

Reads columns, never whole records: of each document stay a few numbers and at most 256 word numbers.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import Desk
from copydesk.schemas import Annotations, LabelScheme, Origin

from .drawing import Words

__all__ = ["LAYERS", "Worth", "label_counts", "midranks", "read_words", "read_worth", "suggested_ids"]

LAYERS: Final = ("entities", "attribution", "stance")
COLUMNS: Final = {
    "entities": ("entities.list.element.label", "entities.list.element.score"),
    "attributions": ("attributions.list.element.form", "attributions.list.element.score"),
    "stances": ("stances.list.element.polarity", "stances.list.element.score"),
}
STEADY: Final = 4.0
"""As many suggestions of average doubt are added to each document, so that one doubtful name does not count as 1."""
KINDS: Final = 1 << 20
MOST_WORDS: Final = 256
"""Of a longer document those with the smallest numbers: the same words in every document, whichever they are."""
WORD: Final = re.compile(r"[^\W\d_]{3,}")

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worth:
    """What makes documents worth annotating; every array has one number a document.

    Attributes:
        documents: Ids, sorted.
        doubt: Layer to the mean binary entropy of its suggestions in bits; NaN where it suggests nothing scored.
        uncertainty: All layers together, 0 … 1: the share of these documents that are less doubtful.
        rare: The same for the rarest label suggested.
        rarest: That label, or empty.
    """

    documents: tuple[str, ...]
    doubt: Mapping[str, Numbers]
    uncertainty: Numbers
    rare: Numbers
    rarest: tuple[str, ...]


def suggested_ids(desk: Desk, pipeline: Origin) -> set[str]:
    """Return the ids of the documents that a pipeline has read."""
    parts = (pq.read_table(part, columns=["document_id"]) for part in desk.parts(_folder(pipeline)))
    return {str(document) for part in parts for document in part.column("document_id").to_pylist()}


def _folder(pipeline: Origin) -> str:
    return f"suggestions/{pipeline.name}@{pipeline.version}"


def read_worth(
    desk: Desk, pipeline: Origin, wanted: Iterable[str], scheme: LabelScheme, gold: Mapping[str, int]
) -> Worth:
    """Read what a pipeline's suggestions make of the wanted documents.

    Args:
        desk: Whose suggestions.
        pipeline: Which ones.
        wanted: Ids of documents.
        scheme: Its labels, forms and polarities are what can be rare.
        gold: In how many documents with gold each of them is; see :func:`label_counts`.
    """
    documents = tuple(sorted(wanted))
    place = {document: position for position, document in enumerate(documents)}
    names = _names(scheme)
    column = {name: position for position, name in enumerate(names)}
    found = np.zeros((len(documents), len(names)), dtype=np.float32)
    entropy = {layer: np.zeros(len(documents)) for layer in LAYERS}
    scored = {layer: np.zeros(len(documents)) for layer in LAYERS}
    for rows, labels in _row_groups(desk, pipeline, place):
        for layer, (owner, label, score) in zip(LAYERS, labels, strict=True):
            owners = rows[owner]
            told = (owners >= 0) & ~np.isnan(score)
            np.add.at(entropy[layer], owners[told], _entropy(score[told]))
            np.add.at(scored[layer], owners[told], 1)
            known = np.array([column.get(_name(layer, one), -1) for one in label], dtype=np.int64)
            good = (owners >= 0) & (known >= 0)
            np.maximum.at(found, (owners[good], known[good]), np.nan_to_num(score[good], nan=0.5))
    doubt = {layer: _mean(entropy[layer], scored[layer]) for layer in LAYERS}
    steady = {layer: _mean(entropy[layer], scored[layer], STEADY) for layer in LAYERS}
    rarity = np.array([1 / (1 + gold.get(name, 0) + found[:, column[name]].sum(dtype=np.float64)) for name in names])
    rare = found * rarity
    rarest = tuple(names[i] if found[d, i] > 0 else "" for d, i in enumerate(rare.argmax(axis=1)))
    highest = np.log2(np.maximum(rare.max(axis=1), 1e-12))
    return Worth(documents, doubt, midranks(_overall(steady)), midranks(highest), rarest)


def _names(scheme: LabelScheme) -> list[str]:
    named = [_name("entities", label.id) for label in scheme.span_labels if label.layer not in LAYERS[1:]]
    for layer, attribute in (("attribution", "form"), ("stance", "polarity")):
        asked = next((a for a in scheme.attributes if a.id == attribute), None)
        named += [_name(layer, value.id) for value in asked.values] if asked else []
    return named


def _name(layer: str, label: str) -> str:
    """Return how a label is called among those of all layers.

    >>> _name("entities", "TOLL"), _name("stance", "+1"), _name("attribution", "direct")
    ('TOLL', 'stance +1', 'direct quotation')
    """
    return {"entities": label, "stance": f"stance {label}", "attribution": f"{label} quotation"}[layer]


def label_counts(annotations: Iterable[Annotations]) -> Counter[str]:
    """Count in how many documents each label, form of quotation and polarity is."""
    counts = Counter[str]()
    for said in annotations:
        names = {_name("entities", entity.label) for entity in said.entities}
        names |= {_name("attribution", attribution.form) for attribution in said.attributions if attribution.form}
        counts.update(names | {_name("stance", stance.polarity) for stance in said.stances})
    return counts


_Labels = list[tuple[npt.NDArray[np.int64], list[str], Numbers]]


def _row_groups(
    desk: Desk, pipeline: Origin, place: Mapping[str, int]
) -> Iterator[tuple[npt.NDArray[np.int64], _Labels]]:
    """Yield, a row group at a time, each row's document and, per layer, each suggestion's row, label and score."""
    columns = ["document_id", *(name for names in COLUMNS.values() for name in names)]
    for part in desk.parts(_folder(pipeline)):
        with pq.ParquetFile(part) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=columns)
                ids = table.column("document_id").to_pylist()
                rows = np.array([place.get(document, -1) for document in ids], dtype=np.int64)
                yield rows, [_flat(table.column(name).combine_chunks(), name) for name in COLUMNS]


def _flat(column: Any, name: str) -> tuple[npt.NDArray[np.int64], list[str], Numbers]:
    label, score = (path.rpartition(".")[2] for path in COLUMNS[name])
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    inner = column.flatten()
    scores = inner.field(score).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.repeat(np.arange(len(lengths)), lengths), inner.field(label).to_pylist(), np.clip(scores, 0, 1)


def _entropy(score: Numbers) -> Numbers:
    p = np.clip(score, 1e-9, 1 - 1e-9)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))


def _mean(total: Numbers, number: Numbers, steady: float = 0.0) -> Numbers:
    """Return totals over numbers, drawn towards the usual as by so many more; NaN where there are none."""
    usual = total.sum() / max(number.sum(), 1)
    mean = (total + steady * usual) / np.maximum(number + steady, 1)
    # a rounded last digit is the same on every machine
    return np.where(number > 0, np.round(mean, 6), np.nan)


def _overall(doubt: Mapping[str, Numbers]) -> Numbers:
    """Return the mean over the layers that say something; of a document without suggestions, the usual."""
    stack = np.stack([doubt[layer] for layer in LAYERS])
    said = ~np.isnan(stack)
    sums = np.where(said, stack, 0).sum(axis=0)
    mean = sums / np.maximum(said.sum(axis=0), 1)
    some = said.any(axis=0)
    usual = mean[some].mean() if some.any() else 0.0
    return np.where(some, mean, usual)


def midranks(values: npt.NDArray[Any]) -> Numbers:
    """Return each value's place among all, 0 … 1: the share of smaller ones and half of the equal ones.

    >>> midranks(np.array([3.0, 1.0, 1.0, 9.0])).tolist()
    [0.625, 0.25, 0.25, 0.875]
    """
    _, which, counts = np.unique(np.round(values, 6), return_inverse=True, return_counts=True)
    smaller = np.cumsum(counts) - counts
    return np.asarray(((smaller + counts / 2) / max(len(values), 1))[which], dtype=np.float64)


def read_words(desk: Desk, documents: tuple[str, ...], read: frozenset[str]) -> Words:
    """Read the words of documents, and which of them stand in documents that people have read.

    Args:
        desk: Whose articles.
        documents: The ids of those whose words count, in the order of their positions.
        read: The ids of what has been read; it may hold others too.
    """
    place = {document: position for position, document in enumerate(documents)}
    positions: list[int] = []
    found: list[npt.NDArray[np.int32]] = []
    known = np.zeros(KINDS, dtype=bool)
    for part in desk.parts("articles"):
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(batch_size=256, columns=["id", "text"]):
                for document, text in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                    if document in place:
                        positions.append(place[document])
                        found.append(_numbers(text))
                    elif document in read:
                        known[_numbers(text)] = True
    order = np.argsort(np.array(positions, dtype=np.int64), kind="stable")
    starts = np.concatenate(([0], np.cumsum([len(found[i]) for i in order]))).astype(np.int64)
    words = np.concatenate([found[i] for i in order]) if found else np.empty(0, dtype=np.int32)
    found.clear()  # the most that is held at once
    return Words(starts, words, KINDS, np.flatnonzero(known).astype(np.int32))


def _numbers(text: str) -> npt.NDArray[np.int32]:
    words = set(WORD.findall(text.casefold()))
    numbers = sorted({zlib.crc32(word.encode("utf-8", "surrogatepass")) % KINDS for word in words})
    return np.array(numbers[:MOST_WORDS], dtype=np.int32)
