"""How two schemes differ is said thing by thing, and what nobody decided is named."""

from __future__ import annotations

import pytest

from copydesk.schemas import LabelScheme, Migration, SchemeChange, load_scheme, scheme_changes, undecided

OLD = load_scheme()


def changed(**swaps) -> LabelScheme:
    text = OLD.model_dump_json().replace('"version":"1.0.0"', '"version":"1.1.0"')
    for old, new in swaps.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return LabelScheme.model_validate_json(text)


def without(kind, name) -> LabelScheme:
    things = [thing for thing in getattr(OLD, kind) if thing.id != name]
    return LabelScheme.model_validate(OLD.model_copy(update={kind: things, "version": "1.1.0"}).model_dump())


def to(**what) -> Migration:
    return Migration.model_validate({"from": "conflict-news 1.0.0", "to": "conflict-news 1.1.0", **what})


def test_a_scheme_does_not_differ_from_itself():
    assert scheme_changes(OLD, OLD) == ()
    assert undecided(OLD, changed()) == {}


def test_a_new_name_is_one_taken_away_and_one_put_in_unless_a_migration_says_so():
    new = changed(PLATFORM="VEHICLE")
    found = {(change.what, change.kind) for change in scheme_changes(OLD, new)}
    assert {("label PLATFORM", "removed"), ("label VEHICLE", "added")} <= found
    assert "label PLATFORM" in undecided(OLD, new)
    move = to(labels={"PLATFORM": "VEHICLE"})
    assert scheme_changes(OLD, new, move) == (SchemeChange("label PLATFORM", "renamed", "VEHICLE", breaking=True),)
    assert undecided(OLD, new, move) == {}


def test_words_and_keys_break_nothing_and_meaning_does():
    raw = OLD.model_dump()
    raw["version"] = "1.1.0"
    raw["labels"][0] |= {"definition": "Somebody.", "hotkey": ""}
    asked = next(a for a in raw["attributes"] if a["id"] == "gpe_role")
    asked["labels"] = [*asked["labels"], "LOCATION"]
    new = LabelScheme.model_validate(raw)
    first, second = scheme_changes(OLD, new)
    assert (first.what, first.detail, first.breaking) == ("attribute gpe_role", "labels", True)
    assert (second.what, second.detail, second.breaking) == ("label PERSON", "definition, hotkey: 1 → ", False)


@pytest.mark.parametrize(("kind", "name"), [("relations", "cue"), ("questions", "graphic")])
def test_what_is_taken_away_is_named_with_its_values(kind, name):
    gone = [change.what for change in scheme_changes(OLD, without(kind, name)) if change.kind == "removed"]
    assert f"{kind.removesuffix('s')} {name}" in gone
    assert all(name in what for what in gone)
    assert undecided(OLD, without(kind, name))
