"""Model a label scheme: the one file from which everything about labels is generated.

A scheme is a TOML file with a semantic version. Its layers hold labels (what a span can be called),
attributes (questions about a span or a stance), relations (arrows between spans) and questions about
the whole document. Labelling config, dataset features, JSON Schema, guidelines and checks come from it.

The layers ``attribution`` and ``stance`` are known to the code by the ids below; every other layer is
a plain span layer, so that a desk can add its own.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
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

RESERVED_HOTKEYS = frozenset({"u"})
"""Keys of Label Studio's own editor that a scheme could otherwise give: `u` unselects a region."""
HOTKEY = re.compile(r"(shift\+)?[a-z0-9]")
"""What a hotkey may be: the editor compares keys without case and keeps ctrl and alt for itself."""

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
    """A group of labels that is shown, corrected and released together; `rules` are for the guidelines."""

    id: Identifier
    title: str
    definition: str
    default: bool = True
    rules: list[str] = []


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
    """One of an attribute's or a question's closed answers; `title` is what an annotator reads instead of the id."""

    id: str = Field(pattern=r"^[A-Za-z0-9_+\-]+$", max_length=40)
    definition: str
    title: str = ""
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
    rules: list[str] = []
    layers: list[Layer]
    labels: list[Label]
    attributes: list[Attribute] = []
    relations: list[Relation] = []
    questions: list[Question] = []

    @model_validator(mode="after")
    def _consistent(self) -> LabelScheme:
        self._no_id_twice()
        self._no_dangling_name()
        self._no_clashing_hotkey()
        for label in self.labels:
            for example in (*label.examples, *label.counter_examples):
                if not re.search(r"\[\[.+?\]\]", example.text):
                    raise ValueError(f"label {label.id!r}: no [[words]] are marked in the example {example.text!r}")
        return self

    def _no_clashing_hotkey(self) -> None:
        owned = [(label.hotkey, f"label {label.id}") for label in self.labels]
        owned += [(value.hotkey, f"{a.id} {value.id}") for a in self.attributes for value in a.values]
        owned += [(value.hotkey, f"{q.id} {value.id}") for q in self.questions for value in q.values]
        taken: dict[str, str] = {}
        for key, owner in owned:
            if not key:
                continue
            if key in RESERVED_HOTKEYS or not HOTKEY.fullmatch(key):
                raise ValueError(
                    f"the hotkey {key!r} of {owner} cannot be used; give a digit or a lower-case letter, "
                    f"alone or after shift+, and none of {', '.join(sorted(RESERVED_HOTKEYS))}"
                )
            if key in taken:
                raise ValueError(f"the hotkey {key!r} is given twice: to {taken[key]} and to {owner}")
            taken[key] = owner

    def _no_id_twice(self) -> None:
        controls = (
            [layer.id for layer in self.layers] + [a.id for a in self.attributes] + [q.id for q in self.questions]
        )
        groups = [
            # these three become names in one labelling config, where no two things may share one
            ("layer, attribute or question", [*controls, "text"]),
            ("label", [label.id for label in self.labels]),
            ("relation", [relation.id for relation in self.relations]),
        ]
        groups += [(f"value of {a.id!r}", [value.id for value in a.values]) for a in self.attributes]
        groups += [(f"value of {q.id!r}", [value.id for value in q.values]) for q in self.questions]
        for kind, ids in groups:
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
    def default_layers(self) -> list[str]:
        """The ids of the layers that are on by default, in order."""
        return [layer.id for layer in self.layers if layer.default]

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

    def relation_between(self, source: str, target: str) -> Relation | None:
        """Return the one relation that goes from a span of one label to a span of another, or None.

        An arrow drawn by hand in Label Studio has no name until the annotator gives it one; its ends
        say which relation is meant.
        """
        fitting = [r for r in self.relations if source in r.source and target in r.target]
        return fitting[0] if len(fitting) == 1 else None

    def select(self, layers: list[str]) -> LabelScheme:
        """Return the scheme cut down to some of its layers, same name and version.

        The order of `layers` does not matter. Attributes and relations of a layer that is left out are
        left out with it.

        Raises:
            SchemeError: A layer is not in the scheme, none is given, or one asks about the labels of a
                layer that is left out (a stance needs the entities that it is about).
        """
        if not layers:
            raise SchemeError(f"no layer of scheme {self.name} is selected", hint="Select at least one layer.")
        unknown = [layer for layer in layers if layer not in {known.id for known in self.layers}]
        if unknown:
            known = ", ".join(layer.id for layer in self.layers)
            raise SchemeError(f"scheme {self.name} has no layer {unknown[0]!r}; it has {known}")
        self._no_needed_layer_missing(layers)

        return LabelScheme(
            name=self.name,
            version=self.version,
            title=self.title,
            rules=self.rules,
            layers=[layer for layer in self.layers if layer.id in layers],
            labels=[label for label in self.labels if label.layer in layers],
            attributes=[attribute for attribute in self.attributes if attribute.layer in layers],
            relations=[relation for relation in self.relations if relation.layer in layers],
            questions=self.questions,
        )

    def _no_needed_layer_missing(self, layers: list[str]) -> None:
        layer_of = {label.id: label.layer for label in self.labels}
        asked = [(a.layer, a.id, a.labels) for a in self.attributes]
        asked += [(r.layer, r.id, [*r.source, *r.target]) for r in self.relations]
        for layer, owner, labels in asked:
            needed = next((label for label in labels if layer_of[label] not in layers), None)
            if layer in layers and needed:
                raise SchemeError(
                    f"the layer {layer!r} needs the layer {layer_of[needed]!r}: its {owner!r} is about {needed}",
                    hint=f"Select {layer_of[needed]!r} as well, or leave {layer!r} out.",
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
        return _read(text).model_copy()  # its own: a copy of a scheme takes along what was computed from it
    except tomllib.TOMLDecodeError as error:
        raise SchemeError(f"not TOML: {error}", where=str(source)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SchemeError(first["msg"], where=f"{source}: {place}" if place else str(source)) from error


@functools.lru_cache(maxsize=8)
def _read(text: str) -> LabelScheme:
    # every stage asks for its scheme anew, some of them several times
    return LabelScheme.model_validate(tomllib.loads(text))
