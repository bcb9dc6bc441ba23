from __future__ import annotations

import importlib

import pytest

extract = importlib.import_module("copydesk.corpus.extract")

PAGE = """<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>Rebels enter Harun | Meridian Wire</title>
<meta property="og:site_name" content="Meridian Wire"><meta property="og:title" content="Rebels enter Harun after three days">
<meta property="article:published_time" content="2024-11-29T10:15:00+01:00">
<link rel="canonical" href="https://wire.example/2024/harun"><meta name="author" content="Lena Orlov">
<link rel="license" href="https://creativecommons.org/licenses/by/4.0/"></head>
<body><nav><a href="/">Home</a> <a href="/world">World</a></nav><article><h1>Rebels enter Harun after three days</h1>
<p class="byline">By Lena Orlov</p>
<figure><img src="x.jpg" alt=""><figcaption>Smoke rises over the eastern quarter of Harun.</figcaption></figure>
<p>HARUN, Tavria (MW) — Rebel fighters entered the northern districts of Harun on Friday, residents said, after three days.</p>
<p>“We saw them come down the river road,” said Nadia Brek. <em>“Nobody</em> stopped them.”</p>
<h2>Denials</h2>
<p>The army denied that it had lost the city.<br><br>Brig. Gen. Omar Haddad told reporters that the rebels<br>had been repelled.</p>
<blockquote><p>“The city is ours and will remain ours,” the general said.</p></blockquote>
<ul><li>At least 40 people have been killed.</li><li>About 9,000 people have fled.</li></ul>
<table><tr><th>Town</th><th>Killed</th></tr><tr><td>Qasra</td><td>12</td></tr></table>
<p>The Observatory for Tavria put the toll at 62. Its figures could not be verified.</p>
</article><footer>Copyright Meridian Wire. Subscribe to our newsletter.</footer></body></html>"""


def test_a_page_becomes_blocks():
    found = extract.extract(PAGE.encode())
    assert found.title == "Rebels enter Harun after three days"
    assert list(found.paragraphs) == [
        "Rebels enter Harun after three days",
        "HARUN, Tavria (MW) — Rebel fighters entered the northern districts of Harun on Friday, residents said, after three days.",
        "“We saw them come down the river road,” said Nadia Brek. “Nobody stopped them.”",
        "Denials",
        "The army denied that it had lost the city.",
        "Brig. Gen. Omar Haddad told reporters that the rebels had been repelled.",
        "“The city is ours and will remain ours,” the general said.",
        "At least 40 people have been killed.",
        "About 9,000 people have fled.",
        "Town | Killed",
        "Qasra | 12",
        "The Observatory for Tavria put the toll at 62. Its figures could not be verified.",
    ]
    assert found.captions == ("Smoke rises over the eastern quarter of Harun.",)
    assert found.fields == {
        "url": "https://wire.example/2024/harun",
        "outlet": "Meridian Wire",
        "published": "2024-11-29T10:15:00+01:00",
        "language": "en-GB",
        "licence": "CC-BY-4.0",
        "byline": "Lena Orlov",
    }


def test_linked_data_comes_first():
    page = PAGE.replace(
        "</head>",
        '<script type="application/ld+json">{"@graph": [{"@type": "WebSite"}, {"@type": ["NewsArticle"], '
        '"datePublished": "2024-11-28T08:00:00Z", "license": "https://creativecommons.org/publicdomain/zero/1.0/"}]}</script></head>',
    )
    fields = extract.extract(page.encode()).fields
    assert (fields["published"], fields["licence"]) == ("2024-11-28T08:00:00Z", "CC0-1.0")


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-1", "utf-16"])
def test_declared_encodings(encoding):
    page = PAGE.replace('charset="utf-8"', f'charset="{encoding}"').replace("Nadia Brek", "Général Brek")
    raw = page.replace("—", "-").replace("“", '"').replace("”", '"').encode(encoding)
    assert any("Général Brek" in block for block in extract.extract(raw).paragraphs)


def test_the_encoding_undefined_of_careless_templates_stops_nothing():
    page = PAGE.replace('charset="utf-8"', 'charset="undefined"').replace("Nadia Brek", "Général Brek")
    raw = page.replace("—", "-").replace("“", '"').replace("”", '"').encode("windows-1252")
    assert any("Brek" in block for block in extract.extract(raw).paragraphs)


def test_an_undeclared_encoding_is_told_by_its_bytes():
    words = "Войска вошли в северные районы города в пятницу, сообщили жители после трёх дней боёв за переправу."
    raw = f"<html><body><article><h1>Бои</h1>{f'<p>{words}</p>' * 3}</article></body></html>".encode("cp1251")
    assert words in extract.extract(raw).paragraphs


LINKS = "".join(
    f"<h2><a href='/{n}'>A long headline about the war in Tavria, number {n}, and what follows</a></h2>"
    for n in range(40)
)


@pytest.mark.parametrize(
    "page",
    [
        "<html></html>",
        "<!doctype html>",
        "<html><body><nav><a href='/'>Home</a></nav><div>We use cookies.</div></body></html>",
        f"<html><body><div>{LINKS}</div></body></html>",
        "<html><body><main><ul>"
        + "".join(f"<li><a href='/{n}'>Rebels hold {n} towns</a></li>" for n in range(6))
        + "</ul></main></body></html>",
        "<html><body><script>" + "var a = 1;" * 500 + "</script></body></html>",
    ],
    ids=["nothing", "doctype", "cookies", "front page", "section page", "script"],
)
def test_a_page_without_an_article(page):
    with pytest.raises(extract.NoArticle, match="no article found"):
        extract.extract(page.encode())


def test_a_page_built_to_be_slow():
    with pytest.raises(extract.NoArticle, match="page too complex") as caught:
        extract.extract(f"<html><body>{'<div>' * 60_000}</body></html>".encode())
    assert caught.value.detail == "more than 50,000 tags"


def test_a_page_nested_deeper_than_the_parser_goes():
    with pytest.raises(extract.NoArticle):
        extract.extract(f"<html><body>{'<div>' * 20_000}<p>text</p></body></html>".encode())


def test_a_page_without_a_date_gets_none():
    page = "\n".join(line for line in PAGE.split("\n") if "published_time" not in line)
    assert "published" not in extract.extract(page.encode()).fields
