from __future__ import annotations

import pytest
from readers import article, inside

from copydesk.annotate import load_suggester
from copydesk.corpus import SuggestSettings
from copydesk.schemas import OUTLET, UNNAMED, SettingsError, Span, load_scheme

knowledge, stance, model = inside("knowledge"), inside("stance"), inside("stance_model")


@pytest.fixture(scope="module")
def suggester():
    """Return one that reads by rules: what they say is the same on every machine."""
    return load_suggester(SuggestSettings(stance="lexicon"), load_scheme())


@pytest.fixture(scope="module")
def trained():
    return load_suggester(SuggestSettings(), load_scheme())


def stances(suggester, text):
    """Return {target: (holder, polarity, evidence)}."""
    (said,) = suggester.suggest([(article(text), ())])
    found = said.annotations
    return {
        found.entity(s.target).span.text: (
            holder.span.text if (holder := found.entity(s.holder)) else s.holder,
            s.polarity,
            [span.text for span in s.evidence],
        )
        for s in found.stances
    }


def test_the_subject_of_a_judging_verb_holds_it(suggester):
    found = stances(suggester, "The European Union condemned the brutal regime for its use of cluster munitions.")
    assert found["regime"] == ("European Union", "-2", ["condemned", "brutal"])


def test_praise(suggester):
    found = stances(suggester, "A spokesman for the rebels praised the brave residents of Aleppo.")
    assert found["residents of Aleppo"] == ("spokesman", "+2", ["praised", "brave"])


def test_the_speaker_of_the_innermost_content_holds_what_is_in_it(suggester):
    found = stances(suggester, "The defence ministry said the Northern Front was a gang of cowards.")
    assert found["Northern Front"][0] == "defence ministry"
    assert found["Northern Front"][1] == "-2"


def test_the_outlet_holds_what_nobody_else_says(suggester):
    found = stances(suggester, "Russia supported the corrupt government of President Aldo Reth.")
    assert found["government"] == (OUTLET, "-1", ["corrupt"])
    assert "Russia" not in found


def test_a_source_without_a_mention_is_unnamed(suggester):
    found = stances(suggester, "Critics called the Northern Front a gang of murderers.")
    assert found["Northern Front"][:2] == (UNNAMED, "-2")


@pytest.mark.parametrize(
    "text",
    [
        "Russian airstrikes killed 17 civilians in Aleppo.",  # harm done is no stance by itself
        "The army entered the town on Friday.",
        "The United Nations called it an appalling act of violence.",  # what a target says is its view of others
        "Shelling was heard in Kharkiv, a terrible night for the city.",  # a place is no actor
    ],
)
def test_nothing_is_offered_without_a_judging_word_about_an_actor(suggester, text):
    assert stances(suggester, text) == {}


def test_rules_never_say_neutral(suggester):
    text = "The army said the rebels had left. President Aldo Reth met the good people of Toland and the ministry."
    assert all(polarity in ("-2", "-1", "+1", "+2") for _, polarity, _ in stances(suggester, text).values())


def test_probabilities_of_given_targets(suggester):
    text = "Voters adore Mara Lind, an honest and courageous mayor, and despise Ivo Marstan, a corrupt liar."
    document = article(text)
    targets = [
        Span.of(document, text.index(name), text.index(name) + len(name)) for name in ("Mara Lind", "Ivo Marstan")
    ]
    ((good, bad),) = suggester.judge([(document, targets)], conflict=False)
    assert sum(good) == pytest.approx(1)
    assert good[2] > good[0]
    assert bad[0] > bad[2]


def test_a_target_inside_a_token_is_still_read(suggester):
    document = article("The ministers agreed.")
    ((found,),) = suggester.judge([(document, [Span.of(document, 5, 7)])])
    assert sum(found) == pytest.approx(1)


def test_words_have_one_valence_and_verbs_known_fields():
    data = knowledge.knowledge("stance")
    lists = [set(words) for words in data["judging"].values()]
    for one in range(len(lists)):
        for other in range(one + 1, len(lists)):
            assert not lists[one] & lists[other]
    for group in data["verbs"].values():
        assert -2 <= group["agent"] <= 2
        assert -2 <= group["patient"] <= 2
        assert group["words"]
        assert not group["holder"] or group["judges"]


def test_the_fit_has_three_weights_each():
    fit = knowledge.knowledge("stance_fit")
    assert all(len(weights) == 3 for table in ("features", "words", "from_words") for weights in fit[table].values())


# a trained model


TEXT = (
    "The European Union condemned the brutal regime for its use of cluster munitions. Inspectors of the United Nations "
    "visited the ministry of defence on Friday.\n\n"
    "Russian airstrikes killed 17 civilians in Aleppo, and residents praised the heroic volunteers of the White Helmets.\n\n"
    '"The rebels are murderers," Defence Minister Ivo Marstan told AFP. He said the army had left the city.'
)


def one(suggester, text=TEXT):
    (said,) = suggester.suggest([(article(text), ())])
    return said


def test_every_actor_mention_gets_a_stance_and_only_those(trained):
    said = one(trained).annotations
    actors = {
        entity.id
        for entity in said.entities
        if entity.label in load_scheme().stance_targets
        and (entity.label != "GPE" or entity.attributes["gpe_role"] == "actor")
    }
    assert {one.target for one in said.stances} == actors
    assert len(said.stances) == len(actors) >= 8
    assert "Aleppo" not in {said.entity(one.target).span.text for one in said.stances}


def test_polar_stances_have_evidence_and_neutral_ones_none(trained):
    said = one(trained).annotations
    assert {one.polarity for one in said.stances} <= {"-2", "-1", "0", "+1", "+2"}
    for judged in said.stances:
        assert bool(judged.evidence) == (judged.polarity != "0")
        assert 1 / 3 <= judged.score <= 1
        assert judged.origin.kind == "model"
        assert judged.origin.name.startswith("minilm")


def test_strength_and_holder_come_from_the_words(trained):
    found = stances(trained, TEXT)
    assert found["regime"] == ("European Union", "-2", ["condemned", "brutal"])
    assert found["rebels"][0] == "Defence Minister Ivo Marstan"
    assert found["rebels"][1] == "-2"
    assert found["army"][0] == "Defence Minister Ivo Marstan"


def test_such_suggestions_break_no_rule_and_no_screen(trained):
    from copydesk.annotate import encode
    from copydesk.schemas import check

    document = article(TEXT)
    said = one(trained)
    findings = check(document, said.annotations, load_scheme(), select=("E", "W4")).findings
    assert not findings
    rows = encode(document, said, load_scheme())["predictions"][0]["result"]
    neutral = {stance.target for stance in said.annotations.stances if stance.polarity == "0"}
    evidence = [row for row in rows if row.get("labels") == ["evidence"]]
    assert evidence
    assert not {row["to_id"] for row in evidence} & neutral


def test_what_the_model_read_is_said(trained):
    said = one(trained)
    read = "".join(TEXT[start:end] for start, end in said.stance_read)
    assert "condemned the brutal regime" in read
    assert one(load_suggester(SuggestSettings(stance="lexicon"), load_scheme())).stance_read == ()


def test_a_long_sentence_is_read_around_its_targets(trained):
    long = "The army " + "moved on and on past the old town and the river and " * 12 + "left the rebels alone."
    said = one(trained, long)
    read = {place for start, end in said.stance_read for place in range(start, end)}
    assert len(said.annotations.stances) == 2
    assert {long.index("army"), long.index("rebels")} <= read
    assert len(read) < len(long)


def test_one_document_or_many_are_judged_alike(trained):
    texts = [TEXT, "The army left the town.", "Residents praised the brave army.", TEXT + " The army left."]
    together = list(trained.suggest([(article(text), ()) for text in texts]))
    for text, said in zip(texts, together, strict=True):
        alone = one(trained, text)
        assert [(s.target, s.holder) for s in alone.annotations.stances] == [
            (s.target, s.holder) for s in said.annotations.stances
        ]
        assert alone.stance_read == said.stance_read


def test_per_cluster_there_is_one_stance_for_each_sentence(trained):
    text = "The Sarnic Liberation Army left and the Sarnic Liberation Army burned the town. The Sarnic Liberation Army fled."
    per_mention = one(trained, text).annotations.stances
    clustered = load_suggester(SuggestSettings(stance_per="cluster"), load_scheme())
    said = one(clustered, text)
    assert (len(said.annotations.stances), len(per_mention)) == (2, 3)
    assert clustered.origin != trained.origin


def test_nobody_holds_a_stance_on_themselves(trained):
    said = one(trained, TEXT + ' "We are the best army," the army said of the army. The army praised the army.')
    assert all(stance.holder != stance.target for stance in said.annotations.stances)


def test_rules_stand_in_where_the_shipped_model_is_absent(monkeypatch, tmp_path, trained):
    monkeypatch.setattr(inside("stance_choice"), "shipped_folder", lambda: tmp_path / "absent")
    fallback = load_suggester(SuggestSettings(), load_scheme())
    said = one(fallback).annotations
    assert {judged.origin.name for judged in said.stances} == {"lexicon-and-roles"}
    assert {judged.origin.kind for judged in said.stances} == {"rule"}
    assert fallback.origin != trained.origin


def test_a_folder_of_ones_own_is_another_pipeline(tmp_path, trained):
    import shutil

    folder = shutil.copytree(model.shipped_folder(), tmp_path / "models" / "mine")
    same = load_suggester(SuggestSettings(stance=str(folder)), load_scheme())
    assert same.origin == trained.origin  # the very same files, wherever they lie
    card = folder / "card.toml"
    card.write_text(card.read_text().replace("temperature = ", "temperature = 1"))
    other = load_suggester(SuggestSettings(stance=str(folder)), load_scheme())
    assert other.origin != trained.origin


def test_a_folder_that_is_not_there_is_named():
    with pytest.raises(SettingsError, match="there is no such folder") as error:
        load_suggester(SuggestSettings(stance="models/none"), load_scheme())
    assert "suggest.stance = 'models/none'" in error.value.where
