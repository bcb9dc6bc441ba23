"""Keep a desk's tables on disk: plain Parquet, written atomically, shard by shard.

A table is a folder of ``part-*.parquet`` files. A stage maps an input shard to the output shard of
the same name and notes in ``state.json`` from which content the output was made, so that a second run
does only what changed, and a run that was killed anywhere is simply run again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import filelock
import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.schemas import (
    BusyError,
    Cluster,
    DeskError,
    Document,
    LabelScheme,
    Removed,
    Segment,
    completed,
    from_table,
    load_scheme,
    to_table,
)

from .settings import Settings, load_settings

__all__ = ["SETTINGS_FILE", "Desk", "file_sha256", "read_columns", "write_atomically"]

SETTINGS_FILE = "copydesk.toml"
STATE_FILE = "state.json"
NOUNS: dict[str, type] = {
    "articles": Document,
    "aside": Document,
    "clusters": Cluster,
    "removed": Removed,
    "restored": Removed,
    "segments": Segment,
}

T = TypeVar("T")


def file_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_columns(part: Path, columns: list[str] | None = None) -> pa.Table:
    """Return some columns of a Parquet file, or all; unlike ``read_table`` it imports no pandas, which takes a second."""
    with pq.ParquetFile(part) as file:
        return file.read(columns=columns)


@contextlib.contextmanager
def write_atomically(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is fsynced and renamed onto it.

    Args:
        path: Where the file shall be; its folder is made.
        mode: Permission bits from the first byte on, such as ``0o600`` for a secret.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        if mode is not None:
            temporary.chmod(mode)
        yield temporary
        if mode is None:
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


class Desk:
    """A folder that holds one corpus from articles to releases.

    Args:
        path: The folder that holds ``copydesk.toml``.

    Raises:
        DeskError: There is no desk here, or a newer copydesk made it.
        SettingsError: Its settings are wrong.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / SETTINGS_FILE).is_file():
            raise DeskError(
                f"no {SETTINGS_FILE} here",
                where=str(path),
                hint="Go into a desk, name one with --desk PATH, or make one: copydesk init my-desk",
            )
        self.settings: Settings = load_settings(path / SETTINGS_FILE)

    def scheme(self) -> LabelScheme:
        """Read the desk's label scheme."""
        source = self.settings.scheme
        return load_scheme(self.path / source if source.endswith(".toml") else source)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the desk for one writer.

        Raises:
            BusyError: Another copydesk is at work here.
        """
        lock = filelock.FileLock(self.path / ".lock", timeout=0)
        try:
            with lock:
                yield
        except filelock.Timeout:
            raise BusyError(
                "another copydesk is at work on this desk", where=str(self.path), hint="Wait for it, or stop it."
            ) from None

    # tables

    def parts(self, table: str) -> list[Path]:
        """Return the shards of a table, in order. `table` is a folder name such as ``articles``."""
        return sorted((self.path / table).glob("part-*.parquet"))

    def read(self, kind: type[T], table: str) -> Iterator[T]:
        """Yield every record of a table, shard by shard."""
        for part in self.parts(table):
            yield from self.read_part(kind, part)

    def read_part(self, kind: type[T], part: Path) -> Iterator[T]:
        """Yield the records of one shard, a row group at a time.

        Raises:
            DeskError: The file is no Parquet, or has other columns.
        """
        for group in _groups(part):
            yield from from_table(kind, group)

    def read_tables(self, table: str) -> Iterator[pa.Table]:
        """Yield every row of a table as Arrow tables, a row group each, shard by shard.

        Columns that an earlier copydesk did not write hold their defaults (see :func:`~copydesk.schemas.completed`).

        Raises:
            DeskError: A file is no Parquet.
        """
        kind = NOUNS.get(table)
        for part in self.parts(table):
            yield from (completed(kind, group) if kind else group for group in _groups(part))

    def write(self, kind: type[T], table: str, name: str, records: Iterable[T]) -> Path:
        """Write one shard whole: ``<table>/part-<name>.parquet``."""
        return self.write_table(table, name, to_table(kind, records))

    def write_table(self, table: str, name: str, rows: pa.Table) -> Path:
        """Write an Arrow table as one shard, atomically and with pinned options."""
        path = self.path / table / f"part-{name}.parquet"
        with write_atomically(path) as temporary:
            pq.write_table(rows, temporary, compression="zstd", row_group_size=1_000)
        return path

    # what each stage has done

    def state(self) -> dict[str, Any]:
        """Return what each stage has done, by stage and shard."""
        path = self.path / STATE_FILE
        if not path.exists():
            return {}
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(state, dict) or not all(isinstance(shards, dict) for shards in state.values()):
                raise ValueError("expected an object of objects")
        except ValueError as error:  # also what is no JSON, or no UTF-8
            raise DeskError(
                f"{STATE_FILE} is damaged: {error}",
                where=str(path),
                hint=f"Remove {STATE_FILE}: every stage then runs again from the articles; nothing else is lost.",
            ) from error
        return state

    def done(self, stage: str, shard: str) -> str | None:
        """Return the key under which a stage last finished a shard, or None."""
        key = self.state().get(stage, {}).get(shard)
        return None if key is None else str(key)

    def note(self, stage: str, shards: dict[str, str]) -> None:
        """Record that a stage finished these shards under these keys."""
        state = self.state()
        state.setdefault(stage, {}).update(shards)
        with write_atomically(self.path / STATE_FILE) as temporary:
            temporary.write_text(json.dumps(state, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _groups(part: Path) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(part) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group)
    except (pa.ArrowException, OSError) as error:  # a flipped bit in a page is an OSError to pyarrow
        raise DeskError(f"not a readable Parquet file: {error}", where=str(part)) from error
