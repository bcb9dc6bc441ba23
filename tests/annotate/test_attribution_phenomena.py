"""Hold attribution to the phenomena that it names, several sentences each. All sentences are our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from readers import inside, reading

from copydesk.corpus import quotations

attribution = inside("attribution")


def found(text):
    """Return the sayings of a text as (source, cue, content, form), in the order of the text."""
    start, paragraphs = 0, []
    for part in text.split("\n\n"):
        paragraphs.append((start, start + len(part)))
        start += len(part) + 2
    quotes = quotations(text, [place for place in paragraphs if place[0] < place[1]])
    sayings = reading(text, lambda parse: attribution.find_sayings(parse, quotes))
    return [
        (
            text[slice(*s.source)] if s.source else "",
            text[slice(*s.cue)] if s.cue else "",
            text[slice(*s.content)],
            s.form,
            s.source_type,
        )
        for s in sayings
    ]


def contents(text):
    return {(source, content) for source, _, content, *_ in found(text)}


CASES = {
    "direct": [
        ('"Nobody warned us," the mayor said.', ("mayor", "Nobody warned us")),
        ('The mayor said: "Nobody warned us about the bombs."', ("mayor", "Nobody warned us about the bombs")),
        ("“Why did they leave?” asked Mara Lind.", ("Mara Lind", "Why did they leave?")),
    ],
    "indirect": [
        ("The army said it had taken the hill.", ("army", "it had taken the hill")),
        ("Officials insisted that the road was safe.", ("Officials", "that the road was safe")),
        ("The council vowed to rebuild the school.", ("council", "to rebuild the school")),
    ],
    "mixed": [
        ('She said the raid was "a disgrace" and must end.', ("She", 'the raid was "a disgrace" and must end')),
        (
            'The minister accused the rebels of "theatre".',
            ("minister", 'the rebels of "theatre"'),
        ),
        (
            'The envoy told reporters the truce was "hanging by a thread" on Monday.',
            ("envoy", 'the truce was "hanging by a thread" on Monday'),
        ),
    ],
    "inverted": [
        ("“The wells are dry,” said Petar Holm, a plumber.", ("Petar Holm", "The wells are dry")),
        ("The bridge is closed, said the police.", ("police", "The bridge is closed")),
        ('"We will stay," vowed the commander.', ("commander", "We will stay")),
    ],
    "parenthetical": [
        ("The convoy, the ministry said, never arrived.", ("ministry", "The convoy")),
        ("The convoy, the ministry said, never arrived.", ("ministry", "never arrived")),
        ("Two coffins and once, he says, a piano.", ("he", "a piano")),
        ("The shells, residents say, came from the east.", ("residents", "came from the east")),
    ],
    "according to": [
        ("Nine people died, according to the hospital.", ("hospital", "Nine people died")),
        ("According to two diplomats, the talks failed.", ("two diplomats", "the talks failed")),
        ("The town is empty, in the words of the mayor.", ("mayor", "The town is empty")),
    ],
    "carried on within a paragraph": [
        ('"Run," she said. "They are coming back tonight."', ("she", "They are coming back tonight")),
        ('The nurse said the ward was full. "We sleep on the stairs."', ("nurse", "We sleep on the stairs")),
        ('"I was there," he says. "Why should I lie?"', ("he", "Why should I lie?")),
    ],
    "carried into the next paragraph": [
        (
            "“They burned the mill,” said Ana Orel.\n\n“Then they burned the school and left.”",
            ("Ana Orel", "Then they burned the school and left"),
        ),
        (
            '"The road is ours," said General Weyl.\n\n"Nobody will take it from us this winter."',
            ("General Weyl", "Nobody will take it from us this winter"),
        ),
    ],
    "told by their manner": [
        ('"Both are right," Bazil laughs.', ("Bazil", "Both are right")),
        (
            '"They have run out of trucks," as one adviser put it.',
            ("one adviser", "They have run out of trucks"),
        ),
    ],
    "before a colon": [
        ('Carl Undset, in a post: "We have signed the paper."', ("Carl Undset", "We have signed the paper")),
    ],
    "what he called": [
        ('He promised rockets for what he called "the crime of a cowardly force".', ("he", "the crime of a cowardly force")),
    ],
    "figures and requests": [
        ("The union counted eight dead.", ("union", "eight dead")),
        ("The army put its losses at between 60 and 70.", ("army", "its losses at between 60 and 70")),
        ("The envoy called for an inquiry.", ("envoy", "an inquiry")),
        ("The ministry dismissed the account as propaganda.", ("ministry", "the account as propaganda")),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [pytest.param(text, wanted, id=f"{name}: {text[:30]}") for name, cases in CASES.items() for text, wanted in cases],
)
def test_every_phenomenon_is_found(text, wanted):
    assert wanted in contents(text)


@pytest.mark.parametrize(
    ("text", "outer", "inner"),
    [
        (
            "The ministry said rebels had claimed that the town was empty.",
            ("ministry", "rebels had claimed that the town was empty"),
            ("rebels", "that the town was empty"),
        ),
        (
            "Residents said soldiers told them the road was mined.",
            ("Residents", "soldiers told them the road was mined"),
            ("soldiers", "the road was mined"),
        ),
        (
            "The report says the governor denied that anyone had died.",
            ("report", "the governor denied that anyone had died"),
            ("governor", "that anyone had died"),
        ),
        (
            "A sergeant said the army suspected Bazil of carrying letters.",
            ("sergeant", "the army suspected Bazil of carrying letters"),
            ("army", "Bazil of carrying letters"),
        ),
        (
            '"The army says the bridge is safe," the driver said.',
            ("driver", "The army says the bridge is safe"),
            ("army", "the bridge is safe"),
        ),
    ],
)
def test_an_attribution_inside_another_is_found_with_both(text, outer, inner):
    assert {outer, inner} <= contents(text)
    assert text.index(outer[1]) <= text.index(inner[1])
    assert inner[1] in outer[1]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("A senior official who spoke on condition of anonymity said the talks had failed.", "anonymous"),
        ("A senior official, speaking on condition of anonymity, said the talks had failed.", "anonymous"),
        ("Sources said the deal was near.", "anonymous"),
        ("Security sources told us the general was ill.", "anonymous"),
        ("One fighter, who would not give his name, said they had no food.", "anonymous"),
        ("An aide, who is not authorised to speak to the press, said that talks went on.", "anonymous"),
        ("Witnesses said the soldiers came at noon.", "victim_or_witness"),
        ("A survivor said the doors were locked.", "victim_or_witness"),
        ("Two doctors said the ward was full.", "victim_or_witness"),
        ("Researchers said the missile was old.", "expert"),
        ("State television said the town was calm.", "media"),
        ("The letter said the guns were ready.", "document"),
        ("Human Rights Watch said the shells were cluster bombs.", "igo_ngo"),
        ("Militants said they held the port.", "party_to_conflict"),
        ("The White House said it was watching.", "government_third_party"),
    ],
)
def test_sources_without_a_name_are_typed(text, kind):
    assert found(text)[0][4] == kind


@pytest.mark.parametrize(
    "text",
    [
        "Nobody says that the bridge is safe.",
        "No one claimed responsibility for the blast.",
        "It is known that the river floods.",
        "The rebels are said to have fled.",
        "The charity called the hospital.",
        "He put the gun on the table.",
        "The drone, dubbed “the widow-maker of the valley”, fell into the sea.",
        'She painted "peace" on the wall.',
    ],
)
def test_no_attribution_where_nobody_speaks(text):
    assert found(text) == []


def test_what_follows_a_semicolon_is_the_outlets_again():
    said = contents("Ten men were taken, residents said; the Directorate did not answer.")
    assert said == {("residents", "Ten men were taken")}


def test_the_name_is_the_source_where_it_stands_beside_what_somebody_is():
    assert contents("Its spokesman, Major Oren Sela, told reporters that the road was open.") == {
        ("Major Oren Sela", "that the road was open")
    }


TRANSCRIPT = """Briefing in Sarrat

QUESTION: Was the convoy turned back?

AMINA DIOP: It was. Our drivers were told by the militia that the road was mined.

QUESTION: When will it try again?

AMINA DIOP: On Monday, I hope."""


def test_the_turns_of_a_transcript_are_their_speakers():
    assert contents(TRANSCRIPT) == {
        ("", "Was the convoy turned back?"),
        ("AMINA DIOP", "It was. Our drivers were told by the militia that the road was mined"),
        ("militia", "that the road was mined"),
        ("", "When will it try again?"),
        ("AMINA DIOP", "On Monday, I hope"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "Update: the road is open.\n\nUpdate: the road is closed.\n\nUpdate: it is open.",
        "Water: none.\n\nFood: none.\n\nHope: little.",
        "Key points: the truce holds.",
    ],
)
def test_a_colon_alone_makes_no_transcript(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    ["“Go now!” " * 2_000, "said " * 4_000, "A: b\n\nB: c\n\n" * 1_500, "according to " * 2_000, '"said he said ' * 1_500],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_texts_end(text):
    assert isinstance(found(text.strip()), list)


@pytest.mark.parametrize("name", ["attribution", "attribution_unseen"])
def test_the_gold_of_attribution_is_sound(name):
    path = Path(__file__).parents[2] / "benchmarks" / "data" / f"{name}.jsonl"
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        text = row["text"]
        assert all(0 <= low < high <= len(text) for low, high in row["mentions"])
        for said in row["attributions"]:
            assert said["content"]
            assert said["form"] in ("direct", "indirect", "mixed")
            for low, high in (*said["content"], *said["source"], *said["cue"]):
                assert text[low:high] == text[low:high].strip() != ""


def test_every_attribution_has_the_score_of_how_it_was_found():
    scores = inside("knowledge").knowledge("attribution")["scores"]
    said = reading(
        'He said the road was open. "We drove on it."',
        lambda parse: attribution.find_sayings(parse, quotations(parse.document.text, [(0, 44)])),
    )
    assert [inside("speakers").score_of(s) for s in said] == [scores["clause:indirect"], scores["carried:direct"]]
    assert all(0 < score <= 1 for score in scores.values())
