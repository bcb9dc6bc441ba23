"""Hold on to a server for hours: wait for a bell, do a turn of work, wait out what passes.

A server that restarts, a network that fails and another copydesk at work on the desk are waited out and told once;
a token that is refused, or a server that was not there to begin with, is an error.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

import filelock

from copydesk.corpus import Desk
from copydesk.schemas import BusyError, StudioError

from .access import find_access
from .client import RefusedError, StudioClient
from .pull import PullResult

__all__ = ["Bell", "LiveEvent", "Turn", "hold_on", "only_one", "own_address", "quick_client"]

TIMEOUT: Final = 30.0
FOLDER: Final = ".live"
BUSY: Final = 5.0
"""Seconds after which to try again while another copydesk is at work."""


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something to tell whoever watches a long run.

    Attributes:
        kind: ``webhooks`` or ``polling``: how changes are noticed; ``pulled``; ``serving``: a live backend is
            connected; ``waiting``: for a server that does not answer; ``busy``: for another copydesk; ``back``.
        said: In words.
        pulled: Of a pull, what it found.
    """

    kind: Literal["webhooks", "polling", "pulled", "serving", "waiting", "busy", "back"]
    said: str
    pulled: PullResult | None = None


Turn: TypeAlias = Callable[[StudioClient, bool], Iterator[LiveEvent]]
"""One turn of work with a connection, told whether there is reason to do all of it."""


class Bell:
    """Rung by any thread, waited for by one; many rings in a row are one.

    Args:
        quiet: Seconds without a ring after which it counts as rung: somebody who saves all the time is let finish.
        longest: Seconds after the first ring that it is put off at most.
        clock: Says the time in seconds.
    """

    def __init__(
        self, *, quiet: float = 2.0, longest: float = 20.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rung = threading.Event()
        self._quiet = quiet
        self._longest = longest
        self.clock = clock

    def ring(self) -> None:
        """Ring; whoever waits wakes up."""
        self._rung.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it was rung and has gone quiet, or for so many seconds; tell whether it was rung."""
        if not self._rung.wait(seconds):
            return False
        begun = self.clock()
        # cleared before the work that the ring is about: a ring during that work counts for the next time
        self._rung.clear()
        while self.clock() - begun < self._longest and self._rung.wait(self._quiet):
            self._rung.clear()
        return True


def hold_on(desk: Desk, turn: Turn, *, bell: Bell, every: Callable[[], float]) -> Iterator[LiveEvent]:
    """Do a turn of work whenever the bell was rung, and every so many seconds, until whoever asks has enough.

    Args:
        desk: Whose server.
        turn: The work; the first time, and after any trouble, it is told that there is reason.
        bell: What to wait for.
        every: Says how long to wait for it.

    Raises:
        StudioError: The first turn failed, or the server does not accept us any more.
    """
    client: StudioClient | None = None
    rung, failures, worked = True, 0, False
    busy = False
    while True:
        try:
            client = client or quick_client(desk)
            yield from turn(client, rung)
            if failures:
                yield LiveEvent("back", f"Label Studio answers again at {client.url}")
            failures, worked, busy = 0, True, False
        except BusyError as error:
            if not busy:
                yield LiveEvent("busy", error.message)
            busy, rung = True, True
            bell.wait(BUSY)
        except StudioError as error:
            if not worked or (isinstance(error, RefusedError) and error.status in (401, 403)):
                raise
            failures += 1
            if failures == 1:
                yield LiveEvent("waiting", error.message)
            client, rung = None, True
            bell.wait(min(every(), 2.0 ** min(failures, 10)))
        else:
            rung = bell.wait(every())


def quick_client(desk: Desk) -> StudioClient:
    """Connect for small requests: whoever answers none of them soon counts as gone.

    Raises:
        StudioError: As told by :func:`.client.connect`.
    """
    access = find_access(desk)
    client = StudioClient(access.url, access.token, own=access.source == "the desk's own server", timeout=TIMEOUT)
    client.check()
    return client


def own_address(client: StudioClient, host: str, port: int) -> str:
    """Return the address by which a server on this machine reaches us; empty where it may be on another one."""
    theirs = urlsplit(client.url).hostname or ""
    if theirs not in ("127.0.0.1", "localhost", "::1"):
        return ""
    ours = "127.0.0.1" if host in ("", "0.0.0.0", "::", "localhost") else f"[{host}]" if ":" in host else host  # noqa: S104
    return f"http://{ours}:{port}"


@contextlib.contextmanager
def only_one(desk: Desk, name: str) -> Iterator[None]:
    """Be the only one on a desk that does this.

    Raises:
        BusyError: Somebody does.
    """
    folder = desk.path / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = filelock.FileLock(folder / f"{name}.lock", timeout=0)
    try:
        with lock:
            yield
    except filelock.Timeout:
        raise BusyError(
            f"another copydesk {name} is at work on this desk", where=str(desk.path), hint="One is enough; stop it."
        ) from None
