"""Commands that show: report writes the page, browse lets people read behind it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from .options import DeskOption, JsonOption, open_desk
from .output import Output, here

__all__ = ["browse", "report"]


def report(
    desk: DeskOption = Path(),
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", metavar="A B", help="Two desks or releases to hold against each other."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where a comparison is written; comparison.html by default."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report as one HTML page.

    It opens from disk; its figures lie beside it as CSV and JSON, with a paragraph about methods for papers.

    \b
    Example:
      copydesk report
    """
    from copydesk.export import compare_reports
    from copydesk.export import report as run_report

    output = Output(as_json=as_json)
    with output.progress() as on_progress:
        if compare is not None:
            made = compare_reports(*compare, out or Path("comparison.html"), on_progress=on_progress)
        elif out is not None:
            raise typer.BadParameter("only a comparison is written elsewhere", param_hint="--out")
        else:
            made = run_report(open_desk(desk), on_progress=on_progress)
    output.line(f"Wrote {here(made.path)}; its figures are in {here(made.data)}.")
    output.result({"path": str(made.path), "data": str(made.data), "figures": sorted(made.figures)})


def browse(
    desk: DeskOption = Path(),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0: any that is free.")] = 8790,
    as_json: JsonOption = False,
) -> None:
    """Read articles and their labels in a browser.

    Only this machine can reach it, and it changes nothing: search, filter by label, outlet, stance or disagreement, and see what each annotator
    marked. The links of a report lead here. It goes on until you press Ctrl-C.

    \b
    Example:
      copydesk browse
    """
    from copydesk.export import browsing

    output = Output(as_json=as_json)
    opened = open_desk(desk)
    with output.progress() as on_progress, browsing(opened, port=port, on_progress=on_progress) as address:
        output.line(f"{opened.settings.name} is at {address} until you press Ctrl-C.")
        output.result({"address": address})
        output.flush()
        threading.Event().wait()
