"""Generate the labelling config of an adjudication: what annotators saw, with what they did not say alike above it.

The config is the scheme's own and one block more at the top of its panel:

    <View idAttr="copydesk-use:adjudication">
      <Header value="$disputed"/>   what is in dispute in this task, and who says what
      <Choices name="adjudication_reason" required="true"/>
    </View>
    <View visibleWhen="region-selected">
      <Choices name="adjudication_item_reason" perRegion="true"/>
    </View>

Seen in Label Studio 1.23: a choice that is required keeps Submit and Update from going through until it is made.
"""

from __future__ import annotations

from typing import Final, Literal

from .config_xml import as_written, header, read_element, view
from .errors import SchemeError
from .labelling import TEXT, choices, document_config
from .scheme import LabelScheme, Question, Value

__all__ = ["ADJUDICATION_REASON", "ITEM_REASON", "adjudication_config", "adjudication_scheme", "config_use"]

USE_MARK: Final = "copydesk-use"
DISPUTED: Final = "disputed"
"""The task's field that tells the adjudicator what is in dispute."""

ADJUDICATION_REASON: Final = Question(
    id="adjudication_reason",
    definition="Why did the annotators differ? Of several reasons the one behind most of it.",
    values=[
        Value(id="ambiguous_text", title="ambiguous text", definition="The text can be read in more than one way."),
        Value(id="guideline_gap", title="guideline gap", definition="The guidelines do not say what to do here."),
        Value(
            id="annotator_error",
            title="annotator error",
            definition="The guidelines are clear, and somebody missed it.",
        ),
        Value(id="edge_case", title="edge case", definition="The guidelines speak of it, and it lies on their border."),
        Value(
            id="disagreement_of_judgement",
            title="disagreement of judgement",
            definition="Text and guidelines are clear, and careful readers still judge differently.",
        ),
    ],
)
"""Asked once of every document that is adjudicated."""

ITEM_REASON: Final = Question(
    id="adjudication_item_reason",
    definition="Why did they differ here? Only if it is another reason than the article's.",
    values=ADJUDICATION_REASON.values,
)
"""Asked of every mark of such a document, and need not be answered."""

_TITLE = "margin: 0; font-size: 13px; font-weight: 600"
_LIST = "margin: 2px 0 6px; font-size: 12px; font-weight: 400; line-height: 1.4; white-space: pre-line; max-height: 40vh; overflow-y: auto"
_NEEDED = "Say first why the annotators differed."


def adjudication_scheme(scheme: LabelScheme) -> LabelScheme:
    """Return a scheme with the question why annotators differed: what an adjudication answers.

    Raises:
        SchemeError: The scheme has something else of that name.
    """
    _check_free(scheme)
    parts = {name: getattr(scheme, name) for name in type(scheme).model_fields}
    return LabelScheme(**{**parts, "questions": [*scheme.questions, ADJUDICATION_REASON]})


def adjudication_config(scheme: LabelScheme, *, by_mark: bool = True) -> str:
    """Return the config of a project whose tasks are adjudications: XML, the same bytes for the same scheme.

    Args:
        scheme: The scheme as the project shows it.
        by_mark: Whether a reason can be given on each mark; an older copydesk asked only for the article's.

    Raises:
        SchemeError: The scheme has something else of the reason's name, or a character that XML cannot carry.
    """
    _check_free(scheme)
    asked = choices(
        ADJUDICATION_REASON,
        ADJUDICATION_REASON.values,
        {"choice": "single-radio", "required": "true", "requiredMessage": _NEEDED},
    )
    block = [
        header("In dispute", _TITLE),
        header(f"${DISPUTED}", _LIST),
        header(as_written(ADJUDICATION_REASON.definition), _TITLE),
        asked,
    ]
    above = [view(block, idAttr=f"{USE_MARK}:adjudication")]
    if by_mark:
        here = choices(ITEM_REASON, ITEM_REASON.values, {"choice": "single", "perRegion": "true"})
        above.append(view([header(as_written(ITEM_REASON.definition), _TITLE), here], visibleWhen="region-selected"))
    return document_config(scheme, above)


def config_use(xml: str) -> Literal["", "adjudication"]:
    """Return what the tasks of a project are for, by its labelling config: ``adjudication``, or nothing special.

    Raises:
        SchemeError: It cannot be read as XML.
    """
    marks = (element.attributes.get("idAttr") for element in read_element(xml).walk())
    return "adjudication" if f"{USE_MARK}:adjudication" in marks else ""


def _check_free(scheme: LabelScheme) -> None:
    own = [*(a.id for a in scheme.attributes), *(q.id for q in scheme.questions), *(x.id for x in scheme.layers), TEXT]
    for asked in (ADJUDICATION_REASON, ITEM_REASON):
        if asked.id in own:
            raise SchemeError(
                f"scheme {scheme.name} has a {asked.id!r} of its own, which an adjudication asks for itself",
                hint="Give it another name in the scheme's TOML file.",
            )
