"""Train the stance model: fine-tune, average, calibrate, write as int8 ONNX with a card.

The recipe, measured in ``docs/stance.md``: the first layers of all-MiniLM-L6-v2, AdamW at 1e-4 (the head at five
times that), three epochs of batches of like length, label smoothing, a linear warm-up. A larger network, told earlier
which words are the target, is trained first and teaches: the small one begins with its weights, and half of its loss
is how far it is from the teacher's softened probabilities (Hinton et al. 2015). Several runs that differ in the order of
the examples alone may be averaged weight by weight (Wortsman et al. 2022): the model costs the same to use. One
temperature is fitted on the development part.

The same data, seed, layers and threads on the same kind of processor give the same file, byte for byte;
elsewhere sums are taken in another order and the figures agree within a few tenths.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from copydesk.corpus import file_sha256, write_atomically
from copydesk.schemas import OnProgress, SettingsError, silent

from .calibration import fit_calibration, held_out
from .model_places import check_place
from .onnx_export import int8_onnx
from .stance_card import Figures, write_card
from .stance_data import StanceData
from .stance_figures import best, fit_temperature, log_loss
from .stance_items import Probabilities
from .stance_model import FEWEST_TOKENS, MOST_TOKENS, TOKENIZER, WEIGHTS, Framer, TransformerStance
from .training_needs import training_base

if TYPE_CHECKING:
    from .stance_network import StanceNetwork

__all__ = ["Recipe", "StanceTraining", "train_stance"]

MOST_LAYERS: Final = 6


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a stance model is trained; the defaults are those of the shipped one.

    Attributes:
        layers: Of the base model, kept from the first; 2 to 6.
        late: How many layers but the last one are told which words are the target.
        teacher: Layers of the network that teaches, of which one but the last is told; 0: nobody does.
        epochs: Passes over the data.
        seed: Of the head, the order of the examples and dropout.
        runs: How many trainings are averaged: seeds `seed`, `seed` + 1, …, with one and the same first head.
        longest: Tokens of one input; longer sentences are read around the target.
        threads: Of torch; another number sums in another order.
    """

    layers: int = 3
    late: int = 0
    teacher: int = 4
    epochs: int = 3
    seed: int = 0
    runs: int = 1
    longest: int = 64
    threads: int = 1
    rate: float = 1e-4
    head: float = 5.0
    smoothing: float = 0.05
    decay: float = 0.01
    warm_up: float = 0.1

    def check(self) -> None:
        """See that the networks can be built.

        Raises:
            SettingsError: A network would have too few or too many layers.
        """
        if not 2 <= self.layers <= MOST_LAYERS or not 0 <= self.late < self.layers - 1:
            raise SettingsError(
                f"a network of {self.layers} layers, {self.late} of them told late, cannot be built",
                hint=f"Take 2 to {MOST_LAYERS} layers, of which one at least comes before the flag.",
            )
        if min(self.runs, self.epochs, self.threads) < 1 or not FEWEST_TOKENS <= self.longest <= MOST_TOKENS:
            raise SettingsError(
                f"{self.runs} runs of {self.epochs} epochs on {self.threads} threads, {self.longest} tokens at most:"
                " nothing can be trained so",
                hint=f"Take at least one of each, and {FEWEST_TOKENS} to {MOST_TOKENS} tokens.",
            )
        if self.teacher and not self.layers <= self.teacher <= MOST_LAYERS:
            raise SettingsError(
                f"a network of {self.teacher} layers cannot teach one of {self.layers}",
                hint=f"Take {self.layers} to {MOST_LAYERS} layers for the teacher, or 0 for none.",
            )


@dataclass(frozen=True, slots=True)
class StanceTraining:
    """What came of a training.

    Attributes:
        folder: The model's folder, which ``suggest.stance`` can name.
        version: As its stances will carry it.
        examples: Trained on; `development` held out.
        figures: On the development part, of the int8 file that was written.
    """

    folder: Path
    version: str
    examples: int
    development: int
    figures: Figures


def train_stance(
    data: StanceData,
    folder: Path,
    *,
    recipe: Recipe | None = None,
    conflict: StanceData | None = None,
    on_progress: OnProgress = silent,
) -> StanceTraining:
    """Train a stance model and write its folder.

    Args:
        data: Training and development examples.
        folder: Where to; replaced file by file once everything is done. Finished runs are kept beside it in
            ``<folder>.runs`` until then, so that a stopped training goes on where it was.
        recipe: How.
        conflict: Sentences about armed conflict, where evaluation is rarer than in what was trained on. No weight
            depends on them: a temperature and two offsets are fitted, and written into the card if they
            lower the log loss of documents that they were not fitted on.
        on_progress: Told of steps.

    Raises:
        SettingsError: torch, onnx or the base model is not installed.
        InputError: There is too little to train on.
    """
    recipe = recipe or Recipe()
    recipe.check()
    check_place(folder)
    data.check()
    base = training_base("a stance model")
    from .stance_fitting import Fitting

    framer = Framer(base / TOKENIZER, longest=recipe.longest)
    frames = framer.frames([example.item for example in data.train])
    labels = [example.label for example in data.train]
    kept = folder.with_name(folder.name + ".runs")
    network = Fitting(frames, labels, base, kept, data.digest).fit(recipe, on_progress)
    result = _write(network, data, base, folder, recipe, conflict)
    for finished in kept.glob("*.pt"):
        finished.unlink()
    with suppress(OSError):  # somebody's own files may lie there
        kept.rmdir()
    return result


# writing


def _write(
    network: StanceNetwork, data: StanceData, base: Path, folder: Path, recipe: Recipe, conflict: StanceData | None
) -> StanceTraining:
    """Write the model's folder, judged as it will be used: int8, with its temperature."""
    import torch

    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch)
        inputs = {name: torch.ones(rows, 12, dtype=torch.long) for name, rows in (("ids", 1), ("target", 2))}
        (made / WEIGHTS).write_bytes(int8_onnx(network, inputs, per_token=False))
        shutil.copyfile(base / TOKENIZER, made / TOKENIZER)
        hashes = {name: file_sha256(made / name) for name in (WEIGHTS, TOKENIZER)}
        write_card(made, recipe, data, hashes, temperature=1.0, figures=Figures())
        model = TransformerStance(made)
        framer = Framer(made / TOKENIZER, longest=recipe.longest)
        logits = model.logits(framer.frames([example.item for example in data.development]))
        truth = [example.label for example in data.development]
        rows = [[float(score) for score in row] for row in logits]
        temperature = round(fit_temperature(rows, truth), 3)
        figures = Figures.of(rows, truth, temperature)
        write_card(made, recipe, data, hashes, temperature=temperature, figures=figures)
        if conflict is not None:
            shift = _conflict_shift(TransformerStance(made), conflict)
            write_card(made, recipe, data, hashes, temperature=temperature, figures=figures, conflict=shift)
        for name in (WEIGHTS, TOKENIZER, "card.toml"):  # the card last: without it the folder is no model
            with write_atomically(folder / name) as temporary:
                shutil.copyfile(made / name, temporary)
    version = TransformerStance(folder).version
    return StanceTraining(folder, version, len(data.train), len(data.development), figures)


def _conflict_shift(model: TransformerStance, data: StanceData) -> Mapping[str, Any]:
    """Return the card's table ``conflict``; empty where a fit doesn't help documents that it has not seen."""
    examples = [*data.train, *data.development]
    rows = [verdict.probabilities for verdict in model.judge([example.item for example in examples])]
    truth = [example.label for example in examples]
    unseen = held_out(rows, truth, [example.group for example in examples])
    if log_loss(unseen, truth) >= log_loss(rows, truth):
        return {}
    fitted = fit_calibration(rows, truth)

    def accuracy(of: Sequence[Probabilities]) -> float:
        right = sum(best(row) == label for row, label in zip(of, truth, strict=True))
        return round(100 * right / len(truth), 2)

    return {
        "temperature": round(fitted.temperature, 4),
        "offsets": [round(offset, 4) for offset in fitted.offsets],
        "n": len(examples),
        "accuracy": {"before": accuracy(rows), "after": accuracy(unseen)},
        "log_loss": {"before": round(log_loss(rows, truth), 4), "after": round(log_loss(unseen, truth), 4)},
        "sources": [f"{s['file']}: {s['examples']}, {s['licence'] or 'no licence stated'}" for s in data.sources],
        "about": "applied to texts about armed conflict; 'after' is of documents left out of the fit in turn",
    }
