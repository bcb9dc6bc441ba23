"""The command queue: in which order people get the articles, and why."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import DeskOption, JsonOption, open_desk
from .output import Output, count

if TYPE_CHECKING:
    from copydesk.annotate import QueuePlan, QueueRow, QueueStanding

__all__ = ["queue"]

WIDEST = 60
"""Characters of a title that are shown."""


def queue(
    desk: DeskOption = Path(),
    plan: Annotated[bool, typer.Option("--plan", help="Give every article with suggestions a place first.")] = False,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Plan, and draw anew what nobody was given yet: after a training.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="How many of the next articles to show.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show in which order people get the articles, and why.

    With --plan it is decided first: what is worth more correcting tends to come sooner, and a random sample for evaluation comes at random places.

    \b
    Example:
      copydesk queue --plan --limit 5
    """
    from copydesk.annotate import plan_queue, queue_standing, upcoming

    output = Output(as_json=as_json)
    opened = open_desk(desk)
    planned: QueuePlan | None = None
    if plan or redraw:
        with output.progress() as on_progress:
            planned = plan_queue(opened, redraw=redraw, on_progress=on_progress)
        output.line(_said(planned))
    standing = queue_standing(opened)
    rows = upcoming(opened, limit)
    output.table([(row.rank, _title(row, title), _why(row)) for row, title in rows])
    output.line(_next(standing, planned))
    output.result(
        {
            "planned": asdict(planned) if planned else None,
            **asdict(standing),
            "next": [{**asdict(row), "title": title, "why": _why(row)} for row, title in rows],
        }
    )


def _said(plan: QueuePlan) -> str:
    if not plan.suggested:
        return "Nothing to rank: no article has suggestions yet."
    if not plan.round:
        return f"Nothing new to rank: each of {count(plan.suggested, 'article')} has a place or was worked on."
    again = f", {plan.redrawn} of them anew" if plan.redrawn else ""
    return (
        f"Round {plan.round}: {count(plan.ranked, 'article')} ranked, {plan.reserve} more of the reserve at random"
        f" places{again}; {plan.total:,} in the queue."
    )


def _title(row: QueueRow, title: str) -> str:
    shown = " ".join(title.split()) or row.document_id
    return shown if len(shown) <= WIDEST else shown[: WIDEST - 1] + "…"


def _why(row: QueueRow) -> str:
    """Return what made a row, in words."""
    if row.part == "reserve":
        return "reserve: by lot, for evaluation"
    layers = (
        ("entities", row.uncertainty_entities),
        ("attribution", row.uncertainty_attribution),
        ("stance", row.uncertainty_stance),
    )
    doubt = ", ".join(f"{name} {bits:.2f}" for name, bits in layers if bits is not None)
    said = [
        f"doubt {row.uncertainty or 0:.2f}" + (f" ({doubt})" if doubt else ""),
        f"news {row.diversity or 0:.2f}",
        f"rare {row.rare or 0:.2f}" + (f" ({row.rare_label})" if row.rare_label else ""),
    ]
    return "; ".join(said)


def _next(standing: QueueStanding, planned: QueuePlan | None) -> str:
    places = standing.ranked + standing.reserve
    done = standing.ranked_done + standing.reserve_done
    if not places:
        advice = "copydesk suggest" if planned else "copydesk queue --plan"
        return f"No queue is planned. Next: {advice}."
    left = places - done
    if not left:
        return f"All {places:,} articles of the queue were worked on. Next: copydesk ingest, copydesk suggest."
    return f"{left:,} of {places:,} left. Next: copydesk push --limit {min(left, 50)}."
