"""Read dates as sources write them."""

from __future__ import annotations

import contextlib
import re
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["iso_date"]

FORMATS: Final = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d %B %Y",
    "%d %b %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%B %d %Y",
    "%Y%m%dT%H%M%SZ",
)
EARLIEST: Final = 1600  # the first newspapers
LATEST: Final = 2100


def iso_date(value: str) -> str:
    """Return a date or date-time as ISO 8601, to the precision that the source has; empty where it cannot be read.

    A date that could be read in two ways, such as 03/04/2024, is not guessed. Years outside of 1600 … 2100 are no dates.

    >>> iso_date("Fri, 29 Nov 2024 10:00:00 GMT"), iso_date("29 November 2024"), iso_date("2024-11-29 10:00:00")
    ('2024-11-29T10:00:00+00:00', '2024-11-29', '2024-11-29T10:00:00')
    """
    value = re.sub(r"\s+", " ", value).strip()
    if not 4 <= len(value) <= 64:
        return ""
    parsed = _parse(value)
    if parsed is None or not EARLIEST <= parsed.year <= LATEST:
        return ""
    return parsed.isoformat()


def _parse(value: str) -> date | datetime | None:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value)
        return None
    if re.fullmatch(r"\d{10}|\d{13}", value):
        return None  # seconds or milliseconds since 1970 are a guess
    with contextlib.suppress(ValueError):
        if re.match(r"\d{4}-\d{2}-\d{2}", value):
            return datetime.fromisoformat(re.sub(r" ?(?:UTC|GMT)$", "+00:00", value))
    with contextlib.suppress(ValueError, TypeError, IndexError):
        if re.search(r"\d:\d", value):
            return parsedate_to_datetime(value)
    for pattern in FORMATS:
        with contextlib.suppress(ValueError):
            # the names of months in English, whatever the locale is: Python starts in the C locale
            parsed = datetime.strptime(value, pattern)
            return parsed if "%H" in pattern else parsed.date()
    return None
