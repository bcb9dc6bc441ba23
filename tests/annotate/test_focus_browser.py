"""Both layouts in the real front end: the same pass over the same mentions says the same, and what it costs is counted."""

from __future__ import annotations

import pytest
from conftest import make_document
from screen import log_in
from stance_pass import document_pass, drag, focus_pass, make_project

from copydesk.annotate import connect, decode, encode, own_account
from copydesk.schemas import OUTLET, Annotations, Entity, Origin, Span, Stance, Suggestion, focus_scheme

pytestmark = [pytest.mark.studio, pytest.mark.browser]

ME = Origin("person", "ana")
MODEL = Origin("model", "list", "1")
TEXT = (
    "Fire 🔥 near Qasr 👨‍👩‍👧‍👦\n\n"
    "The army 🇺🇦 said  “قوات الجيش are cowards” on Monday 👍🏽 and x\u0323\u0307y near Київ the rebels fired 𝔄𝔅 rockets.\n\n"
    "A gang, Ina Vale of the Relief Union said of the rebels;\u00a0<b>Orlo</b> &amp; the militia 1️⃣ denied it."
)
LABELS = {
    "army": "ARMED_ACTOR", "قوات الجيش": "ARMED_ACTOR", "rebels": "ARMED_ACTOR", "Ina Vale": "PERSON",
    "Relief Union": "ORG", "Orlo": "PERSON", "militia": "ARMED_ACTOR", "Monday": "TIME",
}  # fmt: skip
WANTED = {"army": "0", "قوات الجيش": "-2", "rebels": "mixed", "Ina Vale": "0", "Relief Union": "+1", "Orlo": "0", "militia": "-1"}  # fmt: skip


@pytest.fixture
def screen(browser, studio_home):
    page = browser.new_page(viewport={"width": 1500, "height": 1000})
    page.set_default_timeout(120_000)
    yield page, own_account(studio_home)
    page.close()


def suggested(document):
    """Suggest every word of the list, neutral in the outlet's voice but for one."""
    entities, stances = [], []
    for words, label in LABELS.items():
        start = document.text.index(words)
        entities.append(Entity(f"m{start}", Span.of(document, start, start + len(words)), label, MODEL, score=0.5))
    for entity in entities[:-1]:
        holder = entities[0].id if entity.span.text == "قوات الجيش" else OUTLET
        stances.append(Stance(entity.id, holder, "0", MODEL, (), "", 0.5))
    said = Annotations(document.id, document.sha256, tuple(entities), (), tuple(stances))
    return Suggestion(said, MODEL, (), 0.5)


def said_by(client, project, module, scheme, documents):
    """Return what the project's annotations say, joined: (target, holder, polarity), by words."""
    found, problems = set(), []
    for task in client.pages(project, ("id", "data")):
        document = documents[task["data"]["document_id"]]
        for annotation in client.get(f"/api/tasks/{task['id']}/annotations/"):
            if task["data"]["layout"] == "focus":
                read = module("focus").decode_focus(task["data"], annotation, scheme, document, origin=ME)
            else:
                read = decode(task, annotation, scheme, document, origin=ME)
            problems += read.problems
            words = {entity.id: entity.span for entity in read.annotations.check(document).entities}
            found |= {
                (words[stance.target], words.get(stance.holder, stance.holder), stance.polarity)
                for stance in read.annotations.stances
            }
    return found, problems


def test_a_pass_in_either_layout_says_the_same_and_needs_no_click_in_one(studio_desk, screen, scheme, module, tmp_path):
    client = connect(studio_desk([TEXT]))
    page, account = screen
    log_in(page, client.url, account)
    document = make_document(TEXT, title="<b>Fire</b> 🔥")
    said = suggested(document)
    cut = focus_scheme(scheme)
    tasks = module("focus").focus_tasks(document, said, scheme)
    focus = make_project(client, "stance by mention", scheme, "focus", tasks)
    whole = make_project(client, "stance by document", scheme, "document", [encode(document, said, cut)])

    wanted = {}
    for words, polarity in WANTED.items():
        start = document.text.index(words)
        wanted[f"{start}-{start + len(words)}"] = polarity
    changed = sum(polarity != "0" for polarity in WANTED.values())
    keys = focus_pass(page, client.url, focus, scheme, wanted, look=shots(page, tmp_path / "focus"))
    places = [(*map(int, focus.split("-")[:2]), polarity) for focus, polarity in wanted.items()]
    clicks = document_pass(page, client.url, whole, scheme, places, look=shots(page, tmp_path / "document"))
    # what was suggested costs the key that submits it, what was not one more
    assert (keys.keys, keys.clicks) == (len(wanted) + changed, 0)
    assert (clicks.keys, clicks.clicks) == (changed + 1, len(wanted))

    documents = {document.id: document}
    by_mention, problems = said_by(client, focus, module, scheme, documents)
    by_document, more = said_by(client, whole, module, scheme, documents)
    assert by_mention == by_document
    assert {(target.text, polarity) for target, _, polarity in by_mention} == set(WANTED.items())
    assert [*problems, *more] == []


def shots(page, name):
    return lambda number: page.screenshot(path=f"{name}-{number}.png") if number < 3 else None


def test_what_is_mended_in_a_task_of_one_mention_arrives(studio_desk, screen, scheme, module, tmp_path):
    client = connect(studio_desk([TEXT]))
    page, account = screen
    log_in(page, client.url, account)
    document = make_document(TEXT)
    tasks = module("focus").focus_tasks(document, suggested(document), scheme)
    task = next(t for t in tasks if t["data"]["focus"].startswith(f"{document.text.index('rebels')}-"))
    project = make_project(client, "mended", scheme, "focus", [task])
    page.goto(f"{client.url}/projects/{project}/data?labeling=1")
    page.wait_for_selector(".htx-highlight")
    # a key that is ticked takes the tick away, and then nothing can be submitted
    page.keyboard.press("c")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Answer first")
    page.screenshot(path=str(tmp_path / "refused.png"))
    page.click(".ant-modal-confirm-btns button")
    page.wait_for_selector("text=Answer first", state="hidden")
    page.keyboard.press("x")
    page.keyboard.press("g")
    army = next(h for h in task["data"]["holders"] if h["value"] == "army")
    page.keyboard.press(army["hotkey"])
    page.keyboard.press("e")
    drag(page, "fired 𝔄𝔅 rockets")
    page.wait_for_function("document.querySelectorAll('.htx-highlight').length === 2")
    page.screenshot(path=str(tmp_path / "mended.png"))
    with page.expect_response(lambda a: "/annotations" in a.url and a.request.method == "POST") as answer:
        page.keyboard.press("Control+Enter")
    assert answer.value.status == 201

    (stored,) = client.pages(project, ("id", "data"))
    (annotation,) = client.get(f"/api/tasks/{stored['id']}/annotations/")
    read = module("focus").decode_focus(stored["data"], annotation, scheme, document, origin=ME)
    assert read.problems == ()
    (stance,) = read.annotations.check(document).stances
    spans = {entity.id: entity.span.text for entity in read.annotations.entities}
    assert (spans[stance.target], spans[stance.holder]) == ("rebels", "army")
    assert (stance.polarity, stance.role) == ("-1", "antagonist")
    assert [span.text for span in stance.evidence] == ["fired 𝔄𝔅 rockets"]
