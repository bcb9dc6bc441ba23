"""A person labels in the real front end while `serve` answers: what arrives on the screen, and what does not."""

from __future__ import annotations

import contextlib

import pytest
from screen import draw, highlights, log_in, submit

from copydesk.annotate import connect, finished, own_account, pull, push, serve
from copydesk.corpus import documents
from copydesk.schemas import load_scheme

pytestmark = [pytest.mark.studio, pytest.mark.browser]

TEXT = (
    "Envoys met 🔥\n\n"
    "Dorn 👨‍👩‍👧 spoke first. Vale answered Dorn, and Dornach stayed away; قوات Dorn’s men 👍🏽 met Vale.\n\n"
    "“Dorn\u00a0said so”, Vale said. DORN was silent."
)
TOGGLE = "[data-testid=bottombar-auto-annotation-toggle]"


def places(text, words):
    found, at = [], text.find(words)
    while at >= 0:
        found.append((at, at + len(words)))
        at = text.find(words, at + 1)
    return found


def shown(page):
    return {(start, end, said.split(":")[-1]) for start, end, said in highlights(page)}


def key_of(label):
    return next(item.hotkey for item in load_scheme().labels if item.id == label)


def mark(page, label, document, words):
    """Mark words, and wait until the screen has taken what it heard of them."""
    with page.expect_response(lambda answer: "interactive-annotating" in answer.url) as heard:
        draw(page, key_of(label), document, words)
    assert heard.value.status == 200
    for row in heard.value.json()["data"]["result"]:
        place = row["value"]
        page.wait_for_selector(f".htx-highlight[data-start='{place['start']}'][data-end='{place['end']}']")


def test_marking_one_mention_marks_the_others(studio_desk, studio_home, browser, tmp_path):
    desk = studio_desk([TEXT])
    pushed = push(desk)
    (document,) = documents(desk)
    client = connect(desk)
    (task,) = client.pages(pushed.project_id, ("id",))
    with contextlib.closing(serve(desk, port=0)) as served:
        assert next(served).kind == "serving"
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(60_000)
        log_in(page, client.url, own_account(studio_home))
        page.goto(f"{client.url}/projects/{pushed.project_id}/data?task={task['id']}")
        page.wait_for_selector(".lsf-htx-richtext")
        page.locator(TOGGLE).check(force=True)
        page.evaluate("document.activeElement.blur()")  # else keys are the switch's

        # neither "Dornach" nor "DORN"
        dorn = [place for place in places(document.text, "Dorn") if document.text[place[1]] != "a"]
        assert len(dorn) == 4
        mark(page, "PERSON", document, "Dorn")
        assert shown(page) == {(*place, "PERSON") for place in dorn}

        # what a person takes away stays away, also when the next mention of that label is marked
        page.click(f".htx-highlight[data-start='{dorn[1][0]}']")
        page.keyboard.press("Backspace")
        page.wait_for_selector(f".htx-highlight[data-start='{dorn[1][0]}']", state="detached")
        mark(page, "PERSON", document, "Vale")
        vale = places(document.text, "Vale")
        wanted = {(*place, "PERSON") for place in (dorn[0], *dorn[2:], *vale)}
        assert shown(page) == wanted

        # nothing is offered for what is no mention, and nothing is put over another label
        mark(page, "CONTENT", document, "Dornach stayed away")
        seen = shown(page)
        assert len(seen) == len(wanted) + 1
        page.screenshot(path=str(tmp_path / "offered.png"))
        submit(page)
        page.close()

    assert pull(desk).added == 1
    (item,) = finished(desk)
    said = item.annotations.check(document)
    assert {(entity.span.start, entity.span.end, entity.label) for entity in said.entities} == wanted
    assert {(span.start, span.end) for span in said.spans()} == {(start, end) for start, end, _ in seen}
