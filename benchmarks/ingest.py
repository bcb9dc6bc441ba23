"""Measure ingest against what it cannot avoid: trafilatura for HTML, reading and NFC for plain text."""

from __future__ import annotations

import random
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from copydesk.corpus import Desk, ingest, init_desk

from .figure import Figure, figure, ratio

WORDS = (
    "the a of in and to by on at near after before its their army rebels town river bridge border convoy shelling "
    "ceasefire officials residents hospital said told reported killed wounded denied advanced withdrew Tuesday night "
    "northern eastern province capital spokesman ministry aid agency road checkpoint drone missile artillery village"
).split()


def _sentences(random_: random.Random, number: int) -> str:
    sentences = (" ".join(random_.choices(WORDS, k=random_.randint(9, 26))).capitalize() + "." for _ in range(number))
    return " ".join(sentences)


def _article(random_: random.Random) -> tuple[str, list[str]]:
    title = _sentences(random_, 1)[:70].rstrip(". ")
    return title, [_sentences(random_, random_.randint(1, 3)) for _ in range(random_.randint(8, 20))]


def _page(title: str, paragraphs: list[str]) -> str:
    links = "".join(f'<li><a href="/section/{n}">Section {n}</a></li>' for n in range(40))
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | The Example</title>'
        f'<meta property="og:title" content="{title}"><meta property="og:site_name" content="The Example">'
        '<meta property="article:published_time" content="2026-03-02T08:00:00Z"></head><body>'
        f"<nav><ul>{links}</ul></nav><main><article><h1>{title}</h1>{body}</article></main>"
        f"<aside><h2>Most read</h2><ul>{links}</ul></aside><footer>All rights reserved</footer></body></html>"
    )


def make_pages(number: int) -> list[bytes]:
    """Return so many pages of our own making, always the same."""
    random_ = random.Random(0)
    return [_page(*_article(random_)).encode("utf-8") for _ in range(number)]


def _ingester(folder: Path, work: Path) -> Callable[[], None]:
    def run() -> None:
        # a fresh desk each time: a second ingest of the same files would have nothing to do
        desk = work / "desk"
        shutil.rmtree(desk, ignore_errors=True)
        init_desk(desk)
        settings = (desk / "copydesk.toml").read_text(encoding="utf-8")
        (desk / "copydesk.toml").write_text(
            settings.replace('engine = "processes"', 'engine = "serial"'), encoding="utf-8"
        )
        result = ingest(Desk(desk), [str(folder)])
        assert result.accepted, result

    return run


def _measure(kind: str, work: Path, number: int, rounds: int) -> Iterator[Figure]:
    random_ = random.Random(0)
    folder = work / kind
    folder.mkdir()
    for index in range(number):
        title, paragraphs = _article(random_)
        text = _page(title, paragraphs) if kind == "html" else "\n\n".join((title, *paragraphs))
        (folder / f"{index:05d}.{kind}").write_text(text, encoding="utf-8")
    files = sorted(folder.iterdir())
    ingest_all = _ingester(folder, work)
    for name, target, peer in _peers(kind, [file.read_bytes() for file in files]):
        share, ours, theirs = ratio(ingest_all, peer, rounds=rounds)
        title = f"ingest {kind}, speed of the peer"
        yield figure(title, share, "ratio", target=target, peer=name, n=number, seconds=ours + theirs)
    yield figure(f"ingest {kind}", number / ours, "articles/s CPU", n=number, seconds=ours)


def _peers(kind: str, pages: list[bytes]) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """Yield name, target and work of what ingest is held against: the same files, already in memory."""
    import trafilatura

    def read() -> None:
        for page in pages:
            unicodedata.normalize("NFC", page.decode("utf-8"))

    def extract(**more: bool) -> None:
        for page in pages:
            trafilatura.extract(page, **more)

    if kind == "txt":
        yield "decoding and NFC", "", read
        return
    # date, author and outlet are read by ingest too; without them trafilatura does half of the work
    yield "trafilatura.extract with metadata", ">= 0.85", partial(extract, with_metadata=True)
    yield "trafilatura.extract, text alone", "", extract


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield the speed of ingest (read to segment, one process) as a share of its peer's."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("html", "txt"):
            yield from _measure(kind, Path(folder), 60 if quick else 400, 3 if quick else 5)
