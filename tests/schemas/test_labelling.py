"""The labelling config is what Label Studio understands, always the same, and drift from it is named."""

import re
from pathlib import Path

import pytest
from label_studio_sdk.label_interface import LabelInterface

from copydesk.schemas import SchemeError, config_drift, config_scheme, labelling_config, load_scheme

TINY = Path(__file__).parent / "data" / "tiny.toml"
TEXT = "Shells hit Dremmen, the governor said. At least 17 died."


def region(id, control, label, text, **answers):
    start = TEXT.index(text)
    value = {"start": start, "end": start + len(text), "text": text}
    rows = [
        {"id": id, "from_name": control, "to_name": "text", "type": "labels", "value": {**value, "labels": [label]}}
    ]
    for name, answer in answers.items():
        kind, key = ("number", answer) if isinstance(answer, int) else ("choices", [answer])
        rows.append({"id": id, "from_name": name, "to_name": "text", "type": kind, "value": {**value, kind: key}})
    return rows


def relation(source, target, label):
    return {"type": "relation", "from_id": source, "to_id": target, "direction": "right", "labels": [label]}


PREDICTION = {
    "model_version": "m@1",
    "score": 0.5,
    "result": [
        *region("g", "entities", "GPE", "Dremmen", gpe_role="actor", polarity="-2", holder="OUTLET", role="none"),
        *region("p", "entities", "PERSON", "governor"),
        *region("t", "entities", "TOLL", "At least 17", toll_kind="killed", toll_low=17, toll_approx="true"),
        *region("c", "attribution", "CONTENT", "Shells hit Dremmen", form="indirect"),
        *region("s", "attribution", "SOURCE", "governor", source_type="party_to_conflict"),
        *region("q", "attribution", "CUE", "said"),
        *region("x", "stance", "STANCE", "Dremmen", polarity="mixed"),
        *region("e", "stance", "EVIDENCE", "hit"),
        relation("s", "c", "source"),
        relation("q", "c", "cue"),
        relation("p", "x", "holder"),
        relation("e", "x", "evidence"),
        {"id": "d", "from_name": "graphic", "to_name": "text", "type": "choices", "value": {"choices": ["no"]}},
    ],
}


def test_label_studio_reads_it_and_takes_a_prediction(scheme):
    interface = LabelInterface(labelling_config(scheme))
    names = {control.name for control in interface.controls}
    assert names == (
        {layer.id for layer in scheme.layers}
        | {attribute.id for attribute in scheme.attributes}
        | {question.id for question in scheme.questions}
    )
    assert [item.name for item in interface.objects] == ["text"]
    assert interface.validate_prediction(PREDICTION, return_errors=True) == []


def test_label_studio_refuses_what_the_scheme_does_not_have(scheme):
    interface = LabelInterface(labelling_config(scheme))
    wrong = {**PREDICTION, "result": region("g", "entities", "DATE", "Dremmen")}
    assert interface.validate_prediction(wrong, return_errors=True)


@pytest.mark.parametrize("layers", [["entities"], ["wording"], ["attribution"], ["entities", "stance"], ["events"]])
def test_any_subset_of_layers_is_a_config(whole_scheme, layers):
    part = whole_scheme.select(layers)
    xml = labelling_config(part)
    LabelInterface(xml)
    assert config_scheme(xml) == (part.name, part.version, part.digest)


def test_it_is_the_same_each_time(scheme, golden):
    xml = labelling_config(scheme)
    assert xml == labelling_config(load_scheme().select(scheme.default_layers))
    golden("labelling.xml", xml)


def test_names_and_arrows_are_unique(whole_scheme):
    # the server looks for names by this very expression
    import re

    names = re.findall(r'name="([^"]*)"', labelling_config(whole_scheme))
    assert len(names) == len(set(names))


def test_a_stray_key_answers_nothing(scheme):
    # every per-region control says itself whom it asks, or the editor keeps answers given by hotkey elsewhere
    xml = labelling_config(scheme)
    for line in xml.splitlines():
        if 'perRegion="true"' in line:
            assert "whenLabelValue=" in line
        if "<Number" in line:
            assert 'hotkey="f1' in line


def test_awkward_words_are_carried_safely():
    scheme = load_scheme(TINY)
    xml = labelling_config(scheme)
    interface = LabelInterface(xml)
    damage = interface.get_control("damage").labels_attrs["DAMAGE"]
    assert damage.attr["hint"] == scheme.label("DAMAGE").definition
    assert interface.get_control("severity").labels_attrs["all"].attr["html"] == "&lt;all&gt; &amp; more"
    assert 'choice="multiple"' in xml


def test_a_word_that_begins_with_a_dollar_is_no_variable_to_the_front_end(scheme):
    layer = scheme.layers[0].model_copy(update={"title": "Losses in $text or US$"})
    config = labelling_config(scheme.model_copy(update={"layers": [layer, *scheme.layers[1:]]}))
    assert 'value="Losses in $\u2060text or US$\u2060"' in config
    headers = [line for line in config.splitlines() if "<Header" in line]
    assert not [line for line in headers if re.search(r"\$\w", line)]


def test_a_character_that_xml_cannot_carry_is_refused():
    scheme = load_scheme(TINY)
    layer = scheme.layers[0].model_copy(update={"title": "bell \x07"})
    with pytest.raises(SchemeError, match=r"the character '\\x07' cannot stand in a labelling config"):
        labelling_config(scheme.model_copy(update={"layers": [layer]}))


def test_no_drift_through_layout_order_and_comments(scheme):
    xml = labelling_config(scheme)
    person = next(line for line in xml.splitlines() if 'value="PERSON"' in line)
    moved = xml.replace(person + "\n", "").replace("</Labels>", person + "\n</Labels>", 1)
    assert moved != xml
    assert config_drift(xml, "<!-- by hand -->\n" + moved.replace("\n", "\n\t")) == []


@pytest.mark.parametrize(
    ("old", "new", "drift"),
    [
        ('<Label value="WEAPON"', '<Label value="ARMS"', ["Label WEAPON of entities is missing", "Label ARMS of entities is not in the scheme"]),
        ('hotkey="k"', 'hotkey="ctrl+k"', ["Label TOLL of entities: hotkey is 'ctrl+k' instead of 'k'"]),
        ('value="+2"', 'value="2"', ["Choice +2 of polarity is missing", "Choice 2 of polarity is not in the scheme"]),
        ('<Relation value="cue"/>', "", ["Relation cue is missing"]),
        ('granularity="symbol"', 'granularity="word"', ["Text text: granularity is 'word' instead of 'symbol'"]),
        (".htx-highlight area", ".x", ["Style: text differs"]),
        ('name="role"', 'name="part"', [
            "Choices role is missing", "Choice protagonist of role is missing", "Choice antagonist of role is missing",
            "Choice innocent of role is missing", "Choice none of role is missing", "Choices part is not in the scheme",
            "Choice protagonist of part is not in the scheme", "Choice antagonist of part is not in the scheme",
            "Choice innocent of part is not in the scheme", "Choice none of part is not in the scheme",
        ]),
        ("conflict-news:1.0.0", "conflict-news:1.1.0", None),
    ],
)  # fmt: skip
def test_drift_is_named_label_by_label(scheme, old, new, drift):
    xml = labelling_config(scheme)
    found = config_drift(xml, xml.replace(old, new, 1))
    if drift is None:
        digest = scheme.digest[:12]
        drift = [f"the scheme is conflict-news 1.1.0 ({digest}) instead of conflict-news 1.0.0 ({digest})"]
    assert found == drift


def test_a_config_of_somebody_else_has_no_scheme(scheme):
    other = '<View><Labels name="ner" toName="t"><Label value="X"/></Labels><Text name="t" value="$t"/></View>'
    assert config_scheme(other) is None
    drift = config_drift(labelling_config(scheme), other)
    assert "Label X of ner is not in the scheme" in drift
    assert drift[-1] == f"the scheme is none instead of conflict-news 1.0.0 ({scheme.digest[:12]})"


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        ("", "it is no well-formed XML: no element found: line 1, column 0"),
        ("<View>", "it is no well-formed XML: no element found: line 1, column 6"),
        ("<View a=1/>", "it is no well-formed XML: not well-formed (invalid token): line 1, column 8"),
        ("just words", "it is no well-formed XML: syntax error: line 1, column 0"),
        ('<!DOCTYPE v [<!ENTITY a "aaaa">]><View>&a;</View>', "it declares a document type, which no config needs"),
        ('<!DOCTYPE v SYSTEM "file:///etc/passwd"><View/>', "it declares a document type, which no config needs"),
        ("<View>" * 80 + "</View>" * 80, "elements are nested more than 64 deep"),
        ("<View>\ud83d</View>", "it holds half a character (a lone surrogate)"),
        (f"<View>{'x' * 5_000_000}</View>", "it is larger than 5,000,000 bytes"),
    ],
    ids=range(9),
)
def test_a_config_that_cannot_be_read_is_one_clear_error(scheme, xml, reason):
    for read in (config_scheme, lambda found: config_drift(labelling_config(scheme), found)):
        with pytest.raises(SchemeError) as caught:
            read(xml)
        assert str(caught.value) == (
            f"the labelling config cannot be read: {reason}\n"
            "Put the project's labelling config back to what the scheme generates."
        )
