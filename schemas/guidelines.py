"""Write the annotator guidelines of a scheme as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .scheme import Attribute, Example, Label, LabelScheme, Layer, Value

__all__ = ["guidelines"]


def guidelines(scheme: LabelScheme) -> str:
    """Return the guidelines for annotators: rules, every label with examples and counter-examples, keys, crosswalk.

    The words meant in an example are bold. The same scheme gives the same text.
    """
    lines = [
        f"# {scheme.title}",
        "",
        f"Guidelines for annotators. Scheme `{scheme.name}` {scheme.version}, digest `{scheme.digest[:12]}`.",
        "",
        "## Always",
        "",
        *_bullets(scheme.rules),
        *_keys(scheme),
    ]
    for layer in scheme.layers:
        lines += _layer(scheme, layer)
    lines += _questions(scheme)
    lines += _crosswalk(scheme.labels)
    return "\n".join(lines).rstrip() + "\n"


def _bullets(items: Iterable[str]) -> list[str]:
    return [*(f"- {item}" for item in items), ""]


def _keys(scheme: LabelScheme) -> Iterator[str]:
    yield from (
        "## In Label Studio",
        "",
        "Press a label's key, then drag over the words. Click a region to see its questions at the right, and answer by",
        "mouse or key. `Alt`+`R`, then a click on the other region, draws an arrow; which one it is follows from the",
        "labels at its ends. `U` lets go of a region, `Backspace` deletes it, `Ctrl`+`Enter` submits. Rest the mouse on",
        "a label or an answer to read its definition. “Show region labels” in the settings writes the labels into the text.",
        "",
    )
    if scheme.relations:
        yield from ("| arrow | from | to | meaning |", "|---|---|---|---|")
        for relation in scheme.relations:
            ends = (", ".join(f"`{label}`" for label in side) for side in (relation.source, relation.target))
            yield f"| `{relation.id}` | {' | '.join(ends)} | {_cell(relation.definition)} |"
        yield ""


def _layer(scheme: LabelScheme, layer: Layer) -> Iterator[str]:
    yield from (f"## {layer.title}", "", f"Layer `{layer.id}`. {layer.definition}", "")
    if layer.rules:
        yield from _bullets(layer.rules)
    for label in scheme.labels:
        if label.layer == layer.id:
            yield from _label(label, scheme.attributes_of(label.id))
    # what is asked of targets and not of one label is told once, after the labels
    for attribute in scheme.attributes:
        if attribute.layer == layer.id == "stance":
            yield from (f"### {attribute.id}", "", *_attribute(attribute), "")


def _label(label: Label, attributes: Iterable[Attribute]) -> Iterator[str]:
    yield from (f"### {label.id}", "")
    yield f"{label.definition}" + (f" Key `{label.hotkey}`." if label.hotkey else "")
    yield ""
    for attribute in attributes:
        yield from (f"**{attribute.id}**", "", *_attribute(attribute), "")
    yield from ("Yes:", "", *_bullets(map(_example, label.examples)))
    yield from ("No:", "", *_bullets(map(_example, label.counter_examples)))


def _attribute(attribute: Attribute) -> Iterator[str]:
    kinds = {"integer": " A whole number.", "flag": " Tick or leave empty."}
    asked = ", ".join(f"`{label}`" for label in attribute.labels)
    yield f"{attribute.definition}{kinds.get(attribute.kind, '')}" + (
        f" Asked of {asked}." if len(attribute.labels) > 1 else ""
    )
    if attribute.values:
        yield ""
        yield from map(_value, attribute.values)


def _value(value: Value) -> str:
    name = f"`{value.id}`" + (f" ({value.title})" if value.title and value.title != value.id else "")
    return f"- {name}: {value.definition}" + (f" Key `{value.hotkey}`." if value.hotkey else "")


def _example(example: Example) -> str:
    return re.sub(r"\[\[(.+?)\]\]", r"**\1**", example.text) + (f" — {example.why}" if example.why else "")


def _questions(scheme: LabelScheme) -> Iterator[str]:
    if scheme.questions:
        yield from ("## About the whole article", "", "Asked while no region is selected.", "")
    for question in scheme.questions:
        several = " Several answers are possible." if question.multiple else ""
        yield from (f"### {question.id}", "", f"{question.definition}{several}", "")
        yield from (*map(_value, question.values), "")


def _crosswalk(labels: list[Label]) -> Iterator[str]:
    schemes = list(dict.fromkeys(name for label in labels for name in label.crosswalk))
    if not schemes:
        return
    yield from ("## Crosswalk", "", "What the labels are nearest to elsewhere; not always the same thing.", "")
    yield "| label | " + " | ".join(schemes) + " |"
    yield "|---" * (len(schemes) + 1) + "|"
    for label in labels:
        if label.crosswalk:
            yield f"| `{label.id}` | " + " | ".join(_cell(label.crosswalk.get(name, "")) for name in schemes) + " |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
