"""Whatever goes wrong becomes one message and an exit status."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from copydesk.cli.errors import ExitStatus, run
from copydesk.schemas import DeskError, InputError, OffsetError, SchemeError, SettingsError, StudioError


def failing(error):
    def app(**_):
        raise error

    return app


@pytest.mark.parametrize("kind", [DeskError, InputError, SchemeError, SettingsError])
def test_what_was_given_wrong_is_status_2(kind, capsys):
    assert run(failing(kind("it is broken", where="here", hint="Mend it."))) == ExitStatus.USAGE
    assert capsys.readouterr().err == "copydesk: here: it is broken\nMend it.\n"


@pytest.mark.parametrize(
    "error",
    [StudioError("no answer"), OffsetError("d", 0, 1, expected="a", found="b"), OSError(28, "No space left", "x")],
)
def test_what_fails_on_the_way_is_status_4(error, capsys):
    assert run(failing(error)) == ExitStatus.FAILED
    assert "Traceback" not in capsys.readouterr().err


def test_a_fault_says_how_to_report_it(capsys, monkeypatch):
    monkeypatch.delenv("COPYDESK_DEBUG", raising=False)
    assert run(failing(RuntimeError("boom\nand more"))) == ExitStatus.FAILED
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "copydesk: a fault in copydesk: RuntimeError: boom"
    assert "COPYDESK_DEBUG=1" in lines[1]
    assert len(lines) == 2


def test_debug_shows_the_traceback(capsys, monkeypatch):
    monkeypatch.setenv("COPYDESK_DEBUG", "1")
    run(failing(RuntimeError("boom")))
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_ctrl_c_is_status_3(error, capsys):
    assert run(failing(error)) == ExitStatus.INTERRUPTED
    assert "run the same command again to go on" in capsys.readouterr().err


def test_sigterm_unwinds_like_ctrl_c(capsys):
    put_away = []

    def app(**_):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            put_away.append(True)

    before = signal.getsignal(signal.SIGTERM)
    assert run(app) == ExitStatus.INTERRUPTED
    assert put_away
    assert signal.getsignal(signal.SIGTERM) is before


def test_findings_are_status_1():
    app = typer.Typer()

    @app.command()
    def look() -> None:
        raise typer.Exit(ExitStatus.FINDINGS)

    def call(**options):
        return app([], **options)

    assert run(call) == ExitStatus.FINDINGS


def test_a_reader_who_leaves_early_is_no_error(tmp_path):
    program = Path(sys.executable).with_name("copydesk")
    command = f"'{program}' scheme guidelines | head -n 1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode in (0, 120)
    assert "Traceback" not in result.stderr
    assert result.stdout.startswith("#")
