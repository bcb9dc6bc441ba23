"""`copydesk import` and the formats of `copydesk export`: what they say, and with which exit code."""

from __future__ import annotations

from copydesk.cli.importing import Source
from copydesk.export import FORMATS

STORY = "Shells hit Dremmen, the governor said. " + "At least 17 people died there, and nobody claimed the attack. " * 4


def test_the_command_names_every_format():
    assert {source.value for source in Source} == set(FORMATS)


def test_work_comes_in_once(copydesk, desk, tmp_path):
    (tmp_path / "story.txt").write_text(STORY)
    (tmp_path / "story.ann").write_text("T1\tGPE 11 18\tDremmen\n")
    command = ["import", "brat", str(tmp_path), "--annotator", "ana", "--desk", str(desk)]
    first = copydesk(*command, "--json")
    assert first.status == 0, first
    said = first.json
    assert (said["documents"], said["annotations"], said["regions"]) == (1, 1, 1)
    again = copydesk(*command)
    assert again.status == 0
    assert "0 annotations added" in again.out


def test_what_does_not_fit_is_said_and_is_a_finding(copydesk, desk, tmp_path):
    (tmp_path / "bad.txt").write_text(STORY)
    (tmp_path / "bad.ann").write_text("T1\tGPE 11 18\tDresden\n")
    result = copydesk("import", "brat", str(tmp_path), "--annotator", "ana", "--desk", str(desk))
    assert result.status == 1
    assert "GPE 11 18 holds 'Dremmen'; the file says 'Dresden'" in result.out


def test_an_unknown_format_and_an_empty_folder_are_clear(copydesk, desk, tmp_path):
    assert copydesk("import", "word", str(tmp_path), "--annotator", "ana").status == 2
    empty = copydesk("import", "brat", str(tmp_path), "--annotator", "ana", "--desk", str(desk))
    assert empty.status == 2
    assert "no file of the format brat in this folder" in empty.err
