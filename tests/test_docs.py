"""Documentation that cannot rot: every command shown is run, every command is shown, every link leads somewhere."""

import importlib.util
import os
import re
import subprocess
import sys
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "samples" / "README.md",
    *sorted((ROOT / "benchmarks").glob("*.md")),
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
PEOPLE_CORRECT = "copydesk replay ../samples/annotations/annotator-1.jsonl --as annotator-1"


def name(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page, *languages):
    """Yield (language, body) of the page's fenced blocks, in order."""
    for language, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language in languages:
            yield language, body


def shown_commands(page):
    for _, body in blocks(page, "console"):
        for line in body.splitlines():
            if line.startswith("$ "):
                yield line.removeprefix("$ ")


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_of_commands_is_current():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert page == generator().commands_page(), "run: make docs"


def test_every_command_of_a_working_day_is_in_the_readme():
    shown = [line.split()[1] for line in shown_commands(ROOT / "README.md") if line.startswith("copydesk ")]
    assert shown == ["init", "ingest", "suggest", "studio", "push", "pull", "status", "release", "report"]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_say_what_they_are(page):
    for language, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        assert language, f"a block without a language: {body[:60]!r}"
        assert language not in ("bash", "sh", "shell"), f"what is shown is run, so call it console: {body[:60]!r}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://", "#")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve()
        assert found.exists(), f"{name(page)} links to {target}"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}, target


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_targets_that_are_shown_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in shown_commands(page):
        if command.startswith("make "):
            assert re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE), command


def test_ci_runs_the_two_commands():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    two = [command for command in shown_commands(ROOT / "README.md") if command.startswith("make ")]
    assert two == ["make demo", "make test"]
    for command in two:
        assert re.search(rf"^(\w+=\S+ )?{command}\b", ci, re.MULTILINE)


def script(page):
    """Return a shell script that does what a page shows, in its order; Python blocks in a row are one program."""
    lines = ["set -euo pipefail"]
    for language, group in groupby(blocks(page, "console", "python"), key=itemgetter(0)):
        shown = "\n".join(body for _, body in group)
        if language == "python":
            lines += ["echo '>>> python' >&2", "python - <<'END_OF_PYTHON'", shown.rstrip(), "END_OF_PYTHON"]
            continue
        for line in shown.splitlines():
            if not line.startswith("$ ") or line.startswith("$ make "):
                continue
            command = line.removeprefix("$ ")
            if command.startswith("copydesk pull") and page.name == "README.md":
                lines.append(f"{PEOPLE_CORRECT} >&2")
            lines.append(f"echo {command!r} >&2")
            # status 1 means findings: samples hold a file that cannot be read, releases differ
            lines.append(f"{{ {command}; }} || [ $? -eq 1 ]" if command.startswith("copydesk ") else command)
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A folder in which everything shown is run, README first; the desk's server is stopped at the end."""
    from copydesk.annotate import stop_studio

    folder = tmp_path_factory.mktemp("docs")
    (folder / "samples").symlink_to(ROOT / "samples")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("COPYDESK_DE")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HF_HOME": str(folder / ".hf"),
        "HF_HUB_OFFLINE": "1",
    }

    def do(page):
        return subprocess.run(
            ["bash", "-c", script(page)], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    yield do
    for desk in folder.glob("*/copydesk.toml"):
        stop_studio(desk.parent)


@pytest.mark.studio
@pytest.mark.slow
def test_everything_shown_runs(session):
    for page in PAGES:
        done = session(page)
        assert done.returncode == 0, f"{name(page)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert "Traceback" not in done.stderr
