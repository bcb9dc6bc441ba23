"""Deposit a release on Zenodo: a draft with a reserved DOI, the files in one archive, published only when asked to.

By Zenodo's REST API for deposits (https://developers.zenodo.org). A deposit is flat, so the release's folder goes
into one archive, which is the same bytes whenever it is made; Zenodo says the MD5 of what it got, and that is
compared. A later version of the same data set becomes a new version of its first deposit. Each step looks first
whether it is done, so the same command finishes what was cut off.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import os
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from copydesk.schemas import OnProgress, Progress, PublishError

from .licences import hub_licence
from .package import Package
from .publish import Publication, Record, secret

__all__ = ["Zenodo", "archive"]

_TO: Final = "zenodo"
_TOKEN_FILE: Final = Path("~/.config/copydesk/zenodo-token")
_TIMEOUT: Final = 120.0
_AGAIN: Final = "Run the same command again: it goes on where it stopped."


class Zenodo:
    """Zenodo, or the server that ``ZENODO_ENDPOINT`` names, such as https://sandbox.zenodo.org.

    Args:
        record: Where deposits and DOIs are noted.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._endpoint = os.environ.get("ZENODO_ENDPOINT", "https://zenodo.org").rstrip("/")
        self._token = ""

    def plan(self, package: Package, *, public: bool) -> Publication:
        """Say what a deposit would hold; asks nobody."""
        noted = self._record.get(package.manifest["version"])
        done = bool(noted.get("submitted")) or (bool(noted.get("complete")) and not public)
        return self._result(package, noted, public=public, done=done)

    def publish(self, package: Package, *, public: bool, on_progress: OnProgress) -> Publication:
        """Reserve a DOI, upload, compare; with `public`, publish for good.

        Raises:
            PublishError: Zenodo does not answer or refuses us, or what it has is not what was sent.
            SettingsError: There is no token.
        """
        self._token = secret(
            "ZENODO_TOKEN", _TOKEN_FILE.expanduser(), f"{self._endpoint}/account/settings/applications"
        )
        version = package.manifest["version"]
        deposit = self._deposit(package)
        on_progress(Progress("publish", 1, 3, "steps"))
        doi = _doi(deposit)
        self._record.note(version, {"deposit": deposit["id"], "doi": doi, "submitted": deposit["submitted"]})
        new = self._fill(package.cited_by(doi), deposit)
        self._record.note(version, {"complete": True})
        on_progress(Progress("publish", 2, 3, "steps"))
        if public and not deposit["submitted"]:
            deposit = self._ask("POST", f"{self._at(deposit)}/actions/publish")
            self._record.note(version, {"submitted": True})
            new = True
        on_progress(Progress("publish", 3, 3, "steps"))
        noted = {**self._record.get(version), "page": deposit.get("links", {}).get("html", "")}
        return self._result(package.cited_by(doi), noted, public=bool(deposit["submitted"]), done=True, new=new)

    def _deposit(self, package: Package) -> dict[str, Any]:
        """Return this version's deposit: the one that was noted, one that was made and not noted, or a new one."""
        version = package.manifest["version"]
        noted = self._record.get(version).get("deposit")
        if noted:
            with contextlib.suppress(_GoneError):
                return self._ask("GET", f"/api/deposit/depositions/{noted}")
        key = _key(package)
        drafts: Any = self._ask("GET", "/api/deposit/depositions?status=draft&size=100")
        for draft in drafts:
            if key in (draft["metadata"].get("notes") or ""):
                return dict(draft)
        before = [said["deposit"] for said in self._record.versions().values() if said.get("submitted")]
        if not before:
            return self._ask("POST", "/api/deposit/depositions", {"metadata": _metadata(package)})
        made = self._ask("POST", f"/api/deposit/depositions/{before[-1]}/actions/newversion")
        draft = self._ask("GET", urlsplit(made["links"]["latest_draft"]).path)
        return self._ask("PUT", self._at(draft), {"metadata": _metadata(package)})

    def _fill(self, package: Package, deposit: Mapping[str, Any]) -> bool:
        """Let a deposit hold the archive and nothing else; return whether it did not before.

        Raises:
            PublishError: It is published and holds something else, or what came back has another MD5.
        """
        name = f"{package.manifest['name']}-{package.manifest['version']}.zip"
        with archive(package) as path:
            digest = _md5(path)
            there: Any = self._ask("GET", f"{self._at(deposit)}/files")
            held = {file["filename"]: file["checksum"].removeprefix("md5:") for file in there}
            if held == {name: digest}:
                return False
            if deposit["submitted"]:
                raise PublishError(
                    f"version {package.manifest['version']} is published and holds something else: {', '.join(held)}",
                    where=f"{_TO}: deposit {deposit['id']}",
                    hint="A published version is never overwritten. Release the next version.",
                )
            self._ask("PUT", self._at(deposit), {"metadata": _metadata(package)})
            for file in there:
                self._ask("DELETE", f"{self._at(deposit)}/files/{file['id']}")
            sent = self._send(f"{urlsplit(deposit['links']['bucket']).path}/{name}", path)
        if sent["checksum"].removeprefix("md5:") != digest:
            raise PublishError(
                f"what arrived is not what was sent: {name} has another MD5",
                where=f"{_TO}: deposit {deposit['id']}",
                hint=_AGAIN,
            )
        return True

    def _at(self, deposit: Mapping[str, Any]) -> str:
        return f"/api/deposit/depositions/{deposit['id']}"

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        return self._speak(urllib.request.Request(self._endpoint + path, data or None, headers, method=method))  # noqa: S310

    def _send(self, path: str, file: Path) -> dict[str, Any]:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
        with file.open("rb") as data:
            return self._speak(urllib.request.Request(self._endpoint + path, data, headers, method="PUT"))  # noqa: S310

    def _speak(self, request: urllib.request.Request) -> dict[str, Any]:
        """Send a request; the address is the settings' own, never one that an answer gave.

        Raises:
            _GoneError: There is no such deposit.
            PublishError: Zenodo does not answer or refuses us.
        """
        if urlsplit(request.full_url).scheme not in ("https", "http"):
            raise PublishError("no address of a web server", where=self._endpoint)
        request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply:  # noqa: S310  (checked above)
                said = reply.read()
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error.code, error.read()) from error
        except (OSError, HTTPException) as error:
            raise PublishError(
                f"Zenodo does not answer: {type(error).__name__}: {error}", where=self._endpoint, hint=_AGAIN
            ) from error
        found: dict[str, Any] = json.loads(said) if said.strip() else {}
        return found

    def _refusal(self, status: int, body: bytes) -> PublishError:
        try:
            said = json.loads(body)
            parts = [
                str(said.get("message", "")),
                *(f"{e.get('field')}: {e.get('message')}" for e in said.get("errors", [])),
            ]
        except (ValueError, AttributeError):
            parts = []
        words = "; ".join(filter(None, parts)) or f"status {status}"
        kind = _GoneError if status in (404, 410) else PublishError
        hint = (
            _AGAIN if status >= 500 or status == 429 else "Look at the token in ZENODO_TOKEN: it needs deposit:write."
        )
        return kind(
            f"Zenodo refused: {words} ({status})",
            where=self._endpoint,
            hint=hint if status in (401, 403, 429) or status >= 500 else None,
        )

    def _result(
        self, package: Package, noted: Mapping[str, Any], *, public: bool, done: bool, new: bool = False
    ) -> Publication:
        number = noted.get("deposit", "")
        return Publication(
            version=package.manifest["version"],
            to=_TO,
            address=noted.get("page") or (f"{self._endpoint}/deposit/{number}" if number else self._endpoint),
            done=done,
            new=new,
            public=public,
            revision=str(number),
            doi=noted.get("doi", ""),
            added=() if done and not new else tuple(sorted(package.files)),
            bytes=0 if done and not new else sum(package.size(name) for name in package.files),
        )


class _GoneError(PublishError):
    """A deposit that is not there any more."""


@contextlib.contextmanager
def archive(package: Package) -> Iterator[Path]:
    """Yield a package's files as one ZIP file, the same bytes whenever and wherever it is made."""
    folder = f"{package.manifest['name']}-{package.manifest['version']}"
    with tempfile.TemporaryDirectory(prefix="copydesk-") as temporary:
        path = Path(temporary) / "release.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as made:  # the tables are compressed already
            for name in sorted(package.files):
                entry = zipfile.ZipInfo(f"{folder}/{name}")
                entry.external_attr = 0o644 << 16
                entry.create_system = 3
                file = package.files[name]
                if isinstance(file, bytes):
                    made.writestr(entry, file)
                    continue
                with file.open("rb") as source, made.open(entry, "w", force_zip64=True) as target:
                    while block := source.read(1 << 20):
                        target.write(block)
        yield path


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _doi(deposit: Mapping[str, Any]) -> str:
    metadata = deposit["metadata"]
    return str(deposit.get("doi") or metadata.get("doi") or metadata["prereserve_doi"]["doi"])


def _key(package: Package) -> str:
    """Return the words by which a deposit of this very release is known again."""
    return f"{package.manifest['name']} {package.manifest['version']} sha256:{package.manifest['content']}"


def _metadata(package: Package) -> dict[str, Any]:
    manifest = package.manifest
    title = f"{manifest['title']} {manifest['version']}"
    licence = hub_licence(manifest["licence"])
    access: dict[str, Any] = {"access_right": "open", "license": licence}
    if licence == "other":
        access = {
            "access_right": "restricted",
            "access_conditions": "By the licence of each text; see README.md in the archive.",
        }
    return {
        "upload_type": "dataset",
        "title": title,
        "version": manifest["version"],
        "creators": [{"name": f"The annotators of {manifest['title']}"}],
        "description": f"<p>{html.escape(title)}: {manifest['documents']} news articles about armed conflict with entities, attribution "
        "and stance. The archive is a complete data set repository; README.md says what is in it and how to load it.</p>",
        **({"language": _LANGUAGES[manifest["languages"][0]]} if _known(manifest["languages"]) else {}),
        "keywords": ["news", "armed conflict", "named entities", "attribution", "stance"],
        "notes": _key(package),
        "prereserve_doi": True,
        **({"publication_date": manifest["as_of"]} if manifest["as_of"] else {}),
        **access,
    }


_LANGUAGES: Final = {
    "en": "eng",
    "fr": "fra",
    "de": "deu",
    "es": "spa",
    "ar": "ara",
    "uk": "ukr",
    "ru": "rus",
}  # ISO 639-3


def _known(languages: list[str]) -> bool:
    return len(languages) == 1 and languages[0] in _LANGUAGES
