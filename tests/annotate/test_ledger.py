from __future__ import annotations

import json
from dataclasses import asdict, replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copydesk.annotate import LEDGER, LedgerEntry, encode_result, finished, ledger
from copydesk.corpus import documents, removed
from copydesk.schemas import OUTLET, UNNAMED, Annotations, DeskError, Entity, Origin, Span, Stance

ANA = Origin("person", "ana@copydesk.local")
ALL = "attribution+entities+events+stance+wording"


@pytest.fixture
def desk(make_desk):
    return make_desk()


@pytest.fixture
def document(desk):
    return next(document for document in documents(desk) if document.text.startswith("Rebels hit"))


def entity(document, words, label="ARMED_ACTOR"):
    start = document.text.index(words)
    return Entity(words, Span.of(document, start, start + len(words)), label, ANA)


@pytest.fixture
def entry(desk, document):
    """Make a version of an annotation."""

    def make(key, *entities, stances=(), layers=ALL, state="submitted", annotator="ana@copydesk.local", **more):
        said = Annotations(document.id, document.sha256, entities, (), tuple(stances), {})
        raw = {"id": 1, "result": encode_result(document, said, desk.scheme())}
        plain = {
            "key": key, "annotation": f"uuid-{key}", "state": state, "server": "own", "project_id": 1, "task_id": 1,
            "copydesk_key": "k", "document_id": document.id, "sha256": document.sha256, "scheme": "conflict-news 1.0.0",
            "layers": layers, "arm": "shown", "layout": "document", "focus": "", "annotator": annotator,
            "ground_truth": False, "lead_time": 10.0, "created_at": "2026-01-02T03:04:05Z",
            "updated_at": f"2026-01-02T03:04:{len(key):02d}Z", "model_version": "list@1", "raw": json.dumps(raw),
            "prediction": "",
        }  # fmt: skip
        return LedgerEntry(**{**plain, **more})

    return make


def keep(desk, *entries, part=1, drop=()):
    table = pa.Table.from_pylist([asdict(entry) for entry in entries], schema=LEDGER).drop_columns(list(drop))
    (desk.path / "annotations").mkdir(exist_ok=True)
    pq.write_table(table, desk.path / "annotations" / f"part-{part:05d}.parquet")


def words(item):
    return {(e.span.text, e.label) for e in item.annotations.entities}


def test_files_of_an_older_copydesk_are_read(desk, document, entry):
    keep(desk, entry("a", entity(document, "army")), drop=("layout", "focus"))
    keep(desk, entry("bb", entity(document, "rebels")), part=2)
    assert [(e.layout, e.focus) for e in ledger(desk)] == [("document", "")] * 2
    assert [words(item) for item in finished(desk)] == [{("rebels", "ARMED_ACTOR")}]


def test_a_column_that_is_missing_is_named(desk, document, entry):
    keep(desk, entry("a", entity(document, "army")), drop=("raw",))
    with pytest.raises(DeskError, match="these are not the columns of the ledger: raw is missing"):
        list(ledger(desk))


def test_layers_of_two_projects_are_put_together(desk, document, entry):
    army, rebels = entity(document, "army"), entity(document, "rebels")
    keep(
        desk,
        entry("a", army, rebels, layers="attribution+entities"),
        entry("bb", rebels, layers="entities+stance", stances=[Stance("rebels", OUTLET, "-1", ANA, ())], task_id=2),
    )
    (item,) = finished(desk)
    # the newer answer about entities stands
    assert words(item) == {("rebels", "ARMED_ACTOR")}
    assert [stance.polarity for stance in item.annotations.stances] == ["-1"]
    assert (item.lead_time, item.entry.key) == (20.0, "bb")
    assert item.asked.layers == {"attribution", "entities", "stance"}
    assert item.annotations.check(document)


def test_a_stance_whose_mention_was_taken_away_elsewhere_is_recorded(desk, document, entry):
    army, rebels = entity(document, "army"), entity(document, "rebels")
    keep(
        desk,
        entry("a", rebels, layers="entities+stance", stances=[Stance("rebels", OUTLET, "-1", ANA, ())]),
        entry("bb", army, layers="attribution+entities", task_id=2),
    )
    (item,) = finished(desk)
    assert words(item) == {("army", "ARMED_ACTOR")}
    assert item.annotations.stances == ()
    assert [record.reason for record in removed(desk)] == ["its mention no longer stands"]


def test_two_people_and_two_documents_stay_apart(desk, document, entry):
    army, rebels = entity(document, "army"), entity(document, "rebels")
    keep(
        desk,
        entry("a", army),
        entry("bb", rebels, annotator="bo@copydesk.local", task_id=2, layers="entities+stance"),
    )
    assert {item.annotator: words(item) for item in finished(desk)} == {
        "ana@copydesk.local": {("army", "ARMED_ACTOR")},
        "bo@copydesk.local": {("rebels", "ARMED_ACTOR")},
    }


def test_skipped_drafted_and_deleted_parts_do_not_stand(desk, document, entry):
    army, rebels = entity(document, "army"), entity(document, "rebels")
    first = entry("a", army)
    keep(
        desk,
        first,
        entry("bb", rebels, state="skipped"),
        entry("ccc", rebels, state="draft"),
        entry("dddd", rebels, layers="entities"),
        replace(entry("eeeee"), annotation="uuid-dddd", state="deleted", raw="", layers="entities"),
        replace(entry("ffffff"), annotation="uuid-a", state="vanished", raw=""),
    )
    assert [words(item) for item in finished(desk)] == [{("army", "ARMED_ACTOR")}]


def focused(module, document, entry, desk, key, target, polarity, **more):
    """Return a version of a task about one mention, as its screen would have written it."""
    joining = module("joining")
    said = Annotations(document.id, document.sha256, (target,), (), (Stance(target.id, OUTLET, polarity, ANA, ()),), {})
    focus = f"{target.span.start}-{target.span.end}"
    return joining.Part(said, frozenset({"stance"}), focus, f"2026-01-02T03:04:{len(key):02d}Z", key)


def test_a_task_about_one_mention_answers_for_that_mention_alone(desk, document, entry, module):
    join, part = module("joining").join, module("joining").Part
    army, rebels = entity(document, "army"), entity(document, "rebels")
    stances = (Stance("army", OUTLET, "0", ANA, ()), Stance("rebels", UNNAMED, "0", ANA, ()))
    whole = Annotations(document.id, document.sha256, (army, rebels), (), stances, {})
    # older than the page with everything, and it counts all the same: it was asked about this mention
    parts = [
        part(whole, frozenset(ALL.split("+")), "", "2026-01-02T03:04:09Z", "a"),
        focused(module, document, entry, desk, "bb", army, "-2"),
        focused(module, document, entry, desk, "ccc", army, "-1"),
        focused(module, document, entry, desk, "dddd", entity(document, "Qasr", "GPE"), "+1"),
    ]
    joined, lost = join(parts, desk.scheme())
    about = {e.id: e.span.text for e in joined.entities}
    assert lost == ()
    assert {(about[s.target], s.holder, s.polarity) for s in joined.stances} == {
        ("army", OUTLET, "-1"), ("rebels", UNNAMED, "0"), ("Qasr", OUTLET, "+1"),
    }  # fmt: skip
    assert joined.check(document)
    assert join(parts[::-1], desk.scheme()) == (joined, lost)
