"""Send tasks to a server in batches so that each arrives once, whatever happens on the way.

Nothing is sent again before we have looked whether it is there: by the keys of all tasks made since the last one that
we know of. A server stores a request whole or not at all. Batches take what the server takes: what is too large, or
too slow, or breaks it, is halved, down to the one task that it will not have; what goes well lets them grow again.
The next batch is made while the server is at work on this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from copydesk.schemas import Removed, StudioError

from .client import NoAnswerError, RefusedError, StudioClient
from .project import Project

__all__ = ["Pace", "Parcel", "Sender"]

TRIES: Final = 4
CALM: Final = 3
"""Batches that go well before they grow."""
LONGEST_WAIT: Final = 60.0
SETTLE: Final = {True: (1.0, 2.0, 4.0, 8.0, 15.0, 30.0), False: (1.0, 2.0)}
"""Seconds to wait before looking what became of a request; longer where the server may still be at work on it."""
REFUSED: Final = "refused by the server"
UNCLEAR: Final = (408, 409, 429)
"""Refusals that say nothing about what was sent."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A task as it goes out: its key, its document, how many predictions it has, and its JSON."""

    key: str
    document_id: str
    predictions: int
    body: bytes


@dataclass(slots=True)
class Pace:
    """How much goes into a batch: what is asked for, and what the server takes at present.

    Attributes:
        most: Tasks in a batch at most.
        most_bytes: Bytes of a batch at most; a task that alone has more is a batch of its own.
    """

    most: int
    most_bytes: int
    number: int = 0
    size: int = 0
    calm: int = 0

    def __post_init__(self) -> None:
        self.number, self.size = self.most, self.most_bytes

    def slower(self, batch: Sequence[Parcel]) -> None:
        """Take half of what was too much."""
        self.number = max(1, len(batch) // 2)
        self.size = max(1, sum(len(parcel.body) for parcel in batch) // 2)
        self.calm = 0

    def went_well(self) -> None:
        """Take more again after a while."""
        self.calm += 1
        if self.calm >= CALM:
            self.number, self.size = min(self.most, 2 * self.number), min(self.most_bytes, 2 * self.size)
            self.calm = 0

    def cut(self, batch: list[Parcel]) -> tuple[list[Parcel], list[Parcel]]:
        """Return as much of a batch as the server takes at present, one task at least, and the rest."""
        count, held = 0, 0
        for parcel in batch[: self.number]:
            held += len(parcel.body)
            if count and held > self.size:
                break
            count += 1
        return batch[:count], batch[count:]

    def batches(self, parcels: Iterator[Parcel]) -> Iterator[list[Parcel]]:
        """Yield batches of the present size."""
        batch: list[Parcel] = []
        held = 0
        for parcel in parcels:
            if batch and (len(batch) >= self.number or held + len(parcel.body) > self.size):
                yield batch
                batch, held = [], 0
            batch.append(parcel)
            held += len(parcel.body)
        if batch:
            yield batch


@dataclass(slots=True)
class Sender:
    """Brings tasks to one project.

    Attributes:
        client: An open connection.
        project: The project.
        pace: How much goes into a batch.
        sleep: How to wait.
        last: The largest task id known: what has a larger one was made since.
        created: Tasks that arrived.
        failed: Tasks that the server would not have, and its words.
        troubled: Whether anything went another way than it should, so that somebody should look over the whole.
    """

    client: StudioClient
    project: Project
    pace: Pace
    sleep: Callable[[float], None]
    last: int = 0
    created: int = 0
    failed: list[Removed] = field(default_factory=list)
    troubled: bool = False

    def send(self, parcels: Iterator[Parcel]) -> Iterator[int]:
        """Send everything; yield after every batch how many tasks are settled, arrived or refused.

        Raises:
            StudioError: The server does not come back, or refuses us altogether.
        """
        for batch in _ahead(self.pace.batches(parcels)):
            self._deliver(batch)
            yield self.created + len(self.failed)

    def _deliver(self, batch: list[Parcel]) -> None:
        waiting = [batch]
        strikes, patience = 0, TRIES
        while waiting:
            chunk, rest = self.pace.cut(waiting.pop())
            waiting += [rest] if rest else []
            trouble = self._attempt(chunk)
            if trouble is None:
                self.pace.went_well()
                strikes = 0
            elif _is_clear(trouble):
                if _status(trouble) == 413:
                    self.pace.slower(chunk)
                waiting += self._halves(chunk, trouble)
            else:
                strikes += 1
                missing = self._missing(chunk, trouble, strikes)
                if _is_too_much(trouble):
                    self.pace.slower(chunk)
                    patience = TRIES + len(batch).bit_length()
                if missing and strikes >= patience:
                    raise _gone(trouble, len(missing) + sum(map(len, waiting)), self.client.url)
                if not missing:
                    strikes = 0
                elif _status(trouble) == 500 and strikes > 1:
                    waiting += self._halves(missing, trouble)
                else:
                    waiting.append(missing)

    def _halves(self, chunk: list[Parcel], trouble: StudioError) -> list[list[Parcel]]:
        """Return the halves of a batch that the server will not have, the first one last; one alone has failed."""
        if len(chunk) == 1:
            detail = Removed(chunk[0].document_id, "push", REFUSED, f"task of {chunk[0].document_id}", trouble.message)
            self.failed.append(detail)
            return []
        middle = len(chunk) // 2
        return [chunk[middle:], chunk[:middle]]

    def _attempt(self, chunk: Sequence[Parcel]) -> StudioError | None:
        """Send a batch once; return what went wrong.

        Raises:
            RefusedError: The server does not know us, or the project is gone.
        """
        body = b"[" + b",".join(parcel.body for parcel in chunk) + b"]"
        path = f"/api/projects/{self.project.id}/import"
        try:
            answer = self.client.send("POST", path, body, return_task_ids=True)
        except RefusedError as error:
            if error.status in (401, 403, 404):
                raise
            return error
        except NoAnswerError as error:
            return error
        if not isinstance(answer, dict) or "task_count" not in answer:
            return NoAnswerError("Label Studio does not say what it imported", where=self.client.url)
        self._count(chunk, answer)
        return None

    def _count(self, chunk: Sequence[Parcel], answer: dict[str, Any]) -> None:
        self.created += len(chunk)
        wanted = sum(parcel.predictions for parcel in chunk)
        if (answer["task_count"], answer.get("prediction_count")) != (len(chunk), wanted):
            self.troubled = True  # predictions can get lost behind a success; the sweep at the end finds which
        self.last = max((self.last, *map(int, answer.get("task_ids") or ())))

    def _missing(self, chunk: list[Parcel], trouble: StudioError, strikes: int) -> list[Parcel]:
        """Look which tasks did arrive although the answer did not; wait while the server may still be at work."""
        self.troubled = True
        if isinstance(trouble, RefusedError):
            asked = trouble.retry_after
            self.sleep(min(2.0 ** (strikes - 1) if asked is None else asked, LONGEST_WAIT))
        wanted = {parcel.key for parcel in chunk}
        patient = _status(trouble) in (0, 408, 504)
        for seconds in SETTLE[patient]:
            self.sleep(seconds)
            found: set[str] = set()
            for task in self.client.pages(self.project.id, ("id", "data"), after=self.last):
                found.update(wanted.intersection([str((task.get("data") or {}).get("copydesk_key"))]))
            if found:
                self.created += len(found)
                return [parcel for parcel in chunk if parcel.key not in found]
        return chunk


def _status(trouble: StudioError) -> int:
    """Return the HTTP status; 0 where there was no answer."""
    return trouble.status if isinstance(trouble, RefusedError) else 0


def _is_clear(trouble: StudioError) -> bool:
    """Tell whether a server said that it will not have what was sent."""
    return 400 <= _status(trouble) < 500 and _status(trouble) not in UNCLEAR


def _is_too_much(trouble: StudioError) -> bool:
    """Tell whether less could go better: no answer in time, or a server that broke over it."""
    return _status(trouble) in (0, 500, 504)


def _gone(trouble: StudioError, left: int, url: str) -> StudioError:
    return StudioError(
        f"{trouble.message}; {left} tasks of this batch are not on the server",
        where=url,
        hint="Everything else is; run copydesk push again to go on.",
    )


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield items, making the next one while this one is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="push") as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item
