"""copydesk train stance and copydesk train calibration, as a person sees them."""

from __future__ import annotations

import importlib.util
import json

import pytest


@pytest.fixture
def data(tmp_path):
    labels = ["critical", "neutral", "supportive"]
    for name, count in (("mine_train", 60), ("mine_dev", 9)):
        rows = [
            {"text": f"Mara Lind spoke, number {n}.", "start": 0, "end": 9, "label": labels[n % 3]}
            for n in range(count)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_it_says_what_to_install(copydesk, data, tmp_path):
    done = copydesk("train", "stance", "--data", data, "--model-out", tmp_path / "model")
    assert done.status == 2
    assert "which is not installed" in done.err
    assert "pip install 'copydesk[train]'" in done.err


def test_data_that_is_not_there(copydesk, tmp_path):
    done = copydesk("train", "stance", "--data", tmp_path / "nowhere", "--model-out", tmp_path / "model")
    assert done.status == 2
    assert "there is no such file or folder" in done.err


def test_calibration_asks_for_corrections_first(copydesk, tmp_path):
    copydesk("init", tmp_path / "desk")
    done = copydesk("train", "calibration", "--desk", tmp_path / "desk")
    assert done.status == 1
    assert "0 corrected stances in 0 articles: too few. At least 20 in two articles are needed" in done.out
    told = json.loads(copydesk("train", "calibration", "--desk", tmp_path / "desk", "--json").out)
    assert (told["kept"], told["stances"], told["needed"]) == (False, 0, 20)
    assert not (tmp_path / "desk" / "models").exists()
