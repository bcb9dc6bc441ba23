"""The shipped scheme is complete: ids, examples, colours that can be told apart, keys that are free."""

import math
import re
from collections import Counter
from itertools import combinations

import pytest

from copydesk.schemas import POLARITIES, label_names, value_names

# pinned: a published table refers to these by number, so new ones go to the end of their layer
LABELS = {
    "entities": "PERSON ARMED_ACTOR ORG POPULATION GPE LOCATION FACILITY WEAPON PLATFORM NAMED_EVENT TIME TOLL",
    "attribution": "SOURCE CUE CONTENT",
    "stance": "EVIDENCE STANCE",
    "wording": "PEJORATIVE HONORIFIC EUPHEMISM DEHUMANISING DOUBT_MARKER AGENTLESS_HARM",
    "events": (
        "AGREE CONSULT SUPPORT CONCEDE COOPERATE AID RETREAT REQUEST ACCUSE REJECT THREATEN PROTEST SANCTION MOBILIZE "
        "COERCE ASSAULT"
    ),
}
VALUES = {
    "actor_class": (
        "state_military police_security intelligence pro_government_paramilitary rebel_insurgent political_militia "
        "identity_militia private_military international_force unidentified"
    ),
    "org_class": "government party igo ngo medical media religious business",
    "gpe_role": "actor place",
    "protected": "hospital school worship cultural aid camp",
    "toll_kind": "killed injured missing detained displaced",
    "victim_class": "civilians combatants mixed unknown",
    "form": "direct indirect mixed",
    "source_type": (
        "party_to_conflict victim_or_witness government_third_party igo_ngo media expert document anonymous"
    ),
    "polarity": " ".join(POLARITIES),
    "holder": "OUTLET UNNAMED",
    "role": "protagonist antagonist innocent none",
    "graphic": "yes no",
    "article_kind": "report analysis opinion live interview other",
}


def test_the_layers_and_which_are_on(whole_scheme):
    assert {layer.id: layer.default for layer in whole_scheme.layers} == {
        "entities": True, "attribution": True, "stance": True, "wording": False, "events": False,
    }  # fmt: skip


@pytest.mark.parametrize("layer", LABELS)
def test_label_ids_are_pinned(whole_scheme, layer):
    assert label_names(whole_scheme, layer) == tuple(LABELS[layer].split())


@pytest.mark.parametrize("id", VALUES)
def test_value_ids_are_pinned(whole_scheme, id):
    assert value_names(whole_scheme, id) == tuple(VALUES[id].split())


def test_attributes_are_asked_of_their_labels(whole_scheme):
    actors = ["ARMED_ACTOR", "ORG", "GPE", "POPULATION", "PERSON", "STANCE"]
    asked = {attribute.id: (attribute.kind, attribute.labels) for attribute in whole_scheme.attributes}
    assert asked == {
        "actor_class": ("choice", ["ARMED_ACTOR"]),
        "org_class": ("choice", ["ORG"]),
        "gpe_role": ("choice", ["GPE"]),
        "partially_recognised": ("flag", ["GPE"]),
        "protected": ("choice", ["FACILITY"]),
        "military": ("flag", ["PLATFORM"]),
        "toll_kind": ("choice", ["TOLL"]),
        "toll_low": ("integer", ["TOLL"]),
        "toll_high": ("integer", ["TOLL"]),
        "toll_approx": ("flag", ["TOLL"]),
        "victim_class": ("choice", ["TOLL"]),
        "form": ("choice", ["CONTENT"]),
        "source_type": ("choice", ["SOURCE"]),
        "polarity": ("choice", actors),
        "holder": ("choice", actors),
        "role": ("choice", actors),
    }
    assert whole_scheme.stance_targets == set(actors) - {"STANCE"}


def test_every_label_is_explained(whole_scheme):
    texts = Counter()
    for label in whole_scheme.labels:
        assert label.definition.endswith(".")
        assert "\n" not in label.definition
        for example in (*label.examples, *label.counter_examples):
            texts[example.text] += 1
            assert example.why, example.text
            marked = re.findall(r"\[\[(.+?)\]\]", example.text)
            assert all(words == words.strip() for words in marked), example.text
            assert example.text.count("[[") == example.text.count("]]") == len(marked)
    assert [text for text, count in texts.items() if count > 1] == []


def test_examples_of_mentions_keep_the_rule_about_articles(whole_scheme):
    for label in whole_scheme.labels:
        if label.layer == "entities":
            for example in label.examples:
                for words in re.findall(r"\[\[(.+?)\]\]", example.text):
                    assert not re.match(r"(the|an?) |.*['’]s$", words, re.IGNORECASE), example.text


def test_every_entity_has_its_row_in_the_crosswalk(whole_scheme):
    for label in whole_scheme.labels:
        if label.layer == "entities":
            assert "ontonotes" in label.crosswalk, label.id
        if label.layer == "events":
            assert label.crosswalk["plover"] == label.id
            assert {"acled", "ucdp"} <= {*label.crosswalk}
    assert whole_scheme.label("TOLL").crosswalk["acled"] == "fatalities"


def luminance(colour):
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def oklab(colour):
    r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (r, g, b))
    l, m, s = (  # noqa: E741
        (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3),
        (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3),
        (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3),
    )
    return (
        0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
        1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
    )


def test_colours_carry_dark_text_and_stand_out_on_white(whole_scheme):
    dark = luminance("#1f1f1f")
    for label in whole_scheme.labels:
        light = luminance(label.colour)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, label.id
        assert 1.05 / (light + 0.05) >= 2, label.id


def test_colours_can_be_told_apart(whole_scheme):
    colours = {label.id: (label.layer, oklab(label.colour)) for label in whole_scheme.labels}
    on = set(whole_scheme.default_layers)
    for (one, (layer_1, lab_1)), (two, (layer_2, lab_2)) in combinations(colours.items(), 2):
        assert math.dist(lab_1, lab_2) >= (0.08 if {layer_1, layer_2} <= on else 0.06), (one, two)


def test_the_layers_that_are_on_take_every_free_key(scheme):
    # what is left over, the editor would give to answers by itself
    free = set("1234567890qwetasdfgzxcvbyiopjklnm")
    keys = {label.hotkey for label in scheme.labels}
    keys |= {value.hotkey for asked in (*scheme.attributes, *scheme.questions) for value in asked.values}
    assert free <= keys
    assert all(label.hotkey for label in scheme.labels)
    assert all(value.hotkey.startswith("shift+") for question in scheme.questions for value in question.values)
