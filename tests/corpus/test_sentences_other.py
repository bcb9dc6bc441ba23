"""Sentences and quotations of languages other than English."""

from __future__ import annotations

import importlib
import tomllib
from importlib import resources

import pytest

from copydesk.corpus import quotations, sentences

DATA = tomllib.loads((resources.files("copydesk.corpus") / "data" / "sentences_other.toml").read_text("utf-8"))

# sentences are parted by |
CASES = [
    ("fr", "Le gén. Omar Haddad a rencontré M. Jean Dupont et Mme Nadia Brek à St. Anne. | Ils se sont mis d'accord."),
    ("fr", "« Nous ne partirons pas. Nous n'avons nulle part où aller », a dit Mme Brek. | La ville est tombée."),
    ("fr", "Des vivres, des tentes, etc. sont arrivés. | Que va-t-il se passer ? | Nul ne le sait ! | On attend."),
    ("fr", "Il cite l'art. 5 du traité et p. 12 du rapport. | Le reste manque."),
    ("es", "El Sr. Pérez y la Dra. Brek viajaron a EE. UU. en avión. | ¿Qué pasará ahora? | Nadie lo sabe."),
    ("es", "«No nos iremos. No tenemos adónde ir», dijo la Sra. Brek. | ¡Basta ya! | La ciudad cayó."),
    ("es", "Hubo unos 40 muertos, heridos, etc. | El resto huyó con J. Marín."),
    (
        "de",
        "Gen. Haddad traf Prof. Dr. Weiss am St. Annenplatz. | „Wir gehen nicht. Wir bleiben“, sagte er. | Niemand kam.",
    ),
    ("ru", "Бойцы вошли в город, сообщил А. Б. Иванов. | «Мы не уйдём. Нам некуда идти», — сказала г-жа Брек."),
    ("ru", "Город пал в 2024 г. | Армия это отрицает. | Танки стояли на ул. Ленина и т. д. | Никто не ответил."),
    ("ru", "«Уходите!» — крикнул солдат. | Погибли 3 тыс. человек, ранены 5 тыс. | Связи нет."),
    ("uk", "Бійці увійшли до міста, повідомив О. Іваненко. | „Ми не підемо. Нам нікуди йти“, — сказала пані Брек."),
    ("uk", "Місто впало у 2024 р. | Армія це заперечує. | Танки стояли на вул. Шевченка. | Ніхто не відповів."),
    (
        "ar",
        "دخل المقاتلون المدينة، بحسب د. أحمد علي. | هل سقطت المدينة؟ | لا أحد يعلم! | «لن نرحل. ليس لدينا مكان»، قالت نادية.",
    ),
    ("pt", "Os rebeldes entraram na cidade. | Ninguém sabe por quê."),
]


@pytest.mark.parametrize(("language", "case"), CASES)
def test_sentences(language, case):
    expected = case.split(" | ")
    text = " ".join(expected)
    found = sentences(text, 0, len(text), quoted=quotations(text, [(0, len(text))]), language=language)
    assert [text[start:end] for start, end in found] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("« Nous partons », dit-il.", "« Nous partons »"),
        ("«No nos iremos», dijo.", "«No nos iremos»"),
        ("„Ми йдемо“, — сказав він.", "„Ми йдемо“"),
        ("„Wir gehen“, sagte er.", "„Wir gehen“"),
        ("«Мы уходим», — сказал он.", "«Мы уходим»"),
        ("قال: «لن نرحل».", "«لن نرحل»"),
    ],
)
def test_quotations(text, expected):
    assert [text[start:end] for start, end in quotations(text, [(0, len(text))])] == [expected]


@pytest.mark.parametrize(
    ("language", "word"), [(code, word) for code, lists in DATA.items() for word in lists["never"]]
)
def test_no_sentence_ends_after_a_word_that_never_ends_one(language, word):
    text = f"Так {word}. Harun."
    assert len(sentences(text, 0, len(text), language=language)) == 1


@pytest.mark.parametrize(
    ("language", "word"), [(code, word) for code, lists in DATA.items() for word in lists["closing"]]
)
def test_a_sentence_ends_after_a_word_that_may_end_one_before_a_capital(language, word):
    text = f"Так {word}. Harun."
    assert len(sentences(text, 0, len(text), language=language)) == 2
    text = f"Так {word}. harun."
    assert len(sentences(text, 0, len(text), language=language)) == 1


def test_no_word_is_in_two_lists():
    for lists in DATA.values():
        assert set(lists) == {"never", "closing"}
        assert not set(lists["never"]) & set(lists["closing"])
        assert all(word == word.casefold() and not word.endswith(".") for words in lists.values() for word in words)


def test_an_unknown_language_has_no_rules_and_no_error():
    split = importlib.import_module("copydesk.corpus.sentences").block_sentences
    assert split("A bc. C de.", [(0, 11)], language="tlh") == [[(0, 5), (6, 11)]]
