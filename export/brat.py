"""Write brat's standoff files, and read them.

Of each article a ``.txt`` and a ``.ann``, in a folder for each split, with an ``annotation.conf`` that declares the scheme::

    T1\tARMED_ACTOR 4 14\tthe rebels
    A1\tactor_class T1 rebel_insurgent
    R1\tsource Arg1:T2 Arg2:T1
    #1\tAnnotatorNotes T3\ttoll_low=17

Offsets are code points, as Python counts. A span over a line break is written in pieces, for brat knows no other way, and a
number is a note, for brat declares every value of an attribute. (https://brat.nlplab.org/standoff.html)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from copydesk.annotate import Link, Marked, Region
from copydesk.schemas import InputError, LabelScheme, Removed

from .exchange import Article, Context, unread
from .tables import Loss

__all__ = ["BratWriter", "read_brat"]

NAME: Final = "brat"
NOTE: Final = "AnnotatorNotes"
_SPAN: Final = re.compile(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)")
_NOTED: Final = re.compile(r"([a-z][a-z0-9_]*)=(.+)")


class BratWriter:
    """Writes ``train/ID.txt``, ``train/ID.ann`` and so on.

    Args:
        folder: Where to.
        context: The scheme.
    """

    def __init__(self, folder: Path, context: Context) -> None:
        self.folder = folder
        self._numbers = {a.id for a in context.scheme.attributes if a.kind == "integer"}
        self._flags = {a.id for a in context.scheme.attributes if a.kind == "flag"}
        (folder / "annotation.conf").write_text(_config(context.scheme), encoding="utf-8", newline="\n")

    def take(self, article: Article) -> Iterator[Loss]:
        """Write one article."""
        place = self.folder / article.split
        place.mkdir(exist_ok=True)
        name = article.marked.name
        (place / f"{name}.txt").write_text(article.marked.text, encoding="utf-8", newline="\n")
        lines = "".join(f"{line}\n" for line in self._lines(article.marked))
        (place / f"{name}.ann").write_text(lines, encoding="utf-8", newline="\n")
        for question in article.marked.answers:
            yield Loss(name, 0, 0, question, "", NAME, "no place for answers about the document")

    def _lines(self, marked: Marked) -> Iterator[str]:
        names = {region.id: f"T{place}" for place, region in enumerate(marked.regions, start=1)}
        said = notes = 0
        for region in marked.regions:
            own = names[region.id]
            pieces = _pieces(marked.text, region)
            place = ";".join(f"{start} {end}" for start, end in pieces)
            yield f"{own}\t{region.label} {place}\t{' '.join(marked.text[start:end] for start, end in pieces)}"
            for name, value in sorted(region.attributes.items()):
                if name in self._numbers:
                    notes += 1
                    yield f"#{notes}\t{NOTE} {own}\t{name}={value}"
                else:
                    said += 1
                    yield f"A{said}\t{name} {own}" + ("" if name in self._flags else f" {value}")
        for number, link in enumerate(marked.links, start=1):
            yield f"R{number}\t{link.relation} Arg1:{names[link.source]} Arg2:{names[link.target]}"

    def close(self) -> None:
        """Do nothing: every file is written."""


def _pieces(text: str, region: Region) -> list[tuple[int, int]]:
    """Return a region's range without the line breaks in it."""
    return [
        (region.start + found.start(), region.start + found.end())
        for found in re.finditer(r"[^\n]+", text[region.start : region.end])
    ]


def _config(scheme: LabelScheme) -> str:
    labels = [label.id for label in scheme.span_labels]
    relations = [f"{r.id}\tArg1:{'|'.join(r.source)}, Arg2:{'|'.join(r.target)}" for r in scheme.relations]
    attributes = []
    for attribute in scheme.attributes:
        values = "|".join(value.id for value in attribute.values)
        asked = f"{attribute.id}\tArg:{'|'.join(attribute.labels)}"
        if attribute.kind != "integer":
            attributes.append(asked if attribute.kind == "flag" else f"{asked}, Value:{values}")
    parts: tuple[tuple[str, list[str]], ...] = (
        ("entities", labels),
        ("relations", relations),
        ("events", []),
        ("attributes", attributes),
    )
    return "\n".join("\n".join([f"[{name}]", *lines, ""]) for name, lines in parts)


def read_brat(path: Path) -> Iterator[Marked | Removed]:
    """Yield the documents of a folder of brat's, those in folders below it too.

    A document with a line that cannot be read, or a range that does not hold the words beside it, is yielded as
    :class:`~copydesk.schemas.Removed`, with file and line.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*.ann"))
    for file in files:
        try:
            yield _Document(file, _text(file.with_suffix(".txt"))).read()
        except InputError as error:
            yield unread(error)


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise InputError("the text of a document is not there, or no UTF-8", where=path.name) from error


class _Document:
    """One ``.ann``, as it is read line by line."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self.places: dict[str, tuple[int, int, str]] = {}
        self.attributes: dict[str, dict[str, str]] = {}
        self.links: list[Link] = []
        self.unread: list[tuple[str, str]] = []

    def read(self) -> Marked:
        """Return the document."""
        for number, line in enumerate(_text(self.path).split("\n"), start=1):
            if line.strip():
                self._line(line, f"{self.path.name}:{number}")
        links = [link for link in self.links if link.source in self.places and link.target in self.places]
        self.unread += [
            (f"{link.relation} {link.source} {link.target}", "a relation to what is no span here")
            for link in self.links
            if link not in links
        ]
        regions = [Region(key, *place, self.attributes.get(key, {})) for key, place in self.places.items()]
        regions.sort(key=lambda region: (region.start, -region.end, region.label, region.id))
        return Marked(self.path.stem, self.text, tuple(regions), tuple(links), unread=tuple(self.unread))

    def _line(self, line: str, where: str) -> None:
        key, _, said = line.partition("\t")
        match key[:1]:
            case "T":
                self._span(key, said, where)
            case "A" | "M":
                name, own, *value = said.split(" ", 2)
                self.attributes.setdefault(own, {})[name] = value[0] if value else "true"
            case "R":
                name, _, arguments = said.partition(" ")
                ends = [argument.partition(":")[2] for argument in arguments.split()]
                if len(ends) != 2:
                    raise InputError("a relation needs Arg1 and Arg2", where=where)
                self.links.append(Link(ends[0], name, ends[1]))
            case "#" if noted := _NOTED.fullmatch(said.partition("\t")[2]):
                self.attributes.setdefault(said.split("\t")[0].split()[-1], {})[noted[1]] = noted[2]
            case _:
                self.unread.append((line[:80], "a line of a kind that has no place here"))

    def _span(self, key: str, said: str, where: str) -> None:
        about, _, words = said.partition("\t")
        found = _SPAN.fullmatch(about)
        if found is None:
            raise InputError(
                f"no span: {about[:80]!r}", where=where, hint="It looks like T1, tab, LABEL 4 14, tab, words."
            )
        pieces = [(int(first), int(last)) for first, last in (piece.split() for piece in found[2].split(";"))]
        there = " ".join(self.text[start:end] for start, end in pieces)
        if there != words:
            raise InputError(
                f"{about} holds {there[:60]!r}; the file says {words[:60]!r}",
                where=where,
                hint="Is it the text that was annotated? Offsets count code points, from 0.",
            )
        gaps = [self.text[end:start] for (_, end), (start, _) in pairwise(pieces)]
        if any(gap.strip("\n") for gap in gaps) or any(not gap for gap in gaps):
            self.unread.append((f"{key} {about}: {words[:60]}", "a span in several pieces"))
            return
        self.places[key] = pieces[0][0], pieces[-1][1], found[1]
