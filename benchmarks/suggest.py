"""Measure suggestions: entities against two sets, attribution and entities against our samples, stance, speed.

A set's labels are reached by the scheme's crosswalk. Where a set follows other conventions, its own are used:
re3d keeps leading articles, calls acting states and groups of people organisations; UNER leaves titles out and has
named persons, organisations and places alone.
"""

from __future__ import annotations

import json
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from copydesk.annotate import Suggester, load_suggester, without_title
from copydesk.corpus import SuggestSettings, canonical_documents, ingest, init_desk, segments
from copydesk.schemas import Annotations, Document, Entity, Span, document_id, load_scheme, text_sha256

from .figure import Figure, figure, ratio

Marks = set[tuple[int, int, str]]
CLASSES: Final = ("critical", "neutral", "supportive")
SAMPLES: Final = Path(__file__).parent.parent / "samples"


def _document(text: str) -> Document:
    return Document(document_id(text), text, text_sha256(text), language="en")


def _rows(data: Path | None, name: str) -> list[dict[str, Any]]:
    path = data / name if data else None
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _suggester(**more: Any) -> Suggester:
    return load_suggester(SuggestSettings(**more), load_scheme())


# entities


def _as_re3d(entity: Entity) -> tuple[int, int, str]:
    """Return an entity in re3d's labels by the crosswalk, with the two departures named above."""
    crosswalk = {label.id: label.crosswalk.get("re3d", "") for label in load_scheme().labels}
    label = crosswalk[entity.label].split(", ")[-1]
    if entity.label == "PLATFORM" and "military" in entity.attributes:
        label = crosswalk[entity.label].split(", ")[0]
    if entity.label == "POPULATION" or entity.attributes.get("gpe_role") == "actor":
        label = "Organisation"
    return entity.span.start, entity.span.end, label


@cache
def _nominal_rules() -> frozenset[str]:
    """Return the rules that find nominal mentions: those with a head word."""
    data = Path(__file__).parent.parent / "annotate" / "data" / "rules.toml"
    return frozenset(rule["id"] for rule in tomllib.loads(data.read_text(encoding="utf-8"))["head"])


def _as_uner(entity: Entity) -> tuple[int, int, str]:
    """Return a named entity in UNER's labels, a person without titles; nominal mentions get no label."""
    names = {"PERSON": "Person", "ORG": "Organisation", "ARMED_ACTOR": "Organisation", "GPE": "Location"}
    label = {**names, "LOCATION": "Location", "FACILITY": "Location"}.get(entity.label, "")
    if entity.origin.kind == "rule" and entity.origin.name in _nominal_rules():
        label = ""
    if entity.label == "PERSON":
        return entity.span.start + without_title(entity.span.text), entity.span.end, label
    return entity.span.start, entity.span.end, label


def _f1(found: Iterable[Marks], gold: Iterable[Marks], same: Callable[[Any, Any], bool] | None) -> float:
    """Return micro F1 in per cent; `same` None: exact, else by that relation on either side."""
    right_found = right_gold = total_found = total_gold = 0
    for ours, theirs in zip(found, gold, strict=True):
        total_found += len(ours)
        total_gold += len(theirs)
        right_found += sum(
            mark in theirs if same is None else any(same(mark, other) for other in theirs) for mark in ours
        )
        right_gold += sum(mark in ours if same is None else any(same(mark, other) for other in ours) for mark in theirs)
    precision, recall = right_found / max(total_found, 1), right_gold / max(total_gold, 1)
    return 200 * precision * recall / max(precision + recall, 1e-9)


def _overlap(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    return one[2] == other[2] and one[0] < other[1] and other[0] < one[1]


def _entities(
    name: str, rows: Sequence[dict[str, Any]], suggester: Suggester, convert: Callable[[Entity], tuple[int, int, str]],
    targets: tuple[str, str],
) -> Iterator[Figure]:  # fmt: skip
    start = time.perf_counter()
    made = suggester.suggest([(_document(row["text"]), ()) for row in rows])
    found = [{mark for entity in said.annotations.entities if (mark := convert(entity))[2]} for said in made]
    gold = [{(low, high, label) for low, high, label in row["entities"]} for row in rows]
    spent = time.perf_counter() - start
    n = sum(map(len, gold))
    yield figure(f"entities, {name}, strict", _f1(found, gold, None), "F1 (%)", target=targets[0], n=n, seconds=spent)
    yield figure(f"entities, {name}, partial", _f1(found, gold, _overlap), "F1 (%)", target=targets[1], n=n, seconds=0)


# our own samples


def _samples() -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for name in ("annotator-1", "adjudicator"):  # an adjudication goes before an annotation
        for row in _rows(SAMPLES / "annotations", f"{name}.jsonl"):
            rows[row["sha256"]] = row
    return list(rows.values())


def _sample_documents() -> list[tuple[Document, Sequence[Any]]]:
    with tempfile.TemporaryDirectory() as scratch:
        desk = init_desk(Path(scratch) / "samples")
        ingest(desk, [str(SAMPLES / "articles")])
        parts: dict[str, list[Any]] = {}
        for segment in segments(desk):
            parts.setdefault(segment.document_id, []).append(segment)
        return [(document, parts.get(document.id, [])) for document in canonical_documents(desk)]


def _characters(ranges: Iterable[tuple[int, int]]) -> set[int]:
    return {place for low, high in ranges for place in range(low, high)}


def _on_samples(suggester: Suggester) -> Iterator[Figure]:
    start = time.perf_counter()
    gold = {row["sha256"]: row for row in _samples()}
    made = [said.annotations for said in suggester.suggest(_sample_documents()) if said.annotations.sha256 in gold]
    rows = [gold[annotations.sha256] for annotations in made]
    spent = time.perf_counter() - start
    found = [{(e.span.start, e.span.end, e.label) for e in annotations.entities} for annotations in made]
    true = [{(e["start"], e["end"], e["label"]) for e in row["entities"]} for row in rows]
    n = sum(map(len, true))
    precise = 100 * sum(len(a & b) for a, b in zip(found, true, strict=True)) / max(sum(map(len, found)), 1)
    yield figure("entities, samples, strict", _f1(found, true, None), "F1 (%)", n=n, seconds=spent)
    yield figure("entities, samples, exactly right", precise, "% of suggested", n=sum(map(len, found)), seconds=0)
    yield from _contents(made, rows)


def _contents(made: Sequence[Annotations], rows: Sequence[dict[str, Any]]) -> Iterator[Figure]:
    """Yield character F1 of attributed content, and author against quoted by entity mention."""
    shared = ours = theirs = right = mentions = 0
    for said, row in zip(made, rows, strict=True):
        found = _characters((a.content.start, a.content.end) for a in said.attributions)
        true = _characters((a["content"]["start"], a["content"]["end"]) for a in row["attributions"])
        shared, ours, theirs = shared + len(found & true), ours + len(found), theirs + len(true)
        for entity in row["entities"]:
            mentions += 1
            right += (entity["start"] in found) == (entity["start"] in true)
    f1 = 200 * shared / max(ours + theirs, 1)
    yield figure("attributed content, samples", f1, "character F1 (%)", n=len(made), seconds=0)
    yield figure("author or quoted, samples", 100 * right / max(mentions, 1), "% of mentions", n=mentions, seconds=0)


# stance


def _stance(rows: Sequence[dict[str, Any]], suggester: Suggester) -> Iterator[Figure]:
    start = time.perf_counter()
    pairs = []
    for row in rows:
        document = _document(row["text"])
        pairs.append((document, [Span.of(document, row["start"], row["end"])]))
    said = [CLASSES[max(range(3), key=lambda i, p=p: p[0][i])] for p in suggester.judge(pairs, conflict=False)]
    true = [row["label"] for row in rows]
    spent = time.perf_counter() - start
    official = [index for index, row in enumerate(rows) if row["split"] == "rw_dev"]
    accuracy = 100 * sum(a == b for a, b in zip(said, true, strict=True)) / len(true)
    yield figure(
        "stance, NewsMTSC development", _macro(said, true), "macro-F1 (%)", target=">= 59.5", n=len(true), seconds=spent
    )
    yield figure("stance, NewsMTSC development, accuracy", accuracy, "%", target=">= 59.7", n=len(true), seconds=0)
    part = _macro([said[i] for i in official], [true[i] for i in official])
    yield figure(
        "stance, of it the real-world part", part, "macro-F1 (%)", target=">= 59.5", n=len(official), seconds=0
    )


def _macro(said: Sequence[str], true: Sequence[str]) -> float:
    scores = []
    for name in CLASSES:
        right = sum(a == b == name for a, b in zip(said, true, strict=True))
        scores.append(200 * right / max(said.count(name) + true.count(name), 1))
    return sum(scores) / 3


# speed


def _speed(documents: list[tuple[Document, Sequence[Any]]], quick: bool) -> Iterator[Figure]:
    import spacy

    nlp = spacy.load(SuggestSettings().pipeline, exclude=["senter"])
    suggester = _suggester()
    plain = _suggester(layers=["entities", "attribution"])
    texts = [document.text for document, _ in documents]
    words = sum(len(text.split()) for text in texts)

    def bare() -> None:
        with nlp.memory_zone():
            for _ in nlp.pipe(texts):
                pass

    start = time.perf_counter()
    rounds = 2 if quick else 5
    share, ours, theirs = ratio(lambda: list(suggester.suggest(documents)), bare, rounds=rounds)
    without, _, _ = ratio(lambda: list(plain.suggest(documents)), bare, rounds=rounds)
    spent = time.perf_counter() - start
    peer = "nlp.pipe of the same model"
    yield figure("speed of the whole stage", share, "ratio", target=">= 0.6", peer=peer, n=words, seconds=spent)
    yield figure("speed without stance", without, "ratio", peer=peer, n=words, seconds=0)
    yield figure("words a second and core", words / ours, "words/s CPU", n=words, seconds=0)
    yield figure("words a second and core, bare", words / theirs, "words/s CPU", n=words, seconds=0)


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield quality on the development data where it is given, quality on the samples, and speed."""
    suggester = _suggester()
    uner = _rows(data, "entities/ewt_dev.jsonl")
    re3d = _rows(data, "entities/re3d_dev.jsonl")
    stance = _rows(data, "stance/newsmtsc_dev.jsonl")
    if uner:
        yield from _entities("EWT-UNER", uner, suggester, _as_uner, (">= 80", ""))
    if re3d:
        part = [row for row in re3d if row["split"] == "dev"][:: 2 if quick else 1]
        yield from _entities("re3d", part, _suggester(trim_articles=False), _as_re3d, (">= 45", ">= 61"))
    yield from _on_samples(suggester)
    if stance:
        yield from _stance(stance[:: 4 if quick else 1], suggester)
    documents = [(_document(row["text"]), ()) for row in re3d] or _sample_documents()
    yield from _speed(documents[:: 10 if quick else 1], quick)
