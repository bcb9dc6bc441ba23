"""Commands that write a release in other programs' words: export spacy."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption
from .output import Output, count, here

__all__ = ["export"]

export = typer.Typer(
    name="export", no_args_is_help=True, rich_markup_mode=None, help="Write a release in other programs' words."
)


@export.callback()
def _commands() -> None:
    """Write a release in other programs' words.

    \b
    Example:
      copydesk export spacy releases/1.0.0 --to spacy-files
    """


@export.command("spacy")
def spacy_files(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    to: Annotated[Path, typer.Option(help="The folder to write.")],
    sentences: Annotated[bool, typer.Option("--sentences", help="One doc a sentence, not one an article.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write what `spacy train` reads: train.spacy, dev.spacy, test.spacy and a config.

    What doc.ents cannot hold (overlapping spans, borders inside a token) is listed in loss.json, and is in doc.spans["sc"] where it can be.

    \b
    Example:
      copydesk export spacy releases/1.0.0 --to spacy-files
      cd spacy-files && python -m spacy train config.cfg --output model
    """
    from copydesk.export import write_spacy

    output = Output(as_json=as_json)
    made = write_spacy(release, to, each="sentence" if sentences else "document")
    output.line(f"Wrote {here(made.folder)}:")
    output.table([(number, split) for split, number in made.docs.items()])
    output.line(f"  {count(made.entities, 'entity', 'entities')} in doc.ents, {made.spans:,} in doc.spans")
    reasons = Counter((loss.config, loss.reason) for loss in made.lost)
    output.table([(number, f"not in {where}: {reason}") for (where, reason), number in sorted(reasons.items())])
    if "validation" not in made.docs or "train" not in made.docs:
        output.line("spacy train needs documents in train and in validation: this release is too small for it.")
    else:
        output.line(f"Next, in {here(made.folder)}: python -m spacy train config.cfg --output model")
    output.result(
        {
            "folder": str(made.folder),
            "docs": made.docs,
            "entities": made.entities,
            "spans": made.spans,
            "lost": {f"{where}: {reason}": number for (where, reason), number in sorted(reasons.items())},
        }
    )
