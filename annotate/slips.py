"""Read back what was slipped into decoys, and what became of it.

Which suggestions were wrong on purpose is not noted anywhere: a note can be lost, and new suggestions make new decoys.
The ledger has a copy of what each annotator was shown, and the desk keeps what each pipeline really suggested; where
the two differ, something was slipped in. So an annotation is judged by the decoy that it started from, whatever was
suggested since, and whatever salt or version of copydesk made it.

Something slipped in is corrected if what was wrong about it is no longer as it was shown: another label, another
boundary, another source, another polarity; or it is gone, or what had been taken away is there again. An annotation
in which anything still stands as it was slipped in is no gold, and neither is one whose honest suggestions are gone
from the desk, or of which nobody knows what it was shown: nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from copydesk.corpus import Desk
from copydesk.schemas import (
    Annotations,
    Attribution,
    Document,
    Entity,
    OffsetError,
    Origin,
    SchemeError,
    Stance,
    Suggestion,
)

from .decoding import decode
from .edits import Answer, Change, Item, align
from .focus_reading import decode_focus
from .history import SchemeHistory
from .ledger import LedgerEntry, author, by_id, ledger, shown_task, standing
from .shown import limit
from .suggest import suggestions
from .tasks import encode

__all__ = ["Slip", "slips", "untrusted"]

UNKNOWN: Final = "honest suggestions gone"


@dataclass(frozen=True, slots=True)
class Slip:
    """One thing that was slipped into a decoy, and whether its annotator corrected it.

    Attributes:
        document_id: The document.
        annotator: Who was shown it.
        entry: The key of the annotation's version in the ledger.
        kind: What was done to it: ``retyped``, ``resized``, ``removed``, ``added``, ``reattributed``, ``restanced``.
        layer: ``entities``, ``attribution`` or ``stance``.
        honest: What the pipeline suggested; None for what was made up, or where it is gone from the desk.
        shown: What was shown in its place; None for what was taken away, or where it is not known.
        corrected: Whether it no longer stands as it was shown.
    """

    document_id: str
    annotator: str
    entry: str
    kind: str
    layer: str
    honest: Item | None
    shown: Item | None
    corrected: bool


def untrusted(desk: Desk) -> dict[tuple[str, str], int]:
    """Return whose work on which document is no gold, because it still has what was slipped in: (document, annotator).

    The number is how many such things there are.
    """
    found: dict[tuple[str, str], int] = {}
    for slip in slips(desk):
        if not slip.corrected:
            at = (slip.document_id, slip.annotator)
            found[at] = found.get(at, 0) + 1
    return found


def slips(desk: Desk) -> Iterator[Slip]:
    """Yield everything that was slipped into decoys that people have finished, in the order of the ledger.

    Where the honest suggestions are gone from the desk, or nobody knows what was shown, one slip of an unknown kind
    stands for all of them.

    Raises:
        DeskError: The ledger, or a table of suggestions, is damaged.
    """
    keys = standing(desk)
    decoys = desk.settings.arms.decoy > 0
    entries = [entry for entry in ledger(desk) if _is_decoy(entry, decoys=decoys) and entry.key in keys]
    if not entries:
        return
    reader = _Reader(desk, entries)
    for entry in entries:
        read = reader.read(entry) if entry.prediction else None
        if read is None:
            yield Slip(entry.document_id, entry.annotator, entry.key, UNKNOWN, "", None, None, corrected=False)
            continue
        honest, shown, final = read
        after = {id(before): now for _, before, now in align(shown, final) if before is not None}
        for kinds, was, became in _slipped(honest, shown):
            corrected = (
                _there_again(was, shown, final) if became is None else _corrected(was, became, after.get(id(became)))
            )
            layer = _layer(became if became is not None else was)
            yield Slip(entry.document_id, entry.annotator, entry.key, kinds[0], layer, was, became, corrected)


def _is_decoy(entry: LedgerEntry, *, decoys: bool) -> bool:
    """Tell whether an entry is work on a decoy, or may be: its arm is hidden by another salt, and the desk has decoys."""
    if entry.state not in ("submitted", "updated"):
        return False
    return entry.arm == "decoy" or (decoys and not entry.arm and bool(entry.copydesk_key))


class _Reader:
    """Reads, of an entry, what was honestly suggested, what was shown and what was made of it."""

    def __init__(self, desk: Desk, entries: Iterable[LedgerEntry]) -> None:
        self.history = SchemeHistory(desk)
        wanted: dict[str, set[str]] = {}
        for entry in entries:
            wanted.setdefault(entry.model_version, set()).add(entry.document_id)
        self.texts = by_id(desk, set().union(*wanted.values()))
        self.honest: dict[tuple[str, str], Suggestion] = {}
        for version, documents in wanted.items():
            name, _, number = version.partition("@")
            for suggestion in suggestions(desk, pipeline=Origin("model", name, number)):
                if suggestion.annotations.document_id in documents:
                    self.honest[version, suggestion.annotations.document_id] = suggestion

    def read(self, entry: LedgerEntry) -> tuple[Annotations, Annotations, Annotations] | None:
        document = self.texts.get(entry.document_id)
        suggestion = self.honest.get((entry.model_version, entry.document_id))
        if document is None or suggestion is None:
            return None
        model = Origin("model", *entry.model_version.partition("@")[::2])
        try:
            shown = self._decoded(entry, entry.shown(), document, model)
            final = self._decoded(entry, entry.said(), document, author(entry))
            honest = self._as_shown(suggestion, document, entry)
        except (OffsetError, SchemeError):
            return None
        return (_about(shown, honest) if entry.layout == "focus" else honest), shown, final

    def _decoded(self, entry: LedgerEntry, said: Mapping[str, Any], document: Document, origin: Origin) -> Annotations:
        said = self.history.read(said, entry.scheme)
        if entry.layout == "focus":
            data = {"focus": entry.focus, "sha256": entry.sha256}
            return decode_focus(data, said, self.history.scheme, document, origin=origin).annotations
        return decode(shown_task(entry), said, self.history.scheme, document, origin=origin).annotations

    def _as_shown(self, suggestion: Suggestion, document: Document, entry: LedgerEntry) -> Annotations:
        """Return a suggestion as a project shows it: through the codec, like what it is compared with.

        Raises:
            SchemeError: It fits neither the present scheme nor any that the desk keeps.
        """
        for scheme in (self.history.scheme, *reversed(self.history.schemes)):
            layers = [layer.id for layer in scheme.layers if layer.id in entry.layers.split("+")]
            try:
                cut = scheme.select(layers)
                said = Suggestion(limit(suggestion.annotations, cut), suggestion.pipeline, (), None)
                prediction = encode(document, said, cut)["predictions"][0]
            except SchemeError:
                continue
            now = self.history.read(prediction, f"{scheme.name} {scheme.version}")
            task = {"data": {"sha256": document.sha256}}
            return decode(task, now, self.history.scheme, document, origin=suggestion.pipeline).annotations
        raise SchemeError("a suggestion fits no scheme that the desk keeps", where=f"document {document.id}")


def _about(shown: Annotations, honest: Annotations) -> Annotations:
    """Return of a document's suggestions what concerns the mentions that a task about one of them showed."""
    near = [e for e in honest.entities if any(e.span.overlaps(other.span) for other in shown.entities)]
    targets = [
        e
        for e in near
        if any(e.span.overlaps(o.span) for s in shown.stances for o in shown.entities if o.id == s.target)
    ]
    named = {entity.id for entity in targets}
    return Annotations(
        honest.document_id,
        honest.sha256,
        tuple(near),
        (),
        tuple(stance for stance in honest.stances if stance.target in named),
    )


def _slipped(honest: Annotations, shown: Annotations) -> Iterator[Change]:
    """Yield where what was shown differs from what was suggested; what merely hangs on something else is left out."""
    for kinds, was, became in align(honest, shown):
        if kinds == ("accepted",) or (became is None and not isinstance(was, Entity)):
            continue  # a stance goes with the mention that is taken away
        if was is None or became is None or _wrong(was, became):
            yield kinds, was, became


def _aspects(item: Item) -> dict[str, object]:
    match item:
        case Entity():
            return {"span": item.span, "label": item.label}
        case Attribution():
            return {"content": item.content, "source": item.source, "form": item.form}
        case Stance():
            return {"polarity": item.polarity}
        case Answer():
            return {"values": item.values}


def _wrong(was: Item, became: Item) -> list[str]:
    """Name what is wrong about something shown."""
    before, after = _aspects(was), _aspects(became)
    return [name for name in after if before.get(name) != after[name]]


def _corrected(was: Item | None, shown: Item, final: Item | None) -> bool:
    if final is None:
        return True
    wrong = list(_aspects(shown)) if was is None else _wrong(was, shown)
    left, right = _aspects(shown), _aspects(final)
    changed = [left[name] != right.get(name) for name in wrong]
    # of what was made up, any change is somebody's own answer; of what was made wrong, all of it has to go
    return any(changed) if was is None else all(changed)


def _there_again(was: Item | None, shown: Annotations, final: Annotations) -> bool:
    """Tell whether somebody marked what had been taken away; what was shown over its words anyway is no such mark."""
    before = {(entity.span, entity.label) for entity in shown.entities}
    return isinstance(was, Entity) and any(
        entity.span.overlaps(was.span) for entity in final.entities if (entity.span, entity.label) not in before
    )


def _layer(item: Item | None) -> str:
    match item:
        case Attribution():
            return "attribution"
        case Stance():
            return "stance"
        case _:
            return "entities"
