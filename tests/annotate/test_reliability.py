"""Chance-corrected agreement: equal to reference implementations and to published worked examples."""

from __future__ import annotations

import importlib
from fractions import Fraction
from itertools import combinations

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

reliability, units = (importlib.import_module(f"copydesk.annotate.{n}") for n in ("reliability", "units"))

# four observers, twelve units: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C
PUBLISHED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def sums(rows, values):
    """Return what alpha is made of: frequencies, agreement, coincidences."""
    place = {value: number for number, value in enumerate(values)}
    given_, same, crossed = np.zeros(len(values)), 0.0, np.zeros((len(values), len(values)))
    for unit in zip(*rows, strict=True):
        said = [place[value] for value in unit if value is not None]
        if len(said) < 2:
            continue
        for value in said:
            given_[value] += 1
        for v, w in combinations(said, 2):
            same += 2 * (v == w) / (len(said) - 1)
            crossed[v, w] += 1 / (len(said) - 1)
            crossed[w, v] += 1 / (len(said) - 1)
    return given_, np.float64(same), crossed


def reference(rows, values, level):
    data = [[np.nan if value is None else value for value in row] for row in rows]
    return krippendorff.alpha(reliability_data=data, value_domain=list(values), level_of_measurement=level)


def test_the_published_example():
    given_, same, crossed = sums(PUBLISHED, range(1, 6))
    assert reliability.alpha(given_, same) == pytest.approx(0.743, abs=5e-4)
    assert reliability.ordinal_alpha(crossed) == pytest.approx(0.815, abs=5e-4)


@given(
    st.integers(2, 5).flatmap(
        lambda people: st.lists(
            st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=people, max_size=people), min_size=1, max_size=30
        )
    )
)
@settings(deadline=None, max_examples=150)
def test_alpha_is_what_the_reference_computes(units):
    rows = list(zip(*units, strict=True))
    given_, same, crossed = sums(rows, range(5))
    nominal, ordinal = reliability.alpha(given_, same), reliability.ordinal_alpha(crossed)
    if (given_ > 0).sum() < 2:
        assert np.isnan(nominal)
        assert np.isnan(ordinal), "one value throughout: nothing can be told apart, and that is no agreement"
        return
    assert nominal == pytest.approx(reference(rows, range(5), "nominal"), abs=1e-9)
    assert ordinal == pytest.approx(reference(rows, range(5), "ordinal"), abs=1e-9)


def test_kappa_of_a_textbook_table():
    # 20 times both yes, 15 times both no, 5 and 10 times only one: observed 0.7, by chance 0.5
    same, left, right = np.float64(35), np.array([25.0, 25.0]), np.array([30.0, 20.0])
    assert reliability.kappa(same, left, right) == pytest.approx(0.4, abs=1e-12)


@pytest.mark.parametrize("left", [[0.0, 0.0], [7.0, 0.0]])
def test_nothing_and_a_single_value_have_no_kappa_and_no_alpha(left):
    side = np.array(left)
    assert np.isnan(reliability.kappa(side.sum(), side, side))
    assert np.isnan(reliability.alpha(2 * side, 2 * side.sum()))


def test_dice_is_f1():
    # 3 shared of 4 and 5: precision 3/4, recall 3/5
    assert reliability.dice(np.float64(6), np.float64(9)) == pytest.approx(2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5))
    assert np.isnan(reliability.dice(np.float64(0), np.float64(0)))


# units

# Krippendorff 2004, page 254: two observers, a continuum of 300 that begins at 150
BOOK = {
    "c": ([(225, 295), (370, 400)], [(220, 300), (355, 375), (400, 420)]),
    "k": ([(180, 240), (300, 350)], [(180, 240), (300, 350)]),
}


def unit_sums(rows, length):
    """Return the sums of one label in one text, as the counting makes them."""
    lengths = sorted({end - start for units in rows for start, end in units})
    gaps = np.array([gap for row in rows for gap in units.gaps(row, length)], dtype=float)
    number = [sum(end - start == b for units in rows for start, end in units) for b in lengths]
    return reliability.UnitSums(
        len(rows),
        np.float64(length),
        np.float64(sum(units.difference(*pair) for pair in combinations(rows, 2))),
        np.array(lengths, dtype=float),
        np.array(number, dtype=float),
        np.array([np.maximum(gaps - b + 1, 0).sum() for b in lengths]),
    )


def by_definition(rows, length):
    """Return observed and expected disagreement as Krippendorff 2004, section 11.6.3 sums them, in whole numbers."""
    people = len(rows)
    observed = Fraction(0)
    for left, right in combinations(rows, 2):
        for one, other in ((left, right), (right, left)):
            for start, end in one:
                met = [o for o in other if start < o[1] and o[0] < end]
                observed += sum(((start - o[0]) ** 2 + (end - o[1]) ** 2 for o in met), Fraction(0))
                observed += 0 if met else 2 * (end - start) ** 2
    observed /= people * (people - 1) * length**2
    lengths = [end - start for row in rows for start, end in row]
    gaps = [gap for row in rows for gap in units.gaps(row, length)]
    expected = Fraction(0)
    for b in lengths:
        expected += Fraction(len(lengths) - 1, 3) * (2 * b**3 - 3 * b**2 + b)
        expected += b * b * sum(g - b + 1 for g in gaps if g >= b)
    below = people * length * (people * length - 1) - sum(b * (b - 1) for b in lengths)
    return observed, 2 * expected / (length * below)


def test_units_as_in_the_book():
    parts = {}
    for label, rows in BOOK.items():
        moved = [[(start - 150, end - 150) for start, end in units] for units in rows]
        parts[label] = unit_sums(moved, 300)
        exact = by_definition(moved, 300)
        for found, wanted in zip(parts[label].disagreements(), exact, strict=True):
            assert found == pytest.approx(float(wanted), abs=1e-12)
    assert [float(x) for x in parts["c"].disagreements()] == pytest.approx([0.0144, 0.0532], abs=5e-5)
    assert [float(x) for x in parts["k"].disagreements()] == pytest.approx([0.0, 0.0490], abs=5e-5)
    assert reliability.unitizing_alpha({"c": [parts["c"]]}) == pytest.approx(0.7286, abs=5e-4)
    assert reliability.unitizing_alpha({label: [part] for label, part in parts.items()}) == pytest.approx(
        0.859, abs=5e-4
    )


@st.composite
def unitizings(draw):
    length = draw(st.integers(4, 60))
    rows = []
    for _ in range(draw(st.integers(2, 4))):
        marks = draw(st.lists(st.tuples(st.integers(0, length - 1), st.integers(1, 9)), max_size=6))
        places = [(start, min(start + size, length)) for start, size in marks]
        rows.append(units.side_by_side(places)[0])
    return rows, length


@given(unitizings())
@settings(deadline=None, max_examples=200)
def test_units_as_defined(case):
    rows, length = case
    found = unit_sums(rows, length).disagreements()
    wanted = by_definition(rows, length)
    if not any(rows):
        assert np.isnan(reliability.unitizing_alpha({"x": [unit_sums(rows, length)]}))
        return
    assert found[0] == pytest.approx(float(wanted[0]), abs=1e-9)
    assert found[1] == pytest.approx(float(wanted[1]), abs=1e-9)


def test_of_stacked_units_of_one_label_the_longest_stays():
    assert units.side_by_side([(0, 4), (2, 9), (9, 12), (2, 9), (3, 4)]) == ([(2, 9), (9, 12)], 3)
