"""Figures of the people's work: how fast it goes, what waits for them, what suggestions do to it, what lint finds."""

from __future__ import annotations

import datetime
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from copydesk.annotate import Anchoring, Disagreement, LintReport, Version, lint_message
from copydesk.schemas import LabelScheme

from .facets import week_of
from .figures import Figure, ranked
from .tally import Row

__all__ = ["lint_facets", "people_figures", "quality_figures"]

_WEEKS: Final = 4
"""How many of the last weeks the pace is taken from."""


def people_figures(
    versions: Mapping[str, Sequence[Version]],
    disagreements: Sequence[Disagreement],
    titles: Mapping[str, str],
    links: Mapping[str, str],
    *,
    wanted: int,
    scheme: LabelScheme,
) -> list[Figure]:
    """Return who did how much, how long the rest takes, and what waits for a decision.

    Args:
        versions: Every annotator's version, by document.
        disagreements: What they did not say alike.
        titles: What the documents with open disagreements are called.
        links: The addresses of their tasks in Label Studio, where known.
        wanted: How many documents there are to annotate: one of each cluster of copies.
        scheme: The layers.
    """
    return [
        _annotators(versions),
        _progress(versions),
        _forecast(versions, wanted, scheme),
        _disagreements(disagreements),
        _open(disagreements, titles, links),
    ]


def _annotators(versions: Mapping[str, Sequence[Version]]) -> Figure:
    seconds: defaultdict[str, list[int]] = defaultdict(list)
    for said in versions.values():
        for version in said:
            seconds[version.annotator].append(version.seconds)
    rows: list[Row] = []
    for who, every in sorted(seconds.items(), key=lambda item: int(item[0].rpartition("-")[2])):
        known = [one for one in every if one >= 0]
        rows.append((who, len(every), int(statistics.median(known or [-1]))))
    return Figure(
        "annotators",
        "Who annotated how much?",
        ("annotator", "articles", "median seconds"),
        tuple(rows),
        sum(len(every) for every in seconds.values()),
        "finished versions",
        note="Annotators are known by pseudonym. A median of -1 means that no time was recorded.",
        facet="annotator",
        keys=("annotator",),
    )


def _progress(versions: Mapping[str, Sequence[Version]]) -> Figure:
    done = Counter(
        (week, version.annotator)
        for said in versions.values()
        for version in said
        if (week := week_of(version.updated_at))
    )
    return Figure(
        "progress",
        "How fast does the work go?",
        ("week", "annotator", "articles"),
        tuple((week, who, number) for (week, who), number in sorted(done.items())),
        done.total(),
        "finished versions",
        note="By the week in which a version was last saved.",
        facet="annotator",
        keys=("annotator",),
    )


def _forecast(versions: Mapping[str, Sequence[Version]], wanted: int, scheme: LabelScheme) -> Figure:
    """Return, by layer, what is done, what is left, and when it will be done at the pace of the last weeks."""
    rows: list[Row] = []
    for layer in scheme.layers:
        first = {}
        for key, said in versions.items():
            mine = [
                v.updated_at for v in said if v.updated_at and (v.asked.layers is None or layer.id in v.asked.layers)
            ]
            if mine:
                first[key] = min(mine)
        if first:
            rows.append(
                (
                    layer.title,
                    len(first),
                    max(0, wanted - len(first)),
                    *_pace(list(first.values()), wanted - len(first)),
                )
            )
    return Figure(
        "forecast",
        "When will it be done?",
        ("layer", "articles done", "left", "a week", "done by", "at the earliest", "at the latest"),
        tuple(rows),
        len(versions),
        "articles with a finished version",
        least=10,
        note=f"At the pace of the {_WEEKS} weeks before the newest annotation; earliest and latest are the ends of a 95 % interval of that pace, "
        "if articles are finished independently of each other. One finished version for each article, copies left out.",
    )


def _pace(moments: Sequence[str], left: int) -> tuple[float, str, str, str]:
    """Return articles a week, and the days on which the rest is done at that pace and at its ends."""
    days = sorted(day for moment in moments if (day := _day(moment)) is not None)
    if not days:
        return 0.0, "", "", ""
    last = days[-1]
    span = min(_WEEKS * 7, (last - days[0]).days + 1)
    recent = sum(1 for day in days if (last - day).days < span)
    rates = [recent, recent + 1.96 * math.sqrt(recent), recent - 1.96 * math.sqrt(recent)]
    done = [_after(last, left / (rate / span)) if rate > 0 else "not at this pace" for rate in rates]
    return round(7 * recent / span, 1), done[0], done[1], done[2]


def _day(moment: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(moment[:10])
    except ValueError:
        return None


def _after(day: datetime.date, days: float) -> str:
    try:
        return (day + datetime.timedelta(days=math.ceil(max(0.0, days)))).isoformat()
    except OverflowError:
        return "not at this pace"


def _disagreements(disagreements: Sequence[Disagreement]) -> Figure:
    counts: Counter[tuple[str, str]] = Counter()
    still: Counter[tuple[str, str]] = Counter()
    for item in disagreements:
        counts[item.layer, item.item] += 1
        still[item.layer, item.item] += item.open
    return Figure(
        "disagreements",
        "What do annotators not agree on?",
        ("layer", "about", "disagreements", "open"),
        tuple((*key, count, still[key]) for key, count in ranked(counts)),
        counts.total(),
        "disagreements",
        note="Open ones have no majority and are left out of gold until somebody decides.",
        facet="disagreement",
        keys=("about",),
    )


def _open(disagreements: Sequence[Disagreement], titles: Mapping[str, str], links: Mapping[str, str]) -> Figure:
    waiting = [item for item in disagreements if item.open]
    return Figure(
        "open",
        "What waits for somebody to decide?",
        ("story", "about", "words", "what was said", "task"),
        tuple(
            (
                titles.get(item.document_id, item.document_id),
                item.item.replace("_", " "),
                item.text or "the whole article",
                "; ".join(f"{who}: {said or 'nothing'}" for who, said in item.votes),
                links.get(item.document_id, ""),
            )
            for item in waiting
        ),
        len(waiting),
        "open disagreements",
        note="None of these is in gold. copydesk adjudicate puts them before somebody who decides.",
    )


def quality_figures(anchored: Anchoring | None, found: LintReport | None) -> list[Figure]:
    """Return what suggestions and decoys did to people's labels, and what lint finds.

    Args:
        anchored: Where documents of both arms were finished.
        found: Where anything was finished.
    """
    return [_anchoring(anchored), _decoys(anchored), _lint(found)]


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 3)


def _anchoring(found: Anchoring | None) -> Figure:
    effects = [effect for effect in found.effects if effect.effect is not None] if found else []
    return Figure(
        "anchoring",
        "What do suggestions do to the labels?",
        ("outcome", "of", "shown", "blind", "effect", "low", "high", "scale"),
        tuple(
            (
                e.outcome,
                e.of,
                _rounded(e.shown),
                _rounded(e.blind),
                _rounded(e.effect),
                _rounded(e.low),
                _rounded(e.high),
                e.scale,
            )
            for e in effects
        ),
        found.blind if found else 0,
        "articles finished without seeing suggestions",
        least=5,
        note="Articles that showed suggestions held against those of the blind arm, with 95 % intervals over articles: "
        "a difference of 0, or a ratio of 1, is no effect. The picture shows ratios by how far they are above or below 1.",
    )


def _decoys(found: Anchoring | None) -> Figure:
    rates = found.decoys if found else ()
    return Figure(
        "decoys",
        "Do people notice when a suggestion is wrong on purpose?",
        ("annotator", "let stand", "slipped in", "share", "low", "high"),
        tuple(
            (r.annotator or "everybody", r.accepted, r.slipped, _rounded(r.rate), _rounded(r.low), _rounded(r.high))
            for r in rates
        ),
        max((rate.slipped for rate in rates if not rate.annotator), default=0),
        "decoys shown",
        least=5,
        note="Nothing in which a decoy still stands is gold.",
    )


def _lint(found: LintReport | None) -> Figure:
    counts = found.counts if found else {}
    return Figure(
        "lint",
        "What does lint find in finished work?",
        ("code", "says", "findings"),
        tuple((code, lint_message(code), number) for code, number in ranked(counts)),
        found.checked if found else 0,
        "finished annotations checked",
        note="Codes that begin with E are wrong, those that begin with W are worth a look: copydesk lint lists each with its link.",
        facet="lint",
        keys=("code",),
    )


def lint_facets(found: LintReport | None) -> Iterable[tuple[str, tuple[str, str]]]:
    """Yield document id and facet of every finding that is about a document."""
    return ((one.document_id, ("lint", one.code)) for one in (found.findings if found else ()) if one.document_id)
