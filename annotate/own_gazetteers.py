"""Read a desk's own gazetteers: TOML files in the format of the shipped ones, with any span label of the scheme.

::

    label = "ARMED_ACTOR"              # of every entry that names none

    [[entry]]
    name = "Sarnic Liberation Army"
    aliases = ["Sarnic Army"]
    weak = ["SLA"]                     # counts only where the name, or a strong alias, stands too
    attributes = { actor_class = "rebel_insurgent" }
    source = "style guide of the desk, 2026"
    example = "The [[Sarnic Liberation Army]] left."
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from copydesk.corpus import SuggestSettings, file_sha256
from copydesk.schemas import LabelScheme, SettingsError

from .entities import Conventions
from .gazetteer import Entry, Gazetteer, entries_of
from .knowledge import marked
from .words import words_of

__all__ = ["conventions", "gazetteer_digests", "read_gazetteers"]

Name = Annotated[str, StringConstraints(min_length=2, strip_whitespace=True)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    label: str = ""
    aliases: list[Name] = []
    weak: list[Name] = []
    heads: list[Name] = []
    before_heads: list[Name] = []
    kind: str = ""
    attributes: dict[str, str] = {}
    wikidata: Annotated[str, Field(pattern=r"^(?:Q[1-9]\d*)?$")] = ""
    source: str = ""
    example: str = ""

    @field_validator("name", "aliases", "weak")
    @classmethod
    def _has_words(cls, value: str | list[str]) -> str | list[str]:
        for name in [value] if isinstance(value, str) else value:
            words = words_of(name)
            if not words or words[0].start or words[-1].end < len(name):
                raise ValueError(f"{name!r} does not begin and end with a letter or digit")
            if not all(word.joined or word.after_plural for word in words[1:]):
                raise ValueError(f"only one space may stand between the words of {name!r}")
        return value


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = ""
    heads: list[Name] = []
    before_heads: list[Name] = []
    attributes: dict[str, str] = {}
    entry: list[_Entry] = Field(min_length=1)


def conventions(
    settings: SuggestSettings, scheme: LabelScheme, trained: Mapping[str, int], *, flat: bool = False
) -> Conventions:
    """Return what a desk's settings and its pipeline ask of entities.

    Args:
        settings: With the paths of gazetteers as they are to be opened.
        scheme: The labels that gazetteers and ``labels`` may name.
        trained: Label → examples that the pipeline's model was trained on.
        flat: Whether those had no mention inside another.

    Raises:
        SettingsError: A gazetteer is wrong, or ``labels`` names a label that the scheme does not have.
    """
    known = [label.id for label in scheme.span_labels]
    for theirs, ours in settings.labels.items():
        if ours and ours not in known:
            raise SettingsError(
                f"the scheme has no label {ours!r}",
                where=f"suggest.labels.{theirs}",
                hint=f"Labels of {scheme.name}: {', '.join(known)}; an empty one leaves {theirs} out.",
            )
    own = read_gazetteers([Path(path) for path in settings.gazetteers], scheme)
    return Conventions(Gazetteer(own) if own else None, settings.labels, trained, flat)


def gazetteer_digests(settings: SuggestSettings) -> list[str]:
    """Return the SHA-256 of every gazetteer of a desk, in order: part of a version, where a path would be no good.

    Raises:
        SettingsError: A file is not there.
    """
    return [file_sha256(_there(Path(path))) for path in settings.gazetteers]


def read_gazetteers(paths: Sequence[Path], scheme: LabelScheme) -> tuple[Entry, ...]:
    """Read and check a desk's gazetteers.

    Args:
        paths: The files; of two entries with one name the one of the first file counts.
        scheme: Labels, attributes and values must be its own.

    Raises:
        SettingsError: A file is not there, is no TOML, has an unknown key, or an entry whose label, attribute or
            value the scheme does not have, or whose example it does not find; names file and entry.
    """
    return tuple(entry for path in paths for entry in _read(_there(path), scheme))


def _there(path: Path) -> Path:
    if not path.is_file():
        raise SettingsError(
            "there is no such gazetteer",
            where=str(path),
            hint="`gazetteers` under [suggest] in copydesk.toml names TOML files relative to the desk.",
        )
    return path


def _read(path: Path, scheme: LabelScheme) -> tuple[Entry, ...]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"not TOML: {error}", where=str(path)) from error
    try:
        checked = _File.model_validate(raw)
    except ValidationError as error:
        raise _explain(path, raw, error) from error
    entries = entries_of(checked.model_dump(), own=True)
    for entry in entries:
        _check(entry, path, scheme)
    return entries


def _explain(path: Path, raw: dict[str, Any], error: ValidationError) -> SettingsError:
    first = error.errors()[0]
    place = list(first["loc"])
    where = str(path)
    if len(place) > 1 and place[0] == "entry" and isinstance(place[1], int):
        item = raw["entry"][place[1]]
        name = item.get("name") if isinstance(item, dict) else None
        where += f": entry {place[1] + 1}" + (f" ({name})" if name else "")
        place = place[2:]
    key = ".".join(str(part) for part in place)
    if first["type"] == "extra_forbidden":
        known = ", ".join(_Entry.model_fields if "entry" in first["loc"] else _File.model_fields)
        return SettingsError(f"unknown key {key!r}", where=where, hint=f"Known here: {known}.")
    return SettingsError(f"{key}: {first['msg']}" if key else first["msg"], where=where)


def _check(entry: Entry, path: Path, scheme: LabelScheme) -> None:
    where = f"{path}: {entry.name}"
    labels = [label.id for label in scheme.span_labels]
    if entry.label not in labels:
        message = f"the scheme has no label {entry.label!r}" if entry.label else "the entry has no label"
        raise SettingsError(message, where=where, hint=f"Labels of {scheme.name}: {', '.join(labels)}.")
    allowed = {attribute.id: attribute for attribute in scheme.attributes_of(entry.label)}
    for name, value in entry.attributes.items():
        if name not in allowed:
            known = ", ".join(allowed) or "none"
            raise SettingsError(f"{entry.label} has no attribute {name!r}", where=where, hint=f"It has: {known}.")
        values = [choice.id for choice in allowed[name].values]
        if values and value not in values:
            raise SettingsError(f"{name} cannot be {value!r}", where=where, hint=f"It can be: {', '.join(values)}.")
    if entry.example:
        text, spans = marked(entry.example)
        found = {(hit.start, hit.end) for hit in Gazetteer([entry]).find(words_of(text))}
        if not spans or not set(spans) <= found:
            raise SettingsError(
                f"its example does not show it: {entry.example}",
                where=where,
                hint="Put [[double brackets]] around a mention by the name or a strong alias.",
            )
