from __future__ import annotations

import importlib
import textwrap

from copydesk.corpus import clean

from .conftest import ARTICLE

plain = importlib.import_module("copydesk.corpus.plain")


def test_one_paragraph_a_line():
    headline, body = plain.split_headline(plain.paragraphs(clean(ARTICLE).text))
    assert headline == "Northern Front rebels enter Harun as army line breaks"
    assert len(body) == 18
    assert body == ARTICLE.strip().split("\n")[1:]


def test_empty_lines_between_the_lines_change_nothing():
    spread = ARTICLE.replace("\n", "\n\n")
    assert plain.paragraphs(clean(spread).text) == ARTICLE.strip().split("\n")


def test_a_hard_wrapped_file_is_unwrapped():
    lines = ARTICLE.strip().split("\n")
    wrapped = "\n\n".join(textwrap.fill(line, 72) for line in lines)
    assert plain.paragraphs(clean(wrapped).text) == lines


def test_a_hard_wrapped_file_with_its_headline_right_above():
    lines = ARTICLE.strip().split("\n")
    wrapped = lines[0] + "\n" + "\n\n".join(textwrap.fill(line, 72) for line in lines[1:])
    found = plain.paragraphs(clean(wrapped).text)
    assert found[1:] == lines[2:] or found == lines


def test_bullets_keep_their_lines():
    wrapped = "The army listed what it had lost in the three days of\nfighting for the town:\n- a bridge\n- two depots and a\nradar station"
    assert plain.paragraphs(wrapped + "\n\nThe rebels did not comment on that list until the\nevening.") == [
        "The army listed what it had lost in the three days of fighting for the town:",
        "- a bridge",
        "- two depots and a radar station",
        "The rebels did not comment on that list until the evening.",
    ]


def test_rules_under_headings_go():
    assert plain.paragraphs("Harun falls\n===========\n\nThe army left.") == ["Harun falls", "The army left."]


def test_what_is_a_headline():
    assert plain.is_headline("Who rules Harun now?")
    assert plain.is_headline("Toll rises to 40, says U.N.")
    assert not plain.is_headline("The army left the town on Friday.")
    assert not plain.is_headline('"We left," he said. "We had to."')
    assert not plain.is_headline("word " * 60)


def test_a_lone_line_is_no_headline():
    assert plain.split_headline(["Harun falls"]) == ("", ["Harun falls"])


def test_headings_of_markdown():
    assert plain.paragraphs("# Harun falls\n\nThe army left.\n\n## Denials\n\n#Harun was trending.") == [
        "Harun falls",
        "The army left.",
        "Denials",
        "#Harun was trending.",
    ]
