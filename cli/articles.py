"""Commands that bring articles in: init, ingest."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .errors import ExitStatus
from .options import AddressOption, DeskOption, EngineOption, JsonOption, open_desk, with_engine
from .output import Output, count, here

__all__ = ["ingest", "init"]

UNREADABLE = ("read", "extract")
"""Stages whose refusals mean that a source should be looked at; the others are the desk's own rules at work."""


def init(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder; it is made if need be.")],
    name: Annotated[str, typer.Option(help="The desk's name; by default the folder's.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a desk: the folder that holds one corpus.

    Everything is a plain file in it, from articles to releases; no secrets are.

    \b
    Example:
      copydesk init my-desk
    """
    from copydesk.corpus import SETTINGS_FILE, init_desk

    output = Output(as_json=as_json)
    desk = init_desk(path, name=name or None)
    output.line(
        f"Made the desk {desk.settings.name} in {here(path)}; its settings are in {here(path / SETTINGS_FILE)}."
    )
    output.line(f"Next: cd {here(path)}, then copydesk ingest SOURCE …")
    output.result({"path": str(path), "name": desk.settings.name})


def ingest(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE", help="Files, folders or patterns: txt, html, jsonl, csv, parquet."),
    ] = None,
    desk: DeskOption = Path(),
    engine: EngineOption = None,
    address: AddressOption = "",
    as_json: JsonOption = False,
) -> None:
    """Bring articles in, from files to clean segments.

    Read, extract, clean, find copies, cut into paragraphs and sentences. Kinds of file are told by their
    content. What cannot go on is set aside with its reason (see
    `copydesk removed`), and everything else goes on. Without a source, what an earlier run left
    undone is done.

    \b
    Example:
      copydesk ingest ../articles/ more.jsonl
    """
    from copydesk.corpus import ingest as run_ingest

    output = Output(as_json=as_json)
    opened = with_engine(open_desk(desk), engine, address)
    with output.progress() as on_progress:
        result = run_ingest(opened, sources or [], on_progress=on_progress)
    reasons = Counter((item.stage, item.reason) for item in result.removed)
    known = f", {count(result.repeated, 'record')} known already" if result.repeated else ""
    output.line(f"Read {count(result.seen, 'record')}: {count(result.accepted, 'new article')}{known}.")
    output.line(f"The desk holds {count(result.documents, 'article')}, {result.copies} of them copies of others.")
    if result.growth.full_clusters:
        output.line(
            f"{count(result.growth.full_clusters, 'cluster')} of copies reached dedupe.largest, the largest has "
            f"{count(result.growth.largest_cluster, 'article')}: see copydesk copies."
        )
    if reasons:
        output.line(f"Set aside {len(result.removed)} (copydesk removed lists them):")
        output.table([(number, f"{reason} ({stage})") for (stage, reason), number in sorted(reasons.items())])
        for item in result.removed:
            if item.stage in UNREADABLE:
                output.note(f"{item.of}: {item.reason}" + (f": {item.detail}" if item.detail else ""))
    output.result(
        {
            "seen": result.seen,
            "accepted": result.accepted,
            "repeated": result.repeated,
            "documents": result.documents,
            "copies": result.copies,
            "growth": asdict(result.growth),
            "removed": [
                {"stage": item.stage, "reason": item.reason, "of": item.of, "detail": item.detail}
                for item in result.removed
            ],
        }
    )
    if any(item.stage in UNREADABLE for item in result.removed):
        raise typer.Exit(ExitStatus.FINDINGS)
