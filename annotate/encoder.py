"""Open small encoders: the only place that knows onnxruntime and tokenizers."""

from __future__ import annotations

import os
from typing import Any

from copydesk.schemas import SettingsError

__all__ = ["open_session", "open_tokenizer"]


def open_session(model: bytes) -> Any:
    """Return an ``onnxruntime.InferenceSession`` that uses one thread: copydesk runs one process per core.

    Raises:
        SettingsError: These bytes are no ONNX model that the runtime can load.
    """
    # without this the runtime looks for graphics cards by reading /sys, and says so on standard error
    os.environ.setdefault("ORT_LOGGING_LEVEL", "3")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has a kind of its own for every way a model can be broken
        raise SettingsError(f"no ONNX model that can be loaded: {error}") from error


def open_tokenizer(content: bytes) -> Any:
    """Return a ``tokenizers.Tokenizer`` that neither cuts nor pads.

    Raises:
        SettingsError: This is no tokenizer.json.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    except Exception as error:  # raised by the Rust side as a bare Exception
        raise SettingsError(f"no tokenizer.json: {error}") from error
    tokenizer.encode_special_tokens = True  # "[SEP]" in an article is three words, not the separator
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
