from __future__ import annotations

import importlib
import re
import tomllib
from importlib import resources

import pytest

sentences = importlib.import_module("copydesk.corpus.sentences").sentences
quotations = importlib.import_module("copydesk.corpus.quotes").quotations

# sentences are parted by |
HARD = [
    "Brig. Gen. Omar Haddad met Lt. Col. J. R. Petrov and Sgt. Maj. Ali at St. Anna's. | They agreed.",
    "The U.N. Security Council met in New York. | It failed.",
    "He flew to Washington D.C. on Monday. | U.S. officials waited.",
    "She lives in the U.S. | The army does not know. | He left at 5 a.m. | They followed.",
    "ALEPPO, Syria (AP) — Rebels entered the city, residents said. | Shops closed.",
    "KYIV, Ukraine, March 3 (Reuters) - Air defences were at work. | No one was hurt.",
    "“We will not leave. We have nowhere to go,” said Nadia Brek. | She is a teacher.",
    '"Stop! Now!" he cried. | They did.',
    "He called them “terrorists. Nothing else.” in a speech. | Nobody clapped.",
    "The town fell because of X. | So the road is open.",
    "There is nothing to scoff at. | Virtually all of it is new.",
    "1. The first reason is hunger. | 2. The second is fear.",
    "Was it true? | No one knew! | “Yes,” said Capt. Ali.",
    "“Nobody stopped them.” | He left.",
    "George W. Bush and Harry S. Truman never met. | No. 5 Company did.",
    "About 3.5 million people fled, 1,200 of them by sea. | Prices rose 2.5 percent.",
    "The Ministry of Defence etc. were empty. | Shells, mines, etc. | The rest was sold.",
    "Al-Nur Co. Ltd. of Harun closed. | Its owner, A. Brek Jr. of Qasra, fled.",
]


@pytest.mark.parametrize("text", HARD)
def test_hard_cases(text):
    expected = [piece.strip() for piece in text.split("|")]
    plain = " ".join(expected)
    found = sentences(plain, 0, len(plain), quoted=quotations(plain, [(0, len(plain))]))
    assert [plain[start:end] for start, end in found] == expected


def test_a_long_quotation_is_several_sentences():
    inside = " ".join(
        f"We waited {number} days for the convoy at the ring road." for number in ("two", "three", "four")
    )
    text = f"“{inside}”"
    assert len(sentences(text, 0, len(text), quoted=[(0, len(text))])) == 3


def test_offsets_are_of_the_whole_text():
    text = "Headline\n\nOne sentence. Another one."
    assert [text[start:end] for start, end in sentences(text, 10, len(text))] == ["One sentence.", "Another one."]


def test_every_list_of_the_data_is_sorted_out():
    lists = tomllib.loads((resources.files("copydesk.corpus") / "data" / "sentences.toml").read_text("utf-8"))
    assert not set(lists["titles"]) & set(lists["abbreviations"])
    for words in lists.values():
        assert len(set(words)) == len(words)
        assert not any(word.endswith(".") for word in words)


@pytest.mark.parametrize(
    "title",
    tomllib.loads((resources.files("copydesk.corpus") / "data" / "sentences.toml").read_text("utf-8"))["titles"],
)
def test_every_title_has_its_example(title):
    text = f"Reporters asked {title}. Harun about the town. The army left."
    assert [text[a:b] for a, b in sentences(text, 0, len(text))] == [text[: -len(" The army left.")], "The army left."]


@pytest.mark.parametrize(
    "word",
    tomllib.loads((resources.files("copydesk.corpus") / "data" / "sentences.toml").read_text("utf-8"))["abbreviations"],
)
def test_every_abbreviation_ends_a_sentence_only_before_a_starter(word):
    text = f"They reached the {word}. The army left."
    assert len(sentences(text, 0, len(text))) == 2
    text = f"They reached the {word}. Zaranj road."
    assert len(sentences(text, 0, len(text))) == 1, re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("text", ["." * 300_000, ". " * 100_000, "A. " * 30_000, "“a " * 60_000, "1. " * 30_000])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_row_of_stops_takes_for_ever(text, language):
    # in a time that grew with the square of the length, this test would not end
    found = sentences(text, 0, len(text), quoted=quotations(text, [(0, len(text))]), language=language)
    assert "".join(text[a:b] for a, b in found).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Smoke rises over Harun Photo: L. Orlov", 2),
        ("He asked for a Photo: none was given", 1),
        ("At 5 p.m. Moscow time it began. At 6 p.m. It ended.", 3),
        ("See No. 5. It is empty. The answer is no. Nobody came.", 4),
        ("They live on Hwy. 6. Rte. 12 is closed.", 2),
        ("“We left. We ran.”", 2),
        ("“We left. We ran,” he said.", 1),
        ("Maud II. of Ostland wrote. van der Meer did not.", 2),
    ],
)
def test_rules(text, number):
    assert len(sentences(text, 0, len(text), quoted=quotations(text, [(0, len(text))]))) == number


def test_blocks_are_cut_as_paragraphs_are():
    split = importlib.import_module("copydesk.corpus.sentences").block_sentences
    parts = [case.replace(" | ", " ") for case in HARD]
    text, blocks, start = "\n\n".join(parts), [], 0
    for part in parts:
        blocks.append((start, start + len(part)))
        start += len(part) + 2
    quoted = quotations(text, blocks)
    assert split(text, blocks, quoted=quoted) == [sentences(text, a, b, quoted=quoted) for a, b in blocks]
