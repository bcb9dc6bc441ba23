"""Offsets are code points, ids come from content, and a span that disagrees with its text says so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.schemas import Document, OffsetError, Span, document_id, text_sha256


def document(text):
    return Document(document_id(text), text, text_sha256(text))


@st.composite
def cuts(draw):
    text = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
    start = draw(st.integers(0, len(text) - 1))
    return document(text), start, draw(st.integers(start + 1, len(text)))


@settings(deadline=None, max_examples=100)
@given(cuts())
def test_a_span_is_the_slice_of_its_text(cut):
    article, start, end = cut
    span = Span.of(article, start, end)
    assert span.text == article.text[start:end]
    assert span.check(article) is span
    assert span.contains(span)
    assert span.overlaps(span)


@settings(deadline=None, max_examples=100)
@given(cuts(), st.integers(-3, 70), st.integers(-3, 70))
def test_containing_is_overlapping_whole(cut, start, end):
    article, *_ = cut
    inner = Span.of(article, *cut[1:])
    other = Span(start, end, "")
    if other.contains(inner):
        assert other.overlaps(inner)
    assert inner.overlaps(other) == other.overlaps(inner)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 2), (3, 1), (0, 99)])
def test_a_range_outside_the_text_is_refused(start, end):
    with pytest.raises(OffsetError) as caught:
        Span.of(document("Dremmen"), start, end)
    assert f"span [{start}, {end}) should read 'a range inside the text' but the text has '7 code points'" in str(
        caught.value
    )


def test_a_span_of_another_text_says_what_it_wanted_and_what_it_found():
    article = document("💥 Dremmen")
    span = Span.of(article, 2, 9)
    moved = document("Dremmen 💥 ")
    with pytest.raises(OffsetError) as caught:
        span.check(moved)
    assert str(caught.value) == (
        f"document {moved.id}: span [2, 9) should read 'Dremmen' but the text has 'emmen 💥'\n"
        "The text or the offsets changed on the way; nothing was repaired. Compare the text's sha256."
    )
    assert (caught.value.start, caught.value.end, caught.value.expected) == (2, 9, "Dremmen")


@pytest.mark.parametrize(("start", "end"), [(-2, 2), (5, 5), (7, 3)])
def test_no_odd_range_is_read_from_the_back(start, end):
    with pytest.raises(OffsetError, match="nothing"):
        Span(start, end, "x").check(document("Dremmen burns"))


def test_an_id_comes_from_content_outlet_address_and_key():
    ids = {
        document_id("text"),
        document_id("text", outlet="a"),
        document_id("text", url="a"),
        document_id("text", external_id="a"),
        document_id("texta"),
    }
    assert len(ids) == 5
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in ids)
    assert document_id("text", outlet="a") == document_id("text", outlet="a")


def test_half_a_character_has_no_hash():
    with pytest.raises(UnicodeEncodeError):
        text_sha256("\ud83d")
