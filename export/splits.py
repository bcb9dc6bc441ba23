"""Put every document into train, validation or test, and never move it again.

A cluster of copies goes as one by a hash of its id, so that adding documents moves none. What was once
released is written down in the desk's ``splits.json``, which only grows: there a document stays even
where its cluster, the shares or the salt change. A split that would be empty takes the cluster whose
hash is nearest to it, as long as that one was not released before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from copydesk.corpus import ReleaseSettings, write_atomically
from copydesk.schemas import DeskError

__all__ = ["SPLITS", "SPLITS_FILE", "assign", "read_splits", "write_splits"]

SPLITS: Final = ("train", "validation", "test")
SPLITS_FILE: Final = "splits.json"


def assign(groups: Mapping[str, Iterable[str]], settings: ReleaseSettings, locked: Mapping[str, str]) -> dict[str, str]:
    """Return document id → split.

    Args:
        groups: Cluster id to the ids of its documents.
        settings: Shares and salt.
        locked: The split of every document that was ever released.
    """
    members = {group: sorted(documents) for group, documents in sorted(groups.items())}
    places = {group: _place(settings.salt, group) for group in members}
    chosen: dict[str, str] = {}
    free = set()
    for group, documents in members.items():
        known = [locked[document] for document in documents if document in locked]
        chosen[group] = known[0] if known else _by_share(places[group], settings)
        if not known:
            free.add(group)
    _fill(chosen, free, places, settings)
    return {
        document: locked.get(document, chosen[group]) for group, documents in members.items() for document in documents
    }


def _place(salt: str, group: str) -> float:
    """Return a cluster's place in 0 … 1."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{group}".encode()).digest()[:6]) / 2**48


def _by_share(place: float, settings: ReleaseSettings) -> str:
    if place < settings.train:
        return "train"
    return "validation" if place < settings.train + settings.validation else "test"


def _fill(chosen: dict[str, str], free: set[str], places: Mapping[str, float], settings: ReleaseSettings) -> None:
    """Give an empty split with a share one cluster: train any, as everybody loads it; the others one to spare."""
    for split in ("train", "test", "validation"):
        if getattr(settings, split) == 0 or split in chosen.values():
            continue
        counts = {name: sum(1 for other in chosen.values() if other == name) for name in SPLITS}
        enough = 0 if split == "train" else 1
        spare = sorted((places[group], group) for group in free if counts[chosen[group]] > enough)
        if spare:
            # test lies at the top of the hash range, train at the bottom
            chosen[(spare[0] if split == "train" else spare[-1])[1]] = split


def read_splits(path: Path) -> dict[str, str]:
    """Read the lock file; one that is not there has locked nothing.

    Raises:
        DeskError: It is no JSON object of documents and splits.
    """
    if not path.exists():
        return {}
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        locked = {str(document): str(split) for document, split in raw.items()}
        if wrong := sorted(set(locked.values()) - set(SPLITS)):
            raise ValueError(f"no split {wrong[0]!r}")
    except (ValueError, AttributeError) as error:
        raise DeskError(
            f"the split lock is damaged: {error}",
            where=str(path),
            hint="Restore it from a copy: without it, released documents could change their split.",
        ) from error
    return locked


def write_splits(path: Path, splits: Mapping[str, str]) -> None:
    """Write the lock file, one document a line, sorted."""
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(splits, indent=0, sort_keys=True) + "\n", encoding="utf-8")
