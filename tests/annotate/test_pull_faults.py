"""What can go wrong while a pull is at work: after each, nothing is lost, nothing doubled, the next run completes."""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import sys

import pytest
from killable import run_until_killed

from copydesk.annotate import finished, ledger, pull, push
from copydesk.corpus import Desk
from copydesk.schemas import CopydeskError, DeskError, StudioError

MANY = [f"Article {number}\n\nThe army and the rebels met in Qasr on Monday." for number in range(8)]
KILLS = 50
LARGE = {"SMALL": 1, "BATCH": 2}


@pytest.fixture
def begun(fake_studio, make_desk, module, monkeypatch, naps):
    """A desk that was pulled once, for which there are three new versions, one deleted one and a new one to pull."""
    for name, value in LARGE.items():
        monkeypatch.setattr(module("pull"), name, value)
    open_server = module("pull").connect

    def without_naps(desk):
        client = open_server(desk)
        client._sleep = naps.append
        return client

    monkeypatch.setattr(module("pull"), "connect", without_naps)
    desk = make_desk(MANY)
    push(desk)
    *tasks, last = fake_studio.tasks
    numbers = [fake_studio.annotate(task, []) for task in tasks]
    pull(desk)
    for number in numbers[:3]:
        fake_studio.annotations[number] |= {"lead_time": 99.0, "updated_at": "2026-01-02T03:05:00.000000Z"}
    fake_studio.annotations.pop(numbers[4])
    fake_studio.annotate(last, [], "bo@copydesk.local")
    return desk


def copied(desk, number):
    return Desk(shutil.copytree(desk.path, desk.path.parent / f"copy-{number}"))


def states(desk):
    return sorted((entry.document_id, entry.state, entry.annotator) for entry in ledger(desk))


def assert_whole(desk, fake):
    """Everything is there once, and nothing lies about."""
    found = states(desk)
    assert len(found) == len({entry.key for entry in ledger(desk)}) == 12
    kinds = [state for _, state, _ in found]
    assert [kinds.count(kind) for kind in ("submitted", "updated", "deleted")] == [8, 3, 1]
    assert len(list(finished(desk))) == 7
    left = [path for path in desk.path.rglob(".*") if path.name.startswith(".pull-") or path.suffix == ".tmp"]
    assert left == []
    assert fake.exports == fake.views == {}


@pytest.mark.slow
def test_killed_at_fifty_moments(fake_studio, begun):
    """Ended by SIGKILL anywhere; the ledger is as it was or has all that is new, never a part of a file."""
    draw = random.Random(4)
    before = states(begun)
    whole = copied(begun, "whole")
    calls = run_until_killed(whole.path, "pull", "pull", settings=LARGE)
    assert_whole(whole, fake_studio)
    killed = 0
    for number in range(KILLS):
        desk = copied(begun, number)
        killed += run_until_killed(desk.path, "pull", "pull", moment=draw.randrange(calls), settings=LARGE) is None
        assert not [entry for entry in before if entry not in states(desk)]
        pull(desk)
        assert_whole(desk, fake_studio)
        assert pull(desk).added == 0
    assert killed > KILLS * 0.9  # the process that measured how long it is and those that die differ by a little


@pytest.mark.parametrize("path", ["/exports/$", "/download$", "/api/tasks$", "/api/dm/views/", "/api/projects/"])
@pytest.mark.parametrize("how", [429, 503, "drop", "cut"])
def test_each_kind_of_request_may_fail(fake_studio, begun, path, how):
    for method in ("GET", "POST", "DELETE"):
        fake_studio.fail(method, path, how, after=True)
    before = states(begun)
    for _ in range(4):
        try:
            pull(begun)
            break
        except CopydeskError:
            assert not [entry for entry in before if entry not in states(begun)]
    fake_studio.faults.clear()
    pull(begun)
    assert_whole(begun, fake_studio)


def test_an_export_that_holds_fewer_tasks_than_it_says(fake_studio, begun):
    """Well-formed, with its own hash, and not all of it: no work of people is taken for deleted."""
    export = fake_studio.export

    def announces(fake, query, body, project):
        status, made = export(query, body, project)
        return status, {**made, "counters": {"task_number": made["counters"]["task_number"] + 1}}

    routes = fake_studio.routes
    fake_studio.routes = (("POST", r"/api/projects/(\d+)/exports/", announces), *routes)
    before = states(begun)
    with pytest.raises(StudioError, match=r"the export holds \d tasks and not the \d that were announced"):
        pull(begun)
    assert states(begun) == before
    fake_studio.routes = routes
    pull(begun)
    assert_whole(begun, fake_studio)


@pytest.mark.parametrize("nth", range(1, 5))
def test_a_full_disk(fake_studio, begun, disk_full_from, nth):
    """The n-th thing that pull keeps does not fit."""
    with disk_full_from(nth):
        pull(begun)
    pull(begun)
    assert_whole(begun, fake_studio)


CRAMPED = """
import resource, sys
from pathlib import Path
from copydesk.annotate import pull
from copydesk.corpus import Desk
desk = Desk(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
pull(desk)
"""


@pytest.mark.parametrize("room", [0, 4_096, 20_000])
def test_files_that_cannot_grow(fake_studio, begun, room):
    """The system itself lets no file grow beyond so many bytes: the scratch database, the export, the ledger."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    before = states(begun)
    command = [sys.executable, "-c", CRAMPED, str(begun.path), str(room)]
    answer = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert answer.returncode == 1
    assert b"DeskError" in answer.stderr or b"OSError" in answer.stderr
    assert states(begun) == before
    pull(begun)
    assert_whole(begun, fake_studio)


def test_two_pulls_at_once(fake_studio, begun):
    """The second is told so; whoever is first brings everything home."""
    download = fake_studio.download
    said = []

    def meanwhile(fake, query, body, project, number):
        with pytest.raises(DeskError, match="another copydesk is at work on this desk") as error:
            pull(begun)
        said.append(error)
        return download(query, body, project, number)

    fake_studio.routes = (("GET", r"/api/projects/(\d+)/exports/(\d+)/download", meanwhile), *fake_studio.routes)
    pull(begun)
    assert said
    assert_whole(begun, fake_studio)


def test_a_change_while_the_export_is_made_comes_with_the_next(fake_studio, begun):
    number, task = next((n, a["task"]) for n, a in fake_studio.annotations.items() if a["lead_time"] != 99.0)
    export = fake_studio.export

    def late(fake, query, body, project):
        made = export(query, body, project)
        fake_studio.annotations[number] |= {"lead_time": 5.0, "updated_at": "2026-01-02T03:06:00.000000Z"}
        return made

    fake_studio.routes = (("POST", r"/api/projects/(\d+)/exports/", late), *fake_studio.routes)
    pull(begun)
    assert [entry.lead_time for entry in ledger(begun) if entry.task_id == task] == [12.5]
    assert pull(begun).added == 1
    assert [entry.lead_time for entry in ledger(begun) if entry.task_id == task] == [12.5, 5.0]
