"""Compute a release's version from what changed; a person may only raise it.

====== =====================================================================================
major  the scheme, a label set, a column or the tokeniser changed; a document or an annotator's
       version was taken away, or a document moved to another split: old code or scores break
minor  documents, tables, columns or annotators' versions were added; or any label or
       sentence in validation or test changed: scores are no longer comparable
patch  labels in train were corrected; what is said of a document, the card, the guidelines
       or the edits or decisions changed
====== =====================================================================================

Releases with silver labels count as 0.x: there a breaking change raises the minor, anything else the
patch number. After Frictionless' recipe and TFDS, which treat changed gold as a change of scores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

from copydesk.schemas import DeskError

from .diff import Diff

__all__ = ["Level", "Number", "decide", "last_release", "level", "parse", "releases"]

Number: TypeAlias = tuple[int, int, int]
Level = Literal["major", "minor", "patch"]

_VERSION: Final = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


def parse(version: str) -> Number:
    """Read ``X.Y.Z``.

    Raises:
        DeskError: It is no such version.
    """
    found = _VERSION.fullmatch(version)
    if not found:
        raise DeskError(f"a version is three numbers such as 1.2.0, got {version!r}")
    major, minor, patch = (int(part) for part in found.groups())
    return major, minor, patch


def level(found: Diff) -> tuple[Level, tuple[str, ...]]:
    """Return how far a version must rise over the one before, and why."""
    documents = {kind: number for (layer, kind), number in found.counts().items() if layer == "documents"}
    major = [*found.breaking, *_counted(documents, "removed", "moved")]
    if major:
        return "major", tuple(major)
    minor = [*found.growing, *_counted(documents, "added")]
    labels = {at: number for at, number in found.tally.items() if at[0] != "documents"}
    judged = sum(number for (_, _, split), number in labels.items() if split != "train")
    minor += [f"{judged:,} label changes in validation or test: scores are no longer comparable"] if judged else []
    if minor:
        return "minor", tuple(minor)
    patch = _counted(documents, "changed")
    patch += [f"{sum(labels.values()):,} label changes in train only"] if labels else []
    return "patch", (*patch, *found.other)


def _counted(documents: Mapping[str, int], *kinds: str) -> list[str]:
    verbs = {"moved": "moved to another split", "changed": "given other attributes"}
    return [
        f"{documents[kind]:,} document{'' if documents[kind] == 1 else 's'} {verbs.get(kind, kind)}"
        for kind in kinds
        if documents.get(kind)
    ]


def decide(last: str | None, found: Diff | None, *, silver: bool, wanted: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the version of a new release and the reasons for it.

    Args:
        last: The last version of the same kind (silver: 0.x), if any.
        found: What changed since then.
        silver: Whether it holds silver labels.
        wanted: A version that a person asks for.

    Raises:
        DeskError: The wanted version is lower than the changes call for, or of the wrong kind.
    """
    if last is None or found is None:
        number: Number = (0, 1, 0) if silver else (1, 0, 0)
        reasons: tuple[str, ...] = ("the first release with silver labels" if silver else "the first release of gold",)
    else:
        step, reasons = level(found)
        major, minor, patch = parse(last)
        if silver:
            number = (0, minor + 1, 0) if step == "major" else (0, minor, patch + 1)
        else:
            number = {
                "major": (major + 1, 0, 0),
                "minor": (major, minor + 1, 0),
                "patch": (major, minor, patch + 1),
            }[step]
    if wanted is None:
        return ".".join(map(str, number)), reasons
    asked = parse(wanted)
    if (asked[0] == 0) != silver:
        raise DeskError(
            f"version {wanted} was asked for a release {'with' if silver else 'without'} silver labels",
            hint="0.x is for releases with silver labels, 1.0.0 and above for gold alone.",
        )
    if asked < number:
        least = ".".join(map(str, number))
        raise DeskError(
            f"version {wanted} is too low: the changes call for {least} ({'; '.join(reasons)})",
            hint="A version may be raised, never lowered. Leave --version out to take the computed one.",
        )
    return wanted, (*reasons, *(["raised by hand"] if asked > number else []))


def releases(desk: Path) -> list[str]:
    """Return the versions in a desk's ``releases/``, lowest first."""
    folder = desk / "releases"
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted((name for name in names if _VERSION.fullmatch(name)), key=parse)


def last_release(desk: Path, *, silver: bool) -> str | None:
    """Return the last version that is silver (0.x), or that is not; None if there is none."""
    found = [version for version in releases(desk) if version.startswith("0.") == silver]
    return found[-1] if found else None
