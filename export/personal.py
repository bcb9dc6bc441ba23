"""Find what could reach or charge a person: e-mail addresses, phone numbers, bank accounts, payment cards.

Patterns with checks of their own (the country's length and the check digits of ISO 13616 and ISO/IEC 7812), so
that tolls, dates and coordinates are not taken for numbers. Names are not marked: who is named is what this
corpus is about. The words found are never written anywhere: a mark is a kind and a place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

__all__ = ["KINDS", "Kind", "Mark", "marks"]

Kind: TypeAlias = Literal["email", "phone", "iban", "card"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a text that looks like personal data. Offsets are half-open code points."""

    start: int
    end: int
    kind: Kind


_EMAIL: Final = re.compile(
    r"(?<![\w.%+-])[\w.%+-]{1,64}(?:@| ?\[at\] ?| ?\(at\) ?)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_CARD: Final = re.compile(r"(?<![\w.,+-])\d(?:[ -]?\d){12,18}(?![\w]|[.,]\d)")
# a number is a phone's by its international form, or by a word before it that says so
_ABROAD: Final = re.compile(r"(?<![\w+])(?:\+|00)[1-9]\d{0,2}(?:[ .-]?\(?\d{1,5}\)?){2,6}(?!\d)")
_CALLED: Final = re.compile(
    r"(?:\b(?:tel|phone|telephone|mobile|cell|fax|whatsapp|signal|telegram|hotline|call|text|dial|sms)\b[^\d\n+(]{0,16})"
    r"(\+?\(?\d{1,5}\)?(?:[ ./-]?\(?\d{2,5}\)?){1,5})(?!\d)",
    re.IGNORECASE,
)


# most texts have nothing that could be any of the numbers, and one look tells so
_NUMBER: Final = re.compile(r"\d[\d ().\-/]{4,}\d")
_COUNTRY: Final = re.compile(r"[A-Z]{2}\d{2} ?[A-Z0-9]{4}")


def marks(text: str) -> tuple[Mark, ...]:
    """Return every place of a text that looks like personal data, in order, none inside another.

    >>> [(mark.kind, mark.start, mark.end) for mark in marks("Write to desk@example.org.")]
    [('email', 9, 25)]
    """
    found: list[Mark] = []
    for mark in sorted(_candidates(text), key=lambda m: (m.start, -m.end, KINDS.index(m.kind))):
        if not found or mark.start >= found[-1].end:
            found.append(mark)
    return tuple(found)


def _candidates(text: str) -> Iterator[Mark]:
    if "@" in text or "at]" in text or "at)" in text:
        yield from (Mark(*match.span(), "email") for match in _EMAIL.finditer(text))
    if _COUNTRY.search(text):
        for match in _IBAN.finditer(text):
            if _is_iban(match.group()):
                yield Mark(*match.span(), "iban")
    if not _NUMBER.search(text):
        return
    for match in _CARD.finditer(text):
        if _is_card(match.group()):
            yield Mark(*match.span(), "card")
    for match in _ABROAD.finditer(text):
        if 8 <= _digits(match.group()) <= 15:
            yield Mark(*match.span(), "phone")
    for match in _CALLED.finditer(text):
        if 7 <= _digits(match.group(1)) <= 15 and not _is_grouped(match.group(1)):
            yield Mark(*match.span(1), "phone")


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _is_grouped(number: str) -> bool:
    """Tell a date such as 2031-03-04 from a phone number; a toll has commas, which no pattern takes."""
    return bool(re.fullmatch(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4}", number))


def _is_iban(text: str) -> bool:
    plain = text.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    """Tell whether the last digit is the check digit of Luhn's sum, of a number that an issuer could have."""
    digits = [int(character) for character in text if character.isdigit()]
    if digits[0] not in (3, 4, 5, 6) or len(set(digits)) < 2:
        return False
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
