"""Measure rebuilding a dataset without texts: how fast, and how many labels come back to their place.

Of a generated desk's articles 20 % are missing and 10 % were edited after the release, with a book kept of where every
character went: a label is recoverable if its characters still stand together, and wrong where it stands elsewhere.
"""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path

import pyarrow.parquet as pq

from copydesk.corpus import Desk, documents
from copydesk.export import hydrate, release

from .figure import Figure, figure
from .release import _desk

MISSING = 0.2
EDITED = 0.1
EDITS = 6
INSERTED = ("again", "late", "reportedly", "the army", "near", "on Friday", "villagers", "and")

UNTIDY = re.compile(r" +(?=\n)|(?<=\n) +| +(?= )|\A\s+|\s+\Z|(?<=\n\n)\n+")
"""Blanks that no frozen text has."""

Range = tuple[int, int]


def _edited(text: str, draw: random.Random) -> tuple[str, list[int]]:
    """Return an edited text, and for each of its characters the place that it had, or -1."""
    places = list(range(len(text)))
    for _ in range(draw.randint(1, EDITS)):
        words = [match.span() for match in re.finditer(r"\S+ ?", text)]
        start, end = draw.choice(words)
        fresh = draw.choice(INSERTED) + " "
        match draw.choice(("insert", "delete", "replace", "cut")):
            case "insert":
                end = start
            case "delete":
                fresh = ""
            case "cut":
                end = min(end + draw.randint(10, 80), len(text))
                fresh = ""
        if _is_ambiguous(text, start, end, fresh):
            continue
        text, places = text[:start] + fresh + text[end:], places[:start] + [-1] * len(fresh) + places[end:]
    dropped = {at for match in UNTIDY.finditer(text) for at in range(*match.span())}
    kept = [at for at in range(len(text)) if at not in dropped]
    return "".join(text[at] for at in kept), [places[at] for at in kept]


def _shared(one: str, other: str) -> str:
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _is_ambiguous(text: str, start: int, end: int, fresh: str) -> bool:
    """Tell whether an edit gives the same text as one elsewhere: of "the army" inserted beside "the army" either is new."""
    gone = text[start:end]
    shared = len(_shared(gone, fresh))
    start, gone, fresh = start + shared, gone[shared:], fresh[shared:]
    shared = len(_shared(gone[::-1], fresh[::-1]))
    end, gone, fresh = end - shared, gone[: len(gone) - shared], fresh[: len(fresh) - shared]
    if gone and fresh:
        return False
    onwards = _shared(gone or fresh, text[end:])
    back = _shared((gone or fresh)[::-1], text[:start][::-1])
    return not (gone or fresh) or any(map(str.isalnum, onwards + back))


def _standing(span: Range, places: list[int]) -> Range | None:
    """Return where a range went whose characters still stand together."""
    try:
        start = places.index(span[0])
    except ValueError:
        return None
    end = start + span[1] - span[0]
    return (start, end) if places[start:end] == list(range(*span)) else None


def _labels(path: Path) -> dict[str, list[tuple[int, int, int]]]:
    """Return start, end and label of each entity, by document."""
    found = {}
    for part in sorted((path / "articles").glob("*.parquet")):
        for row in pq.read_table(part, columns=["document_id", "entities"]).to_pylist():
            found[row["document_id"]] = [(e["start"], e["end"], e["label"]) for e in row["entities"]]
    return found


def _spent() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _copies(desk: Desk, path: Path) -> dict[str, tuple[str, list[int]]]:
    """Write what somebody has of a desk's articles; return the edited ones with the places of their characters."""
    draw = random.Random(1)
    edited: dict[str, tuple[str, list[int]]] = {}
    with path.open("w", encoding="utf-8") as file:
        for document in documents(desk):
            fate = draw.random()
            text = document.text
            if fate < EDITED:
                head, _, body = text.partition("\n\n")
                changed, places = _edited(body, draw)
                shift = len(head) + 2
                places = [*range(shift), *(place + shift if place >= 0 else -1 for place in places)]
                text, edited[document.id] = f"{head}\n\n{changed}", (f"{head}\n\n{changed}", places)
            if fate < EDITED or fate > EDITED + MISSING:
                file.write(json.dumps({"title": document.title, "text": text}) + "\n")
    return edited


def _judged(
    path: Path, before: Mapping[str, list[tuple[int, int, int]]], edited: Mapping[str, tuple[str, list[int]]]
) -> tuple[int, int, int]:
    """Return how many labels of edited articles could be recovered, how many were, and how many stand wrongly."""
    after = _labels(path)
    texts: dict[str, str] = defaultdict(str)
    for part in sorted((path / "articles").glob("*.parquet")):
        for row in pq.read_table(part, columns=["document_id", "text"]).to_pylist():
            texts[row["document_id"]] = row["text"]
    able = right = wrong = 0
    for key, (text, places) in edited.items():
        moved = {(*there, label) for a, b, label in before[key] if (there := _standing((a, b), places))}
        able += len(moved)
        if texts[key] == text:
            found = set(after[key])
            right += len(found & moved)
            wrong += len(found - moved)
    return able, right, wrong


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield documents a second, the share of recoverable labels that are in their place, and how many are not."""
    count = 600 if quick else 5_000
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        top = Path(folder)
        settings = _desk(top / "desk", count).path / "copydesk.toml"
        # generated articles share their phrases
        settings.write_text(settings.read_text().replace('leakage = "stop"', 'leakage = "count"'))
        desk = Desk(top / "desk")
        released = release(desk, silver=True, text="standoff").path
        edited = _copies(desk, top / "own.jsonl")
        began, spent = time.perf_counter(), _spent()
        made = hydrate(released, top / "out", [str(top / "own.jsonl")])
        seconds, spent = time.perf_counter() - began, _spent() - spent
        able, right, wrong = _judged(made.path, _labels(released), edited)
    yield figure("documents rebuilt", count / seconds, "documents/s", target=">= 1000", n=count, seconds=seconds)
    yield figure("documents rebuilt, by processor", count / spent, "documents/s", n=count, seconds=spent)
    yield figure(
        "labels recovered", 100 * right / able, "% of the recoverable", target=">= 95", n=able, seconds=seconds
    )
    yield figure("labels in a wrong place", wrong, "labels", target="<= 0", n=able, seconds=seconds)
