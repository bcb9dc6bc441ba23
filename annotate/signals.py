"""See how the words of a sentence stand to a target: the raw material of a stance.

::

    The senator condemned the brutal raid by government troops.      target: government troops
                └─ far ──┘    └ far ┘                                ... raid by T: near
    The ministry accused the rebels of lying.                        target: the rebels
                └patient┘           └ near ┘

Relations, strongest first: ``agent`` (the target does it), ``patient`` (it is done to the target),
``attribute`` (said of the target: adjective, predicate, apposition), ``own`` (the target's own),
``near`` (at most three steps in the tree) and ``far``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .knowledge import knowledge
from .models import Token

__all__ = ["RELATIONS", "Signal", "coordinated_with", "signals"]

RELATIONS: Final = ("agent", "patient", "attribute", "own", "near", "far")
_CONTENT: Final = frozenset({"NOUN", "VERB", "ADJ", "ADV", "INTJ", "AUX"})
_NEGATIONS: Final = frozenset(
    {"not", "n't", "n’t", "no", "never", "neither", "nor", "without", "nobody", "hardly", "barely"}
)
_DENIALS: Final = frozenset(
    {"deny", "fail", "refuse", "lack", "stop", "cease", "prevent", "avoid", "refute", "reject", "decline"}
)
_NEAR: Final = 3
_LONGEST: Final = 200
"""Sentences are read around the target up to so many tokens: a list of 2,000 words has no syntax."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A content word and how it stands to the target; `token` is valid only inside the parse."""

    token: Token
    lemma: str
    relation: str

    @property
    def negated(self) -> bool:
        """Whether it is denied; looked up only for the few words that judge."""
        return _negated(self.token)


def signals(first: Token, head: Token, last: Token) -> Iterator[Signal]:
    """Yield the content words of the target's sentence with their relation to it.

    Args:
        first: The first token of the target.
        head: The token that the target hangs from its sentence by.
        last: The last token of the target.
    """
    sentence = head.sent
    low = max(sentence.start, head.i - _LONGEST // 2)
    high = min(sentence.end, head.i + _LONGEST // 2)
    strong = _roles(head)
    distances = _distances(head)
    for token in head.doc[low:high]:
        if first.i <= token.i <= last.i or token.pos_ not in _CONTENT:
            continue
        relation = strong.get(token.i) or ("near" if distances.get(token.i, 99) <= _NEAR else "far")
        yield Signal(token, token.lemma_.lower(), relation)


def coordinated_with(verb: Token) -> Token:
    """Return the verb that a coordinated verb belongs to, where parsers are known to attach too low.

    In "denied that troops had fired and blamed the rebels" the parser coordinates *blamed* with *fired*;
    a reporting verb in the simple past after a past perfect belongs to the verb above.
    """
    head = verb.head
    reports = verb.lemma_ in knowledge("attribution")["verbs"]["clause"]
    if reports and verb.dep_ == "conj" and verb.tag_ == "VBD" and head.tag_ == "VBN" and head.dep_ == "ccomp":
        return head.head
    return head


def _roles(head: Token) -> dict[int, str]:
    roles: dict[int, str] = {}
    anchor = head
    while anchor.dep_ in ("conj", "appos") and anchor.head.i != anchor.i:
        anchor = anchor.head
    for child in head.children:
        if child.dep_ in ("amod", "appos", "compound", "nmod", "relcl"):
            roles[child.i] = "agent" if child.dep_ == "relcl" else "attribute"
            roles.update({grand.i: "attribute" for grand in child.children if grand.dep_ in ("amod", "advmod", "conj")})
    governor = anchor.head
    noun = anchor
    while noun.dep_ in ("compound", "nmod", "poss", "amod") and noun.head.i != noun.i:
        noun = noun.head  # "brutal regime airstrikes": what is said of the airstrikes is said of whose they are
    if noun.i != anchor.i:
        roles.update({child.i: "own" for child in noun.children if child.dep_ == "amod"})
    if anchor.dep_ == "nsubj":
        _as_subject(governor, roles)
    elif anchor.dep_ in ("dobj", "nsubjpass", "dative", "iobj"):
        _as_object(governor, anchor, roles)
    elif anchor.dep_ == "pobj":
        _after_preposition(governor, roles)
    elif anchor.dep_ == "poss":
        roles[governor.i] = "own"
        roles.update({child.i: "own" for child in governor.children if child.dep_ in ("amod", "compound")})
    return roles


def _as_subject(verb: Token, roles: dict[int, str]) -> None:
    for node in (verb, *(child for child in verb.children if child.dep_ in ("conj", "xcomp") and child.i > verb.i)):
        roles[node.i] = "agent"
        for child in node.children:
            if child.dep_ in ("attr", "acomp", "oprd"):
                roles[child.i] = "attribute"
                roles.update(
                    {grand.i: "attribute" for grand in child.children if grand.dep_ in ("amod", "conj", "compound")}
                )
            elif child.dep_ in ("advmod", "prt"):
                roles[child.i] = "agent"


def _as_object(verb: Token, target: Token, roles: dict[int, str]) -> None:
    roles[verb.i] = "patient"
    for child in verb.children:
        if child.dep_ == "conj" and child.i > verb.i and not any(c.dep_ in ("dobj", "nsubj") for c in child.children):
            roles[child.i] = "patient"
        elif child.dep_ in ("oprd", "xcomp", "acomp") and child.i > target.i:
            roles[child.i] = "attribute"
        elif child.dep_ == "prep" and child.lower_ in ("as", "for", "of") and child.i > target.i:
            roles.update({grand.i: "attribute" for grand in child.children})
    if target.dep_ == "dobj" and verb.dep_ in ("ccomp", "xcomp") and verb.head.i < verb.i:
        roles.setdefault(verb.head.i, "near")


def _after_preposition(preposition: Token, roles: dict[int, str]) -> None:
    governor = preposition.head
    if preposition.dep_ == "agent" or (preposition.lower_ == "by" and governor.pos_ == "VERB"):
        roles[governor.i] = "agent"
    elif governor.pos_ in ("VERB", "AUX"):
        roles[governor.i] = "patient"
    else:
        roles[governor.i] = "own" if preposition.lower_ in ("of", "by", "from") else "patient"
        if preposition.lower_ in ("of", "by"):
            roles.update({child.i: "own" for child in governor.children if child.dep_ == "amod"})


def _distances(head: Token) -> dict[int, int]:
    """Return the steps in the tree from the target to every token at most three steps away."""
    found = {head.i: 0}
    edge = [head]
    for step in range(1, _NEAR + 1):
        following = []
        for token in edge:
            for other in (coordinated_with(token), *token.children):
                if other.i not in found and (other.head.i != token.i or coordinated_with(other).i == token.i):
                    found[other.i] = step
                    following.append(other)
        edge = following
    return found


def _negated(token: Token) -> bool:
    near = (
        [token, token.head]
        if token.head.pos_ in ("VERB", "AUX") and token.dep_ in ("attr", "acomp", "dobj", "xcomp", "advmod", "amod")
        else [token]
    )
    for node in near:
        for child in node.children:
            if child.i < token.i and (child.dep_ == "neg" or child.lower_ in _NEGATIONS):
                return True
    return token.head.i != token.i and token.head.lemma_ in _DENIALS and token.dep_ in ("xcomp", "ccomp", "dobj")
