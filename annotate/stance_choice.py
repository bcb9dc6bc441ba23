"""Find the stance model that the settings mean, with the desk's own calibration, without loading it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from copydesk.corpus import SuggestSettings
from copydesk.schemas import SettingsError

from .lexicon import LexiconStance
from .stance_items import Calibration, StanceItem, StanceModel, Verdict
from .stance_model import CARD, TransformerStance, read_card, shipped_folder

__all__ = ["CALIBRATION", "LEXICON", "DeskCalibration", "StanceChoice", "choose_stance", "read_calibration"]

LEXICON: Final = "lexicon"
"""The setting that asks for rules in the place of a trained model."""
CALIBRATION: Final = "models/stance-calibration.json"
"""Where a desk keeps its own calibration."""


@dataclass(frozen=True, slots=True)
class DeskCalibration:
    """A calibration fitted on a desk's corrections.

    Attributes:
        model: The digest of the model's card that it was fitted for; of no use to another.
        calibration: To be applied to the model's own probabilities.
        digest: SHA-256 of the file that it was read from.
    """

    model: str
    calibration: Calibration
    digest: str


@dataclass(frozen=True, slots=True)
class StanceChoice:
    """Which model reads stances; cheap to make, and to send to a worker process.

    Attributes:
        folder: Of the trained model; None for the lexicon.
        digest: Changes with the model and with the calibration; empty for the lexicon, whose rules have their own.
        calibration: The desk's own, where it was made for this very model.
    """

    folder: Path | None = None
    digest: str = ""
    calibration: DeskCalibration | None = None

    def load(self) -> StanceModel:
        """Return the model.

        Raises:
            SettingsError: It cannot be loaded.
        """
        if self.folder is None:
            return LexiconStance()
        model = TransformerStance(self.folder)
        return _Recalibrated(model, self.calibration) if self.calibration else model


class _Recalibrated:
    """A model whose probabilities go through a desk's own calibration."""

    def __init__(self, model: StanceModel, own: DeskCalibration) -> None:
        self._model = model
        self._own = own

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def version(self) -> str:
        return f"{self._model.version}.{self._own.digest[:8]}"

    @property
    def kind(self) -> Literal["model", "rule"]:
        return self._model.kind

    @property
    def reads_signals(self) -> bool:
        return self._model.reads_signals

    def judge(self, items: Sequence[StanceItem]) -> list[Verdict]:
        verdicts = self._model.judge(items)
        rows = self._own.calibration.moved(verdict.probabilities for verdict in verdicts)
        return [Verdict(row, verdict.read) for row, verdict in zip(rows, verdicts, strict=True)]


def choose_stance(settings: SuggestSettings, desk: Path | None = None) -> StanceChoice:
    """Return the stance model that the settings name.

    ``stance`` is empty for the shipped model, ``lexicon`` for rules, else a folder, which counts from the desk where
    it leads to something there. Rules also stand in where the shipped model's folder is absent; the
    origin of every stance says which it was.

    Args:
        settings: Of the desk.
        desk: Its folder, for its own calibration.

    Raises:
        SettingsError: The folder is no stance model, its files are not what its card says, or the desk's
            calibration cannot be read.
    """
    if settings.stance == LEXICON or "stance" not in settings.layers:
        return StanceChoice()
    folder = _folder(settings.stance, desk)
    if not settings.stance and not (folder / CARD).is_file():
        return StanceChoice()
    card = read_card(folder)
    own = read_calibration(desk) if desk is not None else None
    if own is not None and own.model != card.digest:
        own = None  # made for another model: its numbers mean nothing here
    digest = hashlib.sha256(f"{card.digest} {own.digest if own else ''}".encode()).hexdigest()
    return StanceChoice(folder, digest, own)


def _folder(name: str, desk: Path | None) -> Path:
    if not name:
        return shipped_folder()
    inside = desk / name if desk is not None else Path(name)
    folder = inside if inside.is_dir() else Path(name)
    if not folder.is_dir():
        raise SettingsError(
            "there is no such folder",
            where=f"suggest.stance = {name!r}",
            hint='Give the folder that `copydesk train stance` wrote, "lexicon" for rules, or nothing for the '
            "shipped model.",
        )
    return folder.resolve()


def read_calibration(desk: Path) -> DeskCalibration | None:
    """Return a desk's own calibration, or None where it has none.

    Raises:
        SettingsError: The file is not one that ``copydesk train calibration`` wrote.
    """
    path = desk / CALIBRATION
    if not path.is_file():
        return None
    content = path.read_bytes()
    try:
        row = json.loads(content)
        critical, neutral, supportive = map(float, row["offsets"])
        calibration = Calibration(float(row["temperature"]), (critical, neutral, supportive))
        if not 0 < calibration.temperature < math.inf or not all(map(math.isfinite, calibration.offsets)):
            raise ValueError("a number out of bounds")
        return DeskCalibration(str(row["model"]), calibration, hashlib.sha256(content).hexdigest())
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"not a calibration: {type(error).__name__} {error}",
            where=str(path),
            hint="Remove the file, or write it anew: copydesk train calibration",
        ) from error
