from __future__ import annotations

import math
import random

import pytest
from readers import inside

module, items = inside("stance_figures"), inside("stance_items")


def test_figures_of_known_answers():
    said, truth = [0, 0, 1, 2], [0, 1, 1, 2]
    assert module.macro_f1(said, truth) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert module.recall_average(said, truth) == pytest.approx((1 + 0.5 + 1) / 3)
    assert module.recall_average([], []) == 0
    assert module.best((0.2, 0.4, 0.4)) == 1


def test_the_calibration_error_is_the_gap_between_said_and_right():
    rows = [(0.8, 0.1, 0.1)] * 10
    assert module.expected_error(rows, [0] * 8 + [1] * 2) == pytest.approx(0)
    assert module.expected_error(rows, [0] * 5 + [1] * 5) == pytest.approx(0.3)
    assert module.expected_error([], []) == 0


def test_a_temperature_is_found_again():
    draws = random.Random(1)
    logits, truth = [], []
    for _ in range(4000):
        row = [draws.gauss(0, 1.5) for _ in range(3)]
        weights = [math.exp(score) for score in row]
        truth.append(draws.choices(range(3), weights)[0])
        logits.append([3 * score for score in row])
    assert module.fit_temperature(logits, truth) == pytest.approx(3, rel=0.08)
    assert module.fit_temperature([], []) == 1


def test_calibration_of_nothing_changes_nothing():
    rows = [(0.2, 0.5, 0.3), (1.0, 0.0, 0.0)]
    moved = items.Calibration().moved(rows)
    assert moved[0] == pytest.approx(rows[0])
    assert moved[1] == pytest.approx(rows[1], abs=1e-6)
    assert sum(items.Calibration(2.0, (1.0, 0.0, -1.0)).moved(rows)[0]) == pytest.approx(1)


def test_figures_as_the_card_has_them():
    figures = module.Figures.of([[5.0, 0.0, 0.0], [0.0, 5.0, 0.0]], [0, 2], 1.0)
    assert (figures.n, figures.accuracy, figures.recall) == (2, 50.0, 50.0)
