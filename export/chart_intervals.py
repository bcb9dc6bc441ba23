"""Shapes that show how sure a number is, or how far two lie apart: points on lines, one under the other."""

from __future__ import annotations

from typing import Any

from .chart_shapes import HUES, INK, MOST_BARS, MOST_LINES, PALE, ROW, SPARE, Draw, Table, dicts, hues, tooltips, totals
from .figures import Figure

__all__ = ["calibration", "claims", "effects", "forecast", "has_days", "intervals", "learning", "means", "sides"]


def sides(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw two values of each row as two points on a line: what :mod:`comparison_page` compares."""
    names = list(figure.columns[-3:-1])
    chosen = sorted(figure.rows, key=lambda row: -abs(float(row[-1])))[:MOST_BARS]
    rows = [
        {
            "name": ", ".join(map(str, row[:-3])),
            "side": side,
            "value": value,
            "change": row[-1],
            "from": row[-3],
            "to": row[-2],
        }
        for row in chosen
        for side, value in zip(names, row[-3:-1], strict=True)
    ]
    base = table(rows)
    y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    rule = base.mark_rule(strokeWidth=1.5, color=SPARE).encode(x=alt.X("from:Q", title=figure.unit), x2="to:Q", y=y)
    point = base.mark_point(filled=True, size=64, opacity=0.9).encode(
        x=alt.X("value:Q", axis=alt.Axis(grid=True)),
        y=y,
        color=alt.Color("side:N", title=None, scale=alt.Scale(domain=names, range=[HUES[1], HUES[0]])),
        tooltip=[alt.Tooltip("name:N"), alt.Tooltip("side:N"), alt.Tooltip("value:Q"), alt.Tooltip("change:Q")],
    )
    return alt.layer(rule, point).properties(height=ROW * len(chosen))


def means(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw mean grades with their intervals, by target and outlet; the outlets with most of them."""
    sums = totals(figure, "outlet", "stances")
    found = [name for name, _ in sums.most_common(MOST_LINES)]
    targets = list(dict.fromkeys(str(row[0]) for row in figure.rows if row[1] in found))
    base = table([row for row in dicts(figure) if row["outlet"] in found])
    scale = alt.Scale(domain=[-2, 2])
    shown = {
        "y": alt.Y("target:N", sort=targets, title=None),
        "yOffset": alt.YOffset("outlet:N", sort=found),
        "color": hues(alt, "outlet", found),
        "opacity": alt.condition(f"datum.stances < {PALE}", alt.value(0.35), alt.value(1)),
        "tooltip": tooltips(alt, figure),
    }
    axis = alt.Axis(grid=True, tickCount=5)
    rule = base.mark_rule(strokeWidth=1.5).encode(
        x=alt.X("low:Q", scale=scale, title="mean grade", axis=axis), x2="high:Q", **shown
    )
    point = base.mark_point(filled=True, size=52).encode(x=alt.X("mean grade:Q", scale=scale), **shown)
    return alt.layer(rule, point).properties(height=max(26, 12 * len(found)) * len(targets))


def intervals(
    label: str, value: str, *, detail: str = "", domain: tuple[float, float] = (0, 1), most: int | None = None
) -> Draw:
    """Return a drawer of values with their intervals, one under the other.

    Args:
        label: The column of their names.
        value: The column of the values; their ends are in ``low`` and ``high``, empty where there is no interval.
        detail: A column whose value is put after the name, where it has one.
        domain: The ends of the scale.
        most: How many rows are drawn, the first ones; by default all.
    """

    def draw(alt: Any, table: Table, figure: Figure) -> Any:
        said = dicts(figure)[:most]
        rows = [
            {**row, "name": f"{row[label]}, {row[detail]}" if detail and row[detail] else str(row[label])}
            | {end: row[end] if row[end] != "" else row[value] for end in ("low", "high")}
            for row in said
        ]
        base = table(rows)
        low = min(domain[0], *(float(row["low"]) for row in rows))
        scale = alt.Scale(domain=[low, domain[1]], clamp=True)
        y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
        axis = alt.Axis(grid=True, tickCount=6)
        rule = base.mark_rule(strokeWidth=1.5, color=INK).encode(
            x=alt.X("low:Q", scale=scale, title=value, axis=axis), x2="high:Q", y=y
        )
        tooltip = [alt.Tooltip("name:N", title=label), *(alt.Tooltip(f"{name}:Q") for name in (value, "low", "high"))]
        point = base.mark_point(filled=True, size=60, color=INK, opacity=1).encode(
            x=alt.X(f"{value}:Q", scale=scale), y=y, tooltip=tooltip
        )
        return alt.layer(rule, point).properties(height=ROW * len({row["name"] for row in rows}))

    return draw


def effects(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw effects with their intervals around a line of none; ratios by how far they are from 1, so that one line serves all."""
    rows = []
    for row in dicts(figure)[:MOST_BARS]:
        none = 1 if row["scale"] == "ratio" else 0
        name = ", ".join(part for part in (str(row["outcome"]), str(row["of"])) if part)
        ends = {end: row["effect"] if row[end] == "" else row[end] for end in ("low", "high")}
        drawn = {"x": row["effect"], "from": ends["low"], "to": ends["high"]}
        rows.append({**row, "name": f"{name} (ratio)" if none else name} | {k: v - none for k, v in drawn.items()})
    base = table(rows)
    y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    axis = alt.Axis(grid=True, tickCount=6, labelOverlap=True, labelSeparation=6)
    x = alt.X("from:Q", title="effect (ratios: less 1)", axis=axis)
    even = table([{"none": 0}]).mark_rule(strokeDash=[4, 4], color=SPARE).encode(x="none:Q")
    rule = base.mark_rule(strokeWidth=1.5, color=INK).encode(x=x, x2="to:Q", y=y)
    point = base.mark_point(filled=True, size=60, color=INK, opacity=1).encode(
        x="x:Q", y=y, tooltip=tooltips(alt, figure)
    )
    return alt.layer(even, rule, point).properties(height=ROW * len({row["name"] for row in rows}))


def forecast(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw for each layer the day on which it is done, between the earliest and the latest; what has no day is in the table."""
    rows = [row for row in dicts(figure) if _day(row["done by"])]
    last = max((str(row[name]) for row in rows for name in ("done by", "at the latest") if _day(row[name])), default="")
    # without a latest day the line is drawn to the end of the picture, and says so
    said = [
        {**row, "layer": row["layer"] if _day(row["at the latest"]) else f"{row['layer']} (no latest day)"}
        | {"to": row["at the latest"] if _day(row["at the latest"]) else last}
        for row in rows
    ]
    base = table(said)
    y = alt.Y("layer:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    # days as they are written, in whatever zone the reader is
    days = alt.Scale(type="utc")
    axis = alt.Axis(grid=True, tickCount=4, labelOverlap=True, labelSeparation=6, format="%-d %b %Y")
    x = alt.X("at the earliest:T", title="done by", axis=axis, scale=days)
    rule = base.mark_rule(strokeWidth=1.5, color=INK).encode(x=x, x2="to:T", y=y)
    point = base.mark_point(filled=True, size=60, color=INK, opacity=1).encode(
        x=alt.X("done by:T", scale=days), y=y, tooltip=tooltips(alt, figure)
    )
    return alt.layer(rule, point).properties(height=ROW * len(said))


def has_days(figure: Figure) -> bool:
    """Tell whether any layer of a forecast is ever done: at no pace there is nothing to draw."""
    return any(_day(row["done by"]) for row in dicts(figure))


def _day(cell: Any) -> bool:
    return str(cell)[:1].isdigit()


def calibration(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw the share of suggestions that were kept over their score, beside the diagonal on which both are equal."""
    scale = alt.Scale(domain=[0, 1])
    x = alt.X("score:Q", scale=scale, title="score", axis=alt.Axis(grid=True, tickCount=6, format=".1f"))
    base = table(dicts(figure))
    even = table([{"score": 0, "even": 0}, {"score": 1, "even": 1}])
    diagonal = even.mark_line(strokeDash=[4, 4], color=SPARE, strokeWidth=1).encode(x=x, y=alt.Y("even:Q", scale=scale))
    rule = base.mark_rule(strokeWidth=1.5, color=INK).encode(
        x=x, y=alt.Y("low:Q", scale=scale, title="share kept"), y2="high:Q"
    )
    point = base.mark_point(filled=True, color=INK, opacity=1).encode(
        x=x, y=alt.Y("share kept:Q", scale=scale), size=alt.Size("suggestions:Q", legend=None, scale=alt.Scale(range=[30, 200])),
        tooltip=tooltips(alt, figure),
    )  # fmt: skip
    return alt.layer(diagonal, rule, point).properties(height=240)


def learning(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw how often a pipeline is exactly right over how many articles taught it, a line for each pipeline."""
    said = dicts(figure)
    found = list(dict.fromkeys(str(row["pipeline"]) for row in said))[-MOST_LINES:]
    base = table([row for row in said if row["pipeline"] in found])
    most = max(int(row["articles"]) for row in said)
    shown = {
        "x": alt.X(
            "articles:Q", title="articles learnt from", axis=alt.Axis(tickMinStep=1, tickCount=min(6, max(1, most)))
        ),
        "y": alt.Y("exact F1:Q", title="exact F1", scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(grid=True)),
        "color": hues(alt, "pipeline", found),
    }
    line = base.mark_line(strokeWidth=1.5).encode(**shown)
    point = base.mark_point(filled=True, size=52, opacity=1).encode(**shown, tooltip=tooltips(alt, figure))
    return alt.layer(line, point).properties(height=240)


def claims(alt: Any, table: Table, figure: Figure) -> Any:
    """Draw the range of each claim with who makes it, those about one event beside each other; twelve events at most."""
    events = list(dict.fromkeys(str(row[0]) for row in figure.rows))[:12]
    rows = [
        {
            **dict(zip(figure.columns, row, strict=True)),
            "rank": rank,
            "who": f"{row[1]} ({row[2]})" if row[1] != "the outlet" else row[2],
        }
        for event in events
        for rank, row in enumerate([row for row in figure.rows if row[0] == event][:MOST_LINES])
    ]
    base = table(rows)
    high = max(float(row["to"]) for row in rows)
    # room for the name beside the largest number
    x = alt.X(
        "from:Q",
        title="victims claimed",
        scale=alt.Scale(domain=[0, 1.35 * high]),
        axis=alt.Axis(grid=True, format=",d"),
    )
    y = alt.Y(
        "event:N", sort=events, title=None, axis=alt.Axis(labelLimit=260, grid=True), scale=alt.Scale(paddingInner=0.25)
    )
    shown = {"y": y, "yOffset": alt.YOffset("rank:O")}
    rule = base.mark_rule(strokeWidth=2, color=INK).encode(x=x, x2="to:Q", **shown)
    point = base.mark_point(filled=True, size=46, opacity=1, color=INK)
    ends = [
        point.encode(x=x, tooltip=tooltips(alt, figure), **shown),
        point.encode(x=alt.X("to:Q"), tooltip=tooltips(alt, figure), **shown),
    ]
    name = base.mark_text(align="left", dx=8, fontSize=11).encode(x=alt.X("to:Q"), text="who:N", **shown)
    most = 1 + max(int(row["rank"]) for row in rows)
    return alt.layer(rule, *ends, name).properties(height=(16 * most + 10) * len(events))
