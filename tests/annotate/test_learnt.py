"""What is mended in the mentions of a trained model, and what stays as it was learnt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def learnt():
    import importlib

    return importlib.import_module("copydesk.annotate.learnt")


@pytest.fixture(scope="module")
def mention():
    import importlib

    return importlib.import_module("copydesk.annotate.mentions").Mention


@pytest.mark.parametrize(
    ("text", "found", "label", "words", "final"),
    [
        ("the Coalition, said", "the Coalition,", "ORG", "the Coalition", "ORG"),  # its article was learnt
        ("\u200eThe Front said", "\u200eThe Front", "ORG", "The Front", "ORG"),
        ("in Kurdish).[1 and", "Kurdish).[1", "GPE", "Kurdish", "GPE"),
        ("Gen. Ivo Marstan said", "Ivo Marstan", "PERSON", "Gen. Ivo Marstan", "PERSON"),
        ("the Supporters Brigades said", "Supporters Brigades", "PERSON", "Supporters Brigades", "ARMED_ACTOR"),
        ("near Aleppo's gate", "Aleppo's", "GPE", "Aleppo's", "GPE"),  # a genitive may be what they mark
    ],
)
def test_borders_ranks_and_brigades(learnt, text, found, label, words, final):
    start = text.index(found)
    low, high, became = learnt.settled(text, start, start + len(found), label, 0)
    assert (text[low:high], became) == (words, final)


@settings(deadline=None, max_examples=100)
@given(st.text("ab .,[1\u200e(", max_size=20), st.data())
def test_a_mended_mention_lies_in_the_old_one(learnt, text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    low, high, _ = learnt.settled(text, start, end, "ORG", 0)
    assert start <= low <= high
    assert high <= max(end, low)


def test_a_part_of_a_listed_name_grows_to_the_whole(learnt, mention):
    text = "the Islamic State of Iraq and the Levant struck"
    listed = mention(4, 40, "ARMED_ACTOR", "gazetteer")
    parts = [mention(0, 25, "ORG", "model", learnt=True), mention(30, 40, "LOCATION", "model", learnt=True)]
    grown = [m for m in learnt.whole_names(text, [listed, *parts]) if m.learnt]
    assert [(text[m.start : m.end], m.label) for m in grown] == [("the Islamic State of Iraq and the Levant", "ORG")]


def test_what_goes_beyond_a_listed_name_stays(learnt, mention):
    text = "the Islamic State fighters struck"
    listed = mention(4, 17, "ARMED_ACTOR", "gazetteer")
    whole = mention(0, 26, "ARMED_ACTOR", "model", learnt=True)
    assert whole in learnt.whole_names(text, [listed, whole])


def test_nothing_is_added_inside_flat_gold(learnt, mention):
    outer = mention(0, 20, "PERSON", "model", learnt=True)
    inner, beside = mention(12, 20, "GPE", "country"), mention(30, 38, "GPE", "country")
    assert learnt.outside_learnt([inner, outer, beside]) == [outer, beside]
