"""Small desks with articles, segments, clusters, suggestions and a ledger, written directly."""

from __future__ import annotations

import dataclasses
import importlib
import json
import shutil
from dataclasses import replace

import pyarrow as pa
import pytest

from copydesk.annotate import LEDGER, LedgerEntry, encode
from copydesk.corpus import Desk, init_desk, segment
from copydesk.export import release
from copydesk.schemas import (
    OUTLET,
    Annotations,
    Attribution,
    Cluster,
    Document,
    Entity,
    Origin,
    Removed,
    Segment,
    Span,
    Stance,
    Suggestion,
    document_id,
    text_sha256,
)

HOSTILE = "</script><script>alert(1)</script> <img src=x onerror=alert(2)> & \u202egnp.exe\u2069 {{ 7 * 7 }}"

ARTICLES = [
    (
        "Harbour Post",
        "2031-03-04",
        "Shells hit {FACILITY|the Qasr hospital} in {GPE|Arvenia}",
        (
            "{TOLL|At least 12 people} were killed on {TIME|Monday} when {ARMED_ACTOR|the Northern Front} shelled {FACILITY|the "
            "Qasr hospital}, {SOURCE|the health ministry} {CUE|said}. It called the attack {CONTENT|“a barbaric crime by "
            "{ARMED_ACTOR|the Northern Front}”}."
        ),
        "{ARMED_ACTOR|The Northern Front} denied it 🕊️. {PERSON|Юлія Коваль}, a nurse, hid in the cellar.",
        [("the Northern Front", OUTLET, "-1", "shelled"), ("The Northern Front", OUTLET, "0", "denied it")],
    ),
    (
        "Harbour Post",
        "2031-03-11",
        "{ORG|Relief Now} reaches {LOCATION|the Lower Valley}",
        "{PERSON|ليلى حداد} of {ORG|Relief Now} {CUE|said} {CONTENT|the convoy brought food for {TOLL|3,000 people}}.",
        "{POPULATION|Villagers} praised {ORG|Relief Now} as tireless.",
        [("Relief Now", "Villagers", "+2", "praised")],
    ),
    (
        "The Meridian",
        "2031-03-12",
        "{GPE|Arvenia} and {ARMED_ACTOR|the Coast Brigade} agree on a truce",
        "The truce of {LOCATION|Port Sel} starts {TIME|on Friday}. {GPE|Arvenia} welcomed it.",
        "{ARMED_ACTOR|The brigade} kept {WEAPON|its rockets}, and {PLATFORM|two T-72s} stayed in {LOCATION|Port Sel}.",
        [("Arvenia", OUTLET, "+1", "welcomed")],
    ),
    (
        "The Meridian",
        "2031-04-02",
        "What the war did to {LOCATION|the orchards}",
        "{POPULATION|Farmers} lost their trees. {ARMED_ACTOR|The pro-government militia} burnt them.",
        "“We have nothing,” {PERSON|Anna Weld} said.",
        [("The pro-government militia", OUTLET, "-2", "burnt them")],
    ),
    (
        "",
        "",
        "A day in {LOCATION|Port Sel}",
        "The market opened. {PERSON|Omar Sel} sold figs to {POPULATION|the displaced}.",
        "Nothing else happened.",
        [],
    ),
]


def parse(marked):
    """Turn ``a {LABEL|b {OTHER|c}}`` into its text and the labelled ranges."""
    text, spans, stack, place = "", [], [], 0
    while place < len(marked):
        if marked[place] == "{" and "|" in marked[place : place + 20]:
            bar = marked.index("|", place)
            stack.append((marked[place + 1 : bar], len(text)))
            place = bar + 1
        elif marked[place] == "}" and stack:
            label, start = stack.pop()
            spans.append((label, start, len(text)))
            place += 1
        else:
            text += marked[place]
            place += 1
    return text, sorted(spans, key=lambda span: (span[1], -span[2]))


def article(number):
    """Return the number-th article as a document and its full annotations."""
    outlet, published, *blocks, stances = ARTICLES[number % len(ARTICLES)]
    round_ = number // len(ARTICLES)
    marked = "\n\n".join(blocks) + (f"\n\nEdition {round_}." if round_ else "")
    text, spans = parse(marked)
    title = text.partition("\n\n")[0]
    key = document_id(text, outlet=outlet)
    document = Document(
        key, text, text_sha256(text), title=title, outlet=outlet, published=published, language="en", licence="CC0-1.0"
    )
    return document, label(document, spans, stances)


SOMEONE = Origin("person", "someone")


def label(document, spans, stances, origin=SOMEONE):
    """Make annotations of labelled ranges and of (target words, holder, polarity, evidence words)."""
    cut = {}
    for name, start, end in spans:
        cut.setdefault(name, []).append(Span.of(document, start, end))
    contents = cut.pop("CONTENT", [])
    sources, cues = cut.pop("SOURCE", []), cut.pop("CUE", [])
    entities = [
        Entity(f"e{name}{place}", span, name, origin, _attributes(name, span))
        for name, found in sorted(cut.items())
        for place, span in enumerate(found)
    ]
    by_text = {entity.span.text: entity.id for entity in reversed(entities)}
    made = []
    for target, holder, polarity, words in stances:
        at = document.text.index(words)
        evidence = (Span.of(document, at, at + len(words)),)
        made.append(Stance(by_text[target], by_text.get(holder, holder), polarity, origin, evidence, role="none"))
    return Annotations(
        document.id,
        document.sha256,
        tuple(entities),
        tuple(
            Attribution(
                f"a{place}",
                content,
                origin,
                (*sources, None)[0],
                (*cues, None)[0],
                "direct",
                "government_third_party" if sources else "",
            )
            for place, content in enumerate(contents)
        ),
        tuple(made),
        {"graphic": ("no",)},
    )


def _attributes(name, span):
    if name == "TOLL":
        number = "".join(filter(str.isdigit, span.text))
        return {"toll_kind": "killed" if "12" in number else "displaced", "toll_low": number}
    return {"actor_class": "rebel_insurgent"} if span.text.lower() == "the northern front" else {}


def entry(
    desk,
    document,
    annotations,
    annotator,
    *,
    number=0,
    ground_truth=False,
    state="submitted",
    suggested=None,
    lead_time=61.4,
):
    """Return a ledger entry that says this, as Label Studio would have it."""
    scheme = desk.scheme()
    result = encode(document, annotations, scheme)["predictions"][0]["result"]
    for row in result:
        row.pop("score", None)
    prediction = {}
    if suggested is not None:
        prediction = {"model_version": "toy@1", **encode(document, suggested, scheme)["predictions"][0]}
    key = text_sha256(f"{document.id}{annotator}{number}{state}{ground_truth}")
    return LedgerEntry(
        key=key,
        annotation=text_sha256(f"{document.id}{annotator}")[:32],
        state=state,
        server="own",
        project_id=1,
        task_id=1,
        copydesk_key=f"{document.id}/x",
        document_id=document.id,
        sha256=document.sha256,
        scheme=f"{scheme.name} {scheme.version}",
        layers="attribution+entities+stance",
        arm="shown",
        layout="document",
        focus="",
        annotator=annotator,
        ground_truth=ground_truth,
        lead_time=lead_time,
        created_at="2031-05-01T10:00:00Z",
        updated_at=f"2031-05-01T10:{number:02d}:00Z",
        model_version="toy@1" if prediction else "",
        raw=json.dumps({"id": 1, "result": result}),
        prediction=json.dumps(prediction) if prediction else "",
    )


def append(desk, entries):
    """Add entries to a desk's ledger as its next file."""
    rows = [dataclasses.asdict(item) for item in entries]
    desk.write_table(
        "annotations", f"{len(desk.parts('annotations')) + 1:05d}", pa.Table.from_pylist(rows, schema=LEDGER)
    )


class Newsroom:
    """A desk with articles, and hands to annotate them."""

    def __init__(self, path, count=5, *, name="tiny", leakage="count"):
        init_desk(path, name=name)
        settings = (path / "copydesk.toml").read_text("utf-8")
        # editions of one article are the same words, and here no copies of each other
        settings = settings.replace('leakage = "stop"', f'leakage = "{leakage}"')
        (path / "copydesk.toml").write_text(settings, "utf-8")
        self.desk = Desk(path)
        self.suggested = {}
        made = [article(number) for number in range(count)]
        self.documents = {document.id: document for document, _ in made}
        self.truth = {document.id: annotations for document, annotations in made}
        self.ids = [document.id for document, _ in made]
        documents = [document for document, _ in made]
        self.desk.write(Document, "articles", "00000", documents)
        self.desk.write(Segment, "segments", "00000", [piece for d in documents for piece in segment(d)])
        self.desk.write(Cluster, "clusters", "00000", [Cluster(key, key, key, "canonical", 1.0) for key in self.ids])
        self.desk.write(Removed, "removed", "read", [Removed("", "read", "empty file", "a.txt", "0 bytes")])

    def suggest(self):
        """Suggest everything but the stances, and the first label of each article wrongly."""
        made = Origin("model", "toy", "1")
        for key, truth in self.truth.items():
            entities = [replace(e, origin=made, score=0.5) for e in truth.entities]
            entities[0] = replace(entities[0], label="NAMED_EVENT", attributes={})
            annotations = replace(truth, entities=tuple(entities), stances=(), choices={})
            length = len(self.documents[key].text)
            self.suggested[key] = Suggestion(annotations, made, ((0, length),), 0.5)
        self.desk.write(Suggestion, "suggestions/toy@1", "00000", self.suggested.values())
        self.desk.note("pipeline", {"name": made.name, "version": made.version})

    def annotate(self, key, annotator="anna@example.org", annotations=None, **more):
        """Let someone finish a document, by default rightly."""
        said = annotations or self.truth[key]
        append(self.desk, [self.entry(key, annotator, said, **more)])

    def annotate_all(self, annotator="anna@example.org", keys=None):
        """Let someone finish every document rightly."""
        append(self.desk, [self.entry(key, annotator, self.truth[key]) for key in (keys or self.ids)])

    def entry(self, key, annotator, said, **more):
        return entry(self.desk, self.documents[key], said, annotator, suggested=self.suggested.get(key), **more)


@pytest.fixture
def unverified(monkeypatch):
    """Leave out the last gates of a release: `released` has them, and test_verify.py and test_gates.py are about them."""
    monkeypatch.setattr(importlib.import_module("copydesk.export.release"), "verify", lambda path: ())


@pytest.fixture
def newsroom(tmp_path, unverified):
    return Newsroom(tmp_path / "desk")


@pytest.fixture
def newsrooms(tmp_path, unverified):
    """A function that makes another desk."""
    return lambda name, count=5, **more: Newsroom(tmp_path / name, count, **more)


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """A desk with two annotators' work and its release 1.0.0; nobody may change it."""
    room = Newsroom(tmp_path_factory.mktemp("released") / "desk", 10)
    room.suggest()
    room.annotate_all()
    room.annotate_all("bert@example.org", room.ids[:4])
    room.release = release(room.desk)
    return room


@pytest.fixture(scope="session")
def two_releases(tmp_path_factory):
    """The releases 1.0.0 and 1.1.0 of one desk, built without the last gates; nobody may change them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("copydesk.export.release"), "verify", lambda path: ())
        room = Newsroom(tmp_path_factory.mktemp("two") / "desk", 5)
        room.annotate_all(keys=room.ids[:4])
        release(room.desk)
        room.annotate_all(keys=room.ids[4:])
        release(room.desk)
    return room.desk.path / "releases"


@pytest.fixture
def releases(two_releases, tmp_path):
    """A folder with the releases 1.0.0 and 1.1.0, to do with as one likes."""
    return shutil.copytree(two_releases, tmp_path / "releases")
