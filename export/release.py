"""Build a release: an immutable folder that is a complete Hugging Face dataset repository.

It is built beside its place under a temporary name, loaded back and checked there, and renamed at once
or not at all. Nothing in it depends on the clock, the machine or the locale: the same desk and the same
version give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from copydesk.annotate import tokenizer_version
from copydesk.corpus import Desk, file_sha256, sweep, write_atomically
from copydesk.schemas import DeskError, LabelScheme, OnProgress, Progress, guidelines, silent

from .card import render_card
from .diff import MANIFEST, Diff, Snapshot, compare, summary
from .features import CONFIGS, feature_names
from .figures import Tally, release_figures
from .gather import Gathered, gather
from .hub_datasets import load_config
from .labels import LABELS_FILE, Labels, grow, read_labels, write_labels
from .parquet import TableWriter
from .splits import SPLITS, SPLITS_FILE, read_splits, write_splits
from .tables import Loss, rows
from .verify import damaged, verify
from .versions import decide, last_release, parse

__all__ = ["Release", "load_release", "release"]


@dataclass(frozen=True, slots=True)
class Release:
    """A release on disk.

    Attributes:
        version: ``X.Y.Z``.
        path: Its folder.
        new: Whether it was made now; False where nothing had changed since it.
        parent: The version before it, or empty.
        reasons: Why it has this version.
        rows: Table name to its number of rows.
        silver: How many documents carry machine labels that nobody checked.
        open: How many disagreements were left out of gold.
        lost: How many spans the flat views cannot hold.
        content: SHA-256 of what it says, whatever files say it.
    """

    version: str
    path: Path
    new: bool
    parent: str
    reasons: tuple[str, ...]
    rows: Mapping[str, int]
    silver: int
    open: int
    lost: int
    content: str


def release(
    desk: Desk, *, version: str | None = None, silver: bool = False, on_progress: OnProgress = silent
) -> Release:
    """Build the next release of a desk, or say that nothing changed since the last.

    Args:
        desk: A desk with finished annotations, or with suggestions where `silver` is given.
        version: A version to raise the computed one to.
        silver: Also release the machine's labels of documents that nobody finished, as version 0.x.
        on_progress: Is told how many documents were written.

    Raises:
        DeskError: There is nothing to release, the version exists or is too low, or the built folder does
            not pass its checks. Nothing is left behind then.
        SchemeError: A label is not in the desk's scheme.
        OffsetError: A label does not fit its text.
    """
    if version is not None:
        parse(version)
    with desk.locked():
        sweep(desk)
        _refuse_existing(desk, version)
        gathered = gather(desk, silver=silver, keep=True)
        _refuse_nothing(desk, gathered, silver=silver)
        home = desk.path / "releases"
        home.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix="building-") as temporary:
            return _Build(desk, gathered, Path(temporary) / "release", on_progress).run(version)


def load_release(path: Path, config: str, *, split: str | None = None, streaming: bool = False) -> Any:
    """Load a table of a release with ``datasets``, every check on and the network off.

    Args:
        path: A release folder.
        config: ``articles``, ``entities``, ``spans``, ``stance``, ``annotations`` or ``edits``.
        split: ``train``, ``validation``, ``test``, an expression over them, or all.
        streaming: Read lazily, past the cache.

    Returns:
        A ``datasets`` dataset, or one per split.

    Raises:
        DeskError: There is no release, it has no such table, or it is damaged.
    """
    found = Snapshot.of(path)
    known = found.manifest["configs"]
    if config not in known:
        raise DeskError(f"this release has no table {config!r}; it has {', '.join(known)}", where=str(path))
    _refuse_damaged(found, table=config)
    return load_config(path, config, split=split, streaming=streaming)


def _refuse_damaged(found: Snapshot, *, table: str = "") -> None:
    for problem in damaged(found, table=table):
        raise DeskError(
            f"the release is damaged: {problem}",
            where=str(found.path),
            hint="A release is never edited. Restore it from a copy; the next one is compared with it.",
        )


def _refuse_existing(desk: Desk, version: str | None) -> None:
    if version is not None and (desk.path / "releases" / version).exists():
        raise DeskError(
            f"release {version} exists and is never changed",
            where=str(desk.path / "releases" / version),
            hint="Leave --version out to take the next number, or name a higher one.",
        )


def _refuse_nothing(desk: Desk, gathered: Gathered, *, silver: bool) -> None:
    if gathered.golds:
        return
    if silver:
        raise DeskError(
            "there are no suggestions to release", where=str(desk.path), hint="Make some first: copydesk suggest"
        )
    raise DeskError(
        "nobody has finished an annotation here, so there is no gold to release",
        where=str(desk.path),
        hint="Correct tasks in Label Studio and run copydesk pull. To release the machine's own labels as version 0.x, "
        "marked as such in every row: copydesk release --silver",
    )


class _Build:
    """One release under construction, in a folder that nobody else sees."""

    def __init__(self, desk: Desk, gathered: Gathered, folder: Path, on_progress: OnProgress) -> None:
        self.desk = desk
        self.gathered = gathered
        self.folder = folder
        self.on_progress = on_progress
        self.scheme: LabelScheme = desk.scheme()
        self.labels: Labels = grow(read_labels(desk.path / LABELS_FILE), self.scheme)
        self.locked = read_splits(desk.path / SPLITS_FILE)
        self.splits = gathered.splits(desk, self.locked)
        self.tally = Tally()
        self.losses: list[Loss] = []
        folder.mkdir()

    def run(self, wanted: str | None) -> Release:
        self.refuse_renumbering()
        configs = self.write_tables()
        manifest = self.manifest(configs)
        silver = bool(manifest["silver"])
        last = last_release(self.desk.path, silver=silver)
        found: Diff | None = None
        if last is not None:
            before = Snapshot.of(self.desk.path / "releases" / last)
            _refuse_damaged(before)
            if before.manifest["content"] == manifest["content"]:
                if wanted is not None:
                    raise DeskError(
                        f"nothing changed since {last}, so there is nothing to release as {wanted}",
                        where=str(self.desk.path),
                        hint=f"{last} is complete: a version names what is in it.",
                    )
                return self.result(before.manifest, before.path, new=False)
            found = compare(before, Snapshot(self.folder, manifest, self.labels))
        version, reasons = decide(last, found, silver=silver, wanted=wanted)
        _refuse_existing(self.desk, version)
        manifest |= {"version": version, "parent": last or "", "reasons": list(reasons)}
        self.write_texts(manifest, found)
        self.write_manifest(manifest)
        verify(self.folder)
        # first what only grows, so that no released label or split can ever be without its entry
        write_labels(self.desk.path / LABELS_FILE, self.labels)
        write_splits(self.desk.path / SPLITS_FILE, {**self.locked, **self.splits})
        place = self.desk.path / "releases" / version
        self.folder.rename(place)
        return self.result(manifest, place, new=True)

    def refuse_renumbering(self) -> None:
        """Refuse to give a released label another id, as a lost or edited label file would."""
        lasts = [last_release(self.desk.path, silver=silver) for silver in (False, True)]
        for last in filter(None, lasts):
            path = self.desk.path / "releases" / last / LABELS_FILE
            for key, names in read_labels(path).items():
                if self.labels.get(key, ())[: len(names)] != names:
                    raise DeskError(
                        f"the label ids of {key!r} are not those of release {last}, so they would change their meaning",
                        where=str(self.desk.path / LABELS_FILE),
                        hint=f"Put {LABELS_FILE} back as it was: cp {path} {self.desk.path / LABELS_FILE}",
                    )

    def write_tables(self) -> dict[str, dict[str, Any]]:
        """Write every table and return what the manifest says about each."""
        writers = {
            (name, split): TableWriter(self.folder, config, split, self.labels)
            for name, config in CONFIGS.items()
            for split in SPLITS
        }
        with ExitStack() as stack:
            for writer in writers.values():
                stack.callback(writer.close)
            for done, record in enumerate(self.gathered.records(self.splits), 1):
                made, losses = rows(record, self.scheme, self.labels)
                self.tally.add(record, made, losses)
                self.losses += losses
                for name, listed in made.items():
                    for row in listed:
                        writers[name, record.split].add(row)
                self.on_progress(Progress("release", done, len(self.gathered.golds)))
        return {name: described for name in CONFIGS if (described := _described(name, writers))["rows"]}

    def manifest(self, configs: dict[str, dict[str, Any]]) -> dict[str, Any]:
        desk, tally, settings = self.desk, self.tally, self.desk.settings.release
        split_names = [split for split in SPLITS if any(split in config["splits"] for config in configs.values())]
        name = settings.name or desk.settings.name
        stated = {
            "configs": configs,
            "labels": {key: list(names) for key, names in self.labels.items()},
            "scheme": {"name": self.scheme.name, "version": self.scheme.version, "digest": self.scheme.digest},
            "tokeniser": tokenizer_version(),
            "title": name,
            "licence": settings.licence,
            "homepage": settings.homepage,
        }
        figures = release_figures(tally, split_names)
        return {
            "name": name,
            **{key: value for key, value in stated.items() if key != "labels"},
            "content": _content(stated),
            "copydesk": metadata.version("copydesk"),
            "pipelines": list(self.gathered.pipelines),
            "ledger": self.gathered.ledger,
            "as_of": self.gathered.as_of,
            "splits": {"salt": settings.salt, **{split: getattr(settings, split) for split in SPLITS}},
            "split_names": split_names,
            "documents": tally.documents,
            "languages": sorted(tally.languages),
            "origins": {origin: tally.origins[origin] for origin in ("gold", "adjudicated", "silver")},
            "silver": bool(tally.origins["silver"]),
            "annotators": len(tally.annotators),
            "disagreements": sum(1 for item in self.gathered.disagreements if item.open),
            "entities": tally.entities,
            "lost": sum(1 for loss in self.losses if loss.config == "entities"),
            "figures": {figure.id: figure.plain() for figure in figures},
        }

    def write_texts(self, manifest: dict[str, Any], found: Diff | None) -> None:
        """Write everything that is no table."""
        write_labels(self.folder / LABELS_FILE, self.labels)
        texts = {
            "README.md": render_card(manifest, self.labels),
            "CHANGELOG.md": self.changelog(manifest, found),
            f"{self.scheme.name}-{self.scheme.version}.toml": _scheme_text(self.desk),
            "guidelines.md": guidelines(self.scheme),
            "loss.json": json.dumps(
                [
                    {name: getattr(loss, name) for name in Loss.__slots__}  # one line a loss, so that a diff reads well
                    for loss in sorted(self.losses)
                ],
                ensure_ascii=False,
                indent=1,
            )
            + "\n",
            "CITATION.cff": _citation(manifest),
        }
        for name, text in texts.items():
            _write(self.folder / name, text)

    def changelog(self, manifest: Mapping[str, Any], found: Diff | None) -> str:
        lines = [f"## {manifest['version']}", "", *(f"- {line}" for line in manifest["reasons"])]
        if found is not None:
            lines += [f"- {line}" for line in summary(found) if line not in manifest["reasons"]]
        older = ""
        if manifest["parent"]:
            before = self.desk.path / "releases" / manifest["parent"] / "CHANGELOG.md"
            older = before.read_text(encoding="utf-8").partition("\n\n")[2]
        return f"# Changes of {manifest['title']}\n\n" + "\n".join(lines) + "\n" + (f"\n{older}" if older else "")

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        counts = {
            f"{name}/{split}-00000-of-00001.parquet": rows
            for name, config in manifest["configs"].items()
            for split, rows in config["splits"].items()
        }
        files = {
            (relative := path.relative_to(self.folder).as_posix()): {
                "sha256": file_sha256(path),
                "bytes": path.stat().st_size,
                "rows": counts.get(relative, 0),
            }
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }
        text = json.dumps({**manifest, "files": files}, ensure_ascii=False, indent=1)
        _write(self.folder / MANIFEST, text + "\n")

    def result(self, manifest: Mapping[str, Any], path: Path, *, new: bool) -> Release:
        return Release(
            version=manifest["version"],
            path=path,
            new=new,
            parent=manifest["parent"],
            reasons=tuple(manifest["reasons"]) if new else ("nothing changed since this release",),
            rows={name: config["rows"] for name, config in manifest["configs"].items()},
            silver=manifest["origins"]["silver"],
            open=manifest["disagreements"],
            lost=manifest["lost"],
            content=manifest["content"],
        )


def _described(name: str, writers: Mapping[tuple[str, str], TableWriter]) -> dict[str, Any]:
    mine = {split: writers[name, split] for split in SPLITS}
    used = {split: writer for split, writer in mine.items() if writer.rows}
    return {
        "title": CONFIGS[name].title,
        "rows": sum(writer.rows for writer in used.values()),
        "splits": {split: writer.rows for split, writer in used.items()},
        "bytes": {split: writer.bytes for split, writer in used.items()},
        "download": sum(writer.path.stat().st_size for writer in used.values()),
        "logical": hashlib.sha256("".join(f"{s}:{w.close()}\n" for s, w in used.items()).encode()).hexdigest(),
        "columns": {column: feature_names(feature) for column, feature in CONFIGS[name].features.items()},
    }


def _content(stated: Mapping[str, Any]) -> str:
    """Return a hash of what a release says: rows, columns, labels, scheme; not of the files that say it."""
    configs = {name: [config["logical"], config["columns"]] for name, config in stated["configs"].items()}
    text = json.dumps({**stated, "configs": configs}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _scheme_text(desk: Desk) -> str:
    source = desk.settings.scheme
    if source.endswith(".toml"):
        return (desk.path / source).read_text(encoding="utf-8")
    return (resources.files("copydesk.schemas") / "data" / f"{source}.toml").read_text(encoding="utf-8")


def _citation(manifest: Mapping[str, Any]) -> str:
    def quoted(value: object) -> str:
        return json.dumps(str(value), ensure_ascii=False)

    lines = [
        "cff-version: 1.2.0",
        "message: If you use this dataset, please cite it.",
        "type: dataset",
        f"title: {quoted(manifest['title'])}",
        f"version: {quoted(manifest['version'])}",
        "authors:",
        f"  - name: {quoted('The annotators of ' + manifest['title'])}",
    ]
    lines += [f"date-released: {quoted(manifest['as_of'])}"] if manifest["as_of"] else []
    lines += [f"url: {quoted(manifest['homepage'])}"] if manifest["homepage"] else []
    lines += [f"license: {quoted(manifest['licence'])}"] if manifest["licence"] != "other" else []
    return (
        "\n".join([*lines, "identifiers:", "  - type: other", f"    value: {quoted('sha256:' + manifest['content'])}"])
        + "\n"
    )


def _write(path: Path, text: str) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
