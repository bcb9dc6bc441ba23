"""Lines that an outlet hangs on its articles: found over a run, taken out with a record, the same whatever the order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.corpus import Desk, TextMap, boilerplate, documents, ingest, removed
from copydesk.schemas import Document, text_sha256

from .conftest import change_setting, story, tree_digest, write_jsonl

SUBSCRIBE = "Subscribe to our morning letter."
MORE = "Read more: all about the war"


def record(number, *, outlet="Meridian Wire", lines=(MORE, SUBSCRIBE)):
    first, *rest = lines or ("",)
    text = "\n".join([story(number, 3), first, story(number + 500, 3), *rest])
    return {"text": text, "title": f"Day {number} of the war", "outlet": outlet, "id": str(number)}


def learning(desk, at_least=4):
    return change_setting(desk, "^boilerplate = .*", f"boilerplate = {at_least}")


def test_lines_that_articles_have_in_common_are_taken_out_with_a_record(desk, news):
    desk = learning(desk)
    others = [record(number, outlet="Coast Monitor", lines=()) for number in range(20, 24)]
    result = ingest(desk, [write_jsonl(news / "a.jsonl", [*map(record, range(5)), *others])])
    assert (result.accepted, len(result.removed)) == (9, 5)
    assert not any(SUBSCRIBE in document.text or MORE in document.text for document in documents(desk))
    gone = list(removed(desk))
    assert {(item.stage, item.reason, item.detail) for item in gone} == {
        ("clean", "boilerplate", f"{MORE} ¶ {SUBSCRIBE}")
    }
    assert {item.document_id for item in gone} == {d.id for d in documents(desk) if d.outlet == "Meridian Wire"}
    assert boilerplate(desk) == {"Meridian Wire": (MORE.casefold(), SUBSCRIBE.casefold())}
    for document in documents(desk):
        assert document.sha256 == text_sha256(document.text)


def test_the_map_still_leads_to_the_source(desk, news):
    desk = learning(desk)
    records = [record(number) for number in range(5)]
    ingest(desk, [write_jsonl(news / "a.jsonl", records)])
    texts = {item["id"]: item["text"] for item in records}
    for document in documents(desk):
        source, found = texts[document.external_id], TextMap.decode(document.raw_map)
        assert (found.length, found.source_length) == (len(document.text), len(source))
        at = document.text.index("In ", 30)
        assert source[slice(*found.to_source(at, at + 40))] == document.text[at : at + 40]
        assert found.from_source(source.index(SUBSCRIBE), source.index(SUBSCRIBE) + 5) is None


PAGE = """<!doctype html><html lang="en"><head><title>Day {0} of the war</title><meta property="og:site_name" content="Wire">
</head><body><article><h1>Day {0} of the war</h1><p>{1}</p><p>{2}</p><p>{3}</p></article></body></html>"""


def test_pages_lose_theirs_too(desk, news):
    desk = learning(desk)
    for number in range(5):
        page = PAGE.format(number, story(number, 3), SUBSCRIBE, story(number + 500, 3))
        (news / f"{number}.html").write_text(page, encoding="utf-8")
    assert ingest(desk, [str(news)]).accepted == 5
    assert boilerplate(desk) == {"Wire": (SUBSCRIBE.casefold(),)}
    for document in documents(desk):
        assert SUBSCRIBE not in document.text
        assert (document.text.count("\n\n"), document.raw_map) == (2, "")


def test_nothing_is_taken_out_by_default(desk, news):
    assert ingest(desk, [write_jsonl(news / "a.jsonl", map(record, range(8)))]).removed == ()
    assert boilerplate(desk) == {}
    assert not (desk.path / "boilerplate").exists()


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("“No comment,” he said.", SUBSCRIBE), id="a quotation is no boilerplate"),
        pytest.param((f"{story(999, 4)}", SUBSCRIBE), id="nor is a long paragraph"),
        pytest.param(("***", SUBSCRIBE), id="nor is a line without letters"),
    ],
)
def test_what_stays(desk, news, lines):
    desk = learning(desk)
    ingest(desk, [write_jsonl(news / "a.jsonl", [record(number, lines=lines) for number in range(6)])])
    assert boilerplate(desk) == {"Meridian Wire": (SUBSCRIBE.casefold(),)}


def test_copies_of_one_story_teach_nothing(desk, news):
    desk = learning(desk)
    copies = [{"text": f"{story(1, 6)}\n{MORE}\n{story(900 + n, 1)}", "outlet": "Meridian Wire"} for n in range(8)]
    ingest(desk, [write_jsonl(news / "a.jsonl", copies)])
    assert boilerplate(desk) == {}


def test_a_line_of_few_articles_stays(desk, news):
    desk = learning(desk)
    rare = [record(number, lines=(MORE,)) for number in range(4)]
    ingest(desk, [write_jsonl(news / "a.jsonl", [*rare, *(record(n, lines=()) for n in range(10, 60))])])
    assert boilerplate(desk) == {}


def test_small_runs_learn_too_and_what_is_frozen_stays(desk, news):
    desk = learning(desk)
    ingest(desk, [write_jsonl(news / "a.jsonl", map(record, range(3)))])
    before = {document.id: document.text for document in documents(desk)}
    assert all(SUBSCRIBE in text for text in before.values())
    ingest(desk, [write_jsonl(news / "b.jsonl", map(record, range(3, 6)))])
    after = {document.id: document.text for document in documents(desk)}
    assert before.items() <= after.items()
    assert not any(SUBSCRIBE in text for key, text in after.items() if key not in before)
    ingest(desk, [write_jsonl(news / "c.jsonl", [record(7)])])  # one alone: what was learnt applies
    assert sum(SUBSCRIBE in document.text for document in documents(desk)) == 3
    # looked at again under other settings, the first three are still what they were
    again = ingest(change_setting(desk, "^min_characters = .*", "min_characters = 201"), [str(news)])
    assert (again.accepted, again.documents) == (0, 7)


def test_the_order_of_sources_does_not_matter(desk, news, tmp_path):
    desk = learning(desk)
    one = write_jsonl(news / "a.jsonl", map(record, range(4)))
    two = write_jsonl(news / "b.jsonl", map(record, range(4, 8)))
    ingest(desk, [one, two])
    other = tmp_path / "other"
    other.mkdir()
    (other / "copydesk.toml").write_bytes((desk.path / "copydesk.toml").read_bytes())
    ingest(Desk(other), [two, one])
    assert {d.id for d in documents(desk)} == {d.id for d in documents(Desk(other))}


def test_a_run_that_was_killed_and_run_again_gives_the_same_bytes(desk, news, tmp_path):
    desk = learning(desk)
    source = write_jsonl(news / "a.jsonl", map(record, range(6)))

    def stop(progress):
        if progress.stage == "ingest":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(desk, [source], on_progress=stop)
    assert list(desk.parts("boilerplate"))
    ingest(desk, [source])
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "copydesk.toml").write_bytes((desk.path / "copydesk.toml").read_bytes())
    ingest(Desk(whole), [source])
    assert tree_digest(desk.path).items() - tree_digest(whole).items() <= {
        item for item in tree_digest(desk.path).items() if item[0] == ".gitignore"
    }
    assert ingest(desk, [source]).accepted == 0
    assert len(desk.parts("boilerplate")) == 1


def test_workers_change_nothing(desk, news, tmp_path):
    desk = learning(desk)
    source = write_jsonl(news / "a.jsonl", map(record, range(150)))
    ingest(desk, [source])
    several = tmp_path / "several"
    several.mkdir()
    text = (desk.path / "copydesk.toml").read_text("utf-8").replace('engine = "serial"', 'engine = "processes"')
    (several / "copydesk.toml").write_text(text.replace("workers = 0", "workers = 2"), "utf-8")
    ingest(Desk(several), [source])
    ours, theirs = tree_digest(desk.path), tree_digest(several)
    assert {k: v for k, v in ours.items() if k.endswith(".parquet")} == {
        k: v for k, v in theirs.items() if k.endswith(".parquet")
    }


def test_an_article_of_nothing_else_is_too_short(desk, news):
    desk = learning(desk)
    records = [record(number) for number in range(5)]
    records.append({"text": "\n".join([SUBSCRIBE] * 8), "outlet": "Meridian Wire"})
    result = ingest(desk, [write_jsonl(news / "a.jsonl", records)])
    short = next(item for item in result.removed if item.reason == "too short")
    assert short.detail.endswith("without boilerplate, ingest.min_characters is 200")


shorter = __import__("importlib").import_module("copydesk.corpus.boilerplate")._shorter


@settings(deadline=None, max_examples=80)
@given(st.lists(st.text("ab ", min_size=1, max_size=5), min_size=1, max_size=8), st.data())
def test_blocks_are_taken_out_and_nothing_else(blocks, dice):
    text = "\n\n".join(blocks)
    places, start = [], 0
    for block in blocks:
        places.append((start, start + len(block)))
        start += len(block) + 2
    gone = dice.draw(st.lists(st.sampled_from(places), unique=True).map(sorted))
    document = Document(id="0" * 16, text=text, sha256=text_sha256(text), raw_map=TextMap.same(len(text)).encode())
    left = shorter(document, gone)
    assert left.text == "\n\n".join(text[a:b] for a, b in places if (a, b) not in gone)
    found = TextMap.decode(left.raw_map)
    assert (found.length, found.source_length) == (len(left.text), len(text))
    here = there = 0
    for made, source, kept in found.pieces:
        assert not kept or left.text[here : here + made] == text[there : there + source]
        here, there = here + made, there + source
