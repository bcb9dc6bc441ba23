from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.export.personal import marks


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("Write to anna.weld+tips@news.example.org, she said.", "email", "anna.weld+tips@news.example.org"),
        ("anna [at] example.org", "email", "anna [at] example.org"),
        ("юля@пошта.укр answers", "email", "юля@пошта.укр"),
        ("Call +44 20 7946 0958 at night.", "phone", "+44 20 7946 0958"),
        ("0044 20 7946 0958", "phone", "0044 20 7946 0958"),
        ("Tel.: (555) 010-4477", "phone", "(555) 010-4477"),
        ("a hotline, 0800 111 2233, was opened", "phone", "0800 111 2233"),
        ("Donations: GB82 WEST 1234 5698 7654 32.", "iban", "GB82 WEST 1234 5698 7654 32"),
        ("card 4111 1111 1111 1111 expired", "card", "4111 1111 1111 1111"),
    ],
)
def test_what_is_marked(text, kind, words):
    (mark,) = marks(text)
    assert (mark.kind, text[mark.start : mark.end]) == (kind, words)


@pytest.mark.parametrize(
    "text",
    [
        "At least 12,345,678 people were displaced between 2031-03-04 and 2031-04-05.",
        "The call on 04.03.2031 came at 18:05; 1 200 000 people heard it.",
        "Resolution 2254 (2015) and 1701 (2006) were read out.",
        "The depot lies at 48.8566, 2.3522, some 120 km away.",
        "GB82 WEST 1234 5698 7654 33 has a wrong check digit, and so has 4111 1111 1111 1112.",
        "The order of 1234567890123 shells, numbers 0000 0000 0000 0000.",
        "He wrote @home on the wall, and 5 @ 3.50 below.",
        "Call 911.",
        "The rocket, an R-17E with serial 8821-443, fell short.",
    ],
)
def test_what_is_none(text):
    assert marks(text) == ()


def test_marks_stay_apart_and_in_order():
    text = "a@b.org or +44 20 7946 0958, card 5500 0000 0000 0004"
    found = marks(text)
    assert [mark.kind for mark in found] == ["email", "phone", "card"]
    assert all(one.end <= other.start for one, other in pairwise(found))


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="a@.+-( )0123456789[]tGB\n", max_size=80))
def test_whatever_comes_gives_places_inside_the_text(text):
    found = marks(text)
    assert all(0 <= mark.start < mark.end <= len(text) for mark in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
