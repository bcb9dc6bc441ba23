from __future__ import annotations

from copydesk.corpus import corpus_statistics, ingest, segments
from copydesk.schemas import SegmentKind

from .conftest import story, write_jsonl


def test_a_desk_is_counted(desk, news):
    records = [
        {"text": story(1), "outlet": "A", "date": "2024-11-29", "licence": "CC0-1.0"},
        {"text": story(1), "outlet": "B", "date": "2024-12-31"},
        {"text": story(2), "outlet": "A", "date": "2024-11-30T10:00:00Z"},
        {"text": story(3)},
        {"title": "x"},
        {"title": "y"},
    ]
    ingest(desk, [write_jsonl(news / "a.jsonl", records)])
    tables = corpus_statistics(desk)
    words = [len(story(n).split()) for n in (1, 1, 2, 3)]
    sentences = sum(item.kind is SegmentKind.SENTENCE for item in segments(desk))
    assert tables["totals"].to_dict("records") == [
        {"documents": 4, "words": sum(words), "sentences": sentences, "copies": 1}
    ]
    assert tables["outlets"]["outlet"].tolist() == ["", "A", "B"]
    assert tables["outlets"]["documents"].tolist() == [1, 2, 1]
    assert tables["outlets"]["words"].tolist() == [words[3], words[0] + words[2], words[1]]
    assert tables["weeks"]["week"].tolist() == ["", "2024-W48", "2025-W01"]
    assert tables["licences"]["licence"].tolist() == ["", "CC0-1.0"]
    assert tables["languages"].to_dict("records")[0]["language"] == "en"
    assert tables["kinds"]["kind"].tolist() == ["jsonl"]
    assert tables["removed"].to_dict("records") == [{"stage": "read", "reason": "no text", "records": 2}]
    assert tables["copies"].to_dict("records") == [
        {"kind": "canonical", "documents": 3},
        {"kind": "exact", "documents": 1},
    ]
    assert tables["clusters"][["documents", "outlets"]].to_dict("records") == [{"documents": 2, "outlets": 2}]


def test_an_empty_desk_has_empty_statistics(desk):
    tables = corpus_statistics(desk)
    assert tables["totals"].to_dict("records") == [{"documents": 0, "words": 0, "sentences": 0, "copies": 0}]
    assert all(len(table) == 0 for name, table in tables.items() if name not in ("totals", "segments"))
