"""Read what a stance model is trained on: files by path, or the stances that people left standing on a desk."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from copydesk.corpus import Desk, documents, segments, settings_digest
from copydesk.schemas import InputError, SegmentKind, polarity_class

from .gold import gold
from .reserve import reserved
from .stance_items import CLASSES, StanceItem
from .stance_rows import DEVELOPMENT, TEST, named_class, part_of, read_rows

__all__ = ["LEAST", "StanceData", "StanceExample", "gold_examples", "read_stance_data"]

LEAST: Final = 30
"""Examples below which nothing can be learnt: 100 were seen to bring more than rules do, fewer not."""


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
        left_out: Examples to train on that stay out, because their document is held out by another source.
        gold: Ids of the desk's documents that are trained on.
    """

    train: tuple[StanceExample, ...]
    development: tuple[StanceExample, ...]
    sources: tuple[Mapping[str, Any], ...]
    left_out: int = 0
    gold: tuple[str, ...] = ()

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


def read_stance_data(paths: Sequence[Path], *, desk: Desk | None = None, reserve: Collection[str] = ()) -> StanceData:
    """Read examples from folders, files and a desk's gold.

    See :mod:`.stance_rows` for the files. Where nothing says what is held out, a tenth of the documents is, by the hash of
    their names. A document that any source holds out is trained on by none.

    Args:
        paths: Folders with such files, or files.
        desk: A desk whose gold is added.
        reserve: Documents that are kept for evaluation: nothing is trained on them, and nothing fitted.

    Raises:
        InputError: There is no such path, nothing in it that can be read, or a row that does not fit.
    """
    given: list[tuple[StanceExample, bool]] = []
    sources: list[Mapping[str, Any]] = []
    for path in paths:
        for file in _files(path):
            rows = [row for row in read_rows(file) if row.group not in reserve]
            known = [row for row in rows if row.label is not None]
            for row in known:
                assert row.label is not None
                held = row.part == DEVELOPMENT or (not row.part and _kept_back(row.group))
                given.append((StanceExample(row.item, row.label, row.group), held))
            if known:
                licences = "; ".join(sorted({row.licence for row in known if row.licence}))
                sources.append({"file": file.name, "licence": licences, "examples": len(known)})
    gold_documents: set[str] = set()
    if desk is not None:
        kept = reserved(desk) | set(reserve)
        found = [example for example in gold_examples(desk) if example.group not in kept]
        given += [(example, _kept_back(example.group)) for example in found]
        gold_documents = {example.group for example in found}
        sources.append({"file": f"gold of {desk.settings.name}", "licence": "", "examples": len(found)})
    if not sources:
        raise InputError(
            "no stances in it", where=str(paths[0]) if paths else "",
            hint="Expected *_train.jsonl and *_dev.jsonl with text, start, end, label, or a release's folder.",
        )  # fmt: skip
    held_out = {example.group for example, held in given if held}
    train = tuple(example for example, _ in given if example.group not in held_out)
    development = tuple(example for example, held in given if held)
    left_out = len(given) - len(train) - len(development)
    trained = {example.group for example in train}
    return StanceData(train, development, tuple(sources), left_out, tuple(sorted(gold_documents & trained)))


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
            label = named_class(polarity_class(stance.polarity))
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
    return sorted(file for file in found if part_of(file.stem) != TEST)


def _stem(file: Path) -> str:
    return file.stem.removesuffix("_train").removesuffix("_dev")


def _kept_back(group: str) -> bool:
    return int(hashlib.sha256(f"stance {group}".encode()).hexdigest()[:8], 16) % 10 == 0
