"""Commands about labels: suggest, check, and the scheme they follow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import ExitStatus
from .options import AddressOption, DeskOption, EngineOption, JsonOption, open_desk, with_engine
from .output import Output, count

if TYPE_CHECKING:
    from copydesk.corpus import Desk
    from copydesk.schemas import Annotations, Finding, LabelScheme

__all__ = ["check", "read_scheme", "scheme", "suggest"]

scheme = typer.Typer(
    name="scheme", no_args_is_help=True, rich_markup_mode=None, help="Show the label scheme, and what is made from it."
)


def suggest(
    desk: DeskOption = Path(),
    pipeline: Annotated[
        str,
        typer.Option(
            help="A spaCy pipeline or a Hugging Face or GLiNER folder, by name or path; by default the setting suggest.pipeline."
        ),
    ] = "",
    engine: EngineOption = None,
    address: AddressOption = "",
    retry: Annotated[
        bool, typer.Option("--retry", help="Also try again where a component of the pipeline broke on an article.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Suggest entities, who is speaking, and stance.

    Every article that is no copy is read; only what is new or changed is done again. Each suggestion keeps its model, version and score.

    \b
    Example:
      copydesk suggest
    """
    from copydesk.annotate import suggest as run_suggest

    output = Output(as_json=as_json)
    with output.progress() as on_progress:
        opened = with_engine(open_desk(desk), engine, address)
        result = run_suggest(opened, pipeline=pipeline or None, retry=retry, on_progress=on_progress)
    output.line(
        f"{count(result.documents, 'article')} with {count(result.entities, 'entity', 'entities')},"
        f" {count(result.attributions, 'attribution')} and {count(result.stances, 'stance')} suggested"
        f" by {result.pipeline.name} {result.pipeline.version}."
    )
    if result.removed:
        output.line(
            f"Nothing can be suggested for {count(len(result.removed), 'article')}; copydesk removed lists them."
        )
    output.line("Next: copydesk studio start, then copydesk push.")
    output.result(
        {
            "documents": result.documents,
            "entities": result.entities,
            "attributions": result.attributions,
            "stances": result.stances,
            "removed": len(result.removed),
            "pipeline": {"name": result.pipeline.name, "version": result.pipeline.version},
        }
    )


class Checked(StrEnum):
    """What can be checked."""

    GOLD = "gold"
    SUGGESTIONS = "suggestions"
    ANNOTATIONS = "annotations"


def check(
    what: Annotated[Checked, typer.Argument(help="Whose labels.")] = Checked.GOLD,
    desk: DeskOption = Path(),
    select: Annotated[str, typer.Option(help="Codes or their beginnings, with commas: E,W4.")] = "E,W",
    as_json: JsonOption = False,
) -> None:
    """Check labels against the scheme.

    E… is wrong, W… is worth a look.

    \b
    Example:
      copydesk check gold --select E
    """
    from copydesk.corpus import documents
    from copydesk.schemas import check as run_check

    output = Output(as_json=as_json)
    opened = open_desk(desk)
    label_scheme = opened.scheme()
    texts = {document.id: document for document in documents(opened)}
    wanted = tuple(code.strip() for code in select.split(",") if code.strip())
    findings: list[Finding] = []
    checked = 0
    try:
        for annotations in _labels(opened, what):
            checked += 1
            findings += run_check(texts[annotations.document_id], annotations, label_scheme, select=wanted).findings
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--select") from error
    for finding in findings:
        output.line(f"{finding.document_id} {finding}")
    codes = Counter(finding.code for finding in findings)
    summary = ", ".join(f"{code} {number}" for code, number in sorted(codes.items())) or "nothing found"
    output.line(f"{count(checked, 'document')} checked: {summary}.")
    output.result(
        {
            "checked": checked,
            "counts": dict(sorted(codes.items())),
            "findings": [
                {"code": f.code, "document_id": f.document_id, "of": f.of, "detail": f.detail, "message": f.message}
                for f in findings
            ],
        }
    )
    if any(code.startswith("E") for code in codes):
        raise typer.Exit(ExitStatus.FINDINGS)


def _labels(desk: Desk, what: Checked) -> Iterator[Annotations]:
    from copydesk.annotate import finished, gold, suggestions

    if what is Checked.SUGGESTIONS:
        return (suggestion.annotations for suggestion in suggestions(desk))
    if what is Checked.ANNOTATIONS:
        return (entry.annotations for entry in finished(desk))
    return (document.annotations for document in gold(desk, keep=False).documents)


SchemeArgument = Annotated[
    str,
    typer.Argument(
        metavar="SCHEME", help="A shipped scheme or a TOML file; by default the desk's, else the shipped one."
    ),
]


@scheme.command("show")
def show(source: SchemeArgument = "", desk: DeskOption = Path(), as_json: JsonOption = False) -> None:
    """List layers, labels, attributes and relations.

    \b
    Example:
      copydesk scheme show conflict-news-1.0
    """
    output = Output(as_json=as_json)
    found = read_scheme(source, desk)
    output.line(f"{found.name} {found.version}: {found.title}")
    output.line(f"digest {found.digest}")
    for layer in found.layers:
        output.line()
        output.line(f"{layer.id}" + ("" if layer.default else " (off by default)"))
        labels = [label for label in found.labels if label.layer == layer.id]
        output.table([(label.id, label.hotkey or "-", label.definition) for label in labels])
        for attribute in found.attributes:
            if attribute.layer == layer.id:
                values = ", ".join(value.id for value in attribute.values) or attribute.kind
                output.line(f"    {attribute.id}: {values}")
    output.result({"digest": found.digest, **found.model_dump(mode="json")})


@scheme.command("config")
def config(source: SchemeArgument = "", desk: DeskOption = Path()) -> None:
    """Print the Label Studio labelling config that is made from the scheme.

    \b
    Example:
      copydesk scheme config > config.xml
    """
    from copydesk.schemas import labelling_config

    Output().line(labelling_config(_shown(read_scheme(source, desk), desk)))


@scheme.command("guidelines")
def guidelines(source: SchemeArgument = "", desk: DeskOption = Path()) -> None:
    """Print the guidelines for annotators, as Markdown.

    \b
    Example:
      copydesk scheme guidelines > guidelines.md
    """
    from copydesk.schemas import guidelines as write_guidelines

    Output().line(write_guidelines(_shown(read_scheme(source, desk), desk)))


@scheme.command("json-schema")
def json_schema(source: SchemeArgument = "", desk: DeskOption = Path()) -> None:
    """Print the JSON Schema of an annotated document.

    \b
    Example:
      copydesk scheme json-schema > annotated.schema.json
    """
    from copydesk.schemas import json_schema as make_schema

    Output().line(json.dumps(make_schema(read_scheme(source, desk)), ensure_ascii=False, indent=2))


def read_scheme(source: str, desk: Path) -> LabelScheme:
    """Return a scheme by name or file; without one the desk's, and outside a desk the shipped one."""
    from copydesk.corpus import SETTINGS_FILE
    from copydesk.schemas import load_scheme

    if source:
        return load_scheme(source)
    return open_desk(desk).scheme() if (desk / SETTINGS_FILE).exists() else load_scheme()


def _shown(found: LabelScheme, desk: Path) -> LabelScheme:
    """Return the layers that people see: the desk's choice, or those on by default."""
    from copydesk.corpus import SETTINGS_FILE

    if (desk / SETTINGS_FILE).exists():
        return found.select(list(open_desk(desk).settings.studio.layers))
    return found.select([layer.id for layer in found.layers if layer.default])
