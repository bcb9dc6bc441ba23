"""The estimator that undoes the queue's bias: exactly, over every way the draws can fall, and in a simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import QueueRow, corrected_mean, lure_weights, plan_queue, queue

FIXED = {
    "priority": 0.0, "reserve_chance": 0.0, "value": 0.5, "uncertainty": 0.5, "uncertainty_entities": None,
    "uncertainty_attribution": None, "uncertainty_stance": None, "diversity": 0.5, "rare": 0.5, "rare_label": "",
    "pipeline": "list@1",
}  # fmt: skip


def row(document, rank, probability, pool, *, number=1, arrived=1, since=1, part="ranked"):
    return QueueRow(
        document_id=document, rank=rank, part=part, round=number, draw=rank, pool=pool, probability=probability,
        arrived=arrived, since=since, **FIXED,
    )  # fmt: skip


def orders(weights):
    """Yield every order in which weighted documents can be drawn, with its chance and the chance of each draw."""
    for order in itertools.permutations(weights):
        left = sum(weights.values())
        chances = []
        for document in order:
            chances.append(weights[document] / left)
            left -= weights[document]
        yield order, math.prod(chances), chances


def rows_of(order, chances, *, offset=0, number=1, since=1, arrived=None):
    return [
        row(d, offset + i, q, len(order) - i + 1, number=number, since=since, arrived=(arrived or {}).get(d, number))
        for i, (d, q) in enumerate(zip(order, chances, strict=True), start=1)
    ]


numbers = st.lists(st.tuples(st.integers(1, 50), st.integers(-9, 9)), min_size=2, max_size=5)


@settings(deadline=None, max_examples=40)
@given(numbers, st.data())
def test_right_on_average_over_every_way_the_draws_can_fall(documents, data):
    weights = {str(i): weight for i, (weight, _) in enumerate(documents)}
    truth = {str(i): value for i, (_, value) in enumerate(documents)}
    drawn = data.draw(st.integers(1, len(documents)))
    expected = expected_of_weights = 0.0
    for order, chance, chances in orders(weights):
        values = {document: truth[document] for document in order[:drawn]}
        found = corrected_mean(rows_of(order, chances), values)
        assert (found.drawn, found.population, found.unseen) == (drawn, len(documents), 0)
        expected += chance * found.mean
        textbook = lure_weights(chances[:drawn], len(documents))
        assert textbook @ list(values.values()) / drawn == pytest.approx(found.mean)
        expected_of_weights += chance * textbook.sum()
    assert expected == pytest.approx(np.mean(list(truth.values())))
    assert expected_of_weights == pytest.approx(drawn)


def test_the_weights_are_those_of_the_paper():
    chances, pool = [0.2, 0.1, 0.4], 7
    weights = [1 + (pool - 3) / (pool - m) * (1 / ((pool - m + 1) * q) - 1) for m, q in enumerate(chances, start=1)]
    assert lure_weights(chances, pool) == pytest.approx(weights)
    assert lure_weights([1 / 7, 1 / 6, 1 / 5], pool) == pytest.approx([1, 1, 1]), "by lot, nothing is to correct"


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.integers(1, 2), st.integers(1, 2))
def test_right_on_average_when_documents_come_later(seed, redraw, first_done, second_done):
    """Three documents are ranked and some done; two more come, drawn behind them, or with what was not done yet."""
    lot = np.random.default_rng(seed)
    truth = {name: float(lot.integers(-9, 9)) for name in "abcde"}
    weight = {name: int(lot.integers(1, 30)) for name in "abcde"}
    arrived = dict.fromkeys("abc", 1) | dict.fromkeys("de", 2)
    expected = 0.0
    for order, chance, chances in orders({name: weight[name] for name in "abc"}):
        past = rows_of(order, chances, arrived=arrived)
        late = "de"
        if redraw:
            past, late = past[:first_done], [*order[first_done:], "d", "e"]
        # a new model weighs otherwise, and may do so by what it has seen
        again = {name: weight[name] + (7 if truth[order[0]] > 0 else 0) for name in late}
        for second, other, others in orders(again):
            rows = past + rows_of(second, others, offset=len(past), number=2, since=1 if redraw else 2, arrived=arrived)
            done = [*order[: first_done if redraw else 3], *second[:second_done]]
            found = corrected_mean(rows, {name: truth[name] for name in done})
            assert (found.population, found.unseen) == (5, 0)
            expected += chance * other * found.mean
    assert expected == pytest.approx(np.mean(list(truth.values())))


def test_a_simulation_where_the_plain_mean_is_wrong():
    """Farquhar et al. 2021, figure 1 in small: what is drawn first is what is wrong most."""
    lot = np.random.default_rng(7)
    pool, drawn, repeats = 200, 40, 400
    errors = lot.gamma(2.0, 1.0, pool)
    weights = (0.1 + 0.9 * (errors.argsort().argsort() + 0.5) / pool) ** 2
    plain, corrected = [], []
    for _ in range(repeats):
        order = np.argsort(-(np.log(weights) + lot.gumbel(size=pool)))[:drawn]
        left = weights.sum() - np.concatenate(([0], np.cumsum(weights[order])[:-1]))
        rows = [row(str(d), i, weights[d] / left[i - 1], pool - i + 1) for i, d in enumerate(order, start=1)]
        rest = sorted(set(range(pool)) - set(order.tolist()))
        rows += [row(str(d), drawn + i, 0.5, 1) for i, d in enumerate(rest, start=1)]
        found = corrected_mean(rows, {str(d): errors[d] for d in order})
        plain.append(found.plain)
        corrected.append(found.mean)
    truth = errors.mean()
    standard_error = np.std(corrected) / np.sqrt(repeats)
    assert abs(np.mean(corrected) - truth) < 3 * standard_error
    assert np.mean(plain) - truth > 10 * standard_error
    assert np.sqrt(np.mean((np.array(corrected) - truth) ** 2)) < np.mean(plain) - truth


def test_skipped_documents_count_nowhere():
    rows = rows_of("abcd", [0.25, 1 / 3, 0.5, 1.0])
    found = corrected_mean(rows, {"a": 4.0, "b": None, "c": 2.0, "d": 0.0})
    assert found.mean == pytest.approx(2.0)
    assert found.plain == pytest.approx(2.0)


def test_a_gap_ends_what_was_drawn():
    rows = rows_of("abcd", [0.25, 1 / 3, 0.5, 1.0])
    assert corrected_mean(rows, {"a": 4.0, "c": 2.0}).drawn == 1
    assert corrected_mean(rows, {"a": 4.0, "c": 2.0}).mean == 4.0
    nothing = corrected_mean(rows, {"b": 1.0})
    assert (nothing.drawn, nothing.population, nothing.unseen, nothing.effective) == (0, 0, 4, 0.0)
    assert math.isnan(nothing.mean)
    assert math.isnan(nothing.plain)
    assert math.isnan(corrected_mean([], {}).mean)


def test_a_round_that_nobody_has_begun_is_not_spoken_for():
    rows = rows_of("ab", [0.5, 1.0]) + rows_of("cd", [0.5, 1.0], offset=2, number=2, since=2)
    found = corrected_mean(rows, {"a": 1.0, "b": 3.0})
    assert (found.mean, found.population, found.unseen) == (2.0, 2, 2)


def test_equal_chances_leave_the_plain_mean():
    rows = rows_of("abcd", [0.25, 1 / 3, 0.5, 1.0])
    found = corrected_mean(rows, {"a": 4.0, "b": 3.0})
    assert (found.mean, found.effective) == (pytest.approx(3.5), pytest.approx(2.0))


def test_what_cannot_be():
    with pytest.raises(ValueError, match="at most 2 chances"):
        lure_weights([0.5, 0.5, 1.0], 2)
    with pytest.raises(ValueError, match="chances in 0 … 1"):
        lure_weights([0.0], 2)
    with pytest.raises(ValueError, match="finite number"):
        corrected_mean(rows_of("ab", [0.5, 1.0]), {"a": float("nan")})
    assert len(lure_weights([], 5)) == 0


def test_a_desks_own_queue_is_corrected(make_desk):
    """The logged chances of a real plan, over many salts: what is ranked first has more entities, and it is undone."""
    desk = make_desk([f"Day {n}\n\nThe army {'and Orlo in Qasr on Monday ' * (n % 3)}went." for n in range(30)])
    settings_file = desk.path / "copydesk.toml"
    text = settings_file.read_text("utf-8").replace("reserve = 0.1", "reserve = 0.0")
    plain, corrected = [], []
    for salt in range(25):
        settings_file.write_text(text.replace('salt = "copydesk"', f'salt = "{salt}"'), encoding="utf-8")
        again = type(desk)(desk.path)
        plan_queue(again, redraw=True)
        rows = list(queue(again))
        values = {r.document_id: float("TIME" in r.rare_label or r.rare > 0.5) for r in rows[:10]}
        found = corrected_mean(rows, values)
        plain.append(found.plain)
        corrected.append(found.mean)
    truth = np.mean([float("TIME" in r.rare_label or r.rare > 0.5) for r in rows])
    spread = np.std(corrected) / np.sqrt(len(corrected))
    assert abs(np.mean(corrected) - truth) < 3 * spread
    assert np.mean(plain) - truth > 3 * spread
