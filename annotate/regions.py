"""Say what is marked in a document in the words that annotation tools share: labelled regions, relations, answers.

Label Studio's rows, brat's lines, a CAS and Prodigy's spans all come down to these. Attributions and stances are
regions and relations here as they are on the labelling screen, so that what one of them can hold goes through whole,
and what one cannot is a region or a relation that can be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from copydesk.schemas import Annotations, Document, LabelScheme

from .tasks import encode_result
from .wire import TEXT, Result, vocabulary

__all__ = ["Link", "Marked", "Region", "marked_by", "rows_of"]


@dataclass(frozen=True, slots=True)
class Region:
    """A labelled range of a text.

    Attributes:
        id: Unique in its document.
        start: Offset of its first code point.
        end: Offset after its last.
        label: A label's id.
        attributes: Attribute id to value.
    """

    id: str
    start: int
    end: int
    label: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A relation from one region to another, by their ids."""

    source: str
    relation: str
    target: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with everything that is marked in it.

    Attributes:
        name: What it is called where it came from.
        text: The text.
        regions: In the order of the text, longer ones first.
        links: In no order that means anything.
        answers: Question about the whole document to what was chosen.
        unread: What the source says about it that has no place in these words: what it is, and why.
    """

    name: str
    text: str
    regions: tuple[Region, ...] = ()
    links: tuple[Link, ...] = ()
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread: tuple[tuple[str, str], ...] = ()

    def words(self, region: Region) -> str:
        """Return the text that a region covers."""
        return self.text[region.start : region.end]


def marked_by(document: Document, annotations: Annotations, scheme: LabelScheme) -> Marked:
    """Return what annotations mark in a document.

    Raises:
        SchemeError: Something does not fit the scheme.
        OffsetError: A span is not the document's.
    """
    places: dict[str, tuple[int, int, str]] = {}
    attributes: dict[str, dict[str, str]] = {}
    links: list[Link] = []
    answers: dict[str, tuple[str, ...]] = {}
    for row in encode_result(document, annotations, scheme):
        value = row.get("value", {})
        match row["type"]:
            case "relation":
                links += [Link(row["from_id"], label, row["to_id"]) for label in row["labels"]]
            case "labels":
                places[row["id"]] = value["start"], value["end"], value["labels"][0]
            case _ if "start" not in value:
                answers[row["from_name"]] = tuple(value["choices"])
            case "number":
                attributes.setdefault(row["id"], {})[row["from_name"]] = str(value["number"])
            case _:
                attributes.setdefault(row["id"], {})[row["from_name"]] = value["choices"][0]
    regions = [Region(key, *place, attributes.get(key, {})) for key, place in places.items()]
    regions.sort(key=lambda region: (region.start, -region.end, region.label, region.id))
    return Marked(document.id, document.text, tuple(regions), tuple(links), answers)


def rows_of(marked: Marked, scheme: LabelScheme) -> list[Result]:
    """Return what is marked as rows of a Label Studio result; what the scheme does not have stays in, for decoding to name."""
    words = vocabulary(scheme)
    rows: list[Result] = []
    for region in marked.regions:
        place = {"start": region.start, "end": region.end, "text": marked.words(region)}
        layer = words.layers.get(region.label, "entities")
        rows.append(_row(region.id, layer, "labels", {**place, "labels": [region.label]}))
        for name, value in sorted(region.attributes.items()):
            asked = words.attributes.get(name)
            if asked is not None and asked.kind == "integer" and value.isascii() and value.isdigit():
                rows.append(_row(region.id, name, "number", {**place, "number": int(value)}))
            else:
                rows.append(_row(region.id, name, "choices", {**place, "choices": [value]}))
    for link in marked.links:
        relation: Result = {"type": "relation", "from_id": link.source, "to_id": link.target, "direction": "right"}
        rows.append({**relation, "labels": [link.relation]})
    rows += _answers(marked.answers.items())
    return rows


def _row(region: str, name: str, kind: str, value: dict[str, Any]) -> Result:
    return {"id": region, "from_name": name, "to_name": TEXT, "type": kind, "value": value}


def _answers(said: Iterable[tuple[str, tuple[str, ...]]]) -> list[Result]:
    return [_row(f"question-{name}", name, "choices", {"choices": list(values)}) for name, values in sorted(said)]
