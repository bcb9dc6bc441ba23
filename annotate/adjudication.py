"""Put what people do not agree on before an adjudicator: a project of its own, a task for each document.

    gold ─► what is open ─► a task for each document with the versions of now ─► take away what nobody needs any more

A task is known by the digest of the versions that it shows. Where nobody has changed anything it is there already;
where somebody has, and no adjudicator has begun, the newer task takes the place of the old one. The decisions come home
with the next pull, and gold is made with them.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from copydesk.corpus import Desk, record_removed
from copydesk.schemas import (
    LabelScheme,
    OffsetError,
    OnProgress,
    Progress,
    Removed,
    SchemeError,
    StudioError,
    config_scheme,
    silent,
)

from .client import StudioClient, connect
from .consensus import Disagreement
from .decisions import Verdict
from .gold import GoldResult, gold, pseudonyms
from .ledger import by_id
from .left_over import LeftOver, left_over
from .project import Project, ensure_project, find_project
from .project_notes import ADJUDICATION, adjudication_beside
from .proposal import PROPOSAL, Case, adjudication_task, judged_digest
from .second_opinions import SecondOpinions
from .sending import Pace, Parcel, Sender
from .server_tasks import FIELDS, take_away
from .shown import shown_scheme
from .tasks import adjudication_key, is_adjudication

__all__ = ["AdjudicateResult", "Cases", "adjudicate", "adjudication_cases"]

PUSHED: Final = "adjudicate"
BATCH: Final = 100
BATCH_BYTES: Final = 16_000_000
HELD: Final = 500
"""Documents held at a time, with all versions of each."""


@dataclass(frozen=True, slots=True)
class Cases:
    """What there is to adjudicate.

    Attributes:
        documents: The documents that need a decision, most disputed first.
        disagreed: Every document on which people differ in anything that the project shows and nobody has decided, or
            which has a stale decision.
        beyond: Open disagreements in layers that the project does not show.
        open: Open disagreements in those that it does.
        decided: Decisions in force.
        stale: Decisions that judged other versions than people have by now.
        reasons: Decided documents by the reason that the adjudicator gave; empty where none was given.
        left_over: What a change of the scheme left to people, and nobody has answered yet.
        second_opinions: Where several adjudicators decided the same, and how far they agree.
    """

    documents: tuple[Case, ...]
    disagreed: frozenset[str]
    beyond: int
    open: int
    decided: int
    stale: tuple[Verdict, ...]
    reasons: Mapping[str, int]
    left_over: tuple[LeftOver, ...] = ()
    second_opinions: SecondOpinions = field(default_factory=SecondOpinions)


@dataclass(frozen=True, slots=True)
class AdjudicateResult:
    """What was put before the adjudicator.

    Attributes:
        project_id: The project on the server.
        url: Its address.
        cases: What there is to adjudicate.
        created: New tasks.
        already: Documents whose task was there with the same versions.
        withdrawn: Tasks taken away that nobody had begun: others took their place, or nobody disagrees any more.
        failed: What could not be sent, and why; also in the desk's removed table.
    """

    project_id: int
    url: str
    cases: Cases
    created: int = 0
    already: int = 0
    withdrawn: int = 0
    failed: tuple[Removed, ...] = ()


def adjudication_cases(desk: Desk, *, every: bool = False, again: bool = False, layers: Sequence[str] = ()) -> Cases:
    """Return what there is to adjudicate, by the ledger as it was last pulled.

    Args:
        desk: Whose.
        every: Also where a majority settles what people differ on.
        again: Also decisions that are stale.
        layers: Only what concerns these layers; by default those of the settings.
    """
    return _all_cases(desk, shown_scheme(desk, layers), every=every, again=again)


def adjudicate(
    desk: Desk,
    *,
    every: bool = False,
    again: bool = False,
    layers: Sequence[str] = (),
    reset_config: bool = False,
    only_left_over: bool = False,
    on_progress: OnProgress = silent,
    sleep: Callable[[float], None] = time.sleep,
) -> AdjudicateResult:
    """Make the adjudicator's project and send what is to be decided; a second run sends only what is new.

    Args:
        desk: A desk whose annotators' work has been pulled.
        every: Also documents where a majority settles what people differ on.
        again: Also documents with decisions that are stale.
        layers: Which layers the project shows; by default those of the settings.
        reset_config: Put the labelling config back where somebody changed it.
        only_left_over: Nothing but documents with marks that a change of the scheme left to people; other tasks stay.
            Where the adjudicator's project is still in an older version's words, they get one of their own beside it.
        on_progress: Told of every batch.
        sleep: How to wait before looking again after a lost answer.

    Raises:
        StudioError: No server, a changed labelling config, or a server that gave up on us midway.
        SchemeError: The scheme has no such layer, or something of its own by a name that adjudication needs.
        DeskError: Another copydesk is at work here.
    """
    with desk.locked():
        scheme = shown_scheme(desk, layers)
        cases = _all_cases(desk, scheme, every=every, again=again)
        if only_left_over:
            left = {one.dispute.document_id for one in cases.left_over}
            cases = replace(cases, documents=tuple(case for case in cases.documents if case.document_id in left))
        client = connect(desk)
        use = _use(client, desk, scheme) if only_left_over else ADJUDICATION
        project = ensure_project(client, desk, scheme, reset_config=reset_config, layout="document", use=use)
        work = _Sending(desk, client, project, scheme, Sender(client, project, Pace(BATCH, BATCH_BYTES), sleep))
        try:
            work.send(cases, on_progress, withdraw=not only_left_over)
        finally:
            record_removed(desk, PUSHED, [*work.unfit, *work.sender.failed])
        return AdjudicateResult(
            project.id,
            project.url,
            cases,
            work.sender.created,
            work.already,
            work.withdrawn,
            (*work.unfit, *work.sender.failed),
        )


def _use(client: StudioClient, desk: Desk, scheme: LabelScheme) -> str:
    """Return which project what a change of the scheme left goes to: beside one that waits for that to be answered."""
    standing = find_project(client, desk, scheme, "document", ADJUDICATION)
    made_with = config_scheme(standing.config) if standing is not None else None
    if made_with is None or made_with[:2] == (scheme.name, scheme.version):
        return ADJUDICATION
    return adjudication_beside(scheme.version)


# what there is to decide


def _all_cases(desk: Desk, scheme: LabelScheme, *, every: bool, again: bool) -> Cases:
    left = left_over(desk, pseudonyms(desk))
    return _cases(gold(desk, keep=False), desk.scheme(), scheme, left, every=every, again=again)


def _cases(
    result: GoldResult,
    whole: LabelScheme,
    scheme: LabelScheme,
    left: Sequence[LeftOver],
    *,
    every: bool,
    again: bool,
) -> Cases:
    shown = {layer.id for layer in scheme.layers} | {"questions"}
    mine = [one for one in result.disagreements if _layers(one, whole) & shown]
    stale = {row.document_id for row in result.stale if row.layer in shown} if again else set()
    wanted: dict[str, list[Disagreement]] = {document: [] for document in sorted(stale)}
    for one in mine:
        if (every and not one.adjudicated) or one.open or one.document_id in stale:
            wanted.setdefault(one.document_id, []).append(one)
    left = [one for one in left if one.layer in shown]
    for lost in left:
        wanted.setdefault(lost.dispute.document_id, []).append(lost.dispute)
    stands = {document.annotations.document_id: document.annotations for document in result.documents}
    cases = [
        Case(
            document,
            stands[document],
            result.by_rule.get(document, stands[document]),
            {version.annotator: version.annotations for version in result.versions[document]},
            {version.annotator: version.asked for version in result.versions[document]},
            tuple(disputes),
        )
        for document, disputes in wanted.items()
        if document in stands
    ]
    return Cases(
        tuple(sorted(cases, key=lambda case: (-len(case.disputes), case.document_id))),
        frozenset(one.document_id for one in mine if not one.adjudicated) | {row.document_id for row in result.stale},
        sum(1 for one in result.open if not _layers(one, whole) & shown),
        sum(1 for one in mine if one.open),
        len(result.decisions),
        result.stale,
        _reasons(result.decisions),
        tuple(left),
        result.second_opinions,
    )


def _layers(one: Disagreement, scheme: LabelScheme) -> set[str]:
    """Return the layers that a disagreement is about."""
    if one.layer != "spans":
        return {one.layer}
    if one.item != "label":
        attribute = scheme.attribute(one.item)
        return {attribute.layer} if attribute is not None else set()
    # a mark of other words is a vote with these behind it: LABEL “words”
    labels = {label.partition(" ")[0] for _, value in one.votes for label in value.split("+")}
    return {label.layer for label in scheme.labels if label.id in labels}


def _reasons(rows: Sequence[Verdict]) -> dict[str, int]:
    """Count documents by reason."""
    return dict(sorted(Counter(reason for _, reason in {(row.document_id, row.reason) for row in rows}).items()))


# on the server


@dataclass(slots=True)
class _Sending:
    """One run at work."""

    desk: Desk
    client: StudioClient
    project: Project
    scheme: LabelScheme
    sender: Sender
    already: int = 0
    withdrawn: int = 0
    unfit: list[Removed] = field(default_factory=list)

    def send(self, cases: Cases, on_progress: OnProgress, *, withdraw: bool = True) -> None:
        """Send what is missing, and take away what nobody needs of these documents, or with `withdraw` of all."""
        there = self._there()
        keys = {case.document_id: self._key(case) for case in cases.documents}
        missing = [case for case in cases.documents if keys[case.document_id] not in there.get(case.document_id, {})]
        self.already = len(cases.documents) - len(missing)
        on_progress(Progress("adjudicate", 0, len(missing), "tasks"))
        for settled in self.sender.send(self._parcels(missing)):
            on_progress(Progress("adjudicate", settled + len(self.unfit), len(missing), "tasks"))
        if self.sender.troubled:
            self._look_again()
        on_progress(Progress("adjudicate", len(missing), len(missing), "tasks"))
        refused = {lost.document_id for lost in (*self.unfit, *self.sender.failed)}
        for document, tasks in there.items():
            # what a majority settles stays, for whoever asked for it; what could not be sent anew is kept as well
            if document not in keys and (document in cases.disagreed or not withdraw):
                continue
            for key, number in tasks.items():
                if key != keys.get(document) and document not in refused:
                    self.withdrawn += take_away(self.client, number)
        self._show_proposals()

    def _key(self, case: Case) -> str:
        salt = self.desk.settings.arms.salt
        return adjudication_key(case.document_id, self.scheme, salt, judged_digest(case, self.scheme))

    def _there(self) -> dict[str, dict[str, int]]:
        """Return document → key → task, of the tasks of ours that are in the project, each once."""
        found: dict[str, dict[str, int]] = {}
        for task in self.client.pages(self.project.id, ("id", "data", "total_annotations")):
            number = self.sender.last = int(task["id"])
            key = (task.get("data") or {}).get("copydesk_key")
            if not isinstance(key, str) or not is_adjudication(key):
                continue
            tasks = found.setdefault(key.partition("/")[0], {})
            twin = tasks.get(key)
            if twin is not None and not task["total_annotations"]:
                self.withdrawn += take_away(self.client, number)
                continue
            if twin is not None:
                self.withdrawn += take_away(self.client, twin)
            tasks[key] = number
        return found

    def _parcels(self, cases: Sequence[Case]) -> Iterator[Parcel]:
        salt = self.desk.settings.arms.salt
        for start in range(0, len(cases), HELD):
            held = cases[start : start + HELD]
            texts = by_id(self.desk, {case.document_id for case in held})
            for case in held:
                where = f"adjudication of {case.document_id}"
                if case.document_id not in texts:
                    self.unfit.append(Removed(case.document_id, PUSHED, "no such document", where, ""))
                    continue
                try:
                    task = adjudication_task(texts[case.document_id], case, self.scheme, salt)
                except (SchemeError, OffsetError) as error:
                    reason = "text changed" if isinstance(error, OffsetError) else "would break the screen"
                    self.unfit.append(Removed(case.document_id, PUSHED, reason, where, error.message))
                    continue
                body = json.dumps(task, ensure_ascii=False, separators=(",", ":")).encode()
                yield Parcel(task["data"]["copydesk_key"], case.document_id, len(task["predictions"]), body)

    def _look_again(self) -> None:
        """Refuse to call it done where the server has stored tasks without all that they show.

        Raises:
            StudioError: It has: what it shows would be no fair comparison. The next run sends these tasks again.
        """
        fields: tuple[str, ...] = (*FIELDS, "predictions")
        bare = [raw for raw in self.client.pages(self.project.id, fields, full=True, size=BATCH) if _is_bare(raw)]
        taken = sum(take_away(self.client, int(raw["id"])) for raw in bare)
        if taken:
            raise StudioError(
                f"the server lost predictions of {taken} new tasks; they were taken away again",
                where=self.project.url,
                hint="Run copydesk adjudicate again.",
            )

    def _show_proposals(self) -> None:
        """Make the project show the proposals first: of several predictions the server would choose one itself."""
        path = f"/api/projects/{self.project.id}/"
        if self.client.get(path).get("model_version") == PROPOSAL:
            return
        if PROPOSAL in (self.client.get(f"{path}model-versions/") or ()):
            self.client.send("PATCH", path, {"model_version": PROPOSAL})


def _is_bare(raw: Mapping[str, Any]) -> bool:
    """Tell whether a task of ours lacks a prediction that it was sent with."""
    data = raw.get("data") or {}
    if not is_adjudication(str(data.get("copydesk_key"))):
        return False
    try:
        wanted = {PROPOSAL, *json.loads(data["asked"])["versions"]}
    except (ValueError, KeyError, TypeError):
        return False
    return not wanted <= {str(shown.get("model_version")) for shown in raw.get("predictions") or ()}
