"""The wheel holds everything that the checkout's packages hold, and works away from the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("schemas", "corpus", "annotate", "export", "cli")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build from a copy, so that nothing left over in the checkout gets in and nothing is left behind."""
    work = tmp_path_factory.mktemp("wheel")
    source = work / "source"
    source.mkdir()
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source / file)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", work, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(work.glob("*.whl"))


def test_every_file_of_the_packages_is_in_it(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"copydesk/{path.relative_to(ROOT).as_posix()}" in held
    assert not any(name.startswith(("tests/", "samples/", "benchmarks/")) for name in held)


def test_it_works_away_from_the_checkout(wheel, tmp_path):
    place = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(place)
    (tmp_path / "article.txt").write_text(
        "A bridge\n\n" + "The council said that it would open. " * 20, encoding="utf-8"
    )
    script = (
        "import sys, copydesk.cli, copydesk.schemas\n"
        f"assert copydesk.cli.__file__.startswith({str(place)!r}), copydesk.cli.__file__\n"
        "from copydesk.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(place)}

    def copydesk(*words):
        command = [sys.executable, "-c", script, *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    assert "Usage: copydesk" in copydesk("--help")
    copydesk("init", "desk")
    assert "1 new article" in copydesk("ingest", "article.txt", "--desk", "desk")
    assert "conflict-news" in copydesk("scheme", "show")
    assert copydesk("scheme", "guidelines").startswith("# ")
