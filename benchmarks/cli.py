"""Measure how long a person waits for ``copydesk --help``, above what Python itself takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .figure import Figure, figure


def _processor_seconds(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield the start-up time of the command line in processor seconds, best of several runs."""
    rounds = 5 if quick else 15
    start = time.perf_counter()
    copydesk = str(Path(sys.executable).with_name("copydesk"))
    ours = min(_processor_seconds([copydesk, "--help"]) for _ in range(rounds))
    bare = min(_processor_seconds([sys.executable, "-c", "pass"]) for _ in range(rounds))
    spent = time.perf_counter() - start
    yield figure("copydesk --help", ours, "s CPU", target="<= 0.3", n=rounds, seconds=spent)
    yield figure("copydesk --help above bare python", ours - bare, "s CPU", peer="python -c pass", n=rounds, seconds=0)
