from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import inside, reading

from copydesk.corpus import quotations

attribution, knowledge, speakers = (inside(name) for name in ("attribution", "knowledge", "speakers"))
EXAMPLES = knowledge.knowledge("attribution")["example"]


def sayings(text):
    """Return the sayings of a text."""
    start, paragraphs = 0, []
    for part in text.split("\n\n"):
        paragraphs.append((start, start + len(part)))
        start += len(part) + 2
    quotes = quotations(text, [place for place in paragraphs if place[0] < place[1]])
    return reading(text, lambda parse: attribution.find_sayings(parse, quotes))


def shown(text):
    """Return sayings as source|cue|content|form."""
    return sorted(
        "|".join(
            [
                text[slice(*s.source)] if s.source else "",
                text[slice(*s.cue)] if s.cue else "",
                text[slice(*s.content)],
                s.form,
            ]
        )
        for s in sayings(text)
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["text"][:40])
def test_every_example_is_read_as_the_data_says(example):
    assert shown(example["text"]) == sorted(example["expect"])


def test_a_quotation_is_carried_into_the_next_paragraph():
    text = "“We buried nine people here,” said Halim Oren, a shopkeeper.\n\n“The soldiers left before dawn and we never saw them again.”"
    assert shown(text)[1] == "Halim Oren||The soldiers left before dawn and we never saw them again|direct"


def test_a_coordinated_reporting_verb_belongs_to_the_one_above():
    text = "The ministry denied that government troops had fired on the town and blamed the rebels for the attack."
    assert shown(text) == [
        "ministry|blamed|the rebels for the attack|indirect",
        "ministry|denied|that government troops had fired on the town|indirect",
    ]


def test_a_pronoun_is_read_as_the_source_before_it():
    text = "The governor visited the bridge, the army said. It said the road was open."
    found = {text[slice(*s.content)]: s for s in sayings(text)}
    last = found["the road was open"]
    assert text[slice(*last.source)] == "It"
    assert text[slice(*last.speaker)] == "army"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two diplomats said the talks had failed.", "anonymous"),
        ("Residents said the shelling began at dawn.", "victim_or_witness"),
        ("Analysts said the offensive would stall.", "expert"),
        ("The report said the school was empty.", "document"),
        ("An official, requesting anonymity, said the talks had failed.", "anonymous"),
        ("The rebels said they would not withdraw.", "party_to_conflict"),
        ("Mara Lind said the road was open.", ""),
    ],
)
def test_sources_are_typed_by_their_words(text, expected):
    assert [saying.source_type for saying in sayings(text)] == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "No group claimed responsibility.",
        "The so-called “liberation” left the town empty.",
        "The rebels are said to have taken the hill.",
        "He did not comment.",
        "The army shelled the market.",
    ],
)
def test_what_attributes_nothing(text):
    assert shown(text) == []


def test_reporting_verbs_are_many_and_listed_once():
    verbs = knowledge.knowledge("attribution")["verbs"]
    assert len(set(verbs["clause"])) >= 130
    assert set(verbs["infinitive"]) | set(verbs["noun"]) | set(verbs["belief"]) >= {"claim", "vow", "believe"}


WORD = st.sampled_from(
    [
        "He",
        "said",
        "that",
        "“We",
        '"the',
        'ruins",',
        "according",
        "to",
        "the",
        "army",
        ".",
        "the",
        "rebels",
        "claimed",
        "”",
        "they,",
        "\n\n",
        "denied",
        '"',
        "had",
        "fled",
        "Mara",
    ]
)


@settings(deadline=None, max_examples=40)
@given(st.lists(WORD, max_size=30).map(" ".join))
def test_sayings_are_ranges_of_the_text(text):
    for saying in sayings(text):
        for place in (saying.content, saying.source, saying.cue):
            assert place is None or 0 <= place[0] < place[1] <= len(text)
        assert text[slice(*saying.content)].strip() == text[slice(*saying.content)]
        assert saying.form in ("direct", "indirect", "mixed")
