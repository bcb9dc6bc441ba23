"""Run the whole main job once, on the sample articles and on a real Label Studio.

    samples → ingest → suggest → Label Studio ← two annotators and an adjudicator → pull → release → load → report

Every step does only what is not done yet, so a demo that was stopped anywhere is simply run again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption
from .output import Output, count, here
from .samples import play, read_annotations

if TYPE_CHECKING:
    from copydesk.annotate import StudioServer
    from copydesk.corpus import Desk
    from copydesk.export import Release
    from copydesk.schemas import OnProgress

__all__ = ["demo"]

VERSION = "1.0.0"
MARK = "demo"
"""What `state.json` says of a desk that the demo made."""
PEOPLE = ("annotator-1", "annotator-2", "adjudicator")


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to make the desk.")] = Path("copydesk-demo"),
    samples: Annotated[
        Path | None, typer.Option(help="The folder samples/ of a checkout; found by itself inside one.")
    ] = None,
    keep_studio: Annotated[bool, typer.Option("--keep-studio", help="Leave Label Studio running at the end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the main job on the sample articles.

    From files through a real Label Studio to a released dataset and a report. Takes under 3 minutes once Label Studio is installed. Stopped anywhere, the same command goes on.

    \b
    Example:
      copydesk demo my-demo --keep-studio
    """
    output = Output(as_json=as_json)
    found = _samples(samples)
    began = time.monotonic()
    desk = _open_or_make(folder)
    if not _all_done(desk):
        _Demo(output, desk, found, keep_studio).run()
    elif keep_studio:
        _Demo(output, desk, found, keep_studio).start()
    else:
        output.note(f"All is done already: {here(folder)} holds release {VERSION}.")
    _tell(output, desk, time.monotonic() - began, running=keep_studio)


def _samples(given: Path | None) -> Path:
    from copydesk.schemas import InputError

    places = [given] if given else [Path("samples"), Path(__file__).parent.parent / "samples"]
    for place in places:
        if (place / "articles").is_dir() and (place / "annotations").is_dir():
            return place
    raise InputError(
        "the sample articles are not here",
        where=str(places[0]),
        hint="They come with the source code, not with the package: give the folder with --samples.",
    )


def _open_or_make(folder: Path) -> Desk:
    from copydesk.corpus import SETTINGS_FILE, Desk, init_desk, write_atomically
    from copydesk.schemas import DeskError

    settings = folder / SETTINGS_FILE
    if not settings.exists():
        init_desk(folder)
        text = settings.read_text(encoding="utf-8").replace('licence = "other"', 'licence = "CC0-1.0"')
        with write_atomically(settings) as temporary:
            temporary.write_text(text, encoding="utf-8")
    desk = Desk(folder)
    if MARK not in desk.state():
        if desk.parts("articles"):
            raise DeskError(
                "this desk holds other work, and the demo would put its samples among it",
                where=here(folder),
                hint="Name another folder: copydesk demo DIR",
            )
        desk.note(MARK, {"version": VERSION})
    return desk


def _all_done(desk: Desk) -> bool:
    return (desk.path / "releases" / VERSION).is_dir() and any((desk.path / "reports").glob("*.html"))


@dataclass
class _Step:
    """What a step reports to, and what it says when it is done."""

    on_progress: OnProgress
    says: str = ""


@dataclass(frozen=True)
class _Demo:
    """One demo at work."""

    output: Output
    desk: Desk
    samples: Path
    keep_studio: bool

    def run(self) -> None:
        """Do every step that is not done yet; put the server away whatever happens."""
        from copydesk.annotate import push, stop_studio, suggest
        from copydesk.corpus import ingest

        with self.step("Ingest the sample articles") as step:
            result = ingest(self.desk, [str(self.samples / "articles")], on_progress=step.on_progress)
            step.says = (
                f"{count(result.documents, 'article')}, {result.copies} of them copies, {len(result.removed)} set aside"
            )
        with self.step("Suggest entities, who is speaking, stance") as step:
            suggested = suggest(self.desk, on_progress=step.on_progress)
            step.says = (
                f"{count(suggested.documents, 'article')} by {suggested.pipeline.name} {suggested.pipeline.version}"
            )
        server = self.start()
        try:
            with self.step("Push tasks with suggestions") as step:
                pushed = push(self.desk, on_progress=step.on_progress)
                step.says = f"{count(pushed.created + pushed.already, 'task')} at {pushed.url}"
            self.people()
        finally:
            if server.started and not self.keep_studio:
                stop_studio(self.desk)
        self.publish()

    def start(self) -> StudioServer:
        """Install Label Studio if need be, and start it."""
        from copydesk.annotate import install_studio, start_studio

        with self.step("Install Label Studio, once") as step:
            step.says = here(install_studio(on_progress=step.on_progress))
        with self.step("Start Label Studio") as step:
            server = start_studio(self.desk, on_progress=step.on_progress)
            step.says = server.url
        return server

    def people(self) -> None:
        """Play what people did, and bring it home."""
        from copydesk.annotate import pull

        for name in PEOPLE:
            with self.step(f"Correct as {name}") as step:
                rows = read_annotations(self.desk, self.samples / "annotations" / f"{name}.jsonl")
                created = play(self.desk, name, rows, on_progress=step.on_progress)
                step.says = f"{count(len(rows), 'article')}, {created} new"
        with self.step("Pull what people did") as step:
            pulled = pull(self.desk, on_progress=step.on_progress)
            step.says = f"{count(pulled.added, 'new version')}, {pulled.already} known"

    def publish(self) -> None:
        """Release, load the release back, and write the report."""
        from copydesk.export import Snapshot, load_release, release, report

        if not (self.desk.path / "releases" / VERSION).is_dir():
            with self.step(f"Release {VERSION}") as step:
                made: Release = release(self.desk, version=VERSION, on_progress=step.on_progress)
                step.says = f"{here(made.path)}; {count(made.open, 'disagreement')} left out"
        with self.step("Load it back with datasets") as step:
            path = self.desk.path / "releases" / VERSION
            tables = Snapshot.of(path).manifest["configs"]
            sizes = {name: sum(len(split) for split in load_release(path, name).values()) for name in tables}
            step.says = ", ".join(f"{name} {size}" for name, size in sizes.items())
        with self.step("Write the report") as step:
            step.says = here(report(self.desk, on_progress=step.on_progress).path)

    @contextmanager
    def step(self, title: str) -> Iterator[_Step]:
        """Announce a step, show its progress, and say what came of it and how long it took."""
        began = time.monotonic()
        self.output.note(f"{title} …")
        with self.output.progress() as on_progress:
            step = _Step(on_progress)
            yield step
        self.output.note(f"✓ {step.says} ({time.monotonic() - began:.1f} s)")


def _tell(output: Output, desk: Desk, seconds: float, *, running: bool) -> None:
    """Say what was made, where Label Studio is and how to log in, and what to try next."""
    from copydesk.annotate import own_account, studio_status

    status = studio_status(desk)
    release = desk.path / "releases" / VERSION
    pages = sorted((desk.path / "reports").glob("*.html"))
    place = here(desk.path)
    output.line()
    output.line("What was made:")
    output.table(
        [
            ("the desk", place),
            ("the release", here(release)),
            *(("the report", here(page)) for page in pages),
            ("Label Studio", f"{status.url} ({status.state})"),
        ]
    )
    if status.credentials is not None:
        user = own_account(desk).email
        output.line(f"Log in there as {user}; the passwords of all users are in {here(status.credentials)}.")
    output.line()
    output.line("Try next:")
    program = _program()
    start = "" if running else f"{program} studio start --desk {place}"
    tries = [f"{program} status --desk {place}", start or f"{program} studio stop --desk {place}"]
    output.table([(line,) for line in [*tries, f"{program} scheme guidelines"]])
    output.result(
        {
            "desk": str(desk.path),
            "release": str(release),
            "reports": [str(page) for page in pages],
            "studio": {"url": status.url, "state": status.state, "credentials": str(status.credentials or "")},
            "seconds": round(seconds, 1),
        }
    )


def _program() -> str:
    """Return how this program was called, so that what we show can be pasted."""
    called = Path(sys.argv[0])
    return here(called) if called.parent != Path() and called.name == "copydesk" else "copydesk"
