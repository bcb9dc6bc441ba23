"""Generate the JSON Schema of an annotated document from a scheme.

It says in a portable form what a program that is not ours has to write (the shape that
:func:`copydesk.schemas.annotated_to_json` gives). What a schema cannot say (that a span's text is the
document's, that a stance's target exists) is said by the checks.
"""

from __future__ import annotations

from typing import Any, Final

from .annotations import POLARITIES
from .scheme import Attribute, LabelScheme

__all__ = ["json_schema"]

_Schema = dict[str, Any]

_TEXT: Final[_Schema] = {"type": "string"}
_SHA256: Final[_Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_SCORE: Final[_Schema] = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def _object(properties: _Schema, *, optional: tuple[str, ...] = (), title: str = "") -> _Schema:
    described = {"title": title} if title else {}
    required = [name for name in properties if name not in optional]
    return {
        **described, "type": "object", "properties": properties, "required": required, "additionalProperties": False,
    }  # fmt: skip


def _list(items: _Schema, **limits: int) -> _Schema:
    return {"type": "array", "items": items, **limits}


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/$defs/{name}"}


def json_schema(scheme: LabelScheme) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a document annotated by this scheme.

    The same scheme gives the same object, keys in the same order.
    """
    layers = {layer.id for layer in scheme.layers}
    nothing = {"type": "array", "maxItems": 0}
    annotations = _object(
        {
            "document_id": _TEXT,
            "sha256": _SHA256,
            "entities": _list(_ref("entity")),
            "attributions": _list(_ref("attribution")) if "attribution" in layers else nothing,
            "stances": _list(_ref("stance")) if "stance" in layers else nothing,
            "choices": _list(_ref("choice")) if scheme.questions else nothing,
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:copydesk:{scheme.name}:{scheme.version}:{scheme.digest}",
        "title": f"A document annotated by {scheme.name} {scheme.version}",
        "description": scheme.title,
        **_object({"document": _ref("document"), "annotations": annotations}),
        "$defs": {
            "document": _document(),
            "span": _span(),
            "origin": _origin(),
            "entity": _entity(scheme),
            "attribution": _attribution(scheme),
            "stance": _stance(scheme),
            "choice": _choice(scheme),
        },
    }


def _document() -> _Schema:
    names = ("title", "url", "outlet", "published", "retrieved", "language", "licence", "byline")
    kept: _Schema = dict.fromkeys((*names, "external_id", "source_kind", "raw_sha256"), _TEXT)
    captions = {"type": "integer", "minimum": 0}
    properties = {"id": {"type": "string", "minLength": 1}, "text": _TEXT, "sha256": _SHA256}
    return _object({**properties, **kept, "captions": captions}, optional=(*kept, "captions"))


def _span() -> _Schema:
    start, end = {"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}
    span = _object({"start": start, "end": end, "text": {"type": "string", "minLength": 1}})
    return {**span, "description": "A half-open range of code points and the text that stands there."}


def _origin() -> _Schema:
    kinds = ["model", "rule", "person", "adjudication"]
    return _object({"kind": {"enum": kinds}, "name": _TEXT, "version": _TEXT})


def _values(scheme: LabelScheme, id: str, *empty: str) -> _Schema:
    attribute = scheme.attribute(id)
    return {"enum": [*empty, *(value.id for value in attribute.values)]} if attribute else {"enum": [*empty]}


def _pair(attribute: Attribute) -> _Schema:
    value: _Schema = {"enum": [value.id for value in attribute.values]}
    if attribute.kind == "integer":
        value = {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}
    elif attribute.kind == "flag":
        value = {"const": "true"}
    return _object({"name": {"const": attribute.id}, "value": value}, title=attribute.definition)


def _entity(scheme: LabelScheme) -> _Schema:
    entity = _object(
        {
            "id": {"type": "string", "minLength": 1},
            "span": _ref("span"),
            "label": {"enum": [label.id for label in scheme.span_labels]},
            "attributes": _list({}),
            "score": _SCORE,
            "origin": _ref("origin"),
        }
    )
    by_label = []
    for label in scheme.span_labels:
        pairs = [_pair(attribute) for attribute in scheme.attributes_of(label.id)]
        attributes = _list({"oneOf": pairs}, maxItems=len(pairs)) if pairs else {"type": "array", "maxItems": 0}
        by_label.append(
            {
                "if": {"properties": {"label": {"const": label.id}}, "required": ["label"]},
                "then": {"properties": {"attributes": attributes}},
            }
        )
    return {**entity, "allOf": by_label} if by_label else entity


def _attribution(scheme: LabelScheme) -> _Schema:
    at_most_one = _list(_ref("span"), maxItems=1)
    return _object(
        {
            "id": {"type": "string", "minLength": 1},
            "content": _ref("span"),
            "source": at_most_one,
            "cue": at_most_one,
            "form": _values(scheme, "form", ""),
            "source_type": _values(scheme, "source_type", ""),
            "score": _SCORE,
            "origin": _ref("origin"),
        }
    )


def _stance(scheme: LabelScheme) -> _Schema:
    polarity = _values(scheme, "polarity") if scheme.attribute("polarity") else {"enum": list(POLARITIES)}
    return _object(
        {
            "target": {"type": "string", "minLength": 1},
            "holder": {"type": "string", "minLength": 1},
            "polarity": polarity,
            "role": _values(scheme, "role", ""),
            "evidence": _list(_ref("span")),
            "score": _SCORE,
            "origin": _ref("origin"),
        }
    )


def _choice(scheme: LabelScheme) -> _Schema:
    answers = [
        _object(
            {
                "question": {"const": question.id},
                "values": {
                    **_list({"enum": [value.id for value in question.values]}, minItems=1),
                    **({} if question.multiple else {"maxItems": 1}),
                },
            },
            title=question.definition,
        )
        for question in scheme.questions
    ]
    return {"oneOf": answers} if answers else _object({})
