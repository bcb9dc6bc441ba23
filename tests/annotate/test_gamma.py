"""γ: equal to the library's own, to its definition, the same again, and clear where it cannot be had."""

from __future__ import annotations

import importlib
import itertools
import logging
import random
import sys

import pytest
from conftest import make_document
from test_agreement import ARMY, QASR, REBELS, SCHEME, by, together

from copydesk.annotate import GAMMA_SAMPLES, agree
from copydesk.schemas import SettingsError

gamma = importlib.import_module("copydesk.annotate.gamma")

# the three readers of one text that Mathet et al. draw: who marked what from where to where
THREE = {
    "Alex": [((2, 9), "1"), ((11, 17), "2"), ((24, 30), "5"), ((32, 36), "6"), ((36, 44), "6"), ((47, 63), "7")],
    "Paul": [((2, 9), "1"), ((11, 17), "3"), ((19, 25), "5"), ((32, 44), "6"), ((48, 58), "7")],
    "Suzan": [((2, 9), "1"), ((11, 17), "4"), ((21, 27), "5"), ((32, 36), "6"), ((36, 40), "6"), ((42, 46), "6"),
              ((48, 58), "7")],
}  # fmt: skip
NESTED = {
    "a": [((0, 12), "ORG"), ((4, 12), "ORG"), ((4, 12), "GPE"), ((20, 25), "PERSON")],
    "b": [((0, 12), "ORG"), ((4, 12), "GPE"), ((19, 25), "PERSON"), ((30, 33), "TIME")],
}


def by_definition(units):
    """Return the least disorder of all alignments, as section 4 of the paper defines it; for few units."""
    people = sorted(units)
    pairs = list(itertools.combinations(range(len(people)), 2))

    def unlike(one, other):
        if one is None or other is None:
            return 1.0
        (s, e), (t, f) = one[0], other[0]
        apart = (abs(s - t) + abs(e - f)) / ((e - s) + (f - t))
        return apart**2 + (one[1] != other[1])

    best = {}

    def least(left):
        if not any(left):
            return 0.0
        if left not in best:
            first = next(number for number, mine in enumerate(left) if mine)
            choices = [[None, *mine] if number != first else [mine[0]] for number, mine in enumerate(left)]
            best[left] = min(
                sum(unlike(row[i], row[j]) for i, j in pairs) / len(pairs)
                + least(tuple(tuple(u for u in mine if u != taken) for mine, taken in zip(left, row, strict=True)))
                for row in itertools.product(*choices)
            )
        return best[left]

    whole = least(tuple(tuple(sorted(units[name])) for name in people))
    return whole / (sum(map(len, units.values())) / len(people))


@pytest.fixture
def installed():
    pytest.importorskip("pygamma_agreement", reason="comes with the extra gamma")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("units", [THREE, NESTED], ids=["three readers", "stacked and nested"])
def test_it_is_the_librarys_own_and_its_observed_part_is_by_the_definition(units, capfd):
    import numpy as np
    from pyannote.core import Segment
    from pygamma_agreement import Continuum

    before = np.random.get_state()[1].copy()
    found = gamma.disorder(units, seed=7)
    assert (np.random.get_state()[1] == before).all()  # everybody else's random numbers stay what they were
    assert capfd.readouterr() == ("", "")
    continuum = Continuum()
    for person, mine in units.items():
        for (start, end), label in mine:
            continuum.add(person, Segment(start, end), label)
    np.random.seed(7)
    theirs = continuum.compute_gamma(n_samples=GAMMA_SAMPLES)
    assert found.observed == pytest.approx(float(theirs.observed_disorder), abs=1e-9)
    assert found.expected == pytest.approx(theirs.expected_disorder, abs=1e-9)
    # divided by the library, it is rounded to single precision once more
    assert 1 - found.observed / found.expected == pytest.approx(theirs.gamma, abs=1e-7)
    assert found.observed == pytest.approx(by_definition(units), abs=1e-6)  # the library counts in single precision
    assert found.units == continuum.avg_num_annotations_per_annotator
    assert not found.windowed


@pytest.mark.usefixtures("installed")
def test_alike_is_one_and_the_same_again_whatever_else_is_compared():
    alike = together(
        by("a", [ARMY, QASR, REBELS]), by("b", [ARMY, QASR, REBELS]), text="The army shelled Qasr, rebels said."
    )
    other = together(by("a", [ARMY, QASR]), by("b", [REBELS, QASR]), by("c", []))
    silent = together(by("a", []), by("b", []), text="Nothing of note.")
    assert agree([alike], SCHEME, gamma=5).measure("gamma").value == 1.0
    alone = agree([other], SCHEME, gamma=5).measure("gamma").value
    assert alone < 0.5
    both = agree([alike, silent, other], SCHEME, gamma=5, draws=50).measure("gamma")
    again = agree([other, alike, silent], SCHEME, gamma=5, draws=50).measure("gamma")
    assert both.value == pytest.approx(again.value, abs=1e-12)
    assert alone < both.value < 1
    assert both.low <= both.value <= both.high
    assert agree([silent], SCHEME, gamma=5).measure("gamma").value is None


@pytest.mark.usefixtures("installed")
def test_too_many_ways_are_looked_at_window_by_window(monkeypatch):
    rng = random.Random(3)
    units = {
        name: [((at, at + rng.randint(3, 9)), rng.choice("AB")) for at in range(0, 400, 20) if rng.random() < 0.9]
        for name in "abc"
    }
    whole = gamma.disorder(units, samples=3)
    monkeypatch.setattr(gamma, "ALIGNMENTS", 100)
    parts = gamma.disorder(units, samples=3)
    assert (whole.windowed, parts.windowed) == (False, True)
    assert parts.observed == pytest.approx(whole.observed, rel=0.02)
    assert parts.observed >= whole.observed - 1e-6


def test_where_it_is_not_installed_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygamma_agreement", None)
    with pytest.raises(SettingsError) as caught:
        agree([together(by("a", [ARMY]), by("b", [ARMY]))], SCHEME, gamma=5)
    assert caught.value.message == "γ needs pygamma-agreement, which is not installed"
    assert caught.value.hint == "pip install 'copydesk[gamma]', or leave γ out: the other measures need nothing more"


def test_nobody_asked_for_it_and_there_is_none():
    found = agree([together(by("a", [ARMY]), by("b", [ARMY]))], SCHEME)
    with pytest.raises(KeyError):
        found.measure("gamma")


def test_one_person_or_no_mark_has_no_disorder():
    assert gamma.disorder({"a": [((0, 3), "ORG")]}) is None
    assert gamma.disorder({"a": [], "b": []}) is None


def test_over_documents_disorder_is_added_up_before_it_is_divided(monkeypatch):
    said = iter([gamma.Disorder(0.5, 1.0, 4.0), gamma.Disorder(0.0, 2.0, 1.0, windowed=True), None])
    seen = []
    monkeypatch.setattr(gamma, "need_gamma", lambda: None)
    monkeypatch.setattr(gamma, "disorder", lambda units, **more: (seen.append((units, more)), next(said))[1])
    texts = ["The army shelled Qasr, rebels said.", "The army left Qasr, rebels said.", "Nothing of note."]
    documents = [together(by("a", marks), by("b", marks[1:]), text=text)
                 for text, marks in zip(texts, [[ARMY, QASR], [ARMY, REBELS], []], strict=True)]  # fmt: skip
    found = agree(documents, SCHEME, gamma=9, draws=200)
    measure = found.measure("gamma")
    assert measure.value == pytest.approx(1 - (0.5 * 4 + 0) / (1 * 4 + 2 * 1))
    assert (measure.n, measure.documents, found.windowed) == (10, 3, 1)
    assert measure.low < measure.value < measure.high
    assert seen[0][0] == {"a": [((4, 8), "ARMED_ACTOR"), ((17, 21), "GPE")], "b": [((17, 21), "GPE")]}
    # of one document the random texts are the same whatever else there is, and of two they are not the same
    assert seen[0][1] == {"seed": gamma.own_seed(0, make_document(texts[0]).id), "samples": 9}
    assert len({more["seed"] for _, more in seen}) == 3


def test_by_pair_annotator_and_label_only_their_marks_count(monkeypatch):
    seen = []

    def disorder(units, **more):
        seen.append(units)
        # as many of disorder as one has and the other has not, of ten
        sides = [set(mine) for mine in units.values()]
        return gamma.Disorder(len(set.union(*sides) - set.intersection(*sides)), 10.0, 1.0) if any(sides) else None

    monkeypatch.setattr(gamma, "need_gamma", lambda: None)
    monkeypatch.setattr(gamma, "disorder", disorder)
    document = together(by("a", [ARMY, QASR]), by("b", [ARMY, QASR]), by("c", [REBELS]))
    found = agree([document], SCHEME, gamma=3, by=("pair", "annotator", "label"), draws=10)
    values = {(m.cut, m.of): m.value for m in found.measures if m.name == "gamma"}
    assert values == pytest.approx(
        {
            ("", ""): 1 - 3 / 10,
            ("pair", "a and b"): 1.0,
            ("pair", "a and c"): 1 - 3 / 10,
            ("pair", "b and c"): 1 - 3 / 10,
            ("annotator", "a"): 1 - 3 / 20,
            ("annotator", "b"): 1 - 3 / 20,
            ("annotator", "c"): 1 - 6 / 20,
            ("label", "ARMED_ACTOR"): 1 - 2 / 10,
            ("label", "GPE"): 1 - 1 / 10,
        }
    )
    assert all(set(units) <= {"a", "b", "c"} and len(units) > 1 for units in seen)


@pytest.mark.usefixtures("installed")
def test_by_pair_it_is_that_of_the_two_alone():
    documents = [
        together(by("a", [ARMY, QASR]), by("b", [ARMY]), by("c", [REBELS, QASR])),
        together(by("a", [ARMY, REBELS]), by("b", [ARMY, REBELS]), text="The army shelled Qasr, rebels said today."),
    ]
    found = agree(documents, SCHEME, gamma=5, by=("pair", "label"), draws=20)
    values = {(m.cut, m.of): m.value for m in found.measures if m.name == "gamma"}
    assert values["pair", "a and b"] > values["", ""] > values["pair", "b and c"]
    assert values["label", "ARMED_ACTOR"] is not None
    again = agree(documents[:1], SCHEME, gamma=5, by=("pair",)).measures
    first = agree(documents[:1], SCHEME, gamma=5, by=("pair", "label")).measures
    assert [m for m in again if m.cut == "pair"] == [m for m in first if m.cut == "pair"]


def test_the_root_logger_is_left_as_it_was():
    pytest.importorskip("cvxopt", reason="comes with the extra gamma")
    root = logging.getLogger()
    before = (list(root.handlers), list(root.filters), root.level)
    with gamma._quiet():
        logging.getLogger().debug("something")
    assert (list(root.handlers), list(root.filters), root.level) == before
