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

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import SchemeError
from .scheme import LabelScheme

__all__ = ["Migration", "load_migration"]


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
        known = {f"{kind} {name}" for kind, _, had, _ in self._kinds(old, new) for name in had}
        known |= {f"kind of attribute {a.id}" for a in old.attributes}
        known |= {f"attribute {a.id} of {label}" for a in old.attributes for label in a.labels}
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
            became = self.attributes.get(asked, self.questions.get(asked, asked))
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
        """Return this migration and a later one in one step."""

        def joined(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
            became = {name: second.get(now, now) if now else "" for name, now in first.items()}
            return {**second, **became}

        back = {now: name for name, now in {**self.questions, **self.attributes}.items()}
        values = {asked: dict(mapping) for asked, mapping in self.values.items()}
        for asked, mapping in later.values.items():
            first = back.get(asked, asked)  # by the name that it had before all
            values[first] = joined(self.values.get(first, {}), mapping)
        for asked, mapping in self.values.items():
            now = self.attributes.get(asked, self.questions.get(asked, asked))
            values[asked] = joined(mapping, later.values.get(now, {}))
        whole = {
            kind: joined(getattr(self, kind), getattr(later, kind))
            for kind in ("layers", "labels", "attributes", "relations", "questions")
        }
        drop = [*self.drop, *later.drop]
        return Migration.model_validate(
            {"from": self.before, "to": later.after, **whole, "values": values, "drop": drop}
        )

    def without(self, living: LabelScheme) -> Migration:
        """Return the part of this migration that concerns no name of a scheme: safe for rows already in its words."""
        valued = _valued(living)
        kept: dict[str, dict[str, str]] = {
            kind: {name: now for name, now in getattr(self, f"{kind}s").items() if name not in _ids(living, kind)}
            for kind in ("layer", "label", "attribute", "relation", "question")
        }
        values = {
            asked: {
                name: now
                for name, now in mapping.items()
                if name not in valued.get(self.attributes.get(asked, asked), frozenset())
            }
            for asked, mapping in self.values.items()
        }
        return self.model_copy(update={**{f"{kind}s": mapping for kind, mapping in kept.items()}, "values": values})


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
