"""Commands about people's work in Label Studio: studio, push, pull, replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import ExitStatus
from .options import DeskOption, JsonOption, open_desk
from .output import Output, count, here
from .projects import LayoutName

if TYPE_CHECKING:
    from copydesk.annotate import PushResult
    from copydesk.corpus import Desk

__all__ = ["pull", "push", "replay", "studio"]

studio = typer.Typer(
    name="studio", no_args_is_help=True, rich_markup_mode=None, help="Run the desk's own Label Studio on this machine."
)


@studio.command("install")
def install(as_json: JsonOption = False) -> None:
    """Install Label Studio, once for all desks.

    It gets an environment of its own. `studio start` does this by itself. The folder is $COPYDESK_STUDIO_ENV, else one in your data folder.

    \b
    Example:
      copydesk studio install
    """
    from copydesk.annotate import install_studio

    output = Output(as_json=as_json)
    with output.progress() as on_progress:
        folder = install_studio(on_progress=on_progress)
    output.line(f"Label Studio is installed in {here(folder)}.")
    output.result({"folder": str(folder)})


@studio.command("start")
def start(
    desk: DeskOption = Path(),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to try first; 0: the last one used.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Start the desk's Label Studio.

    It listens on 127.0.0.1 only; how to log in is printed.

    \b
    Example:
      copydesk studio start
    """
    from copydesk.annotate import start_studio

    output = Output(as_json=as_json)
    with output.progress() as on_progress:
        server = start_studio(open_desk(desk), port=port or None, on_progress=on_progress)
    output.line(f"Label Studio {'is running' if server.started else 'was running already'} at {server.url}")
    output.line(f"Log in as {server.user}; the password is in {here(server.credentials)}, which only you can read.")
    output.result(
        {
            "url": server.url,
            "pid": server.pid,
            "user": server.user,
            "credentials": str(server.credentials),
            "log": str(server.log),
            "started": server.started,
        }
    )


@studio.command("stop")
def stop(desk: DeskOption = Path(), as_json: JsonOption = False) -> None:
    """Stop the desk's Label Studio. Nothing is lost by it.

    \b
    Example:
      copydesk studio stop
    """
    from copydesk.annotate import stop_studio

    output = Output(as_json=as_json)
    ran = stop_studio(open_desk(desk))
    output.line("Stopped Label Studio." if ran else "Label Studio was not running.")
    output.result({"stopped": ran})


@studio.command("status")
def studio_state(desk: DeskOption = Path(), as_json: JsonOption = False) -> None:
    """Say whether it runs, where, and who can log in.

    \b
    Example:
      copydesk studio status
    """
    from copydesk.annotate import studio_status

    output = Output(as_json=as_json)
    status = studio_status(open_desk(desk))
    output.line(f"Label Studio: {status.state}" + (f" at {status.url}" if status.state == "running" else ""))
    if status.credentials is not None:
        output.line(f"Users: {', '.join(status.users)}; their passwords are in {here(status.credentials)}.")
    output.result(
        {
            "state": status.state,
            "url": status.url,
            "pid": status.pid,
            "users": list(status.users),
            "credentials": str(status.credentials or ""),
            "log": str(status.log or ""),
        }
    )


def push(
    desk: DeskOption = Path(),
    limit: Annotated[
        int, typer.Option(min=0, help="Send only the next so many of the queue; 0: all, also what it does not rank.")
    ] = 0,
    layers: Annotated[
        str,
        typer.Option(metavar="LAYER,…", help="To the project with these layers; by default those of studio.layers."),
    ] = "",
    layout: Annotated[
        LayoutName | None, typer.Option(help="All on one page, or one task per mention; by default studio.layout.")
    ] = None,
    reset_config: Annotated[
        bool, typer.Option("--reset-config", help="Put the scheme's labelling config back where somebody changed it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send articles with suggestions to Label Studio.

    Each article is sent once, however often this runs, in the order of the queue where one is planned. What nobody has touched gets new suggestions. Where copydesk assign has planned who gets what, everybody gets their own project.

    \b
    Example:
      copydesk push
      copydesk push --layers entities,stance --layout focus
    """
    output = Output(as_json=as_json)
    opened = open_desk(desk)
    named = [layer.strip() for layer in layers.split(",") if layer.strip()]
    assigned = bool(opened.settings.assign.annotators)
    emptied = not assigned and bool(opened.parts("assigned"))  # everybody who was named has left
    if assigned and limit:
        raise typer.BadParameter("assign.annotators is set: copydesk assign --limit gives out the next so many")
    with output.progress() as on_progress:
        more: dict[str, Any] = {"layers": named, "layout": layout.value if layout else None}
        more |= {"reset_config": reset_config, "on_progress": on_progress}
        results = _push_queues(opened, more) if assigned or emptied else ()
        if not assigned:
            results = (*results, _push(opened, limit or None, more))
    if emptied:
        output.note("assign.annotators names nobody any more: this goes to everybody's one project")
    for result in results:
        _tell_pushed(output, result)
    output.line("Next: people correct there; then copydesk pull.")
    everybodys = {} if assigned else _plain(results[-1])
    queues = {"queues": [_plain(r) for r in results if r.annotator]} if assigned or emptied else {}
    output.result(everybodys | queues)
    if any(result.failed or result.doubles_left for result in results):
        raise typer.Exit(ExitStatus.FINDINGS)


def _push(desk: Desk, limit: int | None, more: dict[str, Any]) -> PushResult:
    from copydesk.annotate import push as run_push

    return run_push(desk, limit=limit, **more)


def _push_queues(desk: Desk, more: dict[str, Any]) -> tuple[PushResult, ...]:
    from copydesk.annotate import push_queues

    return push_queues(desk, **more)


def _tell_pushed(output: Output, result: PushResult) -> None:
    known = f"; {count(result.already, 'task')} there already" if result.already else ""
    whose = f" for {result.annotator}" if result.annotator else ""
    output.line(f"Sent {count(result.created, 'task')}{whose} to {result.url}{known}.")
    if result.predictions_updated:
        output.line(f"New suggestions for {count(result.predictions_updated, 'task')} that nobody had touched.")
    if result.withdrawn:
        output.line(f"Took {count(result.withdrawn, 'task')} away again that the plan took back.")
    for item in result.failed:
        output.note(f"{item.of}: {item.reason}: {item.detail}")
    for key in result.doubles_left:
        output.note(f"{key}: on the server twice, and people worked on both: delete one there")


def _plain(result: PushResult) -> dict[str, Any]:
    whose = {"annotator": result.annotator, "withdrawn": result.withdrawn} if result.annotator else {}
    return whose | {
        "project_id": result.project_id,
        "url": result.url,
        "created": result.created,
        "already": result.already,
        "predictions_updated": result.predictions_updated,
        "failed": [{"document_id": f.document_id, "reason": f.reason, "detail": f.detail} for f in result.failed],
        "doubles_left": list(result.doubles_left),
        "model_version": result.model_version,
    }


def pull(
    desk: DeskOption = Path(),
    drafts: Annotated[
        bool,
        typer.Option("--drafts", help="Also keep work that is begun and not submitted; it never counts as finished."),
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Read every task again, not only those that changed since the last pull.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring home what people did in Label Studio.

    Every version of every annotation is kept; nothing is ever overwritten.

    \b
    Example:
      copydesk pull
    """
    from copydesk.annotate import pull as run_pull

    output = Output(as_json=as_json)
    with output.progress() as on_progress:
        result = run_pull(open_desk(desk), drafts=drafts, full=full, on_progress=on_progress)
    output.line(
        f"Pulled {count(result.added, 'new version')} from {count(result.tasks, 'task')}; {result.already} unchanged."
    )
    for words, number in (("skipped", result.skipped), ("no longer there", result.gone), ("drafts", result.drafts)):
        if number:
            output.line(f"  {number} {words}")
    if result.decisions:
        output.line(f"  {count(result.decisions, 'new decision')} of an adjudicator")
    output.table(sorted(result.annotators.items()))
    for number in result.lost_projects:
        output.note(f"project {number} is no longer on the server; the ledger keeps what was done in it")
    for difference in result.drift:
        output.note(f"the project's labelling config is not the scheme's: {difference}")
    output.result(
        {
            "project_id": result.project_id,
            "url": result.url,
            "tasks": result.tasks,
            "added": result.added,
            "already": result.already,
            "skipped": result.skipped,
            "gone": result.gone,
            "drafts": result.drafts,
            "foreign": result.foreign,
            "projects": result.projects,
            "lost_projects": list(result.lost_projects),
            "decisions": result.decisions,
            "annotators": dict(result.annotators),
            "drift": list(result.drift),
        }
    )


def replay(
    file: Annotated[Path, typer.Argument(help="Annotations, one JSON object a line, as in samples/annotations/.")],
    annotator: Annotated[str, typer.Option("--as", metavar="NAME", help="Who made them; a user is made if need be.")],
    desk: DeskOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Play annotations from a file into Label Studio.

    Every span is checked against the desk's text first. A second run creates nothing twice.

    \b
    Example:
      copydesk replay samples/annotations/annotator-1.jsonl --as annotator-1
    """
    from .samples import play, read_annotations

    output = Output(as_json=as_json)
    opened = open_desk(desk)
    rows = read_annotations(opened, file)
    with output.progress() as on_progress:
        created = play(opened, annotator, rows, on_progress=on_progress)
    output.line(f"Created {count(created, 'annotation')} of {len(rows)} as {annotator}.")
    output.result({"created": created, "annotations": len(rows), "annotator": annotator})
