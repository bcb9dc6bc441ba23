"""Say of every stage how much of what it made is up to date, from the keys in ``state.json``: nothing is run.

A stage depends on its own settings and on the content of what it reads, and on nothing else::

    [ingest] ──► articles ──┬──► segments ────────────────┐
                            ├──► signatures ──► clusters ─┤
                            │             [dedupe] ──┘    ▼
                            └──────────────────────► suggestions ◄── [suggest]

so another ``[dedupe]`` leaves articles and segments as they are, and another ``[suggest]`` leaves all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .dedupe import clusters_key
from .desk import Desk
from .engine import Shard
from .intake import ingest_key
from .segment import segment_shards
from .signatures import sign_shards

__all__ = ["StageStanding", "shards_standing", "stages"]


@dataclass(frozen=True, slots=True)
class StageStanding:
    """How much of what a stage made is up to date, in shards.

    Attributes:
        stage: Its name.
        done: Shards made from what is there now, under the settings of now.
        outdated: Shards made from something else, or under other settings.
        missing: Shards not made yet.
        next: The command that brings it up to date; empty where nothing is to do.
    """

    stage: str
    done: int
    outdated: int
    missing: int
    next: str = ""


def stages(desk: Desk) -> tuple[StageStanding, ...]:
    """Return the standing of ingest, sign, dedupe and segment, in this order. Reads the articles shards, to hash them."""
    return (
        _ingest(desk),
        shards_standing(desk, "sign", sign_shards(desk), "copydesk ingest"),
        _dedupe(desk),
        shards_standing(desk, "segment", segment_shards(desk), "copydesk ingest"),
    )


def shards_standing(desk: Desk, stage: str, shards: Sequence[Shard], command: str) -> StageStanding:
    """Return the standing of a stage that the engine runs shard by shard.

    Args:
        desk: Whose.
        stage: The name under which its keys are noted; up to the first blank it is what people read.
        shards: All of it, as it would be run now.
        command: Runs it.
    """
    noted = desk.state().get(stage, {})
    made = [shard for shard in shards if shard.output.exists() and shard.name in noted]
    done = sum(noted[shard.name] == shard.key for shard in made)
    return _standing(stage.partition(" ")[0], done, len(made) - done, len(shards) - len(made), command)


def _standing(stage: str, done: int, outdated: int, missing: int, command: str) -> StageStanding:
    return StageStanding(stage, done, outdated, missing, command if outdated or missing else "")


def _ingest(desk: Desk) -> StageStanding:
    """Articles stay as they are for ever; other settings mean that their sources may be worth another look."""
    noted, key = desk.state().get("ingest", {}), ingest_key(desk.settings.ingest)
    parts = desk.parts("articles")
    done = sum(noted.get(part.stem) == key for part in parts)
    return _standing("ingest", done, len(parts) - done, 0, "copydesk ingest with the same sources")


def _dedupe(desk: Desk) -> StageStanding:
    if not desk.parts("articles"):
        return StageStanding("dedupe", 0, 0, 0)
    done = desk.done("dedupe", "part-all")
    missing = done is None or not (desk.path / "clusters" / "part-all.parquet").exists()
    outdated = not missing and done != clusters_key(desk)
    return _standing("dedupe", int(not missing and not outdated), int(outdated), int(missing), "copydesk ingest")
