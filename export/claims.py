"""Put side by side what is claimed about the victims of what seems to be the same event.

The scheme names no events, so one is guessed, and called so: claims of the same kind (killed, injured …) whose sentence
names the same place, in articles of the same week. A claim whose sentence names no place takes the first one that its article
names. Whoever reads the table sees the words and can judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from .company import speaker
from .facets import NOT_STATED, actor_name, week_of
from .labels import Labels

__all__ = ["Claim", "claims"]

_PLACES: Final = ("FACILITY", "LOCATION", "GPE")
"""From the most to the least exact."""


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """One number of victims, and who says so.

    Attributes:
        place: Where, as far as the text says; `week` and `kind` likewise: together they are the event.
        week: The Monday of the article's week.
        kind: ``killed``, ``injured`` …
        low: The number, or the lower end of a range.
        high: The same, or the upper end.
        claimant: Whose words it is in.
        outlet: Who printed it.
        words: What stands there.
        document_id: In which article.
    """

    place: str
    week: str
    kind: str
    low: int
    high: int
    claimant: str
    outlet: str
    words: str
    document_id: str


def claims(spans: pa.Table, documents: pa.Table, labels: Labels) -> Iterator[Claim]:
    """Yield the claims of some documents that say a number and have a place and a date.

    Args:
        spans: Rows of ``spans``.
        documents: The documents.
        labels: The ids of every name.
    """
    names = labels["label"]
    wanted = [place for place, name in enumerate(names) if name in (*_PLACES, "TOLL")]
    columns = ["document_id", "sentence_start", "label", "start", "text", "voice", "attributes"]
    rows = spans.filter(pc.is_in(spans["label"], value_set=pa.array(wanted, pa.int64()))).select(columns)
    tolls = [row for row in rows.to_pylist() if names[row["label"]] == "TOLL"]
    if not tolls:
        return
    about = {
        key: (week_of(published), outlet or NOT_STATED)
        for key, published, outlet in zip(
            *(documents[n].to_pylist() for n in ("id", "published", "outlet")), strict=True
        )
    }
    places = _places(rows, names, {row["document_id"] for row in tolls})
    for row in tolls:
        key = row["document_id"]
        week, outlet = about[key]
        where = places.get((key, row["sentence_start"])) or places.get((key, -1), "")
        numbers = _numbers(row)
        if week and where and numbers:
            said = {pair["name"]: pair["value"] for pair in row["attributes"]}
            yield Claim(
                where, week, said.get("toll_kind", ""), *numbers, speaker(row["voice"]), outlet, row["text"], key
            )


def _places(rows: pa.Table, names: Any, wanted: set[str]) -> dict[tuple[str, int], str]:
    """Return the most exact place of each sentence, and under -1 the first place of each document."""
    found: dict[tuple[str, int], tuple[int, int, str]] = {}
    columns = (rows[name].to_pylist() for name in ("document_id", "sentence_start", "label", "start", "text"))
    for key, sentence, label, start, text in zip(*columns, strict=True):
        if key in wanted and names[label] in _PLACES:
            name = actor_name(text)
            here = (_PLACES.index(names[label]), start, name)
            found[key, sentence] = min(here, found.get((key, sentence), here))
            first = (0, start, name)
            found[key, -1] = min(first, found.get((key, -1), first))
    return {at: name for at, (_, _, name) in found.items()}


def _numbers(row: dict[str, Any]) -> tuple[int, int] | None:
    said = {pair["name"]: pair["value"] for pair in row["attributes"]}
    try:
        low, high = (
            int(said.get(name) or said.get(other) or "")
            for name, other in (("toll_low", "toll_high"), ("toll_high", "toll_low"))
        )
    except ValueError:
        return None
    return min(low, high), max(low, high)
