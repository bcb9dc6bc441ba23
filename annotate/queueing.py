"""Put the documents of a desk into the order in which people shall get them, and log by which chance.

    suggestions ─► doubt by layer ─┐
    labels, gold ─► rare labels ───┼─► value ─► drawn one by one, the chance logged ─┐
    articles ────► new words ──────┘                                                 ├─► queue/part-<round>.parquet
    reserved sample ─────────────────────────► at random places ─────────────────────┘

Documents are drawn without replacement, each with a chance proportional to its weight among those that are left, so
that every document can come, what is worth more tends to come sooner, and :func:`corrected_mean` can put right what
that does to estimates. The draws depend on the settings, the round and the desk's tables alone: the same input gives
the same bytes. A round never changes what was ranked before it; only where it is asked to, it draws anew what was not
given to anybody yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from copydesk.corpus import Desk, QueueSettings
from copydesk.schemas import OnProgress, Origin, Progress, silent

from .drawing import Drawn, draw_all, uniform
from .gold import gold
from .queue_rows import QueueRow, priority_of, queue, rows_table
from .reserve import QUEUE_TABLE, RANKED, RESERVE, cluster_of, kept, reserved, settle_sides, shown
from .suggest import CURRENT
from .worth import Worth, label_counts, read_words, read_worth, suggested_ids

__all__ = ["QueuePlan", "plan_queue", "reserved"]

LEAST: Final = 0.1
"""The value of a document that is worth nothing: it can come too, or no estimate could speak for its like."""
SHARPNESS: Final = 2
"""A document's weight is its value to this power. Simulated, of the first 500 among 20,000 the doubt lies at 0.64 (3:
0.69, 4: 0.73; by lot 0.50), and a corrected estimate tells as much as one from 66 % (41 %, 25 %) as many by lot."""


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """What a planning did.

    Attributes:
        suggested: Documents with suggestions of the desk's pipeline; 0: there is nothing to rank yet.
        ranked: Documents that this round ranked by value.
        reserve: Documents of the reserve that this round gave a place.
        redrawn: How many of both had a place before and got another.
        round: The round's number; 0 where nothing was new.
        total: Places in the queue now.
    """

    suggested: int
    ranked: int = 0
    reserve: int = 0
    redrawn: int = 0
    round: int = 0
    total: int = 0


def plan_queue(desk: Desk, *, redraw: bool = False, on_progress: OnProgress = silent) -> QueuePlan:
    """Give every document with suggestions that nobody has worked on a place in the queue.

    Documents that have a place keep it, with all that was logged about it; the others come behind them in a new
    round. Where all have a place, nothing is written.

    Args:
        desk: A desk with suggestions; those of its current pipeline count.
        redraw: Draw anew what comes behind the last document that was pushed or worked on, as is worth doing after a
            training; what was pushed or worked on keeps its place.
        on_progress: Told of draws.

    Raises:
        DeskError: Another copydesk is at work here, or a file of the queue is damaged.
    """
    with desk.locked():
        pipeline = _current(desk)
        suggested = suggested_ids(desk, pipeline) if pipeline else set()
        standing = list(queue(desk))
        if pipeline is None or not suggested:
            return QueuePlan(0, total=len(standing))
        groups = cluster_of(desk)
        done = shown(desk)
        before = {row.document_id: row for row in standing}
        if redraw:
            standing = standing[: _settled(standing, done, kept(desk).given)]
        # of copies one is enough: where one has a place or was annotated, a new canonical one gets none
        taken = {groups.get(document, document) for document in (*done, *(row.document_id for row in standing))}
        new = {d for d in suggested if groups.get(d) == d and d not in taken}
        if not new:
            return QueuePlan(len(suggested), total=len(standing))
        settle_sides(desk, new)
        sample = reserved(desk)
        number = 1 + max((row.round for row in before.values()), default=0)
        plan = _Round(desk, pipeline, number, 1 if redraw else number, len(standing), on_progress)
        read = frozenset(d for d in (*done, *(row.document_id for row in standing)) if d not in sample)
        ranked = plan.ranked(new - sample, read, before, _label_counts(desk, sample))
        rows = plan.interleaved(ranked, plan.reserve(new & sample, before))
        _write(desk, standing, before, number, rows)
        moved = sum(row.document_id in before for row in rows)
        total = len(standing) + len(rows)
        return QueuePlan(len(suggested), len(ranked), len(rows) - len(ranked), moved, number, total)


def _current(desk: Desk) -> Origin | None:
    noted = desk.state().get(CURRENT)
    return Origin("model", noted["name"], noted["version"]) if noted else None


def _label_counts(desk: Desk, sample: frozenset[str]) -> Counter[str]:
    # the sample stays out even here: what people said about it decides nothing
    stands = (document.annotations for document in gold(desk, keep=False).documents)
    return label_counts(said for said in stands if said.document_id not in sample)


def _settled(rows: Sequence[QueueRow], done: frozenset[str], given: int) -> int:
    """Return how many ranks stay: up to the last that was given to somebody."""
    return max([row.rank for row in rows if row.rank <= given or row.document_id in done], default=0)


def _write(
    desk: Desk, standing: Sequence[QueueRow], before: dict[str, QueueRow], number: int, rows: Sequence[QueueRow]
) -> None:
    """Write a round. What it takes the place of goes first: killed in between, the next plan draws it again."""
    stays = Counter(row.round for row in standing)
    for past, count in Counter(row.round for row in before.values()).items():
        name = f"{past:04d}"
        if stays[past] == 0:
            (desk.path / QUEUE_TABLE / f"part-{name}.parquet").unlink()
        elif stays[past] < count:
            desk.write_table(QUEUE_TABLE, name, rows_table([row for row in standing if row.round == past]))
    desk.write_table(QUEUE_TABLE, f"{number:04d}", rows_table(rows))


@dataclass(frozen=True, slots=True)
class _Round:
    """One round at work: its number, the oldest round it draws from, and the last rank before it."""

    desk: Desk
    pipeline: Origin
    number: int
    since: int
    offset: int
    on_progress: OnProgress

    def ranked(
        self, new: set[str], read: frozenset[str], before: Mapping[str, QueueRow], gold_counts: Mapping[str, int]
    ) -> list[QueueRow]:
        """Draw the new documents; ranks are given when the parts are put together."""
        worth = read_worth(self.desk, self.pipeline, new, self.desk.scheme(), gold_counts)
        words = read_words(self.desk, worth.documents, read)
        settings = self.desk.settings.queue
        total = len(worth.documents)

        def weigh(places: npt.NDArray[np.int64], news: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            value = _value(worth.uncertainty[places], news, worth.rare[places], settings)
            return np.asarray((LEAST + (1 - LEAST) * value) ** SHARPNESS, dtype=np.float64)

        rows: list[QueueRow] = []
        for drawn in draw_all(weigh, words, total, settings.salt, "draw", self.number):
            rows.append(self._row(worth, drawn, len(rows) + 1, before))
            if len(rows) % 1000 == 0 or len(rows) == total:
                self.on_progress(Progress("queue", len(rows), total, "documents"))
        return rows

    def _row(self, worth: Worth, drawn: Drawn, number: int, before: Mapping[str, QueueRow]) -> QueueRow:
        place = drawn.document
        document = worth.documents[place]
        uncertainty, rare = float(worth.uncertainty[place]), float(worth.rare[place])
        value = float(_value(worth.uncertainty[place], drawn.news, worth.rare[place], self.desk.settings.queue))
        doubt = {layer: float(values[place]) for layer, values in worth.doubt.items()}
        return replace(
            self._plain(document, RANKED, before),
            draw=number,
            pool=drawn.pool,
            probability=drawn.probability,
            value=round(value, 6),
            uncertainty=round(uncertainty, 6),
            uncertainty_entities=_or_none(doubt["entities"]),
            uncertainty_attribution=_or_none(doubt["attribution"]),
            uncertainty_stance=_or_none(doubt["stance"]),
            diversity=round(drawn.news, 6),
            rare=round(rare, 6),
            rare_label=worth.rarest[place],
        )

    def reserve(self, new: set[str], before: Mapping[str, QueueRow]) -> list[QueueRow]:
        """Return the new documents of the reserve in an order by lot; nothing is computed for them."""
        salt = self.desk.settings.queue.salt
        order = sorted(new, key=lambda document: (uniform(1 << 64, salt, "lot", document), document))
        return [
            replace(
                self._plain(document, RESERVE, before),
                draw=number,
                pool=len(order) - number + 1,
                probability=1 / (len(order) - number + 1),
            )
            for number, document in enumerate(order, start=1)
        ]

    def _plain(self, document: str, part: str, before: Mapping[str, QueueRow]) -> QueueRow:
        arrived = before[document].arrived if document in before else self.number
        origin = f"{self.pipeline.name}@{self.pipeline.version}"
        nothing = (None,) * 7
        return QueueRow(document, 0, 0.0, part, self.number, 0, 0, 0.0, 0.0, arrived, self.since, *nothing, "", origin)

    def interleaved(self, ranked: Sequence[QueueRow], reserve: Sequence[QueueRow]) -> list[QueueRow]:
        """Put both parts together: the next place goes to the reserve with the chance of its share in what is left."""
        rows: list[QueueRow] = []
        next_ranked, next_reserve = iter(ranked), iter(reserve)
        left = {RANKED: len(ranked), RESERVE: len(reserve)}
        while (total := left[RANKED] + left[RESERVE]) > 0:
            rank = self.offset + len(rows) + 1
            lot = uniform(total, self.desk.settings.queue.salt, "place", self.number, total)
            part = RESERVE if lot < left[RESERVE] else RANKED
            row = next(next_reserve if part == RESERVE else next_ranked)
            chance = left[RESERVE] / total
            rows.append(replace(row, rank=rank, priority=priority_of(rank), reserve_chance=chance))
            left[part] -= 1
        return rows


def _value(uncertainty: Any, diversity: Any, rare: Any, settings: QueueSettings) -> Any:
    """Return the mean of the three, each as much as the settings say; 1 where the settings say nothing."""
    total = settings.uncertainty + settings.diversity + settings.rare
    if total == 0:
        return uncertainty * 0 + 1.0
    return (settings.uncertainty * uncertainty + settings.diversity * diversity + settings.rare * rare) / total


def _or_none(number: float) -> float | None:
    return None if number != number else number  # noqa: PLR0124 - NaN: the layer suggests nothing
