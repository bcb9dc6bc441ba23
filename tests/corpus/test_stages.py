"""A changed setting puts just the stages out of date that depend on it, and running them is all there is to do."""

import pytest

from copydesk.corpus import Shard, ingest, shards_standing, stages

from .conftest import change_setting, story, tree_digest, write_jsonl


@pytest.fixture
def source(news):
    rows = [{"id": str(n), "title": f"Story {n}", "text": story(n)} for n in range(4)]
    return write_jsonl(news / "rows.jsonl", rows)


def told(desk):
    return {stage.stage: (stage.done, stage.outdated, stage.missing) for stage in stages(desk)}


def test_an_empty_desk_has_nothing_to_do(desk):
    assert told(desk) == {"ingest": (0, 0, 0), "sign": (0, 0, 0), "dedupe": (0, 0, 0), "segment": (0, 0, 0)}
    assert not any(stage.next for stage in stages(desk))


def test_after_a_run_everything_is_up_to_date(desk, source):
    ingest(desk, [source])
    assert told(desk) == {"ingest": (1, 0, 0), "sign": (1, 0, 0), "dedupe": (1, 0, 0), "segment": (1, 0, 0)}
    assert not any(stage.next for stage in stages(desk))


@pytest.mark.parametrize(
    ("line", "by", "stage"),
    [
        ("^min_characters = .*", "min_characters = 20", "ingest"),
        ("^threshold = .*", "threshold = 0.7", "dedupe"),
        ("^pipeline = .*", 'pipeline = "another"', None),
        ("^workers = .*", "workers = 7", None),
    ],
)
def test_a_setting_puts_out_of_date_just_what_depends_on_it(desk, source, line, by, stage):
    ingest(desk, [source])
    desk = change_setting(desk, line, by)
    assert [name for name, standing in told(desk).items() if standing != (1, 0, 0)] == ([stage] if stage else [])
    before = tree_digest(desk.path)
    ingest(desk, [source])
    assert not any(standing.next for standing in stages(desk))
    changed = {name for name, digest in tree_digest(desk.path).items() if before.get(name) != digest}
    assert changed == ({"state.json"} if stage else set()), "the articles are the same under either setting"


def test_new_articles_leave_the_old_ones_segments_alone(desk, source, news):
    ingest(desk, [source])
    more = write_jsonl(news / "more.jsonl", [{"id": "9", "title": "Story 9", "text": story(9)}])
    before = tree_digest(desk.path)
    ingest(desk, [more])
    after = tree_digest(desk.path)
    assert all(after[name] == digest for name, digest in before.items() if name.startswith(("articles/", "segments/")))
    assert told(desk) == {"ingest": (2, 0, 0), "sign": (2, 0, 0), "dedupe": (1, 0, 0), "segment": (2, 0, 0)}


def test_what_was_deleted_is_to_do_again(desk, source):
    ingest(desk, [source])
    for table in ("segments", "clusters"):
        for part in desk.parts(table):
            part.unlink()
    assert told(desk) == {"ingest": (1, 0, 0), "sign": (1, 0, 0), "dedupe": (0, 0, 1), "segment": (0, 0, 1)}
    assert [stage.next for stage in stages(desk)] == ["", "", "copydesk ingest", "copydesk ingest"]
    ingest(desk, [])
    assert not any(stage.next for stage in stages(desk))


def test_a_stage_of_shards_tells_what_was_made_of_something_else(desk, tmp_path):
    outputs = [desk.path / "some" / f"part-{n}.parquet" for n in range(3)]
    outputs[0].parent.mkdir()
    for output in outputs[:2]:
        output.touch()
    desk.note("some thing", {"part-0": "old", "part-1": "key"})
    found = shards_standing(desk, "some thing", [Shard((), output, "key") for output in outputs], "copydesk some")
    assert (found.stage, found.done, found.outdated, found.missing) == ("some", 1, 1, 1)
    assert found.next == "copydesk some"
