"""Say what is known of a request that did not go well: that it was refused, or that nobody knows."""

from __future__ import annotations

from copydesk.schemas import StudioError

__all__ = ["NoAnswerError", "RefusedError"]


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
