"""The command that puts texts back, as a person runs it."""

from __future__ import annotations

import importlib
import json

import pytest

from copydesk.corpus import documents, init_desk
from copydesk.corpus import ingest as read_in
from copydesk.export import release
from copydesk.schemas import Annotations, Entity, Origin, Span, Suggestion

ARTICLES = {
    "Port Sel shelled": "The Coast Brigade shelled the port of Arvenia for the third time this month, a resident said on Friday. "
    "Nobody was hurt in the attack, according to the mayor. Ships wait outside of the harbour until the guns are silent.",
    "Envoys meet again": "Envoys of both sides met in the capital on Monday and spoke about a truce for the winter. "
    "A second meeting in the mountains is planned for the end of the month. Neither side has said who is to come.",
}


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A release without texts of two articles."""
    # the package has the function release under the module's name
    monkeypatch.setattr(importlib.import_module("copydesk.export.release"), "verify", lambda path: ())
    monkeypatch.chdir(tmp_path)
    desk = init_desk(tmp_path / "desk", name="tiny")
    written(tmp_path / "in.jsonl", ARTICLES)
    read_in(desk, [str(tmp_path / "in.jsonl")])
    made = Origin("model", "toy", "1")
    found = []
    for document in documents(desk):
        word = "resident" if "resident" in document.text else "Envoys of both sides"
        start = document.text.index(word)
        mention = Entity("e1", Span(start, start + len(word), word), "PERSON", made, score=0.5)
        found.append(Suggestion(Annotations(document.id, document.sha256, (mention,)), made, (), 0.5))
    desk.write(Suggestion, "suggestions/toy@1", "00000", found)
    desk.note("pipeline", {"name": "toy", "version": "1"})
    return release(desk, silver=True, text="standoff").path


def written(path, articles):
    rows = [{"title": title, "text": text} for title, text in articles.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_all_is_there(copydesk, bare, tmp_path):
    done = copydesk("hydrate", bare, "--texts", "in.jsonl", "--json")
    assert done.status == 0, done
    assert done.json["states"] == {"exact": 2, "re-anchored": 0, "lost": 0, "missing": 0}
    assert (tmp_path / "tiny-0.1.0-hydrated" / "hydration.jsonl").exists()


def test_what_is_not_there_is_a_finding(copydesk, bare, tmp_path):
    title = "Port Sel shelled"
    written(tmp_path / "own.jsonl", {title: ARTICLES[title].replace("Nobody", "No one")})
    done = copydesk("hydrate", bare, "--texts", "own.jsonl", "--out", "mine")
    assert done.status == 1, done
    assert "Rebuilt 0.1.0 with texts: mine" in done.out
    assert "1 × there is no copy of it" in done.out
    assert "1 of 1 span of these are in their place" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say where the texts are"),
        (("--texts", "nowhere"), "no such file or folder"),
    ],
)
def test_wrong_use(copydesk, bare, words, said):
    done = copydesk("hydrate", bare, *words)
    assert done.status == 2, done
    assert said in done.err


def test_release_knows_its_kinds(copydesk, bare, tmp_path):
    done = copydesk("release", "--desk", tmp_path / "desk", "--text", "half")
    assert done.status == 2
    assert "expected full or standoff" in done.err
