from __future__ import annotations

import pytest

from copydesk.schemas import LabelScheme, Migration, SchemeError, load_migration, load_scheme

OLD = load_scheme()


def changed(version="1.1.0", **swaps):
    """Return the shipped scheme as another version, with ids swapped everywhere they stand."""
    text = OLD.model_dump_json().replace('"version":"1.0.0"', f'"version":"{version}"')
    for old, new in swaps.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return LabelScheme.model_validate_json(text)


def migration(before="conflict-news 1.0.0", after="conflict-news 1.1.0", **said):
    return Migration.model_validate({"from": before, "to": after, **said})


def without(scheme, kind, name):
    kept = [item for item in getattr(scheme, kind) if item.id != name]
    return scheme.model_copy(update={kind: kept})


def test_a_file_says_what_becomes_of_each_name(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(
        'from = "conflict-news 1.0.0"\nto = "conflict-news 1.1.0"\n[labels]\nPLATFORM = "VEHICLE"\n'
        '[values.actor_class]\nmilitia = "armed_group"\n'
    )
    assert load_migration(path) == migration(
        labels={"PLATFORM": "VEHICLE"}, values={"actor_class": {"militia": "armed_group"}}
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("labels = ", "not TOML"),
        ('from = "a 1.0.0"', "to: Field required"),
        ('from = "a 1.0.0"\nto = "a 2.0.0"\n[label]\nA = "B"', "label: Extra inputs are not permitted"),
        ('from = "A"\nto = "a 2.0.0"', "from: String should match pattern"),
    ],
)
def test_a_file_that_cannot_be(tmp_path, text, said):
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(SchemeError, match=said):
        load_migration(path)
    with pytest.raises(SchemeError, match="cannot read the migration"):
        load_migration(tmp_path / "none.toml")


def test_a_migration_fits_its_schemes():
    new = changed(PLATFORM="VEHICLE")
    assert migration(labels={"PLATFORM": "VEHICLE"}).check(OLD, new).undecided(OLD, new) == {}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"labels": {"TANK": "VEHICLE"}}, "conflict-news 1.0.0 has no label 'TANK'"),
        ({"labels": {"PLATFORM": "TANK"}}, "conflict-news 1.1.0 has no label 'TANK'"),
        ({"labels": {"WEAPON": "VEHICLE"}}, "the label 'WEAPON' is mapped to 'VEHICLE' and lives on"),
        ({"labels": {"WEAPON": ""}}, "the label 'WEAPON' is mapped to '' and lives on"),
        ({"values": {"actor_kind": {"a": "b"}}}, "has no attribute or question 'actor_kind' with values"),
        ({"values": {"actor_class": {"a": "b"}}}, "has no value of actor_class 'a'"),
        ({"drop": ["label TANK"]}, "has no label TANK, which is to be dropped"),
        ({"before": "conflict-news 0.9.0"}, "it names conflict-news 0.9.0, and the scheme is conflict-news 1.0.0"),
    ],
)
def test_a_migration_that_does_not_fit(said, message):
    with pytest.raises(SchemeError, match=message):
        migration(**said).check(OLD, changed(PLATFORM="VEHICLE"))


def test_what_nobody_decided_is_named():
    assert migration().undecided(OLD, OLD) == {}
    gone = migration().undecided(OLD, changed(PLATFORM="VEHICLE", protected="protection", evidence="shows"))
    assert gone["label PLATFORM"] == "conflict-news 1.1.0 has no label 'PLATFORM'"
    assert {"label PLATFORM", "attribute protected", "relation evidence"} <= set(gone)
    assert "label WEAPON" not in gone
    decided = migration(drop=["label PLATFORM"], attributes={"protected": ""}, relations={"evidence": "shows"})
    after = decided.undecided(OLD, changed(PLATFORM="VEHICLE", protected="protection", evidence="shows"))
    assert not {"label PLATFORM", "attribute protected", "relation evidence"} & set(after)


def test_an_attribute_asked_of_other_labels_or_in_another_way_is_named():
    attributes = [
        a.model_copy(update={"labels": ["FACILITY", "GPE"]} if a.id == "protected" else {}) for a in OLD.attributes
    ]
    wide = OLD.model_copy(update={"attributes": attributes})
    assert "attribute protected of GPE" in migration().undecided(wide, OLD)
    kinds = [a.model_copy(update={"kind": "integer"} if a.id == "military" else {}) for a in OLD.attributes]
    other = OLD.model_copy(update={"attributes": kinds})
    assert migration().undecided(OLD, other) == {"kind of attribute military": "its kind was flag and becomes integer"}


def test_two_steps_are_one():
    first = migration(labels={"PLATFORM": "VEHICLE"}, values={"actor_class": {"a": "b"}}, attributes={"x": "y"})
    second = migration(
        "conflict-news 1.1.0", "conflict-news 2.0.0", labels={"VEHICLE": "CRAFT", "TOLL": ""},
        values={"actor_class": {"b": "c"}, "y": {"1": "2"}},
    )  # fmt: skip
    whole = first.then(second)
    assert (whole.before, whole.after) == ("conflict-news 1.0.0", "conflict-news 2.0.0")
    assert whole.labels == {"PLATFORM": "CRAFT", "VEHICLE": "CRAFT", "TOLL": ""}
    assert whole.values["actor_class"] == {"a": "c", "b": "c"}
    assert whole.values["x"] == {"1": "2"}
    assert whole.attributes == {"x": "y"}


def test_what_lives_on_is_left_alone():
    part = migration(labels={"PLATFORM": "WEAPON", "TANK": "WEAPON"}).without(OLD)
    assert part.labels == {"TANK": "WEAPON"}


def test_a_later_decision_is_said_in_the_oldest_words_too():
    first = migration(
        labels={"PLATFORM": "VEHICLE", "WEAPON": "VEHICLE"}, attributes={"military": "in_service"},
        values={"actor_class": {"militia": "group"}},
    )  # fmt: skip
    second = migration(
        "conflict-news 1.1.0", "conflict-news 2.0.0",
        drop=[
            "label VEHICLE", "attribute in_service", "kind of attribute in_service", "relation evidence",
            "attribute in_service of VEHICLE", "value of actor_class group",
        ],
    )  # fmt: skip
    assert {
        "label PLATFORM", "label WEAPON", "label VEHICLE", "attribute military", "kind of attribute military",
        "relation evidence", "attribute military of PLATFORM", "attribute in_service of VEHICLE",
        "attribute military of VEHICLE", "value of actor_class militia", "value of actor_class group",
    } <= set(first.then(second).drop)  # fmt: skip


def test_several_steps_fit_the_first_and_the_last_scheme():
    middle = changed(PLATFORM="VEHICLE")
    last = without(changed("2.0.0", PLATFORM="VEHICLE"), "labels", "VEHICLE")
    first = migration(labels={"PLATFORM": "VEHICLE"}).check(OLD, middle)
    second = migration("conflict-news 1.1.0", "conflict-news 2.0.0", drop=["label VEHICLE"]).check(middle, last)
    whole = first.then(second)
    assert whole.labels == {"PLATFORM": ""}
    assert "label PLATFORM" in whole.within(OLD).check(OLD, last).drop
    back = migration("conflict-news 1.1.0", "conflict-news 2.0.0").check(middle, changed("2.0.0", PLATFORM="VEHICLE"))
    both = OLD.model_copy(update={"version": "2.0.0", "labels": [*OLD.labels, middle.label("VEHICLE")]})
    with pytest.raises(SchemeError, match=r"'PLATFORM' is mapped to 'VEHICLE' and lives on in conflict-news 2\.0\.0"):
        first.then(back).within(OLD).check(OLD, both)


def test_values_of_two_attributes_that_became_one():
    first = migration(attributes={"a": "c", "b": "c"})
    second = migration("conflict-news 1.1.0", "conflict-news 2.0.0", values={"c": {"1": "2"}})
    assert {asked: first.then(second).values[asked] for asked in "abc"} == {asked: {"1": "2"} for asked in "abc"}


def test_a_decision_about_what_lives_on_is_left_alone():
    said = [
        "label PLATFORM", "label TANK", "kind of attribute military", "attribute military of PLATFORM",
        "attribute military of GPE", "value of actor_class state_military", "value of actor_class corsair", "relation shows",
    ]  # fmt: skip
    kept = migration(drop=said).without(OLD).drop
    assert kept == ["label TANK", "attribute military of GPE", "value of actor_class corsair", "relation shows"]
