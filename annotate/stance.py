"""Suggest stances: a lexicon with roles, weighed by a fitted regression, and a holder from attribution.

A first, honest model behind :class:`StanceModel`, to be replaced by a better one. For a target it
counts evaluative words by how they stand to it (see :mod:`.signals`), weighs the counts and the
words, and gets the probabilities of critical, neutral and supportive. A stance is offered only where

- the likelier polar class has at least :data:`OFFER`, and
- a *judging* word of that sign stands near the target: it is the evidence.

Neutral is never offered: its evidence would have to be invented, and a wrong suggestion costs an
annotator more than none. Harm suffered or done is no stance by itself, so it is never evidence.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

from .attribution import Saying
from .entities import Mention, Tokens
from .knowledge import knowledge
from .models import WINDOW, Parse, Token
from .signals import Signal, coordinated_with, signals

__all__ = [
    "CLASSES",
    "OFFER",
    "Judgement",
    "LexiconStance",
    "Opinion",
    "StanceModel",
    "find_judgements",
    "probabilities",
]

CLASSES: Final = ("critical", "neutral", "supportive")
OFFER: Final = 0.5
"""The least probability of a polar class that is worth showing. Measured: see docs/suggestions.md."""
NEGATED: Final = -0.6
_MOST_EVIDENCE: Final = 3

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a model thinks of one target.

    Attributes:
        probabilities: Of :data:`CLASSES`.
        evidence: Judging tokens with their valence (−2 … +2), strongest first.
        holder: The judging verb among the evidence and its subject, where it has one.
    """

    probabilities: tuple[float, float, float]
    evidence: tuple[tuple[Token, float], ...]
    holder: tuple[Token, Token] | None


class StanceModel(Protocol):
    """What reads the stance towards a target out of its sentence."""

    def opinion(self, found: Sequence[Signal], *, conflict: bool) -> Opinion:
        """Return what the signals around a target say; `conflict` for text about armed conflict."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A stance before it gets ids; `holder` is ``OUTLET``, ``UNNAMED`` or a mention."""

    target: Mention
    holder: Mention | str
    polarity: str
    evidence: tuple[Range, ...]
    score: float


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
    """The shipped baseline: ``data/stance.toml`` weighed by ``data/stance_fit.toml``."""

    def opinion(self, found: Sequence[Signal], *, conflict: bool = True) -> Opinion:
        """Return probabilities and evidence for a target from the signals around it."""
        fit = knowledge("stance_fit")
        scores = list(fit["intercept"])
        for name, value in _features(found).items():
            for index, weight in enumerate(fit["features"].get(name, (0.0, 0.0, 0.0))):
                scores[index] += weight * min(value, 3.0)
        for index, total in enumerate(_words(found)):
            for column, weight in enumerate(fit["from_words"][CLASSES[index]]):
                scores[column] += weight * total
        shift = fit["conflict"] if conflict else (0.0, 0.0, 0.0)
        scores = [score / fit["temperature"] + move for score, move in zip(scores, shift, strict=True)]
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        critical, neutral, supportive = (power / sum(powers) for power in powers)
        return Opinion((critical, neutral, supportive), _evidence(found), _holder(found))


def _features(found: Sequence[Signal]) -> dict[str, float]:
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


def _words(found: Sequence[Signal]) -> tuple[float, float, float]:
    fit = knowledge("stance_fit")
    keys = {f"{'!' if s.negated else ''}{s.lemma}" for s in found if s.lemma.isalpha() and len(s.lemma) > 2}
    keys |= {
        f"{'!' if s.negated else ''}{s.lemma}{'' if s.relation == 'far' else '@'}"
        for s in found
        if s.lemma.isalpha() and len(s.lemma) > 2
    }
    weights = [fit["words"][key] for key in keys if key in fit["words"]]
    critical, neutral, supportive = (
        fit["words_intercept"][index] + math.fsum(weight[index] for weight in weights) for index in range(3)
    )
    return critical, neutral, supportive


def _evidence(found: Sequence[Signal]) -> tuple[tuple[Token, float], ...]:
    """Return the judging words that stand close to the target, strongest and nearest first."""
    close: list[tuple[float, int, Token, float]] = []
    for signal in found:
        if signal.relation == "far" or (
            signal.relation == "near" and signal.token.dep_ in ("amod", "advmod", "compound")
        ):
            continue  # an adjective beside the target judges its own noun
        sign = -1.0 if signal.negated else 1.0
        value = _judging().get(signal.lemma, 0.0)
        if signal.token.pos_ in ("VERB", "AUX"):
            # a verb judges whom it is done to, or who does it; "they fear" judges nobody beside it
            role = signal.relation if signal.relation in ("agent", "patient") else ""
            roles = [getattr(verbs, role) for verbs in _verbs().get(signal.lemma, ()) if verbs.judges and role]
            value = max(roles, key=abs, default=0.0)
        if abs(value) >= 1:
            strong = 0 if signal.relation != "near" else 1
            close.append((strong, signal.token.i, signal.token, value * sign))
    close.sort(key=lambda item: (item[0], -abs(item[3]), item[1]))
    return tuple((token, value) for _, _, token, value in close)


def _holder(found: Sequence[Signal]) -> tuple[Token, Token] | None:
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


def probabilities(
    tokens: Tokens, start: int, end: int, model: StanceModel, *, conflict: bool
) -> tuple[float, float, float]:
    """Return the probabilities of critical, neutral and supportive towards the target at a place."""
    head = tokens.head(start, end)
    if head is None:
        return 0.0, 1.0, 0.0
    found = list(signals(tokens.first(start) or head, head, tokens.last(end) or head))
    return model.opinion(found, conflict=conflict).probabilities


def find_judgements(
    parse: Parse,
    tokens: Tokens,
    mentions: Sequence[Mention],
    sayings: Sequence[Saying],
    *,
    targets: frozenset[str],
    model: StanceModel,
) -> Iterator[Judgement]:
    """Yield at most one stance per actor mention: the one that the words beside it show.

    Args:
        parse: The document's parse.
        tokens: Its tokens by offset.
        mentions: The entity mentions; those with a label of `targets` can be targets and holders.
        sayings: The attributions, for the holder.
        targets: Labels whose mentions can be a target; a GPE only where it acts.
        model: What reads the signals.
    """
    starts = {block.parsed[0].doc: block.start for block in parse.blocks if len(block.parsed)}
    inside = {offset for mention in mentions for offset in range(mention.start, mention.end) if mention.label != "TOLL"}
    for target in mentions:
        if target.label not in targets or (target.label == "GPE" and target.attributes.get("gpe_role") != "actor"):
            continue
        head = tokens.head(target.start, target.end)
        if head is None:
            continue
        base = starts[head.doc]
        first = tokens.first(target.start) or head
        last = tokens.last(target.end) or head
        # a judging word that belongs to another mention ("the Terror Brigades") judges nobody here
        own = _own_words(head)
        found = [s for s in signals(first, head, last) if base + s.token.idx not in inside and s.token.i not in own]
        if found and (judgement := _judged(target, model.opinion(found, conflict=True), base, mentions, sayings)):
            yield judgement


def _own_words(head: Token) -> frozenset[int]:
    """Return the tokens of what a target itself says or judges, before or after it: its view of others."""
    anchor = head
    while anchor.dep_ in ("conj", "appos") and anchor.head.i != anchor.i:
        anchor = anchor.head
    verb = anchor.head
    if anchor.dep_ != "nsubj" or verb.pos_ not in ("VERB", "AUX"):
        return frozenset()
    spoken: set[int] = set()
    for said in (verb, *(child for child in verb.children if child.dep_ in ("conj", "advcl", "xcomp"))):
        reports = said.lemma_ in knowledge("attribution")["verbs"]["clause"]
        if reports or any(verbs.holder for verbs in _verbs().get(said.lemma_, ())):
            spoken.update(range(said.left_edge.i, said.right_edge.i + 1))
    return frozenset(spoken) - frozenset(range(anchor.left_edge.i, anchor.right_edge.i + 1))


def _judged(
    target: Mention, opinion: Opinion, base: int, mentions: Sequence[Mention], sayings: Sequence[Saying]
) -> Judgement | None:
    critical, _, supportive = opinion.probabilities
    sign, score = (1, supportive) if supportive > critical else (-1, critical)
    evidence = [(token, value) for token, value in opinion.evidence if value * sign > 0][:_MOST_EVIDENCE]
    if not evidence or score < OFFER:
        return None
    ranges = tuple(sorted((base + token.idx, base + token.idx + len(token)) for token, _ in evidence))
    strong = any(abs(value) >= 2 for _, value in evidence)
    verb, subject = opinion.holder or (None, None)
    if verb is None or all(token.i != verb.i for token, _ in evidence):
        subject = None
    holder = _who(target, subject, base, ranges[0], mentions, sayings)
    if holder == target:
        return None
    polarity = f"{'+' if sign > 0 else '-'}{2 if strong else 1}"
    return Judgement(target, holder, polarity, ranges, round(score, 3))


def _who(
    target: Mention,
    subject: Token | None,
    base: int,
    evidence: Range,
    mentions: Sequence[Mention],
    sayings: Sequence[Saying],
) -> Mention | str:
    """Return the holder: the subject of the judging verb, else whoever says the words, else the outlet."""
    if subject is not None:
        start = base + subject.idx
        named = _mention_at(mentions, (start, start + len(subject)))
        if named is not None or subject.pos_ != "PRON":
            return named or "UNNAMED"
    # no content is longer than a window, so only the sayings of the last one can hold the target
    low, high = (
        bisect.bisect_left(sayings, place, key=lambda s: s.content[0])
        for place in (target.start - WINDOW, target.start + 1)
    )
    around = [s for s in sayings[low:high] if target.end <= s.content[1]]
    around = [s for s in around if s.content[0] <= evidence[0] and evidence[1] <= s.content[1] + 1] or around
    if subject is not None:  # "he praised the army": whoever the pronoun is
        sources = [s for s in sayings if s.source and s.source[0] == base + subject.idx]
        speaker = sources[0].speaker if sources else None
        return (_mention_at(mentions, speaker) if speaker else None) or "UNNAMED"
    if not around:
        return "OUTLET"
    innermost = min(around, key=lambda s: (s.content[1] - s.content[0], s.content))
    speaker = innermost.speaker or innermost.source
    return (_mention_at(mentions, speaker) if speaker else None) or "UNNAMED"


def _mention_at(mentions: Sequence[Mention], place: Range) -> Mention | None:
    """Return the actor mention that overlaps a source most, the first of equals."""
    labels = ("PERSON", "ARMED_ACTOR", "ORG", "GPE", "POPULATION")
    low, high = (bisect.bisect_left(mentions, start, key=lambda m: m.start) for start in (place[0] - 500, place[1]))
    overlapping = [m for m in mentions[low:high] if m.label in labels and m.start < place[1] and place[0] < m.end]
    return max(overlapping, key=lambda m: (min(m.end, place[1]) - max(m.start, place[0]), -m.start), default=None)
