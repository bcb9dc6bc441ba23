"""Say everything that the command line says: the one place that prints.

Results go to standard output, as text or (with ``--json``) as one JSON object; progress and warnings go
to standard error, so that a pipe only ever carries results. No colour where no terminal listens.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from copydesk.schemas import OnProgress, Progress

__all__ = ["Output", "count", "here"]


class Output:
    """Where a command's words go.

    Args:
        as_json: Print one JSON object instead of text.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    def line(self, text: str = "") -> None:
        """Print a line of a result's text; nothing where JSON was asked for."""
        if not self.as_json:
            sys.stdout.write(text + "\n")

    def table(self, rows: Sequence[Sequence[object]], *, indent: str = "  ") -> None:
        """Print rows in columns: numbers to the right, words to the left."""
        cells = [[str(cell) for cell in row] for row in rows]
        widths = [
            max((len(row[i]) for row in cells if i < len(row)), default=0)
            for i in range(max(map(len, cells), default=0))
        ]
        for row, plain in zip(rows, cells, strict=True):
            padded = (
                text.rjust(width) if isinstance(cell, int | float) else text.ljust(width)
                for cell, text, width in zip(row, plain, widths, strict=False)
            )
            self.line((indent + "  ".join(padded)).rstrip())

    def result(self, values: Mapping[str, Any]) -> None:
        """Print the result as one JSON object, if JSON was asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")

    def flush(self) -> None:
        """Let whoever reads our output have it now: of a command that stays."""
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Tell the person in front of the screen something that is no result."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    @contextlib.contextmanager
    def progress(self) -> Iterator[OnProgress]:
        """Yield what a long piece of work reports to: live bars on a terminal, else a line per stage."""
        if sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb":
            with _live_bars() as bars:
                yield _Bars(bars)
        else:
            yield _Lines(self)


@contextlib.contextmanager
def _live_bars() -> Iterator[Bars]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield bars


class _Bars:
    """One live bar per stage."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def __call__(self, progress: Progress) -> None:
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._bars.add_task(progress.stage, total=progress.total, unit=progress.unit)
        self._bars.update(
            self._tasks[progress.stage], completed=progress.done, total=progress.total, unit=progress.unit
        )


class _Lines:
    """A line where a stage begins and one where it has done everything: for logs."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._finished: dict[str, bool] = {}

    def __call__(self, progress: Progress) -> None:
        stage = progress.stage
        if stage not in self._finished:
            self._finished[stage] = False
            self._output.note(f"{stage} …")
        if progress.total is not None and progress.done >= progress.total and not self._finished[stage]:
            self._finished[stage] = True
            self._output.note(f"{stage}: {progress.done} {progress.unit}")


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    >>> count(1, "copy", "copies"), count(3, "release")
    ('1 copy', '3 releases')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def here(path: Path) -> str:
    """Return a path as a person in the current folder would type it."""
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except ValueError:
        return str(path)
