"""Talk to a Label Studio server: the one door to its SDK.

The SDK brings the two kinds of token and the right headers. Its generated methods stay unused: by
default they send a POST again when the answer is lost, so that an import happens twice; they walk every
payload and turn every answer into models, which takes longer than the server does. What passes here is JSON.

A read may be asked again; anything that changes the server is sent once, and where the answer is lost
:class:`NoAnswerError` says that nobody knows, so that the caller looks before sending again.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from copydesk.corpus import Desk
from copydesk.schemas import StudioError

from .access import find_access, masked
from .refusals import NoAnswerError, RefusedError, moved, seconds
from .studio import EDITOR, own_account, studio_status

__all__ = ["TESTED_VERSIONS", "NoAnswerError", "RefusedError", "StudioClient", "connect"]

TESTED_VERSIONS: Final = ("1.23.2",)
TIMEOUT: Final = 600.0
_OUR_OPTIONS: Final = {"max_retries": 0}

log = logging.getLogger(__name__)


def connect(desk: Desk) -> StudioClient:
    """Open the desk's Label Studio and check that it is one, that it knows us, and its version.

    Raises:
        StudioError: No server answers, the token is wrong, or what answers is no Label Studio.
    """
    access = find_access(desk)
    client = StudioClient(access.url, access.token, own=access.source == "the desk's own server")
    client.check()
    return client


def connect_as(desk: Desk, email: str = EDITOR) -> StudioClient:
    """Open the desk's own Label Studio as one of its users."""
    client = StudioClient(studio_status(desk).url, own_account(desk, email).token, own=True)
    client.check()
    return client


def _filter(field: str, kind: str, above: str | int) -> dict[str, str | int]:
    return {"filter": f"filter:tasks:{field}", "operator": "greater", "type": kind, "value": above}


class StudioClient:
    """A connection to one server.

    Args:
        url: The server's address.
        token: A legacy token or a personal access token.
        own: Whether it is the desk's own server; its port may change, so it is known by another name.
        timeout: Seconds to wait for an answer.
        sleep: How to wait before a read is asked again.

    Attributes:
        name: What to remember the server by: ``own``, or its address.
        version: The server's version, after :meth:`check`.
        user: The email address of the token's user, after :meth:`check`.
        date: The server's clock at its last answer, as it says it in the header ``Date``.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        own: bool = False,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self.name = "own" if own else self.url
        self.version = ""
        self.user = ""
        self.date = ""
        self._token = token
        self._timeout = timeout
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"StudioClient({self.url!r}, token=***)"

    @functools.cached_property
    def _http(self) -> Any:
        import httpx
        from label_studio_sdk import LabelStudio
        from label_studio_sdk.core.api_error import ApiError

        local = self.url.split("//")[-1].split(":")[0] in ("127.0.0.1", "localhost")
        web = httpx.Client(timeout=self._timeout, follow_redirects=False, trust_env=not local)
        try:
            sdk = LabelStudio(base_url=self.url, api_key=self._token, httpx_client=web)
        except ApiError as error:
            raise self._wrong_token(401) from error
        return sdk._client_wrapper.httpx_client

    def check(self) -> None:
        """Find out who answers, who we are to it, and its version.

        Raises:
            StudioError: As told by :func:`connect`.
        """
        health = self._read("/health")
        if not isinstance(health, dict) or health.get("status") != "UP":
            raise self._stranger(f"/health said {str(health)[:80]!r}")
        who = self._read("/api/current-user/whoami")
        if not isinstance(who, dict) or "email" not in who:
            raise self._stranger("/api/current-user/whoami named no user")
        self.user = who["email"]
        self.version = str(self._read("/api/version/").get("release", ""))
        if self.version not in TESTED_VERSIONS:
            log.warning(
                "Label Studio %s at %s: copydesk was tested with %s",
                self.version or "of unknown version",
                self.url,
                ", ".join(TESTED_VERSIONS),
            )

    # the three ways to ask

    def get(self, path: str, **params: Any) -> Any:
        """Read JSON; asked again on no answer, 429 and 5xx, up to four times in all."""
        import tenacity

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = getattr(error, "retry_after", None)
            return min(asked, 60.0) if asked is not None else 0.5 * 2.0**state.attempt_number

        def passing(error: BaseException) -> bool:
            return isinstance(error, NoAnswerError) or (
                isinstance(error, RefusedError) and (error.status == 429 or error.status >= 500)
            )

        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(4),
            wait=wait,
            retry=tenacity.retry_if_exception(passing),
            sleep=self._sleep,
            reraise=True,
        )(self._send, "GET", path, None, params)

    def send(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Change something on the server: sent once, never again by itself.

        Args:
            method: The HTTP method.
            path: What to change.
            body: What to send; bytes are JSON already.
            params: The query.

        Raises:
            NoAnswerError: Nobody knows whether it was done.
            RefusedError: The server said no.
        """
        return self._send(method, path, body, params)

    def download(self, path: str, target: Path, **params: Any) -> None:
        """Stream an answer's bytes into a file; a broken stream leaves an error and no good file."""
        import httpx

        try:
            with (
                self._http.stream(path, method="GET", params=params, request_options=_OUR_OPTIONS) as answer,
                target.open("wb") as file,
            ):
                if answer.status_code >= 300:
                    answer.read()
                    raise self._refusal("GET", path, answer)
                for chunk in answer.iter_bytes(1 << 16):
                    file.write(chunk)
        except httpx.HTTPError as error:
            raise self._no_answer("GET", path, error) from error

    def _read(self, path: str) -> Any:
        return self._send("GET", path, None, {})

    def _send(self, method: str, path: str, body: Any, params: Mapping[str, Any]) -> Any:
        import httpx
        from label_studio_sdk.core.api_error import ApiError

        try:
            answer = self._request(method, path, body, params)
            if answer.status_code == 401 and self._token.count(".") == 2:
                # by a clock that was set back, the access token that stands for a personal one had not run out
                self.__dict__.pop("_http", None)
                answer = self._request(method, path, body, params)
            self.date = answer.headers.get("date", "")
            if answer.status_code >= 300:
                raise self._refusal(method, path, answer)
            return answer.json() if answer.content else None
        except ApiError as error:  # a personal access token that could not be exchanged
            raise self._wrong_token(error.status_code or 401) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._no_answer(method, path, error) from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise self._stranger(f"{path} answered no JSON") from error

    def _request(self, method: str, path: str, body: Any, params: Mapping[str, Any]) -> Any:
        content = body if body is None or isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        return self._http.request(
            path, method=method, content=content, headers=headers, params=dict(params), request_options=_OUR_OPTIONS
        )

    # what goes wrong, in words

    def _no_answer(self, method: str, path: str, error: Exception) -> NoAnswerError:
        kind = "did not answer in time" if "Timeout" in type(error).__name__ else "does not answer"
        return NoAnswerError(
            f"Label Studio {kind} ({method} {path}: {type(error).__name__})",
            where=self.url,
            hint="Is it running? copydesk studio status tells; copydesk studio start starts the desk's own.",
        )

    def _stranger(self, found: str) -> NoAnswerError:
        return NoAnswerError(
            f"expected Label Studio, but {found}",
            where=self.url,
            hint="Check the address: COPYDESK_STUDIO_URL, or studio.url in copydesk.toml.",
        )

    def _wrong_token(self, status: int) -> RefusedError:
        error = RefusedError(
            f"Label Studio does not accept the token {masked(self._token)} (HTTP {status})",
            where=self.url,
            hint="Take a fresh token from Account & Settings there and set COPYDESK_STUDIO_API_KEY; a legacy token"
            " must be allowed by the organisation.",
        )
        error.status = status
        return error

    def _refusal(self, method: str, path: str, answer: Any) -> RefusedError:
        if answer.status_code == 401:
            return self._wrong_token(answer.status_code)
        if answer.status_code < 400:
            return moved(self.url, f"{method} {path}", answer.status_code, answer.headers.get("location", ""))
        said = answer.text
        with contextlib.suppress(json.JSONDecodeError, AttributeError):
            raw = answer.json()
            said = json.dumps(raw.get("validation_errors") or raw.get("detail") or raw, ensure_ascii=False)
        said = said.replace(self._token, "***")[:400]
        error = RefusedError(
            f"Label Studio refused {method} {path} (HTTP {answer.status_code}): {said}",
            where=self.url,
            hint=f"The account {self.user} may not do this there." if answer.status_code == 403 else "",
        )
        error.status = answer.status_code
        error.retry_after = seconds(answer.headers.get("retry-after"))
        return error

    # what copydesk asks for

    def pages(
        self,
        project: int,
        include: Sequence[str],
        *,
        after: int = 0,
        since: str = "",
        full: bool = False,
        size: int = 250,
    ) -> Iterator[Any]:
        """Yield the tasks of a project in the order of their ids, only the named fields of each.

        A page is what comes behind the last id seen, so that a task deleted meanwhile moves no other out of sight.

        Args:
            project: The project.
            include: The fields, `id` among them.
            after: Only tasks with a larger id: those made since.
            since: Only tasks changed after this time of the server's, as it writes it.
            full: Make the server compute all fields.
            size: How many tasks a page has.

        Raises:
            NoAnswerError: The server ended the list before it had given as many tasks as it announced.
        """
        params: dict[str, Any] = {"project": project, "page": 1, "page_size": size, "include": ",".join(include)}
        if full:
            params["fields"] = "all"
        later = [_filter("updated_at", "Datetime", since)] if since else []
        seen, expected = 0, 0
        while True:
            if items := later + ([_filter("id", "Number", after)] if after else []):
                params["query"] = json.dumps({"filters": {"conjunction": "and", "items": items}})
            answer = self.get("/api/tasks", **params)
            total, tasks = answer["total"], answer["tasks"]
            del answer  # or two pages would be held at once, when the next one comes
            ids = [int(task["id"]) for task in tasks]
            if ids != sorted(ids) or (ids and ids[0] <= after):
                raise self._stranger(f"the task list of project {project} is not in the order of its ids")
            tasks.reverse()
            while tasks:
                yield tasks.pop()
            seen += len(ids)
            if not ids and seen < max(total, expected):
                now = self.task_count(project)  # some may have been deleted since they were announced
                if total or now > seen:
                    raise self._stranger(f"the task list of project {project} ended at {seen} of {max(now, expected)}")
            if total <= len(ids):
                return
            expected = seen - len(ids) + total
            after = ids[-1]

    def task_count(self, project: int) -> int:
        """Return how many tasks a project has."""
        return int(self.get("/api/tasks", project=project, page=1, page_size=1, include="id")["total"])

    @contextlib.contextmanager
    def snapshot(
        self, project: int, target: Path, *, tasks: Sequence[int] | None = None, title: str = "copydesk pull"
    ) -> Iterator[dict[str, Any]]:
        """Export tasks with all that hangs on them into a file; the server's copy is deleted afterwards.

        Args:
            project: The project.
            target: The file.
            tasks: Which; by default all.
            title: What the export is called while it is there.
        """
        options = {"only_id": False}
        body: dict[str, Any] = {
            "title": title,
            "serialization_options": {"drafts": options, "predictions": options, "annotations__completed_by": options},
            # without all three the server leaves out what was skipped and what is ground truth
            "annotation_filter_options": {"usual": True, "ground_truth": True, "skipped": True},
        }
        with contextlib.ExitStack() as stack:
            if tasks is not None:
                body["task_filter_options"] = {"view": stack.enter_context(self._selection(project, tasks, title))}
            yield stack.enter_context(self._export(project, target, body))

    @contextlib.contextmanager
    def _selection(self, project: int, tasks: Sequence[int], title: str) -> Iterator[int]:
        """Make a view of these tasks for as long as it takes; the export knows no other way to name tasks."""
        wanted = {"filter": "filter:tasks:id", "operator": "in_list", "type": "Number", "value": list(tasks)}
        data = {"title": title, "filters": {"conjunction": "and", "items": [wanted]}}
        view = self.send("POST", "/api/dm/views/", {"project": project, "data": data})
        number = int(view["id"])
        try:
            yield number
        finally:
            self._put_away(f"/api/dm/views/{number}/")

    def put_away(self, project: int, title: str) -> None:
        """Delete the exports and views with this title, which whoever made them was killed before deleting."""
        for made in self.get(f"/api/projects/{project}/exports/"):
            if made.get("title") == title:
                self._put_away(f"/api/projects/{project}/exports/{made['id']}")
        for view in self.get("/api/dm/views/", project=project):
            if (view.get("data") or {}).get("title") == title:
                self._put_away(f"/api/dm/views/{view['id']}/")

    def _put_away(self, path: str) -> None:
        with contextlib.suppress(StudioError):
            self.send("DELETE", path)

    @contextlib.contextmanager
    def _export(self, project: int, target: Path, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        made = self.send("POST", f"/api/projects/{project}/exports/", body)
        path = f"/api/projects/{project}/exports/{made['id']}"
        try:
            for attempt in range(600):
                if made["status"] not in ("created", "in_progress"):
                    break
                self._sleep(min(0.2 * 1.5**attempt, 5.0))
                made = self.get(path)
            if made["status"] != "completed":
                raise StudioError(
                    f"Label Studio could not export project {project}: status {made['status']}",
                    where=self.url,
                    hint="A task whose text holds a lone surrogate makes every export fail; the server's log names it.",
                )
            self.download(f"{path}/download", target, exportType="JSON")
            yield made
        finally:
            self._put_away(path)
