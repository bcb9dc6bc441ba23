"""Commands that make stance suggestions better: train stance, train calibration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import ExitStatus
from .options import DeskOption, JsonOption, open_desk
from .output import Output, count, here

if TYPE_CHECKING:
    from copydesk.corpus import Desk

__all__ = ["calibration", "stance"]


def stance(  # noqa: PLR0913, PLR0917  # a command has as many options as it has
    desk: DeskOption = Path(),
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="A folder with *_train.jsonl and *_dev.jsonl, a JSONL file, or a release; may be given more than once.",
        ),
    ] = None,
    gold: Annotated[
        bool, typer.Option("--gold", help="Add what people left standing on the desk; without --data that is all.")
    ] = False,
    model_out: Annotated[
        Path | None, typer.Option(help="Where its folder shall be; by default models/stance in the desk.")
    ] = None,
    layers: Annotated[int, typer.Option(min=2, max=6, help="Of the base model, kept from the first.")] = 3,
    teacher: Annotated[
        int, typer.Option(min=0, max=6, help="Layers of the larger network that teaches it; 0: it learns alone.")
    ] = 4,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of the examples, and of dropout.")] = 0,
    runs: Annotated[int, typer.Option(min=1, help="How many trainings are averaged; each costs as much again.")] = 1,
    conflict: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Sentences about armed conflict, to fit how much rarer evaluation is there; no weight changes.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train the stance model on sentences with marked targets, and write it with its card.

    Takes twenty minutes for 9,000 examples on one free core, half of them for the teacher. A stopped training goes on after the last run that it finished.

    \b
    Example:
      copydesk train stance --data newsmtsc --model-out models/stance
    """
    from copydesk.annotate import StanceRecipe, read_stance_data, reserved, train_stance
    from copydesk.corpus import SETTINGS_FILE

    output = Output(as_json=as_json)
    needs_desk = gold or not data or model_out is None
    opened = open_desk(desk) if needs_desk or (desk / SETTINGS_FILE).exists() else None
    reserve = reserved(opened) if opened else frozenset()
    found = read_stance_data(data or [], desk=opened if gold or not data else None, reserve=reserve)
    target = model_out or (opened.path if opened else Path()) / "models" / "stance"
    recipe = StanceRecipe(layers=layers, teacher=teacher, epochs=epochs, seed=seed, runs=runs)
    with output.progress() as on_progress:
        made = train_stance(
            found,
            target,
            recipe=recipe,
            conflict=read_stance_data(conflict) if conflict else None,
            on_progress=on_progress,
        )
    figures = made.figures
    output.line(f"{count(made.examples, 'target')} trained on, {count(made.development, 'target')} held out.")
    if found.left_out:
        output.line(f"  {count(found.left_out, 'target')} left out: their article is held out")
    output.table(
        [
            ("macro-F1", f"{figures.macro_f1:.1f}"),
            ("accuracy", f"{figures.accuracy:.1f}"),
            ("recall-average", f"{figures.recall:.1f}"),
            ("calibration error", f"{figures.calibration_error:.1f}"),
        ]
    )
    output.line(f"Wrote {here(made.folder)}, version {made.version}.")
    output.line(
        f'Next: set stance = "{_setting(made.folder, opened)}" under [suggest] in copydesk.toml, then copydesk suggest.'
    )
    output.result(
        {
            "path": str(made.folder),
            "version": made.version,
            "examples": made.examples,
            "development": made.development,
            "macro_f1": figures.macro_f1,
            "accuracy": figures.accuracy,
            "recall_average": figures.recall,
            "calibration_error": figures.calibration_error,
        }
    )


def _setting(folder: Path, desk: Desk | None) -> str:
    """Return a folder as the desk's settings name it: they count from the desk."""
    if desk is None:
        return str(folder.resolve())
    try:
        return folder.resolve().relative_to(desk.path.resolve()).as_posix()
    except ValueError:
        return str(folder.resolve())


def calibration(desk: DeskOption = Path(), as_json: JsonOption = False) -> None:
    """Fit how sure the stance model says it is to what people made of its suggestions.

    Three numbers, fitted on the stances that people left standing, kept only where they help on documents that they were not fitted on. The exit status is 1 where nothing was kept.

    \b
    Example:
      copydesk train calibration
    """
    from copydesk.annotate import CALIBRATION_LEAST, recalibrate

    output = Output(as_json=as_json)
    with output.progress() as on_progress:
        made = recalibrate(open_desk(desk), on_progress=on_progress)
    said = f"{count(made.n, 'corrected stance')} in {count(made.documents, 'article')}"
    if not made.enough:
        output.line(f"{said}: too few. At least {CALIBRATION_LEAST} in two articles are needed; nothing was changed.")
    else:
        output.line(f"{said}. On articles held out in turn:")
        output.table(
            [
                ("", "before", "after"),
                ("calibration error", *(f"{100 * value:.1f}" for value in made.error)),
                ("log loss", *(f"{value:.3f}" for value in made.loss)),
            ]
        )
        if made.kept:
            output.line(f"Wrote {here(made.path)}. Next: copydesk suggest")
        else:
            output.line("It would not help on other articles: the model's own confidence stays.")
    output.result(
        {
            "stances": made.n,
            "documents": made.documents,
            "needed": CALIBRATION_LEAST,
            "kept": made.kept,
            "path": str(made.path) if made.kept else "",
            "temperature": round(made.calibration.temperature, 4),
            "offsets": [round(offset, 4) for offset in made.calibration.offsets],
            "calibration_error": [round(value, 4) for value in made.error],
            "log_loss": [round(value, 4) for value in made.loss],
        }
    )
    if not made.kept:
        raise typer.Exit(ExitStatus.FINDINGS)
