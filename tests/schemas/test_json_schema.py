"""The JSON Schema is one, accepts what we write, and refuses what it can see is wrong."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest

from copydesk.schemas import InputError, annotated_from_json, annotated_to_json, check, json_schema, load_scheme

DATA = Path(__file__).parent / "data"
# what a schema can see without the text
VISIBLE = {"E201", "E203", "E204", "E205", "E301", "E407", "E408", "E501", "E502", "E503"}


@pytest.fixture(scope="module")
def validator(scheme):
    schema = json_schema(scheme)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_what_we_write_is_valid_and_comes_back(annotated, validator):
    written = json.loads(json.dumps(annotated_to_json(annotated.document, annotated.annotations)))
    validator.validate(written)
    assert annotated_from_json(written) == annotated


@pytest.mark.parametrize("path", sorted(DATA.glob("E*.json")), ids=lambda path: path.stem)
def test_it_refuses_what_it_can_see(validator, path):
    data = json.loads(path.read_text(encoding="utf-8"))
    data.pop("layers", None)
    if path.stem[:4] in VISIBLE:
        assert not validator.is_valid(data)


def test_every_selection_has_a_schema(whole_scheme):
    for layers in (["entities"], ["attribution"], ["wording", "events"]):
        part = whole_scheme.select(layers)
        schema = json_schema(part)
        jsonschema.Draft202012Validator.check_schema(schema)
        assert part.digest in schema["$id"]
        assert schema["$defs"]["entity"]["properties"]["label"]["enum"] == [label.id for label in part.span_labels]
    jsonschema.Draft202012Validator.check_schema(json_schema(load_scheme(DATA / "tiny.toml")))


def test_the_same_scheme_gives_the_same_bytes(scheme):
    again = load_scheme().select(scheme.default_layers)
    assert json.dumps(json_schema(scheme)) == json.dumps(json_schema(again))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("annotations"), "no field 'annotations' in the annotated document"),
        (lambda d: d["annotations"].pop("stances"), "no field 'stances' in the annotated document"),
        (lambda d: d["annotations"]["entities"][0].pop("span"), "no field 'span' in the annotated document"),
        (lambda d: d["document"].update(mood="x"), "not an annotated document: .*unexpected keyword argument 'mood'"),
        (lambda d: d["annotations"]["entities"][0]["span"].update(start="3"), "not an annotated document: "),
        (lambda d: d["annotations"].update(entities=3), "not an annotated document: "),
        (lambda d: d["document"].update(text=None), "not an annotated document: text is null"),
        (lambda d: d["document"].update(text="\ud83d"), "not an annotated document: "),
    ],
)
def test_another_shape_is_one_clear_error(annotated, change, message):
    data = copy.deepcopy(annotated_to_json(annotated.document, annotated.annotations))
    change(data)
    with pytest.raises(InputError, match=rf"^a\.json: {message}"):
        annotated_from_json(data, where="a.json")


def test_warnings_are_no_matter_of_the_schema(validator, scheme):
    for path in sorted(DATA.glob("W*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        validator.validate(data)
        read = annotated_from_json(data)
        assert check(read.document, read.annotations, scheme).ok
