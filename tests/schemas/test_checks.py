"""Each check has a message, a bad file that it finds and nothing else finds, and a line in the docs."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.schemas import (
    CHECKS,
    Annotations,
    Document,
    Entity,
    Finding,
    Origin,
    Span,
    annotated_from_json,
    check,
    check_message,
    document_id,
    text_sha256,
)

HERE = Path(__file__).parent
BAD_FILES = sorted((HERE / "data").glob("[EW]*.json"))
ANN = Origin("person", "ann")


@pytest.mark.parametrize("path", BAD_FILES, ids=lambda path: path.stem)
def test_a_bad_file_is_found_by_its_check_alone(path, scheme):
    data = json.loads(path.read_text(encoding="utf-8"))
    read = annotated_from_json(data, where=path.name)
    part = scheme.select(data["layers"]) if "layers" in data else scheme
    report = check(read.document, read.annotations, part)
    assert set(report.counts) == {path.stem[:4]}, [str(finding) for finding in report.findings]
    assert report.ok == path.stem.startswith("W")


def test_nothing_is_found_in_the_good_file(annotated, scheme):
    report = check(annotated.document, annotated.annotations, scheme)
    assert report.findings == ()
    assert report.ok


@pytest.mark.parametrize("code", CHECKS)
def test_every_code_has_a_file_and_a_message(code):
    assert re.fullmatch(r"[EW][1-5]\d\d", code)
    assert any(path.stem.startswith(f"{code}-") for path in BAD_FILES)
    message = check_message(code)
    assert message.startswith("The ") or message[0].isupper()
    assert not message.endswith(".")
    doc = CHECKS[code].__doc__
    assert doc.strip().count("\n") == 0, "a check's docstring is its message: one line"


def test_a_finding_reads_as_a_sentence(annotated, scheme):
    entities = annotated.annotations.entities
    wrong = dataclasses.replace(entities[2], span=Span(0, 6, "Friday"))
    said = dataclasses.replace(annotated.annotations, entities=(*entities[:2], wrong, *entities[3:]))
    report = check(annotated.document, said, scheme)
    assert [str(finding) for finding in report.errors] == [
        "E105 entity e3: The span's text is not what the document has there ('Friday' but the text has 'Shells')"
    ]
    assert report.findings == (*report.errors, *report.warnings)
    assert report.counts == {"E105": 1}


def test_checks_are_selected_by_the_beginning_of_their_code(annotated, scheme):
    said = Annotations("other", "0" * 64)
    assert check(annotated.document, said, scheme).counts == {"E101": 1, "W501": 1}
    assert check(annotated.document, said, scheme, select=("E",)).counts == {"E101": 1}
    assert check(annotated.document, said, scheme, select=("W5", "E2")).counts == {"W501": 1}
    assert check(annotated.document, said, scheme, select=()).findings == ()
    with pytest.raises(ValueError, match="no check's code begins with 'X'"):
        check(annotated.document, said, scheme, select=("E", "X"))


def test_half_a_character_is_found_and_stops_nothing(scheme):
    document = Document("d", "half \ud83d of it", "0" * 64)
    report = check(document, Annotations("d", "0" * 64, choices={"graphic": ("no",)}), scheme)
    assert [finding.detail for finding in report.findings] == [
        "it has none: it holds half a character (a lone surrogate)"
    ]


@pytest.mark.parametrize(
    ("text", "words", "cut"),
    [
        ("against ISIL", "st ISIL", True),
        ("Ukraine's army", "Ukraine", False),
        ("US-backed units", "US", False),
        ("俄罗斯军队", "俄罗斯", False),
        ("Київ палає", "Ки", True),
        ("in Cafe\u0301 Rex", "Cafe", True),
        ("the M7 road", "M", True),
        ("الجيش السوري", "الجيش", False),
        ("hit 💥Dremmen", "Dremmen", False),
        ("Dremmen", "Dremmen", False),
    ],
)
def test_a_cut_word_is_seen_in_many_scripts(scheme, text, words, cut):
    document = Document(document_id(text), text, text_sha256(text))
    start = text.index(words)
    entity = Entity("e", Span.of(document, start, start + len(words)), "ORG", ANN)
    report = check(document, Annotations(document.id, document.sha256, (entity,)), scheme, select=("W101",))
    assert bool(report.findings) is cut


# odd enough for most checks: wild ids, labels, values and offsets
wild = st.sampled_from(["", "e1", "e2", "OUTLET", "TOLL", "GPE", "toll_low", "9" * 5000, "07", "true", "\x00", "⁷"])
wild_spans = st.builds(Span, start=st.integers(-5, 300), end=st.integers(-5, 300), text=wild)
wild_entities = st.builds(
    Entity, id=wild, span=wild_spans, label=wild, origin=st.just(ANN), score=st.floats() | st.none(),
    attributes=st.dictionaries(wild | st.sampled_from(["toll_low", "toll_high"]), wild, max_size=3),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    entities=st.lists(wild_entities, max_size=3).map(tuple),
    choices=st.dictionaries(wild, st.lists(wild, max_size=2).map(tuple), max_size=2),
)
def test_no_data_makes_a_check_raise(annotated, scheme, entities, choices):
    said = dataclasses.replace(annotated.annotations, entities=entities, choices=choices)
    report = check(annotated.document, said, scheme)
    assert all(isinstance(finding, Finding) and str(finding) for finding in report.findings)
