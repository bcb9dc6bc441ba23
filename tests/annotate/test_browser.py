"""A person's work in the real front end, by real keys and mouse, compared code point by code point."""

from __future__ import annotations

import os
import shutil

import pytest

from copydesk.annotate import connect, edits, finished, own_account, pull, push
from copydesk.corpus import documents, removed

pytestmark = [pytest.mark.studio, pytest.mark.browser]

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NASTY = (
    "Fire 🔥 near Qasr 👨‍👩‍👧‍👦\n\n"
    "The army 🇺🇦 said  “قوات الجيش left” on Monday 👍🏽 and x\u0323\u0307y near Київ the rebels fired 𝔄𝔅 rockets.\n\n"
    "At least 12 died 1️⃣, the Relief Union said; <b>Orlo</b> &amp; others denied it."
)
# the place on the screen of a range of code points: each <br> is one line feed
PLACE = """([start, end]) => {
  const root = document.querySelector('.lsf-htx-richtext');
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  const range = document.createRange();
  let at = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeName === 'BR') { at += 1; continue; }
    if (node.nodeType !== Node.TEXT_NODE) continue;
    const points = [...node.data];
    const units = (count) => points.slice(0, count).join('').length;
    if (at <= start && start < at + points.length) range.setStart(node, units(start - at));
    if (at < end && end <= at + points.length) range.setEnd(node, units(end - at));
    at += points.length;
  }
  const boxes = [...range.getClientRects()].filter((box) => box.width > 0);
  const [first, last] = [boxes[0], boxes[boxes.length - 1]];
  return {words: range.toString(), x1: first.left, y1: first.top + first.height / 2,
          x2: last.right, y2: last.top + last.height / 2};
}"""


@pytest.fixture(scope="module")
def browser():
    found = os.environ.get("COPYDESK_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium here; name one with COPYDESK_CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, studio_home):
    account = own_account(studio_home)
    page = browser.new_page(viewport={"width": 1500, "height": 1000})
    page.set_default_timeout(120_000)
    return page, account


def log_in(page, url, account):
    page.goto(f"{url}/user/login/")
    page.fill("input[name=email]", account.email)
    page.fill("input[name=password]", account.password)
    page.click("button[type=submit]")
    page.wait_for_function("!location.pathname.startsWith('/user/login')")


def highlights(page):
    return page.eval_on_selector_all(
        ".htx-highlight", "all => all.map((e) => [Number(e.dataset.start), Number(e.dataset.end), e.dataset.label])"
    )


def drag(page, document, words):
    start = document.text.index(words)
    place = page.evaluate(PLACE, [start, start + len(words)])
    assert place["words"] == words
    page.mouse.move(place["x1"] + 0.5, place["y1"])
    page.mouse.down()
    page.mouse.move((place["x1"] + place["x2"]) / 2, place["y2"])
    page.mouse.move(place["x2"] - 0.5, place["y2"])
    page.mouse.up()
    return start, start + len(words)


def click(page, document, words):
    start = document.text.index(words)
    page.click(f".htx-highlight[data-start='{start}'][data-end='{start + len(words)}']")


def hotkey(scheme, label):
    return scheme.label(label).hotkey


def test_what_a_person_does_in_the_browser_arrives(studio_desk, page, scheme, tmp_path):
    desk = studio_desk([NASTY])
    pushed = push(desk)
    (document,) = documents(desk)
    client = connect(desk)
    (task,) = client.pages(pushed.project_id, ("id",))
    page, account = page
    log_in(page, client.url, account)
    page.goto(f"{client.url}/projects/{pushed.project_id}/data?task={task['id']}")
    page.wait_for_selector(".htx-highlight")

    suggested = {  # what the suggestions fixture finds in this text
        (document.text.index(words), document.text.index(words) + len(words))
        for words in ("army", "rebels", "Qasr", "Monday", "At least 12", "قوات الجيش", "Київ", "Orlo", "Relief Union")
    }
    assert {(start, end) for start, end, _ in highlights(page)} == suggested

    click(page, document, "Monday")
    page.keyboard.press("Backspace")
    page.wait_for_function("n => document.querySelectorAll('.htx-highlight').length === n", arg=len(suggested))
    page.keyboard.press(hotkey(scheme, "WEAPON"))
    added = [drag(page, document, "𝔄𝔅 rockets")]
    page.wait_for_selector(f".htx-highlight[data-start='{added[0][0]}']")
    page.keyboard.press("Escape")
    page.keyboard.press(hotkey(scheme, "PERSON"))
    added.append(drag(page, document, "others denied"))
    page.wait_for_selector(f".htx-highlight[data-start='{added[1][0]}']")
    page.keyboard.press("Escape")
    click(page, document, "Київ")
    page.keyboard.press(hotkey(scheme, "LOCATION"))
    page.keyboard.press("Escape")
    page.screenshot(path=str(tmp_path / "before-submit.png"))
    with page.expect_response(
        lambda answer: "/annotations" in answer.url and answer.request.method == "POST"
    ) as answer:
        page.click("button:has-text('Submit')")
    assert answer.value.status == 201

    assert pull(desk).added == 1
    (item,) = finished(desk)
    assert list(removed(desk)) == []
    item.annotations.check(document)
    found = {(e.span.start, e.span.end, e.span.text): e.label for e in item.annotations.entities}
    gone = (document.text.index("Monday"), document.text.index("Monday") + 6)
    assert {place[:2] for place in found} == (suggested - {gone}) | set(added)
    for start, end, text in found:
        assert document.text[start:end] == text
    assert found[(*added[0], "𝔄𝔅 rockets")] == "WEAPON"
    assert found[(*added[1], "others denied")] == "PERSON"
    kyiv = document.text.index("Київ")
    assert found[kyiv, kyiv + 4, "Київ"] == "LOCATION"
    kinds = sorted(edit.kind for edit in edits(desk) if edit.kind != "accepted")
    assert kinds == ["added", "added", "removed", "retyped"]
    assert len(item.annotations.stances) == 1
    page.close()
