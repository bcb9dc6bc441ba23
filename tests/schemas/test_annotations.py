"""What is said knows its text and its parts."""

import dataclasses

import pytest

from copydesk.schemas import POLARITIES, OffsetError, polarity_class, polarity_grade


def test_spans_of_every_layer_are_checked_against_the_text(annotated):
    said = annotated.annotations
    assert said.check(annotated.document) is said
    # entities, contents, sources, cues, evidence
    assert len(list(said.spans())) == 9 + 2 + 2 + 2 + 2
    other = dataclasses.replace(annotated.document, text=annotated.document.text.replace("calm", "mood"))
    with pytest.raises(OffsetError, match="praised the calm"):
        said.check(other)


def test_another_hash_is_refused_though_the_spans_agree(annotated):
    said = dataclasses.replace(annotated.annotations, sha256="0" * 64)
    with pytest.raises(OffsetError, match=f"text {'0' * 64} of document"):
        said.check(annotated.document)


def test_an_entity_is_found_by_its_id(annotated):
    assert annotated.annotations.entity("e4").label == "ARMED_ACTOR"
    assert annotated.annotations.entity("nobody") is None


def test_polarities_have_a_grade_and_a_class():
    assert [polarity_grade(polarity) for polarity in POLARITIES] == [-2, -1, 0, 1, 2, None, None]
    assert [polarity_class(polarity) for polarity in POLARITIES] == [
        "negative", "negative", "neutral", "positive", "positive", "mixed", "cannot_tell",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"polarity must be one of -2, .*, got '\+3'"):
        polarity_class("+3")
