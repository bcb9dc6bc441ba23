"""See that a model can be written where somebody wants it, before an hour is spent on training it."""

from __future__ import annotations

import os
from pathlib import Path

from copydesk.schemas import SettingsError

__all__ = ["check_place"]


def check_place(folder: Path) -> None:
    """Refuse a folder that cannot be made or written.

    Raises:
        SettingsError: A file is in its way, or this user may not write there.
    """
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not place.is_dir():
        raise SettingsError("there is a file where the model's folder should be", where=str(place))
    if not os.access(place, os.W_OK | os.X_OK):
        raise SettingsError("nothing can be written there", where=str(place), hint="Take another place.")
