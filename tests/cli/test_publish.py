"""release, report, diff, without a server."""

import json

import pytest


def test_a_release_without_people_is_refused(copydesk, own_desk):
    shown = copydesk("release", "--desk", own_desk)
    assert shown.status == 2
    assert "--silver" in shown.err
    assert not list((own_desk / "releases").glob("*"))


def test_a_silver_release_says_so(copydesk, own_desk, monkeypatch):
    monkeypatch.chdir(own_desk)
    shown = copydesk("release", "--silver")
    assert shown.status == 0
    assert "Released 0.1.0: releases/0.1.0" in shown.out
    assert "18 documents with machine labels that nobody checked" in shown.out
    assert "silver" in (own_desk / "releases/0.1.0/README.md").read_text("utf-8").lower()
    again = copydesk("release", "--silver", "--json").json
    assert (again["new"], again["version"]) == (False, "0.1.0")
    same = copydesk("diff", "releases/0.1.0", "releases/0.1.0")
    assert (same.status, same.out) == (0, "0.1.0 → 0.1.0: no difference\n")
    shown = copydesk("report")
    assert shown.status == 0
    assert (own_desk / "reports" / f"{json.loads(copydesk('report', '--json').out)['path'].split('/')[-1]}").is_file()


@pytest.mark.parametrize("version", ["one", "1.0", "0.1.0"])
def test_a_version_that_cannot_be_is_refused(copydesk, own_desk, version):
    shown = copydesk("release", "--version", version, "--desk", own_desk)
    assert shown.status == 2
    assert "Traceback" not in shown.err


def test_a_diff_as_text_as_json_and_as_a_page(copydesk, own_desk, monkeypatch):
    monkeypatch.chdir(own_desk)
    assert copydesk("release", "--silver").status == 0
    settings = own_desk / "copydesk.toml"
    settings.write_text(settings.read_text("utf-8").replace('licence = "other"', 'licence = "CC0-1.0"'), "utf-8")
    made = copydesk("release", "--silver", "--json").json
    shown = copydesk("diff", "releases/0.1.0", made["path"], "--html", "changes/page.html")
    assert shown.status == 1
    assert "also: licence changed" in shown.out
    assert shown.out.endswith("Wrote changes/page.html.\n")
    assert "licence changed" in (own_desk / "changes/page.html").read_text("utf-8")
    plain = copydesk("diff", "releases/0.1.0", made["path"], "--json", "--full").json
    assert (plain["other"], plain["changes"], plain["counts"]) == (["licence changed"], [], [])


def test_diff_of_what_is_no_release_says_so(copydesk, tmp_path):
    shown = copydesk("diff", tmp_path, tmp_path)
    assert shown.status == 2
    assert "no release here" in shown.err


def test_a_report_is_written_at_any_stage(copydesk, desk, monkeypatch):
    monkeypatch.chdir(desk)
    shown = copydesk("report")
    assert shown.status == 0
    assert shown.out.startswith("Wrote reports/")
