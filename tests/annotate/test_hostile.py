"""No list of words and no pattern may cost more than its share of a text, whatever the text is."""

from __future__ import annotations

from re import _parser

import pytest
from readers import inside

from copydesk.corpus import quotations

labels, rules, tolls, words, models = (inside(name) for name in ("labels", "rules", "tolls", "words", "models"))
ENDLESS = 100


def endless(tree):
    """Yield the repeats of a parsed pattern that have no end."""
    for code, argument in tree:
        name = str(code)
        if name.endswith("REPEAT"):
            if argument[1] > ENDLESS:
                yield argument
            yield from endless(argument[2])
        elif name == "SUBPATTERN":
            yield from endless(argument[3])
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from endless(branch)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from endless(argument[1])


PATTERNS = {
    **{rule.id: rule.pattern for rule in rules.rules() if rule.pattern},
    **{f"toll {number} {kind}": frame for number, (kind, frame, *_) in enumerate(tolls._frames())},
    **{
        f"context {n} {i}": one
        for n, (_, *both, _) in enumerate(labels._contexts())
        for i, one in enumerate(both)
        if one
    },
}


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_over_whole_texts_has_an_endless_repeat(name):
    pattern = PATTERNS[name]
    assert list(endless(_parser.parse(pattern.pattern, pattern.flags & ~32))) == []


def test_bounded_ends_runs_and_leaves_the_rest():
    assert words.bounded(r"\w+-[a-z\]]* (x y)+") == r"\w{1,60}-[a-z\]]{0,60} (x y)+"


@pytest.mark.parametrize("mark", ["“", "«", '"', "'", "‘", "„", "”"])
def test_open_quotation_marks_are_gone_through_once(mark, monkeypatch):
    quotes = __import__("importlib").import_module("copydesk.corpus.quotes")
    looks = []
    closes = quotes._closes
    monkeypatch.setattr(quotes, "_closes", lambda *args, **more: looks.append(1) or closes(*args, **more))
    work = []
    for times in (500, 2000):
        text = f" {mark}a" * times
        looks.clear()
        assert quotations(text, [(0, len(text))]) == []
        work.append(len(looks))
    assert work[1] <= 4 * work[0] + 4


def test_a_long_chain_is_one_word():
    text = "one-" * 50_000
    assert len(words.words_of(text)) == 1
    assert list(tolls.find_tolls(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "😀" * 3000,
        "الجيش السوري " * 300,
        "[" * 5000,
        "the " * 3000,
        "1,000," * 1500,
        "A-" * 4000,
        "“ " * 3000,
        " ",
        "\n\n\n",
    ],
    ids=["emoji", "arabic", "brackets", "the", "numbers", "hyphens", "quotes", "space", "breaks"],
)
def test_hostile_texts_give_clean_mentions_or_none(text):
    from readers import mentions

    for (said,) in [mentions([text])]:
        for covered, _, mention in said:
            assert covered.strip() == covered
            assert 0 <= mention.start < mention.end <= len(text)
