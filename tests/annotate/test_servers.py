"""Every kind of Label Studio and of token: the desk's own server, one elsewhere, one on PostgreSQL."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import httpx
import pytest
from fake_studio import TOKEN
from test_upgrading import FILE, OLD, SWAPS, new_scheme

from copydesk.annotate import (
    StudioClient,
    connect,
    edits,
    find_projects,
    finished,
    install_studio,
    ledger,
    make_project,
    own_account,
    pull,
    push,
    studio_status,
    upgrade_project,
)
from copydesk.schemas import StudioError

PASSWORD = "a-long-pass-word-1"
USER = "remote@example.org"


@functools.cache  # a user has one
def personal_token(url, email, password):
    """Log in as a person would and return a fresh personal access token."""
    with httpx.Client(base_url=url, follow_redirects=True, trust_env=False) as web:
        page = web.get("/user/login/").text
        secret = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        form = {"csrfmiddlewaretoken": secret, "email": email, "password": password}
        web.post("/user/login/", data=form, headers={"Referer": url}).raise_for_status()
        answer = web.post("/api/token/", headers={"X-CSRFToken": web.cookies["csrftoken"], "Referer": url})
        answer.raise_for_status()
        return answer.json()["token"]


def there_and_back(desk):
    """Push, push again, annotate every task as suggested, pull, pull again; return the client."""
    pushed = push(desk)
    assert (pushed.created, pushed.already, pushed.failed) == (4, 0, ())
    assert push(desk).created == 0
    client = connect(desk)
    tasks = list(client.pages(pushed.project_id, ("id", "data", "predictions"), full=True))
    for task in tasks:
        body = {"result": task["predictions"][0]["result"], "lead_time": 3.5}
        client.send("POST", f"/api/tasks/{task['id']}/annotations/", body)
    assert pull(desk).added == 4
    assert pull(desk).added == 0
    assert {edit.kind for edit in edits(desk)} == {"accepted"}
    assert len(list(finished(desk))) == 4
    return client


@pytest.fixture
def elsewhere(studio_home, monkeypatch):
    """The session's server, named by its address as one elsewhere would be."""

    def use(token):
        monkeypatch.setenv("COPYDESK_STUDIO_URL", studio_status(studio_home).url)
        monkeypatch.setenv("COPYDESK_STUDIO_API_KEY", token)

    return use


@pytest.mark.studio
@pytest.mark.parametrize("kind", ["legacy", "personal"])
def test_both_kinds_of_token(make_desk, studio_home, elsewhere, kind):
    account = own_account(studio_home)
    url = studio_status(studio_home).url
    token = account.token if kind == "legacy" else personal_token(url, account.email, account.password)
    assert ("." in token) == (kind == "personal")
    elsewhere(token)
    client = there_and_back(make_desk(name=f"token-{kind}"))
    assert (client.user, client.version) == (account.email, "1.23.2")
    assert token not in repr(client)


@pytest.mark.studio
def test_a_personal_token_that_was_taken_back(make_desk, studio_home, elsewhere):
    account = own_account(studio_home)
    url = studio_status(studio_home).url
    token = personal_token(url, account.email, account.password)
    head, body, signature = token.split(".")
    elsewhere(f"{head}.{body}.{signature[::-1]}")
    with pytest.raises(StudioError, match=r"does not accept the token \*\*\*") as error:
        connect(make_desk(name="taken-back"))
    assert signature[::-1] not in str(error.value)


def test_versions_are_checked_at_connect(make_desk, fake_studio, caplog):
    connect(make_desk())
    assert caplog.text == ""
    fake_studio.version = lambda query, body: (200, {"release": "1.13.0"})
    fake_studio.routes = (("GET", "/api/version/", lambda *_: (200, {"release": "1.13.0"})), *fake_studio.routes)
    client = connect(make_desk(name="other"))
    assert client.version == "1.13.0"
    assert "Label Studio 1.13.0 at http://127.0.0.1" in caplog.text
    assert "tested with 1.23.2" in caplog.text
    assert TOKEN not in caplog.text


def move_a_project(desk, tmp_path):
    """Annotate, begin a draft, move to a newer scheme and look what the server made of it."""
    project = push(desk).project_id
    client = connect(desk)
    first, second, third, _ = list(client.pages(project, ("id", "data", "predictions"), full=True))
    rows = first["predictions"][0]["result"]
    region = next(row for row in rows if row.get("value", {}).get("labels") == ["ARMED_ACTOR"])
    answer = {**region, "from_name": "actor_class", "type": "choices"}
    answer["value"] = {k: v for k, v in region["value"].items() if k != "labels"} | {"choices": ["state_military"]}
    client.send("POST", f"/api/tasks/{first['id']}/annotations/", {"result": [*rows, answer], "lead_time": 9.0})
    client.send("POST", f"/api/tasks/{second['id']}/annotations/", {"result": rows[:1], "was_cancelled": True})
    client.send("POST", f"/api/tasks/{third['id']}/drafts", {"result": [region], "lead_time": 1.0})

    desk = new_scheme(desk, **SWAPS)
    path = tmp_path / "migration.toml"
    path.write_text(FILE)
    looked = upgrade_project(desk, migration=path, dry_run=True)
    assert (looked.tasks, looked.annotations, looked.drafts, looked.decisions) == (4, 1, 1, ())
    done = upgrade_project(desk, migration=path)
    assert (done.tasks, done.annotations, done.drafts) == (4, 1, 1)
    assert (push(desk).created, push(desk).predictions_updated) == (0, 0)

    raw = client.get(f"/api/projects/{project}/")
    assert raw["show_instruction"] is True
    assert "<b>ARMED_GROUP</b>" in raw["expert_instruction"]
    assert upgrade_project(desk).config == ()
    assert make_project(desk)[0].instruction == raw["expert_instruction"]
    said = next(iter(finished(desk)))
    assert {"group_class": "state_military"} in [entity.attributes for entity in said.annotations.entities]
    versions = [e for e in ledger(desk) if json.loads(e.raw)["lead_time"] == 9.0]
    assert [entry.scheme for entry in versions][:2] == ["conflict-news 1.0.0", "conflict-news 1.1.0"]
    assert len({entry.annotator for entry in versions}) == 1
    assert "ARMED_ACTOR" not in versions[-1].raw
    assert {edit.kind for edit in edits(desk)} == {"accepted", "reattributed"}
    draft = client.get(f"/api/tasks/{third['id']}/drafts")[0]
    assert [row["value"]["labels"] for row in draft["result"]] == [["ARMED_GROUP"]]


@pytest.mark.studio
def test_a_project_moves_to_a_newer_scheme(studio_desk, tmp_path):
    move_a_project(studio_desk(), tmp_path)


@pytest.mark.studio
def test_several_projects_of_one_desk(studio_desk):
    desk = studio_desk()
    main, new = make_project(desk)
    assert new
    stance, _ = make_project(desk, layers=["stance", "entities"])
    focus, _ = make_project(desk, layout="focus")
    assert len({main.id, stance.id, focus.id}) == 3
    assert make_project(desk, layers=["entities", "stance"]) == (stance, False)
    assert (focus.layers, focus.layout) == ("entities+stance", "focus")
    desk.note("studio", {})
    (desk.path / "state.json").unlink()  # lost: the projects are known again by title and config
    assert make_project(desk)[0].id == main.id
    assert make_project(desk, layout="focus")[0].id == focus.id
    assert make_project(desk, layers=["entities", "stance"])[0].id == stance.id
    assert {project.id for project in find_projects(connect(desk), desk)} == {main.id, stance.id, focus.id}


# PostgreSQL

POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1:]), None)
if POSTGRES is None and shutil.which("initdb"):
    POSTGRES = Path(shutil.which("initdb") or "")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def database(folder):
    """Run a PostgreSQL of our own and yield its port; it refuses to run as root, so it gets its own user there."""
    owner = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        owner = {"user": user.pw_uid, "group": user.pw_gid}
    port, data, word = free_port(), folder / "data", folder / "password"
    word.write_text("secret\n")
    word.chmod(0o644)
    common = {**owner, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    made = [POSTGRES, "-D", data, "-U", "postgres", "--pwfile", word, "-A", "scram-sha-256", "-E", "UTF8", "-N"]
    subprocess.run([*made, "--locale", "C.UTF-8"], check=True, **common)
    command = [POSTGRES.parent / "postgres", "-D", data, "-p", str(port), "-k", folder, "-c", "fsync=off"]
    with subprocess.Popen([*command, "-h", "127.0.0.1"], **common) as server:
        try:
            yield port
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def on_postgres(tmp_path_factory):
    """A stock Label Studio, with its own settings, on a PostgreSQL of ours: yields its address."""
    if POSTGRES is None:
        pytest.skip("no PostgreSQL on this machine")
    folder = install_studio()
    home = tmp_path_factory.mktemp("elsewhere")
    base = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())  # where another user may look
    base.chmod(0o755)
    port = free_port()
    with database(base) as database_port, (home / "log").open("wb") as log:
        environment = {
            "HOME": str(home), "PATH": f"{folder / 'bin'}:/usr/bin:/bin", "LANG": "C.UTF-8",
            "LABEL_STUDIO_BASE_DATA_DIR": str(home), "COLLECT_ANALYTICS": "false", "LABEL_STUDIO_SENTRY_DSN": "",
            "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "", "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
            "DJANGO_DB": "default", "POSTGRE_USER": "postgres", "POSTGRE_PASSWORD": "secret",
            "POSTGRE_NAME": "postgres", "POSTGRE_HOST": "127.0.0.1", "POSTGRE_PORT": str(database_port),
            "LABEL_STUDIO_USERNAME": USER, "LABEL_STUDIO_PASSWORD": PASSWORD,
        }  # fmt: skip
        command = [folder / "bin" / "label-studio", "start", "--no-browser", "--internal-host", "127.0.0.1"]
        command += ["--port", str(port), "--data-dir", home]
        with subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log) as server:
            url = f"http://127.0.0.1:{port}"
            try:
                wait_for(url, server)
                yield url
            finally:
                server.terminate()
                server.wait(60)
    shutil.rmtree(base, ignore_errors=True)


def wait_for(url, server):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + 600
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError), opener.open(f"{url}/health", timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.5)  # a migration of an empty database takes half a minute
    raise AssertionError("Label Studio did not come up on PostgreSQL")


@pytest.fixture
def postgres_desk(make_desk, on_postgres, monkeypatch):
    monkeypatch.setenv("COPYDESK_STUDIO_URL", on_postgres)
    # a server elsewhere has legacy tokens switched off unless somebody asked for them
    monkeypatch.setenv("COPYDESK_STUDIO_API_KEY", personal_token(on_postgres, USER, PASSWORD))
    return lambda name: make_desk(name=name)


@pytest.mark.studio
@pytest.mark.slow
def test_a_server_on_postgresql(postgres_desk):
    client = there_and_back(postgres_desk("pg-round"))
    assert client.user == USER


@pytest.mark.studio
@pytest.mark.slow
def test_a_project_on_postgresql_moves_to_a_newer_scheme(postgres_desk, tmp_path):
    move_a_project(postgres_desk("pg-move"), tmp_path)


@pytest.mark.studio
@pytest.mark.slow
def test_a_server_on_postgresql_refuses_a_legacy_token(postgres_desk, on_postgres):
    with pytest.raises(StudioError, match="a legacy token must be allowed by the organisation"):
        StudioClient(on_postgres, "0123456789abcdef0123456789abcdef01234567").check()


def test_the_schemes_of_these_tests_are_the_shipped_one():
    assert (OLD.name, OLD.version) == ("conflict-news", "1.0.0")
