from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from copydesk.export import Change, Diff, Snapshot, changes, diff, release, summary
from copydesk.export.versions import decide, last_release, level, parse, releases
from copydesk.schemas import DeskError, Document, Segment, SegmentKind, Span


def edited(truth, document):
    """Return a document's annotations with one mention retyped, one resized, one removed, and the stances turned."""
    found = {entity.span.text: entity for entity in truth.entities}
    retyped = replace(found["Monday"], label="NAMED_EVENT")
    toll = found["At least 12 people"]
    resized = replace(toll, span=Span.of(document, toll.span.start + 9, toll.span.end))
    place = replace(found["Arvenia"], attributes={"gpe_role": "place"})
    changed = {"Monday": retyped, "At least 12 people": resized, "Arvenia": place}
    entities = [changed.get(e.span.text, e) for e in truth.entities if e.span.text != "Юлія Коваль"]
    first, second = truth.stances
    return replace(
        truth,
        entities=tuple(entities),
        attributions=(replace(truth.attributions[0], form="mixed"),),
        stances=(replace(first, polarity="-2"), replace(second, role="innocent")),
        choices={"graphic": ("yes",)},
    )


@pytest.fixture
def two(newsroom):
    newsroom.annotate_all(keys=newsroom.ids[:4])
    old = release(newsroom.desk)
    first = newsroom.ids[0]
    truth = edited(newsroom.truth[first], newsroom.documents[first])
    newsroom.annotate(first, annotations=truth, number=9, state="updated")
    newsroom.annotate(newsroom.ids[4])
    return old, release(newsroom.desk), first


def test_every_kind_of_change_is_named(two):
    old, new, first = two
    found = diff(old.path, new.path)
    assert (found.old, found.new) == ("1.0.0", "1.1.0")
    mine = {(c.layer, c.kind, c.text) for c in found.changes if c.document_id == first}
    assert mine == {
        ("spans", "retyped", "Monday"),
        ("spans", "resized", "12 people"),
        ("spans", "changed", "Arvenia"),
        ("spans", "removed", "Юлія Коваль"),
        ("attribution", "changed", "“a barbaric crime by the Northern Front”"),
        ("stance", "restanced", "OUTLET → the Northern Front"),
        ("stance", "changed", "OUTLET → The Northern Front"),
        ("questions", "changed", "graphic"),
    }
    assert [c.kind for c in found.of("documents")] == ["added"]
    (monday,) = found.of("spans", "retyped")
    assert monday.before.startswith("TIME [")
    assert monday.after.startswith("NAMED_EVENT [")
    assert found.counts()["spans", "retyped"] == 1


def test_the_summary_is_the_changelog(two):
    old, new, _ = two
    lines = summary(diff(old.path, new.path))
    assert "1 span label retyped" in lines
    assert "1 span label given other attributes" in lines
    assert "1 stance label restanced" in lines
    section = (new.path / "CHANGELOG.md").read_text().partition("## 1.0.0")[0]
    for line in lines:
        assert f"- {line}" in section


def test_the_way_back_mirrors_the_way_there(two):
    old, new, first = two
    there, back = diff(old.path, new.path), diff(new.path, old.path)
    mirrored = {"added": "removed", "removed": "added"}
    assert sorted((c.layer, mirrored.get(c.kind, c.kind)) for c in there.changes if c.document_id == first) == sorted(
        (c.layer, c.kind) for c in back.changes if c.document_id == first
    )


def test_a_release_does_not_differ_from_itself(released):
    found = diff(released.release.path, released.release.path)
    assert not found
    assert summary(found) == []


def test_what_is_said_of_a_document_is_compared_too(newsroom):
    newsroom.annotate_all()
    release(newsroom.desk)
    relicensed = [replace(d, licence="CC-BY-4.0") for d in newsroom.documents.values()]
    newsroom.desk.write(Document, "articles", "00000", relicensed)
    new = release(newsroom.desk)
    assert (new.version, new.reasons) == ("1.0.1", ("5 documents given other attributes",))
    (first, *_) = diff(newsroom.desk.path / "releases" / "1.0.0", new.path).of("documents")
    assert (first.before, first.after) == ("licence: CC0-1.0", "licence: CC-BY-4.0")


def test_sentences_that_are_cut_otherwise_are_no_silent_change(newsroom):
    newsroom.annotate_all()
    release(newsroom.desk)
    whole = [Segment(d.id, 0, 0, len(d.text), SegmentKind.SENTENCE) for d in newsroom.documents.values()]
    newsroom.desk.write(Segment, "segments", "00000", whole)
    new = release(newsroom.desk)
    assert new.version == "1.1.0"
    assert any("no longer comparable" in reason for reason in new.reasons)
    assert "- 5 documents cut into other sentences" in (new.path / "CHANGELOG.md").read_text()


def test_every_change_can_be_had_one_by_one(two):
    old, new, _ = two
    found = diff(old.path, new.path)
    assert tuple(changes(Snapshot.of(old.path), Snapshot.of(new.path))) == found.changes
    assert found.rows["articles"] == (4, 5)
    assert found.turns["spans", "TIME", "NAMED_EVENT"] == 1


def test_an_annotators_version_that_is_gone_breaks(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    (path, *_) = sorted((copy / "annotations").glob("train-*.parquet"))
    pq.write_table(pq.read_table(path).slice(1), path)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["configs"]["annotations"] |= {"logical": "other", "rows": manifest["configs"]["annotations"]["rows"] - 1}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    there, back = diff(released.release.path, copy), diff(copy, released.release.path)
    assert (there.breaking, level(there)[0]) == (("1 annotators' versions removed",), "major")
    assert (back.growing, level(back)[0]) == (("1 more annotators' versions",), "minor")


def test_labels_with_other_ids_are_compared_by_name(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    labels = json.loads((copy / "labels.json").read_text())
    one, other = labels["polarity"].index("-1"), labels["polarity"].index("+1")
    labels["polarity"][one], labels["polarity"][other] = "+1", "-1"
    (copy / "labels.json").write_text(json.dumps(labels))
    found = diff(released.release.path, copy)
    assert found.turns["stance", "-1", "+1"] > 0
    assert set(found.counts()) == {("stance", "restanced")}


def test_no_release_no_diff(tmp_path):
    with pytest.raises(DeskError, match=r"no release here: there is no manifest\.json") as caught:
        diff(tmp_path, tmp_path)
    assert "Name a release folder, such as releases/1.0.0" in str(caught.value)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DeskError, match=r"manifest\.json is damaged"):
        diff(tmp_path, tmp_path)


@pytest.mark.parametrize("drop", ["configs", "scheme", "files", "content", "version", "tokeniser", ""])
def test_what_is_no_manifest_is_no_release(released, tmp_path, drop):
    manifest = json.loads((released.release.path / "manifest.json").read_text())
    wrong = {key: value for key, value in manifest.items() if key != drop} if drop else [manifest]
    (tmp_path / "manifest.json").write_text(json.dumps(wrong))
    with pytest.raises(DeskError, match=r"manifest\.json is no release's") as caught:
        Snapshot.of(tmp_path)
    assert not drop or f"{drop!r}" in str(caught.value)


@pytest.mark.parametrize("value", [{"articles": 3}, {"articles": {"rows": 1}}, [], {"../x": None}])
def test_a_manifest_whose_tables_are_none_is_no_release(released, tmp_path, value):
    manifest = json.loads((released.release.path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "configs": value}))
    with pytest.raises(DeskError, match=r"manifest\.json is no release's"):
        diff(tmp_path, tmp_path)


# the rule


def change(kind="removed", layer="spans", split="train"):
    return Change(kind, layer, "d", split, "a", "", "x")


def made(*changes, **more):
    return Diff.told("1.2.3", "", changes, **more)


@pytest.mark.parametrize(
    ("found", "step", "reason"),
    [
        (made(breaking=("scheme x 1.0.0 → x 2.0.0",)), "major", "scheme x 1.0.0 → x 2.0.0"),
        (made(change(layer="documents")), "major", "1 document removed"),
        (
            made(change("moved", "documents"), change("moved", "documents")),
            "major",
            "2 documents moved to another split",
        ),
        (made(change("added", "documents")), "minor", "1 document added"),
        (made(growing=("table 'edits' added",)), "minor", "table 'edits' added"),
        (made(change(split="test")), "minor", "1 label changes in validation or test: scores are no longer comparable"),
        (
            made(change(split="validation")),
            "minor",
            "1 label changes in validation or test: scores are no longer comparable",
        ),
        (made(change()), "patch", "1 label changes in train only"),
        (made(change("changed", "documents")), "patch", "1 document given other attributes"),
        (made(other=("licence changed",)), "patch", "licence changed"),
    ],
)
def test_the_rule(found, step, reason):
    assert level(found) == (step, (reason,))
    expected = {"major": "2.0.0", "minor": "1.3.0", "patch": "1.2.4"}[step]
    assert decide("1.2.3", found, silver=False, wanted=None) == (expected, (reason,))


def test_silver_stays_below_one():
    assert decide(None, None, silver=True, wanted=None)[0] == "0.1.0"
    assert decide("0.3.1", made(change(layer="documents")), silver=True, wanted=None)[0] == "0.4.0"
    assert decide("0.3.1", made(change()), silver=True, wanted=None)[0] == "0.3.2"
    with pytest.raises(DeskError, match=r"version 1\.0\.0 was asked for a release with silver labels"):
        decide(None, None, silver=True, wanted="1.0.0")


def test_a_person_may_only_raise():
    found = made(change("added", "documents"))
    assert decide("1.2.3", found, silver=False, wanted="1.3.0") == ("1.3.0", ("1 document added",))
    assert decide("1.2.3", found, silver=False, wanted="2.0.0")[1] == ("1 document added", "raised by hand")
    with pytest.raises(
        DeskError, match=r"version 1\.2\.4 is too low: the changes call for 1\.3\.0 \(1 document added\)"
    ):
        decide("1.2.3", found, silver=False, wanted="1.2.4")


@pytest.mark.parametrize("wrong", ["1", "1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", ""])
def test_a_version_is_three_numbers(wrong):
    with pytest.raises(DeskError, match="three numbers"):
        parse(wrong)


def test_releases_are_counted_as_numbers(tmp_path):
    for name in ("1.10.0", "1.9.0", "0.2.0", "building-x", "notes"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    assert releases(tmp_path) == ["0.2.0", "1.9.0", "1.10.0"]
    assert last_release(tmp_path, silver=False) == "1.10.0"
    assert last_release(tmp_path, silver=True) == "0.2.0"


def test_scheme_and_label_changes_break(released, tmp_path):
    copy = shutil.copytree(released.release.path, tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["scheme"]["version"] = "2.0.0"
    manifest["tokeniser"] = "other"
    manifest["ids"] = "number"
    del manifest["configs"]["edits"]
    manifest["configs"]["stance"]["columns"]["target"] = "int32"
    manifest["configs"]["spans"]["columns"]["more"] = "string"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    labels = json.loads((copy / "labels.json").read_text())
    labels["role"].append("bystander")
    (copy / "labels.json").write_text(json.dumps(labels))
    found = diff(released.release.path, copy)
    assert found.breaking == (
        "scheme conflict-news 1.0.0 → conflict-news 2.0.0",
        "label set 'role' changed: +bystander",
        f"tokeniser {json.loads((released.release.path / 'manifest.json').read_text())['tokeniser']} → other",
        "mentions have other ids: by place → by number",
        "table 'edits' removed",
        "column stance.target changed or removed",
    )
    assert found.growing == ("column spans.more added",)
    assert level(found)[0] == "major"
