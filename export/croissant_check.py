"""Let ``mlcroissant`` validate a release's ``croissant.json`` and read records through it, hashes checked.

Run as a program of its own (``python -I croissant_check.py FOLDER MAX``), since the library is large and only
needed here; prints a JSON list of what is wrong. Files with more than MAX bytes are not read: the library reads a
file whole, and their hashes are compared elsewhere. Exits with 3 where the library is not installed.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MISSING = 3
"""The exit status that says that ``mlcroissant`` is not installed."""


def faults(folder: Path, largest: int) -> Iterator[str]:
    """Yield what is wrong with the ``croissant.json`` of a release folder.

    Raises:
        ImportError: ``mlcroissant`` is not installed.
    """
    import mlcroissant

    try:
        dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    except mlcroissant.ValidationError as error:
        yield f"not valid: {error}"
        return
    yield from sorted(dataset.metadata.ctx.issues.errors)
    sizes = {item.id: (folder / item.content_url).stat().st_size for item in dataset.metadata.distribution}
    for records in dataset.metadata.record_sets:
        if records.data is None and sizes[records.fields[0].source.file_object] <= largest:
            yield from _unreadable(dataset, records.id)


def _unreadable(dataset: Any, name: str) -> Iterator[str]:
    try:
        row = next(iter(dataset.records(name)), None)
    except Exception as error:  # whatever a foreign reader trips over, the file is not what it says
        yield f"the records of {name} cannot be read: {error.__cause__ or error}"
    else:
        if row is None:
            yield f"{name} has no records"


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # what it logs, the faults say
    try:
        found = list(faults(Path(sys.argv[1]), int(sys.argv[2])))
    except ImportError:
        sys.exit(MISSING)
    sys.stdout.write(json.dumps(found) + "\n")
