"""Measure a release of a generated desk: its speed beside ``datasets`` writing the same tables, and its memory.

The peer has the easier half: it gets finished Arrow tables and only writes them. A release reads the desk,
tokenises, flattens, counts, writes, and loads everything back to check it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from copydesk.corpus import Desk, documents, init_desk
from copydesk.export import CONFIGS, release
from copydesk.schemas import (
    OUTLET,
    Annotations,
    Cluster,
    Document,
    Entity,
    Origin,
    Segment,
    SegmentKind,
    Span,
    Stance,
    Suggestion,
    document_id,
)

from .chunks import fresh_bytes
from .figure import Figure, figure, peak_memory

MADE = Origin("model", "generated", "1")
ACTORS = (
    ("the rebels", "ARMED_ACTOR"),
    ("the army", "ARMED_ACTOR"),
    ("Arvenia", "GPE"),
    ("Relief Now", "ORG"),
    ("villagers", "POPULATION"),
    ("Port Sel", "LOCATION"),
)
VERBS = ("praised", "shelled", "met", "accused", "left", "reached")
SENTENCES = 20
SHARD = 500
CORRECTED = 100


def _article(number: int) -> tuple[Document, list[Segment], Suggestion]:
    draw = random.Random(number)
    text = f"Report {number}"
    pieces = [(0, len(text), SegmentKind.SENTENCE)]
    entities: list[Entity] = []
    stances: list[Stance] = []
    words: list[tuple[int, str, str]] = []
    for _ in range(SENTENCES - 1):
        start = len(text) + 2
        (one, first), (other, second) = draw.choice(ACTORS), draw.choice(ACTORS)
        verb = draw.choice(VERBS)
        text += f"\n\nOn {draw.randint(1, 28)} May {one} {verb} {other} near kilometre {draw.randint(1, 400)}, a resident said."
        at = text.index(one, start)
        also = text.index(other, at + len(one) + len(verb))
        pieces.append((start, len(text), SegmentKind.SENTENCE))
        words += [(at, one, first), (also, other, second)]
        if second in ("ARMED_ACTOR", "GPE", "ORG", "POPULATION"):
            mark = text.index(verb, at)
            stances.append(
                Stance(f"e{also}", OUTLET, draw.choice(("-1", "0", "+1")), MADE, (Span(mark, mark + len(verb), verb),))
            )
    digest = hashlib.sha256(text.encode()).hexdigest()
    key = document_id(text)
    entities = [Entity(f"e{at}", Span(at, at + len(word), word), label, MADE, score=0.5) for at, word, label in words]
    document = Document(key, text, digest, title=f"Report {number}", outlet="The Example", language="en")
    segments = [Segment(key, index, *piece) for index, piece in enumerate(pieces)]
    said = Annotations(key, digest, tuple(entities), (), tuple(stances))
    return document, segments, Suggestion(said, MADE, ((0, len(text)),), 0.5)


def _desk(path: Path, count: int) -> Desk:
    desk = init_desk(path, name="generated")
    for shard in range(0, count, SHARD):
        made = [_article(number) for number in range(shard, min(shard + SHARD, count))]
        name = f"{shard // SHARD:05d}"
        desk.write(Document, "articles", name, [document for document, _, _ in made])
        desk.write(Segment, "segments", name, [segment for _, segments, _ in made for segment in segments])
        ids = [document.id for document, _, _ in made]
        desk.write(Cluster, "clusters", name, [Cluster(key, key, key, "canonical", 1.0) for key in ids])
        desk.write(Suggestion, "suggestions/generated@1", name, [suggestion for _, _, suggestion in made])
    desk.note("pipeline", {"name": MADE.name, "version": MADE.version})
    return desk


def _measured(arguments: list[str]) -> dict[str, Any]:
    """Run one side in a process of its own, so that each has its own memory peak."""
    command = [sys.executable, "-m", "benchmarks.release", *arguments]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _ours(path: Path) -> int:
    return release(Desk(path), silver=True).rows["entities"]


def _patched(path: Path) -> int:
    """Give one mention of a hundred articles, far from each other, another label, and release again."""
    desk = Desk(path)
    keys = sorted(document.id for document in documents(desk))
    chosen = set(keys[:: max(1, len(keys) // CORRECTED)][:CORRECTED])
    for part in desk.parts("suggestions/generated@1"):
        found = list(desk.read_part(Suggestion, part))
        if chosen & {suggestion.annotations.document_id for suggestion in found}:
            made = [_corrected(s) if s.annotations.document_id in chosen else s for s in found]
            desk.write(Suggestion, "suggestions/generated@1", part.stem.removeprefix("part-"), made)
    return _ours(path)


def _corrected(suggestion: Suggestion) -> Suggestion:
    said = suggestion.annotations
    first = replace(said.entities[0], label="NAMED_EVENT")
    return replace(suggestion, annotations=replace(said, entities=(first, *said.entities[1:])))


def _theirs(path: Path) -> int:
    import pyarrow.parquet as pq
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    rows = 0
    for name in CONFIGS:
        for part in sorted((path / "releases" / "0.1.0" / name).glob("*.parquet")):
            Dataset(pq.read_table(part)).to_parquet(path / f"peer-{name}-{part.name}")
            rows += pq.read_metadata(part).num_rows if name == "entities" else 0
    return rows


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield sentences a second, the ratio to the peer, the peak of memory, and what the next version uploads."""
    count = 150 if quick else 50_000
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        path = Path(folder) / "desk"
        _desk(path, count)
        ours = _measured(["ours", str(path)])
        theirs = _measured(["theirs", str(path)])
        _measured(["patched", str(path)])
        fresh, total = fresh_bytes(path / "releases" / "0.1.0", path / "releases" / "0.1.1")
    n = ours["rows"]
    yield figure("sentences released", n / ours["seconds"], "sentences/s", n=n, seconds=ours["seconds"])
    times = ours["seconds"] / theirs["seconds"]
    peer = "datasets writing the same tables from Arrow"
    yield figure("time of a release", times, "ratio", peer=peer, n=n, seconds=theirs["seconds"])
    yield figure("wall time of a release", ours["wall"] / theirs["wall"], "ratio", peer=peer, n=n, seconds=ours["wall"])
    yield figure("peak memory of a release", ours["mebibytes"], "MiB", n=n, seconds=ours["seconds"])
    yield figure(
        "memory for a sentence more",
        1024 * (ours["mebibytes"] - ours["idle"]) / n,
        "KiB/sentence",
        n=n,
        seconds=ours["seconds"],
    )
    corrected = min(count, CORRECTED)
    yield figure("uploaded after corrections", 100 * fresh / total, "% of the bytes", n=corrected, seconds=0.0)


def _peak() -> float:
    """Return the peak of this process and, as an upper bound, that of the largest other one for each that helps."""
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return peak_memory() + others * len(os.sched_getaffinity(0))


def _spent() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _one(side: str, path: Path) -> dict[str, Any]:
    import datasets  # noqa: F401  # both sides start with it loaded

    idle, start, began = _peak(), _spent(), time.perf_counter()
    rows = {"ours": _ours, "theirs": _theirs, "patched": _patched}[side](path)
    wall = time.perf_counter() - began
    return {"rows": rows, "seconds": _spent() - start, "wall": wall, "mebibytes": _peak(), "idle": idle}


if __name__ == "__main__":
    print(json.dumps(_one(sys.argv[1], Path(sys.argv[2]))))
