"""Find tolls: how many people were killed, injured, missing, detained or displaced.

The mention is the number with the words that say whom and how sure ("at least 17 civilians"). Bounds are what the words say: "at least 17" has a low and no high, "up to 30" a high and no
low, "dozens" neither; a plain number is both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from .knowledge import knowledge
from .words import bounded

__all__ = ["Toll", "bounds", "find_tolls"]

_UNITS: Final = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS: Final = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_SCALES: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_LOW: Final = ("at least", "more than", "over", "no fewer than", "upwards of", "as few as")
_HIGH: Final = ("up to", "as many as", "fewer than", "less than", "no more than", "at most")
_APPROX: Final = (
    "about",
    "around",
    "some",
    "nearly",
    "almost",
    "approximately",
    "roughly",
    "close to",
    "an estimated",
    "estimated",
)
_AUX: Final = (
    r"(?: (?:was|were|are|is|be|been|being|have|has|had|got|thought|believed|feared|reported|reportedly|said|known|"
    r"confirmed|also|to|now|still|later|all|currently|presumed|forcibly|either|already|since|injured or|wounded or|remain|remained)){%d,7}"
)
_STOP: Final = (
    r"(?=[.,;:!?)”\"’]|$|\n| (?:and|or|but|in|on|at|near|during|after|when|by|overnight|since|from|so far|as|while|across|with|"
    r"including|, |according|before|this|last|between)\b)"
)


@dataclass(frozen=True, slots=True)
class Toll:
    """A toll: its range, and the scheme's attributes."""

    start: int
    end: int
    attributes: Mapping[str, str]


def _number_pattern() -> str:
    unit = "|".join(_UNITS[1:])
    tens = "|".join(_TENS)
    vague = "|".join(sorted(knowledge("tolls")["vague"], key=len, reverse=True))
    scale = r"(?:(?: |-)(?:hundred|thousand|million)){0,2}"
    return rf"(?:(?:\d{{1,3}}(?:,\d{{3}}){{1,4}}|\d+(?:\.\d+)?){scale}|(?:(?:{tens})(?:-(?:{unit}))?|{unit}|an?(?= hundred| thousand| million| dozen)){scale}(?: dozen)?|{vague})"


@cache
def _frames() -> tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...]:
    """Return the frames, each with its kind and a quick pattern that matches in every line where it can match."""
    data = knowledge("tolls")
    number = _number_pattern()
    words = "|".join(_LOW + _HIGH + _APPROX)
    span = rf"(?P<N>(?:(?:{words}) )?(?:between {number} and {number}|{number}(?:(?: to | or |-|–){number})?))(?![\w%]|[.,:]\d| (?:years?|days?|months?|weeks?|hours?|minutes?|per ?cent|percent|km|kilomet\w+|miles?|times)\b)"
    people = data["people"]
    group = rf"(?: of(?: the)?)?(?:(?: [A-Za-z][\w’'-]*){{0,3}}? (?P<G>{people}))"
    optional = f"(?:{group})?"
    no_object = rf"(?! (?:the|a|an|at least|{number})\b)"
    frames: list[tuple[str, str, str]] = []
    for kind in data["kind"]:
        verb, noun, active = kind["verb"], kind["noun"], kind["active"]
        frames += [
            (kind["id"], rf"\b{span}{optional}{_AUX % 1} (?:{verb})\b", verb),
            (kind["id"], rf"\b{span}{group} (?:{verb})\b{no_object}", verb),
            (kind["id"], rf"\b{span}{group}(?= and(?: [\w-]+){{1,6}}?{_AUX % 1} (?:{verb})\b)", verb),
            (kind["id"], rf"\b(?:{active})(?: and \w+)? (?:another |a further )?{span}(?:{group}|{_STOP})", active),
            (kind["id"], rf"\b{span}{optional} (?:{noun})\b(?:{_STOP}| (?:{people})\b)", noun),
        ]
        frames += [
            (kind["id"], r"\b" + frame.replace("{N}", span).replace("{P}", optional), "") for frame in kind["frames"]
        ]
    frames.append(("", rf"\bincluding {span}{group}", "including"))
    return tuple((kind, _pattern(frame), _pattern(words)) for kind, frame, words in frames)


@cache
def _pattern(frame: str) -> re.Pattern[str]:
    return re.compile("(?i)" + bounded(frame.replace(" ", "[ \N{NO-BREAK SPACE}]")))


@cache
def _number() -> re.Pattern[str]:
    """Return what a line must have before any frame is tried."""
    vague = "|".join((*_UNITS[1:], *_TENS, *_SCALES, "dozen", *knowledge("tolls")["vague"]))
    return re.compile(rf"(?i)\d|\b(?:{vague})\b")


def find_tolls(text: str) -> Iterator[Toll]:
    """Yield the tolls of a text, in order, none twice."""
    at: dict[int, Toll] = {}  # by every offset that it covers
    start = 0
    for line in text.split("\n"):  # no frame crosses one
        end = start + len(line)
        if _number().search(text, start, end):
            _find_in(text, start, end, at)
        start = end + 1
    yield from sorted({toll.start: toll for toll in at.values()}.values(), key=lambda toll: toll.start)


def _find_in(text: str, low: int, high: int, at: dict[int, Toll]) -> None:
    for kind, frame, quick in _frames():
        for match in frame.finditer(text, low, high) if quick.search(text, low, high) else ():
            start, end = match.span("N")
            number = match["N"]
            if match.groupdict().get("G"):
                end = match.end("G")
            if any(offset in at for offset in range(start, end)):
                continue
            group = match.groupdict().get("G") or ""
            actual = kind or _inherited(at, start)
            if actual and _mostly(text, start):
                toll = Toll(start, end, _attributes(actual, number, group))
                at.update(dict.fromkeys(range(start, end), toll))


def _mostly(text: str, start: int) -> bool:
    # the second half of "3.5" or "1,200", or of a range, is no number of its own
    return start == 0 or text[start - 1] not in ".,-–" or not text[start - 2 : start - 1].isdigit()


def _inherited(at: Mapping[int, Toll], start: int) -> str:
    """Return the kind of the toll just before an "including five children", or ``""``."""
    near = next((at[offset] for offset in range(start - 1, start - 80, -1) if offset in at), None)
    return near.attributes["toll_kind"] if near else ""


def _attributes(kind: str, number: str, group: str) -> dict[str, str]:
    low, high, approx = bounds(number)
    attributes = {"toll_kind": kind}
    if victims := _victims(group.lower()):
        attributes["victim_class"] = victims
    if low is not None:
        attributes["toll_low"] = str(low)
    if high is not None:
        attributes["toll_high"] = str(high)
    if approx:
        attributes["toll_approx"] = "true"
    return attributes


def _victims(group: str) -> str:
    data = knowledge("tolls")
    return "civilians" if group in data["civilian"] else "combatants" if group in data["combatant"] else ""


def bounds(words: str) -> tuple[int | None, int | None, bool]:
    """Return the low and high bound that a number's words state, and whether they call it approximate.

    >>> bounds("at least 17"), bounds("between 10 and 15"), bounds("dozens")
    ((17, None, False), (10, 15, False), (None, None, True))
    """
    text = words.lower().replace("\N{NO-BREAK SPACE}", " ")
    lead = next((lead for lead in (*_LOW, *_HIGH, *_APPROX) if text.startswith(lead + " ")), "")
    numbers = [
        _value(part)
        for part in re.split(r" (?:to|or|and) |(?<=\d)[-–](?=\d)", text.removeprefix(lead).replace("between ", ""))
    ]
    known = [number for number in numbers if number is not None]
    if not known or len(known) < len(numbers):
        return None, None, True
    if len(known) == 2:
        scale = next((_SCALES[word] for word in text.split() if word in _SCALES), 1)
        low = known[0] * scale if known[0] < known[1] / 100 else known[0]  # "1 to 2 million"
        return low, known[1], lead in _APPROX
    if lead in _LOW:
        return known[0], None, False
    if lead in _HIGH:
        return None, known[0], False
    return known[0], known[0], lead in _APPROX


def _value(words: str) -> int | None:
    total = 0.0
    seen = False
    for word in re.split(r"[ -]", words.replace(",", "").strip()):
        if re.fullmatch(r"\d+(?:\.\d+)?", word):
            total += float(word)
        elif word in _UNITS:
            total += _UNITS.index(word)
        elif word in _TENS:
            total += _TENS[word]
        elif word in ("a", "an"):
            total += 1
        elif word in _SCALES:
            total *= _SCALES[word]
        elif word == "dozen":
            total *= 12
        else:
            return None
        seen = True
    return round(total) if seen else None
