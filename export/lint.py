"""Stop a release whose labels break a check of the scheme: one of the gates before it gets its name.

What fails a gate leaves nothing behind. The gates are, in their order:

=================  ==========================================================================================
gate               stops where
=================  ==========================================================================================
texts              (:mod:`texts`) a licence forbids passing a text on; as set: an unknown licence, personal data
checks             a label of people breaks a check of the scheme (E… of ``copydesk check``); as set: never
reload             (:mod:`strangers`) ``datasets`` cannot load or stream it in a clean process, or finds other rows or names
promises           (:mod:`promises`) an offset, id, split, tag or reference is not as it should be
card               (:mod:`card`) a part of it is missing, left to fill in, or says another version or content
croissant          (:mod:`strangers`) ``mlcroissant`` finds it invalid or cannot read its records
=================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.corpus import ReleaseSettings
from copydesk.schemas import (
    Annotations,
    Attribution,
    Document,
    Entity,
    Finding,
    LabelScheme,
    Origin,
    ReleaseError,
    Span,
    Stance,
    check,
)

from .features import CONFIGS, decoder
from .labels import UNSPECIFIED, Labels

__all__ = ["lint", "refuse_errors"]

_SHOWN: Final = 20
_RELEASE: Final = Origin("adjudication", "release")


def lint(folder: Path, scheme: LabelScheme, labels: Labels) -> Iterator[Finding]:
    """Yield every error that the scheme's checks find in the articles of a release folder with texts.

    Silver is left out: nobody has looked at it, and a release says so of every row.
    """
    silver = labels["origin"].index("silver")
    decode = decoder(dict(CONFIGS["articles"].features), labels)
    for path in sorted((folder / "articles").glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                worked = batch.filter(pc.not_equal(batch["origin"], silver))
                for row in map(decode, worked.to_pylist()):
                    document, annotations = _read(row)
                    yield from check(document, annotations, scheme).errors


def refuse_errors(folder: Path, scheme: LabelScheme, labels: Labels, settings: ReleaseSettings) -> int:
    """Return how many errors the scheme's checks find; refuse any, unless the settings only count them.

    Raises:
        ReleaseError: Names the documents and the checks, up to twenty.
    """
    found = lint(folder, scheme, labels)
    shown = list(islice(found, _SHOWN))
    number = len(shown) + sum(1 for _ in found)
    if number and settings.checks == "stop":
        lines = [f"document {finding.document_id}: {finding}" for finding in shown]
        lines += [f"and {number - len(shown)} more"] if number > len(shown) else []
        raise ReleaseError(
            "\n  ".join([f"{number} labels break a check of the scheme:", *lines]),
            hint="Correct them in Label Studio and pull again; copydesk check lists them all. To release them as they "
            'are, set `checks = "count"` under [release] in copydesk.toml.',
        )
    return number


def _read(row: dict[str, Any]) -> tuple[Document, Annotations]:
    """Return an article and what stands about it, from its row with label names."""
    plain = (
        "id",
        "text",
        "sha256",
        "title",
        "url",
        "outlet",
        "published",
        "retrieved",
        "language",
        "licence",
        "byline",
    )
    document = Document(
        **{name: row[name] for name in plain}, source_kind=row["source_kind"], raw_sha256=row["raw_sha256"]
    )
    entities = tuple(
        Entity(e["id"], _span(e), e["label"], _RELEASE, {a["name"]: a["value"] for a in e["attributes"]})
        for e in row["entities"]
    )
    attributions = tuple(
        Attribution(
            a["id"],
            _span(a),
            _RELEASE,
            _first(a["source"]),
            _first(a["cue"]),
            _stated(a["form"]),
            _stated(a["source_type"]),
        )
        for a in row["attributions"]
    )
    stances = tuple(
        Stance(
            s["target"], s["holder"], s["polarity"], _RELEASE, tuple(map(_span, s["evidence"])), role=_stated(s["role"])
        )
        for s in row["stances"]
    )
    choices = {said["question"]: tuple(said["values"]) for said in row["choices"]}
    return document, Annotations(document.id, document.sha256, entities, attributions, stances, choices)


def _span(said: dict[str, Any]) -> Span:
    return Span(said["start"], said["end"], said["text"])


def _first(said: list[dict[str, Any]]) -> Span | None:
    return _span(said[0]) if said else None


def _stated(value: str) -> str:
    return "" if value == UNSPECIFIED else value
