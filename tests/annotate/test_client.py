from __future__ import annotations

import logging

import pytest
from fake_studio import TOKEN

from copydesk.annotate import StudioClient, connect
from copydesk.schemas import StudioError


@pytest.fixture(autouse=True)
def no_server_named(monkeypatch):
    for name in ("COPYDESK_STUDIO_URL", "COPYDESK_STUDIO_API_KEY", "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def client(fake_studio, naps):
    return StudioClient(fake_studio.url, TOKEN, timeout=5, sleep=naps.append)


def test_no_label_studio_answering(make_desk, monkeypatch):
    monkeypatch.setenv("COPYDESK_STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("COPYDESK_STUDIO_API_KEY", TOKEN)
    with pytest.raises(StudioError) as error:
        connect(make_desk())
    assert str(error.value).startswith("http://127.0.0.1:9: Label Studio does not answer (GET /health: ConnectError)")
    assert "copydesk studio start" in str(error.value)
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("http://me:hunter2@127.0.0.1:9", TOKEN, "the server's address holds a user name or password"),
        ("nonsense", TOKEN, "nonsense: this is no address of a server"),
        ("ftp://127.0.0.1", TOKEN, "ftp://127.0.0.1: this is no address of a server"),
        ("http://[::1", TOKEN, "http://[::1: this is no address of a server"),
        ("http://127.0.0.1:99999", TOKEN, "http://127.0.0.1:99999: this is no address of a server"),
        (f"http://{'a' * 70}.example", TOKEN, f"http://{'a' * 70}.example: this is no address of a server"),
        ("http://me:hunter2@[::1", TOKEN, "this is no address of a server"),
        ("http://127.0.0.1:9", "tök€n" * 8, "http://127.0.0.1:9: the token for this server holds characters"),
    ],
)
def test_an_address_or_token_that_cannot_be(make_desk, monkeypatch, url, token, said):
    monkeypatch.setenv("COPYDESK_STUDIO_URL", url)
    monkeypatch.setenv("COPYDESK_STUDIO_API_KEY", token)
    with pytest.raises(StudioError) as error:
        connect(make_desk())
    assert str(error.value).startswith(said)
    assert "hunter2" not in str(error.value)
    assert token not in str(error.value)


def test_a_short_token_is_not_shown_at_all(make_desk, fake_studio, monkeypatch):
    monkeypatch.setenv("COPYDESK_STUDIO_API_KEY", "wrong")
    with pytest.raises(StudioError) as error:
        connect(make_desk())
    assert "does not accept the token *** (HTTP 401)" in str(error.value)


def test_a_wrong_token(make_desk, fake_studio, monkeypatch):
    wrong = "deadbeef" * 5
    monkeypatch.setenv("COPYDESK_STUDIO_API_KEY", wrong)
    with pytest.raises(StudioError) as error:
        connect(make_desk())
    assert f"{fake_studio.url}: Label Studio does not accept the token ***beef (HTTP 401)" in str(error.value)
    assert "set COPYDESK_STUDIO_API_KEY" in str(error.value)
    assert wrong not in str(error.value)


def test_something_else_answers(make_desk, fake_studio):
    fake_studio.answer = lambda *request: (200, {"hello": "world"})
    with pytest.raises(StudioError, match="expected Label Studio, but /health said"):
        connect(make_desk())


def test_an_answer_that_is_no_json(make_desk, fake_studio):
    fake_studio.answer = lambda *request: (200, b"<html>login</html>")
    with pytest.raises(StudioError, match="expected Label Studio, but /health answered no JSON"):
        connect(make_desk())


def test_no_server_at_all(make_desk):
    with pytest.raises(StudioError, match=r"the desk's own Label Studio is not running \(never started\)"):
        connect(make_desk())


def test_a_server_without_a_token(make_desk, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    with pytest.raises(StudioError, match="a Label Studio server is named, but no token for it"):
        connect(make_desk())


def test_an_untested_version_is_said_once(make_desk, fake_studio, caplog):
    client = connect(make_desk())
    assert (client.version, client.user) == ("1.23.2", "editor@copydesk.local")
    assert caplog.records == []
    fake_studio.routes = (("GET", "/api/version/", lambda *_: (200, {"release": "2.0.0"})), *fake_studio.routes)
    with caplog.at_level(logging.WARNING):
        connect(make_desk(name="other"))
    assert "Label Studio 2.0.0" in caplog.text
    assert "copydesk was tested with 1.23.2" in caplog.text


def test_the_shipped_lock_installs_a_tested_version(module):
    assert module("install").studio_version() in module("client").TESTED_VERSIONS


@pytest.mark.parametrize("how", [429, 500, 502, 503, "drop", "cut"])
def test_a_read_is_asked_again(client, fake_studio, naps, how):
    fake_studio.fail("GET", "/api/version/", how, times=3, after=how == "cut")
    assert client.get("/api/version/") == {"release": "1.23.2"}
    assert fake_studio.count("GET", "/api/version/") == 4
    assert naps == [1.0, 2.0, 4.0]


def test_a_read_waits_as_long_as_the_server_asks(client, fake_studio, naps):
    fake_studio.fail("GET", "/api/version/", 429, headers={"Retry-After": "7"})
    client.get("/api/version/")
    assert naps == [7.0]


@pytest.mark.parametrize("asked", ["-1", "nan", "inf", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_wait_that_makes_no_sense_is_not_taken(client, fake_studio, naps, asked):
    fake_studio.fail("GET", "/api/version/", 429, headers={"Retry-After": asked})
    client.get("/api/version/")
    assert naps == [1.0]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_is_followed_to_another_server(client, fake_studio, method, status):
    where = {"Location": "https://labels.example.org/api/projects/?token=abc"}
    fake_studio.fail(method, "/api/projects/", status, headers=where, times=9)
    before = len(fake_studio.calls)
    with pytest.raises(StudioError, match=r"sends us on to https://labels.example.org \(") as raised:
        client.send(method, "/api/projects/", {"title": "x"} if method == "POST" else None)
    assert len(fake_studio.calls) == before + 1
    assert "COPYDESK_STUDIO_URL" in str(raised.value)
    assert "abc" not in str(raised.value)


def test_what_an_account_may_not_do_is_not_blamed_on_its_token(client, fake_studio):
    fake_studio.fail("POST", "/api/projects/", 403)
    with pytest.raises(StudioError, match=r"refused POST /api/projects/ \(HTTP 403\)") as raised:
        client.send("POST", "/api/projects/", {"title": "x"})
    assert "may not do this there" in str(raised.value)


def test_a_read_gives_up(client, fake_studio):
    fake_studio.fail("GET", "/api/version/", 500, times=9)
    with pytest.raises(StudioError, match=r"refused GET /api/version/ \(HTTP 500\)"):
        client.get("/api/version/")
    assert fake_studio.count("GET", "/api/version/") == 4


@pytest.mark.parametrize("how", [404, 400])
def test_a_clear_no_is_not_asked_again(client, fake_studio, how):
    fake_studio.fail("GET", "/api/version/", how)
    with pytest.raises(StudioError):
        client.get("/api/version/")
    assert fake_studio.count("GET", "/api/version/") == 1


@pytest.mark.parametrize("how", [409, 429, 500, 502, "drop", "cut"])
def test_a_change_is_sent_once(client, fake_studio, naps, how):
    fake_studio.fail("POST", "/api/projects/", how, times=9, after=True)
    with pytest.raises(StudioError):
        client.send("POST", "/api/projects/", {"title": "once"})
    assert fake_studio.count("POST", "/api/projects/") == 1
    assert naps == []


def test_a_timeout_says_that_nobody_knows(fake_studio, module):
    client = StudioClient(fake_studio.url, TOKEN, timeout=0.2)
    fake_studio.fail("POST", "/api/projects/", "hang", after=True)
    with pytest.raises(module("client").NoAnswerError, match="did not answer in time"):
        client.send("POST", "/api/projects/", {"title": "once"})
    assert len(fake_studio.projects) == 1


def test_the_token_shows_nowhere(client, fake_studio, module):
    fake_studio.answer = lambda *request: (418, {"detail": f"bad {TOKEN}"})
    with pytest.raises(StudioError) as error:
        client.send("POST", "/api/projects/", {})
    assert TOKEN not in str(error.value)
    assert TOKEN not in repr(client)
    assert TOKEN not in repr(module("access").Access("http://x", TOKEN, "here"))


def test_a_list_that_ends_early_is_no_list(client, fake_studio):
    fake_studio.routes = (("GET", "/api/tasks", lambda *_: (200, {"total": 5, "tasks": []})), *fake_studio.routes)
    with pytest.raises(StudioError, match="the task list of project 1 ended at 0 of 5"):
        list(client.pages(1, ("id",)))


def test_an_access_token_that_a_clock_set_back_keeps_for_good_is_exchanged_again(fake_studio, naps):
    """A personal token stands behind short-lived ones; by our clock they have not run out when by the server's they have."""
    import base64
    import json

    def part(**claims):
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    def jwt(**claims):
        return f"{part(alg='HS256', typ='JWT')}.{part(exp=4_000_000_000, **claims)}.{part(signature=1)}"

    issued = []
    answer = fake_studio.answer

    def guarded(method, path, query, body, token):
        if path == "/api/token/refresh/":
            issued.append(jwt(token_type="access", number=len(issued)))
            return 200, {"access": issued[-1]}
        if path != "/health" and token != f"Bearer {issued[-1]}":
            return 401, {"detail": "Token is invalid or expired"}
        return answer(method, path, query, body, f"Token {TOKEN}")

    fake_studio.answer = guarded
    client = StudioClient(fake_studio.url, jwt(token_type="refresh"), sleep=naps.append)
    client.check()
    issued.append("the server has forgotten the first one")
    assert client.send("POST", "/api/projects/", {"title": "once"})["title"] == "once"
    assert len(issued) == 3
    assert len(fake_studio.projects) == 1


def test_tasks_are_read_behind_the_last_id(client, fake_studio):
    for number in range(1, 8):
        fake_studio.tasks[number] = {"id": number, "project": 1, "data": {}}
    assert [task["id"] for task in client.pages(1, ("id",), size=3)] == [1, 2, 3, 4, 5, 6, 7]
    assert [task["id"] for task in client.pages(1, ("id",), after=5)] == [6, 7]
    assert client.task_count(1) == 7


def test_a_server_that_does_not_know_the_filter_is_noticed(client, fake_studio):
    tasks = [{"id": number} for number in range(1, 4)]
    fake_studio.routes = (("GET", "/api/tasks", lambda *_: (200, {"total": 5, "tasks": tasks})), *fake_studio.routes)
    with pytest.raises(StudioError, match="the task list of project 1 is not in the order of its ids"):
        list(client.pages(1, ("id",), size=3))
