from __future__ import annotations

import duckdb
import pandas
import polars
import pytest

from copydesk.corpus import (
    article_shards,
    canonical_documents,
    copies,
    documents,
    ingest,
    record_removed,
    removed,
    sweep,
)
from copydesk.schemas import DeskError, Removed

from .conftest import story, write_jsonl


def test_removed_records_of_a_stage_are_replaced_whole(desk):
    one, two = (Removed("", "push", "server said no", f"task {n}") for n in (1, 2))
    record_removed(desk, "push", [one, two])
    record_removed(desk, "pull", [Removed("", "decode", "bad region", "task 9")])
    record_removed(desk, "push", [two])
    assert [item.of for item in removed(desk)] == ["task 9", "task 2"]
    record_removed(desk, "push", [])
    record_removed(desk, "push", [])
    assert [item.of for item in removed(desk)] == ["task 9"]


def test_canonical_documents_leave_the_copies_out(desk, news):
    ingest(desk, [write_jsonl(news / "a.jsonl", [{"text": story(n // 2), "id": n} for n in range(6)])])
    every, canonical = list(documents(desk)), list(canonical_documents(desk))
    assert (len(every), len(canonical)) == (6, 3)
    assert {document.id for document in every} - {document.id for document in canonical} == copies(desk)


def test_an_empty_desk_has_empty_tables(desk):
    assert list(documents(desk)) == list(canonical_documents(desk)) == list(removed(desk)) == []
    assert article_shards(desk, "suggestions/x") == []


def test_a_shard_of_work_has_the_name_of_its_input(desk, news):
    ingest(desk, [write_jsonl(news / "a.jsonl", [{"text": story(1)}])])
    (shard,) = article_shards(desk, "suggestions/x@1", "x", 1)
    assert shard.inputs == tuple(desk.parts("articles"))
    assert shard.output == desk.path / "suggestions" / "x@1" / shard.inputs[0].name
    assert shard.key != article_shards(desk, "suggestions/x@1", "x", 2)[0].key


def test_others_read_the_tables_without_us(desk, news):
    ingest(desk, [write_jsonl(news / "a.jsonl", [{"text": story(n), "outlet": "W"} for n in range(3)])])
    (part,) = desk.parts("articles")
    ids = sorted(document.id for document in documents(desk))
    assert sorted(pandas.read_parquet(part)["id"]) == ids
    assert sorted(polars.read_parquet(part)["id"]) == ids
    assert sorted(row[0] for row in duckdb.sql(f"select id from '{part}'").fetchall()) == ids


def test_what_a_killed_run_left_is_swept_away_and_nothing_else(desk, news):
    write_jsonl(news / "a.jsonl", [{"text": story(1)}])
    ingest(desk, [str(news)])
    (desk.path / "releases" / "1.0.0").mkdir(parents=True)
    before = sorted(desk.path.rglob("*"))
    for folder in (".pull-x", "releases/building-x/release"):
        (desk.path / folder).mkdir(parents=True)
        (desk.path / folder / "half").touch()
    (desk.path / ".x.tmp").touch()
    (desk.path / "articles" / ".x.tmp").touch()
    sweep(desk)
    assert sorted(desk.path.rglob("*")) == before


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"ingest": 3}', b"\xff"])
def test_a_damaged_state_is_named_with_its_cure(desk, news, damage):
    write_jsonl(news / "a.jsonl", [{"text": story(1)}])
    ingest(desk, [str(news)])
    (desk.path / "state.json").write_bytes(damage)
    with pytest.raises(DeskError, match=r"state\.json is damaged") as caught:
        ingest(desk, [str(news)])
    assert "Remove state.json" in str(caught.value)
    (desk.path / "state.json").unlink()
    assert ingest(desk, [str(news)]).documents == 1
