"""The stance model as a network: a MiniLM encoder cut to its first layers, told late which words are the target.

::

    sentence ──► first layers ──┬──► + flag at target 1 ──► late layers ──► last layer: three readings ──► head
                 once           └──► + flag at target 2 ──► late layers ──► last layer: three readings ──► head

News names two actors in a sentence, so what comes before the flag is shared; and in the last layer only the readings
that the head needs are computed. The later the flag, the faster: with none but the last layer after it, one layer less
than another network of as many layers costs for each target.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from .minilm import WIDTH, Embeddings, LastLayer, Layer, attention_bias, base_weights

__all__ = ["StanceNetwork"]


class StanceNetwork(nn.Module):
    """Encoder and head: the logits of critical, neutral and supportive towards a marked target.

    The head is linear over three readings: of the first token, of the target's tokens, of all. Each is a
    mean that goes through the last layer in the place of a token.

    Args:
        layers: How many of the base model's six layers are kept, from the first, the last one among them.
        late: How many of them, before the last, see the flag.
        labels: How many classes the head tells apart.
    """

    def __init__(self, layers: int, late: int, labels: int) -> None:
        super().__init__()
        self.early = layers - 1 - late
        self.embeddings = Embeddings()
        self.layers = nn.ModuleList(Layer() for _ in range(layers - 1))
        self.flag = nn.Parameter(torch.randn(WIDTH) * 0.1)
        self.last = LastLayer()
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(3 * WIDTH, labels)

    def forward(self, ids: Tensor, target: Tensor) -> Tensor:
        """Return logits, one row an input.

        Args:
            ids: Token ids of sentences, 0 where a row is filled up.
            target: 1 at the target's tokens, else 0; as many rows as `ids`, or any number for one sentence.
        """
        real = (ids != 0).to(self.flag.dtype)
        bias = attention_bias(real)
        marked, every = target.to(self.flag.dtype).unsqueeze(-1), real.unsqueeze(-1)
        hidden = self.embeddings(ids)
        for layer in self.layers[: self.early]:
            hidden = layer(hidden, bias)
        hidden = hidden + marked * self.flag
        for layer in self.layers[self.early :]:
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
            ValueError: They are not the weights that training starts from.
        """
        given = base_weights(folder)
        self.embeddings.take_base(given)
        for number, layer in enumerate((*self.layers, self.last)):
            layer.take_base(given, number)

    def take(self, teacher: StanceNetwork) -> None:
        """Fill the network with a teacher's weights: its first layers, its last one, its flag and its head."""
        own, told = self.state_dict(), teacher.state_dict()
        self.load_state_dict({name: told[name] for name in own})
