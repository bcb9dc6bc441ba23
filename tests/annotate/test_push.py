from __future__ import annotations

import functools
import subprocess
import sys

import pytest

from copydesk.annotate import push
from copydesk.corpus import documents, removed
from copydesk.schemas import Document, Origin, StudioError, Suggestion

MANY = [f"Article {number}\n\nThe army and the rebels met in Qasr on Monday." for number in range(12)]


@pytest.fixture
def push_now(naps, monkeypatch, module):
    """Push in small batches without waiting."""
    monkeypatch.setattr(module("push"), "BATCH", 5)
    return functools.partial(push, sleep=naps.append)


def predictions_per_task(fake):
    return sorted(sum(p["task"] == task for p in fake.predictions.values()) for task in fake.tasks)


def test_each_document_once_and_again_nothing(fake_studio, make_desk, push_now):
    desk = make_desk(MANY)
    result = push_now(desk)
    assert (result.created, result.already, result.failed) == (12, 0, ())
    assert fake_studio.count("POST", "/import$") == 3
    assert predictions_per_task(fake_studio) == [1] * 12
    again = push_now(desk)
    assert (again.created, again.already, again.predictions_updated) == (0, 12, 0)
    assert len(set(fake_studio.keys())) == len(fake_studio.keys()) == 12


def test_suggestions_are_found_in_whatever_shard_they_lie(fake_studio, make_desk, push_now, by_list):
    desk = make_desk(MANY)
    made, pipeline = list(documents(desk)), Origin("model", "list", "1")
    for part in (*desk.parts("articles"), *desk.parts("suggestions/list@1")):
        part.unlink()
    for number in range(3):
        desk.write(Document, "articles", f"{number:04d}", made[number::3])
        # beside each shard of articles lie suggestions about other ones, and beside the last some of its own as well
        others = [*made[(number + 1) % 3 :: 3], *(made[2::6] if number == 2 else ())]
        others = [document for document in others if number != 1 or document not in made[2::6]]
        said = [by_list(document, pipeline) for document in others]
        desk.write(Suggestion, "suggestions/list@1", f"{number:04d}", said)
    assert push_now(desk).created == 12
    assert predictions_per_task(fake_studio) == [1] * 12
    again = push_now(desk)
    assert (again.created, again.already, again.predictions_updated) == (0, 12, 0)


@pytest.mark.parametrize("after", [False, True], ids=["before it is stored", "after it is stored"])
@pytest.mark.parametrize("how", [408, 429, 500, 502, 503, 504, "drop", "cut"])
@pytest.mark.parametrize("times", [1, 2])
def test_each_document_once_whatever_happens_to_an_answer(fake_studio, make_desk, push_now, how, after, times):
    desk = make_desk(MANY)
    fake_studio.fail("POST", "/import$", how, times=times, after=after)
    result = push_now(desk)
    assert result.created == 12
    assert len(set(fake_studio.keys())) == len(fake_studio.keys()) == 12
    assert predictions_per_task(fake_studio) == [1] * 12


def test_a_timeout_behind_which_the_server_goes_on(fake_studio, make_desk, push_now, monkeypatch, module):
    desk = make_desk(MANY)
    push_now(make_desk(MANY[:1], name="warm-up"))  # the SDK is loaded before the clock matters
    client = functools.partial(module("client").StudioClient, timeout=1.0)
    monkeypatch.setattr(module("client"), "StudioClient", client)
    fake_studio.fail("POST", "/import$", "hang", after=True)
    assert push_now(desk).created == 12
    ours = [task for task in fake_studio.tasks.values() if task["project"] != 1]
    assert len({task["data"]["copydesk_key"] for task in ours}) == len(ours) == 12


def test_a_server_that_stays_away_leaves_a_push_that_can_go_on(fake_studio, make_desk, push_now):
    desk = make_desk(MANY)
    fake_studio.fail("POST", "/import$", 502, times=99)
    with pytest.raises(StudioError) as error:
        push_now(desk)
    assert "5 tasks of this batch are not on the server" in str(error.value)
    assert "run copydesk push again" in str(error.value)
    fake_studio.faults.clear()
    assert push_now(desk).created == 12


def test_a_batch_that_is_too_large_is_halved(fake_studio, make_desk, push_now):
    fake_studio.fail("POST", "/import$", 413, times=2)
    assert push_now(make_desk(MANY)).created == 12
    assert len(fake_studio.keys()) == 12


def test_one_refused_task_stops_no_other(fake_studio, make_desk, push_now):
    desk = make_desk(MANY)
    fake_studio.refuse_text = "Article 7\n"
    result = push_now(desk)
    refused = next(d for d in documents(desk) if d.text.startswith("Article 7\n"))
    assert result.created == 11
    assert [(r.document_id, r.stage, r.reason) for r in result.failed] == [
        (refused.id, "push", "refused by the server")
    ]
    assert "bad task" in result.failed[0].detail
    assert [r.document_id for r in removed(desk)] == [refused.id]
    fake_studio.refuse_text = ""
    assert push_now(desk).created == 1
    assert list(removed(desk)) == []


def test_predictions_lost_behind_a_success_are_mended(fake_studio, make_desk, push_now):
    fake_studio.lose_predictions = 7
    result = push_now(make_desk(MANY))
    assert (result.created, result.predictions_updated) == (12, 7)
    assert predictions_per_task(fake_studio) == [1] * 12


def test_doubles_go_unless_somebody_worked_on_them(fake_studio, make_desk, push_now):
    desk = make_desk(MANY[:3])
    push_now(desk)
    first, second, third = list(fake_studio.tasks.values())
    for task in (first, second, third):
        number = fake_studio.number()
        fake_studio.tasks[number] = {**task, "id": number}
        if task is not first:
            fake_studio.annotate(number, [])
        if task is third:
            fake_studio.annotate(third["id"], [])
    result = push_now(desk)
    assert result.doubles_removed == 2
    assert result.doubles_left == (third["data"]["copydesk_key"],)
    assert first["id"] in fake_studio.tasks
    assert second["id"] not in fake_studio.tasks


def test_a_draft_keeps_its_suggestions(fake_studio, make_desk, push_now, suggest_anew):
    desk = make_desk(MANY[:3])
    push_now(desk)
    begun = next(iter(fake_studio.tasks.values()))
    begun["draft"] = True
    suggest_anew(desk, "2")
    assert push_now(desk).predictions_updated == 2
    versions = {p["task"]: p["model_version"] for p in fake_studio.predictions.values()}
    assert versions.pop(begun["id"]) == "list@1"
    assert set(versions.values()) == {"list@2"}


def test_killed_between_new_and_old_predictions(fake_studio, make_desk, push_now, suggest_anew):
    desk = make_desk(MANY[:3])
    push_now(desk)
    suggest_anew(desk, "2")
    fake_studio.fail("DELETE", "/api/predictions/", "drop", times=99)
    with pytest.raises(StudioError):
        push_now(desk)
    assert predictions_per_task(fake_studio) == [2, 2, 2]
    fake_studio.faults.clear()
    push_now(desk)
    assert predictions_per_task(fake_studio) == [1, 1, 1]
    assert {p["model_version"] for p in fake_studio.predictions.values()} == {"list@2"}


def test_what_would_break_the_screen_stays_here(fake_studio, make_desk, push_now, by_list, module):
    from dataclasses import replace

    from copydesk.schemas import Stance, Suggestion

    desk = make_desk(MANY[:3])
    said = list(desk.read(Suggestion, "suggestions/list@1"))
    nowhere = Stance("nobody", "OUTLET", "0", said[0].pipeline)
    bad = replace(said[1].annotations.entities[0], label="GPE", attributes={"gpe_role": "neither"})
    said[0] = replace(said[0], annotations=replace(said[0].annotations, stances=(nowhere,)))
    said[1] = replace(said[1], annotations=replace(said[1].annotations, entities=(bad,), stances=()))
    said[2] = replace(said[2], annotations=replace(said[2].annotations, sha256="0" * 64))
    desk.write(Suggestion, "suggestions/list@1", "all", said)
    result = push_now(desk)
    # a stance on nobody is left out of what is shown; the other two cannot be shown at all
    assert result.created == 1
    assert sorted(r.reason for r in result.failed) == ["text changed", "would break the screen"]


def test_a_title_fits_the_server(make_desk, module):
    assert module("project").project_title(make_desk(name="ab")) == "ab desk"
    assert module("project").project_title(make_desk(name="a" * 50)) == "a" * 50


def test_a_lost_state_file_finds_the_project_again(fake_studio, make_desk, push_now):
    desk = make_desk(MANY[:3])
    number = push_now(desk).project_id
    (desk.path / "state.json").unlink()
    assert push_now(desk).project_id == number
    del fake_studio.projects[number]
    fake_studio.tasks.clear()
    assert push_now(desk).created == 3


def test_strangers_with_our_title_are_left_alone(fake_studio, make_desk, push_now):
    fake_studio.create_project({}, {"title": "desk", "label_config": "<View><Text name='t' value='$t'/></View>"})
    fake_studio.create_project({}, {"title": "desk", "label_config": "not xml"})
    assert push_now(make_desk(MANY[:3])).project_id not in (1, 2)


class Killed(BaseException):
    """Stands in for a kill: nothing catches it."""


@pytest.mark.parametrize("after", [False, True], ids=["before the request", "after the request"])
@pytest.mark.parametrize("nth", [1, 3, 4, 5, 6, 7, 8, 9])
def test_killed_at_any_request_the_next_run_completes(
    fake_studio, make_desk, push_now, module, nth, after, monkeypatch
):
    desk = make_desk(MANY)
    client, send, calls = module("client").StudioClient, module("client").StudioClient._send, []

    def deadly(self, *request):
        calls.append(request)
        if len(calls) == nth and not after:
            raise Killed
        answer = send(self, *request)
        if len(calls) == nth:
            raise Killed
        return answer

    monkeypatch.setattr(client, "_send", deadly)
    with pytest.raises(Killed):
        push_now(desk)
    push_now(desk)
    assert len(set(fake_studio.keys())) == len(fake_studio.keys()) == 12
    assert predictions_per_task(fake_studio) == [1] * 12
    assert len(fake_studio.projects) == 1


def test_killed_for_real_the_next_run_completes(fake_studio, make_desk, push_now):
    """A push in a process of its own, ended with SIGKILL while the server works on its second batch."""
    desk = make_desk(MANY)
    program = (
        "import importlib, pathlib, sys\n"
        "from copydesk.corpus import Desk\n"
        "push = importlib.import_module('copydesk.annotate.push')\n"
        "push.BATCH = 5\n"
        "push.push(Desk(pathlib.Path(sys.argv[1])))\n"
    )
    answer = fake_studio.answer
    running = []

    def deadly(method, path, *rest):
        said = answer(method, path, *rest)
        if path.endswith("/import") and fake_studio.count("POST", "/import$") == 2:
            running[0].kill()
        return said

    fake_studio.answer = deadly
    running.append(subprocess.Popen([sys.executable, "-c", program, str(desk.path)]))
    assert running[0].wait(60) == -9
    fake_studio.answer = answer
    result = push_now(desk)
    assert (result.created, result.already) == (2, 10)
    assert len(set(fake_studio.keys())) == len(fake_studio.keys()) == 12
