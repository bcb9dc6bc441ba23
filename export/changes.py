"""Say how one document's labels changed from one release to the next.

A label is known by what it says (document, span, label), so a change has a name: a span that keeps its
words and gets another label is *retyped*, one that keeps its label and gets other, overlapping words is
*resized*, a stance whose polarity is another is *restanced*. What is left is *added* or *removed*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["DESCRIPTION", "LABELS", "Change", "Kind", "changed", "silenced"]

DESCRIPTION: Final = ("origin", "cluster_id", "title", "url", "outlet", "byline", "published", "retrieved", "language", "licence",
                      "source_kind", "raw_sha256", "copies")  # fmt: skip
"""The columns of ``articles`` that say what a document is, not what stands in it."""
LABELS: Final = ("segments", "entities", "attributions", "stances", "choices")
"""The columns of ``articles`` that say what stands in a document."""

Kind = Literal["added", "removed", "retyped", "resized", "changed", "restanced", "moved"]
Item = dict[str, Any]
Pair = tuple[Kind | None, Item, Item]


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


def changed(before: Item, after: Item) -> list[Change]:
    """Return every difference between two versions of a document, in order of layer, kind and content.

    Args:
        before: Its row of ``articles``, label names for ids, in the older release.
        after: The same in the newer one.
    """
    key, split, title = after["document_id"], after["split"], after["title"]
    found = list(_labels(key, before, after))
    if before["split"] != split:
        found.append(Change("moved", "documents", key, split, before["split"], split, title))
    if other := [name for name in DESCRIPTION if before[name] != after[name]]:
        was, now = ("; ".join(f"{name}: {row[name]}" for name in other) for row in (before, after))
        found.append(Change("changed", "documents", key, split, was, now, title))
    cut = [[s for s in row["segments"] if s["kind"] == "sentence"] for row in (before, after)]
    if cut[0] != cut[1]:
        was, now = (f"{len(ranges)} sentences" for ranges in cut)
        found.append(Change("changed", "sentences", key, split, was, now, title))
    return sorted(found, key=lambda c: (c.layer, c.kind, c.before, c.after))


def silenced(row: Item) -> Item:
    """Return a row of ``articles`` with no words in it, be it of a release with texts or without."""

    def silent(items: Iterable[Item], *inner: str) -> list[Item]:
        return [{**item, "text": "", **{name: silent(item[name]) for name in inner}} for item in items]

    if "entities" not in row:
        return {**row, "title": ""}
    stances = [{**stance, "evidence": silent(stance["evidence"])} for stance in row["stances"]]
    contents = silent(row["attributions"], "source", "cue")
    return {**row, "title": "", "entities": silent(row["entities"]), "attributions": contents, "stances": stances}


def _labels(key: str, before: Item, after: Item) -> Iterator[Change]:
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
    answers, now = ({c["question"]: ", ".join(c["values"]) for c in row["choices"]} for row in (before, after))
    for question in sorted(answers.keys() | now.keys()):
        said = answers.get(question, ""), now.get(question, "")
        if said[0] != said[1]:
            kind = "added" if not said[0] else "removed" if not said[1] else "changed"
            yield Change(kind, "questions", key, split, *said, question)


def _match(before: Iterable[Item], after: Iterable[Item]) -> Iterator[Pair]:
    """Pair the labelled spans of two versions of a document: same, same span, overlapping, alone."""
    gone = {item["id"]: item for item in before}
    come = {item["id"]: item for item in after}
    for key in [key for key in gone if key in come]:
        left, right = gone.pop(key), come.pop(key)
        yield _kind(left, right), left, right
    for place, fits in ((_span, None), (_label, _overlap)):
        waiting: dict[Any, list[Item]] = {}
        for right in come.values():
            waiting.setdefault(place(right), []).append(right)
        for key, left in list(gone.items()):
            near = waiting.get(place(left), [])
            found = next((right for right in near if fits is None or fits(left, right)), None)
            if found is not None:
                near.remove(found)
                del gone[key], come[found["id"]]
                yield _kind(left, found), left, found
    for left in gone.values():
        yield "removed", left, {}
    for right in come.values():
        yield "added", {}, right


def _kind(left: Item, right: Item) -> Kind | None:
    """Name what happened to a labelled span that both versions have."""
    if {**left, "id": ""} == {**right, "id": ""}:  # the name of a span is no part of what was said about it
        return None
    if left["label"] != right["label"]:
        return "retyped"
    return "changed" if _span(left) == _span(right) else "resized"


def _span(item: Item) -> tuple[int, int]:
    return item["start"], item["end"]


def _label(item: Item) -> str:
    return str(item["label"])


def _overlap(left: Item, right: Item) -> bool:
    return bool(left["start"] < right["end"] and right["start"] < left["end"])


def _contents(row: Item) -> list[Item]:
    return [{**item, "label": "CONTENT"} for item in row["attributions"]]


def _stances(document: str, split: str, before: Item, after: Item, became: Mapping[str, str]) -> Iterator[Change]:
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


def _rest(stance: Item) -> str:
    words = " … ".join(f"{span['text']} [{span['start']}, {span['end']})" for span in stance["evidence"])
    return f"{stance['polarity']} {stance['role']} by {words}"


def _mention(item: Item) -> str:
    if not item:
        return ""
    more = "".join(f" {pair['name']}={pair['value']}" for pair in item["attributes"])
    return f"{item['label']} [{item['start']}, {item['end']}){more}"


def _attribution(item: Item) -> str:
    if not item:
        return ""
    source = item["source"][0]["text"] if item["source"] else "nobody"
    cue = item["cue"][0]["text"] if item["cue"] else ""
    return f"{source} {cue} [{item['start']}, {item['end']}) {item['form']} {item['source_type']}"
