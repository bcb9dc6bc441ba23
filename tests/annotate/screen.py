"""What a person does on the screen of Label Studio: log in, mark words, click on a region, submit."""

from __future__ import annotations

# the place on the screen of a range of code points, scrolled to: each <br> is one line feed
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
  for (let box = root; box; box = box.parentElement) {
    const {top} = range.getBoundingClientRect();
    if (box.scrollHeight > box.clientHeight && (top < 250 || top > 700)) box.scrollTop += top - 450;
  }
  const boxes = [...range.getClientRects()].filter((box) => box.width > 0);
  const [first, last] = [boxes[0], boxes[boxes.length - 1]];
  return {words: range.toString(), x1: first.left, y1: first.top + first.height / 2,
          x2: last.right, y2: last.top + last.height / 2};
}"""


def log_in(page, url, account):
    """Log in as the desk's own user."""
    page.goto(f"{url}/user/login/")
    page.fill("input[name=email]", account.email)
    page.fill("input[name=password]", account.password)
    page.click("button[type=submit]")
    page.wait_for_function("!location.pathname.startsWith('/user/login')")


def highlights(page):
    """Return the regions as the screen shows them: start, end, label."""
    return page.eval_on_selector_all(
        ".htx-highlight", "all => all.map((e) => [Number(e.dataset.start), Number(e.dataset.end), e.dataset.label])"
    )


def draw(page, key, document, words):
    """Choose a label by its key, mark words with the mouse, and let go of the new region."""
    start = document.text.index(words)
    place = page.evaluate(PLACE, [start, start + len(words)])
    assert place["words"] == words
    page.keyboard.press(key)
    page.mouse.move(place["x1"] + 0.5, place["y1"])
    page.mouse.down()
    page.mouse.move((place["x1"] + place["x2"]) / 2, place["y2"])
    page.mouse.move(place["x2"] - 0.5, place["y2"])
    page.mouse.up()
    page.wait_for_selector(region(document, words))
    page.keyboard.press("Escape")


def region(document, words):
    """Return the selector of the region of these words."""
    start = document.text.index(words)
    return f".htx-highlight[data-start='{start}'][data-end='{start + len(words)}']"


def click(page, document, words):
    """Scroll to the region of these words and click on it."""
    page.evaluate(PLACE, [document.text.index(words), document.text.index(words) + len(words)])
    page.click(region(document, words))


def submit(page):
    """Submit, and wait until the server has taken it."""
    with page.expect_response(
        lambda answer: "/annotations" in answer.url and answer.request.method == "POST"
    ) as answer:
        page.click("button:has-text('Submit')")
    assert answer.value.status == 201
