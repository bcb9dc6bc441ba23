"""The queue: what comes when and by which chance, the reserve that it never touches, the order people get."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import make_document
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import (
    LEDGER,
    QUEUE,
    add_annotator,
    plan_queue,
    pull,
    push,
    queue,
    queue_standing,
    reserved,
    suggestions,
)
from copydesk.corpus import Desk, documents, init_desk
from copydesk.schemas import Cluster, DeskError, Document, Origin, StudioError, Suggestion

# behind the front door
drawing, reserve, client = (importlib.import_module(f"copydesk.annotate.{n}") for n in ("drawing", "reserve", "client"))

TOPICS = ("army", "rebels", "Qasr", "Monday", "At least 12", "Orlo", "Relief Union", "Ina Vale")


def articles(count, *, start=0):
    """Articles that differ in what is suggested for them and in their words."""
    return [
        f"Article {number}\n\nThe {TOPICS[number % 8]} met {TOPICS[number * 3 % 7]} near the river"
        f" {'bridge ' * (number % 2)}on day{number % 5} with{chr(97 + number % 26)}word."
        for number in range(start, start + count)
    ]


def grow(desk, texts, by_list):
    """Add articles and their suggestions to a desk, as an ingest and a suggest would."""
    new = [make_document(text, title=text.split("\n")[0]) for text in texts]
    desk.write(Document, "articles", f"{len(desk.parts('articles')):04d}", new)
    said = [by_list(document, Origin("model", "list", "1")) for document in new]
    desk.write(Suggestion, "suggestions/list@1", f"{len(desk.parts('suggestions/list@1')):04d}", said)
    return new


def set_queue(desk, **values):
    """Return the desk with other queue settings."""
    path = desk.path / "copydesk.toml"
    lines = path.read_text("utf-8").splitlines()
    section = ""
    for number, line in enumerate(lines):
        section = line if line.startswith("[") else section
        name = line.partition(" =")[0]
        if section.startswith("[queue]") and name in values:
            value = values[name]
            lines[number] = f"{name} = {value!r}".replace("'", '"')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Desk(desk.path)


def parts_bytes(desk):
    return {path.name: path.read_bytes() for path in (desk.path / "queue").iterdir()}


@pytest.fixture
def grow_desk(by_list):
    return functools.partial(grow, by_list=by_list)


@pytest.fixture
def work_on(make_entry):
    """Have somebody annotate these documents, as a pull would record it."""

    def work(desk, ids):
        by_id = {document.id: document for document in documents(desk)}
        rows = [make_entry(by_id[number], f"{name}-{number}") for name in ("ana",) for number in ids]
        table = pa.Table.from_pylist(rows, schema=LEDGER)
        desk.write_table("annotations", f"{len(desk.parts('annotations')):04d}", table)

    return work


@pytest.fixture
def make_entry():
    def make(document, name):
        row = {field.name: "" for field in LEDGER}
        numbers = {"project_id": 1, "task_id": 1, "ground_truth": False, "lead_time": 1.0}
        said = {"key": name, "annotation": name, "state": "submitted", "server": "own", "annotator": "ana@x.org"}
        raw = json.dumps({"id": 1, "result": [], "was_cancelled": False})
        return row | numbers | said | {"document_id": document.id, "sha256": document.sha256, "raw": raw}

    return make


# the order


def test_every_document_once_and_the_same_bytes_again(make_desk):
    desk = set_queue(make_desk(articles(60)), reserve=0.2)
    plan = plan_queue(desk)
    rows = list(queue(desk))
    assert [row.rank for row in rows] == list(range(1, 61))
    assert {row.document_id for row in rows} == {document.id for document in documents(desk)}
    assert (plan.suggested, plan.ranked + plan.reserve, plan.round, plan.total) == (60, 60, 1, 60)
    again = set_queue(make_desk(reversed(articles(60)), name="again"), reserve=0.2)
    plan_queue(again)
    assert parts_bytes(again) == parts_bytes(desk)
    other = set_queue(make_desk(articles(60), name="other"), reserve=0.2, salt="other")
    plan_queue(other)
    assert [row.document_id for row in queue(other)] != [row.document_id for row in rows]
    assert pq.read_schema(desk.parts("queue")[0]).equals(QUEUE)


def test_what_is_logged_about_a_draw(make_desk):
    desk = set_queue(make_desk(articles(60)), reserve=0.2)
    plan_queue(desk)
    for part in ("ranked", "reserve"):
        rows = [row for row in queue(desk) if row.part == part]
        assert [row.draw for row in rows] == list(range(1, len(rows) + 1))
        assert [row.pool for row in rows] == list(range(len(rows), 0, -1))
        assert all(0 < row.probability <= 1 for row in rows)
        assert rows[-1].probability == 1
    total = 60
    for row in queue(desk):
        reserve_left = sum(other.part == "reserve" for other in queue(desk) if other.rank >= row.rank)
        assert row.reserve_chance == reserve_left / total
        total -= 1


def test_the_reserve_is_random_and_nothing_is_computed_for_it(make_desk):
    desk = set_queue(make_desk(articles(200)), reserve=0.25)
    plan_queue(desk)
    rows = [row for row in queue(desk) if row.part == "reserve"]
    assert {row.document_id for row in rows} == reserved(desk)
    assert 30 <= len(rows) <= 70
    assert all(row.value is None and row.uncertainty is None and row.rare_label == "" for row in rows)
    assert all(row.probability == 1 / row.pool for row in rows)
    halves = [sum(row.rank <= 100 for row in rows), sum(row.rank > 100 for row in rows)]
    assert min(halves) > 10, "evaluation labels arrive as work goes on"


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_reserve_and_nothing_but_reserve(make_desk, share):
    desk = set_queue(make_desk(articles(20)), reserve=share)
    plan = plan_queue(desk)
    assert (plan.ranked, plan.reserve) == ((20, 0) if share == 0 else (0, 20))
    assert len(reserved(desk)) == plan.reserve


def mean_rank(desk, test):
    said = {suggestion.annotations.document_id: suggestion for suggestion in suggestions(desk)}
    ranks = [row.rank for row in queue(desk) if test(said[row.document_id].annotations)]
    return sum(ranks) / len(ranks)


def test_doubt_comes_first(make_desk):
    desk = set_queue(make_desk(articles(200)), reserve=0.0, diversity=0.0, rare=0.0)
    said = list(suggestions(desk))
    unsure = {s.annotations.document_id for s in said[::2]}
    new = []
    for suggestion in said:
        score = 0.5 if suggestion.annotations.document_id in unsure else 0.99
        entities = tuple(dataclasses.replace(e, score=score) for e in suggestion.annotations.entities)
        stances = tuple(dataclasses.replace(s, score=score) for s in suggestion.annotations.stances)
        annotations = dataclasses.replace(suggestion.annotations, entities=entities, stances=stances)
        new.append(dataclasses.replace(suggestion, annotations=annotations))
    desk.write(Suggestion, "suggestions/list@1", "all", new)
    plan_queue(desk)
    assert mean_rank(desk, lambda said: said.document_id in unsure) < 80
    row = next(row for row in queue(desk) if row.document_id in unsure and row.uncertainty_stance is not None)
    assert row.uncertainty_entities == row.uncertainty_stance == 1.0


def test_rare_labels_come_first(make_desk):
    desk = set_queue(make_desk(articles(200)), reserve=0.0, uncertainty=0.0, diversity=0.0, rare=1.0)
    plan_queue(desk)
    rows = {row.document_id: row for row in queue(desk)}
    assert mean_rank(desk, lambda said: any(e.label == "TOLL" for e in said.entities)) < 90
    tolls = [s.annotations.document_id for s in suggestions(desk) if s.annotations.entities[0].label == "TOLL"]
    assert {rows[document].rare_label for document in tolls} <= {"TOLL", "GPE", "ORG", "PERSON", "stance 0"}


def test_new_words_come_first(make_desk):
    texts = articles(60) + [f"Number {n}\n\nThe army saw zebras, lions, otters, badgers and storks." for n in range(4)]
    desk = set_queue(make_desk(texts), reserve=0.0, uncertainty=0.0, diversity=1.0, rare=0.0)
    plan_queue(desk)
    rows = list(queue(desk))
    zoo = [row for row in rows if "zebras" in next(d.text for d in documents(desk) if d.id == row.document_id)]
    assert zoo[0].diversity > 0.5
    assert all(row.diversity < 0.2 for row in zoo[1:]), "the second of a kind is no news"
    assert zoo[0].rank < 20


# drawing, against the slow and obvious way


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 100), st.sets(st.integers(0, 12))), min_size=1, max_size=14),
    st.sets(st.integers(0, 12)),
)
def test_chances_are_exact_and_sum_to_one(given_documents, read):
    bases = np.array([base for base, _ in given_documents]) / 100
    word_sets = [sorted(words) for _, words in given_documents]
    starts = np.cumsum([0, *map(len, word_sets)])
    flat = np.array([word for words in word_sets for word in words], dtype=np.int32)
    words = drawing.Words(starts, flat, 13, np.array(sorted(read), dtype=np.int32))

    def weigh(places, news):
        return bases[places] * (0.1 + 0.9 * news)

    drawn = list(drawing.draw_all(weigh, words, len(bases), "salt"))
    assert sorted(draw.document for draw in drawn) == list(range(len(bases)))
    often = {word: sum(word in words for words in word_sets) for word in range(13)}
    worth = {word: max(1, round(1024 * np.log((1 + len(bases)) / often[word]))) for word in often if often[word] > 1}
    known = set(read)
    left = list(range(len(bases)))
    for draw in drawn:
        news = []
        for document in left:
            telling = [word for word in word_sets[document] if word in worth]
            fresh = sum(worth[word] for word in telling if word not in known)
            news.append(fresh / max(1, sum(worth[word] for word in telling)))
        weights = [max(1, int(bases[d] * (0.1 + 0.9 * n) * drawing.ONE)) for d, n in zip(left, news, strict=True)]
        place = left.index(draw.document)
        assert draw.pool == len(left)
        assert draw.news == pytest.approx(news[place])
        assert draw.probability == pytest.approx(weights[place] / sum(weights), abs=1e-8)
        known.update(word_sets[draw.document])
        left.remove(draw.document)


def test_a_lot_falls_evenly():
    counts = np.bincount([drawing.uniform(7, "even", number) for number in range(7000)], minlength=7)
    assert counts.min() > 880
    assert counts.max() < 1120


# growth


def test_a_place_once_given_stays(make_desk, grow_desk):
    desk = set_queue(make_desk(articles(30)), reserve=0.2)
    plan_queue(desk)
    first = list(queue(desk))
    before = parts_bytes(desk)
    assert plan_queue(desk).round == 0
    assert parts_bytes(desk) == before
    grow_desk(desk, articles(20, start=30))
    plan = plan_queue(desk)
    rows = list(queue(desk))
    assert rows[:30] == first
    assert (plan.round, plan.ranked + plan.reserve, plan.redrawn, plan.total) == (2, 20, 0, 50)
    assert [row.rank for row in rows] == list(range(1, 51))
    assert all((row.round, row.arrived, row.since) == (2, 2, 2) for row in rows[30:])
    assert sum(row.part == "ranked" for row in rows[30:]) == max(row.pool for row in rows[30:] if row.part == "ranked")


def test_a_redraw_moves_only_what_nobody_got(make_desk, grow_desk, work_on):
    desk = set_queue(make_desk(articles(30)), reserve=0.2)
    plan_queue(desk)
    first = list(queue(desk))
    work_on(desk, [first[9].document_id])
    grow_desk(desk, articles(10, start=30))
    plan = plan_queue(desk, redraw=True)
    rows = list(queue(desk))
    assert rows[:10] == first[:10]
    assert [row.rank for row in rows] == list(range(1, 41))
    assert len({row.document_id for row in rows}) == 40
    assert (plan.redrawn, plan.total) == (20, 40)
    assert {(row.round, row.since) for row in rows[10:]} == {(2, 1)}
    assert {row.arrived for row in rows[10:]} == {1, 2}
    sides = {row.document_id: row.part for row in first}
    assert all(sides.get(row.document_id, row.part) == row.part for row in rows)


def test_a_redraw_of_a_whole_round_leaves_none_of_it(make_desk):
    desk = make_desk(articles(10))
    plan_queue(desk)
    plan_queue(desk, redraw=True)
    assert [path.name for path in desk.parts("queue")] == ["part-0002.parquet"]
    assert [row.rank for row in queue(desk)] == list(range(1, 11))


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.data())
def test_nobody_changes_sides_however_copies_come(tmp_path_factory, sizes, data):
    """Documents arrive in any order into any clusters whose canonical one changes; sides stay."""
    desk = set_queue(init_desk(tmp_path_factory.mktemp("desk") / "desk"), reserve=0.4)
    present, sides = [], {}
    for number, size in enumerate(sizes):
        new = [make_document(f"Text {number} {i}") for i in range(size)]
        desk.write(Document, "articles", f"{number:04d}", new)
        present += [document.id for document in new]
        groups = data.draw(st.lists(st.integers(0, 3), min_size=len(present), max_size=len(present)))
        members = {group: [d for d, g in zip(present, groups, strict=True) if g == group] for group in groups}
        heads = {group: data.draw(st.sampled_from(ids)) for group, ids in members.items()}
        rows = [Cluster(d, heads[g], heads[g], "near", 1.0) for d, g in zip(present, groups, strict=True)]
        desk.write(Cluster, "clusters", "all", rows)
        sample = reserved(desk)
        for document, side in sides.items():
            assert (document in sample) == side
        for ids in members.values():
            if not any(document in sides for document in ids):
                assert len({document in sample for document in ids}) == 1, "copies are on one side"
        shown = data.draw(st.sets(st.sampled_from(present)))
        reserve.settle_sides(desk, shown)
        sides |= {document: document in sample for document in shown if document not in sides}


def test_a_copy_of_a_ranked_document_is_never_reserved(make_desk, grow_desk):
    desk = set_queue(make_desk(articles(40)), reserve=0.5)
    plan_queue(desk)
    ranked = [row.document_id for row in queue(desk) if row.part == "ranked"]
    new = grow_desk(desk, articles(len(ranked), start=40))
    pairs = list(zip(ranked, [document.id for document in new], strict=True))
    # the newcomers were published earlier: each is now the canonical one
    rows = [Cluster(old, late, late, "near", 0.9) for old, late in pairs]
    desk.write(Cluster, "clusters", "all", rows + [Cluster(late, late, late, "canonical", 1.0) for _, late in pairs])
    assert reserved(desk).isdisjoint({late for _, late in pairs} | set(ranked))
    assert plan_queue(desk).round == 0, "of copies one is enough"


def test_other_settings_move_nobody_who_has_a_place(make_desk, grow_desk):
    desk = set_queue(make_desk(articles(30)), reserve=0.5)
    plan_queue(desk)
    before = reserved(desk)
    desk = set_queue(desk, reserve=0.0, salt="other")
    assert reserved(desk) == before
    new = {document.id for document in grow_desk(desk, articles(10, start=30))}
    assert reserved(desk).isdisjoint(new)


def test_the_share_is_about_what_was_asked(make_desk):
    desk = set_queue(make_desk(articles(1000)), reserve=0.1)
    assert 70 <= len(reserved(desk)) <= 130


# odd desks


def test_a_desk_without_suggestions(tmp_path):
    desk = init_desk(tmp_path / "desk")
    assert plan_queue(desk).suggested == 0
    assert list(queue(desk)) == []
    assert reserved(desk) == frozenset()
    assert not desk.parts("queue")


def test_one_document(make_desk):
    desk = set_queue(make_desk(articles(1)), reserve=0.0)
    plan_queue(desk)
    (row,) = queue(desk)
    assert (row.rank, row.pool, row.probability) == (1, 1, 1.0)


def test_documents_in_which_nothing_was_found(make_desk):
    desk = set_queue(make_desk([f"Nothing here {chr(97 + n)}." for n in range(5)]), reserve=0.0)
    plan_queue(desk)
    assert [row.rare_label for row in queue(desk)] == [""] * 5
    assert all(row.uncertainty == 0.5 and row.uncertainty_entities is None for row in queue(desk))


def test_settings_that_ask_for_nothing_draw_evenly(make_desk):
    desk = set_queue(make_desk(articles(20)), reserve=0.0, uncertainty=0.0, diversity=0.0, rare=0.0)
    plan_queue(desk)
    assert [row.probability for row in queue(desk)] == pytest.approx([1 / n for n in range(20, 0, -1)])


def test_what_was_worked_on_gets_no_place(make_desk, work_on):
    desk = make_desk(articles(12))
    ids = [document.id for document in documents(desk)]
    work_on(desk, ids[:5])
    assert plan_queue(desk).total == 7
    work_on(desk, ids)
    assert plan_queue(desk).round == 0
    standing = queue_standing(desk)
    assert (standing.ranked + standing.reserve, standing.ranked_done + standing.reserve_done) == (7, 7)


def test_all_annotated_before_the_first_plan(make_desk, work_on):
    desk = make_desk(articles(5))
    work_on(desk, [document.id for document in documents(desk)])
    plan = plan_queue(desk)
    assert (plan.suggested, plan.total) == (5, 0)


def test_a_damaged_queue_is_named(make_desk):
    desk = make_desk(articles(5))
    plan_queue(desk)
    (desk.path / "queue" / "kept.json").write_text('{"given": 0, "sides": {"a": "left"}}', encoding="utf-8")
    with pytest.raises(DeskError, match="the record of the reserved sample is damaged: no side 'left'"):
        reserved(desk)
    desk.parts("queue")[0].write_bytes(b"PAR1")
    with pytest.raises(DeskError, match="not a readable Parquet file"):
        list(queue(desk))
    desk.write_table("queue", "0001", pa.table({"document_id": ["a"]}))
    with pytest.raises(DeskError, match="another version of copydesk"):
        list(queue(desk))


# what people get


@pytest.fixture
def push_now(naps, monkeypatch, module):
    monkeypatch.setattr(module("push"), "BATCH", 5)
    return functools.partial(push, sleep=naps.append)


def offered(fake):
    """Return the documents in the order in which the server would offer them: by score."""
    scores = {prediction["task"]: prediction["score"] for prediction in fake.predictions.values()}
    return [fake.tasks[task]["data"]["document_id"] for task in sorted(scores, key=scores.get)]


def test_tasks_are_made_and_offered_in_the_order_of_the_queue(fake_studio, make_desk, push_now):
    desk = make_desk(articles(23))
    plan_queue(desk)
    order = [row.document_id for row in queue(desk)]
    assert push_now(desk).created == 23
    assert [task["data"]["document_id"] for task in fake_studio.tasks.values()] == order
    assert offered(fake_studio) == order
    assert all(0 < prediction["score"] < 1 for prediction in fake_studio.predictions.values())


def test_nobody_is_told_what_is_reserved(fake_studio, make_desk, push_now):
    desk = set_queue(make_desk(articles(12)), reserve=0.5)
    plan_queue(desk)
    push_now(desk)
    names = {name for task in fake_studio.tasks.values() for name in task["data"]}
    assert names == {
        "text", "copydesk_key", "document_id", "sha256", "title", "outlet", "url", "published", "scheme",
        "scheme_digest", "layers", "layout", "focus",
    }  # fmt: skip


def test_only_the_next_few_are_pushed(fake_studio, make_desk, push_now):
    desk = make_desk(articles(12))
    plan_queue(desk)
    order = [row.document_id for row in queue(desk)]
    first = push_now(desk, limit=5)
    assert (first.created, first.already) == (5, 0)
    assert offered(fake_studio) == order[:5]
    second = push_now(desk, limit=3)
    assert (second.created, second.already) == (3, 5)
    assert offered(fake_studio) == order[:8]
    assert push_now(desk).created == 4
    assert push_now(desk, limit=5).created == 0


def test_a_limit_needs_a_queue(fake_studio, make_desk, push_now):
    with pytest.raises(DeskError, match="no queue is planned") as error:
        push_now(make_desk(articles(3)), limit=2)
    assert "copydesk queue --plan" in str(error.value)


def test_what_was_pushed_keeps_its_place_when_the_rest_is_drawn_anew(fake_studio, make_desk, push_now, suggest_anew):
    desk = make_desk(articles(20))
    plan_queue(desk)
    first = list(queue(desk))
    push_now(desk, limit=5)
    suggest_anew(desk, "2")
    assert plan_queue(desk, redraw=True).redrawn == 15
    rows = list(queue(desk))
    assert rows[:5] == first[:5]
    assert {row.pipeline for row in rows[5:]} == {"list@2"}
    assert push_now(desk).predictions_updated == 5
    assert offered(fake_studio) == [row.document_id for row in rows]
    assert {prediction["model_version"] for prediction in fake_studio.predictions.values()} == {"list@2"}


def test_tasks_of_a_time_before_the_queue_get_their_ranks(fake_studio, make_desk, push_now):
    desk = make_desk(articles(12))
    push_now(desk)
    touched = next(iter(fake_studio.tasks.values()))
    fake_studio.annotate(touched["id"], [])
    plan_queue(desk)
    assert push_now(desk).predictions_updated == 11
    order = [row.document_id for row in queue(desk) if row.document_id != touched["data"]["document_id"]]
    assert [document for document in offered(fake_studio) if document in order] == order
    assert push_now(desk).predictions_updated == 0


def test_what_the_queue_does_not_rank_comes_behind(fake_studio, make_desk, push_now, grow_desk):
    desk = make_desk(articles(6))
    plan_queue(desk)
    grow_desk(desk, articles(4, start=6))
    assert push_now(desk, limit=20).created == 6
    assert push_now(desk).created == 4


def test_killed_after_it_was_begun_a_push_has_given_what_it_began(fake_studio, make_desk, push_now):
    desk = make_desk(articles(12))
    plan_queue(desk)
    first = list(queue(desk))
    fake_studio.fail("POST", "/import$", 502, times=99)
    with pytest.raises(StudioError):
        push_now(desk, limit=8)
    plan_queue(desk, redraw=True)
    assert list(queue(desk))[:8] == first[:8]


def test_a_pull_settles_the_side_of_what_was_annotated_without_a_queue(fake_studio, make_desk, push_now):
    desk = set_queue(make_desk(articles(12)), reserve=0.5)
    push_now(desk)
    sample = reserved(desk)
    some = list(fake_studio.tasks.values())[:5]
    for task in some:
        fake_studio.annotate(task["id"], [])
    pull(desk)
    ids = {task["data"]["document_id"] for task in some}
    assert set(reserve.kept(desk).sides) == ids
    assert reserved(set_queue(desk, reserve=0.0)) == ids & sample


@pytest.mark.studio
def test_a_real_server_offers_the_order_of_the_queue_to_several_people(studio_desk, suggest_anew):
    desk = set_queue(studio_desk(articles(14)), reserve=0.3)
    plan_queue(desk)
    order = [row.document_id for row in queue(desk)]
    project = push(desk, limit=6).project_id
    names = ("ana", "bo")
    people = [client.connect_as(desk, add_annotator(desk, name).email) for name in names]

    def take(person):
        task = person.send("POST", "/api/dm/actions", {}, id="next_task", project=project)
        person.send("POST", f"/api/tasks/{task['id']}/annotations/", {"result": []})
        return task["data"]["document_id"]

    assert [take(person) for person in people * 2] == order[:4]
    # two are left of the first six: a new model and more tasks change nothing about what is next
    suggest_anew(desk, "2")
    assert push(desk, limit=4).created == 4
    assert [take(person) for person in people * 3] == order[4:10]
    assert pull(desk).added == 10
    standing = queue_standing(desk)
    assert standing.ranked_done + standing.reserve_done == 10
    assert plan_queue(desk, redraw=True).redrawn == 4
    assert [row.document_id for row in queue(desk)][:10] == order[:10]
