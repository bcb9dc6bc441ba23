"""Shared by the tests of suggestions: one loaded pipeline, documents from text."""

from __future__ import annotations

import importlib
from functools import cache

from copydesk.schemas import Document, document_id, text_sha256


def inside(name):
    """Return a module of annotate/ that its front door does not show."""
    return importlib.import_module(f"copydesk.annotate.{name}")


def article(text, **more):
    """Return an English document with this text."""
    return Document(id=document_id(text), text=text, sha256=text_sha256(text), **{"language": "en", **more})


@cache
def pipeline():
    """Return the shipped pipeline, loaded once."""
    return inside("models").load_pipeline()


def parses(texts):
    """Yield a parse per text. A parse is valid only until the next one is asked for: never collect them."""
    return pipeline().parse([(article(text), ()) for text in texts])


def reading(text, function):
    """Return what a function makes of the parse of one text, while the parse lives."""
    stream = parses([text])
    found = function(next(stream))
    stream.close()
    return found


def mentions(texts, **options):
    """Return per text the (text, label, origin) of its mentions."""
    entities = inside("entities")
    return [
        [
            (parse.document.text[m.start : m.end], m.label, m)
            for m in entities.find_mentions(parse, entities.Tokens(parse), **options)
        ]
        for parse in parses(texts)
    ]
