"""Draft the stances of a document while its parse lives, and decide them once a model has judged.

::

    parse ──► StanceTarget (sentence, words that judge, who judges) ──► StanceItem ──► model ──► Verdict
                     └────────────────────────── decide ◄───────────────────────────────────────────┘

A trained model judges every actor mention, and neutral is said too; its evidence for a polar stance is the words
near the target that judge, else those that tell how things went for it, else its predicate. Rules judge only
where a *judging* word stands near the target, and never say neutral. ``mixed`` and ``cannot_tell`` are people's to say.
The holder is the subject of the judging verb, else whoever speaks the words, else the outlet.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .attribution import Saying
from .entities import Mention, Tokens
from .knowledge import knowledge
from .lexicon import counts_of, is_holding_verb, judging_holder, judging_words, marked_words, telling_words
from .models import WINDOW, Parse, Token
from .signals import RELATIONS, Signal, signals
from .stance_items import StanceItem, Verdict

__all__ = ["OFFER", "Judgement", "Reader", "StanceTarget", "decide", "find_targets", "one_per_cluster"]

OFFER: Final = 0.5
"""The least probability of a polar class that rules offer. Measured: see docs/stance.md."""
_MOST_EVIDENCE: Final = 3
_ACTORS: Final = ("PERSON", "ARMED_ACTOR", "ORG", "GPE", "POPULATION")

Range = tuple[int, int]
Valued = tuple[tuple[Range, float], ...]
"""Ranges of the document with their valence, −2 … +2, the most telling first."""


@dataclass(frozen=True, slots=True)
class Judging:
    """A verb by which somebody judges the target, and who: `pronoun` where the subject is one."""

    verb: Range
    subject: Range
    pronoun: bool


@dataclass(frozen=True, slots=True)
class StanceTarget:
    """A mention that a stance can be about, with all that is needed once the parse is gone.

    Attributes:
        sentence: Where ``item.text`` stands in the document.
        judging: Words near it that judge; `telling` words by which it fared or did well or badly.
        predicate: The word that says most about it, whatever it says.
        by: The judging verb, where there is one.
    """

    mention: Mention
    sentence: Range
    item: StanceItem
    judging: Valued
    telling: Valued
    predicate: Range
    by: Judging | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A stance before it gets ids; `holder` is ``OUTLET``, ``UNNAMED`` or a mention."""

    target: Mention
    holder: Mention | str
    polarity: str
    evidence: tuple[Range, ...]
    score: float


class Reader:
    """Reads the surroundings of mentions out of one parse; of no use after it.

    Args:
        parse: The document's parse.
        tokens: Its tokens by offset.
        counted: Whether signals are counted for the model.
    """

    def __init__(self, parse: Parse, tokens: Tokens, *, counted: bool) -> None:
        self._text = parse.document.text
        self._tokens = tokens
        self._counted = counted
        self._starts = {block.parsed[0].doc: block.start for block in parse.blocks if len(block.parsed)}

    def item(self, start: int, end: int, *, conflict: bool = True) -> StanceItem | None:
        """Return what a model has to judge about a range, or None where the parse has no token there."""
        head = self._tokens.head(start, end)
        if head is None:
            return None
        found = list(signals(self._tokens.first(start) or head, head, self._tokens.last(end) or head))
        return self._item(self._sentence(head, start, end), start, end, found, conflict=conflict)

    def target(self, mention: Mention, inside: set[int]) -> StanceTarget | None:
        """Return a mention as a target; words at the offsets of `inside` are other mentions' and judge nobody."""
        start, end = mention.start, mention.end
        head = self._tokens.head(start, end)
        if head is None:
            return None
        base = self._starts[head.doc]
        first, last = self._tokens.first(start) or head, self._tokens.last(end) or head
        around = list(signals(first, head, last))
        own = _own_words(head)
        found = [s for s in around if base + s.token.idx not in inside and s.token.i not in own]

        def places(words: Sequence[tuple[Token, float]]) -> Valued:
            return tuple((_place(base, token), value) for token, value in words)

        by = judging_holder(found)
        # where the target's own words are all there is, they show best what the sentence says of it
        nearest = min(
            found or around, key=lambda s: (RELATIONS.index(s.relation), abs(s.token.i - head.i)), default=None
        )
        sentence = self._sentence(head, start, end)
        return StanceTarget(
            mention,
            sentence,
            self._item(sentence, start, end, found),
            places(judging_words(found)),
            places(telling_words(found)),
            _place(base, nearest.token) if nearest is not None else (start, end),
            Judging(_place(base, by[0]), _place(base, by[1]), by[1].pos_ == "PRON") if by else None,
        )

    def _sentence(self, head: Token, start: int, end: int) -> Range:
        base, sentence = self._starts[head.doc], head.sent
        return min(base + sentence.start_char, start), max(base + sentence.end_char, end)

    def _item(
        self, sentence: Range, start: int, end: int, found: Sequence[Signal], *, conflict: bool = True
    ) -> StanceItem:
        low, high = sentence
        return StanceItem(
            self._text[low:high],
            start - low,
            end - low,
            counts_of(found) if self._counted else {},
            marked_words(found) if self._counted else frozenset(),
            conflict,
        )


def _place(base: int, token: Token) -> Range:
    return base + token.idx, base + token.idx + len(token)


def find_targets(
    parse: Parse, tokens: Tokens, mentions: Sequence[Mention], *, labels: frozenset[str], counted: bool
) -> Iterator[StanceTarget]:
    """Yield every actor mention as a target; a GPE only where it acts.

    Args:
        parse: The document's parse.
        tokens: Its tokens by offset.
        mentions: The entity mentions, by place.
        labels: Those that can be a target.
        counted: Whether the model wants signals counted.
    """
    reader = Reader(parse, tokens, counted=counted)
    # a judging word that belongs to another mention ("the Terror Brigades") judges nobody here
    inside = {offset for mention in mentions for offset in range(mention.start, mention.end) if mention.label != "TOLL"}
    for mention in mentions:
        if mention.label not in labels or (mention.label == "GPE" and mention.attributes.get("gpe_role") != "actor"):
            continue
        if (target := reader.target(mention, inside)) is not None:
            yield target


def one_per_cluster(
    targets: Sequence[StanceTarget],
    clusters: Mapping[Range, str],
    mentions: Sequence[Mention],
    sayings: Sequence[Saying],
) -> list[StanceTarget]:
    """Return one target per cluster, sentence and speaker: the longest mention, the first of equals.

    Args:
        targets: By place.
        clusters: Place of a mention to the cluster that it is in.
        mentions: The entity mentions, by place.
        sayings: The attributions, by content.
    """
    best: dict[object, StanceTarget] = {}
    for target in targets:
        place = (target.mention.start, target.mention.end)
        speaker = _speaker(target, place, mentions, sayings)
        said_by = speaker if isinstance(speaker, str) else (speaker.start, speaker.end)
        key = (clusters.get(place, place), target.sentence, said_by)
        known = best.get(key)
        if known is None or _size(target) > _size(known):
            best[key] = target
    return sorted(best.values(), key=lambda target: (target.mention.start, target.mention.end))


def _size(target: StanceTarget) -> int:
    return target.mention.end - target.mention.start


def _own_words(head: Token) -> frozenset[int]:
    """Return the tokens of what a target itself says or judges, before or after it: its view of others."""
    anchor = head
    while anchor.dep_ in ("conj", "appos") and anchor.head.i != anchor.i:
        anchor = anchor.head
    verb = anchor.head
    if anchor.dep_ != "nsubj" or verb.pos_ not in ("VERB", "AUX"):
        return frozenset()
    spoken: set[int] = set()
    for said in (verb, *(child for child in verb.children if child.dep_ in ("conj", "advcl", "xcomp"))):
        if said.lemma_ in knowledge("attribution")["verbs"]["clause"] or is_holding_verb(said.lemma_):
            spoken.update(range(said.left_edge.i, said.right_edge.i + 1))
    return frozenset(spoken) - frozenset(range(anchor.left_edge.i, anchor.right_edge.i + 1))


# deciding


def decide(
    target: StanceTarget, verdict: Verdict, mentions: Sequence[Mention], sayings: Sequence[Saying], *, by_rule: bool
) -> Judgement | None:
    """Return the stance that is offered, or None where rules are not sure.

    Args:
        target: Who it is about.
        verdict: What the model says; the score is the probability of the class that is offered.
        mentions: The entity mentions, by place.
        sayings: The attributions, by content.
        by_rule: Whether the verdict is the lexicon's.
    """
    critical, neutral, supportive = verdict.probabilities
    sign, score = (1, supportive) if supportive > critical else (-1, critical)
    if not by_rule and neutral >= score:
        place = (target.mention.start, target.mention.end)
        return Judgement(target.mention, _speaker(target, place, mentions, sayings), "0", (), round(neutral, 3))
    judging = [(place, value) for place, value in target.judging if value * sign > 0][:_MOST_EVIDENCE]
    evidence = [place for place, _ in judging]
    if by_rule and (not evidence or score < OFFER):
        return None
    # a trained model reads between the lines; what it is shown by is the nearest thing to a judging word
    evidence = evidence or [place for place, value in target.telling if value * sign > 0][:1] or [target.predicate]
    strong = any(abs(value) >= 2 for _, value in judging)
    ranges = tuple(sorted(evidence))
    holder = _who(target, ranges, mentions, sayings)
    if holder == target.mention:
        if by_rule:
            return None
        holder = "OUTLET"  # nobody's stance on themselves is guessed
    return Judgement(target.mention, holder, f"{'+' if sign > 0 else '-'}{2 if strong else 1}", ranges, round(score, 3))


def _who(
    target: StanceTarget, evidence: Sequence[Range], mentions: Sequence[Mention], sayings: Sequence[Saying]
) -> Mention | str:
    """Return the holder: the subject of the judging verb, else whoever says the words."""
    by = target.by
    if by is not None and by.verb in evidence:
        named = _mention_at(mentions, by.subject)
        if named is not None or not by.pronoun:
            return named or "UNNAMED"
        # "he praised the army": whoever the pronoun is
        sources = [s for s in sayings if s.source and s.source[0] == by.subject[0]]
        speaker = sources[0].speaker if sources else None
        return (_mention_at(mentions, speaker) if speaker else None) or "UNNAMED"
    return _speaker(target, evidence[0], mentions, sayings)


def _speaker(
    target: StanceTarget, evidence: Range, mentions: Sequence[Mention], sayings: Sequence[Saying]
) -> Mention | str:
    """Return who says what is said of a target: the source of the innermost content around it, else the outlet."""
    start, end = target.mention.start, target.mention.end
    # no content is longer than a window, so only the sayings of the last one can hold the target
    low, high = (
        bisect.bisect_left(sayings, place, key=lambda s: s.content[0]) for place in (start - WINDOW, start + 1)
    )
    around = [s for s in sayings[low:high] if end <= s.content[1]]
    around = [s for s in around if s.content[0] <= evidence[0] and evidence[1] <= s.content[1] + 1] or around
    for saying in sorted(around, key=lambda s: (s.content[1] - s.content[0], s.content)):
        speaker = saying.speaker or saying.source
        holder = (_mention_at(mentions, speaker) if speaker else None) or "UNNAMED"
        if holder != target.mention:
            return holder
    return "OUTLET"


def _mention_at(mentions: Sequence[Mention], place: Range) -> Mention | None:
    """Return the actor mention that overlaps a source most, the first of equals."""
    low, high = (bisect.bisect_left(mentions, start, key=lambda m: m.start) for start in (place[0] - 500, place[1]))
    overlapping = [m for m in mentions[low:high] if m.label in _ACTORS and m.start < place[1] and place[0] < m.end]
    return max(overlapping, key=lambda m: (min(m.end, place[1]) - max(m.start, place[0]), -m.start), default=None)
