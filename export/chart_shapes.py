"""Shapes that figures are drawn in: bars, stacks, tiles, time, intervals, words. Each takes Altair and gives a chart.

A shape is a function of the Altair module (:mod:`charts` is its door), of a way to give a chart its rows, and of the figure. Colours: one ink for plain counts, a blue-to-red scale around a neutral middle for stance, and few hues for outcomes,
told apart by lightness too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from .figures import Figure

__all__ = [
    "HUES",
    "INK",
    "MOST_BARS",
    "MOST_LINES",
    "PALE",
    "ROW",
    "SPARE",
    "Draw",
    "Table",
    "bars",
    "dicts",
    "grades",
    "hues",
    "matrix",
    "stacks",
    "tiles",
    "timeline",
    "tooltips",
    "totals",
    "weekly",
    "words",
]

INK: Final = "#4a7699"
SPARE: Final = "#8f8a80"
"""For a layer or an outcome that has no colour of its own."""
HUES: Final = ("#4a7699", "#b0803a", "#a05a69", "#75906a", "#877aa3", "#5a8f8f", "#c07f5a", "#6d6a63")
"""For people, actors and outlets, in the order of their rows."""
# middle-light on purpose: black and white text can both be read beside it, in light and dark pages
_DIVERGING: Final = ("#b04d43", "#d39a8f", "#cfc8bb", "#8fb0c2", "#3f7d9d")
FEW: Final = 3
"""A mean of fewer stances is drawn pale."""
PALE: Final = 5
"""Nor is one of fewer, where it has an interval."""
MOST_LINES: Final = 6
"""How many outlets or claims are told apart in one row."""
MOST_BARS: Final = 30
"""How many bars a chart has at most; its table has them all."""
ROW: Final = 24
"""Height of a bar with its share of white space, in pixels."""

Table: TypeAlias = Callable[[list[dict[str, Any]]], Any]
"""From rows to a chart that has them."""
Draw: TypeAlias = Callable[[Any, Table, Figure], Any]
"""From the Altair module, a way to give a chart its rows, and the figure, to what is drawn."""


def bars(label: str, count: str, *, title: str, ranked: bool = True) -> Draw:
    """Return a drawer of horizontal bars with their numbers, one for each label however many rows it has."""

    def draw(alt: Any, table: Table, figure: Figure) -> Any:
        sums = totals(figure, label, count)
        order = ([name for name, _ in sums.most_common()] if ranked else list(sums))[:MOST_BARS]
        base = table([{label: name, count: sums[name]} for name in order])
        y = alt.Y(f"{label}:N", sort=None, title=None)
        most = max(sums.values())
        room = alt.Scale(domain=[0, 1.12 * most], nice=False)  # for the number of the longest bar
        x = alt.X(f"{count}:Q", title=title, scale=room, axis=_count_axis(alt, most))
        tooltip = [alt.Tooltip(f"{label}:N"), alt.Tooltip(f"{count}:Q", format=",d")]
        bars = base.mark_bar(height={"band": 0.68}, cornerRadiusEnd=1.5).encode(y=y, x=x, tooltip=tooltip)
        text = base.mark_text(align="left", dx=5).encode(y=y, x=x, text=alt.Text(f"{count}:Q", format=",d"))
        return alt.layer(bars.properties(height=ROW * len(order)), text)

    return draw


def stacks(label: str, count: str, colour: str, *, title: str, names: Mapping[str, str]) -> Draw:
    """Return a drawer of horizontal bars, longest first, cut into the values of one column.

    Args:
        label: The column of the bars' names.
        count: The column of their lengths.
        colour: The column that cuts them.
        title: What a length is.
        names: The values of that column in order, with their colours; others follow in grey.
    """

    def draw(alt: Any, table: Table, figure: Figure) -> Any:
        sums = totals(figure, label, count)
        found = sorted({str(row[figure.columns.index(colour)]) for row in figure.rows})
        used = [*(name for name in names if name in found), *(name for name in found if name not in names)]
        scale = alt.Scale(domain=used, range=[names.get(name, SPARE) for name in used])
        return (
            table(dicts(figure))
            .transform_calculate(rank=f"indexof({json.dumps(used)}, datum[{json.dumps(colour)}])")
            .mark_bar(height={"band": 0.68}, cornerRadiusEnd=1.5)
            .encode(
                y=alt.Y(f"{label}:N", sort="-x", title=None),
                x=alt.X(f"sum({count}):Q", title=title, axis=_count_axis(alt, max(sums.values()))),
                color=alt.Color(f"{colour}:N", title=None, scale=scale),
                order=alt.Order("rank:Q"),
                tooltip=tooltips(alt, figure),
            )
            .properties(height=ROW * len(sums))
        )

    return draw


def _count_axis(alt: Any, most: int, **more: Any) -> Any:
    """Return an axis of whole numbers: with fewer of them than ticks, halves would be shown as wholes."""
    return alt.Axis(tickMinStep=1, tickCount=min(5, most), format=",d", **more)


def totals(figure: Figure, label: str, count: str) -> Counter[str]:
    """Return the length of every bar."""
    sums: Counter[str] = Counter()
    for row in figure.rows:
        said = dict(zip(figure.columns, row, strict=True))
        sums[str(said[label])] += int(said[count])
    return sums


def dicts(figure: Figure) -> list[dict[str, Any]]:
    """Return the rows of a figure by the names of its columns."""
    return [dict(zip(figure.columns, row, strict=True)) for row in figure.rows]


def tooltips(alt: Any, figure: Figure) -> list[Any]:
    """Return a tooltip with every column of a figure."""
    kinds = ["quantitative" if isinstance(value, (int, float)) else "nominal" for value in figure.rows[0]]
    return [alt.Tooltip(name, type=kind) for name, kind in zip(figure.columns, kinds, strict=True)]


def timeline(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw a bar for every week."""
    weeks = [str(row[0]) for row in figure.rows]
    most = max(int(row[1]) for row in figure.rows)
    return (
        table(dicts(figure))
        .mark_bar(size=min(30, max(2, 640 // len(figure.rows))))
        .encode(
            x=_week_axis(alt, weeks),
            y=alt.Y("articles:Q", title="articles", axis=_count_axis(alt, most, grid=True)),
            tooltip=tooltips(alt, figure),
        )
        .properties(height=170)
    )


def matrix(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw the mean grade of each holder and target as a tile, with the number that it rests on."""
    holders = len({row[0] for row in figure.rows})
    x = alt.X("target:N", title="target", axis=alt.Axis(orient="top", labelAngle=-35, labelLimit=140, titlePadding=10))
    y = alt.Y("holder:N", title=None)
    colour = alt.Color("mean grade:Q", title="mean grade", scale=_diverging(alt), legend=_grade_legend(alt))
    # a cell of nothing but mixed or unclear stances has no mean to show; the table has it
    base = table(dicts(figure)).transform_filter("datum.stances > datum['mixed or unclear']")
    # what rests on one or two stances is pale; its number takes the page's own colour
    tiles = base.mark_rect(cornerRadius=2).encode(
        x=x,
        y=y,
        color=colour,
        opacity=alt.condition(f"datum.stances < {FEW}", alt.value(0.4), alt.value(1)),
        tooltip=tooltips(alt, figure),
    )
    number = base.mark_text(fontSize=12).encode(x=x, y=y, text="stances:Q")
    strong = alt.condition("abs(datum['mean grade']) > 1.2", alt.value("#ffffff"), alt.value("#23262a"))
    few = number.transform_filter(f"datum.stances < {FEW}")
    many = number.transform_filter(f"datum.stances >= {FEW}").encode(color=strong)
    return alt.layer(tiles, few, many).properties(width=alt.Step(62), height=34 * holders)


def weekly(colour: str) -> Draw:
    """Return a drawer of stacked bars, one for each week, cut by a column."""

    def draw(alt: Any, table: Table, figure: Figure) -> Any:
        found = list(dict.fromkeys(str(row[figure.columns.index(colour)]) for row in figure.rows))
        weeks = sorted({str(row[0]) for row in figure.rows})
        return (
            table(dicts(figure))
            .mark_bar(size=min(30, max(2, 520 // len(weeks))))
            .encode(
                x=_week_axis(alt, weeks),
                y=alt.Y("articles:Q", title=figure.unit),
                color=hues(alt, colour, found),
                tooltip=tooltips(alt, figure),
            )
            .properties(height=170)
        )

    return draw


def tiles(across: str, down: str, count: str, *, time: bool = False, mirrored: bool = False) -> Draw:
    """Return a drawer of counts as tiles, the darker the more.

    Args:
        across: The column whose values stand beside each other.
        down: The column whose values stand under each other.
        count: The column that is counted.
        time: Whether `across` are the days of weeks, of which some are named.
        mirrored: Whether the two columns mean the same, so that each pair is drawn twice.
    """

    def draw(alt: Any, table: Table, figure: Figure) -> Any:
        said = dicts(figure)
        rows = [{**row, "x": row[across], "y": row[down]} for row in said if row[count]]
        if mirrored:  # what is clicked on is still the pair as it was counted
            rows += [{**row, "x": row[down], "y": row[across]} for row in said if row[count]]
        under = list(dict.fromkeys(str(row["y"]) for row in rows))
        beside = under if mirrored else list(dict.fromkeys(str(row[across]) for row in said))
        kept = sorted(beside) if time else beside
        step = -(-len(kept) // 8)
        named = alt.Axis(labelAngle=0, values=kept[::step])
        axis = named if time else alt.Axis(orient="top", labelAngle=-35, labelLimit=140)
        # the square root, so that what is seldom is seen beside what is not
        scale = alt.Scale(
            type="linear" if time else "sqrt", domain=[0, max(row[count] for row in rows)], range=["#dfe7ec", "#1f4f73"]
        )
        legend = alt.Legend(gradientLength=160, gradientThickness=8, orient="bottom", offset=14, tickMinStep=1)
        return (
            table(rows)
            .mark_rect(cornerRadius=1 if time else 2)
            .encode(
                x=alt.X("x:O", title=None, sort=kept, axis=axis, scale=alt.Scale(paddingInner=0.06, domain=kept)),
                y=alt.Y("y:N", title=None, sort=under, scale=alt.Scale(paddingInner=0.06)),
                color=alt.Color(f"{count}:Q", title=count, scale=scale, legend=legend),
                tooltip=tooltips(alt, figure),
            )
            .properties(height=ROW * len(under))
        )

    return draw


def grades(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw mean grades over time as tiles: one row for each target, pale where a mean rests on few."""
    months = sorted({str(row[1]) for row in figure.rows})
    targets = list(dict.fromkeys(str(row[0]) for row in figure.rows))
    axis = alt.Axis(
        labelAngle=0, values=months[:: -(-len(months) // 12)], labelExpr="timeFormat(toDate(datum.value), '%b %Y')"
    )
    colour = alt.Color("mean grade:Q", title="mean grade", scale=_diverging(alt), legend=_grade_legend(alt))
    return (
        table(dicts(figure))
        .mark_rect(cornerRadius=2)
        .encode(
            x=alt.X("month:O", title=None, sort=months, axis=axis, scale=alt.Scale(paddingInner=0.06)),
            y=alt.Y("target:N", title=None, sort=targets, scale=alt.Scale(paddingInner=0.06)),
            color=colour,
            opacity=alt.condition(f"datum.stances < {PALE}", alt.value(0.4), alt.value(1)),
            tooltip=tooltips(alt, figure),
        )
        .properties(height=ROW * len(targets))
    )


def _diverging(alt: Any) -> Any:
    return alt.Scale(domain=[-2, -1, 0, 1, 2], range=list(_DIVERGING), clamp=True, interpolate="rgb")


def _grade_legend(alt: Any) -> Any:
    return alt.Legend(gradientLength=180, gradientThickness=8, values=[-2, -1, 0, 1, 2], orient="bottom", offset=14)


def words(alt: Any, table: Table, figure: Figure) -> Any:
    """Write the most telling words of each outlet under its name, the more telling the larger."""
    outlets = list(dict.fromkeys(str(row[0]) for row in figure.rows))
    rows = [
        {**dict(zip(figure.columns, row, strict=True)), "rank": rank}
        for outlet in outlets
        for rank, row in enumerate((row for row in figure.rows if row[0] == outlet), start=1)
    ]
    base = table(rows)
    x = alt.X(
        "outlet:N",
        sort=outlets,
        title=None,
        axis=alt.Axis(orient="top", labelAngle=0, labelLimit=150, labelFontWeight="bold"),
    )
    size = alt.Size("z:Q", legend=None, scale=alt.Scale(range=[11, 17]))
    return (
        base.mark_text()
        .encode(x=x, y=alt.Y("rank:O", title=None, axis=None), text="word:N", size=size, tooltip=tooltips(alt, figure))
        .properties(width=alt.Step(150), height=25 * max(int(row["rank"]) for row in rows))
    )


def hues(alt: Any, column: str, values: list[str]) -> Any:
    """Return a colour for each of some values."""
    colours = [HUES[place % len(HUES)] for place in range(len(values))]
    return alt.Color(
        f"{column}:N", title=None, scale=alt.Scale(domain=values, range=colours), legend=alt.Legend(columns=2)
    )


def _week_axis(alt: Any, weeks: list[str]) -> Any:
    marked = weeks[:: -(-len(weeks) // 6)]  # six at most, and always Mondays
    at = [datetime.fromisoformat(week).replace(tzinfo=UTC).timestamp() * 1000 for week in marked]
    axis = alt.Axis(format="%-d %b %Y", labelOverlap=True, values=at)
    return alt.X("week:T", title=None, scale=alt.Scale(type="utc", padding=24), axis=axis)
