"""Give people what a change of the scheme leaves to them, and nothing else.

    pull ─► what is marked in words that the present scheme has not ─► a task for each such document ─► pull ─► decided

The tasks are in the adjudicator's project, in the present scheme's words, or in one beside it while that is still in the
old ones, which it has to be until all is decided. Beside the text stands what was marked where, and what it was called. What is answered stands as a decision, whatever becomes of the old marks; so then the migration
may drop them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from copydesk.corpus import Desk
from copydesk.schemas import OnProgress, silent

from .adjudication import AdjudicateResult, adjudicate
from .gold import pseudonyms
from .history import keep_migration
from .left_over import LeftOver, left_over
from .pull import pull

__all__ = ["MigrationTasks", "migration_tasks"]


@dataclass(frozen=True, slots=True)
class MigrationTasks:
    """What was given to people.

    Attributes:
        left_over: What they have to decide.
        sent: The tasks; None where there is nothing to decide.
    """

    left_over: tuple[LeftOver, ...]
    sent: AdjudicateResult | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What is to be decided, as a migration's ``drop`` names it."""
        return tuple(sorted({one.dispute.item for one in self.left_over}))


def migration_tasks(
    desk: Desk,
    *,
    migration: Path | None = None,
    on_progress: OnProgress = silent,
    sleep: Callable[[float], None] = time.sleep,
) -> MigrationTasks:
    """Make the tasks for what a migration leaves undecided; a second run makes only what is new.

    Args:
        desk: A desk whose settings name the new scheme; its projects may still be those of an older one.
        migration: A migration file, which the desk keeps from then on.
        on_progress: Told of every batch.
        sleep: How to wait before looking again after a lost answer.

    Raises:
        StudioError: No server.
        SchemeError: The migration cannot be read or does not fit the schemes.
        DeskError: Another copydesk is at work here.
    """
    if migration is not None:
        keep_migration(desk, migration)
    pull(desk, on_progress=on_progress)
    left = left_over(desk, pseudonyms(desk))
    if not left:
        return MigrationTasks(())
    beyond = {one.layer for one in left} - {"questions", *desk.settings.studio.layers}
    layers = sorted({*desk.settings.studio.layers, *beyond}) if beyond else ()
    return MigrationTasks(
        left, adjudicate(desk, layers=layers, only_left_over=True, on_progress=on_progress, sleep=sleep)
    )
