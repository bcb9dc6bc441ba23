"""Show what changed between two releases as one page that opens from disk and needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from copydesk.corpus import write_atomically

from .changes import Change
from .diff import Diff
from .splits import SPLITS
from .versions import level

__all__ = ["diff_page"]

EXAMPLES: Final = 20
"""How many changes of each layer and kind are on the page."""
TITLES: Final = {
    "documents": "Documents",
    "sentences": "Sentences",
    "spans": "Spans",
    "attribution": "Attribution: who is speaking",
    "stance": "Stance: who evaluates whom",
    "questions": "Questions about the whole article",
}
"""The layers in the order of the page."""
MEANING: Final = {
    "added": "only in the newer release",
    "removed": "only in the older release",
    "retyped": "the same words, another label",
    "resized": "the same label, other borders",
    "changed": "other attributes",
    "restanced": "another polarity",
    "moved": "another split",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    meaning: str
    total: int
    splits: tuple[int, ...]
    examples: Sequence[Change]


@dataclass(frozen=True, slots=True)
class _Layer:
    id: str
    title: str
    kinds: Sequence[_Kind]
    turns: Sequence[tuple[str, str, int]]


def diff_page(found: Diff, path: Path) -> None:
    """Write the page.

    Args:
        found: What differs.
        path: The HTML file; one that is there is replaced.
    """
    import jinja2

    source = (resources.files("copydesk.export") / "data" / "diff.html.j2").read_text(encoding="utf-8")
    world = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    world.filters["number"] = lambda number: f"{number:,}".replace(",", "\u202f")
    step, reasons = level(found) if found else ("", ())
    page = world.from_string(source).render(
        found=found, step=step, reasons=reasons, layers=_layers(found), splits=SPLITS
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _layers(found: Diff) -> list[_Layer]:
    layers = []
    for name, title in TITLES.items():
        kinds = [
            _Kind(
                kind,
                "cut otherwise" if layer == "sentences" else MEANING[kind],
                total,
                tuple(found.tally.get((layer, kind, split), 0) for split in SPLITS),
                found.of(layer, kind)[:EXAMPLES],
            )
            for (layer, kind), total in found.counts().items()
            if layer == name
        ]
        turns = [(before, after, n) for (layer, before, after), n in found.turns.items() if layer == name]
        if kinds:
            layers.append(_Layer(name, title, kinds, sorted(turns, key=lambda turn: (-turn[2], turn[:2]))))
    return layers
