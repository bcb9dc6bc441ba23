"""Give every annotator a project with their own queue, and in it the documents that the plan gives them, in its order.

A community server has no assignments: everybody sees every project. So each annotator gets one that is named for them
and holds nothing but their documents. What the plan took back is taken away there too, unless somebody has touched it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from copydesk.corpus import Desk, record_removed
from copydesk.schemas import DeskError, OnProgress, Removed, silent

from .arms import ARMS
from .assigning import assigned_queues, taking_part, without_annotators
from .assignment import GIVEN, Assignment
from .client import StudioClient, connect
from .making import TaskMaker
from .outgoing import Order
from .project import Project, ensure_project, find_project
from .project_notes import own_queue
from .push import PUSHED, PushResult, push_tasks
from .server_tasks import read_tasks, take_away
from .shown import Layout, asked_for
from .studio import add_annotator

__all__ = ["push_queues"]


def push_queues(
    desk: Desk,
    *,
    layers: Sequence[str] = (),
    layout: Layout | None = None,
    reset_config: bool = False,
    on_progress: OnProgress = silent,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[PushResult, ...]:
    """Bring every annotator's own project up to date with what they are assigned.

    On the desk's own server annotators get an account where they have none. On another one they need one already to
    log in, but not for this.

    Args:
        desk: A desk with assignments.
        layers: What the projects show; by default the layers of the settings.
        layout: What a task is; by default what suits the layers, or as the settings say.
        reset_config: Put the scheme's labelling config in the place of one that was changed by hand.
        on_progress: Told of every batch.
        sleep: How to wait before looking again after a lost answer.

    Returns:
        What became of each queue, sorted by annotator; those of leavers only where something was taken away. Where the
        settings name nobody any more there is nothing else.

    Raises:
        StudioError: As told by :func:`push`; the projects done by then stay, and the next run goes on from there.
        DeskError: Another copydesk is at work here, nothing is assigned, or tasks are with people although the settings
            name nobody any more.
    """
    with desk.locked():
        queues = assigned_queues(desk)
        if not queues:
            raise DeskError("nothing is assigned to anybody", where=str(desk.path), hint="Plan it: copydesk assign")
        _check_somebody(desk)
        client = connect(desk)
        scheme, layout = asked_for(desk, layers, layout)
        people = taking_part(desk)
        failed: list[Removed] = []
        results = []
        try:
            for annotator, rows in queues.items():
                use = own_queue(annotator)
                given = {row.document_id: row.rank for row in _given(rows.values())}
                maker = TaskMaker(scheme, layout, desk.settings.arms, Order(given, whole=False))
                active = annotator in people
                if active:
                    if client.name == "own":
                        add_annotator(desk, annotator)
                    project = ensure_project(client, desk, scheme, reset_config=reset_config, layout=layout, use=use)
                elif (left := find_project(client, desk, scheme, layout, use)) is not None:
                    project = left
                else:
                    continue
                taken = _take_away(client, project, maker, [row for row in rows.values() if row.state != GIVEN])
                done = PushResult(project.id, project.url)
                if active:
                    done = push_tasks(desk, client, project, maker, failed=failed, on_progress=on_progress, sleep=sleep)
                if active or taken:
                    results.append(replace(done, annotator=annotator, withdrawn=taken))
        finally:
            record_removed(desk, PUSHED, failed)
        desk.note(PUSHED, {client.name: str(sum(done.created + done.already for done in results))})
        return tuple(results)


def _check_somebody(desk: Desk) -> None:
    """Refuse to take a list of annotators that was emptied for a plan: it may as well be a slip.

    Raises:
        DeskError: Tasks are with people, and the settings name nobody.
    """
    if waiting := without_annotators(desk):
        raise DeskError(
            f"assign.annotators names nobody any more, and {waiting} tasks are still with those it named",
            where=str(desk.path / "copydesk.toml"),
            hint="Name them again; or run copydesk assign, which takes back what is not done: then copydesk push goes"
            " to everybody's one project.",
        )


def _given(rows: Iterable[Assignment]) -> list[Assignment]:
    return sorted((row for row in rows if row.state == GIVEN), key=lambda row: row.rank)


def _take_away(client: StudioClient, project: Project, maker: TaskMaker, rows: Sequence[Assignment]) -> int:
    """Take tasks off the server that the plan took back and nobody touched; return how many."""
    if not rows or maker.layout == "focus":  # a document's mentions stay: each alone may have been answered
        return 0
    there, _, _ = read_tasks(client, project.id)
    taken = 0
    for row in rows:
        keys = {maker.part(row.document_id, arm) for arm in ARMS}
        found = [task for key in sorted(keys) if (task := there.find(key)) is not None and not task.touched]
        taken += sum(take_away(client, task.id) for task in found)
    return taken
