"""Go over the stances of one document in the real front end, in either layout, and count every key and click."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from copydesk.schemas import focus_config, focus_scheme, labelling_config

SELECTED = (
    "[...document.querySelectorAll('.lsf-choices input:checked')]"
    ".filter((input) => input.closest('.lsf-choices').offsetParent !== null).map((input) => input.name)"
)
REGION = ".htx-highlight[data-start='{}'][data-end='{}']"
SHOWN = "(id) => document.querySelector('.lsf-current-task__task-id')?.innerText.includes(String(id))"
BOX = """(words) => {
  const text = document.createTreeWalker(document.querySelector('.lsf-htx-richtext'), NodeFilter.SHOW_TEXT);
  for (let node = text.nextNode(); node; node = text.nextNode()) {
    const at = node.data.indexOf(words);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + words.length);
    const box = range.getBoundingClientRect();
    return {left: box.left, right: box.right, middle: box.top + box.height / 2};
  }
}"""


def drag(page, words):
    """Drag the mouse over words that stand on one line."""
    box = page.evaluate(BOX, words)
    page.mouse.move(box["left"] + 0.5, box["middle"])
    page.mouse.down()
    page.mouse.move((box["left"] + box["right"]) / 2, box["middle"])
    page.mouse.move(box["right"] - 0.5, box["middle"])
    page.mouse.up()


@dataclass
class Operations:
    """What a person's hands did; `waits` are the seconds until the editor was ready for the next answer."""

    keys: int = 0
    clicks: int = 0
    waits: list[float] = field(default_factory=list)

    @property
    def all(self):
        return self.keys + self.clicks


def make_project(client, title, scheme, layout, tasks):
    """Make a project with these tasks, and return its number."""
    scheme = focus_scheme(scheme)
    config = focus_config(scheme) if layout == "focus" else labelling_config(scheme)
    body = {"title": title, "label_config": config, "sampling": "Uncertainty sampling", "show_collab_predictions": True}
    project = client.send("POST", "/api/projects/", body)["id"]
    client.send("POST", f"/api/projects/{project}/import", tasks)
    return project


class Hands:
    """Keys and a mouse that count what they do."""

    def __init__(self, page, scheme):
        self.page = page
        self.done = Operations()
        self.keys = {value.id: value.hotkey for value in scheme.attribute("polarity").values}

    def press(self, key):
        self.page.keyboard.press(key)
        self.done.keys += 1

    def click(self, place):
        self.page.click(place)
        self.done.clicks += 1

    def answers(self):
        return self.page.evaluate(SELECTED)

    def answer(self, wanted):
        """Give the answer where it is another than the one that is ticked; read it back."""
        if wanted not in self.answers():
            self.press(self.keys[wanted])
            self.page.wait_for_function(f"(wanted) => {SELECTED}.includes(wanted)", arg=wanted)


def focus_pass(page, url, project, scheme, wanted, *, look=lambda number: None):
    """Answer every task of a focus project; `wanted` says the polarity of a mention by its place, "start-end"."""
    hands = Hands(page, scheme)
    with page.expect_response(lambda answer: "next_task" in answer.url and answer.ok) as answer:
        page.goto(f"{url}/projects/{project}/data?labeling=1")
    began = time.perf_counter()
    for number in range(len(wanted)):
        task = json.loads(answer.value.text())
        place = task["predictions"][0]["result"][0]["value"]
        page.wait_for_function(SHOWN, arg=task["id"])
        page.wait_for_selector(REGION.format(place["start"], place["end"]))
        hands.done.waits.append(time.perf_counter() - began)
        hands.answer(wanted[task["data"]["focus"].rsplit("-", 1)[0]])
        look(number)
        began = time.perf_counter()
        with page.expect_response(lambda answer: "next_task" in answer.url) as answer:
            hands.press("Control+Enter")
    return hands.done


def document_pass(page, url, project, scheme, mentions, *, look=lambda number: None):
    """Answer for every mention on the one page of its document; `mentions` are (start, end, polarity)."""
    hands = Hands(page, scheme)
    page.goto(f"{url}/projects/{project}/data?labeling=1")
    page.wait_for_selector(".htx-highlight")
    for number, (start, end, polarity) in enumerate(mentions):
        began = time.perf_counter()
        hands.click(REGION.format(start, end))
        page.wait_for_function(f"() => {SELECTED}.length > 0")
        hands.done.waits.append(time.perf_counter() - began)
        hands.answer(polarity)
        look(number)
        page.keyboard.press("u")  # so that the next wait is for the next mention; a person need not
        page.wait_for_function(f"() => {SELECTED}.length === 0")
    with page.expect_response(lambda answer: "/annotations" in answer.url and answer.request.method == "POST"):
        hands.press("Control+Enter")
    return hands.done
