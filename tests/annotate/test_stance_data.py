from __future__ import annotations

import json

import pytest
from readers import inside

from copydesk.annotate import read_stance_data
from copydesk.schemas import InputError

module = inside("stance_data")


def rows(count, of="d", **more):
    labels = ["critical", "neutral", "supportive"]
    return [
        {
            "text": f"Mara Lind spoke, number {n}.",
            "start": 0,
            "end": 9,
            "label": labels[n % 3],
            "doc": f"{of}{n}",
            **more,
        }
        for n in range(count)
    ]


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_folder_with_its_own_parts(tmp_path):
    write(tmp_path / "set_train.jsonl", rows(40, licence="MIT"))
    write(tmp_path / "set_dev.jsonl", rows(6, "e", licence="MIT"))
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
    path = write(
        tmp_path / "mine.jsonl", [*rows(9, split="train"), *rows(5, "t", split="test"), *rows(2, "v", split="dev")]
    )
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
        ({"text": "x", "start": 0, "end": 1}, "there is no 'label'"),
        ({"text": "x", "start": 0, "end": 1, "label": "hostile"}, "the label is 'hostile'; known are critical"),
        ({"text": "x", "start": 0, "end": 1, "label": True}, "the label is True"),
        ({"text": "x", "start": 0.9, "end": 1, "label": "0"}, "start is 0.9, not a whole number"),
        ({"text": "x", "start": 0, "end": True, "label": "0"}, "end is True, not a whole number"),
        ({"text": "x", "start": 0, "end": float("inf"), "label": "0"}, "end is inf, not a whole number"),
        ({"text": None, "start": 0, "end": 1, "label": "0"}, "the text is no string"),
        ({"text": "\ud800", "start": 0, "end": 1, "label": "0"}, "surrogates not allowed"),
        (["x", 0, 1, "0"], "a row is list, not an object"),
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


@pytest.mark.parametrize(
    ("name", "train", "held"),
    [
        ("a_train", 4, 0), ("a_development", 0, 4), ("a.valid", 0, 4), ("a-dev", 0, 4), ("development_train", 4, 0),
        ("validation-00000-of-00001", 0, 4),
    ],
)  # fmt: skip
def test_a_part_is_a_word_of_the_files_name(tmp_path, name, train, held):
    data = read_stance_data([write(tmp_path / f"{name}.jsonl", rows(4))])
    assert (len(data.train), len(data.development)) == (train, held)


@pytest.mark.parametrize("name", ["sudan_devastation", "invalidated", "constraints", "contest"])
def test_a_part_is_no_piece_of_a_word(tmp_path, name):
    data = read_stance_data([write(tmp_path / f"{name}.jsonl", rows(90))])
    assert len(data.train) > len(data.development) > 0


def test_a_file_of_a_test_part_is_not_read(tmp_path):
    write(tmp_path / "news_test.jsonl", rows(9))
    with pytest.raises(InputError, match="no stances in it"):
        read_stance_data([tmp_path])


def test_a_row_knows_its_part_better_than_its_file(tmp_path):
    path = write(tmp_path / "a_train.jsonl", [*rows(3), *rows(2, "v", split="dev")])
    data = read_stance_data([path])
    assert (len(data.train), len(data.development)) == (3, 2)


def test_numbers_are_polarities(tmp_path):
    lines = [{**row, "label": label} for row, label in zip(rows(5), (-1, 0, 1, 2, "Positive"), strict=True)]
    assert [e.label for e in read_stance_data([write(tmp_path / "a_train.jsonl", lines)]).train] == [0, 1, 2, 2, 2]


def test_a_document_is_on_one_side_whatever_the_sources_say(tmp_path):
    one = write(tmp_path / "one_train.jsonl", rows(20))
    other = write(tmp_path / "other_dev.jsonl", rows(5))
    data = read_stance_data([one, other])
    assert (len(data.train), len(data.development), data.left_out) == (15, 5, 5)
    assert not {e.group for e in data.train} & {e.group for e in data.development}


def test_nothing_is_trained_or_fitted_on_the_reserve(tmp_path):
    path = write(tmp_path / "one_train.jsonl", [*rows(20), *rows(5, "v", split="dev")])
    data = read_stance_data([path], reserve={"d3", "v1"})
    assert (len(data.train), len(data.development)) == (19, 4)
    assert not {"d3", "v1"} & {e.group for part in (data.train, data.development) for e in part}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lat.jsonl", "\u00e9t\u00e9".encode("latin-1"), "not UTF-8"),
        ("deep.jsonl", b"[" * 100_000, "not JSON"),
        ("bad.parquet", b"PAR1 no", "not a readable Parquet file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_stance_data([tmp_path / name])


def test_a_byte_order_mark_and_empty_lines_are_no_matter(tmp_path):
    path = write(tmp_path / "a_train.jsonl", rows(3))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert len(read_stance_data([path]).train) == 3
