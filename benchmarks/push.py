"""Measure a push: its time beside the bare POSTs that it is made of, and how its memory grows with the desk.

The peer sends the same tasks in batches of the same size to another project of the same server, from bodies that
were written before its clock started: it looks at nothing and makes nothing. Memory is that of a process of its own
against a small server in another, which keeps of a task what a list of tasks answers: a real one would take hours.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from copydesk.annotate import connect, encode, push, start_studio, stop_studio, suggestions
from copydesk.corpus import Desk, documents, init_desk
from copydesk.schemas import (
    Annotations,
    Document,
    Entity,
    Origin,
    Span,
    Suggestion,
    document_id,
    labelling_config,
    text_sha256,
)

from .figure import Figure, figure, peak_memory

MADE = Origin("model", "generated", "1")
WORDS = "rebels army Qasr shelled near said ministers talks on Monday Ina Vale died border convoy since".split(" ")
BATCH = 250
SHARD = 1_000
TOKEN = "0123456789abcdef0123456789abcdef01234567"
LEVELS = {True: (1_000, 4_000), False: (1_000, 100_000)}


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield time and the server's work relative to the peer, then peak memory, a small desk against a large one."""
    # of few tasks the time is that of finding and making the project: the target is for many
    yield from _speed(500, 1, target="") if quick else _speed(10_000, 1, target="<= 1.2")
    yield from _memory(*LEVELS[quick])


# time


def _speed(number: int, rounds: int, *, target: str) -> Iterator[Figure]:
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        server = start_studio(home, port=18170)
        try:
            warm = _desk(Path(scratch) / "warm", BATCH, home)
            push(warm)
            _bare(warm, server.pid)
            taken = []
            for turn in range(rounds):
                desk = _desk(Path(scratch) / f"desk{turn}", number, home)
                # A B B A: what a server gets slower by, it gets slower by for both
                bare, ours = _bare(desk, server.pid), _ours(desk, server.pid)
                copy = _desk(Path(scratch) / f"copy{turn}", number, home)
                again, last = _ours(copy, server.pid), _bare(copy, server.pid)
                taken.append([(a + b) / (c + d) for a, b, c, d in zip(ours, again, bare, last, strict=True)])
        finally:
            stop_studio(home)
    seconds = time.perf_counter() - begun
    peer = f"bare POSTs of {BATCH} tasks, same server"
    wall, work = (statistics.median(values) for values in zip(*taken, strict=True))
    sent = 2 * rounds * number
    yield figure("push, wall time", wall, "ratio", target=target, peer=peer, n=sent, seconds=seconds)
    yield figure("push, the server's processor time", work, "ratio", target=target, peer=peer, n=sent, seconds=seconds)


def _ours(desk: Desk, pid: int) -> tuple[float, float]:
    clock = _Clock(pid)
    result = push(desk)
    taken = clock.taken()
    assert (result.failed, result.predictions_updated) == ((), 0), result
    return taken


def _bare(desk: Desk, pid: int) -> tuple[float, float]:
    scheme = desk.scheme().select(list(desk.settings.studio.layers))
    said = {suggestion.annotations.document_id: suggestion for suggestion in suggestions(desk)}
    tasks = [encode(document, said[document.id], scheme) for document in documents(desk)]
    bodies = [json.dumps(tasks[at : at + BATCH], ensure_ascii=False).encode() for at in range(0, len(tasks), BATCH)]
    client = connect(desk)
    project = client.send("POST", "/api/projects/", {"title": "bare", "label_config": labelling_config(scheme)})
    clock = _Clock(pid)
    stored = sum(client.send("POST", f"/api/projects/{project['id']}/import", b)["prediction_count"] for b in bodies)
    taken = clock.taken()
    assert stored == len(tasks)
    return taken


class _Clock:
    """Wall time, and the processor time of a server, from now on."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.begun = (time.perf_counter(), self._work())

    def _work(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def taken(self) -> tuple[float, float]:
        return time.perf_counter() - self.begun[0], max(self._work() - self.begun[1], 1e-3)


def _desk(path: Path, number: int, home: Path | None = None) -> Desk:
    """Make a desk of generated articles with suggestions; on the server of `home`."""
    desk = init_desk(path)
    if home is not None:
        (desk.path / ".studio").symlink_to(home / ".studio")
    for shard in range(0, number, SHARD):
        made = [_pair(at, path.name) for at in range(shard, min(number, shard + SHARD))]
        desk.write(Document, "articles", f"{shard:08d}", [document for document, _ in made])
        desk.write(Suggestion, f"suggestions/{MADE.name}@{MADE.version}", f"{shard:08d}", [said for _, said in made])
    desk.note("pipeline", {"name": MADE.name, "version": MADE.version})
    return desk


def _pair(number: int, name: str) -> tuple[Document, Suggestion]:
    """Return an article of about 800 characters, and ten entities in it."""
    words = [WORDS[(number * 7 + at * (1 + number % 5)) % len(WORDS)] for at in range(140)]
    text = f"Article {number} of {name}\n\n" + " ".join(words)
    document = Document(id=document_id(text), text=text, sha256=text_sha256(text))
    starts = [at for at in range(30, len(text) - 20) if text[at - 1] == " "][::14][:10]
    entities = []
    for order, start in enumerate(starts):
        end = text.index(" ", start) if " " in text[start:] else len(text)
        entities.append(Entity(f"e{order}", Span.of(document, start, end), "ARMED_ACTOR", MADE, score=0.5))
    return document, Suggestion(Annotations(document.id, document.sha256, tuple(entities)), MADE, (), 0.5)


# memory


def _memory(small: int, large: int) -> Iterator[Figure]:
    begun = time.perf_counter()
    peaks = {}
    for number in (small, large):
        with tempfile.TemporaryDirectory() as scratch, _Fake() as fake:
            _desk(Path(scratch) / "desk", number)
            peaks[number] = [_peak(Path(scratch) / "desk", fake.url) for _ in range(2)]
            assert len(fake.tasks) == number
    seconds = time.perf_counter() - begun
    for at, what in enumerate(("push", "push again, all there")):
        growth = peaks[large][at] / peaks[small][at]
        name, peer = f"peak memory of a {what}", f"the same of {small:,} tasks, {peaks[small][at]:.0f} MiB"
        yield figure(name, growth, "ratio", target="<= 1.1", peer=peer, n=large, seconds=seconds)


def _peak(desk: Path, url: str) -> float:
    """Return the peak memory of a process that pushes a desk, in MiB."""
    environment = {**os.environ, "COPYDESK_STUDIO_URL": url, "COPYDESK_STUDIO_API_KEY": TOKEN}
    command = [sys.executable, "-m", "benchmarks.push", str(desk)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


class _Fake:
    """A server that answers as a real one did, and keeps of a task what its list of tasks says."""

    def __init__(self) -> None:
        self.tasks: list[bytes] = []
        self.project: dict[str, Any] = {}

    def __enter__(self) -> _Fake:
        fake = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                content = fake.answer(self.command, self.path, body)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        url = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path.endswith("/import"):
            return self.store(json.loads(body))
        if url.path == "/api/tasks":
            behind = json.loads(query["query"])["filters"]["items"][0]["value"] if "query" in query else 0
            part = self.tasks[behind : behind + int(query["page_size"])]  # ids are 1, 2, 3 …
            return b'{"total": %d, "tasks": [%s]}' % (len(self.tasks) - behind, b",".join(part))
        said: Any = {"status": "UP", "email": "editor@copydesk.local", "release": "1.23.2"}
        if url.path.endswith("/model-versions/"):
            said = {f"{MADE.name}@{MADE.version}": len(self.tasks)}
        elif url.path == "/api/projects/" and method == "GET":
            said = {"count": 0, "next": None, "results": []}
        elif url.path.startswith("/api/projects/"):
            self.project.update(json.loads(body or b"{}"))
            said = {"model_version": "", **self.project, "id": 1}
        return json.dumps(said).encode()

    def store(self, tasks: Sequence[dict[str, Any]]) -> bytes:
        first = len(self.tasks) + 1
        counts = {"total_annotations": 0, "cancelled_annotations": 0, "total_predictions": 1}
        for number, task in enumerate(tasks, start=first):
            self.tasks.append(json.dumps({"id": number, "data": task["data"], **counts}).encode())
        ids = list(range(first, first + len(tasks)))
        said = {"task_count": len(ids), "annotation_count": 0, "prediction_count": len(ids), "task_ids": ids}
        return json.dumps(said).encode()


if __name__ == "__main__":
    push(Desk(Path(sys.argv[1])))
    print(peak_memory())
