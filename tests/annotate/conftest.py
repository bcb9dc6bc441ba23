"""Shared by the tests of annotate/: annotated documents out of nothing, a desk, a real server."""

from __future__ import annotations

import contextlib
import errno
import importlib
import itertools
import os
import socket
import sys
import unicodedata
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for fake_studio, which stands beside this file

import pytest
from fake_studio import TOKEN, FakeStudio
from hypothesis import strategies as st

from copydesk.annotate import start_studio, stop_studio
from copydesk.corpus import documents, init_desk
from copydesk.schemas import (
    OUTLET,
    POLARITIES,
    UNNAMED,
    Annotations,
    Attribution,
    Document,
    Entity,
    Origin,
    Span,
    Stance,
    Suggestion,
    document_id,
    load_scheme,
    text_sha256,
)

MODEL = Origin("model", "drawn", "1")
WORDS = (
    "rebels", "The", "army's", "Qasr", "anti-aircraft", "👨‍👩‍👧‍👦", "🇺🇦", "👍🏽", "1️⃣", "قوات", "الجيش", "العراق،",
    "e\u0301te\u0301", "x\u0323\u0307", "𝔄𝔅", "俄罗斯", "Київ", "said:", "“Never”", "12,000", "<b>", "&amp;", "שלום",
)  # fmt: skip
GAPS = (" ", " ", " ", "  ", "\u00a0", "\n\n", ", ", "\r\n", "\r", "\t", "\u2028", "\u200b", "\u202e")
# names that the encoder would like to give to regions of its own, and what a region of the browser may be called
IDS = (
    "e",
    "question-graphic",
    "source-0-6",
    "cue-0-6",
    "evidence-0-6",
    "evidence-0-6-2",
    "stance-1-e0",
    "row 0",
    "~",
    "id 🇺🇦",
    "0",
)


def make_document(text: str, **more: str) -> Document:
    """Return a document with this text."""
    return Document(id=document_id(text), text=text, sha256=text_sha256(text), **more)


@st.composite
def texts(draw):
    words = draw(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), min_size=3, max_size=25))
    return unicodedata.normalize("NFC", "".join(word + gap for word, gap in words).strip())


@st.composite
def spans(draw, document):
    tail = max(0, len(document.text) - 1_000)
    inked = [index for index, character in enumerate(document.text[tail:], tail) if not character.isspace()]
    start = draw(st.sampled_from(inked))
    near = [index for index in inked if start <= index < start + 40]
    return Span.of(document, start, draw(st.sampled_from(near)) + 1)


@st.composite
def drawn_attributes(draw, scheme, label):
    found = {}
    for attribute in scheme.attributes_of(label):
        if not draw(st.booleans()):
            continue
        if attribute.kind == "integer":
            found[attribute.id] = str(draw(st.integers(0, 2**53 - 1)))
        elif attribute.kind == "flag":
            found[attribute.id] = "true"
        else:
            found[attribute.id] = draw(st.sampled_from([value.id for value in attribute.values]))
    return dict(sorted(found.items()))


@st.composite
def drawn_entities(draw, document, scheme, count):
    pool = draw(st.lists(spans(document), min_size=1, max_size=6))
    labels = [label.id for label in scheme.span_labels]
    count = draw(st.integers(0, count))
    ids = draw(
        st.lists(
            st.sampled_from([*IDS, *(f"e{number}" for number in range(20))]),
            min_size=count,
            max_size=count,
            unique=True,
        )
    )
    return [
        Entity(
            own, draw(st.sampled_from(pool)), label := draw(st.sampled_from(labels)), MODEL,
            draw(drawn_attributes(scheme, label)), draw(st.none() | st.floats(0, 1)),
        )
        for own in ids
    ]  # fmt: skip


@st.composite
def drawn_attributions(draw, document, scheme, count):
    pool = draw(st.lists(spans(document), min_size=1, max_size=3))
    forms = ["", *(value.id for value in scheme.attribute("form").values)]
    kinds = ["", *(value.id for value in scheme.attribute("source_type").values)]
    found = []
    for number in range(draw(st.integers(0, count))):
        source = draw(st.none() | st.sampled_from(pool))
        found.append(
            Attribution(
                f"a{number}", draw(spans(document)), MODEL, source=source, cue=draw(st.none() | st.sampled_from(pool)),
                form=draw(st.sampled_from(forms)), source_type=draw(st.sampled_from(kinds)) if source else "",
                score=draw(st.none() | st.floats(0, 1)),
            )
        )  # fmt: skip
    return found


@st.composite
def drawn_stances(draw, document, scheme, entities):
    targets = [entity.id for entity in entities if entity.label in scheme.stance_targets]
    if not targets:
        return []
    pool = draw(st.lists(spans(document), min_size=1, max_size=3))
    roles = ["", *(value.id for value in scheme.attribute("role").values)]
    holders = [OUTLET, UNNAMED, *targets]
    pairs = draw(st.lists(st.tuples(st.sampled_from(targets), st.sampled_from(holders)), max_size=6, unique=True))
    return [
        Stance(
            target, holder, draw(st.sampled_from(POLARITIES)), MODEL,
            tuple(sorted(set(draw(st.lists(st.sampled_from(pool), max_size=2))))),
            draw(st.sampled_from(roles)), draw(st.none() | st.floats(0, 1)),
        )
        for target, holder in pairs
    ]  # fmt: skip


@st.composite
def annotated(draw, scheme, count=8, before=""):
    """Draw a document and annotations that conform to the scheme, in the order in which decoding gives them back.

    The text begins with the words `before`, which nothing is said about.
    """
    document = make_document(before + draw(texts()))
    entities = draw(drawn_entities(document, scheme, count))
    attributions = draw(drawn_attributions(document, scheme, 4))
    choices = {
        question.id: (draw(st.sampled_from([value.id for value in question.values])),)
        for question in scheme.questions
        if draw(st.booleans())
    }
    return document, Annotations(
        document.id,
        document.sha256,
        tuple(sorted(entities, key=lambda e: (e.span.start, e.span.end, e.label, e.id))),
        tuple(sorted(attributions, key=lambda a: (a.content.start, a.content.end, a.id))),
        tuple(sorted(draw(drawn_stances(document, scheme, entities)), key=lambda s: (s.target, s.holder))),
        choices,
    )


@pytest.fixture(scope="session")
def scheme():
    return load_scheme()


@pytest.fixture(scope="session")
def annotated_documents(scheme):
    """A strategy of (document, conforming annotations)."""
    return annotated(scheme)


@pytest.fixture(scope="session")
def long_documents(scheme):
    """The same over texts of 60,000 code points."""
    return annotated(scheme, before=("The 👨‍👩‍👧‍👦 قوات e\u0323\u0307 went on.\u00a0\n\n" * 2_000)[:59_000])


@pytest.fixture(scope="session")
def new_document():
    return make_document


@pytest.fixture
def module():
    """Import a module behind the front door, for what only its own tests may touch."""
    return lambda name: importlib.import_module(f"copydesk.annotate.{name}")


ARTICLES = (
    "Rebels hit Qasr\n\nThe army said “we hold Qasr” on Monday 👨‍👩‍👧 and the rebels denied it. At least 12 people died.",
    "Talks resume 🇺🇦\n\nقوات الجيش in the north said  nothing. Foreign ministers of three states met rebels, ete\u0301 said.",
    "Second  day\n\nShelling near Київ went on. 👍🏽 The mayor\u00a0Orlo blamed the army; the army blamed the rebels.",
    "Aid convoy waits\n\nA convoy of the Relief Union waits at the border, 𝔄𝔅 its spokeswoman Ina Vale told reporters.",
)
LABELLED = {
    "army": "ARMED_ACTOR", "rebels": "ARMED_ACTOR", "Qasr": "GPE", "Monday": "TIME", "At least 12": "TOLL",
    "قوات الجيش": "ARMED_ACTOR", "Київ": "GPE", "Orlo": "PERSON", "Relief Union": "ORG", "Ina Vale": "PERSON",
}  # fmt: skip


def suggest_by_list(document: Document, pipeline: Origin) -> Suggestion:
    """Suggest an entity for each word of a list, and a stance on the first actor."""
    entities = [
        Entity(f"{document.id[:6]}-{start}", Span.of(document, start, start + len(words)), label, pipeline, score=0.5)
        for words, label in LABELLED.items()
        for start in [document.text.find(words)]
        if start >= 0
    ]
    entities.sort(key=lambda e: (e.span.start, e.span.end))
    actors = [entity for entity in entities if entity.label in ("ARMED_ACTOR", "ORG", "PERSON")]
    stances = [Stance(actors[0].id, OUTLET, "0", pipeline, (actors[0].span,), score=0.25)] if actors else []
    said = Annotations(document.id, document.sha256, tuple(entities), (), tuple(stances))
    return Suggestion(said, pipeline, (), len(entities) / 10)


@pytest.fixture
def by_list():
    return suggest_by_list


@pytest.fixture
def make_desk(tmp_path):
    """Make a desk with the articles given, and suggestions by a list of words."""

    def make(articles=ARTICLES, *, name="desk", version="1"):
        desk = init_desk(tmp_path / name)
        documents = [make_document(text, title=text.split("\n")[0]) for text in articles]
        desk.write(Document, "articles", "0000", documents)
        renew(desk, Origin("model", "list", version))
        return desk

    return make


def renew(desk, pipeline):
    said = [suggest_by_list(document, pipeline) for document in documents(desk)]
    desk.write(Suggestion, f"suggestions/{pipeline.name}@{pipeline.version}", "all", said)
    desk.note("pipeline", {"name": pipeline.name, "version": pipeline.version})


@pytest.fixture
def suggest_anew():
    return lambda desk, version: renew(desk, Origin("model", "list", version))


def any_port():
    """Return a port that is free, and another one each time: of one that all begin with, two runs would both think so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session", name="any_port")
def any_port_fixture():
    """Ask for a free port."""
    return any_port


@pytest.fixture(scope="session")
def studio_home(tmp_path_factory):
    """One real Label Studio for the whole session, installed if need be; its folder serves many desks."""
    home = tmp_path_factory.mktemp("studio")
    start_studio(home, port=any_port())
    yield home
    stop_studio(home)


@pytest.fixture
def studio_desk(make_desk, studio_home):
    """Make desks whose own server is the session's."""
    number = itertools.count(1)

    def make(*args, **more):
        desk = make_desk(*args, name=f"desk-{uuid.uuid4().hex[:8]}-{next(number)}", **more)
        (desk.path / ".studio").symlink_to(studio_home / ".studio")
        return desk

    return make


@pytest.fixture
def fake_studio(monkeypatch):
    """A Label Studio in memory that the environment points at."""
    with FakeStudio() as fake:
        monkeypatch.setenv("COPYDESK_STUDIO_URL", fake.url)
        monkeypatch.setenv("COPYDESK_STUDIO_API_KEY", TOKEN)
        yield fake


@pytest.fixture
def disk_full_from(monkeypatch):
    """Fill the disk from the n-th thing that is kept on: the flush at the end of every write of ours says so."""
    flush = os.fsync

    @contextlib.contextmanager
    def full_from(nth):
        flushes = itertools.count(1)

        def full(handle):
            if next(flushes) >= nth:
                raise OSError(errno.ENOSPC, "No space left on device")
            flush(handle)

        with monkeypatch.context() as patch, contextlib.suppress(OSError):  # there may be fewer than `nth`
            patch.setattr(os, "fsync", full)
            yield

    return full_from


@pytest.fixture
def naps():
    """What was slept, in seconds, by whoever was given `naps.append` as its sleep."""
    return []
