"""Share the options that many commands have, and open the desk that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from copydesk.corpus import Desk

__all__ = ["DeskOption", "JsonOption", "open_desk"]

DeskOption = Annotated[
    Path,
    typer.Option(
        "--desk", metavar="PATH", envvar="COPYDESK_DESK", help="The desk's folder; by default the current one."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def open_desk(path: Path) -> Desk:
    """Open the desk in a folder."""
    from copydesk.corpus import Desk

    return Desk(path)
