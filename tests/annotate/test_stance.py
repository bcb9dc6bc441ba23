from __future__ import annotations

import pytest
from readers import article, inside

from copydesk.annotate import load_suggester
from copydesk.corpus import SuggestSettings
from copydesk.schemas import OUTLET, UNNAMED, Span, load_scheme

knowledge, stance = inside("knowledge"), inside("stance")


@pytest.fixture(scope="module")
def suggester():
    return load_suggester(SuggestSettings(), load_scheme())


def stances(suggester, text):
    """Return {target: (holder, polarity, evidence)}."""
    (said,) = suggester.suggest([(article(text), ())])
    found = said.annotations
    return {
        found.entity(s.target).span.text: (
            holder.span.text if (holder := found.entity(s.holder)) else s.holder,
            s.polarity,
            [span.text for span in s.evidence],
        )
        for s in found.stances
    }


def test_the_subject_of_a_judging_verb_holds_it(suggester):
    found = stances(suggester, "The European Union condemned the brutal regime for its use of cluster munitions.")
    assert found["regime"] == ("European Union", "-2", ["condemned", "brutal"])


def test_praise(suggester):
    found = stances(suggester, "A spokesman for the rebels praised the brave residents of Aleppo.")
    assert found["residents of Aleppo"] == ("spokesman", "+2", ["praised", "brave"])


def test_the_speaker_of_the_innermost_content_holds_what_is_in_it(suggester):
    found = stances(suggester, "The defence ministry said the Northern Front was a gang of cowards.")
    assert found["Northern Front"][0] == "defence ministry"
    assert found["Northern Front"][1] == "-2"


def test_the_outlet_holds_what_nobody_else_says(suggester):
    found = stances(suggester, "Russia supported the corrupt government of President Aldo Reth.")
    assert found["government"] == (OUTLET, "-1", ["corrupt"])
    assert "Russia" not in found


def test_a_source_without_a_mention_is_unnamed(suggester):
    found = stances(suggester, "Critics called the Northern Front a gang of murderers.")
    assert found["Northern Front"][:2] == (UNNAMED, "-2")


@pytest.mark.parametrize(
    "text",
    [
        "Russian airstrikes killed 17 civilians in Aleppo.",  # harm done is no stance by itself
        "The army entered the town on Friday.",
        "The United Nations called it an appalling act of violence.",  # what a target says is its view of others
        "Shelling was heard in Kharkiv, a terrible night for the city.",  # a place is no actor
    ],
)
def test_nothing_is_offered_without_a_judging_word_about_an_actor(suggester, text):
    assert stances(suggester, text) == {}


def test_neutral_is_never_offered(suggester):
    text = "The army said the rebels had left. President Aldo Reth met the good people of Toland and the ministry."
    assert all(polarity in ("-2", "-1", "+1", "+2") for _, polarity, _ in stances(suggester, text).values())


def test_probabilities_of_given_targets(suggester):
    text = "Voters adore Mara Lind, an honest and courageous mayor, and despise Ivo Marstan, a corrupt liar."
    document = article(text)
    targets = [
        Span.of(document, text.index(name), text.index(name) + len(name)) for name in ("Mara Lind", "Ivo Marstan")
    ]
    ((good, bad),) = suggester.judge([(document, targets)], conflict=False)
    assert sum(good) == pytest.approx(1)
    assert good[2] > good[0]
    assert bad[0] > bad[2]


def test_a_target_inside_a_token_is_still_read(suggester):
    document = article("The ministers agreed.")
    ((found,),) = suggester.judge([(document, [Span.of(document, 5, 7)])])
    assert sum(found) == pytest.approx(1)


def test_words_have_one_valence_and_verbs_known_fields():
    data = knowledge.knowledge("stance")
    lists = [set(words) for words in data["judging"].values()]
    for one in range(len(lists)):
        for other in range(one + 1, len(lists)):
            assert not lists[one] & lists[other]
    for group in data["verbs"].values():
        assert -2 <= group["agent"] <= 2
        assert -2 <= group["patient"] <= 2
        assert group["words"]
        assert not group["holder"] or group["judges"]


def test_the_fit_has_three_weights_each():
    fit = knowledge.knowledge("stance_fit")
    assert all(len(weights) == 3 for table in ("features", "words", "from_words") for weights in fit[table].values())
