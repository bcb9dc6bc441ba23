"""Fit the scores of entity suggestions, and measure how honest they are.

``python -m benchmarks.scores --data PATH`` prints ``annotate/data/scores.toml`` anew, from re3d's documents of the
split ``train``, EWT-UNER and our samples; ``python -m benchmarks scores --data PATH`` measures the file that ships on
re3d's other documents. What counts as right, where the sets' conventions are not the scheme's: articles and ``'s`` at the
edges count nothing, a polity may be re3d's place or organisation, a toll overlaps a quantity; labels that a set has
nothing like are left out.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from copydesk.annotate import without_title
from copydesk.annotate.entities import Mention, Tokens, find_mentions
from copydesk.annotate.models import load_pipeline
from copydesk.annotate.scores import score, signs
from copydesk.schemas import Document, Segment, document_id, load_scheme, text_sha256

from .figure import Figure, figure
from .samples import sample_documents, sample_rows

RIDGE: Final = 3.0
"""How hard the regression pulls a weight to zero; chosen by cross-validation over re3d's training documents."""
BINS: Final = 10
_UNER: Final = {
    "PERSON": "Person", "ORG": "Organisation", "ARMED_ACTOR": "Organisation", "GPE": "Location", "LOCATION": "Location",
    "FACILITY": "Location",
}  # fmt: skip

Marks = set[tuple[int, int, str]]
Judged = tuple[Mention, str, bool]
"""A mention, the text it stands in, and whether it is right."""


def _rows(data: Path | None, name: str) -> list[dict[str, Any]]:
    path = data / name if data else None
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path and path.is_file() else []
    )


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    if lead := re.match(r"(?:the|an?) ", text[start:end], re.IGNORECASE):
        start += lead.end()
    return start, end - 2 if text[start:end].endswith(("'s", "’s")) else end


def _mentions(documents: Iterable[tuple[Document, Sequence[Segment]]]) -> Iterator[tuple[str, list[Mention]]]:
    for parse in load_pipeline().parse(documents):
        yield parse.document.text, find_mentions(parse, Tokens(parse))


def _plain(row: dict[str, Any]) -> tuple[Document, Sequence[Segment]]:
    text = row["text"]
    return Document(document_id(text), text, text_sha256(text), language="en"), ()


def _right(mention: Mention, text: str, gold: Marks, names: dict[str, tuple[str, ...]]) -> bool | None:
    """Tell whether a mention is in the gold; None where the set has nothing like its label."""
    labels = names.get(mention.label, ())
    start, end = mention.start, mention.end
    if not labels:
        return None
    if mention.label == "TOLL":
        return any(low < end and start < high and label in labels for low, high, label in gold)
    return any((*_bare(text, start, end), label) in gold for label in labels)


def _judge_re3d(rows: list[dict[str, Any]]) -> Iterator[Judged]:
    crosswalk = {label.id: label.crosswalk.get("re3d", "") for label in load_scheme().labels}
    names = {label: tuple(filter(None, there.split(", "))) for label, there in crosswalk.items()}
    names |= {"GPE": ("Location", "Organisation"), "POPULATION": ("Organisation", "Nationality")}
    for row, (text, mentions) in zip(rows, _mentions(map(_plain, rows)), strict=True):
        gold = {(*_bare(text, low, high), label) for low, high, label in row["entities"]}
        for mention in mentions:
            if (right := _right(mention, text, gold, names)) is not None:
                yield mention, text, right


def _judge_uner(rows: list[dict[str, Any]]) -> Iterator[Judged]:
    for row, (text, mentions) in zip(rows, _mentions(map(_plain, rows)), strict=True):
        gold = {(*_bare(text, low, high), label) for low, high, label in row["entities"]}
        for mention in mentions:
            nominal = mention.origin not in ("model", "gazetteer", "country", "dateline", "repeat", "acronym")
            if mention.label in _UNER and not nominal:
                start = mention.start
                if mention.label == "PERSON":
                    start += without_title(text[mention.start : mention.end])
                yield mention, text, (*_bare(text, start, mention.end), _UNER[mention.label]) in gold


def _judge_samples() -> Iterator[Judged]:
    rows = {row["sha256"]: row for row in sample_rows()}
    documents = [pair for pair in sample_documents() if pair[0].sha256 in rows]
    for (document, _), (text, mentions) in zip(documents, _mentions(documents), strict=True):
        gold = {(*_bare(text, e["start"], e["end"]), e["label"]) for e in rows[document.sha256]["entities"]}
        for mention in mentions:
            yield mention, text, (*_bare(text, mention.start, mention.end), mention.label) in gold


def _fit(judged: Sequence[Judged]) -> tuple[float, dict[str, float], Counter[str]]:
    """Return bias, weights and counts of a ridge logistic regression, by Newton's method."""
    features = [set(signs(mention, text)) for mention, text, _ in judged]
    counts = Counter(sign for some in features for sign in some)
    names = sorted(counts)
    place = {sign: index for index, sign in enumerate(names, start=1)}
    matrix = np.zeros((len(judged), len(names) + 1))
    matrix[:, 0] = 1
    for row, some in enumerate(features):
        matrix[row, [place[sign] for sign in some]] = 1
    right = np.array([float(fine) for _, _, fine in judged])
    penalty = np.full(len(names) + 1, RIDGE)
    penalty[0] = 1e-6
    weights = np.zeros(len(names) + 1)
    for _ in range(25):
        chance = 1 / (1 + np.exp(-matrix @ weights))
        slope = matrix.T @ (right - chance) - penalty * weights
        curve = (matrix * (chance * (1 - chance))[:, None]).T @ matrix + np.diag(penalty)
        weights += np.linalg.solve(curve, slope)
    return float(weights[0]), {sign: float(weights[place[sign]]) for sign in names}, counts


def calibration_error(pairs: Sequence[tuple[float, bool]]) -> float:
    """Return the expected calibration error in points: mean distance of score and share of right ones, by bins."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for chance, fine in pairs:
        bins.setdefault(min(int(chance * BINS), BINS - 1), []).append((chance, fine))
    gaps = (abs(sum(c for c, _ in some) - sum(f for _, f in some)) for some in bins.values())
    return 100 * sum(gaps) / max(len(pairs), 1)


def ranking(pairs: Sequence[tuple[float, bool]]) -> float:
    """Return how often, in per cent, a right one has the higher score than a wrong one (ties count half)."""
    right = [chance for chance, fine in pairs if fine]
    wrong = [chance for chance, fine in pairs if not fine]
    wins = sum((a > b) + (a == b) / 2 for a in right for b in wrong)
    return 100 * wins / max(len(right) * len(wrong), 1)


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield how honest the shipped scores are on documents that they were not fitted on."""
    rows = [row for row in _rows(data, "entities/re3d_dev.jsonl") if row["split"] == "dev"][:: 2 if quick else 1]
    if not rows:
        return
    start = time.perf_counter()
    pairs = [(score(mention, text), fine) for mention, text, fine in _judge_re3d(rows)]
    spent = time.perf_counter() - start
    n = len(pairs)
    yield figure("entity scores, re3d, calibration error", calibration_error(pairs), "points", n=n, seconds=spent)
    yield figure("entity scores, re3d, right above wrong", ranking(pairs), "%", target=">= 65", n=n, seconds=0)


def training(data: Path) -> list[Judged]:
    """Return the mentions that the shipped scores are fitted on."""
    re3d = [row for row in _rows(data, "entities/re3d_dev.jsonl") if row["split"] == "train"]
    return [*_judge_re3d(re3d), *_judge_uner(_rows(data, "entities/ewt_dev.jsonl")), *_judge_samples()]


def toml(judged: Sequence[Judged]) -> str:
    """Return ``scores.toml`` for these mentions."""
    bias, weights, counts = _fit(judged)
    share = sum(fine for _, _, fine in judged) / len(judged)
    lines = [
        "# How likely a suggested entity is exactly right: a logistic regression over what speaks for and against it",
        "# (annotate/scores.py), made by `python -m benchmarks.scores`. Fitted on re3d's training documents, EWT-UNER and our",
        f"# samples: {len(judged)} suggestions, {100 * share:.0f} % of them right. re3d leaves out 8 % of the mentions of its own frequent names and",
        "# follows other conventions: read a score as a lower bound.",
        "",
        "own = 0.9      # a desk's own gazetteer: not measured, the editors' guess",
        "learnt = 0.56  # a trained model's mention without a probability: its precision on re3d, not fitted",
        f"bias = {bias:.3f}",
        "",
        "[weights]",
        *(f"{json.dumps(sign)} = {weight:.3f}  # n = {counts[sign]}" for sign, weight in weights.items()),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scores", description="Print scores.toml anew.")
    parser.add_argument("--data", type=Path, required=True, help="folder with development data")
    print(toml(training(parser.parse_args().data)))
