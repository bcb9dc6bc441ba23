"""What can go wrong while a push is at work: after each, nothing is lost, nothing doubled, the next run completes."""

from __future__ import annotations

import errno
import functools
import random
import subprocess
import sys
import threading
import time

import pytest
from killable import run_until_killed

from copydesk.annotate import push
from copydesk.schemas import CopydeskError, StudioError

MANY = [f"Article {number}\n\nThe army and the rebels met in Qasr on Monday." for number in range(12)]
KILLS = 50


@pytest.fixture
def push_now(naps, monkeypatch, module):
    """Push in small batches without waiting."""
    monkeypatch.setattr(module("push"), "BATCH", 5)
    return functools.partial(push, sleep=naps.append)


def assert_whole(fake, many=12, version="list@1"):
    """Each task is there once, with the one prediction that it should have, in one project."""
    assert len(fake.projects) == 1
    assert len(set(fake.keys())) == len(fake.keys()) == many
    shown = [[p for p in fake.predictions.values() if p["task"] == task] for task in fake.tasks]
    assert [len(some) for some in shown] == [1] * many
    assert {p["model_version"] for some in shown for p in some} == {version}


def forget(fake):
    for kept in (fake.projects, fake.tasks, fake.predictions, fake.annotations):
        kept.clear()


@pytest.mark.slow
def test_killed_at_fifty_moments(fake_studio, make_desk, push_now):
    """A push of a first time and one with new suggestions, ended by SIGKILL anywhere, in turn."""
    draw = random.Random(4)
    calls = run_until_killed(make_desk(MANY, name="whole").path, "push", "push", settings={"BATCH": 5})
    assert_whole(fake_studio)
    killed = 0
    for number in range(KILLS):
        forget(fake_studio)
        desk = make_desk(MANY, name=f"desk-{number}")
        moment = draw.randrange(calls)
        killed += run_until_killed(desk.path, "push", "push", moment=moment, settings={"BATCH": 5}) is None
        left = len(fake_studio.tasks)
        result = push_now(desk)
        assert_whole(fake_studio)
        assert result.created == len(MANY) - left
    assert killed > KILLS * 0.9  # the process that measured how long it is and those that die differ by a little


@pytest.mark.slow
def test_killed_while_suggestions_are_renewed(fake_studio, make_desk, push_now, suggest_anew):
    draw = random.Random(5)
    desk = make_desk(MANY)
    push_now(desk)
    suggest_anew(desk, "2")
    before = {number: dict(p) for number, p in fake_studio.predictions.items()}
    calls = run_until_killed(desk.path, "push", "push", settings={"BATCH": 5})
    assert_whole(fake_studio, version="list@2")
    for _ in range(10):
        fake_studio.predictions = {number: dict(p) for number, p in before.items()}
        run_until_killed(desk.path, "push", "push", moment=draw.randrange(calls), settings={"BATCH": 5})
        assert {p["task"] for p in fake_studio.predictions.values()} == set(fake_studio.tasks)  # never none
        push_now(desk)
        assert_whole(fake_studio, version="list@2")


def test_what_a_dead_run_sent_arrives_while_the_next_is_at_work(fake_studio, make_desk, push_now, module):
    """Killed with a request under way, which the server stores only when the next run has sent the same."""
    desk = make_desk(MANY)
    fake_studio.fail("POST", "/import$", 502, times=99)
    with pytest.raises(StudioError):
        push_now(desk)
    fake_studio.faults.clear()
    late = []
    store = fake_studio.answer

    def meddling(method, path, query, body, token):
        answer = store(method, path, query, body, token)
        if path.endswith("/import") and not late:
            late.append(store(method, path, query, body, token))  # the dead run's request
        return answer

    fake_studio.answer = meddling
    result = push_now(desk)
    assert (result.created, result.doubles_removed) == (12, 5)
    assert_whole(fake_studio)


@pytest.mark.parametrize("how", [413, 500, "hang"], ids=["413", "500", "no answer"])
def test_batches_take_what_the_server_takes_and_grow_again(fake_studio, make_desk, naps, module, monkeypatch, how):
    """A server that cannot bear more than three tasks at once, for a while."""
    monkeypatch.setattr(module("push"), "BATCH", 16)
    monkeypatch.setattr(module("client").StudioClient, "_timeout", 1.0, raising=False)
    articles = [f"Article {number}\n\nThe army met rebels." for number in range(120)]
    sizes = []
    store = fake_studio.import_tasks

    def small(fake, query, body, project):
        sizes.append(len(body))
        if len(body) > 3 and len(sizes) < 12:
            if how == "hang":
                raise ConnectionError
            return how, {"detail": "too much"}
        return store(query, body, project)

    fake_studio.routes = (("POST", r"/api/projects/(\d+)/import", small), *fake_studio.routes)
    result = push(make_desk(articles), sleep=naps.append)
    assert (result.created, result.failed) == (120, ())
    assert_whole(fake_studio, 120)
    assert sizes[0] == 16
    assert min(sizes) <= 3
    assert max(sizes[12:]) == 16  # it grew again
    assert len(sizes) < 40


def test_a_server_that_breaks_over_everything_is_left_alone(fake_studio, make_desk, push_now):
    fake_studio.fail("POST", "/import$", 500, times=999)
    with pytest.raises(StudioError, match="tasks of this batch are not on the server"):
        push_now(make_desk(MANY))
    assert fake_studio.count("POST", "/import$") < 10


def test_one_task_that_breaks_the_server_stops_no_other(fake_studio, make_desk, push_now):
    store = fake_studio.import_tasks

    def breaks(fake, query, body, project):
        if any(task["data"]["text"].startswith("Article 7\n") for task in body):
            return 500, {"detail": "boom"}
        return store(query, body, project)

    fake_studio.routes = (("POST", r"/api/projects/(\d+)/import", breaks), *fake_studio.routes)
    result = push_now(make_desk(MANY))
    assert result.created == 11
    assert [r.reason for r in result.failed] == ["refused by the server"]


@pytest.mark.parametrize("path", ["/import$", "/api/tasks$", "/import/predictions$", "/api/predictions/", "/api/proj"])
@pytest.mark.parametrize("how", [429, 503, "drop", "cut"])
def test_each_kind_of_request_may_fail(fake_studio, make_desk, push_now, suggest_anew, path, how):
    """A second push, with new suggestions and new articles, meets a fault on every kind of path, and is run again."""
    desk = make_desk(MANY[:8])
    push_now(desk)
    desk = make_desk_of(desk, make_desk, MANY, suggest_anew)
    for method in ("GET", "POST", "PATCH", "DELETE"):
        fake_studio.fail(method, path, how, after=True)
    for _ in range(4):
        try:
            push_now(desk)
            break
        except CopydeskError:
            continue
    fake_studio.faults.clear()
    push_now(desk)
    assert_whole(fake_studio, version="list@2")


def make_desk_of(desk, make_desk, articles, suggest_anew):
    """Give a desk more articles, and another model's suggestions."""
    from copydesk.corpus import documents
    from copydesk.schemas import Document

    more = make_desk(articles, name="more")
    desk.write(Document, "articles", "0000", list(documents(more)))
    suggest_anew(desk, "2")
    return desk


@pytest.mark.parametrize("nth", range(1, 9))
def test_a_full_disk(fake_studio, make_desk, push_now, disk_full_from, nth):
    """The n-th thing that push puts on the disk does not fit."""
    desk = make_desk(MANY)
    fake_studio.refuse_text = "Article 7\n"  # so that there is something to record
    with disk_full_from(nth):
        push_now(desk)
    fake_studio.refuse_text = ""
    push_now(desk)
    assert_whole(fake_studio)
    assert not list(desk.path.rglob("*.tmp"))


def test_a_disk_that_takes_no_byte_more(fake_studio, make_desk, push_now):
    """The same by the kernel: a process whose files must not grow, as a limit on file sizes sees to."""
    desk = make_desk(MANY)
    program = (
        "import pathlib, resource, signal, sys\n"
        "from copydesk.annotate import push\n"
        "from copydesk.corpus import Desk\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "try:\n    push(Desk(pathlib.Path(sys.argv[1])))\n"
        "except OSError as error:\n    sys.exit(error.errno)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(desk.path)], check=False).returncode == errno.EFBIG
    push_now(desk)
    assert_whole(fake_studio)


def test_two_pushes_of_one_desk(fake_studio, make_desk, push_now):
    desk = make_desk(MANY)
    store, refused = fake_studio.answer, []

    def meddling(method, path, *rest):
        if path.endswith("/import") and not refused:
            with pytest.raises(CopydeskError) as error:
                push_now(desk)
            refused.append(str(error.value))
        return store(method, path, *rest)

    fake_studio.answer = meddling
    assert push_now(desk).created == 12
    assert "another copydesk is at work on this desk" in refused[0]
    assert_whole(fake_studio)


def test_two_pushes_of_copies_of_a_desk(fake_studio, make_desk, push_now):
    """Two machines: both have looked before either sends, so both send all; the one that ends last sees to it."""
    first, second = make_desk(MANY), make_desk(MANY, name="copy")
    (second.path / "copydesk.toml").write_bytes((first.path / "copydesk.toml").read_bytes())
    second = type(second)(second.path)
    push_now(make_desk(MANY[:0], name="empty"))  # the SDK is loaded
    fake_studio.projects.clear()
    from copydesk.annotate import make_project

    make_project(first)
    meeting = threading.Barrier(2, timeout=60)
    store, met = fake_studio.handle, set()

    def meet(http):
        if http.command == "POST" and http.path.split("?")[0].endswith("/import") and http.client_address not in met:
            met.add(http.client_address)
            if len(met) <= 2:
                meeting.wait()
        store(http)

    fake_studio.handle = meet
    results = []
    people = [threading.Thread(target=lambda d=desk: results.append(push_now(d))) for desk in (first, second)]
    [person.start() for person in people]
    [person.join() for person in people]
    assert len(results) == 2
    assert_whole(fake_studio)
    assert sum(result.doubles_removed for result in results) > 0


def test_a_task_that_somebody_deletes_while_keys_are_read_hides_no_other(fake_studio, make_desk, push_now, module):
    desk = make_desk(MANY)
    stranger = fake_studio.number()
    push_now(desk)
    project = next(iter(fake_studio.projects))
    fake_studio.tasks[stranger] = {"id": stranger, "project": project, "data": {"text": "first of all"}}
    store = fake_studio.list_tasks
    client = module("client").StudioClient
    pages = client.pages
    small = functools.partialmethod(pages, size=5)

    def deleting(fake, query, body):
        answer = store(query, body)
        fake_studio.tasks.pop(stranger, None)
        return answer

    fake_studio.routes = (("GET", "/api/tasks", deleting), *fake_studio.routes)
    client.pages = small
    try:
        assert push_now(desk).created == 0
    finally:
        client.pages = pages
    assert stranger not in fake_studio.tasks
    assert_whole(fake_studio)


def test_a_clock_that_was_set_back(fake_studio, make_desk, push_now, suggest_anew, monkeypatch):
    desk = make_desk(MANY)
    fake_studio.fail("POST", "/import$", 502, times=99)
    with pytest.raises(StudioError):
        push_now(desk)
    fake_studio.faults.clear()
    monkeypatch.setattr(time, "time", lambda now=time.time: now() - 400 * 24 * 3600)
    assert push_now(desk).created == 12
    suggest_anew(desk, "2")
    assert push_now(desk).predictions_updated == 12
    assert_whole(fake_studio, version="list@2")


def test_arms_and_another_salt(fake_studio, make_desk, push_now, module):
    desk = make_desk(MANY)
    set_arms(desk, 'blind = 0.4\ndecoy = 0.4\nsalt = "s1"')
    desk = type(desk)(desk.path)
    push_now(desk)
    arms = module("arms")
    shown = {}
    for task in fake_studio.tasks.values():
        arm = module("tasks").key_arm(task["data"]["copydesk_key"], "s1")
        assert arm == arms.assigned_arm(task["data"]["document_id"], desk.settings.arms)
        shown[task["data"]["document_id"]] = arm
        assert arm not in str({name: value for name, value in task["data"].items() if name != "text"})
        (prediction,) = [p for p in fake_studio.predictions.values() if p["task"] == task["id"]]
        assert bool(prediction["result"]) == (arm != "blind")
    assert set(shown.values()) == {"shown", "blind", "decoy"}
    # another share moves nobody who is there
    set_arms(desk, 'salt = "s1"')
    assert push_now(type(desk)(desk.path)).created == 0
    set_arms(desk, 'salt = "s2"')
    with pytest.raises(StudioError, match="the keys of 12 tasks hide their arm with another salt"):
        push_now(type(desk)(desk.path))
    assert_whole(fake_studio)


def set_arms(desk, lines):
    """Write the desk's [arms] anew."""
    path = desk.path / "copydesk.toml"
    said = path.read_text(encoding="utf-8").split("[arms]")[0]
    path.write_text(f"{said}\n[arms]\n{lines}\n", encoding="utf-8")


def test_what_a_desk_of_a_blind_and_a_decoy_arm_renews(fake_studio, make_desk, push_now, suggest_anew):
    desk = make_desk(MANY)
    set_arms(desk, "blind = 0.4\ndecoy = 0.4")
    desk = type(desk)(desk.path)
    push_now(desk)
    said = {p["task"]: p["result"] for p in fake_studio.predictions.values()}
    suggest_anew(desk, "2")
    assert push_now(desk).predictions_updated == 12
    assert_whole(fake_studio, version="list@2")
    assert {p["task"]: p["result"] for p in fake_studio.predictions.values()} == said
    assert [] in said.values()


def test_focus_tasks_one_by_one(fake_studio, make_desk, push_now, suggest_anew):
    """A document of several mentions, of which a kill let only some arrive."""
    desk = make_desk(MANY[:4])
    focused = functools.partial(push_now, layout="focus")
    result = focused(desk)
    assert result.created > 4
    keys = fake_studio.keys()
    assert len(set(keys)) == len(keys) == result.created
    for number in list(fake_studio.tasks)[1::2]:
        del fake_studio.tasks[number]
        fake_studio.predictions = {k: p for k, p in fake_studio.predictions.items() if p["task"] != number}
    assert focused(desk).created == len(keys) // 2
    assert fake_studio.keys() == keys
    suggest_anew(desk, "2")
    assert focused(desk).predictions_updated == len(keys)
    assert_whole(fake_studio, len(keys), version="list@2")
    again = focused(desk)
    assert (again.created, again.predictions_updated) == (0, 0)
