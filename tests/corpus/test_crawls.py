from __future__ import annotations

import importlib
import io
import json
import zipfile

import pytest

from copydesk.corpus import documents, ingest

from .conftest import change_setting, story

crawls = importlib.import_module("copydesk.corpus.crawls")
places = importlib.import_module("copydesk.corpus.places")
sources = importlib.import_module("copydesk.corpus.sources")

TRAFILATURA = {
    "title": "Harun falls", "author": "Nadia Brek", "hostname": "wire.example", "date": "2024-11-29", "fingerprint": "a1b2",
    "id": None, "license": "CC BY 4.0", "comments": "", "raw_text": "no", "text": story(1), "language": None, "image": None,
    "pagetype": "article", "filedate": "2024-12-01", "source": "https://wire.example/1", "source-hostname": "The Wire",
    "excerpt": "x", "categories": "", "tags": "",
}  # fmt: skip
NEWS_PLEASE = {
    "authors": ["Nadia Brek"], "date_download": "2024-12-01 10:00:00", "date_modify": "None",
    "date_publish": "2024-11-29 08:00:00", "description": "A teaser.", "filename": "x.json", "image_url": None, "language": "en",
    "localpath": None, "maintext": story(2), "source_domain": "wire.example", "text": None, "title": "Harun falls",
    "title_page": None, "title_rss": None, "url": "https://wire.example/2",
}  # fmt: skip
FUNDUS = {
    "title": "Harun falls", "authors": ["Nadia Brek", "Omar Lind"], "publishing_date": "2024-11-29 08:00:00+00:00",
    "topics": ["War"], "free_access": True, "lang": "en",
    "body": {"summary": ["What happened."], "sections": [
        {"headline": [], "paragraphs": ["One.", "Two."]}, {"headline": ["The bridge"], "paragraphs": [story(3)]}]},
    "html": {"requested_url": "https://post.example/r", "responded_url": "https://post.example/3", "content": "<html></html>",
             "crawl_date": "2024-12-01 10:00:00", "source_info": {"publisher": "The Post"}},
}  # fmt: skip
SCRAPY = {
    "title": ["Harun falls"],
    "url": "https://post.example/4",
    "text": ["One.", story(4)],
    "scraped_at": "2024-12-01T10:00:00",
}


def read(desk, path):
    return [
        item for file in places.find([str(path)], desk=desk.path) for item in sources.read(file, desk.settings.ingest)
    ]


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("as_list", [False, True])
def test_what_crawlers_write_is_read_by_name(desk, news, indent, as_list):
    for name, item in (("a", TRAFILATURA), ("b", NEWS_PLEASE), ("c", FUNDUS), ("d", SCRAPY)):
        (news / f"{name}.json").write_text(json.dumps([item] if as_list else item, indent=indent))
    found = read(desk, news)
    assert [item.kind for item in found][:3] == ["trafilatura", "news-please", "fundus"]
    assert found[0].fields == {
        "title": "Harun falls", "url": "https://wire.example/1", "outlet": "The Wire", "published": "2024-11-29",
        "retrieved": "2024-12-01", "licence": "CC BY 4.0", "byline": "Nadia Brek",
    }  # fmt: skip
    assert found[0].text == story(1)
    assert found[1].fields == {
        "title": "Harun falls", "url": "https://wire.example/2", "outlet": "wire.example", "published": "2024-11-29 08:00:00",
        "retrieved": "2024-12-01 10:00:00", "language": "en", "byline": "Nadia Brek",
    }  # fmt: skip
    assert found[2].text == f"What happened.\n\nOne.\n\nTwo.\n\nThe bridge\n\n{story(3)}"
    assert found[2].fields == {
        "title": "Harun falls", "url": "https://post.example/3", "outlet": "The Post", "byline": "Nadia Brek, Omar Lind",
        "published": "2024-11-29 08:00:00+00:00", "retrieved": "2024-12-01 10:00:00", "language": "en",
    }  # fmt: skip
    assert found[3].text == f"One.\n\n{story(4)}"
    assert found[3].fields["retrieved"] == "2024-12-01T10:00:00"


def test_the_name_of_a_crawler_stays_with_the_document(desk, news):
    (news / "a.json").write_text(json.dumps(NEWS_PLEASE))
    ingest(desk, [str(news)])
    (document,) = documents(desk)
    assert (document.source_kind, document.published, document.modified) == ("news-please", "2024-11-29T08:00:00", "")


def test_a_fundus_article_without_a_body_falls_back_to_its_page(desk, news):
    (news / "a.json").write_text(json.dumps(FUNDUS | {"body": None}))
    (found,) = read(desk, news)
    assert (found.text, found.html) == ("", b"<html></html>")


@pytest.mark.parametrize(
    "odd", [{"body": [], "publishing_date": 3}, {"body": {"sections": 3, "summary": 4}, "publishing_date": []}]
)
def test_odd_values_are_no_text(desk, news, odd):
    (news / "a.json").write_text(json.dumps(odd))
    assert read(desk, news)[0].reason == "no text"


def gkg_row(id, url):
    return "\t".join([id, "20241129100000", "1", "wire.example", url, *[""] * 22]) + "\n"


def test_a_gdelt_list_with_texts_beside_it(desk, news):
    rows = gkg_row("20241129100000-1", "https://wire.example/1") + gkg_row(
        "20241129100000-T2", "https://wire.example/2"
    )
    rows += (
        gkg_row("20241129100000-3", "https://wire.example/3")
        + "too\tfew\n"
        + gkg_row("../../secret", "https://x.example")
    )
    (news / "20241129100000.gkg.csv").write_text(rows)
    (news / "20241129100000-1.txt").write_text(story(1))
    (news / "20241129100000-T2.html").write_text("<html><body>Two</body></html>")
    (news / "other.txt").write_text(story(5))
    one, two, three, four, five, other = read(desk, news)
    assert (one.kind, one.of, one.text) == ("gkg", "news/20241129100000.gkg.csv:1", story(1))
    assert one.fields == {
        "url": "https://wire.example/1",
        "outlet": "wire.example",
        "retrieved": "2024-11-29T10:00:00+00:00",
    }
    assert two.html.startswith(b"<html>")
    assert (three.reason, four.reason, five.reason) == ("only metadata", "broken row", "only metadata")
    assert other.of == "news/other.txt"


def test_a_gdelt_list_as_it_is_given_out(desk, news):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("20241129100000.gkg.csv", gkg_row("20241129100000-1", "https://wire.example/1"))
    (news / "20241129100000.gkg.csv.zip").write_bytes(buffer.getvalue())
    (news / "20241129100000-1.txt").write_text(story(1))
    (found,) = read(desk, news)
    assert found.text == story(1)


def test_every_crawler_of_the_list_can_be_told(desk):
    names = [crawler.name for crawler in crawls.CRAWLERS]
    assert len(set(names)) == len(names)
    for crawler in crawls.CRAWLERS:
        assert crawls.as_crawled(dict.fromkeys(crawler.keys, "x"))[0] == crawler.name
    assert crawls.as_crawled({"text": "x"}) == ("", {"text": "x"})


def test_columns_of_the_settings_reach_what_a_crawler_adds(desk, news):
    desk = change_setting(desk, "^columns = .*", 'columns = { licence = "rights" }')
    (news / "a.json").write_text(json.dumps(NEWS_PLEASE | {"rights": "CC0-1.0"}))
    assert read(desk, news)[0].fields["licence"] == "CC0-1.0"
