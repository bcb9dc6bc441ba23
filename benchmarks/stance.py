"""Measure the stance model: on NewsMTSC's development part, on a probe of conflict text, how honest, how fast.

Intervals are percentile bootstraps over sentences (NewsMTSC: targets of one sentence are not independent) and over
documents (probe). The probe's labels are machine-made and unreviewed: it tells a shift of domain, not a level.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from copydesk.annotate import Suggester, load_suggester
from copydesk.corpus import SuggestSettings
from copydesk.schemas import Document, Span, document_id, load_scheme, text_sha256

from .figure import Figure, figure
from .samples import sample_documents, sample_rows

CLASSES: Final = ("critical", "neutral", "supportive")
PEER: Final = "lexicon and roles"
Row = tuple[float, float, float]
Rows = Sequence[tuple[Row, int]]
"""Probabilities and the right class of each target."""

# the door shows what a desk needs; a measure also needs the parts
items = import_module("copydesk.annotate.stance_items")
model = import_module("copydesk.annotate.stance_model")
counted = import_module("copydesk.annotate.stance_figures")
calibration = import_module("copydesk.annotate.calibration")


def _read(data: Path | None, name: str) -> list[dict[str, Any]]:
    path = data / "stance" / name if data else None
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _said(rows: Rows) -> tuple[list[int], list[int]]:
    return [counted.best(row) for row, _ in rows], [label for _, label in rows]


def macro_f1(rows: Rows) -> float:
    """Return macro-F1 in per cent."""
    return 100 * float(counted.macro_f1(*_said(rows)))


def accuracy(rows: Rows) -> float:
    """Return accuracy in per cent."""
    said, truth = _said(rows)
    return 100 * sum(a == b for a, b in zip(said, truth, strict=True)) / max(len(rows), 1)


def recall_average(rows: Rows) -> float:
    """Return the mean recall of the classes in per cent."""
    return 100 * float(counted.recall_average(*_said(rows)))


def calibration_error(rows: Rows) -> float:
    """Return the expected calibration error in points, ten bins."""
    return 100 * float(counted.expected_error([row for row, _ in rows], [label for _, label in rows]))


def errors_in_doubt(rows: Rows) -> float:
    """Return how many of all errors lie in the least confident 30 %, in per cent."""
    order = sorted(rows, key=lambda pair: max(pair[0]))
    wrong = [counted.best(row) != label for row, label in order]
    return 100 * sum(wrong[: round(0.3 * len(order))]) / max(sum(wrong), 1)


def interval(rows: Rows, groups: Sequence[str], measure: Callable[[Rows], float], *, times: int) -> str:
    """Return the 95 % interval of a measure when its groups are drawn anew, as words."""
    held: dict[str, list[tuple[Row, int]]] = {}
    for pair, group in zip(rows, groups, strict=True):
        held.setdefault(group, []).append(pair)
    draws = random.Random(0)
    parts = list(held.values())
    values = sorted(
        measure([pair for part in draws.choices(parts, k=len(parts)) for pair in part]) for _ in range(times)
    )
    return f"95 %: {values[round(0.025 * times)]:.1f} to {values[round(0.975 * times) - 1]:.1f}"


def _judged(stance: Any, rows: Sequence[dict[str, Any]], *, conflict: bool = False) -> list[tuple[Row, int]]:
    given = [items.StanceItem(row["text"], row["start"], row["end"], conflict=conflict) for row in rows]
    verdicts = stance.judge(given)
    return [(verdict.probabilities, CLASSES.index(row["label"])) for verdict, row in zip(verdicts, rows, strict=True)]


def _by_lexicon(suggester: Suggester, rows: Sequence[dict[str, Any]], *, conflict: bool) -> list[tuple[Row, int]]:
    pairs = []
    for row in rows:
        document = Document(document_id(row["text"]), row["text"], text_sha256(row["text"]), language="en")
        pairs.append((document, [Span.of(document, row["start"], row["end"])]))
    said = suggester.judge(pairs, conflict=conflict)
    return [(probabilities[0], CLASSES.index(row["label"])) for probabilities, row in zip(said, rows, strict=True)]


def _quality(name: str, rows: Rows, groups: Sequence[str], peer: Rows, quick: bool) -> Iterator[Figure]:
    times = 100 if quick else 1000
    measures: list[tuple[str, Callable[[Rows], float], str, str]] = [
        ("macro-F1", macro_f1, "%", ">= 76"),
        ("accuracy", accuracy, "%", ""),
        ("recall-average", recall_average, "%", ""),
        ("calibration error", calibration_error, "points", "<= 5"),
        ("errors in the least confident 30 %", errors_in_doubt, "%", ""),
    ]
    for what, measure, unit, target in measures:
        start = time.perf_counter()
        around = interval(rows, groups, measure, times=times)
        beside = f"{around}; {PEER} {measure(peer):.1f}"
        spent = time.perf_counter() - start
        yield figure(f"{name}, {what}", measure(rows), unit, target=target, peer=beside, n=len(rows), seconds=spent)


def _columns(rows: Rows) -> tuple[list[Row], list[int]]:
    return [row for row, _ in rows], [label for _, label in rows]


def _corrected(rows: Rows, groups: Sequence[str], k: int, *, times: int) -> tuple[list[Rows], list[Rows]]:
    """Return the rest of the rows before and after a fit on the first documents with k corrections, several times."""
    names = sorted(set(groups))
    before: list[Rows] = []
    after: list[Rows] = []
    for seed in range(times):
        order = list(names)
        random.Random(seed).shuffle(order)
        place = {name: position for position, name in enumerate(order)}
        ranked = sorted(range(len(rows)), key=lambda i: (place[groups[i]], i))
        chosen = ranked[:k]
        seen = {groups[i] for i in chosen}
        rest = [rows[i] for i in ranked[k:] if groups[i] not in seen]
        fitted = calibration.fit_calibration([rows[i][0] for i in chosen], [rows[i][1] for i in chosen])
        moved = fitted.moved(row for row, _ in rest)
        before.append(rest)
        after.append([(row, label) for row, (_, label) in zip(moved, rest, strict=True)])
    return before, after


def _on_probe(stance: Any, rows: Sequence[dict[str, Any]], lexicon: Suggester, quick: bool) -> Iterator[Figure]:
    judged = _judged(stance, rows)
    groups = [row["doc"] for row in rows]
    peer = _by_lexicon(lexicon, rows, conflict=True)  # its offsets were fitted on these rows
    times = 100 if quick else 1000
    for what, measure, unit in (
        ("macro-F1", macro_f1, "%"), ("accuracy", accuracy, "%"), ("calibration error", calibration_error, "points"),
    ):  # fmt: skip
        beside = f"{interval(judged, groups, measure, times=times)}; {PEER} {measure(peer):.1f}, fitted on these"
        yield figure(f"conflict probe, zero-shot, {what}", measure(judged), unit, peer=beside, n=len(rows), seconds=0)
    fits = [
        (rows, label) for rows, (_, label) in zip(calibration.held_out(*_columns(judged), groups), judged, strict=True)
    ]
    for what, measure, unit in (("macro-F1", macro_f1, "%"), ("accuracy", accuracy, "%"), ("calibration error", calibration_error, "points")):  # fmt: skip
        name = f"conflict probe, with a shift as the shipped one, fitted on the other documents, {what}"
        yield figure(name, measure(fits), unit, peer=f"zero-shot {measure(judged):.1f}", n=len(fits), seconds=0)
    splits = 5 if quick else 50
    for k in (10, 25, 50):
        start = time.perf_counter()
        before, after = _corrected(judged, groups, k, times=splits)
        spent = time.perf_counter() - start
        for what, measure, unit in (
            ("macro-F1", macro_f1, "%"), ("accuracy", accuracy, "%"), ("calibration error", calibration_error, "points"),
        ):  # fmt: skip
            was = sum(map(measure, before)) / splits
            now = sum(map(measure, after)) / splits
            n = round(sum(map(len, after)) / splits)
            name = f"conflict probe, after {k} corrections, {what}"
            yield figure(
                name,
                now,
                unit,
                peer=f"the same rows before: {was:.1f}; {splits} splits by document",
                n=n,
                seconds=spent,
            )


def _on_samples(trained: Suggester, lexicon: Suggester) -> Iterator[Figure]:
    """Yield how often the class of a stance in our samples is met, given the target that people marked."""
    start = time.perf_counter()
    gold = {row["sha256"]: row for row in sample_rows()}
    names = {**dict.fromkeys(("-2", "-1"), 0), "0": 1, **dict.fromkeys(("+1", "+2"), 2)}
    pairs: list[tuple[Document, list[Span]]] = []
    truth: list[int] = []
    for document, _ in sample_documents():
        row = gold.get(document.sha256, {"entities": [], "stances": []})
        places = {entity["id"]: Span.of(document, entity["start"], entity["end"]) for entity in row["entities"]}
        known = [said for said in row["stances"] if said["polarity"] in names]
        pairs.append((document, [places[said["target"]] for said in known]))
        truth += [names[said["polarity"]] for said in known]
    judged, peer = (
        list(zip((row for rows in suggester.judge(pairs) for row in rows), truth, strict=True))
        for suggester in (trained, lexicon)
    )
    spent = time.perf_counter() - start
    n = len(truth)
    yield figure(
        "our samples, macro-F1", macro_f1(judged), "%", peer=f"{PEER} {macro_f1(peer):.1f}", n=n, seconds=spent
    )
    beside = f"{PEER} {accuracy(peer):.1f}"
    yield figure("our samples, accuracy", accuracy(judged), "%", peer=beside, n=n, seconds=0)
    flips = sum({counted.best(row), label} == {0, 2} for row, label in judged)
    yield figure("our samples, critical taken for supportive or the other way", 100 * flips / n, "%", n=n, seconds=0)


def _speed(stance: Any, rows: Sequence[dict[str, Any]], quick: bool) -> Iterator[Figure]:
    given = [items.StanceItem(row["text"], row["start"], row["end"]) for row in rows]
    start = time.perf_counter()
    best = float("inf")
    for _ in range(2 if quick else 5):
        before = time.process_time()
        stance.judge(given)
        best = min(best, time.process_time() - before)
    spent = time.perf_counter() - start
    yield figure(
        "mentions a second and core", len(given) / best, "mentions/s CPU", target=">= 400", n=len(given), seconds=spent
    )


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield how good, how honest and how fast the shipped model is, with the lexicon beside it."""
    stance = model.TransformerStance(model.shipped_folder())
    size = sum(path.stat().st_size for path in model.shipped_folder().iterdir()) / 1e6
    yield figure("shipped stance model", size, "MB", target="<= 25", n=1, seconds=0)
    lexicon, trained = (load_suggester(SuggestSettings(stance=name), load_scheme()) for name in ("lexicon", ""))
    assert isinstance(lexicon, Suggester)
    assert isinstance(trained, Suggester)
    yield from _on_samples(trained, lexicon)
    known = _read(data, "newsmtsc_dev.jsonl")[:: 2 if quick else 1]
    probe = _read(data, "conflict_probe_dev.jsonl")
    if known:
        peer = _by_lexicon(lexicon, known, conflict=False)
        judged = _judged(stance, known)
        yield from _quality("NewsMTSC development", judged, [row["text"] for row in known], peer, quick)
        official = [place for place, row in enumerate(known) if row["split"] == "rw_dev"]
        part = [judged[place] for place in official]
        yield figure("NewsMTSC development, its real-world part, macro-F1", macro_f1(part), "%", n=len(part), seconds=0)
        yield from _speed(stance, known, quick)
    if probe:
        yield from _on_probe(stance, probe, lexicon, quick)
