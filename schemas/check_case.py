"""Hold what every check looks at: one document, its annotations and the scheme, with the look-ups they share."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from .annotations import Annotations, Entity, Stance
from .documents import Document, Span
from .scheme import LabelScheme

__all__ = ["Case", "Check", "Found", "by_stance"]

Found = Iterator[tuple[str, str]]
"""What a check yields: what it is about, and the detail."""


@dataclass(frozen=True)
class Case:
    """One document with its annotations and scheme."""

    document: Document
    annotations: Annotations
    scheme: LabelScheme

    @cached_property
    def entities(self) -> dict[str, Entity]:
        """The entities by id; of two with one id, the first."""
        return {entity.id: entity for entity in reversed(self.annotations.entities)}

    @cached_property
    def layers(self) -> frozenset[str]:
        """The ids of the scheme's layers."""
        return frozenset(layer.id for layer in self.scheme.layers)

    @cached_property
    def places(self) -> tuple[tuple[str, Span], ...]:
        """Every span with what it is, such as ``cue of a1``."""
        places = [(f"entity {entity.id}", entity.span) for entity in self.annotations.entities]
        for attribution in self.annotations.attributions:
            places.append((f"content {attribution.id}", attribution.content))
            places += [(f"source of {attribution.id}", attribution.source)] if attribution.source else []
            places += [(f"cue of {attribution.id}", attribution.cue)] if attribution.cue else []
        for stance in self.annotations.stances:
            places += [(f"evidence of {by_stance(stance)}", span) for span in stance.evidence]
        return tuple(places)

    @cached_property
    def good_places(self) -> tuple[tuple[str, Span], ...]:
        """The places whose offsets lie inside the text, so that it can be looked at around them."""
        return tuple((of, span) for of, span in self.places if 0 <= span.start < span.end <= len(self.document.text))

    def block(self, offset: int) -> int:
        """Return the number of the block (headline, paragraph) that an offset lies in."""
        return self.document.text.count("\n\n", 0, max(offset, 0) + 1)

    def cuts_word(self, offset: int) -> bool:
        """Tell whether a border at this offset parts a word, in scripts that put spaces between words."""
        text = self.document.text
        if not 0 < offset < len(text):
            return False
        before, after = text[offset - 1], text[offset]
        if unicodedata.combining(after):
            return True
        spaced = all(unicodedata.east_asian_width(char) not in "WF" for char in (before, after))
        return spaced and before.isalnum() and after.isalnum()


Check = Callable[[Case], Found]


def by_stance(stance: Stance) -> str:
    """Name a stance by its holder and target."""
    return f"stance {stance.holder} → {stance.target}"
