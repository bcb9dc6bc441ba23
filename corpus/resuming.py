"""Note how far a run has come in large files, so that one that was killed goes on from there.

The note is written after everything that came before it, and deleted at the end of the run: the tables of a desk are the
same whether a run was killed or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from .desk import Desk, write_atomically
from .places import SourceFile
from .records import Mark

__all__ = ["NOTE", "Reading"]

NOTE: Final = ".reading.json"


class Reading:
    """How far the files of a run have been read, as its last note says and as this run goes on.

    Attributes:
        parts: Shards of articles of which every record was met, and all that came of it written.
        has_news: Whether a file was read further since the last note.
    """

    def __init__(self, desk: Desk, key: str, *, on: bool = True) -> None:
        """Take up what was noted under the same key.

        Args:
            desk: Whose run; its lock is held.
            key: A digest of the settings under which records become documents.
            on: Whether anything is noted at all. Not where the fate of a record depends on all of a run's.
        """
        self._path = desk.path / NOTE
        self._key = key
        self._on = on
        self.has_news = False
        noted = self._noted() if on else {}
        self.parts: set[str] = set(noted.get("parts", ()))
        self._marks: dict[str, list[int]] = dict(noted.get("marks", {}))
        if not self.parts <= {part.stem for part in desk.parts("articles")}:
            self.parts, self._marks = set(), {}  # somebody deleted articles, and wants them read again

    def resumed(self, file: SourceFile) -> SourceFile:
        """Return a file with the place from which reading goes on."""
        if not self._marks or file.opener is not None or not file.path.is_file():
            return file
        offset, number = self._marks.get(file.identity, (0, 0))
        return replace(file, start=(offset, number)) if offset else file

    def passed(self, mark: Mark) -> None:
        """Take a place that reading has come to; all that stands before it was taken before."""
        if self._on:
            self._marks[mark.file] = [mark.offset, mark.number]
            self.has_news = True

    def note(self, parts: Iterable[str]) -> None:
        """Note where reading is, once all that came before is written.

        Args:
            parts: Shards of articles that are whole since the last note.
        """
        self.parts.update(parts)
        self.has_news = False
        noted = {"key": self._key, "marks": self._marks, "parts": sorted(self.parts)}
        with write_atomically(self._path) as temporary:
            temporary.write_text(json.dumps(noted, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def forget(self) -> None:
        """Delete the note: the run came to its end."""
        self._path.unlink(missing_ok=True)

    def _noted(self) -> dict[str, Any]:
        try:
            noted = json.loads(self._path.read_text(encoding="utf-8"))
            return noted if noted["key"] == self._key else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # none, or damaged: then everything is read again
