"""The tagger as a network: MiniLM with an embedding of each word's capitals added, and a tag per token."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from .minilm import WIDTH, Embeddings, Layer, attention_bias, base_weights
from .tagger import CAPITALS

__all__ = ["TaggerNetwork"]

LAYERS = 6


class TaggerNetwork(nn.Module):
    """Encoder and head: the logits of every tag for every token.

    Args:
        tags: How many tags there are.
    """

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.embeddings = Embeddings()
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.case = nn.Embedding(CAPITALS, WIDTH)
        nn.init.normal_(self.case.weight, std=0.02)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(WIDTH, tags)

    def forward(self, ids: Tensor, case: Tensor, mask: Tensor) -> Tensor:
        """Return logits of shape (rows, length, tags) for word pieces, their capitals, and what is not filled up."""
        bias = attention_bias(mask.to(self.head.weight.dtype))
        hidden = self.embeddings(ids, self.case(case))
        for layer in self.layers:
            hidden = layer(hidden, bias)
        return self.head(self.drop(hidden))

    def take_base(self, folder: Path) -> None:
        """Fill the encoder with the base model's weights.

        Raises:
            ValueError: They are not the weights that training starts from.
        """
        given = base_weights(folder)
        self.embeddings.take_base(given)
        for number, layer in enumerate(self.layers):
            layer.take_base(given, number)
