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

__all__ = ["Cleaned", "clean"]

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
    if PLAIN.fullmatch(text) and not UNTIDY.search(text):  # most blocks of most articles
        return Cleaned(text)
    counts: Counter[str] = Counter()
    for _ in range(PASSES):  # one change can uncover another, such as mojibake behind a zero-width space
        after = _once(text, counts)
        if after == text:
            break
        text = after
    return Cleaned(text, {kind: number for kind, number in sorted(counts.items()) if number})


def _once(text: str, counts: Counter[str]) -> str:
    def replace(pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str], kind: str) -> None:
        nonlocal text
        before = text
        text, number = pattern.subn(by, text)
        if text != before:
            counts[kind] += number

    if SURROGATE.search(text):
        # a pair that was written as two halves is one character; what then remains is lone
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        replace(SURROGATE, "\ufffd", "surrogate")
    replace(LINE_BREAKS, "\n", "line_break")
    if not text.isascii():
        text = _by_line(text, _repair, "mojibake", counts)
        text = _by_line(text, functools.partial(unicodedata.normalize, "NFC"), "nfc", counts)
        replace(LINE_BREAKS, "\n", "line_break")
        replace(BIDI, "", "bidi")
        replace(ZERO_WIDTH, "", "zero_width")
        if JOINER.search(text):
            text = _joiners(text, counts)
    replace(CONTROL, "", "control")
    replace(BLANKS, " ", "blank")
    text = EDGES.sub("", text)
    return GAPS.sub("\n\n", text).strip("\n")


def _by_line(text: str, change: Callable[[str], str], kind: str, counts: Counter[str]) -> str:
    before = text.split("\n")
    after = [line if line.isascii() else change(line) for line in before]
    changed = sum(new != old for new, old in zip(after, before, strict=True))
    counts[kind] += changed
    return "\n".join(after) if changed else text


def _repair(line: str) -> str:
    import ftfy

    # fix_encoding alone: it never uncurls quotes, narrows full-width forms or unfolds ligatures
    return str(ftfy.fix_encoding(line))


def _joiners(text: str, counts: Counter[str]) -> str:
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

    return JOINER.sub(keep, text)


def _joins(character: str) -> bool:
    return any(low <= ord(character) <= high for low, high in JOINING)


def _is_picture(character: str) -> bool:
    return unicodedata.category(character) == "So"
