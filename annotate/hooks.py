"""Make a server call us, and take that back: webhooks and live backends.

What is put on a server is noted beside the desk before it is put there, so that a run that was killed leaves nothing
that the next one does not find. What it leaves keeps no suggestions from people: see :func:`put_backend`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from copydesk.corpus import Desk, write_atomically

from .client import StudioClient
from .live import HOOK_HEADER, USER
from .tether import FOLDER

__all__ = ["Noted", "drop_backends", "drop_hooks", "has_backend", "has_hook", "put_backend", "put_hook"]

TITLE: Final = "copydesk serve"
ACTIONS: Final = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "TASKS_DELETED",
)


class Noted:
    """The addresses of ours that may stand on servers, in a file beside the desk.

    Args:
        desk: The desk.
        name: What they are for.
    """

    def __init__(self, desk: Desk, name: str) -> None:
        self._path = desk.path / FOLDER / f"{name}.json"

    def _read(self) -> list[tuple[str, int, str]]:
        try:
            raw = json.loads(self._path.read_text(encoding="utf-8"))
            return [(str(server), int(project), str(url)) for server, project, url in raw]
        except (OSError, ValueError, TypeError):  # it only helps to tidy up
            return []

    def _write(self, rows: Iterable[tuple[str, int, str]]) -> None:
        with write_atomically(self._path, mode=0o600) as temporary:
            temporary.write_text(json.dumps(sorted(set(rows)), indent=0) + "\n", encoding="utf-8")

    def add(self, server: str, project: int, url: str) -> None:
        """Note that an address of ours is about to stand in a project."""
        self._write([*self._read(), (server, project, url)])

    def of(self, server: str) -> dict[int, list[str]]:
        """Return what is noted for a server: project to addresses."""
        found: dict[int, list[str]] = {}
        for known, project, url in self._read():
            if known == server:
                found.setdefault(project, []).append(url)
        return found

    def forget(self, server: str, project: int) -> None:
        """Note that nothing of ours stands in a project any more."""
        self._write(row for row in self._read() if row[:2] != (server, project))


def _hooks(client: StudioClient, project: int) -> list[dict[str, Any]]:
    return list(client.get("/api/webhooks/", project=project))


def has_hook(client: StudioClient, project: int, url: str) -> bool:
    """Tell whether a webhook to an address stands in a project and is switched on."""
    return any(hook["url"] == url and hook.get("is_active", True) for hook in _hooks(client, project))


def put_hook(client: StudioClient, project: int, url: str, secret: str, actions: Iterable[str] = ACTIONS) -> None:
    """Put a webhook into a project that says what happened, not what was written.

    Raises:
        RefusedError: The server calls no such address.
    """
    body = {
        "url": url,
        "project": project,
        "send_payload": False,
        "send_for_all_actions": False,
        "actions": list(actions),
        "headers": {HOOK_HEADER: secret},
    }
    client.send("POST", "/api/webhooks/", body)


def drop_hooks(client: StudioClient, project: int, urls: Iterable[str]) -> None:
    """Take the webhooks to these addresses out of a project."""
    wanted = set(urls)
    for hook in _hooks(client, project):
        if hook["url"] in wanted:
            client.send("DELETE", f"/api/webhooks/{hook['id']}/")


def put_backend(client: StudioClient, project: int, url: str, secret: str) -> None:
    """Make a project ask us for suggestions.

    The backend's title is no pipeline's version, on purpose: where a project shows the version of that name, the
    server hands out nothing at all once the backend is gone, not even what it has, and a killed one would make people
    label without suggestions and without a word. Only a project that shows no version yet shows the title, which is the
    server's own doing. The webhook that the server would make by itself, for all that happens and with everybody's
    work in it, is put there first, for nothing.

    Raises:
        RefusedError: The server calls no such address, or got no answer from it.
    """
    if not has_hook(client, project, f"{url}/webhook"):
        # every member can read a webhook, so it does not get the password
        put_hook(client, project, f"{url}/webhook", "", ())
    body = {
        "url": url,
        "project": project,
        "title": TITLE,
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": USER,
        "basic_auth_pass": secret,
        "is_interactive": True,
    }
    client.send("POST", "/api/ml/", body)


def has_backend(client: StudioClient, project: int, url: str) -> bool:
    """Tell whether a project asks us."""
    return any(backend["url"] == url for backend in client.get("/api/ml/", project=project))


def drop_backends(client: StudioClient, project: int, urls: Iterable[str], version: str) -> None:
    """Take these live backends out of a project, and let it show the suggestions that it has.

    Args:
        client: An open connection.
        project: The project.
        urls: Where the backends are.
        version: The pipeline whose stored suggestions a project shows that has shown none but ours.
    """
    wanted = set(urls)
    drop_hooks(client, project, {f"{url}/webhook" for url in wanted})
    for backend in client.get("/api/ml/", project=project):
        if backend["url"] in wanted:
            client.send("DELETE", f"/api/ml/{backend['id']}")
    # the server takes the version that it shows away together with the backend of that name
    if client.get(f"/api/projects/{project}/").get("model_version"):
        return
    if version in (client.get(f"/api/projects/{project}/model-versions/") or ()):
        client.send("PATCH", f"/api/projects/{project}/", {"model_version": version})
