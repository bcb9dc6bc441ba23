"""WebAnno TSV 3.3: lines written as INCEpTION writes them are read, and what cannot be read is named by line."""

from __future__ import annotations

import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.annotate import Link, Marked, Region
from copydesk.export import read_marked
from copydesk.schemas import Removed, load_scheme

exchange, tsv, units = (importlib.import_module(f"copydesk.export.{name}") for name in ("exchange", "tsv", "tsv_units"))
SCHEME = load_scheme()
CONTEXT = exchange.Context(SCHEME, tuple(label.id for label in SCHEME.labels if label.layer == "entities"))

# nested and stacked spans, a part of a token, a pair of UTF-16 units, a relation in another sentence, a line break
INCEPTION = """\
#FORMAT=WebAnno TSV 3.3
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value
#T_SP=webanno.custom.Region|label|actor_class
#T_CH=de.tudarmstadt.ukp.dkpro.core.api.coref.type.CoreferenceLink|referenceType|referenceRelation
#T_RL=webanno.custom.RegionLink|label|BT_webanno.custom.Region


#Text=The 🕊 army\\tof Qasr
#Text=fled.
1-1\t0-3\tThe\t_\t_\tARMED\\_ACTOR[1]\tstate\\_forces[1]\t_\t_\t_\t_\t
1-2\t4-6\t🕊\t_\t_\tARMED\\_ACTOR[1]\tstate\\_forces[1]\t_\t_\t_\t_\t
1-3\t7-11\tarmy\t_\t_\tARMED\\_ACTOR[1]\tstate\\_forces[1]\t*[1]\t*->1-1\t_\t_\t
1-4\t12-14\tof\t_\t_\tARMED\\_ACTOR[1]\tstate\\_forces[1]\t_\t_\t_\t_\t
1-5\t15-19\tQasr\t*\tLOC\tARMED\\_ACTOR[1]|GPE[2]\tstate\\_forces[1]|*[2]\t_\t_\t_\t_\t
1-6\t20-24\tfled\t_\t_\t_\t_\t_\t_\t_\t_\t
1-6.1\t20-22\tfl\t_\t_\tTIME\t*\t_\t_\t_\t_\t
1-7\t24-25\t.\t_\t_\t_\t_\t_\t_\t_\t_\t

#Text=They won.
2-1\t26-30\tThey\t_\t_\tARMED\\_ACTOR\t*\t_\t_\tholder|cue\t1-1[1_0]|1-6.1\t
2-2\t31-34\twon\t_\t_\t_\t_\t_\t_\t_\t_\t
2-3\t34-35\t.\t_\t_\t_\t_\t_\t_\t_\t_\t
"""


def write(folder, content, name="a"):
    path = folder / f"{name}.tsv"
    path.write_text(content, encoding="utf-8", newline="\n")
    return path


def read(path):
    (marked,) = read_marked(path, "tsv")
    return marked


def test_a_file_of_inceptions(tmp_path):
    marked = read(write(tmp_path, INCEPTION))
    assert marked.text == "The 🕊 army\tof Qasr\nfled.\nThey won."
    said = {(marked.words(r), r.label): dict(r.attributes) for r in marked.regions}
    assert said == {
        ("The 🕊 army\tof Qasr", "ARMED_ACTOR"): {"actor_class": "state_forces"},
        ("Qasr", "GPE"): {},
        ("Qasr", "LOC"): {},
        ("fl", "TIME"): {},
        ("They", "ARMED_ACTOR"): {},
    }
    words = {region.id: marked.words(region) for region in marked.regions}
    assert [(words[link.source], link.relation, words[link.target]) for link in marked.links] == [
        ("The 🕊 army\tof Qasr", "holder", "They"),
        ("fl", "cue", "They"),
    ]
    ((what, why),) = marked.unread
    assert what.startswith("de.tudarmstadt.ukp.dkpro.core.api.coref.type.CoreferenceLink")
    assert why == "a layer that has no place here"


def test_lines_end_as_windows_ends_them(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(INCEPTION.replace("\n", "\r\n").encode())
    assert read(path) == read(write(tmp_path, INCEPTION))


def test_what_we_write_looks_like_this(tmp_path):
    text = "A 🕊 of Qasr-based men.\n\nThey won."
    marked = Marked(
        "a1",
        text,
        (
            Region("x", 2, 11, "ARMED_ACTOR", {"actor_class": "state_forces"}),
            Region("y", 7, 11, "GPE"),
            Region("z", 24, 28, "ARMED_ACTOR"),
            Region("w", 3, 6, "TIME"),
        ),
        (Link("x", "holder", "z"), Link("w", "cue", "z")),
        {"graphic": ("no",)},
    )
    writer = tsv.TsvWriter(tmp_path, CONTEXT)
    lost = list(writer.take(exchange.Article("train", "en", "", marked, ((0, 22), (24, len(text))))))
    written = (tmp_path / "train" / "a1.tsv").read_text(encoding="utf-8").split("\n")
    assert written[0] == "#FORMAT=WebAnno TSV 3.3"
    assert written[1].startswith("#T_SP=webanno.custom.Region|label|")
    assert written[2:5] == ["#T_RL=webanno.custom.RegionLink|label|BT_webanno.custom.Region", "", ""]
    assert written[5:8] == ["#Text=A 🕊 of Qasr-based men.", "#Text=", "#Text="]
    rows = [row.split("\t") for row in written if row[:1].isdigit()]
    assert [row[:4] for row in rows if row[3] != "_"] == [
        ["1-2", "2-4", "🕊", "ARMED\\_ACTOR[1]"],
        ["1-3", "5-7", "of", "ARMED\\_ACTOR[1]"],
        ["1-4", "8-12", "Qasr", "ARMED\\_ACTOR[1]|GPE[2]"],
        ["2-1", "25-29", "They", "ARMED\\_ACTOR"],
    ]
    (they,) = [row for row in rows if row[2] == "They"]
    assert they[-3:] == ["holder", "1-2[1_0]", ""]
    assert [(one.label, one.reason) for one in lost] == [
        ("TIME", "begins or ends in white space"),
        ("cue", "an end of it is lost"),
        ("graphic", "no place for answers about the document"),
    ]
    assert read(tmp_path / "train" / "a1.tsv").text == text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1-1\t0-3\tThe\n", "the first line is '1-1"),
        ("#FORMAT=WebAnno TSV 2.0\n", "the first line is '#FORMAT=WebAnno TSV 2.0'"),
        ("#FORMAT=WebAnno TSV 3.3\n\n\n#Text=The\n1-1\t0-3\tAll\t\n", "0-3 holds 'The'; the line says 'All'"),
        ("#FORMAT=WebAnno TSV 3.3\n\n\n#Text=The\nThe\n", "no line of a token: 'The'"),
        ("#FORMAT=WebAnno TSV 3.3\n#T_SP=a.B|c|d\n\n\n#Text=A\n1-1\t0-1\tA\t_\n", "4 columns; the header declares 5"),
        ("#FORMAT=WebAnno TSV 3.3\n\n\n#Text=The\n1-1\t3-0\t\t\n", "3-0 holds nothing"),
        ("#FORMAT=WebAnno TSV 3.3\n\n\n#Text=a\n1-1\t999999998-999999999\ta\t\n", "a sentence begins at 999999998;"),
        (f"#FORMAT=WebAnno TSV 3.3\n\n\n#Text=a\n1-1\t{'9' * 30}-{'9' * 30}\ta\t\n", "no line of a token"),
        (
            "#FORMAT=WebAnno TSV 3.3\n\n\n#Text=A b\n1-1\t0-1\tA\t\n\n#Text=C\n2-1\t1-2\tC\t\n",
            "a sentence begins at 1, inside the one before it",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(tmp_path, content, said):
    write(tmp_path, content)
    write(tmp_path, INCEPTION, "b")
    removed, good = read_marked(tmp_path, "tsv")
    assert isinstance(removed, Removed)
    assert removed.reason.startswith(said)
    assert removed.of.startswith("a.tsv:")
    assert good.name == "b"


def test_white_space_that_a_sentence_begins_with_comes_back_once(tmp_path):
    content = "#FORMAT=WebAnno TSV 3.3\n\n\n#Text=  The army\n1-1\t2-5\tThe\t\n1-2\t6-10\tarmy\t\n"
    assert read(write(tmp_path, content)).text == "  The army"
    behind = "\n#Text=\\t fled.\n2-1\t13-17\tfled\t\n2-2\t17-18\t.\t\n"
    assert read(write(tmp_path, content + behind)).text == "  The army\n\t fled."


def test_no_utf_8(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"#FORMAT=WebAnno TSV 3.3\n\xff")
    assert read(tmp_path).reason == "the file is no UTF-8"


def test_a_relation_to_nothing_is_named(tmp_path):
    marked = read(write(tmp_path, INCEPTION.replace("1-1[1_0]", "1-1[9_0]")))
    assert ("holder 1-1", "a relation to what is no span") in marked.unread


ANY = st.text(st.sampled_from("ab|[]_*;\\->\t\n\r\x01🕊é"), max_size=12)


@settings(deadline=None, max_examples=200)
@given(ANY, ANY)
def test_escapes_come_back(one, other):
    assert units.unescape_value(units.escape_value(one)) == one
    assert units.unescape_text(units.escape_text(one)) == one
    cell = f"{units.escape_value(one) or '*'}[7]|{units.escape_value(other) or '*'}"
    assert [(units.unescape_value(v), n) for v, n in units.split_cell(cell)] == [(one or "*", "7"), (other or "*", "")]


@given(st.text(st.sampled_from("a🕊é\u0301👨‍👩"), max_size=9))
def test_offsets_come_back(text):
    offsets = units.Utf16(text)
    for place in range(len(text) + 1):
        assert offsets.units(place) == len(text[:place].encode("utf-16-le")) // 2
        assert offsets.points(offsets.units(place)) == place
