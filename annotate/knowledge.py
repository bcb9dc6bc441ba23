"""Read the linguistic knowledge that ships as data: rules, names, cues, words.

Every file lies in ``annotate/data`` as TOML, with an example per rule that the test suite runs. The
digest of all of them is part of a pipeline's version: change a word, and suggestions are made anew.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib import metadata, resources
from typing import Any, Final

__all__ = ["RULES_VERSION", "knowledge", "knowledge_digest", "marked"]

_FILES: Final = (
    "actors",
    "attribution",
    "clusters",
    "labels",
    "nationalities",
    "platforms",
    "polities",
    "rules",
    "scores",
    "stance",
    "stance_fit",
    "tolls",
    "weapons",
)
_CODE: Final = (
    "attribution.py", "encoder.py", "entities.py", "gazetteer.py", "knowledge.py", "labels.py", "learnt.py", "lexicon.py", "mention_clusters.py", "mention_forms.py", "mentions.py", "models.py", "names.py", "own_gazetteers.py", "polities.py", "quoted.py", "ranges.py", "reporting.py", "roles.py", "rules.py", "scores.py", "signals.py", "speakers.py",
    "stance.py", "stance_choice.py", "stance_items.py", "stance_model.py", "suggester.py", "tagger.py", "tolls.py", "words.py",
)  # fmt: skip
_PACKAGES: Final = ("pycountry",)
"""Packages whose tables are knowledge too."""
RULES_VERSION: Final = "1"
"""The version that rule-made labels carry, before the digest of the data."""


@cache
def knowledge(name: str) -> dict[str, Any]:
    """Return one data file of ``annotate/data`` by its name without ``.toml``."""
    source = resources.files("copydesk.annotate") / "data" / f"{name}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


@cache
def knowledge_digest() -> str:
    """Return the SHA-256 over the data files, the versions of the packages with tables, and the code that reads them."""
    folder = resources.files("copydesk.annotate")
    digest = hashlib.sha256()
    for path in [folder / "data" / f"{name}.toml" for name in _FILES] + [folder / name for name in _CODE]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for package in _PACKAGES:
        digest.update(f"{package} {metadata.version(package)}".encode())
    return digest.hexdigest()


def marked(example: str) -> tuple[str, list[tuple[int, int]]]:
    """Return an example without its ``[[double brackets]]``, and the ranges that stood in them.

    >>> marked("The [[rebels]] left.")
    ('The rebels left.', [(4, 10)])
    """
    text, spans, start = "", [], 0
    for part in example.replace("[[", "\0[[").replace("]]", "\0]]").split("\0"):
        if part.startswith("[["):
            start = len(text)
            text += part[2:]
        elif part.startswith("]]"):
            spans.append((start, len(text)))
            text += part[2:]
        else:
            text += part
    return text, spans
