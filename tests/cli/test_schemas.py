"""`copydesk scheme diff`, `check` and `migrate`, by that name and as `schema`."""

from __future__ import annotations

import json

import pytest

from copydesk.schemas import load_scheme


def written(path, **swaps):
    """Write the shipped scheme as version 1.1.0 with names swapped, as TOML of inline values."""
    text = load_scheme().model_dump_json().replace('"version":"1.0.0"', '"version":"1.1.0"')
    for old, new in swaps.items():
        text = text.replace(f'"{old}"', f'"{new}"')

    def value(item):
        if isinstance(item, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {value(v)}" for k, v in item.items()) + "}"
        return "[" + ", ".join(map(value, item)) + "]" if isinstance(item, list) else json.dumps(item)

    path.write_text("\n".join(f"{key} = {value(item)}" for key, item in json.loads(text).items()))
    return path


def test_a_difference_that_nobody_decided_is_a_finding(copydesk, tmp_path):
    new = written(tmp_path / "new.toml", PLATFORM="VEHICLE")
    found = copydesk("schema", "diff", "conflict-news-1.0", new)
    assert found.status == 1
    assert "removed" in found.out
    assert "decide: label PLATFORM" in found.err
    move = tmp_path / "to.toml"
    move.write_text('from = "conflict-news 1.0.0"\nto = "conflict-news 1.1.0"\n[labels]\nPLATFORM = "VEHICLE"\n')
    decided = copydesk("scheme", "diff", "conflict-news-1.0", new, "--migration", move, "--json")
    assert decided.status == 0
    assert [(c["what"], c["kind"], c["detail"]) for c in decided.json["changes"]] == [
        ("label PLATFORM", "renamed", "VEHICLE")
    ]


def test_a_scheme_is_checked(copydesk, tmp_path):
    good = copydesk("scheme", "check", "conflict-news-1.0")
    assert good.status == 0
    assert "conflict-news 1.0.0 is whole: 39 labels in 5 layers." in good.out
    (tmp_path / "bad.toml").write_text('name = "x"\n')
    bad = copydesk("scheme", "check", tmp_path / "bad.toml")
    assert bad.status in (2, 4)
    assert "bad.toml" in bad.err
    assert "Traceback" not in bad.err


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_without_a_server_migrating_says_so(copydesk, desk, more):
    result = copydesk("scheme", "migrate", "--desk", desk, *more)
    assert result.status == 4
    assert "Label Studio" in result.err
