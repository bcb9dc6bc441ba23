"""Commands that make something to hand on: release, publish, diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from .errors import ExitStatus
from .options import DeskOption, JsonOption, open_desk
from .output import Output, count, here

__all__ = ["diff", "publish", "release"]

EXAMPLES = 3
"""How many changes of each layer and kind `diff` shows where it is not asked for all."""


def release(
    desk: DeskOption = Path(),
    version: Annotated[str, typer.Option(help="Raise the computed version to this one.")] = "",
    silver: Annotated[
        bool, typer.Option("--silver", help="Also release machine labels that nobody checked, as version 0.x.")
    ] = False,
    text: Annotated[
        str, typer.Option("--text", metavar="KIND", help="full, or standoff: places, labels and hashes, no words.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Build the next release of the dataset.

    It is a folder that `datasets.load_dataset` reads without any code. The version follows from what changed since the last release. A release without human work is
    only possible with --silver, and says so in its version, its card and every row.

    \b
    Example:
      copydesk release --version 1.0.0
    """
    from copydesk.export import release as run_release

    if text not in ("", "full", "standoff"):
        raise typer.BadParameter("expected full or standoff", param_hint="--text")
    output = Output(as_json=as_json)
    with output.progress() as on_progress:
        made = run_release(
            open_desk(desk),
            version=version or None,
            silver=silver,
            text=cast("Literal['full', 'standoff']", text) if text else None,
            on_progress=on_progress,
        )
    output.line(f"{'Released' if made.new else 'Nothing changed since'} {made.version}: {here(made.path)}")
    output.table([(rows, name) for name, rows in sorted(made.rows.items())])
    for reason in made.reasons if made.new else ():
        output.line(f"  because: {reason}")
    if made.open:
        output.line(
            f"  {count(made.open, 'disagreement')} left out, for a person to decide; copydesk report lists them"
        )
    if made.silver:
        output.line(f"  {count(made.silver, 'document')} with machine labels that nobody checked")
    for note in made.notes:
        output.line(f"  note: {note}")
    output.result(
        {
            "version": made.version,
            "path": str(made.path),
            "new": made.new,
            "parent": made.parent,
            "reasons": list(made.reasons),
            "rows": dict(made.rows),
            "silver": made.silver,
            "open": made.open,
            "lost": made.lost,
            "content": made.content,
            "notes": list(made.notes),
        }
    )


def publish(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The release folder.")],
    to: Annotated[str, typer.Option("--to", metavar="PLACE", help="hub:owner/name, or zenodo.")],
    public: Annotated[
        bool, typer.Option("--public", help="Let everybody see it; else it is private, or a draft.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Publish a release on the Hugging Face Hub or on Zenodo.

    On the Hub it is one commit and one tag, vX.Y.Z, which is downloaded again and compared; on Zenodo a draft with a
    DOI. A version that is there is never overwritten; what was cut off is finished by the same command. The token comes
    from HF_TOKEN or ZENODO_TOKEN, or from a file that only its owner can read.

    \b
    Example:
      copydesk publish releases/1.0.0 --to hub:our-desk/conflict-news --dry-run
    """
    from dataclasses import asdict

    from copydesk.export import publish as run_publish

    output = Output(as_json=as_json)
    with output.progress() as on_progress:
        made = run_publish(release, to, public=public, dry_run=dry_run, on_progress=on_progress)
    seen = "for everybody to see" if made.public else "a draft" if to == "zenodo" else "private"
    if made.done and not made.new:
        output.line(f"{made.version} is there already, {seen}: {made.address}")
    elif made.done:
        output.line(f"Published {made.version}, {seen}: {made.address}")
    else:
        output.line(f"Would publish {made.version}, {seen}: {made.address}")
    if made.added or made.removed:
        output.line(f"  {count(len(made.added), 'file')} ({made.bytes:,} bytes) added, {len(made.removed)} taken away")
    if made.doi:
        output.line(f"  DOI {made.doi}")
    output.result(asdict(made))


def diff(
    old: Annotated[Path, typer.Argument(help="The older release folder.")],
    new: Annotated[Path, typer.Argument(help="The newer release folder.")],
    full: Annotated[bool, typer.Option("--full", help="Every change, not only numbers and examples.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write a page that shows it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two releases label by label.

    It counts the documents and labels that were added, removed, retyped, resized, restanced or moved between splits, by
    layer, and shows examples. Exit status 1 if they differ.

    \b
    Example:
      copydesk diff releases/1.0.0 releases/1.1.0 --html changes.html
    """
    from copydesk.export import Snapshot, changes, diff_page
    from copydesk.export import diff as run_diff

    output = Output(as_json=as_json)
    found = run_diff(old, new)
    output.line(f"{found.old} → {found.new}: " + (count(found.total, "change") if found else "no difference"))
    output.table([(number, f"{layer} {kind}") for (layer, kind), number in found.counts().items()])
    for words, lines in (("breaks", found.breaking), ("adds", found.growing), ("also", found.other)):
        for line in lines:
            output.line(f"  {words}: {line}")
    shown = changes(Snapshot.of(old), Snapshot.of(new)) if full else iter(found.examples(EXAMPLES))
    if not as_json:
        for change in shown:
            what = f"{change.layer} {change.kind} {change.text!r}"
            output.line(f"{change.document_id} {what}: {change.before or '-'} → {change.after or '-'}")
    if html is not None:
        diff_page(found, html)
        output.line(f"Wrote {here(html)}.")
    if as_json:
        output.result(found.plain(shown if full else found.changes))
    if found:
        raise typer.Exit(ExitStatus.FINDINGS)
