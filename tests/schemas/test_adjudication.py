from __future__ import annotations

import pytest

from copydesk.schemas import (
    ADJUDICATION_REASON,
    SchemeError,
    adjudication_config,
    adjudication_scheme,
    config_drift,
    config_layers,
    config_scheme,
    config_use,
    instruction,
    is_own_instruction,
    labelling_config,
    load_scheme,
)


@pytest.fixture(scope="module")
def scheme():
    return load_scheme().select(["entities", "attribution", "stance"])


def test_the_config_is_the_scheme_s_and_one_block_more(scheme):
    plain, config = labelling_config(scheme), adjudication_config(scheme)
    assert (config_use(plain), config_use(config)) == ("", "adjudication")
    assert config_scheme(config) == config_scheme(plain)
    assert config_layers(config) == config_layers(plain)
    assert config_drift(config, adjudication_config(scheme)) == []
    older = config_drift(config, adjudication_config(scheme, by_mark=False))
    assert len(older) == 6
    assert all("adjudication_item_reason" in line for line in older)
    assert {line.split(" of ")[-1] for line in config_drift(plain, config)} == {
        "adjudication_reason is not in the scheme", "Choices adjudication_reason is not in the scheme",
        "adjudication_item_reason is not in the scheme", "Choices adjudication_item_reason is not in the scheme",
    }  # fmt: skip


def test_no_answer_is_no_submit_and_the_list_is_the_task_s(scheme):
    config = adjudication_config(scheme)
    (asked,) = (line for line in config.split("\n") if 'name="adjudication_reason"' in line)
    assert 'required="true"' in asked
    assert 'choice="single-radio"' in asked
    assert '<Header value="$disputed"' in config


def test_a_reason_taken_out_by_hand_is_named(scheme):
    config = adjudication_config(scheme)
    changed = config.replace('<Choice value="guideline_gap"', '<Choice value="gap"', 1)
    assert config_drift(config, changed) == [
        "Choice guideline_gap of adjudication_reason is missing",
        "Choice gap of adjudication_reason is not in the scheme",
    ]


def test_the_codec_s_scheme_has_the_question_and_a_digest_of_its_own(scheme):
    asking = adjudication_scheme(scheme)
    assert asking.questions[-1] == ADJUDICATION_REASON
    assert asking.digest != scheme.digest
    assert [value.id for value in ADJUDICATION_REASON.values] == [
        "ambiguous_text", "guideline_gap", "annotator_error", "edge_case", "disagreement_of_judgement",
    ]  # fmt: skip
    for refused in (adjudication_scheme, adjudication_config):
        with pytest.raises(SchemeError, match="of its own, which an adjudication asks for itself"):
            refused(asking)


def test_the_instruction_tells_an_adjudicator_what_is_what(scheme):
    told = instruction(scheme, "document", "adjudication")
    assert is_own_instruction(told)
    assert "What you leave as it is counts as decided, too." in told
    assert "The guidelines do not say what to do here." in told
    assert "counts as decided" not in instruction(scheme)
