"""Serve suggestions to a Label Studio while people label: a live backend, and its place in the desk's projects.

While it stands, a task that is opened without suggestions gets those of the desk's current pipeline, and marking one
mention offers the others with the same words. The label stream goes on to hand out what push stored; of a project
for which nothing was stored, it asks us too. The backend is taken out of the projects when it ends.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Final

from copydesk.corpus import Desk
from copydesk.schemas import StudioError

from .answers import Answers
from .client import RefusedError, StudioClient
from .hooks import Noted, drop_backends, has_backend, put_backend
from .live import backend_app, listening
from .project import find_projects
from .shown import is_for_adjudication
from .tether import Bell, LiveEvent, hold_on, only_one, own_address

__all__ = ["PORT", "serve"]

PORT: Final = 9090
STAND: Final = "serve"


def serve(
    desk: Desk,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    address: str = "",
    every: float = 30.0,
    bell: Bell | None = None,
) -> Generator[LiveEvent]:
    """Answer the desk's Label Studio, and yield what happens, for ever.

    Close the generator to end it: the projects then show the suggestions that they have.

    Args:
        desk: Whose suggestions; its current pipeline reads what has none yet.
        host: Where to listen.
        port: The port; 0 takes a free one.
        address: By which address the server reaches us; by default ours, where the server is on this machine.
        every: Seconds between two looks whether the projects still ask us.
        bell: Rung by whoever wants a look sooner.

    Raises:
        StudioError: No server or no project to begin with, or the server cannot or will not ask us.
        SettingsError: The desk's pipeline cannot be used.
        BusyError: Another one serves this desk.
    """
    bell = bell or Bell()
    secret = secrets.token_urlsafe(32)
    with only_one(desk, STAND), contextlib.ExitStack() as stack:
        answers = Answers(desk)
        bound = stack.enter_context(listening(backend_app(answers, secret), host=host, port=port))
        work = _Stand(desk, answers, secret, host, bound, address)
        stack.callback(work.take_back)
        yield from hold_on(desk, work.turn, bell=bell, every=lambda: every)


@dataclass(slots=True)
class _Stand:
    """A live backend's place in the desk's projects."""

    desk: Desk
    answers: Answers
    secret: str
    host: str
    port: int
    address: str
    client: StudioClient | None = None
    url: str = ""
    standing: set[int] = field(default_factory=set)
    """Where anything of ours may stand."""
    settled: set[int] = field(default_factory=set)
    """Where all of it stands."""
    version: str = ""
    told: str = ""

    def turn(self, client: StudioClient, rung: bool) -> Iterator[LiveEvent]:
        """See to it that every project asks us; the server asks for the version that answers before each use."""
        self.client = client
        self.url = (self.address or own_address(client, self.host, self.port)).rstrip("/")
        if not self.url:
            raise StudioError(
                "this server may be on another machine, so it has to be told how to reach this one",
                where=client.url,
                hint="Give --address http://NAME:PORT, and --host with the address to listen on.",
            )
        # an adjudicator decides between people: no machine answers beside them
        projects = [project.id for project in find_projects(client, self.desk) if not is_for_adjudication(project.use)]
        if not projects and not self.standing:
            raise StudioError("this desk has no project on the server yet", where=client.url, hint="Run copydesk push.")
        self.version = self.answers.model_version
        for project in projects:
            self._stand_in(client, project)
        said = f"{client.url} gets the suggestions of {self.version} from {self.url}"
        if not self.answers.reads:
            said += (
                "; the settings name another pipeline, so documents without suggestions are not read: copydesk suggest"
            )
        if said != self.told:
            self.told = said
            yield LiveEvent("serving", said)

    def _stand_in(self, client: StudioClient, project: int) -> None:
        if project in self.settled and has_backend(client, project, self.url):
            return
        noted = Noted(self.desk, STAND)
        if left := noted.of(client.name).get(project, []):
            drop_backends(client, project, [*left, self.url], self.version)  # of a run that was killed
            noted.forget(client.name, project)
        noted.add(client.name, project, self.url)
        self.standing.add(project)
        try:
            put_backend(client, project, self.url, self.secret)
        except RefusedError as error:
            if error.status in (400, 403):
                raise StudioError(
                    f"the server will not ask us for suggestions: {error.message}",
                    where=client.url,
                    hint="It must reach --address and be allowed to call it; the desk's own server must have been"
                    " started by this version: copydesk studio stop, copydesk studio start.",
                ) from error
            raise
        self.settled.add(project)

    def take_back(self) -> None:
        """Take the backend out of the projects; what cannot be reached now is found by the next one."""
        if self.client is None:
            return
        noted = Noted(self.desk, STAND)
        for project in sorted(self.standing):
            with contextlib.suppress(StudioError):
                drop_backends(self.client, project, [self.url], self.version)
                noted.forget(self.client.name, project)
