"""What a document's labels became: each pair of versions has one name, and the whole is counted, not kept."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.export.changes import Change, changed
from copydesk.export.diff import SHOWN, Diff


def mention(key, start, end, label="ORG", **attributes):
    pairs = [{"name": name, "value": value} for name, value in attributes.items()]
    return {"id": key, "start": start, "end": end, "text": f"w{start}", "label": label, "attributes": pairs}


def row(*entities, **more):
    described = dict.fromkeys(("origin", "cluster_id", "url", "outlet", "byline", "published", "retrieved", "language",
                               "licence", "source_kind", "raw_sha256"), "") | {"copies": []}  # fmt: skip
    empty = {"segments": [], "attributions": [], "stances": [], "choices": []}
    return {
        "document_id": "d",
        "split": "train",
        "title": "T",
        **described,
        **empty,
        "entities": list(entities),
        **more,
    }


def kinds(before, after):
    return [change.kind for change in changed(before, after)]


def test_a_region_that_keeps_its_id_is_named_by_what_became_of_it():
    old = mention("a", 3, 9)
    assert kinds(row(old), row(mention("a", 3, 9, "GPE"))) == ["retyped"]
    assert kinds(row(old), row(mention("a", 3, 12))) == ["resized"]
    assert kinds(row(old), row(mention("a", 3, 9, org_class="igo"))) == ["changed"]


def test_a_region_that_was_drawn_anew_is_known_by_its_words():
    old = mention("a", 3, 9)
    assert kinds(row(old), row(mention("b", 3, 9, "GPE"))) == ["retyped"]
    assert kinds(row(old), row(mention("b", 5, 12))) == ["resized"]
    assert kinds(row(old), row(mention("b", 3, 9))) == []  # a name is no label
    assert kinds(row(old), row(mention("b", 9, 12))) == ["added", "removed"]


def test_each_new_span_is_taken_once():
    before = row(mention("a", 0, 9), mention("b", 2, 5))
    after = row(mention("c", 0, 5))
    assert sorted(kinds(before, after)) == ["removed", "resized"]


spans = st.lists(
    st.builds(
        lambda key, start, length, label: mention(key, start, start + length, label),
        st.sampled_from("abcdefgh"),
        st.integers(0, 12),
        st.integers(1, 5),
        st.sampled_from(["ORG", "GPE"]),
    ),
    max_size=8,
    unique_by=lambda item: item["id"],
)


@given(spans, spans)
@settings(deadline=None, max_examples=200)
def test_the_numbers_add_up_and_the_way_back_mirrors(before, after):
    there, back = (changed(row(*one), row(*other)) for one, other in ((before, after), (after, before)))
    for found, old, new in ((there, before, after), (back, after, before)):
        number = {kind: sum(c.kind == kind for c in found) for kind in ("added", "removed")}
        assert len(new) - len(old) == number["added"] - number["removed"]
    assert (not there) == (not back) == (sorted(map(repr, before)) == sorted(map(repr, after)))


def test_everything_is_counted_and_some_of_each_kind_kept():
    every = [Change("retyped", "spans", f"{n:04d}", "train", "ORG [0, 3)", "GPE [0, 3)", "w") for n in range(3 * SHOWN)]
    found = Diff.told("1.0.0", "1.0.1", iter(every))
    assert (found.total, len(found.changes)) == (3 * SHOWN, SHOWN)
    assert found.turns == {("spans", "ORG", "GPE"): 3 * SHOWN}
    assert [change.document_id for change in found.examples(2)] == ["0000", "0001"]
    plain = found.plain()
    assert plain["counts"] == [{"layer": "spans", "kind": "retyped", "number": 3 * SHOWN}]
    assert plain["splits"][0]["split"] == "train"
    assert len(found.plain(every)["changes"]) == 3 * SHOWN
