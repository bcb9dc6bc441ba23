"""The command that says who annotates which articles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import ExitStatus
from .options import DeskOption, JsonOption, open_desk
from .output import Output, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from copydesk.annotate import PersonStanding

__all__ = ["assign"]


def assign(
    desk: DeskOption = Path(),
    limit: Annotated[
        int, typer.Option(min=0, help="Give out at most so many articles that nobody has yet; 0: all.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    list_people: Annotated[bool, typer.Option("--list", help="Only say how everybody stands.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Plan who annotates which articles.

    Each article goes to as many annotators as assign.overlap says, all get as much, and every pair meets as often. Pull first: what was skipped or left is dealt again.

    \b
    Example:
      copydesk assign --limit 100
    """
    from copydesk.annotate import assign as run_assign
    from copydesk.annotate import assignment_standing

    output = Output(as_json=as_json)
    opened = open_desk(desk)
    if list_people:
        people = assignment_standing(opened)
        _table(output, people)
        if not people:
            output.line("Nobody is assigned anything; name people in assign.annotators, then copydesk assign.")
        output.result({"people": _plain(people)})
        return
    result = run_assign(opened, limit=limit or None, dry_run=dry_run)
    verb = "Would assign" if dry_run else "Assigned"
    output.line(f"{verb} {count(result.documents, 'article')} in {count(result.given, 'task')}.")
    if result.withdrawn:
        output.line(f"{count(result.withdrawn, 'task')} taken back: left, skipped, or a copy of another by now.")
    _table(output, result.people)
    if result.held_back:
        output.note(
            f"{count(len(result.held_back), 'graphic article')} held back: more than assign.graphic_per_hour allows now"
        )
    if result.short:
        output.note(
            f"{count(len(result.short), 'article')} with fewer annotators than assign.overlap: nobody is left who may have them"
        )
    if opened.settings.assign.annotators:
        output.line("Next: copydesk push gives everybody their own project.")
    else:
        output.note("assign.annotators names nobody any more: what was not done is taken back, and nothing given")
        output.line("Next: copydesk push goes to everybody's one project.")
    output.result(
        {
            "round": result.round,
            "documents": result.documents,
            "given": result.given,
            "withdrawn": result.withdrawn,
            "held_back": list(result.held_back),
            "short": dict(result.short),
            "people": _plain(result.people),
            "dry_run": dry_run,
        }
    )
    if result.short:
        raise typer.Exit(ExitStatus.FINDINGS)


def _table(output: Output, people: Sequence[PersonStanding]) -> None:
    if people:
        output.table(
            [("annotator", "given", "done", "skipped", "to do", "graphic")]
            + [
                (p.annotator if p.active else f"{p.annotator} (left)", p.given, p.done, p.skipped, p.waiting, p.graphic)
                for p in people
            ]
        )


def _plain(people: Sequence[PersonStanding]) -> list[dict[str, object]]:
    fields = ("annotator", "given", "done", "skipped", "waiting", "graphic", "active")
    return [{field: getattr(person, field) for field in fields} for person in people]
