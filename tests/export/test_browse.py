from __future__ import annotations

import http.client
import re
import urllib.parse
import urllib.request
from dataclasses import replace

import pytest

from copydesk.export import browsing, report
from copydesk.export.browse_index import open_index

from .test_report import HOSTILE, hostile


@pytest.fixture(scope="module")
def address(released):
    with browsing(released.desk, port=0) as found:
        yield found


def fetch(address, path="/", **query):
    with urllib.request.urlopen(f"{address}{path}?{urllib.parse.urlencode(query, doseq=True)}") as answer:
        return answer.read().decode()


def test_every_article_is_found_and_can_be_read(address, released):
    page = fetch(address)
    assert f"{len(released.ids)} articles" in page
    for key in released.ids:
        assert f'href="/article/{key}"' in page
        text = re.sub(r"<[^>]+>", "", fetch(address, f"/article/{key}").partition('<article dir="auto">')[2])
        assert released.documents[key].title.split()[0] in text


def test_words_and_filters_narrow_what_is_found(address, released):
    several = [key for key, document in released.documents.items() if "truce" in document.text]
    page = fetch(address, q="truce")
    assert [key for key in released.ids if f"/article/{key}" in page] == several
    page = fetch(address, q="truce", outlet="Harbour Post")
    assert "Nothing found" in page
    page = fetch(address, label="TOLL", outlet="Harbour Post")
    assert [key for key in released.ids if f"/article/{key}" in page] == [
        key
        for key in released.ids
        if released.documents[key].outlet == "Harbour Post"
        and any(entity.label == "TOLL" for entity in released.truth[key].entities)
    ]


@pytest.mark.parametrize(
    "words", ['"', "a AND", "NEAR(", "title:x", "*", "^", "'; DROP TABLE article; --", "\x00", "(" * 999]
)
def test_whatever_is_asked_for_is_only_words(address, words):
    assert "Articles</h1>" in fetch(address, q=words)


def test_the_articles_behind_a_bar_are_those_that_browse_finds(address, released):
    made = report(released.desk)
    for figure in made.figures.values():
        for row in (
            figure.rows[:5] if figure.facet in ("outlet", "label", "pair", "stance", "annotator", "outcome") else ()
        ):
            found = re.search(r'role="status">(\d+) article', fetch(address, "/", **{figure.facet: figure.value(row)}))
            assert found, (figure.id, row)
            if figure.id == "outlets":
                assert int(found[1]) == row[1]
            if figure.id == "annotators":
                assert int(found[1]) == row[1]


def test_each_annotator_s_labels_can_be_looked_at(newsroom):
    key = newsroom.ids[2]
    truth = newsroom.truth[key]
    newsroom.suggest()
    newsroom.annotate(key)
    turned = tuple(replace(stance, polarity="0") for stance in truth.stances)
    newsroom.annotate(key, "bert@example.org", replace(truth, stances=turned))
    with browsing(newsroom.desk, port=0) as address:
        page = fetch(address, f"/article/{key}")
        assert "what stands (gold)" in page
        assert "annotator-1: +1; annotator-2: 0" in page
        assert "bert@example.org" not in page
        assert "stance 0" in fetch(address, f"/article/{key}", by="annotator-2")
        assert "stance +1" in fetch(address, f"/article/{key}", by="annotator-1")
        assert "NAMED_EVENT" in fetch(address, f"/article/{key}", by="the machine")


def test_hostile_articles_are_text(newsroom):
    document = hostile(newsroom)
    with browsing(newsroom.desk, port=0) as address:
        for page in (
            fetch(address),
            fetch(address, f"/article/{document.id}"),
            fetch(address, q=HOSTILE, outlet=HOSTILE),
        ):
            assert "<script" not in page
            assert "<img" not in page
            assert "&lt;script&gt;" in page


def ask(address, path="/", method="GET", **headers):
    place = urllib.parse.urlparse(address)
    connection = http.client.HTTPConnection(place.hostname, place.port)
    connection.putrequest(method, path, skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_it_answers_to_its_own_name_alone_and_only_shows(address):
    assert ask(address).status == 200
    assert ask(address, host="evil.example:80").status == 421
    assert ask(address, method="POST").status == 405
    assert ask(address, "/article/nothing").status == 404
    assert ask(address, "/article/..%2f..%2fcopydesk.toml").status == 404
    policy = ask(address).getheader("content-security-policy")
    assert "default-src 'none'" in policy
    assert "script" not in policy


def test_the_index_is_made_again_when_the_desk_changes(newsroom):
    newsroom.annotate_all(keys=newsroom.ids[:1])
    path = open_index(newsroom.desk).path
    before = path.stat().st_mtime_ns
    assert open_index(newsroom.desk).path.stat().st_mtime_ns == before
    assert open_index(newsroom.desk).menu("annotator") == [("annotator-1", 1)]
    newsroom.annotate_all("bert@example.org", newsroom.ids[:2])
    assert open_index(newsroom.desk).menu("annotator") == [("annotator-2", 2), ("annotator-1", 1)]
    path.write_bytes(b"SQLite format 3\0 and then nothing")
    assert open_index(newsroom.desk).find("", [])[0] == len(newsroom.ids)


def test_an_empty_desk_can_be_browsed(tmp_path):
    from copydesk.corpus import init_desk

    with browsing(init_desk(tmp_path / "desk"), port=0) as address:
        assert "Nothing found" in fetch(address)


@pytest.mark.browser
def test_a_report_s_links_lead_to_the_article(released, browser, monkeypatch):
    with browsing(released.desk, port=0) as address:
        monkeypatch.setattr("copydesk.export.page.BROWSE", address)
        made = report(released.desk)
        page = browser.new_page()
        trouble = []
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(made.path.as_uri())
        page.wait_for_selector("html[data-charts=drawn]")
        page.locator("#f-outlets svg .mark-rect path").first.click()
        assert page.locator("#behind-title").text_content() == made.figures["outlets"].rows[0][0]
        page.keyboard.press("Escape")
        assert page.locator("#behind[open]").count() == 0
        page.locator("#f-outlets summary").click()
        page.locator("#f-outlets button.behind").first.focus()
        page.keyboard.press("Enter")
        title = page.locator("#behind li a").first.text_content()
        page.locator("#behind li a").first.click()
        page.wait_for_load_state()
        assert page.url.startswith(f"{address}/article/")
        assert page.locator("h1").text_content() == title
        assert trouble == []
        page.close()
