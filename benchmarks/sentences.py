"""Measure sentence boundaries: span F1 (both ends exact) on gold sentences, and speed.

Data: a folder with ``sentences/dev.jsonl``, one document a line: ``text``, ``pars`` and ``sents`` as lists of
``[start, end]``. Without it, hard cases of our own (the parts of each line are sentences) are measured alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from copydesk.corpus import quotations, sentences

from .figure import Figure, figure

Range = tuple[int, int]
Splitter = Callable[[str, list[Range]], set[Range]]

HARD = """\
Brig. Gen. Omar Haddad met Lt. Col. J. R. Petrov and Sgt. Maj. Ali at St. Anna's.|They agreed on a truce.
The U.N. Security Council met in New York on Friday.|It failed to agree.
He flew to Washington D.C. on Monday.|U.S. officials waited at the airport.
Her family lives in the U.S.|The army does not know.|He left at 5 a.m.|They followed him.
ALEPPO, Syria (AP) — Rebels entered the city, residents said.|Shops closed early.
KYIV, Ukraine, March 3 (Reuters) - Air defences were at work.|No one was hurt.
“We will not leave. We have nowhere to go,” said Nadia Brek.|She is a teacher.
"Stop! Now!" he cried at the checkpoint.|They did.
Was it true?|No one knew!|“Yes,” said Capt. Ali of the 3rd Division.
The convoy was stopped near Mt. Oskal by Col. Temur's men.|Nobody was hurt.
Rep. A. J. Marosh and Sen. Velin voted against it.|The bill passed.
About 3.5 million people fled, 1,200 of them by sea.|Prices rose 2.5 percent.
“Nobody stopped them.”|He left for Sareb.
Al-Nur Co. Ltd. of Harun was shelled.|Its owner, A. Brek Jr. of Qasra, fled.
The talks resume on Dec. 3 in Geneva.|Both sides, incl. the Front, will come.
""".splitlines()


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield F1 of copydesk and of its base alone, in one run, and words a second."""
    sets = {"hard cases": [_marked(line.split("|")) for line in HARD]}
    gold = None if data is None else data / "sentences" / "dev.jsonl"
    if gold is not None and gold.exists():
        with gold.open(encoding="utf-8") as lines:
            sets["gold news and web"] = [_gold(line) for line in lines]
    for name, documents in sets.items():
        start = time.process_time()
        value = _f1(documents, _ours)
        seconds = time.process_time() - start
        number = sum(len(spans) for _, _, spans in documents)
        yield figure(f"sentences, {name}", value, "F1 (%)", target=">= 95", peer="", n=number, seconds=seconds)
        start = time.process_time()
        value = _f1(documents, _base)
        seconds = time.process_time() - start
        yield figure(f"sentences, {name}, nupunkt alone", value, "F1 (%)", n=number, seconds=seconds)
    yield _speed(max(sets.values(), key=len), rounds=5 if quick else 40)


def _marked(parts: list[str]) -> tuple[str, list[Range], set[Range]]:
    spans, start = set(), 0
    for part in parts:
        spans.add((start, start + len(part)))
        start += len(part) + 1
    return " ".join(parts), [(0, start - 1)], spans


def _gold(line: str) -> tuple[str, list[Range], set[Range]]:
    row = json.loads(line)
    return row["text"], [(start, end) for start, end in row["pars"]], {(start, end) for start, end in row["sents"]}


def _f1(documents: Iterable[tuple[str, list[Range], set[Range]]], split: Splitter) -> float:
    right = found = wanted = 0
    for text, paragraphs, gold in documents:
        spans = split(text, paragraphs)
        right, found, wanted = right + len(spans & gold), found + len(spans), wanted + len(gold)
    return 200 * right / (found + wanted)


def _ours(text: str, paragraphs: list[Range]) -> set[Range]:
    quoted = quotations(text, paragraphs)
    return {
        span
        for start, end in paragraphs
        for span in sentences(text, start, end, quoted=[quote for quote in quoted if start <= quote[0] < end])
    }


def _base(text: str, paragraphs: list[Range]) -> set[Range]:
    import nupunkt

    spans = set()
    for start, end in paragraphs:
        for one, other in nupunkt.sent_spans(text[start:end]):
            piece = text[start + one : start + other]
            begin = start + one + len(piece) - len(piece.lstrip())
            spans.add((begin, begin + len(piece.strip())))
    return spans


def _speed(documents: list[tuple[str, list[Range], set[Range]]], *, rounds: int) -> Figure:
    words = rounds * sum(len(text.split()) for text, _, _ in documents)
    start = time.process_time()
    for _ in range(rounds):
        for text, paragraphs, _ in documents:
            _ours(text, paragraphs)
    seconds = time.process_time() - start
    return figure("sentences, speed", words / seconds, "words/s CPU", n=words, seconds=seconds)
