"""A cluster of two machines that loses one, gets another, and loses its driver: nothing lost, nothing twice, same bytes."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from copydesk.corpus import Desk, documents, ingest, init_desk, segment_all
from copydesk.schemas import text_sha256

from .conftest import change_setting, story, tree_digest, write_jsonl

pytestmark = pytest.mark.ray

INTAKE = importlib.import_module("copydesk.corpus.intake")
INGEST = importlib.import_module("copydesk.corpus.ingest")
ARTICLES = 120
SHARD = 10
BATCH = 5

DRIVER = """
import importlib, sys
from pathlib import Path
from copydesk.corpus import Desk, ingest
importlib.import_module("copydesk.corpus.intake").SHARD_DOCUMENTS = int(sys.argv[4])
importlib.import_module("copydesk.corpus.ingest").BATCH_RECORDS = int(sys.argv[5])
desk = Desk(Path(sys.argv[1]))
desk.settings = desk.settings.model_copy(update={"engine": "ray", "ray_address": sys.argv[3], "workers": 0})
ingest(desk, [sys.argv[2]], on_progress=lambda told: print(told.stage, told.done, flush=True))
"""


@pytest.fixture
def small(monkeypatch):
    """Make shards and batches so small that a few articles are many of them."""
    monkeypatch.setattr(INTAKE, "SHARD_DOCUMENTS", SHARD)
    monkeypatch.setattr(INGEST, "BATCH_RECORDS", BATCH)


@pytest.fixture
def source(tmp_path):
    rows = [{"id": str(n), "title": f"Story {n}", "text": story(n % 110)} for n in range(ARTICLES)]
    return write_jsonl(tmp_path / "rows.jsonl", rows)


@pytest.fixture
def expected(tmp_path, source, small):
    """Return the hashes of the same desk made in one process."""
    desk = change_setting(init_desk(tmp_path / "one", name="desk"), "^engine = .*", 'engine = "serial"')
    ingest(desk, [source])
    return tables(desk)


@pytest.fixture
def two_nodes():
    """Run a head and a second machine, one core each, and connect to them."""
    ray = pytest.importorskip("ray")
    utils = importlib.import_module("ray.cluster_utils")
    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000}
    cluster = utils.Cluster(initialize_head=True, head_node_args=head)
    node = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    yield ray, cluster, node
    ray.shutdown()
    cluster.shutdown()


def tables(desk):
    return {name: digest for name, digest in tree_digest(desk.path).items() if name != "copydesk.toml"}


def on(desk, address):
    desk.settings = desk.settings.model_copy(update={"engine": "ray", "ray_address": address, "workers": 0})
    return desk


def test_a_node_dies_in_the_middle_and_another_one_comes(two_nodes, tmp_path, source, expected):
    ray, cluster, node = two_nodes
    ray.init(address=cluster.address, log_to_driver=False)
    desk = on(init_desk(tmp_path / "desk"), cluster.address)
    happened = []

    def disturb(told):
        if told.stage == "ingest" and told.done == 20:
            cluster.remove_node(node, allow_graceful=False)
            happened.append("died")
        if told.stage == "ingest" and told.done == 70:
            cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
            happened.append("came")

    ingest(desk, [source], on_progress=disturb)
    assert happened == ["died", "came"]
    assert tables(desk) == expected
    assert not list(desk.path.rglob(".*.tmp"))


def test_a_node_that_never_comes_back_holds_nothing_up(two_nodes, tmp_path, source, expected):
    ray, cluster, node = two_nodes
    ray.init(address=cluster.address, log_to_driver=False)
    desk = on(init_desk(tmp_path / "desk"), cluster.address)
    ingest(desk, [source])
    for table in ("segments", "clusters"):
        shutil.rmtree(desk.path / table)
    died = []

    def disturb(told):
        if told.done == 3 and not died:
            cluster.remove_node(node, allow_graceful=False)
            died.append(told)

    with desk.locked():
        result = segment_all(desk, on_progress=disturb)
    assert died
    assert (result.done, result.skipped) == (len(desk.parts("articles")), 0)
    ingest(desk, [])
    assert tables(desk) == expected


def test_a_killed_driver_is_run_again(two_nodes, tmp_path, source, expected):
    _, cluster, _ = two_nodes
    desk = init_desk(tmp_path / "desk")
    words = [sys.executable, "-c", DRIVER, str(desk.path), source, cluster.address, str(SHARD), str(BATCH)]
    driver = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    for line in driver.stdout:
        if line.startswith("ingest 60"):
            break
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    assert 0 < len(desk.parts("articles")) < len([name for name in expected if name.startswith("articles/")])
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert tables(Desk(desk.path)) == expected
    ids = [document.id for document in documents(desk)]
    assert len(ids) == len(set(ids)) == ARTICLES
    assert all(document.sha256 == text_sha256(document.text) for document in documents(desk))
    assert json.loads((desk.path / "state.json").read_text("utf-8"))["segment"]
