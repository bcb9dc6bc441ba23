"""Answer Label Studio's calls: the one door to FastAPI and uvicorn.

Three small applications stand here, and what runs them. One takes webhooks for :mod:`.watch`: the server says that
something changed, and nothing more is believed. Another shows pages on this machine, for `copydesk browse`. The third
is a machine-learning backend, with the answers of :mod:`.answers`::

    GET  /health    are you there          POST /setup    which version are you
    POST /predict   suggest on these       GET  /versions POST /webhook   heard, and nothing done

Who asks the first or the third must know the secret: a header for webhooks, a password for the rest. All but ``/health`` is refused without
it, before a body is read. Label Studio sends its owner's access token to ``/setup``; that body is read to its end,
as the connection needs, and thrown away unparsed. Nothing that comes in is ever logged: articles are hostile.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from copydesk.schemas import CopydeskError, StudioError

__all__ = ["HOOK_HEADER", "USER", "Answered", "Answering", "backend_app", "basic", "hook_app", "listening", "page_app"]

HOOK_HEADER: Final = "X-Copydesk-Secret"
USER: Final = "copydesk"
LARGEST_HOOK: Final = 1 << 20
"""Bytes of a webhook: ours carry a word, somebody else's may carry a task."""
LARGEST_ASKED: Final = 64 << 20
"""Bytes of a question: the server asks about a page of tasks at once, with their texts and annotations."""
PATIENCE: Final = 10.0
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

log = logging.getLogger(__name__)


class Answering(Protocol):
    """What a backend has to know."""

    @property
    def model_version(self) -> str:
        """How the pipeline is called on the server."""

    def predict(self, tasks: Sequence[Any], context: Mapping[str, Any] | None) -> list[Any]:
        """Return one answer per task."""


def basic(password: str, user: str = USER) -> str:
    """Return the ``Authorization`` header of a user with a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _knows(given: str | None, secret: str) -> bool:
    return hmac.compare_digest((given or "").encode("utf-8", "surrogateescape"), secret.encode())


def _application() -> Any:
    from fastapi import FastAPI

    # no pages that describe it: they load scripts from elsewhere
    return FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


async def _body(request: Any, largest: int) -> bytes:
    """Return a body that is no larger than it may be.

    Raises:
        HTTPException: 413; what was announced too large is not read at all.
    """
    from fastapi import HTTPException

    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > largest:
        raise HTTPException(413, "too large")
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            raise HTTPException(413, "too large")
        parts.append(part)
    return b"".join(parts)


def hook_app(secret: str, path: str, on_change: Callable[[], None]) -> Any:
    """Return the application that hears webhooks.

    Args:
        secret: What :data:`HOOK_HEADER` must say.
        path: Where the hooks arrive, such as ``/copydesk/desk``.
        on_change: Called, from another thread, for each.
    """
    from fastapi import HTTPException, Request, Response

    app = _application()

    async def heard(request: Any) -> Any:
        if not _knows(request.headers.get(HOOK_HEADER), secret):
            raise HTTPException(401, "wrong secret")
        await _body(request, LARGEST_HOOK)  # it says what changed; the pull finds that out by itself
        on_change()
        return Response(status_code=204)

    heard.__annotations__ = {"request": Request}  # FastAPI looks at it, and this module imports nothing of it before
    app.add_api_route(path, heard, methods=["POST"])
    return app


def backend_app(backend: Answering, password: str) -> Any:
    """Return the application that Label Studio knows as a machine-learning backend.

    Args:
        backend: What answers.
        password: What the user :data:`USER` must give.
    """
    from fastapi import HTTPException, Request
    from fastapi.concurrency import run_in_threadpool

    app = _application()
    secret = basic(password)

    def admit(request: Any) -> None:
        if not _knows(request.headers.get("authorization"), secret):
            raise HTTPException(401, "wrong password", {"WWW-Authenticate": "Basic"})

    async def health() -> dict[str, str]:
        return {"status": "UP", "model_class": "copydesk"}

    async def setup(request: Any) -> dict[str, str]:
        admit(request)
        await _body(request, LARGEST_ASKED)  # it holds an access token: nobody looks
        return {"model_version": await run_in_threadpool(_version, backend)}

    async def versions(request: Any) -> dict[str, list[str]]:
        admit(request)
        return {"versions": [await run_in_threadpool(_version, backend)]}

    async def webhook(request: Any) -> dict[str, str]:
        admit(request)
        await _body(request, LARGEST_ASKED)
        return {"status": "nothing to do: copydesk pull brings home what people did"}

    async def predict(request: Any) -> dict[str, list[Any]]:
        admit(request)
        tasks, context = _asked(await _body(request, LARGEST_ASKED))
        return {"results": await run_in_threadpool(_answers, backend, tasks, context)}

    for handler in (setup, versions, webhook, predict):
        handler.__annotations__ = {"request": Request}
    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/setup", setup, methods=["POST"])
    app.add_api_route("/versions", versions, methods=["GET", "POST"])
    app.add_api_route("/webhook", webhook, methods=["POST"])
    app.add_api_route("/predict", predict, methods=["POST"])
    return app


@dataclass(frozen=True, slots=True)
class Answered:
    """A page.

    Attributes:
        status: 200, or 404 where there is none.
        html: What it says.
    """

    status: int
    html: str


def page_app(answer: Callable[[str, Sequence[tuple[str, str]]], Answered]) -> Any:
    """Return an application that shows pages and does nothing else.

    It answers to the names of this machine alone: a page from elsewhere whose name was made to lead here gets nothing.
    Pages run no script and load nothing.

    Args:
        answer: From a path and a query to a page; called from several threads.
    """
    from fastapi import Request, Response
    from fastapi.concurrency import run_in_threadpool

    app = _application()

    async def page(request: Any) -> Any:
        if request.headers.get("host", "").rpartition(":")[0] not in ("127.0.0.1", "localhost"):
            return Response("This page answers to 127.0.0.1 alone.", 421, media_type="text/plain")
        with _told():
            made = await run_in_threadpool(answer, request.url.path, request.query_params.multi_items())
        return Response(made.html, made.status, dict(_PAGE_HEADERS), "text/html; charset=utf-8")

    page.__annotations__ = {"request": Request}
    app.add_api_route("/{path:path}", page, methods=["GET", "HEAD"])
    return app


def _asked(body: bytes) -> tuple[list[Any], Mapping[str, Any] | None]:
    """Return the tasks that a body asks about, and what somebody has just drawn.

    Raises:
        HTTPException: 400, the body is something else.
    """
    from fastapi import HTTPException

    try:
        said = json.loads(body)
        tasks = said["tasks"]
        context = (said.get("params") or {}).get("context")
        if not isinstance(tasks, list) or not isinstance(context, dict | None):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # `from None`: the message of a JSON error can repeat the text
        raise HTTPException(400, f"expected tasks as JSON ({type(error).__name__})") from None
    return tasks, context


def _version(backend: Answering) -> str:
    with _told():
        return backend.model_version


def _answers(backend: Answering, tasks: list[Any], context: Mapping[str, Any] | None) -> list[Any]:
    with _told():
        return backend.predict(tasks, context)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what goes wrong into an answer that says little, and a line of the log that says what."""
    from fastapi import HTTPException

    try:
        yield
    except CopydeskError as error:
        log.warning("cannot answer: %s", error.message)
        raise HTTPException(503, "copydesk cannot answer; its own screen says why") from None
    except Exception as error:
        log.warning("a fault while answering: %s", type(error).__name__)
        log.debug("the fault", exc_info=True)  # its message may repeat an article
        raise HTTPException(500, "a fault in copydesk; its own screen says which") from None


# running


@contextlib.contextmanager
def listening(app: Any, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Run an application in a thread of its own for as long as it takes; yield its port.

    Args:
        app: The application.
        host: The address to listen on; other machines reach it only where somebody chose theirs.
        port: The port; 0 for any free one.

    Raises:
        StudioError: Nobody can listen there.
    """
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except (OSError, OverflowError) as error:
            raise StudioError(
                f"cannot listen on {host}, port {port}: {getattr(error, 'strerror', None) or error}",
                hint="Choose another with --port or --host; --port 0 takes any that is free.",
            ) from error
        settings = uvicorn.Config(
            app,
            log_config=None,  # its lines go nowhere, or where the program's do
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=3,
            limit_concurrency=64,
        )
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, args=([bound],), name="copydesk live", daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield int(bound.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def _await_start(server: Any, thread: threading.Thread) -> None:
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise StudioError("the listener for Label Studio's calls did not start")
        time.sleep(0.01)
