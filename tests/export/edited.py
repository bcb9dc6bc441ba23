"""Articles that were changed after they were labelled, with a book kept of where every word went."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import count

from copydesk.corpus import segment
from copydesk.schemas import Document, SegmentKind

_PROSE = """
the army rebels shelled a village near Port Sel on Friday and said that 12 people were killed in it while Arvenia denied
any attack there after talks with envoys from abroad who called for calm
"""
WORDS = _PROSE.split()


@dataclass
class Draft:
    """A text as blocks of sentences of words; each word knows which word of the first version it is.

    Attributes:
        blocks: Sentences, each a list of (word, number); a word that came later has the number -1.
    """

    blocks: list[list[list[tuple[str, int]]]] = field(default_factory=list)

    @classmethod
    def written(cls, draw: random.Random, blocks: int, words=WORDS):
        """Write a first version of a headline and so many paragraphs."""
        number = count()

        def sentence(most):
            said = [draw.choice(words) for _ in range(draw.randint(3, most))]
            said[0] = said[0].capitalize()
            said[-1] += "."
            return [(word, next(number)) for word in said]

        return cls(
            [[[(w.rstrip("."), n) for w, n in sentence(8)]]]
            + [[sentence(16) for _ in range(draw.randint(1, 4))] for _ in range(blocks)]
        )

    def text(self):
        """Return the text, and for each number the ranges at which its word stands."""
        text, places = "", {}
        for block in self.blocks:
            lines = [sentence for sentence in block if sentence]
            if not lines:
                continue
            text += "\n\n" if text else ""
            for at, sentence in enumerate(lines):
                text += " " if at else ""
                for turn, (word, number) in enumerate(sentence):
                    text += " " if turn else ""
                    places.setdefault(number, []).append((len(text), len(text) + len(word)))
                    text += word
        return text, places

    def edit(self, draw: random.Random, words=WORDS):
        """Do what editors do, once."""
        where = [(b, s) for b, block in enumerate(self.blocks) for s, sentence in enumerate(block) if sentence]
        if not where:
            return
        b, s = draw.choice(where)
        sentence = self.blocks[b][s]
        at = draw.randrange(len(sentence))
        match draw.choice(
            ("insert", "insert", "delete", "delete", "replace", "replace", "cut", "add", "swap", "move", "again")
        ):
            case "insert":
                sentence.insert(at, (draw.choice(words), -1))
            case "delete":
                del sentence[at]
            case "replace":
                others = [word for word in words if word.lower() != sentence[at][0].lower().rstrip(".")]
                sentence[at] = (draw.choice(others), -1)
            case "cut":
                del self.blocks[b][s]
            case "add":
                said = [(draw.choice(words), -1) for _ in range(draw.randint(3, 9))]
                self.blocks[b].insert(s, [(said[0][0].capitalize(), -1), *said[1:-1], (said[-1][0] + ".", -1)])
            case "swap":
                c, t = draw.choice(where)
                self.blocks[b][s], self.blocks[c][t] = self.blocks[c][t], self.blocks[b][s]
            case "move":
                del self.blocks[b][s]
                self.blocks[draw.randrange(len(self.blocks))].append(sentence)
            case "again":
                self.blocks[b].append(list(sentence))


def spans_of(draw: random.Random, places, most=4):
    """Draw ranges of neighbouring words of a first version: number of the first and of the last."""
    numbers = sorted(places)
    firsts = draw.sample(numbers, min(len(numbers), 12))
    return [(first, min(first + draw.randrange(most), numbers[-1])) for first in firsts]


def standing(span, old_text, old, new_text, new):
    """Return every range in the new text at which a span of the first version stands, word by word and blank by blank."""
    first, last = span
    words = old_text[old[first][0][0] : old[last][0][1]]
    found = set()
    for start, _ in new.get(first, ()):
        end = start + len(words)
        ends = {stop for _, stop in new.get(last, ())}
        inside = all(any(start <= a and b <= end for a, b in new.get(number, ())) for number in range(first, last + 1))
        if end in ends and inside and new_text[start:end] == words:
            found.add((start, end))
    return found


def sentences_of(text, title=""):
    document = Document("0" * 16, text, "", title=title)
    return [(s.start, s.end) for s in segment(document) if s.kind is SegmentKind.SENTENCE] or [(0, len(text))]
