"""Say what becomes of a scheme's ids in its next version: a migration, which is one TOML file.

    from = "conflict-news 1.0.0"
    to = "conflict-news 1.1.0"

    [labels]                     # old = new; "" takes away what was marked with it
    PLATFORM = "VEHICLE"
    [attributes]
    military = "in_service"
    [values.actor_class]         # by the attribute's, or question's, old id
    rebel = "non_state"

``layers``, ``relations`` and ``questions`` are written like ``labels``. What is not named stays as it is. A name that
the new version does not know and the file does not map needs a person's decision: it is listed, and nothing is guessed.
``drop = ["attribute military of PLATFORM"]`` is such a decision, in the words in which it was listed.

A name that is mapped away must not live on in the new version, of the same kind, for something else. So a migration
can be applied to what it has been applied to already, and nothing changes: work that was cut off is simply done again.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import SchemeError
from .scheme import LabelScheme

__all__ = ["Migration", "load_migration"]

KINDS: Final = ("layer", "label", "attribute", "relation", "question")
VALUE: Final = "value of "


class Migration(BaseModel):
    """What becomes of every id of one scheme version in another.

    Attributes:
        before: Name and version of the old scheme: ``conflict-news 1.0.0``.
        after: Name and version of the new one.
        layers: Old id to new id; likewise labels, attributes, relations and questions. Empty: taken away.
        values: Attribute or question, by its old id, to old value to new value.
        drop: Decisions, as :meth:`undecided` names them, to take away what they are about.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    before: str = Field(alias="from", pattern=r"^[a-z][a-z0-9-]* \d+\.\d+\.\d+$")
    after: str = Field(alias="to", pattern=r"^[a-z][a-z0-9-]* \d+\.\d+\.\d+$")
    layers: dict[str, str] = {}
    labels: dict[str, str] = {}
    attributes: dict[str, str] = {}
    relations: dict[str, str] = {}
    questions: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    drop: list[str] = []

    def check(self, old: LabelScheme, new: LabelScheme) -> Migration:
        """Return the migration itself if it fits the two schemes.

        Raises:
            SchemeError: It is of other versions, maps what the old scheme does not have or onto what the new one
                does not have, or maps a name away that lives on.
        """
        where = f"migration from {self.before} to {self.after}"
        for said, scheme in ((self.before, old), (self.after, new)):
            if said != f"{scheme.name} {scheme.version}":
                raise SchemeError(f"it names {said}, and the scheme is {scheme.name} {scheme.version}", where=where)
        for kind, mapping, had, has in self._kinds(old, new):
            for name, became in mapping.items():
                if name not in had:
                    raise SchemeError(f"{self.before} has no {kind} {name!r}", where=where)
                if became and became not in has:
                    raise SchemeError(f"{self.after} has no {kind} {became!r}", where=where)
                if became != name and name in has:
                    raise SchemeError(
                        f"the {kind} {name!r} is mapped to {became!r} and lives on in {self.after}",
                        where=where,
                        hint="Give the new thing a name that the old version did not use.",
                    )
        known = _decidable(old)
        for decision in self.drop:
            if decision not in known:
                raise SchemeError(f"{self.before} has no {decision}, which is to be dropped", where=where)
        for asked in self.values:
            if asked not in _valued(old):
                raise SchemeError(f"{self.before} has no attribute or question {asked!r} with values", where=where)
        return self

    def _kinds(
        self, old: LabelScheme, new: LabelScheme
    ) -> Iterator[tuple[str, Mapping[str, str], frozenset[str], frozenset[str]]]:
        """Yield each kind of id: its name, what is said of it, the old scheme's ids, the new one's."""
        for kind, mapping in (
            ("layer", self.layers),
            ("label", self.labels),
            ("attribute", self.attributes),
            ("relation", self.relations),
            ("question", self.questions),
        ):
            yield kind, mapping, _ids(old, kind), _ids(new, kind)
        olds, news = _valued(old), _valued(new)
        for asked in sorted(olds):
            became = self._now(asked)
            if became:
                has = news.get(became, frozenset())
                yield f"value of {asked}", self.values.get(asked, {}), olds[asked], has

    def undecided(self, old: LabelScheme, new: LabelScheme) -> dict[str, str]:
        """Name what the new version no longer has and this migration says nothing of: ``label PLATFORM``, with why.

        An attribute that is answered in another way than before (``kind of attribute X``), or is no longer asked of a
        label that stays (``attribute X of LABEL``), is named too. Whether any of it was ever used is another question.
        A layer needs no decision: its labels do.
        """
        found = {}
        for kind, mapping, had, has in self._kinds(old, new):
            if kind == "layer" or (kind.startswith("value of ") and not has):
                continue  # the labels, or the attribute itself, are named
            for name in sorted(had - has - set(mapping)):
                found[f"{kind} {name}"] = f"{self.after} has no {kind} {name!r}"
        for attribute in old.attributes:
            became = new.attribute(self.attributes.get(attribute.id, attribute.id))
            if became is None:
                continue
            if became.kind != attribute.kind:
                found[f"kind of attribute {attribute.id}"] = f"its kind was {attribute.kind} and becomes {became.kind}"
            for label in attribute.labels:
                now = self.labels.get(label, label)
                if new.label(now) is not None and now not in became.labels:
                    found[f"attribute {attribute.id} of {label}"] = f"{self.after} does not ask {became.id!r} of {now}"
        return {name: why for name, why in found.items() if name not in self.drop}

    def then(self, later: Migration) -> Migration:
        """Return this migration and a later one in one step.

        What the later one says in the words between is said in the oldest words too: rows may be in either.
        """

        def joined(first: Mapping[str, str], second: Mapping[str, str], kind: str) -> dict[str, str]:
            gone = {name for name in first.values() if f"{kind} {name}" in later.drop}
            became = {name: second.get(now, now) if now and now not in gone else "" for name, now in first.items()}
            return {**second, **became}

        values = {asked: dict(mapping) for asked, mapping in self.values.items()}
        for asked, mapping in later.values.items():
            for first in self._before(asked, "attribute", "question"):
                values[first] = joined(self.values.get(first, {}), mapping, f"{VALUE}{asked}")
        for asked, mapping in self.values.items():
            now = self._now(asked)
            values[asked] = joined(mapping, later.values.get(now, {}), f"{VALUE}{now}")
        whole = {f"{kind}s": joined(getattr(self, f"{kind}s"), getattr(later, f"{kind}s"), kind) for kind in KINDS}
        drop = [*self.drop, *(older for decision in later.drop for older in self._decided_before(decision))]
        return Migration.model_validate(
            {"from": self.before, "to": later.after, **whole, "values": values, "drop": list(dict.fromkeys(drop))}
        )

    def _before(self, name: str, *kinds: str) -> list[str]:
        """Return every name that became this one, and the name itself: where nothing is said, a name stays."""
        mappings = (getattr(self, f"{kind}s") for kind in kinds)
        return [name, *(old for mapping in mappings for old, now in mapping.items() if now == name and old != name)]

    def _decided_before(self, decision: str) -> list[str]:
        """Return a decision about this migration's new names, in the words of its old ones and in its own."""
        kind, name, of = _decision(decision)
        if kind.startswith("value"):
            return [
                f"value of {asked} {value}"
                for asked in self._before(of, "attribute", "question")
                for value in (name, *(old for old, now in self.values.get(asked, {}).items() if now == name))
            ]
        names = self._before(name, kind.removeprefix("kind of "))
        if not of:
            return [f"{kind} {old}" for old in names]
        return [f"{kind} {old} of {label}" for old in names for label in self._before(of, "label")]

    def within(self, old: LabelScheme) -> Migration:
        """Return the part of this migration that concerns names of the old scheme: what :meth:`check` can check.

        A migration of several steps speaks of the names between as well.
        """
        values = {
            asked: {name: now for name, now in mapping.items() if name in _valued(old)[asked]}
            for asked, mapping in self.values.items()
            if asked in _valued(old)
        }
        kept = {
            f"{kind}s": {name: now for name, now in getattr(self, f"{kind}s").items() if name in _ids(old, kind)}
            for kind in KINDS
        }
        drop = [decision for decision in self.drop if decision in _decidable(old)]
        return self.model_copy(update={**kept, "values": values, "drop": drop})

    def without(self, living: LabelScheme) -> Migration:
        """Return the part of this migration that concerns no name of a scheme: safe for rows already in its words."""
        valued = _valued(living)
        kept: dict[str, dict[str, str]] = {
            kind: {name: now for name, now in getattr(self, f"{kind}s").items() if name not in _ids(living, kind)}
            for kind in KINDS
        }
        values = {
            asked: {name: now for name, now in mapping.items() if name not in valued.get(self._now(asked), frozenset())}
            for asked, mapping in self.values.items()
        }
        drop = [decision for decision in self.drop if not self._concerns(decision, living)]
        whole = {f"{kind}s": mapping for kind, mapping in kept.items()}
        return self.model_copy(update={**whole, "values": values, "drop": drop})

    def _now(self, asked: str) -> str:
        return self.attributes.get(asked, self.questions.get(asked, asked))

    def _concerns(self, decision: str, living: LabelScheme) -> bool:
        """Tell whether a decision is about something that a scheme has."""
        kind, name, of = _decision(decision)
        if kind.startswith("value"):
            return name in _valued(living).get(self._now(of), frozenset())
        return f"{kind} {name} of {of}" in _decidable(living) if of else f"{kind} {name}" in _decidable(living)


def _decision(written: str) -> tuple[str, str, str]:
    """Read a decision: its kind, the name that it is about, and of which label, or of whose values; else empty."""
    if written.startswith(VALUE):
        of, _, name = written.removeprefix(VALUE).partition(" ")
        return VALUE.strip(), name, of
    start = "kind of " if written.startswith("kind of ") else ""
    kind, _, rest = written.removeprefix(start).partition(" ")
    name, _, of = rest.partition(" of ")
    return start + kind, name, of


def _decidable(scheme: LabelScheme) -> set[str]:
    """Return everything of a scheme that a decision can be about, as :meth:`Migration.undecided` names it."""
    found = {f"{kind} {name}" for kind in KINDS for name in _ids(scheme, kind)}
    found |= {f"{VALUE}{asked} {name}" for asked, names in _valued(scheme).items() for name in names}
    found |= {f"kind of attribute {attribute.id}" for attribute in scheme.attributes}
    return found | {f"attribute {a.id} of {label}" for a in scheme.attributes for label in a.labels}


def _ids(scheme: LabelScheme, kind: str) -> frozenset[str]:
    groups: dict[str, Iterable[str]] = {
        "layer": (layer.id for layer in scheme.layers),
        "label": (label.id for label in scheme.labels),
        "attribute": (attribute.id for attribute in scheme.attributes),
        "relation": (relation.id for relation in scheme.relations),
        "question": (question.id for question in scheme.questions),
    }
    return frozenset(groups[kind])


def _valued(scheme: LabelScheme) -> dict[str, frozenset[str]]:
    """Return every attribute and question that has values, with their ids."""
    valued = {attribute.id: attribute.values for attribute in scheme.attributes if attribute.values}
    valued |= {question.id: question.values for question in scheme.questions}
    return {owner: frozenset(value.id for value in values) for owner, values in valued.items()}


def load_migration(path: Path) -> Migration:
    """Read a migration file.

    Raises:
        SchemeError: It is missing, is no TOML, or says what no migration can; names the place.
    """
    try:
        return Migration.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise SchemeError(f"cannot read the migration: {error}", where=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise SchemeError(f"not TOML: {error}", where=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SchemeError(first["msg"], where=f"{path}: {place}" if place else str(path)) from error
