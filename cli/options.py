"""Share the options that many commands have, and open the desk that they name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from copydesk.corpus import Desk

__all__ = ["AddressOption", "DeskOption", "Engine", "EngineOption", "JsonOption", "open_desk", "with_engine"]


class Engine(StrEnum):
    """Where the work is done."""

    PROCESSES = "processes"
    SERIAL = "serial"
    RAY = "ray"


DeskOption = Annotated[
    Path,
    typer.Option(
        "--desk", metavar="PATH", envvar="COPYDESK_DESK", help="The desk's folder; by default the current one."
    ),
]
EngineOption = Annotated[
    Engine | None,
    typer.Option(help="Processes of this machine, this process alone, or Ray; by default the setting."),
]
AddressOption = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="The Ray cluster that does the work; by default the setting.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def open_desk(path: Path) -> Desk:
    """Open the desk in a folder."""
    from copydesk.corpus import Desk

    return Desk(path)


def with_engine(desk: Desk, engine: Engine | None, address: str) -> Desk:
    """Return a desk whose stages run where a command's options say, and not where its settings do.

    An address alone means Ray.
    """
    wanted = Engine.RAY if address and engine is None else engine
    if address and wanted is not Engine.RAY:
        raise typer.BadParameter("only a Ray cluster has an address; add --engine ray", param_hint="--address")
    changed = ({"engine": wanted.value} if wanted else {}) | ({"ray_address": address} if address else {})
    desk.settings = desk.settings.model_copy(update=changed)
    return desk
