from __future__ import annotations

import importlib

import pytest

iso_date = importlib.import_module("copydesk.corpus.dates").iso_date


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-11-29", "2024-11-29"),
        ("2024-11-29T10:00:00Z", "2024-11-29T10:00:00+00:00"),
        ("2024-11-29 10:00:00 UTC", "2024-11-29T10:00:00+00:00"),
        ("2024-11-29T10:15:00+01:00", "2024-11-29T10:15:00+01:00"),
        ("Fri, 29 Nov 2024 10:00:00 GMT", "2024-11-29T10:00:00+00:00"),
        ("29 November 2024", "2024-11-29"),
        ("Nov 29, 2024", "2024-11-29"),
        ("20241129T100000Z", "2024-11-29T10:00:00"),
        ("03/04/2024", ""),
        ("0001-01-01", ""),
        ("3024-01-01T00:00:00", ""),
        ("2024-13-40", ""),
        ("yesterday", ""),
        ("1732874400", ""),
        ("", ""),
    ],
)
def test_dates(written, read):
    assert iso_date(written) == read
