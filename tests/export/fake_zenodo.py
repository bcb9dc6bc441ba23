"""Zenodo's deposits on this machine, after https://developers.zenodo.org: drafts, files, publishing, new versions."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "z" * 40
REQUIRED = ("title", "upload_type", "creators", "description")


class FakeZenodo(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.deposits: dict[int, dict] = {}
        self.seen: list[str] = []
        self.faults = defaultdict(list)
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fail(self, about, *faults):
        """Let the next requests about something go wrong: a status, ``lost`` after the work, or a function."""
        self.faults[about] += faults

    def deposit(self, metadata, concept=0):
        number = 100 + len(self.deposits)
        self.deposits[number] = {
            "id": number,
            "conceptrecid": concept or 1000 + number,
            "submitted": False,
            "metadata": metadata,
            "files": {},
        }
        return self.deposits[number]

    def shown(self, deposit):
        number = deposit["id"]
        reserved = {"doi": f"10.5072/zenodo.{number}", "recid": number}
        at = f"{self.url}/api/deposit/depositions/{number}"
        links = {
            "self": at,
            "html": f"{self.url}/deposit/{number}",
            "bucket": f"{self.url}/api/files/b{number}",
            "publish": f"{at}/actions/publish",
        }
        return {
            **{name: deposit[name] for name in ("id", "conceptrecid", "submitted")},
            "state": "done" if deposit["submitted"] else "unsubmitted",
            "metadata": {**deposit["metadata"], "prereserve_doi": reserved},
            "links": links,
            **({"doi": reserved["doi"]} if deposit["submitted"] else {}),
        }

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()


class RefusedError(Exception):
    def __init__(self, status, message, errors=()):
        super().__init__(message)
        self.status, self.body = status, {"status": status, "message": message, "errors": list(errors)}


BASE = r"/api/deposit/depositions"
ROUTES = [
    ("list", "GET", BASE),
    ("create", "POST", BASE),
    ("get", "GET", BASE + r"/(?P<number>\d+)"),
    ("describe", "PUT", BASE + r"/(?P<number>\d+)"),
    ("files", "GET", BASE + r"/(?P<number>\d+)/files"),
    ("delete", "DELETE", BASE + r"/(?P<number>\d+)/files/(?P<file>.+)"),
    ("publish", "POST", BASE + r"/(?P<number>\d+)/actions/publish"),
    ("newversion", "POST", BASE + r"/(?P<number>\d+)/actions/newversion"),
    ("upload", "PUT", r"/api/files/b(?P<number>\d+)/(?P<name>.+)"),
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        for about, method, pattern in ROUTES:
            found = re.fullmatch(pattern, unquote(parts.path))
            if found and method == self.command:
                return self.answer(about, body, parse_qs(parts.query), found.groupdict())
        return self.reply(404, {"message": "no such page"})

    do_GET = do_POST = do_PUT = do_DELETE = do  # noqa: N815

    def answer(self, about, body, query, said):
        server = self.server
        with server.lock:
            server.seen.append(about)
            fault = server.faults[about].pop(0) if server.faults[about] else None
            if isinstance(fault, int):
                return self.reply(fault, {"status": fault, "message": "asked to fail"})
            if callable(fault):
                fault()
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise RefusedError(401, "The server could not verify that you are authorized.")
                deposit = self.known(said.pop("number")) if "number" in said else None
                status, answer = getattr(self, about)(body, query, deposit, **said)
            except RefusedError as refused:
                return self.reply(refused.status, refused.body)
            if fault == "lost":
                self.close_connection = True
                return self.connection.close()
            return self.reply(status, answer)

    def reply(self, status, answer):
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def known(self, number):
        if int(number) not in self.server.deposits:
            raise RefusedError(404, "The persistent identifier does not exist.")
        return self.server.deposits[int(number)]

    def list(self, body, query, deposit):
        draft = query["status"] == ["draft"]
        return 200, [self.server.shown(d) for d in self.server.deposits.values() if d["submitted"] is not draft]

    def create(self, body, query, deposit):
        return 201, self.server.shown(self.server.deposit(json.loads(body).get("metadata", {})))

    def get(self, body, query, deposit):
        return 200, self.server.shown(deposit)

    def describe(self, body, query, deposit):
        self.open(deposit)
        deposit["metadata"] = json.loads(body)["metadata"]
        return 200, self.server.shown(deposit)

    def files(self, body, query, deposit):
        return 200, [
            {"id": f"f-{name}", "filename": name, "filesize": len(data), "checksum": _md5(data)}
            for name, data in deposit["files"].items()
        ]

    def upload(self, body, query, deposit, name):
        self.open(deposit)
        deposit["files"][name] = body
        return 201, {"key": name, "size": len(body), "checksum": f"md5:{_md5(body)}"}

    def delete(self, body, query, deposit, file):
        self.open(deposit)
        del deposit["files"][file.removeprefix("f-")]
        return 204, None

    def publish(self, body, query, deposit):
        missing = [name for name in REQUIRED if not deposit["metadata"].get(name)]
        if missing or not deposit["files"]:
            raise RefusedError(
                400, "Validation error.", [{"field": f"metadata.{name}", "message": "Missing data"} for name in missing]
            )
        deposit["submitted"] = True
        return 202, self.server.shown(deposit)

    def newversion(self, body, query, deposit):
        concept = deposit["conceptrecid"]
        drafts = [d for d in self.server.deposits.values() if d["conceptrecid"] == concept and not d["submitted"]]
        draft = drafts[0] if drafts else self.server.deposit(dict(deposit["metadata"]), concept)
        draft["files"] = dict(deposit["files"])
        shown = self.server.shown(deposit)
        latest = f"{self.server.url}/api/deposit/depositions/{draft['id']}"
        return 201, {**shown, "links": {**shown["links"], "latest_draft": latest}}

    def open(self, deposit):
        if deposit["submitted"]:
            raise RefusedError(403, "Deposition already submitted.")

    def log_message(self, *said):
        """Keep the test's output clean."""


def _md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
