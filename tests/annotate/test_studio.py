from __future__ import annotations

import ipaddress
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk.annotate import (
    add_annotator,
    connect,
    install_studio,
    own_account,
    start_studio,
    stop_studio,
    studio_status,
)
from copydesk.schemas import InputError, StudioError


@pytest.fixture
def installed(tmp_path, monkeypatch, module):
    """An environment that counts as installed, whose server is the shell script given."""

    def make(script):
        folder = tmp_path / "environment"
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "label-studio").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / "bin" / "label-studio").chmod(0o755)
        install = module("install")
        stamp = install.hashlib.sha256(install._lock_text().encode()).hexdigest()
        (folder / install.STAMP).write_text(f"{stamp}\n", encoding="utf-8")
        install.template_database(folder).write_bytes(b"")
        monkeypatch.setenv("COPYDESK_STUDIO_ENV", str(folder))
        return folder

    return make


# without a real server


def test_where_it_is_installed(monkeypatch, module, tmp_path):
    install = module("install")
    monkeypatch.delenv("COPYDESK_STUDIO_ENV", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert install.studio_folder() == tmp_path / "copydesk" / f"label-studio-{install.studio_version()}"
    monkeypatch.setenv("COPYDESK_STUDIO_ENV", str(tmp_path / "mine"))
    assert install.studio_folder() == tmp_path / "mine"


def test_an_installation_that_stands_is_left_alone(installed, monkeypatch, module):
    folder = installed("exit 1")
    monkeypatch.setattr(module("install"), "_run_pip", None)
    assert install_studio() == folder


def test_pip_fails_and_its_last_words_are_shown(tmp_path, monkeypatch, module):
    monkeypatch.setenv("COPYDESK_STUDIO_ENV", str(tmp_path / "env"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    lock = "label-studio==0.0.1 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    monkeypatch.setattr(module("install"), "_lock_text", lambda: lock)
    seen = []
    with pytest.raises(StudioError, match=r"pip could not install Label Studio 0.0.1") as error:
        install_studio(on_progress=seen.append)
    assert "No matching distribution found for label-studio==0.0.1" in str(error.value)
    assert str(tmp_path / "env.log") in str(error.value)
    assert seen[0].total == 1
    assert not (tmp_path / "env" / module("install").STAMP).exists()


def test_an_environment_that_does_not_run_is_named(installed, module):
    folder = installed('echo "no module named django" >&2; exit 1')
    module("install").template_database(folder).unlink()
    with pytest.raises(
        StudioError, match="Label Studio is installed but does not run:\nno module named django"
    ) as error:
        install_studio()
    assert f"rm -r {folder}" in str(error.value)


def test_the_lock_names_no_host(module):
    text = module("install")._lock_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert text.count("--hash=sha256:") > 300


def test_the_server_gets_an_environment_of_its_own(tmp_path, module, monkeypatch):
    monkeypatch.setenv("SECRET_OF_MINE", "x")
    environment = module("install").server_environment(Path("/env"), tmp_path)
    assert "SECRET_OF_MINE" not in environment
    assert environment["HOME"] == str(tmp_path)
    assert environment["LABEL_STUDIO_SENTRY_DSN"] == ""
    assert environment["LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK"] == "true"
    # it may call what listens on this machine, and no other inner address
    assert environment["LABEL_STUDIO_USE_DEFAULT_BANNED_SUBNETS"] == "false"
    banned = [
        ipaddress.ip_network(net) for net in environment["LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS"].split(",")
    ]
    for address in ("10.1.2.3", "172.20.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "::1", "fe80::1", "fd00::1"):
        assert any(ipaddress.ip_address(address) in net for net in banned), address
    for address in ("127.0.0.1", "8.8.8.8"):
        assert not any(ipaddress.ip_address(address) in net for net in banned), address
    settings = (tmp_path / "settings" / f"{environment['DJANGO_SETTINGS_MODULE']}.py").read_text(encoding="utf-8")
    for cure in ("IMMEDIATE", '"timeout": 60', "journal_mode=WAL"):
        assert cure in settings


def test_a_server_that_dies_at_once(installed, tmp_path):
    installed('echo "cannot open $LABEL_STUDIO_PASSWORD"; exit 3')
    with pytest.raises(StudioError, match="Label Studio ended while it started") as error:
        start_studio(tmp_path, port=18120, patience=20)
    assert "cannot open ***" in str(error.value)
    assert own_account(tmp_path).password not in str(error.value)
    assert "server.log" in str(error.value)
    assert studio_status(tmp_path).state == "stopped"


def test_a_server_that_never_answers(installed, tmp_path):
    installed(f'exec {sys.executable} -c "import signal; signal.pause()" label-studio "$@"')
    with pytest.raises(StudioError, match=r"did not answer at http://127.0.0.1:181[0-9]{2} within 1 s"):
        start_studio(tmp_path, port=18120, patience=1)
    assert studio_status(tmp_path).state == "starting"
    assert stop_studio(tmp_path)
    assert studio_status(tmp_path).state == "stopped"


def test_a_strangers_server_on_our_port(installed, tmp_path, monkeypatch, module):
    installed(f'exec {sys.executable} -c "import signal; signal.pause()" label-studio "$@"')
    answers = {"health": (200, {"status": "UP"}), "whoami": (401, None)}
    monkeypatch.setattr(module("studio"), "_ask", lambda url, token="": answers[url.rsplit("/", 1)[-1]])
    with pytest.raises(StudioError, match="another Label Studio answers at"):
        start_studio(tmp_path, port=18120, patience=20)
    stop_studio(tmp_path)


def test_a_stale_pid_file_harms_nobody(tmp_path, module):
    home = tmp_path / ".studio"
    module("studio")._account(home, module("studio").EDITOR)
    (home / "server.json").write_text('{"port": 18120}', encoding="utf-8")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        for pid in (str(other.pid), "999999999", "none"):
            (home / "server.pid").write_text(pid, encoding="ascii")
            assert studio_status(tmp_path).state == "stopped"
            assert stop_studio(tmp_path) is False
        assert other.poll() is None
        other.communicate(b"\n")


LEADERLESS = """
import ctypes, os, socket, sys, threading
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_process_that_lost_only_its_first_thread_still_lives(module):
    # seen in CI: a stopped server was believed gone while its threads still held the port
    process = module("process")
    with subprocess.Popen(
        [sys.executable, "-c", LEADERLESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        port = int(other.stdout.readline())
        stat = Path(f"/proc/{other.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "Z":
            pass
        assert process.mark_of(other.pid) is not None
        assert process.port_answers(port)
        assert process.stop_process(process.mark_of(other.pid)) is True
        assert not process.port_answers(port)


def test_a_process_is_known_by_more_than_its_number(module):
    process = module("process")
    mine = process.mark_of(os.getpid())
    assert mine.pid == os.getpid()
    assert process.stop_process(process.Mark(mine.pid, "another start", mine.command)) is False
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert process.stop_process(process.mark_of(other.pid)) is True
        assert other.wait() != 0


def test_a_taken_port_is_passed_over(module):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert module("process").free_port(port) != port
        assert module("process").free_port(port, tries=1) is None


def test_two_who_want_one_port_at_once_get_two(module, tmp_path):
    claimed = module("process").claimed_port
    first = module("process").free_port(18500)
    with claimed(first, tmp_path) as one, claimed(first, tmp_path) as two:
        assert one == first
        assert two is not None
        assert two > one
        with claimed(first, tmp_path, tries=1) as none:
            assert none is None
    with claimed(first, tmp_path) as again:
        assert again == first


def test_a_starting_servers_port_is_nobody_elses(installed, tmp_path, monkeypatch, module):
    """A server listens seconds after it was started: until then, its port looks free."""
    claims = installed(f'exec {sys.executable} -c "import signal; signal.pause()" label-studio "$@"').parent
    claimed, real, seen = module("process").claimed_port, module("studio")._wait, []

    def waiting(home, *more):
        own = json.loads((home / "server.json").read_text())["port"]
        with claimed(own, claims, tries=1) as other:
            seen.append((own, other))
        real(home, *more)

    monkeypatch.setattr(module("studio"), "_wait", waiting)
    first = module("process").free_port(18600)
    with claimed(first, claims), pytest.raises(StudioError, match="did not answer at"):
        start_studio(tmp_path, port=first, patience=0.1)
    stop_studio(tmp_path)
    ((own, other),) = seen
    assert own > first
    assert other is None


def test_nothing_was_ever_started(tmp_path):
    assert studio_status(tmp_path).state == "never started"
    assert stop_studio(tmp_path) is False
    assert not (tmp_path / ".studio").exists()
    with pytest.raises(StudioError, match="has no user") as error:
        own_account(tmp_path)
    assert "copydesk studio start" in str(error.value)


# with a real one


@pytest.mark.studio
def test_the_real_server_keeps_its_secrets(studio_home):
    home = studio_home / ".studio"
    status = studio_status(studio_home)
    assert status.state == "running"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "credentials.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "server.log").stat().st_mode) == 0o600
    command = Path(f"/proc/{status.pid}/cmdline").read_bytes().decode()
    log = (home / "server.log").read_text(encoding="utf-8")
    for account in json.loads((home / "credentials.json").read_text(encoding="utf-8")).values():
        for secret in (account["password"], account["token"]):
            assert secret not in command
            assert secret not in log
            assert secret not in repr(own_account(studio_home))
    assert "--internal-host\x00127.0.0.1" in command


@pytest.mark.studio
def test_a_running_server_is_left_as_it_is(studio_home):
    before = studio_status(studio_home)
    again = start_studio(studio_home)
    assert (again.pid, again.url, again.started) == (before.pid, before.url, False)


@pytest.mark.parametrize("name", ["", "a/b", "../../x", "two\nlines", "ev il", "é", ".hidden", "a@", "@b", "a@b@c"])
def test_a_name_that_cannot_be_a_users(tmp_path, name):
    with pytest.raises(InputError, match="cannot be an annotator's name"):
        add_annotator(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.studio
def test_annotators_log_in_as_themselves(studio_home, module, studio_desk):
    account = add_annotator(studio_home, "dee")
    assert account.email == "dee@copydesk.local"
    assert add_annotator(studio_home, "dee") == account
    desk = studio_desk()
    assert module("client").connect_as(desk, account.email).user == account.email
    assert connect(desk).user == "editor@copydesk.local"


@pytest.mark.studio
def test_nobody_signs_up_without_a_link(studio_desk):
    client = connect(studio_desk())
    with pytest.raises(StudioError, match="HTTP 403"):
        client.send("POST", "/user/signup/", {"email": "eve@example.org", "password": "Password!23"})


@pytest.mark.studio
def test_a_server_stops_and_comes_back_with_everything(make_desk, any_port):
    desk = make_desk()
    first = start_studio(desk, port=any_port())
    client = connect(desk)
    client.send("POST", "/api/projects/", {"title": "still here"})
    assert stop_studio(desk) is True
    assert studio_status(desk).state == "stopped"
    with pytest.raises(StudioError, match=r"not running \(stopped\)"):
        connect(desk)
    try:
        second = start_studio(desk)
        assert second.url == first.url
        assert connect(desk).get("/api/projects/")["results"][0]["title"] == "still here"
    finally:
        stop_studio(desk)
