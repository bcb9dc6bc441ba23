"""A Hub on this machine that speaks the Hub's protocol: repositories, LFS, commits, tags, trees, downloads.

It keeps everything in memory and gives back what it was sent. Faults are asked for by what a request is about:
``hub.fail("commit", 503)`` answers the next such request with a status, ``"cut"`` closes the connection in the
middle, ``"lost"`` does the work and closes the connection before it says so, and a function is called in its place.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_" + "t" * 30


@dataclass
class Repository:
    """Commits, newest last, each with the whole tree of its files; branch and tags point to them."""

    private: bool
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    @property
    def head(self):
        return self.commits[-1][0]

    def commit(self, files, message=""):
        text = f"{len(self.commits)} {message}".encode()
        self.commits.append((hashlib.sha1(text, usedforsecurity=False).hexdigest(), dict(files)))
        self.messages.append(message)
        return self.head

    def at(self, revision):
        """Return (commit, files) of a branch, tag or commit; None where there is none."""
        wanted = self.head if revision == "main" else self.tags.get(revision, revision)
        return next((commit for commit in self.commits if commit[0] == wanted), None)


class FakeHub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.uploaded: list[str] = []
        self.headers: list[str] = []
        self.faults = defaultdict(list)
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fail(self, about, *faults):
        """Let the next requests about something go wrong; None lets one through."""
        self.faults[about] += faults

    def count(self, about):
        return self.seen.count(about)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """Say nothing where a client went away in the middle, as a killed one does."""


class RefusedError(Exception):
    def __init__(self, status, message="", code=""):
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


ROUTES = [
    ("create", "POST", r"/api/repos/create"),
    ("yaml", "POST", r"/api/validate-yaml"),
    ("batch", "POST", r"/datasets/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch"),
    ("upload", "PUT", r"/lfs/(?P<oid>\w+)"),
    ("preupload", "POST", r"/api/datasets/(?P<repo>[^/]+/[^/]+)/preupload/(?P<revision>.+)"),
    ("commit", "POST", r"/api/datasets/(?P<repo>[^/]+/[^/]+)/commit/(?P<revision>.+)"),
    ("tag", "POST", r"/api/datasets/(?P<repo>[^/]+/[^/]+)/tag/(?P<revision>.+)"),
    ("refs", "GET", r"/api/datasets/(?P<repo>[^/]+/[^/]+)/refs"),
    ("tree", "GET", r"/api/datasets/(?P<repo>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)"),
    ("settings", "PUT", r"/api/datasets/(?P<repo>[^/]+/[^/]+)/settings"),
    ("info", "GET", r"/api/datasets/(?P<repo>[^/]+/[^/]+?)(?:/revision/(?P<revision>.+))?"),
    ("file", "GET", r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)"),
    ("file", "HEAD", r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)"),
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        for about, method, pattern in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                return self.answer(about, body, found.groupdict())
        return self.reply(404, {"error": f"no such page: {path}"})

    do_GET = do_POST = do_PUT = do_HEAD = do  # noqa: N815

    def answer(self, about, body, said):
        hub = self.server
        with hub.lock:
            hub.seen.append(about)
            hub.headers.append(self.headers.get("Authorization", ""))
            fault = hub.faults[about].pop(0) if hub.faults[about] else None
            if fault == "cut":
                return self.cut()
            if isinstance(fault, int):
                return self.reply(fault, {"error": "asked to fail"})
            if callable(fault) and fault() is False:
                return self.cut()
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}" and about != "upload":
                    raise RefusedError(401, "Invalid credentials")
                if about in ("create", "yaml", "upload"):
                    status, answer = getattr(self, about)(body, **said)
                else:
                    status, answer = getattr(self, about)(body, self.repository(said.pop("repo")), **said)
            except RefusedError as refused:
                return self.reply(refused.status, {"error": refused.message}, {"X-Error-Code": refused.code})
            if fault == "lost":
                return self.cut()
            return None if status is None else self.reply(status, answer)

    def cut(self):
        self.close_connection = True
        self.connection.close()

    def reply(self, status, answer, headers=None):
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def repository(self, name):
        self.named = name
        if name not in self.server.repositories:
            raise RefusedError(404, "Repository not found", "RepoNotFound")
        return self.server.repositories[name]

    def create(self, body):
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        url = f"{self.server.url}/datasets/{name}"
        if name in self.server.repositories:
            return 409, {"error": "You already created this dataset repo", "url": url, "name": name}
        made = self.server.repositories[name] = Repository(asked.get("visibility") == "private")
        made.commit({".gitattributes": b"*.parquet filter=lfs\n"}, "initial commit")
        return 200, {"url": url, "name": name, "id": name}

    def yaml(self, body):
        return 200, {"errors": [], "warnings": []}

    def batch(self, body, repo):
        asked = json.loads(body)
        objects = []
        for item in asked["objects"]:
            upload = {"upload": {"href": f"{self.server.url}/lfs/{item['oid']}"}}
            there = item["oid"] in self.server.objects
            objects.append({**item, **({} if there else {"actions": upload})})
        return 200, {"transfer": "basic", "objects": objects}

    def upload(self, body, oid):
        if hashlib.sha256(body).hexdigest() != oid:
            raise RefusedError(400, "hash mismatch")
        self.server.objects[oid] = body
        self.server.uploaded.append(oid)
        return 200, {}

    def preupload(self, body, repo, revision):
        kinds = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(".parquet") else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(body)["files"]
        ]
        return 200, {"files": kinds}

    def commit(self, body, repo, revision):
        lines = [json.loads(line) for line in body.splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit", repo.head) != repo.head:
            raise RefusedError(412, "The branch moved on")
        files = dict(repo.commits[-1][1])
        for line in lines[1:]:
            said = line["value"]
            if line["key"] == "file":
                files[said["path"]] = base64.b64decode(said["content"])
            elif line["key"] == "lfsFile":
                if said["oid"] not in self.server.objects:
                    raise RefusedError(400, "the object was not uploaded")
                files[said["path"]] = self.server.objects[said["oid"]]
            elif line["key"] == "deletedFile":
                del files[said["path"]]
        oid = repo.commit(files, header["summary"])
        return 200, {"commitUrl": f"{self.server.url}/datasets/{self.named}/commit/{oid}", "commitOid": oid}

    def tag(self, body, repo, revision):
        name = json.loads(body)["tag"]
        if name in repo.tags:
            raise RefusedError(409, "Tag already exists")
        if repo.at(revision) is None:
            raise RefusedError(404, "no such revision", "RevisionNotFound")
        repo.tags[name] = repo.at(revision)[0]
        return 200, {}

    def refs(self, body, repo):
        def ref(kind, name, oid):
            return {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid}

        tags = [ref("tags", name, oid) for name, oid in repo.tags.items()]
        return 200, {"branches": [ref("heads", "main", repo.head)], "converts": [], "tags": tags}

    def settings(self, body, repo):
        asked = json.loads(body)
        repo.private = asked.get("visibility", "private" if asked.get("private") else "public") == "private"
        return 200, {}

    def found(self, repo, revision):
        at = repo.at(revision or "main")
        if at is None:
            raise RefusedError(404, "Invalid rev id", "RevisionNotFound")
        return at

    def info(self, body, repo, revision):
        oid, files = self.found(repo, revision)
        siblings = [{"rfilename": name} for name in sorted(files)]
        return 200, {"id": "x/y", "sha": oid, "private": repo.private, "siblings": siblings, "tags": [], "gated": False}

    def tree(self, body, repo, revision):
        _, files = self.found(repo, revision)
        return 200, [_entry(name, data) for name, data in sorted(files.items())]

    def file(self, body, repo, revision, path):
        oid, files = self.found(repo, revision)
        if path not in files:
            raise RefusedError(404, "no such file", "EntryNotFound")
        self.reply(200, files[path], {"X-Repo-Commit": oid, "ETag": f'"{hashlib.sha256(files[path]).hexdigest()}"'})
        return None, None

    def log_message(self, *said):
        """Keep the test's output clean."""


def _entry(name, data):
    git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    entry = {"type": "file", "path": name, "size": len(data), "oid": git}
    if name.endswith(".parquet"):
        pointer = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return {**entry, "oid": "0" * 40, "lfs": pointer}
    return entry
