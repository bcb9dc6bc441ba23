from __future__ import annotations

import importlib

from copydesk.corpus import documents, ingest
from copydesk.schemas import Removed

from .conftest import story

places = importlib.import_module("copydesk.corpus.places")
sources = importlib.import_module("copydesk.corpus.sources")

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Harun Wire</title><link>https://wire.example</link><language>en-gb</language>
<item><title>Harun falls</title><link>https://wire.example/1</link><guid isPermaLink="false">w-1</guid>
<pubDate>Fri, 29 Nov 2024 10:00:00 GMT</pubDate><dc:creator>Nadia Brek</dc:creator>
<description>A teaser.</description><content:encoded><![CDATA[{body}]]></content:encoded></item>
<item><title>Only a teaser</title><link>https://wire.example/2</link><description>Read on.</description></item>
<item><description>Nothing</description></item>
</channel></rss>"""

ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Harun Post</title>
<entry><title>By the bridge</title><link rel="self" href="https://post.example/feed/1"/><link href="https://post.example/1"/>
<id>tag:post.example,2024:1</id><published>2024-11-29T10:00:00Z</published><updated>2024-11-30T10:00:00Z</updated>
<author><name>Omar Lind</name><uri>https://post.example/omar</uri></author>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One <b>bold</b> word.</p><p>Two.</p></div></content></entry>
<entry><title>Plain</title><id>https://post.example/2</id><content type="text">{text}</content></entry>
<entry><title>A picture</title><link href="https://post.example/3"/><content type="image/png" src="https://post.example/3.png"/></entry>
</feed>"""

SITEMAP = """<?xml version="1.0"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>https://wire.example/9</loc><news:news><news:publication><news:name>Harun Wire</news:name></news:publication>
<news:publication_date>2024-11-29</news:publication_date><news:title>Harun falls</news:title></news:news></url>
</urlset>"""


def read(desk, path):
    return [
        item for file in places.find([str(path)], desk=desk.path) for item in sources.read(file, desk.settings.ingest)
    ]


def test_a_feed_with_full_texts(desk, news):
    body = "".join(f"<p>{part}.</p>" for part in story(1).split(". "))
    (news / "a.rss").write_text(RSS.replace("{body}", body))
    full, teaser, nothing = read(desk, news)
    assert full.fields == {
        "title": "Harun falls", "url": "https://wire.example/1", "id": "w-1", "byline": "Nadia Brek",
        "published": "Fri, 29 Nov 2024 10:00:00 GMT", "language": "en-gb", "outlet": "Harun Wire",
    }  # fmt: skip
    assert (teaser.of, teaser.reason, teaser.detail) == (
        "news/a.rss:2", "only metadata", "the article is at https://wire.example/2"
    )  # fmt: skip
    assert nothing.detail == "no text and no address"
    result = ingest(desk, [str(news)])
    (document,) = documents(desk)
    assert (document.title, document.outlet, document.published) == (
        "Harun falls",
        "Harun Wire",
        "2024-11-29T10:00:00+00:00",
    )
    assert document.text.startswith("Harun falls\n\nIn ")
    assert (result.accepted, len(result.removed)) == (1, 2)


def test_atom(desk, news):
    (news / "a.xml").write_text(ATOM.replace("{text}", "One.\n\nTwo."))
    page, text, picture = read(desk, news)
    assert b"One <b>bold</b> word." in page.html
    assert page.fields["url"] == "https://post.example/1"
    assert (page.fields["byline"], page.fields["modified"]) == ("Omar Lind", "2024-11-30T10:00:00Z")
    assert (text.text, text.fields["url"], text.fields["outlet"]) == (
        "One.\n\nTwo.",
        "https://post.example/2",
        "Harun Post",
    )
    assert picture.reason == "only metadata"


def test_a_news_sitemap_is_addresses(desk, news):
    (news / "sitemap.xml").write_text(SITEMAP)
    (found,) = read(desk, news)
    assert (found.of, found.reason) == ("news/sitemap.xml:1", "only metadata")


def test_other_xml_and_broken_feeds(desk, news):
    (news / "a.xml").write_text("<?xml version='1.0'?><settings><x/></settings>")
    (news / "b.rss").write_text(RSS.replace("{body}", "One.")[:-200])
    (news / "c.rss").write_text("<rss></rss>")
    found = read(desk, news)
    assert [item.reason if isinstance(item, Removed) else item.text for item in found][:2] == [
        "unknown file type",
        "One.",
    ]
    assert found[-1].detail == "a feed without any item"


def test_entities_are_never_put_in(desk, news):
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "0123456789">'
        + "".join(f'<!ENTITY {"abcdefghijk"[n]} "{("&" + "abcdefghijk"[n - 1] + ";") * 10}">' for n in range(1, 11))
        + '<!ENTITY file SYSTEM "file:///etc/hostname">]>'
        "<rss><channel><item><title>&k;</title><link>&file;</link><description>x</description></item></channel></rss>"
    )
    (news / "a.rss").write_text(bomb)
    found = read(desk, news)
    assert all(isinstance(item, Removed) for item in found)
    assert all(len(item.detail) < 500 for item in found)


def test_a_feed_of_any_length_is_a_stream(desk, news):
    item = "<item><title>T</title><link>https://wire.example/{}</link></item>"
    (news / "a.rss").write_text("<rss><channel>" + "".join(item.format(n) for n in range(3_000)) + "</channel></rss>")
    assert len(read(desk, news)) == 3_000
