"""Figures of the last release: how it is split, what leaks, what flat views lose, what changed since the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .diff import Diff, Snapshot, diff
from .figures import Figure, ranked

__all__ = ["changes_figure", "last_releases", "standing_figures"]

_LEAKS = {
    "copies_across_splits": "copies of each other in different splits",
    "same_address_across_splits": "the same address in different splits",
    "shared_text_across_splits": "shared runs of thirteen words",
    "same_title_across_splits": "the same title of five words or more",
}


def last_releases(folder: Path, versions: Sequence[str]) -> list[Figure]:
    """Return the figures of the newest release, and its changes since its parent where that is still there."""
    manifest = Snapshot.of(folder / versions[-1]).manifest
    parent = manifest.get("parent") or ""
    found = diff(folder / parent, folder / versions[-1]) if parent in versions else None
    return [*standing_figures(manifest), changes_figure(found)]


def standing_figures(manifest: Mapping[str, Any]) -> list[Figure]:
    """Return what a release's manifest says of its splits, leaks and losses."""
    names = manifest["split_names"]
    kept = manifest["figures"]["losses"]
    return [
        Figure(
            "splits",
            "How is it split?",
            ("table", "rows", *names),
            tuple(
                (name, config["rows"], *(config["splits"].get(split, 0) for split in names))
                for name, config in sorted(manifest["configs"].items(), key=lambda item: (-item[1]["rows"], item[0]))
            ),
            manifest["documents"],
            "articles",
            note="Articles and their copies go into one split together, and never move.",
        ),
        _leakage(manifest),
        Figure(
            "losses",
            kept["question"],
            tuple(kept["columns"]),
            tuple(tuple(row) for row in kept["rows"]),
            kept["n"],
            kept["unit"],
            note="BIO tags hold no overlap; every span is still in the tables articles and spans.",
        ),
    ]


def _leakage(manifest: Mapping[str, Any]) -> Figure:
    found = manifest.get("leakage") or {}
    rows: list[tuple[str | int | float, ...]] = [
        (words, int(found[key])) for key, words in _LEAKS.items() if key in found
    ]
    for split in ("validation", "test"):
        total, known = (found.get(f"{split}_names_{what}", 0) for what in ("in_all", "also_in_train"))
        if total:
            rows.append((f"names in {split} that train has too, of {total}", int(known)))
    return Figure(
        "leakage",
        "What does one split know of another?",
        ("what", "found"),
        tuple(rows),
        manifest["documents"],
        "articles audited",
        note="Pairs of articles, but for the names. The release lists every pair in leakage.json.",
    )


def changes_figure(found: Diff | None) -> Figure:
    """Return what differs between two releases; with none before, that nothing can be compared."""
    counts = found.counts() if found else {}
    words = f"From {found.old} to {found.new}." if found else "There is no release before it to compare with."
    return Figure(
        "changes",
        "What changed since the version before?",
        ("layer", "change", "number"),
        tuple((layer, kind, number) for (layer, kind), number in ranked(counts)),
        sum(counts.values()),
        "changes",
        note=words,
    )
