"""Generate the labelling config of the layout in which a task is one mention: a stance a key.

A per-region choice shows only after a click on its region, so that a stance pass over a document costs a click for
every mention before any answer. Here the mention is the task, so its answers are the task's and stand open:

    <View idAttr="copydesk-scheme:NAME:VERSION:DIGEST">
      <View idAttr="copydesk-layout:focus"> the title, <Text name="text"/> with one paragraph </View>
      <View> <Choices> polarity, holder and role, about the mention that the paragraph marks </View>
      <View> one <Labels> per layer, to mend the mention, to mark evidence, to say a further stance </View>
      <View> the answers of a further stance, while its region is selected </View>
      <Relations/>
    </View>

Who can be the holder differs from task to task, so the holder's mentions come from the task's field `holders`, behind
the two answers of the scheme. Seen in Label Studio 1.23: the key of an answer that is ticked takes the tick away, so an
answer is required: a submit without one is refused, and nothing is lost by pressing twice.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from .config_xml import Element, as_written, header, read_element, view
from .errors import SchemeError
from .labelling import MARK, TEXT, article
from .scheme import RESERVED_HOTKEYS, STANCE_LABELS, Attribute, LabelScheme, Value

__all__ = [
    "FOCUS_FURTHER",
    "FOCUS_HOLDERS",
    "config_layout",
    "default_layout",
    "focus_config",
    "focus_scheme",
    "holder_keys",
]

QUESTIONS: Final = ("polarity", "holder", "role")
"""What is asked about a stance, in this order."""
REQUIRED: Final = {
    "polarity": "Answer first: how is the marked mention evaluated here?",
    "holder": "Answer first: whose evaluation is it?",
}
HOLDER: Final = "Whose evaluation it is: the article's own, a source's that is not marked, or that of a mention."
"""Instead of the scheme's definition, which tells of arrows; here a mention is chosen."""
LAYOUT_MARK: Final = "copydesk-layout"
FOCUS_FURTHER: Final = "further-"
"""What stands before a question's name where it is asked of a further stance; no id of a scheme holds a hyphen."""
FOCUS_HOLDERS: Final = "holders"
"""The task's field that says which mentions can be the holder."""

STYLE: Final = """
.htx-highlight area { display: inline-block !important }
.copydesk-focus { max-width: 960px; margin: 0 auto }
.copydesk-passage { min-height: 150px; padding-bottom: 6px; border-bottom: 1px solid var(--color-neutral-border, #ddd) }
.copydesk-passage .lsf-richtext__container, .copydesk-passage .lsf-richtext__line { font-size: 18px; line-height: 32px }
.copydesk-passage .htx-highlight { font-weight: 700; padding: 2px 0 }
.copydesk-answer .lsf-choices { margin: 2px 0 }
.copydesk-answer .lsf-choice__item label { font-size: 14px; letter-spacing: 0 }
.copydesk-labels { margin-top: 14px; padding-top: 6px; border-top: 1px solid var(--color-neutral-border, #ddd);
  display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 14px }
.copydesk-labels .lsf-label { height: 24px; font-size: 13px; letter-spacing: 0 }
"""
_TITLE = "margin: 0; font-size: 13px; font-weight: 400; opacity: 0.75"
_QUESTION = "margin: 10px 0 0; font-size: 14px; font-weight: 600"
_NOTE = "margin: 0; font-size: 12px; font-weight: 400; opacity: 0.75"
_KEYS: Final = "1234567890abcdefghijklmnopqrstuvwxyz"


def default_layout(layers: Iterable[str]) -> Literal["document", "focus"]:
    """Return the layout that suits a project of just these layers: focus for a stance pass, else the whole document.

    Counted in the editor, see docs/layouts.md: a pass over stances costs a key a mention in the one and a click a
    mention in the other, where moreover a mention can be submitted that nobody looked at.

    >>> default_layout(["stance"]), default_layout(["entities", "attribution", "stance"])
    ('focus', 'document')
    """
    return "focus" if set(layers) == {"stance"} else "document"


def focus_scheme(scheme: LabelScheme) -> LabelScheme:
    """Return a scheme cut down to what the layout shows: stance, and the layers of what a stance can be about.

    Raises:
        SchemeError: The scheme asks for no polarity, so that there is nothing to ask about a mention.
    """
    if not scheme.stance_targets:
        raise SchemeError(
            f"the focus layout asks for the stance on a mention, and scheme {scheme.name} shows no stance",
            hint="Add the layer stance to studio.layers, or set studio.layout to document.",
        )
    needed = {"stance", *(label.layer for label in scheme.labels if label.id in scheme.stance_targets)}
    if needed == {layer.id for layer in scheme.layers}:
        return scheme
    return scheme.select([layer.id for layer in scheme.layers if layer.id in needed])


def focus_config(scheme: LabelScheme) -> str:
    """Return the config of a project whose tasks are single mentions: XML, the same bytes for the same scheme.

    Args:
        scheme: The scheme; layers that the layout does not show are left out.

    Raises:
        SchemeError: The scheme asks for no polarity, or a text holds a character that XML cannot carry.
    """
    scheme = focus_scheme(scheme)
    asked = _asked(scheme)
    root = view(
        [
            Element("Style", text=STYLE),
            view([header("$title", _TITLE), article()], className="copydesk-passage", idAttr=f"{LAYOUT_MARK}:focus"),
            view([part for attribute in asked for part in _question(attribute)], className="copydesk-answer"),
            view([part for layer in scheme.layers for part in _layer(scheme, layer.id)], className="copydesk-labels"),
            *_further(scheme, [attribute for attribute in asked if "STANCE" in attribute.labels]),
            *_relations(scheme),
        ],
        className="copydesk-focus",
        idAttr=f"{MARK}:{scheme.name}:{scheme.version}:{scheme.digest}",
    )
    return "\n".join(root.lines())


def config_layout(xml: str) -> Literal["document", "focus"]:
    """Return the layout that a labelling config was generated for.

    Raises:
        SchemeError: It cannot be read as XML.
    """
    marks = {element.attributes.get("idAttr", "") for element in read_element(xml).walk()}
    return "focus" if f"{LAYOUT_MARK}:focus" in marks else "document"


def holder_keys(scheme: LabelScheme) -> tuple[str, ...]:
    """Return the keys that the layout leaves free for a task's own holders, digits first."""
    taken = {label.hotkey for label in scheme.labels if _is_shown(scheme, label.id)} | RESERVED_HOTKEYS
    taken |= {value.hotkey for attribute in _asked(scheme) for value in attribute.values}
    return tuple(key for key in _KEYS if key not in taken)


def _asked(scheme: LabelScheme) -> list[Attribute]:
    return [a for name in QUESTIONS for a in scheme.attributes if a.id == name and a.layer == "stance"]


def _is_shown(scheme: LabelScheme, label: str) -> bool:
    return label in scheme.stance_targets or label in STANCE_LABELS


# its parts


def _question(asked: Attribute) -> Iterator[Element]:
    yield header(asked.id.replace("_", " ").capitalize(), _QUESTION)
    yield header(as_written(HOLDER if asked.id == "holder" else asked.definition), _NOTE)
    required = {"required": "true", "requiredMessage": REQUIRED[asked.id]} if asked.id in REQUIRED else {}
    yield _choices(asked, asked.id, required)


def _choices(asked: Attribute, name: str, more: dict[str, str], *, keys: bool = True) -> Element:
    mentions = {"value": f"${FOCUS_HOLDERS}"} if asked.id == "holder" else {}
    attributes = {"name": name, "toName": TEXT, "choice": "single-radio", "showInline": "true", **mentions, **more}
    return Element("Choices", attributes, [_choice(value, keys) for value in asked.values])


def _choice(value: Value, keys: bool) -> Element:
    name = html.escape(value.title or value.id.replace("_", " "))
    hotkey = {"hotkey": value.hotkey} if keys and value.hotkey else {}
    return Element("Choice", {"value": value.id, "html": name, "hint": value.definition, **hotkey})


def _layer(scheme: LabelScheme, layer: str) -> Iterator[Element]:
    labels = [
        Element(
            "Label",
            {
                "value": label.id,
                "background": label.colour,
                "hint": label.definition,
                **({"hotkey": label.hotkey} if label.hotkey else {}),
            },
        )
        for label in scheme.labels
        if label.layer == layer and _is_shown(scheme, label.id)
    ]
    if labels:
        yield Element("Labels", {"name": layer, "toName": TEXT, "showInline": "true"}, labels)


def _further(scheme: LabelScheme, asked: list[Attribute]) -> Iterator[Element]:
    if scheme.label("STANCE") is None:
        return
    region = {"perRegion": "true", "whenLabelValue": "STANCE"}
    parts = [
        part
        for attribute in asked
        for part in (
            header(f"Further stance: {attribute.id.replace('_', ' ')}", _QUESTION),
            _choices(attribute, FOCUS_FURTHER + attribute.id, region, keys=False),
        )
    ]
    yield view(parts, className="copydesk-answer", visibleWhen="region-selected", whenLabelValue="STANCE")


def _relations(scheme: LabelScheme) -> Iterator[Element]:
    relations = [Element("Relation", {"value": r.id}) for r in scheme.relations if r.layer == "stance"]
    if relations:
        yield Element("Relations", {}, relations)
