"""Write and read the JSON lines of Prodigy and of doccano: one article a line, spans and relations between them.

Prodigy's spans are of whole tokens, which stand beside them; doccano's are of characters. Neither has a place for the
attributes of a span, nor for answers about the whole document. (Prodigy: the task formats of ``spans`` and
``relations``; doccano: the JSONL of a sequence-labelling project with relations.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from copydesk.annotate import Link, Marked, Region, tokenize
from copydesk.schemas import InputError, Removed

from .exchange import Article, Context, lost, unread
from .tables import Loss

__all__ = ["DoccanoWriter", "ProdigyWriter", "read_doccano", "read_prodigy"]


class _Lines:
    """Files with a line an article, one a split."""

    name: str

    def __init__(self, folder: Path, context: Context) -> None:
        self.folder = folder
        self._files: dict[str, IO[str]] = {}

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _write(self, article: Article, line: Mapping[str, Any]) -> None:
        if article.split not in self._files:
            path = self.folder / f"{article.split}.jsonl"
            self._files[article.split] = path.open("w", encoding="utf-8", newline="\n")
        self._files[article.split].write(json.dumps(line, ensure_ascii=False) + "\n")

    def _elsewhere(self, article: Article) -> Iterator[Loss]:
        for region in article.marked.regions:
            for name in region.attributes:
                yield lost(article, region, self.name, "no place for attributes", label=f"{region.label}.{name}")
        for question in article.marked.answers:
            yield Loss(article.marked.name, 0, 0, question, "", self.name, "no place for answers about the document")


class ProdigyWriter(_Lines):
    """Writes ``train.jsonl`` and so on, as Prodigy's ``db-in`` reads them."""

    name: Final = "prodigy"

    def take(self, article: Article) -> Iterator[Loss]:
        """Write one article."""
        text = article.marked.text
        ranges = tokenize(text, article.language)
        begins = {start: place for place, (start, _) in enumerate(ranges)}
        ends = {end: place for place, (_, end) in enumerate(ranges)}
        spans: dict[str, dict[str, Any]] = {}
        for region in article.marked.regions:
            if region.start in begins and region.end in ends:
                place = {"token_start": begins[region.start], "token_end": ends[region.end]}
                spans[region.id] = {"start": region.start, "end": region.end, **place, "label": region.label}
            else:
                yield lost(article, region, self.name, "begins or ends inside a token")
        tokens = [
            {"text": text[start:end], "start": start, "end": end, "id": place, "ws": text[end : end + 1].isspace()}
            for place, (start, end) in enumerate(ranges)
        ]
        relations = []
        regions = {region.id: region for region in article.marked.regions}
        for link in article.marked.links:
            if link.source in spans and link.target in spans:
                head, child = spans[link.source], spans[link.target]
                relations.append(
                    {"head": head["token_end"], "child": child["token_end"], "label": link.relation,
                     "head_span": head, "child_span": child}
                )  # fmt: skip
            else:
                yield lost(article, regions[link.target], self.name, "one of its ends is lost", label=link.relation)
        yield from self._elsewhere(article)
        meta = {"document_id": article.marked.name, "title": article.title, "split": article.split}
        self._write(
            article,
            {"text": text, "meta": meta, "tokens": tokens, "spans": list(spans.values()), "relations": relations,
             "answer": "accept"},
        )  # fmt: skip


class DoccanoWriter(_Lines):
    """Writes ``train.jsonl`` and so on, for a project that allows overlapping spans and relations."""

    name: Final = "doccano"

    def take(self, article: Article) -> Iterator[Loss]:
        """Write one article."""
        numbers = {region.id: place for place, region in enumerate(article.marked.regions, start=1)}
        entities = [
            {"id": numbers[r.id], "start_offset": r.start, "end_offset": r.end, "label": r.label}
            for r in article.marked.regions
        ]
        relations = [
            {"id": place, "from_id": numbers[link.source], "to_id": numbers[link.target], "type": link.relation}
            for place, link in enumerate(article.marked.links, start=1)
        ]
        line = {"text": article.marked.text, "document_id": article.marked.name, "split": article.split}
        self._write(article, {**line, "entities": entities, "relations": relations})
        yield from self._elsewhere(article)


def read_prodigy(path: Path) -> Iterator[Marked | Removed]:
    """Yield the accepted tasks of a file of Prodigy's; a line that is no task as :class:`~copydesk.schemas.Removed`."""
    return _read(path, _prodigy)


def read_doccano(path: Path) -> Iterator[Marked | Removed]:
    """Yield the documents of a file of doccano's: with ``entities`` and ``relations``, or of triples in ``label``.

    A line that is no document is yielded as :class:`~copydesk.schemas.Removed`.
    """
    return _read(path, _doccano)


def _prodigy(line: Mapping[str, Any], where: str) -> Marked | None:
    if line.get("answer", "accept") != "accept":
        return None
    spans = _list(line, "spans", where)
    regions = [_region(span, "start", "end", "label", f"r{n}", where) for n, span in enumerate(spans, start=1)]
    places = {(region.start, region.end, region.label): region.id for region in regions}
    links = []
    for relation in _list(line, "relations", where):
        ends = [relation.get(f"{end}_span") or {} for end in ("head", "child")]
        head, child = (places.get((e.get("start", -1), e.get("end", -1), str(e.get("label")))) for e in ends)
        if head is None or child is None:
            raise InputError("a relation between tokens that no span covers", where=where)
        links.append(Link(head, str(relation.get("label")), child))
    return Marked(_name(line.get("meta"), where), str(line["text"]), tuple(regions), tuple(links))


def _doccano(line: Mapping[str, Any], where: str) -> Marked:
    keys = ("start_offset", "end_offset", "label")
    found = [dict(zip(keys, item, strict=False)) for item in line.get("label") or line.get("labels") or ()]
    entities = _list(line, "entities", where) or found
    regions = [_region(e, *keys, str(e.get("id", f"r{n}")), where) for n, e in enumerate(entities, start=1)]
    links = [
        Link(str(relation.get("from_id")), str(relation.get("type")), str(relation.get("to_id")))
        for relation in _list(line, "relations", where)
    ]
    there = {region.id for region in regions}
    if loose := next((link for link in links if not {link.source, link.target} <= there), None):
        raise InputError(f"a relation {loose.relation} to what is no span here", where=where)
    return Marked(_name(line, where), str(line["text"]), tuple(regions), tuple(links))


def _read(path: Path, make: Callable[[Mapping[str, Any], str], Marked | None]) -> Iterator[Marked | Removed]:
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                made = make(_line(text, f"{path.name}:{number}"), f"{path.name}:{number}")
            except InputError as error:
                yield unread(error)
            else:
                if made is not None:
                    yield made


def _line(text: bytes, where: str) -> Mapping[str, Any]:
    try:
        line = json.loads(text)
    except ValueError as error:  # also what is no UTF-8
        raise InputError(f"no JSON: {error}", where=where) from error
    if not isinstance(line, dict) or not isinstance(line.get("text"), str):
        raise InputError("no task: an object with a text is expected", where=where)
    return line


def _list(line: Mapping[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    found = line.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise InputError(f"{name} is no list of objects", where=where)
    return found


def _region(item: Mapping[str, Any], start: str, end: str, label: str, name: str, where: str) -> Region:
    first, last, said = item.get(start), item.get(end), item.get(label)
    if not isinstance(first, int) or not isinstance(last, int) or not isinstance(said, str):
        raise InputError(f"a span needs {start}, {end} and {label}", where=where)
    return Region(name, first, last, said)


def _name(about: Any, where: str) -> str:
    names: Iterable[Any] = (about.get("document_id"), about.get("id")) if isinstance(about, dict) else ()
    return next((str(name) for name in names if name not in (None, "")), where)
