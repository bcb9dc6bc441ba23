from __future__ import annotations

import random
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import Gold, Version, reidentify
from copydesk.export import grow
from copydesk.export.batch import Batch
from copydesk.export.build import make
from copydesk.export.decided import Answer, DecisionRow
from copydesk.export.features import CONFIGS, encoder
from copydesk.export.hub_datasets import arrow_schema
from copydesk.export.tables import EditRow, Record, rows
from copydesk.export.views import Views
from copydesk.schemas import (
    OUTLET,
    UNNAMED,
    Annotations,
    Attribution,
    Cluster,
    Document,
    Entity,
    OffsetError,
    Origin,
    SchemeError,
    Segment,
    SegmentKind,
    Span,
    Stance,
    load_scheme,
    text_sha256,
)

SCHEME = load_scheme()
LABELS = grow({}, SCHEME)
SCHEMAS = {name: arrow_schema(config.features, LABELS) for name, config in CONFIGS.items()}
WHO = Origin("person", "annotator-1")
WORDS = ("Rebels", "T-72s", "“don’t", "said,”", "U.S.", "🕊️", "x", "North\u00a0Port", "(12", "dead)", "é́")
NAMES = [label.id for label in SCHEME.labels]
ENTITY_NAMES = list(LABELS["entity"])


class Writer:
    """Writes articles and what is said about them by chance, but always the same by the same seed."""

    def __init__(self, seed):
        self.draw = random.Random(seed)

    def document(self, number):
        blocks = [" ".join(self.draw.choices(WORDS, k=self.draw.randint(1, 6))) for _ in range(self.draw.randint(1, 4))]
        text = "\n\n".join(blocks)
        document = Document(f"d{number}", text, text_sha256(text), title="Title", outlet="The Example", language="en")
        pieces, at = [], 0
        for index, block in enumerate(blocks if self.draw.random() < 0.7 else ()):
            kind = self.draw.choice([SegmentKind.SENTENCE, SegmentKind.SENTENCE, SegmentKind.PARAGRAPH])
            pieces.append(Segment(document.id, index, at, at + len(block), kind))
            at += len(block) + 2
        return document, tuple(pieces)

    def span(self, document):
        start = self.draw.randrange(len(document.text))
        return Span.of(document, start, min(len(document.text), start + self.draw.randint(1, 12)))

    def maybe(self, document):
        return self.draw.choice([None, self.span(document)])

    def annotations(self, document):
        draw = self.draw
        marks = [(self.span(document), draw.choice(ENTITY_NAMES)) for _ in range(draw.randint(0, 6))]
        marks += [(mark, label) for mark, label in marks[:2] if draw.random() < 0.3]
        given_ = [{}, {"toll_low": "12"}, {"actor_class": "army"}]
        entities = tuple(
            Entity(f"e{place}", mark, label, WHO, draw.choice(given_)) for place, (mark, label) in enumerate(marks)
        )
        said = tuple(
            Attribution(
                f"a{place}",
                self.span(document),
                WHO,
                self.maybe(document),
                self.maybe(document),
                draw.choice(["", "direct"]),
            )
            for place in range(draw.randint(0, 3))
        )
        ids = [entity.id for entity in entities]
        stances = tuple(
            Stance(
                draw.choice([*ids, "nobody"]),
                draw.choice([OUTLET, UNNAMED, "nobody", *ids]),
                draw.choice(["-2", "0", "mixed"]),
                WHO,
                tuple(self.span(document) for _ in range(draw.randint(0, 2))),
                draw.choice(["", "none"]),
            )
            for _ in range(draw.randint(0, 4))
        )
        answers = [{}, {"graphic": ("no",)}, {"graphic": ("yes", "no"), "article_kind": ("report",)}]
        return Annotations(document.id, document.sha256, entities, said, stances, draw.choice(answers))

    def decision(self, mark):
        place = (mark.start, mark.end)
        said = Answer(True, (("polarity", "-1"),), (("evidence", *place),))
        who = ("annotator-1", self.draw.choice([said, Answer(False)]))
        return DecisionRow(
            "annotator-2", "edge_case", True, False, "stance", "ORG", (place,), "PERSON", (place,), said,
            Answer(False), (who,),
        )  # fmt: skip

    def records(self, turn):
        """Return records in the order of their ids; `turn` is what becomes of annotations as they were written."""
        made = []
        for number in range(self.draw.randint(1, 4)):
            document, pieces = self.document(number)
            gold = Gold(turn(self.annotations(document)), self.draw.choice(["gold", "silver"]), ("annotator-1",))
            versions = tuple(
                Version(name, turn(self.annotations(document)), False, 12, "2031-05-01")
                for name in ("annotator-1", "annotator-2")[: self.draw.randint(0, 2)]
            )
            mark = (self.span(document),)
            edit = EditRow("annotator-1", "retyped", ("resized",), "entities", "ORG", mark, "GPE", mark, "toy@1", None)
            cluster = self.draw.choice([None, Cluster(document.id, "c", "c", "near", 0.9)])
            split, edits = self.draw.choice(["train", "test"]), (edit,) * self.draw.randint(0, 2)
            decisions = (self.decision(mark[0]),) * self.draw.randint(0, 2)
            made.append(Record(document, pieces, gold, cluster, ("d9",), split, versions, edits, decisions))
        return made


def expected(made):
    tables, losses = {name: [] for name in CONFIGS}, []
    for record in made:
        one, lost = rows(record, SCHEME, LABELS)
        losses += sorted(lost)
        for name, listed in one.items():
            tables[name] += listed
    turned = {name: list(map(encoder(CONFIGS[name].features, LABELS), listed)) for name, listed in tables.items()}
    return {name: pa.Table.from_pylist(listed, schema=SCHEMAS[name]) for name, listed in turned.items()}, losses


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32))
def test_the_tables_of_a_batch_are_the_rows_of_its_documents(seed):
    made = Writer(seed).records(reidentify)
    views = Views(Batch.of(made), SCHEME, LABELS, SCHEMAS)
    tables, (wanted, losses) = views.tables(), expected(made)
    for name in CONFIGS:
        assert tables[name].schema.equals(wanted[name].schema, check_metadata=True)
        assert tables[name].to_pylist() == wanted[name].to_pylist(), name
    assert sorted(views.losses) == losses


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32))
def test_ids_and_order_are_those_of_reidentify(seed):
    written, after = Writer(seed).records(lambda said: said), Writer(seed).records(reidentify)
    before, wanted = (Views(Batch.of(made), SCHEME, LABELS, SCHEMAS).tables() for made in (written, after))
    for name in CONFIGS:
        assert before[name].to_pylist() == wanted[name].to_pylist(), name


def one(text="The army left.", **more):
    document = Document("d1", text, text_sha256(text), language="en")
    said = Annotations("d1", document.sha256, (Entity("e", Span(4, 8, "army"), "ARMED_ACTOR", WHO),))
    return Record(document, (), Gold(replace(said, **more), "gold"), None, (), "train")


def test_a_label_that_does_not_fit_its_text_is_refused():
    wrong = (Entity("e", Span(4, 8, "navy"), "ARMED_ACTOR", WHO),)
    with pytest.raises(OffsetError, match="navy"):
        make(Batch.of([one(entities=wrong)]), SCHEME, LABELS)
    with pytest.raises(OffsetError, match="text 00ff of document d1"):
        make(Batch.of([one(sha256="00ff")]), SCHEME, LABELS)


def test_a_label_of_another_scheme_is_refused():
    wrong = (Entity("e", Span(4, 8, "army"), "GAS", WHO),)
    with pytest.raises(SchemeError, match="'GAS' is not among the names of 'label'"):
        make(Batch.of([one(entities=wrong)]), SCHEME, LABELS)
