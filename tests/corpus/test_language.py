from __future__ import annotations

import importlib

import pytest

language = importlib.import_module("copydesk.corpus.language")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Rebel fighters entered the northern districts of the city on Friday, residents said.", "en"),
        ("Les combattants sont entrés vendredi dans les quartiers nord de la ville.", "fr"),
        ("Бойцы вошли в северные районы города в пятницу, сообщили местные жители.", "ru"),
        ("Бійці увійшли до північних районів міста у п’ятницю, повідомили мешканці.", "uk"),
        ("دخل المقاتلون الأحياء الشمالية من المدينة يوم الجمعة بحسب السكان", "ar"),
    ],
)
def test_languages_are_told(text, code):
    assert language.identify(text * 2) == code


def test_the_source_counts_only_in_doubt():
    assert (
        language.identify("Rebel fighters entered the northern districts of the city on Friday.", declared="fr") == "en"
    )
    assert language.identify("Harun", declared="en-GB") == "en"


def test_a_text_without_letters_has_no_language():
    assert language.identify("1 234 — 5") == "und"
    assert language.identify("1 234", declared="en") == "en"
