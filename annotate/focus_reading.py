"""Read the answers of a focus task back into the whole document.

The rows of such a task are put into the words of a whole document's: offsets get the paragraph's place, answers without
a region go to the mention, a chosen holder becomes a mention with an arrow. Then :func:`~.decoding.decode` reads them
as it reads any other, and keeps a record of all that does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from copydesk.schemas import (
    FOCUS_FURTHER,
    Document,
    LabelScheme,
    OffsetError,
    Origin,
    Span,
    text_sha256,
)

from .consensus import mention_id
from .decoding import Decoded, Problem, decode
from .focus_places import Place, passage, read_focus, read_mention
from .wire import TEXT, Vocabulary, vocabulary

__all__ = ["decode_focus"]

QUESTIONS = ("polarity", "holder", "role")


def decode_focus(
    data: Mapping[str, Any],
    annotation: Mapping[str, Any],
    scheme: LabelScheme,
    document: Document,
    *,
    origin: Origin,
) -> Decoded:
    """Return what an annotation of a focus task says, in offsets of the whole document.

    Args:
        data: The task's data, or of it just ``focus`` and a ``sha256``: of the document, or of the paragraph shown.
        annotation: Whatever has a ``result``: an annotation, a draft or a prediction.
        scheme: The scheme that the task was made with, whole or cut down to its layers.
        document: Our own document, whose text the offsets point into.
        origin: Who said so.

    Returns:
        The mention, with its stances and their holders; without entities where somebody deleted the mention.

    Raises:
        OffsetError: The task was made from another text, or says of no mention that it is about it.
    """
    focus = read_focus(str(data.get("focus")))
    if focus is None or not focus.start < focus.end <= len(document.text):
        raise OffsetError(document.id, 0, len(document.text), expected="a mention", found=str(data.get("focus")))
    rows = annotation.get("result") or []
    if not isinstance(rows, list):
        rows = [rows]
    start, end = _shown(data, rows, focus, document)
    work = _Moved(document, vocabulary(scheme), focus, start, end)
    work.move(rows)
    read = decode({"data": {"sha256": document.sha256}}, {"result": work.rows}, scheme, document, origin=origin)
    return Decoded(read.annotations, (*work.problems, *read.problems))


def _shown(data: Mapping[str, Any], rows: Sequence[Any], focus: Place, document: Document) -> tuple[int, int]:
    """Return the range that the task showed, as its hash or its text confirms."""
    text, noted, own = data.get("text"), data.get("passage_sha256"), data.get("sha256")
    for start, end in _candidates(data, rows, focus, document):
        if not 0 <= start <= focus.start < focus.end <= end <= len(document.text):
            continue
        words = document.text[start:end]
        known = text_sha256(words)
        if text in (None, words) and noted in (None, known) and own in (None, document.sha256, known):
            if text is None and noted is None and own is None:
                break
            return start, end
    raise OffsetError(
        document.id, focus.start, focus.end, expected=f"text {document.sha256}", found="a task made from another text"
    )


def _candidates(
    data: Mapping[str, Any], rows: Sequence[Any], focus: Place, document: Document
) -> Iterator[tuple[int, int]]:
    start, text = data.get("passage_start"), data.get("text")
    if type(start) is int and isinstance(text, str):
        yield start, start + len(text)
    for row in rows:
        noted = _meta(row, "passage")
        place = read_focus(noted) if noted else None
        if place is not None:
            yield place.start, place.end
    yield passage(document, focus.start, focus.end)


def _meta(row: Any, name: str) -> str:
    meta = row.get("meta") if isinstance(row, dict) else None
    noted = meta.get(name) if isinstance(meta, dict) else None
    return noted[0] if isinstance(noted, list) and noted and isinstance(noted[0], str) else ""


@dataclass(slots=True)
class _Moved:
    """The rows of a focus task on their way into a document's words."""

    document: Document
    words: Vocabulary
    focus: Place
    start: int
    end: int
    rows: list[Any] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def drop(self, region: str, reason: str, detail: str) -> None:
        self.problems.append(Problem(self.document.id, region[:80], "dropped", reason, detail[:200]))

    def move(self, rows: Sequence[Any]) -> None:
        self.rows = [moved for row in rows if (moved := self._shifted(row)) is not None]
        target = self._target()
        answers = [row for row in self.rows if _is_answer(row)]
        if all(_named(row) == "holder" for row in answers):
            answers = []  # it is suggested with the question, and says nothing while that is open
        self.rows = [row for row in self.rows if not _is_answer(row)]
        if target is None:
            for row in answers:
                self.drop(str(row.get("id")), "answer about a mention that is not there", f"{row['from_name']}")
        else:
            self.rows += [{**row, "id": target.get("id")} for row in answers]
            self._settle_carriers(target)
        for row in [row for row in self.rows if _named(row).startswith(FOCUS_FURTHER)]:
            row["from_name"] = _named(row).removeprefix(FOCUS_FURTHER)
        self._settle_holders()

    def _shifted(self, row: Any) -> Any:
        """Return a row with the document's offsets; None, with a record, where they are not of the paragraph."""
        value = row.get("value") if isinstance(row, dict) else None
        if not isinstance(value, dict) or ("start" not in value and "end" not in value):
            return dict(row) if isinstance(row, dict) else row
        start, end = _whole(value.get("start")), _whole(value.get("end"))
        if start is None or end is None or not 0 <= start <= end <= self.end - self.start:
            found = f"[{value.get('start')!r}, {value.get('end')!r}) of {self.end - self.start}"
            self.drop(str(row.get("id")), "offsets outside the text", found)
            return None
        return {**row, "value": {**value, "start": start + self.start, "end": end + self.start}}

    def _labelled(self, *labels: str) -> list[Any]:
        return [row for row in self.rows if _label(row) in labels]

    def _target(self) -> Any:
        """Return the region of the mention: the one that says so, or lies there, or is the only one across it."""
        found = [row for row in self._labelled(*self.words.targets) if _is_placed(row)]
        for row in found:
            if read_focus(_meta(row, "focus")) == self.focus:
                return row
        span = self.focus[:2]
        there = [row for row in found if (row["value"].get("start"), row["value"].get("end")) == span]
        there = [row for row in there if self.focus.label in ("", _label(row))] or there
        across = [row for row in found if _overlap(row, span)]
        return there[0] if there else across[0] if len(across) == 1 else None

    def _settle_carriers(self, target: Any) -> None:
        """Tie to the mention what lies over it: further stances, and the evidence that no arrow leaves."""
        value = target["value"]
        for row in filter(_is_placed, self._labelled("STANCE")):
            if _overlap(row, (value["start"], value["end"])):
                row["value"] = {**row["value"], "start": value["start"], "end": value["end"]}
                row["meta"] = {"target": [target.get("id")]}
        arrows = [row for row in self.rows if _kind(row) == "relation"]
        drawn = {str(row.get(end)) for row in arrows for end in ("from_id", "to_id")}
        for row in self._labelled("EVIDENCE"):
            if str(row.get("id")) not in drawn:
                self._relate(row.get("id"), "evidence", target.get("id"))

    def _settle_holders(self) -> None:
        """Put in the place of a holder that was chosen its mention, with an arrow to what it holds."""
        for row in [row for row in self.rows if _named(row) == "holder" and _kind(row) == "choices"]:
            chosen = row["value"].get("choices") if isinstance(row.get("value"), dict) else None
            single = chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else None
            mention = read_mention(single) if isinstance(single, str) else None
            if mention is None or mention.label not in self.words.layers:
                continue  # one of the scheme's own answers, or what decoding will not know either
            if not mention.start < mention.end <= len(self.document.text):
                continue
            self.rows.remove(row)
            self._relate(self._mention(mention), "holder", row.get("id"))

    def _mention(self, place: Place) -> Any:
        for row in self._labelled(place.label):
            if (row["value"].get("start"), row["value"].get("end")) == place[:2]:
                return row.get("id")
        span = Span.of(self.document, place.start, place.end)
        name = mention_id(self.document.id, span, place.label)
        taken = {str(row.get("id")) for row in self.rows if isinstance(row, dict)}
        while name in taken:
            name += "~"
        value = {"start": span.start, "end": span.end, "text": span.text, "labels": [place.label]}
        layer = self.words.layers[place.label]
        self.rows.append({"id": name, "from_name": layer, "to_name": TEXT, "type": "labels", "value": value})
        return name

    def _relate(self, source: Any, relation: str, target: Any) -> None:
        self.rows.append(
            {"type": "relation", "from_id": source, "to_id": target, "direction": "right", "labels": [relation]}
        )


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _kind(row: Any) -> Any:
    return row.get("type") if isinstance(row, dict) else None


def _named(row: Any) -> str:
    return str(row.get("from_name") or "") if isinstance(row, dict) else ""


def _is_answer(row: Any) -> bool:
    """Tell whether a row answers about the task's own mention."""
    return _named(row) in QUESTIONS and _kind(row) == "choices"


def _label(row: Any) -> str:
    """Return the label of a region's row, of the kind that decoding reads; else nothing."""
    value = row.get("value") if _kind(row) == "labels" else None
    labels = value.get("labels") if isinstance(value, dict) else None
    return labels[0] if isinstance(labels, list) and labels and isinstance(labels[0], str) else ""


def _is_placed(row: Any) -> bool:
    """Tell whether a region has offsets; one that somebody made behind the API may have none."""
    value = row.get("value") or {}
    return isinstance(value.get("start"), int) and isinstance(value.get("end"), int)


def _overlap(row: Any, span: tuple[int, int]) -> bool:
    start, end = row["value"].get("start"), row["value"].get("end")
    return isinstance(start, int) and isinstance(end, int) and start < span[1] and span[0] < end
