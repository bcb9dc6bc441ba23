"""Measure what the whole of `suggest` costs: against the bare parser, on two cores, in memory, on hostile texts.

The stage does the parser's work and its own; the peer is ``nlp.pipe`` of the same model with the same components on
the same texts, in processor time of the same run. Two processes are timed on whole runs of the command on a desk,
models loaded and all. Memory is what the workers of such a run hold at their highest (Linux only).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from copydesk.annotate import load_suggester
from copydesk.corpus import Desk, SuggestSettings, ingest, init_desk
from copydesk.schemas import Document, document_id, load_scheme, text_sha256

from .figure import Figure, figure, ratio
from .samples import sample_documents

LONG: Final = 100_000
HOSTILE: Final = {
    "one line, no sentences": "the army of the north and the rebels of the south ",
    "one line, no spaces": "armyrebels",
    "emoji": "😀🇺🇦👩‍👩‍👧 ",
    "Arabic": "قالت قوات الجيش إن الهجوم على المدينة استمر يوم الجمعة. ",
    "numbers": "1,200 3.5 17 2016 ",
    "quotation marks": '" said “ ',
    "brackets": "((((",
    "hyphens": "-a",
}


def _document(text: str) -> Document:
    return Document(document_id(text), text, text_sha256(text), language="en")


def _news(data: Path | None) -> list[tuple[Document, Sequence[Any]]]:
    path = data / "entities" / "re3d_dev.jsonl" if data else None
    if path is None or not path.is_file():
        return sample_documents()
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(_document(row["text"]), ()) for row in rows]


def _against_the_parser(documents: list[tuple[Document, Sequence[Any]]], rounds: int) -> Iterator[Figure]:
    import spacy

    nlp = spacy.load(SuggestSettings().pipeline, exclude=["senter"])
    scheme = load_scheme()
    whole = load_suggester(SuggestSettings(), scheme)
    without = load_suggester(SuggestSettings(layers=["entities", "attribution"]), scheme)
    texts = [document.text for document, _ in documents]
    words = sum(len(text.split()) for text in texts)

    def bare() -> None:
        with nlp.memory_zone():
            for _ in nlp.pipe(texts):
                pass

    for work in (bare, lambda: list(whole.suggest(documents)), lambda: list(without.suggest(documents))):
        work()  # what is read and compiled once is not what a desk pays per document
    start = time.perf_counter()
    off, seconds_off, _ = ratio(lambda: list(without.suggest(documents)), bare, rounds=rounds)
    on, seconds_on, seconds_bare = ratio(lambda: list(whole.suggest(documents)), bare, rounds=rounds)
    spent = time.perf_counter() - start
    peer = "nlp.pipe of the same model"
    yield figure("stage without stance", off, "ratio", target=">= 0.9", peer=peer, n=words, seconds=spent)
    yield figure("stage with stance", on, "ratio", target=">= 0.6", peer=peer, n=words, seconds=0)
    yield figure("words a second and core, without stance", words / seconds_off, "words/s CPU", n=words, seconds=0)
    yield figure("words a second and core, with stance", words / seconds_on, "words/s CPU", n=words, seconds=0)
    yield figure("words a second and core, bare", words / seconds_bare, "words/s CPU", n=words, seconds=0)


# hostile texts


def _hostile(news: Sequence[Document], size: int) -> Iterator[Figure]:
    suggester = load_suggester(SuggestSettings(), load_scheme())

    def cost(texts: Sequence[str]) -> float:
        start = time.process_time()
        list(suggester.suggest([(_document(text), ()) for text in texts]))
        return (time.process_time() - start) / sum(map(len, texts)) * LONG

    cost([document.text for document in news])
    normal = cost([document.text for document in news])
    n = sum(len(document.text) for document in news)
    yield figure("seconds per 100,000 characters of news", normal, "s CPU", n=n, seconds=0)
    for name, unit in HOSTILE.items():
        start = time.perf_counter()
        text = (unit * (size // len(unit) + 1))[:size]
        found = cost([text]) / normal
        spent = time.perf_counter() - start
        yield figure(f"time per character, {name}", found, "x news", target="<= 10", n=size, seconds=spent)


# whole runs


def _desk(folder: Path, documents: Sequence[Document], parts: int) -> Path:
    """Make a desk with that many articles shards, each with all the documents under another first sentence."""
    made = init_desk(folder / "desk").path
    settings = made / "copydesk.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("threshold = 0.8", "threshold = 1.0"), "utf-8")
    desk = Desk(made)
    for part in range(parts):
        path = folder / f"{part}.jsonl"
        first = f"Report number {part} of the week, as it was filed."
        records = [{"text": f"{first}\n\n{document.text}"} for document in documents]
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        ingest(desk, [str(path)])
    return desk.path


def _run(desk: Path, workers: int) -> tuple[float, float, dict[int, tuple[int, int]]]:
    """Return (seconds on the wall, processor seconds, worker -> highest (RSS, PSS)) of ``copydesk suggest``."""
    settings = desk / "copydesk.toml"
    lines = settings.read_text(encoding="utf-8").splitlines()
    lines = [f"workers = {workers}" if line.startswith("workers") else line for line in lines]
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for old in (*(desk / "suggestions").rglob("*.parquet"), desk / "state.json"):
        old.unlink(missing_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    command = [sys.executable, "-c", "from copydesk.cli import main; main()", "suggest", "--desk", str(desk)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    highest: dict[int, tuple[int, int]] = {}
    watch = threading.Thread(target=_watch, args=(process, highest))
    watch.start()
    if process.wait():
        raise RuntimeError("copydesk suggest failed")
    wall = time.perf_counter() - start
    watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, highest


def _watch(process: subprocess.Popen[bytes], highest: dict[int, tuple[int, int]]) -> None:
    while process.poll() is None:
        for path in Path("/proc").glob("[0-9]*/smaps_rollup"):
            try:
                parent = int((path.parent / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent != process.pid or "resource_tracker" in (path.parent / "cmdline").read_text():
                    continue
                sizes = dict(line.split(":", 1) for line in path.read_text().splitlines()[1:])
            except (OSError, ValueError):
                continue
            rss, pss = (int(sizes[name].split()[0]) for name in ("Rss", "Pss"))
            worker = int(path.parent.name)
            old = highest.get(worker, (0, 0))
            highest[worker] = max(rss, old[0]), max(pss, old[1])
        time.sleep(0.25)


def _two_processes(documents: Sequence[Document], runs: int) -> Iterator[Figure]:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        desk = _desk(Path(scratch), documents, parts=16)
        pairs = [(_run(desk, 1), _run(desk, 2)) for _ in range(runs)]
    spent = time.perf_counter() - start
    walls = max(one[0] / two[0] for one, two in pairs)
    # on a machine that others use, what two processes would do with two free cores
    cores = max(2 * one[1] / two[1] for one, two in pairs)
    n = 16 * len(documents)
    yield figure("two processes against one, wall", walls, "ratio", n=n, seconds=spent)
    yield figure("two processes against one, per core", cores, "ratio", target=">= 1.8", n=n, seconds=0)
    workers = [sizes for _, two in pairs for sizes in two[2].values()]
    if workers:
        rss, pss = (max(sizes[kind] for sizes in workers) / 1024 for kind in (0, 1))
        yield figure("memory of a worker", rss, "MB RSS", n=len(workers), seconds=0)
        yield figure("memory of a worker, shared pages divided", pss, "MB PSS", n=len(workers), seconds=0)


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield speed on the development data where it is given, else on our samples; hostile texts; whole runs."""
    documents = _news(data)
    part = documents[:: 8 if quick else 2] if data else documents
    yield from _against_the_parser(part, rounds=2 if quick else 5)
    yield from _hostile([document for document, _ in part], 20_000 if quick else 200_000)
    if not quick:
        yield from _two_processes([document for document, _ in documents], runs=1)
