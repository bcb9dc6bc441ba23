"""What training reads from a desk and from its release is the same gold."""

from __future__ import annotations

from copydesk.annotate import HELD_OUT, TRAIN, training_data
from copydesk.schemas import load_scheme

SCHEME = load_scheme()


def test_a_desk_gives_what_people_marked_and_nothing_else(released):
    data = training_data(released.desk, SCHEME)
    assert len(data.documents) == 10
    assert {d.id for d in data.documents} == set(released.ids)
    assert {d.part for d in data.documents} == {TRAIN, HELD_OUT}
    assert not data.unknown
    for document in data.documents:
        assert document.marks
        assert document.segments
        assert all(0 <= m.start < m.end <= len(document.text) for m in document.marks)


def test_a_release_gives_the_same_marks_on_its_own_sides(released):
    desk = {d.id: d for d in training_data(released.desk, SCHEME).documents}
    data = training_data(released.release.path, SCHEME)
    assert {d.id for d in data.documents} == set(desk)
    for document in data.documents:
        assert (document.text, document.marks) == (desk[document.id].text, desk[document.id].marks)
        assert document.group == desk[document.id].group
    train = {path.name for path in (released.release.path / "articles").glob("train-*")}
    assert train
    assert data.part(TRAIN)


def test_what_the_queue_reserved_is_held_out(released, monkeypatch):
    import importlib

    ours = importlib.import_module("copydesk.annotate.training_data")
    kept = frozenset(released.ids[:3])
    monkeypatch.setattr(ours, "reserved", lambda desk: kept)
    data = training_data(released.desk, SCHEME)
    groups = {d.group for d in data.documents if d.id in kept}
    assert {d.id for d in data.part(HELD_OUT)} == {d.id for d in data.documents if d.group in groups}
