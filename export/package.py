"""Hold what is published: the files of a release, with a DOI written into a few of them where it has one.

A release never changes. A DOI comes after it, so it is written on the way out: into the card, the citation file
and ``croissant.json``, and the manifest then lists those files as they go out. Without a DOI every byte is the
release's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk.corpus import file_sha256
from copydesk.schemas import DeskError

from .croissant import CROISSANT_FILE
from .diff import MANIFEST, Snapshot
from .verify import damaged

__all__ = ["Package"]


@dataclass(frozen=True, slots=True)
class Package:
    """A release as it goes out.

    Attributes:
        release: The release.
        files: Name to where the file lies, or to its bytes.
        digests: Name to SHA-256.
        doi: The DOI that is written into it; empty where there is none.
    """

    release: Snapshot
    files: Mapping[str, Path | bytes]
    digests: Mapping[str, str]
    doi: str = ""

    @classmethod
    def of(cls, path: Path) -> Package:
        """Read a release folder and check every file of it against its manifest.

        Raises:
            DeskError: There is no release, it is damaged, or it was rebuilt from somebody's copies.
        """
        release = Snapshot.of(path)
        if "hydrated" in release.manifest:
            raise DeskError(
                "this was rebuilt from somebody's copies, and the texts in it are not to be passed on",
                where=str(path),
                hint="Publish the release without texts that it was made of.",
            )
        for problem in damaged(release):
            raise DeskError(
                f"the release is damaged: {problem}",
                where=str(path),
                hint="A release is never edited. Restore it from a copy, or build the next one.",
            )
        names = [*release.manifest["files"], MANIFEST]
        digests = {name: file["sha256"] for name, file in release.manifest["files"].items()}
        return cls(release, {name: path / name for name in names}, {**digests, MANIFEST: file_sha256(path / MANIFEST)})

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest of the release, without any DOI."""
        return self.release.manifest

    @property
    def tag(self) -> str:
        """The tag of this version."""
        return f"v{self.manifest['version']}"

    def size(self, name: str) -> int:
        """Return how many bytes a file has."""
        file = self.files[name]
        return len(file) if isinstance(file, bytes) else file.stat().st_size

    def read(self, name: str) -> bytes:
        """Return the bytes of a file."""
        file = self.files[name]
        return file if isinstance(file, bytes) else file.read_bytes()

    def cited_by(self, doi: str) -> Package:
        """Return the package with a DOI, and no other, written into its card, citation, Croissant and manifest."""
        if self.doi:
            return self if self.doi == doi else Package.of(self.release.path).cited_by(doi)
        card = self.read("README.md").decode()
        head, title, body = card.partition(f"\n# {self.manifest['title']} {self.manifest['version']}\n")
        said = json.loads(self.read(CROISSANT_FILE)) | {"sameAs": f"https://doi.org/{doi}"}
        changed = {
            "README.md": f"{head}{title}\nDOI: [{doi}](https://doi.org/{doi})\n{body}",
            "CITATION.cff": self.read("CITATION.cff").decode() + f"doi: {json.dumps(doi)}\n",
            CROISSANT_FILE: json.dumps(said, ensure_ascii=False, indent=1) + "\n",
        }
        texts = {name: text.encode() for name, text in changed.items()}
        listed = {
            name: {**file, "sha256": _sha256(texts[name]), "bytes": len(texts[name])} if name in texts else file
            for name, file in self.manifest["files"].items()
        }
        manifest = {**self.manifest, "doi": doi, "files": listed}
        texts[MANIFEST] = (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
        digests = {name: _sha256(text) for name, text in texts.items()}
        return Package(self.release, {**self.files, **texts}, {**self.digests, **digests}, doi)

    def differing(self, folder: Path, *, ignored: frozenset[str] = frozenset()) -> list[str]:
        """Return the names of files that a folder has otherwise, lacks, or has besides; sorted."""
        found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        wrong = [
            name for name, digest in self.digests.items() if name not in found or file_sha256(found[name]) != digest
        ]
        return sorted([*wrong, *(found.keys() - self.digests.keys() - ignored)])


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
