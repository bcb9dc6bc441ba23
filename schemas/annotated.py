"""Write a document and what is said about it as one JSON object, and read it back.

    {"document": {"id": …, "text": …, "sha256": …, "title": …},
     "annotations": {"entities": […], "attributions": […], "stances": […], "choices": […]}}

The names are those of the stored tables. Reading checks the shape only; :func:`copydesk.schemas.check`
says whether what is said holds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .annotations import Annotations
from .documents import Document
from .errors import InputError
from .records import annotations_from_row, annotations_to_row, to_table

__all__ = ["AnnotatedDocument", "annotated_from_json", "annotated_to_json"]


@dataclass(frozen=True, slots=True)
class AnnotatedDocument:
    """A document with one set of annotations."""

    document: Document
    annotations: Annotations


def annotated_to_json(document: Document, annotations: Annotations) -> dict[str, Any]:
    """Return both as one object of plain JSON types, empty fields of the document left out."""
    kept = {name: value for name, value in dataclasses.asdict(document).items() if value}
    return {"document": {"text": "", **kept}, "annotations": annotations_to_row(annotations)}


def annotated_from_json(data: Mapping[str, Any], *, where: str | None = None) -> AnnotatedDocument:
    """Read what :func:`annotated_to_json` writes.

    Args:
        data: The parsed JSON object.
        where: The file or record it comes from, for the error.

    Raises:
        InputError: A field is missing, unknown or of another type.
    """
    try:
        read = AnnotatedDocument(Document(**data["document"]), annotations_from_row(data["annotations"]))
        # the tables know every field's type
        to_table(Document, [read.document])
        to_table(Annotations, [read.annotations])
        if hole := _hole(data):
            raise ValueError(f"{hole} is null")
        return read
    except KeyError as error:
        raise InputError(f"no field {error} in the annotated document", where=where) from error
    except (TypeError, AttributeError, ValueError, pa.ArrowException) as error:
        raise InputError(f"not an annotated document: {error}", where=where) from error


def _hole(value: Any, name: str = "") -> str | None:
    """Return the name of a field that is null though it may not be; only a score may."""
    if value is None:
        return None if name == "score" else name
    if isinstance(value, Mapping):
        return next((hole for key, item in value.items() if (hole := _hole(item, str(key)))), None)
    if isinstance(value, list):
        return next((hole for item in value if (hole := _hole(item, name))), None)
    return None
