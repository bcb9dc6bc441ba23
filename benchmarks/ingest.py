"""Measure ingest against what it cannot avoid: trafilatura for HTML, reading and NFC for plain text."""

from __future__ import annotations

import random
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
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

    def peer() -> None:
        if kind == "html":
            import trafilatura

            for file in files:
                trafilatura.extract(file.read_bytes(), with_metadata=True)
        else:
            for file in files:
                unicodedata.normalize("NFC", file.read_text(encoding="utf-8"))

    share, ours, theirs = ratio(_ingester(folder, work), peer, rounds=rounds)
    name = "trafilatura.extract" if kind == "html" else "read and NFC"
    yield figure(f"ingest {kind}, speed of the peer", share, "ratio", peer=name, n=number, seconds=ours + theirs)
    yield figure(f"ingest {kind}", number / ours, "articles/s CPU", n=number, seconds=ours)


def figures(data: Path | None, quick: bool) -> Iterator[Figure]:
    """Yield the speed of ingest (read to segment, one process) as a share of its peer's."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("html", "txt"):
            yield from _measure(kind, Path(folder), 60 if quick else 400, 3 if quick else 5)
