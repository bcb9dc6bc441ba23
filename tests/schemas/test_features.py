"""Names come in an order that never changes, without a dataset library."""

import pytest

from copydesk.schemas import (
    AttributeField,
    SchemeError,
    attribute_fields,
    bio_names,
    label_names,
    value_names,
)


def test_labels_and_tags_are_in_the_schemes_order(scheme, whole_scheme):
    assert label_names(scheme)[:3] == ("PERSON", "ARMED_ACTOR", "ORG")
    assert len(label_names(scheme)) == 12
    assert len(label_names(whole_scheme)) == 12 + 6 + 16
    assert label_names(scheme, "attribution") == ("SOURCE", "CUE", "CONTENT")
    tags = bio_names(scheme)
    assert tags[:5] == ("O", "B-PERSON", "I-PERSON", "B-ARMED_ACTOR", "I-ARMED_ACTOR")
    assert len(tags) == 25


def test_attributes_become_columns_with_a_kind(scheme):
    fields = {field.id: field for field in attribute_fields(scheme)}
    assert list(fields)[:3] == ["actor_class", "org_class", "gpe_role"]
    assert fields["toll_low"] == AttributeField("toll_low", "entities", "integer", (), ("TOLL",))
    assert fields["military"].kind == "flag"
    assert fields["form"].values == ("direct", "indirect", "mixed")
    assert [field.id for field in attribute_fields(scheme, "attribution")] == ["form", "source_type"]


def test_what_is_not_there_is_said(scheme):
    with pytest.raises(SchemeError, match="scheme conflict-news has no layer 'events'"):
        label_names(scheme, "events")
    for name in ("mood", "toll_low"):
        with pytest.raises(SchemeError, match=f"scheme conflict-news has no choice '{name}'"):
            value_names(scheme, name)
