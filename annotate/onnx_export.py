"""Turn a trained torch module into a small ONNX file: int8 weights, one scale per channel.

One scale per tensor was seen to cost one to two points of F1. Fusing the graph before quantising made it slower.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["int8_onnx"]


def int8_onnx(module: Any, inputs: Mapping[str, Any], *, per_token: bool) -> bytes:
    """Return a module as ONNX with int8 weights.

    Args:
        module: A ``torch.nn.Module`` in evaluation mode.
        inputs: An example of each input by name, of shape (rows, length); both may differ later on,
            rows also from one input to the next.
        per_token: Whether the output, ``logits``, has a length too, and not a row of numbers for each row.
    """
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # inputs may have different numbers of rows: one sentence, several targets in it
    axes = {name: {0: f"{name}_rows", 1: "length"} for name in inputs}
    with tempfile.TemporaryDirectory() as scratch, _quiet(), torch.no_grad():
        plain, small = Path(scratch) / "plain.onnx", Path(scratch) / "int8.onnx"
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            str(plain),
            input_names=list(inputs),
            output_names=["logits"],
            dynamic_axes={**axes, "logits": {0: "rows", 1: "length"} if per_token else {0: "rows"}},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(str(plain), str(small), weight_type=QuantType.QInt8, per_channel=True)
        return small.read_bytes()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the exporter says of shapes, which all come from the inputs, and advice to fuse first."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
