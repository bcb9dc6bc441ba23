"""Train a spaCy pipeline's entities on marks: continue from the base model's ``ner``, in the scheme's labels.

The base model knows names; what it calls them and where they end is what a desk's gold teaches. So the weights go
on from where its maker left them, and every label of the scheme begins as the base's nearest one by the crosswalk::

    base ner   B-LOC  I-LOC …  B-DATE …  O        base tok2vec, hidden layer
                 │ copied        │       │                  │ copied
    new ner    B-LOCATION …   B-TIME …   O        the same, from there on trained

No label of the base's that the scheme does not have is left. The weights that are kept are the running average over
the last steps (Polyak & Juditsky 1992), which makes the number of epochs matter little. Parser, tagger and all else
stay as they are: an ``ner`` that listens to a shared ``tok2vec`` gets a copy of its own first.

One thread, seeds fixed: the same data and settings make the same bytes on the same kind of machine.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from copydesk.schemas import Document, LabelScheme, OnProgress, Progress, SettingsError, silent, text_sha256

from .models import windows
from .pipelines import DEFAULT_PIPELINE, describe_pipeline
from .scoring import Mark

__all__ = ["RECIPE", "Example", "NerTraining", "TrainedNer", "found_by", "train_ner"]

RECIPE: Final = "1"
"""Goes up with every change here that makes other weights."""
DROPOUT: Final = 0.3
RATE: Final = 0.001
BATCH: Final = 8
"""Windows in a batch."""
UPDATES: Final = 600
"""How many steps few documents are worth: they are read more often, many documents at least :data:`EPOCHS` times."""
EPOCHS: Final = 8
MOST_EPOCHS: Final = 60


@dataclass(frozen=True, slots=True)
class NerTraining:
    """How to train.

    Attributes:
        base: A spaCy pipeline with an ``ner``, by name or folder.
        seed: Of the order of the windows and of dropout.
        epochs: How often each window is seen; 0: as often as :data:`UPDATES` asks for.
        patience: Stop when an inner part of the training documents has not been met better for so many
            epochs; 0: never, and no inner part is kept from training.
        encoder: Put a small encoder (:mod:`.tagger`) in the place of the ``ner`` instead of continuing it: slower and
            surer from some twenty documents on. Knows nothing of `patience`.
    """

    base: str = DEFAULT_PIPELINE
    seed: int = 0
    epochs: int = 0
    patience: int = 0
    encoder: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A text with marks in the scheme's labels."""

    text: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class TrainedNer:
    """A trained pipeline in memory.

    Attributes:
        nlp: The spaCy ``Language``: the base with its new ``ner``.
        examples: Label to how many spans it was learnt from.
        nested: Label to how many spans were left out because a longer one covers them: an ``ner`` is flat.
        widened: Label to how many spans were learnt widened to whole words.
        epochs: How many were made.
    """

    nlp: Any
    examples: Mapping[str, int]
    nested: Mapping[str, int]
    widened: Mapping[str, int]
    epochs: int

    def save(self, folder: Path, meta: Mapping[str, Any]) -> None:
        """Write the pipeline as spaCy does, with these entries of ``meta.json`` in the place of the base's."""
        self.nlp.meta.update(meta)
        self.nlp.to_disk(folder)


def train_ner(
    examples: Sequence[Example], scheme: LabelScheme, settings: NerTraining, *, on_progress: OnProgress = silent
) -> TrainedNer:
    """Continue the training of the base pipeline's ``ner``.

    Args:
        examples: Texts with marks; read in the windows in which they will be read later on.
        scheme: Its crosswalk says as which of the base's labels a new label begins.
        settings: How.
        on_progress: Told of epochs.

    Raises:
        SettingsError: The base cannot be loaded, or has no ``ner`` of the kind that can be continued.
    """
    from spacy.util import fix_random_seed

    fix_random_seed(settings.seed)
    nlp = _base(settings.base)
    windowed, counts = _windows_of(nlp, examples)
    labels = sorted(counts["learnt"])
    if settings.encoder:
        return _with_encoder(nlp, windowed, counts, settings, on_progress)
    ner = _continued(nlp, labels, scheme, settings.base)
    inner = len(windowed) // 6 if settings.patience else 0
    rng = random.Random(settings.seed)  # noqa: S311  # no secret: an order of examples
    if inner:
        rng.shuffle(windowed)
    epochs, averages = _fit(ner, windowed[inner:], windowed[:inner], settings, on_progress)
    with ner.model.use_params(averages):
        weights = ner.to_bytes(exclude=["vocab"])
    # into a base that saw none of the texts: the words that training met are nobody's business
    clean = _base(settings.base)
    _continued(clean, labels, scheme, settings.base).from_bytes(weights, exclude=["vocab"])
    return TrainedNer(clean, dict(sorted(counts["learnt"].items())), counts["nested"], counts["widened"], epochs)


def _with_encoder(
    nlp: Any,
    windowed: Sequence[Any],
    counts: Mapping[str, Counter[str]],
    settings: NerTraining,
    on_progress: OnProgress,
) -> TrainedNer:
    """Return the base with a trained encoder in the place of its ``ner``."""
    from .tagger_training import train_tagger

    texts = []
    for pair in windowed:
        tokens = [token for token in pair.reference if not token.is_space]
        tags = [f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O" for token in tokens]
        texts.append(([token.text for token in tokens], tags))
    epochs, files = train_tagger(texts, seed=settings.seed, epochs=settings.epochs, on_progress=on_progress)
    place = nlp.pipe_names.index("ner")
    nlp.remove_pipe("ner")
    after = nlp.pipe_names[place] if place < len(nlp.pipe_names) else None
    tagger = nlp.add_pipe("copydesk_tagger", name="ner", **({"before": after} if after else {"last": True}))
    tagger.fill(files)
    return TrainedNer(nlp, dict(sorted(counts["learnt"].items())), counts["nested"], counts["widened"], epochs)


def _base(name: str) -> Any:
    import spacy

    about = describe_pipeline(name)
    try:
        nlp = spacy.load(about.folder, exclude=["senter"])
    except Exception as error:  # spaCy raises many kinds for a broken folder
        raise SettingsError(f"spaCy cannot load the pipeline: {error}", where=name) from error
    if "ner" not in nlp.pipe_names:
        raise SettingsError(
            "the base pipeline has no ner to continue from",
            where=name,
            hint=f"It has {', '.join(nlp.pipe_names)}. Give another with --base; the default is {DEFAULT_PIPELINE}.",
        )
    return nlp


# examples


def _windows_of(nlp: Any, examples: Sequence[Example]) -> tuple[list[Any], dict[str, Counter[str]]]:
    """Return a spaCy example per window, and how many spans of each label were learnt, nested, widened."""
    from spacy.training import Example as Pair
    from spacy.util import filter_spans

    counts: dict[str, Counter[str]] = {"learnt": Counter(), "nested": Counter(), "widened": Counter()}
    pairs = []
    for example in examples:
        document = Document("", example.text, text_sha256(example.text))
        for start, end, _ in windows(document):
            doc = nlp.make_doc(example.text[start:end])
            spans = []
            for mark in example.marks:
                if start <= mark.start and mark.end <= end:
                    low, high = mark.start - start, mark.end - start
                    span = doc.char_span(low, high, label=mark.label, alignment_mode="expand")
                    counts["widened"][mark.label] += (span.start_char, span.end_char) != (low, high)
                    spans.append(span)
            kept = filter_spans(spans)
            counts["learnt"].update(span.label_ for span in kept)
            counts["nested"].update(span.label_ for span in spans)
            counts["nested"].subtract(span.label_ for span in kept)
            reference = doc.copy()
            reference.ents = kept
            pairs.append(Pair(doc, reference))
    return pairs, {name: +counter for name, counter in counts.items()}


# weights


def _continued(nlp: Any, labels: Sequence[str], scheme: LabelScheme, base: str) -> Any:
    """Put an ``ner`` with these labels in the place of the base's, beginning with its weights, and return it."""
    from spacy.training import Example as Pair

    listened = [name for name, pipe in nlp.pipeline if "ner" in getattr(pipe, "listening_components", ())]
    for name in listened:
        nlp.replace_listeners(name, "ner", ["model.tok2vec"])
    old = nlp.get_pipe("ner")
    if not getattr(getattr(old, "model", None), "attrs", {}).get("has_upper"):
        raise SettingsError(
            "the base pipeline's ner is not spaCy's transition-based one with a hidden layer: it cannot be continued",
            where=base,
            hint=f"Give another with --base; the default is {DEFAULT_PIPELINE}.",
        )
    config = {key: value for key, value in nlp.get_pipe_config("ner").items() if key != "factory"}
    new = nlp.replace_pipe("ner", nlp.get_pipe_meta("ner").factory, config=config)
    for label in labels:
        new.add_label(label)
    some = nlp.make_doc("Some words .")
    new.initialize(lambda: [Pair(some, some.copy())], nlp=nlp)
    for part in ("tok2vec", "lower"):
        new.model.get_ref(part).from_bytes(old.model.get_ref(part).to_bytes())
    _copy_head(old, new, _origins(labels, frozenset(old.labels), scheme))
    return new


def _origins(labels: Sequence[str], known: frozenset[str], scheme: LabelScheme) -> dict[str, str]:
    """Return, for every label, the base's label that it begins as: its own, else one by the crosswalk."""
    ours = known <= {label.id for label in scheme.labels}
    origins = {}
    for name in labels:
        label = scheme.label(name)
        nearest = [other.strip() for other in label.crosswalk.get("ontonotes", "").split(",")] if label else []
        # the crosswalk goes first with a base that has other labels: the scheme's TIME is OntoNotes' DATE, then its TIME
        choice = [name] if ours else [*nearest, name]
        origins[name] = next((other for other in choice if other in known), "")
    return origins


def _copy_head(old: Any, new: Any, origins: Mapping[str, str]) -> None:
    """Copy the last layer's rows, move by move (begin, inside, last, unit of a label; outside)."""
    from_upper, to_upper = old.model.get_ref("upper"), new.model.get_ref("upper")
    rows = {name: row for row, name in enumerate(_moves(old))}
    weights, bias = to_upper.get_param("W").copy(), to_upper.get_param("b").copy()
    for row, name in enumerate(_moves(new)):
        move, dash, label = name.partition("-")
        source = f"{move}-{origins.get(label, '')}" if dash and label else name
        if source in rows:
            weights[row] = from_upper.get_param("W")[rows[source]]
            bias[row] = from_upper.get_param("b")[rows[source]]
    to_upper.set_param("W", weights)
    to_upper.set_param("b", bias)


def _moves(ner: Any) -> list[str]:
    # not move_names: that leaves one out, and the rows after it would be off by one
    return [ner.moves.get_class_name(row) for row in range(ner.moves.n_moves)]


def _fit(
    ner: Any, pairs: list[Any], inner: Sequence[Any], settings: NerTraining, on_progress: OnProgress
) -> tuple[int, Any]:
    """Train, and return the number of epochs and the averaged weights."""
    from spacy.util import minibatch
    from thinc.api import Adam

    optimiser = Adam(RATE, L2=0.01, grad_clip=1.0, L2_is_weight_decay=True, use_averages=True)
    rng = random.Random(settings.seed)  # noqa: S311  # no secret: an order of examples
    enough = -(-UPDATES // -(-len(pairs) // BATCH))
    epochs = settings.epochs or min(max(enough, EPOCHS), MOST_EPOCHS)
    best, since, kept = -1.0, 0, None
    for epoch in range(1, epochs + 1):
        rng.shuffle(pairs)
        for batch in minibatch(pairs, size=BATCH):
            ner.update(batch, drop=DROPOUT, sgd=optimiser, losses={})
        on_progress(Progress("train", epoch, epochs, "epochs"))
        if inner:
            with ner.model.use_params(optimiser.averages):
                met = _met(ner, inner)
            best, since, kept = (met, 0, dict(optimiser.averages)) if met > best else (best, since + 1, kept)
            if since >= settings.patience:
                return epoch, kept
    return epochs, kept or optimiser.averages


def _met(ner: Any, pairs: Sequence[Any]) -> float:
    """Return strict F1 on examples."""
    right = total = 0
    for pair in pairs:
        doc = ner(pair.predicted.copy())
        found = {(span.start, span.end, span.label_) for span in doc.ents}
        gold = {(span.start, span.end, span.label_) for span in pair.reference.ents}
        right, total = right + 2 * len(found & gold), total + len(found) + len(gold)
    return right / max(total, 1)


def found_by(folder: Path, texts: Sequence[str]) -> list[list[Mark]]:
    """Return what the ``ner`` of a saved pipeline finds in each text, in its own labels, without any rule."""
    import spacy

    nlp = spacy.load(folder)
    found = []
    for text in texts:
        parts = [(start, end) for start, end, _ in windows(Document("", text, text_sha256(text)))]
        docs = zip(parts, nlp.pipe(text[start:end] for start, end in parts), strict=True)
        found.append([Mark(start + e.start_char, start + e.end_char, e.label_) for (start, _), doc in docs for e in doc.ents])  # fmt: skip
    return found
