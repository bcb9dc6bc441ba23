from __future__ import annotations

from html.parser import HTMLParser

from copydesk.schemas import instruction, is_own_instruction, load_scheme

SCHEME = load_scheme()


def tags_of(text):
    found = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.add(tag)
            assert attrs == []

    Reader().feed(text)
    return found


def test_every_label_and_example_is_there():
    text = instruction(SCHEME)
    for label in SCHEME.labels:
        assert f"<b>{label.id}</b>" in text
    assert text.count("<mark>") >= sum(len(x.examples) + len(x.counter_examples) for x in SCHEME.labels)
    assert text == instruction(load_scheme())


def test_only_the_layers_that_are_shown():
    text = instruction(SCHEME.select(["entities"]))
    assert "<b>GPE</b>" in text
    assert "<b>CONTENT</b>" not in text
    assert "polarity" in instruction(SCHEME.select(["entities", "stance"]), "focus")
    assert "<b>GPE</b>" not in instruction(SCHEME.select(["entities", "stance"]), "focus")


def test_a_scheme_writes_text_and_no_markup():
    label = SCHEME.labels[0]
    hostile = label.model_copy(update={"definition": "<script>alert(1)</script><img src=x onerror='y'>"})
    text = instruction(SCHEME.model_copy(update={"labels": [hostile], "title": "</h3><iframe>"}))
    assert tags_of(text) <= {"h3", "h4", "p", "b", "ul", "li", "mark", "code"}


def test_a_changed_instruction_is_known():
    text = instruction(SCHEME)
    assert is_own_instruction(text)
    assert is_own_instruction(text + "\n")
    assert is_own_instruction(text.replace("<p>Press", '<p class="x">Press').replace("&#x27;", "'"))
    assert is_own_instruction("")
    assert not is_own_instruction(text.replace("Press", "Never press"))
    assert not is_own_instruction("<p>Our own rules.</p>")
