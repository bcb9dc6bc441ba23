"""The whole round trip through a real Label Studio."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from copydesk.annotate import connect, edits, finished, ledger, pull, push, replay
from copydesk.corpus import documents, removed
from copydesk.schemas import Entity, Origin, Span, Stance, StudioError

pytestmark = pytest.mark.studio


def tasks_of(client, project):
    return list(client.pages(project, ("id", "data", "predictions", "total_annotations"), full=True))


def corrected(suggestion, document):
    """One accepted, one retyped, one resized, one removed, one added, one stance changed: as a person would."""
    said = suggestion.annotations
    first, second, third, *rest = said.entities
    kept = [
        first,
        replace(second, label="ORG"),
        replace(third, span=Span.of(document, third.span.start - 3, third.span.end).check(document)),
        *rest[1:],
    ]
    start = document.text.index("said")
    kept.append(Entity("fresh", Span.of(document, start, start + 4), "NAMED_EVENT", Origin("person", "x")))
    stances = tuple(replace(stance, polarity="-1") for stance in said.stances)
    return replace(said, entities=tuple(kept), stances=stances)


def test_the_whole_way_there_and_back(studio_desk, by_list):
    desk = studio_desk()
    pushed = push(desk)
    assert (pushed.created, pushed.already, pushed.failed) == (4, 0, ())
    assert pushed.model_version == "list@1"
    again = push(desk)
    assert (again.created, again.already, again.predictions_updated) == (0, 4, 0)
    assert again.project_id == pushed.project_id

    client = connect(desk)
    tasks = tasks_of(client, pushed.project_id)
    assert [len(task["predictions"]) for task in tasks] == [1] * 4

    texts = {document.id: document for document in documents(desk)}
    document = next(d for d in texts.values() if d.text.startswith("Rebels hit"))
    suggestion = by_list(document, Origin("model", "list", "1"))
    final = corrected(suggestion, document)
    assert replay(desk, "ana", [final]) == 1
    assert replay(desk, "ana", [final]) == 0
    assert replay(desk, "bo", [by_list(d, Origin("model", "list", "1")).annotations for d in texts.values()]) == 4

    result = pull(desk)
    assert (result.tasks, result.added, result.already, result.gone) == (4, 5, 0, 0)
    assert result.annotators == {"ana@copydesk.local": 1, "bo@copydesk.local": 4}
    assert result.drift == ()
    second = pull(desk)
    assert (second.added, second.already) == (0, 5)
    assert len(list(ledger(desk))) == 5

    done = list(finished(desk))
    assert len(done) == 5
    ana = next(item for item in done if item.annotator == "ana@copydesk.local")
    assert {(e.span, e.label) for e in ana.annotations.entities} == {(e.span, e.label) for e in final.entities}
    assert [s.polarity for s in ana.annotations.stances] == [s.polarity for s in final.stances]
    assert ana.annotations.check(document)
    assert ana.lead_time > 20
    assert ana.model_version == "list@1"
    assert list(removed(desk)) == []

    found = {}
    for edit in edits(desk):
        found.setdefault(edit.annotator.split("@")[0], []).append(edit.kind)
    assert sorted(found["ana"]) == sorted(
        ["accepted", "retyped", "resized", "removed", "added", "restanced"] + ["accepted"] * (len(found["ana"]) - 6)
    )
    assert set(found["bo"]) == {"accepted"}


def test_every_version_stays(studio_desk, by_list):
    desk = studio_desk()
    project = push(desk).project_id
    client = connect(desk)
    said = [by_list(d, Origin("model", "list", "1")).annotations for d in documents(desk)]
    replay(desk, "ana", said)
    pull(desk)
    first, second, third, fourth = (e.raw for e in sorted(ledger(desk), key=lambda e: e.task_id))
    numbers = [json.loads(raw)["id"] for raw in (first, second, third, fourth)]
    client.send("PATCH", f"/api/annotations/{numbers[0]}/", {"result": []})
    client.send("PATCH", f"/api/annotations/{numbers[1]}/", {"was_cancelled": True})
    client.send("DELETE", f"/api/annotations/{numbers[2]}/")
    client.send("DELETE", f"/api/tasks/{json.loads(fourth)['task']}/")
    result = pull(desk)
    assert (result.added, result.gone, result.skipped) == (2, 2, 1)
    states = [entry.state for entry in ledger(desk)]
    assert sorted(states) == [
        "deleted",
        "skipped",
        "submitted",
        "submitted",
        "submitted",
        "submitted",
        "updated",
        "vanished",
    ]
    assert pull(desk).added == 0
    # the skipped and the deleted do not stand, what vanished with its task does
    assert sorted(len(item.annotations.entities) > 0 for item in finished(desk)) == [False, True]
    client.send("DELETE", f"/api/projects/{project}/")
    with pytest.raises(StudioError, match=f"project {project} is no longer on the server; the ledger keeps its"):
        pull(desk)
    assert len(list(finished(desk))) == 2


def test_new_suggestions_reach_only_what_nobody_touched(studio_desk, suggest_anew, by_list):
    desk = studio_desk()
    project = push(desk).project_id
    first = next(iter(documents(desk)))
    replay(desk, "ana", [by_list(first, Origin("model", "list", "1")).annotations])
    suggest_anew(desk, "2")
    result = push(desk)
    assert (result.created, result.predictions_updated) == (0, 3)
    client = connect(desk)
    versions = {
        task["data"]["document_id"]: [item["model_version"] for item in task["predictions"]]
        for task in tasks_of(client, project)
    }
    assert versions.pop(first.id) == ["list@1"]
    assert list(versions.values()) == [["list@2"]] * 3
    assert client.get(f"/api/projects/{project}/")["model_version"] == "list@2"
    assert push(desk).predictions_updated == 0


def test_a_config_changed_by_hand_is_named(studio_desk):
    desk = studio_desk()
    project = push(desk).project_id
    client = connect(desk)
    config = client.get(f"/api/projects/{project}/")["label_config"]
    label = config[config.index('<Label value="WEAPON"') :]
    changed = config.replace(label[: label.index("/>") + 2], '<Label value="TERRORIST"/>')
    client.send("PATCH", f"/api/projects/{project}/", {"label_config": changed})
    with pytest.raises(StudioError) as error:
        push(desk)
    assert "Label WEAPON of entities is missing" in str(error.value)
    assert "Label TERRORIST of entities is not in the scheme" in str(error.value)
    assert "copydesk push --reset-config" in str(error.value)
    assert pull(desk).drift
    assert push(desk, reset_config=True).already == 4
    assert pull(desk).drift == ()


def test_lost_predictions_and_doubled_tasks_are_mended(studio_desk):
    desk = studio_desk()
    project = push(desk).project_id
    client = connect(desk)
    task, *_ = tasks_of(client, project)
    client.send("DELETE", f"/api/predictions/{task['predictions'][0]['id']}/")
    client.send("POST", f"/api/projects/{project}/import", [{"data": task["data"]}])
    result = push(desk)
    assert (result.created, result.predictions_updated, result.doubles_removed) == (0, 1, 1)
    assert [len(task["predictions"]) for task in tasks_of(client, project)] == [1] * 4


def test_who_is_not_suggested_to_has_no_edits(studio_desk, by_list):
    desk = studio_desk()
    for part in desk.parts("suggestions/list@1"):
        part.unlink()
    assert push(desk).created == 4
    replay(desk, "ana", [replace(by_list(d, Origin("model", "list", "1")).annotations) for d in documents(desk)])
    pull(desk)
    assert len(list(finished(desk))) == 4
    assert list(edits(desk)) == []


def test_stances_of_several_holders_come_back(studio_desk):
    desk = studio_desk()
    push(desk)
    document = next(d for d in documents(desk) if d.text.startswith("Rebels hit"))
    person = Origin("person", "ana@copydesk.local")
    at = {words: document.text.index(words) for words in ("army", "rebels")}
    army = Entity(
        "army", Span.of(document, at["army"], at["army"] + 4), "ARMED_ACTOR", person, {"actor_class": "state_military"}
    )
    rebels = Entity("rebels", Span.of(document, at["rebels"], at["rebels"] + 6), "ARMED_ACTOR", person)
    denied = Span.of(document, document.text.index("denied"), document.text.index("denied") + 6)
    stances = (
        Stance("army", "OUTLET", "0", person, (denied,)),
        Stance("army", "army", "+2", person),
        Stance("army", "rebels", "-2", person, (denied,), "antagonist"),
    )
    from copydesk.schemas import Annotations

    said = Annotations(document.id, document.sha256, (army, rebels), (), stances, {"graphic": ("no",)})
    replay(desk, "ana", [said])
    pull(desk)
    (item,) = finished(desk)
    names = {entity.id: entity.span.text for entity in item.annotations.entities}
    found = {
        (names[s.target], names.get(s.holder, s.holder), s.polarity, s.role, s.evidence)
        for s in item.annotations.stances
    }
    assert found == {
        ("army", "OUTLET", "0", "", (denied,)),
        ("army", "army", "+2", "", ()),
        ("army", "rebels", "-2", "antagonist", (denied,)),
    }
    assert item.annotations.choices == {"graphic": ("no",)}
