"""Draw figures with Vega-Lite: the only place that knows Altair and vl-convert.

A chart is a specification with its data in it; the page that shows it brings the Vega libraries along,
so nothing is fetched. Colours: one ink for plain counts, a blue-to-red scale around a neutral middle for
stance, and few hues for outcomes, told apart by lightness too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from .figures import Figure

__all__ = ["chart", "has_chart", "libraries", "theme"]

INK: Final = "#4a7699"
SPARE: Final = "#8f8a80"
"""For a layer or an outcome that has no colour of its own."""
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
# middle-light on purpose: black and white text can both be read beside it, in light and dark pages
_DIVERGING: Final = ("#b04d43", "#d39a8f", "#cfc8bb", "#8fb0c2", "#3f7d9d")
FEW: Final = 3
"""A mean of fewer stances is drawn pale."""
ROW: Final = 24
"""Height of a bar with its share of white space, in pixels."""


def has_chart(figure: Figure) -> bool:
    """Tell whether a figure is drawn, or only tabled."""
    return figure.enough and figure.id in _DRAWN


def chart(figure: Figure) -> dict[str, Any]:
    """Return a figure as a Vega-Lite specification as wide as its place, but for tiles.

    Raises:
        KeyError: The figure is only tabled.
    """
    import altair as alt

    rows = [dict(zip(figure.columns, row, strict=True)) for row in figure.rows]
    drawn = _DRAWN[figure.id](alt, alt.Chart(alt.InlineData(values=rows)), figure)
    if figure.id != "stance-matrix":  # its tiles keep their size, and the page scrolls them
        drawn = drawn.properties(width="container", autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    spec: dict[str, Any] = drawn.properties(background="transparent").to_dict()
    spec.pop("config", None)  # the page's theme, light or dark, is the only style
    return spec


@cache
def libraries() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script that needs nothing else."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle


def theme(*, dark: bool) -> dict[str, Any]:
    """Return the Vega configuration of a light or dark page."""
    ink, soft, line = ("#e8e4dc", "#a9a498", "#3a3d42") if dark else ("#23262a", "#6d6a63", "#e2ddd3")
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


Draw = Callable[[Any, Any, Figure], Any]
"""From the Altair module, a chart with the figure's rows in it, and the figure, to what is drawn."""


def _bars(label: str, count: str, *, title: str, ranked: bool = True) -> Draw:
    """Return a drawer of horizontal bars with their numbers, one for each label however many rows it has."""

    def draw(alt: Any, base: Any, figure: Figure) -> Any:
        sums = _sums(figure, label, count)
        order = [name for name, _ in sums.most_common()] if ranked else list(sums)
        base = alt.Chart(alt.InlineData(values=[{label: name, count: sums[name]} for name in order]))
        y = alt.Y(f"{label}:N", sort=None, title=None)
        x = alt.X(f"{count}:Q", title=title, axis=_count_axis(alt, max(sums.values())))
        tooltip = [alt.Tooltip(f"{label}:N"), alt.Tooltip(f"{count}:Q", format=",d")]
        bars = base.mark_bar(height={"band": 0.68}, cornerRadiusEnd=1.5).encode(y=y, x=x, tooltip=tooltip)
        text = base.mark_text(align="left", dx=5).encode(y=y, x=x, text=alt.Text(f"{count}:Q", format=",d"))
        return alt.layer(bars.properties(height=ROW * len(sums)), text)

    return draw


def _stacks(label: str, count: str, colour: str, *, title: str, names: Mapping[str, str]) -> Draw:
    """Return a drawer of horizontal bars, longest first, cut into the values of one column.

    Args:
        label: The column of the bars' names.
        count: The column of their lengths.
        colour: The column that cuts them.
        title: What a length is.
        names: The values of that column in order, with their colours; others follow in grey.
    """

    def draw(alt: Any, base: Any, figure: Figure) -> Any:
        sums = _sums(figure, label, count)
        found = sorted({str(row[figure.columns.index(colour)]) for row in figure.rows})
        used = [*(name for name in names if name in found), *(name for name in found if name not in names)]
        scale = alt.Scale(domain=used, range=[names.get(name, SPARE) for name in used])
        return (
            base.transform_calculate(rank=f"indexof({json.dumps(used)}, datum[{json.dumps(colour)}])")
            .mark_bar(height={"band": 0.68}, cornerRadiusEnd=1.5)
            .encode(
                y=alt.Y(f"{label}:N", sort="-x", title=None),
                x=alt.X(f"sum({count}):Q", title=title, axis=_count_axis(alt, max(sums.values()))),
                color=alt.Color(f"{colour}:N", title=None, scale=scale),
                order=alt.Order("rank:Q"),
                tooltip=_tooltip(alt, figure),
            )
            .properties(height=ROW * len(sums))
        )

    return draw


def _count_axis(alt: Any, most: int, **more: Any) -> Any:
    """Return an axis of whole numbers: with fewer of them than ticks, halves would be shown as wholes."""
    return alt.Axis(tickMinStep=1, tickCount=min(5, most), format=",d", **more)


def _sums(figure: Figure, label: str, count: str) -> Counter[str]:
    """Return the length of every bar."""
    sums: Counter[str] = Counter()
    for row in figure.rows:
        said = dict(zip(figure.columns, row, strict=True))
        sums[str(said[label])] += int(said[count])
    return sums


def _tooltip(alt: Any, figure: Figure) -> list[Any]:
    kinds = ["quantitative" if isinstance(value, (int, float)) else "nominal" for value in figure.rows[0]]
    return [alt.Tooltip(name, type=kind) for name, kind in zip(figure.columns, kinds, strict=True)]


def _timeline(alt: Any, base: Any, figure: Figure) -> Any:
    weeks = [str(row[0]) for row in figure.rows]
    most = max(int(row[1]) for row in figure.rows)
    marked = weeks[:: -(-len(weeks) // 6)]  # six at most, and always Mondays
    at = [datetime.fromisoformat(week).replace(tzinfo=UTC).timestamp() * 1000 for week in marked]
    axis = alt.Axis(format="%-d %b %Y", labelOverlap=True, values=at)
    return (
        base.mark_bar(size=min(30, max(2, 640 // len(figure.rows))))
        .encode(
            x=alt.X("week:T", title=None, scale=alt.Scale(type="utc", padding=24), axis=axis),
            y=alt.Y("articles:Q", title="articles", axis=_count_axis(alt, most, grid=True)),
            tooltip=_tooltip(alt, figure),
        )
        .properties(height=170)
    )


def _matrix(alt: Any, base: Any, figure: Figure) -> Any:
    holders = len({row[0] for row in figure.rows})
    x = alt.X("target:N", title="target", axis=alt.Axis(orient="top", labelAngle=-35, labelLimit=140, titlePadding=10))
    y = alt.Y("holder:N", title=None)
    colour = alt.Color(
        "mean grade:Q",
        title="mean grade",
        scale=alt.Scale(domain=[-2, -1, 0, 1, 2], range=list(_DIVERGING), clamp=True, interpolate="rgb"),
        legend=alt.Legend(
            gradientLength=180, gradientThickness=8, values=[-2, -1, 0, 1, 2], orient="bottom", offset=14
        ),
    )
    # a cell of nothing but mixed or unclear stances has no mean to show; the table has it
    base = base.transform_filter("datum.stances > datum['mixed or unclear']")
    # what rests on one or two stances is pale; its number takes the page's own colour
    tiles = base.mark_rect(cornerRadius=2).encode(
        x=x,
        y=y,
        color=colour,
        opacity=alt.condition(f"datum.stances < {FEW}", alt.value(0.4), alt.value(1)),
        tooltip=_tooltip(alt, figure),
    )
    number = base.mark_text(fontSize=12).encode(x=x, y=y, text="stances:Q")
    strong = alt.condition("abs(datum['mean grade']) > 1.2", alt.value("#ffffff"), alt.value("#23262a"))
    few = number.transform_filter(f"datum.stances < {FEW}")
    many = number.transform_filter(f"datum.stances >= {FEW}").encode(color=strong)
    return alt.layer(tiles, few, many).properties(width=alt.Step(62), height=34 * holders)


_DRAWN: Final[dict[str, Draw]] = {
    "outlets": _bars("outlet", "articles", title="articles"),
    "weeks": _timeline,
    "copies": _bars("story", "printed", title="times printed"),
    "removed": _bars("reason", "records", title="records"),
    "labels": _stacks("label", "spans", "layer", title="labelled spans", names=_LAYERS),
    "stances": _stacks("holder", "stances", "stance", title="stances", names=_STANCES),
    "edits": _stacks("label", "suggestions", "outcome", title="suggestions and additions", names=_OUTCOMES),
    "annotators": _bars("annotator", "articles", title="finished articles", ranked=False),
    "stance-matrix": _matrix,
    "disagreements": _bars("about", "disagreements", title="disagreements"),
    "losses": _bars("reason", "spans", title="spans"),
}
