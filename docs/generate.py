"""Write the generated parts of the documentation: ``python docs/generate.py [--check]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.testing import CliRunner

HERE = Path(__file__).parent
INTRODUCTION = """\
# Commands

Made from the program's own help by `make docs`; a test keeps it current.

Every command takes `--help`. Commands that work on a desk run in its folder, or take `--desk PATH` (or
`COPYDESK_DESK`). `--json` prints one JSON object on standard output; progress and warnings go to standard error.
`copydesk --install-completion` teaches your shell the commands.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | done, and there is something to look at: a source that cannot be read, an error that a check found, releases that differ |
| 2 | not begun: the command, a setting, a source or the desk is not as it should be |
| 3 | stopped by Ctrl-C; the same command goes on where it stopped |
| 4 | failed on the way: no server, a refused key, a fault; `COPYDESK_DEBUG=1` shows the traceback |
"""


def commands() -> Iterator[tuple[str, ...]]:
    """Yield every command as its words: ``("studio", "start")``."""
    from copydesk.cli.app import app

    def walk(command: object, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        children = getattr(command, "commands", None)
        if children is None:
            yield words
            return
        for name, child in children.items():
            if not child.hidden:  # another name of something that is shown
                yield from walk(child, (*words, name))

    yield from walk(typer.main.get_command(app), ())


def help_text(words: tuple[str, ...]) -> str:
    """Return what ``copydesk WORDS --help`` prints, at a fixed width."""
    from copydesk.cli.app import app

    result = CliRunner().invoke(app, [*words, "--help"], prog_name="copydesk", env={"COLUMNS": "80"})
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def commands_page() -> str:
    """Return docs/commands.md."""
    sections = (f"## copydesk {' '.join(words)}\n\n```text\n{help_text(words)}\n```\n" for words in commands())
    return "\n".join((INTRODUCTION, *sections))


def main() -> int:
    """Write the pages, or with ``--check`` tell whether they are current."""
    path = HERE / "commands.md"
    page = commands_page()
    if "--check" in sys.argv[1:]:
        if path.read_text(encoding="utf-8") == page:
            return 0
        print("docs/commands.md is not current: make docs")
        return 1
    path.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
