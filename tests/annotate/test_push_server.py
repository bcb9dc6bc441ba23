"""What can go wrong between a push and a real Label Studio: people at work, lost answers, a server that is killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import signal
import threading
from pathlib import Path

import pytest

from copydesk.annotate import add_annotator, connect, own_account, push, start_studio, stop_studio, studio_status
from copydesk.corpus import documents
from copydesk.schemas import CopydeskError

pytestmark = pytest.mark.studio

TEXT = "Article {} of {}\n\nThe army and the rebels met in Qasr on Monday. At least 12 people died, Orlo said."


def articles(number, name):
    return [TEXT.format(at, name) for at in range(number)]


def predictions_by_key(client, project):
    tasks = list(client.pages(project, ("id", "data", "total_predictions")))
    return [(task["data"]["copydesk_key"], task["total_predictions"]) for task in tasks]


def assert_whole(desk, project, number):
    """Each document's task is there once, with the one prediction that it should have."""
    there = predictions_by_key(connect(desk), project)
    assert len(there) == len({key for key, _ in there}) == number
    assert {count for _, count in there} == {1}
    assert {key.split("/")[0] for key, _ in there} == {document.id for document in documents(desk)}


@pytest.mark.slow
def test_no_prediction_is_lost_while_two_people_save_every_second(studio_desk, module):
    """An import of 2,000 tasks on the embedded server; its stock settings lose 5 to 27 % of the predictions."""
    first = studio_desk(articles(4, "first"))
    project = push(first).project_id
    task = next(connect(first).pages(project, ("id",)))["id"]
    stop = threading.Event()
    saved = {"ana": [], "bo": []}

    def annotate(name):
        client = module("client").connect_as(first, add_annotator(first, name).email)
        ready.wait()
        while not stop.is_set():
            saved[name].append(client.send("POST", f"/api/tasks/{task}/annotations/", {"result": []})["id"])
            stop.wait(1.0)

    ready = threading.Barrier(3, timeout=300)
    people = [threading.Thread(target=annotate, args=(name,)) for name in saved]
    [person.start() for person in people]
    desk = studio_desk(articles(2_000, "second"))
    try:
        ready.wait()
        result = push(desk)
    finally:
        stop.set()
        [person.join() for person in people]
    assert (result.created, result.failed, result.predictions_updated) == (2_000, (), 0)
    assert_whole(desk, result.project_id, 2_000)
    assert all(saved.values())
    made = {a["id"] for a in connect(first).get(f"/api/tasks/{task}/annotations/")}
    assert made.issuperset(saved["ana"] + saved["bo"])


@pytest.mark.parametrize("after", [False, True], ids=["before it was sent", "after it was stored"])
def test_a_lost_answer_of_a_real_server(studio_desk, module, monkeypatch, naps, after):
    """What arrived is found by the ids of the tasks made since; a filter the server did not know would find nothing."""
    desk = studio_desk(articles(30, f"lost {after}"))
    client, lost = module("client").StudioClient, []
    send = client._send

    def losing(self, method, path, body, params):
        mine = path.endswith("/import") and len(lost) < 2
        answer = send(self, method, path, body, params) if after or not mine else None
        if mine:
            lost.append(path)
            raise module("client").NoAnswerError("lost")
        return answer

    monkeypatch.setattr(client, "_send", losing)
    monkeypatch.setattr(module("push"), "BATCH", 10)
    result = push(desk, sleep=naps.append)
    assert result.created == 30
    assert result.doubles_removed == 0
    assert_whole(desk, result.project_id, 30)


def test_pages_of_a_real_server_are_read_by_id(studio_desk):
    desk = studio_desk(articles(25, "pages"))
    project = push(desk).project_id
    client = connect(desk)
    ids = [task["id"] for task in client.pages(project, ("id",), size=10)]
    assert len(ids) == len(set(ids)) == client.task_count(project) == 25
    assert [task["id"] for task in client.pages(project, ("id",), after=ids[19], size=3)] == ids[20:]
    assert list(client.pages(project, ("id",), after=ids[-1])) == []


@pytest.mark.slow
def test_the_server_is_killed_during_import(make_desk, any_port, naps):
    """SIGKILL at three moments of an import, each time started again; then the next push."""
    desk = make_desk(articles(300, "killed"))
    start_studio(desk, port=any_port())
    draw = random.Random(6)
    try:
        for _ in range(3):
            server = studio_status(desk).pid
            dying = os.pidfd_open(server)
            timer = threading.Timer(draw.uniform(0.2, 3.0), os.kill, (server, signal.SIGKILL))
            timer.start()
            with contextlib.suppress(CopydeskError):
                push(desk, sleep=naps.append)
            timer.join()
            select.select([dying], [], [])  # one that is not gone yet would be taken for one that still starts
            os.close(dying)
            start_studio(desk)
        result = push(desk)
        assert (result.failed, result.doubles_left) == ((), ())
        assert_whole(desk, result.project_id, 300)
        again = push(desk)
        assert (again.created, again.predictions_updated) == (0, 0)
    finally:
        stop_studio(desk)
    assert own_account(desk).token not in Path(desk.path / "state.json").read_text(encoding="utf-8")
    assert json.loads((desk.path / "state.json").read_text(encoding="utf-8"))
