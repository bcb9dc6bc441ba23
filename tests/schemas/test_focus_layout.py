"""The config of single mentions is read by Label Studio, asks the stance in the open, and gives no key twice."""

from itertools import combinations

import pytest
from label_studio_sdk.label_interface import LabelInterface

from copydesk.schemas import (
    SchemeError,
    config_drift,
    config_layers,
    config_layout,
    config_scheme,
    focus_config,
    focus_scheme,
    holder_keys,
    labelling_config,
)
from copydesk.schemas.config_xml import read_element


def controls(scheme):
    return {e.attributes["name"]: e for e in read_element(focus_config(scheme)).walk() if "toName" in e.attributes}


def test_label_studio_reads_it_and_takes_a_prediction(scheme):
    interface = LabelInterface(focus_config(scheme))
    assert [item.name for item in interface.objects] == ["text"]
    words = {"start": 0, "end": 6, "text": "rebels"}

    def row(id, name, kind, **value):
        return {"id": id, "from_name": name, "to_name": "text", "type": kind, "value": value}

    rows = [
        row("m", "entities", "labels", **words, labels=["ARMED_ACTOR"]),
        row("p", "polarity", "choices", choices=["-2"]),
        row("h", "holder", "choices", choices=["OUTLET"]),
        row("r", "role", "choices", choices=["none"]),
        row("s", "stance", "labels", **words, labels=["STANCE"]),
        row("s", "further-polarity", "choices", **words, choices=["mixed"]),
    ]
    assert interface.validate_prediction({"model_version": "m", "score": 0.5, "result": rows}, return_errors=True) == []


def test_the_stance_is_asked_of_the_task_and_needs_an_answer(scheme):
    found = controls(scheme)
    assert list(found) == [
        "text", "polarity", "holder", "role", "entities", "stance",
        "further-polarity", "further-holder", "further-role",
    ][1:]  # fmt: skip
    for name in ("polarity", "holder", "role"):
        assert "perRegion" not in found[name].attributes
        assert (found[name].attributes.get("required") == "true") == (name != "role")
    assert [choice.attributes["value"] for choice in found["polarity"].children] == [
        value.id for value in scheme.attribute("polarity").values
    ]
    assert found["holder"].attributes["value"] == found["further-holder"].attributes["value"] == "$holders"


def test_every_answer_has_one_key_of_its_own(scheme):
    found = controls(scheme)
    keys = [child.attributes["hotkey"] for c in found.values() for child in c.children if "hotkey" in child.attributes]
    asked = [child for name in ("polarity", "holder", "role") for child in found[name].children]
    assert all(child.attributes.get("hotkey") for child in asked)
    free = holder_keys(scheme)
    assert len(set(keys)) == len(keys)
    assert not set(free) & {*keys, "u"}
    assert len(free) >= 9


def test_only_what_a_stance_is_about_can_be_marked(scheme):
    found = controls(scheme)
    marked = {label.attributes["value"] for name in ("entities", "stance") for label in found[name].children}
    assert marked == scheme.stance_targets | {"EVIDENCE", "STANCE"}


def test_whatever_layers_are_chosen_it_shows_the_same(scheme):
    layers = [layer.id for layer in scheme.layers if layer.id not in ("entities", "stance")]
    for number in range(len(layers) + 1):
        for more in combinations(layers, number):
            cut = scheme.select(["entities", "stance", *more])
            assert focus_config(cut) == focus_config(scheme)
            assert holder_keys(cut) == holder_keys(scheme)
    assert [layer.id for layer in focus_scheme(scheme).layers] == config_layers(focus_config(scheme))
    assert focus_scheme(focus_scheme(scheme)) == focus_scheme(scheme)


def test_a_scheme_without_stance_is_refused(scheme):
    with pytest.raises(SchemeError) as caught:
        focus_config(scheme.select(["entities", "attribution"]))
    assert "the focus layout asks for the stance on a mention, and scheme conflict-news shows no stance" in str(
        caught.value
    )
    assert "studio.layout" in str(caught.value)


def test_the_layout_and_the_scheme_are_read_back_and_drift_is_named(scheme):
    ours = focus_config(scheme)
    cut = focus_scheme(scheme)
    assert config_layout(ours) == "focus"
    assert config_layout(labelling_config(cut)) == "document"
    assert config_scheme(ours) == (cut.name, cut.version, cut.digest)
    assert config_drift(ours, ours) == []
    changed = ours.replace('<Choice value="mixed"', '<Choice value="muddled"', 1)
    assert config_drift(ours, changed) == [
        "Choice mixed of polarity is missing",
        "Choice muddled of polarity is not in the scheme",
    ]


def test_words_of_a_scheme_are_no_markup(scheme):
    hostile = scheme.model_copy(
        update={
            "attributes": [
                a.model_copy(
                    update={
                        "definition": '"><Text name="x" value="$y"/>',
                        "values": [v.model_copy(update={"title": "<img src=x onerror=alert(1)>"}) for v in a.values],
                    }
                )
                for a in scheme.attributes
            ]
        }
    )
    root = read_element(focus_config(hostile))
    assert [e.attributes["name"] for e in root.walk() if e.tag == "Text"] == ["text"]
    for choice in (e for e in root.walk() if e.tag == "Choice"):
        assert "<" not in choice.attributes["html"]
