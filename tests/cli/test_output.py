"""Results on standard output, everything else on standard error, and no colour in a pipe."""

import io
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from copydesk.cli.output import Output, count, here
from copydesk.schemas import Progress


def test_json_silences_text(capsys):
    output = Output(as_json=True)
    output.line("words")
    output.table([(1, "row")])
    output.note("a note")
    output.result({"path": Path("a"), "name": "ß"})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"path": "a", "name": "ß"}
    assert "ß" in out
    assert err == "a note\n"


def test_text_prints_no_json(capsys):
    output = Output()
    output.line("words")
    output.result({"a": 1})
    assert capsys.readouterr().out == "words\n"


def test_tables_put_numbers_right_and_words_left(capsys):
    Output().table([(1, "one", "x"), (10, "three", "y")])
    assert capsys.readouterr().out == "   1  one    x\n  10  three  y\n"


def test_an_empty_table_prints_nothing(capsys):
    Output().table([])
    assert capsys.readouterr().out == ""


def test_progress_in_a_log_is_a_line_per_stage(capsys):
    with Output().progress() as on_progress:
        for done in range(4):
            on_progress(Progress("suggest", done, 3))
        on_progress(Progress("wait", 5, None, "seconds"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "suggest …\nsuggest: 3 documents\nwait …\n"


def test_progress_on_a_terminal_is_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    with Output().progress() as on_progress:
        on_progress(Progress("suggest", 1, 3))
        on_progress(Progress("suggest", 3, 3))
    assert "3/3" in terminal.getvalue()


def test_paths_are_shown_as_one_types_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert here(tmp_path / "a" / "b") == "a/b"
    assert here(Path("/etc")) == "/etc"


@given(st.integers(min_value=0, max_value=10**9))
def test_count_names_one_and_many(number):
    assert count(number, "copy", "copies").endswith("1 copy" if number == 1 else " copies")
