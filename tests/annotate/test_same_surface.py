"""The same words elsewhere: where they count, and where a word or a character goes on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def same():
    import importlib

    return importlib.import_module("copydesk.annotate.same_surface")


@pytest.mark.parametrize(
    ("text", "marked", "found"),
    [
        ("Aden fell. In Aden, Aden's port burnt; Adenauer did not.", "Aden", ["Aden", "Aden"]),
        ("the army, an army; armys Army ARMY", "army", ["army"]),
        ("anti-aircraft aircraft", "aircraft", ["aircraft"]),  # a hyphen joins words, and each is one
        ("Qasr  Army and Qasr\u00a0Army and Qasr\nArmy", "Qasr  Army", ["Qasr\u00a0Army"]),
        ("👨 saw 👨‍👩‍👧 and 👨‍👩‍👧", "👨", []),
        ("👨 saw 👨‍👩‍👧 and 👨 and 👍👍🏽", "👨", ["👨"]),
        ("👍 saw 👍🏽 and 👍", "👍", ["👍"]),
        ("🇺🇦 🇺🇦🇷🇺 🇺🇦", "🇺🇦", ["🇺🇦"]),
        ("🇺🇦Kyiv and 🇺🇦", "🇺🇦", ["🇺🇦"]),
        ("قوات الجيش قالت قوات الجيش والقوات", "قوات", ["قوات"]),
        ("x e e\u0323 e\u0301 e", "e", ["e"]),
        ("在俄罗斯的。俄罗斯", "俄罗斯", ["俄罗斯"]),
        ("12,000 of 12,000 or 112,000", "12,000", ["12,000"]),
        ("(A.B.) a.b. A.B.", "A.B.", ["A.B."]),
        ("a.c abc", "a.c", []),  # no pattern
    ],
)
def test_where_else_the_same_words_stand(same, text, marked, found):
    start = text.index(marked)
    places = same.same_surface(text, start, start + len(marked))
    assert [text[low:high] for low, high in places] == found
    assert all(low != start for low, _ in places)


def test_what_is_no_name_is_not_looked_for(same):
    text = "one\n\ntwo one\n\ntwo   " + "word " * 100 + "word " * 100
    assert same.same_surface(text, 0, 8) == []
    assert same.same_surface(text, 17, 19) == []
    assert same.same_surface(text, 20, 20 + same.LONGEST + 1) == []


def test_there_is_an_end_to_it(same):
    places = same.same_surface("it " * 2_000, 0, 2)
    assert len(places) == same.MOST
    assert places[0] == (3, 5)


WORDS = st.sampled_from(
    ["Aden", "aden", "Adenauer", "👨", "👨‍👩‍👧", "e\u0301", "e", "قوات", "俄罗斯", "(", "A.B.", "12"]
)
GAPS = st.sampled_from([" ", "  ", "\u00a0", "\n\n", "", ", ", "-", "\u200d", "\r\n"])


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_every_place_reads_like_the_first(same, data):
    text = "".join(word + gap for word, gap in data.draw(st.lists(st.tuples(WORDS, GAPS), min_size=2, max_size=20)))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, min(len(text), start + 12)))
    low, high = same.trimmed(text, start, end)
    assert text[low:high] == text[start:end].strip()
    last = 0
    for begin, stop in same.same_surface(text, start, end):
        assert text[begin:stop].split() == text[start:end].split()
        assert last <= begin < stop
        assert (begin, stop) != (start, end)
        last = stop
