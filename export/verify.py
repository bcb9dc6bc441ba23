"""Load a built release back from disk and check that it says what it should.

Run before a release gets its name, on the files as a stranger would load them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from copydesk.corpus import file_sha256
from copydesk.schemas import DeskError

from .diff import Snapshot
from .features import CONFIGS, Classes, Feature
from .hub_datasets import load_config
from .labels import Labels
from .tables import flatten

__all__ = ["damaged", "problems", "verify"]


def verify(path: Path) -> None:
    """Check a release folder.

    Raises:
        DeskError: It breaks a promise; names the table, the row and the promise.
    """
    for problem in problems(path):
        raise DeskError(
            f"the built release breaks a promise: {problem}",
            hint="Nothing was released. This is a fault of copydesk, not of your desk: please report it.",
        )


def damaged(release: Snapshot, *, table: str = "") -> Iterator[str]:
    """Yield every file of a release, or of one table of it, that is not the one that the manifest lists."""
    for name, file in release.manifest["files"].items():
        if name.startswith(f"{table}/" if table else ""):
            path = release.path / name
            if not path.is_file() or file_sha256(path) != file["sha256"]:
                yield f"{name} is not the file that the manifest lists"


def problems(path: Path) -> Iterator[str]:
    """Yield every promise that a release folder breaks."""
    release = Snapshot.of(path)
    yield from damaged(release)
    splits: dict[str, str] = {}
    articles: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="copydesk-") as cache:
        for name, config in release.manifest["configs"].items():
            loaded = load_config(path, name, cache_dir=Path(cache))
            if {split: len(rows) for split, rows in loaded.items()} != config["splits"]:
                yield f"{name}: the rows of the splits are not those of the manifest"
            ids: set[str] = set()
            for split, rows in loaded.items():
                yield from _names(name, rows.features, CONFIGS[name].features, release.labels)
                names = rows.features["ner_tags"].feature.names if name == "entities" else []
                for row in _plain(rows):
                    where = f"{name} row {row['id']}"
                    if row["id"] in ids:
                        yield f"{where}: the id is there twice"
                    ids.add(row["id"])
                    if row["split"] != split or splits.setdefault(row["document_id"], split) != split:
                        yield f"{where}: its document is in two splits"
                    if name == "articles":
                        articles[row["document_id"]] = row["text"]
                    yield from (f"{where}: {fault}" for fault in _row(name, row, articles, names))


def _plain(rows: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a loaded split as Arrow has them, which is several times faster than one by one."""
    for batch in rows.with_format("arrow").iter(batch_size=500):
        yield from batch.to_pylist()


def _names(table: str, found: Any, wanted: Mapping[str, Feature], labels: Labels) -> Iterator[str]:
    """Yield every closed set whose loaded names are not those of labels.json."""
    for column, feature in wanted.items():
        yield from _names_of(f"{table}.{column}", found[column], feature, labels)


def _names_of(where: str, found: Any, wanted: Feature, labels: Labels) -> Iterator[str]:
    if isinstance(wanted, Classes):
        if getattr(found, "names", None) != list(labels[wanted.key]):
            yield f"{where}: the label names are not those of labels.json"
    elif isinstance(wanted, list):
        yield from _names_of(where, found.feature, wanted[0], labels)
    elif isinstance(wanted, dict):
        for name, inner in wanted.items():
            yield from _names_of(f"{where}.{name}", found[name], inner, labels)


def _row(table: str, row: dict[str, Any], articles: Mapping[str, str], names: list[str]) -> Iterator[str]:
    article = articles[row["document_id"]]
    if table in ("articles", "annotations"):
        yield from _standoff(row, article)
    elif table == "entities":
        yield from _sentence(row, article)
        yield from _tags(row, names)
    elif table == "spans":
        yield from _texts(article, [row])
    elif table == "stance":
        yield from _sentence(row, article)
        if row["text"][row["target_start"] : row["target_end"]] != row["target"]:
            yield "the target's offsets do not give its text"
        yield from _texts(row["text"], row["evidence"])
    elif table == "edits":
        yield from _texts(article, [*row["suggested"], *row["final"]])


def _standoff(row: dict[str, Any], article: str) -> Iterator[str]:
    for item in row["attributions"]:
        yield from _texts(article, [item, *item["source"], *item["cue"]])
    yield from _texts(article, row["entities"])
    known = {entity["id"] for entity in row["entities"]}
    for stance in row["stances"]:
        yield from _texts(article, stance["evidence"])
        if not {stance["target"], stance["holder"]} <= known | {"OUTLET", "UNNAMED"} or stance["target"] not in known:
            yield "a stance refers to an entity that is not there"


def _texts(text: str, spans: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for span in spans:
        if text[span["start"] : span["end"]] != span["text"]:
            yield f"the offsets [{span['start']}, {span['end']}) do not give {span['text']!r}"


def _sentence(row: dict[str, Any], article: str) -> Iterator[str]:
    if article[row["start"] : row["start"] + len(row["text"])] != row["text"]:
        yield "the sentence is not where the article has it"


def _tags(row: dict[str, Any], names: list[str]) -> Iterator[str]:
    yield from _texts(row["text"], row["entities"])
    tokens = list(zip(row["token_starts"], row["token_ends"], strict=True))
    if [row["text"][start:end] for start, end in tokens] != row["tokens"] or len(tokens) != len(row["ner_tags"]):
        yield "tokens, offsets and tags do not go together"
        return
    order = [name.removeprefix("B-") for name in names if name.startswith("B-")]
    # the labels of entities and of tags grow in the same order
    spans = [(e["start"], e["end"], order[e["label"]]) for e in row["entities"]]
    if flatten(tokens, spans, order)[0] != [names[tag] for tag in row["ner_tags"]]:
        yield "the tags are not the row's entities, flattened"
