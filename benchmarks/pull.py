"""Measure a pull: its time beside the server's own export, and the memory it takes as projects grow.

The real part needs Label Studio (``copydesk studio install``, or COPYDESK_STUDIO_ENV) and runs one of its own. The peer
is that server's export of the same project with the same content: the request, the file's way to the disk, and
nothing read of it. Time is wall time, and processor time of both processes beside it, for a busy machine.

Memory is measured against a server that plays back one task as a real server exported it, many times over: the peak
of a process that does nothing but pull.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from copydesk.annotate import connect, encode, make_project, pull, start_studio, stop_studio
from copydesk.corpus import Desk, init_desk
from copydesk.schemas import Annotations, Document, Entity, Origin, Span, Stance, Suggestion, document_id, text_sha256

from .figure import Figure, figure

RECORDED = Path(__file__).parent / "data" / "studio_task.json"
MADE = Origin("model", "generated", "1")
TEXT = (
    "Report {}\n\nRebels shelled Qasr near Київ on Monday 🔥, the army said. Ina Vale of the Relief Union told"
    " reporters that at least 12 people died in the north."
)
WORDS = {
    "Rebels": "ARMED_ACTOR",
    "Qasr": "GPE",
    "Київ": "GPE",
    "army": "ARMED_ACTOR",
    "Ina Vale": "PERSON",
    "Relief Union": "ORG",
}
ROUNDS = 3
FULL_OPTIONS = {
    "title": "bare",
    "serialization_options": {
        name: {"only_id": False} for name in ("drafts", "predictions", "annotations__completed_by")
    },
    "annotation_filter_options": {"usual": True, "ground_truth": True, "skipped": True},
}
CHILD = (
    "import sys; from pathlib import Path; from copydesk.corpus import Desk; from copydesk.annotate import pull;"
    " from benchmarks.figure import peak_memory;"
    " found = pull(Desk(Path(sys.argv[1])));"
    " again = pull(Desk(Path(sys.argv[1])));"
    " print(found.tasks, found.added, again.added, round(1024 * peak_memory()))"
)


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield the figures; `data` is not needed."""
    yield from _time(500 if quick else 10_000)
    yield from _memory((1_000, 10_000) if quick else (1_000, 100_000))


# time, on a real server


def _task(number: int, desk: Desk) -> dict[str, Any]:
    """Return a task with six suggestions and a stance, finished as it was suggested."""
    text = TEXT.format(number)
    document = Document(id=document_id(text), text=text, sha256=text_sha256(text))
    spans = [
        (Span.of(document, text.index(word), text.index(word) + len(word)), label) for word, label in WORDS.items()
    ]
    entities = tuple(Entity(f"{number}-{n}", span, label, MADE, {}, 0.5) for n, (span, label) in enumerate(spans))
    stances = (Stance(entities[0].id, "OUTLET", "-1", MADE, (entities[0].span,)),)
    said = Annotations(document.id, document.sha256, entities, (), stances)
    task: dict[str, Any] = dict(encode(document, Suggestion(said, MADE, ()), desk.scheme()))
    task["annotations"] = [{"result": task["predictions"][0]["result"], "lead_time": 12.5}]
    return task


def _time(number: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        desk = init_desk(Path(folder) / "desk")
        server = start_studio(desk, port=18300)
        try:
            project, _ = make_project(desk)
            client = connect(desk)
            for start in range(0, number, 250):
                batch = [_task(n, desk) for n in range(start, min(start + 250, number))]
                client.send("POST", f"/api/projects/{project.id}/import", batch)
            yield from _beside_the_export(desk, client, project.id, server.pid, number)
        finally:
            stop_studio(desk)


def _beside_the_export(desk: Desk, client: Any, project: int, server: int, number: int) -> Iterator[Figure]:
    start = time.perf_counter()
    target = desk.path / "bare.json"

    def bare() -> None:
        made = client.send("POST", f"/api/projects/{project}/exports/", FULL_OPTIONS)
        client.download(f"/api/projects/{project}/exports/{made['id']}/download", target, exportType="JSON")
        client.send("DELETE", f"/api/projects/{project}/exports/{made['id']}")

    def whole() -> None:
        client.download(f"/api/projects/{project}/export", target, exportType="JSON", download_all_tasks="true")

    def ours() -> None:
        for part in (*desk.parts("annotations"), *(desk.path / "pulled").glob("*.parquet")):
            part.unlink()
        if pull(desk).added != number:
            raise RuntimeError("the pull did not bring everything home")

    taken = _in_turn({"pull": ours, "snapshot": bare, "export": whole}, server)
    seconds = time.perf_counter() - start
    for what, at in (("wall", 0), ("processor", 1)):
        best = {name: min(found[at] for found in times) for name, times in taken.items()}
        for peer, said in (("snapshot", "the server's export snapshot, same content"), ("export", "its plain export")):
            yield figure(
                f"pull, {what} time relative to the peer",
                best["pull"] / best[peer],
                "ratio",
                target="<= 1.2" if what == "wall" and peer == "snapshot" else "",
                peer=f"{said}: {best[peer]:.1f} s",
                n=number,
                seconds=seconds,
            )
    start = time.perf_counter()
    again, _ = _taken(lambda: pull(desk), server)
    best_whole = min(wall for wall, _ in taken["pull"])
    yield figure(
        "pull where nothing changed, relative to the first one",
        again / best_whole,
        "ratio",
        peer=f"{best_whole:.1f} s",
        n=number,
        seconds=time.perf_counter() - start,
    )


def _in_turn(works: dict[str, Callable[[], object]], server: int) -> dict[str, list[tuple[float, float]]]:
    """Return the wall and processor times of each, done in turn."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            taken[name].append(_taken(work, server))
    return taken


def _taken(work: Callable[[], object], server: int) -> tuple[float, float]:
    """Return wall seconds, and processor seconds of this process and the server."""
    wall, used = time.perf_counter(), time.process_time() + _used(server)
    work()
    return time.perf_counter() - wall, time.process_time() + _used(server) - used


def _used(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # no Linux: our own processor time alone
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# memory, against a server that plays back


def _memory(sizes: Sequence[int]) -> Iterator[Figure]:
    start = time.perf_counter()
    peaks = [_peak(size) for size in sizes]
    yield figure(
        f"pull, peak memory with {sizes[-1]:,} annotated tasks relative to {sizes[0]:,}",
        peaks[-1] / peaks[0],
        "ratio",
        target="<= 1.2",
        peer=f"{peaks[0]:.0f} MB, {peaks[-1]:.0f} MB",
        n=sizes[-1],
        seconds=time.perf_counter() - start,
    )


def _peak(size: int) -> float:
    """Return the peak memory in MB of a process that pulls so many tasks, and pulls again."""
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder, _Playback(size) as server:
        desk = init_desk(Path(folder) / "desk")
        said = {"COPYDESK_STUDIO_URL": server.url, "COPYDESK_STUDIO_API_KEY": "0" * 40}
        os.environ.update(said)
        try:
            make_project(desk)
        finally:
            for name in said:
                os.environ.pop(name)
        answer = subprocess.run(
            [sys.executable, "-c", CHILD, str(desk.path)],
            env={**os.environ, **said},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        tasks, added, again, peak = map(int, answer.stdout.split())
        if (tasks, added, again) != (size, size, 0):
            raise RuntimeError(f"{tasks} tasks and {added} + {again} versions came of {size}")
        return peak / 1024


def _changed(number: int) -> str:
    """Return when a task was last changed: one a second."""
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class _Playback:
    """A server with one project of so many tasks, each the recorded one with its own numbers and key."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.project: dict[str, Any] = {}
        self.recorded = RECORDED.read_text(encoding="utf-8").strip()
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in self.export():
            digest.update(chunk)
        self.md5 = digest.hexdigest()

    def export(self) -> Iterator[bytes]:
        """Yield the export piece by piece."""
        for start in range(1, self.size + 1, 500):
            numbers = range(start, min(start + 500, self.size + 1))
            tasks = ",".join(self.recorded.replace("@", f"{n:012d}").replace("%changed", _changed(n)) for n in numbers)
            yield (("[" if start == 1 else ",") + re.sub(r"\"#0*(\d+)\"", r"\1", tasks)).encode()
        yield b"]"

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        """Return what is said to a request; None for the export's file."""
        if path == "/api/tasks":
            numbers = list(range(1, self.size + 1))
            for wanted in json.loads(query.get("query", ["{}"])[0]).get("filters", {"items": []})["items"]:
                changed = wanted["filter"].endswith("updated_at")
                numbers = [n for n in numbers if (_changed(n) if changed else n) > wanted["value"]]
            page = numbers[: int(query["page_size"][0])]
            tasks = [{"id": n, "updated_at": _changed(n)} for n in page]
            return {"total": len(numbers), "total_annotations": len(numbers), "tasks": tasks}
        if path.endswith("/download"):
            return None
        if path.endswith("/exports/") and method == "POST":
            return {"id": 1, "status": "completed", "md5": self.md5, "counters": {"task_number": self.size}}
        if path.endswith("/exports/") or path.startswith("/api/dm/"):
            return []
        if path == "/api/projects/" and method == "POST":
            self.project = {"id": 1, "model_version": "", **body}
        if path == "/api/projects/" and method == "GET":
            return {"count": 0, "next": None, "results": []}
        if path.startswith("/api/projects/"):
            return self.project
        return {"status": "UP", "email": "editor@copydesk.local", "release": "1.23.2"}

    def __enter__(self) -> _Playback:
        playback = self

        class Answer(BaseHTTPRequestHandler):
            def do(self) -> None:
                url = urlsplit(self.path)
                size = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                said = playback.answer(self.command, url.path, parse_qs(url.query), body)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()  # the end of the connection is the end of the answer
                for chunk in playback.export() if said is None else [json.dumps(said).encode()]:
                    self.wfile.write(chunk)

            do_GET = do_POST = do_DELETE = do  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
