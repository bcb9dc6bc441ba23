"""The main job through a real Label Studio, stopped in the middle once, and then everything around it.

One desk goes through the whole file, so the tests build on each other in their order.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk.annotate import own_account, start_studio, stop_studio, studio_status
from copydesk.corpus import Desk

from .conftest import SAMPLES, spawn

pytestmark = [pytest.mark.studio, pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo")
    yield path
    if (path / "d/copydesk.toml").exists():
        stop_studio(path / "d")


@pytest.fixture
def demo_desk(folder, monkeypatch):
    monkeypatch.chdir(folder / "d")
    return folder / "d"


def secrets(desk):
    raw = json.loads((desk / ".studio/credentials.json").read_text("utf-8"))
    return [secret for account in raw.values() for secret in account.values()]


def test_ctrl_c_in_the_middle_puts_the_server_away(folder):
    process = spawn("demo", "d", "--samples", SAMPLES, cwd=folder, start_new_session=True)
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("replay annotator-1"):
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to all of them
            break
    _, rest = process.communicate(timeout=120)
    err = "".join(said) + rest
    assert process.returncode == 3, err
    assert "stopped; run the same command again to go on" in err
    assert "Traceback" not in err
    assert studio_status(folder / "d").state == "stopped"


def test_the_same_command_goes_on_to_the_end(folder):
    process = spawn("demo", "d", "--samples", SAMPLES, cwd=folder)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    for made in ("d/releases/1.0.0", "d/reports/d.html", "http://127.0.0.1:", "(stopped)", "Log in there as"):
        assert made in out
    assert "articles 18" in err
    assert len(out.split("Try next:\n")[1].strip().splitlines()) == 3
    assert not any(secret in out + err for secret in secrets(folder / "d"))
    assert studio_status(folder / "d").state == "stopped"


def test_a_third_run_says_that_all_is_done(folder):
    process = spawn("demo", "d", "--samples", SAMPLES, "--json", cwd=folder)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "All is done already" in err
    assert json.loads(out)["studio"]["state"] == "stopped"


def test_what_is_next_is_pasted_as_shown(folder):
    process = spawn("demo", "d", "--samples", SAMPLES, cwd=folder)
    out, _ = process.communicate(timeout=60)
    first = out.split("Try next:\n")[1].splitlines()[0].strip()
    done = subprocess.run(["bash", "-c", first], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_gold_is_what_the_adjudicator_said(demo_desk):
    from copydesk.annotate import gold
    from copydesk.cli.samples import read_annotations

    desk = Desk(demo_desk)
    standing = {document.annotations.document_id: document for document in gold(desk).documents}
    assert len(standing) == 18
    for row in read_annotations(desk, SAMPLES / "annotations/adjudicator.jsonl"):
        found = standing[row.annotations.document_id]
        assert found.origin == "adjudicated"
        wanted = {(e.span, e.label, tuple(sorted(e.attributes.items()))) for e in row.annotations.entities}
        assert {(e.span, e.label, tuple(sorted(e.attributes.items()))) for e in found.annotations.entities} == wanted
        assert len(found.annotations.attributions) == len(row.annotations.attributions)
        assert {(s.polarity, s.evidence) for s in found.annotations.stances} == {
            (s.polarity, s.evidence) for s in row.annotations.stances
        }


def test_status_counts_people_without_a_server(copydesk, demo_desk):
    shown = copydesk("status", "--json").json
    assert shown["server"] == "stopped"
    assert (shown["pushed"], shown["annotated"]) == (18, 18)
    assert shown["by"] == {
        "adjudicator@copydesk.local": 8,
        "annotator-1@copydesk.local": 18,
        "annotator-2@copydesk.local": 18,
    }
    assert shown["gold"] == {"adjudicated": 8, "gold": 10}
    assert shown["releases"] == ["1.0.0"]


def test_gold_and_annotations_have_no_errors(copydesk, demo_desk):
    for what in ("gold", "annotations"):
        assert copydesk("check", what, "--select", "E").status == 0


@pytest.mark.parametrize("command", ["push", "pull"])
def test_without_a_server_one_message_says_what_to_do(copydesk, demo_desk, command):
    shown = copydesk(command)
    assert (shown.status, shown.out) == (4, "")
    assert "copydesk studio start" in shown.err
    assert "Traceback" not in shown.err


def test_studio_starts_once_and_says_how_to_log_in(copydesk, demo_desk):
    assert copydesk("studio", "status").out.startswith("Label Studio: stopped")
    first = copydesk("studio", "start")
    assert first.status == 0
    assert "Label Studio is running at http://127.0.0.1:" in first.out
    assert ".studio/credentials.json, which only you can read" in first.out
    second = copydesk("studio", "start", "--json")
    assert second.json["started"] is False
    assert not any(secret in first.out + first.err + second.out + second.err for secret in secrets(demo_desk))
    assert (demo_desk / ".studio/credentials.json").stat().st_mode & 0o077 == 0


def test_push_and_pull_again_change_nothing(copydesk, demo_desk):
    pushed = copydesk("push", "--json").json
    assert (pushed["created"], pushed["already"]) == (0, 18)
    pulled = copydesk("pull", "--json").json
    assert (pulled["added"], pulled["already"]) == (0, 44)
    played = copydesk("replay", SAMPLES / "annotations/annotator-2.jsonl", "--as", "annotator-2", "--json").json
    assert (played["created"], played["annotations"]) == (0, 18)
    assert copydesk("release", "--json").json["new"] is False


def test_a_wrong_token_is_refused_in_one_message(copydesk, demo_desk, monkeypatch):
    url = studio_status(demo_desk).url
    monkeypatch.setenv("COPYDESK_STUDIO_URL", url)
    monkeypatch.setenv("COPYDESK_STUDIO_API_KEY", "0" * 40)
    shown = copydesk("pull")
    assert shown.status == 4
    assert "Traceback" not in shown.err
    assert "0" * 40 not in shown.err
    assert len(shown.err.splitlines()) <= 4


def test_a_labelling_config_changed_by_hand_is_named_and_put_back(copydesk, demo_desk):
    import urllib.request

    desk = Desk(demo_desk)
    status, account = studio_status(desk), own_account(desk)
    project = copydesk("pull", "--json").json["project_id"]
    address = f"{status.url}/api/projects/{project}/"
    headers = {"Authorization": f"Token {account.token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        config = json.load(answer)["label_config"]
    changed = json.dumps({"label_config": config.replace('value="TIME"', 'value="WHEN"')}).encode()
    urllib.request.urlopen(urllib.request.Request(address, changed, headers, method="PATCH")).close()
    shown = copydesk("push")
    assert shown.status == 4
    assert "TIME" in shown.err
    assert "copydesk push --reset-config" in shown.err
    assert "TIME" in copydesk("pull").err, "a pull goes on and warns"
    assert copydesk("push", "--reset-config").status == 0
    assert copydesk("push").status == 0


def test_new_work_makes_a_new_version_and_the_diff_shows_it(copydesk, demo_desk, tmp_path):
    lines = (SAMPLES / "annotations/annotator-1.jsonl").read_text("utf-8").splitlines()
    third = tmp_path / "third.jsonl"
    third.write_text("\n".join(lines[2:5]) + "\n", encoding="utf-8")
    assert copydesk("replay", third, "--as", "annotator-3", "--json").json["created"] == 3
    assert copydesk("pull", "--json").json["added"] == 3
    made = copydesk("release", "--json").json
    assert made["new"]
    assert made["parent"] == "1.0.0"
    shown = copydesk("diff", "releases/1.0.0", made["path"], "--full")
    assert shown.status == 1
    assert shown.out.startswith(f"1.0.0 → {made['version']}: ")


def test_studio_stops(copydesk, demo_desk):
    assert copydesk("studio", "stop").out == "Stopped Label Studio.\n"
    assert copydesk("studio", "stop").out == "Label Studio was not running.\n"


def test_ctrl_c_in_suggest_leaves_a_desk_that_goes_on(folder, sample_desk):
    import shutil

    desk = Path(shutil.copytree(sample_desk, folder / "s"))
    process = spawn("suggest", "--desk", desk, cwd=folder, start_new_session=True)
    assert process.stderr.readline().startswith("suggest")
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "Traceback" not in err
    done = subprocess.run(
        [Path(sys.executable).with_name("copydesk"), "suggest", "--desk", desk, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["documents"] == 18


def test_the_server_is_left_running_only_when_asked(folder):
    process = spawn("demo", "d", "--samples", SAMPLES, "--keep-studio", cwd=folder)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "(running)" in out
    assert start_studio(folder / "d").started is False
    assert stop_studio(folder / "d")
