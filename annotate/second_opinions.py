"""Hold two adjudicators of one article against each other.

Of two answers to the same question the newer one stands, whoever gave it. Where they were given by two people, who saw
the same versions of the same layers, they say how far decisions can be trusted: every item that either of them decided
is compared, and what one of them left to the rule is what the rule says. Answers of one person, and answers that judged
other versions, are no second opinion.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .decisions import Adjudication, Decided, Verdict
from .items import Item

__all__ = ["Differing", "SecondOpinions", "second_opinions"]


@dataclass(frozen=True, slots=True)
class Differing:
    """An item on which adjudicators do not agree.

    Attributes:
        document_id: The document.
        item: What was to be decided.
        said: Adjudicator, by pseudonym, and what should stand by them, as JSON, empty for nothing; who answered last,
            and so stands, comes last.
    """

    document_id: str
    item: Item
    said: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SecondOpinions:
    """What two or more adjudicators decided of the same.

    Attributes:
        documents: Documents with such answers.
        items: Items that at least one of them decided.
        differing: Those on which they differ, by document and place.
    """

    documents: int = 0
    items: int = 0
    differing: tuple[Differing, ...] = ()

    @property
    def alike(self) -> int:
        """How many items all of them decided in the same way."""
        return self.items - len(self.differing)


def second_opinions(found: Decided) -> SecondOpinions:
    """Compare the answers that several adjudicators gave to one question.

    Args:
        found: All that was decided.
    """
    by_entry: dict[str, dict[Item, Verdict]] = {}
    for row in found.rows:
        by_entry.setdefault(row.entry, {})[row.item] = row
    asked: dict[tuple[str, str, tuple[str, ...]], dict[str, Adjudication]] = {}
    for one in found.given:  # oldest first: of each adjudicator the newest stays, in the order in which they answered
        answers = asked.setdefault((one.document_id, one.judged, tuple(sorted(one.layers))), {})
        answers.pop(one.adjudicator, None)
        answers[one.adjudicator] = one
    shared = {question: answers for question, answers in asked.items() if len(answers) > 1}
    items, differing = 0, []
    for (document, _, _), answers in sorted(shared.items()):
        rows = {who: by_entry.get(one.entry, {}) for who, one in answers.items()}
        for item, ruled in sorted(_ruled(rows.values()).items()):
            said = tuple((who, own[item].stands if item in own else ruled) for who, own in rows.items())
            items += 1
            if len({value for _, value in said}) > 1:
                differing.append(Differing(document, item, said))
    return SecondOpinions(len({document for document, _, _ in shared}), items, tuple(differing))


def _ruled(answers: Iterable[dict[Item, Verdict]]) -> dict[Item, str]:
    """Return every item that anybody decided, with what stands by the rule."""
    return {item: row.ruled for rows in answers for item, row in rows.items()}
