"""Read our sample articles and what people marked in them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from copydesk.corpus import canonical_documents, ingest, init_desk, segments
from copydesk.schemas import Document, Segment

__all__ = ["sample_documents", "sample_rows"]

SAMPLES: Final = Path(__file__).parent.parent / "samples"


def sample_rows() -> list[dict[str, Any]]:
    """Return one annotated row a document, as ``cli/samples.py`` describes it: an adjudication before an annotation."""
    rows: dict[str, dict[str, Any]] = {}
    for name in ("annotator-1", "adjudicator"):
        for line in (SAMPLES / "annotations" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rows[row["sha256"]] = row
    return list(rows.values())


def sample_documents() -> list[tuple[Document, Sequence[Segment]]]:
    """Return the sample articles as ``copydesk ingest`` makes them, with their segments."""
    with tempfile.TemporaryDirectory() as scratch:
        desk = init_desk(Path(scratch) / "samples")
        ingest(desk, [str(SAMPLES / "articles")])
        parts: dict[str, list[Segment]] = {}
        for segment in segments(desk):
            parts.setdefault(segment.document_id, []).append(segment)
        return [(document, parts.get(document.id, [])) for document in canonical_documents(desk)]
