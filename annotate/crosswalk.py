"""Go between a scheme's labels and those of another set of data, by the scheme's crosswalk.

One label there may be several here (re3d's Organisation is ORG or ARMED_ACTOR), and one here several there (PLATFORM
is MilitaryPlatform or Vehicle). For *training* a label there becomes one of the scheme's; where it may be
several, somebody has to say which. For *scoring* nobody has to: labels that cannot be told apart are one class::

    Organisation ─┬─ ORG            Location ─┬─ GPE           MilitaryPlatform ─┬─ PLATFORM
                  └─ ARMED_ACTOR              ├─ LOCATION      Vehicle ──────────┘
    class: Organisation                       └─ FACILITY      class: MilitaryPlatform, Vehicle
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from copydesk.schemas import LabelScheme, SettingsError

__all__ = ["LabelMap", "label_map"]


@dataclass(frozen=True, slots=True)
class LabelMap:
    """What the labels of some data are in the scheme.

    Attributes:
        column: The crosswalk's column; empty where the data has the scheme's own labels.
        candidates: Label of the data to the labels of the scheme that it may be; one: it is that.
        classes: Label of the data, or of the scheme, to the class that both are scored in.
    """

    column: str
    candidates: Mapping[str, tuple[str, ...]]
    classes: Mapping[str, str]

    def scored(self, label: str) -> str:
        """Return the class that a label is scored in, or ``""`` where the other side has nothing like it."""
        return self.classes.get(label, "")


def label_map(scheme: LabelScheme, column: str = "", fixed: Mapping[str, str] | None = None) -> LabelMap:
    """Return the map from the labels of some data to the scheme's.

    Args:
        scheme: The labels of its layer ``entities`` count (all span labels, where it has no such layer).
        column: A column of the crosswalk, such as ``re3d`` or ``ontonotes``; empty: the scheme's own labels.
        fixed: Label of the data to the scheme's label that it shall be, whatever the crosswalk says;
            ``""`` leaves the label out.

    Raises:
        SettingsError: The crosswalk has no such column, or `fixed` names a label that the scheme has not.
    """
    labels = [label for label in scheme.span_labels if label.layer == "entities"] or list(scheme.span_labels)
    ids = [label.id for label in labels]
    known = sorted({name for label in labels for name in label.crosswalk})
    if column and column not in known:
        raise SettingsError(
            f"the crosswalk of {scheme.name} has no column {column!r}",
            hint=f"It has {', '.join(known) or 'none'}; leave --labels out where the data has the scheme's own labels.",
        )
    arrows: dict[str, list[str]] = {own: [own] for own in ids}
    for label in labels if column else ():
        for foreign in filter(None, map(str.strip, label.crosswalk.get(column, "").split(","))):
            arrows.setdefault(foreign, []).append(label.id)
    candidates = {foreign: tuple(dict.fromkeys(some)) for foreign, some in arrows.items()}
    for foreign, own in (fixed or {}).items():
        if own and own not in ids:
            raise SettingsError(f"{foreign}={own}: the scheme has no label {own!r}", hint=f"It has {', '.join(ids)}.")
        candidates[foreign] = (own,) if own else ()
    # what the other side has nothing like is not scored
    missing = {label.id for label in labels if column and not label.crosswalk.get(column)}
    classes = {name: found for name, found in _classes(candidates, set(ids)).items() if name not in missing}
    # a label that is the scheme's own is taken at its word when it trains, not when it is scored
    return LabelMap(column, {**candidates, **{own: (own,) for own in ids if own not in (fixed or {})}}, classes)


def _classes(candidates: Mapping[str, tuple[str, ...]], ids: set[str]) -> dict[str, str]:
    """Return the class of every label on both sides: what is joined by any arrow is one class."""
    groups: list[set[str]] = []
    for foreign, some in candidates.items():
        joined = {f"there {foreign}", *(f"here {own}" for own in some)} if some else set()
        for group in [group for group in groups if group & joined]:
            groups.remove(group)
            joined |= group
        if joined:
            groups.append(joined)
    classes: dict[str, str] = {}
    for group in groups:
        here = sorted(name[5:] for name in group if name.startswith("here "))
        there = sorted(name[6:] for name in group if name.startswith("there ") and name[6:] not in ids)
        # named as the data names it; by the scheme's own labels where it has none
        name = ", ".join(there or here)
        classes |= dict.fromkeys([*here, *there], name)
    return classes
