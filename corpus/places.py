"""Find the files that a person means by a folder, a pattern or a file name."""

from __future__ import annotations

import glob
import gzip
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

__all__ = ["SourceFile", "find", "missing", "printable"]

OWN: Final = frozenset(
    {"articles", "removed", "segments", "clusters", "suggestions", "annotations", "gold", "releases", "reports",
     "state.json", "copydesk.toml"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read.

    Attributes:
        path: Where it is; never written anywhere.
        label: What it is called in every record: relative to what the person named, with ``/``, and with escapes
            for what cannot be printed (see :func:`printable`).
        named: Whether the person named this very file.
    """

    path: Path
    label: str
    named: bool = False

    @property
    def suffix(self) -> str:
        """The ending that tells the kind, lower-case, without ``.gz``."""
        name = self.path.name.lower()
        return Path(name.removesuffix(".gz")).suffix

    def open(self) -> BinaryIO:
        """Open the file for reading bytes, unpacked where it is gzip by content."""
        with self.path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        return cast("BinaryIO", gzip.open(self.path, "rb")) if packed else self.path.open("rb")


def printable(name: str) -> str:
    """Return a file's name with escapes for what no table and no terminal can hold.

    A name may hold anything but a slash: a line break, an escape sequence, bytes that are no UTF-8.

    >>> printable("caf\udce9\\n.txt"), printable("Ärzte 1.txt")
    ('caf\\\\udce9\\\\n.txt', 'Ärzte 1.txt')
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name)


def missing(sources: Sequence[str]) -> list[str]:
    """Return the sources that name nothing: no file, no folder, no pattern with a match."""
    return [source for source in sources if not Path(source).exists() and not _matches(source)]


def find(sources: Sequence[str], *, desk: Path) -> Iterator[SourceFile]:
    """Yield every file of the sources once, sorted within each source.

    Folders are walked without following links to folders. Hidden files are passed over, and so are a
    desk's own tables, so that a desk may lie around its raw articles.
    """
    seen: set[str] = set()
    for source in sources:
        path = Path(source)
        if path.is_dir():
            files = _walk(path, desk)
        elif path.exists():
            files = iter([SourceFile(path, printable(path.name), named=True)])
        else:
            files = _globbed(source, desk)
        for file in files:
            real = os.path.realpath(file.path)  # unlike resolve(), it survives a link that leads to itself
            if real not in seen:
                seen.add(real)
                yield file


def _matches(source: str) -> list[str]:
    return sorted(glob.glob(source, recursive=True)) if glob.has_magic(source) else []  # noqa: PTH207 - any pattern


def _globbed(source: str, desk: Path) -> Iterator[SourceFile]:
    matches = [Path(match) for match in _matches(source)]
    fixed = Path(*Path(source).parts[: _first_magic(source)])
    for path in matches:
        if path.is_dir():
            if "**" not in source:
                yield from _walk(path, desk)
        else:
            yield SourceFile(path, printable((path.relative_to(fixed) if fixed.parts else path).as_posix()))


def _first_magic(source: str) -> int:
    return next(index for index, part in enumerate(Path(source).parts) if glob.has_magic(part))


def _walk(root: Path, desk: Path) -> Iterator[SourceFile]:
    base = Path(root.resolve().name)
    closed: list[Path] = []
    for folder, folders, names in os.walk(
        root, onerror=lambda error: closed.append(Path(error.filename)), followlinks=False
    ):
        here = Path(folder)
        own = OWN if here.resolve() == desk.resolve() or (here / "copydesk.toml").exists() else frozenset()
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in own)
        for name in sorted(names):
            if not name.startswith(".") and name not in own:
                yield SourceFile(here / name, printable((base / (here / name).relative_to(root)).as_posix()))
    for path in closed:  # a folder that may not be entered is reported as a file that cannot be read
        yield SourceFile(path, printable((base / path.relative_to(root)).as_posix()))
