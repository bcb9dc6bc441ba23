"""What people annotated elsewhere comes home: texts become articles, spans stay on their words, and twice is once."""

from __future__ import annotations

import pytest

from copydesk.annotate import Link, Marked, Region, agreement, edits, finished, gold, import_annotations, ledger, lint
from copydesk.corpus import documents, removed
from copydesk.schemas import DeskError, Removed

STORY = (
    "Shells hit Dremmen, the governor said on Monday, and at least 17 people died there.  The rebels\tof the Northern "
    "Front said that they had not fired\u00a0at all, and that the army was lying. Nobody could say which side was right."
)


def region(text, words, label, name="", **attributes):
    start = text.index(words)
    return Region(name or f"{label}-{start}", start, start + len(words), label, attributes)


def story(name="story", text=STORY, extra=()):
    regions = (
        region(text, "Dremmen", "GPE", "g", gpe_role="place"),
        region(text, "at least 17 people", "TOLL", "t", toll_low="17"),
        region(text, "the army", "ARMED_ACTOR", "a", polarity="-1"),
        region(text, "The rebels", "ARMED_ACTOR", "r"),
        region(text, "lying", "EVIDENCE", "e"),
        *extra,
    )
    links = (Link("r", "holder", "a"), Link("e", "evidence", "a"))
    return Marked(name, text, regions, links, {"article_kind": ("report",)})


@pytest.fixture
def desk(make_desk):
    return make_desk([])


def bring(desk, *marked, annotator="ana", **more):
    return import_annotations(desk, marked, source="brat", annotator=annotator, **more)


def test_texts_become_articles_and_spans_stay_on_their_words(desk):
    made = bring(desk, story())
    assert (made.documents, made.known, made.annotations, made.regions) == (1, 0, 1, 5)
    (document,) = documents(desk)
    assert document.external_id == "brat story"
    (work,) = finished(desk)
    assert work.annotator == "ana"
    said = work.annotations.check(document)
    assert [(e.span.text, e.label) for e in said.entities] == [
        ("Dremmen", "GPE"), ("at least 17 people", "TOLL"), ("The rebels", "ARMED_ACTOR"), ("the army", "ARMED_ACTOR"),
    ]  # fmt: skip
    assert [e.attributes for e in said.entities][:2] == [{"gpe_role": "place"}, {"toll_low": "17"}]
    (stance,) = said.stances
    assert (stance.polarity, [span.text for span in stance.evidence]) == ("-1", ["lying"])
    assert said.entity(stance.holder).span.text == "The rebels"
    assert dict(said.choices) == {"article_kind": ("report",)}


def test_twice_is_once_and_another_version_is_one_more(desk):
    bring(desk, story())
    again = bring(desk, story())
    assert (again.annotations, again.already, len(list(documents(desk)))) == (0, 1, 1)
    changed = bring(desk, story(extra=[region(STORY, "Monday", "TIME")]))
    assert changed.annotations == 1
    assert [entry.state for entry in ledger(desk)] == ["submitted", "updated"]
    (work,) = finished(desk)
    assert len(work.annotations.entities) == 5


def test_two_people_are_two_people_and_gold_is_gold(desk):
    bring(desk, story())
    bring(desk, story(extra=[region(STORY, "Monday", "TIME")]), annotator="bo")
    assert agreement(desk).annotators == ("annotator-1", "annotator-2")
    bring(desk, story(), annotator="cy", gold=True)
    (decided,) = gold(desk).documents
    assert decided.origin == "adjudicated"
    assert edits(desk) is not None
    assert lint(desk).findings is not None


def test_a_text_that_the_desk_has_is_that_article(desk):
    bring(desk, story())
    (document,) = documents(desk)
    own = Marked(document.id, document.text, (region(document.text, "Dremmen", "GPE"),))
    made = bring(desk, own, annotator="bo")
    assert (made.known, made.annotations, len(list(documents(desk)))) == (1, 1, 1)
    # another text under that name is no licence to guess
    other = Marked(document.id, document.text + " More.", (region(document.text, "Dremmen", "GPE"),))
    refused = bring(desk, other, annotator="cy")
    assert [item.reason for item in refused.removed] == ["its text is not the one that the article came from"]


def test_what_cleaning_changes_is_told(desk):
    made = bring(
        desk, story(extra=[region(STORY, "there.  The", "LOCATION"), region(STORY, "fired\u00a0at", "WEAPON")])
    )
    told = {item.detail for item in made.removed if item.reason == "its words were cleaned: it is kept"}
    assert told == {
        "LOCATION 'there.  The' is 'there. The' in the article", "WEAPON 'fired\\xa0at' is 'fired at' in the article",
    }  # fmt: skip


def test_what_does_not_come_in_is_recorded(desk):
    short = Marked("short", "Too short.", (Region("x", 0, 3, "PERSON"),))
    outside = story("outside", STORY + " Third.", extra=[Region("o", 5, 9_999, "PERSON")])
    unread = Removed("", "import", "no readable CAS: nothing", "x.xmi")
    made = bring(desk, story(), story(), short, outside, unread)
    reasons = sorted(item.reason for item in made.removed)
    assert reasons == [
        "its text is no article here", "name used twice", "no readable CAS: nothing", "offsets outside the text",
    ]  # fmt: skip
    kept = [record for record in removed(desk) if record.stage == "import"]
    assert sorted(record.reason for record in kept) == reasons


def test_a_label_that_the_scheme_does_not_have_is_named_when_it_is_read(desk):
    bring(desk, story(extra=[region(STORY, "Monday", "DATE")]))
    list(finished(desk))
    assert [r.reason for r in removed(desk) if r.stage == "decode"] == ["unknown label"]


def test_work_without_a_name_is_refused(desk):
    with pytest.raises(DeskError, match="whose work this is must be said"):
        bring(desk, story(), annotator=" ")


@pytest.mark.parametrize("name", ["../../../tmp/evil", "a" * 400, "ana\nbo", "أحمد 🕊️"])
def test_a_name_is_never_part_of_a_path(desk, name):
    bring(desk, story(), Marked("short", "Too short."), annotator=name)
    assert [work.annotator for work in finished(desk)] == [name]
    assert [record.reason for record in removed(desk) if record.stage == "import"] == ["its text is no article here"]
    assert not list(desk.path.parent.glob("*evil*"))
