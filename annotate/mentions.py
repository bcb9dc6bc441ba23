"""Hold what was found, and decide which of overlapping finds stays.

Order of precedence: a desk's own entries, then what a trained model learnt, then the longest, then the surer origin.
One mention stays inside another only where ``[nested]`` in ``data/labels.toml`` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .knowledge import knowledge

__all__ = ["OWN", "Mention", "agreement", "joined_times", "resolve", "with_article"]

OWN: Final = "own-gazetteer"
"""The origin of a mention by a desk's own gazetteer."""

# of two mentions of equal length the one with the higher rank stays; of overlapping ones too
_RANK: Final = {OWN: 6, "gazetteer": 4, "toll": 5, "model": 2, "country": 1, "repeat": 0, "acronym": 0}
_RULE_RANK: Final = 3


@dataclass(frozen=True, slots=True)
class Mention:
    """A found entity before it gets an id.

    Attributes:
        origin: ``model``, or the id of the rule, or ``gazetteer``, ``own-gazetteer``, ``toll``, ``country``,
            ``dateline``, ``repeat``, ``acronym``.
        score: How sure the model says it is, where it says so.
        learnt: Whether the model was trained on the scheme's own label; rules do not overrule it.
        agreed: Whether another origin found the very same; `times` how often the document has it.
    """

    start: int
    end: int
    label: str
    origin: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    score: float | None = None
    learnt: bool = False
    agreed: bool = False
    times: int = 1

    @property
    def rank(self) -> int:
        """How much this origin's word counts against another's."""
        return _RANK.get(self.origin, _RULE_RANK)

    @property
    def first(self) -> int:
        """What goes before length."""
        return 2 if self.origin == OWN else int(self.learnt)


def resolve(text: str, mentions: Iterable[Mention]) -> list[Mention]:
    """Return the mentions that stay, by place: longest first, then by rank, nested ones where the data allows."""
    ordered = sorted(mentions, key=lambda m: (-m.first, -(m.end - m.start), -m.rank, m.start, m.label, m.origin))
    kept: list[Mention] = []
    near: dict[int, list[Mention]] = {}
    for mention in ordered:
        # buckets of 64 code points keep this linear: a mention is compared with its neighbours only
        buckets = range(mention.start >> 6, (mention.end >> 6) + 1)
        rivals = (other for bucket in buckets for other in near.get(bucket, ()))
        if all(_compatible(text, other, mention) for other in rivals):
            kept.append(mention)
            for bucket in buckets:
                near.setdefault(bucket, []).append(mention)
    return sorted(kept, key=lambda m: (m.start, -m.end, m.label))


def _compatible(text: str, one: Mention, other: Mention) -> bool:
    if other.end <= one.start or one.end <= other.start:
        return True
    outer, inner = (one, other) if one.end - one.start > other.end - other.start else (other, one)
    if (
        not (outer.start <= inner.start and inner.end <= outer.end)
        or outer.end - outer.start == inner.end - inner.start
    ):
        return False
    data = knowledge("labels")["nested"]
    if outer.label == "TOLL" and inner.label == "ARMED_ACTOR":
        return any(character.isupper() for character in text[inner.start : inner.end])
    if outer.label not in data.get(inner.label, ()):
        return False
    before = text[outer.start : inner.start].split()
    while before and before[-1].lower() in ("the", "a", "an"):
        before.pop()
    return bool(before) and before[-1].lower() in data["after"]


def agreement(text: str, mentions: Iterable[Mention], proposals: Iterable[Mention]) -> list[Mention]:
    """Return mentions that know whether another origin proposed the same, and how often their document has them."""
    origins: dict[tuple[int, int, str], set[str]] = {}
    for mention in proposals:
        origins.setdefault((mention.start, mention.end, mention.label), set()).add(mention.origin)
    mentions = list(mentions)
    times: dict[tuple[str, str], int] = {}
    for mention in mentions:
        key = (text[mention.start : mention.end], mention.label)
        times[key] = times.get(key, 0) + 1
    return [
        replace(
            mention,
            agreed=len(origins.get((mention.start, mention.end, mention.label), ())) > 1,
            times=times[(text[mention.start : mention.end], mention.label)],
        )
        for mention in mentions
    ]


def joined_times(text: str, mentions: list[Mention]) -> list[Mention]:
    """Return the mentions with times side by side made one: "Sunday" and "morning"."""
    joined: list[Mention] = []
    for mention in mentions:
        last = joined[-1] if joined else None
        if last and last.label == mention.label == "TIME" and text[last.end : mention.start] == " ":
            joined[-1] = replace(last, end=mention.end)
        else:
            joined.append(mention)
    return joined


def with_article(mention: Mention, text: str) -> Mention:
    """Return a mention with the article right before it; what a trained model found stays as it is."""
    if mention.learnt:
        return mention
    for article in ("the ", "a ", "an "):
        start = mention.start - len(article)
        if (
            start >= 0
            and text[start : mention.start].lower() == article
            and (start == 0 or not text[start - 1].isalnum())
        ):
            return replace(mention, start=start)
    return mention
