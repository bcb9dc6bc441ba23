"""Speak to the ``datasets`` library: the only place that does.

Everything here works on local files and never reaches for the network: the library's own switch is
set for the time of a call and put back, so that a notebook that loads a release can still push one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from copydesk.schemas import DeskError

from .features import Classes, Feature
from .labels import Labels

__all__ = ["arrow_schema", "features_yaml", "load_config", "offline"]


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Keep ``datasets`` off the network and quiet inside the block, and as it was after it."""
    import datasets

    config = datasets.config
    hub = config.constants  # huggingface_hub's own switch
    before = config.HF_HUB_OFFLINE, config.HF_DATASETS_OFFLINE, hub.HF_HUB_OFFLINE
    quiet = datasets.utils.logging.get_verbosity(), datasets.is_progress_bar_enabled()
    config.HF_HUB_OFFLINE = config.HF_DATASETS_OFFLINE = hub.HF_HUB_OFFLINE = True
    datasets.utils.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE, config.HF_DATASETS_OFFLINE, hub.HF_HUB_OFFLINE = before
        datasets.utils.logging.set_verbosity(quiet[0])
        if quiet[1]:
            datasets.enable_progress_bars()


def _features(columns: Mapping[str, Feature], labels: Labels) -> Any:
    from datasets import ClassLabel, Features, List, Value

    def turn(feature: Feature) -> Any:
        if isinstance(feature, Classes):
            return ClassLabel(names=list(labels[feature.key]))
        if isinstance(feature, list):
            return List(turn(feature[0]))
        if isinstance(feature, dict):
            return {name: turn(inner) for name, inner in feature.items()}
        return Value(feature)

    return Features({name: turn(feature) for name, feature in columns.items()})


def arrow_schema(columns: Mapping[str, Feature], labels: Labels) -> pa.Schema:
    """Return the Arrow schema of columns, with the label names in its metadata."""
    schema: pa.Schema = _features(columns, labels).arrow_schema
    return schema


def features_yaml(columns: Mapping[str, Feature], labels: Labels) -> list[dict[str, Any]]:
    """Return columns as a card's ``dataset_info.features``, so that names survive a stripped file."""
    listed: list[dict[str, Any]] = _features(columns, labels)._to_yaml_list()
    return listed


def load_config(
    path: Path, config: str, *, split: str | None = None, streaming: bool = False, cache_dir: Path | None = None
) -> Any:
    """Load one table of a release folder with every check that ``datasets`` has.

    Args:
        path: The release folder.
        config: The table's name.
        split: ``train``, ``validation``, ``test``, an expression over them, or None for all of them.
        streaming: Read lazily instead of through the cache.
        cache_dir: Where the cache is; the user's own by default.

    Returns:
        A ``Dataset`` or ``DatasetDict``, or their iterable kin.

    Raises:
        DeskError: ``datasets`` finds the folder inconsistent; says what it says.
    """
    import datasets

    with offline():
        try:
            return datasets.load_dataset(
                str(path),
                config,
                split=split,
                streaming=streaming,
                cache_dir=str(cache_dir) if cache_dir else None,
                verification_mode="all_checks",
            )
        except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
            raise DeskError(
                f"datasets cannot load {config!r}: {error}",
                where=str(path),
                hint="A release is never edited. Compare the files with manifest.json, or build the version again.",
            ) from error
