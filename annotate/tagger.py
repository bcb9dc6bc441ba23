"""Find entities with a small encoder: a spaCy component that needs no torch.

``copydesk train entities --encoder`` makes it; a pipeline folder that holds one is loaded like any other, because
spaCy finds the factory ``copydesk_tagger`` by this package's entry point. Its model is MiniLM (Wang et al. 2020) with
an embedding of each word's capitals added, since MiniLM itself reads lower case, and a tag per word: ``O``, or ``B-``
and ``I-`` with a label. The best path of tags in which no ``I-`` follows another label is chosen (Viterbi)::

    words       Rebels   in   Deir   ez   -   Zor          word pieces, 192 at most at once, cut at sentence ends
    capitals    X        x    X      x    .   X
    tags        B-ARMED  O    B-GPE  I    I   I

An entity's score is the geometric mean of the probabilities of its words' tags; it stands in ``ent._.score``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from spacy.language import Language
from spacy.tokens import Span

from .encoder import open_session, open_tokenizer

__all__ = ["CAPITALS", "PIECES", "Tagger", "Window", "capitals", "padded", "spans_of", "tag_windows"]

PIECES: Final = 192
"""The most word pieces that are read at once."""
CAPITALS: Final = 6
"""How many kinds of capitals :func:`capitals` tells apart."""
_ENDS: Final = frozenset(".!?")

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Neighbouring words as the encoder reads them.

    Attributes:
        first: Index of the first word in its text; `places` are where each word's first piece stands, ``[CLS]`` being 0.
        pieces: Ids of the word pieces, with ``[CLS]`` and ``[SEP]``.
        cases: The capitals of each piece's word.
    """

    first: int
    places: tuple[int, ...]
    pieces: tuple[int, ...]
    cases: tuple[int, ...]


def capitals(word: str) -> int:
    """Return how a word is written: 0 other, 1 lower case, 2 Capital, 3 CAPITALS, 4 digits, 5 miXed.

    >>> [capitals(word) for word in ("—", "rebels", "Assad", "HTS", "42", "al-Qaida")]
    [0, 1, 2, 3, 4, 5]
    """
    if word.isdigit():
        return 4
    if word.islower():
        return 1
    if word.isupper():
        return 3 if len(word) > 1 else 2
    if word[:1].isupper() and word[1:].islower():
        return 2
    return 5 if any(character.isupper() for character in word) else 0


def tag_windows(words: Sequence[str], tokenizer: Any) -> Iterator[Window]:
    """Yield windows that hold every word once, each of at most :data:`PIECES` pieces where its words allow.

    A single word of more pieces is read by its first ones.
    """
    encoded = tokenizer.encode(list(words), is_pretokenized=True, add_special_tokens=False)
    pieces: list[list[int]] = [[] for _ in words]
    for piece, index in zip(encoded.ids, encoded.word_ids, strict=True):
        pieces[index].append(piece)
    unknown = tokenizer.token_to_id("[UNK]")
    # a word that the tokenizer drops whole (a lone joiner, a control character) still needs a place
    sizes = [min(len(own) or 1, PIECES) for own in pieces]
    begin, end = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    first = 0
    while first < len(words):
        last = _cut(words, sizes, first)
        ids, cases, places = [begin], [0], []
        for index in range(first, last):
            places.append(len(ids))
            ids += (pieces[index] or [unknown])[:PIECES]
            cases += [capitals(words[index])] * sizes[index]
        yield Window(first, tuple(places), (*ids, end), (*cases, 0))
        first = last


def _cut(words: Sequence[str], sizes: Sequence[int], first: int) -> int:
    """Return where a window that begins at a word ends: after the last sentence end in its second half, if it must."""
    last, total = first, 0
    while last < len(words) and total + sizes[last] <= PIECES:
        total += sizes[last]
        last += 1
    if last < len(words):
        for index in range(last, first + (last - first) // 2, -1):
            if words[index - 1] in _ENDS:
                return index
    return last


def padded(windows: Sequence[Window]) -> dict[str, Array]:
    """Return the model's inputs for some windows: `ids`, `case` and `mask`, each of shape (windows, longest)."""
    longest = max(len(window.pieces) for window in windows)
    inputs = {name: np.zeros((len(windows), longest), dtype=np.int64) for name in ("ids", "case", "mask")}
    for row, window in enumerate(windows):
        size = len(window.pieces)
        inputs["ids"][row, :size] = window.pieces
        inputs["case"][row, :size] = window.cases
        inputs["mask"][row, :size] = 1
    return inputs


def spans_of(logits: Array, tags: Sequence[str]) -> list[tuple[int, int, str, float]]:
    """Return (first word, word after the last, label, score) of each entity in one window.

    Args:
        logits: Of shape (words, tags).
        tags: ``O`` first, then ``B-`` and ``I-`` of each label.
    """
    log = logits - logits.max(axis=1, keepdims=True)
    log = log - np.log(np.exp(log).sum(axis=1, keepdims=True))
    path = _viterbi(log, tags)
    spans: list[tuple[int, int, str, float]] = []
    for word, index in enumerate(path):
        tag, sure = tags[index], float(log[word, index])
        if tag.startswith("B-"):
            spans.append((word, word + 1, tag[2:], sure))
        elif tag.startswith("I-"):
            first, _, label, total = spans[-1]
            spans[-1] = (first, word + 1, label, total + sure)
    return [(first, last, label, float(np.exp(total / (last - first)))) for first, last, label, total in spans]


def _viterbi(log: Array, tags: Sequence[str]) -> list[int]:
    """Return the likeliest path of tags on which each ``I-`` continues its own label."""
    inner = np.array([tag.startswith("I-") for tag in tags])
    allowed = np.array([[not tag.startswith("I-") or before[2:] == tag[2:] for tag in tags] for before in tags])
    steps = np.where(allowed, 0.0, -np.inf)
    best = np.where(inner, -np.inf, log[0])
    back: list[Array] = []
    for row in log[1:]:
        candidates = best[:, None] + steps
        back.append(candidates.argmax(axis=0))
        best = candidates.max(axis=0) + row
    path = [int(best.argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


class Tagger:
    """The component: sets ``doc.ents``.

    Args:
        name: The name of the component in its pipeline.
    """

    FILES: Final = ("model.onnx", "tokenizer.json", "tags.json")

    def __init__(self, name: str = "ner") -> None:
        self.name = name
        self._files: dict[str, bytes] = {}
        self._loaded: tuple[Any, Any, list[str]] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it knows, sorted."""
        tags = json.loads(self._files.get("tags.json", b"[]"))
        return tuple(sorted({tag[2:] for tag in tags if tag != "O"}))

    def fill(self, files: dict[str, bytes]) -> Tagger:
        """Give it a model: the contents of :attr:`FILES`."""
        self._files, self._loaded = {name: files[name] for name in self.FILES}, None
        return self

    def __call__(self, doc: Any) -> Any:
        """Return the doc with its entities."""
        self._tag(doc)
        return doc

    def _tag(self, doc: Any) -> None:
        if self._loaded is None:
            tags = json.loads(self._files["tags.json"])
            self._loaded = (
                open_session(self._files["model.onnx"]),
                open_tokenizer(self._files["tokenizer.json"]),
                tags,
            )
        session, tokenizer, tags = self._loaded
        if not Span.has_extension("score"):  # shared by everybody in this process, so looked at each time
            Span.set_extension("score", default=None)
        words = [token for token in doc if not token.is_space]
        found: list[Any] = []
        # window by window: int8 arithmetic scales a whole batch by its largest number, so neighbours would
        # change a result; batches were seen to be no faster on one core
        for window in tag_windows([word.text for word in words], tokenizer):
            logits = session.run(None, padded([window]))[0][0]
            for first, last, label, score in spans_of(logits[list(window.places)], tags):
                own = words[window.first + first : window.first + last]
                span = Span(doc, own[0].i, own[-1].i + 1, label=label)
                span._.score = score
                found.append(span)
        doc.set_ents(found)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write its files into a folder."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in sorted(self._files.items()):
            (folder / name).write_bytes(content)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Tagger:
        """Read its files from a folder."""
        return self.fill({name: (Path(path) / name).read_bytes() for name in self.FILES})


@Language.factory("copydesk_tagger")  # type: ignore[untyped-decorator]  # spaCy ships no types for it
def make_tagger(nlp: Language, name: str) -> Tagger:
    """Make an empty tagger; spaCy fills it from its folder."""
    return Tagger(name)
