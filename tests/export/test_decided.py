"""What adjudicators decided, as a table of a release: only where a desk has such, in every form that a release takes."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "annotate"))  # for hands, people without a server

from hands import Hands
from judge import answer, decide, question

from copydesk.corpus import Desk
from copydesk.export import Snapshot, hydrate, load_release, release
from copydesk.export.anchoring import Placed
from copydesk.export.decided import decision_values, moved_decision, reread
from copydesk.export.promises import broken

TEXTS = ("Rebels hit the port\n\nBrutal, said the mayor. The rebels denied it.", "The army fled 🕊️ from Київ.")
REBELS, PORT, MAYOR = ("Rebels", "ARMED_ACTOR"), ("the port", "FACILITY"), ("the mayor", "PERSON")
PLACE = ("the port", "LOCATION")


@pytest.fixture
def hands(tmp_path, unverified):
    """Two who differ about the port, the mayor and a stance."""
    hands = Hands(tmp_path / "desk", TEXTS)
    hands.finish(0, "anna", REBELS, PORT, MAYOR, stance="-2")
    hands.finish(0, "bert", REBELS, PLACE, stance="-1")
    hands.finish(1, "anna", ("Київ", "GPE"))
    return hands


def table(path):
    return [row for part in sorted((path / "decisions").glob("*.parquet")) for row in pq.read_table(part).to_pylist()]


def test_a_desk_without_decisions_has_no_such_table(hands):
    made = release(hands.desk)
    assert "decisions" not in made.rows
    assert not (made.path / "decisions").exists()


def test_a_row_says_what_stands_what_would_and_who_said_what(hands):
    decide(hands, 0, "chief", REBELS, PLACE, stance="-2", reason="guideline_gap", choices={"graphic": ("no",)})
    made = release(hands.desk)
    assert made.rows["decisions"] == 5
    assert list(broken(Snapshot.of(made.path))) == []
    rows = {(row["name"], row["holder"]): row for row in table(made.path)}
    assert set(rows) == {("ARMED_ACTOR", "OUTLET"), ("FACILITY", ""), ("LOCATION", ""), ("PERSON", ""), ("graphic", "")}
    assert {(row["adjudicator"], row["reason"], row["stale"]) for row in rows.values()} == {
        ("annotator-3", "guideline_gap", False)
    }
    port = rows["FACILITY", ""]
    assert (port["stands"], port["ruled"], port["disputed"]) == (False, False, True)
    assert port["span"] == [{"start": 11, "end": 19, "text": "the port"}]
    assert [(v["annotator"], v["said"]) for v in port["votes"]] == [("annotator-1", True), ("annotator-2", False)]
    stance = rows["ARMED_ACTOR", "OUTLET"]
    assert (stance["stands"], stance["values"]) == (True, [{"name": "polarity", "value": "-2"}])
    assert stance["parts"] == [{"name": "evidence", "start": 0, "end": 3, "text": "Reb"}]
    assert [v["values"][0]["value"] for v in stance["votes"]] == ["-2", "-1"]
    asked = rows["graphic", ""]
    assert (asked["span"], asked["values"]) == ([], [{"name": "answer", "value": "no"}])
    loaded = [row for part in load_release(made.path, "decisions").values() for row in part]
    assert len(loaded) == 5
    assert "chief" not in json.dumps(loaded)


def test_what_judged_other_versions_says_so_and_an_older_answer_is_not_there(hands):
    task = question(hands, 0)
    answer(hands, task, 0, "chief", REBELS, PORT, minute=9)
    answer(hands, task, 0, "deputy", REBELS, PLACE, minute=12)
    hands.finish(0, "bert", REBELS, PORT, minute=20, state="updated", stance="-1")
    rows = table(release(hands.desk).path)
    assert {row["adjudicator"] for row in rows} == {"annotator-4"}
    port = {row["name"]: row["stale"] for row in rows if row["name"] in ("FACILITY", "LOCATION")}
    assert port == {"FACILITY": True, "LOCATION": True}


def test_without_texts_and_with_them_again_it_is_the_same_table(hands, tmp_path):
    decide(hands, 0, "chief", REBELS, PLACE, stance="-2", choices={"graphic": ("no",)})
    other = Desk(shutil.copytree(hands.desk.path, tmp_path / "other"))
    full, bare = release(hands.desk), release(other, text="standoff")
    said = json.dumps(table(bare.path), ensure_ascii=False)
    assert not any(words in said for words in ("the port", "Reb", "mayor"))
    own = tmp_path / "own.jsonl"
    own.write_text("".join(json.dumps({"title": t.partition("\n\n")[0], "text": t}) + "\n" for t in TEXTS), "utf-8")
    made = hydrate(bare.path, tmp_path / "out", [str(own)])
    assert made.content == full.content
    assert table(made.path) == table(full.path)


def test_in_another_version_of_a_text_a_row_moves_as_a_whole_or_not_at_all(hands):
    decide(hands, 0, "chief", REBELS, PLACE, stance="-2")
    made = release(hands.desk)
    (row,) = (row for row in table(made.path) if row["holder"] == "OUTLET")
    labels = json.loads((made.path / "labels.json").read_text("utf-8"))
    assert moved_decision(row, Placed({(0, 6): (2, 8)}, {}, 1)) is None, "its evidence has no place"
    moved = moved_decision(row, Placed({(0, 6): (2, 8), (0, 3): (2, 5)}, {}, 1))
    values = decision_values(reread(moved, labels), f"Q {TEXTS[0]}")
    assert values["span"] == [{"start": 2, "end": 8, "text": "Rebels"}]
    assert values["parts"] == [{"name": "evidence", "start": 2, "end": 5, "text": "Reb"}]
    assert {part["start"] for vote in values["votes"] for part in vote["parts"]} == {2}
    same = decision_values(reread(row, labels), TEXTS[0])
    assert {**row, "layer": "stance"} == {**row, **same}
