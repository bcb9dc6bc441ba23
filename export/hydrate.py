"""Rebuild a full dataset from a release without texts and somebody's own copies of the articles.

    copies → which document? → the very text: as it was | another version: re-anchored | none: missing
           → the tables of a full release, the card, the manifest, and ``hydration.jsonl``: what became of each document

Where every text is the one that was released, the result has the content hash of the full release.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.annotate import tokenizer_version
from copydesk.corpus import ReleaseSettings, ordered, read_copies
from copydesk.schemas import DeskError, LabelScheme, OnProgress, Progress, Removed, load_scheme, silent

from .build import Built, Made, write_made
from .card import render_card
from .croissant import CROISSANT_FILE, croissant
from .diff import MANIFEST, Snapshot
from .fetching import Fetcher, fetch_copies
from .figures import release_figures
from .manifest import IDS, citation, content_hash, write_manifest, write_text
from .matching_texts import Texts
from .rebuilding import Chunk, Fate, rebuild
from .splits import SPLITS
from .texts import PERSONAL_FILE, measure_texts
from .verify import damaged

__all__ = ["HYDRATION_FILE", "Hydrated", "hydrate"]

HYDRATION_FILE: Final = "hydration.jsonl"
SIZE: Final = 500
"""How many documents are rebuilt at a time."""
PROCESSES: Final = 24
"""From how many times so many documents on other processes help: each takes some seconds to import what it needs."""
KEYS: Final = ["document_id", "sha256", "raw_sha256", "url", "archive_url", "title_hash"]
ANEW: Final = (MANIFEST, "README.md", "CITATION.cff", CROISSANT_FILE, PERSONAL_FILE)


@dataclass(frozen=True, slots=True)
class Hydrated:
    """A dataset with its texts again.

    Attributes:
        path: Its folder.
        version: Of the release that it was made of.
        content: SHA-256 of what it says; the full release's where every document is exact.
        documents: How many documents the release has.
        states: How many of them are ``exact``, ``re-anchored``, ``lost``, ``missing``.
        spans: How many labelled spans the release has in the documents that are there.
        placed: How many of them have a place.
        reasons: Why spans and documents are lost, and how often.
        unread: What could not be read among the copies, or not be fetched: where, why.
        notes: What somebody should know before they use it.
    """

    path: Path
    version: str
    content: str
    documents: int
    states: Mapping[str, int]
    spans: int
    placed: int
    reasons: Mapping[str, int]
    unread: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


def hydrate(
    dataset: Path,
    out: Path,
    sources: Sequence[str] = (),
    *,
    fetcher: Fetcher | None = None,
    exact: bool = False,
    on_progress: OnProgress = silent,
) -> Hydrated:
    """Rebuild the full dataset of a release without texts.

    Args:
        dataset: The release's folder.
        out: A folder to make.
        sources: Files, folders and patterns with copies of the articles, anything that ``copydesk ingest`` reads.
        fetcher: Reads what is still not there from where the release says that it is.
        exact: Leave documents out whose text is another version.
        on_progress: Is told how many documents were looked at.

    Raises:
        DeskError: There is no release without texts, it is damaged, `out` exists, or no copy is of any use.
        InputError: A source isn't there.
    """
    release = Snapshot.of(dataset)
    _refuse(release, out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".hydrating-") as temporary:
        folder = Path(temporary)
        wanted = _wanted(release)
        with closing(Texts(_rows(wanted), folder / "texts")) as texts:
            unread = list(_gather(texts, wanted, sources, fetcher))
            made = _Hydration(release, texts, wanted, folder / "made", exact, on_progress).run(out, tuple(unread))
        if not made.states["exact"] + made.states["re-anchored"]:
            raise DeskError(
                f"none of the {made.documents} articles of this release is among the texts",
                where=", ".join(sources) or str(dataset),
                hint="Articles are known by their text, their address or their headline; a page needs its address in it.",
            )
        (folder / "made").rename(out)
    return made


def _refuse(release: Snapshot, out: Path) -> None:
    if release.manifest.get("text") != "standoff":
        raise DeskError(
            "this release has its texts", where=str(release.path), hint="Load it as it is; there is nothing to rebuild."
        )
    for problem in damaged(release):
        raise DeskError(f"the release is damaged: {problem}", where=str(release.path), hint="Download it again.")
    if out.exists():
        raise DeskError("this is there already", where=str(out), hint="Name another folder with --out.")


def _wanted(release: Snapshot) -> pa.Table:
    """Return what each document can be known by, in the order of their ids."""
    parts = [
        pq.read_table(path, columns=KEYS).append_column("split", pa.array([split] * rows, pa.string()))
        for split, rows in release.manifest["configs"]["articles"]["splits"].items()
        for path in [_file(release, "articles", split)]
    ]
    return pa.concat_tables(parts).sort_by("document_id")


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=1_000):
        yield from batch.to_pylist()


def _file(release: Snapshot, config: str, split: str) -> Path:
    return release.path / config / f"{split}-00000-of-00001.parquet"


def _gather(
    texts: Texts, wanted: pa.Table, sources: Sequence[str], fetcher: Fetcher | None
) -> Iterator[tuple[str, str]]:
    """Take every copy; yield what could not be read."""
    for found in read_copies(sources, texts.hashes) if sources else ():
        if isinstance(found, Removed):
            yield found.of, f"{found.reason}{': ' if found.detail else ''}{found.detail}"
        else:
            texts.take(found)
    if fetcher is not None:
        rows = (row for row in _rows(wanted) if not texts.is_exact(row["document_id"]))
        for key, copy in fetch_copies(rows, fetcher, texts.is_exact):
            if isinstance(copy, Removed):
                yield copy.of, copy.reason
            else:
                texts.take(copy, only=key)


class _Hydration:
    """One dataset under construction."""

    def __init__(
        self, release: Snapshot, texts: Texts, wanted: pa.Table, folder: Path, exact: bool, on_progress: OnProgress
    ) -> None:
        self.release = release
        self.texts = texts
        self.wanted = wanted
        self.folder = folder
        self.exact = exact
        self.on_progress = on_progress
        self.states: Counter[str] = Counter({"exact": 0, "re-anchored": 0, "lost": 0, "missing": 0})
        self.reasons: Counter[str] = Counter()
        self.spans = self.placed = 0
        scheme = release.manifest["scheme"]
        self.scheme: LabelScheme = load_scheme(release.path / f"{scheme['name']}-{scheme['version']}.toml")
        folder.mkdir()

    def run(self, out: Path, unread: tuple[tuple[str, str], ...]) -> Hydrated:
        """Write everything."""
        with (self.folder / HYDRATION_FILE).open("w", encoding="utf-8", newline="\n") as told:
            built = write_made(self.folder, self._made(told), self.release.labels)
        manifest = self._manifest(built)
        if built.configs:
            self._write_texts(manifest)
        return Hydrated(
            out,
            manifest["version"],
            manifest["content"],
            self.wanted.num_rows,
            dict(self.states),
            self.spans,
            self.placed,
            dict(sorted(self.reasons.items())),
            unread,
            tuple(self._notes(manifest)),
        )

    def _made(self, told: IO[str]) -> Iterator[Made]:
        work = partial(rebuild, scheme=self.scheme, labels=self.release.labels, exact=self.exact)
        for rebuilt in ordered(work, self._chunks(), desk=None, label=_label, enough=PROCESSES, spare=1):
            for fate in rebuilt.fates:
                self._tell(fate, told)
            if rebuilt.made is not None:
                yield rebuilt.made

    def _chunks(self) -> Iterator[Chunk]:
        keys = self.wanted["document_id"]
        cursors = {
            name: [_Cursor(_file(self.release, name, split)) for split in config["splits"]]
            for name, config in self.release.manifest["configs"].items()
            if name in ("articles", "annotations", "edits", "decisions")
        }
        for start in range(0, len(keys), SIZE):
            ids = keys.slice(start, SIZE).to_pylist()
            found = {
                name: pa.concat_tables([cursor.until(ids[-1]) for cursor in mine]) for name, mine in cursors.items()
            }
            yield Chunk(
                found["articles"].sort_by("document_id").combine_chunks(),
                [self.texts.get(key) for key in ids],
                found.get("annotations"),
                found.get("edits"),
                found.get("decisions"),
            )

    def _tell(self, fate: Fate, told: IO[str]) -> None:
        self.states[fate.state] += 1
        if fate.state in ("exact", "re-anchored"):
            self.spans += fate.spans
            self.placed += fate.placed
        self.reasons.update([fate.reason] if fate.reason else [reason for _, _, reason in fate.lost])
        told.write(json.dumps(fate.plain(), ensure_ascii=False) + "\n")
        self.on_progress(Progress("hydrate", self.states.total(), self.wanted.num_rows))

    def _manifest(self, built: Built) -> dict[str, Any]:
        """Return the release's manifest as it is true of what was rebuilt."""
        tally, old = built.tally, self.release.manifest
        present = [split for split in SPLITS if any(split in config["splits"] for config in built.configs.values())]
        found: dict[str, Any] = {
            **{key: value for key, value in old.items() if key not in ("text", "files", "texts")},
            "configs": built.configs,
            "tokeniser": tokenizer_version(),
            "ids": IDS,
            "split_names": present,
            "documents": tally.documents,
            "languages": sorted(tally.languages),
            "origins": {origin: tally.origins[origin] for origin in old["origins"]},
            "silver": bool(tally.origins["silver"]),
            "entities": tally.entities,
            "lost": built.lost,
            "figures": {figure.id: figure.plain() for figure in release_figures(tally, present)},
            "hydrated": {"content": old["content"], **self.states, "spans": self.spans, "placed": self.placed},
        }
        return {**found, "content": content_hash(found, self.release.labels)}

    def _write_texts(self, manifest: dict[str, Any]) -> None:
        for path in sorted(self.release.path.iterdir()):
            if path.is_file() and path.name not in ANEW and not (self.folder / path.name).exists():
                shutil.copyfile(path, self.folder / path.name)
        texts = measure_texts(self.folder, ReleaseSettings())
        manifest["texts"] = texts.plain()
        write_text(self.folder / PERSONAL_FILE, texts.marks_json())
        write_text(self.folder / "README.md", render_card(manifest, self.release.labels))
        write_text(self.folder / "CITATION.cff", citation(manifest))
        write_text(self.folder / CROISSANT_FILE, croissant(manifest, self.folder, self.release.labels))
        write_manifest(self.folder, manifest)

    def _notes(self, manifest: Mapping[str, Any]) -> Iterator[str]:
        if manifest["tokeniser"] != self.release.manifest["tokeniser"]:
            yield f"tokens are {manifest['tokeniser']}'s; the release was made with {self.release.manifest['tokeniser']}"


def _label(chunk: Chunk) -> str:
    return f"documents {chunk.articles['document_id'][0]} to {chunk.articles['document_id'][-1]}"


class _Cursor:
    """Read a table of a release forward, up to a document at a time."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self._batches = self._file.iter_batches(batch_size=1_000)
        self._rows = self._file.schema_arrow.empty_table()

    def until(self, last: str) -> pa.Table:
        """Return the next rows whose document is `last` or before it."""
        taken = [self._rows.slice(0, 0)]
        while True:
            count = pc.sum(pc.less_equal(self._rows["document_id"], last)).as_py() or 0
            taken.append(self._rows.slice(0, count))
            self._rows = self._rows.slice(count)
            if self._rows.num_rows or (batch := next(self._batches, None)) is None:
                return pa.concat_tables(taken)
            self._rows = pa.Table.from_batches([batch])
