"""Write and read the XML of a labelling config.

A config that comes from a server was perhaps edited by hand, so it is read without trust: no document
type and so no entities, a limit on size and depth, and one clear error for anything that is no XML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

from .errors import SchemeError

__all__ = ["Element", "as_written", "header", "read_element", "view"]

MAX_BYTES: Final = 5_000_000
MAX_DEPTH: Final = 64

_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Element:
    """One element of a config, with what stands in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Yield the element as indented lines of XML.

        Raises:
            SchemeError: A text holds a character that XML cannot carry.
        """
        indent = "  " * depth
        start = indent + "<" + " ".join([self.tag, *(f'{k}="{_quoted(v)}"' for k, v in self.attributes.items())])
        if self.text:
            yield f"{start}>{escape(self.text)}</{self.tag}>"
        elif not self.children:
            yield f"{start}/>"
        else:
            yield f"{start}>"
            for child in self.children:
                yield from child.lines(depth + 1)
            yield f"{indent}</{self.tag}>"

    def walk(self) -> Iterator[Element]:
        """Yield the element and everything below it, in the order of the text."""
        yield self
        for child in self.children:
            yield from child.walk()


def view(children: Iterable[Element], **attributes: str) -> Element:
    """Return an element that holds others."""
    return Element("View", attributes, list(children))


def header(value: str, style: str) -> Element:
    """Return a line of text. The front end fills in the task's data where it says ``$name``: see :func:`as_written`."""
    return Element("Header", {"value": value, "size": "5", "style": style})


def as_written(words: str) -> str:
    """Return words that the front end shows as they are: one that begins with ``$`` would be taken for a variable.

    A word joiner (U+2060, of no width) parts the sign from what follows.
    """
    return words.replace("$", "$\u2060")


def _quoted(value: str) -> str:
    if bad := _FORBIDDEN.search(value):
        raise SchemeError(
            f"the character {bad.group()!r} cannot stand in a labelling config", where=f"the text {value[:60]!r}"
        )
    return escape(value, {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def read_element(xml: str) -> Element:
    """Read XML that somebody else may have written, and return its root element.

    Raises:
        SchemeError: It is no well-formed XML, declares a document type (and so perhaps entities), or is
            larger than 5 MB or deeper than 64 elements.
    """
    stack = [Element("")]
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(stack) > MAX_DEPTH:
            _refuse(f"elements are nested more than {MAX_DEPTH} deep")
        element = Element(tag, attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def text(data: str) -> None:
        stack[-1].text += data

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: stack.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = lambda *_: _refuse("it declares a document type, which no config needs")
    try:
        data = xml.encode("utf-8")
        if len(data) > MAX_BYTES:
            _refuse(f"it is larger than {MAX_BYTES:,} bytes")
        parser.Parse(data, True)
    except expat.ExpatError as error:
        _refuse(f"it is no well-formed XML: {error}")
    except UnicodeEncodeError:
        _refuse("it holds half a character (a lone surrogate)")
    return stack[0].children[0]


def _refuse(reason: str) -> NoReturn:
    raise SchemeError(
        f"the labelling config cannot be read: {reason}",
        hint="Put the project's labelling config back to what the scheme generates.",
    ) from None
