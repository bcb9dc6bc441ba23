"""Write CoNLL-2003's four columns with IOB2 tags, and read them.

    -DOCSTART- -X- -X- O

    Shells -X- _ O
    hit -X- _ O
    Dremmen -X- _ B-GPE

One file a split, one block a sentence. The format holds one layer of spans that neither overlap nor cross a sentence, of
whole tokens; it has neither ids nor offsets, so ``documents.csv`` says which article each ``-DOCSTART-`` begins.
(Tjong Kim Sang and De Meulder, CoNLL 2003; IOB2: Ratnaparkhi 1998.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from copydesk.annotate import Marked, Region, tokenize
from copydesk.schemas import InputError

from .exchange import Article, Context, lost
from .tables import Loss, flatten

__all__ = ["ConllWriter", "read_conll"]

NAME: Final = "conll"
START: Final = "-DOCSTART-"
LISTED: Final = "documents.csv"


class ConllWriter:
    """Writes ``train.conll`` and so on.

    Args:
        folder: Where to.
        context: The scheme, and which labels are entities.
    """

    def __init__(self, folder: Path, context: Context) -> None:
        self.folder = folder
        self.context = context
        self._files: dict[str, IO[str]] = {}

    def take(self, article: Article) -> Iterator[Loss]:
        """Write one article."""
        file = self._file(f"{article.split}.conll")
        file.write(f"{START} -X- -X- O\n\n")
        self._file(LISTED).write(f"{article.split},{article.marked.name}\n")
        named = [region for region in article.marked.regions if region.label in self.context.entities]
        held: set[str] = set()
        for start, end in article.sentences:
            inside = [region for region in named if start <= region.start and region.end <= end]
            held.update(region.id for region in inside)
            yield from self._sentence(article, start, end, inside, file)
        yield from _elsewhere(article, {region.id for region in named}, held)

    def _sentence(self, article: Article, start: int, end: int, regions: list[Region], file: IO[str]) -> Iterator[Loss]:
        text = article.marked.text[start:end]
        tokens = tokenize(text, article.language)
        by_range: dict[tuple[int, int, str], list[Region]] = {}
        for region in regions:
            by_range.setdefault((region.start - start, region.end - start, region.label), []).append(region)
        tags, unfit = flatten(tokens, list(by_range), self.context.entities)
        for (first, last), tag in zip(tokens, tags, strict=True):
            file.write(f"{text[first:last]} -X- _ {tag}\n")
        file.write("\n" if tokens else "")
        for span, reason in unfit:
            yield from (lost(article, region, NAME, reason) for region in by_range[span])
        for twins in by_range.values():
            yield from (lost(article, region, NAME, "same words, same label") for region in twins[1:])

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _file(self, name: str) -> IO[str]:
        if name not in self._files:
            self._files[name] = (self.folder / name).open("w", encoding="utf-8", newline="\n")
        return self._files[name]


def _elsewhere(article: Article, named: set[str], held: set[str]) -> Iterator[Loss]:
    """Yield what IOB2 has no place for, whatever the sentences are."""
    regions = {region.id: region for region in article.marked.regions}
    for region in regions.values():
        if region.id not in named:
            yield lost(article, region, NAME, "another layer than the entities")
        elif region.id not in held:
            yield lost(article, region, NAME, "crosses a sentence boundary")
        for name in region.attributes:
            yield lost(article, region, NAME, "no place for attributes", label=f"{region.label}.{name}")
    for link in article.marked.links:
        yield lost(article, regions[link.target], NAME, "no place for relations", label=link.relation)
    for question in article.marked.answers:
        yield Loss(article.marked.name, 0, 0, question, "", NAME, "no place for answers about the document")


def read_conll(path: Path) -> Iterator[Marked]:
    """Yield the documents of a file with one token a line, its tag in the last column.

    Columns are parted by blanks or tabs, sentences by an empty line, documents by ``-DOCSTART-``; without any the file is
    one document. Tokens are joined by single blanks and sentences by line breaks: the original text is not in the
    format. A tag ``I-`` that follows no ``B-`` or ``I-`` of its label begins a span, as IOB1 has it.

    Raises:
        InputError: A line has one column alone, or a tag that is none of ``O``, ``B-…``, ``I-…``; names the line.
    """
    reader = _Document(f"{path.stem}-1")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            columns = line.split()
            if columns and columns[0] == START:
                if reader.length:
                    yield reader.done()
                reader = _Document(f"{path.stem}-{number}")
            elif not columns:
                reader.sentence()
            elif not line.startswith("#"):
                reader.token(columns, f"{path.name}:{number}")
    if reader.length:
        yield reader.done()


class _Document:
    """One document, as it is read token by token."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts: list[str] = []
        self.length = 0
        self.regions: list[Region] = []
        self._open: tuple[int, str] | None = None
        self._end = 0
        self._gap = ""

    def token(self, columns: list[str], where: str) -> None:
        """Take a line."""
        kind, _, label = columns[-1].partition("-")
        if len(columns) < 2 or kind not in ("O", "B", "I") or (kind == "O") != (label == ""):
            raise InputError(
                f"{columns[-1]!r} is no tag of the kind B-PERSON, I-PERSON or O",
                where=where,
                hint="A line is a token, perhaps more columns, and its tag, parted by blanks or tabs.",
            )
        if self._open is not None and (kind != "I" or self._open[1] != label):
            self._close()
        self.parts += [self._gap, columns[0]]
        start = self.length + len(self._gap)
        self.length = start + len(columns[0])
        if kind != "O" and self._open is None:
            self._open = (start, label)
        self._end, self._gap = self.length, " "

    def sentence(self) -> None:
        """Take the end of a sentence."""
        self._close()
        self._gap = "\n" if self.length else ""

    def _close(self) -> None:
        if self._open is not None:
            start, label = self._open
            self.regions.append(Region(f"r{len(self.regions) + 1}", start, self._end, label))
            self._open = None

    def done(self) -> Marked:
        """Return the document."""
        self._close()
        return Marked(self.name, "".join(self.parts), tuple(self.regions))
