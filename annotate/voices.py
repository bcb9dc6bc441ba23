"""Derive whose words a passage is: the voice of an entity, a stance, a toll, or of an attribution inside another.

::

    The ministry said [rebels had claimed [17 deaths]].     17 deaths: the rebels' voice; rebels: the ministry's
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from copydesk.schemas import OUTLET, UNNAMED, Annotations, Attribution, Span

__all__ = ["attribution_around", "voice", "voices"]


def voice(annotations: Annotations, span: Span) -> str:
    """Return whose words a span is: the source of the innermost attribution around it, else the outlet's.

    Returns:
        The source's text; :data:`~copydesk.schemas.UNNAMED` where that attribution has no source;
        :data:`~copydesk.schemas.OUTLET` outside every content.
    """
    return _name(attribution_around(annotations, span))


def attribution_around(annotations: Annotations, span: Span) -> Attribution | None:
    """Return the innermost attribution whose content holds a span and more than it, or None."""
    return _Contents(annotations.attributions).innermost(span)


def voices(annotations: Annotations) -> dict[Span, str]:
    """Return the voice of every span of every layer, as :func:`voice` gives it, in one pass."""
    contents = _Contents(annotations.attributions)
    return {span: _name(contents.innermost(span)) for span in annotations.spans()}


def _name(attribution: Attribution | None) -> str:
    if attribution is None:
        return OUTLET
    return attribution.source.text if attribution.source else UNNAMED


class _Contents:
    """Attributions by where their content begins, so that only those that can hold a span are looked at."""

    def __init__(self, attributions: Sequence[Attribution]) -> None:
        self._ordered = sorted(attributions, key=lambda a: (a.content.start, a.content.end, a.id))
        self._starts = [attribution.content.start for attribution in self._ordered]
        self._longest = max((a.content.end - a.content.start for a in attributions), default=0)

    def innermost(self, span: Span) -> Attribution | None:
        low = bisect.bisect_left(self._starts, span.end - self._longest)
        high = bisect.bisect_right(self._starts, span.start)
        around = (a for a in self._ordered[low:high] if a.content.contains(span) and a.content != span)
        return min(around, key=lambda a: (a.content.end - a.content.start, a.content), default=None)
