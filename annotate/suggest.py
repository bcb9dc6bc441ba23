"""Suggest entities, attribution and stance for the documents of a desk: the stage.

What suggests is :class:`~copydesk.annotate.Suggester`; here it meets the desk's shards, one by one, in as many
processes as the engine runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.corpus import (
    Desk,
    Shard,
    StageStanding,
    SuggestSettings,
    canonical_documents,
    copies,
    file_sha256,
    record_removed,
    run_shards,
    settings_digest,
    shards_standing,
)
from copydesk.schemas import (
    Document,
    LabelScheme,
    OnProgress,
    Origin,
    Removed,
    Segment,
    SettingsError,
    Suggestion,
    silent,
)

from .languages import ByLanguage, announced_by_language, load_suggesters
from .models import describe_pipeline
from .own_gazetteers import conventions, gazetteer_digests
from .pipelines import located
from .stance_choice import StanceChoice, choose_stance
from .suggester import Suggester, load_suggester, pipeline_origin, refusal_of
from .suggesters import Guest, registered, removed_from, suggestions_table

__all__ = [
    "CURRENT",
    "SuggestResult",
    "Suggester",
    "announce",
    "current_pipeline",
    "load_suggester",
    "pipeline_origin",
    "suggest",
    "suggest_standing",
    "suggestions",
    "suggestions_folder",
]

CURRENT: Final = "pipeline"
"""Where ``state.json`` notes which pipeline a desk uses now."""


@dataclass(frozen=True, slots=True)
class SuggestResult:
    """What a desk has after :func:`suggest`.

    Attributes:
        pipeline: Name and version of the pipeline.
        path: The folder of its suggestions.
        documents: Documents with suggestions; `entities`, `attributions`, `stances` in them.
        removed: Documents that nothing could be suggested for, and why.
        done: Shards made in this run; `skipped` were made before.
    """

    pipeline: Origin
    path: Path
    documents: int
    entities: int
    attributions: int
    stances: int
    removed: tuple[Removed, ...]
    done: int
    skipped: int


def suggest(
    desk: Desk, *, pipeline: str | None = None, retry: bool = False, on_progress: OnProgress = silent
) -> SuggestResult:
    """Suggest on every canonical document of a desk that has no suggestions of this pipeline yet.

    Writes ``suggestions/<name>@<version>/part-*.parquet``, one shard per articles shard, and notes the
    pipeline as the desk's current one.

    Args:
        desk: Where.
        pipeline: A spaCy pipeline by name or folder in place of the one in the settings.
        retry: Do the shards anew in which a component broke on a document: an endpoint may have come back.
        on_progress: Told of shards.

    Raises:
        SettingsError: The pipeline cannot be used.
        DeskError: Another copydesk is at work here, or a worker process died.
    """
    settings = desk.settings.suggest.model_copy(update={"pipeline": pipeline} if pipeline else {})
    settings = located(settings, desk.path)
    stance = choose_stance(settings, desk.path)
    origin, refusal = _announced(settings, desk.scheme(), stance)
    folder = f"{origin.name}@{origin.version}"
    with desk.locked():
        work = functools.partial(_suggest_shard, desk.path, settings, stance)
        shards = _shards(desk, folder, origin)
        if retry:
            for shard in shards:
                if any(removed_from([shard])):
                    shard.output.unlink()  # a shard without its output is not done
        result = run_shards(work, shards, desk=desk, stage=f"suggest {folder}", on_progress=on_progress)
        refused = tuple(r for document in canonical_documents(desk) if (r := refusal(document)))
        refused += tuple(removed_from(shards))
        record_removed(desk, "suggest", refused)
        desk.note(CURRENT, {"name": origin.name, "version": origin.version})
    counts = _counts([shard.output for shard in shards])
    return SuggestResult(
        origin, desk.path / "suggestions" / folder, *counts, removed=refused, done=result.done, skipped=result.skipped
    )


def suggest_standing(desk: Desk) -> StageStanding | None:
    """Return how much of the suggestions is up to date; None where the pipeline cannot be used. No model is loaded."""
    try:
        origin, _ = announce(desk)
    except SettingsError:
        return None
    folder = f"{origin.name}@{origin.version}"
    return shards_standing(desk, f"suggest {folder}", _shards(desk, folder, origin), "copydesk suggest")


def announce(desk: Desk) -> tuple[Origin, Callable[[], Suggester | Guest | ByLanguage]]:
    """Return who suggests by a desk's settings, and what loads it; no model is loaded yet.

    Raises:
        SettingsError: The pipeline cannot be used.
    """
    settings = located(desk.settings.suggest, desk.path)
    stance = choose_stance(settings, desk.path)
    scheme = desk.scheme()
    origin, _ = _announced(settings, scheme, stance)
    return origin, lambda: load_suggesters(settings, scheme, stance=stance)


def _announced(
    settings: SuggestSettings, scheme: LabelScheme, stance: StanceChoice
) -> tuple[Origin, Callable[[Document], Removed | None]]:
    """Return who will suggest, and what tells the documents that it does not read; no model is loaded."""
    if guest := registered(settings, scheme):
        return announced_by_language(guest.origin, guest.refusal, settings, scheme, stance)
    about = describe_pipeline(settings.pipeline, component=settings.entities)
    conventions(settings, scheme, about.trained)  # a wrong gazetteer is told before a worker starts
    origin = pipeline_origin(about, settings, scheme, stance=stance.digest)
    return announced_by_language(origin, lambda document: refusal_of(document, about), settings, scheme, stance)


def _shards(desk: Desk, folder: str, origin: Origin) -> list[Shard]:
    others = copies(desk)
    shards = []
    for part in desk.parts("articles"):
        segments = desk.path / "segments" / part.name
        inputs = (part, segments) if segments.exists() else (part,)
        ids = set(pq.read_table(part, columns=["id"]).column("id").to_pylist())
        key = settings_digest([file_sha256(path) for path in inputs], origin.version, sorted(others & ids))
        shards.append(Shard(inputs, desk.path / "suggestions" / folder / part.name, key))
    return shards


@functools.lru_cache(maxsize=1)
def _loaded(
    settings: str, scheme: str, gazetteers: tuple[str, ...], stance: StanceChoice
) -> Suggester | Guest | ByLanguage:
    made_for = SuggestSettings.model_validate_json(settings), LabelScheme.model_validate_json(scheme)
    return load_suggesters(*made_for, stance=stance)


def _suggest_shard(path: Path, settings: SuggestSettings, stance: StanceChoice, shard: Shard) -> pa.Table:
    desk = Desk(path)
    others = copies(desk)
    gazetteers = tuple(gazetteer_digests(settings))
    suggester = _loaded(settings.model_dump_json(), desk.scheme().model_dump_json(), gazetteers, stance)
    segments: dict[str, list[Segment]] = {}
    for part in shard.inputs[1:]:
        for segment in desk.read_part(Segment, part):
            segments.setdefault(segment.document_id, []).append(segment)
    documents = (
        (document, segments.get(document.id, []))
        for document in desk.read_part(Document, shard.inputs[0])
        if document.id not in others
    )
    return suggestions_table(suggester, documents)


def _counts(parts: Iterable[Path]) -> tuple[int, int, int, int]:
    totals = [0, 0, 0, 0]
    for part in parts:
        table = pq.read_table(part, columns=["entities", "attributions", "stances"])
        totals[0] += table.num_rows
        for position, column in enumerate(table.columns, start=1):
            totals[position] += pc.sum(pc.list_value_length(column)).as_py() or 0
    documents, entities, attributions, stances = totals
    return documents, entities, attributions, stances


def current_pipeline(desk: Desk) -> Origin | None:
    """Return the pipeline that last made suggestions here; None where there are none."""
    current = desk.state().get(CURRENT)
    return None if current is None else Origin("model", current["name"], current["version"])


def suggestions_folder(pipeline: Origin) -> str:
    """Return the name of the desk's table with the suggestions of a pipeline."""
    return f"suggestions/{pipeline.name}@{pipeline.version}"


def suggestions(desk: Desk, *, pipeline: Origin | None = None) -> Iterator[Suggestion]:
    """Yield the suggestions of a pipeline, the desk's current one by default; nothing where there are none."""
    pipeline = pipeline or current_pipeline(desk)
    if pipeline is not None:
        yield from desk.read(Suggestion, suggestions_folder(pipeline))
