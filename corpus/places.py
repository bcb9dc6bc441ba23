"""Find the files that a person means by a folder, a pattern, a file name or an address."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from .remote import is_remote, remote_files
from .unpacking import PACKED_SUFFIXES, Allowance, packing, unpacked

__all__ = ["SourceFile", "find", "missing", "printable"]

OWN: Final = frozenset(
    {"articles", "aside", "boilerplate", "restored", "removed", "segments", "signatures", "clusters", "suggestions", "queue",
     "annotations", "pulled", "gold", "releases", "reports", "state.json", "copydesk.toml"}
)  # fmt: skip
"""What a desk writes itself, and never reads as somebody's articles."""

GKG_TEXT: Final = re.compile(r"\d{14}-T?\d+\.(?:txt|html?)")
"""The text of a row of a GDELT list, which is read with its row: named by the row's id."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: on this machine, elsewhere, or inside another one.

    Attributes:
        path: Where it is, or the file that it lies in; never written anywhere.
        label: What it is called in every record: relative to what the person named, with ``/``, and with escapes
            for what cannot be printed (see :func:`printable`). Of a file inside an archive: ``archive!name``.
        named: Whether the person named this very file.
        opener: Opens it, where opening `path` doesn't.
        length: Its size in bytes, where that of `path` isn't it.
        state: What tells it apart from what lay there before, where `path` is no file of this machine.
        depth: In how many archives it lies.
        allowance: Of the outermost archive, or None.
        start: Where reading begins: an offset in bytes, and how many records stand before it.
    """

    path: Path
    label: str
    named: bool = False
    opener: Callable[[], BinaryIO] | None = field(default=None, compare=False)
    length: int | None = None
    state: str = ""
    depth: int = 0
    allowance: Allowance | None = field(default=None, compare=False)
    start: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        """The file's name in lower case, without the ending of what it is packed with."""
        name = re.split(r"[/!]", self.label)[-1] if self.opener else self.path.name
        name = name.lower()
        packed = next((suffix for suffix in PACKED_SUFFIXES if name.endswith(suffix)), "")
        return name.removesuffix(packed)

    @property
    def suffix(self) -> str:
        """The ending that tells the kind, lower-case, without ``.gz`` and the like."""
        return Path(self.name).suffix

    @property
    def identity(self) -> str:
        """A digest of which file this is and in which state; another one once it was written to."""
        return hashlib.sha256(f"{self.path.absolute()} {self.stamp()}".encode("utf-8", "replace")).hexdigest()[:16]

    def stamp(self) -> str:
        """Return what changes when the file is written to."""
        if self.opener is not None:
            return f"{self.label} {self.length} {self.state}"
        status = self.path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"

    def size(self) -> int:
        """Return how many bytes lie there, packed or not."""
        return self.path.stat().st_size if self.length is None else self.length

    def open_packed(self) -> BinaryIO:
        """Open the file for reading bytes as they lie there."""
        return self.opener() if self.opener else self.path.open("rb")

    def head(self, size: int) -> bytes:
        """Return the first bytes as :meth:`open` gives them; of gzip, no more than its first member holds.

        Whatever is damaged behind them is not looked at.
        """
        with self.open_packed() as stream:
            raw = stream.read(8 * size)
        if packing(raw) == "gzip":
            return zlib.decompressobj(wbits=31).decompress(raw, size)
        if not packing(raw):
            return raw[:size]
        with self.open() as stream:
            return stream.read(size)

    def open(self) -> BinaryIO:
        """Open the file for reading bytes, unpacked where it is packed by content."""
        with self.open_packed() as stream:
            how = packing(stream.read(6))
        if not how:
            return self.open_packed()
        return unpacked(self.open_packed(), how, self.allowance or Allowance(self.size()))


def printable(name: str) -> str:
    """Return a file's name with escapes for what no table and no terminal can hold.

    A name may hold anything but a slash: a line break, an escape sequence, bytes that are no UTF-8.

    >>> printable("caf\\udce9\\n.txt"), printable("Ärzte 1.txt")
    ('caf\\\\udce9\\\\n.txt', 'Ärzte 1.txt')
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name)


def missing(sources: Sequence[str]) -> list[str]:
    """Return the sources that name nothing: no file, no folder, no pattern with a match.

    Raises:
        InputError: The protocol of an address isn't known here.
    """
    return [source for source in sources if not _is_there(source)]


def find(sources: Sequence[str], *, desk: Path) -> Iterator[SourceFile]:
    """Yield every file of the sources once, sorted within each source.

    Folders are walked without following links to folders. Hidden files are passed over, and so are a
    desk's own tables, so that a desk may lie around its raw articles.
    """
    seen: set[str] = set()
    for source in sources:
        path = Path(source)
        if is_remote(source) and not path.exists():
            files = _remote(source)
        elif path.is_dir():
            files = _walk(path, desk)
        elif path.exists():
            files = iter([SourceFile(path, printable(path.name), named=True)])
        else:
            files = _globbed(source, desk)
        for file in files:
            # unlike resolve(), realpath survives a link that leads to itself
            real = file.state if file.opener else os.path.realpath(file.path)
            if real not in seen:
                seen.add(real)
                yield file


def _is_there(source: str) -> bool:
    if Path(source).exists() or _matches(source):
        return True
    try:
        return is_remote(source) and next(remote_files(source), None) is not None
    except OSError:
        return False


def _remote(source: str) -> Iterator[SourceFile]:
    found = list(remote_files(source))
    for label, size, state, opener in found:
        named = len(found) == 1 and "*" not in source
        yield SourceFile(Path(label), printable(label), named, opener, length=size, state=state)


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
        listed = any(".gkg.csv" in name for name in names)
        for name in sorted(names):
            if name.startswith(".") or name in own or (listed and GKG_TEXT.fullmatch(name)):
                continue
            yield SourceFile(here / name, printable((base / (here / name).relative_to(root)).as_posix()))
    for path in closed:  # a folder that may not be entered is reported as a file that cannot be read
        yield SourceFile(path, printable((base / path.relative_to(root)).as_posix()))
