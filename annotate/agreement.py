"""Say how far people agree: on what there is, what it is, who is speaking, who evaluates whom, and how.

Agreement is taken apart, because one number hides where people differ (find the mentions, type them, link holder and
target, grade the stance) and what to do about it. Every measure comes with a percentile interval from resampling
documents (Efron and Tibshirani 1993, chapter 13): what is said about one article hangs together. A measure that is not
defined (one annotator, no common document, a single value throughout) has no value and a reason, never a 1.0.

Adjudications are decisions about annotations and take no part; what a decoy slipped in and nobody corrected neither.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from copydesk.corpus import Desk, documents
from copydesk.schemas import LabelScheme, OnProgress, silent

from .agreement_counts import ANY, Column, DocumentVersions, Tally, count
from .agreement_sums import Sums
from .gamma import add_disorders, need_gamma
from .gold import gold
from .reliability import alpha, dice, kappa, ordinal_alpha, unitizing_alpha

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers: TypeAlias = npt.NDArray[np.float64]

__all__ = ["CUTS", "Agreement", "Cut", "Measure", "agree", "agreement", "read_versions"]

Cut = Literal["pair", "annotator", "label", "outlet", "arm", "week"]
CUTS: Final[tuple[Cut, ...]] = ("pair", "annotator", "label", "outlet", "arm", "week")
"""By what agreement can be cut; actor classes are among the labels, as ``ARMED_ACTOR:state``."""

RANKS: Final = ("-2", "-1", "0", "+1", "+2")
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of agreement.

    Attributes:
        part: What people agree on: ``finding``, ``spans``, ``typing``, ``attributes``, ``attribution``, ``linking``,
            ``polarity`` or ``questions``.
        name: Which measure, of what: ``exact F1``, ``alpha of actor_class`` …
        cut: By what the data was cut: one of :data:`CUTS`; empty for all of it.
        of: The piece: an annotator, a pair ``a and b``, a label, an outlet …
        value: The measure; None where it is not defined.
        low: Lower end of its 95 % interval over documents; None where it has none.
        high: Upper end.
        n: How many marks (of both sides), or things that two or more people valued, it rests on.
        documents: How many documents there were to compare.
        reason: Why there is no value, or no interval; else empty.
    """

    part: str
    name: str
    cut: str
    of: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    documents: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people agree.

    Attributes:
        measures: Over everything, then cut.
        documents: Documents that two or more people finished.
        annotators: Their pseudonyms, sorted.
        draws: Resamples behind each interval, drawn with `seed`.
        seed: Of the resampling.
        overlapping: Units left out of alpha_U: it knows one unit a label at each place of a text.
        refused: Stances called ``mixed`` or ``cannot_tell``: they count as classes and have no rank.
        windowed: Documents with too many units for γ's best alignment as a whole: it was made window by window.
    """

    measures: tuple[Measure, ...]
    documents: int
    annotators: tuple[str, ...]
    draws: int
    seed: int
    overlapping: int = 0
    refused: int = 0
    windowed: int = 0

    def measure(self, name: str, *, cut: str = "", of: str = "") -> Measure:
        """Return a measure by its name.

        Raises:
            KeyError: There is none of that name.
        """
        for found in self.measures:
            if (found.name, found.cut, found.of) == (name, cut, of):
                return found
        raise KeyError(f"{name} of {cut} {of}".rstrip())


def agreement(
    desk: Desk,
    *,
    by: Sequence[Cut] = (),
    draws: int = 1000,
    seed: int = 0,
    gamma: int = 0,
    on_progress: OnProgress = silent,
) -> Agreement:
    """Measure agreement among everybody who finished documents of a desk.

    Args:
        desk: Whose ledger is read.
        by: What to cut by, besides all of it.
        draws: Resamples for each interval; 0: none.
        seed: Of the resampling; the same seed gives the same intervals.
        gamma: Random texts for each document behind γ; 0: without γ, which takes half a second a document and more.
        on_progress: Told of every document that γ is computed of.

    Raises:
        DeskError: The ledger is damaged.
        SettingsError: γ is asked for, and pygamma-agreement is not installed.
    """
    if gamma:
        need_gamma()
    said = read_versions(desk)
    return agree(said, desk.scheme(), by=by, draws=draws, seed=seed, gamma=gamma, on_progress=on_progress)


def read_versions(desk: Desk) -> Iterator[DocumentVersions]:
    """Yield what several people finished, document by document, with what it can be grouped by."""
    versions = {key: said for key, said in gold(desk, keep=False).versions.items() if len(said) > 1}
    for document in documents(desk):
        said = versions.get(document.id)
        if said is not None:
            arms = {version.arm for version in said}
            facets = {
                "outlet": document.outlet,
                "arm": arms.pop() if len(arms) == 1 else "several",
                "week": _week(max(version.updated_at for version in said)),
            }
            yield DocumentVersions(document.id, len(document.text), said, facets)


def _week(moment: str) -> str:
    """Return the ISO week of a moment.

    >>> _week("2026-11-22T10:00:00Z")
    '2026-W47'
    """
    try:
        year, week, _ = datetime.date.fromisoformat(moment[:10]).isocalendar()
    except ValueError:
        return ""
    return f"{year}-W{week:02d}"


def agree(
    said: Iterable[DocumentVersions],
    scheme: LabelScheme,
    *,
    by: Sequence[Cut] = (),
    draws: int = 1000,
    seed: int = 0,
    gamma: int = 0,
    on_progress: OnProgress = silent,
) -> Agreement:
    """Measure agreement on documents that were read already; see :func:`agreement`."""
    tally = count(said, scheme)
    if gamma:
        add_disorders(tally, scheme, by=by, seed=seed, samples=gamma, on_progress=on_progress)
    whole = Sums(tally, range(len(tally.documents)), draws, seed)
    parts = {**{question.id: "questions" for question in scheme.questions}, **_PARTS}
    found = list(_Reader(whole, parts).measures())
    for cut in by:
        found += _cut(tally, whole, parts, cut, draws, seed)
    names = {version.annotator for document in tally.documents for version in document.versions}
    windowed = round(whole.total([("disorder", "windowed")])[0])
    return Agreement(
        tuple(found),
        len(tally.documents),
        tuple(sorted(names)),
        draws,
        seed,
        tally.overlapping,
        tally.refused,
        windowed,
    )


def _cut(tally: Tally, whole: Sums, parts: Mapping[str, str], cut: Cut, draws: int, seed: int) -> Iterator[Measure]:
    if cut in ("pair", "annotator"):
        pairs = whole.pairs()
        pieces: dict[str, list[tuple[str, str]]] = {}
        for a, b in pairs:
            for name in (f"{a} and {b}",) if cut == "pair" else (a, b):
                pieces.setdefault(name, []).append((a, b))
        for name, mine in sorted(pieces.items()):
            yield from _Reader(whole, parts, cut, name, frozenset(mine)).measures()
    elif cut == "label":
        for label in whole.labels():
            yield from _Reader(whole, parts, cut, label).of_label()
    else:
        groups: dict[str, list[int]] = {}
        for number, document in enumerate(tally.documents):
            groups.setdefault(document.facets.get(cut, ""), []).append(number)
        for value, numbers in sorted(groups.items()):
            yield from _Reader(Sums(tally, numbers, draws, seed), parts, cut, value or "unknown").measures()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns sums into measures: of everything, or of some pairs of annotators."""

    sums: Sums
    parts: Mapping[str, str]
    cut: str = ""
    of: str = ""
    pairs: frozenset[tuple[str, str]] | None = None

    def measures(self) -> Iterator[Measure]:
        yield self.f1("finding", "F1 of finding", "blind")
        yield self.f1("spans", "exact F1", "exact")
        yield self.f1("spans", "partial F1", "partial")
        if self.pairs is None:
            yield self.unitizing("alpha_U", self.sums.unit_labels())
        if self.sums.tally.samples:
            yield self.gamma()
        yield from self.values("typing", "typing")
        yield self.f1("attribution", "F1 of contents", "content")
        yield self.f1("attribution", "F1 of sources", "source")
        yield self.f1("linking", "F1 of holder and target", "linking")
        rest = [(self.parts.get(name, "attributes"), name) for name in self.sums.questions() if name != "typing"]
        for part, question in sorted(rest):
            yield from self.values(part, question)

    def of_label(self) -> Iterator[Measure]:
        yield self.f1("spans", "exact F1", "exact", label=self.of)
        if ":" not in self.of:  # a class of actors has neither
            yield self.f1("spans", "partial F1", "partial", label=self.of)
            yield self.unitizing("alpha_U", [self.of])
            if self.sums.tally.samples:
                yield self.gamma()

    def f1(self, part: str, name: str, marks: str, *, label: str = ANY) -> Measure:
        """Return the share of marks that both of two people made, over all pairs of people."""
        keys = [key for key in self.sums.family("marks") if key[1:3] == (marks, label) and self._mine(key[3:5])]
        shared = self.sums.total(key for key in keys if key[5] == "shared")
        total = self.sums.total(key for key in keys if key[5] == "all")
        compared = any(key[1] == marks and self._mine(key[2:4]) for key in self.sums.family("compared"))
        reason = "nobody marked any" if compared else "no two people were asked for these in one document"
        return self._measure(part, name, dice(shared, total), total[0], reason)

    def values(self, part: str, question: str) -> Iterator[Measure]:
        """Return alpha, and for a pair of people kappa, of the values that a question was given."""
        if self.pairs is None:
            yield self._alpha(part, question)
            return
        keys = [key for key in self.sums.family("pair") if key[1] == question and self._mine(key[2:4])]
        values = sorted({key[5] for key in keys if key[4] != "same"})
        left, right = (
            self.sums.stack([[key for key in keys if key[4:] == (side, value)] for value in values])
            for side in ("left", "right")
        )
        same = self.sums.total(key for key in keys if key[4] == "same")
        n = left[0].sum()
        if question == "polarity":
            yield self._measure(part, f"alpha of {question}", ordinal_alpha(self._crossed(question)), n, _silent(n))
        else:
            yield self._measure(part, f"alpha of {question}", alpha(left + right, 2 * same), n, _silent(n))
        if len(self.pairs) == 1:
            yield self._measure(part, f"kappa of {question}", kappa(same, left, right), n, _silent(n))

    def _alpha(self, part: str, question: str) -> Measure:
        name, n = f"alpha of {question}", self.sums.total([("valued", question)])[0]
        if question == "polarity":
            return self._measure(part, name, ordinal_alpha(self._crossed(question)), n, _silent(n))
        given = self.sums.stack([[key] for key in self.sums.family("given") if key[1] == question])
        return self._measure(part, name, alpha(given, self.sums.total([("same", question)])), n, _silent(n))

    def _crossed(self, question: str) -> Numbers:
        """Return the coincidences of ranks: shape (resamples, 5, 5)."""
        import numpy as np

        if self.pairs is None:
            cells: list[list[Column]] = [[("cross", question, v, w)] for v in RANKS for w in RANKS]
            return self.sums.stack(cells).reshape(-1, len(RANKS), len(RANKS))
        keys = [key for key in self.sums.family("pair cross") if key[1] == question and self._mine(key[2:4])]
        cells = [[key for key in keys if key[4:] == (v, w)] for v in RANKS for w in RANKS]
        one_way = self.sums.stack(cells).reshape(-1, len(RANKS), len(RANKS))
        return one_way + np.swapaxes(one_way, -1, -2)

    def unitizing(self, name: str, labels: Iterable[str]) -> Measure:
        parts = {label: tuple(self.sums.units(label)) for label in labels}
        n = sum(part.units[0].sum() for sums in parts.values() for part in sums)
        value = unitizing_alpha(parts) if n else self.sums.nothing()
        return self._measure("spans", name, value, n, "nobody marked any in a text that two people read")

    def gamma(self) -> Measure:
        """Return γ over all documents: what is left of disorder in all of them, held against what chance leaves.

        Of one annotator it is that of all pairs with them, of a label that of its spans alone.
        """
        import numpy as np

        whose: list[Column] = [("label", self.of)] if self.cut == "label" else [()]
        if self.pairs is not None:
            whose = [("pair", *pair) for pair in self.pairs]
        observed, expected, units = (
            self.sums.total(("disorder", *key, what) for key in whose) for what in ("observed", "expected", "units")
        )
        value = np.full_like(observed, np.nan)
        np.divide(observed, expected, out=value, where=expected > 0)
        reason = "random texts like these have no disorder" if units[0] else "nobody marked any in a text that two read"
        return self._measure("spans", "gamma", 1 - value, units[0], reason)

    def _mine(self, pair: tuple[str, ...]) -> bool:
        return self.pairs is None or pair in self.pairs

    def _measure(self, part: str, name: str, values: Numbers, n: float, reason: str) -> Measure:
        """Return a measure: its value over everything first, then the resamples that its interval is read from."""
        value, low, high, why = self.sums.interval(values, LEVEL)
        count = len(self.sums.documents)
        if not count:
            why = "no document was finished by two people"
        elif value is None:
            why = reason
        return Measure(part, name, self.cut, self.of, value, low, high, round(n), count, why)


def _silent(n: float) -> str:
    """Say why what was valued has no alpha."""
    if not n:
        return "nothing was valued by two people"
    return "every answer is the same: agreement cannot be told from chance"


_PARTS: Final[Mapping[str, str]] = {
    "form": "attribution",
    "source_type": "attribution",
    "polarity": "polarity",
    "polarity class": "polarity",
    "role": "polarity",
}
