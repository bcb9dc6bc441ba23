"""Say what a figure is, and how one is taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TypedDict

__all__ = ["Figure", "figure", "ratio"]


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
    """

    name: str
    value: float
    unit: str
    target: str
    peer: str
    ok: bool
    n: int
    seconds: float


def figure(name: str, value: float, unit: str, *, target: str = "", peer: str = "", n: int, seconds: float) -> Figure:
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
    )


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
