"""Commands about what was set aside: removed, restore."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import ExitStatus
from .options import DeskOption, JsonOption, open_desk
from .output import Output, count

if TYPE_CHECKING:
    from copydesk.schemas import Removed

__all__ = ["removed", "restore"]

SHOWN = 12
"""Digits of an id that are shown: enough for any desk."""


def removed(
    desk: DeskOption = Path(),
    stage: Annotated[str, typer.Option(help="Only what this stage set aside.")] = "",
    reason: Annotated[str, typer.Option(help="Only what was set aside for this reason.")] = "",
    outlet: Annotated[str, typer.Option(help="Only what is known to be of this outlet.")] = "",
    counts: Annotated[bool, typer.Option("--counts", help="Count by outlet, reason and stage.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what was set aside, and why.

    A rule of the desk that keeps an article out can be overruled: those have an id, for copydesk restore.

    \b
    Example:
      copydesk removed --stage read
    """
    from copydesk.corpus import can_be_overruled, removed_outlets
    from copydesk.corpus import removed as read_removed

    output = Output(as_json=as_json)
    opened = open_desk(desk)
    outlets = removed_outlets(opened) if outlet or counts else {}
    found = [
        item
        for item in read_removed(opened)
        if (not stage or item.stage == stage)
        and (not reason or item.reason == reason)
        and (not outlet or outlets.get(item.document_id) == outlet)
    ]
    if counts:
        _count(output, found, outlets)
        return
    shown = [item.document_id[:SHOWN] if can_be_overruled(item) else "" for item in found]
    plain = not any(shown)
    output.table(
        [
            (item.stage, item.reason, item.of, *(() if plain else (key,)), item.detail)
            for item, key in zip(found, shown, strict=True)
        ]
    )
    if not found:
        output.line("Nothing was set aside.")
    output.result({"removed": [_told(item, can_be_overruled(item)) for item in found]})


def restore(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="As copydesk removed lists it, or its first digits.")],
    desk: DeskOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Bring articles in that a rule set aside.

    What is too short, in another language or under an id that another article has comes in as it is, and stays:
    later runs leave it alone. No source is needed.

    \b
    Example:
      copydesk restore 9f3c52ab01de
    """
    from copydesk.corpus import restore as run_restore

    output = Output(as_json=as_json)
    opened = open_desk(desk)
    with output.progress() as on_progress:
        result = run_restore(opened, ids, on_progress=on_progress)
    for document in result.restored:
        output.line(f"Restored {document.id[:SHOWN]} {document.title}".rstrip())
    for key in result.already:
        output.line(f"{key[:SHOWN]} was restored before.")
    output.line(f"The desk holds {count(result.documents, 'article')}, {result.copies} of them copies of others.")
    for item in result.later:
        output.note(
            f"{item.document_id[:SHOWN]}: its text was not kept, as an older copydesk set it aside. It is noted: "
            f"copydesk ingest with its source ({item.of}) brings it in. Where that is gone, so is the article."
        )
    output.result(
        {
            "restored": [document.id for document in result.restored],
            "already": list(result.already),
            "later": [item.document_id for item in result.later],
            "documents": result.documents,
            "copies": result.copies,
        }
    )
    if result.later:
        raise typer.Exit(ExitStatus.FINDINGS)


def _count(output: Output, found: list[Removed], outlets: dict[str, str]) -> None:
    numbers = Counter((outlets.get(item.document_id, ""), item.reason, item.stage) for item in found)
    rows = sorted(numbers.items())
    output.table([(number, f"{reason} ({stage})", outlet) for (outlet, reason, stage), number in rows])
    if not rows:
        output.line("Nothing was set aside.")
    names = ("outlet", "reason", "stage")
    output.result({"counts": [{**dict(zip(names, key, strict=True)), "number": number} for key, number in rows]})


def _told(item: Removed, restorable: bool) -> dict[str, object]:
    return {
        "document_id": item.document_id,
        "stage": item.stage,
        "reason": item.reason,
        "of": item.of,
        "detail": item.detail,
        "restorable": restorable,
    }
