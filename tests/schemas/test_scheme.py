"""A scheme that contradicts itself is refused with its place; a part of one is a scheme again."""

import copy
import tomllib
from pathlib import Path

import pytest

from copydesk.schemas import LabelScheme, SchemeError, load_scheme

TINY = Path(__file__).parent / "data" / "tiny.toml"


@pytest.fixture
def tiny():
    return tomllib.loads(TINY.read_text(encoding="utf-8"))


def refused(data):
    with pytest.raises(ValueError, match="validation error") as caught:
        LabelScheme.model_validate(data)
    return caught.value.errors()[0]["msg"]


def test_a_desk_may_add_a_layer_of_its_own():
    scheme = load_scheme(TINY)
    assert [label.id for label in scheme.span_labels] == ["BRIDGE", "DAMAGE"]
    assert [attribute.id for attribute in scheme.attributes_of("DAMAGE")] == ["severity", "spans_lost"]
    assert scheme.stance_targets == frozenset()
    assert scheme.default_layers == ["entities"]
    assert (scheme.label("BRIDGE").hotkey, scheme.label("ROAD"), scheme.attribute("mood")) == ("1", None, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["layers"].append(s["layers"][0]), "layer, attribute or question 'entities' is defined twice"),
        (lambda s: s["labels"].append(s["labels"][0]), "label 'BRIDGE' is defined twice"),
        (lambda s: s["questions"][0].update(id="damage"), "layer, attribute or question 'damage' is defined twice"),
        (lambda s: s["attributes"][0].update(id="text"), "layer, attribute or question 'text' is defined twice"),
        (
            lambda s: s["attributes"][0]["values"].append({"id": "all", "definition": ""}),
            "value of 'severity' 'all' is defined twice",
        ),
        (lambda s: s["labels"][0].update(layer="x"), "'BRIDGE' names the layer 'x', which is not defined"),
        (lambda s: s["attributes"][0].update(labels=["X"]), "'severity' names the label 'X', which is not defined"),
        (
            lambda s: s["attributes"][0].update(values=[]),
            "attribute 'severity': a choice needs values, and only a choice has them",
        ),
        (
            lambda s: s["attributes"][1].update(values=[{"id": "a", "definition": ""}]),
            "attribute 'spans_lost': a choice needs values, and only a choice has them",
        ),
        (
            lambda s: s["labels"][1].update(hotkey="1"),
            "the hotkey '1' is given twice: to label BRIDGE and to label DAMAGE",
        ),
        (
            lambda s: s["questions"][0]["values"][1].update(hotkey="1"),
            "the hotkey '1' is given twice: to label BRIDGE and to topics trade",
        ),
        (lambda s: s["labels"][0].update(hotkey="u"), "the hotkey 'u' of label BRIDGE cannot be used"),
        (lambda s: s["labels"][0].update(hotkey="Q"), "the hotkey 'Q' of label BRIDGE cannot be used"),
        (
            lambda s: s["labels"][0].update(hotkey="ctrl+enter"),
            "the hotkey 'ctrl+enter' of label BRIDGE cannot be used",
        ),
        (
            lambda s: s["labels"][0]["examples"][1].update(text="No mark."),
            "label 'BRIDGE': no [[words]] are marked in the example 'No mark.'",
        ),
    ],
)
def test_a_contradiction_is_named(tiny, change, message):
    tiny = copy.deepcopy(tiny)
    change(tiny)
    assert message in refused(tiny)


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("name = ", "", "not TOML: Invalid value"),
        (
            'name = "tiny"\nversion = "1"\ntitle = ""\nlayers = []\nlabels = []',
            ": version",
            "String should match pattern",
        ),
        ('name = "tiny"', ": version", "Field required"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path, text, where, message):
    path = tmp_path / "my.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SchemeError) as caught:
        load_scheme(path)
    assert str(caught.value).startswith(f"{path}{where}: {message}")


def test_a_label_needs_two_examples_and_two_counter_examples(tmp_path):
    text = TINY.read_text(encoding="utf-8").replace(', { text = "He [[fell]] ill." }', "")
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SchemeError, match=r"my.toml: labels.1.counter_examples: List should have at least 2 items"):
        load_scheme(tmp_path / "my.toml")


def test_an_unknown_key_is_an_error(tmp_path):
    text = TINY.read_text(encoding="utf-8").replace("hotkey =", "hot_key =")
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SchemeError, match=r"labels.0.hot_key: Extra inputs are not permitted"):
        load_scheme(tmp_path / "my.toml")


def test_a_scheme_that_is_not_there_says_what_to_give(tmp_path):
    with pytest.raises(SchemeError) as caught:
        load_scheme("peace-news-2.0")
    assert str(caught.value) == (
        "no scheme 'peace-news-2.0' is shipped\nGive conflict-news-1.0 or the path of a .toml file."
    )
    with pytest.raises(SchemeError, match=r"none\.toml: cannot read the scheme: .*No such file"):
        load_scheme(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(SchemeError, match=r"latin\.toml: cannot read the scheme: .*utf-8"):
        load_scheme(tmp_path / "latin.toml")


def test_a_part_of_a_scheme_keeps_its_name_and_changes_its_digest(whole_scheme):
    part = whole_scheme.select(["attribution", "entities"])
    assert (part.name, part.version) == (whole_scheme.name, whole_scheme.version)
    assert part.digest != whole_scheme.digest
    assert part.digest == whole_scheme.select(["entities", "attribution"]).digest
    assert [layer.id for layer in part.layers] == ["entities", "attribution"]
    assert part.attribute("polarity") is None
    assert [relation.id for relation in part.relations] == ["source", "cue"]
    assert part.questions == whole_scheme.questions


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["entities", "peace"], "scheme conflict-news has no layer 'peace'; it has entities, attribution, stance, wording, events"),
        (
            ["stance"],
            (
                "the layer 'stance' needs the layer 'entities': its 'polarity' is about ARMED_ACTOR\n"
                "Select 'entities' as well, or leave 'stance' out."
            ),
        ),
        ([], "no layer of scheme conflict-news is selected\nSelect at least one layer."),
    ],
)  # fmt: skip
def test_a_part_that_cannot_be_is_refused(whole_scheme, layers, message):
    with pytest.raises(SchemeError) as caught:
        whole_scheme.select(layers)
    assert str(caught.value) == message


def test_the_digest_changes_with_any_word(tiny):
    before = LabelScheme.model_validate(tiny).digest
    tiny["labels"][1]["counter_examples"][0]["why"] = "It is whole."
    assert LabelScheme.model_validate(tiny).digest != before


def test_an_unnamed_arrow_is_known_by_its_ends(whole_scheme):
    names = {
        ends: getattr(whole_scheme.relation_between(*ends), "id", None)
        for ends in (
            ("SOURCE", "CONTENT"), ("CUE", "CONTENT"), ("EVIDENCE", "STANCE"), ("EVIDENCE", "ORG"), ("PERSON", "ORG"),
            ("PERSON", "STANCE"), ("CONTENT", "SOURCE"), ("TIME", "TOLL"), ("EVIDENCE", "CONTENT"),
        )
    }  # fmt: skip
    assert names == {
        ("SOURCE", "CONTENT"): "source", ("CUE", "CONTENT"): "cue", ("EVIDENCE", "STANCE"): "evidence",
        ("EVIDENCE", "ORG"): "evidence", ("PERSON", "ORG"): "holder", ("PERSON", "STANCE"): "holder",
        ("CONTENT", "SOURCE"): None, ("TIME", "TOLL"): None, ("EVIDENCE", "CONTENT"): None,
    }  # fmt: skip
