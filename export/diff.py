"""Compare two releases, however large: what changed is counted, and some of each kind is kept to be shown.

Documents that are the same in both are passed over in columns (:mod:`alongside`); of the others every difference gets a
name (:mod:`changes`). What a release is made of, its scheme, label sets, tables and columns, is compared by its manifest.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.schemas import DeskError

from .alongside import Window, windows
from .changes import DESCRIPTION, LABELS, Change, changed, silenced
from .features import Classes, Config, Feature
from .labels import LABELS_FILE, Labels, read_labels
from .standoff import configs_of

__all__ = ["MANIFEST", "Change", "Diff", "Snapshot", "changes", "compare", "diff", "summary"]

MANIFEST: Final = "manifest.json"
SHOWN: Final = 100
"""How many changes of each layer and kind a diff keeps."""


_STATED: Final[Mapping[str, type]] = {
    **dict.fromkeys(("name", "title", "version", "content", "tokeniser", "licence", "homepage"), str),
    **dict.fromkeys(("scheme", "configs", "files", "origins", "figures"), dict),
    **dict.fromkeys(("split_names", "languages", "pipelines"), list),
}
"""What every manifest says, and of which kind it is."""


def _no_manifest(said: Any) -> str:
    """Return why a value is no manifest; empty where it is one."""
    if not isinstance(said, dict):
        return "it is no object"
    for key, kind in _STATED.items():
        if not isinstance(said.get(key), kind):
            return f"{key!r} is missing, or is not what it should be"
    if not all(isinstance(said["scheme"].get(key), str) for key in ("name", "version", "digest")):
        return "'scheme' has no name, version and digest"
    for name, table in said["configs"].items():
        wanted = {"rows": int, "splits": dict, "bytes": dict, "columns": dict, "logical": str}
        if not isinstance(table, dict) or not all(isinstance(table.get(key), kind) for key, kind in wanted.items()):
            return f"what it says of the table {name!r} is not what it should be"
        if not table["splits"].keys() <= {"train", "validation", "test"}:
            return f"the table {name!r} has splits that no release has"
    for name, file in said["files"].items():
        # a file that is not in the folder is none of the release's, and must never be sent anywhere as one
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not isinstance(file, dict):
            return f"what it says of the file {name!r} is not what it should be"
    return ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A release folder as it is compared: its manifest and its label ids."""

    path: Path
    manifest: Mapping[str, Any]
    labels: Labels

    @classmethod
    def of(cls, path: Path) -> Snapshot:
        """Read a release folder.

        Raises:
            DeskError: It is none.
        """
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DeskError(
                f"no release here: there is no {MANIFEST}",
                where=str(path),
                hint="Name a release folder, such as releases/1.0.0.",
            ) from None
        except ValueError as error:
            raise DeskError(f"{MANIFEST} is damaged: {error}", where=str(path)) from error
        if wrong := _no_manifest(manifest):
            raise DeskError(
                f"{MANIFEST} is no release's: {wrong}",
                where=str(path),
                hint="It was written by something else, or by another version of copydesk.",
            )
        return cls(path, manifest, read_labels(path / LABELS_FILE))


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two releases.

    Attributes:
        old: The older version.
        new: The newer version; empty while it has none.
        tally: How many changes there are of each (layer, kind, split).
        changes: The first hundred of each layer and kind in the order of their documents' ids, which are hashes.
        turns: How many spans were retyped from one label to another, and stances from one polarity to another: (layer,
            before, after) to their number.
        rows: Table to its rows in the older and in the newer release.
        breaking: What changed in the release's shape so that old code or scores break: scheme, label sets,
            columns or rows taken away, tokeniser.
        growing: What was added to its shape: tables, columns.
        other: What else changed: wording of the guidelines, licence, raw annotations, edits, decisions.
    """

    old: str
    new: str
    tally: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    turns: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    rows: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    breaking: tuple[str, ...] = ()
    growing: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    @classmethod
    def told(cls, old: str, new: str, every: Iterable[Change], **shape: Any) -> Diff:
        """Count changes as they come, and keep some of each kind."""
        tally: Counter[tuple[str, str, str]] = Counter()
        seen: Counter[tuple[str, str]] = Counter()
        turns: Counter[tuple[str, str, str]] = Counter()
        kept = []
        for change in every:
            tally[change.layer, change.kind, change.split] += 1
            seen[change.layer, change.kind] += 1
            if seen[change.layer, change.kind] <= SHOWN:
                kept.append(change)
            if change.kind in ("retyped", "restanced"):
                turns[change.layer, change.before.split(" ", 1)[0], change.after.split(" ", 1)[0]] += 1
        return cls(old, new, dict(sorted(tally.items())), tuple(kept), dict(sorted(turns.items())), **shape)

    def __bool__(self) -> bool:
        return bool(self.tally or self.breaking or self.growing or self.other)

    @property
    def total(self) -> int:
        """Return how many changes there are."""
        return sum(self.tally.values())

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many changes there are of each (layer, kind), sorted."""
        found: Counter[tuple[str, str]] = Counter()
        for (layer, kind, _), number in self.tally.items():
            found[layer, kind] += number
        return dict(sorted(found.items()))

    def of(self, layer: str, kind: str | None = None) -> tuple[Change, ...]:
        """Return the kept changes of a layer, or of one kind in it."""
        return tuple(c for c in self.changes if c.layer == layer and kind in (None, c.kind))

    def examples(self, most: int) -> list[Change]:
        """Return the first kept changes of each layer and kind, by layer and kind."""
        return [change for layer, kind in self.counts() for change in self.of(layer, kind)[:most]]

    def plain(self, shown: Iterable[Change] | None = None) -> dict[str, Any]:
        """Return everything as plain values.

        Args:
            shown: The changes to be listed; those that are kept by default.
        """
        return {
            "old": self.old,
            "new": self.new,
            "rows": {name: list(both) for name, both in self.rows.items()},
            "counts": [{"layer": layer, "kind": kind, "number": n} for (layer, kind), n in self.counts().items()],
            "splits": [
                {"layer": layer, "kind": kind, "split": split, "number": n}
                for (layer, kind, split), n in self.tally.items()
            ],
            "turns": [
                {"layer": layer, "before": before, "after": after, "number": n}
                for (layer, before, after), n in self.turns.items()
            ],
            "breaking": list(self.breaking),
            "growing": list(self.growing),
            "other": list(self.other),
            "changes": [asdict(change) for change in (self.changes if shown is None else shown)],
        }


def diff(old: Path, new: Path) -> Diff:
    """Compare two release folders, in memory that does not grow with them.

    Raises:
        DeskError: One of them is no release.
    """
    return compare(Snapshot.of(old), Snapshot.of(new))


def compare(old: Snapshot, new: Snapshot) -> Diff:
    """Compare two releases, of which the newer may have no version yet."""
    breaking, growing, other = _shape(old, new)
    configs = [release.manifest["configs"] for release in (old, new)]
    rows = {
        name: (int(left), int(right))
        for name in sorted({*configs[0], *configs[1]})
        for left, right in [[tables.get(name, {}).get("rows", 0) for tables in configs]]
    }
    return Diff.told(
        str(old.manifest["version"]),
        str(new.manifest.get("version", "")),
        changes(old, new),
        rows=rows,
        breaking=breaking,
        growing=growing,
        other=other,
    )


def changes(old: Snapshot, new: Snapshot) -> Iterator[Change]:
    """Yield every difference in documents and labels, in the order of the documents' ids.

    Raises:
        DeskError: The articles of a release are not in the order of their ids.
    """
    left, right = (release.manifest["configs"].get("articles", {}) for release in (old, new))
    is_renumbered = not _same_ids(old.labels, new.labels)
    if (
        left.get("logical") == right.get("logical")
        and left.get("columns") == right.get("columns")
        and not is_renumbered
    ):
        return
    # where one of them has no texts, words are no difference
    wordless = any(release.manifest.get("text") == "standoff" for release in (old, new))
    rows = [_Rows(release, wordless) for release in (old, new)]
    columns = ["document_id", "split", *DESCRIPTION, *LABELS]
    for window in windows(old.path, new.path, columns, wordless=wordless, every=is_renumbered):
        before, after = (side.of(table, window) for side, table in zip(rows, (window.old, window.new), strict=True))
        for key in window.ids:
            yield from _document(key, before.get(key), after.get(key))


def summary(found: Diff) -> list[str]:
    """Return the lines of a changelog section: one per kind of change, in words."""
    lines = [*found.breaking, *found.growing]
    for (layer, kind), count in found.counts().items():
        noun = {"documents": "document", "sentences": "document", "spans": "span label", "questions": "answer"}.get(
            layer, f"{layer} label"
        )
        verb = {"moved": "moved to another split", "changed": "given other attributes"}.get(kind, kind)
        verb = "cut into other sentences" if layer == "sentences" else verb
        lines.append(f"{count:,} {noun}{'' if count == 1 else 's'} {verb}")
    return [*lines, *found.other]


def _same_ids(old: Labels, new: Labels) -> bool:
    """Tell whether every label id has the same name in both, as it does where label files only grow."""
    return all(
        left == right for key in old if key in new for left, right in zip(old[key], new[key], strict=False)
    )  # fmt: skip


class _Rows:
    """Rows of a release's articles as Python, label ids turned to names."""

    def __init__(self, release: Snapshot, wordless: bool) -> None:
        self.config: Config = configs_of(release.manifest)["articles"]
        self.labels = release.labels
        self.wordless = wordless

    def of(self, table: pa.Table, window: Window) -> dict[str, dict[str, Any]]:
        """Return those of a window's differing documents that are in a table."""
        ids = window.ids
        if not ids or not table.num_rows:
            return {}
        chosen = table.filter(pc.is_in(table["document_id"], value_set=pa.array(ids, pa.string())))
        # what is the same in all of them is not worth unpacking; spans stay, for stances name them
        bare = {name for name in LABELS if name in window.same and name != "entities"}
        columns = {
            name: [[]] * len(chosen) if name in bare else _values(chosen[name], self.config.features[name], self.labels)
            for name in chosen.column_names
        }
        rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
        return {row["document_id"]: silenced(row) if self.wordless else row for row in rows}


def _values(column: Any, feature: Feature, labels: Labels) -> list[Any]:
    """Return a column as Python, label ids turned to names: field by field, which is many times as fast as row by row."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    if isinstance(feature, list):
        inner = _values(pc.list_flatten(array), feature[0], labels)
        ends = np.cumsum(pc.list_value_length(array).to_numpy(zero_copy_only=False)).tolist()
        return [inner[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    if isinstance(feature, dict):
        named = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        parts = [_values(named[name], one, labels) for name, one in feature.items()]
        return [dict(zip(feature, values, strict=True)) for values in zip(*parts, strict=True)]
    values: list[Any] = array.to_numpy(zero_copy_only=False).tolist()  # nothing is null; faster than to_pylist
    if isinstance(feature, Classes):
        names = labels[feature.key]
        return [names[number] for number in values]
    return values


def _document(key: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Iterable[Change]:
    if before is None and after is None:
        return []
    if before is None:
        assert after is not None
        return [Change("added", "documents", key, after["split"], "", after["title"], after["title"])]
    if after is None:
        return [Change("removed", "documents", key, before["split"], before["title"], "", before["title"])]
    return changed(before, after)


def _shape(old: Snapshot, new: Snapshot) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    breaking: list[str] = []
    growing: list[str] = []
    other: list[str] = []
    was, now = old.manifest, new.manifest
    schemes = was["scheme"], now["scheme"]
    numbers = [scheme["version"].rpartition(".")[0] for scheme in schemes]
    if (schemes[0]["name"], numbers[0]) != (schemes[1]["name"], numbers[1]):
        breaking.append("scheme {name} {version}".format(**schemes[0]) + " → {name} {version}".format(**schemes[1]))
    elif schemes[0]["digest"] != schemes[1]["digest"]:
        other.append("wording of the label scheme or its guidelines changed")
    breaking += [
        f"label set {key!r} changed: {_set_change(old.labels.get(key, ()), new.labels.get(key, ()))}"
        for key in sorted({*old.labels, *new.labels})
        if old.labels.get(key) != new.labels.get(key)
    ]
    if was["tokeniser"] != now["tokeniser"]:
        breaking.append(f"tokeniser {was['tokeniser']} → {now['tokeniser']}")
    if was.get("ids") != now.get("ids"):
        breaking.append(f"mentions have other ids: by {was.get('ids', 'hash')} → by {now.get('ids', 'hash')}")
    for name in sorted({*was["configs"], *now["configs"]}):
        left, right = was["configs"].get(name), now["configs"].get(name)
        if left is None or right is None:
            (growing if left is None else breaking).append(f"table {name!r} {'added' if left is None else 'removed'}")
            continue
        gone = [c for c, kind in left["columns"].items() if right["columns"].get(c) != kind]
        come = [c for c in right["columns"] if c not in left["columns"]]
        breaking += [f"column {name}.{column} changed or removed" for column in gone]
        growing += [f"column {name}.{column} added" for column in come]
        if name in ("annotations", "edits", "decisions") and right["logical"] != left["logical"]:
            gone_rows, come_rows = _versions(old.path, new.path) if name == "annotations" else (0, 0)
            breaking += [f"{gone_rows:,} annotators' versions removed"] if gone_rows else []
            growing += [f"{come_rows:,} more annotators' versions"] if come_rows else []
            other += [] if gone_rows or come_rows else [f"table {name!r} brought up to date"]
    other += [f"{key} changed" for key in ("licence", "homepage", "title") if was.get(key) != now.get(key)]
    return tuple(breaking), tuple(growing), tuple(other)


def _versions(old: Path, new: Path) -> tuple[int, int]:
    """Return how many rows of ``annotations`` only the older, and only the newer release has."""
    ids = []
    for folder in (old, new):
        tables = [pq.read_table(path, columns=["id"]) for path in sorted((folder / "annotations").glob("*.parquet"))]
        ids.append(pa.concat_tables(tables)["id"] if tables else pa.array([], pa.string()))
    both = int(pc.sum(pc.is_in(ids[0], value_set=ids[1])).as_py() or 0)
    return len(ids[0]) - both, len(ids[1]) - both


def _set_change(old: Iterable[str], new: Iterable[str]) -> str:
    before, after = list(old), list(new)
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    return ", ".join([f"+{name}" for name in added] + [f"-{name}" for name in removed]) or "other order"
