"""Know a process again: by its number, its start time and its command line.

A process number alone is reused by the system, so a pid file says nothing until the process behind it is
seen to be the one that wrote it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

__all__ = ["Mark", "claimed_port", "free_port", "mark_of", "port_answers", "stop_process"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells one process from every other: number, start time in the system's own words, command line."""

    pid: int
    started: str
    command: str


def mark_of(pid: int) -> Mark | None:
    """Return the mark of a living process, or None if there is none with this number."""
    if Path("/proc/self/stat").exists():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return None
        state, *rest = stat.rpartition(")")[2].split()
        # a child that ended and that nobody has asked about is no living process; but one whose first thread
        # alone has ended looks the same, and holds its port until the others have ended too
        ended = state == "Z" and int(rest[16]) <= 1
        return None if ended else Mark(pid, rest[18], command.strip())
    found = subprocess.run(
        ["ps", "-o", "lstart=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return Mark(pid, found[:24], found[24:].strip()) if found else None


def stop_process(mark: Mark, *, patience: float = 20.0) -> bool:
    """End exactly this process, politely first, and tell whether it was alive."""
    if not _alive(mark):
        return False
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(mark.pid, signum)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not _alive(mark):
                return True
            time.sleep(0.05)
    return True


def _alive(mark: Mark) -> bool:
    now = mark_of(mark.pid)
    return now is not None and now.started == mark.started


def port_answers(port: int) -> bool:
    """Tell whether anything listens on this port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port(first: int, *, tries: int = 200) -> int | None:
    """Return the first port from `first` on that a server could listen on at 127.0.0.1, or None.

    The server is never left to look for itself: it would move to another port without a word.
    """
    for port in range(first, min(first + tries, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                if not port_answers(port):
                    return port
    return None


@contextlib.contextmanager
def claimed_port(first: int, claims: Path, *, tries: int = 200) -> Iterator[int | None]:
    """Yield the first free port from `first` on that nobody else has claimed, or None; it is ours until the block ends.

    A server listens some seconds after it was started, and its port looks free until then.

    Args:
        first: Where to begin.
        claims: The folder in which all who could want the same port at once lock one file for each.
        tries: How many ports to look at.
    """
    for port in range(first, min(first + tries, 65536)):
        if free_port(port, tries=1) is None:
            continue
        lock = filelock.FileLock(claims / f".port-{port}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            continue
        try:
            # whoever claimed it before may listen by now
            if free_port(port, tries=1) is not None:
                yield port
                return
        finally:
            lock.release()
    yield None
