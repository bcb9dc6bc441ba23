"""Measure entities: against two sets in their own labels, against our samples, and what training makes of them.

A set's labels are reached by the scheme's crosswalk. Where a set follows other conventions, its own are used:
re3d keeps leading articles, calls acting states and groups of people organisations; UNER leaves titles out and has
named persons, organisations and places alone. A trained pipeline has learnt the conventions, so what its own model
finds is taken as it is.

All of re3d's types count, also the two that the scheme has nothing for. MilitaryPlatform and Vehicle are one label in
the scheme and count as one here. Nothing was trained on the documents that are measured.
"""

from __future__ import annotations

import json
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from copydesk.annotate import (
    Mark,
    NerTraining,
    Score,
    difference,
    load_suggester,
    score,
    train_entities,
    training_data,
    without_title,
)
from copydesk.corpus import SuggestSettings
from copydesk.schemas import Document, Entity, document_id, load_scheme, text_sha256

from .figure import Figure, figure
from .samples import sample_documents, sample_rows

Row = dict[str, Any]
Convert = Callable[[Entity], Mark]
SEEDS: Final = (0, 1)
_MERGED: Final = {"MilitaryPlatform": "MilitaryPlatform, Vehicle", "Vehicle": "MilitaryPlatform, Vehicle"}


def _rows(data: Path | None, name: str) -> list[Row]:
    path = data / name if data else None
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _documents(rows: Sequence[Row]) -> list[tuple[Document, tuple[()]]]:
    texts = [row["text"] for row in rows]
    return [(Document(document_id(text), text, text_sha256(text), language="en"), ()) for text in texts]


def _gold(rows: Sequence[Row]) -> list[list[Mark]]:
    return [[Mark(start, end, _MERGED.get(label, label)) for start, end, label in row["entities"]] for row in rows]


# conventions


@cache
def _crosswalk() -> Mapping[str, str]:
    return {label.id: label.crosswalk.get("re3d", "") for label in load_scheme().labels}


def _as_re3d(entity: Entity) -> Mark:
    """Return an entity in re3d's labels by the crosswalk, with the two departures named above."""
    label = _crosswalk()[entity.label]
    if entity.label == "POPULATION" or entity.attributes.get("gpe_role") == "actor":
        label = "Organisation"
    return Mark(entity.span.start, entity.span.end, label)


def _as_learnt(entity: Entity) -> Mark:
    """Return what the trained model found by the crosswalk alone, and what rules added with the departures."""
    if entity.origin.kind == "model":
        return Mark(entity.span.start, entity.span.end, _crosswalk()[entity.label])
    return _as_re3d(entity)


@cache
def _nominal_rules() -> frozenset[str]:
    """Return the rules that find nominal mentions: those with a head word."""
    data = Path(__file__).parent.parent / "annotate" / "data" / "rules.toml"
    return frozenset(rule["id"] for rule in tomllib.loads(data.read_text(encoding="utf-8"))["head"])


def _as_uner(entity: Entity) -> Mark:
    """Return a named entity in UNER's labels, a person without titles; nominal mentions get no label."""
    names = {"PERSON": "Person", "ORG": "Organisation", "ARMED_ACTOR": "Organisation", "GPE": "Location"}
    label = {**names, "LOCATION": "Location", "FACILITY": "Location"}.get(entity.label, "")
    if entity.origin.kind == "rule" and entity.origin.name in _nominal_rules():
        label = ""
    if entity.label == "PERSON":
        return Mark(entity.span.start + without_title(entity.span.text), entity.span.end, label)
    return Mark(entity.span.start, entity.span.end, label)


_BARE_UNER: Final = {"PERSON": "Person", "ORG": "Organisation", "GPE": "Location", "LOC": "Location", "FAC": "Location"}
_BARE_RE3D: Final = {**_BARE_UNER, "NORP": "Nationality", "DATE": "Temporal", "TIME": "Temporal"}


def _bare(rows: Sequence[Row], labels: Mapping[str, str]) -> list[list[Mark]]:
    """Return what the spaCy model alone finds, its labels mapped, nothing trimmed."""
    import spacy

    nlp = spacy.load(
        SuggestSettings().pipeline, exclude=["senter", "parser", "tagger", "attribute_ruler", "lemmatizer"]
    )
    docs = nlp.pipe(row["text"] for row in rows)
    return [[Mark(e.start_char, e.end_char, labels[e.label_]) for e in doc.ents if e.label_ in labels] for doc in docs]


def _suggested(rows: Sequence[Row], convert: Convert, **settings: Any) -> list[list[Mark]]:
    suggester = load_suggester(SuggestSettings(layers=["entities"], **settings), load_scheme())
    made = suggester.suggest(_documents(rows))
    return [[mark for e in said.annotations.entities if (mark := convert(e)).label] for said in made]


# figures


def _three(
    name: str, one: Score, targets: tuple[str, str, str] = ("", "", ""), *, seconds: float = 0, labels: bool = False
) -> Iterator[Figure]:
    """Yield strict and partial F1 and effort with intervals over documents; by label if asked."""
    for metric, target in zip(("strict", "partial", "effort"), targets, strict=True):
        scale, unit = (1, "operations per 100 gold") if metric == "effort" else (100, "F1 (%)")
        value, low, high = (scale * number for number in one.interval(metric))
        yield figure(f"{name}, {metric}", value, unit, target=target, n=one.gold, seconds=seconds, interval=(low, high))
    for label, part in one.by_label.items() if labels else ():
        if part.gold:
            yield figure(f"{name}, {label}, strict", 100 * part.strict.f1, "F1 (%)", n=part.gold, seconds=0)
            yield figure(f"{name}, {label}, partial", 100 * part.partial.f1, "F1 (%)", n=part.gold, seconds=0)


def _uner(rows: Sequence[Row]) -> Iterator[Figure]:
    start = time.perf_counter()
    base, ours = score(_bare(rows, _BARE_UNER), _gold(rows)), score(_suggested(rows, _as_uner), _gold(rows))
    spent = time.perf_counter() - start
    yield from _three("EWT-UNER, base", base)
    yield from _three("EWT-UNER, base + rules", ours, (">= 83", "", ""), seconds=spent, labels=True)


def _re3d(rows: Sequence[Row]) -> Iterator[Figure]:
    start = time.perf_counter()
    base = score(_bare(rows, _BARE_RE3D), _gold(rows))
    ours = score(_suggested(rows, _as_re3d, trim_articles=False), _gold(rows))
    spent = time.perf_counter() - start
    yield from _three("re3d, base", base)
    yield from _three("re3d, base + rules", ours, (">= 48", ">= 64", ""), seconds=spent, labels=True)


def _trained(path: Path, rows: Sequence[Row]) -> Iterator[Figure]:
    """Yield what training on re3d's part `train` makes of its part `dev`, mean and each of some seeds."""
    scheme = load_scheme()
    data = training_data(path, scheme, labels="re3d")
    known = [{**row, "entities": [e for e in row["entities"] if e[2] not in data.unknown]} for row in rows]
    ours = score(_suggested(rows, _as_re3d, trim_articles=False), _gold(rows))
    scores, alone = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in SEEDS:
            start = time.perf_counter()
            made = train_entities(
                data, scheme, Path(scratch), name="re3d", settings=NerTraining(seed=seed), curve=seed == SEEDS[0]
            )
            found = _suggested(rows, _as_learnt, pipeline=str(made.path), trim_articles=False)
            scores.append(score(found, _gold(rows)))
            alone.append(made.alone)
            spent = time.perf_counter() - start
            yield from _three(f"re3d, trained + rules, seed {seed}", scores[-1], seconds=spent, labels=seed == SEEDS[0])
            yield from _three(f"re3d, the same, seed {seed}, types the scheme has", score(found, _gold(known)))
            for point in made.curve:
                yield from _three(f"re3d, learning curve, {point.documents} documents", point.score)
    yield from _means("re3d, trained + rules, mean of seeds", scores, (">= 62", ">= 78", "<= 50"))
    yield from _means("re3d, trained without rules, mean of seeds", alone, ("", "", ""))
    for metric in ("strict", "partial", "effort"):
        scale = 1 if metric == "effort" else 100
        value, low, high = (scale * number for number in difference(scores[0], ours, metric))
        yield figure(
            f"re3d, trained + rules less base + rules, {metric}", value, "points", n=ours.gold, seconds=0, interval=(low, high)
        )  # fmt: skip


def _means(name: str, scores: Sequence[Score], targets: tuple[str, str, str]) -> Iterator[Figure]:
    for metric, target in zip(("strict", "partial", "effort"), targets, strict=True):
        scale, unit = (1, "operations per 100 gold") if metric == "effort" else (100, "F1 (%)")
        value = scale * sum(one.value(metric) for one in scores) / len(scores)
        yield figure(f"{name}, {metric}", value, unit, target=target, n=scores[0].gold, seconds=0)


def _samples() -> Iterator[Figure]:
    start = time.perf_counter()
    rows = {row["sha256"]: row for row in sample_rows()}
    documents = [pair for pair in sample_documents() if pair[0].sha256 in rows]
    suggester = load_suggester(SuggestSettings(layers=["entities"]), load_scheme())
    found = [
        [Mark(e.span.start, e.span.end, e.label) for e in said.annotations.entities]
        for said in suggester.suggest(documents)
    ]
    gold = [[Mark(e["start"], e["end"], e["label"]) for e in rows[d.sha256]["entities"]] for d, _ in documents]
    ours = score(found, gold)
    yield from _three("samples, base + rules", ours, seconds=time.perf_counter() - start, labels=True)
    yield figure(
        "samples, exactly right", 100 * ours.strict.precision, "% of suggested", n=ours.found, seconds=0
    )  # fmt: skip


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield quality on the development data where it is given and on the samples; training only in the full form."""
    uner = _rows(data, "entities/ewt_dev.jsonl")
    re3d = _rows(data, "entities/re3d_dev.jsonl")
    held = [row for row in re3d if row["split"] == "dev"]
    if uner:
        yield from _uner(uner)
    if held:
        yield from _re3d(held)
    yield from _samples()
    if held and data and not quick:
        yield from _trained(data / "entities" / "re3d_dev.jsonl", held)
