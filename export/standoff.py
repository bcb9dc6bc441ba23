"""Take the words out of a release: what is left says where labels are, and lets who has the texts put them back.

::

    full        articles.text, title …        spans: start, end, text, voice        loss.json with the words
    standoff    articles.sentences, anchors   spans: start, end, voice_kind         loss.json with the places

Every column that holds words of an article is gone, not empty, so that nobody trains on empty strings. In their place
are what :mod:`fingerprints` tells of each text, the hash of its headline, and where the article and a copy of it in an
archive may be read. Row by row both kinds of release say the same.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.corpus import write_atomically

from .arrays import fitted, flat, texts
from .build import LOSS_FILE, Built, described
from .features import CONFIGS, Classes, Config, Feature
from .fingerprints import Fingerprints, fingerprints, title_hash
from .labels import Labels
from .parquet import TableWriter
from .splits import SPLITS

__all__ = ["STANDOFF", "TEXT_KINDS", "archived", "configs_of", "withhold"]

TEXT_KINDS: Final = ("full", "standoff")
"""What a release may have of its articles' texts."""

Ranges = dict[str, set[tuple[int, int]]]

_SENTENCES: Final[list[Feature]] = [
    {"start": "int32", "end": "int32", "hash": "string", "lock": "string", "ends": "string"}
]
_ANCHORS: Final[list[Feature]] = [
    {
        "start": "int32",
        "end": "int32",
        "before": "int32",
        "left": "string",
        "after": "int32",
        "right": "string",
        "previous": "int32",
        "next": "int32",
        "beside": "string",
    }
]
_GONE: Final = {
    "articles": ("title", "text"),
    "entities": ("text", "tokens"),
    "spans": ("text", "voice"),
    "stance": ("text", "target", "holder"),
}
_INSTEAD: Final[dict[str, dict[str, Feature]]] = {
    "articles": {
        "archive_url": "string",
        "title_hash": "string",
        "title_length": "int32",
        "sentences": _SENTENCES,
        "anchors": _ANCHORS,
    },
    "entities": {"end": "int32"},
    "spans": {"voice_kind": Classes("holder")},
    "stance": {"end": "int32"},
}
_TITLES: Final = {
    "articles": "one article without its text: its segments and everything that stands about it, as standoff",
    "entities": "one sentence without its words: the places of its tokens, BIO tags, and every entity in it",
    "stance": "one stance of a holder towards a target, with the place of the target's sentence",
}


def _wordless(feature: Feature) -> Feature:
    if isinstance(feature, list):
        return [_wordless(feature[0])]
    if isinstance(feature, dict):
        is_range = {"start", "end"} <= feature.keys()
        return {name: _wordless(inner) for name, inner in feature.items() if not (is_range and name == "text")}
    return feature


def _standoff(config: Config) -> Config:
    gone = _GONE.get(config.name, ())
    kept = {name: _wordless(feature) for name, feature in config.features.items() if name not in gone}
    title = _TITLES.get(config.name, config.title)
    return Config(config.name, title, {**kept, **_INSTEAD.get(config.name, {})})


STANDOFF: Final = {name: _standoff(config) for name, config in CONFIGS.items()}
"""Every table of a release without texts."""


def configs_of(manifest: Mapping[str, Any]) -> Mapping[str, Config]:
    """Return the tables as a release has them."""
    return STANDOFF if manifest.get("text") == "standoff" else CONFIGS


def archived(url: str, day: str, template: str) -> str:
    """Return where a web archive would have a page.

    Args:
        url: Of the page.
        day: When it was read or published, ISO 8601; with none, the archive's newest.
        template: With ``{day}`` (its digits) and ``{url}``; empty: no archive.
    """
    if not url.startswith(("http://", "https://")) or not template:
        return ""
    digits = "".join(character for character in day[:10] if character.isdigit())
    return template.replace("{day}", digits or "2").replace("{url}", url)


def withhold(folder: Path, built: Built, labels: Labels, archive: str) -> Built:
    """Write every table of a release folder again without words, and ``loss.json`` too.

    Args:
        folder: With the tables as :func:`~copydesk.export.build.write_made` wrote them.
        built: What it said of them.
        labels: The ids of every name.
        archive: See :func:`archived`.

    Returns:
        What is there now; the counts stay.
    """
    writers: dict[tuple[str, str], TableWriter] = {}
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".withheld-") as temporary:
        for split in SPLITS:
            more = _ranges_of_people(folder, split)
            for name, config in STANDOFF.items():
                writer = writers[name, split] = TableWriter(Path(temporary), config, split, labels)
                source = folder / name / f"{split}-00000-of-00001.parquet"
                for table in _row_groups(source) if source.exists() else ():
                    writer.write(_Wordless(name, table, labels, writer.schema).table(more, archive))
                writer.close()
        for (name, split), writer in writers.items():
            if writer.rows:
                writer.path = writer.path.replace(folder / name / f"{split}-00000-of-00001.parquet")
    _forget_words(folder / LOSS_FILE)
    said = {name: described(config, writers) for name, config in STANDOFF.items() if name in built.configs}
    return Built(said, built.tally, built.lost)


def _row_groups(path: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number)


def _ranges_of_people(folder: Path, split: str) -> Ranges:
    """Return every range that an annotator marked, or an edit or a decision is about, by document."""
    found: Ranges = defaultdict(set)
    for name, columns in _SAID_BY_PEOPLE.items():
        path = folder / name / f"{split}-00000-of-00001.parquet"
        for table in _row_groups(path) if path.exists() else ():
            keys = table["document_id"].to_pylist()
            for column in columns:
                for row, start, end in _ranges(table[column]):
                    found[keys[row]].add((start, end))
    return found


_STANDING: Final = ("entities", "attributions", "stances")
_SAID_BY_PEOPLE: Final = {
    "annotations": _STANDING,
    "edits": ("suggested", "final"),
    "decisions": ("span", "holder_span", "parts", "ruled_parts", "votes"),
}


def _ranges(column: pa.ChunkedArray | pa.Array) -> Iterator[tuple[int, int, int]]:
    """Yield row, start and end of every range in a column of lists, and in lists inside of it."""
    rows, items = flat(column)
    names = [field.name for field in items.type]
    if {"start", "end"} <= set(names):
        yield from zip(rows.tolist(), items.field("start").to_pylist(), items.field("end").to_pylist(), strict=True)
    for place, field in enumerate(items.type):
        if pa.types.is_list(field.type) and pa.types.is_struct(field.type.value_type):
            inner = items.field(place)
            if {"start", "end"} <= {part.name for part in field.type.value_type}:
                yield from ((int(rows[at]), start, end) for at, start, end in _ranges(inner))


class _Wordless:
    """Some rows of one table, whole documents, on their way to a release without texts."""

    def __init__(self, name: str, table: pa.Table, labels: Labels, schema: pa.Schema) -> None:
        self.name = name
        self.source = table
        self.labels = labels
        self.schema = schema

    def table(self, more: Ranges, archive: str) -> pa.Table:
        """Return the rows without words, and with what stands for them."""
        made = {
            "articles": lambda: self._articles(more, archive),
            "entities": self._end,
            "spans": self._voice_kind,
            "stance": self._end,
        }.get(self.name, dict)()
        arrays = []
        for field in self.schema:
            value = made[field.name] if field.name in made else self.source[field.name].combine_chunks()
            value = value.chunk(0) if isinstance(value, pa.ChunkedArray) else value
            arrays.append(fitted(value, field.type))
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _end(self) -> dict[str, pa.Array]:
        length = pc.utf8_length(self.source["text"].combine_chunks())
        return {"end": pc.add(self.source["start"].combine_chunks(), length)}

    def _voice_kind(self) -> dict[str, pa.Array]:
        known = {name: number for number, name in enumerate(self.labels["holder"])}
        kinds = {"OUTLET": known["outlet"], "UNNAMED": known["unnamed"]}
        said = [kinds.get(voice, known["mention"]) for voice in self.source["voice"].to_pylist()]
        return {"voice_kind": pa.array(said, pa.int64())}

    def _articles(self, more: Ranges, archive: str) -> dict[str, pa.Array]:
        plain = self.source.select(["document_id", "text", "title", "url", "published", "retrieved"]).to_pylist()
        told = [
            self._told(row, segments, spans | more.get(row["document_id"], set()))
            for row, segments, spans in zip(plain, self.source["segments"].to_pylist(), self._spans(), strict=True)
        ]
        titles = [row["title"] for row in plain]
        return {
            "archive_url": texts([archived(r["url"], r["retrieved"] or r["published"], archive) for r in plain]),
            "title_hash": texts(map(title_hash, titles)),
            "title_length": pa.array([_title_length(row["title"], row["text"]) for row in plain], pa.int32()),
            "sentences": pa.array([_plain(one.sentences) for one in told], self.schema.field("sentences").type),
            "anchors": pa.array([_plain(one.anchors) for one in told], self.schema.field("anchors").type),
        }

    def _spans(self) -> list[set[tuple[int, int]]]:
        found: list[set[tuple[int, int]]] = [set() for _ in range(self.source.num_rows)]
        for column in _STANDING:
            for row, start, end in _ranges(self.source[column]):
                found[row].add((start, end))
        return found

    def _told(
        self, row: Mapping[str, str], segments: list[dict[str, int]], spans: set[tuple[int, int]]
    ) -> Fingerprints:
        kind, text = self.labels["segment"].index("sentence"), row["text"]
        found = sorted((s["start"], s["end"]) for s in segments if s["kind"] == kind)
        whole = [(0, len(text))] if text else []
        return fingerprints(row["document_id"], text, found or whole, spans, body=_title_length(row["title"], text))


def _plain(parts: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [{name: getattr(part, name) for name in type(part).__slots__} for part in parts]


def _title_length(title: str, text: str) -> int:
    """Return how long a headline is that the text begins with; -1 for one that it does not begin with."""
    return len(title) if text.startswith(title) else -1


def _forget_words(path: Path) -> None:
    """Leave the words out of ``loss.json``: its fields stand on lines of their own, so it is read as it comes."""
    with (
        path.open(encoding="utf-8") as old,
        write_atomically(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as new,
    ):
        new.writelines(line for line in old if not line.lstrip().startswith('"text": '))
