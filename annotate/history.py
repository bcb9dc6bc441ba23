"""Read what was written with an older version of the desk's scheme.

The desk keeps every scheme that it ever pushed, and the migrations between their versions, in ``schemes/``::

    conflict-news-1.0.0-3f2a9c01d4e5.json               a scheme, whole, by name, version and digest
    conflict-news-1.0.0-to-conflict-news-1.1.0.toml     a migration; any name does

An old scheme's own TOML file may be put there as well. Work is brought up to date row by row, in Label Studio's own
words: what a migration does not concern stays as it is, down to the region ids. Doing it twice changes nothing.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from copydesk.corpus import Desk, write_atomically
from copydesk.schemas import (
    FOCUS_FURTHER,
    FOCUS_HOLDERS,
    UNNAMED,
    LabelScheme,
    Migration,
    SchemeError,
    load_migration,
    load_scheme,
)

from .focus_places import mention_place, read_mention, renamed_focus

__all__ = ["SchemeHistory", "keep_migration", "keep_scheme", "migrated", "uses"]

FOLDER: Final = "schemes"
Rows = list[dict[str, Any]]


def keep_scheme(desk: Desk, scheme: LabelScheme) -> None:
    """Keep a scheme, whole, for the day when the desk has another one."""
    path = desk.path / FOLDER / f"{scheme.name}-{scheme.version}-{scheme.digest[:12]}.json"
    if not path.is_file():
        with write_atomically(path) as temporary:
            temporary.write_text(
                json.dumps(scheme.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n", "utf-8"
            )


def keep_migration(desk: Desk, path: Path) -> Migration:
    """Copy a migration file to where the desk finds it again, and return it.

    Raises:
        SchemeError: It is no migration file, or the desk has another one between the same versions.
    """
    migration = load_migration(path)
    name = f"{migration.before}-to-{migration.after}".replace(" ", "-")
    kept = desk.path / FOLDER / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    if kept.is_file() and load_migration(kept) != migration:
        raise SchemeError(
            f"the desk has another migration from {migration.before} to {migration.after}",
            where=str(kept),
            hint="What people did may have been moved by it already. Edit that file if it never was.",
        )
    if not kept.is_file():
        with write_atomically(kept) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return migration


class SchemeHistory:
    """The scheme versions that a desk went through, and how to come from each to the present one.

    Raises:
        SchemeError: A kept scheme or migration cannot be read, or a migration does not fit its schemes.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.scheme = desk.scheme()
        self.present = _named(self.scheme)
        folder = desk.path / FOLDER
        self._found: dict[str, Migration] = {}
        self.schemes = [_load(path) for path in sorted(folder.glob("*.json"))]
        self.migrations: dict[tuple[str, str], Migration] = {}
        for path in sorted(folder.glob("*.toml")):
            if _is_migration(path):
                self.add(path)
            else:
                self.schemes.append(load_scheme(path))  # put there by hand

    def add(self, path: Path) -> None:
        """Reckon with a migration file that the desk does not keep yet."""
        migration = load_migration(path)
        self.migrations[migration.before, migration.after] = migration
        self._found.clear()

    def old(self, version: str, digest: str = "") -> LabelScheme | None:
        """Return a kept scheme by name and version, as ``conflict-news 1.0.0``; of several the one with this digest."""
        named = [scheme for scheme in self.schemes if _named(scheme) == version]
        if not named and (shipped := _shipped(version)) is not None:
            named = [shipped]
        return next((scheme for scheme in named if scheme.digest == digest), named[-1] if named else None)

    def migration(self, version: str) -> Migration:
        """Return what becomes of a version's ids at present, in one step; nothing, where no file says anything.

        Raises:
            SchemeError: The migration does not fit the schemes.
        """
        if version not in self._found:
            steps = self._steps(version) if version != self.present else []
            whole = steps[0] if steps else Migration.model_validate({"from": version or "x 0.0.0", "to": self.present})
            for step in steps[1:]:
                whole = whole.then(step)
            for step in steps:
                old, new = self.old(step.before), self.scheme if step.after == self.present else self.old(step.after)
                if old is not None and new is not None:
                    step.check(old, new)
            if len(steps) > 1 and (oldest := self.old(version)) is not None:
                # what each step may do, all of them together may not: a name that was given up may be there again
                whole.within(oldest).check(oldest, self.scheme)
            self._found[version] = whole
        return self._found[version]

    def _steps(self, version: str) -> list[Migration]:
        """Return the shortest way of migrations from a version to the present one; empty where there is none."""
        ways: list[list[Migration]] = [[]]
        seen = {version}
        while ways:
            way = ways.pop(0)
            at = way[-1].after if way else version
            for (before, after), migration in sorted(self.migrations.items()):
                if before == at and after not in seen:
                    seen.add(after)
                    if after == self.present:
                        return [*way, migration]
                    ways.append([*way, migration])
        return []

    def oldest(self) -> str:
        """Return the oldest version of this scheme's name that a way leads from to the present one."""
        versions = {before for before, _ in self.migrations if self._steps(before)}
        return min(versions, key=_order, default=self.present)

    def layers_before(self, layers: str) -> set[str]:
        """Return by what other names a set of layers went in older versions, as ``entities+stance``."""
        found = set()
        for version in {before for before, _ in self.migrations}:
            back = {now: name for name, now in self.migration(version).layers.items()}
            found.add("+".join(sorted(back.get(layer, layer) for layer in layers.split("+"))))
        return found - {layers}

    def words(self, version: str) -> Migration:
        """Return what becomes of the words that may stand in a task of a version."""
        if version == self.present:
            return self.migration(self.oldest()).without(self.scheme)
        return self.migration(version)

    def focus(self, written: str, version: str) -> str:
        """Return the mention that a task of a version is about, ``start-end-LABEL``, in the present scheme's words."""
        return renamed_focus(written, self.words(version).labels) if written else written

    def mentions(self, data: Mapping[str, Any], version: str) -> dict[str, Any]:
        """Return what the data of a focus task say of mentions, in the present scheme's words: `focus`, `holders`."""
        migration = self.words(version)
        found: dict[str, Any] = {}
        if isinstance(focus := data.get("focus"), str):
            found["focus"] = renamed_focus(focus, migration.labels)
        if isinstance(offered := data.get(FOCUS_HOLDERS), list):
            found[FOCUS_HOLDERS] = _offered(offered, migration)
        return found

    def read(self, annotation: Mapping[str, Any], version: str) -> Mapping[str, Any]:
        """Return an annotation or a prediction in the present scheme's words.

        Args:
            annotation: Whatever has a ``result``.
            version: The version its task was made with. Where that is the present one, words of older versions are
                brought up to date as well: an editor that was open during the move still writes them.
        """
        result = annotation.get("result")
        migration = self.words(version)
        # a label can change its layer without a word in any file
        if not isinstance(result, list) or (_empty(migration) and version in ("", self.present)):
            return annotation
        return {**annotation, "result": migrated(result, migration, self.scheme)}


def _load(path: Path) -> LabelScheme:
    try:
        return LabelScheme.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SchemeError(f"a kept scheme cannot be read: {error}", where=str(path)) from error


def _is_migration(path: Path) -> bool:
    try:
        return "from" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SchemeError(f"neither a scheme nor a migration: {error}", where=str(path)) from error


def _shipped(version: str) -> LabelScheme | None:
    name, _, number = version.partition(" ")
    try:
        scheme = load_scheme(f"{name}-{number.rpartition('.')[0]}")
    except SchemeError:
        return None
    return scheme if _named(scheme) == version else None


def _named(scheme: LabelScheme) -> str:
    return f"{scheme.name} {scheme.version}"


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.rpartition(" ")[2]))


def _empty(migration: Migration) -> bool:
    said = migration.model_dump(exclude={"before", "after"})
    return not any(said.values())


# rows


def migrated(rows: Iterable[Mapping[str, Any]], migration: Migration, scheme: LabelScheme) -> Rows:
    """Return result rows in the words of the new scheme; what is taken away takes along what hangs on it.

    Args:
        rows: Rows in old words, new ones, or a mixture.
        migration: What becomes of the old ones.
        scheme: The new scheme, whole.
    """
    rows = [dict(row) if isinstance(row, Mapping) else row for row in rows]
    labels = _labels_of(rows)
    moved = [new for row in rows if (new := _moved(row, labels, migration, scheme)) is not None]
    lost = set(labels) - set(_labels_of(moved))
    kept = [row for row in moved if not isinstance(row, dict) or not _hangs_on(row, lost)]
    return [*kept, *_unnamed(set(_held_by_mentions(rows)) - set(_held_by_mentions(kept)), kept)]


def _held_by_mentions(rows: Iterable[Any]) -> Iterator[str]:
    """Yield the regions whose stance a mention holds, in the order of the rows."""
    for row in rows:
        if isinstance(row, dict) and row.get("type") == "relation" and row.get("labels") == ["holder"]:
            yield str(row.get("from_id" if row.get("direction") == "left" else "to_id"))


def _unnamed(regions: set[str], kept: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Say of stances that no mention holds any more that somebody unnamed does: without a word, the outlet would."""
    answers = [row for row in kept if isinstance(row, dict) and _names(row, "choices")]
    regions = regions - {str(row.get("id")) for row in answers if row.get("from_name") == "holder"}
    for row in answers:
        if row.get("from_name") == "polarity" and str(row.get("id")) in regions:
            rest = {name: of for name, of in row.items() if name != "score"}
            yield {**rest, "from_name": "holder", "value": {**row["value"], "choices": [UNNAMED]}}


def _labels_of(rows: Iterable[Any]) -> dict[str, set[str]]:
    """Return region id → its labels."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if isinstance(row, dict) and row.get("type") == "labels":
            found.setdefault(str(row.get("id")), set()).update(_names(row, "labels"))
    return {region: labels for region, labels in found.items() if labels}


def _names(row: Mapping[str, Any], kind: str) -> list[str]:
    value = row.get("value")
    names = value.get(kind) if isinstance(value, Mapping) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _hangs_on(row: Mapping[str, Any], lost: set[str]) -> bool:
    if row.get("type") == "relation":
        return bool(lost & {str(row.get("from_id")), str(row.get("to_id"))})
    return str(row.get("id")) in lost


def _moved(row: Any, labels: Mapping[str, set[str]], migration: Migration, scheme: LabelScheme) -> Any:
    """Return one row in new words, or None if it is taken away."""
    if not isinstance(row, dict):
        return row  # nothing that can be read: decoding says so
    if row.get("type") == "relation":
        return _renamed(row, row, "labels", migration.relations, _dropped(migration, "relation"))
    if row.get("type") == "labels":
        names = _names(row, "labels")
        new = _renamed(row, row.get("value"), "labels", migration.labels, _dropped(migration, "label"))
        layers = {known.layer for name in _names(new or {}, "labels") if (known := scheme.label(name)) is not None}
        if new is not None and names and len(layers) == 1:
            new["from_name"] = layers.pop()
        return new
    return _answer(row, labels, migration)


def _answer(row: dict[str, Any], labels: Mapping[str, set[str]], migration: Migration) -> dict[str, Any] | None:
    name = str(row.get("from_name"))
    asked = name.removeprefix(FOCUS_FURTHER)
    own = [f"attribute {asked} of {label}" for label in labels.get(str(row.get("id")), ())]
    if any(
        name in migration.drop
        for name in (f"attribute {asked}", f"question {asked}", f"kind of attribute {asked}", *own)
    ):
        return None
    now = {**migration.questions, **migration.attributes}.get(asked, asked)
    if not now:
        return None
    new = row
    if _names(row, "choices"):
        dropped = _dropped(migration, f"value of {asked}")
        found = _renamed(row, row.get("value"), "choices", migration.values.get(asked, {}), dropped)
        if found is None:
            return None
        new = found
    return {**new, "from_name": name.removesuffix(asked) + now} | _held(new, migration)


def _held(row: Mapping[str, Any], migration: Migration) -> dict[str, Any]:
    """Return the value of an answer that names mentions, as the layout `focus` writes a holder, in new words.

    A holder whose label is taken away is one that no mention names any more.
    """
    names = _names(row, "choices")
    if not any(read_mention(name) for name in names):
        return {}
    became = [_mention(name, migration) or UNNAMED for name in names]
    return {"value": {**row["value"], "choices": became}}


def _mention(written: str, migration: Migration) -> str:
    """Return ``start-end LABEL`` with the new label, nothing where that is taken away, and other words as they are."""
    place = read_mention(written)
    if place is None:
        return written
    label = "" if f"label {place.label}" in migration.drop else migration.labels.get(place.label, place.label)
    return mention_place(place.start, place.end, label) if label else ""


def _offered(holders: Iterable[Any], migration: Migration) -> list[Any]:
    """Return the mentions that a task offers as the holder, without those that are no mentions any more."""
    found = []
    for holder in holders:
        alias = holder.get("alias") if isinstance(holder, Mapping) else None
        if not isinstance(alias, str):
            found.append(holder)  # somebody else's: not ours to judge
        elif became := _mention(alias, migration):
            found.append({**holder, "alias": became})
    return found


def _dropped(migration: Migration, kind: str) -> set[str]:
    return {name.removeprefix(f"{kind} ") for name in migration.drop if name.startswith(f"{kind} ")}


def _renamed(
    row: dict[str, Any], holder: Any, kind: str, mapping: Mapping[str, str], dropped: set[str]
) -> dict[str, Any] | None:
    """Return a row with the names in `holder[kind]` mapped; None where names were there and none is left."""
    names = holder.get(kind) if isinstance(holder, Mapping) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return dict(row)
    became = [mapping.get(name, name) for name in names if name not in dropped]
    became = list(dict.fromkeys(name for name in became if name))
    if not became:
        return None
    return {**row, kind: became} if holder is row else {**row, "value": {**holder, kind: became}}


def uses(rows: Iterable[Any], undecided: Mapping[str, str]) -> Counter[str]:
    """Count how often rows use what a migration leaves undecided, by the names that it has there."""
    rows = [row for row in rows if isinstance(row, dict)]
    labels = _labels_of(rows)
    return Counter(name for row in rows for name in _used(row, labels) if name in undecided)


def _used(row: Mapping[str, Any], labels: Mapping[str, set[str]]) -> Iterator[str]:
    if row.get("type") == "relation":
        yield from (f"relation {name}" for name in row.get("labels") or () if isinstance(name, str))
    elif row.get("type") == "labels":
        yield from (f"label {name}" for name in _names(row, "labels"))
    else:
        asked = str(row.get("from_name")).removeprefix(FOCUS_FURTHER)
        yield from (f"attribute {asked}", f"question {asked}", f"kind of attribute {asked}")
        yield from (f"value of {asked} {name}" for name in _names(row, "choices"))
        yield from (f"attribute {asked} of {label}" for label in labels.get(str(row.get("id")), ()))
        yield from (f"label {place.label}" for name in _names(row, "choices") if (place := read_mention(name)))
