"""Measure a diff of two large releases of a generated desk: where one in 500 articles was corrected, and where all were."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.export import diff

from .figure import Figure, figure
from .release import _desk, _ours, _peak, _spent


def _edited(old: Path, new: Path, every: int) -> None:
    """Write a release's articles again, the first mention of one in so many with another label."""
    (new / "articles").mkdir(parents=True)
    manifest = json.loads((old / "manifest.json").read_text("utf-8"))
    manifest["version"] = new.name
    manifest["configs"]["articles"]["logical"] = new.name
    (new / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    shutil.copy(old / "labels.json", new / "labels.json")
    for path in sorted((old / "articles").glob("*.parquet")):
        with pq.ParquetFile(path) as file, pq.ParquetWriter(new / "articles" / path.name, file.schema_arrow) as writer:
            for number in range(file.num_row_groups):
                writer.write_table(_relabelled(file.read_row_group(number), every))


def _relabelled(table: pa.Table, every: int) -> pa.Table:
    place = table.schema.get_field_index("entities")
    entities = table.column(place).combine_chunks()
    entities = entities.chunk(0) if isinstance(entities, pa.ChunkedArray) else entities
    firsts = entities.offsets.to_numpy()[:-1][::every]
    items = entities.values
    labels = items.field("label").to_numpy().copy()
    labels[firsts] = np.where(labels[firsts] == 0, 1, 0)
    fields = [pa.array(labels) if f.name == "label" else items.field(f.name) for f in items.type]
    kind = table.schema.field(place).type
    made = pa.ListArray.from_arrays(
        entities.offsets, pa.StructArray.from_arrays(fields, fields=list(items.type)), type=kind
    )
    return table.set_column(place, table.schema.field(place), made)


def _measured(old: Path, new: Path) -> dict[str, Any]:
    """Compare in a process of its own, so that it has its own memory peak."""
    command = [sys.executable, "-m", "benchmarks.diff", str(old), str(new)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield seconds and peak memory of a diff where little changed, and where every document did."""
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        path = Path(folder) / "desk"
        _desk(path, 150 if quick else 50_000)
        n = _ours(path)
        old = path / "releases" / "0.1.0"
        for every, name in ((500, "after corrections"), (1, "after a correction in every article")):
            new = path / "releases" / f"0.1.{every}"
            _edited(old, new, every)
            yield from _both(old, new, n, name)


def _both(old: Path, new: Path, n: int, name: str) -> Iterator[Figure]:
    found = _measured(old, new)
    seconds = found["wall"]
    yield figure(f"diff {name}", seconds, "seconds", target="<= 60", n=n, seconds=found["seconds"])
    yield figure(f"changes found {name}", found["changes"], "changes", n=n, seconds=seconds)
    yield figure(f"peak memory of a diff {name}", found["mebibytes"], "MiB", target="<= 1024", n=n, seconds=seconds)


def _one(old: Path, new: Path) -> dict[str, Any]:
    start, began = _spent(), time.perf_counter()
    found = diff(old, new)
    wall = time.perf_counter() - began
    return {"changes": found.total, "seconds": _spent() - start, "wall": wall, "mebibytes": _peak()}


if __name__ == "__main__":
    print(json.dumps(_one(Path(sys.argv[1]), Path(sys.argv[2]))))
