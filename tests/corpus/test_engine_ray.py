"""The engine on Ray: the same bytes, whatever dies. Skipped where the extra `ray` is not installed."""

from __future__ import annotations

import importlib
import sys

import pytest

from copydesk.corpus import run_shards
from copydesk.schemas import DeskError, InputError, SettingsError

from .conftest import change_setting
from .test_engine import outputs, shards, stage  # noqa: F401  (fixtures)

runner = importlib.import_module("copydesk.corpus.ray_runner")


def on_ray(desk, workers=2):
    desk = change_setting(desk, "^engine = .*", 'engine = "ray"')
    return change_setting(desk, "^workers = .*", f"workers = {workers}")


def test_without_ray_the_extra_is_named(desk, stage, shards, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingsError) as caught:
        run_shards(stage.double, shards, desk=on_ray(desk), stage="double")
    assert str(caught.value) == (
        'engine = ray: Ray is not installed\npip install "copydesk[ray]", or engine = "processes".'
    )


@pytest.mark.ray
def test_an_address_without_a_cluster(desk, stage, shards):  # noqa: F811
    pytest.importorskip("ray")
    desk = change_setting(on_ray(desk), "^ray_address = .*", 'ray_address = "127.0.0.1:9"')
    with pytest.raises(SettingsError, match="no Ray cluster can be reached"):
        run_shards(stage.double, shards, desk=desk, stage="double")


@pytest.fixture(scope="module")
def cluster():
    """One cluster on this machine for all tests: starting one takes seconds."""
    ray = pytest.importorskip("ray")
    ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.mark.ray
def test_ray_gives_the_same_bytes(cluster, desk, stage, shards):  # noqa: F811
    run_shards(stage.double, shards, desk=desk, stage="double")
    expected = outputs(desk)
    for path in desk.parts("doubled"):
        path.unlink()
    told = []
    result = run_shards(stage.double, shards, desk=on_ray(desk), stage="double", on_progress=told.append)
    assert result.done == 6
    assert outputs(desk) == expected
    assert [item.done for item in told] == list(range(7))
    assert run_shards(stage.double, shards, desk=on_ray(desk), stage="double").skipped == 6


@pytest.mark.ray
def test_a_worker_that_dies_once_is_replaced(cluster, desk, stage, shards):  # noqa: F811
    result = run_shards(stage.die_once_on_three, shards, desk=on_ray(desk), stage="double")
    assert result.done == 6
    assert len(outputs(desk)) == 6
    assert not list((desk.path / "doubled").glob(".*.tmp"))


@pytest.mark.ray
def test_a_shard_that_always_kills_its_worker_is_named(cluster, desk, stage, shards):  # noqa: F811
    with pytest.raises(DeskError, match="its worker died 3 times on the Ray cluster") as caught:
        run_shards(stage.die_on_three, shards, desk=on_ray(desk, 1), stage="double")
    assert caught.value.where == "doubled/part-3.parquet"
    assert run_shards(stage.double, shards, desk=desk, stage="double").skipped >= 3


@pytest.mark.ray
def test_an_error_of_the_stage_comes_through_from_ray(cluster, desk, stage, shards):  # noqa: F811
    with pytest.raises(InputError, match="part-2: two is not allowed"):
        run_shards(stage.refuse_two, shards, desk=on_ray(desk, 1), stage="double")


@pytest.mark.ray
def test_an_interrupt_stops_the_actors(cluster, desk, stage, shards):  # noqa: F811
    def interrupt(progress):
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_shards(stage.double, shards, desk=on_ray(desk), stage="double", on_progress=interrupt)
    assert run_shards(stage.double, shards, desk=on_ray(desk), stage="double").skipped >= 2


@pytest.mark.ray
def test_results_come_in_order_from_ray(cluster, desk):
    engine = importlib.import_module("copydesk.corpus.engine")
    assert list(engine.ordered(str, iter(range(30)), desk=on_ray(desk), label=str)) == [str(n) for n in range(30)]
