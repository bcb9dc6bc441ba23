"""Say what every column of a release is, once, as plain values.

A :data:`Feature` is a name of a plain type (``string``, ``int32``, ``bool``), a :class:`Classes` (a
closed set, stored by id, published with its names), a list of one feature, or a mapping of them (a
struct). From this the ``datasets`` features, the Arrow schema, the card and the encoders are made, so
that they cannot differ. Nothing is ever null and nothing is JSON in a string: what may be absent is an
empty string or an empty list, and every struct is a list of structs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from copydesk.schemas import SchemeError

from .labels import Labels

__all__ = ["CONFIGS", "Classes", "Config", "Feature", "decoder", "encoder", "feature_names", "known_name"]


@dataclass(frozen=True, slots=True)
class Classes:
    """A closed set of names, stored by id. `key` is its list in ``labels.json``."""

    key: str


Feature: TypeAlias = "str | Classes | list[Feature] | dict[str, Feature]"


@dataclass(frozen=True, slots=True)
class Config:
    """A table of a release.

    Attributes:
        name: What ``load_dataset(path, name)`` calls it.
        title: What one row is, for the card.
        features: Column to feature, in order.
    """

    name: str
    title: str
    features: dict[str, Feature]


_KEYS: Final[dict[str, Feature]] = {
    "id": "string",
    "document_id": "string",
    "cluster_id": "string",
    "split": "string",
    "origin": Classes("origin"),
    "scheme": "string",
}
_RANGE: Final[dict[str, Feature]] = {"start": "int32", "end": "int32", "text": "string"}
_ATTRIBUTES: Final[list[Feature]] = [{"name": "string", "value": "string"}]
_STANDOFF: Final[dict[str, Feature]] = {
    "entities": [{"id": "string", **_RANGE, "label": Classes("label"), "attributes": _ATTRIBUTES}],
    "attributions": [
        {
            "id": "string",
            **_RANGE,
            "form": Classes("form"),
            "source_type": Classes("source_type"),
            "source": [_RANGE],
            "cue": [_RANGE],
        }
    ],
    "stances": [
        {
            "target": "string",
            "holder": "string",
            "label": Classes("stance"),
            "polarity": Classes("polarity"),
            "role": Classes("role"),
            "evidence": [_RANGE],
        }
    ],
    "choices": [{"question": "string", "values": ["string"]}],
}
_SENTENCE: Final[dict[str, Feature]] = {"sentence": "int32", "start": "int32", "text": "string"}

ARTICLES: Final = Config(
    "articles",
    "one article with its text, its segments and everything that stands about it, as standoff",
    {
        **_KEYS,
        "title": "string",
        "text": "string",
        "sha256": "string",
        "url": "string",
        "outlet": "string",
        "byline": "string",
        "published": "string",
        "retrieved": "string",
        "language": "string",
        "licence": "string",
        "source_kind": "string",
        "raw_sha256": "string",
        "copies": ["string"],
        "annotators": ["string"],
        "segments": [{"start": "int32", "end": "int32", "kind": Classes("segment")}],
        **_STANDOFF,
    },
)
ENTITIES: Final = Config(
    "entities",
    "one sentence with tokens, BIO tags, and every entity in it, overlapping ones too",
    {
        **_KEYS,
        **_SENTENCE,
        "tokens": ["string"],
        "token_starts": ["int32"],
        "token_ends": ["int32"],
        "ner_tags": [Classes("ner_tags")],
        "entities": [{"id": "string", **_RANGE, "label": Classes("entity")}],
    },
)
SPANS: Final = Config(
    "spans",
    "one labelled span of any layer, with the voice it is said in",
    {
        **_KEYS,
        "layer": Classes("layer"),
        "label": Classes("label"),
        **_RANGE,
        "attributes": _ATTRIBUTES,
        "voice": "string",
        "sentence_start": "int32",
        "sentence_end": "int32",
    },
)
STANCE: Final = Config(
    "stance",
    "one stance of a holder towards a target, with the sentence of the target",
    {
        **_KEYS,
        **_SENTENCE,
        "target": "string",
        "target_start": "int32",
        "target_end": "int32",
        "target_label": Classes("label"),
        "target_id": "string",
        "holder": "string",
        "holder_kind": Classes("holder"),
        "holder_id": "string",
        "label": Classes("stance"),
        "polarity": Classes("polarity"),
        "role": Classes("role"),
        "evidence": [_RANGE],
    },
)
ANNOTATIONS: Final = Config(
    "annotations",
    "one annotator's version of one article",
    {**_KEYS, "annotator": "string", "ground_truth": "bool", "seconds": "int32", **_STANDOFF},
)
EDITS: Final = Config(
    "edits",
    "what became of one suggestion in one annotator's hands, or what they added",
    {
        **_KEYS,
        "annotator": "string",
        "kind": Classes("edit"),
        "also": [Classes("edit")],
        "layer": Classes("layer"),
        "suggested_label": "string",
        "suggested": [_RANGE],
        "final_label": "string",
        "final": [_RANGE],
        "model": "string",
        "score": "float64",
    },
)
_PARTS: Final[list[Feature]] = [{"name": "string", **_RANGE}]
DECISIONS: Final = Config(
    "decisions",
    "one item that an adjudicator decided: what stands, what would by the rule, who had said what, and why they differed",
    {
        **_KEYS,
        "adjudicator": "string",
        "reason": "string",
        "disputed": "bool",
        "stale": "bool",
        "layer": Classes("layer"),
        "name": "string",
        "span": [_RANGE],
        "holder": "string",
        "holder_span": [_RANGE],
        "stands": "bool",
        "values": _ATTRIBUTES,
        "parts": _PARTS,
        "ruled": "bool",
        "ruled_values": _ATTRIBUTES,
        "ruled_parts": _PARTS,
        "votes": [{"annotator": "string", "said": "bool", "values": _ATTRIBUTES, "parts": _PARTS}],
    },
)
CONFIGS: Final = {config.name: config for config in (ARTICLES, ENTITIES, SPANS, STANCE, ANNOTATIONS, EDITS, DECISIONS)}
"""Every table of a release, in the order of the card; one that would have no rows is not in it."""


def encoder(feature: Feature, labels: Labels) -> Callable[[Any], Any]:
    """Return a function from a value with label names to the value as it is stored, with ids.

    Raises:
        SchemeError: (the function) A name is not in its closed set.
    """
    if isinstance(feature, Classes):
        ids = {name: number for number, name in enumerate(labels[feature.key])}
        return lambda name: known_name(ids, name, feature.key)
    return _walk(feature, lambda inner: encoder(inner, labels))


def decoder(feature: Feature, labels: Labels) -> Callable[[Any], Any]:
    """Return the inverse of :func:`encoder`."""
    if isinstance(feature, Classes):
        names = labels[feature.key]
        return lambda number: names[number]
    return _walk(feature, lambda inner: decoder(inner, labels))


def _walk(feature: Feature, inside: Callable[[Feature], Callable[[Any], Any]]) -> Callable[[Any], Any]:
    if not has_classes(feature):
        return lambda value: value
    if isinstance(feature, list):
        one = inside(feature[0])
        return lambda values: [one(value) for value in values]
    assert isinstance(feature, dict)
    fields = [(name, inside(inner)) for name, inner in feature.items()]
    return lambda row: {name: turn(row[name]) for name, turn in fields}


def has_classes(feature: Feature) -> bool:
    """Tell whether any closed set is in a feature."""
    if isinstance(feature, list):
        return has_classes(feature[0])
    if isinstance(feature, dict):
        return any(has_classes(inner) for inner in feature.values())
    return isinstance(feature, Classes)


def known_name(ids: Mapping[str, int], name: str, key: str) -> int:
    """Return the id of a name.

    Raises:
        SchemeError: It is not in its closed set.
    """
    if name in ids:
        return ids[name]
    raise SchemeError(
        f"{name!r} is not among the names of {key!r}: {', '.join(ids)}",
        hint="The labels were made under another scheme than the desk's. Set `scheme` in copydesk.toml to theirs.",
    )


def feature_names(feature: Feature) -> str:
    """Return a feature in a word or two, for the card."""
    if isinstance(feature, Classes):
        return f"label ({feature.key})"
    if isinstance(feature, list):
        inner = feature[0]
        return f"list of {{{', '.join(inner)}}}" if isinstance(inner, dict) else f"list of {feature_names(inner)}"
    return feature if isinstance(feature, str) else f"{{{', '.join(feature)}}}"
