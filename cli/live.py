"""Commands that stay: watch follows what people do in Label Studio, serve answers it while they do it."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import DeskOption, JsonOption, open_desk
from .output import Output, count

if TYPE_CHECKING:
    from collections.abc import Generator

    from copydesk.annotate import LiveEvent, PullResult

__all__ = ["serve", "watch"]

HostOption = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Where to listen; other machines get in only if you say so.")
]
AddressOption = Annotated[
    str,
    typer.Option(
        metavar="URL", help="By which address Label Studio reaches this machine; needed where it runs on another one."
    ),
]
EveryOption = Annotated[float, typer.Option(min=1.0, metavar="SECONDS", help="How often to look by ourselves.")]


def watch(
    desk: DeskOption = Path(),
    every: EveryOption = 30.0,
    webhooks: Annotated[
        bool, typer.Option("--webhooks/--no-webhooks", help="Have Label Studio tell us; else we only ask it.")
    ] = True,
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0: any that is free.")] = 0,
    address: AddressOption = "",
    as_json: JsonOption = False,
) -> None:
    """Pull whenever people have done something.

    It goes on until you press Ctrl-C, through restarts of the server. With --json every line is one JSON object.

    \b
    Example:
      copydesk watch
    """
    from copydesk.annotate import watch as run_watch

    output = Output(as_json=as_json)
    with output.progress() as on_progress:
        _tell(
            output,
            run_watch(
                open_desk(desk),
                host=host,
                port=port,
                address=address,
                webhooks=webhooks,
                every=every,
                on_progress=on_progress,
            ),
        )


def serve(
    desk: DeskOption = Path(),
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0: any that is free.")] = 9090,
    address: AddressOption = "",
    every: EveryOption = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Suggest while people label.

    Label Studio asks us about articles that have no suggestions of the current pipeline yet, and with its auto-annotation on about each mention that is marked. It goes on until you press Ctrl-C.

    \b
    Example:
      copydesk serve
    """
    from copydesk.annotate import serve as run_serve

    output = Output(as_json=as_json)
    _tell(output, run_serve(open_desk(desk), host=host, port=port, address=address, every=every))


def _tell(output: Output, events: Generator[LiveEvent]) -> None:
    """Print what happens until somebody has enough; what was put on the server is taken back then."""
    with contextlib.closing(events):
        for event in events:
            said = _pulled(event.pulled) if event.pulled is not None else event.said
            if event.kind in ("waiting", "busy"):
                output.note(said)
            else:
                output.line(said)
            output.result({"event": event.kind, "said": said, "pulled": asdict(event.pulled) if event.pulled else None})
            output.flush()


def _pulled(result: PullResult) -> str:
    more = [f"{number} {words}" for words, number in (("no longer there", result.gone),) if number]
    return "; ".join([f"Pulled {count(result.added, 'new version')} from {count(result.tasks, 'task')}", *more]) + "."
