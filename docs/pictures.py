"""Take the README's pictures: ``python docs/pictures.py [DESK]``, where DESK is a finished demo."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from copydesk.annotate import own_account, push, start_studio, stop_studio, suggest, suggestions
from copydesk.corpus import Desk, ingest, init_desk
from copydesk.export import browsing

IMAGES = Path(__file__).parent / "img"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SAMPLES = Path(__file__).parent.parent / "samples" / "articles"
ARTICLE = "camp.html"


def label_studio(browser: Browser, folder: Path) -> None:
    """Push one article to a server of its own, open it as its annotator would, choose a mention, take the screen."""
    desk = init_desk(folder / "conflict-news")
    ingest(desk, [str(SAMPLES / ARTICLE)])
    suggest(desk)
    suggested = next(suggestions(desk)).annotations
    target = suggested.entity(suggested.stances[0].target)
    assert target is not None
    server = start_studio(desk)
    try:
        project = push(desk).project_id
        account = own_account(desk)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{server.url}/user/login/")
        page.fill("input[name=email]", account.email)
        page.fill("input[name=password]", account.password)
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "login" not in url)
        page.goto(f"{server.url}/projects/{project}/data?labeling=1")
        page.wait_for_selector(".htx-highlight", timeout=60_000)
        page.wait_for_selector(".lsf-modal-ls_visible", timeout=10_000)  # the instruction, shown first
        page.keyboard.press("Escape")
        page.wait_for_selector(".lsf-modal-ls_visible", state="detached")
        _choose(page, target.span.text)
        page.screenshot(path=IMAGES / "label-studio.png")
        page.close()
    finally:
        stop_studio(desk)


def _choose(page: Page, words: str) -> None:
    """Click the region with these words and wait until its questions are there."""
    page.locator(".htx-highlight", has_text=words).first.click()
    page.wait_for_timeout(1_500)  # the panel fades in


def report(browser: Browser, desk: Path) -> None:
    """Open the report from disk and take its first screen."""
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    newest = max((desk / "reports").glob("*.html"), key=lambda path: path.stat().st_mtime)
    page.goto(newest.resolve().as_uri())
    page.wait_for_selector("svg, canvas", timeout=60_000)
    page.wait_for_timeout(1_500)  # charts draw themselves
    page.screenshot(path=IMAGES / "report.png")
    page.close()


def browse(browser: Browser, desk: Path) -> None:
    """Open one article among what people and the machine said about it."""
    with browsing(Desk(desk), port=0) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/?q=camp")
        page.goto(address + str(page.locator("a[href^='/article/']").first.get_attribute("href")))
        page.screenshot(path=IMAGES / "browse.png")
        page.close()


def main() -> int:
    """Take the pictures."""
    desk = Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo")
    IMAGES.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        with tempfile.TemporaryDirectory() as folder:
            label_studio(browser, Path(folder))
        report(browser, desk)
        browse(browser, desk)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
