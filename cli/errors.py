"""Turn whatever goes wrong into one clear message and an exit status."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from functools import partial
from typing import Any

import typer

__all__ = ["ExitStatus", "run"]


class ExitStatus(IntEnum):
    """What a command's exit status means."""

    DONE = 0
    """Everything asked for was done."""
    FINDINGS = 1
    """Done, and there is something to look at: a check found something, a source held what cannot be read."""
    USAGE = 2
    """Not begun: the command, a setting, a source or the desk is not as it should be."""
    INTERRUPTED = 3
    """Stopped by Ctrl-C; the same command goes on where it stopped."""
    FAILED = 4
    """Failed on the way: the server, the disk, or a fault of copydesk itself."""


def run(app: Callable[..., Any]) -> int:
    """Run a Typer app on the process's arguments and return its exit status."""
    try:
        with _terminated_like_interrupted():
            status = app(prog_name="copydesk", standalone_mode=False)
    except typer.TyperException as error:  # wrong arguments: Typer knows how to show them
        getattr(error, "show", partial(_say, str(error)))()
        return ExitStatus.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        _swallow_stdout()
        return ExitStatus.DONE
    except Exception as error:  # the last resort of the program
        return _explain(error)
    return _interrupted() if status == 128 + signal.SIGINT else int(status or ExitStatus.DONE)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that what was begun is put away."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupted() -> ExitStatus:
    _say("stopped; run the same command again to go on")
    return ExitStatus.INTERRUPTED


def _explain(error: Exception) -> ExitStatus:
    from copydesk.schemas import CopydeskError, DeskError, InputError, SchemeError, SettingsError

    if os.environ.get("COPYDESK_DEBUG") == "1":
        traceback.print_exception(error)
    if isinstance(error, CopydeskError):
        _say(str(error))
        given = isinstance(error, InputError | SettingsError | SchemeError | DeskError)
        return ExitStatus.USAGE if given else ExitStatus.FAILED
    if isinstance(error, OSError) and error.filename is not None:
        _say(f"{error.filename}: {error.strerror}")
        return ExitStatus.FAILED
    _say(f"a fault in copydesk: {type(error).__name__}: {error}".splitlines()[0])
    sys.stderr.write("Please report it: run the same with COPYDESK_DEBUG=1 and open an issue with what it prints.\n")
    return ExitStatus.FAILED


def _say(text: str) -> None:
    sys.stderr.write(f"copydesk: {text}\n")


def _swallow_stdout() -> None:
    """Keep Python from complaining at exit that nobody reads any more."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
