from __future__ import annotations

import pytest

PART = "conflict-news-1.0.0/entities"


@pytest.fixture
def server_tasks(module):
    return module("server_tasks").ServerTasks


def listed(number, key, annotations=0, predictions=1):
    data = {"copydesk_key": key} if key else {"text": "a stranger's"}
    return {
        "id": number, "data": data, "total_annotations": annotations, "cancelled_annotations": 0,
        "total_predictions": predictions,
    }  # fmt: skip


def key(number):
    return f"{number:016x}/{PART}/{number:012x}"


def test_every_key_is_found_again_and_no_other(server_tasks):
    tasks = server_tasks(listed(number + 1, key(number)) for number in range(5_000))  # some digests end in NUL
    assert len(tasks) == tasks.total == tasks.last == 5_000
    assert [tasks.find(key(number)).id for number in range(5_000)] == list(range(1, 5_001))
    assert all(tasks.has_part(key(number)) for number in range(5_000))
    assert all(tasks.find(key(number)) is None for number in range(5_000, 10_000))
    assert not any(tasks.has_part(key(number)) for number in range(5_000, 10_000))


def test_what_is_known_of_a_task(server_tasks):
    tasks = server_tasks(
        iter([listed(3, key(1), annotations=1), listed(5, key(2), predictions=0), listed(2**40, key(3)), listed(9, "")])
    )
    assert (tasks.find(key(1)).id, tasks.find(key(1)).touched, tasks.find(key(1)).suggested) == (3, True, True)
    assert (tasks.find(key(2)).touched, tasks.find(key(2)).suggested) == (False, False)
    assert tasks.find(key(3)).id == 2**40
    assert (len(tasks), tasks.total, tasks.bare) == (3, 4, 1)


def test_tasks_of_one_key_are_told_and_the_first_is_kept(server_tasks):
    numbers = [1, 2, 1, 3, 1, 3]
    tasks = server_tasks(listed(at, key(number)) for at, number in enumerate(numbers, start=1))
    assert sorted(tasks.doubles) == [[1, 3, 5], [4, 6]]
    assert tasks.find(key(1)).id == 1


def test_the_tasks_of_a_document_share_a_part(server_tasks):
    tasks = server_tasks(iter([listed(1, f"{key(1)}/10-14"), listed(2, f"{key(1)}/30-34")]))
    assert tasks.has_part(key(1))
    assert tasks.find(key(1)) is None
    assert tasks.find(f"{key(1)}/30-34").id == 2


def test_nothing_there(server_tasks):
    tasks = server_tasks(iter(()))
    assert (len(tasks), tasks.last, tasks.doubles, tasks.find(key(1))) == (0, 0, [], None)
