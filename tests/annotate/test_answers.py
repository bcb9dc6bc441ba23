"""What a live backend says of a task that is opened, and of a mention that is marked."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import push, suggest
from copydesk.corpus import Desk, documents
from copydesk.schemas import Document, Origin, Suggestion

TEXT = (
    "Rebels hit Qasr 🇺🇦\n\nThe army 👨‍👩‍👧 said Qasr fell. قوات in Qasr's port; Qasrabad held, Qasr  Army and "
    "Qasr Army ete\u0301 wait.\n\nThe army left Qasr."
)


@pytest.fixture
def answers(module):
    return module("answers").Answers


@pytest.fixture
def on_server(fake_studio):
    """Push a desk and return its tasks as a server sends them to a backend, suggestions taken away."""

    def tasks(desk):
        push(desk)
        found = [
            {"id": task["id"], "data": task["data"], "annotations": [], "predictions": []}
            for task in fake_studio.tasks.values()
        ]
        return copy.deepcopy(found)

    return tasks


def shown(fake_studio, task):
    rows = [p for p in fake_studio.predictions.values() if p["task"] == task["id"]]
    return [{name: row[name] for name in ("model_version", "score", "result")} for row in rows]


def set_arms(desk, **arms):
    path = desk.path / "copydesk.toml"
    lines = "\n".join(f"{name} = {value}" for name, value in arms.items())
    head, _, rest = path.read_text(encoding="utf-8").partition("[arms]")
    rest = rest[rest.index("\n[") :] if "\n[" in rest else ""
    path.write_text(f"{head}[arms]\n{lines}\n{rest}", encoding="utf-8")
    return Desk(desk.path)


@pytest.mark.parametrize("arms", [{}, {"blind": 1.0}, {"decoy": 1.0}])
@pytest.mark.parametrize("layout", ["document", "focus"])
def test_it_says_what_push_says(make_desk, fake_studio, on_server, answers, arms, layout):
    desk = make_desk()
    path = desk.path / "copydesk.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('layout = "document"', f'layout = "{layout}"'))
    desk = set_arms(desk, **arms)
    tasks = on_server(desk)
    said = answers(desk).predict(tasks)
    for task, predictions in zip(tasks, said, strict=True):
        assert [dict(p) for p in predictions] == shown(fake_studio, task)
    if "blind" in arms and layout == "document":
        assert all(prediction["result"] == [] for predictions in said for prediction in predictions)
    elif layout == "document":
        assert any(prediction["result"] for predictions in said for prediction in predictions)


def test_a_decoy_is_one_whatever_the_shares_are_now(make_desk, fake_studio, on_server, answers):
    desk = make_desk()
    honest = answers(desk).predict(on_server(desk))
    decoys = make_desk(name="decoys")
    tasks = on_server(set_arms(decoys, decoy=1.0))[len(honest) :]
    said = answers(set_arms(decoys, decoy=0.0)).predict(tasks)
    assert [dict(p) for (p,) in said] == [shown(fake_studio, task)[0] for task in tasks]
    assert said != honest


def changes():
    yield "no task", lambda task: []
    yield "no data", lambda task: {"id": 1}
    yield "a number for a key", lambda task: with_data(task, copydesk_key=7)
    yield "another text", lambda task: with_data(task, text=task["data"]["text"] + " ")
    yield "another hash", lambda task: with_data(task, sha256="0" * 64)
    yield "no document of ours", lambda task: with_data(task, document_id="0" * 16)
    yield "another's key", lambda task: with_data(task, copydesk_key="x/" + task["data"]["copydesk_key"])
    yield (
        "an older scheme",
        lambda task: with_data(task, copydesk_key=task["data"]["copydesk_key"].replace("-1.0", "-0.9")),
    )
    yield (
        "a guessed arm",
        lambda task: with_data(task, copydesk_key="/".join([*task["data"]["copydesk_key"].split("/")[:3], "0" * 12])),
    )
    yield "no such layer", lambda task: with_data(task, layers="entities+spells")
    yield "nested layers", lambda task: with_data(task, layers=["entities"])
    yield "annotated", lambda task: {**task, "annotations": [{"id": 1}]}


def with_data(task, **more):
    return {**task, "data": {**task["data"], **more}}


@pytest.mark.parametrize(("what", "change"), list(changes()))
def test_nothing_is_said_of(make_desk, on_server, answers, what, change):
    desk = make_desk()
    tasks = on_server(desk)
    said = answers(desk).predict([change(tasks[0]), tasks[1]])
    assert said[0] == []
    assert len(said[1]) == 1


def test_a_desk_that_never_suggested_lets_its_pipeline_read(
    make_desk, on_server, answers, by_list, monkeypatch, module
):
    desk = make_desk()
    tasks = on_server(desk)
    state = desk.path / "state.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "pipeline": {}}).replace(', "pipeline": {}', ""))
    loaded = []

    class Live:
        def suggest(self, pairs):
            return (by_list(document, Origin("model", "live", "9")) for document, _ in pairs)

    monkeypatch.setattr(
        module("answers"), "announce", lambda desk: (Origin("model", "live", "9"), lambda: loaded.append(1) or Live())
    )
    live = answers(desk)
    assert (live.model_version, live.reads, loaded) == ("live@9", True, [])
    said = live.predict(tasks)
    assert [len(one) for one in said] == [1] * 4
    assert {one[0]["model_version"] for one in said} == {"live@9"}
    assert loaded == [1]


def test_it_reads_nothing_by_another_pipeline_than_the_others_were_made_by(make_desk, on_server, answers, module):
    desk = make_desk()
    tasks = on_server(desk)
    first = next(documents(desk))
    part = next((desk.path / "suggestions" / "list@1").iterdir())
    kept = [s for s in desk.read_part(Suggestion, part) if s.annotations.document_id != first.id]
    desk.write(Suggestion, "suggestions/list@1", "all", kept)
    live = answers(desk)
    assert (live.model_version, live.reads) == ("list@1", False)
    assert [len(one) for one in live.predict(tasks)] == [0, 1, 1, 1]


def test_a_new_pipeline_answers_at_once(make_desk, on_server, answers, suggest_anew):
    desk = make_desk()
    tasks = on_server(desk)
    live = answers(desk)
    suggest_anew(desk, "2")
    assert live.model_version == "list@2"
    assert {one[0]["model_version"] for one in live.predict(tasks)} == {"list@2"}


# what is offered


@pytest.fixture
def marked(make_desk, on_server, answers):
    """A task, what answers for it, and how to mark something in it."""
    desk = make_desk([TEXT])
    (task,) = on_server(desk)
    live = answers(desk)

    def mark(words, label="GPE", more=(), **also):
        start = TEXT.index(words)
        value = {"start": start, "end": start + len(words), "text": "nonsense", "labels": [label]}
        row = {"id": "mine", "from_name": "entities", "to_name": "text", "type": "labels", "value": value}
        (said,) = live.predict([{**task, **also}], {"result": [row, *more]})
        return said["result"]

    return mark


def words(rows):
    return [(row["value"]["start"], row["value"]["text"], row["value"]["labels"]) for row in rows]


def test_the_same_words_are_offered_wherever_they_stand(marked):
    places = [i for i in range(len(TEXT)) if TEXT.startswith("Qasr", i) and not TEXT.startswith("Qasrabad", i)]
    assert words(marked("Qasr")) == [(start, "Qasr", ["GPE"]) for start in places[1:]]
    assert words(marked(" Qasr ")) == words(marked("Qasr"))
    assert words(marked("Qasr  Army", "ARMED_ACTOR")) == [(TEXT.index("Qasr Army"), "Qasr Army", ["ARMED_ACTOR"])]
    assert len({row["id"] for row in marked("Qasr")}) == len(places) - 1


def test_what_stands_already_is_not_offered_again(marked):
    offered = marked("Qasr")
    draft = {"drafts": [{"result": offered[:2]}], "predictions": [{"result": offered}]}
    assert words(marked("Qasr", **draft)) == words(offered[2:])
    assert words(marked("Qasr", annotations=[{"result": offered[1:]}])) == words(offered[:1])
    # another label of the same layer stands there: somebody has decided
    other = copy.deepcopy(offered[0])
    other["value"]["labels"] = ["FACILITY"]
    assert words(marked("Qasr", drafts=[{"result": [other]}])) == words(offered[1:])


def test_what_a_person_took_away_does_not_come_back_with_the_next_mention(marked):
    """The screen sends every region of the new one's label: here the first mark, one offer that was kept, the new one."""
    first, *offers = [{**row, "origin": "manual"} for row in marked("Qasr")]
    drawn = {**first, "id": "drawn by hand"}
    start = TEXT.index("army")
    fresh = {"id": "fresh", "from_name": "entities", "type": "labels", "origin": "manual"}
    fresh["value"] = {"start": start, "end": start + 4, "labels": ["GPE"]}
    assert words(marked("Qasr", more=[drawn, offers[0], fresh])) == [(TEXT.rindex("army"), "army", ["GPE"])]
    # an answer to a suggestion is no new mention
    assert words(marked("Qasr", more=[{**fresh, "origin": "prediction"}])) == words(marked("Qasr"))


def test_nothing_is_offered_inside_what_stands(marked):
    start = TEXT.index("Qasr Army")
    longer = {"id": "longer", "from_name": "entities", "type": "labels"}
    longer["value"] = {"start": start, "end": start + 9, "labels": ["ARMED_ACTOR"]}
    offered = words(marked("Qasr"))
    assert (start, "Qasr", ["GPE"]) in offered
    assert words(marked("Qasr", predictions=[{"result": [longer]}])) == [it for it in offered if it[0] != start]


def test_what_was_answered_about_a_mention_is_offered_with_it(marked):
    place = {"start": TEXT.index("Qasr"), "end": TEXT.index("Qasr") + 4}
    more = [
        {"id": "mine", "from_name": "gpe_role", "type": "choices", "value": {**place, "choices": ["actor"]}},
        {"id": "mine", "from_name": "polarity", "type": "choices", "value": {**place, "choices": ["-2"]}},
        {"id": "other", "from_name": "partially_recognised", "type": "choices", "value": {"choices": ["true"]}},
    ]
    rows = marked("Qasr", more=more)
    assert {row["from_name"] for row in rows} == {"entities", "gpe_role"}
    assert all(row["value"]["choices"] == ["actor"] for row in rows if row["from_name"] == "gpe_role")
    more[0]["value"]["choices"] = ["king"]
    assert {row["from_name"] for row in marked("Qasr", more=more)} == {"entities"}
    more[0]["value"]["choices"] = [["actor"]]
    assert {row["from_name"] for row in marked("Qasr", more=more)} == {"entities"}


@pytest.mark.parametrize("label", ["SOURCE", "CONTENT", "EVIDENCE", "STANCE", "WEAPONRY", ""])
def test_only_mentions_are_offered(marked, label):
    assert marked("Qasr", label) == []


def test_nothing_is_offered_where_nothing_is_shown(make_desk, on_server, answers):
    desk = set_arms(make_desk([TEXT]), blind=1.0)
    (task,) = on_server(desk)
    value = {"start": 11, "end": 15, "labels": ["GPE"]}
    (said,) = answers(desk).predict([task], {"result": [{"id": "x", "value": value}]})
    assert said == {"model_version": "list@1", "result": []}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats() | st.sampled_from(["GPE", "labels", "", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["result", "value", "labels", "start", "end", "id", "from_name", "choices", "number", "data", "drafts", "text"]
    ), inner, max_size=6),
    max_leaves=25,
)  # fmt: skip


@pytest.fixture(scope="session")
def hostile(tmp_path_factory, new_document, scheme):
    import importlib

    from copydesk.annotate import encode
    from copydesk.corpus import init_desk

    desk = init_desk(tmp_path_factory.mktemp("hostile") / "desk")
    document = new_document(TEXT)
    desk.write(Document, "articles", "0000", [document])
    desk.note("pipeline", {"name": "list", "version": "1"})
    shown = scheme.select(list(desk.settings.studio.layers))
    task = {"id": 1, "data": dict(encode(document, None, shown)["data"])}
    return importlib.import_module("copydesk.annotate.answers").Answers(desk), task


@settings(deadline=None, max_examples=200)
@given(context=st.dictionaries(st.just("result"), JSON), more=JSON, regions=st.lists(JSON, max_size=3))
def test_no_request_breaks_it_or_gets_words_that_are_not_there(hostile, context, more, regions):
    live, task = hostile
    value = {"start": 11, "end": 15, "labels": ["GPE"]}
    context = {"result": [{"id": "x", "value": value}, *regions]} if regions else context
    extra = more if isinstance(more, dict) else {"drafts": more, "annotations": more, "predictions": more}
    (said,) = live.predict([{**extra, **task}], context)
    for row in said["result"]:
        start, end = row["value"]["start"], row["value"]["end"]
        assert row["value"]["text"] == TEXT[start:end] != ""
    live.predict([more, {"data": more}, {"data": {**task["data"], **extra}}])


def test_the_real_pipeline_reads_now_what_it_had_not_read(make_desk, on_server, answers):
    desk = make_desk()
    settings = desk.path / "copydesk.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('engine = "processes"', 'engine = "serial"'))
    desk = Desk(desk.path)
    pipeline = suggest(desk).pipeline
    tasks = on_server(desk)
    live = answers(desk)
    assert live.reads
    stored = live.predict(tasks)
    table = f"suggestions/{pipeline.name}@{pipeline.version}"
    (part,) = desk.parts(table)
    kept = list(desk.read_part(Suggestion, part))[1:]
    desk.write(Suggestion, table, part.stem.removeprefix("part-"), kept)
    assert len(stored) == len(tasks) > len(kept)
    assert live.predict(tasks) == stored
