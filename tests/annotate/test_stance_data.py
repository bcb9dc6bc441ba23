from __future__ import annotations

import json

import pytest
from readers import inside

from copydesk.annotate import read_stance_data
from copydesk.schemas import InputError

module = inside("stance_data")


def rows(count, **more):
    labels = ["critical", "neutral", "supportive"]
    return [
        {"text": f"Mara Lind spoke, number {n}.", "start": 0, "end": 9, "label": labels[n % 3], "doc": f"d{n}", **more}
        for n in range(count)
    ]


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_folder_with_its_own_parts(tmp_path):
    write(tmp_path / "set_train.jsonl", rows(40, licence="MIT"))
    write(tmp_path / "set_dev.jsonl", rows(6, licence="MIT"))
    write(tmp_path / "probe_dev.jsonl", rows(3))  # has no training part: it is no part of this set
    data = read_stance_data([tmp_path])
    assert (len(data.train), len(data.development)) == (40, 6)
    assert [source["file"] for source in data.sources] == ["set_dev.jsonl", "set_train.jsonl"]
    assert {source["licence"] for source in data.sources} == {"MIT"}
    data.check()


def test_a_file_without_parts_is_split_by_document(tmp_path):
    path = write(tmp_path / "mine.jsonl", rows(300))
    data = read_stance_data([path])
    assert 15 <= len(data.development) <= 50
    assert not {e.group for e in data.train} & {e.group for e in data.development}
    assert read_stance_data([path]).digest == data.digest


def test_a_test_part_is_never_read(tmp_path):
    path = write(tmp_path / "mine.jsonl", [*rows(9, split="train"), *rows(5, split="test"), *rows(2, split="dev")])
    data = read_stance_data([path])
    assert (len(data.train), len(data.development)) == (9, 2)


def test_what_no_class_fits_is_left_out(tmp_path):
    path = write(tmp_path / "mine.jsonl", [{**row, "label": "mixed"} for row in rows(5)] + rows(4))
    assert sum(len(part) for part in (read_stance_data([path]).train, read_stance_data([path]).development)) == 4


def test_polarities_are_classes_too(tmp_path):
    lines = [{**row, "polarity": polarity} for row, polarity in zip(rows(3), ("-2", "0", "+1"), strict=True)]
    path = write(tmp_path / "mine_train.jsonl", lines)
    assert [example.label for example in read_stance_data([path]).train] == [0, 1, 2]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"text": "x"}, r"mine.jsonl: 1: expected text, start, end and label"),
        ({"text": "x", "start": 0, "end": 5, "label": "neutral"}, r"\[0, 5\) is not in a text of 1 code points"),
    ],
)
def test_rows_that_do_not_fit(tmp_path, line, message):
    with pytest.raises(InputError, match=message):
        read_stance_data([write(tmp_path / "mine.jsonl", [line])])


def test_places_without_stances(tmp_path):
    with pytest.raises(InputError, match="there is no such file or folder"):
        read_stance_data([tmp_path / "nowhere"])
    with pytest.raises(InputError, match="no stances in it"):
        read_stance_data([tmp_path])
    (tmp_path / "mine.jsonl").write_text("{no json")
    with pytest.raises(InputError, match=r"mine.jsonl: 1: not JSON"):
        read_stance_data([tmp_path / "mine.jsonl"])


def test_too_little_is_refused(tmp_path):
    with pytest.raises(InputError, match="9 examples to train on; at least 30 are needed"):
        read_stance_data([write(tmp_path / "a_train.jsonl", rows(9))]).check()
    lines = [row for row in rows(90) if row["label"] != "critical"]
    with pytest.raises(InputError, match="no example is critical"):
        read_stance_data([write(tmp_path / "b_train.jsonl", lines)]).check()
    with pytest.raises(InputError, match="nothing is held out"):
        read_stance_data([write(tmp_path / "c_train.jsonl", rows(90))]).check()
