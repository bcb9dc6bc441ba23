"""Read what entities are trained and judged on: a desk's gold, a release, or JSON lines by path.

Every source becomes the same: documents with marks, each document on one side of the held-out border.

* A **desk** gives what people said (:func:`~copydesk.annotate.gold`), never a machine's labels. Documents that the queue
  reserved are held out.
* A **release folder** gives its ``articles`` table; its test and validation parts are held out. Silver rows are left out.
* **JSON lines** give one document a line: ``{"text": …, "entities": [[start, end, label], …]}``, with ``doc_id`` and
  ``split`` if they have them (``train``, anything else is held out). Offsets are half-open code points.

Where the source says nothing about a border, documents are held out by a hash, so that more documents move none.
Copies are never on both sides.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.corpus import Desk, clusters, documents, segments
from copydesk.schemas import InputError, LabelScheme, Segment

from .crosswalk import LabelMap, label_map
from .gold import gold
from .reserve import reserved
from .scoring import Mark

__all__ = ["HELD_OUT", "TRAIN", "Labelled", "TrainingData", "training_data"]

TRAIN: Final = "train"
HELD_OUT: Final = "held out"
SHARE: Final = 0.2
"""How much is held out where the source does not say what."""
COPY: Final = 0.5
"""Of their 5-grams two texts share this much (Jaccard) before they count as copies; lower than for a corpus: daily
reports that repeat their paragraphs would carry the answers over the border."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A document with what people marked in it.

    Attributes:
        id: The document's id.
        text: Its text.
        marks: Spans with the labels of the data, sorted; offsets are half-open code points.
        part: ``train`` or ``held out``; empty while nobody has said.
        group: Its cluster of copies.
        segments: Its parts, where the source knows them.
    """

    id: str
    text: str
    marks: tuple[Mark, ...]
    part: str = ""
    group: str = ""
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Documents with marks, on two sides of a border, and what was left out on the way.

    Attributes:
        documents: Sorted by id.
        labels: What the labels of the marks are in the scheme.
        unknown: Labels that the scheme has nothing for, and how often they were marked; those marks are left out.
        ambiguous: Labels that may be several of the scheme's, and how often they were marked.
        copies: Ids of training documents left out because a copy of them is held out.
    """

    documents: tuple[Labelled, ...]
    labels: LabelMap
    unknown: Mapping[str, int]
    ambiguous: Mapping[str, int]
    copies: tuple[str, ...] = ()

    def part(self, name: str) -> tuple[Labelled, ...]:
        """Return the documents on one side: ``train`` or ``held out``."""
        return tuple(document for document in self.documents if document.part == name)

    @property
    def digest(self) -> str:
        """SHA-256 over the documents and their sides; not over where they came from."""
        rows = [[d.id, d.text, [list(mark) for mark in d.marks], d.part] for d in self.documents]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def training_data(
    source: Desk | Path,
    scheme: LabelScheme,
    *,
    labels: str = "",
    fixed: Mapping[str, str] | None = None,
    salt: str = "copydesk",
    reserve: Collection[str] = (),
) -> TrainingData:
    """Read documents with marks and put each on one side of the held-out border.

    Args:
        source: A desk, a release folder, or a file of JSON lines.
        scheme: What the labels shall become.
        labels: The crosswalk's column that the labels of the data are in; empty: the scheme's own.
        fixed: Labels of the data that shall become a certain label of the scheme, or ``""``: none.
        salt: Makes the hash split; another one makes another split.
        reserve: Documents that a desk keeps for evaluation: they are held out, wherever they come from.

    Raises:
        InputError: There is no such file, a row is not as it should be, or no label is known.
        SettingsError: The crosswalk has no such column.
    """
    names = label_map(scheme, labels, fixed)
    if isinstance(source, Desk):
        found, where = list(_from_desk(source)), str(source.path)
    elif source.is_dir():
        found, where = list(_from_release(source)), str(source)
    else:
        found, where = list(_from_lines(source)), str(source)
        found = _grouped(found)
    found = [replace(document, part=HELD_OUT) if document.id in reserve else document for document in found]
    used = Counter(mark.label for document in found for mark in document.marks)
    unknown = {label: n for label, n in sorted(used.items()) if not names.candidates.get(label)}
    ambiguous = {label: n for label, n in sorted(used.items()) if len(names.candidates.get(label, ())) > 1}
    if used and len(unknown) == len(used):
        raise InputError(
            f"none of its labels is one of scheme {scheme.name}: {', '.join(list(unknown)[:8])}",
            where=where,
            hint="Say whose labels they are: --labels re3d, ontonotes or ace; or map one: --map Organisation=ORG.",
        )
    kept = [replace(d, marks=tuple(m for m in d.marks if m.label not in unknown)) for d in found]
    divided, copies = _divided(sorted(kept, key=lambda d: d.id), salt)
    return TrainingData(tuple(divided), names, unknown, ambiguous, copies)


# sources


def _from_desk(desk: Desk) -> Iterator[Labelled]:
    kept = reserved(desk)
    groups = clusters(desk)
    said = {g.annotations.document_id: g.annotations for g in gold(desk, keep=False).documents if g.origin != "silver"}
    parts: dict[str, list[Segment]] = {}
    for segment in segments(desk):
        if segment.document_id in said:
            parts.setdefault(segment.document_id, []).append(segment)
    for document in documents(desk):
        if (annotations := said.get(document.id)) is not None:
            marks = sorted(Mark(e.span.start, e.span.end, e.label) for e in annotations.entities)
            part = HELD_OUT if document.id in kept else TRAIN if kept else ""
            group = groups[document.id].cluster_id if document.id in groups else document.id
            yield Labelled(document.id, document.text, tuple(marks), part, group, tuple(parts.get(document.id, ())))


def _from_release(folder: Path) -> Iterator[Labelled]:
    parts = sorted((folder / "articles").glob("*.parquet"))
    if not parts:
        raise InputError(
            "there is no articles table in this folder",
            where=str(folder),
            hint="Give a release such as releases/1.0.0, a desk with --desk, or a file of JSON lines.",
        )
    for part in parts:
        try:
            table = pq.read_table(part, columns=["document_id", "cluster_id", "split", "origin", "text", "entities"])
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"not the articles table of a release: {error}", where=str(part)) from error
        names = _class_names(table.schema.metadata or {})
        for row in table.to_pylist():
            if _named(row["origin"], names["origin"]) != "silver":
                marks = sorted(Mark(e["start"], e["end"], _named(e["label"], names["label"])) for e in row["entities"])
                side = TRAIN if part.name.startswith("train") else HELD_OUT
                yield Labelled(row["document_id"], row["text"], tuple(marks), side, row["cluster_id"])


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Return the names behind the numbers of the columns `origin` and `label`, as ``datasets`` stores them."""
    features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    entities = features.get("entities", {})
    entities = entities[0] if isinstance(entities, list) else entities.get("feature", entities)
    return {
        "origin": features.get("origin", {}).get("names", []),
        "label": entities.get("label", {}).get("names", []) if isinstance(entities, dict) else [],
    }


def _named(value: int | str, names: Sequence[str]) -> str:
    return value if isinstance(value, str) else names[value]


def _from_lines(path: Path) -> Iterator[Labelled]:
    if not path.is_file():
        raise InputError("there is no such file or folder", where=str(path))
    seen: set[str] = set()
    with path.open(encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    document = _row(line, f"{path}:{number}")
                    if document.id in seen:
                        raise InputError(f"a second document {document.id!r}", where=f"{path}:{number}")
                    seen.add(document.id)
                    yield document
        except UnicodeDecodeError as error:
            raise InputError(f"not UTF-8: {error.reason}", where=str(path)) from error
    if not seen:
        raise InputError("there is no document in it", where=str(path))


def _row(line: str, where: str) -> Labelled:
    hint = 'A row is {"text": "…", "entities": [[start, end, "LABEL"], …]}, with "doc_id" and "split" if you like.'
    try:
        row: Any = json.loads(line)
        text, entities = row["text"], row["entities"]
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", where=where, hint=hint) from error
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(f"no field {error}" if isinstance(error, KeyError) else "not an object", where=where, hint=hint) from error  # fmt: skip
    if not isinstance(text, str) or not text.strip() or not isinstance(entities, list):
        raise InputError("`text` must be words, and `entities` a list", where=where, hint=hint)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"a lone surrogate at offset {error.start} of the text", where=where) from error
    marks = [_mark(entity, text, where, hint) for entity in entities]
    key = row.get("doc_id") or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    split = str(row.get("split") or "").lower()
    return Labelled(
        str(key), text, tuple(sorted(set(marks))), (TRAIN if split == "train" else HELD_OUT) if split else ""
    )


def _mark(entity: Any, text: str, where: str, hint: str) -> Mark:
    match entity:
        case [int(start), int(end), str(label)] if not isinstance(start, bool) and not isinstance(end, bool) and label:
            if 0 <= start < end <= len(text):
                return Mark(start, end, label)
            raise InputError(f"span [{start}, {end}) does not lie in the text of {len(text)} code points", where=where)
    raise InputError(f"not a span: {json.dumps(entity, ensure_ascii=False)[:80]}", where=where, hint=hint)


# the border


def _grouped(found: Sequence[Labelled]) -> list[Labelled]:
    """Return the documents with a group per cluster of copies, which JSON lines do not name."""
    grams = [_grams(document.text) for document in found]
    holders: dict[int, list[int]] = {}
    leader = list(range(len(found)))
    for place, ours in enumerate(grams):
        shared = Counter(other for gram in ours for other in holders.get(gram, ())[:50])
        for other, both in shared.items():
            if both >= COPY * (len(ours) + len(grams[other]) - both):
                new, old = leader[place], leader[other]
                leader = [old if one == new else one for one in leader]
        for gram in ours:
            holders.setdefault(gram, []).append(place)
    return [replace(document, group=found[leader[place]].id) for place, document in enumerate(found)]


def _grams(text: str) -> frozenset[int]:
    words = re.findall(r"\w+", text.casefold())
    runs = list(zip(*(words[shift:] for shift in range(5)), strict=False)) or [tuple(words)]
    # not hash(): it differs from run to run
    return frozenset(int.from_bytes(hashlib.blake2b(" ".join(run).encode("utf-8", "replace"), digest_size=8).digest(), "big") for run in runs)  # fmt: skip


def _divided(found: Sequence[Labelled], salt: str) -> tuple[list[Labelled], tuple[str, ...]]:
    """Return the documents that stay, each with its side, and the ids of those that a held-out copy drives out."""
    held = {document.group for document in found if document.part == HELD_OUT}
    copies = tuple(d.id for d in found if d.part == TRAIN and d.group in held)
    stay = [document for document in found if document.id not in copies]
    free = sorted({d.group for d in stay if d.group not in held}, key=lambda group: _place(group, salt))
    given = any(document.part for document in stay)
    if not given:
        held |= {group for group in free if _place(group, salt) < SHARE}
    # a border that leaves nothing to judge by, or next to nothing, takes the documents that are next by hash
    least = max(1, round(len(stay) * SHARE / 2))
    for group in free:
        count = sum(document.group in held for document in stay)
        if count >= least or (given and count):
            break
        held.add(group)
    return [replace(d, part=HELD_OUT if d.group in held else TRAIN) for d in stay], copies


def _place(group: str, salt: str) -> float:
    digest = hashlib.sha256(f"{salt}\x1f{group}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
