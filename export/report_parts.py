"""Compute the parts of a report: which figures answer which questions about a desk, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from copydesk.annotate import anchoring, edits, ledger, lint, studio_status
from copydesk.corpus import Desk, clusters, copies, removed
from copydesk.schemas import Cluster, OnProgress, silent

from .agreement_figures import agreement_figures, agreement_of
from .corpus_figures import corpus_figures
from .facets import Facet, people_facets
from .figures import Figure, release_figures
from .people_figures import lint_facets, people_figures, quality_figures
from .release_figures import last_releases
from .set_aside import set_aside
from .stance_figures import stance_figures
from .suggestion_figures import fates, suggestion_figures
from .survey import Survey, Surveyed, survey
from .versions import releases

__all__ = ["Part", "Parts", "parts"]

_ORDER: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("corpus", "The corpus", ("outlets", "removed", "weeks", "coverage", "vocabulary", "languages", "article-licences", "copies")),
    ("labels", "The labels", ("labels", "edits", "models", "calibration", "learning", "learning-curve")),
    ("people", "The people", ("progress", "annotators", "forecast", "agreement", "agreement-labels", "agreement-pairs", "disagreements", "lint", "anchoring", "decoys", "open")),
    ("stance", "Who says what about whom", ("stance-matrix", "stances", "stance-outlets", "stance-weeks", "network", "speakers", "loaded",
        "claims", "tolls")),
    ("release", "The release", ("splits", "leakage", "losses", "changes")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page: a heading, what it counts, and its figures."""

    id: str
    title: str
    lead: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a report says.

    Attributes:
        parts: In order.
        surveyed: The counts behind them.
        about: Title, outlet and date of every document that the page names, by id; of records set aside, what they are of.
    """

    parts: tuple[Part, ...]
    surveyed: Surveyed
    about: Mapping[str, tuple[str, str, str]]

    @property
    def figures(self) -> dict[str, Figure]:
        """Every figure by its id, in the order of the page."""
        return {figure.id: figure for part in self.parts for figure in part.figures}

    @property
    def headline(self) -> list[tuple[int, str]]:
        """The few numbers that stand at the top: how many, of what."""
        found, tally = self.surveyed.survey, self.surveyed.survey.tally
        return [
            (found.documents, "articles"),
            (found.labelled, "with machine labels" if self.surveyed.unchecked else "annotated"),
            (tally.entities, "entities"),
            (sum(count for (_, label, _), count in tally.labels.items() if label == "CONTENT"), "attributions"),
            (tally.grades.total(), "stances"),
        ]


def parts(desk: Desk, *, on_progress: OnProgress = silent) -> Parts:
    """Compute every figure of a desk.

    Raises:
        DeskError: A table of the desk, or its last release, is damaged.
    """
    surveyed = survey(desk, on_progress=on_progress)
    found, result = surveyed.survey, surveyed.result
    people = bool(result.versions)
    arms = {version.arm for said in result.versions.values() for version in said}
    groups, aside = clusters(desk), set_aside(removed(desk))
    anchored = anchoring(desk) if {"blind"} & arms or result.decoyed or "decoy" in arms else None
    fate = fates(edits(desk) if people else (), documents=(item.annotations.document_id for item in result.documents))
    linted = lint(desk, accepted=fate.accepted(result.names)) if people else None
    _note(found, groups, surveyed, (*sorted(fate.facets), *lint_facets(linted)))
    waiting = {item.document_id for item in result.disagreements if item.open}
    named = (
        {key for behind in found.behind.values() for key in behind.first}
        | waiting
        | {c.cluster_id for c in groups.values()}
    )
    about = _about(surveyed.about, named)
    titles = {key: title for key, (title, _, _) in about.items()}
    lengths = _lengths(desk, {key for key, said in result.versions.items() if len(said) > 1})
    made = [
        *corpus_figures(found, groups, aside, titles),
        *release_figures(found.tally, ()),
        *suggestion_figures(fate, desk.path / "models"),
        *people_figures(
            result.versions,
            result.disagreements,
            titles,
            _links(desk, waiting),
            wanted=found.documents - len(copies(desk)),
            scheme=desk.scheme(),
        ),
        *agreement_figures(agreement_of(result.versions, lengths, desk.scheme())),
        *quality_figures(anchored, linted),
        *stance_figures(found),
    ]
    found.behind |= aside.behind
    return Parts(_arranged(desk, made, unchecked=surveyed.unchecked), surveyed, about | aside.about)


def _arranged(desk: Desk, made: Sequence[Figure], *, unchecked: bool) -> tuple[Part, ...]:
    versions = releases(desk.path)
    last = last_releases(desk.path / "releases", versions) if versions else []
    # the losses of the desk as it is now are not known without building a release; the last one's are
    by_id = {figure.id: figure for figure in made if figure.id != "losses"} | {figure.id: figure for figure in last}
    whose = (
        f"Counted here: {'what the machine suggests, unchecked by anyone' if unchecked else 'what people let stand'}."
    )
    leads = {
        "corpus": "What came in, and what did not.",
        "labels": whose,
        "people": "Known by pseudonym.",
        "stance": whose,
        "release": f"Version {versions[-1]}." if versions else "Nothing has been released yet.",
    }
    return tuple(
        Part(id_, title, leads[id_], tuple(by_id[key] for key in ids if key in by_id)) for id_, title, ids in _ORDER
    )


def _note(
    found: Survey, groups: Mapping[str, Cluster], surveyed: Surveyed, facets: Iterable[tuple[str, Facet]]
) -> None:
    """Note the facets that are not in texts and labels: people, their disagreements, what became of suggestions, copies."""
    result = surveyed.result
    found.note(people_facets(result.versions, result.disagreements))
    found.note(facets)
    found.note(story_facets(groups, surveyed.about))


def story_facets(groups: Mapping[str, Cluster], about: pa.Table) -> list[tuple[str, Facet]]:
    """Return document id and facet of every article that is one of several copies."""
    several: dict[str, list[str]] = {}
    for cluster in groups.values():
        several.setdefault(cluster.cluster_id, []).append(cluster.document_id)
    shown = {key: members for key, members in several.items() if len(members) > 1}
    titles = {key: title for key, (title, _, _) in _about(about, shown).items()}
    return [(key, ("story", titles.get(cluster, cluster))) for cluster, members in shown.items() for key in members]


def _about(about: pa.Table, wanted: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Return title, outlet and date of some documents."""
    kept = about.filter(pc.is_in(about["id"], value_set=pa.array(sorted(wanted), pa.string())))
    columns = (kept[name].to_pylist() for name in ("id", "title", "outlet", "published"))
    return {
        key: (title or f"article {key}", outlet, published[:10])
        for key, title, outlet, published in zip(*columns, strict=True)
    }


def _lengths(desk: Desk, wanted: set[str]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    keys = pa.array(sorted(wanted), pa.string())
    for table in desk.read_tables("articles") if wanted else ():
        mine = table.filter(pc.is_in(table["id"], value_set=keys))
        lengths |= dict(zip(mine["id"].to_pylist(), pc.utf8_length(mine["text"]).to_pylist(), strict=True))
    return lengths


def _links(desk: Desk, wanted: set[str]) -> dict[str, str]:
    """Return the address of a task in Label Studio for each of these documents; the newest where there are several."""
    if not wanted:
        return {}
    own, found = studio_status(desk).url, {}
    for entry in ledger(desk):
        server = own if entry.server == "own" else entry.server
        if entry.document_id in wanted and server.startswith(("http://", "https://")):
            found[entry.document_id] = f"{server}/projects/{entry.project_id}/data?task={entry.task_id}"
    return found
