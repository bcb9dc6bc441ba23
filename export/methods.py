"""Write a paragraph about methods with a desk's own figures filled in, as Markdown and as LaTeX.

A sentence stands there only where there is something to say: nothing is claimed that was not done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from copydesk.corpus import Desk

from .figures import Figure
from .report_parts import Parts

__all__ = ["Methods", "methods"]

_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "α": r"$\alpha$",
    "−": "$-$",
}


@dataclass(frozen=True, slots=True)
class Methods:
    """The same paragraph twice: for a README, and for a paper."""

    markdown: str
    latex: str


def methods(desk: Desk, made: Parts) -> Methods:
    """Return the paragraph of a desk."""
    text = " ".join(_sentences(desk, made))
    return Methods(f"{_markdown(text)}\n", f"{_latex(text)}\n")


def _sentences(desk: Desk, made: Parts) -> Iterator[str]:
    figures, found = made.figures, made.surveyed.survey
    outlets = figures["outlets"]
    words = sum(int(row[3]) for row in outlets.rows)
    sentences = sum(int(row[2]) for row in outlets.rows)
    yield (
        f"The corpus holds {_many(found.documents, 'news article')} of {_many(len(outlets.rows), 'outlet')} "
        f"({words:,} words, {sentences:,} sentences)."
    )
    if dates := [str(row[0]) for row in figures["weeks"].rows]:
        yield f"They were published between the weeks of {dates[0]} and {dates[-1]}."
    if gone := figures["removed"].n:
        yield f"{_many(gone, 'record')} {'was' if gone == 1 else 'were'} set aside, each with its reason."
    if many := figures["copies"].n:
        yield f"{_many(many, 'article')} belong to clusters of copies, of each of which one was annotated."
    scheme = desk.scheme()
    if made.surveyed.unchecked:
        if found.labelled:
            yield f"Labels follow the scheme {scheme.name} {scheme.version}; all of them are suggestions of a machine that nobody has checked."
        return
    yield from _people(made, f"{scheme.name} {scheme.version}")
    yield from _agreed(figures["agreement"])
    yield f"The figures were computed with copydesk {metadata.version('copydesk')}."


def _people(made: Parts, scheme: str) -> Iterator[str]:
    figures, found = made.figures, made.surveyed.survey
    yield (
        f"{_many(len(figures['annotators'].rows), 'annotator')} labelled {_many(found.labelled, 'article')} under the scheme {scheme}, "
        f"in {_many(figures['annotators'].n, 'finished version')}."
    )
    pipelines = made.surveyed.result.pipelines
    if pipelines and figures["edits"].n:
        said = dict.fromkeys(("accepted", "added"), 0)
        for _, outcome, number in figures["edits"].rows:
            said[str(outcome)] = said.get(str(outcome), 0) + int(number)
        shown = figures["edits"].n - said["added"]
        yield (
            f"They corrected what was suggested by {', '.join(pipelines)}: of {_many(shown, 'suggestion')} {said['accepted']:,} were left "
            f"as they were, and {_many(said['added'], 'label')} {'was' if said['added'] == 1 else 'were'} added."
        )
    tally = found.tally
    yield (
        f"What stands is {_many(tally.entities, 'entity', 'entities')}, "
        f"{_many(sum(n for (_, label, _), n in tally.labels.items() if label == 'CONTENT'), 'attribution')} and {_many(tally.grades.total(), 'stance')}."
    )
    if waiting := figures["open"].n:
        yield f"{_many(waiting, 'disagreement')} without a majority {'is' if waiting == 1 else 'are'} left out until somebody decides."


def _agreed(figure: Figure) -> Iterator[str]:
    if not figure.enough:
        return
    yield (
        f"On {_many(figure.n, 'article')} that two or more annotators finished, agreement was measured with 95 % intervals over articles: "
        + (
            "; ".join(
                f"{name} ({of}) {value:.2f}{_ends(low, high)}"
                for name, of, value, low, high, _ in figure.rows
                if isinstance(value, float)
            )
            + "."
        )
    )


def _ends(low: object, high: object) -> str:
    return f" [{low:.2f}, {high:.2f}]" if isinstance(low, float) and isinstance(high, float) else ""


def _many(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def _markdown(text: str) -> str:
    # the name of an outlet, a pipeline or a layer is somebody else's text
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", text)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)
