"""Read what a stance model is trained on: files by path, or the stances that people left standing on a desk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from copydesk.corpus import Desk, documents, segments, settings_digest
from copydesk.schemas import InputError, SegmentKind, polarity_class

from .gold import gold
from .reserve import reserved
from .stance_items import CLASSES, StanceItem

__all__ = ["LEAST", "StanceData", "StanceExample", "gold_examples", "read_stance_data"]

LEAST: Final = 30
"""Examples below which nothing can be learnt: 100 were seen to bring more than rules do, fewer not."""
_NAMES: Final = {
    **{name: name for name in CLASSES}, "negative": "critical", "positive": "supportive",
    "-2": "critical", "-1": "critical", "0": "neutral", "+1": "supportive", "+2": "supportive",
}  # fmt: skip
_HELD_OUT: Final = ("dev", "valid", "development")


@dataclass(frozen=True, slots=True)
class StanceExample:
    """A target in its sentence and the class that people gave it; `group` is the document it is from."""

    item: StanceItem
    label: int
    group: str


@dataclass(frozen=True, slots=True)
class StanceData:
    """Examples to train on and examples held out, with where they are from.

    Attributes:
        sources: Per source its name, licence, and how many examples it gave.
    """

    train: tuple[StanceExample, ...]
    development: tuple[StanceExample, ...]
    sources: tuple[Mapping[str, Any], ...]

    @property
    def digest(self) -> str:
        """SHA-256 over every example, in order."""
        rows = (
            [example.item.text, example.item.start, example.item.end, example.label]
            for part in (self.train, self.development)
            for example in part
        )
        return settings_digest(list(rows))

    def check(self) -> None:
        """Refuse data that nothing can be learnt from.

        Raises:
            InputError: Fewer than :data:`LEAST` examples, a class without any, or nothing held out.
        """
        if len(self.train) < LEAST:
            raise InputError(
                f"{len(self.train)} examples to train on; at least {LEAST} are needed",
                hint="Give a larger set with --data, or correct more articles first.",
            )
        missing = [name for place, name in enumerate(CLASSES) if all(e.label != place for e in self.train)]
        if missing:
            raise InputError(f"no example is {missing[0]}: a model needs all of {', '.join(CLASSES)}")
        if not self.development:
            raise InputError("nothing is held out: all examples are of one document")


def read_stance_data(paths: Sequence[Path], *, desk: Desk | None = None) -> StanceData:
    """Read examples from folders, files and a desk's gold.

    Nothing of a test part is read. A JSONL row has `text`, `start`, `end` (code points of the target) and `label`; `split` or the file's name may
    say that it is held out. Parquet tables are read as a release's ``stance`` has them. Where nothing says what is held out, a
    tenth of the documents is, by the hash of their names.

    Args:
        paths: Folders with such files, or files.
        desk: A desk whose gold is added.

    Raises:
        InputError: There is no such path, nothing in it that can be read, or a row that does not fit.
    """
    train: list[StanceExample] = []
    held: list[StanceExample] = []
    sources: list[Mapping[str, Any]] = []
    for path in paths:
        for file in _files(path):
            rows = list(_rows(file))
            for example, split in rows:
                (held if split == "dev" or (not split and _kept_back(example.group)) else train).append(example)
            if rows:
                licences = sorted({licence for licence in _licences(file) if licence})
                sources.append({"file": file.name, "licence": "; ".join(licences), "examples": len(rows)})
    if desk is not None:
        found = gold_examples(desk)
        sample = reserved(desk)
        for example in found:
            (held if example.group in sample or _kept_back(example.group) else train).append(example)
        sources.append({"file": f"gold of {desk.settings.name}", "licence": "", "examples": len(found)})
    if not sources:
        raise InputError(
            "no stances in it", where=str(paths[0]) if paths else "",
            hint="Expected *_train.jsonl and *_dev.jsonl with text, start, end, label, or a release's folder.",
        )  # fmt: skip
    return StanceData(tuple(train), tuple(held), tuple(sources))


def gold_examples(desk: Desk) -> list[StanceExample]:
    """Return the polar and neutral stances that people left standing on a desk, with their targets' sentences."""
    return list(_gold_examples(desk))


def _gold_examples(desk: Desk) -> Iterator[StanceExample]:
    texts = {document.id: document.text for document in documents(desk)}
    cuts: dict[str, list[tuple[int, int]]] = {}
    for segment in segments(desk):
        if segment.kind is SegmentKind.SENTENCE:
            cuts.setdefault(segment.document_id, []).append((segment.start, segment.end))
    for said in gold(desk, keep=False).documents:
        annotations = said.annotations
        entities = {entity.id: entity.span for entity in annotations.entities}
        for stance in annotations.stances:
            label = _NAMES.get(polarity_class(stance.polarity))
            span = entities.get(stance.target)
            if label is None or span is None:
                continue
            low, high = _sentence_around(cuts.get(annotations.document_id, ()), span.start, span.end)
            text = texts[annotations.document_id][low:high]
            item = StanceItem(text, span.start - low, span.end - low)
            yield StanceExample(item, CLASSES.index(label), annotations.document_id)


def _sentence_around(cuts: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """Return the sentence, or the run of sentences, that holds a range."""
    touched = [cut for cut in cuts if cut[0] < end and start < cut[1]]
    ends = [start, end, *(place for cut in touched for place in cut)]
    return min(ends), max(ends)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError("there is no such file or folder", where=str(path))
    found = [*path.glob("*_train.jsonl"), *path.glob("*_dev.jsonl")]
    found = [file for file in found if file.with_name(_stem(file) + "_train.jsonl").exists()]
    found = found or [*path.glob("*.jsonl")] or [*path.glob("stance/*.parquet"), *path.glob("data/stance/*.parquet")]
    if not found:
        raise InputError(
            "no stances in it", where=str(path),
            hint="Expected *_train.jsonl and *_dev.jsonl with text, start, end, label, or a release's folder.",
        )  # fmt: skip
    return sorted(file for file in found if not file.stem.startswith("test"))


def _stem(file: Path) -> str:
    return file.stem.removesuffix("_train").removesuffix("_dev")


def _rows(file: Path) -> Iterator[tuple[StanceExample, str]]:
    held = "dev" if any(name in file.stem for name in _HELD_OUT) else "train" if "train" in file.stem else ""
    for number, row in enumerate(_records(file), start=1):
        try:
            text, label = str(row["text"]), _NAMES.get(str(row.get("polarity", row.get("label"))))
            start, end = (int(row.get(f"target_{edge}", row.get(edge))) for edge in ("start", "end"))
            if label is None:
                continue  # mixed, cannot_tell
            if not 0 <= start < end <= len(text):
                raise ValueError(f"[{start}, {end}) is not in a text of {len(text)} code points")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"expected text, start, end and label: {error}", where=f"{file}: {number}") from error
        group = str(row.get("document_id") or row.get("doc") or row.get("sentence_id") or text)
        split = str(row.get("split", ""))
        if split.startswith("test") or row.get("origin") == "silver":
            continue
        split = held or ("dev" if split.startswith(_HELD_OUT) else "train" if split.startswith("train") else "")
        yield StanceExample(StanceItem(text, start, end), CLASSES.index(label), group), split


def _records(file: Path) -> Iterator[Mapping[str, Any]]:
    if file.suffix == ".parquet":
        yield from _table(file)
        return
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise InputError(f"not JSON: {error}", where=f"{file}: {number}") from error


def _table(file: Path) -> Iterator[Mapping[str, Any]]:
    """Yield a release's rows with its classes by name: they are stored as numbers, named in the table's metadata."""
    table = pq.read_table(file)
    said = (table.schema.metadata or {}).get(b"huggingface", b"{}")
    features = json.loads(said).get("info", {}).get("features", {})
    names = {name: known["names"] for name, known in features.items() if "names" in known}
    for row in table.to_pylist():
        yield {key: names[key][value] if key in names and value is not None else value for key, value in row.items()}


def _licences(file: Path) -> Iterable[str]:
    return {str(row.get("licence", "")) for row in _records(file)}


def _kept_back(group: str) -> bool:
    return int(hashlib.sha256(f"stance {group}".encode()).hexdigest()[:8], 16) % 10 == 0
