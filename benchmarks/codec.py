"""Measure the Label Studio codec: its speed beside the SDK's own converter, what each keeps of re3d, and edits.

The peer has the easier half: it reads an export and writes CoNLL (its one format with spans; JSON_MIN, which it
writes quicker, holds rows and no spans of a text). We make every task from its document, read the same export
and decode it against our texts. Both read the file within what is timed, one task after the other.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from copydesk.annotate import align, decode, encode
from copydesk.schemas import (
    OUTLET,
    Annotations,
    Document,
    Entity,
    LabelScheme,
    Origin,
    Span,
    Stance,
    Suggestion,
    document_id,
    labelling_config,
    load_scheme,
    text_sha256,
)

from .figure import Figure, figure, ratio

MADE = Origin("model", "generated", "1")
WORDS = "rebels army Qasr shelled near said ministers 🔥 talks on Monday Київ died border convoy قوات".split(" ")
LABELS = ("ARMED_ACTOR", "ORG", "GPE", "PERSON", "LOCATION", "TIME")
RE3D = {
    "Organisation": "ORG",
    "Person": "PERSON",
    "Location": "LOCATION",
    "Nationality": "POPULATION",
    "Weapon": "WEAPON",
    "MilitaryPlatform": "PLATFORM",
    "Vehicle": "PLATFORM",
    "Temporal": "TIME",
    "Quantity": "TOLL",
}


def _document(text: str) -> Document:
    return Document(id=document_id(text), text=text, sha256=text_sha256(text))


def _made(number: int) -> tuple[Document, Suggestion]:
    """Return an article of about 1,000 characters with 24 mentions and a stance on every fourth."""
    draw = random.Random(number)
    document = _document(f"Report {number}\n\n" + " ".join(draw.choices(WORDS, k=180)) + ".")
    entities, at = [], document.text.index("\n\n") + 2
    for order in range(24):
        end = document.text.index(" ", at)
        label = draw.choice(LABELS)
        entities.append(Entity(f"{number}-{order}", Span.of(document, at, end), label, MADE, {}, 0.5))
        at = document.text.index(" ", end + 1) + 1
    actors = [entity for entity in entities if entity.label in LABELS[:4]][::4]
    stances = tuple(Stance(entity.id, OUTLET, "-1", MADE, (entity.span,)) for entity in actors)
    return document, Suggestion(Annotations(document.id, document.sha256, tuple(entities), (), stances), MADE, ())


def _export(tasks: Sequence[Any]) -> str:
    """Return tasks as the server would export them: each prediction accepted as it is."""
    return json.dumps(
        [
            {"id": number, "data": task["data"], "annotations": [{"id": number, "completed_by": 1, **prediction}]}
            for number, task in enumerate(tasks, start=1)
            for prediction in task["predictions"]
        ]
    )


def _ours(pairs: Sequence[tuple[Document, Suggestion]], scheme: LabelScheme, path: Path) -> Iterator[Annotations]:
    """Encode every document, then read and decode the export, task by task."""
    for document, said in pairs:
        encode(document, said, scheme)
    texts = {document.id: document for document, _ in pairs}
    for task in _tasks(path.read_text(encoding="utf-8")):
        document = texts[task["data"]["document_id"]]
        yield decode(task, task["annotations"][0], scheme, document, origin=MADE).annotations


def _tasks(export: str) -> Iterator[Any]:
    """Yield the members of a JSON array one by one, so that no list of all of them is ever held."""
    decoder, at = json.JSONDecoder(), 1
    while export[at] != "]":
        task, at = decoder.raw_decode(export, at)
        yield task
        at += 2 if export.startswith(", ", at) else 0


def _peer(scheme: LabelScheme, path: Path, folder: Path, form: str = "CONLL2003") -> Path:
    from label_studio_sdk.converter import Converter

    with contextlib.redirect_stdout(io.StringIO()):
        converter = Converter(labelling_config(scheme), None, download_resources=False)
        converter.convert(str(path), str(folder), form, is_dir=False)
    return folder / "result.conll"


def _conll_spans(text: str) -> Counter[tuple[str, str]]:
    """Count the spans of a CoNLL file as (words without blanks, label)."""
    spans: list[tuple[str, str]] = []
    for line in text.splitlines():
        token, _, mark = line.rpartition(" ")
        token = token.split(" ")[0] if token else ""
        if mark.startswith("B-"):
            spans.append((token, mark[2:]))
        elif mark.startswith("I-") and spans:
            spans[-1] = (spans[-1][0] + token, spans[-1][1])
    return Counter(spans)


def _re3d(data: Path) -> Iterator[tuple[Document, Suggestion]]:
    path = next((p for p in (data / "entities" / "re3d_dev.jsonl", data / "re3d_dev.jsonl", data) if p.is_file()), None)
    if path is None:
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        document = _document(row["text"])
        entities = tuple(
            Entity(f"e{order}", Span.of(document, start, end), RE3D.get(label, "NAMED_EVENT"), MADE)
            for order, (start, end, label) in enumerate(row["entities"])
        )
        yield document, Suggestion(Annotations(document.id, document.sha256, entities), MADE, ())


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield speed against the peer, then, where the data is given, the share of re3d's spans each keeps exactly."""
    scheme = load_scheme().select(["entities", "attribution", "stance"])
    pairs = [_made(number) for number in range(100 if quick else 10_000)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        export = folder / "export.json"
        export.write_text(_export([encode(document, said, scheme) for document, said in pairs]), encoding="utf-8")
        for form, target in (("CONLL2003", ">= 20"), ("JSON_MIN", "")):
            begun = time.perf_counter()
            faster, best, _ = ratio(
                lambda: deque(_ours(pairs, scheme, export), maxlen=0),
                lambda form=form: _peer(scheme, export, folder / "peer", form),  # type: ignore[misc]
                rounds=3,
            )
            spent = time.perf_counter() - begun
            peer = f"label-studio-sdk converter to {form}"
            yield figure("encode and decode", faster, "ratio", target=target, peer=peer, n=len(pairs), seconds=spent)
        yield figure("encode and decode, tasks a second", len(pairs) / best, "tasks/s", n=len(pairs), seconds=spent)
        same = sum(
            _same(said.annotations, found) for (_, said), found in zip(pairs, _ours(pairs, scheme, export), strict=True)
        )
        yield figure(
            "documents that come back equal", 100 * same / len(pairs), "%", target=">= 100", n=len(pairs), seconds=spent
        )
        if data is not None:
            yield from _kept(list(_re3d(data)), scheme, folder)
    yield from _edits(50 if quick else 1_000)


def _same(said: Annotations, found: Annotations) -> bool:
    return all(
        sorted(getattr(said, part), key=repr) == sorted(getattr(found, part), key=repr)
        for part in ("entities", "attributions", "stances")
    )


def _kept(pairs: Sequence[tuple[Document, Suggestion]], scheme: LabelScheme, folder: Path) -> Iterator[Figure]:
    if not pairs:
        return
    begun = time.perf_counter()
    export = folder / "re3d.json"
    export.write_text(_export([encode(document, said, scheme) for document, said in pairs]), encoding="utf-8")
    back = list(_ours(pairs, scheme, export))
    total = sum(len(said.annotations.entities) for _, said in pairs)
    exact = sum(
        len(
            {(e.id, e.span, e.label) for e in said.annotations.entities}
            & {(e.id, e.span, e.label) for e in found.entities}
        )
        for (_, said), found in zip(pairs, back, strict=True)
    )
    conll = _conll_spans(_peer(scheme, export, folder / "re3d").read_text(encoding="utf-8"))
    wanted = Counter(
        ("".join(entity.span.text.split()), entity.label) for _, said in pairs for entity in said.annotations.entities
    )
    peer = sum((conll & wanted).values())
    spent = time.perf_counter() - begun
    yield figure("re3d spans exact", 100 * exact / total, "%", target=">= 100", n=total, seconds=spent)
    yield figure(
        "re3d spans exact, peer",
        100 * peer / total,
        "%",
        peer="label-studio-sdk converter to CoNLL",
        n=total,
        seconds=spent,
    )


# what a person does with suggestions, played many times


def _played(draw: random.Random) -> tuple[Annotations, Annotations, dict[str, str]]:
    """Return suggestions, what a person made of them, and what was done: region, or "stance on" a region, to kind.

    Every region that the person leaves has a new id, as behind an API or after drawing it again, so that contents
    alone can tell. Mentions nest and overlap; a resize moves one edge by a word. Nothing is added over removed words:
    that is a correction, whatever the person did to get there.
    """
    document = _document(" ".join(draw.choices(WORDS, k=80)))
    starts = [0, *(at + 1 for at, letter in enumerate(document.text) if letter == " ")]
    ends = [*(start - 1 for start in starts[1:]), len(document.text)]
    truth: dict[str, str] = {}
    suggested, final, before, after = [], [], [], []
    places: set[tuple[int, int]] = set()
    done: list[tuple[str, Span]] = []
    for order, first in enumerate(draw.choices(range(1, 77), k=20)):
        last = first + draw.choice((0, 0, 0, 1, 1, 2))
        wider = draw.choice(((first - 1, last), (first, last + 1)))
        kind = draw.choices(
            ("accepted", "retyped", "resized", "reattributed", "removed", "added"), (60, 11, 9, 6, 7, 7)
        )[0]
        if (first, last) in places or wider in places:
            continue  # two of the same words: which of them was corrected is nothing that contents can tell
        places |= {(first, last), wider}
        given = Entity(f"s{order}", Span.of(document, starts[first], ends[last]), draw.choice(LABELS), MADE)
        if any(given.span.overlaps(span) for other, span in done if {kind, other} == {"added", "removed"}):
            kind = "accepted"
        done.append((kind, given.span))
        kept = _edited(draw, document, given, kind, (starts[wider[0]], ends[wider[1]]))
        truth[kept.id if kind == "added" else given.id] = kind
        suggested += [] if kind == "added" else [given]
        final += [] if kind == "removed" else [kept]
        if kind != "added" and given.label in LABELS[:4]:
            change = (
                "removed" if kind == "removed" else draw.choices(("accepted", "restanced", "removed"), (7, 2, 1))[0]
            )
            truth[f"stance on {given.id}"] = change
            before.append(Stance(given.id, OUTLET, "-1", MADE, (given.span,)))
            if change != "removed":
                after.append(Stance(kept.id, OUTLET, "-2" if change == "restanced" else "-1", MADE, (given.span,)))
    draw.shuffle(final)
    return (
        Annotations(document.id, document.sha256, tuple(suggested), (), tuple(before)),
        Annotations(document.id, document.sha256, tuple(final), (), tuple(after)),
        truth,
    )


def _edited(draw: random.Random, document: Document, given: Entity, kind: str, wider: tuple[int, int]) -> Entity:
    kept = replace(given, id=f"f{draw.getrandbits(64)}")
    if kind == "retyped":
        return replace(kept, label=draw.choice([label for label in LABELS if label != given.label]))
    if kind == "resized":
        return replace(kept, span=Span.of(document, *wider))
    return replace(kept, attributes={"noted": "true"}) if kind == "reattributed" else kept


def _edits(rounds: int) -> Iterator[Figure]:
    begun = time.perf_counter()
    draw = random.Random(4)
    right = total = 0
    for _ in range(rounds):
        suggested, final, truth = _played(draw)
        changes = align(suggested, final)
        total += max(len(changes), len(truth))
        for kinds, before, after in changes:
            thing = before if before is not None else after
            name = f"stance on {thing.target}" if isinstance(thing, Stance) else getattr(thing, "id", "")
            right += truth.get(name) == kinds[0]
    spent = time.perf_counter() - begun
    yield figure(
        "simulated edits read as made, ids new", 100 * right / total, "%", target=">= 99.9", n=total, seconds=spent
    )
