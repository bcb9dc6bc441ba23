"""The command that puts texts back into a release without them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .errors import ExitStatus
from .options import JsonOption
from .output import Output, count, here

__all__ = ["hydrate"]

SHOWN = 10


def hydrate(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="The folder of a release without texts.")],
    texts: Annotated[
        list[str] | None,
        typer.Option("--texts", metavar="PATH", help="Your copies: files, folders, patterns; can be given again."),
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Read what is still not there from its address, then from the archive.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to; by default NAME-VERSION in this folder.")
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Leave out texts that are not the very ones.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring texts back into a release without them.

    They come from your own copies, a folder or the web; what changed is anchored anew or reported.

    An article is known by its text, its address or its headline. Where the text is another version, labels are placed
    anew, and rather lost than placed wrongly. Exit status 1 if anything is lost or missing.

    \b
    Example:
      copydesk hydrate conflict-news-1.0.0 --texts my-articles/
    """
    from copydesk.export import HYDRATION_FILE, Fetcher, Snapshot
    from copydesk.export import hydrate as run_hydrate

    if not texts and not fetch:
        raise typer.BadParameter("say where the texts are: --texts PATH, or --fetch", param_hint="--texts")
    output = Output(as_json=as_json)
    manifest = Snapshot.of(dataset).manifest
    place = out or Path(f"{manifest['name']}-{manifest['version']}-hydrated")
    with output.progress() as on_progress:
        made = run_hydrate(
            dataset, place, texts or (), fetcher=Fetcher() if fetch else None, exact=exact, on_progress=on_progress
        )
    output.line(f"Rebuilt {made.version} with texts: {here(made.path)}")
    output.table([(number, f"documents {state}") for state, number in made.states.items() if number])
    lost = made.spans - made.placed
    output.line(f"  {made.placed} of {count(made.spans, 'span')} of these are in their place")
    for reason, number in made.reasons.items():
        output.line(f"  {number} × {reason}")
    for where, why in made.unread[:SHOWN]:
        output.line(f"  not read: {where}: {why}")
    if len(made.unread) > SHOWN:
        output.line(f"  and {len(made.unread) - SHOWN} more that were not read")
    for note in made.notes:
        output.line(f"  note: {note}")
    output.line(f"{HYDRATION_FILE} there says what became of each document.")
    output.result(
        {
            "path": str(made.path),
            "version": made.version,
            "content": made.content,
            "documents": made.documents,
            "states": dict(made.states),
            "spans": made.spans,
            "placed": made.placed,
            "reasons": dict(made.reasons),
            "unread": [{"where": where, "why": why} for where, why in made.unread],
            "notes": list(made.notes),
        }
    )
    if lost or made.states["lost"] or made.states["missing"]:
        raise typer.Exit(ExitStatus.FINDINGS)
