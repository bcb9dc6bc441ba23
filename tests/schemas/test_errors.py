"""An error says where and what to do, also after it came out of a worker process."""

import pickle

import pytest

from copydesk.schemas import (
    CopydeskError,
    DeskError,
    InputError,
    OffsetError,
    SchemeError,
    SettingsError,
    StudioError,
)


@pytest.mark.parametrize("kind", [CopydeskError, DeskError, InputError, SchemeError, SettingsError, StudioError])
def test_an_error_survives_pickling(kind):
    error = kind("no such thing", where="a.txt:3", hint="Look again.")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (back.message, back.where, back.hint) == ("no such thing", "a.txt:3", "Look again.")
    assert str(back) == str(error) == "a.txt:3: no such thing\nLook again."
    assert back.args == error.args


def test_an_offset_error_keeps_its_numbers():
    back = pickle.loads(pickle.dumps(OffsetError("d1", 3, 9, expected="a", found="b")))
    assert isinstance(back, CopydeskError)
    assert (back.document_id, back.start, back.end, back.expected, back.found) == ("d1", 3, 9, "a", "b")
    assert str(back).startswith("document d1: span [3, 9) should read 'a' but the text has 'b'\n")


def test_where_and_hint_may_be_missing():
    assert str(InputError("empty")) == "empty"
    assert str(InputError("empty", where="a.txt")) == "a.txt: empty"
