"""Show a desk as one page that opens from disk and needs nothing else.

The page's numbers are those of :mod:`report_parts`, and the same tables lie beside it as CSV and JSON, with a paragraph
about methods for papers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from copydesk.corpus import Desk, write_atomically
from copydesk.schemas import OnProgress, silent

from .figures import Figure
from .methods import methods
from .page import figure_csv, render_page
from .report_parts import parts

__all__ = ["Report", "report"]


@dataclass(frozen=True, slots=True)
class Report:
    """A report on disk.

    Attributes:
        path: The page.
        data: The folder with one CSV per figure, ``figures.json``, ``methods.md`` and ``methods.tex``.
        figures: What it shows, by id.
    """

    path: Path
    data: Path
    figures: dict[str, Figure]


def report(desk: Desk, *, on_progress: OnProgress = silent) -> Report:
    """Write ``reports/<name>.html``, and its figures as CSV and JSON beside it.

    Args:
        desk: A desk at any stage; what it does not have yet, the page says so.
        on_progress: Is told of articles.

    Raises:
        DeskError: A table of the desk, or its last release, is damaged.
    """
    made = parts(desk, on_progress=on_progress)
    name, folder, scheme = desk.settings.name, desk.path / "reports", desk.scheme()
    unchecked, as_of = made.surveyed.unchecked, made.surveyed.as_of
    words = methods(desk, made)
    page = render_page(
        name,
        made.parts,
        standfirst=f"News about armed conflict, labelled under {scheme.name} {scheme.version}."
        + (f" Newest annotation: {as_of}." if as_of else ""),
        headline=made.headline,
        notice="Nobody has finished an annotation yet. Everything counted as a label on this page is a machine’s suggestion."
        if unchecked
        else "",
        behind=made.surveyed.survey.behind,
        about=made.about,
    )
    write_figures(folder / name, made.figures)
    _write(folder / name / "methods.md", words.markdown)
    _write(folder / name / "methods.tex", words.latex)
    _write(folder / f"{name}.html", page)
    return Report(folder / f"{name}.html", folder / name, made.figures)


def write_figures(folder: Path, figures: dict[str, Figure]) -> None:
    """Write every figure as CSV, and all of them as ``figures.json``; CSV of figures that are no more are removed."""
    for key, figure in figures.items():
        _write(folder / f"{key}.csv", figure_csv(figure))
    # a figure a line: told to indent, Python's JSON writer is ten times slower
    said = (f"{json.dumps(key)}: {json.dumps(figure.plain(), ensure_ascii=False)}" for key, figure in figures.items())
    _write(folder / "figures.json", "{\n" + ",\n".join(said) + "\n}\n")
    for path in folder.glob("*.csv"):
        if path.stem not in figures:
            path.unlink()


def _write(path: Path, text: str) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
