"""Name what an export needs of a scheme, in an order that never changes: labels, values, attribute fields.

The order is the order of the scheme's file, which is append-only within a major version: a class id in
a published table keeps its meaning. Nothing here imports a dataset library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .errors import SchemeError
from .scheme import LabelScheme

__all__ = ["AttributeField", "attribute_fields", "bio_names", "label_names", "value_names"]


@dataclass(frozen=True, slots=True)
class AttributeField:
    """One attribute as a column.

    Attributes:
        id: The attribute's id, to be used as the column's name.
        layer: Whose attribute it is.
        kind: ``choice`` (one of `values`), ``integer`` (a whole number ≥ 0) or ``flag`` (true or absent).
        values: The ids of a choice in pinned order; empty for the other kinds.
        labels: The labels it is asked of.
    """

    id: str
    layer: str
    kind: Literal["choice", "integer", "flag"]
    values: tuple[str, ...]
    labels: tuple[str, ...]


def label_names(scheme: LabelScheme, layer: str | None = None) -> tuple[str, ...]:
    """Return label ids in pinned order: of one layer, or of every layer whose labels are entities.

    Raises:
        SchemeError: The scheme has no such layer.
    """
    if layer is None:
        return tuple(label.id for label in scheme.span_labels)
    if layer not in {known.id for known in scheme.layers}:
        raise SchemeError(f"scheme {scheme.name} has no layer {layer!r}")
    return tuple(label.id for label in scheme.labels if label.layer == layer)


def bio_names(scheme: LabelScheme, layer: str | None = None) -> tuple[str, ...]:
    """Return the tags of a BIO view in pinned order: ``O``, then ``B-`` and ``I-`` of each label.

    Raises:
        SchemeError: The scheme has no such layer.
    """
    return ("O", *(f"{prefix}-{name}" for name in label_names(scheme, layer) for prefix in "BI"))


def value_names(scheme: LabelScheme, id: str) -> tuple[str, ...]:
    """Return the value ids of a choice attribute or of a question, in pinned order.

    Raises:
        SchemeError: The scheme asks no such thing, or it is no choice.
    """
    attribute = scheme.attribute(id)
    question = next((question for question in scheme.questions if question.id == id), None)
    asked = attribute or question
    if asked is None or not asked.values:
        raise SchemeError(f"scheme {scheme.name} has no choice {id!r}")
    return tuple(value.id for value in asked.values)


def attribute_fields(scheme: LabelScheme, layer: str | None = None) -> tuple[AttributeField, ...]:
    """Return the attributes as columns, in pinned order: of one layer, or of all."""
    return tuple(
        AttributeField(a.id, a.layer, a.kind, tuple(value.id for value in a.values), tuple(a.labels))
        for a in scheme.attributes
        if layer is None or a.layer == layer
    )
