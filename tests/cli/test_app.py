"""The program as a whole: help, version, completion, and what it does not import."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

HEAVY = (
    "spacy",
    "datasets",
    "label_studio_sdk",
    "altair",
    "trafilatura",
    "pandas",
    "pyarrow",
    "pydantic",
    "numpy",
    "copydesk.schemas",
    "copydesk.corpus",
    "copydesk.annotate",
    "copydesk.export",
)


def commands(command=None, words=()):
    from copydesk.cli.app import app

    command = command or typer.main.get_command(app)
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
        return
    for name, child in children.items():
        if not child.hidden:  # another name of something that is shown
            yield from commands(child, (*words, name))


COMMANDS = list(commands())


def test_help_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from copydesk.cli.app import app\n"
        "app(['--help'], prog_name='copydesk', standalone_mode=False)\n"
        "print('MODULES', *sorted(sys.modules))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split("MODULES")[1].split())
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS])
def test_every_command_explains_itself_with_an_example(copydesk, words, command):
    shown = copydesk(*words, "--help")
    assert shown.status == 0
    assert f"copydesk {' '.join(words)}" in shown.out.split("Example:")[1]
    for parameter in command.params:
        assert parameter.name == "help" or parameter.help, f"{parameter.name} says nothing"


def test_first_lines_are_not_cut_off_in_the_list(copydesk):
    assert "..." not in copydesk("--help").out.split("Commands:")[1]


@pytest.mark.parametrize("words", [(), ("studio",), ("scheme",)])
def test_groups_without_a_command_show_help(copydesk, words):
    shown = copydesk(*words)
    assert "Commands:" in shown.out + shown.err


def test_version(copydesk):
    from importlib.metadata import version

    assert copydesk("--version").out == f"copydesk {version('copydesk')}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["init"], "Missing argument 'PATH'"),
        (["release", "--nonsense"], "No such option"),
        (["studio", "start", "--port", "seventy"], "--port"),
        (["check", "feelings"], "feelings"),
    ],
)
def test_wrong_use_says_what_is_wrong(copydesk, words, said):
    shown = copydesk(*words)
    assert shown.status == 2
    assert said in shown.err
    assert shown.out == ""
    assert "Traceback" not in shown.err


def test_completion_is_offered():
    program = Path(sys.executable).with_name("copydesk")
    environment = {"_COPYDESK_COMPLETE": "complete_bash", "COMP_WORDS": "copydesk st", "COMP_CWORD": "1"}
    result = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    assert result.stdout.split() == ["status", "studio"]
