from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import article, inside

from copydesk.annotate import mention_clusters
from copydesk.schemas import Document, Entity, Origin, Span

LABELS = {"P": "PERSON", "A": "ARMED_ACTOR", "O": "ORG", "G": "GPE", "N": "POPULATION", "W": "WEAPON"}
BY = Origin("person", "annotator")
KNOWLEDGE = inside("knowledge")
CLUSTERS = inside("mention_clusters")


def read(marked):
    """Return a document and its entities from text with mentions as [L:words]."""
    text, found = "", []
    for part in re.split(r"(\[\w:[^\]]*\])", marked):
        mention = re.fullmatch(r"\[(\w):([^\]]*)\]", part)
        if mention:
            found.append((len(text), len(text) + len(mention[2]), LABELS[mention[1]]))
        text += mention[2] if mention else part
    document = article(text)
    return document, [
        Entity(f"e{number}", Span.of(document, start, end), label, BY)
        for number, (start, end, label) in enumerate(found)
    ]


def clusters(marked):
    document, entities = read(marked)
    names = {entity.id: entity.span.text for entity in entities}
    return [[names[member] for member in cluster.members] for cluster in mention_clusters(document, entities)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The [A:Sarnic Front] left. The [A:Sarnic Front] came.", [["Sarnic Front", "Sarnic Front"]]),
        ("[G:ODRAVA] fell. In [G:Odrava]'s streets", [["ODRAVA", "Odrava"]]),
        ("The [A:Syrian Arab Army] left. The [A:army] came.", [["Syrian Arab Army", "army"]]),
        ("[P:President Bashar al-Assad] spoke. [P:Assad] left.", [["President Bashar al-Assad", "Assad"]]),
        ("[P:Governor Jana Mirova] spoke. The [P:governor] left.", [["Governor Jana Mirova", "governor"]]),
        ("[P:Jana Mirova], a [P:nurse], left. The [P:nurse] came back.", [["Jana Mirova", "nurse", "nurse"]]),
        ("Its [P:spokesman], [P:Oren Sela], said so. [P:Sela] left.", [["spokesman", "Oren Sela", "Sela"]]),
        ("[P:envoy] [P:Paula Adjei] left", [["envoy", "Paula Adjei"]]),
        ("The [A:Sarnic Liberation Army] ([A:SLA]) left; the [A:SLA] came.", [["Sarnic Liberation Army", "SLA", "SLA"]]),
        ("[A:Islamic State] left. [A:ISIS] came.", [["Islamic State", "ISIS"]]),
        ("The [G:United States] left. The [G:U.S.] came.", [["United States", "U.S."]]),
        ("The [A:Nahr Brigades] left. The [A:Brigades] came.", [["Nahr Brigades", "Brigades"]]),
        ("[O:Northline Wire] wrote. [O:Northline] said.", [["Northline Wire", "Northline"]]),
        ("[A:Fighters of the Sarnic Front] left. The [A:Front] came.", [["Fighters of the Sarnic Front", "Front"]]),
        ("[A:Sarnic Front] [A:fighters] left.", [["Sarnic Front", "fighters"]]),
        ("The river [G:town] of [G:Brenice] fell. The [G:town] burned.", [["town", "Brenice", "town"]]),
        ("[O:Valley Watch], a monitoring [O:group], said so.", [["Valley Watch", "group"]]),
        ("The [O:defence ministry] denied it. The [O:ministry] said.", [["defence ministry", "ministry"]]),
        ("The [O:Ministry of Defence] spoke. The [O:Defence Ministry] again.", [["Ministry of Defence", "Defence Ministry"]]),
        ("[A:Rebels] fled.\n\nThe [A:rebels] came back.", [["Rebels", "rebels"]]),
        ("A [A:militia] came. The [A:militia] left.", [["militia", "militia"]]),
        ("[P:أحمد النجّار], a [P:baker], spoke.", [["أحمد النجّار", "baker"]]),
    ],
)  # fmt: skip
def test_mentions_of_one_actor_are_joined(text, expected):
    assert clusters(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The [A:Turkish army] and the [A:Syrian army] met. The [A:army] left. The [A:army] came.",
        "[P:Bashar al-Assad] met [P:Asma al-Assad]. [P:Assad] left.",
        "The [A:Sarnic Front] fought the [A:Nahr Front]. The [A:Front] won. The [A:Front] left.",
        "Two [A:soldiers] fell. Three [A:soldiers] fled.",
        "Their [A:army] is large. Our [A:army] is small.",
        "The western [A:army] left. The eastern [A:army] came.",
        "Some [N:villagers] left. [N:Villagers] came.",
        "A [P:doctor] spoke. A [P:doctor] wept.",
        "[G:Georgia] is far. [P:Georgia] is here.",
        "The [A:Sarnic Front], the [A:army] and the police met.",
        "A [W:rifle] and a [W:rifle].",
    ],
)
def test_a_mention_that_could_be_another_joins_none(text):
    assert clusters(text) == []


def test_two_full_names_are_never_chained_by_the_head_they_share():
    found = clusters("[A:Sarnic Army] and [A:Nahr Army] and [A:Sarnic Army]. The [A:army] of the [A:Nahr Army].")
    assert found == [["Sarnic Army", "Sarnic Army"], ["Nahr Army", "Nahr Army"]]


def test_a_cluster_is_named_by_its_fullest_name_and_scored_by_its_weakest_rule():
    document, entities = read("The [A:army] left. The [A:Syrian Arab Army] came. The [A:Syrian Arab Army] stayed.")
    (cluster,) = mention_clusters(document, entities)
    scores = KNOWLEDGE.knowledge("clusters")["scores"]
    assert (cluster.name, cluster.score) == ("Syrian Arab Army", scores["head"])
    assert scores["head"] < scores["surface"]


def test_every_rule_has_a_score():
    scores = KNOWLEDGE.knowledge("clusters")["scores"]
    rules = re.findall(r"``([a-z_]+)``", CLUSTERS.__doc__.split("The rules:")[1])
    assert set(rules) == set(scores)
    assert all(0.5 < score <= 1 for score in scores.values())


PIECES = st.sampled_from(
    [
        "[A:Sarnic Front]", "[A:Front]", "[A:Nahr Front]", "the [A:army]", "the [A:Syrian Army]", "[A:rebels]",
        "[P:Jana Mirova]", "[P:Mirova]", "the [P:governor]", "[P:Governor Ana Mirova]", "[O:Northline Wire]",
        "[O:Northline]", "([A:SF])", "[G:Brenice]", "the [G:town] of [G:Brenice]", "[N:villagers]", "two [A:soldiers]",
        "[A:fighters] of the [A:Front]", ". ", ", a [P:nurse],", "said", "\n\n", "[G:US]", "[G:United States]", "[P:“”]",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(PIECES, max_size=25).map(" ".join), st.randoms(use_true_random=False))
def test_clusters_part_the_mentions_whatever_their_order(marked, random):
    document, entities = read(marked)
    found = mention_clusters(document, entities)
    members = [member for cluster in found for member in cluster.members]
    assert len(members) == len(set(members))
    assert set(members) <= {entity.id for entity in entities}
    assert all(len(cluster.members) > 1 and 0 < cluster.score <= 1 for cluster in found)
    shuffled = entities[:]
    random.shuffle(shuffled)
    assert mention_clusters(document, shuffled) == found


def test_clusters_of_many_names_end():
    marked = " ".join(f"[A:Unit{number % 4_000} Front] the [A:Front]" for number in range(8_000))
    document, entities = read(marked)
    assert mention_clusters(document, entities)


GOLD = Path(__file__).parents[2] / "benchmarks" / "data" / "clusters.jsonl"


def test_the_gold_of_clusters_is_sound():
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        marks = [(m["start"], m["end"], m["label"]) for cluster in row["clusters"] for m in cluster]
        assert len(marks) == len(set(marks))
        assert all(len(cluster) > 1 for cluster in row["clusters"])
        assert all(m["end"] - m["start"] == len(m["text"]) for m in itertools.chain(*row["clusters"]))


def test_an_empty_document_has_no_clusters():
    document = Document(id="d", text="", sha256="")
    assert mention_clusters(document, []) == ()
