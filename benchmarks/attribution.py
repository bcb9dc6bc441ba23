"""Measure attribution: who speaks, where, by mention, by content, by source; on our texts and on data by path.

Four sets. The *samples*, annotated by people: the rules were written while looking at them. *Six articles* of our own
(``benchmarks/data/attribution.jsonl``), annotated before any rule was run on them; their first figures are in
benchmarks/README.md, and then rules were mended by what they showed. *Three unseen articles*
(``attribution_unseen.jsonl``), annotated after that, which no rule was changed for: they are the fair figure. And what
``--data`` names: a JSONL file, or a folder with ``attribution.jsonl``, one document a line::

    {"id": "wire", "text": "…", "mentions": [[0, 7], …],
     "attributions": [{"content": [[10, 52]], "source": [[0, 7]], "cue": [[8, 12]], "form": "direct"}]}

Offsets are half-open code points. Content, source and cue are lists of ranges, so that discontinuous contents, as
PolNeAR has them, need no cutting; source and cue may be empty, ``form`` and ``mentions`` may be left out. Without
``mentions`` those that the pipeline suggests are asked about.

Measures, with 95 % intervals over documents (percentile bootstrap):

- *author or quoted*: a mention is inside some content, or not;
- *author or right source*: and where it is quoted, the innermost source is the right one;
- *content tokens*: precision, recall and F1 of words inside content;
- *source*: of found contents that overlap gold content with a source, those with the right source. Right is
  lenient: the two overlap, or end in the same word;
- *nested*: gold contents inside another content, found inside another found content;
- *found, by form*: gold contents of which a found content covers half the words and adds no more than as many.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from copydesk.annotate import Suggester, load_suggester
from copydesk.corpus import SuggestSettings
from copydesk.schemas import Annotations, Document, Segment, document_id, load_scheme, text_sha256

from .figure import Figure, figure, over_documents
from .samples import sample_documents, sample_rows

Range: TypeAlias = tuple[int, int]
OWN: Final = Path(__file__).parent / "data" / "attribution.jsonl"
UNSEEN: Final = Path(__file__).parent / "data" / "attribution_unseen.jsonl"
WORD: Final = re.compile(r"\w+")
FORMS: Final = ("direct", "indirect", "mixed")


@dataclass(frozen=True, slots=True)
class Said:
    """Who says what, as a text has it: ranges of content and source, in the order of the text."""

    content: tuple[Range, ...]
    source: tuple[Range, ...]
    form: str


@dataclass(frozen=True, slots=True)
class Case:
    """A document to measure on: what is right, and the mentions to ask about (None: those that are suggested)."""

    document: Document
    segments: Sequence[Segment]
    gold: tuple[Said, ...]
    mentions: tuple[Range, ...] | None


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield the measures on the samples, on the six articles, and on data by path where it is given."""
    suggester = load_suggester(SuggestSettings(layers=["entities", "attribution"]), load_scheme())
    yield from _measured("samples", list(_samples()), suggester)
    yield from _measured("six articles", read_cases(OWN), suggester)
    yield from _measured("three unseen articles", read_cases(UNSEEN), suggester)
    path = data / "attribution.jsonl" if data is not None and data.is_dir() else data
    if path is not None and path.is_file():
        yield from _measured(path.stem, read_cases(path)[:: 4 if quick else 1], suggester)


def read_cases(path: Path) -> list[Case]:
    """Read documents in the form that the module describes.

    Raises:
        ValueError: A range lies outside its text.
    """
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [_case(row, f"{path}:{number}") for number, row in enumerate(rows, start=1)]


def _case(row: dict[str, Any], where: str) -> Case:
    text = row["text"]

    def ranges(found: Iterable[Sequence[int]]) -> tuple[Range, ...]:
        checked = tuple(sorted((low, high) for low, high in found))
        for low, high in checked:
            if not 0 <= low < high <= len(text):
                raise ValueError(f"{where}: [{low}, {high}) is no range of the text")
        return checked

    gold = tuple(
        Said(ranges(said["content"]), ranges(said.get("source", ())), said.get("form", ""))
        for said in row["attributions"]
    )
    document = Document(document_id(text), text, text_sha256(text), language="en")
    return Case(document, (), gold, ranges(row["mentions"]) if "mentions" in row else None)


def _samples() -> Iterator[Case]:
    rows = {row["sha256"]: row for row in sample_rows()}
    for document, segments in sample_documents():
        row = rows.get(document.sha256)
        if row is None:
            continue
        gold = tuple(
            Said(
                ((said["content"]["start"], said["content"]["end"]),),
                ((said["source"]["start"], said["source"]["end"]),) if said["source"] else (),
                said["form"],
            )
            for said in row["attributions"]
        )
        yield Case(document, segments, gold, tuple((e["start"], e["end"]) for e in row["entities"]))


# measures


def _measured(name: str, cases: Sequence[Case], suggester: Suggester) -> Iterator[Figure]:
    start = time.perf_counter()
    cases = [case for case in cases if suggester.refusal(case.document) is None]
    made = suggester.suggest([(case.document, case.segments) for case in cases])
    counts = [count(case, said.annotations) for case, said in zip(cases, made, strict=True)]
    spent = time.perf_counter() - start
    targets = {"author or quoted": ">= 85", "source": ">= 80"}
    shares = {
        "author or quoted": ("mentions right", "mentions", "% of mentions"),
        "author or right source": ("mentions and source right", "mentions", "% of mentions"),
        "source": ("sources right", "sources", "% of found contents"),
        "nested": ("nested found", "nested", "% of nested contents"),
        **{f"found, {form}": (f"{form} found", form, "% of contents") for form in FORMS},
    }
    for measure, (right, of, unit) in shares.items():
        total = sum(c[of] for c in counts)
        if total:
            value, interval = over_documents(counts, lambda c, r=right, o=of: 100 * c[r] / max(c[o], 1))
            yield figure(f"{measure}, {name}", value, unit, target=targets.get(measure, ""), n=total, seconds=spent,
                         interval=interval)  # fmt: skip
            spent = 0
    rates: dict[str, Callable[[Counter[str]], float]] = {
        "precision": lambda c: 100 * c["shared"] / max(c["found"], 1),
        "recall": lambda c: 100 * c["shared"] / max(c["gold"], 1),
        "F1": lambda c: 200 * c["shared"] / max(c["found"] + c["gold"], 1),
    }
    for measure, rate in rates.items():
        value, interval = over_documents(counts, rate)
        n = sum(c["gold"] for c in counts)
        yield figure(f"content tokens, {name}", value, f"{measure} (%)", n=n, seconds=0, interval=interval)


def count(case: Case, annotations: Annotations) -> Counter[str]:
    """Return what there is to count about one document."""
    text = case.document.text
    found = [
        Said(
            ((a.content.start, a.content.end),),
            ((a.source.start, a.source.end),) if a.source is not None else (),
            a.form,
        )
        for a in annotations.attributions
    ]
    mentions = case.mentions
    if mentions is None:
        mentions = tuple((e.span.start, e.span.end) for e in annotations.entities)
    counted: Counter[str] = Counter(mentions=len(mentions))
    for mention in mentions:
        ours, theirs = innermost(found, mention), innermost(case.gold, mention)
        same = (ours is None) == (theirs is None)
        counted["mentions right"] += same
        counted["mentions and source right"] += same and (
            ours is None or theirs is None or same_source(text, ours.source, theirs.source)
        )
    words = {form: _words(text, form) for form in (*found, *case.gold)}
    ours_words, their_words = (set().union(*(words[said] for said in side)) for side in (found, case.gold))
    counted.update(shared=len(ours_words & their_words), found=len(ours_words), gold=len(their_words))
    for said in found:
        other = max(case.gold, key=lambda g: _likeness(words[said], words[g]), default=None)
        if other is not None and other.source and words[said] & words[other]:
            counted["sources"] += 1
            counted["sources right"] += same_source(text, said.source, other.source)
    for said in case.gold:
        hit = [other for other in found if _likeness(words[said], words[other]) >= 0.5]
        counted[said.form] += 1
        counted[f"{said.form} found"] += bool(hit)
        if any(words[said] < words[outer] for outer in case.gold):
            counted["nested"] += 1
            counted["nested found"] += any(words[other] < words[outer] for other in hit for outer in found)
    return counted


def innermost(sayings: Iterable[Said], mention: Range) -> Said | None:
    """Return the attribution with the shortest part of content around a mention."""
    around = [
        (high - low, low, said)
        for said in sayings
        for low, high in said.content
        if low <= mention[0] and mention[1] <= high
    ]
    return min(around, key=lambda item: item[:2])[2] if around else None


def same_source(text: str, ours: Sequence[Range], theirs: Sequence[Range]) -> bool:
    """Tell whether two sources are the same: they overlap, or end in the same word; or neither is there."""
    if not ours or not theirs:
        return not ours and not theirs
    if any(low < end and start < high for low, high in ours for start, end in theirs):
        return True
    return _last(text, ours) == _last(text, theirs)


def _last(text: str, ranges: Sequence[Range]) -> str:
    words = WORD.findall(text[slice(*ranges[-1])])
    return str(words[-1]).casefold() if words else ""


def _words(text: str, said: Said) -> frozenset[int]:
    return frozenset(match.start() for low, high in said.content for match in WORD.finditer(text, low, high))


def _likeness(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / max(len(one | other), 1)
