"""The card says how its model is made again."""

from __future__ import annotations

import importlib

import pytest

card = importlib.import_module("copydesk.annotate.stance_card")
training = importlib.import_module("copydesk.annotate.stance_training")

LAYERS = {"layers": 2, "teacher": 0}


@pytest.mark.parametrize(
    ("recipe", "conflict", "expected"),
    [
        ({}, False, "--layers 3 --teacher 4 --epochs 3 --seed 0 --runs 1"),
        ({**LAYERS, "seed": 7}, True, "--layers 2 --teacher 0 --epochs 3 --seed 7 --runs 1 --conflict FILE"),
    ],
)
def test_what_the_command_can_say_it_says(recipe, conflict, expected):
    said = card._command(training.Recipe(**recipe), conflict=conflict)
    assert said == f"copydesk train stance --data FOLDER --model-out OUT {expected}"


def test_what_it_has_no_option_for_is_not_left_out():
    recipe = training.Recipe(late=1, longest=48, rate=2e-4)
    said = card._command(recipe, conflict=True)
    inner = said[said.index("StanceRecipe(") + len("Stance") : said.index(")") + 1]
    assert eval(inner, {"Recipe": training.Recipe}) == recipe  # our own words
    assert said.endswith(", conflict=CONFLICT)")
