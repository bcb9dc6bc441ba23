"""Say where every document stands and what to do next, from the desk's own files: no server is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .options import DeskOption, JsonOption, open_desk
from .output import Output, count

if TYPE_CHECKING:
    from copydesk.corpus import Desk, StageStanding

__all__ = ["Standing", "standing", "status"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a desk's documents stand, counted.

    Attributes:
        articles: Documents in the desk.
        copies: Of these, the ones that another document stands for.
        removed: What was set aside, by reason.
        suggested: Documents that the current pipeline has read.
        queue: Documents in the queue, those of its reserve, and how many of both somebody worked on.
        assigned: Tasks that annotators were given and did not skip; None where everybody has one project.
        pushed: Tasks on the server when copydesk push last ended.
        server: State of the desk's own Label Studio, or the address of another one.
        annotated: Documents with a finished annotation.
        by: Finished annotations by person.
        gold: Documents with labels that stand, by origin.
        open: Disagreements that a person has to decide.
        decided: What adjudicators decided, item by item.
        stale: Those of these decisions that judged other work than people have by now.
        contested: Items on which two adjudicators differ; the newer answer stands.
        releases: Versions, oldest first.
        stages: How much of what each stage made is up to date, in shards.
        next: What to do next: commands, or what people have to do.
    """

    articles: int
    copies: int
    removed: dict[str, int]
    suggested: int
    queue: dict[str, int]
    assigned: int | None
    pushed: int
    server: str
    annotated: int
    by: dict[str, int]
    gold: dict[str, int]
    open: int
    decided: int
    stale: int
    contested: int
    releases: list[str]
    stages: list[StageStanding]
    next: str = field(default="")


def status(desk: DeskOption = Path(), as_json: JsonOption = False) -> None:
    """Say where every document stands, and what is next.

    Works without the server.

    \b
    Example:
      copydesk status
    """
    output = Output(as_json=as_json)
    opened = open_desk(desk)
    found = standing(opened)
    output.line(f"{opened.settings.name}: {count(found.articles, 'article')}")
    output.table(
        [
            (found.copies, "copies of others"),
            (found.suggested, f"with suggestions, of {found.articles - found.copies} that are no copies"),
            *_queue_lines(found.queue),
            *([] if found.assigned is None else [(found.assigned, "tasks assigned to annotators")]),
            (found.pushed, f"pushed to Label Studio ({found.server})"),
            (found.annotated, "annotated by people"),
            *((number, f"  by {name}") for name, number in found.by.items()),
            (sum(found.gold.values()), "with labels that stand"),
            *((number, f"  {origin}") for origin, number in found.gold.items()),
            (found.open, "open disagreements"),
            *([(found.decided, "decisions of adjudicators")] if found.decided else []),
            *([(found.stale, "  about work that changed since")] if found.stale else []),
            *([(found.contested, "  on which adjudicators differ")] if found.contested else []),
            (sum(found.removed.values()), "set aside"),
            *((number, f"  {reason}") for reason, number in found.removed.items()),
            (len(found.releases), "releases" + (f", the last {found.releases[-1]}" if found.releases else "")),
        ]
    )
    fresh = [stage.stage for stage in found.stages if stage.done and not stage.next]
    output.line(f"Up to date: {', '.join(fresh) or 'nothing yet'}")
    for stage in found.stages:
        if stage.outdated or (stage.missing and stage.done):
            output.line(_stage_line(stage))
    output.line(f"Next: {found.next}")
    output.result(asdict(found))


def _stage_line(stage: StageStanding) -> str:
    """Say of a stage that is not up to date what there is to do."""
    total = stage.done + stage.outdated + stage.missing
    left = ", ".join(
        f"{number} {what}" for number, what in ((stage.outdated, "out of date"), (stage.missing, "to do")) if number
    )
    return f"{stage.stage}: {stage.done} of {count(total, 'shard')} up to date, {left}: {stage.next}"


def _queue_lines(queue: dict[str, int]) -> list[tuple[int, str]]:
    if not queue["ranked"] + queue["reserve"]:
        return []
    return [
        (queue["ranked"], f"ranked in the queue, {queue['ranked_done']} of them worked on"),
        (queue["reserve"], f"in its reserve for evaluation, {queue['reserve_done']} of them worked on"),
    ]


def standing(desk: Desk) -> Standing:
    """Count where a desk's documents stand."""
    from copydesk.annotate import finished, gold, queue_standing, studio_status, suggest_standing
    from copydesk.corpus import copies, removed, stages
    from copydesk.export import releases

    people = Counter[str]()
    annotated = set()
    for entry in finished(desk):
        people[entry.annotator] += 1
        annotated.add(entry.document_id)
    standing_labels = gold(desk, keep=False)
    found = Standing(
        articles=_rows(desk, "articles"),
        copies=len(copies(desk)),
        removed=dict(sorted(Counter(f"{item.reason} ({item.stage})" for item in removed(desk)).items())),
        suggested=_suggested(desk),
        queue=asdict(queue_standing(desk)),
        assigned=_assigned(desk),
        pushed=max((int(number) for number in desk.state().get("push", {}).values()), default=0),
        server=desk.settings.studio.url or studio_status(desk).state,
        annotated=len(annotated),
        by=dict(sorted(people.items())),
        gold=dict(sorted(Counter(document.origin for document in standing_labels.documents).items())),
        open=len(standing_labels.open),
        decided=len(standing_labels.decisions),
        stale=len(standing_labels.stale),
        contested=len(standing_labels.second_opinions.differing),
        releases=list(releases(desk.path)),
        stages=[*stages(desk), *([suggested] if (suggested := suggest_standing(desk)) else [])],
    )
    return _advised(found)


def _assigned(desk: Desk) -> int | None:
    """Count the tasks that those who take part were given and did not skip; None where everybody has one project."""
    from copydesk.annotate import assignment_standing

    people = [person for person in assignment_standing(desk) if person.active]
    return sum(person.given - person.skipped for person in people) if people else None


def _rows(desk: Desk, table: str) -> int:
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(part).num_rows for part in desk.parts(table))


def _suggested(desk: Desk) -> int:
    """Count what the desk's current pipeline has read, without reading it."""
    current = desk.state().get("pipeline")
    return _rows(desk, f"suggestions/{current['name']}@{current['version']}") if current else 0


def _advised(found: Standing) -> Standing:
    from dataclasses import replace

    wanted = found.articles - found.copies
    if not found.articles:
        advice = "copydesk ingest SOURCE …"
    elif found.suggested < wanted:
        advice = "copydesk suggest"
    elif found.assigned == 0:
        advice = "copydesk assign"
    elif found.pushed < (wanted if found.assigned is None else found.assigned):
        start = "copydesk studio start, then " if found.server in ("never started", "stopped") else ""
        advice = f"{start}copydesk push"
    elif not found.annotated:
        advice = "correct the suggestions in Label Studio, then copydesk pull"
    elif not found.releases:
        advice = "copydesk release"
    elif found.annotated < wanted:
        left = wanted - found.annotated
        advice = f"{count(left, 'article')} left to correct in Label Studio; then copydesk pull and copydesk release"
    else:
        advice = "copydesk report; after more work copydesk pull and copydesk release"
    return replace(found, next=advice)
