"""Estimate what suggestions do to labels, from the documents that were shown none.

Documents come into arms by lot (:mod:`.arms`), so what differs between those that showed suggestions and the blind ones
is an effect of showing them, whoever worked on them: on how much is marked and as what, on whether people take the
borders, labels and polarities that the machine would suggest, on their time, and on how far they agree. What the
machine says about the blind documents is known too; nobody was shown it.

Every outcome is a ratio of sums over documents, or made of such sums, and every effect a difference between both
arms with a percentile interval from resampling the documents of each arm (Efron and Tibshirani 1993, section 8.3).
Decoys tell another thing: who overlooks what is wrong on purpose.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from copydesk.corpus import Desk
from copydesk.schemas import Annotations, LabelScheme

from .gold import pseudonyms
from .ledger import FinishedAnnotation, finished
from .slips import Slip, slips
from .suggest import suggestions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers: TypeAlias = npt.NDArray[np.float64]

__all__ = ["Anchoring", "DecoyRate", "Effect", "Work", "anchoring", "estimate"]

LEVEL: Final = 0.95
FEWEST: Final = 5
"""Documents that an arm needs before an interval is worth printing."""

Outcome: TypeAlias = tuple[str, str]
"""What is measured, and of which label or layer: ``("share of mentions", "ORG")``."""
_Row: TypeAlias = Mapping[Outcome, tuple[float, float]]
_Add: TypeAlias = Callable[[str, str, float, float], None]
"""Takes an outcome, of what, and what it adds above and below the line."""


@dataclass(frozen=True, slots=True)
class Work:
    """One person's work on one document, and what the machine would have suggested.

    Attributes:
        document_id: Which.
        arm: ``shown`` or ``blind``.
        annotator: A pseudonym.
        said: What they said.
        suggested: What the machine says about the document; None where it says nothing.
        seconds: Of work; None where unknown.
    """

    document_id: str
    arm: str
    annotator: str
    said: Annotations
    suggested: Annotations | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """How an outcome differs where suggestions are shown.

    Attributes:
        outcome: What is measured, such as ``share of mentions``.
        of: Of which label, or empty.
        shown: The outcome in documents that showed suggestions; None where there is nothing to measure it on.
        blind: The same in blind documents.
        scale: ``difference``: shown less blind; ``ratio``: shown over blind.
        effect: On that scale; None where one arm has nothing.
        low: Lower end of its 95 % interval; None where an arm has fewer than five documents.
        high: Upper end.
        documents: How many documents it rests on: shown, blind.
        reason: Why there is no effect or no interval; else empty.
    """

    outcome: str
    of: str
    shown: float | None
    blind: float | None
    scale: Literal["difference", "ratio"]
    effect: float | None
    low: float | None
    high: float | None
    documents: tuple[int, int]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DecoyRate:
    """How often somebody let stand what was wrong on purpose.

    Attributes:
        annotator: A pseudonym; empty for all together.
        slipped: How many things had been slipped into what they finished.
        accepted: How many of them still stand as they were slipped in.
        rate: Their share.
        low: Lower end of its 95 % interval over documents; None with fewer than five documents.
        high: Upper end.
        documents: How many decoys they finished.
    """

    annotator: str
    slipped: int
    accepted: int
    rate: float
    low: float | None
    high: float | None
    documents: int


@dataclass(frozen=True, slots=True)
class Anchoring:
    """What suggestions did to labels.

    Attributes:
        effects: By outcome.
        decoys: Of all annotators together, then of each.
        shown: Documents that showed suggestions.
        blind: Documents that showed none.
        left_out: Finished documents that started from another pipeline's suggestions than the desk's present ones.
    """

    effects: tuple[Effect, ...]
    decoys: tuple[DecoyRate, ...]
    shown: int
    blind: int
    left_out: int = 0

    def effect(self, outcome: str, of: str = "") -> Effect:
        """Return an effect by its name.

        Raises:
            KeyError: There is none of that name.
        """
        for found in self.effects:
            if (found.outcome, found.of) == (outcome, of):
                return found
        raise KeyError(f"{outcome} {of}".rstrip())


def anchoring(desk: Desk, *, draws: int = 1000, seed: int = 0) -> Anchoring:
    """Estimate what suggestions did to the labels of a desk.

    Args:
        desk: Whose finished annotations, suggestions and decoys are read.
        draws: Resamples for each interval; 0: none.
        seed: Of the resampling.

    Raises:
        DeskError: The ledger, or a table of suggestions, is damaged.
    """
    names = pseudonyms(desk)
    done = [entry for entry in finished(desk) if entry.arm in ("shown", "blind") and not entry.ground_truth]
    said, pipeline = _suggested(desk, {entry.document_id for entry in done})
    kept = [entry for entry in done if entry.arm == "blind" or entry.model_version in ("", pipeline)]
    works = (_work(entry, names, said) for entry in kept)
    found = estimate(works, desk.scheme(), draws=draws, seed=seed)
    rates = tuple(_decoys(slips(desk), names, draws, seed))
    return Anchoring(found, rates, *_documents(kept), left_out=len(done) - len(kept))


def _suggested(desk: Desk, wanted: set[str]) -> tuple[dict[str, Annotations], str]:
    found: dict[str, Annotations] = {}
    pipeline = ""
    for suggestion in suggestions(desk):
        pipeline = f"{suggestion.pipeline.name}@{suggestion.pipeline.version}"
        if suggestion.annotations.document_id in wanted:
            found[suggestion.annotations.document_id] = suggestion.annotations
    return found, pipeline


def _work(entry: FinishedAnnotation, names: Mapping[str, str], said: Mapping[str, Annotations]) -> Work:
    name, suggested = names[entry.annotator], said.get(entry.document_id)
    return Work(entry.document_id, entry.arm, name, entry.annotations, suggested, entry.lead_time)


def _documents(kept: Iterable[FinishedAnnotation]) -> tuple[int, int]:
    by_arm: dict[str, set[str]] = {"shown": set(), "blind": set()}
    for entry in kept:
        by_arm[entry.arm].add(entry.document_id)
    return len(by_arm["shown"]), len(by_arm["blind"])


# effects


def estimate(
    works: Iterable[Work], scheme: LabelScheme, *, draws: int = 1000, seed: int = 0
) -> tuple[Effect, ...]:  # fmt: skip
    """Estimate effects from people's work in both arms; see :func:`anchoring`."""
    arms: dict[str, dict[str, list[Work]]] = {"shown": defaultdict(list), "blind": defaultdict(list)}
    for work in works:
        arms[work.arm][work.document_id].append(work)
    layers = {label.id: label.layer for label in scheme.labels}
    rows = {arm: [_outcomes(done, layers) for _, done in sorted(found.items())] for arm, found in arms.items()}
    outcomes = sorted({outcome for found in rows.values() for row in found for outcome in row})
    return tuple(_effect(outcome, rows["shown"], rows["blind"], draws, seed) for outcome in outcomes)


def _outcomes(done: Sequence[Work], layers: Mapping[str, str]) -> dict[Outcome, tuple[float, float]]:
    """Return, of one document, what each outcome is a ratio of: (above, below)."""
    found: dict[Outcome, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def add(outcome: str, of: str, above: float, below: float) -> None:
        found[outcome, of][0] += above
        found[outcome, of][1] += below

    for work in done:
        mentions = [e for e in work.said.entities if layers.get(e.label) == "entities"]
        add("mentions a document", "", len(mentions), 1)
        add("words a mention", "", sum(len(e.span.text.split()) for e in mentions), len(mentions))
        for label in (label for label, layer in layers.items() if layer == "entities"):
            add("share of mentions", label, sum(e.label == label for e in mentions), len(mentions))
        for stance in work.said.stances:
            for polarity in ("-2", "-1", "0", "+1", "+2"):
                add("share of stances", polarity, stance.polarity == polarity, 1)
        if work.seconds is not None and work.seconds > 0:
            add("seconds a document", "", math.log(work.seconds), 1)
        if work.suggested is not None:
            _taken(add, work.said, work.suggested, layers)
    for one, other in ((a, b) for i, a in enumerate(done) for b in done[i + 1 :] if a.annotator != b.annotator):
        _agreed(add, one.said, other.said)
    return {outcome: (above, below) for outcome, (above, below) in found.items()}


def _taken(add: _Add, said: Annotations, suggested: Annotations, layers: Mapping[str, str]) -> None:
    """Count how much of what the machine suggests a person says too."""
    ours = {(e.span.start, e.span.end): e for e in said.entities if layers.get(e.label) == "entities"}
    for theirs in suggested.entities:
        if layers.get(theirs.label) != "entities":
            continue
        same = ours.get((theirs.span.start, theirs.span.end))
        near = same is not None or any(e.span.overlaps(theirs.span) for e in ours.values())
        add("suggested mentions found", "", near, 1)
        add("suggested borders taken", "", same is not None, near)
        add("suggested labels taken", "", same is not None and same.label == theirs.label, same is not None)
    grades = _grades(said)
    for ends, polarity in _grades(suggested).items():
        add("suggested polarities taken", "", grades.get(ends) == polarity, ends in grades)


def _grades(said: Annotations) -> dict[tuple[object, object], str]:
    """Return (target's place, holder's place or OUTLET or UNNAMED) to polarity."""
    places: dict[str, object] = {e.id: (e.span.start, e.span.end) for e in said.entities}
    return {
        (places[stance.target], places.get(stance.holder, stance.holder)): stance.polarity
        for stance in said.stances
        if stance.target in places
    }


def _agreed(add: _Add, one: Annotations, other: Annotations) -> None:
    """Count what two people say alike; F1 is a ratio of such sums."""
    left, right = ({(e.span, e.label) for e in said.entities} for said in (one, other))
    add("agreement, exact F1", "", 2 * len(left & right), len(left) + len(right))
    places = [{span for span, _ in side} for side in (left, right)]
    add("agreement, F1 of finding", "", 2 * len(places[0] & places[1]), len(places[0]) + len(places[1]))


def _effect(outcome: Outcome, shown: Sequence[_Row], blind: Sequence[_Row], draws: int, seed: int) -> Effect:
    import numpy as np

    name, of = outcome
    arms = [np.array([row.get(outcome, (0.0, 0.0)) for row in rows]).reshape(-1, 2) for rows in (shown, blind)]
    values = [_ratio(arm.sum(axis=0)) for arm in arms]
    counts = tuple(int((arm[:, 1] > 0).sum()) for arm in arms)
    ratio = name == "seconds a document"
    turn = np.exp if ratio else (lambda number: number)
    both = [None if math.isnan(value) else float(turn(value)) for value in values]
    if None in both:
        which = "shown" if both[0] is None else "blind"
        reason = f"nothing to measure it on in the {which} documents"
        return Effect(name, of, both[0], both[1], _scale(ratio), None, None, None, (counts[0], counts[1]), reason)
    effect = float(turn(values[0] - values[1]))
    low = high = None
    reason = f"fewer than {FEWEST} documents in an arm" if min(counts) < FEWEST else ""
    if draws and not reason:
        random = np.random.default_rng(seed)
        drawn = _resampled(arms[0], draws, random) - _resampled(arms[1], draws, random)
        ends = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        low, high = (float(turn(end)) for end in ends)
    return Effect(name, of, both[0], both[1], _scale(ratio), effect, low, high, (counts[0], counts[1]), reason)


def _scale(ratio: bool) -> Literal["difference", "ratio"]:
    return "ratio" if ratio else "difference"


def _ratio(sums: Numbers) -> float:
    return float(sums[0] / sums[1]) if sums[1] > 0 else math.nan


def _resampled(arm: Numbers, draws: int, random: np.random.Generator) -> Numbers:
    """Return the ratio of sums in each resample of an arm's documents; shape (draws,)."""
    import numpy as np

    weights = random.multinomial(len(arm), np.full(len(arm), 1 / len(arm)), size=draws)
    sums = weights @ arm
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1], np.nan)


# decoys


def _decoys(found: Iterable[Slip], names: Mapping[str, str], draws: int, seed: int) -> Iterator[DecoyRate]:
    """Yield the rate at which decoys were accepted: by all, then by each annotator."""
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for slip in found:
        for who in ("", names[slip.annotator]):
            at = rows[who][f"{slip.document_id} {slip.annotator}"]
            at[0] += not slip.corrected
            at[1] += 1
    for who, documents in sorted(rows.items(), key=lambda item: (len(item[0]), item[0])):
        yield _rate(who, list(documents.values()), draws, seed)


def _rate(who: str, documents: Sequence[Sequence[int]], draws: int, seed: int) -> DecoyRate:
    import numpy as np

    table = np.array(documents, dtype=np.float64)
    accepted, slipped = (int(number) for number in table.sum(axis=0))
    low = high = None
    if draws and len(table) >= FEWEST:
        drawn = _resampled(table, draws, np.random.default_rng(seed))
        low, high = (float(end) for end in np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    return DecoyRate(who, slipped, accepted, accepted / slipped, low, high, len(table))
