"""The guidelines say all that the scheme says."""

import re
from pathlib import Path

from copydesk.schemas import guidelines, load_scheme


def test_the_guidelines_are_the_golden_ones(scheme, golden):
    golden("guidelines.md", guidelines(scheme))


def test_everything_is_in_the_guidelines(whole_scheme):
    text = guidelines(whole_scheme)
    plain = text.replace("**", "")
    for label in whole_scheme.labels:
        assert f"### {label.id}\n\n{label.definition}" in text
        for example in (*label.examples, *label.counter_examples):
            assert re.sub(r"\[\[|\]\]", "", example.text) in plain
    for asked in (*whole_scheme.attributes, *whole_scheme.questions):
        assert asked.definition in text
        for value in asked.values:
            assert f"`{value.id}`" in text
            assert value.definition in text
    for relation in whole_scheme.relations:
        assert f"| `{relation.id}` |" in text
    for layer in whole_scheme.layers:
        assert all(f"- {rule}\n" in text for rule in layer.rules)
    assert "[[" not in text


def test_a_small_scheme_gives_small_guidelines():
    text = guidelines(load_scheme(Path(__file__).parent / "data" / "tiny.toml"))
    assert "- The **bridge** fell.\n" in text
    assert "What about? Several answers are possible." in text
    assert "## Crosswalk" not in text
    assert "| arrow |" not in text


def test_tables_stay_whole(whole_scheme):
    rows = [line for line in guidelines(whole_scheme).splitlines() if line.startswith("|")]
    widths = {line.count("|") - line.count("\\|") for line in rows}
    assert widths == {5, 8}
