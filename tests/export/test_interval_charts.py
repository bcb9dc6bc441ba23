"""Effects and forecasts as pictures: what is drawn is what the table says, and what cannot be drawn is tabled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from copydesk.export import Figure
from copydesk.export.charts import chart, has_chart

ANCHORING = Figure(
    "anchoring",
    "What do suggestions do to the labels?",
    ("outcome", "of", "shown", "blind", "effect", "low", "high", "scale"),
    (
        ("share of mentions", "GPE", 0.5, 0.4, 0.1, 0.02, 0.18, "difference"),
        ("mentions", "", 12.0, 8.0, 1.5, 1.25, 2.0, "ratio"),
        ("mean grade", "", -0.5, -0.25, -0.25, "", "", "difference"),
    ),
    8,
    "articles finished without seeing suggestions",
    least=5,
)
FORECAST = Figure(
    "forecast",
    "When will it be done?",
    ("layer", "articles done", "left", "a week", "done by", "at the earliest", "at the latest"),
    (
        ("Entities", 20, 80, 10.0, "2031-07-01", "2031-06-10", "2031-08-20"),
        ("Stance", 3, 97, 1.0, "2031-12-01", "2031-08-01", "not at this pace"),
        ("Events", 1, 99, 0.0, "not at this pace", "not at this pace", "not at this pace"),
    ),
    20,
    "articles with a finished version",
)


def drawn(figure):
    return chart(figure)["datasets"]["rows-0"]


def test_ratios_and_differences_lie_around_one_line_of_no_effect():
    rows = [(row["name"], row["from"], row["x"], row["to"]) for row in drawn(ANCHORING)]
    assert rows == [
        ("share of mentions, GPE", 0.02, 0.1, 0.18),
        ("mentions (ratio)", 0.25, 0.5, 1.0),
        ("mean grade", -0.25, -0.25, -0.25),
    ]
    assert [row["effect"] for row in drawn(ANCHORING)] == [0.1, 1.5, -0.25]  # a tooltip says what the table says
    assert chart(ANCHORING)["datasets"]["rows-1"] == [{"none": 0}]


def test_a_forecast_is_drawn_from_its_earliest_to_its_latest_day():
    rows = [(row["layer"], row["at the earliest"], row["done by"], row["to"]) for row in drawn(FORECAST)]
    assert rows == [
        ("Entities", "2031-06-10", "2031-07-01", "2031-08-20"),
        ("Stance (no latest day)", "2031-08-01", "2031-12-01", "2031-12-01"),
    ]


def test_what_is_never_done_is_only_tabled():
    assert has_chart(FORECAST)
    assert not has_chart(replace(FORECAST, rows=FORECAST.rows[2:]))


@pytest.mark.browser
@pytest.mark.parametrize("figure", [ANCHORING, FORECAST], ids=lambda figure: figure.id)
def test_points_and_lines_are_there_in_a_browser(browser, tmp_path, figure):
    from copydesk.export.page import render_page
    from copydesk.export.report_parts import Part

    path = tmp_path / "page.html"
    path.write_text(render_page("x", (Part("people", "The people", "", (figure,)),), standfirst=""), "utf-8")
    page = browser.new_page(viewport={"width": 420, "height": 900})
    trouble = []
    page.on("console", lambda message: trouble.append(message.text))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-charts=drawn]")
    assert page.locator("svg .mark-symbol path").count() == len(drawn(figure))
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    assert trouble == []
    page.close()
