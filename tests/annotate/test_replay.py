from __future__ import annotations

from dataclasses import replace

import pytest

from copydesk.annotate import encode_result, replay
from copydesk.schemas import Annotations, Entity, Origin, Span, Stance, StudioError

MODEL = Origin("model", "drawn", "1")


@pytest.fixture
def document(new_document):
    return new_document("The army said “we hold Qasr” on Monday and the rebels denied it.")


def test_a_correction_looks_like_one(document, scheme, module):
    replay_module, align = module("replay"), module("edits").align
    army = Entity("p1", Span.of(document, 4, 8), "ORG", MODEL)
    qasr = Entity("p2", Span.of(document, 23, 27), "GPE", MODEL)
    monday = Entity("p3", Span.of(document, 32, 38), "TIME", MODEL)
    suggested = Annotations(document.id, document.sha256, (army, qasr, monday), (), (Stance("p1", "p2", "0", MODEL),))
    final = Annotations(
        document.id, document.sha256,
        (
            replace(army, id="x"), replace(qasr, id="p1", span=Span.of(document, 20, 27)),
            Entity("p3", Span.of(document, 47, 53), "ARMED_ACTOR", MODEL),
        ),
        (), (Stance("x", "p1", "-1", MODEL),),
    )  # fmt: skip
    before = encode_result(document, suggested, scheme)
    named = replay_module._renamed(final, align(suggested, final), {row["id"] for row in before if "id" in row})
    assert [entity.id for entity in named.entities] == ["p1", "p2", "p3-new"]
    assert [(stance.target, stance.holder) for stance in named.stances] == [("p1", "p2")]
    rows = replay_module._with_origins(encode_result(document, named, scheme), before)
    origins = {row["id"]: row["origin"] for row in rows if "id" in row}
    assert origins == {"p1": "prediction-changed", "p2": "prediction-changed", "p3-new": "manual"}


def test_a_desk_without_its_own_server(make_desk):
    with pytest.raises(StudioError):
        replay(make_desk(), "ana", [])


@pytest.mark.studio
def test_a_document_without_a_task_is_named(studio_desk):
    with pytest.raises(StudioError, match="this desk has no project on the server yet"):
        replay(studio_desk(), "ana", [])


@pytest.mark.studio
def test_annotations_of_nobodys_document(studio_desk):
    from copydesk.annotate import push

    desk = studio_desk()
    push(desk)
    with pytest.raises(StudioError, match="document 0123456789abcdef has no task in project"):
        replay(desk, "ana", [Annotations("0123456789abcdef", "0" * 64)])
