"""Cut files into content-defined chunks, as the Hub's storage does before it asks which it already has.

A gear hash over the last 64 bytes decides where a chunk ends, within 8 to 128 KiB and at 64 KiB on average, which are
the figures that Xet's protocol names. Its table of random numbers is ours: which bytes end a chunk differs from
Xet's, how many chunks a change touches does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

LEAST, MOST = 8 * 1024, 128 * 1024
MASK = np.uint64(0xFFFF000000000000)
WINDOW = 64
BLOCK = 2**22
GEAR = np.random.default_rng(5).integers(0, 2**64, 256, dtype=np.uint64)


def fresh_bytes(old: Path, new: Path) -> tuple[int, int]:
    """Return how many bytes of the files in a folder are in no chunk of another folder's, and how many there are."""
    known = {digest for file in _files(old) for digest, _ in chunks(file)}
    fresh = total = 0
    for file in _files(new):
        for digest, size in chunks(file):
            total += size
            if digest not in known:
                known.add(digest)
                fresh += size
    return fresh, total


def chunks(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield the SHA-256 and the size of each chunk of a file."""
    content = path.read_bytes()
    start = 0
    for end in (*_ends(np.frombuffer(content, dtype=np.uint8)), len(content)):
        while end - start > MOST:
            yield hashlib.sha256(content[start : start + MOST]).digest(), MOST
            start += MOST
        if end - start >= LEAST or end == len(content):
            yield hashlib.sha256(content[start:end]).digest(), end - start
            start = end


def _ends(content: npt.NDArray[np.uint8]) -> Iterator[int]:
    """Yield every place where the hash says that a chunk may end."""
    for first in range(0, len(content), BLOCK):
        before = min(WINDOW, first)
        hashes = GEAR[content[first - before : first + BLOCK]]
        width = 1
        while width < WINDOW:  # the hash of two windows is that of the later plus that of the earlier, shifted
            later = hashes.copy()
            later[width:] += hashes[:-width] << np.uint64(width)
            hashes, width = later, 2 * width
        yield from (np.flatnonzero(hashes[before:] & MASK == 0) + first + 1).tolist()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
