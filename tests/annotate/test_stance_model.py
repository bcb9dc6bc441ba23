from __future__ import annotations

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import inside

from copydesk.schemas import SettingsError

module, items = inside("stance_model"), inside("stance_items")
Item = items.StanceItem
SENTENCE = "The European Union condemned the brutal regime."


@pytest.fixture(scope="module")
def model():
    return module.TransformerStance(module.shipped_folder())


@pytest.fixture(scope="module")
def framer(model):
    return module.Framer(model.card.folder / module.TOKENIZER, longest=model.card.longest)


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(module.shipped_folder(), tmp_path / "mine")


def item(text, target):
    start = text.index(target)
    return Item(text, start, start + len(target))


def words(framer, ids):
    return [framer._tokenizer.id_to_token(number) for number in ids]


def test_the_shipped_model_is_small_and_says_what_it_is():
    folder = module.shipped_folder()
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 25_000_000
    card = module.read_card(folder)
    assert card.name.startswith("minilm")
    assert "+" in card.version
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "Apache-2.0" in readme
    assert "Felix Hamborg" in readme


def test_it_tells_praise_from_blame(model):
    bad = item("Voters despise Ivo Marstan, a corrupt and cowardly liar.", "Ivo Marstan")
    good = item("Voters adore Mara Lind, an honest and courageous mayor.", "Mara Lind")
    plain = item("Mara Lind arrived in the capital on Tuesday.", "Mara Lind")
    classes = [max(range(3), key=verdict.probabilities.__getitem__) for verdict in model.judge([bad, plain, good])]
    assert classes == [0, 1, 2]


def test_the_same_sentence_is_read_once_for_each_target(model):
    text = "Voters adore Mara Lind and despise Ivo Marstan, a corrupt liar."
    good, bad = model.judge([item(text, "Mara Lind"), item(text, "Ivo Marstan")])
    assert good.probabilities[2] > bad.probabilities[2]
    assert good.read == bad.read == (0, len(text))


def test_what_else_is_judged_changes_nothing(model):
    alone = model.judge([item(SENTENCE, "regime")])[0]
    others = [item("The army left. " * n, "army") for n in (1, 3, 20)]
    assert model.judge([*others, item(SENTENCE, "regime"), *others])[3] == alone
    assert model.judge([]) == []


def test_targets_of_one_sentence_are_read_together(model):
    both = model.judge([item(SENTENCE, "European Union"), item(SENTENCE, "regime")])
    for verdict, target in zip(both, ("European Union", "regime"), strict=True):
        alone = model.judge([item(SENTENCE, target)])[0]
        # int8 arithmetic scales what is computed together by its largest number: the last digits move
        assert verdict.probabilities == pytest.approx(alone.probabilities, abs=0.1)


def test_a_frame_is_the_sentence_and_a_mask(framer):
    (frame,) = framer.frames([item(SENTENCE, "brutal regime")])
    assert " ".join(words(framer, frame.ids)) == ("[CLS] the european union condemned the brutal regime . [SEP]")
    assert [place for place, marked in enumerate(frame.target) if marked] == [6, 7]
    assert frame.read == (0, len(SENTENCE))


def test_a_long_sentence_is_read_around_its_target(framer):
    text = "one two " * 100 + "the regime fell " + "three four " * 100
    (frame,) = framer.frames([item(text, "regime")])
    assert len(frame.ids) <= 64
    low, high = frame.read
    assert 0 < low < text.index("regime") < high < len(text)
    assert text[low:high].startswith(("one", "two"))
    assert text[low:high].endswith(("three", "four"))


def test_at_the_edge_all_room_goes_to_the_other_side(framer):
    text = "The regime fell " + "three four " * 100
    (frame,) = framer.frames([item(text, "regime")])
    assert len(frame.ids) == 64
    assert frame.read[0] == 0


def test_words_that_look_like_our_marks_are_words(framer):
    (frame,) = framer.frames([item("He said [SEP] [CLS] regime.", "regime")])
    assert words(framer, frame.ids).count("[SEP]") == words(framer, frame.ids).count("[CLS]") == 1


@settings(deadline=None, max_examples=40)
@given(st.text(min_size=1, max_size=300), st.data())
def test_any_text_and_target_make_a_frame(text, data):
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    framer = module.Framer(module.shipped_folder() / module.TOKENIZER, longest=64)
    (frame,) = framer.frames([Item(text, start, end)])
    assert len(frame.ids) == len(frame.target) <= 64
    assert any(frame.target)
    assert 0 <= frame.read[0] <= start < end <= frame.read[1] <= len(text)


def test_a_huge_sentence_costs_no_more_than_its_window(framer):
    text = "a" * 100_000 + " the regime " + "word " * 40_000
    (frame,) = framer.frames([item(text, "regime")])
    assert len(frame.ids) <= 64
    assert frame.read[1] - frame.read[0] < 5_000


# folders that cannot be used


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="there is no such folder"):
        module.TransformerStance(tmp_path / "nowhere")


def test_a_folder_without_a_card(tmp_path):
    with pytest.raises(SettingsError, match=r"there is no card.toml in it"):
        module.TransformerStance(tmp_path)


def test_a_card_that_says_too_little(copied):
    (copied / "card.toml").write_text("[model]\nname = 'x'\n")
    with pytest.raises(SettingsError, match="not the card of a stance model: KeyError"):
        module.TransformerStance(copied)


def test_a_card_for_other_labels(copied):
    path = copied / "card.toml"
    path.write_text(path.read_text().replace('"critical", "neutral"', '"bad", "neutral"'))
    with pytest.raises(SettingsError, match="made for the labels bad, neutral, supportive"):
        module.TransformerStance(copied)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("temperature = nan", "the temperature is nan"),
        ("temperature = 0", "the temperature is 0.0"),
        ("temperature = -1.4", "the temperature is -1.4"),
        ("longest = 600", "longest is 600, and must be 16 to 512 tokens"),
        ("longest = inf", "longest is inf"),
        ("longest = 3", "longest is 3"),
        ("offsets = [inf, 0.0, 0.0]", "an offset is no finite number"),
        ("offsets = [0.0]", "not the card of a stance model"),
        ("labels = [1, 2, 3]", "made for the labels 1, 2, 3"),
    ],
)
def test_a_card_whose_numbers_cannot_be_is_refused(copied, line, message):
    path = copied / "card.toml"
    name = line.partition(" = ")[0]
    lines = [line if old.startswith(f"{name} = ") else old for old in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(SettingsError, match=message):
        module.TransformerStance(copied)


def test_another_temperature_is_another_version(copied):
    before = module.read_card(copied).version
    path = copied / "card.toml"
    text = path.read_text()
    place = text.index("temperature = ")
    path.write_text(text[:place] + "temperature = 2.5" + text[text.index("\n", place) :])
    assert module.read_card(copied).version != before


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_changed_file_is_refused(copied, name):
    with (copied / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(SettingsError, match=r"has SHA-256 \w{16}, its card says \w{16}") as error:
        module.TransformerStance(copied)
    assert name in error.value.where


def test_a_missing_file_is_refused(copied):
    (copied / "model.onnx").unlink()
    with pytest.raises(SettingsError, match="has SHA-256 nothing"):
        module.TransformerStance(copied)


def test_a_broken_model_with_the_right_hash_is_refused(copied):
    import hashlib

    old = hashlib.sha256((copied / "model.onnx").read_bytes()).hexdigest()
    (copied / "model.onnx").write_bytes(b"no model")
    card = copied / "card.toml"
    card.write_text(card.read_text().replace(old, hashlib.sha256(b"no model").hexdigest()))
    with pytest.raises(SettingsError, match="the stance model cannot be loaded"):
        module.TransformerStance(copied)


def test_without_onnxruntime_the_way_out_is_said(monkeypatch):
    def missing(model):
        raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")

    monkeypatch.setattr(module, "open_session", missing)
    with pytest.raises(SettingsError, match="needs onnxruntime, which is not installed") as error:
        module.TransformerStance(module.shipped_folder())
    assert 'stance = "lexicon"' in error.value.hint
