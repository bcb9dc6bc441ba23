"""Make the tasks of a document: in which arm, under which keys, showing what.

A document whose task is on the server in some arm stays in it, whatever the shares of the arms are now. In the arm
``blind`` the suggestion is sent empty instead of not at all, because a server offers tasks without one last: whom
nothing is shown to would come when all else is done, and what the arm is there to measure with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from copydesk.corpus import ArmSettings
from copydesk.schemas import Annotations, Document, LabelScheme, Suggestion

from .arms import ARMS, Arm, assigned_arm
from .decoys import decoy
from .focus import focus_keys, focus_tasks
from .focus_places import older_key, read_focus
from .outgoing import Order
from .server_tasks import ServerTasks
from .shown import Layout, limit
from .tasks import encode, key_arm, task_key
from .wire import Task

__all__ = ["TaskMaker", "Unit"]

EMPTY_KEY: Final = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """What becomes one task.

    Attributes:
        key: The task's key, under which it is pushed once.
        document: The document.
        suggestion: What the pipeline suggests about it, all layers of it; None where there is nothing.
        arm: The arm of the document.
        focus: Of the focus layout, the mention that the task is about.
    """

    key: str
    document: Document
    suggestion: Suggestion | None
    arm: Arm
    focus: str = ""


@dataclass(frozen=True, slots=True)
class TaskMaker:
    """Makes the tasks of one project.

    Attributes:
        scheme: The scheme as the project shows it.
        layout: What a task is.
        arms: The desk's arms.
        order: The desk's queue.
    """

    scheme: LabelScheme
    layout: Layout
    arms: ArmSettings
    order: Order

    @property
    def scheme_part(self) -> str:
        """What every key of this project says of scheme and layers."""
        return "/".join(task_key(EMPTY_KEY, self.scheme).split("/")[1:3])

    def part(self, document_id: str, arm: Arm) -> str:
        """Return what the keys of a document's tasks begin with; in the layout ``document`` the key of its one task."""
        return task_key(document_id, self.scheme, arm=arm, salt=self.arms.salt)

    def arm(self, document_id: str, there: ServerTasks) -> tuple[Arm, bool]:
        """Return the arm that a document is in, and whether it has a task on the server."""
        assigned = assigned_arm(document_id, self.arms)
        for arm in (assigned, *ARMS) if len(there) else ():
            if there.has_part(self.part(document_id, arm)):
                return arm, True
        return assigned, False

    def units(self, document: Document, suggestion: Suggestion | None, arm: Arm) -> list[Unit]:
        """Return what a document's tasks are, without making them."""
        if self.layout == "document":
            return [Unit(self.part(document.id, arm), document, suggestion, arm)]
        said = self._focused(document, suggestion, arm)
        keys = focus_keys(document, said, self.scheme, arm=arm, salt=self.arms.salt)
        return [Unit(key, document, suggestion, arm, key.split("/")[-1]) for key in keys]

    def tasks(self, units: Sequence[Unit]) -> Iterator[Task]:
        """Yield the tasks of units of one document.

        Raises:
            SchemeError: Something suggested does not fit the scheme, or would break a screen or an export.
            OffsetError: A span does not fit the document's text.
        """
        if not units:
            return
        first = units[0]
        more: dict[str, Any] = {"arm": first.arm, "salt": self.arms.salt}
        more["priority"] = self.order.priority(first.document.id)
        if self.layout == "document":
            said = self._presented(first.document, first.suggestion, first.arm)
            yield encode(first.document, said, self.scheme, **more)
            return
        said = self._focused(first.document, first.suggestion, first.arm)
        wanted = {unit.focus: unit.key for unit in units}
        for task in focus_tasks(first.document, said, self.scheme, **more):
            if (key := wanted.get(task["data"]["focus"])) is not None:
                task["data"] |= {"copydesk_key": key, "focus": key.split("/")[-1]}
                yield task

    def unit_of(self, key: str, document: Document, suggestion: Suggestion | None) -> Unit | None:
        """Return the unit of a task that is on the server; None where it is no task of this project's."""
        arm = next((arm for arm in ARMS if arm == key_arm(key, self.arms.salt)), None)
        if arm is None:
            return None
        units = self.units(document, suggestion, arm)
        found = [unit for unit in units if unit.key == key] or [unit for unit in units if older_key(unit.key) == key]
        return replace(found[0], key=key) if len(found) == 1 else None  # an older key of several: nobody can tell

    def missing(self, units: Sequence[Unit], there: ServerTasks, asked: Callable[[int], str]) -> list[Unit]:
        """Return the units of one document that have no task on the server, under whatever key.

        Args:
            units: All units of the document.
            there: What is on the server.
            asked: Tells the label of the mention that a task of an older copydesk is about, by the task's id: where
                several mentions have one span, its key names the one that came first when it was pushed.
        """
        known: dict[str, str] = {}
        places = Counter(older_key(unit.key) for unit in units)
        found = []
        for unit in units:
            place = older_key(unit.key)
            if there.find(unit.key) is not None:
                continue
            older = there.find(place)
            if older is not None and places[place] > 1 and place not in known:
                known[place] = asked(older.id) or _label(unit)
            if older is None or known.get(place, _label(unit)) != _label(unit):
                found.append(unit)
        return found

    def _presented(self, document: Document, suggestion: Suggestion | None, arm: Arm) -> Suggestion | None:
        if suggestion is None:
            return None
        said = limit(suggestion.annotations, self.scheme)
        if arm == "blind":
            said = Annotations(document.id, document.sha256)
        shown = Suggestion(said, suggestion.pipeline, suggestion.read, suggestion.score)
        return decoy(document, shown, self.scheme, salt=self.arms.salt) if arm == "decoy" else shown

    def _focused(self, document: Document, suggestion: Suggestion | None, arm: Arm) -> Suggestion | None:
        """Return what the focus layout makes tasks of; of a decoy only stances are wrong: mentions are the question."""
        if suggestion is None or arm != "decoy":
            return suggestion
        stance = [label for label in self.scheme.labels if label.layer == "stance"]
        only = self.scheme.model_copy(update={"labels": stance})
        return decoy(document, suggestion, only, salt=self.arms.salt)


def _label(unit: Unit) -> str:
    place = read_focus(unit.focus)
    return place.label if place else ""
