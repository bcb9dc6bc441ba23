"""Read the reasons that an adjudicator gave on single marks, and say which of them goes for which item.

The article's reason goes for everything. On a mark another one can be given, and goes for what is decided there: the
mention itself, the attribution whose words these are, the stance that the mark carries. What was rejected has no mark
of its own any more; it takes the reason of the one that stands in its place, which it overlapped. A reason given on a
SOURCE, a CUE or an EVIDENCE is one for what that belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from copydesk.schemas import ITEM_REASON, OUTLET, Document

from .items import QUESTIONS, Item

__all__ = ["Marks", "read_reasons"]

NAME: Final = ITEM_REASON.id
REASONS: Final = frozenset(value.id for value in ITEM_REASON.values)
PARTS: Final = frozenset(("source", "cue", "evidence"))
"""Relations from a part to what it belongs to."""


@dataclass(slots=True)
class _Mark:
    """One label on one span, with the reason given there; `holders` of a stance that it carries."""

    start: int
    end: int
    label: str
    reason: str = ""
    carries: bool = False
    holders: set[str] = field(default_factory=set)

    def overlap(self, item: Item) -> int:
        """Return how many characters it shares with an item."""
        return min(self.end, item.end) - max(self.start, item.start)

    def is_at(self, item: Item) -> bool:
        """Tell whether it covers the same words."""
        return (self.start, self.end) == (item.start, item.end)

    def is_about(self, item: Item) -> bool:
        """Tell whether it is an item's own mark."""
        if not self.is_at(item):
            return False
        if item.layer == "stance":
            return self.carries and item.name.partition(" by ")[2] in (self.holders or {OUTLET})
        return self.label == item.name


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of an answer, with the reasons given on them."""

    marks: tuple[_Mark, ...] = ()

    def reason(self, item: Item, layers: Mapping[str, str], *, stands: bool) -> str:
        """Return the reason given for an item; empty where only the article's goes for it.

        Args:
            item: What was decided.
            layers: Label to layer.
            stands: Whether it stands; else what stands in its place is looked at.
        """
        if item.layer == QUESTIONS:
            return ""
        own = [mark.reason for mark in self.marks if mark.reason and mark.is_about(item)]
        if stands or own:
            return next(iter(own), "")
        rivals = [mark for mark in self.marks if mark.reason and mark.overlap(item) > 0]
        best = max(
            (mark for mark in rivals if _competes(mark, item, layers)),
            key=lambda mark: (mark.carries and mark.is_at(item), mark.is_at(item), mark.overlap(item), -mark.start),
            default=None,
        )
        return best.reason if best is not None else ""


def _competes(mark: _Mark, item: Item, layers: Mapping[str, str]) -> bool:
    """Tell whether a mark stands in the place of a rejected item: of its layer, and for a stance its target."""
    if item.layer == "stance":
        return (mark.carries and mark.is_at(item)) or mark.label == item.name.partition(" by ")[0]
    if item.layer == "attribution":
        return mark.label == "CONTENT"
    return layers.get(mark.label) == item.layer


def read_reasons(result: Any, document: Document) -> tuple[Any, Marks]:
    """Return an answer's rows without the reasons on single marks, and these.

    Rows that are not as the editor writes them are left where they are: decoding says what is wrong with them.

    Args:
        result: The rows, in the present scheme's words.
        document: Its article.
    """
    if not isinstance(result, list) or not any(_name(row) == NAME for row in result):
        return result, Marks()
    marks = dict(_regions(result, document.text))
    rest: list[Any] = []
    for row in result:
        mark, given = marks.get(str(row.get("id"))) if isinstance(row, dict) else None, _choices(row)
        if _name(row) == NAME and mark is not None and len(given) == 1 and given[0] in REASONS:
            mark.reason = given[0]
            continue
        rest.append(row)
        if mark is not None and _name(row) == "polarity":
            mark.carries = True
        elif mark is not None and _name(row) == "holder":
            mark.holders.update(given)
    links = list(_links(result))
    for name, start, end in links:
        if name == "holder" and start in marks and end in marks:
            by = marks[start]
            marks[end].holders.add(f"{by.start}-{by.end} {by.label}")
    for name, start, end in links:
        if name in PARTS and start in marks and end in marks:
            marks[end].reason = marks[end].reason or marks[start].reason
    return rest, Marks(tuple(marks.values()))


def _name(row: Any) -> str:
    return str(row.get("from_name")) if isinstance(row, dict) else ""


def _value(row: Any) -> Mapping[str, Any]:
    value = row.get("value") if isinstance(row, dict) else None
    return value if isinstance(value, dict) else {}


def _choices(row: Any) -> Sequence[str]:
    given = _value(row).get("choices")
    return given if isinstance(given, list) and all(isinstance(one, str) for one in given) else ()


def _regions(result: Sequence[Any], text: str) -> Iterator[tuple[str, _Mark]]:
    for row in result:
        value = _value(row)
        start, end, labels = value.get("start"), value.get("end"), value.get("labels")
        if not (isinstance(row, dict) and row.get("type") == "labels" and isinstance(labels, list) and labels):
            continue
        if type(start) is int and type(end) is int and 0 <= start < end <= len(text):
            words = text[start:end]  # white space at the edges goes, as it does from the span itself
            start, end = start + len(words) - len(words.lstrip()), end - len(words) + len(words.rstrip())
            yield str(row.get("id")), _Mark(start, end, str(labels[0]))


def _links(result: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield relation, start and end."""
    for row in result:
        if isinstance(row, dict) and row.get("type") == "relation":
            start, end = str(row.get("from_id")), str(row.get("to_id"))
            names = row.get("labels")
            for name in names if isinstance(names, list) else ():
                yield (str(name), end, start) if row.get("direction") == "left" else (str(name), start, end)
