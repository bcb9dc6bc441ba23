from __future__ import annotations

import re
import tomllib

import pytest

from copydesk.corpus import Desk, Settings, init_desk
from copydesk.schemas import DeskError, SettingsError


def test_every_setting_is_written_with_its_default(tmp_path):
    desk = init_desk(tmp_path / "My Desk – 2024")
    text = (desk.path / "copydesk.toml").read_text(encoding="utf-8")
    assert desk.settings == Settings(name="my-desk-2024")
    written = tomllib.loads(text)
    assert written == Settings(name="my-desk-2024").model_dump(mode="json")
    assert all("  # " in line or "=" in line for line in text.splitlines() if line and not line.startswith("#"))


def test_every_comment_belongs_to_a_setting(tmp_path):
    import importlib

    written = tomllib.loads((init_desk(tmp_path / "d").path / "copydesk.toml").read_text())
    for place in importlib.import_module("copydesk.corpus.new_desk").COMMENTS:
        found = written
        for key in place.split("."):
            assert key in found, place
            found = found[key]


def test_secrets_and_scratch_are_ignored(tmp_path):
    assert ".studio/" in (init_desk(tmp_path / "d").path / ".gitignore").read_text()


def test_a_desk_is_never_made_twice(tmp_path):
    init_desk(tmp_path / "d")
    with pytest.raises(DeskError, match=re.escape(f"{tmp_path / 'd'}: this is a desk already")):
        init_desk(tmp_path / "d")


def test_a_folder_with_other_files_may_become_a_desk(tmp_path):
    (tmp_path / ".gitignore").write_text("mine\n")
    init_desk(tmp_path, name="war-news")
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert Desk(tmp_path).settings.name == "war-news"


def test_a_file_is_no_place_for_a_desk(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DeskError, match="this is a file, and a desk is a folder"):
        init_desk(tmp_path / "file")


def test_a_name_that_cannot_be_leaves_no_desk(tmp_path):
    with pytest.raises(SettingsError):
        init_desk(tmp_path / "d", name="No Spaces")
    assert not (tmp_path / "d" / "copydesk.toml").exists()


@pytest.mark.parametrize(("folder", "name"), [("Éléphant", "elephant"), ("新闻", "desk"), ("a" * 80, "a" * 50)])
def test_names_from_folders(tmp_path, folder, name):
    assert init_desk(tmp_path / folder).settings.name == name
