from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from copydesk.corpus import (
    Desk,
    canonical_documents,
    clusters,
    documents,
    ingest,
    init_desk,
    removed,
    segments,
)
from copydesk.schemas import DeskError, InputError, Removed, SegmentKind

from .conftest import ARTICLE, change_setting, story, tree_digest, write_jsonl


def reasons(result):
    return [(item.stage, item.reason) for item in result.removed]


def test_a_text_file_with_a_headline_and_eighteen_paragraphs(desk, news):
    (news / "harun.txt").write_bytes(ARTICLE.replace("\n", "\r\n").encode("utf-8-sig"))
    result = ingest(desk, [str(news)])
    assert (result.accepted, result.documents, result.seen, result.removed) == (1, 1, 1, ())
    (document,) = documents(desk)
    assert document.title == ARTICLE.split("\n")[0]
    assert document.text == "\n\n".join(ARTICLE.strip().split("\n"))
    assert (document.language, document.source_kind, document.captions) == ("en", "text", 0)
    cut = {kind: [s for s in segments(desk) if s.kind is kind] for kind in SegmentKind}
    assert (len(cut[SegmentKind.HEADLINE]), len(cut[SegmentKind.PARAGRAPH])) == (1, 18)
    assert [document.text[s.start : s.end] for s in cut[SegmentKind.QUOTE]] == [
        '"Open the Road"',
        '"Our reinforcements are here,"',
        '"there are fierce battles west of Harun, but they have not reached the city"',
    ]
    assert all(document.text[s.start : s.end].strip() == document.text[s.start : s.end] for s in segments(desk))


def test_a_second_run_accepts_nothing_and_writes_nothing(desk, news):
    write_jsonl(news / "a.jsonl", [{"text": story(n), "id": n} for n in range(3)] + [{"title": "none"}])
    first = ingest(desk, [str(news)])
    before = tree_digest(desk.path)
    second = ingest(desk, [str(news)])
    assert (first.accepted, first.repeated, second.accepted, second.repeated) == (3, 0, 0, 3)
    assert reasons(first) == reasons(second) == [("read", "no text")]
    assert tree_digest(desk.path) == before


def test_new_records_are_appended(desk, news):
    write_jsonl(news / "a.jsonl", [{"text": story(n)} for n in range(3)])
    ingest(desk, [str(news)])
    old = {path.name for path in desk.parts("articles")}
    write_jsonl(news / "b.jsonl", [{"text": story(n)} for n in range(5)])
    result = ingest(desk, [str(news)])
    assert (result.accepted, result.repeated, result.documents) == (2, 6, 5)
    assert old < {path.name for path in desk.parts("articles")}
    assert {s.document_id for s in segments(desk)} == {d.id for d in documents(desk)}


def test_where_a_file_lies_leaves_no_trace(tmp_path):
    digests = []
    for place in ("one", "another/deeper"):
        (tmp_path / place / "news").mkdir(parents=True)
        write_jsonl(tmp_path / place / "news" / "a.jsonl", [{"text": story(1)}, {"title": "x"}])
        desk = init_desk(tmp_path / place / "desk")
        ingest(desk, [str(tmp_path / place / "news")])
        digests.append(tree_digest(desk.path))
    assert digests[0] == digests[1]
    assert not [path for path in desk.path.rglob("*") if path.is_file() and str(tmp_path).encode() in path.read_bytes()]


def test_one_id_with_two_texts(desk, news):
    write_jsonl(
        news / "a.jsonl", [{"id": "7", "text": story(1)}, {"id": "7", "text": story(2)}, {"id": "7", "text": story(1)}]
    )
    for _ in range(2):
        result = ingest(desk, [str(news)])
        (item,) = result.removed
        assert (item.stage, item.reason, item.of) == ("read", "id already used by another text", "news/a.jsonl:2")
        (kept,) = documents(desk)
        assert item.detail == f"id 7; document {kept.id} came first and is kept"
        assert item.document_id != kept.id
        assert kept.text == story(1)
    assert len(list(removed(desk))) == 1


def test_the_same_id_at_two_outlets_is_no_conflict(desk, news):
    write_jsonl(
        news / "a.jsonl", [{"id": 1, "outlet": "A", "text": story(1)}, {"id": 1, "outlet": "B", "text": story(2)}]
    )
    assert ingest(desk, [str(news)]).accepted == 2


def test_a_path_that_is_not_there(desk, tmp_path):
    with pytest.raises(InputError) as caught:
        ingest(desk, [str(tmp_path / "nowhere.txt")])
    assert caught.value.where == str(tmp_path / "nowhere.txt")
    assert caught.value.message == "no such file or folder"
    assert not desk.parts("articles")


def test_a_missing_path_stops_no_other(desk, news):
    write_jsonl(news / "a.jsonl", [{"text": story(1)}])
    with pytest.raises(InputError, match=r"gone\.txt, x\*\.txt: no such files or folders") as caught:
        ingest(desk, ["gone.txt", str(news), "x*.txt"])
    assert "Everything else was processed: 1 new, 0 known." in str(caught.value)
    assert len(list(documents(desk))) == 1


def test_bad_records_among_good_ones(desk, news):
    (news / "a.txt").write_text(ARTICLE)
    (news / "b.txt").touch()
    (news / "c.txt").write_bytes(b"\xff\xfe\xfd" * 100)
    (news / "d.html").write_text("<html><body><nav><a href='/'>Home</a></nav></body></html>")
    (news / "e.csv").write_text("name\nx\n")
    (news / "f.txt").write_text("Too short to be an article.")
    (news / "g.txt").write_text(
        "Les combattants sont entrés dans les quartiers nord de la ville vendredi, ont déclaré des habitants. " * 4
    )
    (news / "h.txt").write_text("\u200b\n" * 300)
    write_jsonl(news / "i.jsonl", [{"text": story(3), "date": "some day"}])
    result = ingest(desk, [str(news)])
    assert result.accepted == 2
    assert result.seen == 9
    assert reasons(result) == [
        ("read", "empty file"),
        ("read", "not UTF-8"),
        ("extract", "no article found"),
        ("read", "no text column"),
        ("clean", "too short"),
        ("language", "other language"),
        ("clean", "no text"),
        ("clean", "date not understood"),
    ]
    assert result.removed[5].detail == "fr; ingest.languages is en"
    assert set(removed(desk)) == set(result.removed)
    assert {path.name.split("-")[1] for path in desk.parts("removed")} == {"read", "extract", "clean", "language"}


def test_a_title_is_the_first_block_and_stands_there_once(desk, news):
    body = story(4)
    write_jsonl(
        news / "a.jsonl", [{"title": "Harun  falls", "text": f"HARUN FALLS\n\n{body}"}, {"text": f"Other news\n{body}"}]
    )
    first, second = documents_by_title(desk, news)
    assert first.text == f"Harun falls\n\n{body}"
    assert second.text == f"Other news\n\n{body}"


def documents_by_title(desk, news):
    ingest(desk, [str(news)])
    return sorted(documents(desk), key=lambda document: document.title)


def test_a_record_with_a_page_in_it(desk, news):
    page = f"<html><body><article><h1>Harun falls to the Front</h1><p>{story(5)}</p><p>{story(6)}</p></article></body></html>"
    write_jsonl(news / "a.jsonl", [{"html": page, "id": "x", "outlet": "The Wire"}])
    (document,) = documents_by_title(desk, news)
    assert (document.title, document.outlet, document.source_kind) == ("Harun falls to the Front", "The Wire", "jsonl")
    assert document.text.split("\n\n")[1:] == [story(5), story(6)]


def test_settings_fill_what_a_record_does_not_say(desk, news):
    desk = change_setting(desk, '^outlet = ""', 'outlet = "My Paper"')
    desk = change_setting(desk, '^licence = ""', 'licence = "CC-BY-4.0"')
    write_jsonl(news / "a.jsonl", [{"text": story(1)}, {"text": story(2), "outlet": "Theirs", "license": "CC0-1.0"}])
    ingest(desk, [str(news)])
    assert {(d.outlet, d.licence) for d in documents(desk)} == {("My Paper", "CC-BY-4.0"), ("Theirs", "CC0-1.0")}


def test_changes_are_counted(desk, news):
    (news / "a.txt").write_bytes(("Harun\u00adfalls \ufeffnow\r\n" + story(1) + "\r\n").encode())
    assert dict(ingest(desk, [str(news)]).changes) == {"line_break": 2, "zero_width": 2}


def test_copies_are_kept_as_data(desk, news):
    body = story(1, sentences=12)
    cut = body[: body.rindex("In ")] + "This was added."
    write_jsonl(
        news / "a.jsonl",
        [
            {"text": body, "outlet": "B", "date": "2024-11-30"},
            {"text": body, "outlet": "A", "date": "2024-11-29"},
            {"text": cut, "outlet": "C", "date": "2024-12-01"},
            {"text": story(2, sentences=12), "outlet": "D"},
        ],
    )
    result = ingest(desk, [str(news)])
    assert (result.documents, result.copies) == (4, 2)
    by_outlet = {document.outlet: document.id for document in documents(desk)}
    places = clusters(desk)
    assert {places[by_outlet[o]].canonical for o in "ABC"} == {by_outlet["A"]}
    assert [places[by_outlet[o]].kind for o in "ABCD"] == ["canonical", "exact", "reprint", "canonical"]
    assert {document.outlet for document in canonical_documents(desk)} == {"A", "D"}


def test_any_engine_and_number_of_workers_gives_the_same_bytes(tmp_path, news):
    write_jsonl(news / "a.jsonl", [{"text": story(n), "outlet": f"O{n % 3}"} for n in range(200)])
    (news / "b.txt").write_text(ARTICLE)
    digests = []
    for workers in (0, 2):
        desk = init_desk(tmp_path / str(workers) / "desk")
        if not workers:
            desk = change_setting(desk, "^engine = .*", 'engine = "serial"')
        else:
            desk = change_setting(desk, "^workers = .*", f"workers = {workers}")
        ingest(desk, [str(news)])
        digests.append({name: digest for name, digest in tree_digest(desk.path).items() if name != "copydesk.toml"})
    assert digests[0] == digests[1]


def test_progress_is_told(desk, news):
    write_jsonl(news / "a.jsonl", [{"text": story(n)} for n in range(3)])
    seen = []
    ingest(desk, [str(news)], on_progress=seen.append)
    assert {item.stage for item in seen} == {"ingest", "sign", "dedupe", "segment"}
    assert [item.done for item in seen if item.stage == "ingest"] == [1, 2, 3]


def test_two_at_once_are_one_too_many(desk, news):
    with desk.locked(), pytest.raises(DeskError, match="another copydesk is at work"):
        ingest(desk, [str(news)])


def test_a_desk_from_a_newer_version(desk):
    with pytest.raises(DeskError, match="this desk has format 2; this copydesk knows formats up to 1"):
        change_setting(desk, "^format = .*", "format = 2")


# Run with a shard size of 2 so that there are many moments to die at: each rename in turn, just before it or just after.
KILLED = """
import json, os, pathlib, signal, sys
import importlib
import copydesk.corpus as corpus
module = importlib.import_module("copydesk.corpus.intake")
module.SHARD_DOCUMENTS = 2
source, places = sys.argv[1], sys.argv[2:]
# models are loaded once, before the forks
importlib.import_module("copydesk.corpus.language").identify("word " * 9)
importlib.import_module("copydesk.corpus.clean").clean("é")
importlib.import_module("copydesk.corpus.sentences").sentences("One. Two.", 0, 9)
import ftfy, pandas, rensa
replace = pathlib.Path.replace
for number, place in enumerate(places):
    child = os.fork()
    if not child:
        moment, calls = (number - 1, number % 2), [0]
        def dying(self, target):
            calls[0] += 1
            if calls[0] > moment[0] and not moment[1]:
                os.kill(os.getpid(), signal.SIGKILL)
            result = replace(self, target)
            if calls[0] > moment[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return result
        if number:
            pathlib.Path.replace = dying
        corpus.ingest(corpus.Desk(pathlib.Path(place)), [source])
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), end=" ")
    if number:
        child = os.fork()
        if not child:
            corpus.ingest(corpus.Desk(pathlib.Path(place)), [source])
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_anywhere_and_run_again_gives_the_same_bytes(tmp_path, news):
    records = [{"text": story(n), "id": n} for n in range(3)] + [
        {"title": "x"},
        {"text": "short"},
        {"id": 1, "text": story(9)},
    ]
    write_jsonl(news / "a.jsonl", records)
    places = [tmp_path / str(number) / "desk" for number in range(11)]
    for place in places:
        change_setting(init_desk(place), "^engine = .*", 'engine = "serial"')
    command = [sys.executable, "-c", KILLED, str(news), *map(str, places)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    codes = done.stdout.split()
    assert codes[0] == "0"
    assert codes[1:] == ["-9"] * 10
    expected = tree_digest(places[0])
    for place in places[1:]:
        assert tree_digest(place) == expected, place


def test_a_plain_script_can_ingest_in_processes(tmp_path, news):
    """The engine starts fresh processes, which import the script's own file again."""
    write_jsonl(news / "a.jsonl", [{"text": story(n)} for n in range(200)])
    init_desk(tmp_path / "desk")
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        from pathlib import Path
        from copydesk.corpus import Desk, ingest
        if __name__ == "__main__":
            print(ingest(Desk(Path({str(tmp_path / "desk")!r})), [{str(news)!r}]).accepted)
        """)
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=120
    )
    assert done.stdout == "200\n"


def test_removed_is_a_plain_record(desk, news):
    write_jsonl(news / "a.jsonl", [{"a": 1}])
    ingest(desk, [str(news)])
    assert list(removed(desk)) == [Removed("", "read", "no text", "news/a.jsonl:1", "columns seen: a")]
    assert json.loads(Path(news / "a.jsonl").read_text()) == {"a": 1}
    assert isinstance(Desk(desk.path), Desk)


def test_a_lifted_refusal_is_forgotten(desk, news):
    (news / "a.csv").write_text(f'id,story_text_here\n1,"{story(1)}"\n')
    (news / "b.txt").write_text("Les habitants ont quitté la ville vendredi, ont déclaré des témoins à la presse. " * 4)
    (news / "c.txt").touch()
    assert len(ingest(desk, [str(news)]).removed) == 3
    desk = change_setting(desk, "^columns = .*", 'columns = { text = "story_text_here" }')
    desk = change_setting(desk, "^languages = .*", 'languages = ["en", "fr"]')
    assert ingest(desk, [str(news)]).accepted == 2
    assert [item.reason for item in removed(desk)] == ["empty file"]


def test_known_bytes_are_not_looked_at_again(desk, news, monkeypatch):
    write_jsonl(news / "a.jsonl", [{"text": story(n)} for n in range(3)] + [{"text": story(3), "date": "some day"}])
    ingest(desk, [str(news)])
    monkeypatch.setattr(importlib.import_module("copydesk.corpus.ingest"), "prepare", None)
    assert ingest(desk, [str(news)]).repeated == 4


def test_other_settings_look_at_known_bytes_again(desk, news):
    write_jsonl(news / "a.jsonl", [{"text": story(1)}])
    ingest(desk, [str(news)])
    result = ingest(change_setting(desk, '^outlet = ""', 'outlet = "The Wire"'), [str(news)])
    assert (result.accepted, result.documents, result.copies) == (1, 2, 1)


def test_after_a_harmless_change_all_is_known_again(desk, news, monkeypatch):
    write_jsonl(news / "a.jsonl", [{"text": story(n)} for n in range(3)])
    ingest(desk, [str(news)])
    desk = change_setting(desk, "^min_characters = .*", "min_characters = 201")
    assert ingest(desk, [str(news)]).repeated == 3
    monkeypatch.setattr(importlib.import_module("copydesk.corpus.ingest"), "prepare", None)
    assert ingest(desk, [str(news)]).repeated == 3
