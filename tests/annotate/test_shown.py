from __future__ import annotations

import pytest

from copydesk.schemas import SchemeError


@pytest.mark.parametrize(
    ("layers", "layout", "shows", "found"),
    [
        ((), None, "attribution+entities+stance", "document"),
        (("stance",), None, "entities+stance", "focus"),  # the better layout of its layer, with what it needs
        (("stance",), "focus", "entities+stance", "focus"),
        (("entities", "stance"), None, "entities+stance", "document"),
        (("entities", "stance"), "focus", "entities+stance", "focus"),
        (("attribution", "entities", "stance"), "focus", "entities+stance", "focus"),
        ((), "focus", "entities+stance", "focus"),
    ],
)
def test_a_project_is_named_by_its_layers_and_layout(make_desk, module, layers, layout, shows, found):
    shown = module("shown")
    scheme, actual = shown.asked_for(make_desk(), layers, layout)
    assert (shown.layers_of(scheme), actual) == (shows, found)


@pytest.mark.parametrize(
    ("layers", "layout", "message"),
    [(("entities",), "focus", "shows no stance"), (("stance",), "document", "stance"), (("mood",), None, "mood")],
)
def test_what_cannot_be_shown_is_refused(make_desk, module, layers, layout, message):
    with pytest.raises(SchemeError, match=message):
        module("shown").asked_for(make_desk(), layers, layout)
