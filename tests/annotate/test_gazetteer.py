from __future__ import annotations

import re

import pytest
from readers import article, inside, mentions

from copydesk.annotate import suggest, suggestions
from copydesk.corpus import Desk, SuggestSettings, init_desk
from copydesk.schemas import Document, SettingsError, load_scheme

entities, gazetteer, knowledge, own_gazetteers, words = (
    inside(name) for name in ("entities", "gazetteer", "knowledge", "own_gazetteers", "words")
)
SHIPPED = gazetteer.Gazetteer(gazetteer.shipped())


def found(text, table=SHIPPED):
    return {text[hit.start : hit.end]: hit.entry for hit in table.find(words.words_of(text))}


@pytest.mark.parametrize("entry", gazetteer.shipped(), ids=lambda entry: f"{entry.label}-{entry.name}")
def test_every_entry_has_a_source_and_is_found_in_its_example_and_by_every_alias(entry):
    assert entry.source
    text, spans = knowledge.marked(entry.example)
    assert spans
    for start, end in spans:
        assert found(text)[text[start:end]].name == entry.name
    for alias in (entry.name, *entry.aliases):
        assert alias in found(f"Then {alias} left."), alias


def test_entries_fit_the_scheme_and_none_is_there_twice():
    scheme = load_scheme()
    names: dict[str, str] = {}
    for entry in gazetteer.shipped():
        assert entry.label in {label.id for label in scheme.span_labels}
        allowed = {a.id: {value.id for value in a.values} for a in scheme.attributes_of(entry.label)}
        for name, value in entry.attributes.items():
            assert not allowed[name] or value in allowed[name]
        assert entry.wikidata == "" or (entry.wikidata[0] == "Q" and entry.wikidata[1:].isdigit())
        for name in (entry.name, *entry.aliases):
            assert names.setdefault(name, entry.name) == entry.name, name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two T-72B3 tanks burned", "T-72B3 tanks"),
        ("the T72s withdrew", "T72s"),
        ("an F-16C crashed", "F-16C"),
        ("S-300PMU-2 batteries fired", "S-300PMU-2 batteries"),
        ("a BM-21 Grad launcher", "BM-21 Grad launcher"),
        ("Bayraktar TB2 drones circled", "Bayraktar TB2 drones"),
        ("Patriot air defence systems", "Patriot air defence systems"),
    ],
)
def test_designations_variants_plurals_and_heads(text, expected):
    assert expected in found(text)


@pytest.mark.parametrize(
    "text", ["He is a Patriot at heart.", "A Javelin record fell.", "the M5 highway", "G7 leaders met"]
)
def test_what_other_things_are_called_too_is_no_weapon(text):
    assert found(text) == {}


def test_a_weak_alias_counts_beside_the_name_or_before_a_head():
    assert "Javelin" in found("The FGM-148 is light. A Javelin costs more.")
    assert found("They fired Javelin missiles.")["Javelin missiles"].name == "FGM-148 Javelin"


def test_platforms_are_military_and_a_name_takes_its_head_along():
    (said,) = mentions(["Two Su-34 jets struck the depot while HIMARS rockets hit the bridge."])
    marks = {text: (label, dict(m.attributes)) for text, label, m in said}
    assert marks["Su-34 jets"] == ("PLATFORM", {"military": "true"})
    assert marks["HIMARS rockets"][0] == "WEAPON"


# a desk's own

GOOD = """
label = "ARMED_ACTOR"
attributes = { actor_class = "rebel_insurgent" }

[[entry]]
name = "Sarnic Liberation Army"
aliases = ["Sarnic Army"]
weak = ["SLA"]
source = "the desk"
example = "The [[Sarnic Liberation Army]] left."

[[entry]]
name = "Hamas"
label = "ORG"

[[entry]]
name = "Brenice Heights"
label = "LOCATION"
"""


def own(tmp_path, text, scheme=None):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return own_gazetteers.read_gazetteers([path], scheme or load_scheme())


def test_own_entries_win_over_shipped_ones_and_over_the_model(tmp_path):
    entries = own(tmp_path, GOOD)
    assert [entry.actor_class for entry in entries] == ["rebel_insurgent", "", ""]
    rules = entities.Conventions(own=gazetteer.Gazetteer(entries))
    (said,) = mentions(["Hamas met the Sarnic Army in Brenice Heights. The SLA denied it."], conventions=rules)
    marks = {(text, label, m.origin) for text, label, m in said}
    assert ("Hamas", "ORG", "own-gazetteer") in marks
    assert ("Sarnic Army", "ARMED_ACTOR", "own-gazetteer") in marks
    assert ("SLA", "ARMED_ACTOR", "own-gazetteer") in marks
    assert ("Brenice Heights", "LOCATION", "own-gazetteer") in marks
    assert not [label for text, label, _ in marks if text == "Hamas" and label == "ARMED_ACTOR"]


ENTRY = '[[entry]]\nname = "Sarnic Army"\n'


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("label = [", "mine.toml", "not TOML"),
        ("label = 'ORG'", "mine.toml", "entry: Field required"),
        (f"{ENTRY}label = 'ARMY'", "mine.toml: Sarnic Army", "the scheme has no label 'ARMY'"),
        (ENTRY, "mine.toml: Sarnic Army", "the entry has no label"),
        (f"{ENTRY}label = 'ORG'\nalias = ['x']", "mine.toml: entry 1 (Sarnic Army)", "unknown key 'alias'"),
        ("[[entry]]\nlabel = 'ORG'", "mine.toml: entry 1", "name: Field required"),
        (f"{ENTRY}label = 'ORG'\nwikidata = '17'", "entry 1 (Sarnic Army)", "wikidata: String should match"),
        (
            f"{ENTRY}label = 'ORG'\nattributes = {{ military = 'true' }}",
            "Sarnic Army",
            "ORG has no attribute 'military'",
        ),
        (f"{ENTRY}label = 'ORG'\nattributes = {{ org_class = 'club' }}", "Sarnic Army", "org_class cannot be 'club'"),
        (f"{ENTRY}label = 'ORG'\nexample = 'The [[army]] left.'", "Sarnic Army", "its example does not show it"),
        ("[[entry]]\nname = '— —'\nlabel = 'ORG'", "entry 1 (— —)", "does not begin and end with a letter or digit"),
        ("[[entry]]\nname = 'Front, Inc'\nlabel = 'ORG'", "entry 1", "only one space may stand between the words"),
    ],
)
def test_a_wrong_gazetteer_names_file_and_entry(tmp_path, text, where, message):
    with pytest.raises(SettingsError) as caught:
        own(tmp_path, text)
    assert where in str(caught.value)
    assert message in str(caught.value)


def test_an_absent_gazetteer_and_a_label_that_the_scheme_lacks_are_told(tmp_path):
    with pytest.raises(SettingsError, match="there is no such gazetteer"):
        own_gazetteers.gazetteer_digests(SuggestSettings(gazetteers=[str(tmp_path / "none.toml")]))
    with pytest.raises(SettingsError, match="the scheme has no label 'ARMY'"):
        own_gazetteers.conventions(SuggestSettings(labels={"ORG": "ARMY"}), load_scheme(), {})


def test_a_desks_gazetteer_is_read_in_workers_and_its_content_is_part_of_the_version(tmp_path):
    def said():
        result = suggest(Desk(tmp_path / "desk"))
        (one,) = suggestions(Desk(tmp_path / "desk"))
        return result.pipeline.version, {
            (e.span.text, e.label) for e in one.annotations.entities if e.origin.name == "own-gazetteer"
        }

    desk = init_desk(tmp_path / "desk")
    text = "The Sarnic Army left Brenice Heights.\n\nNobody saw it go."
    desk.write(Document, "articles", "0000", [article(text)])
    settings = desk.path / "copydesk.toml"
    config = settings.read_text(encoding="utf-8")
    config = re.sub(r"(?m)^gazetteers = .*$", 'gazetteers = ["lists/mine.toml"]', config)
    settings.write_text(config, encoding="utf-8")
    (desk.path / "lists").mkdir()
    file = desk.path / "lists" / "mine.toml"
    file.write_text(GOOD, encoding="utf-8")
    first = said()
    assert first[1] == {("Sarnic Army", "ARMED_ACTOR"), ("Brenice Heights", "LOCATION")}
    file.write_text(GOOD.replace('"LOCATION"', '"FACILITY"'), encoding="utf-8")
    second = said()
    assert second[0] != first[0]
    assert ("Brenice Heights", "FACILITY") in second[1]
    file.write_text(GOOD.replace('"LOCATION"', '"HILL"'), encoding="utf-8")
    with pytest.raises(SettingsError, match="the scheme has no label 'HILL'"):
        said()
