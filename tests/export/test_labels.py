from __future__ import annotations

import pytest

from copydesk.export import grow, read_labels
from copydesk.export.features import CONFIGS, decoder, encoder
from copydesk.export.labels import write_labels
from copydesk.schemas import DeskError, SchemeError, load_scheme

SCHEME = load_scheme()


def test_a_scheme_gives_every_closed_set():
    labels = grow({}, SCHEME)
    assert labels["ner_tags"][:3] == ("O", "B-PERSON", "I-PERSON")
    assert labels["stance"] == ("negative", "neutral", "positive", "mixed", "cannot_tell")
    assert labels["role"][0] == "unspecified"
    assert {"SOURCE", "EVIDENCE", "TOLL"} <= set(labels["label"])
    assert "SOURCE" not in labels["entity"]


def test_ids_only_grow():
    known = {"entity": ("GONE", "TOLL"), "ner_tags": ("O", "B-GONE", "I-GONE", "B-TOLL", "I-TOLL"), "old": ("x",)}
    labels = grow(known, SCHEME)
    assert labels["entity"][:3] == ("GONE", "TOLL", "PERSON")
    assert labels["ner_tags"][:6] == ("O", "B-GONE", "I-GONE", "B-TOLL", "I-TOLL", "B-PERSON")
    assert labels["old"] == ("x",)
    assert grow(labels, SCHEME) == labels


def test_the_file_round_trips_and_damage_is_named(tmp_path):
    path = tmp_path / "labels.json"
    labels = grow({}, SCHEME)
    write_labels(path, labels)
    assert read_labels(path) == labels
    path.write_text("[1]")
    with pytest.raises(DeskError, match="the label ids are damaged") as caught:
        read_labels(path)
    assert "Copy labels.json from the last release" in str(caught.value)


def test_names_become_ids_and_names_again():
    labels = grow({}, SCHEME)
    feature = CONFIGS["articles"].features["stances"]
    span = {"start": 1, "end": 2, "text": "x"}
    said = {
        "target": "t",
        "holder": "OUTLET",
        "label": "negative",
        "polarity": "-2",
        "role": "none",
        "evidence": [span],
    }
    stored = encoder(feature, labels)([said])
    assert stored[0]["polarity"] == 0
    assert stored[0]["evidence"] == [span]
    assert decoder(feature, labels)(stored) == [said]


def test_a_name_outside_its_set_says_so():
    with pytest.raises(SchemeError, match="'great' is not among the names of 'stance': negative, neutral") as caught:
        encoder(CONFIGS["stance"].features["label"], grow({}, SCHEME))("great")
    assert "Set `scheme` in copydesk.toml" in str(caught.value)
