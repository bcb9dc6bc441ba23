"""queue, and push and status as far as they know of it; no server is asked."""

import pytest

from copydesk.corpus import Desk
from copydesk.schemas import (
    Annotations,
    Document,
    Entity,
    Origin,
    Span,
    Suggestion,
    document_id,
    text_sha256,
)

MODEL = Origin("model", "list", "1")


def written(number):
    text = f"Bridge {number} falls\n\nThe army said the bridge near Qasr number {number} fell."
    return Document(document_id(text), text, text_sha256(text), title=text.split("\n", maxsplit=1)[0])


def suggested(document):
    start = document.text.index("Qasr")
    qasr = Entity("e1", Span.of(document, start, start + 4), "GPE", MODEL, score=0.6)
    return Suggestion(Annotations(document.id, document.sha256, (qasr,)), MODEL, ())


@pytest.fixture
def small_desk(desk):
    """Ten articles with a suggestion each."""
    opened = Desk(desk)
    articles = [written(number) for number in range(10)]
    opened.write(Document, "articles", "0000", articles)
    opened.write(Suggestion, "suggestions/list@1", "0000", map(suggested, articles))
    opened.note("pipeline", {"name": "list", "version": "1"})
    return desk


def test_a_desk_without_anything_says_what_is_missing(copydesk, desk):
    shown = copydesk("queue", "--desk", desk)
    assert (shown.status, shown.out) == (0, "No queue is planned. Next: copydesk queue --plan.\n")
    shown = copydesk("queue", "--plan", "--desk", desk)
    assert shown.status == 0
    assert shown.out == (
        "Nothing to rank: no article has suggestions yet.\nNo queue is planned. Next: copydesk suggest.\n"
    )
    assert copydesk("queue", "--plan", "--json", "--desk", desk).json["planned"]["suggested"] == 0


def test_the_order_with_titles_and_why(copydesk, small_desk):
    shown = copydesk("queue", "--plan", "--limit", "4", "--desk", small_desk)
    assert shown.status == 0
    first, *rows, last = shown.out.splitlines()
    assert first.startswith("Round 1: ")
    assert first.endswith("10 in the queue.")
    assert len(rows) == 4
    assert all("Bridge" in row for row in rows)
    assert any("doubt 0.50 (entities 0.97); news " in row and "(GPE)" in row for row in rows)
    assert last == "10 of 10 left. Next: copydesk push --limit 10."
    again = copydesk("queue", "--plan", "--limit", "4", "--desk", small_desk)
    assert again.out.startswith("Nothing new to rank: each of 10 articles has a place or was worked on.\n")
    assert again.out.splitlines()[1:5] == rows


def test_the_reserve_says_so(copydesk, small_desk):
    settings = small_desk / "copydesk.toml"
    settings.write_text(settings.read_text("utf-8").replace("reserve = 0.1", "reserve = 1.0"), encoding="utf-8")
    shown = copydesk("queue", "--plan", "--desk", small_desk)
    assert "Round 1: 0 articles ranked, 10 more of the reserve at random places; 10 in the queue." in shown.out
    assert shown.out.count("reserve: by lot, for evaluation") == 10


def test_queue_speaks_json(copydesk, small_desk):
    shown = copydesk("queue", "--redraw", "--limit", "2", "--json", "--desk", small_desk).json
    assert shown["planned"]["round"] == 1
    assert shown["ranked"] + shown["reserve"] == 10
    assert [row["rank"] for row in shown["next"]] == [1, 2]
    assert {"title", "why", "probability", "part"} <= shown["next"][0].keys()
    anew = copydesk("queue", "--redraw", "--json", "--desk", small_desk).json
    assert (anew["planned"]["round"], anew["planned"]["redrawn"]) == (2, 10)


def test_status_counts_the_queue(copydesk, small_desk):
    assert "in the queue" not in copydesk("status", "--desk", small_desk).out
    copydesk("queue", "--plan", "--desk", small_desk)
    shown = copydesk("status", "--desk", small_desk)
    assert "ranked in the queue, 0 of them worked on" in shown.out
    assert "in its reserve for evaluation, 0 of them worked on" in shown.out
    counts = copydesk("status", "--json", "--desk", small_desk).json["queue"]
    assert counts["ranked"] + counts["reserve"] == 10
    assert counts["ranked_done"] == counts["reserve_done"] == 0


def test_a_limited_push_wants_a_plan(copydesk, small_desk):
    shown = copydesk("push", "--limit", "3", "--desk", small_desk)
    assert shown.status == 2
    assert "no queue is planned" in shown.err
    assert "Plan one: copydesk queue --plan" in shown.err
