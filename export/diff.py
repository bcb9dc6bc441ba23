"""Say what changed between two releases, label by label.

A label is known by what it says (document, span, label), so a change has a name: a span that keeps its
words and gets another label is *retyped*, one that keeps its label and gets other, overlapping words is
*resized*, a stance whose polarity is another is *restanced*. What is left is *added* or *removed*.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from copydesk.schemas import DeskError

from .features import CONFIGS
from .labels import LABELS_FILE, Labels, read_labels
from .parquet import read_rows

__all__ = ["MANIFEST", "Change", "Diff", "Snapshot", "compare", "diff", "summary"]

MANIFEST = "manifest.json"

DESCRIPTION = ("origin", "cluster_id", "title", "url", "outlet", "byline", "published", "retrieved", "language", "licence",
               "source_kind", "raw_sha256", "copies")  # fmt: skip
"""The columns of ``articles`` that say what a document is, not what stands in it."""

Kind = Literal["added", "removed", "retyped", "resized", "changed", "restanced", "moved"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        kind: ``added``, ``removed``, ``retyped``, ``resized``, ``changed`` (attributes, or what is said of a document),
            ``restanced``, or ``moved`` for a document that changed its split.
        layer: ``documents``, ``sentences``, ``spans``, ``attribution``, ``stance`` or ``questions``.
        document_id: Where.
        split: The document's split in the newer release, or in the older one if it is gone.
        before: What stood; empty where something was added.
        after: What stands; empty where something was removed.
        text: The words concerned.
    """

    kind: Kind
    layer: str
    document_id: str
    split: str
    before: str
    after: str
    text: str


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
        return cls(path, manifest, read_labels(path / LABELS_FILE))


@dataclass(frozen=True, slots=True)
class Diff:
    """Everything that differs between two releases.

    Attributes:
        old: The older version.
        new: The newer version; empty while it has none.
        changes: Differences in documents and labels, sorted by document.
        breaking: What changed in the release's shape so that old code or scores break: scheme, label sets,
            columns taken away, tokeniser.
        growing: What was added to its shape: tables, columns.
        other: What else changed: wording of the guidelines, licence, raw annotations, edits.
    """

    old: str
    new: str
    changes: tuple[Change, ...]
    breaking: tuple[str, ...] = ()
    growing: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes or self.breaking or self.growing or self.other)

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many changes there are of each (layer, kind), sorted."""
        return dict(sorted(Counter((change.layer, change.kind) for change in self.changes).items()))

    def of(self, layer: str, kind: str | None = None) -> tuple[Change, ...]:
        """Return the changes of a layer, or of one kind in it."""
        return tuple(c for c in self.changes if c.layer == layer and kind in (None, c.kind))


def diff(old: Path, new: Path) -> Diff:
    """Compare two release folders.

    Raises:
        DeskError: One of them is no release.
    """
    return compare(Snapshot.of(old), Snapshot.of(new))


def compare(old: Snapshot, new: Snapshot) -> Diff:
    """Compare two releases, of which the newer may have no version yet."""
    changes = sorted(
        _documents(_articles(old), _articles(new)), key=lambda c: (c.document_id, c.layer, c.kind, c.before, c.after)
    )
    breaking, growing, other = _shape(old, new)
    return Diff(
        str(old.manifest["version"]), str(new.manifest.get("version", "")), tuple(changes), breaking, growing, other
    )


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


def _articles(release: Snapshot) -> dict[str, dict[str, Any]]:
    columns = ["document_id", "split", *DESCRIPTION, "segments", "entities", "attributions", "stances", "choices"]
    found = read_rows(release.path, CONFIGS["articles"], release.labels, columns=columns)
    return {row["document_id"]: row for row in found}


def _documents(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before is None or after is None:
            row = after or before
            assert row is not None
            title = row["title"]
            if before is None:
                yield Change("added", "documents", key, row["split"], "", title, title)
            else:
                yield Change("removed", "documents", key, row["split"], title, "", title)
            continue
        if before["split"] != after["split"]:
            yield Change("moved", "documents", key, after["split"], before["split"], after["split"], after["title"])
        if other := [name for name in DESCRIPTION if before[name] != after[name]]:
            was, now = ("; ".join(f"{name}: {row[name]}" for name in other) for row in (before, after))
            yield Change("changed", "documents", key, after["split"], was, now, after["title"])
        cut = [[s for s in row["segments"] if s["kind"] == "sentence"] for row in (before, after)]
        if cut[0] != cut[1]:
            was, now = (f"{len(ranges)} sentences" for ranges in cut)
            yield Change("changed", "sentences", key, after["split"], was, now, after["title"])
        yield from _labels(key, before, after)


def _labels(key: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    split = after["split"]
    became: dict[str, str] = {}
    for kind, left, right in _match(before["entities"], after["entities"]):
        if left and right:
            became[left["id"]] = right["id"]
        if kind:
            yield Change(kind, "spans", key, split, _mention(left), _mention(right), (right or left)["text"])
    for kind, left, right in _match(_contents(before), _contents(after)):
        if kind:
            said = _attribution(left), _attribution(right)
            yield Change(kind, "attribution", key, split, *said, (right or left)["text"])
    yield from _stances(key, split, before, after, became)
    answers = {c["question"]: ", ".join(c["values"]) for c in before["choices"]}
    now = {c["question"]: ", ".join(c["values"]) for c in after["choices"]}
    for question in sorted(answers.keys() | now.keys()):
        said = answers.get(question, ""), now.get(question, "")
        if said[0] != said[1]:
            kind = "added" if not said[0] else "removed" if not said[1] else "changed"
            yield Change(kind, "questions", key, split, *said, question)


Pair = tuple[Kind | None, dict[str, Any], dict[str, Any]]


def _match(before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]]) -> Iterator[Pair]:
    """Pair the labelled spans of two versions of a document: same, same span, overlapping, alone."""
    gone = {item["id"]: item for item in before}
    come = {item["id"]: item for item in after}
    for key in [key for key in gone if key in come]:
        left, right = gone.pop(key), come.pop(key)
        yield ("changed" if left != right else None), left, right
    for kind, fits in (("retyped", _same_span), ("resized", _same_label)):
        for key, left in list(gone.items()):
            found = next((right for right in come.values() if fits(left, right)), None)
            if found:
                yield kind, gone.pop(key), come.pop(found["id"])  # type: ignore[misc]
    for left in gone.values():
        yield "removed", left, {}
    for right in come.values():
        yield "added", {}, right


def _same_span(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return bool((left["start"], left["end"]) == (right["start"], right["end"]))


def _same_label(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return bool(left["label"] == right["label"] and left["start"] < right["end"] and right["start"] < left["end"])


def _contents(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**item, "label": "CONTENT"} for item in row["attributions"]]


def _stances(
    document: str, split: str, before: dict[str, Any], after: dict[str, Any], became: Mapping[str, str]
) -> Iterator[Change]:
    # a stance whose target or holder was only retyped or resized is still the same stance
    old = {(became.get(s["target"], s["target"]), became.get(s["holder"], s["holder"])): s for s in before["stances"]}
    new = {(s["target"], s["holder"]): s for s in after["stances"]}
    names = {e["id"]: e["text"] for row in (before, after) for e in row["entities"]}
    for key in sorted(old.keys() | new.keys()):
        left, right = old.get(key), new.get(key)
        text = f"{names.get(key[1], key[1])} → {names.get(key[0], key[0])}"
        said = left["polarity"] if left else "", right["polarity"] if right else ""
        if left is None or right is None:
            yield Change("added" if left is None else "removed", "stance", document, split, *said, text)
        elif said[0] != said[1]:
            yield Change("restanced", "stance", document, split, *said, text)
        elif _rest(left) != _rest(right):
            yield Change("changed", "stance", document, split, _rest(left), _rest(right), text)


def _rest(stance: dict[str, Any]) -> str:
    words = " … ".join(f"{span['text']} [{span['start']}, {span['end']})" for span in stance["evidence"])
    return f"{stance['polarity']} {stance['role']} by {words}"


def _mention(item: dict[str, Any]) -> str:
    if not item:
        return ""
    more = "".join(f" {pair['name']}={pair['value']}" for pair in item["attributes"])
    return f"{item['label']} [{item['start']}, {item['end']}){more}"


def _attribution(item: dict[str, Any]) -> str:
    if not item:
        return ""
    source = item["source"][0]["text"] if item["source"] else "nobody"
    cue = item["cue"][0]["text"] if item["cue"] else ""
    return f"{source} {cue} [{item['start']}, {item['end']}) {item['form']} {item['source_type']}"


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
    for name in sorted({*was["configs"], *now["configs"]}):
        left, right = was["configs"].get(name), now["configs"].get(name)
        if left is None or right is None:
            (growing if left is None else breaking).append(f"table {name!r} {'added' if left is None else 'removed'}")
            continue
        gone = [c for c, kind in left["columns"].items() if right["columns"].get(c) != kind]
        come = [c for c in right["columns"] if c not in left["columns"]]
        breaking += [f"column {name}.{column} changed or removed" for column in gone]
        growing += [f"column {name}.{column} added" for column in come]
        if name == "annotations" and right["rows"] > left["rows"]:
            growing.append(f"{right['rows'] - left['rows']:,} more annotators' versions")
        elif name in ("annotations", "edits") and right["logical"] != left["logical"]:
            other.append(f"table {name!r} brought up to date")
    other += [f"{key} changed" for key in ("licence", "homepage", "title") if was.get(key) != now.get(key)]
    return tuple(breaking), tuple(growing), tuple(other)


def _set_change(old: Iterable[str], new: Iterable[str]) -> str:
    before, after = list(old), list(new)
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    return ", ".join([f"+{name}" for name in added] + [f"-{name}" for name in removed]) or "other order"
