"""Open archives: zip, WACZ and tar. What is inside is read as any other file, and nothing is ever unpacked to a name.

A member is yielded as a :class:`SourceFile` of its own. All members of the outermost archive draw on one allowance
(:mod:`copydesk.corpus.unpacking`), and archives lie at most `MAX_DEPTH` deep in each other.
"""

from __future__ import annotations

import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import IO, BinaryIO, Final, cast

from copydesk.schemas import Removed

from .places import SourceFile, printable
from .records import aside
from .settings import IngestSettings
from .unpacking import Allowance, counted

__all__ = ["TarSource", "WaczSource", "ZipSource"]

MAX_DEPTH: Final = 3
IN_MEMORY: Final = 8_000_000
PIECE: Final = 1 << 18


class ZipSource:
    """A zip archive of files of any kind."""

    kind = "zip"
    suffixes: tuple[str, ...] = (".zip",)
    magic: tuple[bytes, ...] = ()

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[SourceFile | Removed]:
        """Yield its members in their order, and why one cannot be read."""
        allowance = file.allowance or Allowance(file.size())
        try:
            with _seekable(file, allowance) as stream, zipfile.ZipFile(stream) as archive:
                if not any(self._wanted(member.filename) for member in archive.infolist()):
                    yield aside(file.label, "empty file", "an archive without any file that is looked at")
                for member in archive.infolist():
                    if member.is_dir() or not self._wanted(member.filename):
                        continue
                    label = f"{file.label}!{printable(member.filename)}"
                    if refusal := _refused(label, member.filename) or _unreadable(label, member):
                        yield refusal
                        continue
                    # an archive of files that cannot be sought in is opened a file at a time
                    opener = partial(_open_member, archive, member, allowance)
                    yield _inside(file, label, opener, member.file_size, allowance)
                    if allowance.left < 0:
                        return
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError) as error:
            yield aside(file.label, "damaged archive", str(error))

    def _wanted(self, name: str) -> bool:
        return not _is_hidden(name)


class WaczSource(ZipSource):
    """A web archive in WACZ: of what it packs together, the WARC files hold the pages."""

    kind = "wacz"
    suffixes: tuple[str, ...] = (".wacz",)

    def _wanted(self, name: str) -> bool:
        return name.startswith("archive/") and ".warc" in name


class TarSource:
    """A tar archive, packed or not, read from its beginning to its end."""

    kind = "tar"
    suffixes: tuple[str, ...] = (".tar", ".tgz", ".tbz2", ".txz")
    magic: tuple[bytes, ...] = ()

    def records(self, file: SourceFile, settings: IngestSettings) -> Iterator[SourceFile | Removed]:
        """Yield its members in their order, and why one cannot be read."""
        allowance = file.allowance or Allowance(file.size())
        try:
            inside = replace(file, allowance=allowance)
            with inside.open() as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    label = f"{file.label}!{printable(member.name)}"
                    if member.isdir() or _is_hidden(member.name):
                        continue
                    if refusal := _refused(label, member.name):
                        yield refusal
                    elif not member.isreg():
                        yield aside(label, "cannot be read", "a link or a device, no regular file")
                    else:
                        # a stream cannot go back, and the next member comes only when this one was read
                        with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
                            _copy(cast("IO[bytes]", archive.extractfile(member)), spool, allowance)
                            yield _inside(file, label, partial(_reopened, spool), member.size, allowance)
        except tarfile.TarError as error:
            yield aside(file.label, "damaged archive", str(error))


def _inside(
    file: SourceFile, label: str, opener: Callable[[], BinaryIO], size: int, allowance: Allowance
) -> SourceFile:
    return SourceFile(
        file.path,
        label,
        opener=opener,
        length=size,
        depth=file.depth + 1,
        allowance=allowance,
    )


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part.startswith(".") and part != ".." for part in parts) or "__MACOSX" in parts


def _refused(label: str, name: str) -> Removed | None:
    path = name.replace("\\", "/")
    if path.startswith("/") or ".." in path.split("/") or path[1:2] == ":":
        return aside(label, "unsafe name", "the archive would write outside of its folder; nothing of it was read")
    return None


def _unreadable(label: str, member: zipfile.ZipInfo) -> Removed | None:
    if member.flag_bits & 1:
        return aside(label, "encrypted", "unpack it with its password first")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        return aside(label, "damaged archive", f"compression method {member.compress_type} is not known")
    return None


def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, allowance: Allowance) -> BinaryIO:
    return counted(archive.open(member), allowance)


def _seekable(file: SourceFile, allowance: Allowance) -> BinaryIO:
    """Open an archive whose list of members is at its end: as it lies there, or copied out of what it lies in."""
    stream = file.open()
    if stream.seekable():
        return stream
    spool = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - whoever asked closes it
    with stream:
        _copy(stream, spool, None)
    spool.seek(0)
    return cast("BinaryIO", spool)


def _copy(source: IO[bytes], spool: IO[bytes], allowance: Allowance | None) -> None:
    while piece := source.read(PIECE):
        if allowance is not None:
            allowance.take(len(piece))
        spool.write(piece)


class _View:
    """A spool from its beginning, which stays when the view is closed."""

    def __init__(self, spool: IO[bytes]) -> None:
        spool.seek(0)
        self._spool = spool

    def __enter__(self) -> _View:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def __getattr__(self, name: str) -> object:
        return getattr(self._spool, name)

    def close(self) -> None:
        """Leave the spool open."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._spool)


def _reopened(spool: IO[bytes]) -> BinaryIO:
    return cast("BinaryIO", _View(spool))
