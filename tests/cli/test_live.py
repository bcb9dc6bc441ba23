"""watch, serve and browse, as programs that a person ends with Ctrl-C."""

import json
import os
import signal
import sys
import urllib.request
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "annotate"))  # for the server in memory

from fake_studio import TOKEN, FakeStudio

from .conftest import spawn


@pytest.fixture
def served(own_desk, monkeypatch):
    """A desk whose tasks are on a server in memory."""
    from copydesk.annotate import push
    from copydesk.corpus import Desk

    with FakeStudio() as fake:
        monkeypatch.setenv("COPYDESK_STUDIO_URL", fake.url)
        monkeypatch.setenv("COPYDESK_STUDIO_API_KEY", TOKEN)
        push(Desk(own_desk))
        yield fake


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_pulls_and_ends_cleanly(own_desk, served, number):
    served.annotate(min(served.tasks), [])
    with spawn("watch", "--json", cwd=own_desk, env=dict(os.environ)) as program:
        first, second = (json.loads(program.stdout.readline()) for _ in range(2))
        assert (first["event"], second["event"], second["pulled"]["added"]) == ("webhooks", "pulled", 1)
        assert len(served.hooks) == 1
        program.send_signal(number)
        assert program.wait(60) == 3
        assert "Traceback" not in program.stderr.read()
    assert served.hooks == {}


def test_serve_stands_and_goes(own_desk, served):
    with spawn("serve", "--port", "0", cwd=own_desk, env=dict(os.environ)) as program:
        line = program.stdout.readline()
        assert line.startswith(served.url)
        assert "http://127.0.0.1:" in line
        assert len(served.backends) == 1
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == 3
    assert (served.backends, served.hooks) == ({}, {})


def test_what_is_missing_is_said(copydesk, desk, monkeypatch):
    monkeypatch.delenv("COPYDESK_STUDIO_URL", raising=False)
    for command in ("watch", "serve"):
        shown = copydesk(command, "--desk", desk)
        assert shown.status == 4
        assert "copydesk studio start" in shown.err
    shown = copydesk("watch", "--every", "0", "--desk", desk)
    assert shown.status == 2


def test_a_port_that_is_taken_is_said(copydesk, own_desk, served):
    port = served.url.rpartition(":")[2]
    shown = copydesk("serve", "--port", port, "--desk", own_desk)
    assert shown.status == 4
    assert "cannot listen" in shown.err


def test_browse_shows_the_desk_and_ends_cleanly(own_desk):
    with spawn("browse", "--json", "--port", "0", cwd=own_desk, env=dict(os.environ)) as program:
        address = json.loads(program.stdout.readline())["address"]
        with urllib.request.urlopen(address) as answer:
            assert b"Articles</h1>" in answer.read()
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == 3
        assert "Traceback" not in program.stderr.read()


def test_a_comparison_needs_two_that_can_be_compared(copydesk, desk, tmp_path):
    shown = copydesk("report", "--compare", desk, desk, "--out", tmp_path / "both.html")
    assert shown.status == 0
    assert (tmp_path / "both.html").is_file()
    shown = copydesk("report", "--compare", desk, tmp_path)
    assert (shown.status, "neither a desk nor a release is here" in shown.err) == (2, True)
    assert copydesk("report", "--desk", desk, "--out", "x.html").status == 2
