"""Read a release as strangers do, each in a process of its own: no cache, no network, nothing of ours.

They are started together and work while the release is checked from the inside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final

from . import croissant_check, reload
from .croissant import CROISSANT_FILE
from .diff import Snapshot
from .hub_datasets import features_yaml
from .standoff import configs_of

__all__ = ["MAX_READ", "Strangers"]

MAX_READ: Final = 8_000_000
"""The largest table that is loaded as well as streamed, and the largest file that is read through Croissant; bytes."""


class Strangers:
    """``datasets`` and ``mlcroissant`` at work on a release folder; leave the block to be rid of them.

    Args:
        release: The release, complete.
    """

    def __init__(self, release: Snapshot) -> None:
        self._release = release
        self._held = ExitStack()
        self._loading = self._start(reload.__file__)
        self._reading = self._start(croissant_check.__file__)

    def __enter__(self) -> Strangers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.__exit__(kind, error, trace)

    def _start(self, program: str) -> subprocess.Popen[str]:
        home = self._held.enter_context(tempfile.TemporaryDirectory(prefix="copydesk-"))
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
        alone = {"HOME": home, "HF_HOME": home, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "LC_ALL": "C.UTF-8"}
        process = subprocess.Popen(
            [sys.executable, "-I", program, str(self._release.path.resolve()), str(MAX_READ)],
            env={**kept, **alone},
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._held.enter_context(process)
        self._held.callback(process.kill)
        return process

    def loaded(self) -> Iterator[str]:
        """Yield what ``datasets`` could not load or stream, or found otherwise."""
        said, complaint = self._loading.communicate()
        if self._loading.returncode:
            yield f"datasets cannot load it: {_last(complaint)}"
            return
        yield from _differing(self._release, json.loads(said))

    def read(self) -> Iterator[str]:
        """Yield what ``mlcroissant`` could not validate or read; see :attr:`is_validated`."""
        said, complaint = self._reading.communicate()
        if self._reading.returncode == croissant_check.MISSING:
            return
        if self._reading.returncode:
            yield f"{CROISSANT_FILE}: mlcroissant fails on it: {_last(complaint)}"
            return
        yield from (f"{CROISSANT_FILE}: {fault}" for fault in json.loads(said))

    @property
    def is_validated(self) -> bool:
        """Whether ``mlcroissant`` is installed here; known after :meth:`read`."""
        return self._reading.returncode != croissant_check.MISSING


def _last(complaint: str) -> str:
    return (complaint.strip().splitlines() or ["no word of why"])[-1]


def _differing(release: Snapshot, found: Mapping[str, Any]) -> Iterator[str]:
    configs = release.manifest["configs"]
    if list(found) != list(configs):
        yield f"datasets finds the tables {', '.join(found)}; the manifest has {', '.join(configs)}"
    for name in found.keys() & configs.keys():
        counts = {split: set(said.values()) for split, said in found[name]["splits"].items()}
        if counts != {split: {rows} for split, rows in configs[name]["splits"].items()}:
            yield f"{name}: the rows of the splits are not those of the manifest"
        wanted = features_yaml(configs_of(release.manifest)[name].features, release.labels)
        if found[name]["features"] != json.loads(json.dumps(wanted)):
            yield f"{name}: the columns or their label names are not those of {name} with labels.json"
