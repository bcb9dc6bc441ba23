"""status: counts, and always what is next; no server is asked."""

from copydesk.corpus import Desk


def test_an_empty_desk_wants_articles(copydesk, desk):
    shown = copydesk("status", "--desk", desk)
    assert shown.status == 0
    assert "desk: 0 articles" in shown.out
    assert "Next: copydesk ingest SOURCE …" in shown.out


def test_articles_want_suggestions(copydesk, sample_desk):
    shown = copydesk("status", "--desk", sample_desk, "--json").json
    assert (shown["articles"], shown["copies"], shown["suggested"]) == (25, 7, 0)
    assert shown["removed"] == {
        "empty file (read)": 1,
        "no article found (extract)": 1,
        "other language (language)": 1,
    }
    assert shown["next"] == "copydesk suggest"


def test_suggestions_want_a_server_and_a_push(copydesk, own_desk):
    shown = copydesk("status", "--desk", own_desk)
    assert "18  with suggestions, of 18 that are no copies" in shown.out
    assert "0  pushed to Label Studio (never started)" in shown.out
    assert "Next: copydesk studio start, then copydesk push" in shown.out


def test_tasks_want_people(copydesk, own_desk):
    Desk(own_desk).note("push", {"http://127.0.0.1:9": "18"})
    shown = copydesk("status", "--desk", own_desk)
    assert "18  pushed" in shown.out
    assert "Next: correct the suggestions in Label Studio, then copydesk pull" in shown.out


def test_another_server_is_named(copydesk, own_desk):
    settings = own_desk / "copydesk.toml"
    settings.write_text(
        settings.read_text("utf-8").replace('url = ""', 'url = "https://label.example.org"'), encoding="utf-8"
    )
    assert copydesk("status", "--desk", own_desk, "--json").json["server"] == "https://label.example.org"
