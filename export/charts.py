"""Draw figures with Vega-Lite: the only place that knows Altair and vl-convert.

A chart is a specification with its data in it; the page that shows it brings the Vega libraries along,
so nothing is fetched. What the charts look like is in :mod:`chart_shapes`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from .chart_intervals import calibration, claims, effects, forecast, has_days, intervals, learning, means, sides
from .chart_shapes import INK, MOST_BARS, Draw, bars, grades, matrix, stacks, tiles, timeline, weekly, words
from .figures import Figure

__all__ = ["COMPARED", "SCROLLED", "chart", "has_chart", "libraries", "theme"]

_STANCES: Final = {
    "negative": "#b04d43",
    "neutral": "#b9b2a6",
    "positive": "#3f7d9d",
    "mixed": "#8d7a9b",
    "cannot_tell": "#dcd6cb",
}
_OUTCOMES: Final = {
    "accepted": "#5a8f79",
    "resized": "#8fae8b",
    "retyped": "#d3a94f",
    "reattributed": "#c8b27a",
    "restanced": "#c98147",
    "removed": "#b04d43",
    "added": "#4a7699",
}
_LAYERS: Final = {
    "entities": "#4a7699",
    "attribution": "#b0803a",
    "stance": "#a05a69",
    "wording": "#75906a",
    "events": "#877aa3",
}
_VOICES: Final = {"the outlet": "#b04d43", "unnamed source": "#cfc8bb", "somebody quoted": "#8fb0c2"}


def has_chart(figure: Figure) -> bool:
    """Tell whether a figure is drawn, or only tabled."""
    return figure.enough and _shape(figure) is not None and (figure.id != "forecast" or has_days(figure))


def chart(figure: Figure) -> dict[str, Any]:
    """Return a figure as a Vega-Lite specification as wide as its place, but for tiles.

    Raises:
        KeyError: The figure is only tabled.
    """
    import altair as alt

    shape = _shape(figure)
    if shape is None:
        raise KeyError(figure.id)
    rows: dict[str, list[dict[str, Any]]] = {}

    def table(values: list[dict[str, Any]]) -> Any:
        # named, and put in at the end: Altair looks at every value that it is given, a hundred thousand of them for minutes
        name = f"rows-{len(rows)}"
        rows[name] = values
        return alt.Chart(alt.NamedData(name=name))

    drawn = shape(alt, table, figure)
    if figure.id not in SCROLLED:
        drawn = drawn.properties(width="container", autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    spec: dict[str, Any] = drawn.properties(background="transparent").to_dict()
    spec["datasets"] = rows
    spec.pop("config", None)  # the page's theme, light or dark, is the only style
    return spec


def _shape(figure: Figure) -> Draw | None:
    return sides if figure.id.startswith(COMPARED) else _DRAWN.get(figure.id)


@cache
def libraries() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script that needs nothing else."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle


def theme() -> dict[str, Any]:
    """Return the Vega configuration of a page: its colours are the page's own, whether it is light, dark or on paper.

    What is drawn as SVG may name the page's colours as any element may, and follows them without being drawn anew: a printer
    does not wait for that.
    """
    ink, soft, line = "var(--ink)", "var(--soft)", "var(--line)"
    font = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
    axis = {
        "labelColor": ink,
        "titleColor": soft,
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "labelFontSize": 12.5,
        "domain": False,
        "ticks": False,
        "gridColor": line,
        "labelFont": font,
        "titleFont": font,
    }
    return {
        "font": font,
        "view": {"stroke": None},
        "axis": axis,
        "axisY": {"grid": False, "labelPadding": 8, "labelLimit": 190},
        "axisX": {"labelColor": soft, "tickCount": 5, "labelPadding": 6},
        "legend": {
            "labelColor": ink,
            "titleColor": soft,
            "titleFontWeight": "normal",
            "orient": "top",
            "direction": "horizontal",
            "symbolType": "square",
            "symbolStrokeWidth": 0,
            "labelFontSize": 12,
            "columnPadding": 14,
            "offset": 10,
        },
        "text": {"color": ink, "font": font, "fontSize": 12},
        "bar": {"color": INK},
    }


_DRAWN: Final[dict[str, Draw]] = {
    "outlets": bars("outlet", "articles", title="articles"),
    "weeks": timeline,
    "coverage": tiles("week", "actor", "articles", time=True),
    "languages": bars("language", "articles", title="articles"),
    "article-licences": bars("licence", "articles", title="articles"),
    "vocabulary": words,
    "copies": bars("story", "printed", title="times printed"),
    "removed": bars("reason", "records", title="records"),
    "labels": stacks("label", "spans", "layer", title="labelled spans", names=_LAYERS),
    "edits": stacks("label", "suggestions", "outcome", title="suggestions and additions", names=_OUTCOMES),
    "models": stacks("pipeline", "suggestions", "outcome", title="suggestions", names=_OUTCOMES),
    "calibration": calibration,
    "learning-curve": learning,
    "progress": weekly("annotator"),
    "annotators": bars("annotator", "articles", title="finished articles", ranked=False),
    "anchoring": effects,
    "forecast": forecast,
    "agreement": intervals("measure", "value", detail="of"),
    "agreement-labels": intervals("label", "exact F1", detail="actor class", most=MOST_BARS),
    "agreement-pairs": intervals("pair", "exact F1", most=MOST_BARS),
    "decoys": intervals("annotator", "share"),
    "disagreements": bars("about", "disagreements", title="disagreements"),
    "lint": bars("code", "findings", title="findings"),
    "stance-matrix": matrix,
    "stances": stacks("holder", "stances", "stance", title="stances", names=_STANCES),
    "stance-outlets": means,
    "stance-weeks": grades,
    "network": tiles("with", "actor", "sentences", mirrored=True),
    "speakers": tiles("of", "speaker", "mentions"),
    "loaded": stacks("wording", "spans", "voice", title="loaded words", names=_VOICES),
    "claims": claims,
    "losses": bars("reason", "spans", title="spans"),
    "changes": bars("change", "number", title="changes"),
}
COMPARED: Final = "compared-"
"""What the ids of figures begin with that compare two desks or releases."""
SCROLLED: Final = ("stance-matrix", "vocabulary")
"""The figures whose tiles keep their size, so that the page scrolls them."""
