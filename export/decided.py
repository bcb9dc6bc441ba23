"""Turn what adjudicators decided into rows of the table ``decisions``, and back.

A row is one item: what stands of it, what would by the rule alone, and what each annotator had said. Places are kept as
offsets, and words are cut out of the article when a row is written; so a release without texts has the same rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from copydesk.annotate import Verdict

from .anchoring import Placed, Range
from .labels import Labels

__all__ = ["Answer", "DecisionRow", "decision_ranges", "decision_rows", "decision_values", "moved_decision", "reread"]

_STANCE: Final = re.compile(r"(\w+) by (?:(\d+)-(\d+) )?(\w+)", re.ASCII)
_RANGES: Final = ("span", "holder_span", "parts", "ruled_parts")
"""The columns that are lists of ranges; those of the votes are inside of these."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says of an item.

    Attributes:
        said: Whether they have it at all.
        values: Attribute and value; of a stance its polarity and role, of a question its answers.
        parts: Source, cue or evidence, and where it is.
    """

    said: bool
    values: tuple[tuple[str, str], ...] = ()
    parts: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision on one item, in the columns of ``decisions``; ranges are offsets into the article."""

    adjudicator: str
    reason: str
    disputed: bool
    stale: bool
    layer: str
    name: str
    span: tuple[Range, ...]
    holder: str
    holder_span: tuple[Range, ...]
    stands: Answer
    ruled: Answer
    votes: tuple[tuple[str, Answer], ...]


def decision_rows(
    decisions: Iterable[Verdict], stale: Iterable[Verdict], documents: Collection[str]
) -> dict[str, tuple[DecisionRow, ...]]:
    """Return the decisions in force by document, in the order of the text.

    Args:
        decisions: Those in force.
        stale: Those of them that judged other versions.
        documents: Which documents count.
    """
    old = {row.key for row in stale}
    found: dict[str, list[Verdict]] = {}
    for row in decisions:
        if row.document_id in documents:
            found.setdefault(row.document_id, []).append(row)
    return {
        document: tuple(_row(row, row.key in old) for row in sorted(rows, key=lambda row: row.item))
        for document, rows in found.items()
    }


def _row(row: Verdict, stale: bool) -> DecisionRow:
    name, holder, place = _named(row)
    votes = json.loads(row.votes)
    return DecisionRow(
        row.adjudicator,
        row.reason,
        row.disputed,
        stale,
        row.layer,
        name,
        ((row.start, row.end),) if row.end else (),
        holder,
        place,
        _answer(row.stands),
        _answer(row.ruled),
        tuple((who, _answer(votes[who])) for who in sorted(votes, key=lambda who: (len(who), who))),
    )


def _named(row: Verdict) -> tuple[str, str, tuple[Range, ...]]:
    """Return an item's label or question; of a stance the target's label, its holder, and where that is a mention."""
    found = _STANCE.fullmatch(row.name) if row.layer == "stance" else None
    if found is None:
        return row.name, "", ()
    label, start, end, holder = found.groups()
    return label, holder, ((int(start), int(end)),) if start else ()


def _answer(said: str) -> Answer:
    if not said:
        return Answer(False)
    value = json.loads(said)
    if isinstance(value, list):
        return Answer(True, tuple(("answer", str(one)) for one in value))
    parts = [(name, value[name]) for name in ("source", "cue") if value.get(name)]
    parts += [("evidence", span) for span in value.get("evidence") or ()]
    plain = {name: one for name, one in value.items() if name not in ("source", "cue", "evidence")}
    return Answer(
        True,
        tuple((name, str(one)) for name, one in sorted(plain.items()) if one),
        tuple((name, int(span[0]), int(span[1])) for name, span in parts),
    )


# as a table has it


def decision_values(row: DecisionRow, text: str) -> dict[str, Any]:
    """Return the columns of ``decisions`` that are about the decision itself, with words."""

    def ranges(places: Iterable[Range]) -> list[dict[str, Any]]:
        return [{"start": start, "end": end, "text": text[start:end]} for start, end in places]

    def parts(answer: Answer) -> list[dict[str, Any]]:
        return [{"name": name, "start": s, "end": e, "text": text[s:e]} for name, s, e in answer.parts]

    return {
        "adjudicator": row.adjudicator,
        "reason": row.reason,
        "disputed": row.disputed,
        "stale": row.stale,
        "layer": row.layer,
        "name": row.name,
        "span": ranges(row.span),
        "holder": row.holder,
        "holder_span": ranges(row.holder_span),
        "stands": row.stands.said,
        "values": _pairs(row.stands),
        "parts": parts(row.stands),
        "ruled": row.ruled.said,
        "ruled_values": _pairs(row.ruled),
        "ruled_parts": parts(row.ruled),
        "votes": [
            {"annotator": who, "said": said.said, "values": _pairs(said), "parts": parts(said)}
            for who, said in row.votes
        ],
    }


def _pairs(answer: Answer) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in answer.values]


def reread(row: Mapping[str, Any], labels: Labels) -> DecisionRow:
    """Return a row of the table, with label ids, with words or without, as a decision."""

    def places(column: str) -> tuple[Range, ...]:
        return tuple((one["start"], one["end"]) for one in row[column])

    def answer(said: bool, values: Iterable[Mapping[str, str]], parts: Iterable[Mapping[str, Any]]) -> Answer:
        pairs = tuple((pair["name"], pair["value"]) for pair in values)
        return Answer(said, pairs, tuple((part["name"], part["start"], part["end"]) for part in parts))

    return DecisionRow(
        row["adjudicator"],
        row["reason"],
        row["disputed"],
        row["stale"],
        labels["layer"][row["layer"]],
        row["name"],
        places("span"),
        row["holder"],
        places("holder_span"),
        answer(row["stands"], row["values"], row["parts"]),
        answer(row["ruled"], row["ruled_values"], row["ruled_parts"]),
        tuple((vote["annotator"], answer(vote["said"], vote["values"], vote["parts"])) for vote in row["votes"]),
    )


def decision_ranges(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return every range in a row of the table."""
    found = [one for column in _RANGES for one in row[column]]
    return [*found, *(part for vote in row["votes"] for part in vote["parts"])]


def moved_decision(row: Mapping[str, Any], placed: Placed) -> dict[str, Any] | None:
    """Return a row of the table moved to another version of its text; None where one of its ranges is lost."""
    if not all((one["start"], one["end"]) in placed.places for one in decision_ranges(row)):
        return None

    def put(ranges: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        at = [placed.places[one["start"], one["end"]] for one in ranges]
        return [{**one, "start": start, "end": end} for one, (start, end) in zip(ranges, at, strict=True)]

    votes = [{**vote, "parts": put(vote["parts"])} for vote in row["votes"]]
    return {**row, **{column: put(row[column]) for column in _RANGES}, "votes": votes}
