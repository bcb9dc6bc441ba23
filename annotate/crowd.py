"""Weigh several people's answers by how reliable each of them is: the one door to crowd-kit.

Dawid and Skene's model (1979, doi:10.2307/2346806) learns from all answers together, without any truth, how often each
person takes which answer for which; MACE (Hovy et al. 2013, aclanthology.org/N13-1132) how often each of them does not
look. Either gives a probability for every answer to every item. The computation is crowd-kit's (Ustalov et al. 2024,
doi:10.21105/joss.06227); it comes with the extra ``crowd``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from copydesk.schemas import SettingsError

__all__ = ["CrowdModel", "posteriors"]

CrowdModel = Literal["dawid-skene", "mace"]

DIGITS: Final = 6
"""Decimals of a probability: two machines add numbers up in another order."""
ITERATIONS: Final = 100
BEGINNINGS: Final = 3
"""How often MACE is begun, each time from another point; the best counts."""
ANSWERS: Final = 1_000_000
"""So many answers are weighed in all its beginnings together; of more it has one."""

Answers = Mapping[str, str]
"""Annotator to answer."""


def posteriors(items: Sequence[Answers], model: CrowdModel, *, seed: int = 0) -> list[dict[str, float]]:
    """Return how probable each answer to each item is, rounded to six decimals.

    Args:
        items: What each person answered to each item; at least one answer each. An answer that a person gave to no
            item takes no part for them.
        model: ``dawid-skene`` or ``mace``.
        seed: Of MACE's starting points; Dawid and Skene's begins with the majority.

    Returns:
        For each item answer to probability; answers below half a millionth are left out.

    Raises:
        SettingsError: crowd-kit is not installed.
    """
    if not items:
        return []
    try:
        import pandas as pd
        from crowdkit.aggregation import MACE, DawidSkene
    except ImportError as error:
        raise SettingsError(
            f"the consensus model {model} needs crowd-kit, which is not installed",
            where="consensus.model",
            hint="pip install 'copydesk[crowd]', or set it to majority",
        ) from error
    answers = sorted({answer for item in items for answer in item.values()})
    people = sorted({person for item in items for person in item})
    codes, workers = ({name: number for number, name in enumerate(names)} for names in (answers, people))
    data = pd.DataFrame(
        {
            "task": [number for number, item in enumerate(items) for _ in item],
            "worker": [workers[person] for item in items for person in sorted(item)],
            "label": [codes[item[person]] for item in items for person in sorted(item)],
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library's own, about what pandas will drop
        if model == "mace":
            restarts = max(1, min(BEGINNINGS, ANSWERS // len(data)))
            fitted = MACE(n_restarts=restarts, random_state=seed).fit_predict_proba(data)
        else:
            fitted = DawidSkene(n_iter=ITERATIONS).fit_predict_proba(data)
    table = fitted.reindex(range(len(items))).to_numpy().round(DIGITS)
    names = [answers[int(code)] for code in fitted.columns]
    found: list[dict[str, float]] = [{} for _ in items]
    for item, answer in zip(*(axis.tolist() for axis in table.nonzero()), strict=True):
        found[item][names[answer]] = float(table[item, answer])
    return found
