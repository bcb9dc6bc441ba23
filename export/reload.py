"""Load a release as a stranger does: with ``datasets`` and nothing else of ours.

Run as a program of its own (``python -I reload.py FOLDER MAX``), in an environment without a cache and without a
network; prints one JSON object: for each table its features, and for each split how many rows it has when it is
loaded, and when it is streamed. Tables with more than MAX bytes are only streamed: to load one costs as much as
to write it, and says nothing more.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def reload(folder: Path, largest: int) -> dict[str, Any]:
    """Return what a stranger finds in a release folder; see the module."""
    import datasets

    datasets.disable_progress_bars()
    found: dict[str, Any] = {}
    for name in datasets.get_dataset_config_names(str(folder)):
        size = sum(file.stat().st_size for file in (folder / name).glob("*.parquet"))
        streamed = datasets.load_dataset(str(folder), name, streaming=True)
        counts = {split: {"streamed": _count(rows)} for split, rows in streamed.items()}
        features = next(iter(streamed.values())).features
        if size <= largest:
            loaded = datasets.load_dataset(str(folder), name, verification_mode="all_checks")
            features = next(iter(loaded.values())).features
            for split, rows in loaded.items():
                counts.setdefault(split, {})["loaded"] = len(rows)
        found[name] = {"features": features._to_yaml_list(), "splits": counts}
    return found


def _count(rows: Any) -> int:
    return sum(len(batch) for batch in rows.with_format("arrow").iter(batch_size=2_000))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(reload(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")
