"""Measure the leakage audit: what it finds on NewsMTSC, and its speed, memory and recall on a generated corpus.

NewsMTSC's sentences name their article in their ids; each row is taken as a document whose address is its article. Without
the published test part the development part is held against train.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import ReleaseSettings
from copydesk.export.leakage import audit

from .figure import Figure, figure
from .release import _peak, _spent

COLUMNS = ("document_id", "cluster_id", "url", "title", "text")
WORDS = [
    f"{first}{last}" for first in "bdfgklmnprst" for last in ("ado", "ena", "iro", "olu", "uma", "est", "and", "ing")
]
PLANTED = 200


def _write(folder: Path, split: str, rows: Iterable[tuple[str, ...]]) -> None:
    (folder / "articles").mkdir(exist_ok=True)
    table = pa.table(dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))
    pq.write_table(table, folder / "articles" / f"{split}-00000-of-00001.parquet", row_group_size=1000)


def _news(data: Path, folder: Path) -> int:
    """Write NewsMTSC's parts as the tables of a release; return how many rows are held against train."""
    rows = 0
    for split, name in (("train", "train"), ("test", "dev")):
        lines = (data / "stance" / f"newsmtsc_{name}.jsonl").read_text("utf-8").splitlines()
        found = [json.loads(line) for line in lines]
        # source_article_sentence_name_start_end: a name may hold the mark too, so the article is read from the left
        articles = ["_".join(row["id"].split("_")[: 4 if row["id"].startswith("polusa") else 3]) for row in found]
        told = [
            (f"{number:06d}{split}", f"{number:06d}{split}", article, "", row["text"])
            for number, (row, article) in enumerate(zip(found, articles, strict=True))
        ]
        _write(folder, split, told)
        rows = len(found)
    return rows


def _generated(folder: Path, count: int) -> int:
    """Write articles of twenty sentences, of which some in test have a third of their words from one in train."""
    draw = random.Random(7)
    train = int(count * 0.8)
    planted = min(PLANTED, count // 50)

    def said(number: int, start: str = "") -> tuple[str, ...]:
        words = " ".join(draw.choices(WORDS, k=360 - len(start.split())))
        return f"{number:08d}", f"{number:08d}", f"https://example.org/{number}", "", f"{start} {words}".strip()

    first = [said(number) for number in range(train)]
    _write(folder, "train", first)
    heads = [" ".join(row[4].split()[:120]) for row in first[:planted]]
    rest = [said(number, heads[number - train] if number - train < planted else "") for number in range(train, count)]
    half = planted + (len(rest) - planted) // 2
    _write(folder, "test", rest[:half])
    _write(folder, "validation", rest[half:])
    return planted


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield what the audit finds on NewsMTSC, and recall, speed and memory on generated articles."""
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        if data is not None:
            (Path(folder) / "news").mkdir()
            n = _news(data, Path(folder) / "news")
            found = _measured(Path(folder) / "news")
            shared = found["address"]
            yield figure("NewsMTSC dev rows of an article in train", shared, "rows", n=n, seconds=found["seconds"])
            yield figure("NewsMTSC dev rows that share text", found["text"], "rows", n=n, seconds=found["seconds"])
        (Path(folder) / "made").mkdir()
        count = 500 if quick else 50_000
        planted = _generated(Path(folder) / "made", count)
        found = _measured(Path(folder) / "made")
        seconds = found["seconds"]
        yield figure("planted leaks found", found["text"] / planted, "ratio", target=">= 1", n=planted, seconds=seconds)
        yield figure("sentences audited", 20 * count / seconds, "sentences/s", n=20 * count, seconds=seconds)
        yield figure(
            "peak memory of an audit", found["mebibytes"], "MiB", target="<= 1024", n=20 * count, seconds=seconds
        )


def _measured(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.leakage", str(folder)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _one(folder: Path) -> dict[str, Any]:
    start, began = _spent(), time.perf_counter()
    found = audit(folder, ReleaseSettings())
    pairs = {kind: len({leak.document_id for leak in found.of(kind)}) for kind in ("address", "text")}
    return {**pairs, "seconds": _spent() - start, "wall": time.perf_counter() - began, "mebibytes": _peak()}


if __name__ == "__main__":
    print(json.dumps(_one(Path(sys.argv[1]))))
