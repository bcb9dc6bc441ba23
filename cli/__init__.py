"""The ``copydesk`` command: one short function per command, which prints what the library yields."""

from __future__ import annotations

import sys

from .errors import ExitStatus, run

__all__ = ["ExitStatus", "main"]


def main() -> None:
    """Run the command line and end the process with its exit status."""
    from .app import app

    sys.exit(run(app))
