"""Read people's annotations from JSON lines, check every span, and play them into Label Studio.

A line holds one person's finished work on one document::

    {"document": id, "sha256": hash of its text, "entities": [{"id", "start", "end", "text", "label", "attributes"}],
     "attributions": [{"id", "content", "source", "cue", "form", "source_type"}],
     "stances": [{"target", "holder", "polarity", "role", "evidence"}], "choices": {question: [answer]},
     "annotator": name, "ground_truth": false, "lead_time": seconds}

A span is ``{"start", "end", "text"}`` in code points of the frozen text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from copydesk.corpus import Desk
    from copydesk.schemas import Annotations, Document, OnProgress, Span

__all__ = ["AnnotatedRow", "play", "read_annotations", "to_annotations"]


@dataclass(frozen=True, slots=True)
class AnnotatedRow:
    """One line: what somebody said, and whether it is an adjudication."""

    annotations: Annotations
    ground_truth: bool


def read_annotations(desk: Desk, file: Path) -> list[AnnotatedRow]:
    """Read a file of annotations about documents of a desk.

    Raises:
        InputError: A line is no JSON, lacks a field, or is about a document that the desk does not have.
        OffsetError: A span does not fit the desk's text.
    """
    from copydesk.corpus import documents
    from copydesk.schemas import InputError

    known = {document.id: document for document in documents(desk)}
    rows = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read annotations: {error}", where=str(file)) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{file}:{number}"
        try:
            data = json.loads(line)
            document = known.get(data["document"])
            if document is None:
                raise InputError(
                    f"the desk has no document {data['document']}",
                    where=where,
                    hint="Ingest the same articles first, with the desk's default settings.",
                )
            rows.append(AnnotatedRow(to_annotations(data, document), bool(data.get("ground_truth", False))))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not an annotated document: {error!r}", where=where) from error
    return rows


def to_annotations(data: Mapping[str, Any], document: Document) -> Annotations:
    """Return a line's annotations, every span checked against the document's text.

    Raises:
        OffsetError: A span, or the text's hash, is not the document's.
        KeyError: A field is missing.
    """
    from copydesk.schemas import Annotations, Attribution, Entity, Origin, Stance

    origin = Origin("adjudication" if data.get("ground_truth") else "person", str(data.get("annotator", "")))
    return Annotations(
        document_id=data["document"],
        sha256=data["sha256"],
        entities=tuple(
            Entity(item["id"], _span(item), item["label"], origin, dict(item.get("attributes", {})))
            for item in data["entities"]
        ),
        attributions=tuple(
            Attribution(
                id=item["id"],
                content=_span(item["content"]),
                origin=origin,
                source=_optional(item.get("source")),
                cue=_optional(item.get("cue")),
                form=item.get("form", ""),
                source_type=item.get("source_type", ""),
            )
            for item in data["attributions"]
        ),
        stances=tuple(
            Stance(
                target=item["target"],
                holder=item["holder"],
                polarity=item["polarity"],
                origin=origin,
                evidence=tuple(_span(span) for span in item.get("evidence", ())),
                role=item.get("role", ""),
            )
            for item in data["stances"]
        ),
        choices={question: tuple(values) for question, values in data.get("choices", {}).items()},
    ).check(document)


def _span(data: Mapping[str, Any]) -> Span:
    from copydesk.schemas import Span

    return Span(int(data["start"]), int(data["end"]), str(data["text"]))


def _optional(data: Mapping[str, Any] | None) -> Span | None:
    return _span(data) if data else None


def play(desk: Desk, annotator: str, rows: Sequence[AnnotatedRow], *, on_progress: OnProgress) -> int:
    """Create the annotations through Label Studio's API as one user and return how many were new."""
    return sum(_play(desk, annotator, rows, truth, on_progress) for truth in (False, True))


def _play(desk: Desk, annotator: str, rows: Iterable[AnnotatedRow], truth: bool, on_progress: OnProgress) -> int:
    from copydesk.annotate import replay

    said = [row.annotations for row in rows if row.ground_truth is truth]
    return replay(desk, annotator, said, ground_truth=truth, on_progress=on_progress) if said else 0
