from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import voices
from copydesk.export import compare_reports, report
from copydesk.export.claims import Claim
from copydesk.export.figures import Figure
from copydesk.export.innermost import spoken_by
from copydesk.export.intervals import mean_interval, share_interval
from copydesk.export.page import figure_csv
from copydesk.export.people_figures import _pace
from copydesk.export.stance_figures import _claims
from copydesk.export.standing import Attributions
from copydesk.export.survey import survey
from copydesk.schemas import Annotations, Attribution, DeskError, Entity, Origin, Span

SOMEONE = Origin("person", "someone")


@pytest.fixture
def counted(newsroom):
    newsroom.annotate_all()
    return survey(newsroom.desk).survey


def test_actors_of_a_sentence_and_speakers_are_counted(counted):
    assert counted.counts["together"]["coast brigade", "arvenia"] == 0
    assert counted.counts["together"]["arvenia", "coast brigade"] == 1
    assert counted.counts["spoken"]["another source", "northern front"] == 1
    assert counted.behind["together", "arvenia + coast brigade"].count == 1


def test_what_is_counted_is_what_lies_behind(counted, newsroom):
    truth = {key: {entity.label for entity in said.entities} for key, said in newsroom.truth.items()}
    for (kind, value), behind in counted.behind.items():
        if kind == "label" and value not in ("CONTENT", "SOURCE", "CUE", "EVIDENCE"):
            expected = sorted(key for key, labels in truth.items() if value in labels)
            assert (behind.count, behind.first) == (len(expected), tuple(expected[:12]))
        if kind == "outlet":
            assert behind.count == counted.counts["articles"][value,]


def test_neither_processes_nor_shelves_change_a_report(newsrooms, monkeypatch):
    room = newsrooms("many", 12)
    room.annotate_all()
    whole, page = survey(room.desk).survey, report(room.desk).path.read_bytes()
    monkeypatch.setattr("copydesk.export.survey.SIZE", 5)  # three shelves: enough for processes
    cut = survey(room.desk).survey
    assert cut.counts == whole.counts
    assert cut.behind == whole.behind
    assert cut.tally.grades == whole.tally.grades
    assert sorted(cut.claims) == sorted(whole.claims)
    assert report(room.desk).path.read_bytes() == page


def test_a_label_without_its_article_is_named(newsroom):
    newsroom.annotate_all()
    kept = newsroom.documents[newsroom.ids[0]]
    newsroom.desk.write(type(kept), "articles", "00000", [kept])
    report(newsroom.desk)  # what cannot be read against a text is set aside, and the rest counted
    assert survey(newsroom.desk).survey.labelled == 1


spans = st.tuples(st.integers(0, 30), st.integers(1, 8)).map(
    lambda pair: Span(pair[0], pair[0] + pair[1], "x" * pair[1])
)


@given(
    st.lists(st.tuples(st.lists(spans, max_size=6, unique=True), st.lists(spans, max_size=8, unique=True)), max_size=4)
)
@settings(deadline=None, max_examples=60)
def test_voices_in_columns_are_those_of_each_document(documents):
    contents, marks = [], []
    for place, (said, labelled) in enumerate(documents):
        contents += [(place, span) for span in sorted(said, key=lambda s: (s.start, -s.end))]
        marks += [(place, span) for span in sorted(labelled, key=lambda s: (s.start, -s.end))]
    names = [
        [] if number % 3 == 0 else [{"start": 0, "end": 1, "text": f"source {number}"}]
        for number in range(len(contents))
    ]
    kind = pa.list_(pa.struct({"start": pa.int64(), "end": pa.int64(), "text": pa.string()}))
    text = pa.array([span.text for _, span in contents], pa.string())
    columns = Attributions(
        np.array([place for place, _ in contents], dtype=np.int64),
        np.array([span.start for _, span in contents], dtype=np.int64),
        np.array([span.end for _, span in contents], dtype=np.int64),
        *[text] * 4,
        source=pa.array(names, kind),
        cue=pa.array([[]] * len(contents), kind),
    )
    found = spoken_by(
        columns,
        len(documents),
        np.array([place for place, _ in marks], dtype=np.int64),
        np.array([span.start for _, span in marks], dtype=np.int64),
        np.array([span.end for _, span in marks], dtype=np.int64),
    ).to_pylist()
    expected = []
    for place, span in marks:
        mine = [
            Attribution(f"a{n}", content, SOMEONE, Span(0, 1, names[n][0]["text"]) if names[n] else None)
            for n, (where, content) in enumerate(contents)
            if where == place
        ]
        said = Annotations("d", "s", (Entity("e", span, "ORG", SOMEONE),), tuple(mine))
        expected.append(voices(said)[span])
    assert found == expected


def test_claims_of_several_about_one_event_stand_together():
    one = Claim("qasr", "2031-03-03", "killed", 12, 12, "health ministry", "Post", "12", "a")
    other = Claim("qasr", "2031-03-03", "killed", 30, 40, "northern front", "Post", "30 to 40", "b")
    alone = Claim("dorn", "2031-03-03", "killed", 2, 2, "the outlet", "Post", "two", "c")
    found = _claims([alone, other, one])
    assert found.n == 1
    assert [row[1:5] for row in found.rows] == [
        ("health ministry", "Post", 12, 12),
        ("northern front", "Post", 30, 40),
    ]


def test_intervals_hold_what_they_are_of():
    assert share_interval(0, 5)[0] == 0.0
    assert share_interval(5, 5)[1] == 1.0
    low, high = mean_interval({-2: 1, 2: 1})
    assert low < 0 < high
    with pytest.raises(ValueError, match="no share"):
        share_interval(1, 0)
    with pytest.raises(ValueError, match="no grades"):
        mean_interval({})


def test_a_forecast_follows_the_pace():
    days = [f"2031-03-{day:02d}T10:00:00Z" for day in range(1, 29)]
    rate, done, early, late = _pace(days, 28)
    assert (rate, done) == (7.0, "2031-04-25")
    assert early < done < late
    assert _pace(["not a day"], 5) == (0.0, "", "", "")
    assert _pace(["2031-03-01"], 10**9)[1] == "not at this pace"


def test_a_spreadsheet_runs_no_cell():
    figure = Figure("f", "What?", ("a", "b"), (("=1+1", 1), ("@x", -2), ("-", 0.5), ("fine", 3)), 4, "rows")
    assert figure_csv(figure) == "a,b\n'=1+1,1\n'@x,-2\n'-,0.5\nfine,3\n"


def test_the_methods_have_the_figures(released):
    made = report(released.desk)
    words, latex = ((made.data / name).read_text() for name in ("methods.md", "methods.tex"))
    assert "10 news articles of 3 outlets" in words
    assert "2 annotators labelled 10 articles" in words
    assert r"alpha\_U" in latex
    assert "%" not in latex.replace(r"\%", "")


def test_two_releases_and_a_desk_are_compared(released, two_releases, tmp_path):
    made = compare_reports(two_releases / "1.0.0", two_releases / "1.1.0", tmp_path / "both.html")
    columns = made.figures["compared-labels"].columns
    assert columns == ("label", "tiny 1.0.0", "tiny 1.1.0", "change")
    assert abs(sum(row[1] for row in made.figures["compared-labels"].rows) - 100) < 0.1
    assert json.loads((made.data / "figures.json").read_text()).keys() == made.figures.keys()
    same = compare_reports(released.desk.path, released.desk.path, tmp_path / "same.html")
    assert all(row[-1] == 0 for figure in same.figures.values() for row in figure.rows)
    with pytest.raises(DeskError, match="neither a desk nor a release is here"):
        compare_reports(tmp_path, two_releases / "1.0.0", tmp_path / "none.html")
