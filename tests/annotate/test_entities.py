from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import inside, mentions, reading

entities, gazetteer, knowledge, labels, rules, roles, tolls, words = (
    inside(name) for name in ("entities", "gazetteer", "knowledge", "labels", "rules", "roles", "tolls", "words")
)


def by_rules(text):
    """Return the mentions that the rules find in a text and its parse lets stand."""
    cut = words.words_of(text)
    names = {end: start for start, end, _ in gazetteer.find_actors(cut)}
    return reading(
        text, lambda parse: list(entities._from_rules(entities.rules.find(text, cut, names), entities.Tokens(parse)))
    )


@pytest.mark.parametrize("rule", rules.rules(), ids=lambda rule: rule.id)
def test_every_rule_finds_its_examples_and_nothing_in_its_counter_examples(rule):
    assert rule.match, "a rule shows at least one mention"
    assert rule.no_match, "and at least one sentence where it finds none"
    for example in rule.match:
        text, spans = knowledge.marked(example)
        found = {(m.start, m.end) for m in by_rules(text) if m.label == rule.label}
        assert set(spans) <= found, f"{example}: found {[text[a:b] for a, b in found]}"
    for text in rule.no_match:
        assert not [text[m.start : m.end] for m in by_rules(text) if m.origin == rule.id]


def test_rule_ids_are_unique():
    ids = [rule.id for rule in rules.rules()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("actor", gazetteer.actors(), ids=lambda actor: actor.name)
def test_every_actor_has_a_source_and_is_found_in_its_example(actor):
    assert actor.source
    text, spans = knowledge.marked(actor.example)
    found = [(start, end) for start, end, hit in gazetteer.find_actors(words.words_of(text)) if hit.name == actor.name]
    assert set(spans) <= set(found)
    for alias in actor.aliases:
        assert any(hit.name == actor.name for _, _, hit in gazetteer.find_actors(words.words_of(f"Then {alias} left.")))


def test_actor_classes_and_wikidata_ids_are_well_formed():
    from copydesk.schemas import load_scheme

    known = {value.id for value in load_scheme().attribute("actor_class").values}
    for actor in gazetteer.actors():
        assert actor.actor_class in known | {""}
        assert not actor.wikidata or re.fullmatch(r"Q\d+", actor.wikidata)
    for entry in knowledge.knowledge("rules")["class"]:
        assert entry["value"] in known


def test_a_weak_alias_counts_only_beside_the_name():
    def find(text):
        return [text[a:b] for a, b, _ in gazetteer.find_actors(words.words_of(text))]

    assert find("RSF condemned the arrest of the editor.") == []
    assert find("The Rapid Support Forces left; the RSF denied it.") == ["Rapid Support Forces", "RSF"]


@pytest.mark.parametrize("kind", knowledge.knowledge("tolls")["kind"], ids=lambda kind: kind["id"])
def test_every_kind_of_toll_finds_its_examples(kind):
    for example in kind["match"] + kind["no_match"]:
        text, spans = knowledge.marked(example)
        found = [(t.start, t.end) for t in tolls.find_tolls(text) if t.attributes["toll_kind"] == kind["id"]]
        assert found == spans, example


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("at least 17", (17, None, False)),
        ("up to 60", (None, 60, False)),
        ("around 1,200", (1200, 1200, True)),
        ("between 10 and 15", (10, 15, False)),
        ("1 to 2 million", (1_000_000, 2_000_000, False)),
        ("twenty-three", (23, 23, False)),
        ("two dozen", (24, 24, False)),
        ("tens of thousands", (None, None, True)),
        ("1.5 million", (1_500_000, 1_500_000, False)),
    ],
)
def test_bounds_are_what_the_words_say(number, expected):
    assert tolls.bounds(number) == expected


def test_victims_and_a_part_of_a_toll():
    found = list(tolls.find_tolls("The strike killed 17 people, including five children, and wounded 9 soldiers."))
    assert [(t.attributes["toll_kind"], t.attributes.get("victim_class")) for t in found] == [
        ("killed", None),
        ("killed", "civilians"),
        ("injured", "combatants"),
    ]


def test_a_news_paragraph():
    text = (
        "Syrian regime forces backed by Russia shelled Aleppo on Friday, killing at least 17 civilians, "
        "President Bashar al-Assad's opponents in the Syrian National Coalition said."
    )
    (found,) = mentions([text])
    marks = {(text, label) for text, label, _ in found}
    assert {
        ("Syrian regime forces", "ARMED_ACTOR"),
        ("Russia", "GPE"),
        ("Aleppo", "GPE"),
        ("Friday", "TIME"),
        ("at least 17 civilians", "TOLL"),
        ("President Bashar al-Assad", "PERSON"),
    } <= marks
    attributes = {text: dict(m.attributes) for text, _, m in found}
    assert attributes["Russia"]["gpe_role"] == "actor"
    assert attributes["Aleppo"]["gpe_role"] == "place"
    assert attributes["Syrian regime forces"]["actor_class"] == "state_military"
    assert attributes["at least 17 civilians"]["toll_low"] == "17"


def test_articles_are_a_setting():
    text = "The rebels left. A spokesman for the United Nations said so."
    (trimmed,) = mentions([text])
    (whole,) = mentions([text], trim=False)
    assert {"rebels", "United Nations"} <= {found for found, _, _ in trimmed}
    assert {"The rebels", "the United Nations"} <= {found for found, _, _ in whole}


@pytest.mark.parametrize("entry", knowledge.knowledge("labels")["context"], ids=lambda entry: entry["to"])
def test_every_context_shows_itself(entry):
    for example, expected in ((entry["match"], entry["to"]), (entry["no_match"], entry["from"][0])):
        text, ((start, end),) = knowledge.marked(example)
        assert labels.by_context(text, start, end, entry["from"][0]) == expected


@pytest.mark.parametrize("entry", knowledge.knowledge("labels")["retype"], ids=lambda entry: entry["to"])
def test_every_retyping_shows_itself(entry):
    assert knowledge.marked(entry["match"][0])[0].rsplit(" ", 1)[-1] in entry["last"]
    assert knowledge.marked(entry["no_match"][0])[0].rsplit(" ", 1)[-1] not in entry["last"]


def test_a_dateline_is_place_date_and_outlet():
    found = list(entities._from_dateline("DREMMEN, Karvenia, 14 March (Meridian Wire) —", 100))
    assert [(m.label, m.start) for m in found] == [("GPE", 100), ("GPE", 109), ("TIME", 119), ("ORG", 129)]


def test_partially_recognised_polities_are_flagged():
    (found,) = mentions(["Kosovo signed the accord with Serbia."])
    assert {text: m.attributes.get("partially_recognised") for text, label, m in found if label == "GPE"} == {
        "Kosovo": "true",
        "Serbia": None,
    }


def test_one_mention_inside_another_only_where_the_data_says():
    (found,) = mentions(["Residents of Aleppo fled. The Assad regime denied it. They killed 12 Hamas fighters."])
    marks = {(text, label) for text, label, _ in found}
    assert {("Residents of Aleppo", "POPULATION"), ("Aleppo", "GPE")} <= marks
    assert ("Assad regime", "ORG") in marks
    assert ("Assad", "PERSON") not in marks


WORD = st.sampled_from(
    [
        "rebels",
        "The",
        "Syrian",
        "forces",
        "killed",
        "17",
        "to",
        "30",
        "civilians",
        "in",
        "Aleppo,",
        "UN",
        "said.",
        "(AFP)",
        "T-72",
        "tanks",
        "“Deter",
        "—",
        "the",
        "of",
        "at",
        "Hamas's",
        "Battle",
        "😀",
        "الجيش",
        "on",
        "Friday",
        "5",
        "million",
        "people",
        "Operation",
        "North",
        "Gate\n\n",
        "the",
        "army’s",
    ]
)


@settings(deadline=None, max_examples=40)
@given(st.lists(WORD, max_size=40).map(" ".join))
def test_mentions_are_clean_ranges(text):
    (found,) = mentions([text])
    for covered, _, mention in found:
        assert covered
        assert covered == covered.strip()
        assert "\n" not in covered
        assert covered.lower() not in {"he", "she", "it", "they", "we", "the", "a"}
        assert 0 <= mention.start < mention.end <= len(text)
    assert len({(m.start, m.end, m.label) for _, _, m in found}) == len(found)


def test_the_parts_of_the_map_are_labels_of_the_scheme():
    from copydesk.schemas import load_scheme

    known = {label.id for label in load_scheme().span_labels}
    assert set(knowledge.knowledge("labels")["map"].values()) - {""} <= known
    assert {rule.label for rule in rules.rules()} <= known


def test_roles():
    examples = {
        "Russia denied the report.": "actor",
        "Shelling was heard in Russia.": "place",
        "Iran and Russia have sent drones.": "actor",
        "The army accused Russia of lying.": "actor",
        "Thousands fled from Russia on foot.": "place",
        "The truce was brokered by Qatar.": "actor",
    }
    for (text, expected), found in zip(examples.items(), mentions(examples), strict=True):
        got = [
            m.attributes["gpe_role"] for words_, label, m in found if label == "GPE" and words_ in ("Russia", "Qatar")
        ]
        assert got == [expected], text
