from __future__ import annotations

import copy
import re
import shutil
from collections import defaultdict

import pytest
from hands import Hands

from copydesk.annotate import (
    assign,
    assignment_standing,
    assignments,
    connect,
    find_projects,
    finished,
    gold,
    plan_queue,
    pull,
    push,
    push_queues,
    replay,
)
from copydesk.corpus import Desk
from copydesk.schemas import Annotations, DeskError, Entity, Origin, SettingsError, Span, Suggestion

ANA, BEN, CARA = "ana@example.org", "ben@example.org", "cara@example.org"
ARTICLES = [f"Day {number}\n\nRebels and the army fought near Qasr on day {number} of it." for number in range(9)]


def staffed(desk, *people, overlap=2, **more):
    """Name these annotators in a desk's settings, and return the desk as it is then."""
    path = desk.path / "copydesk.toml"
    wanted = {"annotators": list(people), "overlap": overlap, **more}
    text = path.read_text(encoding="utf-8")
    head, section, rest = text.partition("[assign]")
    for name, value in wanted.items():
        said = str(value).lower() if isinstance(value, bool) else re.sub("'", '"', str(value))
        rest, count = re.subn(rf"(?m)^{name} = .*?(?=  #|$)", lambda _, s=f"{name} = {said}": s, rest, count=1)
        assert count == 1, name
    path.write_text(head + section + rest, encoding="utf-8")
    return Desk(desk.path)


@pytest.fixture
def articles(make_desk):
    return make_desk(ARTICLES)


def queue_of(fake, email):
    project = next(p for p in fake.projects.values() if email in p["title"])
    tasks = [fake.task_view(task) for task in fake.tasks.values() if task["project"] == project["id"]]
    return sorted(tasks, key=lambda task: task["predictions"][0]["score"])


def test_nobody_is_named(articles):
    with pytest.raises(SettingsError, match="nobody is named who annotates"):
        assign(articles)
    assert assignment_standing(articles) == ()


def test_a_plan_is_kept_and_the_next_one_adds_to_it(articles):
    desk = staffed(articles, ANA, BEN, CARA)
    looked = assign(desk, limit=3, dry_run=True)
    assert (looked.given, looked.documents, list(assignments(desk))) == (6, 3, [])
    first = assign(desk, limit=3)
    assert first == looked
    assert [(p.annotator, p.given, p.waiting) for p in first.people] == [(ANA, 2, 2), (BEN, 2, 2), (CARA, 2, 2)]
    assert assign(desk).documents == 6
    assert assign(desk).round == 0
    assert [part.name for part in desk.parts("assigned")] == ["part-00001.parquet", "part-00002.parquet"]
    assert [(p.given, p.active) for p in assignment_standing(desk)] == [(6, True)] * 3


def test_the_same_desk_makes_the_same_bytes(make_desk):
    one, other = (staffed(make_desk(ARTICLES, name=name), ANA, BEN, CARA) for name in ("one", "other"))
    assign(one)
    assign(other)
    assert (one.parts("assigned")[0]).read_bytes() == (other.parts("assigned")[0]).read_bytes()


def test_documents_come_in_the_order_of_the_queue(articles):
    plan_queue(articles)
    desk = staffed(articles, ANA, overlap=1)
    assign(desk)
    from copydesk.annotate import queue

    assert [row.document_id for row in assignments(desk)] == [row.document_id for row in queue(desk)]


def test_a_damaged_file_is_named(articles):
    desk = staffed(articles, ANA, overlap=1)
    assign(desk)
    desk.parts("assigned")[0].write_bytes(b"PAR1")
    with pytest.raises(DeskError, match="not a readable file of assignments"):
        assign(desk)


def test_what_the_ledger_says_counts(tmp_path):
    hands = Hands(tmp_path / "desk")
    one, two = (document.id for document in hands.documents)
    hands.finish(0, ANA.upper(), ("Rebels", "ARMED_ACTOR"))  # as a server may write it
    hands.finish(1, BEN, ("army", "ARMED_ACTOR"), state="skipped")
    desk = staffed(hands.desk, ANA, BEN, CARA, overlap=1)
    made = assign(desk)
    assert [row.document_id for row in assignments(desk)] == [two]
    assert {row.annotator for row in assignments(desk)} < {ANA, CARA}
    assert made.short == {}
    assert one not in {row.document_id for row in assignments(desk)}


def test_capitals_make_nobody_another_person(fake_studio, articles):
    desk = staffed(articles, ANA, BEN, CARA)
    assign(desk, limit=3)
    push_queues(desk)
    (first, *_) = queue_of(fake_studio, ANA)
    fake_studio.annotate(first["id"], [], email=ANA)
    pull(desk)
    loud = staffed(desk, ANA.title(), BEN, CARA.upper(), overlap=2, experts=[CARA.upper()], expert_share=0.5)
    assert [(p.annotator, p.done, p.active) for p in assignment_standing(loud)] == [
        (ANA, 1, True), (BEN, 0, True), (CARA, 0, True),
    ]  # fmt: skip
    assert assign(loud, limit=0).withdrawn == 0
    assert [(r.annotator, r.already) for r in push_queues(loud)] == [(ANA, 2), (BEN, 2), (CARA, 2)]
    assert len(fake_studio.projects) == 3
    assign(loud)
    assert {row.annotator for row in assignments(loud)} == {ANA, BEN, CARA}


def test_what_somebody_skipped_is_not_to_do(fake_studio, articles):
    desk = staffed(articles, ANA, BEN, CARA)
    assign(desk, limit=3)
    push_queues(desk)
    fake_studio.annotate(queue_of(fake_studio, ANA)[0]["id"], [], email=ANA, was_cancelled=True)
    pull(desk)
    (ana, *_) = assignment_standing(desk)
    assert (ana.given, ana.skipped, ana.waiting) == (2, 1, 1), "also before the next plan has taken it back"


def test_graphic_is_what_somebody_said_or_what_it_looks_like(tmp_path, module):
    texts = [f"Shells killed {number + 3} men in Qasr." for number in range(4)] + ["Talks went on in Qasr."]
    hands = Hands(tmp_path / "desk", texts)
    killed = Origin("model", "list", "1")
    said = []
    for document in hands.documents[:4]:
        toll = Entity("t", Span.of(document, 14, 15), "TOLL", killed, {"toll_kind": "killed"})
        said.append(Suggestion(Annotations(document.id, document.sha256, (toll,)), killed, (), 0.5))
    hands.desk.write(Suggestion, "suggestions/list@1", "all", said)
    hands.desk.note("pipeline", {"name": "list", "version": "1"})
    desk = staffed(hands.desk, ANA, BEN, overlap=1, no_graphic=[ANA])
    assert module("assigning")._graphic(desk) == {document.id for document in hands.documents[:4]}
    assign(desk)
    flags = {(row.annotator, row.graphic) for row in assignments(desk)}
    assert (ANA, True) not in flags
    assert (BEN, True) in flags
    quiet = staffed(desk, ANA, BEN, overlap=1, graphic_guess=False)
    assert module("assigning")._graphic(quiet) == set()


def test_everybody_gets_their_own_queue_in_its_order(fake_studio, articles):
    desk = staffed(articles, ANA, BEN, CARA)
    assign(desk, limit=6)
    results = push_queues(desk)
    assert [(r.annotator, r.created) for r in results] == [(ANA, 4), (BEN, 4), (CARA, 4)]
    assert {p["title"] for p in fake_studio.projects.values()} == {f"desk ({who})" for who in (ANA, BEN, CARA)}
    assert {p["maximum_annotations"] for p in fake_studio.projects.values()} == {1}
    planned = defaultdict(list)
    for row in assignments(desk):
        planned[row.annotator].append(row.document_id)
    for who in (ANA, BEN, CARA):
        assert [task["data"]["document_id"] for task in queue_of(fake_studio, who)] == planned[who]
    again = push_queues(desk)
    assert [(r.created, r.already) for r in again] == [(0, 4)] * 3
    assign(desk)
    assert [r.created for r in push_queues(desk)] == [2, 2, 2]
    (desk.path / "state.json").unlink()  # known again by their titles
    desk.note("pipeline", {"name": "list", "version": "1"})
    assert [(r.created, r.already) for r in push_queues(desk)] == [(0, 6)] * 3
    assert len(fake_studio.projects) == 3


def test_who_leaves_loses_what_they_had_not_touched(fake_studio, articles):
    desk = staffed(articles, ANA, BEN, CARA)
    assign(desk)
    push_queues(desk)
    theirs = queue_of(fake_studio, ANA)
    fake_studio.annotate(theirs[0]["id"], [], email=ANA)
    fake_studio.annotate(theirs[1]["id"], [], email=ANA, was_cancelled=True)
    pull(desk)
    desk = staffed(desk, BEN, CARA)
    made = assign(desk)
    assert made.withdrawn == 5
    results = {r.annotator: r for r in push_queues(desk)}
    assert results[ANA].withdrawn == 4
    assert [task["id"] for task in queue_of(fake_studio, ANA)] == [theirs[0]["id"], theirs[1]["id"]]
    assert results[BEN].created + results[CARA].created == made.given
    assert next((p.annotator, p.active, p.done) for p in made.people) == (ANA, False, 1)
    assert [r.annotator for r in push_queues(desk)] == [BEN, CARA]


def test_nothing_is_assigned_yet(fake_studio, articles):
    with pytest.raises(DeskError, match="nothing is assigned to anybody"):
        push_queues(staffed(articles, ANA))


def test_the_stream_of_everybodys_project_gives_each_task_to_as_many(fake_studio, articles):
    push(articles)
    (project,) = fake_studio.projects.values()
    assert project["maximum_annotations"] == 1
    desk = staffed(articles, overlap=3)
    push(desk)
    assert project["maximum_annotations"] == 3
    project["maximum_annotations"] = 5  # by hand
    push(desk)
    assert project["maximum_annotations"] == 5


def test_a_long_address_makes_a_title_that_fits(make_desk, module):
    title = module("project_notes").project_title
    desk = make_desk()
    others = [f"{'x' * 60}{end}@example.org" for end in "ab"]
    titles = {title(desk, "entities+stance", "focus", f"for:{who}") for who in (ANA, *others)}
    assert len(titles) == 3
    assert all(3 <= len(found) <= 50 for found in titles)


def test_desks_whose_names_are_cut_alike_have_other_titles(make_desk, module):
    title = module("project_notes").project_title
    names = ("ukraine-news-of-the-year-2025", "ukraine-news-of-the-year-2026")
    found = {title(make_desk(name=name), use=f"for:{'m' * 20}@example.org") for name in names}
    assert len(found) == 2
    assert all(len(one) <= 50 for one in found)


@pytest.mark.studio
def test_the_plan_on_a_real_server(studio_desk):
    desk = staffed(studio_desk(ARTICLES[:6]), ANA, BEN, CARA)
    assign(desk)
    results = push_queues(desk)
    assert [(r.annotator, r.created) for r in results] == [(who, 4) for who in (ANA, BEN, CARA)]
    client = connect(desk)
    for project in find_projects(client, desk):
        raw = client.get(f"/api/projects/{project.id}/")
        assert raw["maximum_annotations"] == 1
        assert project.use == f"for:{raw['title'].split('(')[1].rstrip(')')}"
    nothing = {
        row.document_id: Annotations(row.document_id, sha)
        for row in assignments(desk)
        for sha in [sha_of(desk, row.document_id)]
    }
    for who in (ANA, BEN):
        own = [nothing[row.document_id] for row in assignments(desk) if row.annotator == who]
        assert replay(desk, who, own) == 4
    pulled = pull(desk)
    assert (pulled.projects, pulled.added) == (3, 8)
    assert {one.annotator for one in finished(desk)} == {ANA, BEN}
    assert len(gold(desk, keep=False).documents) == 6
    desk = staffed(desk, ANA, BEN)
    made = assign(desk)
    assert made.withdrawn == 4
    after = {r.annotator: r for r in push_queues(desk)}
    assert after[CARA].withdrawn == 4
    assert after[ANA].created + after[BEN].created == made.given == 4


def sha_of(desk, document_id):
    from copydesk.corpus import documents

    return next(document.sha256 for document in documents(desk) if document.id == document_id)


class Killed(BaseException):
    """What no clean-up is prepared for."""


def test_cut_off_anywhere_the_next_push_of_queues_goes_on(fake_studio, make_desk):
    desk = staffed(make_desk(ARTICLES[:4]), ANA, BEN)
    assign(desk, limit=2)
    push_queues(desk)
    fake_studio.annotate(queue_of(fake_studio, ANA)[0]["id"], [], email=ANA)
    pull(desk)
    desk = staffed(desk, BEN, CARA)  # one leaves, one joins
    assign(desk)
    kept = ("projects", "tasks", "predictions", "annotations")
    before = {name: copy.deepcopy(getattr(fake_studio, name)) for name in kept}
    steps = []
    push_queues(Desk(shutil.copytree(desk.path, desk.path.parent / "whole")), on_progress=steps.append)
    wanted = held(fake_studio)
    assert sorted(map(len, wanted.values())) == [1, 3, 4], "of the leaver only what they did"
    for number in range(len(steps)):
        for name, things in before.items():
            setattr(fake_studio, name, copy.deepcopy(things))
        again = Desk(shutil.copytree(desk.path, desk.path.parent / f"again-{number}"))
        left = iter(range(number))
        with pytest.raises(Killed):
            push_queues(again, on_progress=lambda _, left=left: dies(left))
        push_queues(again, sleep=lambda _: None)
        assert held(fake_studio) == wanted


def dies(left):
    if next(left, None) is None:
        raise Killed


def held(fake):
    """Return what every project holds: title to the documents of its tasks, each as often as it is there."""
    return {
        project["title"]: sorted(t["data"]["document_id"] for t in fake.tasks.values() if t["project"] == number)
        for number, project in fake.projects.items()
    }
