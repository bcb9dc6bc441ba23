"""Read a built release back from disk and check that it says what it should.

Run before a release gets its name: once as a stranger would load it, in a process of its own, and once column by
column. The rows of every table come in the order of their documents, so the tables are read side by side, some
hundred documents at a time, and each once; memory holds what stands about those.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from copydesk.corpus import file_sha256
from copydesk.schemas import ReleaseError

from .card import card_faults
from .croissant import CROISSANT_FILE
from .diff import Snapshot
from .promises import broken
from .strangers import Strangers

__all__ = ["damaged", "problems", "verify"]

_SHOWN: Final = 20


def verify(path: Path) -> tuple[str, ...]:
    """Check a release folder.

    Returns:
        What could not be checked here, in words.

    Raises:
        ReleaseError: It breaks a promise; names each table, row and promise, up to twenty.
    """
    notes: list[str] = []
    found = list(islice(_problems(Snapshot.of(path), notes), _SHOWN))
    if found:
        more = f" (and {len(found) - 1} more:)" if found[1:] else ""
        raise ReleaseError(
            "\n  ".join([f"the built release breaks a promise: {found[0]}{more}", *found[1:]]),
            hint="Nothing was released. This is a fault of copydesk, not of your desk: please report it.",
        )
    return tuple(notes)


def damaged(release: Snapshot, *, table: str = "") -> Iterator[str]:
    """Yield every file of a release, or of one table of it, that is not the one that the manifest lists."""
    for name, file in release.manifest["files"].items():
        if name.startswith(f"{table}/" if table else ""):
            path = release.path / name
            if not path.is_file() or file_sha256(path) != file["sha256"]:
                yield f"{name} is not the file that the manifest lists"


def problems(path: Path) -> Iterator[str]:
    """Yield every promise that a release folder breaks, in its rows and in its card, its Croissant and its loading."""
    yield from _problems(Snapshot.of(path), [])


def _problems(release: Snapshot, notes: list[str]) -> Iterator[str]:
    with Strangers(release) as strangers:
        yield from damaged(release)
        yield from broken(release)
        yield from card_faults((release.path / "README.md").read_text(encoding="utf-8"), release.manifest)
        yield from _unlike(release)
        yield from strangers.loaded()
        yield from strangers.read()
        if not strangers.is_validated:
            notes.append(f"{CROISSANT_FILE} was not validated: mlcroissant is not installed (the extra `croissant`)")


def _unlike(release: Snapshot) -> Iterator[str]:
    """Compare the hashes of ``croissant.json`` with the manifest's: whoever reads through it checks them."""
    said = json.loads((release.path / CROISSANT_FILE).read_text(encoding="utf-8"))
    for file in said["distribution"]:
        if release.manifest["files"].get(file["contentUrl"], {}).get("sha256") != file["sha256"]:
            yield f"{CROISSANT_FILE}: {file['contentUrl']} is not the file that the manifest lists"
