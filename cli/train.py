"""Commands that learn from corrections: train entities."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import ExitStatus
from .options import DeskOption, JsonOption, open_desk
from .output import Output, count, here
from .train_stance import calibration, stance

if TYPE_CHECKING:
    from copydesk.annotate import EntityTraining, Score, TrainingData
    from copydesk.corpus import Desk, SuggestSettings
    from copydesk.schemas import LabelScheme

__all__ = ["compare", "train"]

train = typer.Typer(
    name="train",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make suggestions better from what people corrected.",
)
train.command("stance")(stance)
train.command("calibration")(calibration)

DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="A release folder, or JSON lines with text and entities; by default the desk's gold."
    ),
]
LabelsOption = Annotated[
    str, typer.Option(help="Whose labels the data has: a column of the crosswalk such as re3d or ontonotes.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="THEIRS=OURS", help="What a label of the data shall be; nothing after = drops it."),
]


@train.command("entities")
def entities(  # noqa: PLR0913, PLR0917  # a command has as many options as it has
    desk: DeskOption = Path(),
    data: DataOption = None,
    labels: LabelsOption = "",
    mapped: MapOption = None,
    base: Annotated[str, typer.Option(help="The spaCy pipeline to begin with, by name or folder.")] = "",
    name: Annotated[str, typer.Option(help="What to call it; by default the desk's name.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Where its folder shall be; by default the desk's models.", metavar="PATH")
    ] = None,
    seed: Annotated[int, typer.Option(help="Makes the order of examples; another one makes other weights.")] = 0,
    epochs: Annotated[
        int, typer.Option(min=0, help="How often each paragraph is read; 0: the fewer there are, the more often.")
    ] = 0,
    patience: Annotated[
        int, typer.Option(min=0, help="Stop after so many epochs without gain on a part kept from training; 0: never.")
    ] = 0,
    encoder: Annotated[
        bool,
        typer.Option("--encoder", help="Train a small encoder in the place of the ner; needs copydesk[train]."),
    ] = False,
    curve: Annotated[bool, typer.Option("--curve", help="Also train on 10, 25 and 50 % of the documents.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train the entities of a pipeline on what people marked.

    A part of the documents is held out. The new pipeline is recommended where it leaves annotators less work there than the one it began with; else the exit status is 1.

    \b
    Example:
      copydesk train entities --curve
    """
    from copydesk.annotate import NerTraining, train_entities

    output = Output(as_json=as_json)
    opened, scheme, settings = _surroundings(desk, data)
    found = _data(opened, data, scheme, labels, mapped)
    if out is None and opened is None:
        raise typer.BadParameter("say where the pipeline shall be, as there is no desk here", param_hint="--out")
    target = out or (opened.path if opened else Path()) / "models"
    how = NerTraining(_placed(base, opened) or settings.pipeline, seed, epochs, patience, encoder)
    name = name or (opened.settings.name if opened else data.stem if data else "entities")
    with output.progress() as on_progress:
        made = train_entities(
            found, scheme, target, name=name, settings=how, suggest=settings, curve=curve, on_progress=on_progress
        )
    _show(output, made)
    output.result(_as_json(made))
    if not made.better:
        raise typer.Exit(ExitStatus.FINDINGS)


def _surroundings(desk: Path, data: Path | None) -> tuple[Desk | None, LabelScheme, SuggestSettings]:
    """Return the desk, its scheme and its settings; without a desk the shipped ones, where the data comes by path."""
    from copydesk.annotate import located
    from copydesk.corpus import SETTINGS_FILE, SuggestSettings
    from copydesk.schemas import load_scheme

    if data is not None and not (desk / SETTINGS_FILE).exists():
        return None, load_scheme(), SuggestSettings()
    opened = open_desk(desk)
    return opened, opened.scheme(), located(opened.settings.suggest, opened.path)


def _placed(pipeline: str, desk: Desk | None) -> str:
    """Return a pipeline that somebody named; a folder counts from the desk where it is there, else from here."""
    from copydesk.annotate import located

    if desk is None or not pipeline:
        return pipeline
    return located(desk.settings.suggest.model_copy(update={"pipeline": pipeline}), desk.path).pipeline


def _data(
    desk: Desk | None, data: Path | None, scheme: LabelScheme, labels: str, mapped: Iterable[str] | None
) -> TrainingData:
    from copydesk.annotate import reserved, training_data

    fixed = {}
    for pair in mapped or ():
        theirs, equals, ours = pair.partition("=")
        if not equals or not theirs.strip():
            raise typer.BadParameter(f"{pair!r} is not THEIRS=OURS", param_hint="--map")
        fixed[theirs.strip()] = ours.strip()
    source = data if data is not None else desk
    assert source is not None
    salt = desk.settings.queue.salt if desk else "copydesk"
    kept = reserved(desk) if desk is not None and data is not None else frozenset()
    return training_data(source, scheme, labels=labels, fixed=fixed, salt=salt, reserve=kept)


def _show(output: Output, made: EntityTraining) -> None:
    sides = len(made.data.part("train")), len(made.data.part("held out"))
    output.line(f"{count(sides[0], 'document')} trained on, {count(sides[1], 'document')} held out.")
    output.table([(number, label) for label, number in made.examples.items()])
    _show_left_out(output, made.data)
    for label, became in made.decided.items():
        output.line(f"  {label} became " + ", ".join(f"{word} ({number})" for word, number in became.items()))
    for words, numbers in (("inside longer ones", made.nested), ("cut through words", made.widened)):
        if total := sum(numbers.values()):
            output.line(
                f"  {count(total, 'span')} {words}: " + ", ".join(f"{n} {label}" for label, n in numbers.items())
            )
    if made.curve:
        rows = [(point.documents, "documents", *_cells(point.score)) for point in made.curve]
        output.line("Learning curve, with rules, on the held-out documents:")
        output.table([("", "", "strict", "partial", "effort"), *rows])
    output.line("On the held-out documents:")
    output.table(
        [
            ("", "strict", "partial", "effort"),
            ("before, with rules", *_cells(made.before)),
            ("trained, without rules", *_cells(made.alone)),
            ("trained, with rules", *_cells(made.after)),
        ]
    )
    output.line(f"Wrote {here(made.path)}.")
    if made.better:
        output.line(f"Next: copydesk suggest --pipeline {here(made.path)}")
        if not made.trim:
            output.line('This gold takes "the" along: set trim_articles = false under [suggest] in copydesk.toml.')
    else:
        output.line("It is no better than what it began with: keep the pipeline you have, and annotate more.")


def _show_left_out(output: Output, data: TrainingData) -> None:
    for label, number in data.unknown.items():
        output.line(f"  {count(number, 'span')} left out: the scheme has nothing for {label}")
    if data.copies:
        output.line(f"  {count(len(data.copies), 'document')} left out: a copy is held out")


def _cells(score: Score) -> tuple[str, str, str]:
    return f"{100 * score.strict.f1:.1f}", f"{100 * score.partial.f1:.1f}", f"{score.effort:.0f}"


def _figures(score: Score) -> dict[str, object]:
    rates = {"strict": score.strict, "partial": score.partial}
    return {
        "gold": score.gold,
        "found": score.found,
        **{name: {k: round(v, 4) for k, v in rate._asdict().items()} for name, rate in rates.items()},
        "effort": round(score.effort, 2),
        "operations": score.operations,
        "labels": {label: round(one.strict.f1, 4) for label, one in score.by_label.items()},
    }


def _as_json(made: EntityTraining) -> dict[str, object]:
    return {
        "path": str(made.path),
        "name": made.name,
        "version": made.version,
        "better": made.better,
        "documents": {"train": len(made.data.part("train")), "held_out": len(made.data.part("held out"))},
        "examples": dict(made.examples),
        "unknown": dict(made.data.unknown),
        "decided": {label: dict(became) for label, became in made.decided.items()},
        "nested": dict(made.nested),
        "widened": dict(made.widened),
        "copies": list(made.data.copies),
        "trim_articles": made.trim,
        "before": _figures(made.before),
        "alone": _figures(made.alone),
        "after": _figures(made.after),
        "curve": [{"documents": p.documents, "spans": p.spans, **_figures(p.score)} for p in made.curve],
    }


def compare(
    one: Annotated[str, typer.Argument(metavar="A", help="A pipeline by name or folder; base is the shipped one.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    desk: DeskOption = Path(),
    data: DataOption = None,
    labels: LabelsOption = "",
    mapped: MapOption = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Use every document that trained neither, not only those held out.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hold two pipelines side by side on gold.

    Effort is how many operations (add, delete, resize, relabel) an annotator needs per 100 gold spans. Intervals are over documents; 95 %.

    \b
    Example:
      copydesk compare base models/my-desk-1a2b3c4d5e
    """
    from copydesk.annotate import METRICS, OPERATIONS
    from copydesk.annotate import compare as run_compare

    output = Output(as_json=as_json)
    opened, scheme, settings = _surroundings(desk, data)
    found = _data(opened, data, scheme, labels, mapped)
    with output.progress() as on_progress:
        made = run_compare(
            _placed(one, opened), _placed(other, opened), found, scheme, settings, whole=whole, on_progress=on_progress
        )
    output.line(
        f"{count(made.documents, 'document')}, {count(made.scores[0].gold, 'gold span')}."
        + (f" {count(made.left_out, 'document')} trained one of them and stayed out." if made.left_out else "")
    )
    for letter, origin in zip("AB", made.names, strict=True):
        output.line(f"{letter}: {origin.name} {origin.version}")
    _show_left_out(output, found)
    rows: list[tuple[object, ...]] = [("", "A", "", "B", "", "B - A", "")]
    for metric in METRICS:
        scale = 1 if metric == "effort" else 100
        three = (*(score.interval(metric) for score in made.scores), made.difference(metric))
        cells = [(f"{scale * i.value:.1f}", f"{scale * i.low:.1f} … {scale * i.high:.1f}") for i in three]
        rows.append((metric, *(cell for pair in cells for cell in pair)))
    rows += [
        (f"  {operation}", *(c for score in made.scores for c in (f"{score.operations[operation]}", "")))
        for operation in OPERATIONS
    ]
    output.table(rows)
    output.table(
        [
            ("label", "gold", "A strict", "partial", "effort", "B strict", "partial", "effort"),
            *(
                (label, f"{made.scores[0].only(label).gold}", *(c for s in made.scores for c in _cells(s.only(label))))
                for label in made.labels
            ),
        ]
    )
    output.result(
        {
            "documents": made.documents,
            "left_out": made.left_out,
            "trim_articles": made.trim,
            "pipelines": [{"name": origin.name, "version": origin.version} for origin in made.names],
            "scores": [
                {**_figures(score), "intervals": {m: score.interval(m)._asdict() for m in METRICS}}
                for score in made.scores
            ],
            "difference": {metric: made.difference(metric)._asdict() for metric in METRICS},
        }
    )
