"""Say which characters of a source every character of a frozen text came from, and back.

A map is a row of pieces that cover both texts from end to end, in order::

    source   The  army said:\\r\\nâ€œnoâ€\\x9d
    pieces   ──┬─ ─┬ ───┬──── ─┬─ ─────┬─────
    frozen   The ␣ army said:  \\n  “no”

A *kept* piece is the same characters in both; any other piece is made of its source as a whole: a blank of two, a letter
of a letter and its accent, a line break of ``\\r\\n``. What was put in has no source, what was taken out no text. Maps
compose: what one step makes of a text and the next of that is one map again, as exact as both. A map holds what was
changed and nothing else, so that its size grows with the changes and not with the text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from copydesk.schemas import InputError

__all__ = ["Piece", "TextMap"]

PIECE: Final = re.compile(r"(\d+)(?:/(\d+))?")
LONGEST_COMPARED: Final = 2_000
"""Characters of two versions of a line that are compared letter by letter; of longer ones the equal ends are kept."""

Piece = tuple[int, int, bool]
"""Characters of the text, characters of its source, whether they are the same."""


@dataclass(frozen=True, slots=True)
class TextMap:
    """How a text came from its source.

    Attributes:
        pieces: In order: characters of the text, characters of the source, whether they are the same ones.
    """

    pieces: tuple[Piece, ...] = ()

    @classmethod
    def same(cls, length: int) -> TextMap:
        """Return the map of a text that is its source."""
        return cls.of([(length, length, True)])

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> TextMap:
        """Return the map of these pieces, with equal neighbours joined and empty ones left out."""
        joined: list[Piece] = []
        for made, source, kept in pieces:
            if not made and not source:
                continue
            before = joined[-1] if joined else (0, 0, not kept)
            # what was made of one thing and what of the next stay apart
            if before[2] == kept and (kept or before[0] == made == 0 or before[1] == source == 0):
                joined[-1] = (before[0] + made, before[1] + source, kept)
            else:
                joined.append((made, source, kept))
        return cls(tuple(joined))

    @classmethod
    def edited(cls, length: int, edits: Iterable[tuple[int, int, int]]) -> TextMap:
        """Return the map of a source in which some ranges were replaced.

        Args:
            length: Of the source.
            edits: In order and apart: where a range starts, where it ends, how many characters stand there now.
        """
        pieces: list[Piece] = []
        at = 0
        for start, end, made in edits:
            pieces += [(start - at, start - at, True), (made, end - start, False)]
            at = end
        return cls.of([*pieces, (length - at, length - at, True)])

    @classmethod
    def compared(cls, before: str, after: str) -> TextMap:
        """Return a map between two versions of a line of which nobody knows the steps between."""
        if before == after:
            return cls.same(len(after))
        most = min(len(before), len(after))
        head = next((at for at in range(most) if before[at] != after[at]), most)
        most -= head
        tail = next((at for at in range(most) if before[-1 - at] != after[-1 - at]), most)
        old, new = before[head : len(before) - tail], after[head : len(after) - tail]
        middle: list[Piece] = [(len(new), len(old), False)]
        if max(len(old), len(new)) <= LONGEST_COMPARED:
            steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
            middle = [(end - start, last - first, kind == "equal") for kind, first, last, start, end in steps]
        return cls.of([(head, head, True), *middle, (tail, tail, True)])

    @classmethod
    def joined(cls, maps: Sequence[TextMap]) -> TextMap:
        """Return the map of texts that stand one behind the other, as their sources do."""
        return cls.of(piece for one in maps for piece in one.pieces)

    @classmethod
    def decode(cls, written: str) -> TextMap:
        """Return the map that :meth:`encode` wrote.

        Raises:
            InputError: It is no map.
        """
        found = [PIECE.fullmatch(part) for part in written.split(",")] if written else []
        if not all(found):
            raise InputError("not a map of a text", where=written[:40], hint="A map is written as 12,2/1,80 and so on.")
        pieces = [(int(m[1]), int(m[1] if m[2] is None else m[2]), m[2] is None) for m in found if m]
        return cls(tuple(pieces))

    def encode(self) -> str:
        """Return the map in one line: ``80`` for characters kept, ``2/1`` for two that were made of one."""
        return ",".join(f"{made}" if kept else f"{made}/{source}" for made, source, kept in self.pieces)

    @property
    def length(self) -> int:
        """How long the text is."""
        return sum(made for made, _, _ in self.pieces)

    @property
    def source_length(self) -> int:
        """How long the source is."""
        return sum(source for _, source, _ in self.pieces)

    def then(self, other: TextMap) -> TextMap:
        """Return the map of a text that was made of this map's text.

        Raises:
            InputError: The other's source has another length than this one's text.
        """
        if other.source_length != self.length:
            raise InputError(
                "these maps do not follow on each other", where=f"{self.length} and {other.source_length} characters"
            )
        if other.is_same:
            return self
        return other if self.is_same else TextMap.of(_composed(self.pieces, other.pieces))

    @property
    def is_same(self) -> bool:
        """Whether the text is its source."""
        return not self.pieces or (len(self.pieces) == 1 and self.pieces[0][2])

    def to_source(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the smallest range of the source that all of a range of the text came from.

        None where the whole range was put in and came from nowhere.
        """
        return _reach(((made, source, kept) for made, source, kept in self.pieces), start, end)

    def from_source(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the smallest range of the text that holds all that became of a range of the source; None: nothing did."""
        return _reach(((source, made, kept) for made, source, kept in self.pieces), start, end)


def _composed(first: Sequence[Piece], second: Sequence[Piece]) -> Iterator[Piece]:
    """Yield pieces from the second's text to the first's source; both lists cover the text between them.

    A kept piece may be cut anywhere, any other nowhere: where two of those overlap, they make one piece together.
    """
    one = [(source, middle, kept) for middle, source, kept in reversed(first)]
    two = [(made, middle, kept) for made, middle, kept in reversed(second)]
    while one or two:
        if one and not one[-1][1]:  # what the first took out
            yield 0, one.pop()[0], False
        elif two and not two[-1][1]:  # what the second put in
            yield two.pop()[0], 0, False
        elif one[-1][2] and two[-1][2]:
            size = min(one[-1][1], two[-1][1])
            yield _take(two, size)[0], _take(one, size)[0], True
        else:
            source, up_to = (0, 0) if one[-1][2] else _take(one)
            made, so_far = (0, 0) if up_to else _take(two)
            while up_to != so_far:
                if up_to < so_far:
                    more, passed = _take(one, so_far - up_to)
                    source, up_to = source + more, up_to + passed
                else:
                    more, passed = _take(two, up_to - so_far)
                    made, so_far = made + more, so_far + passed
            yield made, source, False


def _take(pieces: list[Piece], size: int | None = None) -> tuple[int, int]:
    """Take the last piece, or of a kept one at most `size` characters; return how long it is on the outside and inside."""
    outside, inside, kept = pieces.pop()
    if kept and size is not None and inside > size:
        pieces.append((inside - size, inside - size, True))
        return size, size
    return outside, inside


def _reach(pieces: Iterable[Piece], start: int, end: int) -> tuple[int, int] | None:
    """Return the range on the other side of what stands at a range on this side."""
    here = there = 0
    first: int | None = None
    last = 0
    for mine, theirs, kept in pieces:
        low, high = max(start, here), min(end, here + mine)
        if low < high and theirs:
            begin, stop = (there + low - here, there + high - here) if kept else (there, there + theirs)
            first, last = (begin if first is None else first), stop
        here += mine
        there += theirs
    return None if first is None else (first, last)
