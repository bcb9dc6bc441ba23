"""Put groups of documents into splits so that each has its share of every label.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, algorithm 1), over groups instead of single examples: the
label that is left in the fewest groups is dealt out first, each of its groups to the split that lacks most of it, and
of those that lack as much to the one that lacks most documents. Where the paper draws lots a hash decides, so the same
groups give the same splits. What was released before counts for its split and stays there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Group", "stratified"]

DOCUMENTS: Final = "documents"
"""Counts like a label: every split wants its share of documents too."""


@dataclass(frozen=True, slots=True)
class Group:
    """Documents that stay together.

    Attributes:
        place: The group's place in 0 … 1, by a hash.
        size: How many documents it has.
        labels: How often each label stands in them.
    """

    place: float
    size: int
    labels: Mapping[str, int] = field(default_factory=dict)


def stratified(
    groups: Mapping[str, Group], shares: Mapping[str, float], settled: Mapping[str, str]
) -> dict[str, str]:  # fmt: skip
    """Return every group's split.

    Args:
        groups: By name.
        shares: What each split should have of everything; they add up to 1. A split with a share of 0 gets nothing.
        settled: The split of the groups that have one for ever.
    """
    chosen = dict(settled)
    lack = _wanted(groups, shares)
    for name, split in settled.items():
        if name in groups:
            _take(lack[split], groups[name])
    open_splits = [split for split, share in shares.items() if share > 0]
    free = {name for name in groups if name not in chosen}
    left = Counter(label for name in free for label in groups[name].labels)
    holders = _holders(groups, free)
    while free:
        label = min(left, key=lambda one: (left[one], one)) if left else DOCUMENTS
        for name in holders[label] if left else sorted(free, key=lambda one: (groups[one].place, one)):
            if name not in free:
                continue
            group = groups[name]
            chosen[name] = max(open_splits, key=lambda split: (lack[split][label], lack[split][DOCUMENTS], split))
            _take(lack[chosen[name]], group)
            free.discard(name)
            left.subtract(group.labels.keys())
        left = Counter({one: number for one, number in left.items() if number > 0})
    return chosen


def _wanted(groups: Mapping[str, Group], shares: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return, for each split, how much of every label and how many documents it should have."""
    total: Counter[str] = Counter()
    for group in groups.values():
        total.update(group.labels)
        total[DOCUMENTS] += group.size
    return {
        split: defaultdict(float, {label: share * number for label, number in total.items()})
        for split, share in shares.items()
    }


def _take(lack: dict[str, float], group: Group) -> None:
    for label, number in group.labels.items():
        lack[label] -= number
    lack[DOCUMENTS] -= group.size


def _holders(groups: Mapping[str, Group], free: set[str]) -> dict[str, Sequence[str]]:
    """Return, for each label, the groups that have it, in the order of their hashes."""
    found: dict[str, list[str]] = {}
    for name in sorted(free, key=lambda one: (groups[one].place, one)):
        for label in groups[name].labels:
            found.setdefault(label, []).append(name)
    return dict(found)
