"""Unpack files as streams, and never more than a sensible file would hold.

A few kilobytes can unpack to petabytes: nested archives, members that overlap, gzip of zeros. So every packed file
has an allowance, which all that is inside of it draws on.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from typing import Any, BinaryIO, Final, cast

__all__ = ["PACKED_SUFFIXES", "Allowance", "TooMuchError", "counted", "packing", "unpacked"]

RATIO: Final = 200
"""News packs to a fifth or a tenth, tables with one value to a hundredth; gzip ends at a thousandth."""

FREE: Final = 200_000_000
"""Bytes that any file may unpack to, whatever its ratio."""

MAGIC: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
PACKED_SUFFIXES: Final = (".gz", ".zst", ".bz2", ".xz")


class TooMuchError(Exception):
    """A file unpacks to more than it may."""


class Allowance:
    """How many bytes may still come out of a packed file and of all that is packed inside it."""

    def __init__(self, packed: int) -> None:
        self.limit = max(FREE, RATIO * packed)
        self.left = self.limit

    def take(self, size: int) -> None:
        """Draw on it.

        Raises:
            TooMuchError: It is used up.
        """
        self.left -= size
        if self.left < 0:
            raise TooMuchError(f"more than {self.limit:,} bytes come out of it")


def packing(head: bytes) -> str:
    """Return how a file is packed by its first bytes (6 are enough): gzip, zstd, bzip2, xz, or the empty string."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


def unpacked(stream: BinaryIO, how: str, allowance: Allowance) -> BinaryIO:
    """Return the unpacked bytes of a stream, which is closed with it.

    Args:
        stream: At its beginning.
        how: As :func:`packing` says.
        allowance: What comes out is drawn from it.
    """
    inner: Any
    if how == "gzip":
        inner = gzip.GzipFile(fileobj=stream, mode="rb")
    elif how == "bzip2":
        inner = bz2.BZ2File(stream, "rb")
    elif how == "xz":
        inner = lzma.LZMAFile(stream, "rb")  # noqa: SIM115 - closed with what is returned
    else:
        import pyarrow as pa

        inner = pa.CompressedInputStream(stream, "zstd")
    return counted(inner, allowance, also=stream)


def counted(inner: Any, allowance: Allowance, *, also: BinaryIO | None = None) -> BinaryIO:
    """Return a stream whose bytes are drawn from an allowance; closing it closes `inner` and `also`."""
    return cast("BinaryIO", io.BufferedReader(_Counted(inner, allowance, also), 1 << 17))


class _Counted(io.RawIOBase):
    def __init__(self, inner: Any, allowance: Allowance, also: BinaryIO | None) -> None:
        self._inner, self._allowance, self._also = inner, allowance, also
        self._read = getattr(inner, "read1", inner.read)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: Any) -> int:
        # a piece at a time: what comes before damage is given out before it is met
        data = self._read(len(buffer))
        self._allowance.take(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            if self._also is not None:
                self._also.close()
        super().close()
