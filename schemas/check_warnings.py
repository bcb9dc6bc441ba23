"""Find what is worth a second look in an annotated document: allowed, and usually a slip."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from itertools import groupby
from typing import Final, TypeVar

from .annotations import Entity
from .check_case import Case, Check, Found, by_stance

__all__ = ["WARNINGS"]

PRONOUN: Final = re.compile(
    "i|me|my|mine|we|us|ours?|yours?|you|he|him|his|she|hers?|its?|they|them|theirs?|who|whom|whose|this|that|these|"
    "those|(my|your|him|her|it)self|(our|your|them)selves|one another|each other",
    re.IGNORECASE,
)
QUOTES: Final = "\"'“”‘’„‚«»‹›「」『』"

T = TypeVar("T", bound=Hashable)


def cuts_word(case: Case) -> Found:
    """The span begins or ends inside a word."""
    for of, span in case.good_places:
        if case.cuts_word(span.start) or case.cuts_word(span.end):
            around = case.document.text[max(span.start - 10, 0) : span.end + 10].replace("\n", " ")
            yield of, f"{span.text!r} in {around!r}"


def stray_space(case: Case) -> Found:
    """The span begins or ends with white space."""
    for of, span in case.good_places:
        if span.text != span.text.strip():
            yield of, repr(span.text)


def spans_blocks(case: Case) -> Found:
    """The span runs over the border of a paragraph."""
    for of, span in case.good_places:
        if "\n\n" in span.text.strip():
            yield of, f"[{span.start}, {span.end})"


def two_labels(case: Case) -> Found:
    """The same words have two labels of one layer."""
    layer_of = {label.id: label.layer for label in case.scheme.labels}

    def place(entity: Entity) -> tuple[int, int, str]:
        return entity.span.start, entity.span.end, layer_of.get(entity.label, "")

    for _, same in groupby(sorted(case.annotations.entities, key=place), place):
        entities = list(same)
        if len({entity.label for entity in entities}) > 1:
            yield (
                " and ".join(f"entity {entity.id}" for entity in entities),
                f"{entities[0].span.text!r} as {' and '.join(entity.label for entity in entities)}",
            )


def marked_twice(case: Case) -> Found:
    """The same words have the same label twice."""
    for (start, end, label), count in _more_than_once(
        [(entity.span.start, entity.span.end, entity.label) for entity in case.annotations.entities]
    ):
        yield f"{label} at [{start}, {end})", f"{count} times"


def _more_than_once(things: list[T]) -> Iterator[tuple[T, int]]:
    return ((thing, count) for thing, count in Counter(things).items() if count > 1)


def pronoun(case: Case) -> Found:
    """The entity is a pronoun."""
    for entity in case.annotations.entities:
        if PRONOUN.fullmatch(entity.span.text.strip()):
            yield f"entity {entity.id}", repr(entity.span.text)


def toll_unsaid(case: Case) -> Found:
    """The toll does not say what happened, or gives no number."""
    for entity in case.annotations.entities:
        if entity.label == "TOLL" and case.scheme.attribute("toll_kind"):
            missing = [] if "toll_kind" in entity.attributes else ["toll_kind"]
            missing += [] if {"toll_low", "toll_high"} & {*entity.attributes} else ["toll_low or toll_high"]
            if missing:
                yield f"entity {entity.id}", f"{entity.span.text!r} without {' and '.join(missing)}"


def no_source(case: Case) -> Found:
    """The content has no source."""
    for attribution in case.annotations.attributions:
        if attribution.source is None and attribution.source_type != "anonymous":
            yield f"content {attribution.id}", repr(attribution.content.text[:60])


def source_inside(case: Case) -> Found:
    """The source or cue lies inside the content that it introduces."""
    for attribution in case.annotations.attributions:
        for name, span in (("source", attribution.source), ("cue", attribution.cue)):
            if span is not None and attribution.content.overlaps(span):
                yield f"{name} of {attribution.id}", repr(span.text)


def source_far(case: Case) -> Found:
    """The source or cue stands in another paragraph, not next to the content's."""
    for attribution in case.annotations.attributions:
        for name, span in (("source", attribution.source), ("cue", attribution.cue)):
            if span is not None and abs(case.block(span.start) - case.block(attribution.content.start)) > 1:
                yield f"{name} of {attribution.id}", repr(span.text)


def unquoted(case: Case) -> Found:
    """The content is said to be direct, but no quotation mark stands at it."""
    text = case.document.text
    for attribution in case.annotations.attributions:
        span = attribution.content
        around = text[max(span.start - 2, 0) : span.start + 1] + text[max(span.end - 1, 0) : span.end + 2]
        if attribution.form == "direct" and not set(around) & set(QUOTES):
            yield f"content {attribution.id}", repr(span.text[:60])


def no_evidence(case: Case) -> Found:
    """The stance has no evidence, though it is not neutral."""
    for stance in case.annotations.stances:
        if not stance.evidence and stance.polarity not in ("0", "cannot_tell"):
            yield by_stance(stance), stance.polarity


def evidence_far(case: Case) -> Found:
    """The evidence stands in another paragraph than the target."""
    for stance in case.annotations.stances:
        target = case.entities.get(stance.target)
        for span in stance.evidence:
            if target and case.block(span.start) != case.block(target.span.start):
                yield by_stance(stance), repr(span.text)


def target_is_place(case: Case) -> Found:
    """The stance is on a polity that is only the place here."""
    for stance in case.annotations.stances:
        target = case.entities.get(stance.target)
        if target and target.attributes.get("gpe_role") == "place":
            yield by_stance(stance), repr(target.span.text)


def nothing_said(case: Case) -> Found:
    """The annotations are empty."""
    said = case.annotations
    if not (said.entities or said.attributions or said.stances or said.choices):
        yield "the document", ""


WARNINGS: Final[dict[str, Check]] = {
    "W101": cuts_word,
    "W102": stray_space,
    "W103": spans_blocks,
    "W201": two_labels,
    "W202": marked_twice,
    "W203": pronoun,
    "W204": toll_unsaid,
    "W301": no_source,
    "W302": source_inside,
    "W303": source_far,
    "W304": unquoted,
    "W401": no_evidence,
    "W402": evidence_far,
    "W403": target_is_place,
    "W501": nothing_said,
}
