"""Judge stances with a small transformer, from the folder that it lies in.

A model is a folder: ``model.onnx`` (int8), ``tokenizer.json`` and ``card.toml``, which names the labels, the
calibration, the longest input, where the weights come from and the SHA-256 of the other two. A sentence is read once
for all targets in it: ``[CLS] sentence [SEP]``, and a mask for each target. One that is longer than the model's window
is read around each target; :attr:`Verdict.read` says how far.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from copydesk.schemas import SettingsError

from .encoder import open_session, open_tokenizer
from .stance_items import CLASSES, Calibration, StanceItem, Verdict

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CARD", "Frame", "Framer", "StanceCard", "TransformerStance", "read_card", "shipped_folder"]

CARD: Final = "card.toml"
WEIGHTS: Final = "model.onnx"
TOKENIZER: Final = "tokenizer.json"
LONGEST_TARGET: Final = 24
"""Tokens of a target that are read; a longer mention is known by how it begins."""
FEWEST_TOKENS: Final = 16
MOST_TOKENS: Final = 512
"""What a window can hold: more places the network does not know."""
_FORMAT: Final = 2
_AROUND: Final = 2_000
"""Code points of context that are cut into tokens on either side: more than any window holds."""


def shipped_folder() -> Path:
    """Return the folder of the model that ships with copydesk; it may be absent."""
    return Path(str(resources.files("copydesk.annotate") / "data" / "stance"))


@dataclass(frozen=True, slots=True)
class StanceCard:
    """What ``card.toml`` says that a program needs.

    Attributes:
        name: How the model is called, also in the origin of its stances.
        version: Its maker's version, then the digest of the card: of weights, calibration and all else.
        gold: Ids of a desk's documents that it was trained on.
        longest: Tokens of one input, special ones counted.
        calibration: What turns its logits into probabilities.
        conflict: What moves those where the text is about armed conflict; the default moves nothing.
        digest: SHA-256 over the card, which itself holds those of the other files.
        folder: Where it lies.
    """

    name: str
    version: str
    longest: int
    calibration: Calibration
    conflict: Calibration
    digest: str
    folder: Path
    gold: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Frame:
    """A target in its sentence as the model reads it: two equally long lists, and what was read of the sentence."""

    ids: list[int]
    target: list[int]
    read: tuple[int, int]


class Framer:
    """Turns targets in sentences into token ids, the same in training and in use.

    Args:
        tokenizer: The ``tokenizer.json`` of an uncased BERT vocabulary.
        longest: Tokens of one input at most.
    """

    def __init__(self, tokenizer: Path, *, longest: int) -> None:
        self._tokenizer: Any = open_tokenizer(tokenizer.read_bytes())
        self._longest = longest
        self._cls, self._sep, self._unk = map(self._tokenizer.token_to_id, ("[CLS]", "[SEP]", "[UNK]"))

    def frames(self, items: Sequence[StanceItem]) -> list[Frame]:
        """Return the frame of every item; a sentence with several targets is cut into tokens once."""
        pieces = [_around(item) for item in items]
        texts = list(dict.fromkeys(text for text, _ in pieces))
        # not encode_batch_fast: it leaves the offsets out, without a word
        encoded = dict(zip(texts, self._tokenizer.encode_batch(texts, add_special_tokens=False), strict=True))
        offsets = {text: encoding.offsets for text, encoding in encoded.items()}
        return [
            self._frame(encoded[text].ids, offsets[text], item, shift)
            for item, (text, shift) in zip(items, pieces, strict=True)
        ]

    def _frame(self, ids: list[int], offsets: list[tuple[int, int]], item: StanceItem, shift: int) -> Frame:
        start, end = item.start - shift, item.end - shift
        first = next((i for i, (_, stop) in enumerate(offsets) if stop > start), len(ids))
        last = next((i for i in range(first, len(ids)) if offsets[i][0] >= end), len(ids))
        target = ids[first:last][: min(LONGEST_TARGET, self._longest - 4)] or [self._unk]
        room = self._longest - len(target) - 2
        after = len(ids) - last
        left = min(first, max(room // 2, room - after))
        right = min(after, room - left)
        before, behind = ids[first - left : first], ids[last : last + right]
        low = offsets[first - left][0] if left else start
        high = offsets[last + right - 1][1] if right else end
        return Frame(
            ids=[self._cls, *before, *target, *behind, self._sep],
            target=[0] * (left + 1) + [1] * len(target) + [0] * (right + 1),
            read=(min(low, start) + shift, max(high, end) + shift),
        )


def _around(item: StanceItem) -> tuple[str, int]:
    """Return the part of an item's text that is cut into tokens, and where it begins."""
    if len(item.text) <= 2 * _AROUND:
        return item.text, 0
    low = max(0, item.start - _AROUND)
    return item.text[low : item.end + _AROUND], low


class TransformerStance:
    """A stance model from its folder.

    Args:
        folder: Where ``model.onnx``, ``tokenizer.json`` and ``card.toml`` lie.

    Raises:
        SettingsError: Something is missing, not as the card says, or onnxruntime is not installed.
    """

    kind: Final = "model"
    reads_signals: Final = False

    def __init__(self, folder: Path) -> None:
        self.card = read_card(folder)
        try:
            self._session: Any = open_session((folder / WEIGHTS).read_bytes())
            self._framer = Framer(folder / TOKENIZER, longest=self.card.longest)
        except ImportError as error:
            raise SettingsError(
                f"the stance model needs {error.name}, which is not installed",
                where=str(folder),
                hint='pip install onnxruntime tokenizers, or set stance = "lexicon" under [suggest].',
            ) from error
        except SettingsError as error:
            raise SettingsError(f"the stance model cannot be loaded: {error.message}", where=str(folder)) from error
        inputs = sorted(given.name for given in self._session.get_inputs())
        if inputs != ["ids", "target"]:
            raise SettingsError(
                f"the stance model asks for {', '.join(inputs) or 'nothing'}, not for ids and target", where=str(folder)
            )

    @property
    def name(self) -> str:
        """How the model is called."""
        return self.card.name

    @property
    def version(self) -> str:
        """Its version with the digest of its weights."""
        return self.card.version

    def judge(self, items: Sequence[StanceItem]) -> list[Verdict]:
        """Return the stance towards every item's target, in order.

        Args:
            items: Targets in their sentences, of as many documents as one likes.
        """
        if not items:
            return []
        frames = self._framer.frames(items)
        logits = self.logits(frames)
        general = self.card.calibration.probabilities(logits)
        moved = self.card.conflict.moved(general)
        return [
            Verdict(of_conflict if item.conflict else of_all, frame.read)
            for item, of_all, of_conflict, frame in zip(items, general, moved, frames, strict=True)
        ]

    def logits(self, frames: Sequence[Frame]) -> np.ndarray[Any, Any]:
        """Return the raw outputs, one row of CLASSES a frame."""
        import numpy as np

        out = np.zeros((len(frames), len(CLASSES)), dtype=np.float32)
        # sentence by sentence: int8 arithmetic scales a whole batch by its largest number, so neighbours would change
        # a result; batches of any size were seen to be no faster on one core
        for rows in _shared(frames):
            ids = np.array([frames[rows[0]].ids], dtype=np.int64)
            targets = np.array([frames[row].target for row in rows], dtype=np.int64)
            out[rows] = self._session.run(None, {"ids": ids, "target": targets})[0]
        return out


def _shared(frames: Sequence[Frame]) -> Iterator[list[int]]:
    """Yield the rows of frames that follow each other and read the same tokens."""
    first = 0
    for row in range(1, len(frames) + 1):
        if row == len(frames) or frames[row].ids != frames[first].ids:
            yield list(range(first, row))
            first = row


def padded(frames: Sequence[Frame]) -> dict[str, np.ndarray[Any, Any]]:
    """Return frames as the model's inputs, filled up with zeros (the id of ``[PAD]``)."""
    import numpy as np

    shape = len(frames), max(len(frame.ids) for frame in frames)
    arrays = {name: np.zeros(shape, dtype=np.int64) for name in ("ids", "target")}
    for row, frame in enumerate(frames):
        for name, array in arrays.items():
            array[row, : len(frame.ids)] = getattr(frame, name)
    return arrays


def read_card(folder: Path) -> StanceCard:
    """Read a model's card and check its files against it.

    Raises:
        SettingsError: The folder is no stance model, was made for other labels, or a file has changed.
    """
    path = folder / CARD
    if not folder.is_dir() or not path.is_file():
        raise SettingsError(
            f"there is no {CARD} in it" if folder.is_dir() else "there is no such folder",
            where=str(folder),
            hint="Give the folder that `copydesk train stance` wrote, or nothing for the shipped model.",
        )
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        card = tomllib.loads(path.read_text(encoding="utf-8"))
        model, reading, files = card["model"], card["reading"], cast("dict[str, str]", card["sha256"])
        found = StanceCard(
            name=str(model["name"]),
            version=f"{model['version']}+{digest[:8]}",
            longest=_longest(reading["longest"]),
            calibration=Calibration(_temperature(reading["temperature"])),
            conflict=_shift(card.get("conflict")),
            digest=digest,
            folder=folder,
            gold=frozenset(map(str, card.get("data", {}).get("gold", ()))),
        )
        labels, made_for = tuple(map(str, reading["labels"])), int(model["format"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise SettingsError(
            f"not the card of a stance model: {type(error).__name__} {error}", where=str(path)
        ) from error
    if labels != CLASSES or made_for != _FORMAT:
        raise SettingsError(
            f"made for the labels {', '.join(labels)} in format {made_for}, not for {', '.join(CLASSES)} in {_FORMAT}",
            where=str(path),
        )
    for name in (WEIGHTS, TOKENIZER):
        _verify(folder / name, str(files.get(name, "")))
    return found


def _shift(table: dict[str, Any] | None) -> Calibration:
    if table is None:
        return Calibration()
    critical, neutral, supportive = map(float, table["offsets"])
    if not all(map(math.isfinite, (critical, neutral, supportive))):
        raise ValueError("an offset is no finite number")
    return Calibration(_temperature(table["temperature"]), (critical, neutral, supportive))


def _temperature(value: Any) -> float:
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"the temperature is {number}, and must be above 0")
    return number


def _longest(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not FEWEST_TOKENS <= value <= MOST_TOKENS:
        raise ValueError(f"longest is {value!r}, and must be {FEWEST_TOKENS} to {MOST_TOKENS} tokens")
    return value


def _verify(path: Path, expected: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "nothing"
    if found != expected:
        raise SettingsError(
            f"has SHA-256 {found[:16]}, its card says {expected[:16] or 'nothing'}",
            where=str(path),
            hint="The file was changed or only half copied: copy the folder again, or train it again.",
        )
