"""Run something in a process that ends itself with SIGKILL at a given moment of its work; for the tests of faults.

A moment is a number of Python calls, over all threads: the same seed is about the same moment on any machine, and it
can lie anywhere: in the middle of a write, of a request, of an encoding.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

from copydesk.corpus import Desk

__all__ = ["run_until_killed"]

LOADED = [
    "anyio", "copydesk.annotate", "filelock", "h11", "httpcore", "httpx", "label_studio_sdk.client", "label_studio_sdk.core.api_error", "tenacity",
]  # fmt: skip
"""What is loaded before moments are counted, and once for all."""


def _counted(desk: Path, module: str, function: str, settings: dict, moment: int, environment: dict, answer) -> None:
    os.environ.update(environment)  # this process comes from one that was started with another
    work = importlib.import_module(f"copydesk.annotate.{module}")
    for name, value in settings.items():
        setattr(work, name, value)
    where = Desk(desk)
    calls = itertools.count()

    def hook(frame: object, event: str, argument: object) -> None:
        if event == "call" and next(calls) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(hook)
    sys.setprofile(hook)
    try:
        getattr(work, function)(where)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    answer.send(next(calls))


def run_until_killed(
    desk: Path, module: str, function: str, *, moment: int = -1, settings: dict[str, object] | None = None
) -> int | None:
    """Run a function of ``annotate/`` on a desk; return how many calls it took, or None where it was killed first."""
    context = multiprocessing.get_context("forkserver")  # loads everything once, and has no threads to fork with
    context.set_forkserver_preload(LOADED)
    environment = {name: value for name, value in os.environ.items() if "STUDIO" in name}
    what = (desk, module, function, settings or {}, moment, environment)
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_counted, args=(*what, theirs))
    process.start()
    theirs.close()
    process.join()
    if process.exitcode == -signal.SIGKILL:
        return None
    assert process.exitcode == 0, process.exitcode
    return mine.recv()
