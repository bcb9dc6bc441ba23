from __future__ import annotations

import json
import math
import random

import pytest
from readers import inside

from copydesk.annotate import CALIBRATION_LEAST, StanceExample, load_suggester, recalibrate
from copydesk.corpus import Desk, SuggestSettings, init_desk
from copydesk.schemas import SettingsError, load_scheme

module, choice, items = inside("calibration"), inside("stance_choice"), inside("stance_items")


def shifted(count, *, seed=0, shift=(0.0, 2.0, 0.0), sharp=2.0):
    """Return probabilities that say too much, and neutral too seldom, with the classes that are really so."""
    draws = random.Random(seed)
    rows, truth = [], []
    for _ in range(count):
        scores = [draws.gauss(0, 1) for _ in range(3)]
        weights = [math.exp(score + move) for score, move in zip(scores, shift, strict=True)]
        truth.append(draws.choices(range(3), weights)[0])
        rows.append(items.Calibration().probabilities([[sharp * score for score in scores]])[0])
    return rows, truth


def test_a_shift_is_found_again():
    rows, truth = shifted(4000)
    fitted = module.fit_calibration(rows, truth)
    assert fitted.temperature == pytest.approx(2, rel=0.1)
    assert fitted.offsets == pytest.approx((-2, 0, -2), abs=0.2)


def test_few_corrections_move_little():
    rows, truth = shifted(10)
    few = module.fit_calibration(rows, truth)
    many = module.fit_calibration(*shifted(2000))
    assert abs(few.offsets[0]) < abs(many.offsets[0])
    assert module.fit_calibration([], []) == items.Calibration()


def test_the_fit_is_the_same_every_time_and_finite():
    rows, truth = shifted(50)
    assert module.fit_calibration(rows, truth) == module.fit_calibration(rows, truth)
    certain = module.fit_calibration([(1.0, 0.0, 0.0)] * 30, [1] * 30)
    assert all(map(math.isfinite, (certain.temperature, *certain.offsets)))


def test_held_out_rows_are_moved_by_a_fit_that_has_not_seen_them():
    rows, truth = shifted(60)
    groups = [f"d{n % 12}" for n in range(60)]
    moved = module.held_out(rows, truth, groups)
    assert len(moved) == 60
    assert moved != rows
    flipped = list(truth)
    flipped[0] = (truth[0] + 1) % 3
    # its own class is not part of the fit that moves it
    assert module.held_out(rows, flipped, groups)[0] == moved[0]


@pytest.fixture
def desk(tmp_path):
    return init_desk(tmp_path / "desk", name="desk")


def corrections(monkeypatch, count, label=1, groups=6):
    text = "The brave army of {} praised the heroic rebels."
    made = [
        StanceExample(items.StanceItem(text.format(f"town {n}"), 10, 14), label, f"d{n % groups}") for n in range(count)
    ]
    monkeypatch.setattr(module, "gold_examples", lambda desk: made)


def test_too_few_corrections_change_nothing(desk, monkeypatch):
    corrections(monkeypatch, CALIBRATION_LEAST - 1)
    result = recalibrate(desk)
    assert (result.n, result.enough, result.kept) == (19, False, False)
    assert not result.path.exists()
    corrections(monkeypatch, 30, groups=1)
    assert not recalibrate(desk).enough  # nothing could be held out


def test_a_fit_that_helps_is_kept_and_makes_another_pipeline(desk, monkeypatch):
    from readers import article

    settings = SuggestSettings()
    before = choice.choose_stance(settings, desk.path)
    corrections(monkeypatch, 60)
    result = recalibrate(desk)
    assert result.kept
    assert result.loss[1] < result.loss[0]
    row = json.loads(result.path.read_text())
    assert (row["stances"], row["documents"]) == (60, 6)
    assert row["calibration_error"]["after"] < row["calibration_error"]["before"]
    written = result.path.read_bytes()
    recalibrate(desk)
    assert result.path.read_bytes() == written

    after = choice.choose_stance(settings, desk.path)
    assert after.digest != before.digest
    text = "The brave army of town 3 praised the heroic rebels."
    plain = load_suggester(settings, load_scheme(), stance=before)
    tuned = load_suggester(settings, load_scheme(), stance=after)
    assert plain.origin != tuned.origin
    (one,), (other,) = (list(s.suggest([(article(text), ())])) for s in (plain, tuned))
    assert other.annotations.stances[0].origin.version.startswith(one.annotations.stances[0].origin.version + ".")
    assert {stance.polarity for stance in other.annotations.stances} == {"0"}


def test_a_fit_that_does_not_help_is_not_kept(desk, monkeypatch):
    monkeypatch.setattr(module, "log_loss", lambda rows, truth: 1.0)
    corrections(monkeypatch, 60)
    (desk.path / "models").mkdir()
    assert not recalibrate(desk).kept
    assert not (desk.path / choice.CALIBRATION).exists()


def test_a_calibration_of_another_model_is_not_used(desk, monkeypatch):
    corrections(monkeypatch, 60)
    path = recalibrate(desk).path
    row = json.loads(path.read_text())
    path.write_text(json.dumps({**row, "model": "0" * 64}))
    assert choice.choose_stance(SuggestSettings(), desk.path).calibration is None


@pytest.mark.parametrize(
    "content", ["", "[]", '{"model": "x"}', '{"model": "x", "temperature": 0, "offsets": [0, 0, 0]}']
)
def test_a_broken_calibration_is_named(desk, content):
    path = desk.path / choice.CALIBRATION
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(SettingsError, match="not a calibration") as error:
        choice.choose_stance(SuggestSettings(), desk.path)
    assert "copydesk train calibration" in error.value.hint


def test_rules_cannot_be_calibrated(desk):
    (desk.path / "copydesk.toml").write_text('format = 1\nname = "desk"\n\n[suggest]\nstance = "lexicon"\n')
    with pytest.raises(SettingsError, match="rules have no probabilities"):
        recalibrate(Desk(desk.path))
