"""Take annotations apart into items that can be decided one by one, and put them together again.

An item is a mention (span and label), an attribution (its content), a stance (target and holder) or an answer about the
whole document; its value is everything else that is said of it, as canonical JSON. Two people agree on an item where
their values are the same. Taking annotations apart and putting the items into nothing gives the same annotations back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from copydesk.schemas import OUTLET, UNNAMED, Annotations, Attribution, Entity, LabelScheme, Origin, Span, Stance

from .consensus import Asked, Disagreement, mention_id, reidentify

__all__ = ["QUESTIONS", "Item", "Said", "applied", "items", "layers_by_label", "place_of", "votes"]

QUESTIONS: Final = "questions"
_STANCE: Final = re.compile(r"(\w+) by (?:(\d+)-(\d+) )?(\w+)", re.ASCII)


class Item(NamedTuple):
    """Something that is decided by itself; sorts in the order of the text.

    Attributes:
        start: Code-point offset of the span concerned, of a stance its target's; 0 for the whole document.
        end: Offset after it; 0 for the whole document.
        layer: The layer; ``questions`` for an answer about the whole document.
        name: The label of a mention, ``CONTENT``, a question, or of a stance ``LABEL by HOLDER``, where the holder is
            ``OUTLET``, ``UNNAMED`` or the place of a mention, ``start-end LABEL``.
        text: The words of the span.
    """

    start: int
    end: int
    layer: str
    name: str
    text: str

    @property
    def place(self) -> tuple[str, int, int, str]:
        """Where a disagreement about it is listed, as :func:`place_of` says it."""
        if self.layer == QUESTIONS:
            return (QUESTIONS, 0, 0, self.name)
        layer = self.layer if self.layer in ("attribution", "stance") else "spans"
        return (layer, self.start, self.end, "")


def place_of(one: Disagreement) -> tuple[str, int, int, str]:
    """Return where a disagreement is listed: the place of the items that it is about."""
    return one.layer, one.start, one.end, one.item if one.layer == QUESTIONS else ""


Said = dict[Item, str]
"""What somebody says of each item, as canonical JSON."""


def layers_by_label(scheme: LabelScheme) -> dict[str, str]:
    """Return label → layer."""
    return {label.id: label.layer for label in scheme.labels}


# apart


def items(annotations: Annotations, layers: Mapping[str, str]) -> Said:
    """Return what annotations say of each item.

    Args:
        annotations: With ids by content, as :func:`~.consensus.reidentify` makes them.
        layers: Label to layer.
    """
    return {item: value for item, (value, _) in _parts(annotations, layers).items()}


_Thing = Entity | Attribution | Stance | tuple[str, ...]


def _parts(annotations: Annotations, layers: Mapping[str, str]) -> dict[Item, tuple[str, _Thing]]:
    found: dict[Item, tuple[str, _Thing]] = {}
    mentions = {entity.id: entity for entity in annotations.entities}
    for entity in annotations.entities:
        item = Item(*_at(entity.span), layers.get(entity.label, "spans"), entity.label, entity.span.text)
        found[item] = _json(dict(entity.attributes)), entity
    for one in annotations.attributions:
        value = {"source": _span(one.source), "cue": _span(one.cue), "form": one.form, "source_type": one.source_type}
        found[Item(*_at(one.content), "attribution", "CONTENT", one.content.text)] = _json(value), one
    for stance in annotations.stances:
        target, by = mentions[stance.target], mentions.get(stance.holder)
        holder = stance.holder if by is None else f"{by.span.start}-{by.span.end} {by.label}"
        item = Item(*_at(target.span), "stance", f"{target.label} by {holder}", target.span.text)
        said = {"polarity": stance.polarity, "role": stance.role, "evidence": [_span(s) for s in stance.evidence]}
        found[item] = _json(said), stance
    for question, answers in annotations.choices.items():
        found[Item(0, 0, QUESTIONS, question, "")] = _json(list(answers)), answers
    return found


def _at(span: Span) -> tuple[int, int]:
    return span.start, span.end


def _span(span: Span | None) -> list[int | str] | None:
    return None if span is None else [span.start, span.end, span.text]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# together


def applied(
    annotations: Annotations, decided: Mapping[Item, tuple[str, Origin]], layers: Mapping[str, str]
) -> Annotations:
    """Return annotations in which some items are as somebody decided; a stance whose mentions are gone goes with them.

    Args:
        annotations: With ids by content.
        decided: Item to what stands, nothing where it is to go, and who says so.
        layers: Label to layer.
    """
    things = {item: thing for item, (_, thing) in _parts(annotations, layers).items()}
    for item, (value, origin) in decided.items():
        things.pop(item, None)
        if value:
            things[item] = _made(annotations.document_id, item, json.loads(value), origin)
    return reidentify(
        Annotations(
            annotations.document_id,
            annotations.sha256,
            tuple(thing for thing in things.values() if isinstance(thing, Entity)),
            tuple(thing for thing in things.values() if isinstance(thing, Attribution)),
            tuple(thing for thing in things.values() if isinstance(thing, Stance)),
            {item.name: thing for item, thing in sorted(things.items()) if isinstance(thing, tuple)},
        )
    )


def _made(document: str, item: Item, value: Any, origin: Origin) -> _Thing:
    here = Span(item.start, item.end, item.text)
    if item.layer == QUESTIONS:
        return tuple(value)
    if item.layer == "attribution":
        own = mention_id(document, here, "CONTENT")
        source, cue = (None if value[name] is None else Span(*value[name]) for name in ("source", "cue"))
        return Attribution(own, here, origin, source, cue, value["form"], value["source_type"])
    if item.layer == "stance":
        label, start, end, holder = _names(item.name)
        if start is not None and end is not None:
            holder = mention_id(document, Span(start, end, ""), holder)
        evidence = tuple(Span(*span) for span in value["evidence"])
        return Stance(mention_id(document, here, label), holder, value["polarity"], origin, evidence, value["role"])
    return Entity(mention_id(document, here, item.name), here, item.name, origin, value)


def _names(name: str) -> tuple[str, int | None, int | None, str]:
    """Read a stance's name: the target's label, the holder's place if it is a mention, and its label or name."""
    found = _STANCE.fullmatch(name)
    assert found is not None, f"no name of a stance: {name}"
    label, start, end, holder = found.groups()
    assert start is not None or holder in (OUTLET, UNNAMED), f"no holder of a stance: {name}"
    return label, None if start is None else int(start), None if end is None else int(end), holder


# compared


def votes(item: Item, said: Mapping[str, Said], asked: Mapping[str, Asked]) -> dict[str, str]:
    """Return what each person who could say something of an item said: its value, or nothing.

    Args:
        item: The item.
        said: Annotator to what they say.
        asked: Annotator to what they were asked.
    """
    # questions stand on the page of the whole document
    layer = "spans" if item.layer == QUESTIONS else item.layer
    span = Span(item.start, item.end, item.text) if item.end else None
    return {who: own.get(item, "") for who, own in sorted(said.items()) if item in own or asked[who].about(layer, span)}
