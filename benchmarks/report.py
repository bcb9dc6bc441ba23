"""Measure a report of a generated desk: how long it takes, how much memory, how large and how quick its page is.

The desk has articles of twelve outlets over a year, each with twenty annotations of four layers: suggestions, or with
``people`` what as many annotators finished. Targets: 60 s and 2 GiB on two cores for 100,000 articles, a page under 5 MB
that is interactive in under 2 s in headless Chromium.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.annotate import LEDGER, LedgerEntry, encode
from copydesk.corpus import Desk, init_desk
from copydesk.export import report
from copydesk.schemas import (
    OUTLET,
    Annotations,
    Attribution,
    Cluster,
    Document,
    Entity,
    LabelScheme,
    Origin,
    Segment,
    SegmentKind,
    Span,
    Stance,
    Suggestion,
    document_id,
    text_sha256,
)

from .figure import Figure, figure

MADE = Origin("model", "generated", "1")
SHARD = 1_000
ANNOTATORS = 6
OUTLETS = ("Harbour Post", "The Meridian", "Coast Radio", "Valley Herald", "Northern Wire", "The Ledger", "Port Sel Today", "Free Tribune",
    "Morning Chronicle", "State Agency", "The Beacon", "Border Gazette")  # fmt: skip
ACTORS = (("the Northern Front", "ARMED_ACTOR"), ("the army", "ARMED_ACTOR"), ("the Coast Brigade", "ARMED_ACTOR"), ("Arvenia", "GPE"),
    ("Tesland", "GPE"), ("Relief Now", "ORG"), ("the health ministry", "ORG"), ("villagers", "POPULATION"), ("the displaced", "POPULATION"),
    ("Anna Weld", "PERSON"), ("Omar Sel", "PERSON"))  # fmt: skip
PLACES = ("Port Sel", "the Lower Valley", "Qasr", "Dorn", "the river crossing")
VERBS = ("praised", "accused", "met", "left", "blamed", "thanked")
GRADES = {"praised": "+1", "accused": "-1", "met": "0", "left": "0", "blamed": "-2", "thanked": "+2"}
SPEECH = ("said", "claimed", "reported")


class _Writer:
    """Puts words together and remembers what they are."""

    def __init__(self) -> None:
        self.text = ""
        self.entities: list[Entity] = []

    def add(self, words: str) -> Span:
        start = len(self.text)
        self.text += words
        return Span(start, len(self.text), words)

    def mention(self, words: str, label: str, **attributes: str) -> Entity:
        entity = Entity(f"e{len(self.entities)}", self.add(words), label, MADE, attributes, score=0.7)
        self.entities.append(entity)
        return entity


def _article(number: int) -> tuple[Document, list[Segment], Suggestion]:
    draw = random.Random(number)
    outlet = OUTLETS[min(draw.randrange(12), draw.randrange(12))]
    day = date(2031, 1, 6) + timedelta(days=draw.randrange(364))
    page = _Writer()
    page.add(f"Report {number} from the front")
    kinds, stances, attributions = [(SegmentKind.HEADLINE, Span(0, len(page.text), ""))], [], []
    for sentence in range(4):
        page.add("\n\n" if sentence in (0, 2) else " ")
        start = len(page.text)
        one, other = draw.sample(ACTORS, 2)
        verb = draw.choice(VERBS)
        source = page.mention(*one)
        cue = page.add(f" {draw.choice(SPEECH)}")
        page.add(" that ")
        begin = len(page.text)
        if sentence == draw.randrange(4):
            many = draw.randrange(2, 90)
            page.mention(f"{many} people", "TOLL", toll_kind=draw.choice(("killed", "injured")), toll_low=str(many))
            page.add(" were hit when ")
        target = page.mention(*draw.choice([actor for actor in ACTORS if actor not in (one, other)]))
        page.add(f" was {verb} by ")
        page.mention(*other)
        page.add(" near ")
        page.mention(draw.choice(PLACES), "LOCATION")
        content = Span(begin, len(page.text), page.text[begin:])
        page.add(" after a long week of shelling in the valley.")
        attributions.append(
            Attribution(f"a{sentence}", content, MADE, source.span, cue, "indirect", "party_to_conflict", 0.6)
        )
        if sentence % 2:
            holder = OUTLET if draw.random() < 0.5 else source.id
            at = page.text.index(verb, begin)
            stances.append(
                Stance(target.id, holder, GRADES[verb], MADE, (Span(at, at + len(verb), verb),), "none", 0.5)
            )
        kinds.append((SegmentKind.SENTENCE, Span(start, len(page.text), "")))
    key = document_id(page.text, outlet=outlet)
    document = Document(
        key,
        page.text,
        text_sha256(page.text),
        title=f"Report {number} from the front",
        outlet=outlet,
        published=day.isoformat(),
        language="en",
        licence="CC0-1.0",
    )
    said = Annotations(key, document.sha256, tuple(page.entities), tuple(attributions), tuple(stances))
    segments = [Segment(key, place, span.start, span.end, kind) for place, (kind, span) in enumerate(kinds)]
    return document, segments, Suggestion(said, MADE, ((0, len(page.text)),), 0.5)


def make_desk(path: Path, count: int, *, people: bool = False) -> None:
    """Generate the desk; with `people` all of its articles are finished, and every tenth by two annotators."""
    init_desk(path, name="generated")
    desk = Desk(path)
    scheme = desk.scheme()
    for shard in range(-(-count // SHARD)):
        made = [_article(number) for number in range(shard * SHARD, min(count, (shard + 1) * SHARD))]
        name = f"{shard:05d}"
        desk.write(Document, "articles", name, [document for document, _, _ in made])
        desk.write(Segment, "segments", name, [piece for _, pieces, _ in made for piece in pieces])
        desk.write(Cluster, "clusters", name, [Cluster(d.id, d.id, d.id, "canonical", 1.0) for d, _, _ in made])
        desk.write(Suggestion, "suggestions/generated@1", name, [suggestion for _, _, suggestion in made])
        if people:
            entries = [entry for document, _, said in made for entry in _finished(scheme, document, said)]
            rows = [dataclasses.asdict(entry) for entry in entries]
            desk.write_table("annotations", name, pa.Table.from_pylist(rows, schema=LEDGER))
    desk.note("pipeline", {"name": MADE.name, "version": MADE.version})


def _finished(scheme: LabelScheme, document: Document, suggestion: Suggestion) -> Iterator[LedgerEntry]:
    """Yield what people made of an article: one in six mentions of a place taken out, and of a second person all."""
    number = int(document.id, 16)
    said = suggestion.annotations
    shown = encode(document, suggestion, scheme)["predictions"][0]
    for second in (False, True)[: 2 if number % 10 == 0 else 1]:
        kept = tuple(
            e for e in said.entities if e.label != "LOCATION" or not (second or (number + e.span.start) % 6 == 0)
        )
        yield _entry(scheme, document, dataclasses.replace(said, entities=kept), shown, (number + second) % ANNOTATORS)


def _entry(scheme: LabelScheme, document: Document, said: Annotations, shown: Any, who: int) -> LedgerEntry:
    result = [dict(row) for row in encode(document, said, scheme)["predictions"][0]["result"]]
    for row in result:
        row.pop("score", None)
    day = (date(2031, 5, 5) + timedelta(days=int(document.id, 16) % 90)).isoformat()
    return LedgerEntry(
        key=text_sha256(f"{document.id} {who}"),
        annotation=text_sha256(f"{document.id} {who} annotation")[:32],
        state="submitted",
        server="own",
        project_id=1,
        task_id=int(document.id, 16) % 1_000_000,
        copydesk_key=f"{document.id}/x",
        document_id=document.id,
        sha256=document.sha256,
        scheme=f"{scheme.name} {scheme.version}",
        layers="attribution+entities+stance",
        arm="shown",
        layout="document",
        focus="",
        annotator=f"person{who}@example.org",
        ground_truth=False,
        lead_time=60.0,
        created_at=f"{day}T10:00:00Z",
        updated_at=f"{day}T10:00:00Z",
        model_version=f"{MADE.name}@{MADE.version}",
        raw=json.dumps({"id": 1, "result": result}),
        prediction=json.dumps({"model_version": f"{MADE.name}@{MADE.version}", **shown}),
    )


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield seconds, memory, and the page's size and time until it answers."""
    count = 2_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        path = Path(folder) / "desk"
        make_desk(path, count)
        found = _measured(path)
        n, seconds = found["annotations"], found["wall"]
        whole = {"n": n, "seconds": seconds}
        yield figure(
            "report", seconds * 100_000 / count, "s/100,000 articles", target="" if quick else "<= 60", **whole
        )
        yield figure("processor time of a report", found["seconds"] * 100_000 / count, "s/100,000 articles", **whole)
        yield figure("peak memory of a report", found["mebibytes"], "MiB", target="<= 2048", **whole)
        yield figure("page", found["bytes"] / 1e6, "MB", target="<= 5", **whole)
        answers = _interactive(Path(found["page"]))
        if answers is not None:
            yield figure("page answers", answers, "s", target="" if quick else "<= 2", n=n, seconds=answers)
    yield from _of_people(quick)


def _of_people(quick: bool) -> Iterator[Figure]:
    """Yield what a report costs where the labels are people's: of a tenth of the articles, as it takes far longer."""
    count = 500 if quick else 10_000
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        path = Path(folder) / "desk"
        make_desk(path, count, people=True)
        found = _measured(path)
        whole = {"n": found["annotations"], "seconds": found["wall"]}
        yield figure(
            f"processor time of a report of {count:,} articles of people's work", found["seconds"], "s CPU", **whole
        )
        yield figure(
            f"peak memory of a report of {count:,} articles of people's work", found["mebibytes"], "MiB", **whole
        )


def _measured(path: Path) -> dict[str, Any]:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-m", "benchmarks.report", str(path)]
    found: dict[str, Any] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
    )
    return found


def _interactive(page: Path) -> float | None:
    """Return seconds from opening the page in headless Chromium until every chart in sight is drawn; None without one."""
    chromium = Path("/usr/bin/chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if not chromium.exists():
        return None
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page()
        began = time.perf_counter()
        shown.goto(page.as_uri())
        shown.wait_for_selector("html[data-charts]")
        answers = time.perf_counter() - began
        browser.close()
    return answers


def _one(path: Path) -> dict[str, Any]:
    peak, stop = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(peak, stop), daemon=True)
    watcher.start()
    began = time.perf_counter()
    made = report(Desk(path))
    wall = time.perf_counter() - began
    stop.set()
    watcher.join()
    spent = os.times()
    found = _annotations(Desk(path))
    return {
        "wall": wall,
        "seconds": spent.user + spent.system + spent.children_user + spent.children_system,
        "mebibytes": max(peak[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "annotations": found,
        "bytes": made.path.stat().st_size,
        "page": str(made.path),
    }


def _annotations(desk: Desk) -> int:
    """Count the entities, attributions and stances of the desk's suggestions."""
    names = ("entities", "attributions", "stances")
    tables = (
        table for part in desk.parts("suggestions/generated@1") for table in [pq.read_table(part, columns=list(names))]
    )
    return sum(pc.sum(pc.list_value_length(table[name])).as_py() for table in tables for name in names)


def _watch(peak: list[float], stop: threading.Event) -> None:
    """Add up, ten times a second, what this process and its children hold: proportional, so that nothing counts twice."""
    while not stop.wait(0.1):
        peak[0] = max(peak[0], sum(_held(process) for process in _family(os.getpid())) / 1024)


def _family(parent: int) -> list[int]:
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return []
    return [parent, *(process for child in children for process in _family(int(child)))]


def _held(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    print(json.dumps(_one(Path(sys.argv[1]))))
