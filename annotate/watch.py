"""Follow a server and pull whenever people have done something there.

The server's webhooks are hints: they are sent once, wait a second for an answer, and say nothing of drafts. So they
only ring a bell; what is new is what a pull finds. Besides, the server is asked every so often for a few counts and
the time of its last change: often until a webhook has come through, seldom afterwards. Once in a while a pull is done
whatever it says, for the clock of a server that was set back.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from copydesk.corpus import Desk
from copydesk.schemas import OnProgress, StudioError, silent

from .client import RefusedError, StudioClient
from .hooks import Noted, drop_hooks, has_hook, put_hook
from .live import hook_app, listening
from .project import find_projects
from .pull import pull
from .tether import Bell, LiveEvent, hold_on, only_one, own_address

__all__ = ["watch"]

SELDOM: Final = 10
"""How many times rarer the server is asked once webhooks come through."""
ALWAYS: Final = 3600.0
"""Seconds after which a pull is done whatever the server says."""
COUNTS: Final = (
    "task_number",
    "total_annotations_number",
    "num_tasks_with_annotations",
    "skipped_annotations_number",
    "ground_truth_number",
)


def watch(
    desk: Desk,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    address: str = "",
    webhooks: bool = True,
    every: float = 30.0,
    bell: Bell | None = None,
    on_progress: OnProgress = silent,
) -> Generator[LiveEvent]:
    """Pull once, then whenever something changed on the server, and yield what happens, for ever.

    Close the generator to end it: the webhooks are then taken back.

    Args:
        desk: Whose projects.
        host: Where to listen for webhooks.
        port: The port; 0 takes a free one.
        address: By which address the server reaches us; by default ours, where the server is on this machine.
        webhooks: Whether to use webhooks at all.
        every: Seconds between two looks.
        bell: What a webhook rings; its clock is the watch's.
        on_progress: Told of tasks that are pulled.

    Raises:
        StudioError: No server or no project to begin with, or the server does not accept us any more.
        BusyError: Another watch is at work on this desk.
    """
    bell = bell or Bell()
    secret = secrets.token_urlsafe(32)
    path = f"/hooks/{secrets.token_urlsafe(12)}"
    work = _Watch(desk, bell, secret, every, on_progress)
    with only_one(desk, "watch"), contextlib.ExitStack() as stack:
        if webhooks:
            bound = stack.enter_context(listening(hook_app(secret, path, work.heard), host=host, port=port))
            work.listens_at = lambda client: (address or own_address(client, host, bound)).rstrip("/") + path
            stack.callback(work.take_back)
        yield from hold_on(desk, work.turn, bell=bell, every=work.patience)


@dataclass(slots=True)
class _Watch:
    """A watch at work: what it last saw, and whether webhooks come through."""

    desk: Desk
    bell: Bell
    secret: str
    every: float
    on_progress: OnProgress
    listens_at: Callable[[StudioClient], str] | None = None
    client: StudioClient | None = None
    hooked: set[int] = field(default_factory=set)
    refused: bool = False
    told: str = ""
    proven: bool = False
    seen: Any = None
    pulled_at: float = 0.0

    def heard(self) -> None:
        """Take note of a webhook; called by the listener's thread."""
        self.proven = True
        self.bell.ring()

    def patience(self) -> float:
        """Say how long to wait for the bell."""
        return self.every * (SELDOM if self.proven else 1)

    def turn(self, client: StudioClient, rung: bool) -> Iterator[LiveEvent]:
        """See to the webhooks, look whether anything changed, and pull if so."""
        self.client = client
        projects = [project.id for project in find_projects(client, self.desk)]
        if not projects and self.seen is None:
            raise StudioError("this desk has no project on the server yet", where=client.url, hint="Run copydesk push.")
        yield from self._see_to_hooks(client, projects)
        now = [_pulse(client, project) for project in projects]  # before the pull: what comes in between is seen again
        changed = now != self.seen
        if not (rung or changed or self.bell.clock() - self.pulled_at >= ALWAYS):
            return
        if changed and not rung:
            self.proven = False  # a webhook should have told
        result = pull(self.desk, on_progress=self.on_progress)
        self.seen, self.pulled_at = now, self.bell.clock()
        yield LiveEvent("pulled", f"{result.added} new, {result.gone} gone", result)

    def _see_to_hooks(self, client: StudioClient, projects: list[int]) -> Iterator[LiveEvent]:
        said = self._put_hooks(client, projects)
        if said.said != self.told:
            self.told = said.said
            yield said

    def _put_hooks(self, client: StudioClient, projects: list[int]) -> LiveEvent:
        if self.listens_at is None:
            return LiveEvent("polling", f"asking {client.url} every {self.every:g} s")
        url = self.listens_at(client)
        if not url.startswith("http"):
            why = "it is on another machine: give --address to get its webhooks"
            return LiveEvent("polling", f"asking {client.url} every {self.every:g} s; {why}")
        noted = Noted(self.desk, "watch")
        left = noted.of(client.name)
        try:
            for project in projects:
                if stale := [old for old in left.get(project, ()) if old != url]:
                    drop_hooks(client, project, stale)
                    noted.forget(client.name, project)
                if not has_hook(client, project, url):
                    noted.add(client.name, project, url)
                    put_hook(client, project, url, self.secret)
                self.hooked.add(project)
        except RefusedError as error:
            return LiveEvent("polling", f"asking {client.url} every {self.every:g} s; no webhooks: {error.message}")
        return LiveEvent("webhooks", f"{client.url} tells us at {url.rsplit('/', 2)[0]}")

    def take_back(self) -> None:
        """Take our webhooks out of the projects; what cannot be reached now is found by the next watch."""
        if self.client is None or self.listens_at is None:
            return
        noted = Noted(self.desk, "watch")
        for project in sorted(self.hooked):
            with contextlib.suppress(StudioError):
                drop_hooks(self.client, project, [self.listens_at(self.client)])
                noted.forget(self.client.name, project)


def _pulse(client: StudioClient, project: int) -> tuple[Any, ...]:
    """Return what changes on a server whenever somebody has done something, in two small answers."""
    known = client.get(f"/api/projects/{project}/")
    query = json.dumps({"ordering": ["-tasks:updated_at"]})
    params = {"project": project, "page": 1, "page_size": 1, "include": "id,updated_at", "query": query}
    newest = client.get("/api/tasks", **params)
    last = [(task["id"], task.get("updated_at")) for task in newest["tasks"][:1]]
    return (*(known.get(name) for name in COUNTS), newest["total"], newest.get("total_annotations"), last)
