from __future__ import annotations

import importlib
import itertools
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import connect, find_projects, make_project, push
from copydesk.corpus import Desk, Settings
from copydesk.schemas import RESERVED_HOTKEYS, SchemeError, StudioError, config_layers, load_scheme

SCHEME = load_scheme()
project = importlib.import_module("copydesk.annotate.project")


def selectable():
    """Return every subset of the layers that can be selected, those that are off by default included."""
    names = [layer.id for layer in SCHEME.layers]
    found = []
    for size in range(1, len(names) + 1):
        for layers in itertools.combinations(names, size):
            try:
                found.append(SCHEME.select(list(layers)))
            except SchemeError:
                continue
    return found


SUBSETS = selectable()
ids = st.sampled_from(SUBSETS)


def keys_of(config):
    return [e.attrib["hotkey"] for e in ElementTree.fromstring(config).iter() if "hotkey" in e.attrib]


def test_many_subsets_can_be_selected():
    assert len(SUBSETS) >= 15


@settings(deadline=None, max_examples=60)
@given(ids, st.sampled_from(["document", "focus"]))
def test_no_two_things_on_a_screen_have_one_key(scheme, layout):
    if layout == "focus" and not scheme.stance_targets:
        return
    keys = [key for key in keys_of(project.project_config(scheme, layout)) if not key.startswith("f1")]
    assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)
    assert not RESERVED_HOTKEYS & set(keys)
    assert all(re.fullmatch(r"(shift\+)?[a-z0-9]", key) for key in keys)


@settings(deadline=None, max_examples=60)
@given(ids)
def test_a_config_says_its_layers(scheme):
    assert sorted(config_layers(project.project_config(scheme, "document"))) == project.layers_of(scheme).split("+")


@settings(deadline=None, max_examples=100)
@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,49}", fullmatch=True), ids, st.sampled_from(["document", "focus"]))
def test_every_title_fits_the_server(name, scheme, layout):
    desk = SimpleNamespace(settings=Settings(name=name), scheme=lambda: SCHEME)
    title = project.project_title(desk, project.layers_of(scheme), layout)
    assert 3 <= len(title) <= 50
    assert title == title.strip()


def test_titles_tell_projects_apart(make_desk):
    title = project.project_title
    desk = make_desk()
    assert title(desk) == "desk"
    assert title(desk, "attribution+entities+stance") == "desk"
    assert title(desk, "entities+stance") == "desk (entities+stance)"
    assert title(desk, "entities+stance", "focus") == "desk (entities+stance, focus)"


def test_one_project_for_each_set_of_layers_and_layout(fake_studio, make_desk):
    desk = make_desk()
    main, new = make_project(desk)
    assert new
    some, new = make_project(desk, layers=["stance", "entities"])
    assert new
    assert make_project(desk, layers=["entities", "stance"]) == (some, False)
    focus, _ = make_project(desk, layout="focus")
    assert {p["title"] for p in fake_studio.projects.values()} == {
        "desk", "desk (entities+stance)", "desk (entities+stance, focus)",
    }  # fmt: skip
    assert [p.id for p in find_projects(connect(desk), desk)] == [main.id, some.id, focus.id]
    assert [(p.layers, p.layout) for p in find_projects(connect(desk), desk)] == [
        ("attribution+entities+stance", "document"), ("entities+stance", "document"), ("entities+stance", "focus"),
    ]  # fmt: skip
    assert push(desk).project_id == main.id


def test_a_note_of_an_older_copydesk_is_read(fake_studio, make_desk):
    desk = make_desk()
    main, _ = make_project(desk)
    other, _ = make_project(desk, layers=["entities"])
    state = desk.path / "state.json"
    state.unlink()
    desk.note("studio", {fake_studio.url: str(main.id)})
    assert make_project(desk) == (main, False)
    state.unlink()
    desk.note("studio", {fake_studio.url: str(other.id)})  # the settings had other layers then
    assert make_project(desk)[0].id == main.id
    assert make_project(desk, layers=["entities"])[0].id == other.id


def test_another_desk_with_a_longer_name_is_another(fake_studio, make_desk):
    longer, _ = make_project(make_desk(name="desk-2"))
    assert make_project(make_desk(name="desk"))[1]
    assert len(fake_studio.projects) == 2
    assert fake_studio.projects[longer.id]["title"] == "desk-2"


def test_layers_that_do_not_go_together(fake_studio, make_desk):
    desk = make_desk()
    with pytest.raises(SchemeError, match="the layer 'stance' needs the layer 'entities'"):
        make_project(desk, layers=["stance"], layout="document")
    with pytest.raises(SchemeError, match="has no layer 'weather'"):
        make_project(desk, layers=["weather"])
    with pytest.raises(SchemeError, match="the focus layout asks for the stance"):
        make_project(desk, layers=["entities"], layout="focus")
    assert fake_studio.projects == {}


def test_stance_alone_is_one_task_per_mention(fake_studio, make_desk):
    desk = make_desk()
    made, new = make_project(desk, layers=["stance"])
    assert (made.layers, made.layout, new) == ("entities+stance", "focus", True)
    assert make_project(desk, layers=["stance"])[1] is False


def test_annotators_are_shown_definitions_and_examples(fake_studio, make_desk):
    made, _ = make_project(make_desk())
    raw = fake_studio.projects[made.id]
    assert raw["show_instruction"] is True
    assert "<b>ARMED_ACTOR</b>" in raw["expert_instruction"]
    assert "LOADED" not in raw["expert_instruction"]


def test_an_instruction_that_somebody_wrote_stays(fake_studio, make_desk):
    desk = make_desk()
    made, _ = make_project(desk)
    raw = fake_studio.projects[made.id]
    raw["expert_instruction"] = "<p>Ask Ina before you mark a toll.</p>"
    make_project(desk)
    assert raw["expert_instruction"] == "<p>Ask Ina before you mark a toll.</p>"
    raw["expert_instruction"] = ""
    make_project(desk)
    assert "<b>ARMED_ACTOR</b>" in raw["expert_instruction"]


def test_a_changed_config_is_named_label_by_label(fake_studio, make_desk):
    desk = make_desk()
    made, _ = make_project(desk, layers=["entities"])
    raw = fake_studio.projects[made.id]
    raw["label_config"] = re.sub(r'<Label value="GPE"[^>]*/>', '<Label value="PLACE"/>', raw["label_config"])
    with pytest.raises(StudioError) as error:
        make_project(desk, layers=["entities"])
    assert "Label GPE of entities is missing" in str(error.value)
    assert "Label PLACE of entities is not in the scheme" in str(error.value)


def test_the_desk_keeps_every_scheme_it_pushed(fake_studio, make_desk):
    desk = make_desk()
    make_project(desk)
    make_project(desk)
    kept = list((desk.path / "schemes").iterdir())
    assert [path.name for path in kept] == [f"conflict-news-1.0.0-{SCHEME.digest[:12]}.json"]


def test_other_layers_in_the_settings_are_another_project(fake_studio, make_desk):
    desk = make_desk()
    main, _ = make_project(desk)
    settings = desk.path / "copydesk.toml"
    text = settings.read_text()
    studio = text.index("[studio]")
    settings.write_text(text[:studio] + text[studio:].replace('["entities", "attribution", "stance"]', '["entities"]'))
    other, new = make_project(Desk(desk.path))
    assert new
    assert other.id != main.id
    assert {p.id for p in find_projects(connect(desk), desk)} == {main.id, other.id}


STRANGERS = (
    '<View><Labels name="kind" toName="words"><Label value="A"/></Labels><Text name="words" value="$text"/></View>'
)


def set_up_anew(fake):
    """Lose everything on a server, which then counts from one again."""
    for things in (fake.projects, fake.tasks, fake.predictions, fake.annotations):
        things.clear()
    fake._last = 0


@pytest.mark.parametrize("made", ["", "2026-01-02T03:04:05Z"], ids=["no moment noted", "the moment noted"])
def test_our_number_on_a_strangers_project_is_a_lost_project(fake_studio, make_desk, made):
    desk = make_desk()
    number, config = push(desk).project_id, {"title": "Theirs", "label_config": STRANGERS, "created_at": "2026-05-05"}
    if made:
        fake_studio.projects[number]["created_at"] = made
        make_project(desk)
        assert desk.done("studio projects", f"{fake_studio.url} {number}") == made
    theirs = fake_studio.projects[number] = {**fake_studio.projects[number], **config, "expert_instruction": ""}
    before = dict(theirs)
    done = push(desk, reset_config=True)
    assert (done.created, theirs) == (4, before)
    assert done.project_id != number
    assert [project.id for project in find_projects(connect(desk), desk)] == [done.project_id]
    assert push(desk).project_id == done.project_id


def test_one_desk_does_not_push_into_anothers_project(fake_studio, make_desk):
    first = make_desk(name="first")
    push(first)
    push(first, layers=["stance"])
    set_up_anew(fake_studio)
    second = make_desk(name="second")
    theirs = push(second).project_id
    ours = push(first).project_id
    assert {fake_studio.projects[number]["title"] for number in (ours, theirs)} == {"first", "second"}
    assert fake_studio.projects[ours]["title"] == "first"
    assert {project.id for project in find_projects(connect(first), first)} == {ours}
    assert (push(first).project_id, push(second).project_id) == (ours, theirs)


def test_a_number_given_to_another_project_of_the_desk_is_that_ones(fake_studio, make_desk):
    desk = make_desk()
    document, focus = make_project(desk)[0], make_project(desk, layers=["stance"])[0]
    set_up_anew(fake_studio)
    again = [make_project(desk, layers=["stance"])[0], make_project(desk)[0]]  # in the other order
    assert [project.id for project in again] == [document.id, focus.id]
    for _ in range(2):
        assert make_project(desk, layers=["stance"]) == (again[0], False)
        assert make_project(desk) == (again[1], False)
    assert len(fake_studio.projects) == 2


def test_a_project_keeps_its_place_under_another_title_and_config(fake_studio, make_desk):
    desk = make_desk()
    made, _ = make_project(desk)
    fake_studio.projects[made.id]["created_at"] = "2026-01-02T03:04:05Z"
    make_project(desk)
    fake_studio.projects[made.id] |= {"title": "Our spring", "label_config": STRANGERS}
    with pytest.raises(StudioError, match="the labelling config of project 'Our spring' is not the scheme's"):
        make_project(desk)
    assert make_project(desk, reset_config=True)[0].id == made.id
    assert [project.title for project in find_projects(connect(desk), desk)] == ["Our spring"]


def test_a_note_without_a_moment_gets_it_once_the_project_is_found(fake_studio, make_desk):
    desk = make_desk()
    made, _ = make_project(desk)
    assert desk.done("studio projects", f"{fake_studio.url} {made.id}") is None
    fake_studio.projects[made.id]["created_at"] = "2026-01-02T03:04:05Z"
    assert make_project(desk)[0].id == made.id
    assert desk.done("studio projects", f"{fake_studio.url} {made.id}") == "2026-01-02T03:04:05Z"
