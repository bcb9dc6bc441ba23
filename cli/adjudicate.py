"""The command about what annotators do not agree on: put it before an adjudicator, or say where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import ExitStatus
from .options import DeskOption, JsonOption, open_desk
from .output import Output, count

if TYPE_CHECKING:
    from copydesk.annotate import Cases, Differing, Disagreement, Verdict

__all__ = ["adjudicate"]

WIDEST = 60
"""Characters of the words in dispute that are shown."""
LISTED = 20
"""Disputes that --list shows; --json has them all."""


def adjudicate(
    desk: DeskOption = Path(),
    every: Annotated[
        bool, typer.Option("--all", help="Also documents where a majority settles what people differ on.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also decisions that judged other versions than people have by now.")
    ] = False,
    layers: Annotated[
        str, typer.Option(metavar="LAYER,…", help="Only what concerns these layers; by default those of studio.layers.")
    ] = "",
    reset_config: Annotated[
        bool, typer.Option("--reset-config", help="Put the labelling config back where somebody changed it.")
    ] = False,
    list_only: Annotated[
        bool, typer.Option("--list", help="Say what is open and what is decided; send nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Put what annotators do not agree on before an adjudicator.

    In a project of its own each such article is a task with the merged proposal and everybody's version. The decisions come home with copydesk pull.

    \b
    Example:
      copydesk adjudicate
      copydesk adjudicate --list
    """
    output = Output(as_json=as_json)
    named = [layer.strip() for layer in layers.split(",") if layer.strip()]
    if list_only:
        _list(output, desk, every, again, named)
        return
    from copydesk.annotate import adjudicate as run_adjudicate

    with output.progress() as on_progress:
        done = run_adjudicate(
            open_desk(desk), every=every, again=again, layers=named, reset_config=reset_config, on_progress=on_progress
        )
    known = f"; {count(done.already, 'task')} there already" if done.already else ""
    output.line(f"Sent {count(done.created, 'task')} to {done.url}{known}.")
    if done.withdrawn:
        output.line(f"Took away {count(done.withdrawn, 'task')} that nobody had begun and nobody needs any more.")
    for item in done.failed:
        output.note(f"{item.of}: {item.reason}: {item.detail}")
    _standing(output, done.cases, again)
    output.line("Next: an adjudicator decides there; then copydesk pull.")
    output.result(
        {
            "project_id": done.project_id,
            "url": done.url,
            "created": done.created,
            "already": done.already,
            "withdrawn": done.withdrawn,
            "failed": [{"document_id": f.document_id, "reason": f.reason, "detail": f.detail} for f in done.failed],
            **_told(done.cases),
        }
    )
    if done.failed:
        raise typer.Exit(ExitStatus.FINDINGS)


def _list(output: Output, desk: Path, every: bool, again: bool, layers: list[str]) -> None:
    from copydesk.annotate import adjudication_cases

    cases = adjudication_cases(open_desk(desk), every=every, again=again, layers=layers)
    _standing(output, cases, again)
    disputes = [one for case in cases.documents for one in case.disputes]
    output.table([(_words(one), one.item, _said(one)) for one in disputes[:LISTED]])
    if len(disputes) > LISTED:
        output.line(f"and {len(disputes) - LISTED} more; --json has them all")
    for row in cases.stale:
        output.note(f"stale: {row.document_id}, {row.name} on {row.text[:WIDEST]!r}, decided by {row.adjudicator}")
    differing = cases.second_opinions.differing
    for one in differing[:LISTED]:
        said = "; ".join(f"{who} {'keeps it' if value == '{}' else value or 'rejects it'}" for who, value in one.said)
        output.note(f"adjudicators differ: {one.document_id}, {one.item.name} on {one.item.text[:WIDEST]!r}: {said}")
    if len(differing) > LISTED:
        output.note(f"and {len(differing) - LISTED} more on which adjudicators differ; --json has them all")
    output.result({**_told(cases), "disputes": [_dispute(one) for one in disputes]})


def _standing(output: Output, cases: Cases, again: bool) -> None:
    beyond = f"; {cases.beyond} more in layers that it does not show" if cases.beyond else ""
    output.line(f"{count(cases.open, 'open disagreement')}{beyond}.")
    if cases.left_over:
        left = count(len(cases.left_over), "place")
        output.line(
            f"{left} marked in words that the scheme no longer has, and no migration says what becomes of them."
        )
    reasons = ", ".join(
        f"{number} {reason.replace('_', ' ') or 'without a reason'}" for reason, number in cases.reasons.items()
    )
    if cases.decided:
        output.line(f"{count(cases.decided, 'decision')} in force; articles by reason: {reasons}.")
    both = cases.second_opinions
    if both.documents:
        output.line(
            f"{count(both.documents, 'article')} decided by several adjudicators: alike on {both.alike} of"
            f" {count(both.items, 'item')}; where they differ, the newer answer stands."
        )
    if cases.stale:
        hint = "" if again else "; --again asks about them again"
        output.line(f"{count(len(cases.stale), 'decision')} judged other versions than people have by now{hint}.")


def _words(one: Disagreement) -> str:
    return one.text if len(one.text) <= WIDEST else f"{one.text[: WIDEST - 1]}…"


def _said(one: Disagreement) -> str:
    return "; ".join(f"{who} {value or '–'}" for who, value in one.votes)


def _told(cases: Cases) -> dict[str, Any]:
    return {
        "documents": [case.document_id for case in cases.documents],
        "open": cases.open,
        "beyond": cases.beyond,
        "decided": cases.decided,
        "reasons": dict(cases.reasons),
        "stale": [_verdict(row) for row in cases.stale],
        "left_over": [_dispute(one.dispute) for one in cases.left_over],
        "second_opinions": {
            "documents": cases.second_opinions.documents,
            "items": cases.second_opinions.items,
            "alike": cases.second_opinions.alike,
            "differing": [_differing(one) for one in cases.second_opinions.differing],
        },
    }


def _verdict(row: Verdict) -> dict[str, Any]:
    return {
        "document_id": row.document_id,
        "layer": row.layer,
        "start": row.start,
        "end": row.end,
        "name": row.name,
        "text": row.text,
        "stands": json.loads(row.stands) if row.stands else None,
        "reason": row.reason,
        "adjudicator": row.adjudicator,
    }


def _differing(one: Differing) -> dict[str, Any]:
    item = one.item
    return {
        "document_id": one.document_id,
        "layer": item.layer,
        "start": item.start,
        "end": item.end,
        "name": item.name,
        "text": item.text,
        "said": [{"adjudicator": who, "stands": json.loads(value) if value else None} for who, value in one.said],
    }


def _dispute(one: Disagreement) -> dict[str, Any]:
    return {
        "document_id": one.document_id,
        "layer": one.layer,
        "item": one.item,
        "start": one.start,
        "end": one.end,
        "text": one.text,
        "votes": dict(one.votes),
        "stands": one.decided,
        "open": one.open,
    }
