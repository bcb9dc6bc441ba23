"""Read spaCy's DocBin files: what ``doc.ents`` and the span groups of their docs hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from copydesk.annotate import Marked, Region
from copydesk.schemas import InputError

__all__ = ["read_docbin"]


def read_docbin(path: Path) -> Iterator[Marked]:
    """Yield the docs of a ``.spacy`` file; a span that is in ``doc.ents`` and in a group as well counts once.

    What else a doc holds, such as categories or tags, is named as unread.

    Raises:
        InputError: It is no DocBin.
    """
    import spacy
    from spacy.tokens import DocBin

    try:
        docs = DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab)
        for number, doc in enumerate(docs, start=1):
            yield _marked(f"{path.stem}-{number}", doc)
    except InputError:
        raise
    except Exception as error:  # whatever the library trips over, the file is not what it says
        raise InputError(f"no readable DocBin: {error}", where=str(path)) from error


def _marked(name: str, doc: Any) -> Marked:
    groups = [list(doc.ents), *(list(group) for group in doc.spans.values())]
    found = {(span.start_char, span.end_char, span.label_) for group in groups for span in group}
    places = sorted(found, key=lambda span: (span[0], -span[1], span[2]))
    regions = [Region(f"r{number}", *place) for number, place in enumerate(places, start=1)]
    unread = [("categories of the whole doc", "spaCy's categories have no place here")] if doc.cats else []
    return Marked(name, doc.text, tuple(regions), unread=tuple(unread))
