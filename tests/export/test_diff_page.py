"""The page of a diff: complete in itself, and whatever stands in an article is text to it."""

from __future__ import annotations

import re

from copydesk.export import Change, Diff, diff, diff_page

EVIL = "<script>alert('x')</script> & \"quoted\""


def test_it_shows_numbers_reasons_and_examples(two_releases, tmp_path):
    found = diff(two_releases / "1.0.0", two_releases / "1.1.0")
    path = tmp_path / "new" / "changes.html"
    diff_page(found, path)
    page = path.read_text("utf-8")
    assert "1.0.0 → 1.1.0" in page
    assert "<strong>minor</strong>" in page
    assert "1 document added" in page
    (added,) = found.of("documents", "added")
    assert added.document_id in page
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page), "it must need nothing else"


def test_what_an_article_says_is_no_markup(tmp_path):
    found = Diff.told(
        EVIL,
        "2",
        [Change("retyped", "spans", EVIL, EVIL, f"ORG {EVIL}", f"GPE {EVIL}", EVIL)],
        breaking=(EVIL,),
        rows={EVIL: (1, 2)},
    )
    diff_page(found, tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text("utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 8


def test_no_difference_is_a_page_too(two_releases, tmp_path):
    diff_page(diff(two_releases / "1.0.0", two_releases / "1.0.0"), tmp_path / "p.html")
    assert "Nothing differs." in (tmp_path / "p.html").read_text("utf-8")
