"""Model a label scheme: the one file from which everything about labels is generated.

A scheme is a TOML file with a semantic version. Its layers hold labels (what a span can be called),
attributes (questions about a span or a stance), relations (arrows between spans) and questions about
the whole document. Labelling config, dataset features, JSON Schema, guidelines and checks come from it.

The layers ``attribution`` and ``stance`` are known to the code by the ids below; every other layer is
a plain span layer, so that a desk can add its own.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import SchemeError

__all__ = [
    "ATTRIBUTION_LABELS",
    "STANCE_LABELS",
    "Attribute",
    "Example",
    "Label",
    "LabelScheme",
    "Layer",
    "Question",
    "Relation",
    "Value",
    "load_scheme",
]

ATTRIBUTION_LABELS = ("SOURCE", "CUE", "CONTENT")
STANCE_LABELS = ("EVIDENCE", "STANCE")
"""EVIDENCE marks the words that show a stance; STANCE repeats a target's span to hold a further stance on it."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=40)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(_Model):
    """A sentence with the part meant in ``[[double brackets]]``, and why."""

    text: str
    why: str = ""


class Layer(_Model):
    """A group of labels that is shown, corrected and released together."""

    id: Identifier
    title: str
    definition: str
    default: bool = True


class Label(_Model):
    """What a span can be called."""

    id: Identifier
    layer: Identifier
    definition: str
    examples: list[Example] = Field(min_length=2)
    counter_examples: list[Example] = Field(min_length=2)
    colour: str = Field(pattern=r"^#[0-9a-f]{6}$")
    hotkey: str = Field(default="", max_length=12)
    crosswalk: dict[str, str] = {}


class Value(_Model):
    """One of an attribute's or a question's closed answers."""

    id: str = Field(pattern=r"^[A-Za-z0-9_+\-]+$", max_length=40)
    definition: str
    hotkey: str = Field(default="", max_length=12)


class Attribute(_Model):
    """A question about spans of certain labels, or about the stance towards them.

    ``choice`` takes one of `values`, ``integer`` a whole number ≥ 0, ``flag`` only ``true``.
    """

    id: Identifier
    layer: Identifier
    labels: list[Identifier] = Field(min_length=1)
    kind: Literal["choice", "integer", "flag"]
    definition: str
    values: list[Value] = []


class Relation(_Model):
    """An arrow from a span of one of the source labels to one of the target labels."""

    id: Identifier
    layer: Identifier
    source: list[Identifier] = Field(min_length=1)
    target: list[Identifier] = Field(min_length=1)
    definition: str


class Question(_Model):
    """A question about the whole document."""

    id: Identifier
    definition: str
    values: list[Value] = Field(min_length=2)
    multiple: bool = False


class LabelScheme(_Model):
    """A versioned set of layers, labels, attributes, relations and questions."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: str
    layers: list[Layer]
    labels: list[Label]
    attributes: list[Attribute] = []
    relations: list[Relation] = []
    questions: list[Question] = []

    @model_validator(mode="after")
    def _consistent(self) -> LabelScheme:
        self._no_id_twice()
        self._no_dangling_name()
        keys = [label.hotkey for label in self.labels]
        keys += [value.hotkey for attribute in self.attributes for value in attribute.values]
        keys += [value.hotkey for question in self.questions for value in question.values]
        if twice := _twice([key for key in keys if key]):
            raise ValueError(f"the hotkey {twice!r} is given twice")
        return self

    def _no_id_twice(self) -> None:
        for kind, ids in (
            ("layer", [layer.id for layer in self.layers]),
            ("label", [label.id for label in self.labels]),
            ("attribute or question", [a.id for a in self.attributes] + [q.id for q in self.questions]),
            ("relation", [relation.id for relation in self.relations]),
        ):
            if twice := _twice(ids):
                raise ValueError(f"{kind} {twice!r} is defined twice")

    def _no_dangling_name(self) -> None:
        layers = {layer.id for layer in self.layers}
        owners = [(item.id, item.layer) for item in self.labels]
        owners += [(item.id, item.layer) for item in self.attributes]
        owners += [(item.id, item.layer) for item in self.relations]
        for owner, layer in owners:
            if layer not in layers:
                raise ValueError(f"{owner!r} names the layer {layer!r}, which is not defined")
        labels = {label.id for label in self.labels}
        named = [(attribute.id, label) for attribute in self.attributes for label in attribute.labels]
        named += [(relation.id, label) for relation in self.relations for label in (*relation.source, *relation.target)]
        for owner, label in named:
            if label not in labels:
                raise ValueError(f"{owner!r} names the label {label!r}, which is not defined")
        for attribute in self.attributes:
            if (attribute.kind == "choice") != bool(attribute.values):
                raise ValueError(f"attribute {attribute.id!r}: a choice needs values, and only a choice has them")

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the scheme's canonical JSON: changes with any word of it."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def span_labels(self) -> tuple[Label, ...]:
        """The labels an :class:`Entity` can have: every layer but attribution and stance."""
        return tuple(label for label in self.labels if label.layer not in ("attribution", "stance"))

    @property
    def stance_targets(self) -> frozenset[str]:
        """The labels whose mentions can be the target of a stance."""
        polarity = self.attribute("polarity")
        return frozenset(polarity.labels) - set(STANCE_LABELS) if polarity else frozenset()

    def label(self, id: str) -> Label | None:
        """Return the label with this id, or None."""
        return next((label for label in self.labels if label.id == id), None)

    def attribute(self, id: str) -> Attribute | None:
        """Return the attribute with this id, or None."""
        return next((attribute for attribute in self.attributes if attribute.id == id), None)

    def attributes_of(self, label: str) -> tuple[Attribute, ...]:
        """Return the attributes asked of spans with this label, stance questions left out."""
        return tuple(a for a in self.attributes if label in a.labels and a.layer != "stance")

    def select(self, layers: list[str]) -> LabelScheme:
        """Return the scheme cut down to some of its layers, same name and version.

        Raises:
            SchemeError: A layer is not in the scheme.
        """
        unknown = [layer for layer in layers if layer not in {known.id for known in self.layers}]
        if unknown:
            known = ", ".join(layer.id for layer in self.layers)
            raise SchemeError(f"scheme {self.name} has no layer {unknown[0]!r}; it has {known}")
        kept = {label.id for label in self.labels if label.layer in layers}

        def only(ids: list[str]) -> list[str]:
            return [label for label in ids if label in kept]

        return LabelScheme(
            name=self.name,
            version=self.version,
            title=self.title,
            layers=[layer for layer in self.layers if layer.id in layers],
            labels=[label for label in self.labels if label.layer in layers],
            attributes=[
                attribute.model_copy(update={"labels": only(attribute.labels)})
                for attribute in self.attributes
                if attribute.layer in layers and only(attribute.labels)
            ],
            relations=[
                relation.model_copy(update={"source": only(relation.source), "target": only(relation.target)})
                for relation in self.relations
                if relation.layer in layers and only(relation.source) and only(relation.target)
            ],
            questions=self.questions,
        )


def _twice(ids: list[str]) -> str | None:
    return next((item for item in sorted(ids) if ids.count(item) > 1), None)


def load_scheme(source: str | Path = "conflict-news-1.0") -> LabelScheme:
    """Read a scheme: a shipped one by name, or any TOML file by path.

    Raises:
        SchemeError: The file is missing, is no TOML, or contradicts itself; names the place.
    """
    path = Path(source)
    if not str(source).endswith(".toml"):
        shipped = resources.files("copydesk.schemas") / "data" / f"{source}.toml"
        if not shipped.is_file():
            raise SchemeError(
                f"no scheme {str(source)!r} is shipped", hint="Give conflict-news-1.0 or the path of a .toml file."
            )
        text = shipped.read_text(encoding="utf-8")
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SchemeError(f"cannot read the scheme: {error}", where=str(source)) from error
    try:
        return LabelScheme.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SchemeError(f"not TOML: {error}", where=str(source)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SchemeError(first["msg"], where=f"{source}: {place}" if place else str(source)) from error
