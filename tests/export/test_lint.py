from __future__ import annotations

import json
from dataclasses import replace

import pytest

from copydesk.corpus import Desk
from copydesk.export import release
from copydesk.schemas import ReleaseError, Suggestion


def reversed_toll(annotations):
    """Return annotations in which a toll's lowest number is above its highest."""
    wrong = {"toll_kind": "killed", "toll_low": "12", "toll_high": "3"}
    entities = [replace(e, attributes=wrong) if e.label == "TOLL" else e for e in annotations.entities]
    return replace(annotations, entities=tuple(entities))


@pytest.fixture
def wrong(newsroom):
    """A desk where one finished article has such a toll."""
    key = newsroom.ids[0]
    newsroom.truth[key] = reversed_toll(newsroom.truth[key])
    newsroom.annotate_all()
    return newsroom


def test_a_label_that_breaks_a_check_stops_the_release_by_name(wrong):
    with pytest.raises(ReleaseError, match="1 labels break a check of the scheme") as caught:
        release(wrong.desk)
    assert f"document {wrong.ids[0]}: E" in str(caught.value)
    assert list((wrong.desk.path / "releases").iterdir()) == []


def test_it_is_counted_where_that_is_set_and_the_card_says_so(wrong):
    path = wrong.desk.path / "copydesk.toml"
    path.write_text(path.read_text().replace('checks = "stop"', 'checks = "count"'))
    made = release(Desk(wrong.desk.path))
    assert json.loads((made.path / "manifest.json").read_text())["lint"] == 1
    assert "1 labels break a check of the scheme" in (made.path / "README.md").read_text()


def test_what_nobody_looked_at_is_not_linted(newsroom):
    newsroom.suggest()
    for key, said in newsroom.suggested.items():
        newsroom.suggested[key] = replace(said, annotations=reversed_toll(said.annotations))
    newsroom.desk.write(Suggestion, "suggestions/toy@1", "00000", newsroom.suggested.values())
    assert release(newsroom.desk, silver=True).version == "0.1.0"
