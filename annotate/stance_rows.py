"""Read rows with stances from files: JSON lines, or the ``stance`` table of a release.

A row has `text`, `start` and `end` (code points of the target) and `label`; `split` says its part, else the file's name does:
``news_train.jsonl``, ``news_dev.jsonl``, ``news_test.jsonl``. Test parts and silver are not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.schemas import InputError

from .stance_items import CLASSES, StanceItem

__all__ = ["DEVELOPMENT", "TEST", "TRAIN", "StanceRow", "named_class", "part_of", "read_rows"]

TRAIN: Final = "train"
DEVELOPMENT: Final = "dev"
TEST: Final = "test"
_PARTS: Final = {
    "train": TRAIN, "training": TRAIN, "dev": DEVELOPMENT, "development": DEVELOPMENT, "val": DEVELOPMENT,
    "valid": DEVELOPMENT, "validation": DEVELOPMENT, "test": TEST, "testing": TEST,
}  # fmt: skip
_NAMES: Final = {
    **{name: name for name in CLASSES}, "negative": "critical", "positive": "supportive",
    "-2": "critical", "-1": "critical", "0": "neutral", "+1": "supportive", "+2": "supportive", "1": "supportive",
    "2": "supportive",
}  # fmt: skip
_UNDECIDED: Final = frozenset({"mixed", "cannot_tell"})


@dataclass(frozen=True, slots=True)
class StanceRow:
    """A target in its sentence.

    Attributes:
        item: The sentence and the target.
        label: Index of the class; None for ``mixed`` and ``cannot_tell``, which a model does not learn.
        group: The document that it is from.
        part: ``train``, ``dev`` or ``test``; empty where nothing says.
        licence: Of the row, where it says.
    """

    item: StanceItem
    label: int | None
    group: str
    part: str
    licence: str


def part_of(name: str) -> str:
    """Return the part that a file's name says, by its last word or its first; empty where it says none.

    >>> part_of("news_dev"), part_of("test-00000"), part_of("sudan_devastation"), part_of("constraints")
    ('dev', 'test', '', '')
    """
    words = name.lower().replace("-", "_").replace(".", "_").split("_")
    return _PARTS.get(words[-1]) or _PARTS.get(words[0]) or ""


def named_class(label: object) -> str | None:
    """Return the class that a label or polarity names; None for what no class is.

    Raises:
        ValueError: It is no label that is known.
    """
    said = str(label).strip().lower()
    if said in _UNDECIDED:
        return None
    if said not in _NAMES or isinstance(label, bool):
        raise ValueError(
            f"the label is {label!r}; known are {', '.join([*CLASSES, 'mixed', 'cannot_tell'])} and -2 to +2"
        )
    return _NAMES[said]


def read_rows(file: Path) -> Iterator[StanceRow]:
    """Yield a file's rows, but for those of a test part and those that no person labelled.

    Raises:
        InputError: The file cannot be read, or a row does not fit; names its place.
    """
    of_file = part_of(file.stem)
    for number, row in _records(file):
        try:
            if (made := _row(row, of_file)) is not None:
                yield made
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            said = f"there is no {error}" if isinstance(error, KeyError) else error
            raise InputError(f"expected text, start, end and label: {said}", where=f"{file}: {number}") from error


def _row(row: Any, of_file: str) -> StanceRow | None:
    if not isinstance(row, Mapping):
        raise TypeError(f"a row is {type(row).__name__}, not an object")
    said = str(row.get("split") or "").lower()
    part = _PARTS.get(said, DEVELOPMENT if said.endswith("_dev") else "") or of_file
    if part == TEST or said.startswith("test") or row.get("origin") == "silver":
        return None
    text, label = row["text"], row["polarity"] if row.get("polarity") is not None else row["label"]
    if not isinstance(text, str):
        raise TypeError("the text is no string")
    text.encode("utf-8")  # a lone surrogate has no place in a sentence
    start, end = (_offset(row, edge) for edge in ("start", "end"))
    if not 0 <= start < end <= len(text):
        raise ValueError(f"[{start}, {end}) is not in a text of {len(text)} code points")
    name = named_class(label)
    group = str(row.get("document_id") or row.get("doc") or row.get("sentence_id") or text)
    item = StanceItem(text, start, end)
    return StanceRow(item, None if name is None else CLASSES.index(name), group, part, str(row.get("licence") or ""))


def _offset(row: Mapping[str, Any], edge: str) -> int:
    found = row[f"target_{edge}"] if f"target_{edge}" in row else row[edge]
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError(f"{edge} is {found!r}, not a whole number")
    return found


def _records(file: Path) -> Iterator[tuple[int, Any]]:
    if file.suffix == ".parquet":
        yield from enumerate(_table(file), start=1)
        return
    number = 0
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, json.loads(line)
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: {error.reason}", where=f"{file}: after line {number}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", where=f"{file}: {number}") from error


def _table(file: Path) -> Iterator[Mapping[str, Any]]:
    """Yield a release's rows with its classes by name: they are stored as numbers, named in the table's metadata."""
    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"not a readable Parquet file: {error}", where=str(file)) from error
    said = (table.schema.metadata or {}).get(b"huggingface", b"{}")
    features = json.loads(said).get("info", {}).get("features", {})
    names = {name: known["names"] for name, known in features.items() if "names" in known}
    for row in table.to_pylist():
        yield {key: names[key][value] if key in names and value is not None else value for key, value in row.items()}
