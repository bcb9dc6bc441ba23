"""What an exported annotation was shown, where the server took no copy of it."""

from __future__ import annotations

import copy
import importlib
import json

import pytest
from hands import Hands

from copydesk.annotate import gold, ledger
from copydesk.corpus import Desk

entries, slips, tasks = (importlib.import_module(f"copydesk.annotate.{n}") for n in ("entries", "slips", "tasks"))
PLACE = entries.Place("own", 1, "salt")


def row(own, start=0):
    return {
        "id": own,
        "type": "labels",
        "from_name": "entities",
        "value": {"start": start, "end": start + 1, "labels": ["ORG"]},
    }


def prediction(number, *regions):
    return {"id": number, "model_version": f"m@{number}", "result": [row(region) for region in regions]}


def shown(annotation, predictions):
    data = {"copydesk_key": "d/s-1/entities/token", "text": "x", "document_id": "d"}
    task = {"id": 1, "data": data, "predictions": predictions}
    annotation = {"id": 9, "unique_id": "u", "completed_by": {"email": "ana"}, **copy.deepcopy(annotation)}
    return entries.version_entry(PLACE, task, annotation, "u", None).model_version


def test_the_server_s_own_copy_comes_first():
    assert shown({"result": [], "prediction": prediction(7, "a")}, [prediction(1, "a")]) == "m@7"


@pytest.mark.parametrize(
    ("annotation", "predictions", "found"),
    [
        ({"result": [], "parent_prediction": 2}, [prediction(1, "a"), prediction(2, "b")], "m@2"),
        ({"result": [row("b"), row("new")]}, [prediction(1, "a"), prediction(2, "b")], "m@2"),
        ({"result": []}, [prediction(1, "a")], "m@1"),
        ({"result": [row("new")]}, [prediction(1, "a"), prediction(2, "b")], ""),
        ({"result": []}, [], ""),
        ({"result": []}, [41, 42], ""),
    ],
    ids=["named", "by its regions", "the only ones", "nobody can tell", "blind", "numbers alone"],
)
def test_else_what_the_task_still_has(annotation, predictions, found):
    assert shown(annotation, predictions) == found


def with_decoys(desk):
    path = desk.path / "copydesk.toml"
    path.write_text(path.read_text("utf-8").replace("decoy = 0.0", "decoy = 0.5"), "utf-8")
    return Desk(desk.path)


def test_a_decoy_of_which_nobody_knows_what_was_shown_is_no_gold(tmp_path):
    hands = Hands(tmp_path / "desk")
    hands.finish(0, "ana", ("Rebels", "ARMED_ACTOR"), arm="decoy")
    desk = with_decoys(hands.desk)
    assert set(slips.untrusted(desk)) == {(hands.documents[0].id, "ana")}
    assert gold(desk).documents == ()
    assert [said[0] for said in gold(desk).decoyed] == [hands.documents[0].id]


def test_an_arm_that_another_salt_hid_is_read_once_the_salt_is_back(tmp_path):
    hands = Hands(tmp_path / "desk")
    salt = hands.desk.settings.arms.salt
    key = tasks.task_key(hands.documents[0], hands.desk.scheme(), arm="decoy", salt=salt)
    hands.finish(0, "ana", ("Rebels", "ARMED_ACTOR"), arm="", key=key)
    assert [entry.arm for entry in ledger(hands.desk)] == ["decoy"]
    path = hands.desk.path / "copydesk.toml"
    path.write_text(path.read_text("utf-8").replace(json.dumps(salt), '"other"'), "utf-8")
    desk = with_decoys(hands.desk)
    assert [entry.arm for entry in ledger(desk)] == [""]
    assert gold(desk).documents == (), "it may be a decoy: nobody can tell"
