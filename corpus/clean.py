"""Make text plain and stable: the same words, one way to write each.

`clean` is pure and idempotent. It repairs mojibake, composes to NFC, makes ``\\n`` the only line break,
one blank the only blank, and removes characters that nobody sees. It leaves alone whatever a reader can
see: curly quotes, dashes, full-width forms, ligatures, emoji.

Decisions about what is invisible:

- **Zero-width joiner and non-joiner** stay where they carry meaning: in emoji sequences, and beside letters of
  the scripts that are written with them (Arabic and Syriac, the Indic scripts, Mongolian …). Elsewhere they go.
- **Bidirectional controls** (marks, embeddings, overrides, isolates) all go. They are formatting: the Unicode
  algorithm orders Arabic and Hebrew without them, while an unclosed one turns the display of everything that
  follows, which is how a text can show an annotator something else than it says.
- **Soft hyphens, byte order marks, zero-width spaces, word joiners** go.
- **A lone surrogate** is no character and no UTF-8 file can hold it; it becomes U+FFFD and is counted.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from .textmap import TextMap

__all__ = ["Cleaned", "clean", "clean_traced"]

LINE_BREAKS: Final = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
BLANKS: Final = re.compile(
    " *[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000][ \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]*|  +"
)
PLAIN: Final = re.compile(r"(?!\n)[\n\x20-\x7e]*(?<!\n)")
UNTIDY: Final = re.compile("  |^ | $|\n\n\n", re.MULTILINE)
EDGES: Final = re.compile("^ +| +$", re.MULTILINE)
CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufff9-\ufffb\ufffe\uffff]")
BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
ZERO_WIDTH: Final = re.compile("[\xad\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff]")
JOINER: Final = re.compile("[\u200c\u200d]+")
SURROGATE: Final = re.compile("[\ud800-\udfff]")
PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
ENDS: Final = re.compile(r"\A\n+|\n+\Z")
COMPOSED: Final = re.compile("[\x00-\x7f]?[^\x00-\x7f]*")
GAPS: Final = re.compile("\n{3,}")

# code points of scripts in which a joiner or non-joiner changes what is read
JOINING: Final = (
    (0x0600, 0x08FF),
    (0x0900, 0x0DFF),
    (0x0F00, 0x109F),
    (0x1780, 0x18AF),
    (0xFB50, 0xFDFF),
    (0xFE70, 0xFEFC),
)
PICTURE: Final = {"So", "Sk", "Mn", "Me"}  # pictographs, skin tones, variation selectors
PASSES: Final = 16


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text and how often each kind of change was made.

    Attributes:
        text: The clean text.
        changes: ``mojibake`` and ``nfc`` in lines; ``line_break``, ``blank``, ``control``, ``zero_width``, ``bidi``
            and ``surrogate`` in places.
    """

    text: str
    changes: Mapping[str, int] = field(default_factory=dict)


def clean(text: str) -> Cleaned:
    """Return the text in its one plain form.

    Lines are stripped, more than one empty line becomes one, and empty lines at both ends go.

    >>> clean("\\ufeffThe  army\\u00a0said:\\r\\nâ€œnoâ€\\x9d ").text
    'The army said:\\n“no”'
    """
    return _cleaned(text, None)


def clean_traced(text: str) -> tuple[Cleaned, TextMap]:
    """Return the same as :func:`clean`, and which characters of the text every character of it came from."""
    steps: list[TextMap] = []
    cleaned = _cleaned(text, steps)
    return cleaned, functools.reduce(TextMap.then, steps, TextMap.same(len(text)))


def _cleaned(text: str, steps: list[TextMap] | None) -> Cleaned:
    if PLAIN.fullmatch(text) and not UNTIDY.search(text):  # most blocks of most articles
        return Cleaned(text)
    counts: Counter[str] = Counter()
    for _ in range(PASSES):  # one change can uncover another, such as mojibake behind a zero-width space
        after = _once(_Changing(text, counts, steps))
        if after == text:
            break
        text = after
    return Cleaned(text, {kind: number for kind, number in sorted(counts.items()) if number})


@dataclass(slots=True)
class _Changing:
    """A text under way: every change is counted by its kind, and noted as a step where somebody wants to know."""

    text: str
    counts: Counter[str]
    steps: list[TextMap] | None

    def replace(self, pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str], kind: str = "") -> None:
        edits: list[tuple[int, int, int]] = []

        def put(match: re.Match[str]) -> str:
            new = by if isinstance(by, str) else by(match)
            if new != match.group():
                edits.append((match.start(), match.end(), len(new)))
            return new

        before = self.text
        self.text, number = pattern.subn(by if self.steps is None else put, before)
        if self.text == before:
            return
        if kind:
            self.counts[kind] += number
        if self.steps is not None:
            self.steps.append(TextMap.edited(len(before), edits))

    def by_line(self, change: Callable[[str], str], trace: Callable[[str, str], TextMap], kind: str) -> None:
        before = self.text.split("\n")
        after = [line if line.isascii() else change(line) for line in before]
        changed = sum(new != old for new, old in zip(after, before, strict=True))
        self.counts[kind] += changed
        if not changed:
            return
        self.text = "\n".join(after)
        if self.steps is not None:
            maps = [trace(old, new) for old, new in zip(before, after, strict=True)]
            breaks = [TextMap.same(1)] * (len(maps) - 1) + [TextMap()]
            self.steps.append(TextMap.joined([one for pair in zip(maps, breaks, strict=True) for one in pair]))


def _once(now: _Changing) -> str:
    if SURROGATE.search(now.text):
        # a pair that was written as two halves is one character; what then remains is lone
        now.replace(PAIR, lambda pair: pair.group().encode("utf-16-le", "surrogatepass").decode("utf-16-le"))
        now.replace(SURROGATE, "\ufffd", "surrogate")
    now.replace(LINE_BREAKS, "\n", "line_break")
    if not now.text.isascii():
        now.by_line(_repair, TextMap.compared, "mojibake")
        now.by_line(functools.partial(unicodedata.normalize, "NFC"), _composing, "nfc")
        now.replace(LINE_BREAKS, "\n", "line_break")
        now.replace(BIDI, "", "bidi")
        now.replace(ZERO_WIDTH, "", "zero_width")
        if JOINER.search(now.text):
            now.replace(JOINER, _joiners(now.text, now.counts))
    now.replace(CONTROL, "", "control")
    now.replace(BLANKS, " ", "blank")
    now.replace(EDGES, "")
    now.replace(GAPS, "\n\n")
    now.replace(ENDS, "")
    return now.text


def _composing(before: str, after: str) -> TextMap:
    """Return the map of a line that was composed to NFC."""
    if before == after:
        return TextMap.same(len(after))
    # nothing composes with an ASCII letter before it, so that a line may be composed from each to the next
    pieces = [
        (len(new), len(old), new == old)
        for old in COMPOSED.findall(before)
        for new in [unicodedata.normalize("NFC", old)]
    ]
    return TextMap.of(pieces)


def _repair(line: str) -> str:
    import ftfy

    # fix_encoding alone: it never uncurls quotes, narrows full-width forms or unfolds ligatures
    return str(ftfy.fix_encoding(line))


def _joiners(text: str, counts: Counter[str]) -> Callable[[re.Match[str]], str]:
    def keep(match: re.Match[str]) -> str:
        before = text[match.start() - 1] if match.start() else ""
        after = text[match.end()] if match.end() < len(text) else ""
        joiner = match.group()[0]
        needed = (before and after) and (
            (_joins(before) and _joins(after))
            or (joiner == "\u200d" and unicodedata.category(before) in PICTURE and _is_picture(after))
        )
        kept = joiner if needed else ""
        if kept != match.group():
            counts["zero_width"] += 1
        return kept

    return keep


def _joins(character: str) -> bool:
    return any(low <= ord(character) <= high for low, high in JOINING)


def _is_picture(character: str) -> bool:
    return unicodedata.category(character) == "So"
