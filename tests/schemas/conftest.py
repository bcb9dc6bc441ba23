"""Share the shipped scheme, one good annotated document, and the golden files."""

import json
import os
from pathlib import Path

import pytest

from copydesk.schemas import annotated_from_json, load_scheme

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def whole_scheme():
    return load_scheme()


@pytest.fixture(scope="session")
def scheme(whole_scheme):
    return whole_scheme.select(whole_scheme.default_layers)


@pytest.fixture(scope="session")
def annotated():
    return annotated_from_json(json.loads((HERE / "data" / "good.json").read_text(encoding="utf-8")))


@pytest.fixture
def golden():
    """Compare a text with a file of tests/schemas/golden; UPDATE_GOLDEN=1 writes it instead."""

    def compare(name, text):
        path = HERE / "golden" / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{name} changed; if it should, run with UPDATE_GOLDEN=1"

    return compare
