from __future__ import annotations

import io
import json
import shutil
import sys
import zipfile

import pytest

from copydesk.export import Package, publish
from copydesk.export.zenodo import archive
from copydesk.schemas import PublishError, SettingsError

from .fake_zenodo import TOKEN, FakeZenodo


@pytest.fixture
def zenodo(monkeypatch):
    with FakeZenodo() as server:
        monkeypatch.setenv("ZENODO_ENDPOINT", server.url)
        monkeypatch.setenv("ZENODO_TOKEN", TOKEN)
        yield server


def unpacked(deposit):
    (data,) = deposit["files"].values()
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name.partition("/")[2]: packed.read(name) for name in packed.namelist()}


def test_a_deposit_is_a_draft_with_a_doi_in_its_card(zenodo, releases):
    made = publish(releases / "1.0.0", "zenodo")
    (deposit,) = zenodo.deposits.values()
    assert (made.done, made.new, made.public, made.doi) == (True, True, False, "10.5072/zenodo.100")
    assert not deposit["submitted"]
    assert list(deposit["files"]) == ["tiny-1.0.0.zip"]
    out = unpacked(deposit)
    assert b"DOI: [10.5072/zenodo.100]" in out["README.md"]
    assert out.keys() == Package.of(releases / "1.0.0").files.keys()
    assert deposit["metadata"]["access_right"] == "restricted"
    assert "sha256:" in deposit["metadata"]["notes"]
    assert json.loads((releases / "published.json").read_text())["1.0.0"]["zenodo"]["doi"] == made.doi


def test_publishing_for_good_is_asked_for(zenodo, releases):
    publish(releases / "1.0.0", "zenodo")
    made = publish(releases / "1.0.0", "zenodo", public=True)
    assert made.public
    assert zenodo.deposits[100]["submitted"]
    assert zenodo.seen.count("create") == zenodo.seen.count("upload") == 1
    assert publish(releases / "1.0.0", "zenodo", public=True).new is False


def test_a_later_version_is_a_new_version_of_the_same_deposit(zenodo, releases):
    publish(releases / "1.0.0", "zenodo", public=True)
    made = publish(releases / "1.1.0", "zenodo")
    first, second = zenodo.deposits.values()
    assert first["conceptrecid"] == second["conceptrecid"]
    assert list(second["files"]) == ["tiny-1.1.0.zip"]
    assert second["metadata"]["version"] == "1.1.0"
    assert made.doi == "10.5072/zenodo.101"


@pytest.mark.parametrize(
    ("about", "fault"), [("create", "lost"), ("create", 502), ("files", 500), ("upload", 503), ("upload", "lost")]
)
def test_what_was_cut_off_is_finished_in_the_same_deposit(zenodo, releases, about, fault):
    zenodo.fail(about, fault)
    with pytest.raises(PublishError, match="Run the same command again"):
        publish(releases / "1.0.0", "zenodo")
    made = publish(releases / "1.0.0", "zenodo", public=True)
    assert len(zenodo.deposits) == 1
    assert made.public
    assert b"zenodo.100" in unpacked(zenodo.deposits[100])["README.md"]


def test_a_deposit_that_somebody_threw_away_is_made_anew(zenodo, releases):
    publish(releases / "1.0.0", "zenodo")
    del zenodo.deposits[100]
    zenodo.deposits[7] = {**zenodo.deposit({}), "id": 7}
    del zenodo.deposits[100]
    assert publish(releases / "1.0.0", "zenodo").new


def test_what_is_published_and_other_is_never_overwritten(zenodo, releases):
    publish(releases / "1.0.0", "zenodo", public=True)
    zenodo.deposits[100]["files"] = {"tiny-1.0.0.zip": b"something else"}
    with pytest.raises(PublishError, match=r"version 1\.0\.0 is published and holds something else"):
        publish(releases / "1.0.0", "zenodo")


def test_what_arrives_otherwise_is_told(zenodo, releases, monkeypatch):
    monkeypatch.setattr(sys.modules[FakeZenodo.__module__], "_md5", lambda data: "0" * 32)
    with pytest.raises(PublishError, match="what arrived is not what was sent"):
        publish(releases / "1.0.0", "zenodo")


def test_zenodo_s_own_words_are_told(zenodo, releases):
    zenodo.fail("upload", lambda: zenodo.deposits[100]["metadata"].pop("title"))
    with pytest.raises(
        PublishError, match=r"Zenodo refused: Validation error\.; metadata\.title: Missing data \(400\)"
    ):
        publish(releases / "1.0.0", "zenodo", public=True)


def test_a_wrong_token_and_none(zenodo, releases, monkeypatch, tmp_path):
    monkeypatch.setenv("ZENODO_TOKEN", "wrong-token")
    with pytest.raises(PublishError, match="Look at the token in ZENODO_TOKEN") as caught:
        publish(releases / "1.0.0", "zenodo")
    assert "wrong-token" not in str(caught.value)
    monkeypatch.delenv("ZENODO_TOKEN")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="no token: ZENODO_TOKEN is not set"):
        publish(releases / "1.0.0", "zenodo")


def test_a_dry_run_asks_nobody(zenodo, releases):
    plan = publish(releases / "1.0.0", "zenodo", dry_run=True)
    assert (plan.done, plan.doi) == (False, "")
    assert plan.bytes > 0
    assert zenodo.seen == []


def test_the_archive_is_the_same_bytes_whenever_it_is_made(releases, tmp_path):
    package = Package.of(releases / "1.0.0")
    elsewhere = Package.of(shutil.copytree(releases / "1.0.0", tmp_path / "elsewhere"))
    with archive(package) as one, archive(elsewhere) as other:
        assert one.read_bytes() == other.read_bytes()


def test_no_answer(releases, monkeypatch):
    monkeypatch.setenv("ZENODO_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("ZENODO_TOKEN", TOKEN)
    with pytest.raises(PublishError, match="Zenodo does not answer"):
        publish(releases / "1.0.0", "zenodo")
