"""Measure the disorder of several people's spans, for γ: the one door to pygamma-agreement.

γ (Mathet, Widlöcher and Métivier 2015, doi:10.1162/COLI_a_00227) aligns everybody's units with each other as well as
they can be, counts what is left of disorder in places and labels, and holds it against that of random texts with as
many, as long and as labelled units: 1 - observed / expected. Stacked and nested units are units like any other. The
computation is pygamma-agreement's (Titeux and Riad 2021, doi:10.21105/joss.02989) with its own weights and its own
random texts; it comes with the extra ``gamma``.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from copydesk.schemas import LabelScheme, OnProgress, Progress, SettingsError, silent

from .units import Place

if TYPE_CHECKING:
    from .agreement_counts import DocumentVersions, Tally

__all__ = ["ALIGNMENTS", "GAMMA_SAMPLES", "Disorder", "add_disorders", "disorder", "need_gamma"]

GAMMA_SAMPLES: Final = 30
"""Random texts behind a document's expected disorder, as many as the paper begins with."""
ALIGNMENTS: Final = 250_000
"""So many ways to put one unit of everybody side by side are all looked at; of more, window by window."""

Unit: TypeAlias = tuple[Place, str]
"""A place, and the label there."""


@dataclass(frozen=True, slots=True)
class Disorder:
    """The disorder of one document, per unit that a person has there on average.

    Attributes:
        observed: Of the best alignment.
        expected: Mean over the best alignments of random texts.
        units: How many units a person has on average; both numbers times this are sums over the document.
        windowed: Whether the alignments were made window by window, because there were too many to choose from.
    """

    observed: float
    expected: float
    units: float
    windowed: bool = False


def need_gamma() -> None:
    """See that γ can be computed here.

    Raises:
        SettingsError: pygamma-agreement is not installed.
    """
    try:
        import pygamma_agreement  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "γ needs pygamma-agreement, which is not installed",
            where="copydesk agreement --gamma",
            hint="pip install 'copydesk[gamma]', or leave γ out: the other measures need nothing more",
        ) from error


def disorder(units: Mapping[str, Sequence[Unit]], *, seed: int = 0, samples: int = GAMMA_SAMPLES) -> Disorder | None:
    """Align several people's units in one text, and random ones like them.

    Args:
        units: Everybody who was asked, to what they marked; equal units of one person are one.
        seed: Of the random texts.
        samples: How many there are.

    Returns:
        None for fewer than two people, and where nobody marked anything.

    Raises:
        SettingsError: pygamma-agreement is not installed.
    """
    if len(units) < 2 or not any(units.values()):
        return None
    need_gamma()
    import numpy as np
    from pyannote.core import Segment
    from pygamma_agreement import Continuum

    continuum = Continuum()
    for person in sorted(units):
        continuum.add_annotator(person)
        for (start, end), label in sorted(set(units[person])):
            continuum.add(person, Segment(start, end), label)
    windowed = math.prod(len(set(mine)) + 1 for mine in units.values()) > ALIGNMENTS
    state = np.random.get_state()  # the library draws from NumPy's one generator for everybody
    np.random.seed(seed)
    try:
        with _quiet():
            found = continuum.compute_gamma(_dissimilarity(), n_samples=samples, fast=windowed)
    finally:
        np.random.set_state(state)
    each = float(continuum.avg_num_annotations_per_annotator)
    return Disorder(float(found.observed_disorder), float(found.expected_disorder), each, windowed)


_made: list[Any] = []


def _dissimilarity() -> Any:
    """Return the library's own measure of how unlike two units are; made once, because it compiles itself."""
    if not _made:
        from pygamma_agreement import CombinedCategoricalDissimilarity

        _made.append(CombinedCategoricalDissimilarity())
    return _made[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep away what the library and its solver say of every alignment, to the root logger and to the terminal."""
    from cvxopt import glpk

    root, none = logging.getLogger(), logging.NullHandler()
    said = glpk.options.get("msg_lev")
    # quiet is what every solving ends in that several threads set and reset this option around
    glpk.options["msg_lev"] = "GLP_MSG_OFF"

    def ours(record: logging.LogRecord) -> bool:
        return "pygamma_agreement" not in record.pathname

    root.addFilter(ours)
    root.addHandler(none)  # without any handler, logging would set one up for good
    try:
        yield
    finally:
        root.removeHandler(none)
        root.removeFilter(ours)
        glpk.options.pop("msg_lev", None)
        if said is not None:
            glpk.options["msg_lev"] = said


def add_disorders(
    tally: Tally,
    scheme: LabelScheme,
    *,
    by: Collection[str] = (),
    seed: int = 0,
    samples: int = GAMMA_SAMPLES,
    on_progress: OnProgress = silent,
) -> None:
    """Add every document's observed and expected disorder to a tally, times its units, so that they can be summed.

    What the random texts of a document are depends on the seed, the document, and whose or which marks alone, not on
    what else is compared.

    Args:
        tally: Documents that were counted.
        scheme: Whose labels are compared: those that everybody in a document was asked for.
        by: With ``pair`` or ``annotator`` also the disorder of every two people alone, with ``label`` also that of
            every label alone; each costs as much time again.
        seed: Of the random texts.
        samples: How many for each document.
        on_progress: Told of every document.

    Raises:
        SettingsError: pygamma-agreement is not installed.
    """
    need_gamma()
    layers = {label.id: label.layer for label in scheme.span_labels}
    total = len(tally.documents)
    for number, document in enumerate(tally.documents):
        for key, marks in _looked_at(_units(document, layers), by):
            own = own_seed(seed, " ".join((document.document_id, *key)))
            found = disorder(marks, seed=own, samples=samples)
            if found is not None:
                tally.cells["disorder", *key, "observed"].add(number, found.observed * found.units)
                tally.cells["disorder", *key, "expected"].add(number, found.expected * found.units)
                tally.cells["disorder", *key, "units"].add(number, found.units * len(marks))
                tally.cells["disorder", *key, "windowed"].add(number, float(found.windowed))
        on_progress(Progress("gamma", number + 1, total, "documents"))
    tally.samples = samples


def _looked_at(
    marks: Mapping[str, Sequence[Unit]], by: Collection[str]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Sequence[Unit]]]]:
    """Yield what the disorder is asked of, and everybody's marks that count for it."""
    yield (), marks
    if {"pair", "annotator"} & set(by):
        for one, other in combinations(sorted(marks), 2):
            yield ("pair", one, other), {one: marks[one], other: marks[other]}
    if "label" in by:
        for label in sorted({label for mine in marks.values() for _, label in mine}):
            yield ("label", label), {who: [unit for unit in mine if unit[1] == label] for who, mine in marks.items()}


def own_seed(seed: int, document: str) -> int:
    """Return the seed of one document's random texts."""
    return int.from_bytes(sha256(f"{seed} {document}".encode()).digest()[:4], "big")


def _units(document: DocumentVersions, layers: Mapping[str, str]) -> dict[str, list[Unit]]:
    """Return annotator to marks with labels that everybody who was asked for spans was asked for."""
    asked = [version for version in document.versions if version.asked.about("spans")]
    common = {label for label, layer in layers.items() if all(version.asked.about(layer) for version in asked)}
    return {
        version.annotator: [
            ((entity.span.start, entity.span.end), entity.label)
            for entity in version.annotations.entities
            if entity.label in common
        ]
        for version in asked
    }
