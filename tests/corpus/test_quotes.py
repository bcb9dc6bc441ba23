from __future__ import annotations

import importlib

import pytest

quotations = importlib.import_module("copydesk.corpus.quotes").quotations


def found(text):
    ranges, start = [], 0
    for paragraph in text.split("\n\n"):
        ranges.append((start, start + len(paragraph)))
        start += len(paragraph) + 2
    return [text[a:b] for a, b in quotations(text, ranges)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“We left,” he said. “We had to.”", ["“We left,”", "“We had to.”"]),
        ('He said: "We left". She said "no".', ['"We left"', '"no"']),
        ("The rebels' base and the army's 'liberation' of it", ["'liberation'"]),
        ("The rebels’ base, the so-called ‘free zone’, fell", ["‘free zone’"]),
        ("«Мы ушли», — сказал он", ["«Мы ушли»"]),
        ("„Wir gehen“, sagte er", ["„Wir gehen“"]),
        ("“He told me ‘run’ and I ran,” she said", ["“He told me ‘run’ and I ran,”"]),
        ("Don't say it's the '90s", []),
        ('A 6" gun and a 5" gun', []),
        ("It wasn’t “theirs", []),
    ],
)
def test_quotations(text, expected):
    assert found(text) == expected


def test_a_quotation_over_paragraphs_has_a_piece_in_each():
    text = "She said: “We left at dawn.\n\n“We walked for two days.\n\n“Nobody helped.”\n\nShe cried."
    assert found(text) == ["“We left at dawn.", "“We walked for two days.", "“Nobody helped.”"]


def test_a_straight_quotation_over_paragraphs():
    text = 'He said: "We left at dawn.\n\n"We walked for two days," he said.'
    assert found(text) == ['"We left at dawn.', '"We walked for two days,"']
