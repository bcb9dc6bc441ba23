"""What a page says about itself, wherever it says it."""

from __future__ import annotations

import importlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

facts_of = importlib.import_module("copydesk.corpus.page_facts").page_facts


def read(head="", body="", *, url="", lang=""):
    page = f"<html{f' lang={lang}' if lang else ''}><head>{head}</head><body>{body}<p>text</p></body></html>"
    return facts_of(html.fromstring(page), url=url)


def linked(**said):
    value = {"@context": "https://schema.org", "@type": "NewsArticle"} | {
        k.replace("id_", "@id"): v for k, v in said.items()
    }
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


def meta(name, value, key="name"):
    return f'<meta {key}="{name}" content="{value}">'


@pytest.mark.parametrize(
    ("head", "field", "expected"),
    [
        (linked(datePublished="2024-11-29T10:00:00Z"), "published", "2024-11-29T10:00:00Z"),
        (meta("article:published_time", "2024-11-29", "property"), "published", "2024-11-29"),
        (meta("datePublished", "2024-11-29", "itemprop"), "published", "2024-11-29"),
        (linked(datePublished="2024-11-29") + meta("date", "2020-01-01"), "published", "2024-11-29"),
        (linked(dateModified="2024-11-30"), "modified", "2024-11-30"),
        (meta("og:updated_time", "2024-11-30", "property"), "modified", "2024-11-30"),
        (linked(author={"@type": "Person", "name": "Lena Orlov"}), "byline", "Lena Orlov"),
        (linked(author=[{"name": "Lena Orlov"}, {"name": "T. J. Brek"}]), "byline", "Lena Orlov, T. J. Brek"),
        (linked(author="By Lena Orlov and T. J. Brek"), "byline", "Lena Orlov, T. J. Brek"),
        (linked(author={"givenName": "Lena", "familyName": "Orlov"}), "byline", "Lena Orlov"),
        (meta("author", "By Lena Orlov (@orlov)"), "byline", "Lena Orlov"),
        (meta("article:author", "https://face.example/orlov", "property"), "byline", None),
        (meta("author", "admin"), "byline", None),
        (meta("og:site_name", "Meridian Wire", "property"), "outlet", "Meridian Wire"),
        (linked(publisher={"@type": "Organization", "name": "Meridian Wire"}), "outlet", "Meridian Wire"),
        (meta("application-name", "Meridian Wire"), "outlet", "Meridian Wire"),
        (meta("article:publisher", "https://face.example/wire", "property"), "outlet", None),
        (linked(inLanguage="uk"), "language", "uk"),
        (meta("og:locale", "fr_FR", "property"), "language", "fr_FR"),
        (linked(license="https://creativecommons.org/licenses/by-nd/4.0/"), "licence", "CC-BY-ND-4.0"),
        (meta("dcterms.rights", "© Meridian Wire"), "licence", "© Meridian Wire"),
        (meta("robots", "NOAI, noimageai, max-snippet:-1"), "robots", "max-snippet:-1, noai, noimageai"),
        (meta("tdm-reservation", "1") + meta("tdm-policy", "https://w.example/tdm.json"), "robots",
         "tdm-policy=https://w.example/tdm.json, tdm-reservation=1"),
        (meta("GPTBot", "noindex") + meta("robots", "noarchive"), "robots", "gptbot:noindex, noarchive"),
    ],
)  # fmt: skip
def test_what_a_head_says(head, field, expected):
    assert read(head).fields.get(field) == expected


CANONICAL = '<link rel="canonical" href="{}">'


@pytest.mark.parametrize(
    ("head", "url", "expected"),
    [
        (CANONICAL.format("https://w.example/a"), "https://w.example/a?utm=1", "https://w.example/a"),
        (CANONICAL.format("/a/b"), "https://w.example/x", "https://w.example/a/b"),
        (CANONICAL.format("//w.example/a"), "https://w.example/x", "https://w.example/a"),
        (CANONICAL.format("https://w.example/"), "https://w.example/2024/a", "https://w.example/2024/a"),
        (meta("og:url", "https://w.example/a#top", "property"), "", "https://w.example/a"),
        (linked(mainEntityOfPage={"id_": "", "@id": "https://w.example/a"}), "", "https://w.example/a"),
        (CANONICAL.format("javascript:void(0)"), "", None),
        (CANONICAL.format("http://["), "", None),
        (CANONICAL.format("https://w.example/a b"), "", None),
        ("", "https://w.example/a", "https://w.example/a"),
    ],
)
def test_the_canonical_address(head, url, expected):
    assert read(head, url=url).fields.get("url") == expected


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        ('<p class="byline">By Lena Orlov</p>', "byline", "Lena Orlov"),
        ('<a rel="author" href="/orlov">Lena Orlov</a>', "byline", "Lena Orlov"),
        ('<aside><p class="byline">By Somebody Else</p></aside>', "byline", None),
        ('<p class="authorised">Nobody at all</p>', "byline", None),
        ('<time itemprop="datePublished" datetime="2024-11-29">29 Nov</time>', "published", "2024-11-29"),
        ('<time datetime="2024-11-29">29 Nov</time>', "published", None),
        ('<footer><a href="https://creativecommons.org/licenses/by/4.0/">CC</a></footer>', "licence", "CC-BY-4.0"),
        ('<p>Photo: <a href="https://creativecommons.org/licenses/by/4.0/">CC</a></p>', "licence", None),
        ('<a rel="license" href="https://creativecommons.org/publicdomain/zero/1.0/">0</a>', "licence", "CC0-1.0"),
    ],
)
def test_what_a_body_shows(body, field, expected):
    assert read(body=body).fields.get(field) == expected


def test_references_inside_a_graph_are_followed():
    graph = {
        "@graph": [
            {
                "@type": "NewsArticle",
                "author": {"@id": "#orlov"},
                "publisher": [{"@id": "#wire"}],
                "headline": "Harun falls",
            },
            {"@type": "Person", "@id": "#orlov", "name": "Lena Orlov"},
            {"@type": "NewsMediaOrganization", "@id": "#wire", "name": "Meridian Wire"},
        ]
    }
    found = read(f'<script type="application/ld+json">{json.dumps(graph)}</script>')
    assert (found.title, found.fields["byline"], found.fields["outlet"]) == (
        "Harun falls",
        "Lena Orlov",
        "Meridian Wire",
    )


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>Harun falls | Meridian Wire</title>", "", "Harun falls"),
        ("<title>Harun falls</title>", "<h1>Rebels take Harun</h1>", "Rebels take Harun"),
        ("", "<h1>One</h1><h1>Two</h1>", "One"),
        ("", "<h2>Only this</h2>", "Only this"),
        (meta("og:title", "Harun &amp;amp; Qasra fall", "property"), "<h1>Other</h1>", "Harun & Qasra fall"),
        ("", "", ""),
    ],
)
def test_titles(head, body, title):
    assert read(head, body).title == title


SCRIPT = '<script type="application/ld+json">{}</script>'


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 5_000, "null", "[1, [2, {}], null]", '{"@type": 5, "@graph": {}}', '{"@graph": [{"@id": {}}]}',
     '{"@type": "Article", "author": 5, "publisher": [null, 3], "datePublished": {"a": []}, "headline": ["x"]}',
     '{"@type": ["NewsArticle", null], "author": {"name": ["", {}, "http://x.example"]}, "license": {"url": 7}}'],
)  # fmt: skip
def test_no_linked_data_is_too_odd(text):
    found = read(SCRIPT.format(text))
    assert all(isinstance(value, str) and value for value in found.fields.values())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["@type", "@id", "@graph", "name", "author", "publisher", "license", "url", "headline",
                         "datePublished", "mainEntityOfPage", "givenName", "@value"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(JSON.map(lambda value: {"@type": "NewsArticle", **value} if isinstance(value, dict) else value))
def test_any_linked_data_is_read_without_an_error(value):
    found = read(SCRIPT.format(json.dumps(value).replace("<", "\\u003c")))
    assert all(isinstance(value, str) and value for value in found.fields.values())
