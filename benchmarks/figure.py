"""Say what a figure is, and how one is taken."""

from __future__ import annotations

import resource
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

__all__ = ["Figure", "figure", "over_documents", "peak_memory", "ratio"]


class Figure(TypedDict):
    """One measured number and what it is held against.

    Attributes:
        name: What was measured.
        value: The number.
        unit: Of the number: ``ratio``, ``F1 (%)``, ``words/s`` …
        target: What it should reach, as ``>= 0.85`` or ``<= 0.3``; empty where it only informs.
        peer: The program or limit measured in the same run that the number is relative to.
        ok: Whether the target is met; True where there is none.
        n: How many items it was measured on.
        seconds: How long measuring took.
        interval: Low and high end of its 95 % interval over documents; empty where none was taken.
    """

    name: str
    value: float
    unit: str
    target: str
    peer: str
    ok: bool
    n: int
    seconds: float
    interval: list[float]


def peak_memory() -> float:
    """Return the most memory that this process has held since its program began, in MiB.

    ``getrusage`` would do where a program is started from a small one: what it tells begins with what the process
    held that started this one.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def figure(
    name: str,
    value: float,
    unit: str,
    *,
    target: str = "",
    peer: str = "",
    n: int,
    seconds: float,
    interval: tuple[float, float] | None = None,
) -> Figure:
    """Return a figure, judged against its target."""
    comparison, _, bound = target.partition(" ")
    ok = {"": True, ">=": target and value >= float(bound or 0), "<=": target and value <= float(bound or 0)}[
        comparison
    ]
    return Figure(
        name=name,
        value=round(value, 4),
        unit=unit,
        target=target,
        peer=peer,
        ok=bool(ok),
        n=n,
        seconds=round(seconds, 2),
        interval=[round(end, 4) for end in interval or ()],
    )


def over_documents(
    counts: Sequence[Counter[str]], rate: Callable[[Counter[str]], float]
) -> tuple[float, tuple[float, float]]:
    """Return a rate over all documents, and its 95 % interval from resampling them (percentile bootstrap).

    Args:
        counts: What was counted, document by document.
        rate: Makes the rate of counts that were added up.
    """
    import numpy as np

    names = sorted({name for count in counts for name in count})
    table = np.array([[count[name] for name in names] for count in counts])
    draws = np.random.default_rng(0).integers(0, len(counts), (1000, len(counts)))
    drawn = [rate(Counter(dict(zip(names, table[draw].sum(axis=0).tolist(), strict=True)))) for draw in draws]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return rate(sum(counts, Counter())), (float(low), float(high))


def ratio(ours: Callable[[], object], peer: Callable[[], object], *, rounds: int = 5) -> tuple[float, float, float]:
    """Return (median of peer time / our time, our best seconds, the peer's best seconds).

    The two run in turn, A B A B …, and the ratio is taken pair by pair in processor time of this
    process, so that a machine that is busy with other work moves both alike.
    """
    pairs = [(_seconds(ours), _seconds(peer)) for _ in range(rounds)]
    return (
        statistics.median(theirs / mine for mine, theirs in pairs),
        min(mine for mine, _ in pairs),
        min(theirs for _, theirs in pairs),
    )


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return max(time.process_time() - start, 1e-9)
