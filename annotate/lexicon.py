"""Read stances by a lexicon with roles, weighed by a fitted regression: what is left where no model is there.

For a target it counts evaluative words by how they stand to it (see :mod:`.signals`), weighs the counts and the
words, and gets the probabilities of critical, neutral and supportive. The same words are the evidence that a trained
model's stance is shown with: :func:`judging_words`, :func:`telling_words`, :func:`judging_holder`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from .knowledge import RULES_VERSION, knowledge, knowledge_digest
from .models import Token
from .signals import RELATIONS, Signal, coordinated_with
from .stance_items import CLASSES, Calibration, StanceItem, Verdict

__all__ = [
    "LexiconStance",
    "counts_of",
    "is_holding_verb",
    "judging_holder",
    "judging_words",
    "marked_words",
    "telling_words",
]

NEGATED: Final = -0.6


@cache
def _judging() -> Mapping[str, float]:
    values = {"plus2": 2.0, "plus1": 1.0, "minus1": -1.0, "minus2": -2.0}
    return {word: values[name] for name, words in knowledge("stance")["judging"].items() for word in words}


@cache
def _telling() -> Mapping[str, float]:
    data = knowledge("stance")["telling"]
    return dict.fromkeys(data["plus"], 1.0) | dict.fromkeys(data["minus"], -1.0)


@dataclass(frozen=True, slots=True)
class _Verbs:
    agent: float
    patient: float
    judges: bool
    holder: bool


@cache
def _verbs() -> Mapping[str, tuple[_Verbs, ...]]:
    table: dict[str, list[_Verbs]] = {}
    for group in knowledge("stance")["verbs"].values():
        verbs = _Verbs(group["agent"], group["patient"], group["judges"], group["holder"])
        for word in group["words"]:
            table.setdefault(word, []).append(verbs)
    return {word: tuple(groups) for word, groups in table.items()}


class LexiconStance:
    """The fallback: ``data/stance.toml`` weighed by ``data/stance_fit.toml``."""

    name: Final = "lexicon-and-roles"
    kind: Final[Literal["model", "rule"]] = "rule"
    reads_signals: Final = True

    @property
    def version(self) -> str:
        """The version of all rules."""
        return f"{RULES_VERSION}+{knowledge_digest()[:8]}"

    def judge(self, items: Sequence[StanceItem]) -> list[Verdict]:
        """Return what the signals around every target say."""
        return [self._verdict(item) for item in items]

    def _verdict(self, item: StanceItem) -> Verdict:
        fit = knowledge("stance_fit")
        scores = list(fit["intercept"])
        for name, value in item.counts.items():
            for index, weight in enumerate(fit["features"].get(name, (0.0, 0.0, 0.0))):
                scores[index] += weight * min(value, 3.0)
        for index, total in enumerate(_totals(item.words)):
            for column, weight in enumerate(fit["from_words"][CLASSES[index]]):
                scores[column] += weight * total
        critical, neutral, supportive = fit["conflict"] if item.conflict else (0.0, 0.0, 0.0)
        calibration = Calibration(fit["temperature"], (critical, neutral, supportive))
        return Verdict(calibration.probabilities([scores])[0], (0, len(item.text)))


def counts_of(found: Sequence[Signal]) -> dict[str, float]:
    """Return how often each kind of signal stands around a target, in the words of ``stance_fit.toml``."""
    counts: dict[str, float] = {"length": min(len(found), 40) / 20}

    def add(name: str, value: float, amount: float) -> None:
        key = f"{name}{'+' if value > 0 else '-'}"
        counts[key] = counts.get(key, 0.0) + amount

    for signal in found:
        sign = NEGATED if signal.negated else 1.0
        relation = signal.relation
        if relation in ("agent", "patient", "own", "attribute"):
            counts[f"has_{relation}"] = 1.0
        if valence := _judging().get(signal.lemma, 0.0) * sign:
            place = {"attribute": "said", "own": "own", "far": "far"}.get(relation, "near")
            add(f"judge_{place}", valence, abs(valence))
        for verbs in _verbs().get(signal.lemma, ()):
            if signal.token.pos_ in ("VERB", "AUX") and relation in ("agent", "patient"):
                if value := (verbs.agent if relation == "agent" else verbs.patient) * sign:
                    add(f"{'judgeverb' if verbs.judges else 'deedverb'}_{relation}", value, abs(value))
            elif relation in ("near", "far", "own") and (value := max(verbs.agent, verbs.patient, key=abs) * sign):
                add(f"verb_{relation}", value, abs(value))
        if value := _telling().get(signal.lemma, 0.0) * sign:
            add(f"tell_{'far' if relation == 'far' else 'near'}", value, 1.0)
    return counts


def marked_words(found: Sequence[Signal]) -> frozenset[str]:
    """Return the lemmas around a target: ``!`` before a negated one, ``@`` behind one that is not far."""
    keys = set()
    for signal in found:
        if signal.lemma.isalpha() and len(signal.lemma) > 2:
            key = f"{'!' if signal.negated else ''}{signal.lemma}"
            keys |= {key, f"{key}{'' if signal.relation == 'far' else '@'}"}
    return frozenset(keys)


def _totals(words: frozenset[str]) -> tuple[float, float, float]:
    fit = knowledge("stance_fit")
    weights = [fit["words"][key] for key in sorted(words) if key in fit["words"]]
    critical, neutral, supportive = (
        fit["words_intercept"][index] + math.fsum(weight[index] for weight in weights) for index in range(3)
    )
    return critical, neutral, supportive


def judging_words(found: Sequence[Signal]) -> tuple[tuple[Token, float], ...]:
    """Return the judging words that stand close to the target, strongest and nearest first."""
    close: list[tuple[float, int, Token, float]] = []
    for signal in found:
        if signal.relation == "far" or (
            signal.relation == "near" and signal.token.dep_ in ("amod", "advmod", "compound")
        ):
            continue  # an adjective beside the target judges its own noun
        value = _judging().get(signal.lemma, 0.0)
        if signal.token.pos_ in ("VERB", "AUX"):
            # a verb judges whom it is done to, or who does it; "they fear" judges nobody beside it
            role = signal.relation if signal.relation in ("agent", "patient") else ""
            roles = [getattr(verbs, role) for verbs in _verbs().get(signal.lemma, ()) if verbs.judges and role]
            value = max(roles, key=abs, default=0.0)
        if abs(value) >= 1:
            strong = 0 if signal.relation != "near" else 1
            close.append((strong, signal.token.i, signal.token, -value if signal.negated else value))
    close.sort(key=lambda item: (item[0], -abs(item[3]), item[1]))
    return tuple((token, value) for _, _, token, value in close)


def telling_words(found: Sequence[Signal]) -> tuple[tuple[Token, float], ...]:
    """Return the words near the target by which things went well or badly for it, or by which it did well or badly.

    They prove no stance; they are what a trained model's stance can be shown by where no word judges.
    """
    near: list[tuple[int, int, Token, float]] = []
    for signal in found:
        value = _judging().get(signal.lemma, 0.0) or 0.5 * _telling().get(signal.lemma, 0.0)
        if signal.token.pos_ in ("VERB", "AUX") and signal.relation in ("agent", "patient"):
            roles = [getattr(verbs, signal.relation) for verbs in _verbs().get(signal.lemma, ())]
            value = max(roles, key=abs, default=0.0) or value
        if value:
            near.append(
                (RELATIONS.index(signal.relation), signal.token.i, signal.token, -value if signal.negated else value)
            )
    near.sort(key=lambda item: (item[0], -abs(item[3]), item[1]))
    return tuple((token, value) for _, _, token, value in near)


def is_holding_verb(lemma: str) -> bool:
    """Tell whether the subject of this verb is who judges, as in "the senator praised the army"."""
    return any(verbs.holder for verbs in _verbs().get(lemma, ()))


def judging_holder(found: Sequence[Signal]) -> tuple[Token, Token] | None:
    """Return the verb by which somebody judges the target, and its subject."""
    for signal in found:
        if signal.relation == "patient" and any(verbs.holder for verbs in _verbs().get(signal.lemma, ())):
            verb = signal.token
            while verb.dep_ in ("conj", "xcomp") and not any(c.dep_ in ("nsubj", "agent") for c in verb.children):
                if verb.head.i == verb.i:
                    break
                verb = coordinated_with(verb)
            for child in verb.children:
                if child.dep_ == "nsubj":
                    return signal.token, child
                if child.dep_ == "agent":
                    return next(((signal.token, grand) for grand in child.children if grand.dep_ == "pobj"), None)
    return None
