"""Make a stance model's confidence fit a desk: a temperature and two class offsets from its first corrections.

A model trained on political news is not calibrated on war reporting, where evaluation is rarer. Three numbers move it:
``softmax(a · log p + b)``, with an offset b for critical and for supportive. The fit is a penalised maximum likelihood
with one optimum (it is convex), drawn towards changing nothing, so that twenty corrections move it a little and two
hundred as far as they say. It is kept only where it improves the log loss of documents that it was not fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from copydesk.corpus import Desk, write_atomically
from copydesk.schemas import OnProgress, Progress, SettingsError, silent

from .reserve import reserved
from .stance_choice import CALIBRATION, choose_stance
from .stance_data import gold_examples
from .stance_figures import expected_error, log_loss
from .stance_items import CLASSES, Calibration, Probabilities
from .stance_model import TransformerStance, read_card

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LEAST", "CalibrationResult", "fit_calibration", "held_out", "recalibrate"]

LEAST: Final = 20
"""Stances below which three numbers cannot be told from chance."""
_FOLDS: Final = 5
_STRENGTH: Final = (4.0, 1.0, 1.0)
"""Of the pull towards no change: the inverse variances that are expected of a − 1 and of the two offsets."""


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What came of a recalibration.

    Attributes:
        n: Stances of people that it was fitted on; `documents` that they are from.
        kept: Whether the desk uses it from now on.
        path: The desk's file; it exists only where the calibration was kept.
        calibration: What was fitted on all of them; no change where there were too few.
        loss: Mean log loss before and after, of documents held out in turn; `error` the calibration error.
        model: The model's version.
    """

    n: int
    documents: int
    kept: bool
    path: Path
    calibration: Calibration
    loss: tuple[float, float]
    error: tuple[float, float]
    model: str

    @property
    def enough(self) -> bool:
        """Whether there were enough stances, of at least two documents, to fit anything."""
        return self.n >= LEAST and self.documents > 1


def recalibrate(desk: Desk, *, on_progress: OnProgress = silent) -> CalibrationResult:
    """Fit the desk's stance model to what people left standing, and keep the fit where it helps.

    Writes ``models/stance-calibration.json``, which ``copydesk suggest`` uses from then on as another version of its pipeline; where
    it no longer helps, an earlier one is removed.

    Args:
        desk: With finished annotations.
        on_progress: Told of stances read.

    Raises:
        SettingsError: The desk's stance model cannot be used, or is the lexicon.
    """
    settings = desk.settings.suggest.model_copy(update={"layers": ["entities", "stance"]})
    choice = choose_stance(settings, desk.path)
    if choice.folder is None:
        raise SettingsError(
            "rules have no probabilities that could be calibrated",
            where="suggest.stance",
            hint="Leave the setting empty for the shipped model, or name the folder of one.",
        )
    model = TransformerStance(choice.folder)  # its own probabilities, without an earlier calibration
    sample = reserved(desk)  # kept for evaluation: nothing is fitted on it
    unfit = sample | read_card(choice.folder).gold  # nor on what the model was trained on: there it is too sure
    examples = [example for example in gold_examples(desk) if example.group not in unfit]
    on_progress(Progress("stances", 0, len(examples), "stances"))
    rows = [verdict.probabilities for verdict in model.judge([example.item for example in examples])]
    on_progress(Progress("stances", len(examples), len(examples), "stances"))
    truth, groups = [example.label for example in examples], [example.group for example in examples]
    path = desk.path / CALIBRATION
    result = CalibrationResult(
        len(rows), len(set(groups)), False, path, Calibration(), (0.0, 0.0), (0.0, 0.0), model.version
    )
    if not result.enough:
        return result
    moved = held_out(rows, truth, groups)
    loss = log_loss(rows, truth), log_loss(moved, truth)
    result = CalibrationResult(
        len(rows),
        len(set(groups)),
        loss[1] < loss[0],
        path,
        fit_calibration(rows, truth),
        loss,
        (expected_error(rows, truth), expected_error(moved, truth)),
        model.version,
    )
    if result.kept:
        _write(result, read_card(choice.folder).digest)
    else:
        path.unlink(missing_ok=True)
    return result


def _write(result: CalibrationResult, model: str) -> None:
    row = {
        "model": model,
        "model_version": result.model,
        "labels": list(CLASSES),
        "temperature": round(result.calibration.temperature, 6),
        "offsets": [round(offset, 6) for offset in result.calibration.offsets],
        "stances": result.n,
        "documents": result.documents,
        "log_loss": dict(zip(("before", "after"), (round(value, 6) for value in result.loss), strict=True)),
        "calibration_error": dict(zip(("before", "after"), (round(value, 6) for value in result.error), strict=True)),
        "about": "figures of documents held out in turn; applied to the model's own probabilities",
    }
    with write_atomically(result.path) as temporary:
        temporary.write_text(json.dumps(row, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def held_out(rows: Sequence[Probabilities], truth: Sequence[int], groups: Sequence[str]) -> list[Probabilities]:
    """Return every row's probabilities after a fit on the other documents, five folds of them."""
    order = {group: place for place, group in enumerate(sorted(set(groups)))}
    folds = [order[group] % min(_FOLDS, len(order)) for group in groups]
    out: list[Probabilities] = list(rows)
    for fold in sorted(set(folds)):
        rest = [place for place, other in enumerate(folds) if other != fold]
        fitted = fit_calibration([rows[place] for place in rest], [truth[place] for place in rest])
        for place in (place for place, other in enumerate(folds) if other == fold):
            (out[place],) = fitted.moved([rows[place]])
    return out


def fit_calibration(rows: Sequence[Probabilities], truth: Sequence[int]) -> Calibration:
    """Return the temperature and offsets that fit rows of probabilities to their classes, drawn towards no change."""
    if not rows:
        return Calibration()
    logs = np.log(np.maximum(np.array(rows, dtype=float), 1e-9))
    design: NDArray[Any] = np.zeros((len(rows), len(CLASSES), 3))
    design[:, :, 0] = logs
    design[:, 0, 1] = design[:, 2, 2] = 1.0
    right = np.eye(len(CLASSES))[list(truth)]
    start, pull = np.array([1.0, 0.0, 0.0]), np.array(_STRENGTH)
    weights = start.copy()
    for _ in range(100):
        scores = design @ weights
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        slope = np.einsum("nk,nkd->d", shares - right, design) + pull * (weights - start)
        mean = np.einsum("nk,nkd->nd", shares, design)
        curve = np.einsum("nk,nkd,nke->de", shares, design, design) - mean.T @ mean + np.diag(pull)
        step = np.linalg.solve(curve, slope)
        # Newton's step is cut so that a stays positive: a model is never turned upside down
        size = min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-12))
        weights = weights - size * step
        weights[0] = max(weights[0], 0.05)
        if float(np.abs(step).max()) < 1e-10:
            break
    return Calibration(1.0 / float(weights[0]), (float(weights[1]), 0.0, float(weights[2])))
