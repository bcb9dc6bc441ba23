"""Write WebAnno TSV 3.3 as INCEpTION imports it, and read it.

Of each article a ``.tsv``, in a folder for each split. A line is a token; what is marked is a layer
``webanno.custom.Region`` with a feature for its label and one for each attribute, relations are ``webanno.custom.RegionLink``::

    #FORMAT=WebAnno TSV 3.3
    #T_SP=webanno.custom.Region|label|actor_class|…
    #T_RL=webanno.custom.RegionLink|label|BT_webanno.custom.Region


    #Text=The rebels left.
    1-1	0-3	The	_	_	_	_
    1-2	4-10	rebels	ARMED\\_ACTOR	rebel\\_insurgent	_	_

A sentence is written with the white space behind it, so that the text comes back to the last blank: the format keeps none
between sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from copydesk.annotate import Link, Marked, Region, tokenize
from copydesk.schemas import InputError, Removed

from .exchange import Article, Context, lost, unread
from .tables import Loss
from .tsv_units import (
    LINK,
    NAMED,
    REGION,
    Unit,
    Utf16,
    escape_text,
    escape_value,
    split_cell,
    unescape_text,
    unescape_value,
    units_of,
)

__all__ = ["TsvWriter", "read_tsv"]

NAME: Final = "tsv"
FORMAT: Final = "#FORMAT=WebAnno TSV 3.3"
_FORMAT: Final = re.compile(r"#FORMAT=WebAnno TSV 3\.\d+")
_LINE: Final = re.compile(r"(\d+-\d+(?:\.\d+)?)\t(\d{1,9})-(\d{1,9})\t")
WIDEST: Final = 100_000
"""Blanks between two sentences, in UTF-16 units: of more there is something wrong."""
_NOTHING_HERE: Final = "_"
_NO_VALUE: Final = "*"


class TsvWriter:
    """Writes ``train/ID.tsv`` and so on.

    Args:
        folder: Where to.
        context: The scheme.
    """

    def __init__(self, folder: Path, context: Context) -> None:
        self.folder = folder
        self.attributes = [attribute.id for attribute in context.scheme.attributes]
        features = "|".join(["label", *self.attributes])
        self.header = f"{FORMAT}\n#T_SP={REGION}|{features}\n#T_RL={LINK}|label|BT_{REGION}\n\n"

    def take(self, article: Article) -> Iterator[Loss]:
        """Write one article; yield what of it no row of tokens can hold."""
        marked = article.marked
        table = _Table(article, self.attributes)
        place = self.folder / article.split
        place.mkdir(exist_ok=True)
        (place / f"{marked.name}.tsv").write_text(self.header + table.text(), encoding="utf-8", newline="\n")
        regions = {region.id: region for region in marked.regions}
        for region in marked.regions:
            if region.id not in table.lines_of:
                yield lost(article, region, NAME, "begins or ends in white space")
        for link in marked.links:
            if not {link.source, link.target} <= table.lines_of.keys():
                yield lost(article, regions[link.target], NAME, "an end of it is lost", label=link.relation)
        for question in marked.answers:
            yield Loss(marked.name, 0, 0, question, "", NAME, "no place for answers about the document")

    def close(self) -> None:
        """Do nothing: every file is written."""


class _Table:
    """One article as lines."""

    def __init__(self, article: Article, attributes: Sequence[str]) -> None:
        marked = article.marked
        self.words = marked.text
        self.attributes = attributes
        self.regions = {region.id: region for region in marked.regions}
        cut = [
            [(start + first, start + last) for first, last in tokenize(marked.text[start:end], article.language)]
            for start, end in _with_gaps(article.sentences, len(marked.text))
        ]
        cut = [tokens for tokens in cut if tokens]
        # a sentence begins with its first token: that is how its place is read
        self.sentences = list(pairwise([*(tokens[0][0] for tokens in cut), len(marked.text)]))
        tokens = [
            (f"{number}-{place}", start, end)
            for number, sentence in enumerate(cut, start=1)
            for place, (start, end) in enumerate(sentence, start=1)
        ]
        self.lines, self.lines_of = units_of(tokens, {r.id: (r.start, r.end) for r in marked.regions})
        ambiguous = (r for r, on in self.lines_of.items() if len(on) > 1 or any(len(unit.holds) > 1 for unit in on))
        self.numbers = {own: number for number, own in enumerate(ambiguous, start=1)}
        self.links: dict[str, list[Link]] = {}
        for link in marked.links:
            if {link.source, link.target} <= self.lines_of.keys():
                self.links.setdefault(self.lines_of[link.target][0].name, []).append(link)

    def text(self) -> str:
        """Return all sentences."""
        offsets = Utf16(self.words)
        by_sentence: dict[int, list[Unit]] = {}
        for unit in self.lines:
            by_sentence.setdefault(int(unit.name.partition("-")[0]), []).append(unit)
        written = []
        for number, (start, end) in enumerate(self.sentences, start=1):
            lines = [f"#Text={escape_text(line)}" for line in self.words[start:end].split("\n")]
            for unit in by_sentence.get(number, ()):
                place = f"{offsets.units(unit.start)}-{offsets.units(unit.end)}"
                cells = [
                    unit.name,
                    place,
                    self.words[unit.start : unit.end],
                    *self._spans(unit),
                    *self._relations(unit),
                ]
                lines.append("\t".join([*cells, ""]))
            written.append("\n" + "".join(f"{line}\n" for line in lines))
        return "".join(written)

    def _spans(self, unit: Unit) -> Iterator[str]:
        """Yield the cells of the label and of each attribute: values stacked, each with its number."""
        held = [self.regions[own] for own in unit.holds]
        for name in ("", *self.attributes):
            values = [region.attributes.get(name, "") if name else region.label for region in held]
            numbered = (
                (escape_value(value) if value else _NO_VALUE) + self._number(region)
                for region, value in zip(held, values, strict=True)
            )
            yield "|".join(numbered) or _NOTHING_HERE

    def _number(self, region: Region) -> str:
        return f"[{self.numbers[region.id]}]" if region.id in self.numbers else ""

    def _relations(self, unit: Unit) -> Iterator[str]:
        """Yield two cells about the relations that lead to what begins here: their labels, and where they come from."""
        here = self.links.get(unit.name, ())
        yield "|".join(escape_value(link.relation) for link in here) or _NOTHING_HERE
        yield "|".join(self._from(link) for link in here) or _NOTHING_HERE

    def _from(self, link: Link) -> str:
        source, target = self.numbers.get(link.source, 0), self.numbers.get(link.target, 0)
        return self.lines_of[link.source][0].name + (f"[{source}_{target}]" if source or target else "")


def _with_gaps(sentences: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Return sentences with the white space behind each, and before the first one."""
    starts = [0, *(start for start, _ in sentences[1:]), length]
    return [(start, end) for start, end in pairwise(starts) if start < end]


# reading


def read_tsv(path: Path) -> Iterator[Marked | Removed]:
    """Yield the document of a file, or of each file of a folder and those below it.

    Read are our own layers, and DKPro's ``NamedEntity``; annotations of other layers are named as unread. A file that
    cannot be read is yielded as :class:`~copydesk.schemas.Removed`, with its line.
    """
    for file in [path] if path.is_file() else sorted(path.rglob("*.tsv")):
        try:
            yield _Reader(file).read()
        except InputError as error:
            yield unread(error)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer that a header declares: ``SP``, ``RL`` or ``CH``, its type, its features, and its first column."""

    kind: str
    type: str
    features: tuple[str, ...]
    column: int


@dataclass(slots=True)
class _Found:
    """An annotation, as far as it has been read; offsets in UTF-16 units."""

    start: int
    end: int
    label: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def _units(text: str) -> int:
    """Return how many UTF-16 units a text has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Reader:
    """One file, as it is read line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.layers: list[_Layer] = []
        self.columns = 3
        self.text = ""
        self.length = 0  # in UTF-16 units
        self.sentence: list[str] = []
        self.rows: list[tuple[str, int, int, list[str], str]] = []
        self.found: dict[str, _Found] = {}
        self.on: dict[tuple[str, str], list[str]] = {}
        """Unit and type to the annotations on it."""
        self.links: list[tuple[str, str, str]] = []
        self.unread: dict[str, tuple[str, str]] = {}

    def read(self) -> Marked:
        """Return the document.

        Raises:
            InputError: A line cannot be read, or a range does not hold the word beside it.
        """
        try:
            lines = self.path.read_bytes().decode("utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise InputError("the file is no UTF-8", where=self.path.name) from error
        if not _FORMAT.fullmatch(lines[0].rstrip("\r")):
            raise InputError(
                f"the first line is {lines[0][:60]!r}", where=f"{self.path.name}:1", hint=f"It looks like {FORMAT}."
            )
        for number, line in enumerate(lines[1:], start=2):
            self._line(line.removesuffix("\r"), f"{self.path.name}:{number}")
        self.text = self.text.removesuffix("\n")
        offsets = Utf16(self.text)
        for name, start, end, cells, where in self.rows:
            there = self.text[offsets.points(start) : offsets.points(end)]
            if there != cells[2]:
                raise InputError(
                    f"{start}-{end} holds {there[:60]!r}; the line says {cells[2][:60]!r}",
                    where=where,
                    hint="Offsets count UTF-16 units, from 0.",
                )
            for layer in self.layers:
                self._cells(layer, name, (start, end), cells)
        for layer in self.layers:
            if layer.type == LINK:
                self._relations(layer)
        return self._marked(offsets)

    def _line(self, line: str, where: str) -> None:
        if declared := re.fullmatch(r"#T_(SP|RL|CH)=(.+)", line):
            kind, *features = declared[2].split("|")
            self.layers.append(_Layer(declared[1], kind, tuple(features or [""]), self.columns))
            self.columns += len(features or [""])
        elif line.startswith("#Text="):
            self.sentence.append(unescape_text(line.removeprefix("#Text=")))
        elif row := _LINE.match(line):
            cells = line.split("\t")
            if len(cells) < self.columns:
                raise InputError(f"{len(cells)} columns; the header declares {self.columns}", where=where)
            start, end = int(row[2]), int(row[3])
            if start >= end:
                raise InputError(f"{start}-{end} holds nothing", where=where)
            if self.sentence:
                self._begin(start, where)
            self.rows.append((row[1], start, end, cells, where))
        elif line and not line.startswith("#"):
            raise InputError(
                f"no line of a token: {line[:60]!r}", where=where, hint="It looks like 1-1, tab, 0-3, tab, The."
            )

    def _begin(self, start: int, where: str) -> None:
        """Begin a sentence where its first token says, which tells how much white space came before.

        White space that its text begins with is a part of it: the sentence begins so far before its first token.
        """
        words = "\n".join(self.sentence) + "\n"
        start -= _units(words[: len(words) - len(words.lstrip())])
        if self.length == start + 1:
            self.text = self.text.removesuffix("\n")
            self.length -= 1
        if self.length > start:
            raise InputError(f"a sentence begins at {start}, inside the one before it", where=where)
        if start - self.length > WIDEST:
            raise InputError(f"a sentence begins at {start}; the text so far ends at {self.length}", where=where)
        self.text += " " * (start - self.length) + words
        self.length = start + _units(words)
        self.sentence = []

    def _cells(self, layer: _Layer, unit: str, place: tuple[int, int], cells: list[str]) -> None:
        """Read what one layer says of a unit; relations wait until all that they can lead to is there."""
        if layer.type == LINK or cells[layer.column] == _NOTHING_HERE:
            return
        if layer.type not in (REGION, NAMED):
            for stacked, (_, number) in enumerate(split_cell(cells[layer.column])):
                key = f"{layer.type} {number or f'{unit} {stacked}'}"
                said = f"{layer.type} {place[0]}-{place[1]}"
                self.unread.setdefault(key, (said, "a layer that has no place here"))
            return
        for column, feature in enumerate(layer.features, start=layer.column):
            for stacked, (value, number) in enumerate(split_cell(cells[column])):
                key = f"#{number}" if number else f"{unit} {layer.type} {stacked}"
                found = self.found.setdefault(key, _Found(*place))
                found.end = max(found.end, place[1])
                if key not in (on := self.on.setdefault((unit, layer.type), [])):
                    on.append(key)
                if value == _NO_VALUE or (layer.type, feature) == (NAMED, "identifier"):
                    continue
                if feature == ("label" if layer.type == REGION else "value"):
                    found.label = unescape_value(value)
                else:
                    found.attributes[feature] = unescape_value(value)

    def _relations(self, layer: _Layer) -> None:
        base = layer.features[-1].removeprefix("BT_")
        for unit, *_, cells, _where in self.rows:
            if cells[layer.column] == _NOTHING_HERE:
                continue
            labels, ends = (split_cell(cells[layer.column + place]) for place in (0, len(layer.features) - 1))
            for (label, _), (begin, numbers) in zip(labels, ends, strict=False):
                source, _, target = numbers.partition("_")
                names = self._named(begin, base, source), self._named(unit, base, target)
                if all(names):
                    self.links.append((names[0], unescape_value(label), names[1]))
                else:
                    self.unread.setdefault(
                        f"{unit} {label} {begin}", (f"{label} {begin}", "a relation to what is no span")
                    )

    def _named(self, unit: str, base: str, number: str) -> str:
        """Return the key of what a relation leads to; nothing where it is not there."""
        if number and number != "0":
            return f"#{number}" if f"#{number}" in self.found else ""
        return next((key for key in self.on.get((unit, base), ()) if not key.startswith("#")), "")

    def _marked(self, offsets: Utf16) -> Marked:
        names = {key: f"r{number}" for number, key in enumerate(self.found, start=1)}
        regions = [
            Region(names[key], offsets.points(one.start), offsets.points(one.end), one.label, one.attributes)
            for key, one in self.found.items()
        ]
        regions.sort(key=lambda region: (region.start, -region.end, region.label, region.id))
        links = tuple(Link(names[source], label, names[target]) for source, label, target in self.links)
        return Marked(self.path.stem, self.text, tuple(regions), links, unread=tuple(self.unread.values()))
