"""Say how two label schemes differ, thing by thing, and what of the older one needs a decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from .migration import Migration
from .scheme import LabelScheme

__all__ = ["SchemeChange", "scheme_changes", "undecided"]

Kind = Literal["added", "removed", "renamed", "changed"]


@dataclass(frozen=True, slots=True, order=True)
class SchemeChange:
    """One difference between two schemes.

    Attributes:
        what: The thing, as a migration names it: ``label PLATFORM``, ``value of actor_class rebel``.
        kind: What happened to it.
        detail: Of what changed, which parts, and how where that is short; of what was renamed, its new id.
        breaking: Whether work in the older scheme's words no longer means the same, or has no place.
    """

    what: str
    kind: Kind
    detail: str = ""
    breaking: bool = False


def scheme_changes(old: LabelScheme, new: LabelScheme, migration: Migration | None = None) -> tuple[SchemeChange, ...]:
    """Compare two schemes.

    Args:
        old: The older one.
        new: The newer one.
        migration: What becomes of the older one's names; without it nothing is renamed.
    """
    mine, theirs = dict(_things(old)), dict(_things(new))
    names = _renamed(migration) if migration is not None else {}
    became = {what: names.get(what, what) for what in mine}
    found: list[SchemeChange] = []
    for what, thing in mine.items():
        now = became[what]
        if now not in theirs:
            found.append(SchemeChange(what, "removed", breaking=True))
            continue
        if now != what:
            found.append(SchemeChange(what, "renamed", now.rpartition(" ")[2], breaking=True))
        found += _changed(now, thing, theirs[now], migration)
    kept = set(became.values())
    found += [SchemeChange(what, "added") for what in theirs if what not in kept]
    if old.rules != new.rules:
        found.append(SchemeChange("rules for annotators", "changed"))
    return tuple(sorted(found))


def undecided(old: LabelScheme, new: LabelScheme, migration: Migration | None = None) -> dict[str, str]:
    """Return what a migration leaves to a person: its name, and why.

    Raises:
        SchemeError: The migration does not fit the schemes.
    """
    named = {"from": f"{old.name} {old.version}", "to": f"{new.name} {new.version}"}
    migration = migration or Migration.model_validate(named)
    return migration.check(old, new).undecided(old, new)


def _things(scheme: LabelScheme) -> Iterator[tuple[str, Mapping[str, Any]]]:
    kinds = (
        ("layer", scheme.layers),
        ("label", scheme.labels),
        ("attribute", scheme.attributes),
        ("relation", scheme.relations),
        ("question", scheme.questions),
    )
    for kind, things in kinds:
        for thing in things:
            yield f"{kind} {thing.id}", _parts(thing)
    owners = [(a.id, a.values) for a in scheme.attributes] + [(q.id, q.values) for q in scheme.questions]
    for owner, values in owners:
        for value in values:
            yield f"value of {owner} {value.id}", _parts(value)


def _parts(thing: BaseModel) -> Mapping[str, Any]:
    return {name: part for name, part in thing.model_dump().items() if name not in ("id", "values")}


def _renamed(migration: Migration) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in ("layer", "label", "attribute", "relation", "question"):
        found |= {f"{kind} {old}": f"{kind} {new}" for old, new in getattr(migration, f"{kind}s").items() if new}
    owners = {**migration.questions, **migration.attributes}
    for owner, values in migration.values.items():
        for old, new in values.items():
            if new:
                found[f"value of {owner} {old}"] = f"value of {owners.get(owner, owner)} {new}"
    return found


MEANING = frozenset({"layer", "labels", "kind", "source", "target", "multiple"})
"""Parts that decide what work can say; the others are words, colours and keys."""


def _changed(
    what: str, old: Mapping[str, Any], new: Mapping[str, Any], migration: Migration | None
) -> Iterator[SchemeChange]:
    """Yield how a thing that is in both differs; names inside it that were renamed are the same."""
    labels, layers = (migration.labels, migration.layers) if migration is not None else ({}, {})
    same = {**labels, **layers}
    parts = []
    for name, before in old.items():
        if name in ("labels", "source", "target"):
            known: Any = sorted(same.get(item, item) for item in before)
            after: Any = sorted(new[name])
        else:
            known, after = (same.get(before, before) if name == "layer" else before), new[name]
        if known != after:
            short = all(isinstance(part, str | bool) and len(str(part)) <= 20 for part in (known, after))
            parts.append((name, f"{name}: {known} → {after}" if short else name))
    if parts:
        breaking = any(name in MEANING for name, _ in parts)
        yield SchemeChange(what, "changed", ", ".join(said for _, said in parts), breaking)
