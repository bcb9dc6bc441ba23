"""A live backend's place in a desk's projects: put there, kept there, taken back; and a real server that asks it."""

import contextlib
import json

import pytest

from copydesk.annotate import connect, own_account, push, serve, start_studio
from copydesk.corpus import documents
from copydesk.schemas import BusyError, StudioError


class Script:
    """A bell that never waits: each call does the next thing in a list."""

    def __init__(self, *steps):
        self.steps = list(steps)

    def wait(self, seconds):
        if not self.steps:
            raise KeyboardInterrupt
        return bool(self.steps.pop(0)())


def told(events):
    found = []
    with contextlib.suppress(KeyboardInterrupt):
        found.extend(events)
    events.close()
    return found


@pytest.fixture
def desk(make_desk, fake_studio):
    desk = make_desk()
    push(desk)
    return desk


def test_it_stands_in_the_project_and_goes(desk, fake_studio):
    (project,) = fake_studio.projects.values()
    seen = []

    def look():
        seen.extend(fake_studio.backends.values())
        seen.extend(fake_studio.hooks.values())

    (event,) = told(serve(desk, port=0, bell=Script(look)))
    assert event.kind == "serving"
    backend, hook = seen
    assert backend["url"].startswith("http://127.0.0.1:")
    assert backend["url"] in event.said
    assert (backend["is_interactive"], backend["auth_method"]) == (True, "BASIC_AUTH")
    # a project that shows the version of a backend's name shows nothing once nobody answers there
    assert backend["title"] != project["model_version"]
    assert len(backend["basic_auth_pass"]) >= 32
    # else the server makes one itself, which sends all that everybody writes
    assert (hook["url"], hook["actions"], hook["send_payload"]) == (f"{backend['url']}/webhook", [], False)
    assert backend["basic_auth_pass"] not in json.dumps(hook)
    assert (fake_studio.backends, fake_studio.hooks) == ({}, {})
    assert project["model_version"] == "list@1"
    assert backend["basic_auth_pass"] not in (desk.path / ".live" / "serve.json").read_text()


def test_a_new_pipeline_is_told_and_keeps_the_place(desk, fake_studio, suggest_anew):
    places = []

    def look():
        places.append(sorted(fake_studio.backends))

    events = told(serve(desk, port=0, bell=Script(look, lambda: suggest_anew(desk, "2"), look)))
    assert [event.kind for event in events] == ["serving", "serving"]
    assert places[0] == places[1]
    assert "list@2" in events[1].said


@pytest.mark.parametrize("stored", [True, False])
def test_a_project_that_showed_no_version_shows_what_was_stored_meanwhile(desk, fake_studio, stored):
    """The server lets such a project show the backend, and takes that away together with it."""
    (project,) = fake_studio.projects.values()
    project["model_version"] = ""
    if not stored:
        fake_studio.predictions.clear()

    def look():
        (backend,) = fake_studio.backends.values()
        project["model_version"] = backend["title"]

    told(serve(desk, port=0, bell=Script(look)))
    assert project["model_version"] == ("list@1" if stored else "")


def test_a_place_that_somebody_took_away_is_taken_again(desk, fake_studio):
    counts = []
    told(serve(desk, port=0, bell=Script(fake_studio.backends.clear, lambda: counts.append(len(fake_studio.backends)))))
    assert counts == [1]


def test_what_a_killed_one_left_goes_and_a_strangers_stays(desk, fake_studio):
    client = connect(desk)
    (project,) = fake_studio.projects
    for url in ("http://127.0.0.1:1", "http://theirs.example.org"):
        client.send("POST", "/api/ml/", {"url": url, "project": project, "title": "list@1"})
    live = desk.path / ".live"
    live.mkdir()
    (live / "serve.json").write_text(json.dumps([[client.name, project, "http://127.0.0.1:1"]]))
    told(serve(desk, port=0, bell=Script()))
    assert [backend["url"] for backend in fake_studio.backends.values()] == ["http://theirs.example.org"]


def test_what_it_cannot_do_is_said(desk, make_desk, fake_studio, monkeypatch, module):
    with contextlib.closing(serve(desk, port=0, bell=Script())) as first:
        next(first)
        with pytest.raises(BusyError, match="another copydesk serve"):
            next(serve(desk, port=0))
    fake_studio.fail("POST", "/api/ml/", 400)
    with pytest.raises(StudioError, match="the server will not ask us"):
        next(serve(desk, port=0))
    assert fake_studio.hooks == {}
    monkeypatch.setattr(module("serve"), "own_address", lambda *_: "")
    with pytest.raises(StudioError, match="another machine"):
        next(serve(desk, port=0))
    fake_studio.projects.clear()
    with pytest.raises(StudioError, match="no project on the server yet"):
        next(serve(make_desk(name="new"), port=0, address="http://desk.example.org"))


def test_a_server_that_went_away_is_waited_for(desk, fake_studio):
    def down():
        fake_studio.fail("GET", "/health|/api/", 503, times=10**6)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        events = told(serve(desk, port=0, bell=Script(down, lambda: None, fake_studio.faults.clear, lambda: None)))
    assert [event.kind for event in events] == ["serving", "waiting", "back"]


@pytest.mark.studio
def test_a_real_server_asks_and_shows_what_it_hears(studio_desk, studio_home):
    desk = studio_desk()
    project = push(desk).project_id
    client = connect(desk)
    tasks = list(client.pages(project, ("id", "predictions", "data"), full=True))
    first, third = tasks[0]["id"], tasks[2]["id"]
    before = tasks[0]["predictions"][0]
    for task in tasks[:2]:
        client.send("DELETE", f"/api/predictions/{task['predictions'][0]['id']}/")
    with contextlib.closing(serve(desk, port=0)) as events:
        assert next(events).kind == "serving"
        (backend,) = client.get("/api/ml/", project=project)
        assert backend["readable_state"] == "Connected"
        # opened by itself
        (shown,) = client.get(f"/api/tasks/{first}/")["predictions"]
        assert (shown["result"], shown["score"], shown["model_version"]) == (
            before["result"], before["score"], "list@1",
        )  # fmt: skip
        (again,) = client.get(f"/api/tasks/{first}/")["predictions"]
        assert again["id"] == shown["id"]
        # handed out in the label stream: what is stored, whether or not somebody answers
        offered = client.get(f"/api/projects/{project}/next")
        assert [p["model_version"] for p in offered["predictions"]] == ["list@1"]
        # marked by hand: every other place with the same words
        document = next(d for d in documents(desk) if d.id == tasks[2]["data"]["document_id"])
        start = document.text.index("army")
        value = {"start": start, "end": start + 4, "text": "army", "labels": ["ARMED_ACTOR"]}
        row = {"id": "mine", "from_name": "entities", "to_name": "text", "type": "labels", "value": value}
        asked = {"task": third, "context": {"result": [row]}}
        (offer,) = client.send("POST", f"/api/ml/{backend['id']}/interactive-annotating", asked)["data"]["result"]
        found = document.text.index("army", start + 1)
        assert (offer["value"]["start"], offer["value"]["end"], offer["value"]["text"]) == (found, found + 4, "army")
        assert len(client.get("/api/webhooks/", project=project)) == 1
    assert client.get("/api/ml/", project=project) == client.get("/api/webhooks/", project=project) == []
    assert client.get(f"/api/projects/{project}/")["model_version"] == "list@1"
    log = start_studio(studio_home).log.read_text(encoding="utf-8", errors="replace")
    assert own_account(studio_home).token not in log


@pytest.mark.studio
def test_when_it_is_killed_people_still_get_what_is_stored(studio_desk, module, monkeypatch):
    desk = studio_desk()
    project = push(desk).project_id
    client = connect(desk)
    monkeypatch.setattr(module("serve")._Stand, "take_back", lambda self: None)  # as a kill -9 would leave it
    with contextlib.closing(serve(desk, port=0)) as events:
        next(events)
    (left,) = client.get("/api/ml/", project=project)
    assert left["readable_state"] == "Disconnected"
    for _ in range(4):
        offered = client.get(f"/api/projects/{project}/next")
        assert [p["model_version"] for p in offered["predictions"]] == ["list@1"]
        client.send("POST", f"/api/tasks/{offered['id']}/annotations/", {"result": [], "was_cancelled": True})
    monkeypatch.undo()
    with contextlib.closing(serve(desk, port=0)) as events:
        next(events)
        assert [backend["id"] for backend in client.get("/api/ml/", project=project)] != [left["id"]]
    assert client.get("/api/ml/", project=project) == client.get("/api/webhooks/", project=project) == []


@pytest.mark.studio
def test_a_project_without_stored_suggestions_gets_them_in_the_label_stream(studio_desk):
    desk = studio_desk()
    (desk.path / "state.json").rename(desk.path / "later.json")  # pushed before anything was suggested
    project = push(desk).project_id
    (desk.path / "later.json").rename(desk.path / "state.json")
    client = connect(desk)
    assert client.get(f"/api/projects/{project}/next")["predictions"] == []
    with contextlib.closing(serve(desk, port=0)) as events:
        next(events)
        assert [p["model_version"] for p in client.get(f"/api/projects/{project}/next")["predictions"]] == ["list@1"]
    assert client.get(f"/api/projects/{project}/")["model_version"] == "list@1"


@pytest.mark.studio
def test_the_desks_own_server_calls_nowhere_else_within(studio_desk):
    desk = studio_desk()
    project = push(desk).project_id
    client = connect(desk)
    for url in ("http://10.0.0.1/x", "http://192.168.1.1/x", "http://169.254.169.254/latest", "http://[::1]:9/x"):
        with pytest.raises(StudioError):
            client.send("POST", "/api/webhooks/", {"url": url, "project": project})
    assert client.get("/api/webhooks/", project=project) == []
