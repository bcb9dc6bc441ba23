"""Figures of who says what about whom: stances by class, outlet and time, company, speakers, and claims about victims."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from copydesk.schemas import polarity_grade

from .claims import Claim
from .figures import Figure, ranked
from .intervals import mean_interval
from .survey import Survey
from .tally import Row, Tally

__all__ = ["stance_figures"]

MOST_TARGETS: Final = 8
MOST_PAIRS: Final = 60
_MEAN_NOTE: Final = (
    "Mean grade from -2 (very negative) to +2 (very positive), mixed and unclear ones left out, with its 95 % interval; "
    "stances are taken as independent of each other, so the true interval is somewhat wider."
)


def stance_figures(found: Survey) -> list[Figure]:
    """Return who evaluates whom, who is named with whom, who speaks of whom, and who claims what."""
    counts, tolls = found.counts, found.tally.tolls or []
    return [
        _matrix(found.tally),
        _means(
            "stance-outlets",
            "Do outlets judge the same actors differently?",
            "outlet",
            counts["outlet stances"],
            unit="stances towards the actors named most",
        ),
        _means(
            "stance-weeks",
            "Does the judgement change over time?",
            "month",
            _by_month(counts["week stances"]),
            unit="stances with a date towards the actors named most",
        ),
        _pairs(
            "network",
            "Who is named together?",
            ("actor", "with", "sentences"),
            counts["together"],
            "times that a sentence names two actors",
            "The actors that most articles name. A cell counts the sentences that name both.",
        ),
        _pairs(
            "speakers",
            "Who speaks of whom?",
            ("speaker", "of", "mentions"),
            counts["spoken"],
            "mentions inside somebody's words",
            "Speaker: the source of the innermost attribution around the mention.",
        ),
        Figure(
            "loaded",
            "In whose voice are loaded words?",
            ("wording", "voice", "spans"),
            tuple((label, voice, number) for (label, voice), number in ranked(counts["loaded"])),
            counts["loaded"].total(),
            "loaded words",
            note="Where the layer wording is on. The outlet's own words are those outside every attribution.",
            least=5,
            facet="loaded",
            keys=("wording", "voice"),
        ),
        _claims(found.claims),
        Figure(
            "tolls",
            "Who claims how many?",
            ("story", "outlet", "words", "number", "kind", "victims", "claimed by"),
            tuple(sorted(tolls, key=lambda row: tuple(map(str, row)))),
            len(tolls),
            "tolls",
            note="Claimed by: the source of the attribution around the number, else the outlet itself.",
        ),
    ]


def _matrix(tally: Tally) -> Figure:
    pairs: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (holder, target, polarity), count in tally.grades.items():
        pairs[holder, target][polarity] += count
    rows: list[Row] = []
    for (holder, target), polarities in sorted(pairs.items()):
        grades = _grades(polarities)
        graded = sum(grades.values())
        mean, low, high = _mean(grades)
        below, above = (sum(n for grade, n in grades.items() if grade * sign > 0) for sign in (-1, 1))
        other = polarities.total() - graded
        rows.append((holder, target, polarities.total(), mean, low, high, below, graded - below - above, above, other))
    return Figure(
        "stance-matrix",
        "Who evaluates whom, and how?",
        (
            "holder",
            "target",
            "stances",
            "mean grade",
            "low",
            "high",
            "negative",
            "neutral",
            "positive",
            "mixed or unclear",
        ),
        tuple(rows),
        tally.grades.total(),
        "stances",
        least=5,
        note=f"{_MEAN_NOTE} The number in a cell is how many stances it rests on; of one or two it is pale, for it says little.",
        facet="pair",
        keys=("holder", "target"),
    )


def _grades(polarities: Mapping[str, int]) -> dict[int, int]:
    return {grade: n for polarity, n in polarities.items() if (grade := polarity_grade(polarity)) is not None}


def _mean(grades: Mapping[int, int]) -> tuple[float, float, float]:
    """Return mean, low and high; of no grades all are 0, and the row says that it rests on none."""
    n = sum(grades.values())
    if not n:
        return 0.0, 0.0, 0.0
    low, high = mean_interval(grades)
    mean = sum(grade * number for grade, number in grades.items()) / n
    return round(mean, 2), round(min(low, mean), 2), round(max(high, mean), 2)


def _means(id_: str, question: str, by: str, counts: Mapping[tuple[str, ...], int], *, unit: str) -> Figure:
    cells: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    targets: Counter[str] = Counter()
    for (where, target, polarity), number in counts.items():
        cells[target, where][polarity] += number
        targets[target] += number
    shown = [target for target, _ in ranked(targets)[:MOST_TARGETS]]
    rows = [
        (target, where, said.total(), *_mean(_grades(said)))
        for target in shown
        for (other, where), said in sorted(cells.items())
        if other == target
    ]
    return Figure(
        id_,
        question,
        ("target", by, "stances", "mean grade", "low", "high"),
        tuple(rows),
        sum(targets[target] for target in shown),
        unit,
        least=10,
        note=f"{_MEAN_NOTE} Points that rest on fewer than five are pale.",
        facet="towards",
        keys=("target",),
    )


def _by_month(counts: Mapping[tuple[str, ...], int]) -> Counter[tuple[str, ...]]:
    months: Counter[tuple[str, ...]] = Counter()
    for (week, target, polarity), number in counts.items():
        months[f"{week[:7]}-01", target, polarity] += number
    return months


def _pairs(
    id_: str, question: str, columns: tuple[str, str, str], counts: Mapping[tuple[str, ...], int], unit: str, note: str
) -> Figure:
    rows = tuple((one, other, number) for (one, other), number in ranked(counts)[:MOST_PAIRS])
    total = sum(counts.values())
    facet = {"network": "together", "speakers": "spoken"}[id_]
    return Figure(id_, question, columns, rows, total, unit, note=note, least=10, facet=facet, keys=columns[:2])


def _claims(found: Sequence[Claim]) -> Figure:
    """Return the events about which more than one claimant or outlet gives numbers."""
    events: defaultdict[tuple[str, str, str], list[Claim]] = defaultdict(list)
    for claim in sorted(found):
        events[claim.place, claim.week, claim.kind].append(claim)
    several = {key: said for key, said in events.items() if len({(c.claimant, c.outlet) for c in said}) > 1}
    rows: list[Row] = []
    for (place, week, kind), said in sorted(several.items(), key=lambda item: (-len(item[1]), item[0])):
        event = f"{kind or 'victims'}, {place}, week of {week}"
        rows += [(event, c.claimant, c.outlet, c.low, c.high, c.words) for c in said]
    return Figure(
        "claims",
        "Do they claim the same of one event?",
        ("event", "claimed by", "outlet", "from", "to", "words"),
        tuple(dict.fromkeys(rows)),
        len(several),
        "events with claims of several",
        note="An event is guessed: the same kind of toll, a sentence that names the same place, articles of the same week.",
    )
