"""Find and open files that lie elsewhere: any address that fsspec knows. The only door to fsspec."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO, Final, cast

from copydesk.schemas import InputError

__all__ = ["is_remote", "remote_files"]

HIDDEN: Final = (".", "_SUCCESS")


def is_remote(source: str) -> bool:
    """Tell whether a source is an address such as ``s3://bucket/news`` or ``memory://news``.

    ``file://`` is one too; a path of this machine needs none.
    """
    return "://" in source


def remote_files(source: str) -> Iterator[tuple[str, int, str, Any]]:
    """Yield the files that an address means: itself, all below it, or all that match its pattern.

    Yields:
        For each file in sorted order: its name relative to what was named (the last name included, as for folders
        of this machine), its size in bytes, what tells its state apart from an earlier one, and a function that
        opens it for reading.

    Raises:
        InputError: fsspec doesn't know the protocol, or the package for it isn't installed.
        OSError: The place cannot be reached.
    """
    system, path = _opened(source)
    pattern = any(letter in path for letter in "*?[")
    found = system.glob(path, detail=True) if pattern else system.find(path, detail=True)
    base = _fixed(path) if pattern else path.rstrip("/").rpartition("/")[0]
    for name in sorted(found):
        info = found[name]
        if info.get("type") != "file":
            continue
        label = name.removeprefix(base).lstrip("/")
        if any(part.startswith(HIDDEN) for part in label.split("/")):
            continue
        state = str(info.get("ETag") or info.get("mtime") or info.get("LastModified") or info.get("created") or "")
        yield (
            label,
            int(info.get("size") or 0),
            f"{system.unstrip_protocol(name)} {state}",
            partial(_open, system, name),
        )


def _open(system: Any, name: str) -> BinaryIO:
    return cast("BinaryIO", system.open(name, "rb"))


def _fixed(path: str) -> str:
    parts = path.split("/")
    magic = next(index for index, part in enumerate(parts) if any(letter in part for letter in "*?["))
    return "/".join(parts[:magic])


def _opened(source: str) -> tuple[Any, str]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(source)
    except (ImportError, ValueError) as error:
        # its own words name the package that is missing, or the protocol that it doesn't know
        hint = "Known protocols need their package, such as s3fs for s3://; or copy the files here first."
        raise InputError(str(error), where=source, hint=hint) from error
    return system, str(path)
