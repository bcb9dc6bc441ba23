"""Run a stage's items on a Ray cluster: the only place that knows Ray.

One actor per core holds the stage's function, and with it whatever the function keeps loaded (a model);
every item is one task of an actor. An actor that dies (a killed process, a lost machine) is made anew
and its item given to the next one; because a shard's output is written beside its place and renamed,
an item that was half done when its actor died leaves nothing behind.

The desk must be at the same path on every machine of the cluster: shared storage.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from copydesk.schemas import CopydeskError, DeskError, SettingsError

__all__ = ["run_on_ray"]

PATIENCE: Final = 3.0
"""Seconds without any result after which items are taken back from actors that have no core to run on."""
TRIES: Final = 3
"""How often an item is begun before its death counts as its own fault."""
_STORE: Final = 100_000_000
"""Bytes of Ray's object store on this machine: only file names and small results pass through it."""


def run_on_ray(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    workers: int,
    label: Callable[[Any], str],
    window: int,
    *,
    address: str = "",
) -> Iterator[tuple[int, Any]]:
    """Yield (index, result) for every item, in any order.

    Args:
        function: Pure, and importable wherever the actors run.
        items: Taken as they are needed.
        workers: At most how many actors; 0: one per core of the cluster, also of those that come later.
        label: Names an item in an error.
        window: No item is begun more than so many after the oldest unfinished one.
        address: Of a running cluster; empty: one is started on this machine and stopped at the end.

    Raises:
        SettingsError: Ray is not installed, or there is no cluster at this address.
        DeskError: An item's actor died :data:`TRIES` times.
    """
    ray = _ray()
    with _cluster(ray, address, workers):
        hall = _Hall(ray, function, workers, label)
        try:
            yield from hall.run(iter(enumerate(items)), window)
        finally:
            # also on Ctrl-C and on an error: whatever is under way is dropped, whatever is done is noted
            hall.close()


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing about a desk leaves the machine
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise SettingsError(
            "Ray is not installed", where="engine = ray", hint='pip install "copydesk[ray]", or engine = "processes".'
        ) from error
    return ray


@contextlib.contextmanager
def _cluster(ray: Any, address: str, workers: int) -> Iterator[None]:
    """Connect to a cluster, or start one here; leave alone what was there before."""
    if ray.is_initialized():
        yield
        return
    mine: dict[str, Any] = {"address": address}
    if not address:
        mine = {"address": "local", "num_cpus": workers or None, "object_store_memory": _STORE}
        mine["include_dashboard"] = False
    try:
        _knock(address)
        ray.init(**mine, log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise SettingsError(
            f"no Ray cluster can be reached or started: {error}",
            where=f"ray_address = {address!r}",
            hint="Start one with: ray start --head. Or leave ray_address empty for one on this machine.",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError where nobody answers at ``host:port``: Ray itself would wait for five minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()


class _Host:
    """Hold a stage's function in an actor, and call it."""

    def __init__(self, folder: str, path: list[str], function: bytes) -> None:
        from ray import cloudpickle

        # relative paths, and modules that only the driver's path finds, mean here what they mean there
        if Path(folder).is_dir():
            os.chdir(folder)
        sys.path += [place for place in path if place not in sys.path]
        self._function = cloudpickle.loads(function)

    def call(self, item: bytes) -> tuple[bool, Any]:
        """Return (True, result), or (False, error)."""
        from ray import cloudpickle

        try:
            return True, self._function(cloudpickle.loads(item))
        except Exception as error:
            if not isinstance(error, CopydeskError):
                error.add_note(traceback.format_exc())
            return False, error


class _Hall:
    """The actors of one run, and what each of them is doing."""

    def __init__(self, ray: Any, function: Callable[[Any], Any], workers: int, label: Callable[[Any], str]) -> None:
        from ray import cloudpickle

        self._ray = ray
        self._label = label
        host = ray.remote(num_cpus=1, max_restarts=0)(_Host)
        pickled = cloudpickle.dumps(function)
        self._make = functools.partial(host.remote, str(Path.cwd()), list(sys.path), pickled)
        self._at_most = workers
        self._idle: list[Any] = []
        self._proven: set[Any] = set()  # actors that have given a result, and so have a core
        self._busy: dict[Any, tuple[Any, int, Any, int]] = {}  # future -> actor, index, item, tries
        self._again: deque[tuple[int, Any, int]] = deque()

    def run(self, stream: Iterator[tuple[int, Any]], window: int) -> Iterator[tuple[int, Any]]:
        """Yield (index, result) until the stream and all that was begun are done."""
        while True:
            self._feed(stream, window)
            if not self._busy:
                return
            ready, _ = self._ray.wait(list(self._busy), num_returns=1, timeout=PATIENCE)
            if not ready:
                self._take_back()
            for future in ready:
                yield from self._collect(future)

    def close(self) -> None:
        """Stop every actor, whatever it does."""
        for actor in [*self._idle, *(actor for actor, *_ in self._busy.values())]:
            self._ray.kill(actor)
        self._idle, self._busy = [], {}

    def _wanted(self) -> int:
        """Return how many actors the cluster has cores for at this moment: machines come and go."""
        cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        return min(self._at_most or cores, cores)

    def _take_back(self) -> None:
        """Take the items back from the newest actors, where there are more than cores: they wait for a lost machine.

        Whoever has a core already goes on with them; an item that was begun after all is simply done again.
        """
        surplus = len(self._busy) + len(self._idle) - self._wanted()
        for future, (actor, index, item, tries) in reversed(list(self._busy.items())):
            if surplus > 0 and actor not in self._proven:
                surplus -= 1
                del self._busy[future]
                self._ray.kill(actor)
                self._again.append((index, item, tries - 1))

    def _feed(self, stream: Iterator[tuple[int, Any]], window: int) -> None:
        wanted = self._wanted()
        while len(self._busy) < wanted:
            under_way = [index for _, index, _, _ in self._busy.values()]
            if self._again:
                index, item, tries = self._again.popleft()
            elif under_way and max(under_way) - min(under_way) >= window:
                return
            else:
                following = next(stream, None)
                if following is None:
                    return
                (index, item), tries = following, 0
            actor = self._idle.pop() if self._idle else self._make()
            future = actor.call.remote(self._ray.cloudpickle.dumps(item))
            self._busy[future] = (actor, index, item, tries + 1)

    def _collect(self, future: Any) -> Iterator[tuple[int, Any]]:
        actor, index, item, tries = self._busy.pop(future)
        try:
            fine, result = self._ray.get(future)
        except (self._ray.exceptions.RayActorError, self._ray.exceptions.ObjectLostError) as error:
            # the actor's machine was lost, or only the result that lay on it
            self._ray.kill(actor)
            if tries < TRIES:
                self._again.append((index, item, tries))
                return
            raise DeskError(
                f"its worker died {tries} times on the Ray cluster",
                where=self._label(item),
                hint="Memory may have run out. Run it again: what is done stays done.",
            ) from error
        self._idle.append(actor)
        self._proven.add(actor)
        if not fine:
            raise result
        yield index, result
