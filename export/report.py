"""Show a desk as one page that opens from disk and needs nothing else.

The page's numbers are those of :mod:`figures`, and the same tables lie beside it as CSV and JSON. What an
article contains is text to it: templates escape it, and JSON in scripts is written so that no tag can end.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from copydesk.corpus import Desk, clusters, documents, removed, write_atomically
from copydesk.schemas import OnProgress, Progress, silent

from .batch import batched
from .build import make
from .charts import chart, has_chart, libraries, theme
from .diff import Snapshot
from .figures import Figure, annotation_figures, corpus_figures, release_figures
from .gather import Gathered, gather
from .labels import LABELS_FILE, grow, read_labels
from .tally import Tally
from .versions import releases

__all__ = ["Report", "report"]

CORPUS: Final = ("outlets", "removed", "weeks", "copies")
WIDE: Final = ("weeks", "open", "labels", "edits", "stance-matrix", "tolls", "stances", "copies")
"""The figures that take the whole width of the page; the others stand in pairs."""
LONGEST: Final = 300
"""How many rows of a table are on the page; the CSV has them all."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report on disk.

    Attributes:
        path: The page.
        data: The folder with one CSV per figure and ``figures.json``.
        figures: What it shows, by id.
    """

    path: Path
    data: Path
    figures: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class _Section:
    id: str
    title: str
    lead: str
    figures: tuple[Figure, ...]


def report(desk: Desk, *, on_progress: OnProgress = silent) -> Report:
    """Write ``reports/<name>.html`` and its figures as CSV and JSON beside it.

    Args:
        desk: A desk at any stage; what it does not have yet, the page says so.
        on_progress: Is told how many of three steps are done.

    Raises:
        DeskError: A table of the desk, or its last release, is damaged.
    """
    gathered = gather(desk)
    unchecked = not gathered.golds
    if unchecked:
        gathered = gather(desk, silver=True)
    on_progress(Progress("report", 1, 3, "steps"))
    sections = _sections(desk, gathered, unchecked=unchecked)
    on_progress(Progress("report", 2, 3, "steps"))
    figures = {figure.id: figure for section in sections for figure in section.figures}
    folder = desk.path / "reports"
    name = desk.settings.name
    path = folder / f"{name}.html"
    for key, figure in figures.items():
        _write(folder / name / f"{key}.csv", _csv(figure))
    plain = {key: figure.plain() for key, figure in figures.items()}
    _write(folder / name / "figures.json", json.dumps(plain, ensure_ascii=False, indent=1) + "\n")
    _write(path, _page(desk, gathered, sections, unchecked=unchecked))
    on_progress(Progress("report", 3, 3, "steps"))
    return Report(path, folder / name, figures)


def _sections(desk: Desk, gathered: Gathered, *, unchecked: bool) -> list[_Section]:
    tally = _tally(desk, gathered)
    people = {figure.id: figure for figure in annotation_figures(tally, gathered.disagreements, gathered.documents)}
    standing = {figure.id: figure for figure in release_figures(tally, ())}
    shown = {**people, **standing}
    corpus = corpus_figures(list(documents(desk)), clusters(desk), removed(desk))
    whose = "what the machine suggests, unchecked by anyone" if unchecked else "what people let stand"
    return [
        _Section("corpus", "The corpus", "What came in, and what did not.", _in_order(corpus, CORPUS)),
        _Section("labels", "The labels", f"Counted here: {whose}.", (shown["labels"], shown["edits"])),
        _Section(
            "people", "The people", "Known by pseudonym.", (shown["annotators"], shown["disagreements"], shown["open"])
        ),
        _Section(
            "stance",
            "Who says what about whom",
            f"Counted here: {whose}.",
            (shown["stance-matrix"], shown["stances"], shown["tolls"]),
        ),
        _release(desk),
    ]


def _in_order(figures: Iterable[Figure], ids: Sequence[str]) -> tuple[Figure, ...]:
    return tuple(sorted(figures, key=lambda figure: ids.index(figure.id)))


def _tally(desk: Desk, gathered: Gathered) -> Tally:
    scheme = desk.scheme()
    labels = grow(read_labels(desk.path / LABELS_FILE), scheme)
    tally = Tally(tolls=[])
    for batch in batched(gathered.records(dict.fromkeys(gathered.golds, "train"))):
        tally.merge(make(batch, scheme, labels, tolls=True).tally)
    return tally


def _release(desk: Desk) -> _Section:
    versions = releases(desk.path)
    if not versions:
        return _Section("release", "The release", "Nothing has been released yet.", ())
    manifest = Snapshot.of(desk.path / "releases" / versions[-1]).manifest
    names = manifest["split_names"]
    splits = Figure(
        "splits",
        "How is it split?",
        ("table", "rows", *names),
        tuple(
            (name, config["rows"], *(config["splits"].get(split, 0) for split in names))
            for name, config in sorted(manifest["configs"].items(), key=lambda item: -item[1]["rows"])
        ),
        manifest["documents"],
        "articles",
        note="Articles and their copies go into one split together, and never move.",
    )
    kept = manifest["figures"]["losses"]
    losses = Figure(
        "losses",
        kept["question"],
        tuple(kept["columns"]),
        tuple(tuple(row) for row in kept["rows"]),
        kept["n"],
        kept["unit"],
        note="BIO tags hold no overlap; every span is still in the tables articles and spans.",
    )
    lead = f"Version {manifest['version']}: {'; '.join(manifest['reasons'])}."
    return _Section("release", "The release", lead, (splits, losses))


def _page(desk: Desk, gathered: Gathered, sections: Sequence[_Section], *, unchecked: bool) -> str:
    import jinja2

    source = (resources.files("copydesk.export") / "data" / "report.html.j2").read_text(encoding="utf-8")
    world = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    world.filters["number"] = _number
    world.tests["number"] = lambda value: isinstance(value, (int, float))
    charts = {figure.id: chart(figure) for section in sections for figure in section.figures if has_chart(figure)}
    scheme = desk.scheme()
    corpus = sections[0].figures[0]
    return world.from_string(source).render(
        name=desk.settings.name,
        scheme=f"{scheme.name} {scheme.version}",
        as_of=gathered.as_of,
        unchecked=unchecked,
        headline=[
            (corpus.n, "articles"),
            (len(gathered.golds), "with machine labels" if unchecked else "annotated"),
            (sum(len(gold.annotations.entities) for gold in gathered.golds.values()), "entities"),
            (sum(len(gold.annotations.attributions) for gold in gathered.golds.values()), "attributions"),
            (sum(len(gold.annotations.stances) for gold in gathered.golds.values()), "stances"),
        ],
        sections=sections,
        charts=charts,
        wide=WIDE,
        longest=LONGEST,
        # only the script blocks are exempt from escaping, and nothing but these three values goes there
        libraries=_script(libraries()),
        specs=_script(_json(charts)),
        themes=_script(_json({"light": theme(dark=False), "dark": theme(dark=True)})),
    )


def _json(value: Any) -> str:
    """Return JSON that cannot end a script element or open a comment in it, whatever strings it holds."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _script(text: str) -> Any:
    import markupsafe

    if "</script" in text.lower() or "<!--" in text:
        raise ValueError("a script may not end its own element")
    return markupsafe.Markup(text)  # noqa: S704


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    return f"{value:.2f}".replace("-", "\u2212")


def _csv(figure: Figure) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(figure.columns)
    writer.writerows(figure.rows)
    return out.getvalue()


def _write(path: Path, text: str) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
