"""Put an adjudicator's decisions in the place of what the rule says of a document.

A decision stands on its item alone: what nobody decided follows the rule, also where people changed their minds since.
Where they changed it about the item itself, the decision still stands and is called stale: it judged other versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from copydesk.schemas import Annotations, LabelScheme, Origin, Span

from .consensus import Asked, Disagreement
from .decisions import Verdict
from .items import Item, applied, items, layers_by_label, place_of, votes

__all__ = ["Settled", "settle"]


@dataclass(frozen=True, slots=True)
class Settled:
    """A document after its decisions.

    Attributes:
        annotations: What stands.
        disagreements: What people did not say alike; what was decided is no longer open.
        stale: Decisions that judged other versions.
        whole: Whether an adjudicator was asked for all that annotators were asked, and nothing is open or stale.
    """

    annotations: Annotations
    disagreements: tuple[Disagreement, ...]
    stale: tuple[Verdict, ...]
    whole: bool


def settle(
    ruled: Annotations,
    differences: Sequence[Disagreement],
    decided: Mapping[Item, Verdict],
    versions: Mapping[str, Annotations],
    asked: Mapping[str, Asked],
    scheme: LabelScheme,
) -> Settled:
    """Apply the decisions about one document.

    Args:
        ruled: What stands by the rule.
        differences: Where people differ.
        decided: Item to the decision that is in force; at least one.
        versions: Annotator to what they say, with ids by content.
        asked: Annotator to what they were asked.
        scheme: The desk's scheme.
    """
    layers = layers_by_label(scheme)
    stands = applied(
        ruled,
        {item: (row.stands, Origin("adjudication", row.adjudicator)) for item, row in decided.items()},
        layers,
    )
    said = {who: items(version, layers) for who, version in versions.items()}
    stale = tuple(row for item, row in sorted(decided.items()) if row.is_stale(votes(item, said, asked)))
    every = {item for own in said.values() for item in own} - decided.keys()
    new = {item.place for item in every if len(set(votes(item, said, asked).values())) > 1}
    # of two reasons at one place that of what stands there
    by_place = sorted(decided.items(), key=lambda pair: (bool(pair[1].stands), pair[0]))
    reasons = {item.place: row.reason for item, row in by_place if item.place not in new}
    settled = tuple(_settled(one, reasons, stands) for one in differences)
    layers_asked = _asked(asked, scheme)
    covered = {layer for row in decided.values() for layer in row.layers.split("+")}
    whole = layers_asked <= covered and not stale and not any(one.open for one in settled)
    return Settled(stands, settled, stale, whole)


def _asked(asked: Mapping[str, Asked], scheme: LabelScheme) -> set[str]:
    """Return the layers that anybody was asked about."""
    found: set[str] = set()
    for one in asked.values():
        found |= {layer.id for layer in scheme.layers} if one.layers is None else one.layers
        found |= {"stance"} if one.mentions else set()
    return found


def _settled(one: Disagreement, reasons: Mapping[tuple[str, int, int, str], str], stands: Annotations) -> Disagreement:
    place = place_of(one)
    if place not in reasons:
        return one
    return replace(one, open=False, decided=_decided(one, stands), adjudicated=True, reason=reasons[place])


def _decided(one: Disagreement, stands: Annotations) -> str:
    """Return what stands of something that people did not say alike, in the words in which their votes are listed."""
    return "+".join(dict.fromkeys(_answers(one, stands)))


def _answers(one: Disagreement, stands: Annotations) -> Iterator[str]:
    place = (one.start, one.end)
    if one.layer == "questions":
        yield ", ".join(stands.choices.get(one.item, ()))
    elif one.layer == "spans":
        here = [entity for entity in stands.entities if (entity.span.start, entity.span.end) == place]
        found = (e.label if one.item == "label" else e.attributes.get(one.item, "") for e in here)
        yield from sorted(filter(None, found))
    elif one.layer == "attribution":
        for content in (a for a in stands.attributions if (a.content.start, a.content.end) == place):
            match one.item:
                case "content":
                    yield "CONTENT"
                case "source" | "cue":
                    yield _place(content.source if one.item == "source" else content.cue)
                case _:
                    yield str(getattr(content, one.item))
    else:
        yield from _stances(one, stands)


def _stances(one: Disagreement, stands: Annotations) -> Iterator[str]:
    mentions = {entity.id: entity.span for entity in stands.entities}
    for stance in stands.stances:
        target, by = mentions[stance.target], mentions.get(stance.holder)
        text = f"{by.text if by else stance.holder} → {target.text}"
        if (target.start, target.end, text) == (one.start, one.end, one.text):
            evidence = " … ".join(span.text for span in stance.evidence)
            yield evidence if one.item == "evidence" else str(getattr(stance, one.item))


def _place(span: Span | None) -> str:
    return f"{span.text} [{span.start}, {span.end})" if span else ""
