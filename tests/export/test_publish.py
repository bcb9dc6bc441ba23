from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from copydesk.corpus import file_sha256
from copydesk.export import publish
from copydesk.schemas import DeskError, PublishError, SettingsError

from .fake_hub import TOKEN, FakeHub

TO = "hub:desk/tiny"


@pytest.fixture
def hub(monkeypatch):
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)  # between its retries
        yield server


def held(hub, revision="main"):
    """Return what the repository holds at a revision, but for the Hub's own file."""
    _, files = hub.repositories["desk/tiny"].at(revision)
    return {name: data for name, data in files.items() if name != ".gitattributes"}


def lies(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_release_is_one_private_commit_with_a_tag_and_every_byte(hub, releases):
    made = publish(releases / "1.0.0", TO)
    repository = hub.repositories["desk/tiny"]
    assert repository.private
    assert repository.messages == ["initial commit", "tiny 1.0.0"]
    assert repository.tags == {"v1.0.0": repository.head} == {"v1.0.0": made.revision}
    assert held(hub, "v1.0.0") == lies(releases / "1.0.0")
    assert (made.done, made.new, made.public, made.removed) == (True, True, False, ())
    assert set(made.added) == set(lies(releases / "1.0.0"))


def test_to_publish_again_does_nothing(hub, releases):
    publish(releases / "1.0.0", TO)
    before = hub.count("commit"), hub.count("tag"), hub.count("upload")
    again = publish(releases / "1.0.0", TO)
    assert (again.done, again.new, again.added) == (True, False, ())
    assert (hub.count("commit"), hub.count("tag"), hub.count("upload")) == before


def test_the_next_version_sends_only_what_changed(hub, releases):
    publish(releases / "1.0.0", TO)
    old, new = lies(releases / "1.0.0"), lies(releases / "1.1.0")
    made = publish(releases / "1.1.0", TO)
    assert set(made.added) == {name for name in new if new[name] != old.get(name)}
    assert set(made.removed) == old.keys() - new.keys()
    assert held(hub, "v1.1.0") == new
    assert held(hub, "v1.0.0") == old
    assert len(hub.repositories["desk/tiny"].commits) == 3


def test_what_vanished_is_taken_away(hub, releases):
    publish(releases / "1.0.0", TO)
    repository = hub.repositories["desk/tiny"]
    repository.commit({**repository.commits[-1][1], "stale/train-00000-of-00001.parquet": b"rows"}, "by hand")
    assert publish(releases / "1.1.0", TO).removed == ("stale/train-00000-of-00001.parquet",)
    assert held(hub, "v1.1.0") == lies(releases / "1.1.0")


def test_a_dry_run_looks_and_touches_nothing(hub, releases):
    plan = publish(releases / "1.0.0", TO, dry_run=True)
    assert (plan.done, plan.bytes) == (False, sum(map(len, lies(releases / "1.0.0").values())))
    assert not hub.repositories
    publish(releases / "1.0.0", TO)
    before = len(hub.repositories["desk/tiny"].commits)
    plan = publish(releases / "1.1.0", TO, dry_run=True)
    assert "manifest.json" in plan.added
    assert len(hub.repositories["desk/tiny"].commits) == before
    assert publish(releases / "1.0.0", TO, dry_run=True).done


def test_a_tag_that_holds_something_else_is_never_touched(hub, releases):
    publish(releases / "1.0.0", TO)
    repository = hub.repositories["desk/tiny"]
    other = repository.commit({**repository.commits[-1][1], "README.md": b"# Another"}, "by hand")
    repository.tags["v1.1.0"] = other
    for dry_run in (True, False):
        with pytest.raises(PublishError, match=r"the tag v1\.1\.0 is there and holds something else: "):
            publish(releases / "1.1.0", TO, dry_run=dry_run)
    assert repository.tags["v1.1.0"] == repository.head == other


def test_a_public_repository_wants_the_word(hub, releases):
    publish(releases / "1.0.0", TO, public=True)
    assert not hub.repositories["desk/tiny"].private
    with pytest.raises(PublishError, match="everybody can see this repository"):
        publish(releases / "1.1.0", TO)
    assert publish(releases / "1.1.0", TO, public=True).public


def test_what_was_private_can_be_opened_later(hub, releases):
    publish(releases / "1.0.0", TO)
    assert publish(releases / "1.0.0", TO, public=True).public
    assert not hub.repositories["desk/tiny"].private
    assert len(hub.repositories["desk/tiny"].commits) == 2


@pytest.mark.parametrize(
    ("about", "fault"), [("commit", "lost"), ("tag", 503), ("tag", "cut"), ("tag", "lost"), ("file", 500)]
)
def test_what_was_cut_off_after_the_commit_is_finished_without_another(hub, releases, about, fault):
    hub.fail(about, *[fault] * (1_000 if about == "file" else 1))
    with pytest.raises(PublishError, match="the Hub"):
        publish(releases / "1.0.0", TO)
    hub.faults.clear()
    made = publish(releases / "1.0.0", TO)
    repository = hub.repositories["desk/tiny"]
    assert repository.messages == ["initial commit", "tiny 1.0.0"]
    assert repository.tags == {"v1.0.0": repository.head}
    assert made.done
    assert held(hub, "v1.0.0") == lies(releases / "1.0.0")


@pytest.mark.parametrize(
    ("about", "fault"), [("create", 500), ("create", "lost"), ("commit", 500), ("commit", "cut"), ("refs", 502)]
)
def test_what_was_cut_off_before_the_commit_is_begun_again(hub, releases, about, fault):
    hub.fail(about, fault)
    with pytest.raises(PublishError, match="Run the same command again"):
        publish(releases / "1.0.0", TO)
    publish(releases / "1.0.0", TO)
    assert hub.repositories["desk/tiny"].messages == ["initial commit", "tiny 1.0.0"]


@pytest.mark.parametrize("about", ["preupload", "batch", "upload"])
def test_a_short_trouble_is_waited_out(hub, releases, about):
    hub.fail(about, 503, "cut")
    publish(releases / "1.0.0", TO)
    assert held(hub, "v1.0.0") == lies(releases / "1.0.0")


def test_somebody_else_s_commit_meanwhile_stops_ours(hub, releases):
    publish(releases / "1.0.0", TO)
    repository = hub.repositories["desk/tiny"]
    hub.fail("preupload", lambda: repository.commit(repository.commits[-1][1], "meanwhile"))
    with pytest.raises(PublishError, match="somebody else changed the repository while we were at it"):
        publish(releases / "1.1.0", TO)
    assert repository.messages[-1] == "meanwhile"
    assert "v1.1.0" not in repository.tags


def test_a_tag_made_meanwhile_is_fine_if_it_is_the_same_and_refused_if_not(hub, releases):
    def first():
        hub.repositories["desk/tiny"].tags["v1.0.0"] = hub.repositories["desk/tiny"].head

    hub.fail("tag", first)
    assert publish(releases / "1.0.0", TO).done

    def other():
        hub.repositories["desk/tiny"].tags["v1.1.0"] = hub.repositories["desk/tiny"].commits[0][0]

    hub.fail("tag", other)
    with pytest.raises(PublishError, match="holds something else"):
        publish(releases / "1.1.0", TO)


def test_what_comes_back_otherwise_is_told(hub, releases):
    def spoil():
        _, files = hub.repositories["desk/tiny"].commits[-1]
        files["labels.json"] = b"{}"

    hub.fail("tag", spoil)
    with pytest.raises(PublishError, match=r"what came back from the tag v1\.0\.0 is not what was sent: labels\.json"):
        publish(releases / "1.0.0", TO)


@pytest.mark.parametrize("about", ["commit", "tag", "file"])
def test_a_killed_publication_is_finished_by_the_same_command(hub, releases, tmp_path, about):
    """Kill -9 while the Hub works on a request; the work is done there, and nobody is left to hear of it."""
    process = None

    def kill():
        os.kill(process.pid, signal.SIGKILL)

    command = [
        sys.executable,
        "-c",
        "import sys; from copydesk.cli import main; sys.exit(main())",
        "publish",
        str(releases / "1.0.0"),
        "--to",
        TO,
    ]
    env = {**os.environ, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "home")}
    with hub.lock:  # no answer before we know whom to kill
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        hub.fail(about, kill)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    publish(releases / "1.0.0", TO)
    repository = hub.repositories["desk/tiny"]
    assert repository.messages == ["initial commit", "tiny 1.0.0"]
    assert held(hub, "v1.0.0") == lies(releases / "1.0.0")


def test_a_token_that_is_refused(hub, releases, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(PublishError, match="Look at the token in HF_TOKEN") as caught:
        publish(releases / "1.0.0", TO)
    assert "hf_wrong" not in str(caught.value)


def test_a_token_in_a_file_is_for_its_owner_alone(hub, releases, monkeypatch, tmp_path):
    from huggingface_hub import constants

    file = tmp_path / "token"
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(file))
    with pytest.raises(SettingsError, match="no token: HF_TOKEN is not set"):
        publish(releases / "1.0.0", TO)
    file.write_text(TOKEN)
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="others can read this token"):
        publish(releases / "1.0.0", TO)
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    publish(releases / "1.0.0", TO)
    assert set(hub.headers) - {""} == {f"Bearer {TOKEN}"}


def test_the_token_is_written_nowhere(hub, releases, capfd):
    publish(releases / "1.0.0", TO)
    assert TOKEN not in "".join(capfd.readouterr())
    assert all(TOKEN.encode() not in data for data in lies(releases).values())


def test_no_answer_at_all(releases, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(PublishError, match="the Hub does not answer"):
        publish(releases / "1.0.0", TO)


@pytest.mark.parametrize("to", ["hub:tiny", "hub:a/b/c", "ftp:x", "", "hub:../x y"])
def test_no_such_place(releases, to):
    with pytest.raises(SettingsError, match="no place to publish"):
        publish(releases / "1.0.0", to)


def test_a_damaged_release_goes_nowhere(hub, releases):
    (releases / "1.0.0" / "labels.json").write_text("{}")
    with pytest.raises(DeskError, match=r"the release is damaged: labels\.json"):
        publish(releases / "1.0.0", TO)
    assert not hub.seen


def test_forbidden_texts_are_shown_to_nobody_new(hub, releases):
    path = releases / "1.0.0" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["texts"]["licences"]["forbidden"] = 2
    path.write_text(json.dumps(manifest))
    with pytest.raises(PublishError, match="2 texts of this release may not be passed on"):
        publish(releases / "1.0.0", TO, public=True)


def test_a_doi_is_written_on_the_way_out_and_the_manifest_stays_true(hub, releases):
    (releases / "published.json").write_text(json.dumps({"1.0.0": {"zenodo": {"doi": "10.5072/zenodo.7"}}}))
    made = publish(releases / "1.0.0", TO)
    assert made.doi == "10.5072/zenodo.7"
    out = held(hub, "v1.0.0")
    assert b"DOI: [10.5072/zenodo.7](https://doi.org/10.5072/zenodo.7)" in out["README.md"]
    assert out["CITATION.cff"].endswith(b'doi: "10.5072/zenodo.7"\n')
    assert json.loads(out["croissant.json"])["sameAs"] == "https://doi.org/10.5072/zenodo.7"
    listed = json.loads(out["manifest.json"])
    assert listed["doi"] == "10.5072/zenodo.7"
    import hashlib

    assert {name: file["sha256"] for name, file in listed["files"].items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in out.items() if name != "manifest.json"
    }
    assert not any(b"10.5072" in data for data in lies(releases / "1.0.0").values())
    assert publish(releases / "1.0.0", TO).new is False


def test_a_tag_from_before_the_doi_stays(hub, releases):
    publish(releases / "1.0.0", TO)
    (releases / "published.json").write_text(json.dumps({"1.0.0": {"zenodo": {"doi": "10.5072/zenodo.7"}}}))
    assert publish(releases / "1.0.0", TO).new is False


def test_what_was_published_loads_by_its_tag(hub, releases, tmp_path):
    from huggingface_hub import HfApi

    publish(releases / "1.0.0", TO)
    api = HfApi(endpoint=hub.url, token=TOKEN)
    path = api.snapshot_download("desk/tiny", repo_type="dataset", revision="v1.0.0", local_dir=str(tmp_path / "down"))
    manifest = json.loads((releases / "1.0.0" / "manifest.json").read_text())
    for name, file in manifest["files"].items():
        assert file_sha256(tmp_path / "down" / name) == file["sha256"]
    from copydesk.export import load_release

    assert (
        len(load_release(tmp_path / "down", "articles", split="train"))
        == manifest["configs"]["articles"]["splits"]["train"]
    )
    assert path


def test_the_command_says_what_the_library_says(hub, releases, capsys, monkeypatch):
    from copydesk.cli.app import app
    from copydesk.cli.errors import run

    def said(*arguments):
        monkeypatch.setattr(sys, "argv", ["copydesk", "publish", str(releases / "1.0.0"), "--to", *arguments])
        status = run(app)
        return status, capsys.readouterr()

    status, shown = said(TO, "--dry-run")
    assert (status, shown.out.splitlines()[0]) == (
        0,
        f"Would publish 1.0.0, private: {hub.url}/datasets/desk/tiny/tree/v1.0.0",
    )
    status, shown = said(TO, "--json")
    assert (status, json.loads(shown.out)["new"]) == (0, True)
    status, shown = said(TO)
    assert shown.out.startswith("1.0.0 is there already, private: ")
    status, shown = said("ftp:somewhere")
    assert (status, "no place to publish" in shown.err) == (2, True)
    hub.fail("refs", 503)
    status, shown = said(TO)
    assert (status, "Run the same command again" in shown.err) == (4, True)
