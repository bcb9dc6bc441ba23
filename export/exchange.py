"""Write a release in other annotation tools' words, and list what they have no place for, span by span.

Every format is one class: it takes articles one by one and says what of each it could not write. What it wrote appears at
once, when all of it is there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from copydesk.annotate import Marked, Region, marked_by
from copydesk.schemas import (
    Annotations,
    Attribution,
    DeskError,
    Document,
    Entity,
    InputError,
    LabelScheme,
    Origin,
    Removed,
    Span,
    Stance,
    load_scheme,
)

from .diff import Snapshot
from .features import CONFIGS
from .labels import UNSPECIFIED
from .parquet import read_rows
from .tables import Loss

__all__ = ["Article", "Context", "FormatFiles", "FormatWriter", "lost", "unread", "write_format"]

LOSS_FILE: Final = "loss.json"
COLUMNS: Final = [
    "document_id", "split", "language", "title", "text", "sha256", "segments",
    "entities", "attributions", "stances", "choices",
]  # fmt: skip
GOLD: Final = Origin("adjudication", "gold")


@dataclass(frozen=True, slots=True)
class Article:
    """One article of a release.

    Attributes:
        split: Where it is.
        language: ISO 639-1 code.
        title: Its headline.
        marked: Its text and all that is marked in it.
        sentences: Half-open ranges, in order.
    """

    split: str
    language: str
    title: str
    marked: Marked
    sentences: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What all articles of a release have in common.

    Attributes:
        scheme: Their label scheme, whole.
        entities: The labels of entities, the one that wins a tie first.
    """

    scheme: LabelScheme
    entities: tuple[str, ...]


class FormatWriter(Protocol):
    """Writes articles in one format into a folder."""

    def take(self, article: Article) -> Iterator[Loss]:
        """Write one article; yield what of it has no place in the format."""
        ...

    def close(self) -> None:
        """Write whatever is still to be written."""
        ...


@dataclass(frozen=True, slots=True)
class FormatFiles:
    """What was written.

    Attributes:
        folder: Where.
        documents: Split to how many articles.
        regions: How many labelled spans the articles have, of all layers.
        lost: What the format has no place for, sorted; also in ``loss.json``.
    """

    folder: Path
    documents: Mapping[str, int]
    regions: int
    lost: tuple[Loss, ...]


def write_format(release: Path, folder: Path, make: Callable[[Path, Context], FormatWriter]) -> FormatFiles:
    """Write a release in another tool's format.

    Args:
        release: A release folder with texts.
        folder: Where to; made, and must not hold anything yet.
        make: The format.

    Raises:
        DeskError: It is no release, has no texts, or the folder holds something.
    """
    found = Snapshot.of(release)
    if found.manifest.get("text") == "standoff":
        raise DeskError(
            "this release has no texts", where=str(release), hint="Bring them back first: copydesk hydrate --help"
        )
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise DeskError("this is there already", where=str(folder), hint="Name another folder with --to.")
    scheme = found.manifest["scheme"]
    context = Context(
        load_scheme(release / f"{scheme['name']}-{scheme['version']}.toml"), tuple(found.labels["entity"])
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    regions = 0
    losses: list[Loss] = []
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".exporting-") as temporary:
        place = Path(temporary) / "made"
        place.mkdir()
        writer = make(place, context)
        for article in articles(found, context.scheme):
            losses += writer.take(article)
            counts[article.split] = counts.get(article.split, 0) + 1
            regions += len(article.marked.regions)
        writer.close()
        losses.sort()
        text = json.dumps([asdict(loss) for loss in losses], ensure_ascii=False, indent=1)
        (place / LOSS_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")
        if folder.is_dir():
            folder.rmdir()
        place.rename(folder)
    return FormatFiles(folder, counts, regions, tuple(losses))


def lost(article: Article, region: Region, config: str, reason: str, *, label: str = "") -> Loss:
    """Return what a format has no place for.

    Args:
        article: Where.
        region: The region, or that which a relation leads to or an attribute belongs to.
        config: The format.
        reason: Why.
        label: What it is, where it is not the region itself.
    """
    words = article.marked.words(region)
    return Loss(article.marked.name, region.start, region.end, label or region.label, words, config, reason)


def unread(error: InputError) -> Removed:
    """Return what an import records of a document that cannot be read; the others go on."""
    return Removed("", "import", error.message, error.where or "")


def articles(release: Snapshot, scheme: LabelScheme) -> Iterator[Article]:
    """Yield the articles of a release with everything that stands about them, split by split."""
    for row in read_rows(release.path, CONFIGS["articles"], release.labels, columns=COLUMNS):
        document = Document(row["document_id"], row["text"], row["sha256"], title=row["title"])
        sentences = sorted((s["start"], s["end"]) for s in row["segments"] if s["kind"] == "sentence")
        yield Article(
            row["split"],
            row["language"],
            row["title"],
            marked_by(document, _said(row, document), scheme),
            tuple(sentences or [(0, len(document.text))]),
        )


def _said(row: Mapping[str, Any], document: Document) -> Annotations:
    """Return a row of ``articles`` as annotations."""

    def span(item: Mapping[str, Any]) -> Span:
        return Span.of(document, item["start"], item["end"])

    def spans(items: Sequence[Mapping[str, Any]]) -> Span | None:
        return span(items[0]) if items else None

    def known(name: str) -> str:
        return "" if name == UNSPECIFIED else name

    entities = [
        Entity(e["id"], span(e), e["label"], GOLD, {a["name"]: a["value"] for a in e["attributes"]})
        for e in row["entities"]
    ]
    attributions = [
        Attribution(
            a["id"],
            span(a),
            GOLD,
            source=spans(a["source"]),
            cue=spans(a["cue"]),
            form=known(a["form"]),
            source_type=known(a["source_type"]),
        )
        for a in row["attributions"]
    ]
    stances = [
        Stance(s["target"], s["holder"], s["polarity"], GOLD, tuple(map(span, s["evidence"])), known(s["role"]))
        for s in row["stances"]
    ]
    answers = {item["question"]: tuple(item["values"]) for item in row["choices"]}
    return Annotations(
        document.id, document.sha256, tuple(entities), tuple(attributions), tuple(stances), answers
    ).check(document)
