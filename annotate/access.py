"""Find the server that a desk talks to, and the token for it: in the environment, the settings, or the desk's own.

A token is shown nowhere whole, and an address that holds a password is not repeated.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from copydesk.corpus import Desk
from copydesk.schemas import StudioError

from .studio import own_account, studio_status

__all__ = ["Access", "find_access", "masked"]


@dataclass(frozen=True, slots=True)
class Access:
    """Where a server is and with what to log in; the token stays out of every message."""

    url: str
    token: str
    source: str

    def __repr__(self) -> str:
        return f"Access({self.url!r}, token={masked(self.token)}, from {self.source})"


def masked(token: str) -> str:
    """Return what may be shown of a token."""
    # four characters tell a long token from another, and give a short one away
    return f"***{token[-4:]}" if len(token) >= 20 else "***"


def find_access(desk: Desk) -> Access:
    """Return the server that a desk talks to: the environment's, the settings', or its own.

    Raises:
        StudioError: A server is named without a token, or none is named and the desk's own never ran.
    """
    env = os.environ
    url = env.get("COPYDESK_STUDIO_URL") or env.get("LABEL_STUDIO_URL") or desk.settings.studio.url
    if not url:
        status = studio_status(desk)
        if status.state in ("never started", "stopped"):
            raise StudioError(
                f"the desk's own Label Studio is not running ({status.state})",
                where=str(desk.path),
                hint="Start it: copydesk studio start. Or name another: COPYDESK_STUDIO_URL and COPYDESK_STUDIO_API_KEY.",
            )
        return Access(status.url, own_account(desk).token, "the desk's own server")
    _check_address(url)
    token = env.get("COPYDESK_STUDIO_API_KEY") or env.get("LABEL_STUDIO_API_KEY")
    if not token:
        raise StudioError(
            "a Label Studio server is named, but no token for it",
            where=url,
            hint="Set COPYDESK_STUDIO_API_KEY to the access token shown by the server under Account & Settings.",
        )
    if not token.isascii():
        raise StudioError(
            "the token for this server holds characters that no token has",
            where=url,
            hint="Set COPYDESK_STUDIO_API_KEY to the access token shown by the server under Account & Settings.",
        )
    return Access(url.rstrip("/"), token.strip(), "the environment" if not desk.settings.studio.url else "settings")


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        reachable = (
            parts.scheme in ("http", "https") and bool((parts.hostname or "").encode("idna")) and parts.port != 0
        )
    except ValueError:  # no such host or port can be
        raise _no_address("" if "@" in url else url) from None
    if "@" in parts.netloc:
        # never repeat it: what stands before the @ is a secret
        raise StudioError(
            "the server's address holds a user name or password",
            hint="Give the address alone, and the token in COPYDESK_STUDIO_API_KEY.",
        )
    if not reachable:
        raise _no_address(url)


def _no_address(url: str) -> StudioError:
    return StudioError("this is no address of a server", where=url, hint="It looks like http://127.0.0.1:8080")
