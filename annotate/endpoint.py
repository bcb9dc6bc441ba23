"""Ask a language model behind the user's own address: the model ``copydesk.Chat.v1`` for spacy-llm.

spacy-llm's own models ask their makers' servers before the first prompt, whatever endpoint is set, so none
of them can be used with a server of one's own. This one speaks the chat-completions form that such
servers (vLLM, llama.cpp, Ollama and others) share, and nothing is sent anywhere but to `url`::

    [suggest.entities]
    factory = "llm"
    [suggest.entities.config.task]
    "@llm_tasks" = "spacy.NER.v3"
    labels = ["PERSON", "ARMED_ACTOR", "WEAPON"]
    [suggest.entities.config.model]
    "@llm_models" = "copydesk.Chat.v1"
    url = "http://127.0.0.1:8000/v1/chat/completions"
    name = "the-model"

The key, where the server wants one, is read from the environment and is nowhere else.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final, Iterable  # noqa: UP035  (spacy-llm compares the annotations as typing's)

import tenacity

__all__ = ["KEY_VARIABLE", "Chat", "chat", "offer"]

KEY_VARIABLE: Final = "COPYDESK_LLM_API_KEY"
_PASSING: Final = (429, 500, 502, 503, 504)


class Chat:
    """A model behind an address, as spacy-llm calls it.

    Args:
        url: Where to post, whole.
        name: The model's name there.
        context_length: In tokens; longer documents are cut into several prompts by spacy-llm.
        settings: Sent along, such as ``temperature``.
        timeout: Seconds to wait for an answer.
        tries: How often a request is sent that gets a passing error (too many requests, server not ready).
    """

    def __init__(
        self, url: str, name: str, *, context_length: int, settings: Mapping[str, Any], timeout: float, tries: int
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, found {url!r}")
        self._url = url
        self._name = name
        self._settings = dict(settings)
        self._timeout = timeout
        self._ask = tenacity.retry(
            stop=tenacity.stop_after_attempt(tries),
            wait=tenacity.wait_exponential(multiplier=1, max=30),
            retry=tenacity.retry_if_exception(_passes),
            reraise=True,
        )(self._post)
        self.context_length = context_length

    def __call__(self, prompts: Iterable[Iterable[Any]]) -> Iterable[Iterable[Any]]:
        """Return an answer for every prompt of every document.

        Raises:
            ConnectionError: The server cannot be reached, or answers with an error or in another form.
        """
        return [[self._answer(prompt) for prompt in of_document] for of_document in prompts]

    def _answer(self, prompt: str) -> str:
        try:
            answer = json.loads(self._ask(prompt))
            return str(answer["choices"][0]["message"]["content"])
        except urllib.error.HTTPError as error:
            # the body may repeat the request's headers: only the status is told
            raise ConnectionError(f"{self._url} answered {error.code} {error.reason}") from None
        except OSError as error:
            raise ConnectionError(f"{self._url} cannot be reached: {error}") from None
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise ConnectionError(f"{self._url} answered in another form than chat completions: {error!r}") from None

    def _post(self, prompt: str) -> bytes:
        body = {"model": self._name, "messages": [{"role": "user", "content": prompt}], **self._settings}
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(KEY_VARIABLE):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)  # noqa: S310  (checked above)
        with urllib.request.urlopen(request, timeout=self._timeout) as reply:  # noqa: S310
            return bytes(reply.read())


def _passes(error: BaseException) -> bool:
    return error.code in _PASSING if isinstance(error, urllib.error.HTTPError) else isinstance(error, TimeoutError)


def chat(
    url: str,
    name: str,
    context_length: int = 8_000,
    settings: Mapping[str, Any] = {"temperature": 0.0},
    timeout: float = 120.0,
    tries: int = 3,
) -> Chat:
    """Make the model; registered with spacy-llm as ``copydesk.Chat.v1``. See :class:`Chat` for the settings."""
    return Chat(url, name, context_length=context_length, settings=settings, timeout=timeout, tries=tries)


def offer() -> None:
    """Register the model with spacy-llm; where that is not installed, do nothing."""
    try:
        from spacy_llm.registry import registry
    except ImportError:
        return
    registry.llm_models.register("copydesk.Chat.v1", func=chat)
