"""Turn a release into what ``spacy train`` reads: a DocBin for each split, a config, and a list of what they cannot hold.

``doc.ents`` holds spans that do not overlap and begin and end where tokens do; ``doc.spans["sc"]``, for a span categorizer,
holds overlapping ones too. Which of two overlapping spans is an entity is decided as for the BIO tags: the longer, then the
earlier, then the one whose label has the lower id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from copydesk.corpus import write_atomically
from copydesk.schemas import DeskError

from .diff import Snapshot
from .features import CONFIGS
from .parquet import read_rows
from .tables import Loss, flatten

__all__ = ["SPAN_KEY", "SpacyFiles", "write_spacy"]

SPAN_KEY: Final = "sc"
"""The span group's key: the one that spaCy's span categorizer reads by default."""
FILES: Final = {"train": "train.spacy", "validation": "dev.spacy", "test": "test.spacy"}
LOSS_FILE: Final = "loss.json"


@dataclass(frozen=True, slots=True)
class SpacyFiles:
    """What was written.

    Attributes:
        folder: Where.
        docs: Split to how many docs its file has; a split without any has no file.
        entities: How many spans ``doc.ents`` hold.
        spans: How many the span groups hold.
        lost: What one of them cannot hold, sorted; also in ``loss.json``.
    """

    folder: Path
    docs: dict[str, int]
    entities: int
    spans: int
    lost: tuple[Loss, ...]


def write_spacy(release: Path, folder: Path, *, each: Literal["document", "sentence"] = "document") -> SpacyFiles:
    """Write a release as spaCy's training files.

    Args:
        release: A release folder with texts.
        folder: Where to; made if need be. Files of the same names are replaced.
        each: What one doc is.

    Raises:
        DeskError: It is no release, has no texts, or no labelled document.
    """
    from spacy.tokens import DocBin

    found = Snapshot.of(release)
    if found.manifest.get("text") == "standoff":
        raise DeskError(
            "this release has no texts", where=str(release), hint="Bring them back first: copydesk hydrate --help"
        )
    folder.mkdir(parents=True, exist_ok=True)
    maker = _Docs(list(found.labels["entity"]))
    bins = {split: DocBin(attrs=["ENT_IOB", "ENT_TYPE", "SPACY"]) for split in FILES}
    counts = dict.fromkeys(FILES, 0)
    for split, doc in maker.docs(_rows(found, each)):
        bins[split].add(doc)
        counts[split] += 1
    if not any(counts.values()):
        raise DeskError("no document in it", where=str(release))
    for split, name in FILES.items():
        if counts[split]:
            with write_atomically(folder / name) as temporary:
                temporary.write_bytes(bins[split].to_bytes())
        else:
            (folder / name).unlink(missing_ok=True)
    lost = tuple(sorted(maker.lost))
    with write_atomically(folder / LOSS_FILE) as temporary:
        text = json.dumps([asdict(loss) for loss in lost], ensure_ascii=False, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
    with write_atomically(folder / "config.cfg") as temporary:
        temporary.write_text(_config(found.manifest["languages"]), encoding="utf-8")
    used = {split: number for split, number in counts.items() if number}
    return SpacyFiles(folder, used, maker.entities, maker.spans, lost)


@dataclass(frozen=True, slots=True)
class _Row:
    """One doc to be: its split, language and text, where the text begins in its article, and its labelled ranges."""

    split: str
    document_id: str
    language: str
    text: str
    start: int
    spans: tuple[tuple[int, int, str], ...]


def _rows(found: Snapshot, each: str) -> Iterator[_Row]:
    languages: dict[str, str] = {}
    columns = ["document_id", "split", "language", "text", "entities"]
    names = set(found.labels["entity"])
    for row in read_rows(found.path, CONFIGS["articles"], found.labels, columns=columns):
        languages[row["document_id"]] = row["language"]
        if each == "document":
            spans = tuple((e["start"], e["end"], e["label"]) for e in row["entities"] if e["label"] in names)
            yield _Row(row["split"], row["document_id"], row["language"], row["text"], 0, spans)
    if each == "sentence":
        columns = ["document_id", "split", "start", "text", "entities"]
        for row in read_rows(found.path, CONFIGS["entities"], found.labels, columns=columns):
            spans = tuple((e["start"], e["end"], e["label"]) for e in row["entities"])
            key = row["document_id"]
            yield _Row(row["split"], key, languages[key], row["text"], row["start"], spans)


class _Docs:
    """Makes docs, and keeps what they cannot hold."""

    def __init__(self, order: Sequence[str]) -> None:
        self.order = order
        self.lost: list[Loss] = []
        self.entities = self.spans = 0
        self._pipelines: dict[str, Any] = {}

    def docs(self, rows: Iterable[_Row]) -> Iterator[tuple[str, Any]]:
        for row in rows:
            doc = self._blank(row.language).make_doc(row.text)
            tokens = [(token.idx, token.idx + len(token)) for token in doc]
            _, unfit = flatten(tokens, row.spans, self.order)
            reasons = dict(unfit)
            kept = [span for span in sorted(set(row.spans)) if span not in reasons]
            doc.ents = [_span(doc, span) for span in kept]
            grouped = [_span(doc, span) for span in sorted(set(row.spans))]
            doc.spans[SPAN_KEY] = [span for span in grouped if span is not None]
            self.entities += len(kept)
            self.spans += len(doc.spans[SPAN_KEY])
            self._lose(
                row, reasons, {s for s, made in zip(sorted(set(row.spans)), grouped, strict=True) if made is None}
            )
            yield row.split, doc

    def _lose(
        self, row: _Row, reasons: dict[tuple[int, int, str], str], unaligned: set[tuple[int, int, str]]
    ) -> None:  # fmt: skip
        for span, reason in reasons.items():
            start, end, label = span
            place = row.start + start, row.start + end
            self.lost.append(Loss(row.document_id, *place, label, row.text[start:end], "doc.ents", reason))
            if span in unaligned:
                self.lost.append(Loss(row.document_id, *place, label, row.text[start:end], "doc.spans", reason))

    def _blank(self, language: str) -> Any:
        import spacy

        if language not in self._pipelines:
            try:
                self._pipelines[language] = spacy.blank(language)
            except ImportError:  # a language that spaCy has no rules for
                self._pipelines[language] = spacy.blank("xx")
        return self._pipelines[language]


def _span(doc: Any, span: tuple[int, int, str]) -> Any:
    return doc.char_span(span[0], span[1], label=span[2], alignment_mode="strict")


def _config(languages: Sequence[str]) -> str:
    """Return a config for an entity recogniser on a CPU, with these files as its data."""
    from spacy.cli.init_config import init_config

    language = languages[0] if len(languages) == 1 and languages[0] != "und" else "xx"
    config = init_config(lang=language, pipeline=["ner"], optimize="efficiency", gpu=False, silent=True)
    config["paths"].update(train=FILES["train"], dev=FILES["validation"])
    text: str = config.to_str()
    return text
