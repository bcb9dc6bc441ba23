from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from copydesk.schemas import SettingsError

tagger = importlib.import_module("copydesk.annotate.tagger")
encoder = importlib.import_module("copydesk.annotate.encoder")

WORDS = ["[UNK]", "[CLS]", "[SEP]", "rebels", "took", "al", "-", "bab", ".", "Rebels"]
TAGS = ["O", "B-ARMED_ACTOR", "I-ARMED_ACTOR", "B-GPE", "I-GPE"]


@pytest.fixture(scope="module")
def tokenizer():
    return encoder.open_tokenizer(tokenizer_json())


def tokenizer_json() -> bytes:
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made.to_str().encode()


words = st.lists(st.text(min_size=1, max_size=12), max_size=60)


@settings(max_examples=60, deadline=None)
@given(words)
def test_every_word_has_one_place_in_one_window(many):
    made = encoder.open_tokenizer(tokenizer_json())
    windows = list(tagger.tag_windows(many, made))
    assert [w.first for w in windows] == list(np.cumsum([0, *(len(w.places) for w in windows)])[:-1][: len(windows)])
    assert sum(len(w.places) for w in windows) == len(many)
    for window in windows:
        assert len(window.pieces) == len(window.cases) <= tagger.PIECES + 2
        assert list(window.places) == sorted(set(window.places))
        assert all(0 < place < len(window.pieces) - 1 for place in window.places)


def test_a_long_text_is_cut_after_a_sentence(tokenizer):
    many = (["rebels", "took"] * 30 + ["."]) * 5
    first, *_ = tagger.tag_windows(many, tokenizer)
    assert many[len(first.places) - 1] == "."


def test_a_word_longer_than_any_window_is_read_by_its_beginning(tokenizer):
    (window,) = tagger.tag_windows(["-" * 500], tokenizer)
    assert len(window.pieces) == tagger.PIECES + 2


def test_a_marker_in_an_article_is_no_marker(tokenizer):
    (window,) = tagger.tag_windows(["[SEP]", "rebels"], tokenizer)
    assert window.pieces.count(WORDS.index("[SEP]")) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_no_tag_continues_another_label(length, seed):
    logits = np.random.default_rng(seed).normal(size=(length, len(TAGS))) * 4
    found = tagger.spans_of(logits, TAGS)
    ends = 0
    for first, last, label, score in found:
        assert ends <= first < last <= length
        assert label in ("ARMED_ACTOR", "GPE")
        assert 0 < score <= 1
        ends = last


def test_the_likeliest_allowed_path_wins():
    # word by word I-GPE would be best for the second word, but it cannot follow B-ARMED_ACTOR
    logits = np.log(np.array([[0.01, 0.96, 0.01, 0.01, 0.01], [0.05, 0.05, 0.40, 0.05, 0.45]]))
    ((first, last, label, score),) = tagger.spans_of(logits, TAGS)
    assert (first, last, label) == (0, 2, "ARMED_ACTOR")
    assert score == pytest.approx((0.96 * 0.40) ** 0.5)


class Session:
    """Stands in for a model: tags "rebels" and "bab", whatever is around them."""

    def run(self, _, inputs):
        logits = np.zeros((*inputs["ids"].shape, len(TAGS)))
        logits[..., 0] = 5
        for word, tag in ((WORDS.index("rebels"), 1), (WORDS.index("bab"), 3)):
            logits[inputs["ids"] == word, tag] = 10
        return [logits]


@pytest.fixture
def pipeline(monkeypatch):
    monkeypatch.setattr(tagger, "open_session", lambda _: Session())
    nlp = spacy.blank("en")
    files = {"model.onnx": b"weights", "tokenizer.json": tokenizer_json(), "tags.json": json.dumps(TAGS).encode()}
    nlp.add_pipe("copydesk_tagger", name="ner").fill(files)
    return nlp


def test_a_doc_gets_its_entities_with_scores(pipeline):
    doc = pipeline("rebels  took bab . \n rebels")
    assert [(e.text, e.label_) for e in doc.ents] == [
        ("rebels", "ARMED_ACTOR"),
        ("bab", "GPE"),
        ("rebels", "ARMED_ACTOR"),
    ]
    assert all(0.9 < e._.score <= 1 for e in doc.ents)


def test_neighbours_in_a_batch_change_nothing(pipeline):
    texts = ["rebels took bab .", "", " ", "took " * 300 + "bab", "bab"]
    alone = [[(e.start, e.end, e.label_) for e in pipeline(text).ents] for text in texts]
    assert [[(e.start, e.end, e.label_) for e in doc.ents] for doc in pipeline.pipe(texts)] == alone
    assert alone[3]


def test_a_pipeline_is_saved_and_loaded_by_spacy_alone(pipeline, tmp_path):
    pipeline.to_disk(tmp_path / "p")
    loaded = spacy.load(tmp_path / "p")
    assert loaded.get_pipe("ner").labels == ("ARMED_ACTOR", "GPE")
    assert [e.text for e in loaded("rebels took bab").ents] == ["rebels", "bab"]


def test_broken_files_are_a_clear_error():
    with pytest.raises(SettingsError, match="no ONNX model that can be loaded"):
        encoder.open_session(b"not a model")
    with pytest.raises(SettingsError, match=r"no tokenizer\.json"):
        encoder.open_tokenizer(b"{}")
