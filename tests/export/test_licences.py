from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from copydesk.export.licences import VERDICTS, hub_licence, verdict


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("CC0-1.0", "open"),
        ("cc0", "open"),
        ("CC BY 4.0", "open"),
        ("cc-by-sa-3.0", "open"),
        ("Creative Commons Attribution 4.0 International", "open"),
        ("https://creativecommons.org/licenses/by/4.0/", "open"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "open"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "open"),
        ("OGL-UK-3.0", "open"),
        ("This report is in the public domain.", "open"),
        ("MIT", "open"),
        ("CC-BY-NC-4.0", "restricted"),
        ("CC-BY-NC-ND-4.0", "restricted"),
        ("CC BY-NC-SA 4.0", "restricted"),
        ("Creative Commons Attribution-NonCommercial 4.0 International License", "restricted"),
        ("CC-BY-ND-4.0", "restricted"),
        ("© 2031 Example Wire. All Rights Reserved.", "forbidden"),
        ("This material may not be published, broadcast, rewritten or redistributed", "forbidden"),
        ("NONE", "forbidden"),
        ("LicenseRef-proprietary", "forbidden"),
        ("Tous droits réservés", "forbidden"),
        ("", "unknown"),
        ("see our terms", "unknown"),
        ("© Example Wire", "unknown"),
        ("(MIT OR CC0-1.0) AND NONE", "unknown"),
        ("MIT OR NONE", "open"),
        ("MIT AND CC-BY-NC-4.0", "restricted"),
        ("CC-BY-4.0 AND LicenseRef-proprietary", "forbidden"),
    ],
)
def test_what_a_licence_says(stated, said):
    assert verdict(stated) == said


def test_a_desk_can_have_a_right_of_its_own_word_for_word():
    words = "All rights reserved. By agreement of 2031 with Example Wire."
    assert verdict(words) == "forbidden"
    assert verdict(words, frozenset({words})) == "open"
    assert verdict(words + " Annex.", frozenset({words})) == "forbidden"


def test_no_id_is_in_two_lists():
    source = resources.files("copydesk.export") / "data" / "licences.toml"
    lists = tomllib.loads(source.read_text(encoding="utf-8"))
    lists.pop("hub")
    assert set(lists) <= set(VERDICTS)
    every = [name for said in lists.values() for name in (*said["spdx"], *said["words"])]
    assert len(every) == len(set(every))
    for said, listed in lists.items():
        for name in listed["spdx"]:
            assert verdict(name.replace("*", "4.0")) == said, name


def test_the_hub_s_name_of_a_licence():
    assert hub_licence("CC-BY-SA-4.0") == "cc-by-sa-4.0"
    assert hub_licence("other") == hub_licence("LicenseRef-house") == "other"
