"""What a rule set aside can be brought in, stays in, and comes back where all is read again."""

import json
import shutil

import pytest

from copydesk.corpus import Desk, clusters, documents, ingest, removed, restore, segments
from copydesk.schemas import Document, InputError, Removed

from .conftest import change_setting, story, tree_digest, write_jsonl

SHORT = "The bridge at Harun is closed."
FRENCH = (
    "Le conseil municipal a annoncé mardi que le pont sur la rivière resterait fermé jusqu’à la fin de la semaine. "
    "Les habitants du quartier ont demandé que les autobus passent par la route du nord, et le maire a promis une "
    "réponse rapide aux familles qui attendent depuis plusieurs jours."
)


@pytest.fixture
def source(news):
    rows = [
        {"id": "1", "outlet": "Wire", "title": "First", "text": story(1)},
        {"id": "2", "outlet": "Wire", "title": "Short", "text": SHORT},
        {"id": "3", "outlet": "Fil", "title": "Le pont", "text": FRENCH},
        {"id": "1", "outlet": "Wire", "title": "Other", "text": story(2)},
        {"id": "4", "outlet": "Wire", "title": "None", "text": " "},
    ]
    return write_jsonl(news / "rows.jsonl", rows)


def noted(desk):
    return {item.reason: item for item in removed(desk)}


def test_every_document_that_a_rule_sets_aside_is_kept_whole(desk, source):
    ingest(desk, [source])
    kept = {document.external_id: document for document in desk.read(Document, "aside")}
    assert {key: (document.title, document.language) for key, document in kept.items()} == {
        "1": ("Other", "en"),
        "2": ("Short", "en"),
        "3": ("Le pont", "fr"),
    }
    assert {document.id for document in kept.values()} == {
        item.document_id for item in removed(desk) if item.document_id
    }
    before = tree_digest(desk.path)
    ingest(desk, [source])
    assert tree_digest(desk.path) == before, "a second run keeps nothing twice"


def test_restored_documents_come_in_without_their_source(desk, source, news):
    ingest(desk, [source])
    wanted = [item.document_id for item in removed(desk) if item.document_id]
    shutil.rmtree(news)
    told = []
    result = restore(desk, wanted, on_progress=told.append)
    assert {document.id for document in result.restored} == set(wanted)
    assert (result.documents, result.copies, result.already, result.later) == (4, 0, (), ())
    assert {document.id for document in documents(desk)} >= set(wanted)
    assert {segment.document_id for segment in segments(desk)} >= set(wanted)
    assert set(clusters(desk)) == {document.id for document in documents(desk)}
    assert [item.reason for item in removed(desk)] == ["no text"]
    assert {item.document_id for item in desk.read(Removed, "restored")} == set(wanted)
    assert told


def test_an_overruling_survives_a_second_run_and_a_changed_setting(desk, source):
    ingest(desk, [source])
    restore(desk, [noted(desk)["too short"].document_id])
    texts = [document.text for document in documents(desk)]
    result = ingest(desk, [source])
    assert (result.accepted, result.repeated) == (0, 2)
    assert "too short" not in {item.reason for item in result.removed}
    desk = change_setting(desk, "^min_characters = .*", "min_characters = 250")
    ingest(desk, [source])
    assert [document.text for document in documents(desk)] == texts
    assert "too short" not in noted(desk)


def test_an_overruling_survives_reading_everything_again(desk, source):
    ingest(desk, [source])
    wanted = sorted(item.document_id for item in removed(desk) if item.document_id)
    restore(desk, wanted)
    before = {document.id: document for document in documents(desk)}
    for table in ("articles", "aside", "removed", "segments", "clusters"):
        shutil.rmtree(desk.path / table)
    (desk.path / "state.json").unlink()
    ingest(desk, [source])
    assert {document.id: document for document in documents(desk)} == before
    assert [item.reason for item in removed(desk)] == ["no text"]


def test_restoring_twice_changes_nothing(desk, source):
    ingest(desk, [source])
    wanted = noted(desk)["other language"].document_id
    restore(desk, [wanted])
    before = tree_digest(desk.path)
    result = restore(desk, [wanted, wanted[:8].upper()])
    assert (result.restored, result.already) == ((), (wanted,))
    assert tree_digest(desk.path) == before


@pytest.mark.parametrize("after", ["restored", "articles", "removed"])
def test_a_killed_run_is_run_again_with_the_same_result(desk, source, monkeypatch, after, tmp_path):
    ingest(desk, [source])
    wanted = noted(desk)["other language"].document_id
    shutil.copytree(desk.path, tmp_path / "other")
    restore(Desk(tmp_path / "other"), [wanted])
    module = __import__("copydesk.corpus.restoring", fromlist=["restore"])
    write, record = Desk.write, module.record_removed

    def write_and_die(self, kind, table, name, records):
        path = write(self, kind, table, name, records)
        if table == after:
            raise KeyboardInterrupt
        return path

    def record_and_die(*arguments):
        record(*arguments)
        if after == "removed":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "write", write_and_die)
        patched.setattr(module, "record_removed", record_and_die)
        with pytest.raises(KeyboardInterrupt):
            restore(desk, [wanted])
    restore(desk, [wanted])
    assert tree_digest(desk.path) == tree_digest(tmp_path / "other")


def test_what_an_older_desk_did_not_keep_comes_in_with_its_source(desk, source):
    ingest(desk, [source])
    shutil.rmtree(desk.path / "aside")
    wanted = noted(desk)["too short"].document_id
    result = restore(desk, [wanted])
    assert (result.restored, [item.document_id for item in result.later]) == ((), [wanted])
    assert "too short" in noted(desk), "it is not in the desk yet"
    assert ingest(desk, [source]).accepted == 1
    assert wanted in {document.id for document in documents(desk)}
    assert "too short" not in noted(desk)


def test_ids_that_cannot_be_restored_say_why_and_nothing_happens(desk, source, news):
    (news / "empty.txt").write_bytes(b"")
    ingest(desk, [str(news)])
    good = noted(desk)["too short"].document_id
    before = tree_digest(desk.path)
    with pytest.raises(InputError, match="nothing with this id was set aside"):
        restore(desk, [good, "0123456789abcdef"])
    with pytest.raises(InputError, match="nothing with this id"):
        restore(desk, [good[:3]])
    with pytest.raises(InputError, match=r"there is nothing to restore: empty file \(read\)"):
        restore(desk, [noted(desk)["empty file"].of])
    assert tree_digest(desk.path) == before


def test_a_beginning_of_several_ids_is_refused(desk, source):
    ingest(desk, [source])
    rows = [Removed("abcd" + digit * 60, "language", "other language", digit, "") for digit in "01"]
    desk.write(Removed, "removed", "language-more", rows)
    with pytest.raises(InputError, match=r"names several documents: abcd0+, abcd1+"):
        restore(desk, ["abcd"])


def test_what_a_later_stage_passed_over_is_in_the_desk_already(desk, source):
    ingest(desk, [source])
    document = next(documents(desk))
    desk.write(Removed, "removed", "suggest", [Removed(document.id, "suggest", "not its language", document.id)])
    with pytest.raises(
        InputError, match=r"nothing to restore: not its language \(suggest\)\nThe article is in the desk"
    ):
        restore(desk, [document.id])


def test_a_killed_ingest_keeps_what_an_unbroken_one_keeps(desk, news, monkeypatch, tmp_path):
    intake = __import__("copydesk.corpus.intake", fromlist=["Intake"])
    monkeypatch.setattr(intake, "SHARD_DOCUMENTS", 2)
    rows = [{"id": str(n), "title": f"T{n}", "text": SHORT.replace("Harun", f"Harun {n}")} for n in range(7)]
    path = write_jsonl(news / "short.jsonl", rows)
    shutil.copytree(desk.path, tmp_path / "other")
    ingest(Desk(tmp_path / "other"), [path])

    def dying(progress):
        if progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(desk, [path], on_progress=dying)
    assert json.dumps(sorted(tree_digest(desk.path))) != json.dumps(sorted(tree_digest(tmp_path / "other")))
    ingest(desk, [path])
    assert tree_digest(desk.path) == tree_digest(tmp_path / "other")
