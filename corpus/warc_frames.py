"""Cut a WARC file into its records, whatever is wrong with it.

The lengths that records state are often wrong, and a reader that believes them swallows the records behind. Here a
length is believed only where a record follows it. Most files pack every record by itself, so that a packed member
that begins like a record begins one::

    gzip member        gzip member        gzip member
    ┌─────────────────┐┌─────────────────┐┌─────────────────┐
    │WARC/1.0 … length││WARC/1.0 … length││WARC/1.0 … length│      offset of a member = a place to go on from
    └─────────────────┘└─────────────────┘└─────────────────┘

Where the whole file is one stream, the next record is looked for by its first line. What was damaged is reported, and
reading goes on with the next record.
"""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from .unpacking import Allowance

__all__ = ["Frame", "frames"]

PIECE: Final = 1 << 17
MAX_HEADER: Final = 1 << 16
FIRST_LINE: Final = re.compile(rb"WARC/[01]\.\d{1,2}\r?\n")
NEXT: Final = re.compile(rb"\nWARC/[01]\.\d{1,2}\r?\n")
END_OF_HEADER: Final = re.compile(rb"\r?\n\r?\n")
LENGTH: Final = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
INK: Final = re.compile(rb"[^\r\n]")
MEMBER: Final = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True)
class Frame:
    """One record of a WARC file, or what is left of one.

    Attributes:
        number: Its number in the file, from 1 on.
        offset: Where reading can begin with it, in bytes of the file; None where its member holds others before it.
        header: Its own header, without the empty line at its end.
        block: What follows.
        problem: What is wrong with it, or empty.
        large: Whether it is longer than was asked for; then it has no block.
    """

    number: int
    offset: int | None
    header: bytes = b""
    block: bytes = b""
    problem: str = ""
    large: bool = False

    @property
    def raw(self) -> bytes:
        """The record as it stands in the file."""
        return self.header + b"\r\n\r\n" + self.block + b"\r\n\r\n"


def frames(
    stream: BinaryIO, *, packed: bool, limit: int, allowance: Allowance, start: tuple[int, int] = (0, 0)
) -> Iterator[Frame]:
    """Yield every record of a WARC file, in order.

    Args:
        stream: The file as it lies there, at the offset of `start`.
        packed: Whether it is packed with gzip.
        limit: Longest block in bytes; a longer one is never held.
        allowance: What comes out of a packed file is drawn from it.
        start: The offset at which the stream stands, and how many records are before it.
    """
    offset, number = start
    pieces = _members(stream, offset, allowance) if packed else _pieces(stream)
    data = _Window(pieces)
    # without members, a record begins where the counting of bytes says
    origin = None if packed else offset
    while True:
        data.skip_blank()
        if not data.fill(1):
            if damage := data.take_damage():
                yield Frame(number + 1, None, problem=damage)
            return
        number += 1
        if damage := data.take_damage():  # of a member that gave nothing
            yield Frame(number, None, problem=damage)
            number += 1
        yield _frame(data, number, data.offset_here() if origin is None else origin + data.taken, limit)


def _frame(data: _Window, number: int, offset: int | None, limit: int) -> Frame:
    """Take the record that begins here, and leave the window at the next one."""
    room = data.room(MAX_HEADER)
    found = END_OF_HEADER.search(data.held, 0, room) if FIRST_LINE.match(data.held) else None
    length = LENGTH.search(data.held, 0, found.start()) if found else None
    if not found or not length:
        data.drop(1)
        data.resync()
        return Frame(number, offset, problem=data.take_damage() or "no header of a record, or one without its length")
    header, size = bytes(data.held[: found.start()]), int(length.group(1))
    data.drop(found.end())
    if size > limit:
        whole = data.skip(size)
        problem = "" if whole else data.take_damage() or "its length is wrong: it ends earlier"
        return Frame(number, offset, header, problem=problem, large=whole)
    room = data.room(size)
    if room >= size and data.ends_at(size):
        block = bytes(data.held[:size])
        data.drop(size)
        return Frame(number, offset, header, block)
    data.resync()
    return Frame(number, offset, header, problem=data.take_damage() or f"its length is wrong: {size:,} bytes")


class _Window:
    """The part of the unpacked bytes that is looked at, and the places in it where a member begins with a record."""

    def __init__(self, pieces: Iterator[tuple[bytes, int | None, str]]) -> None:
        self._pieces = pieces
        self.held = bytearray()
        self.taken = 0
        self._damages: deque[tuple[int, str]] = deque()  # position, what is wrong there
        self._starts: deque[tuple[int, int]] = deque()  # position from the very beginning, offset in the file
        self._ended = False

    def fill(self, size: int) -> bool:
        """Hold at least so many bytes, or all there are; tell whether there are so many."""
        while len(self.held) < size and not self._ended:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
                break
            data, offset, damage = piece
            if damage:
                self._damages.append((self.taken + len(self.held), damage))
            if offset is not None and data.startswith(b"WARC/"):
                self._starts.append((self.taken + len(self.held), offset))
            self.held += data
        return len(self.held) >= size

    def room(self, size: int) -> int:
        """Return how many of the next bytes, up to `size`, lie before the next member that begins a record."""
        self.fill(size)
        return min(size, len(self.held), self._boundary())

    def _boundary(self) -> int:
        while self._starts and self._starts[0][0] < self.taken:
            self._starts.popleft()
        after = (position - self.taken for position, _ in self._starts if position > self.taken)
        return next(after, 1 << 62)

    def offset_here(self) -> int | None:
        """Return the offset in the file of the member that begins here with a record."""
        return next((offset for position, offset in self._starts if position == self.taken), None)

    def take_damage(self) -> str:
        """Return what is wrong with the packing of what was gone over since this was last asked, or nothing."""
        found = ""
        while self._damages and self._damages[0][0] <= self.taken:
            found = found or self._damages[0][1]
            self._damages.popleft()
        return found

    def drop(self, size: int) -> None:
        """Go on by so many bytes."""
        del self.held[:size]
        self.taken += size

    def skip_blank(self) -> None:
        """Go on to the next byte that is no line break."""
        while self.fill(1):
            found = INK.search(self.held)
            self.drop(found.start() if found else len(self.held))
            if found:
                return

    def ends_at(self, size: int) -> bool:
        """Tell whether a block of this size is followed by the end of the file or by another record."""
        boundary = self._boundary()
        self.fill(size + 32)
        tail = bytes(self.held[size : min(size + 32, boundary)])
        rest = tail.lstrip(b"\r\n")
        blank = tail[: len(tail) - len(rest)]
        if not rest:  # some leave out the lines at the very end
            return not blank or blank.startswith(b"\r\n") or not blank.strip(b"\n")
        return blank.startswith((b"\r\n\r\n", b"\n\n")) and b"WARC/".startswith(rest[:5])

    def skip(self, size: int) -> bool:
        """Go on by so many bytes without holding them; tell whether they are there before another record begins."""
        while size:
            room = self.room(min(size, PIECE))
            found = NEXT.search(self.held, 0, room)
            if found:
                self.drop(found.start() + 1)
                return False
            step = room if room == size else max(room - 32, 0)
            if not step:
                if self._boundary() == room or not self.fill(room + 1):
                    self.drop(room)
                    return False
                step = room
            self.drop(step)
            size -= step
        return True

    def resync(self) -> None:
        """Go on to the next record: a member that begins with one, or the first line of one."""
        while self.fill(1):
            room = self.room(PIECE)
            found = NEXT.search(self.held, 0, room)
            if found:
                self.drop(found.start() + 1)
                return
            if self._boundary() == room:
                self.drop(room)
                return
            # a first line may begin in the last bytes held
            self.drop(room if self._ended and room == len(self.held) else max(room - 32, 1))


def _pieces(stream: BinaryIO) -> Iterator[tuple[bytes, int | None, str]]:
    while data := stream.read(PIECE):
        yield data, None, ""


def _members(stream: BinaryIO, offset: int, allowance: Allowance) -> Iterator[tuple[bytes, int | None, str]]:
    """Yield (unpacked bytes, offset of the member where they are its first, what is wrong), and go on after damage."""
    raw = b""
    while True:
        raw = raw or stream.read(PIECE)
        if not raw:
            return
        unpack = zlib.decompressobj(wbits=31)
        first: int | None = offset
        try:
            while not unpack.eof:
                raw = raw or stream.read(PIECE)
                if not raw:
                    yield b"", None, "the file ends in the middle of a packed record"
                    return
                before = len(raw)
                data = unpack.decompress(raw, PIECE)
                raw = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
                offset += before - len(raw)
                allowance.take(len(data))
                if data:
                    yield data, first, ""
                    first = None
        except zlib.error as error:
            yield b"", None, f"damaged gzip: {error}"
            raw, passed = _next_member(stream, raw[1:])
            offset += passed + 1


def _next_member(stream: BinaryIO, raw: bytes) -> tuple[bytes, int]:
    """Return the bytes from the next member on, and how many were passed over."""
    passed = 0
    while True:
        found = raw.find(MEMBER)
        if found >= 0:
            return raw[found:], passed + found
        more = stream.read(PIECE)
        if not more:
            return b"", passed + len(raw)
        passed += max(len(raw) - 2, 0)
        raw = raw[-2:] + more
