"""Run a desk's own Label Studio server: start, stop, status, and more annotators.

Everything the server writes lies in ``<desk>/.studio`` (mode 0700)::

    credentials.json   addresses, passwords and tokens of its users (0600)
    server.json        the port it was given      server.pid   who it is
    server.log         all it says                data/        its database and files
    settings/          the Django settings it runs with

Secrets are random, reach the server through its environment and never through its command line, and
appear in no log, error or setting. The server listens on 127.0.0.1 alone and calls nobody.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import filelock

from copydesk.corpus import Desk, write_atomically
from copydesk.schemas import InputError, OnProgress, Progress, StudioError, silent

from .install import install_studio, server_environment, studio_folder, template_database
from .process import Mark, claimed_port, mark_of, port_answers, stop_process

__all__ = [
    "Account",
    "StudioServer",
    "StudioStatus",
    "add_annotator",
    "own_account",
    "start_studio",
    "stop_studio",
    "studio_status",
]

EDITOR: Final = "editor@copydesk.local"
STAGE: Final = "start label studio"
NAME: Final = re.compile(r"[\w+-][\w.+-]*(@[\w-][\w.-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Account:
    """A user of a desk's own server. Its secrets stay out of `repr`, and so out of logs."""

    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StudioServer:
    """A running server: where it is, who may log in, and where its secrets and its log lie."""

    url: str
    pid: int
    user: str
    credentials: Path
    log: Path
    started: bool
    """True if this call started it, False if it ran already."""


@dataclass(frozen=True, slots=True)
class StudioStatus:
    """What is known about a desk's own server; `state` is ``never started``, ``stopped``, ``starting`` or ``running``."""

    state: str
    url: str = ""
    pid: int = 0
    users: tuple[str, ...] = ()
    credentials: Path | None = None
    log: Path | None = None


def _home(desk: Desk | Path) -> Path:
    return ((desk.path if isinstance(desk, Desk) else desk) / ".studio").resolve()


@contextlib.contextmanager
def _held(home: Path) -> Iterator[None]:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    with filelock.FileLock(home / ".lock"):
        yield


# accounts


def _accounts(home: Path) -> dict[str, Account]:
    path = home / "credentials.json"
    if not path.is_file():
        return {}
    raw: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return {email: Account(email, item["password"], item["token"]) for email, item in raw.items()}


def _remember(home: Path, account: Account) -> None:
    accounts = {**_accounts(home), account.email: account}
    plain = {known.email: {"password": known.password, "token": known.token} for known in accounts.values()}
    with write_atomically(home / "credentials.json", mode=0o600) as temporary:
        temporary.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def _account(home: Path, email: str) -> Account:
    """Return the account of this name, making its secrets where it has none yet."""
    known = _accounts(home).get(email)
    if known is None:
        known = Account(email, secrets.token_urlsafe(18), secrets.token_hex(20))
        _remember(home, known)
    return known


def own_account(desk: Desk | Path, email: str = EDITOR) -> Account:
    """Return an account of the desk's own server; by default the one that copydesk itself uses.

    Raises:
        StudioError: The server has never been started, or has no such user.
    """
    found = _accounts(_home(desk)).get(email)
    if found is None:
        raise StudioError(
            f"the desk's own Label Studio has no user {email}",
            where=str(_home(desk)),
            hint="Start it first: copydesk studio start",
        )
    return found


def _secrets_of(account: Account) -> dict[str, str]:
    return {
        "LABEL_STUDIO_USERNAME": account.email,
        "LABEL_STUDIO_PASSWORD": account.password,
        "LABEL_STUDIO_USER_TOKEN": account.token,
    }


def add_annotator(desk: Desk | Path, name: str) -> Account:
    """Make a user on the desk's own server, or return the one that is there.

    Args:
        desk: The desk, or its folder.
        name: An email address, or a plain name that becomes one.

    Raises:
        InputError: The name cannot be a user's.
        StudioError: The server has never been started, or its command refused.
    """
    home = _home(desk)
    if not NAME.fullmatch(name):  # it becomes a user, and a file's name
        raise InputError(
            f"{name!r} cannot be an annotator's name",
            hint="Take letters, digits and . _ + -, or an email address: annotator-1, ana@example.org.",
        )
    own_account(desk)  # the first start makes the organisation that annotators join
    email = name if "@" in name else f"{name}@copydesk.local"
    with _held(home):
        if email in _accounts(home) and (home / "users" / email).exists():
            return _accounts(home)[email]
        folder = studio_folder()
        account = _account(home, email)  # written first: a kill in between finds the same secrets again
        done = subprocess.run(
            [str(folder / "bin" / "label-studio"), "init", "--quiet", "--data-dir", str(home / "data")],
            env=server_environment(folder, home, _secrets_of(account)),
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout)[-600:].replace(account.password, "***").replace(account.token, "***")
            raise StudioError(f"Label Studio would not make the user {email}:\n{said}", where=str(home))
        (home / "users").mkdir(exist_ok=True)
        (home / "users" / email).touch()
        return account


# the process


def _server_mark(home: Path) -> Mark | None:
    """Return the mark of our own living server: the pid file's process, if it still is what wrote it."""
    try:
        pid = int((home / "server.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    mark = mark_of(pid)
    return mark if mark and "label-studio" in mark.command and str(home / "data") in mark.command else None


def _state(home: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((home / "server.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return state


def _url(home: Path) -> str:
    return f"http://127.0.0.1:{_state(home).get('port', 0)}"


def _ask(url: str, token: str = "") -> tuple[int, Any]:
    """Return the status and JSON of one local GET; status 0 where nothing answers."""
    request = urllib.request.Request(url, headers={"Authorization": f"Token {token}"} if token else {})  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy has no business with 127.0.0.1
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read(100_000))
    except urllib.error.HTTPError as error:
        return error.code, None
    except (OSError, ValueError):
        return 0, None


def _is_ours(home: Path) -> bool:
    """Tell whether the server on our port knows our random token: no other server can."""
    account = _accounts(home).get(EDITOR)
    if account is None:
        return False
    status, who = _ask(f"{_url(home)}/api/current-user/whoami", account.token)
    return status == 200 and isinstance(who, dict) and who.get("email") == EDITOR


def start_studio(
    desk: Desk | Path, *, port: int | None = None, patience: float = 600.0, on_progress: OnProgress = silent
) -> StudioServer:
    """Start the desk's own Label Studio and wait until it answers; a running one is left as it is.

    Args:
        desk: The desk, or its folder.
        port: The port to try first; by default the last one, then the setting's, then the next free one.
        patience: How many seconds the server may take.
        on_progress: Told of every step of the installation and the start.

    Raises:
        StudioError: It cannot be installed, dies, does not answer in time, or something else answers on its port.
    """
    home = _home(desk)
    folder = install_studio(on_progress=on_progress)
    with _held(home):
        account = _account(home, EDITOR)
        mark = _server_mark(home)
        started = mark is None
        if mark is None:
            wanted = port or _state(home).get("port") or (desk.settings.studio.port if isinstance(desk, Desk) else 8080)
            with claimed_port(wanted, folder.parent) as free:
                if free is None:
                    raise StudioError(f"no free port from {wanted} on", hint="Give another with --port or studio.port.")
                _wait(home, _launch(home, folder, account, free), patience, on_progress)
        else:
            _wait(home, None, patience, on_progress)
        mark = _server_mark(home)
        assert mark is not None, "the wait ends with a living server or an error"
        return StudioServer(_url(home), mark.pid, EDITOR, home / "credentials.json", home / "server.log", started)


def _launch(home: Path, folder: Path, account: Account, port: int) -> subprocess.Popen[bytes]:
    environment = server_environment(folder, home, _secrets_of(account))
    data = home / "data"
    if not (data / "label_studio.sqlite3").exists() and template_database(folder).is_file():
        with write_atomically(data / "label_studio.sqlite3") as temporary:
            shutil.copyfile(template_database(folder), temporary)
    with write_atomically(home / "server.json") as temporary:
        temporary.write_text(json.dumps({"port": port}) + "\n", encoding="utf-8")
    (home / "server.pid").unlink(missing_ok=True)
    log = home / "server.log"
    log.touch(mode=0o600)
    # the shell writes the pid file and becomes the server, so that no kill of ours can leave an unknown one behind
    command = ["/bin/sh", "-c", 'echo $$ > "$1"; shift; exec "$@"', "sh", str(home / "server.pid")]
    command += [str(folder / "bin" / "label-studio"), "start", "--no-browser", "--internal-host", "127.0.0.1"]
    command += ["--port", str(port), "--data-dir", str(data)]
    with log.open("ab") as record:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=record,
            stderr=record,
            start_new_session=True,
        )


def _wait(home: Path, process: subprocess.Popen[bytes] | None, patience: float, on_progress: OnProgress) -> None:
    """Wait for a server that this call launched, or (without a process) that an earlier one did."""
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < patience:
        on_progress(Progress(STAGE, int(waited), None, "seconds"))
        alive = _server_mark(home) is not None
        if not alive and (process is None or process.poll() is not None):
            raise StudioError(
                f"Label Studio ended while it started:\n{_log_tail(home)}",
                where=str(home / "server.log"),
                hint="The log has the whole story.",
            )
        if alive and _ask(f"{_url(home)}/health")[0] == 200:
            if _is_ours(home):
                return
            raise StudioError(
                f"another Label Studio answers at {_url(home)}",
                where=str(home / "server.log"),
                hint="Stop the other one, or start this one elsewhere: copydesk studio start --port 8090",
            )
        time.sleep(0.2)
    raise StudioError(
        f"Label Studio did not answer at {_url(home)} within {patience:.0f} s",
        where=str(home / "server.log"),
        hint="It may still be at work; run copydesk studio start again to go on waiting.",
    )


def _log_tail(home: Path) -> str:
    try:
        lines = (home / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "(no log)"
    tail = "\n".join(lines[-8:])
    for account in _accounts(home).values():
        tail = tail.replace(account.password, "***").replace(account.token, "***")
    return tail


def stop_studio(desk: Desk | Path) -> bool:
    """Stop the desk's own server and tell whether it ran. No other process is ever touched."""
    home = _home(desk)
    if not home.exists():
        return False
    with _held(home):
        mark = _server_mark(home)
        stopped = mark is not None and stop_process(mark)
        (home / "server.pid").unlink(missing_ok=True)
        return stopped


def studio_status(desk: Desk | Path) -> StudioStatus:
    """Return what is known about the desk's own server, without starting anything."""
    home = _home(desk)
    if not _accounts(home):
        return StudioStatus("never started")
    mark = _server_mark(home)
    users = tuple(sorted(_accounts(home)))
    state = "stopped" if mark is None else "running" if port_answers(_state(home)["port"]) else "starting"
    return StudioStatus(
        state, _url(home), mark.pid if mark else 0, users, home / "credentials.json", home / "server.log"
    )
