"""Find what a reporting verb reports: its clause, its object, or the sentence around it.

::

    The ministry said rebels had claimed that the school was empty.      one content inside another
    The rebels, the ministry said, had fled.                             one saying, two contents
    She accused the army of shelling the town.                           what the words are about is inside
    The Front put the army's losses at 60.                               a figure is somebody's figure
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from .knowledge import knowledge
from .models import Block, Token
from .ranges import QUOTES, around, between_marks, clause_range, noun_phrase, subtree, token_range
from .signals import coordinated_with
from .speakers import Range, Saying

__all__ = ["Verbs", "from_verb", "subject_of", "verbs", "with_form"]

_OF_CLAUSE: Final = frozenset({"nsubj", "nsubjpass", "csubj", "cop", "auxpass", "mark"})
_VERB: Final = frozenset({"VERB", "AUX"})
_NOUN: Final = frozenset({"NOUN", "PROPN"})
_SPEAKER: Final = frozenset({"NOUN", "PROPN", "PRON", "NUM", "ADJ"})
_COMPLEMENT: Final = frozenset({"dobj", "prep", "oprd", "xcomp", "ccomp", "dative"})
_NOBODY: Final = frozenset({"nobody", "none", "noone"})
_OURSELVES: Final = frozenset({"i", "we", "you"})
_NO_PERSON: Final = frozenset({"it", "that", "this", "which"}) | _OURSELVES
_NOT_SPEAKERS: Final = frozenset({"there", "that", "which", "what"})


@dataclass(frozen=True, slots=True)
class Verbs:
    """The lists of ``data/attribution.toml``, as sets of lemmas."""

    clause: frozenset[str]
    infinitive: frozenset[str]
    noun: frozenset[str]
    about: frozenset[str]
    judging: frozenset[str]
    belief: frozenset[str]
    figures: frozenset[str]
    quoting: frozenset[str]
    manner: frozenset[str]
    prepositions: dict[str, frozenset[str]]
    any: frozenset[str]
    """Every verb that may have a clause, an object or a preposition with content."""
    beside: frozenset[str]
    """Every verb that may stand beside a quotation."""

    def among(self, block: Block, wanted: frozenset[str]) -> Iterator[Token]:
        """Yield the verbs of a block with a wanted lemma, in order, without making every token of it."""
        parsed = block.parsed
        hashes = _hashes(wanted, parsed.vocab.strings)
        for place, lemma in enumerate(parsed.to_array("LEMMA").tolist()):
            if lemma in hashes and (token := parsed[place]).pos_ in _VERB:
                yield token


@cache
def verbs() -> Verbs:
    """Return the lists, read once."""
    data = dict(knowledge("attribution")["verbs"])
    prepositions = {verb: frozenset(words) for verb, words in data.pop("prepositions").items()}
    lists = {name: frozenset(words) for name, words in data.items()}
    reporting = frozenset(prepositions).union(*(lists[name] for name in ("clause", "about", "judging", "figures")))
    return Verbs(**lists, prepositions=prepositions, any=reporting, beside=lists["quoting"] | lists["manner"])


_KNOWN_HASHES: Final[dict[frozenset[str], frozenset[int]]] = {}


def _hashes(words: frozenset[str], strings: Any) -> frozenset[int]:
    """Return the parser's numbers for words: hashes, the same in every vocabulary."""
    if words not in _KNOWN_HASHES:
        _KNOWN_HASHES[words] = frozenset(strings[word] for word in words)
    return _KNOWN_HASHES[words]


def from_verb(
    text: str, block: Block, verb: Token, quotes: Sequence[Range], spoken: Sequence[Range] = ()
) -> Iterator[Saying]:
    """Yield what a reporting verb says is somebody's words; a content that stands around it is two.

    Args:
        text: The document's text.
        block: The block that the verb stands in.
        verb: The verb.
        quotes: The quotations of the block, with their marks, in order.
        spoken: Turns of a transcript that reach into the block: like quotations without marks.
    """
    lists, subject = verbs(), subject_of(verb)
    if subject is None or _passive_hearsay(verb) or subject.lower_ in _NOBODY:
        return
    if any(child.dep_ == "det" and child.lower_ == "no" for child in subject.children):
        return
    at = block.start + verb.idx
    quoted = any(low <= at < high for low, high in (*quotes, *spoken))
    if quoted and (verb.lemma_ in lists.belief or subject.lower_ in _OURSELVES):
        return  # what a speaker knows, or says that they say, is not reported once more
    if verb.lemma_ in lists.belief and subject.lower_ in _NO_PERSON:
        return
    source = noun_phrase(block, subject)
    cue = token_range(block, verb, verb)
    for content in _contents(text, block, verb, cue, noun_phrase(block, subject, whole=True), quotes):
        yield with_form(text, Saying(content, source, cue, "", "", None, "clause"), quotes)


def with_form(text: str, saying: Saying, quotes: Sequence[Range]) -> Saying:
    """Return a saying as direct, indirect or mixed, a direct one without its marks."""
    content, form = saying.content, "indirect"
    for low, high in quotes:
        if not (low < content[1] and content[0] < high):
            continue
        if low <= content[0] + 1 and content[1] <= high + 1:
            content, form = between_marks(text, (low, high)) if low >= content[0] - 1 else content, "direct"
        elif form == "indirect":
            form = "mixed"
    return Saying(content, saying.source, saying.cue, form, "", None, saying.sure)


def _contents(
    text: str, block: Block, verb: Token, cue: Range, source: Range, quotes: Sequence[Range]
) -> Iterator[Range]:
    lists, lemma = verbs(), verb.lemma_
    if lemma in lists.about or lemma in lists.judging:
        about = list(_about(text, block, verb, cue, source, quotes))
        yield from about
        if about or (lemma in lists.about and lemma not in lists.prepositions):
            return
    if lemma in lists.figures:
        yield from _figure(text, block, verb, cue, source)
        return
    clauses = [child for child in verb.children if _is_clause(verb, child)] or list(_clause_of_a_statement(verb))
    for clause in clauses:
        place = clause_range(block, clause)
        if ";" in text[place[1] : source[0]] or ";" in text[max(cue[1], source[1]) : place[0]]:
            continue  # "…; they promised before": two sentences
        yield from around(text, place, cue, source)
    if clauses or any(child.dep_ == "neg" for child in verb.children):
        return
    if verb.dep_ in ("parataxis", "ccomp", "advcl") and verb.head.i != verb.i and _parenthetical(text, source, cue):
        if verb.head.pos_ in _VERB:
            yield from around(text, token_range(block, verb.sent[0], verb.sent[-1]), cue, source)
        elif verb.head.pos_ in _NOUN:  # "two coffins and once, he says, a piano"
            yield from around(text, subtree(block, verb.head), cue, source)
    else:
        yield from _objects(text, block, verb, cue, source)


def _about(text: str, block: Block, verb: Token, cue: Range, source: Range, quotes: Sequence[Range]) -> Iterator[Range]:
    """Yield the object with what is said of it: "the army of shelling the town", "the offer as generous"."""
    about = [child for child in verb.children if child.dep_ in _COMPLEMENT and child.i > verb.i]
    if not about or about[0].dep_ not in ("dobj", "ccomp", "dative"):
        return
    below = [grand for child in about for grand in child.children if grand.i > child.i]
    if verb.lemma_ in verbs().judging:
        links = [t for t in (*about, *below) if t.dep_ == "prep" and t.lower_ in ("as", "for")]
        if not links:
            return
        about = [about[0], links[0]]
    elif len(about) == 1 and not any(
        (t.dep_ == "prep" and t.lower_ in ("as", "of", "for")) or t.dep_ == "appos" for t in below
    ):
        return
    start, end = token_range(block, about[0].left_edge, about[-1].right_edge)
    if about[0].pos_ == "PRON":  # 'called them "the best of us"': the words alone
        start = next((low for low, high in quotes if start < low and high <= end + 2), start)
    yield from around(text, (start, max(end, start)), cue, source)


def _figure(text: str, block: Block, verb: Token, cue: Range, source: Range) -> Iterator[Range]:
    """Yield an object with a number in it: "two hundred dead", "the losses at between 60 and 70"."""
    after = [child for child in verb.children if child.dep_ in ("dobj", "prep") and child.i > verb.i]
    if not after or after[0].dep_ != "dobj":
        return
    last = next((child for child in after if child.dep_ == "prep" and child.lower_ == "at"), None)
    if last is None and verb.lemma_ == "put":
        return
    first, end = after[0].left_edge, (last or after[0]).right_edge
    if any(token.pos_ == "NUM" for token in verb.doc[first.i : end.i + 1]):
        yield from around(text, token_range(block, first, end), cue, source)


def _objects(text: str, block: Block, verb: Token, cue: Range, source: Range) -> Iterator[Range]:
    """Yield an object that is what was said: "reported the death of …", "called for an inquiry"."""
    lists, lemma = verbs(), verb.lemma_
    prepositions = lists.prepositions.get(lemma, frozenset())
    for child in verb.children:
        if child.i < verb.i:
            continue
        if lemma in lists.noun and child.dep_ == "dobj" and child.pos_ in _NOUN and child.lower_ != "responsibility":
            yield from around(text, subtree(block, child), cue, source)
        elif child.dep_ == "prep" and child.lower_ in prepositions:
            for grand in child.children:
                if grand.dep_ in ("pobj", "pcomp") and grand.pos_ != "PRON":
                    yield from around(text, subtree(block, grand), cue, source)


def _is_clause(verb: Token, child: Token) -> bool:
    if child.dep_ == "ccomp":
        # "reported clashes" is sometimes parsed as a clause without any verb
        return child.pos_ in _VERB or any(grand.dep_ in _OF_CLAUSE for grand in child.children)
    if child.dep_ == "xcomp" and child.i > verb.i:
        return verb.lemma_ in verbs().infinitive and child.pos_ in _VERB
    return False


def _clause_of_a_statement(verb: Token) -> Iterator[Token]:
    """Yield the that-clause of "said in a statement that …", which parsers hang from the statement."""
    for preposition in verb.children:
        for noun in preposition.children if preposition.dep_ == "prep" else ():
            for clause in noun.children if noun.dep_ == "pobj" else ():
                if clause.dep_ in ("acl", "relcl", "ccomp") and any(
                    child.lower_ == "that" and child.dep_ == "mark" for child in clause.children
                ):
                    yield clause


def _parenthetical(text: str, source: Range, cue: Range) -> bool:
    """Tell whether a "…, he said, …" stands between commas or at the end."""
    start, end = min(source[0], cue[0]), max(source[1], cue[1])
    left = text[max(0, start - 3) : start].rstrip(" ")
    right = text[end : end + 2].lstrip(" ")
    return left.endswith((",", "—", "–", "”", '"')) and (not right or right[0] in ',.—–;:\n“"')


def subject_of(verb: Token) -> Token | None:
    """Return the speaker of a reporting verb: its subject, its agent, or that of the verb it hangs from."""
    for _ in range(3):
        children = list(verb.children)
        for child in children:
            if child.dep_ == "agent":
                return next((grand for grand in child.children if grand.dep_ == "pobj"), None)
        for child in children:
            if child.dep_ == "nsubj" and child.pos_ in _SPEAKER:
                return None if child.lower_ in _NOT_SPEAKERS else child
        if verb.i and verb.nbor(-1).text in QUOTES:
            # '"We will stay," vowed the commander': parsers take an inverted speaker for an object
            for child in children:
                if child.dep_ == "dobj" and child.left_edge.i == verb.i + 1 and child.pos_ in _NOUN:
                    return child
        if verb.dep_ in ("relcl", "acl"):
            return verb.head if verb.head.pos_ in _NOUN and verb.tag_ != "VBN" else None
        if verb.dep_ in ("conj", "advcl", "xcomp") and verb.head.i != verb.i:
            above = coordinated_with(verb)
            if verb.dep_ == "advcl" and above.dep_ == "ccomp" and above.head.lemma_ in verbs().clause:
                above = above.head  # "denied that the town had fallen, calling the report a lie"
            verb = above
            continue
        return None
    return None


def _passive_hearsay(verb: Token) -> bool:
    # "are said to have taken control": nobody is named who says so
    return any(child.dep_ in ("nsubjpass", "auxpass") for child in verb.children) and not any(
        child.dep_ == "agent" for child in verb.children
    )
