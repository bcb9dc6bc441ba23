"""A small Label Studio in memory, with its real answers' shapes, that can be told to fail."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "0123456789abcdef0123456789abcdef01234567"
NOW = "2026-01-02T03:04:05.000000Z"


@dataclass
class Fault:
    """What to do instead of answering well: an HTTP status, ``drop`` the connection, ``cut`` the answer, or ``hang``."""

    method: str
    path: str
    how: int | str
    times: int = 1
    after: bool = False  # whether the request takes effect all the same
    headers: dict[str, str] = field(default_factory=dict)


class FakeStudio:
    """The server; use it as a context manager."""

    def __init__(self) -> None:
        self.projects: dict[int, dict] = {}
        self.tasks: dict[int, dict] = {}
        self.predictions: dict[int, dict] = {}
        self.annotations: dict[int, dict] = {}
        self.exports: dict[int, bytes] = {}
        self.titles: dict[int, str] = {}
        self.views: dict[int, dict] = {}
        self.hooks: dict[int, dict] = {}
        self.backends: dict[int, dict] = {}
        self.ignored_views = ""
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, str]] = []
        self.lose_predictions = 0
        self.export_status = "completed"
        self.refuse_text = ""
        self.released = threading.Event()
        self.lock = threading.RLock()
        self.seen: dict[int, tuple[str, int]] = {}
        self._last = 0

    def number(self) -> int:
        self._last += 1
        return self._last

    def fail(self, method: str, path: str, how: int | str, **more) -> None:
        self.faults.append(Fault(method, path, how, **more))

    def count(self, method: str, path: str) -> int:
        return sum(1 for called, at in self.calls if called == method and re.search(path, at))

    def keys(self) -> list[str]:
        return sorted(task["data"]["copydesk_key"] for task in self.tasks.values())

    def annotate(self, task: int, result: list, email: str = "ana@copydesk.local", **more) -> int:
        number = self.number()
        shown = next((p for p in self.predictions.values() if p["task"] == task), None)
        self.annotations[number] = {
            "id": number, "task": task, "result": result, "was_cancelled": False, "ground_truth": False,
            "completed_by": {"id": 2, "email": email}, "unique_id": str(uuid.uuid4()), "lead_time": 12.5,
            "created_at": NOW, "updated_at": NOW, "prediction": shown, "parent_prediction": None, **more,
        }  # fmt: skip
        return number

    def __enter__(self) -> FakeStudio:
        fake = self

        class Answer(BaseHTTPRequestHandler):
            def do(self) -> None:
                fake.handle(self)

            do_GET = do_POST = do_PATCH = do_DELETE = do  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def handle(self, http: BaseHTTPRequestHandler) -> None:
        url = urlsplit(http.path)
        size = int(http.headers.get("content-length") or 0)
        content = http.rfile.read(size)
        if len(content) < size:  # whoever sent it is gone
            return
        body = json.loads(content) if size else None
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.calls.append((http.command, url.path))
        fault = next(
            (f for f in self.faults if f.method == http.command and re.search(f.path, url.path) and f.times), None
        )
        if fault is not None:
            fault.times -= 1
        if fault is None or fault.after:
            with self.lock:
                status, answer = self.answer(http.command, url.path, query, body, http.headers.get("Authorization"))
        if fault is not None:
            status, answer = 500, {"detail": "injected"}
            if fault.how == "hang":
                self.released.wait(30)
            if fault.how in ("drop", "hang"):
                http.close_connection = True
                return
            if isinstance(fault.how, int):
                status = fault.how
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode() if answer is not None else b""
        with contextlib.suppress(OSError):
            http.send_response(status)
            http.send_header("Content-Type", "application/json")
            http.send_header("Content-Length", str(len(content)))
            for name, value in (fault.headers if fault else {}).items():
                http.send_header(name, value)
            http.end_headers()
            http.wfile.write(content[: len(content) // 2] if fault and fault.how == "cut" else content)

    def answer(self, method: str, path: str, query: dict, body: object, token: str | None):
        if path == "/health":
            return 200, {"status": "UP"}
        if token != f"Token {TOKEN}":
            return 401, {"detail": "Invalid token."}
        for verb, pattern, action in self.routes:
            if verb == method and (found := re.fullmatch(pattern, path)):
                return action(self, query, body, *map(int, found.groups()))
        return 404, {"detail": "Not found."}

    def whoami(self, query, body):
        return 200, {"id": 1, "email": "editor@copydesk.local"}

    def version(self, query, body):
        return 200, {"release": "1.23.2"}

    def list_projects(self, query, body):
        found = [p for p in self.projects.values() if query.get("title", "") in p["title"]]
        return 200, {"count": len(found), "next": None, "results": found}

    def create_project(self, query, body):
        number = self.number()
        self.projects[number] = {"id": number, "model_version": "", **body}
        return 201, self.projects[number]

    def project(self, query, body, number):
        if number not in self.projects:
            return 404, {"detail": "Not found."}
        self.projects[number].update(body or {})
        return 200, self.projects[number]

    def import_tasks(self, query, body, project):
        if self.refuse_text and any(self.refuse_text in task["data"]["text"] for task in body):
            return 400, {"detail": "Validation error", "validation_errors": {"non_field_errors": ["bad task"]}}
        ids, stored = [], 0
        for task in body:
            number = self.number()
            self.tasks[number] = {"id": number, "project": project, "data": task["data"], "created_at": NOW}
            ids.append(number)
            if self.lose_predictions:
                self.lose_predictions -= 1
                continue
            stored += len(task["predictions"])
            for prediction in task["predictions"]:
                self.store(number, prediction)
        return 201, {"task_count": len(ids), "annotation_count": 0, "prediction_count": stored, "task_ids": ids}

    def store(self, task, prediction):
        number = self.number()
        self.predictions[number] = {"score": None, **prediction, "id": number, "task": task}

    def import_predictions(self, query, body, project):
        for prediction in body:
            self.store(prediction["task"], prediction)
        return 201, {"created": len(body)}

    def model_versions(self, query, body, project):
        counts: dict[str, int] = {}
        for prediction in self.predictions.values():
            counts[prediction["model_version"]] = counts.get(prediction["model_version"], 0) + 1
        return 200, counts

    def list_tasks(self, query, body):
        query_filters = json.loads(query.get("query", "{}")).get("filters", {"items": []})["items"]
        tasks = [task for task in self.tasks.values() if task["project"] == int(query["project"])]
        views = {task["id"]: self.task_view(task) for task in tasks}
        for wanted in query_filters:
            if wanted["filter"] == "filter:tasks:updated_at":
                tasks = [t for t in tasks if not self.ignored_views and views[t["id"]]["updated_at"] > wanted["value"]]
                continue
            assert (wanted["filter"], wanted["operator"]) == ("filter:tasks:id", "greater")
            tasks = [task for task in tasks if task["id"] > wanted["value"]]
        tasks.sort(key=lambda task: task["id"])
        size, page = int(query["page_size"]), int(query["page"])
        part = tasks[(page - 1) * size : page * size]
        said = sum(views[task["id"]]["total_annotations"] for task in tasks)
        return 200, {
            "total": len(tasks), "total_annotations": said, "tasks": [views[task["id"]] for task in part],
        }  # fmt: skip

    def task_view(self, task):
        said = [a for a in self.annotations.values() if a["task"] == task["id"]]
        shown = [p for p in self.predictions.values() if p["task"] == task["id"]]
        return {
            "updated_at": self.changed(task, said), **task, "predictions": shown, "total_predictions": len(shown), "draft_exists": bool(task.get("draft")),
            "total_annotations": sum(not a["was_cancelled"] for a in said),
            "cancelled_annotations": sum(a["was_cancelled"] for a in said),
        }  # fmt: skip

    def changed(self, task, said):
        """Return a later time whenever anything about the annotations of a task is not as before."""
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        if self.seen.get(task["id"], ("", 0))[0] != digest:
            self.seen[task["id"]] = (digest, len(self.calls))
        return f"2026-01-02T03:04:05.{self.seen[task['id']][1]:06d}Z"

    def task(self, query, body, number):
        return (200, self.task_view(self.tasks[number])) if number in self.tasks else (404, {"detail": "Not found."})

    def patch_task(self, query, body, number):
        self.tasks[number].update(body)
        return 200, self.task_view(self.tasks[number])

    def annotation(self, query, body, number):
        if body:
            self.annotations[number].update(body, updated_at=f"2026-02-{len(self.calls) % 28 + 1:02d}T03:04:05.000000Z")
        return 200, self.annotations[number]

    def draft(self, query, body, number):
        draft = next(d for task in self.tasks.values() for d in task.get("drafts", ()) if d["id"] == number)
        draft.update(body or {})
        return 200, draft

    def prediction(self, query, body, number):
        self.predictions[number].update(body or {})
        return 200, self.predictions[number]

    def reset_summary(self, query, body, number):
        return 200, None

    def delete_task(self, query, body, number):
        self.tasks.pop(number)
        self.predictions = {k: p for k, p in self.predictions.items() if p["task"] != number}
        self.annotations = {k: a for k, a in self.annotations.items() if a["task"] != number}
        return 204, None

    def delete_prediction(self, query, body, number):
        self.predictions.pop(number)
        return 204, None

    def export(self, query, body, project):
        number = self.number()
        tasks = [
            {
                "updated_at": self.task_view(task)["updated_at"],
                **task,
                "annotations": [a for a in self.annotations.values() if a["task"] == task["id"]],
                "predictions": [p for p in self.predictions.values() if p["task"] == task["id"]],
                "drafts": task.get("drafts", []),
            }
            for task in self.tasks.values()
            if task["project"] == project and self.selected(body or {}, task["id"])
        ]
        content = json.dumps(tasks).encode()
        self.exports[number] = content
        self.titles[number] = (body or {}).get("title", "")
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        counters = {"task_number": len(tasks)}
        return 201, {"id": number, "status": self.export_status, "md5": md5, "counters": counters}

    def selected(self, body, task):
        view = self.views.get((body.get("task_filter_options") or {}).get("view"))
        if view is None or self.ignored_views == "all":
            return True
        return self.ignored_views != "none" and task in view["data"]["filters"]["items"][0]["value"]

    def list_exports(self, query, body, project):
        return 200, [{"id": number, "title": self.titles[number]} for number in self.exports]

    def list_views(self, query, body):
        return 200, [view for view in self.views.values() if view["project"] == int(query["project"])]

    def create_view(self, query, body):
        number = self.number()
        self.views[number] = {"id": number, **body}
        return 201, self.views[number]

    def delete_view(self, query, body, number):
        del self.views[number]
        return 204, None

    def download(self, query, body, project, number):
        return 200, self.exports[number]

    def delete_export(self, query, body, project, number):
        del self.exports[number]
        return 204, None

    def list_hooks(self, query, body):
        return 200, [hook for hook in self.hooks.values() if hook["project"] == int(query["project"])]

    def create_hook(self, query, body):
        number = self.number()
        self.hooks[number] = {"id": number, "is_active": True, **body}
        return 201, self.hooks[number]

    def delete_hook(self, query, body, number):
        del self.hooks[number]
        return 204, None

    def list_backends(self, query, body):
        return 200, [backend for backend in self.backends.values() if backend["project"] == int(query["project"])]

    def create_backend(self, query, body):
        number = self.number()
        self.backends[number] = {"id": number, **body}
        return 201, self.backends[number]

    def delete_backend(self, query, body, number):
        gone = self.backends.pop(number)
        if self.projects[gone["project"]]["model_version"] == gone["title"]:
            self.projects[gone["project"]]["model_version"] = ""
        return 204, None

    routes = (
        ("GET", "/api/webhooks/", list_hooks),
        ("POST", "/api/webhooks/", create_hook),
        ("DELETE", r"/api/webhooks/(\d+)/", delete_hook),
        ("GET", "/api/ml/", list_backends),
        ("POST", "/api/ml/", create_backend),
        ("DELETE", r"/api/ml/(\d+)", delete_backend),
        ("GET", "/api/current-user/whoami", whoami),
        ("GET", "/api/version/", version),
        ("GET", "/api/projects/", list_projects),
        ("POST", "/api/projects/", create_project),
        ("GET", r"/api/projects/(\d+)/", project),
        ("PATCH", r"/api/projects/(\d+)/", project),
        ("POST", r"/api/projects/(\d+)/import", import_tasks),
        ("POST", r"/api/projects/(\d+)/import/predictions", import_predictions),
        ("GET", r"/api/projects/(\d+)/model-versions/", model_versions),
        ("GET", "/api/tasks", list_tasks),
        ("GET", r"/api/tasks/(\d+)/", task),
        ("PATCH", r"/api/tasks/(\d+)/", patch_task),
        ("GET", r"/api/annotations/(\d+)/", annotation),
        ("PATCH", r"/api/annotations/(\d+)/", annotation),
        ("GET", r"/api/drafts/(\d+)/", draft),
        ("PATCH", r"/api/drafts/(\d+)/", draft),
        ("GET", r"/api/predictions/(\d+)/", prediction),
        ("PATCH", r"/api/predictions/(\d+)/", prediction),
        ("POST", r"/api/projects/(\d+)/summary/reset/", reset_summary),
        ("DELETE", r"/api/tasks/(\d+)/", delete_task),
        ("DELETE", r"/api/predictions/(\d+)/", delete_prediction),
        ("POST", r"/api/projects/(\d+)/exports/", export),
        ("GET", r"/api/projects/(\d+)/exports/", list_exports),
        ("GET", "/api/dm/views/", list_views),
        ("POST", "/api/dm/views/", create_view),
        ("DELETE", r"/api/dm/views/(\d+)/", delete_view),
        ("GET", r"/api/projects/(\d+)/exports/(\d+)/download", download),
        ("DELETE", r"/api/projects/(\d+)/exports/(\d+)", delete_export),
    )
