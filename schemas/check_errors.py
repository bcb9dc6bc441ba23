"""Find what is wrong in an annotated document: it contradicts its text, its scheme or itself."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Final

from .annotations import OUTLET, POLARITIES, UNNAMED
from .check_case import Case, Check, Found, by_stance
from .documents import text_sha256
from .scheme import Attribute, LabelScheme

__all__ = ["ERRORS"]

WHOLE: Final = "the document"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]*")


def other_text(case: Case) -> Found:
    """The annotations were made on another text than the document's."""
    ours, theirs = case.annotations, case.document
    if (ours.document_id, ours.sha256) != (theirs.id, theirs.sha256):
        yield WHOLE, f"{ours.document_id} {ours.sha256[:12]} instead of {theirs.id} {theirs.sha256[:12]}"


def wrong_hash(case: Case) -> Found:
    """The document's text does not have the hash that the document states."""
    try:
        found = text_sha256(case.document.text)
    except UnicodeEncodeError:
        yield WHOLE, "it has none: it holds half a character (a lone surrogate)"
        return
    if found != case.document.sha256:
        yield WHOLE, f"{found[:12]} instead of {case.document.sha256[:12]}"


def unfrozen_text(case: Case) -> Found:
    """The document's text is not in its frozen form: NFC, with line feeds only."""
    text = case.document.text
    if "\r" in text:
        yield WHOLE, f"a carriage return at {text.index(chr(13))}"
    elif not unicodedata.is_normalized("NFC", text):
        yield WHOLE, "not NFC"


def span_outside(case: Case) -> Found:
    """The span is empty, reversed or outside the text."""
    length = len(case.document.text)
    for of, span in case.places:
        if not 0 <= span.start < span.end <= length:
            yield of, f"[{span.start}, {span.end}) in {length} code points"


def span_text(case: Case) -> Found:
    """The span's text is not what the document has there."""
    for of, span in case.good_places:
        found = case.document.text[span.start : span.end]
        if found != span.text:
            yield of, f"{span.text!r} but the text has {found!r}"


def layer_missing(case: Case) -> Found:
    """The annotations belong to a layer that the scheme does not have."""
    if case.annotations.attributions and "attribution" not in case.layers:
        yield WHOLE, f"{len(case.annotations.attributions)} attributions"
    if case.annotations.stances and "stance" not in case.layers:
        yield WHOLE, f"{len(case.annotations.stances)} stances"


def score_range(case: Case) -> Found:
    """The score is not a number from 0 to 1."""
    said = case.annotations
    scores = [(f"entity {entity.id}", entity.score) for entity in said.entities]
    scores += [(f"content {attribution.id}", attribution.score) for attribution in said.attributions]
    scores += [(by_stance(stance), stance.score) for stance in said.stances]
    for of, score in scores:
        if score is not None and not 0 <= score <= 1:
            yield of, str(score)


def label_unknown(case: Case) -> Found:
    """The label is no entity label of the scheme."""
    known = {label.id for label in case.scheme.span_labels}
    for entity in case.annotations.entities:
        if entity.label not in known:
            yield f"entity {entity.id}", entity.label


def id_twice(case: Case) -> Found:
    """The id is given to more than one entity or content, or is reserved."""
    ids = [entity.id for entity in case.annotations.entities]
    ids += [attribution.id for attribution in case.annotations.attributions]
    for known, count in Counter(ids).items():
        if count > 1:
            yield known, f"{count} times"
        elif known in ("", OUTLET, UNNAMED):
            yield repr(known), "reserved"


def attribute_unknown(case: Case) -> Found:
    """The attribute is not in the scheme, or is no attribute of an entity."""
    for entity in case.annotations.entities:
        for name in entity.attributes:
            attribute = case.scheme.attribute(name)
            if attribute is None or attribute.layer in ("attribution", "stance"):
                yield f"entity {entity.id}", name


def attribute_misplaced(case: Case) -> Found:
    """The attribute is not asked of this label."""
    for entity in case.annotations.entities:
        for name in entity.attributes:
            attribute = case.scheme.attribute(name)
            entitys_own = attribute is not None and attribute.layer not in ("attribution", "stance")
            if attribute is not None and entitys_own and entity.label not in attribute.labels:
                yield f"entity {entity.id}", f"{name} of {entity.label}"


def attribute_value(case: Case) -> Found:
    """The attribute's value is not one that the scheme allows."""
    for entity in case.annotations.entities:
        for name, value in entity.attributes.items():
            attribute = case.scheme.attribute(name)
            if (
                attribute is not None
                and attribute.layer not in ("attribution", "stance")
                and not _fits(attribute, value)
            ):
                yield f"entity {entity.id}", f"{name} {value!r}"


def _fits(attribute: Attribute, value: str) -> bool:
    if attribute.kind == "integer":
        return _NUMBER.fullmatch(value) is not None
    return value == "true" if attribute.kind == "flag" else value in {known.id for known in attribute.values}


def toll_reversed(case: Case) -> Found:
    """The toll's lowest number is above its highest."""
    for entity in case.annotations.entities:
        low, high = entity.attributes.get("toll_low", ""), entity.attributes.get("toll_high", "")
        # by length, then by digits: a number of ten thousand digits must not stop a check
        if _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high) and (len(low), low) > (len(high), high):
            yield f"entity {entity.id}", f"{low} > {high}"


def form_value(case: Case) -> Found:
    """The attribution's form or source type is not one that the scheme allows."""
    for attribution in case.annotations.attributions if "attribution" in case.layers else ():
        for name, value in (("form", attribution.form), ("source_type", attribution.source_type)):
            if value and not _allowed(case.scheme, name, value):
                yield f"content {attribution.id}", f"{name} {value!r}"


def _allowed(scheme: LabelScheme, name: str, value: str) -> bool:
    attribute = scheme.attribute(name)
    return attribute is not None and _fits(attribute, value)


def target_missing(case: Case) -> Found:
    """The stance's target is no entity of the document."""
    for stance in case.annotations.stances:
        if stance.target not in case.entities:
            yield by_stance(stance), stance.target


def target_label(case: Case) -> Found:
    """The stance's target has a label that nobody can take a stance on."""
    for stance in case.annotations.stances:
        target = case.entities.get(stance.target)
        if target and "stance" in case.layers and target.label not in case.scheme.stance_targets:
            yield by_stance(stance), target.label


def holder_missing(case: Case) -> Found:
    """The stance's holder is neither OUTLET nor UNNAMED nor an entity of the document."""
    for stance in case.annotations.stances:
        if stance.holder not in (OUTLET, UNNAMED, *case.entities):
            yield by_stance(stance), stance.holder


def holder_label(case: Case) -> Found:
    """The stance's holder has a label that cannot hold a stance."""
    relation = next((relation for relation in case.scheme.relations if relation.id == "holder"), None)
    for stance in case.annotations.stances:
        holder = case.entities.get(stance.holder)
        if holder and relation and holder.label not in relation.source:
            yield by_stance(stance), holder.label


def holder_is_target(case: Case) -> Found:
    """The stance's holder and target are the same mention."""
    for stance in case.annotations.stances:
        if stance.holder == stance.target:
            yield by_stance(stance), ""


def stance_twice(case: Case) -> Found:
    """One holder has more than one stance on one target."""
    for of, count in Counter(by_stance(stance) for stance in case.annotations.stances).items():
        if count > 1:
            yield of, f"{count} times"


def polarity_value(case: Case) -> Found:
    """The stance's polarity is not one that the scheme allows."""
    attribute = case.scheme.attribute("polarity")
    known = {value.id for value in attribute.values} if attribute else POLARITIES
    for stance in case.annotations.stances:
        if stance.polarity not in known:
            yield by_stance(stance), repr(stance.polarity)


def role_value(case: Case) -> Found:
    """The target's role is not one that the scheme allows."""
    for stance in case.annotations.stances:
        if stance.role and "stance" in case.layers and not _allowed(case.scheme, "role", stance.role):
            yield by_stance(stance), repr(stance.role)


def question_unknown(case: Case) -> Found:
    """The question is not in the scheme."""
    known = {question.id for question in case.scheme.questions}
    for question in case.annotations.choices:
        if question not in known:
            yield f"question {question}", ""


def answer_unknown(case: Case) -> Found:
    """The answer is not one that the question has."""
    for question in case.scheme.questions:
        for value in case.annotations.choices.get(question.id, ()):
            if value not in {known.id for known in question.values}:
                yield f"question {question.id}", repr(value)


def answers_too_many(case: Case) -> Found:
    """The question has more answers than it takes, or none."""
    for question in case.scheme.questions:
        answers = case.annotations.choices.get(question.id)
        if answers is not None and (not answers or (len(answers) > 1 and not question.multiple)):
            yield f"question {question.id}", f"{len(answers)} answers"


ERRORS: Final[dict[str, Check]] = {
    "E101": other_text,
    "E102": wrong_hash,
    "E103": unfrozen_text,
    "E104": span_outside,
    "E105": span_text,
    "E106": layer_missing,
    "E107": score_range,
    "E201": label_unknown,
    "E202": id_twice,
    "E203": attribute_unknown,
    "E204": attribute_misplaced,
    "E205": attribute_value,
    "E206": toll_reversed,
    "E301": form_value,
    "E401": target_missing,
    "E402": target_label,
    "E403": holder_missing,
    "E404": holder_label,
    "E405": holder_is_target,
    "E406": stance_twice,
    "E407": polarity_value,
    "E408": role_value,
    "E501": question_unknown,
    "E502": answer_unknown,
    "E503": answers_too_many,
}
