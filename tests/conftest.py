"""Shared by all tests: a browser, and how several processes share the suite."""

from __future__ import annotations

import os
import shutil

import pytest

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

# These start servers from the default port on: two that look for a free one at the same time may find the same.
DEFAULT_PORT = frozenset({"tests/cli/test_demo.py", "tests/test_docs.py"})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give the tests of a file to one process: they share its fixtures, and may build on each other.

    Groups by mark (``--dist loadgroup``) would do, but xdist 3.8 overlooks the marks under pytest 9.2
    (pytest-xdist issue 1386).
    """
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "default port" if file in DEFAULT_PORT else file

    return ByFile(config, log)


def pytest_collection_modifyitems(config, items):
    """Begin with the files that would keep everybody waiting if they came last, where processes share the work."""
    if not hasattr(config, "workerinput"):
        return
    ranks = {}
    for item in items:
        mine = (not item.get_closest_marker("studio"), not item.get_closest_marker("slow"))
        ranks[item.path] = min(mine, ranks.get(item.path, mine))
    items.sort(key=lambda item: ranks[item.path])  # stable: the order within a file stays


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium; COPYDESK_CHROMIUM names another than the one on the path."""
    found = os.environ.get("COPYDESK_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium here; name one with COPYDESK_CHROMIUM")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=QUIET)
        yield chromium
        chromium.close()
