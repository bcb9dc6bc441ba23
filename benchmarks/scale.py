"""Measure the engine: two processes against one, a second run, 1 % more, memory, and what 100 million articles would take."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .figure import Figure, figure

FIRST: Final = 10_000
MEMORY: Final = (10_000, 200_000)
WORDS: Final = 400
VOCABULARY: Final = (
    "the a of in and to by on at near after before its their army rebels town river bridge border convoy shelling "
    "ceasefire officials residents hospital said told reported killed wounded denied advanced withdrew Tuesday night "
    "northern eastern province capital spokesman ministry aid agency road checkpoint drone missile artillery village"
).split()
MORE: Final = 100
"""One new article for so many old ones."""

INGEST: Final = """
import json, resource, sys, time
from pathlib import Path
from copydesk.corpus import Desk, ingest
if __name__ == "__main__":
    desk = Desk(Path(sys.argv[1]))
    desk.settings = desk.settings.model_copy(update={"engine": sys.argv[2], "workers": int(sys.argv[3])})
    start, stages = time.perf_counter(), {}
    def note(told):
        stages[told.stage] = time.perf_counter() - start
    result = ingest(desk, sys.argv[4:], on_progress=note)
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({
        "wall": time.perf_counter() - start,
        "own": own.ru_utime + own.ru_stime,
        "cpu": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
        "stages": stages,
        "memory": own.ru_maxrss, "documents": result.documents, "accepted": result.accepted,
    }))
"""


def _write(path: Path, first: int, number: int) -> None:
    """Write articles that have no five words in common but by chance, one JSON object a line."""
    import random

    with path.open("w", encoding="utf-8") as file:
        for index in range(first, first + number):
            dice = random.Random(index)
            words = dice.choices(VOCABULARY, k=WORDS)
            sentences = [" ".join(words[at : at + 20]).capitalize() + "." for at in range(0, WORDS, 20)]
            text = "\n\n".join(" ".join(sentences[at : at + 3]) for at in range(0, len(sentences), 3))
            file.write(
                json.dumps({"id": str(index), "title": f"Article {index}", "text": text, "language": "en"}) + "\n"
            )


def _run(desk: Path, engine: str, workers: int, *sources: Path) -> dict[str, Any]:
    from copydesk.corpus import init_desk

    if not desk.exists():
        init_desk(desk)
    script = desk.parent / "run.py"
    script.write_text(INGEST, encoding="utf-8")
    words = [sys.executable, str(script), str(desk), engine, str(workers), *map(str, sources)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield the figures; `quick` measures on fewer articles. No data of others is read."""
    number = FIRST // 4 if quick else FIRST
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _write(work / "first.jsonl", 0, number)
        _write(work / "more.jsonl", number, max(1, number // MORE))
        one = _run(work / "one", "serial", 1, work / "first.jsonl")
        two = _run(work / "two", "processes", 2, work / "first.jsonl")
        again = _run(work / "one", "serial", 1, work / "first.jsonl")
        more = _run(work / "one", "serial", 1, work / "first.jsonl", work / "more.jsonl")
        assert (one["accepted"], again["accepted"], more["accepted"]) == (number, 0, max(1, number // MORE))
        yield figure(
            "two processes", one["wall"] / two["wall"], "ratio", target=">= 1.8", peer="one process, wall clock",
            n=number, seconds=two["wall"],
        )  # fmt: skip
        yield figure(
            "share of the work in worker processes", 1 - two["own"] / two["cpu"], "share", peer="two processes, processor time",
            n=number, seconds=two["wall"],
        )  # fmt: skip
        yield figure(
            "second run of the same", again["cpu"] / one["cpu"], "ratio", peer="first run, processor time",
            n=number, seconds=again["wall"],
        )  # fmt: skip
        yield figure(
            "run after adding 1 %", more["cpu"] / one["cpu"], "ratio", target="<= 0.03", peer="first run, processor time",
            n=number, seconds=more["wall"],
        )  # fmt: skip
        stored = sum(file.stat().st_size for file in (work / "one").rglob("*.parquet"))
        yield figure("documents", number / one["cpu"], "documents/s/core", n=number, seconds=one["wall"])
        yield figure("stored", stored / number, "bytes/document", n=number, seconds=one["wall"])
        yield from _memory(work, (number, 4 * number) if quick else MEMORY)


def _memory(work: Path, numbers: tuple[int, int]) -> Iterator[Figure]:
    peaks = []
    for number in numbers:
        source = work / f"{number}.jsonl"
        _write(source, 0, number)
        told = _run(work / f"desk-{number}", "processes", len(os.sched_getaffinity(0)), source)
        peaks.append(told["memory"] * (1 if sys.platform == "darwin" else 1024))
    yield figure(
        "peak memory", peaks[1] / peaks[0], "ratio", target="<= 1.2", peer=f"{numbers[0]:,} articles ({peaks[0] / 2**20:.0f} MiB)",
        n=numbers[1], seconds=resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime,
    )  # fmt: skip
