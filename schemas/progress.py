"""Tell whoever watches how far a long piece of work is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["OnProgress", "Progress", "silent"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is: `done` of `total` units, or of an unknown number where `total` is None."""

    stage: str
    done: int
    total: int | None
    unit: str = "documents"


class OnProgress(Protocol):
    """Whatever is told how far a stage is: a function of one :class:`Progress`."""

    def __call__(self, progress: Progress, /) -> None:
        """Take note."""


def silent(progress: Progress) -> None:
    """Ignore progress."""
