"""Following a server: when it is pulled, what stands on it meanwhile, and what passes."""

import contextlib
import json
import urllib.error
import urllib.request

import pytest

from copydesk.annotate import Bell, connect, ledger, push, watch
from copydesk.schemas import BusyError, StudioError


class Script:
    """A bell that never waits: each call does the next thing in a list and says whether it rang."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.waited = []
        self.now = 0.0

    def clock(self):
        return self.now

    def ring(self):
        raise AssertionError("nobody rings here")

    def wait(self, seconds):
        self.waited.append(seconds)
        if not self.steps:
            raise KeyboardInterrupt
        return bool(self.steps.pop(0)())


def told(events):
    """Everything that is yielded until Ctrl-C."""
    found = []
    with contextlib.suppress(KeyboardInterrupt):
        found.extend(events)  # keeps what came before an exception
    events.close()
    return found


def kinds(events):
    return [event.kind for event in told(events)]


def nothing():
    return False


def rings():
    return True


@pytest.fixture
def desk(make_desk, fake_studio):
    desk = make_desk()
    push(desk)
    return desk


@pytest.fixture
def says(fake_studio):
    """Somebody annotates a task; the bell is silent."""

    def annotate():
        fake_studio.annotate(min(fake_studio.tasks), [], email="ana@example.org")
        return False

    return annotate


def test_it_pulls_at_once_and_whenever_the_bell_rings(desk, fake_studio, says):
    says()
    events = told(watch(desk, bell=Script(rings, nothing, rings)))
    assert [event.kind for event in events] == ["webhooks", "pulled", "pulled", "pulled"]
    assert [event.pulled.added for event in events[1:]] == [1, 0, 0]
    assert len(list(ledger(desk))) == 1


def test_its_webhooks_say_little_to_who_knows_and_go_with_it(desk, fake_studio):
    seen = []
    told(watch(desk, bell=Script(lambda: seen.extend(fake_studio.hooks.values()))))
    (hook,) = seen
    assert hook["url"].startswith("http://127.0.0.1:")
    assert (hook["send_payload"], hook["send_for_all_actions"]) == (False, False)
    assert "ANNOTATION_UPDATED" in hook["actions"]
    (secret,) = hook["headers"].values()
    assert len(secret) >= 32
    assert fake_studio.hooks == {}
    beside = [path.read_text(encoding="utf-8") for path in (desk.path / ".live").iterdir()]
    assert not any(secret in text for text in beside)
    assert (desk.path / ".live").stat().st_mode & 0o077 == 0


def call(hook, **headers):
    request = urllib.request.Request(hook["url"], b'{"action": "ANNOTATION_CREATED"}', headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_webhook_rings_only_with_the_secret(desk, fake_studio, says):
    bell = Bell(quiet=0.0)
    with contextlib.closing(watch(desk, bell=bell)) as events:
        assert [next(events).kind, next(events).kind] == ["webhooks", "pulled"]
        (hook,) = fake_studio.hooks.values()
        assert call(hook) == call(hook, **dict.fromkeys(hook["headers"], "guess")) == 401
        assert not bell.wait(0.0)
        says()
        assert call(hook, **hook["headers"]) == 204
        event = next(events)
        assert (event.kind, event.pulled.added) == ("pulled", 1)


def test_without_webhooks_it_asks_and_pulls_only_what_changed(desk, fake_studio, says):
    bell = Script(nothing, says, nothing, nothing)
    events = told(watch(desk, bell=bell, webhooks=False, every=7))
    assert [event.kind for event in events] == ["polling", "pulled", "pulled"]
    assert events[-1].pulled.added == 1
    assert bell.waited == [7] * 5
    assert fake_studio.count("POST", "webhooks") == 0
    assert fake_studio.count("POST", "exports") == 2


def test_a_server_that_takes_no_webhooks_is_asked(desk, fake_studio, says):
    fake_studio.fail("POST", "/api/webhooks/", 400, times=99)
    events = told(watch(desk, bell=Script(says, nothing)))
    assert [event.kind for event in events] == ["polling", "pulled", "pulled"]
    assert "no webhooks" in events[0].said


def test_a_server_on_another_machine_needs_an_address(desk, fake_studio, monkeypatch, module):
    monkeypatch.setattr(module("watch"), "own_address", lambda *_: "")
    assert "--address" in told(watch(desk, bell=Script()))[0].said
    events = told(watch(desk, bell=Script(), address="http://desk.example.org:99/"))
    assert events[0].kind == "webhooks"
    assert "http://desk.example.org:99" in events[0].said


def test_it_asks_seldom_once_webhooks_come_through_and_often_when_one_got_lost(desk, fake_studio, says):
    def hook():
        (known,) = fake_studio.hooks.values()
        assert call(known, **known["headers"]) == 204
        return True

    class Quiet(Script):
        def ring(self):
            pass

    bell = Quiet(nothing, hook, says, nothing)
    told(watch(desk, bell=bell, every=2))
    assert bell.waited == [2, 2, 20, 2, 2]


def test_a_pull_is_due_now_and_then_whatever_the_server_says(desk, fake_studio):
    bell = Script()

    def an_hour():
        bell.now += 3_601

    bell.steps = [nothing, an_hour, nothing]
    assert kinds(watch(desk, bell=bell)) == ["webhooks", "pulled", "pulled"]


def test_a_server_that_comes_back_is_waited_for_and_told_once(desk, fake_studio, says):
    def down():
        says()
        fake_studio.fail("GET", "/health|/api/", 503, times=10**6)

    def up():
        fake_studio.faults.clear()

    bell = Script(down, nothing, nothing, up, nothing)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        events = told(watch(desk, bell=bell))
    assert [event.kind for event in events] == ["webhooks", "pulled", "waiting", "pulled", "back"]
    assert events[3].pulled.added == 1
    assert bell.waited[1:4] == [2, 4, 8]
    assert fake_studio.hooks == {}


def test_a_token_that_is_refused_later_ends_it(desk, fake_studio):
    def refuse():
        fake_studio.fail("GET", "/api/", 401, times=10**6)

    with pytest.raises(StudioError, match="does not accept the token"):
        list(watch(desk, bell=Script(refuse)))


def test_no_server_and_no_project_are_errors(make_desk, fake_studio, monkeypatch):
    desk = make_desk()
    with pytest.raises(StudioError, match="no project on the server yet"):
        next(watch(desk))
    monkeypatch.setenv("COPYDESK_STUDIO_URL", "http://127.0.0.1:9")
    with pytest.raises(StudioError, match="does not answer"):
        next(watch(desk))


def test_another_copydesk_is_waited_for(desk, fake_studio, says):
    with contextlib.ExitStack() as held:
        held.enter_context(desk.locked())
        events = told(watch(desk, bell=Script(nothing, held.close)))
    assert [event.kind for event in events] == ["webhooks", "busy", "pulled"]


def test_one_watch_a_desk(desk, fake_studio):
    with contextlib.closing(watch(desk, bell=Script())) as first:
        next(first)
        with pytest.raises(BusyError, match="another copydesk watch"):
            next(watch(desk))
    assert kinds(watch(desk, bell=Script())) == ["webhooks", "pulled"]


def test_what_a_killed_watch_left_is_taken_away_and_nothing_else(desk, fake_studio):
    client = connect(desk)
    project = next(iter(fake_studio.projects))
    for url in ("http://127.0.0.1:1/hooks/killed", "http://theirs.example.org/hooks/x"):
        client.send("POST", "/api/webhooks/", {"url": url, "project": project, "headers": {}})
    live = desk.path / ".live"
    live.mkdir()
    (live / "watch.json").write_text(json.dumps([[client.name, project, "http://127.0.0.1:1/hooks/killed"]]))
    told(watch(desk, bell=Script()))
    assert [hook["url"] for hook in fake_studio.hooks.values()] == ["http://theirs.example.org/hooks/x"]
    assert json.loads((live / "watch.json").read_text()) == []


def test_a_webhook_that_somebody_took_away_is_put_back(desk, fake_studio):
    counts = []

    def take():
        fake_studio.hooks.clear()

    told(watch(desk, bell=Script(take, lambda: counts.append(len(fake_studio.hooks)))))
    assert counts == [1]


def test_a_server_that_is_gone_at_the_end_keeps_the_note(desk, fake_studio):
    def gone():
        fake_studio.fail("DELETE", "/api/", 503, times=99)

    told(watch(desk, bell=Script(gone)))
    assert len(fake_studio.hooks) == 1
    fake_studio.faults.clear()
    told(watch(desk, bell=Script()))
    assert fake_studio.hooks == {}


# the bell


def test_many_rings_are_one_and_a_ring_during_the_work_counts():
    bell = Bell(quiet=0.0)
    assert not bell.wait(0.0)
    for _ in range(3):
        bell.ring()
    assert bell.wait(0.0)
    assert not bell.wait(0.0)
    assert (bell.ring(), bell.wait(60.0)) == (None, True)


def test_who_saves_all_the_time_is_pulled_all_the_same(monkeypatch):
    times = iter(range(100))
    bell = Bell(quiet=60.0, longest=5.0, clock=lambda: next(times))
    monkeypatch.setattr(bell, "_rung", Always())
    assert bell.wait(60.0)
    assert next(times) < 10


class Always:
    def wait(self, seconds):
        return True

    def clear(self):
        pass


# the real thing


@pytest.mark.studio
def test_a_real_server_tells_and_is_asked(studio_desk):
    desk = studio_desk()
    project = push(desk).project_id
    client = connect(desk)
    task = next(client.pages(project, ("id",)))["id"]
    with contextlib.closing(watch(desk, bell=Bell(quiet=0.05), every=600)) as events:
        assert [next(events).kind, next(events).kind] == ["webhooks", "pulled"]
        said = client.send("POST", f"/api/tasks/{task}/annotations/", {"result": [], "lead_time": 3})
        assert next(events).pulled.added == 1
        client.send("PATCH", f"/api/annotations/{said['id']}/", {"result": [], "lead_time": 4})
        assert next(events).pulled.added == 1
        client.send("DELETE", f"/api/annotations/{said['id']}/")
        assert next(events).pulled.gone == 1
    assert client.get("/api/webhooks/", project=project) == []

    def work():
        said = client.send("POST", f"/api/tasks/{task}/annotations/", {"result": [], "lead_time": 3})
        bell.steps += [lambda: client.send("PATCH", f"/api/annotations/{said['id']}/", {"lead_time": 5}) and False]
        return False

    bell = Script(nothing, work, nothing)
    events = told(watch(desk, bell=bell, webhooks=False))
    assert [event.pulled.added for event in events if event.pulled] == [0, 1, 1]
