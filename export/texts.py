"""Measure what a release's texts are: whose, from when, under which licences, and what personal data stands in them.

Read from the built tables, batch by batch, so that memory holds no texts. What may not be passed on stops a
release, unless no text is in it; what nobody can know is counted, and a desk's settings say whether that is enough.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from copydesk.corpus import ReleaseSettings
from copydesk.schemas import ReleaseError

from .licences import VERDICTS, Verdict, verdict
from .personal import KINDS, Mark, marks

__all__ = ["PERSONAL_FILE", "Texts", "measure_texts", "refuse_texts"]

PERSONAL_FILE: Final = "personal.json"
_SHOWN: Final = 20
_LISTED: Final = 50
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass
class Texts:
    """What was measured over the articles of a release.

    Attributes:
        documents: How many there are.
        withheld: Whether the release has no texts.
        outlets: The outlets that are named.
        first: The first day of publication, ISO 8601; empty where no article states one.
        last: The last.
        undated: How many articles state no day.
        nameless: How many state no outlet.
        verdicts: How many texts each verdict about licences has.
        named: The first documents of each verdict, with the licence as their source states it.
        shares: How many articles each outlet has under each licence.
        marks: Each place that looks like personal data, by document.
        marked: How many documents have one.
    """

    documents: int = 0
    withheld: bool = True
    outlets: set[str] = field(default_factory=set)
    first: str = ""
    last: str = ""
    undated: int = 0
    nameless: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    named: dict[Verdict, list[tuple[str, str]]] = field(default_factory=dict)
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)
    marks: list[tuple[str, Mark]] = field(default_factory=list)
    marked: int = 0

    def plain(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        found = Counter(mark.kind for _, mark in self.marks)
        return {
            "withheld": self.withheld,
            "outlets": len(self.outlets),
            "first": self.first,
            "last": self.last,
            "undated": self.undated,
            "nameless": self.nameless,
            "licences": {said: self.verdicts[said] for said in VERDICTS},
            "shares": [[*key, verdict(key[1]), number] for key, number in _ranked(self.shares)[:_LISTED]],
            "unlisted": sum(number for _, number in _ranked(self.shares)[_LISTED:]),
            "personal": {kind: found[kind] for kind in KINDS},
            "marked": self.marked,
        }

    def marks_json(self) -> str:
        """Return ``personal.json``: a kind and a place per line, never the words."""
        lines = [
            json.dumps({"document_id": key, "kind": mark.kind, "start": mark.start, "end": mark.end})
            for key, mark in self.marks
        ]
        return "[\n " + ",\n ".join(lines) + "\n]\n" if lines else "[]\n"


def measure_texts(folder: Path, settings: ReleaseSettings) -> Texts:
    """Measure the articles of a release folder.

    Args:
        folder: A folder with the table ``articles``.
        settings: Which licences the desk may share texts under whatever they say.
    """
    found = Texts()
    allowed = frozenset(settings.share)
    for path in sorted((folder / "articles").glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            columns = [
                name
                for name in ("document_id", "text", "licence", "outlet", "published")
                if name in file.schema_arrow.names
            ]
            for batch in file.iter_batches(batch_size=256, columns=columns):
                for row in batch.to_pylist():
                    _add(found, row, allowed)
    return found


def _add(found: Texts, row: Mapping[str, str], allowed: frozenset[str]) -> None:
    key = row["document_id"]
    found.documents += 1
    outlet, day, licence = (row.get(name) or "" for name in ("outlet", "published", "licence"))
    if outlet:
        found.outlets.add(outlet)
    found.nameless += not outlet
    found.shares[outlet, licence] += 1
    if _DAY.match(day):
        found.first = min(found.first or day[:10], day[:10])
        found.last = max(found.last, day[:10])
    else:
        found.undated += 1
    said = verdict(licence, allowed)
    found.verdicts[said] += 1
    listed = found.named.setdefault(said, [])
    if len(listed) < _SHOWN:
        listed.append((key, licence))
    if row.get("text"):
        found.withheld = False
        places = marks(row["text"])
        found.marks += [(key, mark) for mark in places]
        found.marked += bool(places)


def _ranked(shares: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(shares.items(), key=lambda item: (-item[1], item[0]))


def refuse_texts(found: Texts, settings: ReleaseSettings) -> None:
    """Refuse a release whose texts may not be passed on, or hold what the settings do not let pass.

    Raises:
        ReleaseError: Names the documents, up to twenty, and what can be done.
    """
    if found.withheld:
        return
    _refuse_licences(found, settings)
    if settings.personal == "stop" and found.marks:
        keys = Counter(key for key, _ in found.marks)
        kinds = {
            key: ", ".join(sorted({mark.kind for k, mark in found.marks if k == key})) for key in list(keys)[:_SHOWN]
        }
        raise ReleaseError(
            _listed(f"{found.marked} texts hold what looks like personal data", list(kinds.items()), found.marked),
            hint="Take the articles out, or mend them and ingest them again; to release them with the places listed in "
            f'{PERSONAL_FILE}, set `personal = "mark"` under [release] in copydesk.toml.',
        )


def _refuse_licences(found: Texts, settings: ReleaseSettings) -> None:
    stopped: tuple[Verdict, ...] = ("forbidden", "unknown") if settings.unknown_licence == "stop" else ("forbidden",)
    for said in stopped:
        number = found.verdicts[said]
        if not number:
            continue
        words = "may not be passed on by their licence" if said == "forbidden" else "state no licence that is known"
        raise ReleaseError(
            _listed(f"{number} texts {words}", found.named[said], number),
            hint="Release without texts: copydesk release --text standoff. Or take the articles out. If you may share them "
            "all the same, put the licence, word for word, into `share` under [release] in copydesk.toml.",
        )


def _listed(message: str, named: Sequence[tuple[str, str]], number: int) -> str:
    return "\n  ".join([f"{message}:", *_lines(named, number)])


def _lines(named: Sequence[tuple[str, str]], number: int) -> Iterator[str]:
    yield from (f"document {key}: {said[:120] or 'nothing stated'}" for key, said in named)
    if number > len(named):
        yield f"and {number - len(named)} more"
