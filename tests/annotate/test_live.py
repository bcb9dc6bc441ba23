"""What calls us from outside: who may ask, how much, and what happens to the rest."""

from __future__ import annotations

import json
import logging
import socket
import threading
import urllib.error
import urllib.request

import pytest

from copydesk.schemas import SettingsError, StudioError

SECRET = "correct horse battery staple"
TOKEN = "f00dfacef00dfacef00dfacef00dfacef00dface"


class Said:
    """A backend that repeats what it was asked."""

    def __init__(self) -> None:
        self.asked = []
        self.wrong: Exception | None = None

    @property
    def model_version(self) -> str:
        if self.wrong:
            raise self.wrong
        return "list@1"

    def predict(self, tasks, context):
        if self.wrong:
            raise self.wrong
        self.asked.append((tasks, context))
        return [[] for _ in tasks]


@pytest.fixture
def live(module):
    return module("live")


@pytest.fixture
def backend(live):
    """A backend that runs, and how to ask it: (status, JSON)."""
    said = Said()
    with live.listening(live.backend_app(said, SECRET)) as port:
        yield said, lambda *args, **more: ask(port, *args, **{"Authorization": live.basic(SECRET), **more})


def ask(port, method, path, body=None, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    wanted = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content, wanted, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


# a live backend


def test_it_says_what_label_studio_wants_to_hear(backend):
    said, call = backend
    assert call("GET", "/health", Authorization=None) == (200, {"status": "UP", "model_class": "copydesk"})
    assert call("POST", "/setup", {"project": "1.2", "access_token": TOKEN}) == (200, {"model_version": "list@1"})
    assert call("GET", "/versions") == call("POST", "/versions", {}) == (200, {"versions": ["list@1"]})
    assert call("POST", "/webhook", {"action": "START_TRAINING"})[0] == 200
    tasks = [{"id": 7, "data": {"text": "قوات 👨‍👩‍👧"}}]
    assert call("POST", "/predict", {"tasks": tasks, "params": {"context": None}}) == (200, {"results": [[]]})
    assert call("POST", "/predict", {"tasks": tasks, "params": {"context": {"result": []}}}) == (200, {"results": [[]]})
    assert call("POST", "/predict", {"tasks": []}) == (200, {"results": []})
    assert said.asked == [(tasks, None), (tasks, {"result": []}), ([], None)]


@pytest.mark.parametrize("given", [None, "", "Basic", "Bearer x", "Basic Y29weWRlc2s6d3Jvbmc=", "Basic \xff\xfe"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/setup"), ("POST", "/predict"), ("POST", "/webhook"), ("GET", "/versions")]
)
def test_who_does_not_know_the_password_is_told_nothing(backend, method, path, given):
    said, call = backend
    body = {"tasks": [{"id": 1}]} if method == "POST" else None
    assert call(method, path, body, Authorization=given) == (401, {"detail": "wrong password"})
    assert said.asked == []


def test_another_user_with_the_password_is_not_ours(backend, live):
    _, call = backend
    assert call("GET", "/versions", Authorization=live.basic(SECRET, "admin"))[0] == 401


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff\xfe", b"null", b"[]", b'"tasks"', b"{}", b'{"tasks": 3}', b'{"tasks": {}}',
        b'{"tasks": [], "params": 3}', b'{"tasks": [], "params": {"context": "x"}}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_question_is_refused(backend, body):
    said, call = backend
    status, answer = call("POST", "/predict", body)
    assert status == 400
    assert answer["detail"].startswith("expected tasks as JSON")
    assert said.asked == []
    assert call("GET", "/health")[0] == 200


@pytest.mark.parametrize("path", ["/setup", "/predict", "/webhook"])
def test_what_is_too_large_is_not_read(backend, live, monkeypatch, path):
    _, call = backend
    monkeypatch.setattr(live, "LARGEST_ASKED", 1_000)
    assert call("POST", path, b" " * 1_001) == (413, {"detail": "too large"})
    assert call("POST", path, b'{"tasks": []}')[0] == 200


def test_what_is_too_large_and_does_not_say_so_is_cut_off(live, monkeypatch):
    monkeypatch.setattr(live, "LARGEST_ASKED", 1_000)
    with (
        live.listening(live.backend_app(Said(), SECRET)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=20) as wire,
    ):
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: {live.basic(SECRET)}\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.sendall(head.encode() + b"400\r\n" + b" " * 0x400 + b"\r\n")
        assert wire.recv(100).startswith(b"HTTP/1.1 413")


def test_there_is_nothing_else(backend):
    _, call = backend
    for path in ("/", "/docs", "/openapi.json", "/redoc", "/train", "/predict/../setup"):
        assert call("GET", path)[0] in (404, 405)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [(SettingsError("no such pipeline", where="/secret/place"), 503), (ValueError("the text of an article"), 500)],
)
def test_what_goes_wrong_is_told_here_and_not_there(backend, caplog, wrong, status):
    said, call = backend
    said.wrong = wrong
    with caplog.at_level(logging.INFO):
        for answer in (call("POST", "/setup", {}), call("POST", "/predict", {"tasks": [1]})):
            assert answer[0] == status
            assert "pipeline" not in str(answer)
            assert "secret" not in str(answer)
            assert "article" not in str(answer)
    told = caplog.text
    assert ("no such pipeline" in told) == (status == 503)
    assert "the text of an article" not in told
    said.wrong = None
    assert call("POST", "/setup", {})[0] == 200


def test_the_token_that_label_studio_sends_is_never_kept(backend, caplog, capfd):
    said, call = backend
    with caplog.at_level(logging.DEBUG):
        for body in ({"access_token": TOKEN, "schema": "<View/>"}, TOKEN.encode(), {"access_token": [TOKEN] * 3}):
            assert call("POST", "/setup", body)[0] == 200
        said.wrong = ValueError("no")
        assert call("POST", "/setup", {"access_token": TOKEN})[0] == 500
    assert TOKEN not in caplog.text
    assert TOKEN not in "".join(capfd.readouterr())
    assert said.asked == []


def test_a_slow_answer_holds_up_nobody(live):
    class Slow(Said):
        begun, go = threading.Event(), threading.Event()

        def predict(self, tasks, context):
            self.begun.set()
            assert self.go.wait(20)
            return [[]]

    slow, answers = Slow(), []
    with live.listening(live.backend_app(slow, SECRET)) as port:
        auth = {"Authorization": live.basic(SECRET)}
        asking = threading.Thread(target=lambda: answers.append(ask(port, "POST", "/predict", {"tasks": [1]}, **auth)))
        asking.start()
        assert slow.begun.wait(20)
        assert ask(port, "GET", "/health")[0] == 200
        assert ask(port, "POST", "/setup", {}, **auth)[0] == 200
        slow.go.set()
        asking.join(20)
    assert answers == [(200, {"results": [[]]})]


# webhooks


def test_only_who_knows_the_secret_rings(live, monkeypatch):
    monkeypatch.setattr(live, "LARGEST_HOOK", 1_000)
    rung = threading.Semaphore(0)
    with live.listening(live.hook_app(SECRET, "/hooks/x", rung.release)) as port:
        for header in (None, "", "wrong", SECRET + "!", SECRET[:-1], SECRET.upper(), "\xff"):
            assert ask(port, "POST", "/hooks/x", {"action": "A"}, **{live.HOOK_HEADER: header})[0] == 401
        assert not rung.acquire(blocking=False)
        assert ask(port, "POST", "/hooks/x", {"action": "A"}, **{live.HOOK_HEADER: SECRET}) == (204, None)
        assert rung.acquire(timeout=20)
        assert ask(port, "POST", "/hooks/x", b"no JSON", **{live.HOOK_HEADER: SECRET})[0] == 204
        assert rung.acquire(timeout=20)
        assert ask(port, "POST", "/hooks/y", {}, **{live.HOOK_HEADER: SECRET})[0] == 404
        assert ask(port, "GET", "/hooks/x", **{live.HOOK_HEADER: SECRET})[0] == 405
        assert ask(port, "POST", "/hooks/x", b" " * 1_001, **{live.HOOK_HEADER: SECRET})[0] == 413
        assert not rung.acquire(blocking=False)


# listening


def test_it_listens_where_it_is_told_and_no_longer_than_that(live):
    app = live.backend_app(Said(), SECRET)
    with live.listening(app) as port:
        assert ask(port, "GET", "/health")[0] == 200
        with (
            pytest.raises(StudioError, match=rf"cannot listen on 127\.0\.0\.1, port {port}: "),
            live.listening(app, port=port),
        ):
            pass
    with pytest.raises(urllib.error.URLError):
        ask(port, "GET", "/health")
    with live.listening(app, port=port) as again:  # at once, on the same port
        assert again == port
        assert ask(port, "GET", "/health")[0] == 200


@pytest.mark.parametrize(("host", "port"), [("256.0.0.1", 0), ("127.0.0.1", 70_000), ("no.such.host.invalid", 0)])
def test_where_nobody_can_listen_is_said(live, host, port):
    with (
        pytest.raises(StudioError, match=f"cannot listen on {host}, port {port}: "),
        live.listening(live.backend_app(Said(), SECRET), host=host, port=port),
    ):
        pass


def test_what_is_under_way_ends_with_it(live):
    slow = Said()
    hold = threading.Event()
    slow.predict = lambda tasks, context: hold.wait(20) and [[]]
    results = []

    def asking(port):
        try:
            results.append(ask(port, "POST", "/predict", {"tasks": [1]}, Authorization=live.basic(SECRET)))
        except (OSError, urllib.error.URLError) as error:
            results.append(error)

    with live.listening(live.backend_app(slow, SECRET)) as port:
        thread = threading.Thread(target=asking, args=(port,))
        thread.start()
        hold.set()
    thread.join(20)
    assert not thread.is_alive()
    assert len(results) == 1
