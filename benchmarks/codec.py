"""Measure the Label Studio codec: its speed beside the SDK's own converter, and what each keeps of re3d.

The peer has the easier half: it only reads an export and writes CoNLL, its one format with spans. We make
the tasks from documents, write the export that the server would give, read it, and decode it against our texts.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from copydesk.annotate import decode, encode
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


def _ours(pairs: Sequence[tuple[Document, Suggestion]], scheme: LabelScheme, path: Path) -> list[Annotations]:
    """Encode every document, then read and decode the export."""
    for document, said in pairs:
        encode(document, said, scheme)
    texts = {document.id: document for document, _ in pairs}
    return [
        decode(task, task["annotations"][0], scheme, texts[task["data"]["document_id"]], origin=MADE).annotations
        for task in json.loads(path.read_text(encoding="utf-8"))
    ]


def _peer(scheme: LabelScheme, path: Path, folder: Path) -> str:
    from label_studio_sdk.converter import Converter

    with contextlib.redirect_stdout(io.StringIO()):
        converter = Converter(labelling_config(scheme), None, download_resources=False)
        converter.convert(str(path), str(folder), "CONLL2003", is_dir=False)
    return (folder / "result.conll").read_text(encoding="utf-8")


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
    pairs = [_made(number) for number in range(100 if quick else 1_000)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        export = folder / "export.json"
        export.write_text(_export([encode(document, said, scheme) for document, said in pairs]), encoding="utf-8")
        begun = time.perf_counter()
        back = _ours(pairs, scheme, export)
        faster, best, _ = ratio(
            lambda: _ours(pairs, scheme, export), lambda: _peer(scheme, export, folder / "conll"), rounds=3
        )
        spent = time.perf_counter() - begun
        yield figure(
            "encode and decode", faster, "ratio", peer="label-studio-sdk converter to CoNLL",
            n=len(pairs), seconds=spent,
        )  # fmt: skip
        yield figure("encode and decode, tasks a second", len(pairs) / best, "tasks/s", n=len(pairs), seconds=spent)
        same = sum(_same(said.annotations, found) for (_, said), found in zip(pairs, back, strict=True))
        yield figure(
            "documents that come back equal", 100 * same / len(pairs), "%", target=">= 100", n=len(pairs), seconds=spent
        )
        if data is not None:
            yield from _kept(list(_re3d(data)), scheme, folder)


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
    back = _ours(pairs, scheme, export)
    total = sum(len(said.annotations.entities) for _, said in pairs)
    exact = sum(
        len(
            {(e.id, e.span, e.label) for e in said.annotations.entities}
            & {(e.id, e.span, e.label) for e in found.entities}
        )
        for (_, said), found in zip(pairs, back, strict=True)
    )
    conll = _conll_spans(_peer(scheme, export, folder / "re3d"))
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
