"""Join the mentions of one actor within a document: "the Sarnic Liberation Army", "the SLA", "the army".

Read from text and mentions alone, without a parse, so that what a person marked gets the same clusters as what
a pipeline suggested. Conservative: a mention that could be two actors joins none. The rules:

- ``surface``: the same name; titles, case, "the" and ``'s`` count nothing;
- ``alias``: names of one actor in the gazetteer, or of one polity in ``data/clusters.toml``;
- ``acronym``: "the Sarnic Liberation Army (SLA)";
- ``member``: "Front fighters", "fighters of the Front": whoever fights for it stands for it;
- ``last_name``, ``title``, ``apposition``: "Governor Jana Mirova", "Mirova", "the governor"; "the town of Brenice";
- ``short_name``: "the Front", where only one name ends so; ``first_part``: "Northline" of "Northline Wire";
- ``nominal``: the same definite words, "the rebels"; ``bare``: the same plural of armed people, "rebels";
- ``head``: definite words that end as one fuller mention does and say nothing else.

First names become groups; then everything shorter joins exactly one of them, or none. So two full names are never
chained by a head that they share.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from copydesk.schemas import Document, Entity, MentionCluster

from .gazetteer import actors
from .knowledge import knowledge
from .mention_forms import FAMILIES, Form, forms_of, plain_words

__all__ = ["joining_steps", "mention_clusters"]

_ACRONYM: Final = re.compile(r"\s{0,2}\((?:the |or )?([A-Z][\w.&-]{1,11})[);,]")
_APPOSED: Final = re.compile(r", (the |an? |their |its |his |her |)(?:[\w'’-]+ ){0,3}$")
_LONGEST_NAME: Final = 12
_MANY: Final = 100
"""Of so many different mentions with one head, no two are known to be the same actor."""
_CLOSED: Final = re.compile(r"[,.]|$| of ")


def mention_clusters(document: Document, entities: Sequence[Entity]) -> tuple[MentionCluster, ...]:
    """Return which mentions of a document are the same actor.

    Args:
        document: The document.
        entities: Its mentions, in any order; those that name no actor are left aside.

    Returns:
        Clusters of at least two mentions, in the order of the text; no mention is in two of them. The score is
        the precision of the weakest rule that a cluster needed, from ``data/clusters.toml``.
    """
    places = {e.id: (e.span.start, e.span.end, e.id) for e in entities if e.label in FAMILIES}
    joining = _joined(document, entities)
    made = [cluster for cluster in joining.clusters(places) if len(cluster.members) > 1]
    return tuple(sorted(made, key=lambda cluster: [places[member] for member in cluster.members]))


def joining_steps(document: Document, entities: Sequence[Entity]) -> list[tuple[str, str, str]]:
    """Return how the clusters come about: rule, and the ids of two mentions that it joins; to measure the rules."""
    return list(_joined(document, entities).steps())


def _joined(document: Document, entities: Sequence[Entity]) -> _Joining:
    joining = _Joining(document.text, forms_of(document, entities))
    joining.names()
    joining.shorter_names()
    joining.neighbours()
    joining.nominals()
    return joining


@cache
def _same_actor() -> dict[tuple[str, ...], tuple[str, int]]:
    """Return the words of a name → what it names: the kind of list and the place in it."""
    table: dict[tuple[str, ...], tuple[str, int]] = {}
    for number, actor in enumerate(actors()):
        for name in (actor.name, *actor.aliases, *actor.weak):
            table.setdefault(plain_words(name), ("actor", number))
    for number, names in enumerate(knowledge("clusters")["same"]["names"]):
        for name in names:
            table[plain_words(name)] = ("polity", number)
    return table


class _Joining:
    """Forms on their way to groups. A group is known by the number of its first form."""

    def __init__(self, text: str, forms: Sequence[Form]) -> None:
        self._text = text
        self._forms = forms
        self._above = list(range(len(forms)))
        self._steps: list[tuple[str, str, str]] = []
        self._unclear: set[int] = set()
        self._cores = {form.number: form.core or form.words for form in forms}
        self._rules: dict[int, set[str]] = {
            form.number: {form.rule} if len(form.members) > 1 else set() for form in forms
        }

    def names(self) -> None:
        """Join names of one actor that need not share a word, and names with whoever fights for them."""
        named = [form for form in self._forms if form.name]
        self._by(
            named,
            lambda form: (form.family, _same_actor()[form.words]) if form.words in _same_actor() else None,
            "alias",
        )
        self._by(named, lambda form: (form.family, form.head, frozenset(form.core)) if form.core else None, "surface")
        known = {(form.family, form.core): form for form in reversed(named) if form.core == form.words}
        for form in named:
            fuller = known.get((form.family, form.core))
            if form.core != form.words and fuller is not None:
                self._join(fuller, form, "member")
        self._acronyms(named)

    def _acronyms(self, named: Sequence[Form]) -> None:
        by_words = {(form.family, form.words): form for form in reversed(named)}
        introduced: dict[Form, set[Form]] = {}
        for form in named:
            if len(form.words) < 2:
                continue
            for _, end in form.places:
                match = _ACRONYM.match(self._text, end)
                short = by_words.get((form.family, (match.group(1).casefold(),))) if match else None
                if short is not None:
                    introduced.setdefault(short, set()).add(form)
        for short, fuller in introduced.items():
            self._join_only(short, list(fuller), "acronym")

    def shorter_names(self) -> None:
        """Join each name that is a part of exactly one other group's names."""
        named = [form for form in self._forms if form.name and form.family != "place"]
        ends: dict[tuple[str, tuple[str, ...]], list[Form]] = {}
        begins: dict[tuple[str, tuple[str, ...]], list[Form]] = {}
        for form in named:
            for cut in range(1, min(len(form.words), _LONGEST_NAME)):
                ends.setdefault((form.family, form.words[cut:]), []).append(form)
                begins.setdefault((form.family, form.words[:cut]), []).append(form)
        for form in sorted(named, key=lambda form: (-len(form.words), form.number)):
            longer = ends.get((form.family, form.words), [])
            rule = "last_name" if form.family == "person" else "short_name"
            if not longer and form.family == "body" and len(form.words[0]) > 2:
                longer, rule = begins.get((form.family, form.words), []), "first_part"
            self._join_only(form, longer, rule)

    def neighbours(self) -> None:
        """Join what stands beside a name and says what it is: "Jana Mirova, a nurse", "the town of Brenice"."""
        named = [form for form in self._forms if form.name]
        starts = {(form.family, start): form for form in named for start, _ in form.places}
        ends = {(form.family, end): form for form in named for _, end in form.places}
        for form in (form for form in self._forms if not form.name):
            for start, end in form.places:
                name, rule = self._beside(form, start, end, starts, ends)
                if name is not None:
                    self._join_only(form, [name], rule)

    def _beside(
        self,
        form: Form,
        start: int,
        end: int,
        starts: Mapping[tuple[str, int], Form],
        ends: Mapping[tuple[str, int], Form],
    ) -> tuple[Form | None, str]:
        """Return the name that a nominal mention stands beside, and the rule that joins them."""
        text, words = self._text, knowledge("clusters")["words"]
        if form.family == "place" and form.head in words["places"] and text.startswith(" of ", end):
            return starts.get(("place", end + 4)), "apposition"
        if form.family == "body" and form.words[0] in words["members"] and ("body", start - 1) in ends:
            return ends["body", start - 1], "member"
        if form.family not in ("person", "body"):
            return None, ""
        if match := _APPOSED.search(text, max(0, start - 60), start):
            name = ends.get((form.family, match.start()))
            listed = match.group(1) in ("the ", "") and not _CLOSED.match(text, end)
            if name is not None and not (listed or (form.family == "body" and match.group(1) in ("the ", ""))):
                return name, "apposition"
        if form.family == "person" and not form.head.endswith("s"):
            if text.startswith(", ", end) and (name := starts.get(("person", end + 2))) is not None:
                return (name, "apposition") if any(text[e : e + 1] == "," for _, e in name.places) else (None, "")
            return starts.get(("person", end + 1)) if text[end : end + 1] == " " else None, "apposition"
        return None, ""

    def nominals(self) -> None:
        """Join definite words to the one group that has the same head and more words, or the same title."""
        heads: dict[tuple[str, str], list[Form]] = {}
        titles: dict[str, list[Form]] = {}
        for form in self._forms:
            heads.setdefault((form.family, form.head), []).append(form)
            for title in form.titles:
                titles.setdefault(title, []).append(form)
        for form in sorted(self._forms, key=lambda form: (-len(form.words), form.number)):
            if form.name or not form.definite:
                continue
            same = [other for other in heads[form.family, form.head] if other.number != form.number]
            if len(same) > _MANY:
                self._unclear.add(form.number)
                continue
            longer = [other for other in same if set(form.words) < set(other.words)]
            # "Lipno Bridge, a charity, …": words that once stood beside a name mean it again
            apposed = [other for other in same if other.words == form.words and self._named(other)]
            if form.family == "person" and not longer + apposed:
                self._join_only(form, titles.get(form.words[-1], []), "title")
            else:
                self._join_only(form, longer + apposed, "head")
            bare = [other for other in same if other.words == form.words and other.rule == "bare"]
            self._join_only(bare[0], [form], "bare") if bare else None

    def _named(self, form: Form) -> bool:
        return self._group(form) != form.number or not self._cores[form.number]

    def clusters(self, places: Mapping[str, tuple[int, int, str]]) -> Iterator[MentionCluster]:
        """Yield every group, also of one mention."""
        scores = knowledge("clusters")["scores"]
        inside: dict[int, list[Form]] = {}
        for form in self._forms:
            inside.setdefault(self._group(form), []).append(form)
        for number, forms in inside.items():
            if len(forms) == 1 and number in self._unclear:
                continue  # "the army" of two armies
            members = sorted((member for form in forms for member in form.members), key=places.__getitem__)
            best = min(forms, key=lambda form: (not form.name, form.core != form.words, -len(form.words), form.number))
            score = min((scores[rule] for rule in self._rules[number]), default=1.0)
            yield MentionCluster(tuple(members), best.text, float(score))

    def steps(self) -> Iterator[tuple[str, str, str]]:
        """Yield every step taken: rule, and a mention of either side."""
        alone = Counter(self._group(form) for form in self._forms)
        for form in self._forms:
            if alone[self._group(form)] > 1 or form.number not in self._unclear:
                yield from ((form.rule, one, other) for one, other in itertools.pairwise(form.members))
        yield from self._steps

    def _by(self, forms: Sequence[Form], key: Callable[[Form], object], rule: str) -> None:
        known: dict[object, Form] = {}
        for form in forms:
            same = key(form)
            if same is not None:
                self._join(known.setdefault(same, form), form, rule)

    def _join_only(self, form: Form, others: Sequence[Form], rule: str) -> None:
        """Join a form that belongs to nobody yet to the group of the others, where they are one."""
        groups = {self._group(other) for other in others}
        mine = self._group(form)
        if len(groups - {mine}) > 1:
            self._unclear.add(form.number)
        elif len(groups) == 1 and mine not in groups and self._cores[mine] == (form.core or form.words):
            self._join(others[0], form, rule)

    def _group(self, form: Form) -> int:
        number = form.number
        while self._above[number] != number:
            self._above[number] = number = self._above[self._above[number]]
        return number

    def _join(self, one: Form, other: Form, rule: str) -> None:
        keep, gone = sorted((self._group(one), self._group(other)))
        if keep == gone:
            return
        self._steps.append((rule, one.members[0], other.members[0]))
        self._above[gone] = keep
        # a group of several names has no core of its own: it is nobody's shorter name
        self._cores[keep] = self._cores[keep] if self._cores[keep] == self._cores[gone] else ()
        self._rules[keep] |= self._rules.pop(gone) | {rule}
