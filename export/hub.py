"""Publish to the Hugging Face Hub: the only place that uploads with ``huggingface_hub``.

One commit on top of the head that we looked at (``parent_commit``), one tag, then the tag is downloaded and every
digest compared. Each step looks first whether it is done, so a publication that was cut off anywhere is finished by
the same command, and one that is finished does nothing. A tag that holds something else is never touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from copydesk.schemas import OnProgress, Progress, PublishError

from .package import Package
from .publish import Publication, Record, secret

__all__ = ["Hub"]

_OWN: Final = frozenset({".gitattributes"})  # the Hub's file, made with the repository
_AGAIN: Final = "Run the same command again: it goes on where it stopped."


class Hub:
    """A data set repository on the Hub.

    Args:
        repository: ``owner/name``.
        record: Where to note what was published.
    """

    def __init__(self, repository: str, record: Record) -> None:
        self.repository = repository
        self._record = record
        self._api: Any = None

    @property
    def to(self) -> str:
        """The place as a person names it."""
        return f"hub:{self.repository}"

    def plan(self, package: Package, *, public: bool) -> Publication:
        """Say which files one commit would add and take away; looks, and changes nothing.

        Raises:
            PublishError: The Hub does not answer or refuses us, or the version's tag holds something else.
        """
        with self._speaking():
            state = self._look(package, public=public)
            added, removed = state.changes(package)
        return self._result(package, state, state.done, public=public, added=added, removed=removed)

    def publish(self, package: Package, *, public: bool, on_progress: OnProgress) -> Publication:
        """Commit, tag, download and compare; see the module.

        Raises:
            PublishError: The Hub does not answer or refuses us; the repository changed meanwhile or is public and
                `public` was not given; the tag holds something else, or what came back differs.
        """
        steps = 4
        with self._speaking():
            state = self._look(package, public=public)
            on_progress(Progress("publish", 1, steps, "steps"))
            if state.done:
                self._open(state, public=public)
                on_progress(Progress("publish", steps, steps, "steps"))
                return self._result(package, state, True, public=public)
            if state.head is None:
                self._api.create_repo(self.repository, repo_type="dataset", private=not public, exist_ok=True)
                state = self._look(package, public=public)
            added, removed = state.changes(package)
            commit = self._commit(package, state, added, removed) if added or removed else state.head
            on_progress(Progress("publish", 2, steps, "steps"))
            self._tag(package, commit)
            on_progress(Progress("publish", 3, steps, "steps"))
            self._compare(package, package.tag)
            self._open(state, public=public)
        self._record.note(package.manifest["version"], {"commit": commit})
        on_progress(Progress("publish", steps, steps, "steps"))
        state = _State(commit, state.private and not public, {}, True)
        return self._result(package, state, True, public=public, new=True, added=added, removed=removed)

    def _look(self, package: Package, *, public: bool) -> _State:
        """Return what the repository holds now.

        Raises:
            PublishError: It is public and nobody said so, or the version's tag holds something else.
        """
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            info = self._api.repo_info(self.repository, repo_type="dataset")
        except RepositoryNotFoundError:
            return _State(None, not public, {}, False)
        if not info.private and not public:
            raise PublishError(
                "everybody can see this repository, and publishing is private unless you say otherwise",
                where=self.to,
                hint="Say --public, or publish to another repository.",
            )
        tags = {
            ref.name: ref.target_commit for ref in self._api.list_repo_refs(self.repository, repo_type="dataset").tags
        }
        if package.tag in tags:
            self._refuse_other(package)
            return _State(tags[package.tag], bool(info.private), {}, True)
        tree = self._api.list_repo_tree(self.repository, repo_type="dataset", recursive=True, revision=info.sha)
        return _State(
            info.sha, bool(info.private), {file.path: file for file in tree if hasattr(file, "blob_id")}, False
        )

    def _refuse_other(self, package: Package) -> None:
        """Let a tag pass that holds this release, with its DOI or from before it had one."""
        from_before = Package.of(package.release.path)
        with self._downloaded(package.tag) as folder:
            differing = package.differing(folder, ignored=_OWN)
            if differing and from_before.differing(folder, ignored=_OWN):
                raise PublishError(
                    f"the tag {package.tag} is there and holds something else: {_some(differing)}",
                    where=self.to,
                    hint="A published version is never overwritten. Release the next version, or name another repository.",
                )

    def _commit(self, package: Package, state: _State, added: tuple[str, ...], removed: tuple[str, ...]) -> str:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete
        from huggingface_hub.errors import HfHubHTTPError

        manifest = package.manifest
        files = [(name, package.files[name]) for name in added]
        operations = [
            *(CommitOperationAdd(name, file if isinstance(file, bytes) else str(file)) for name, file in files),
            *(CommitOperationDelete(name) for name in removed),
        ]
        try:
            made = self._api.create_commit(
                self.repository,
                operations,
                repo_type="dataset",
                commit_message=f"{manifest['title']} {manifest['version']}",
                commit_description="\n".join([*manifest["reasons"], "", f"content sha256:{manifest['content']}"]),
                parent_commit=state.head,
            )
        except HfHubHTTPError as error:
            if error.response is not None and error.response.status_code == 412:
                raise PublishError(
                    "somebody else changed the repository while we were at it; nothing was committed",
                    where=self.to,
                    hint="Look at what changed there, then run the same command again.",
                ) from error
            raise
        return str(made.oid)

    def _tag(self, package: Package, commit: str | None) -> None:
        from huggingface_hub.errors import HfHubHTTPError

        manifest = package.manifest
        message = f"{manifest['title']} {manifest['version']}"
        try:
            self._api.create_tag(
                self.repository, repo_type="dataset", tag=package.tag, tag_message=message, revision=commit
            )
        except HfHubHTTPError as error:
            if error.response is None or error.response.status_code != 409:
                raise
            self._refuse_other(package)  # somebody made it in this very moment: good if it is the same

    def _open(self, state: _State, *, public: bool) -> None:
        """Let everybody see the repository, last of all, where that was asked for."""
        if public and state.private:
            self._api.update_repo_settings(self.repository, repo_type="dataset", private=False)

    def _compare(self, package: Package, tag: str) -> None:
        with self._downloaded(tag) as folder:
            differing = package.differing(folder, ignored=_OWN)
        if differing:
            raise PublishError(
                f"what came back from the tag {tag} is not what was sent: {_some(differing)}",
                where=self.to,
                hint="Do not use this version from there. Nothing was changed on this side.",
            )

    @contextlib.contextmanager
    def _downloaded(self, revision: str) -> Iterator[Path]:
        """Yield a folder with the files of a revision, fetched anew, past every cache."""
        with tempfile.TemporaryDirectory(prefix="copydesk-") as cache:
            folder = Path(cache) / "files"
            self._api.snapshot_download(
                self.repository, repo_type="dataset", revision=revision, cache_dir=cache, local_dir=str(folder)
            )
            for path in sorted(
                (folder / ".cache").rglob("*"), reverse=True
            ):  # the library's notes, not the repository's
                path.rmdir() if path.is_dir() else path.unlink()
            yield folder

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        """Open the connection, and tell in one message whatever goes wrong on it.

        Raises:
            SettingsError: There is no token.
            PublishError: The Hub does not answer, or refuses us.
        """
        import httpx2
        from huggingface_hub import HfApi, constants
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
        from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

        token = secret("HF_TOKEN", Path(constants.HF_TOKEN_PATH), "https://huggingface.co/settings/tokens")
        self._api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=token, library_name="copydesk")
        quiet = are_progress_bars_disabled()
        disable_progress_bars()
        try:
            yield
        except HfHubHTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            said = str(error.server_message or "").strip() or f"status {status}"
            raise PublishError(f"the Hub refused: {said} ({status})", where=self.to, hint=_advice(status)) from error
        except (httpx2.HTTPError, LocalEntryNotFoundError) as error:
            raise PublishError(
                f"the Hub does not answer: {type(error).__name__}: {error}", where=self.to, hint=_AGAIN
            ) from error
        finally:
            if not quiet:
                enable_progress_bars()

    def _result(
        self,
        package: Package,
        state: _State,
        done: bool,
        *,
        public: bool,
        new: bool = False,
        added: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
    ) -> Publication:
        return Publication(
            version=package.manifest["version"],
            to=self.to,
            address=f"{self._api.endpoint}/datasets/{self.repository}/tree/{package.tag}",
            done=done,
            new=new,
            public=public or not state.private,
            revision=state.head or "",
            doi=package.doi,
            added=added,
            removed=removed,
            bytes=sum(package.size(name) for name in added),
        )


class _State:
    """What a repository holds: its head, its files, and whether the version is there already."""

    def __init__(self, head: str | None, private: bool, files: dict[str, Any], done: bool) -> None:
        self.head = head
        self.private = private
        self.files = files
        self.done = done

    def changes(self, package: Package) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return which files differ from the package's or lack, and which are there and not in it."""
        if self.done:
            return (), ()
        added = [name for name in package.files if name not in self.files or not self._holds(name, package)]
        return tuple(sorted(added)), tuple(sorted(self.files.keys() - package.files.keys() - _OWN))

    def _holds(self, name: str, package: Package) -> bool:
        file = self.files[name]
        if file.size != package.size(name):
            return False
        if file.lfs is not None:
            return bool(file.lfs.sha256 == package.digests[name])
        data = package.read(name)  # a small file: git's own hash of it
        return bool(file.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest())


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")


def _advice(status: int) -> str:
    if status in (401, 403):
        return "Look at the token in HF_TOKEN: it needs the right to write to this repository."
    return (
        _AGAIN if status >= 500 or status == 429 else "Look at the repository's page, then run the same command again."
    )
