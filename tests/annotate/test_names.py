from __future__ import annotations

import pytest
from readers import inside, mentions

from copydesk.schemas import load_scheme

entities, knowledge, labels, mentions_, names, polities, scores, words = (
    inside(name) for name in ("entities", "knowledge", "labels", "mentions", "names", "polities", "scores", "words")
)
Mention = mentions_.Mention


def at(text, name, label, origin="model", nth=0, **more):
    start = -1
    for _ in range(nth + 1):
        start = text.index(name, start + 1)
    return Mention(start, start + len(name), label, origin, **more)


def test_a_surname_is_a_person_where_the_full_name_stands():
    text = "Michael Griffin spoke. Griffin left."
    made = names.consistent(text, [at(text, "Michael Griffin", "PERSON"), at(text, "Griffin", "GPE", nth=1)])
    assert [mention.label for mention in made] == ["PERSON", "PERSON"]
    found = list(names.repeats(text, words.words_of(text), [at(text, "Michael Griffin", "PERSON")]))
    assert (text[found[-1].start : found[-1].end], found[-1].start, found[-1].label) == ("Griffin", 23, "PERSON")


def test_a_name_in_a_list_of_places_is_one():
    text = "Hundreds died in Mosul, Baiji, and Tuz."
    marks = [at(text, "Mosul", "GPE"), at(text, "Baiji", "GPE"), at(text, "Tuz", "PERSON")]
    assert [mention.label for mention in names.consistent(text, marks)] == ["GPE", "GPE", "GPE"]


def test_acronyms_are_explained_or_repeated():
    text = (
        "The Sarnic Relief Board (SRB) met. SRB staff left. The CPA fell. Nobody in the CPA spoke. The GDP and the GDP."
    )
    found = list(names.acronyms(text, words.words_of(text), [at(text, "Sarnic Relief Board", "ORG")]))
    assert [(text[m.start : m.end], m.label) for m in found] == [("SRB", "ORG")] * 2 + [("CPA", "ORG")] * 2
    shouted = "THE CPA HAS FALLEN AND THE CPA WILL NOT RETURN"
    assert list(names.acronyms(shouted, words.words_of(shouted), [])) == []


def test_a_headline_of_capitals_has_the_names_of_the_body():
    text = "SARNIC FRONT TAKES BRENICE\n\nThe Sarnic Front took Brenice."
    named = [at(text, "Sarnic Front", "ARMED_ACTOR"), at(text, "Brenice", "GPE")]
    found = list(names.repeats(text, words.words_of(text), named))
    assert {(text[m.start : m.end], m.label) for m in found if m.end < 28} == {
        ("SARNIC FRONT", "ARMED_ACTOR"),
        ("BRENICE", "GPE"),
    }


# precedence


def test_what_was_learnt_goes_before_a_longer_rule_and_a_desks_own_entry_before_both():
    text = "Iran-backed Hamas fighters left."
    rule = at(text, "Iran-backed Hamas fighters", "ARMED_ACTOR", "armed-force")
    learnt = at(text, "Hamas", "ORG", learnt=True)
    own = at(text, "Hamas fighters", "POPULATION", mentions_.OWN)
    assert mentions_.resolve(text, [rule, learnt]) == [learnt]
    assert mentions_.resolve(text, [rule, learnt, own]) == [own]


def test_a_trained_models_labels_pass_and_rules_fill_the_labels_it_hardly_saw():
    trained = entities.Conventions(trained={"ORG": 4000, "WEAPON": 3}, labels={"NORP": "POPULATION", "DATE": ""})
    assert trained.label("ORG") == "ORG"
    assert trained.label("NORP") == "POPULATION"
    assert trained.label("DATE") == ""
    assert trained.label("FAC") == "FACILITY"
    text = "the government fired rockets"
    assert trained.silences(at(text, "government", "ORG", "org-government-definite"))
    assert not trained.silences(at(text, "rockets", "WEAPON", "weapon-noun"))
    assert not trained.silences(at(text, "government", "ORG", "gazetteer"))


def test_a_learnt_mention_keeps_its_edges():
    (said,) = mentions(["The United Nations met in Geneva."], conventions=entities.Conventions(trained={"ORG": 99}))
    assert [(text, m.learnt) for text, label, m in said if label == "ORG"] == [("The United Nations", True)]


# countries


def test_every_nation_shows_itself_and_every_state_of_the_package_has_a_row():
    for nation in polities.nations():
        assert nation.source
        text, spans = knowledge.marked(nation.example)
        known = {*nation.names, *nation.adjectives, *nation.people}
        assert spans
        assert all(text[a:b] in known or text[a:b].rsplit(" ", 1)[0] in known for a, b in spans), nation.code
    codes = {nation.code for nation in polities.nations()}
    assert {"AF", "CD", "GB", "IL", "MM", "PS", "RU", "SD", "SY", "UA", "US", "XK", "YE"} <= codes
    assert {code for code in polities.countries().values() if len(code) == 2} >= codes


@pytest.mark.parametrize(
    ("name", "code"),
    [("Syria", "SY"), ("Syrian Arab Republic", "SY"), ("Russian Federation", "RU"), ("Russia", "RU"),
     ("Islamic Republic of Iran", "IR"), ("Côte d’Ivoire", "CI"), ("Ivory Coast", "CI"), ("Burma", "MM"), ("U.K.", "GB")],
)  # fmt: skip
def test_countries_by_official_common_and_informal_name(name, code):
    assert polities.countries()[name] == code


def test_odd_names_of_the_package_stay_out():
    assert not {"", "Jersey", "Saint Martin (French part)", "Iran, Islamic Republic of"} & set(polities.countries())


def test_the_package_is_part_of_the_knowledge(monkeypatch):
    before = knowledge.knowledge_digest()
    monkeypatch.setattr(knowledge.metadata, "version", lambda name: "1")
    knowledge.knowledge_digest.cache_clear()
    try:
        assert knowledge.knowledge_digest() != before
    finally:
        monkeypatch.undo()
        knowledge.knowledge_digest.cache_clear()
    assert knowledge.knowledge_digest() == before


def test_a_place_that_is_another_word_at_the_beginning_of_a_sentence():
    text = "Hit by shells, it fell. Troops left Hit."
    assert [m.start for m in entities._countries(words.words_of(text), text)] == [36]


# titles


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("met Turkish Foreign Minister Ada Kaya", "Ada Kaya", "Turkish Foreign Minister Ada Kaya"),
        ("Defence Secretary Ann Hale", "Ann Hale", "Defence Secretary Ann Hale"),
        ("the Turkish poet Ada Kaya", "Ada Kaya", "Ada Kaya"),
    ],
)
def test_titles_and_the_nation_before_them(text, name, expected):
    start = labels.with_title(text, text.index(name), 0)
    assert text[start:] == expected
    assert labels.without_title(expected) == len(expected) - len(name)


# scores


def test_scores_are_probabilities_and_agreement_and_sign_count():
    text = "Hamas denied it."
    plain = at(text, "Hamas", "ARMED_ACTOR", "gazetteer")
    assert 0 < scores.score(plain, text) < 1
    assert scores.score(at(text, "Hamas", "ORG", score=0.42), text) == 0.42
    assert scores.score(at(text, "Hamas", "ORG", mentions_.OWN), text) == knowledge.knowledge("scores")["own"]
    assert "repeated" in set(scores.signs(at(text, "Hamas", "ORG", times=2), text))
    modifier = "the Rashidin-Aleppo road"
    assert "goes on" in set(scores.signs(at(modifier, "Rashidin", "GPE"), modifier))


def test_every_weight_is_of_a_sign_that_can_come_up():
    known = {rule.id for rule in inside("rules").rules()}
    known |= {"model", "gazetteer", "toll", "country", "dateline", "repeat", "acronym"}
    spans = {label.id for label in load_scheme().span_labels}
    for sign in knowledge.knowledge("scores")["weights"]:
        origin, colon, label = sign.partition(":")
        if colon and label in spans:
            assert origin in known, f"{sign}: make scores.toml anew with python -m benchmarks.scores"
