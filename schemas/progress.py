"""Tell whoever watches how far a long piece of work is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["OnProgress", "Progress", "silent"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is: `done` of `total` units, or of an unknown number where `total` is None."""

    stage: str
    done: int
    total: int | None
    unit: str = "documents"


OnProgress = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Ignore progress."""
