"""Say what is known of a request that did not go well: that it was refused, or that nobody knows."""

from __future__ import annotations

import math
from urllib.parse import urlsplit

from copydesk.schemas import StudioError

__all__ = ["NoAnswerError", "RefusedError", "moved", "seconds"]


class NoAnswerError(StudioError):
    """Nobody answered, or the answer broke off or makes no sense: what the server did is unknown."""


class RefusedError(StudioError):
    """The server answered with an error status.

    Attributes:
        status: The HTTP status.
        retry_after: Seconds after which to ask again, where the server said so.
    """

    status: int = 0
    retry_after: float | None = None


def seconds(said: str | None) -> float | None:
    """Return what a header ``Retry-After`` asks for, in seconds; None where it says anything else."""
    try:
        found = float(said or "")
    except ValueError:
        return None
    return found if 0 <= found < math.inf else None


def moved(url: str, asked: str, status: int, location: str) -> RefusedError:
    """Return the error for an answer that sends us on.

    It is not followed: a POST that is sent on arrives as a GET, and the token would go to whoever was named.

    Args:
        url: The server's address.
        asked: What was asked for: method and path.
        status: The HTTP status.
        location: Where to, as the server says; of it only scheme and host are repeated.
    """
    target = urlsplit(location)
    place = f"{target.scheme}://{target.hostname}" if target.scheme and target.hostname else "another path"
    error = RefusedError(
        f"Label Studio sends us on to {place} ({asked}, HTTP {status})",
        where=url,
        hint="Name the address that it has now: COPYDESK_STUDIO_URL, or studio.url in copydesk.toml.",
    )
    error.status = status
    return error
