"""Write what an annotator reads in Label Studio before the first task: a project's instruction, as HTML.

The words are the scheme's own: rules, and every label with its definition, examples and counter-examples, for just the
layers that the project shows. Whatever the scheme says is text here and never markup.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from .adjudication import ADJUDICATION_REASON
from .scheme import Attribute, Example, Label, LabelScheme, Question, Value

__all__ = ["instruction", "is_own_instruction"]

_MARK: Final = re.compile(r"<p>Written by copydesk from the scheme [a-z0-9-]+ [0-9.]+ \(([0-9a-f]{16})\)\.</p>\s*$")
_TAG: Final = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_HOW: Final = {
    "document": "Press a label's key, then drag over the words. Click a region to see its questions at the right. "
    "Alt+R, then a click on another region, draws an arrow. Backspace deletes a region, U lets go of it, "
    "Ctrl+Enter submits. Rest the mouse on a label or an answer to read its definition.",
    "focus": "Each task is one mention of an actor, marked in its paragraph. Press the key of the answer; "
    "Ctrl+Enter submits. Rest the mouse on an answer to read its definition.",
}
_ADJUDICATION: Final = (
    "Several people have annotated each of these articles, and they differ. What is open stands at the right, with who "
    "says what; their own versions are the tabs annotator-1, annotator-2 and so on at the top. You start from what most "
    "of them say, with what some marked and nobody contradicted; such a region's note says who marked it. "
    "Make it what should stand, say why they differed, and submit. What you leave as it is counts as decided, too. "
    "Where they differed for another reason than in the rest of the article, click the mark and say so there."
)


def instruction(scheme: LabelScheme, layout: Literal["document", "focus"] = "document", use: str = "") -> str:
    """Return the instruction of a project that shows a scheme, as HTML: the same bytes for the same scheme.

    The last line names the scheme and has a digest of the words above it, so that a change by hand is seen.

    Args:
        scheme: The scheme, cut down to the layers that the project shows.
        layout: What a task is: a whole document, or one mention of an actor.
        use: What the project is for: ``adjudication``, also with a version behind it, has words of its own.
    """
    body = "\n".join(_body(scheme, layout, use))
    made = f"Written by copydesk from the scheme {scheme.name} {scheme.version} ({_digest(body)})."
    return f"{body}\n<p>{made}</p>"


def is_own_instruction(text: str) -> bool:
    """Tell whether an instruction is as copydesk wrote it, whatever its version; nothing at all counts as such."""
    found = _MARK.search(text)
    return found[1] == _digest(text[: found.start()]) if found else not text.strip()


def _digest(body: str) -> str:
    # of the words alone: the server cleans HTML in its own way, and leaves no comment or attribute that could be a mark
    words = html.unescape(_TAG.sub(" ", body)).split()
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]


def _body(scheme: LabelScheme, layout: str, use: str) -> Iterator[str]:
    yield f"<h3>{_text(scheme.title)} {_text(scheme.version)}</h3>"
    if use.partition("-")[0] == "adjudication":
        yield f"<p>{_text(_ADJUDICATION)}</p>"
        yield from _asked(ADJUDICATION_REASON)
    yield f"<p>{_text(_HOW[layout])}</p>"
    yield from _list(_text(rule) for rule in scheme.rules)
    for layer in scheme.layers:
        if layout == "focus" and layer.id != "stance":
            continue
        yield f"<h4>{_text(layer.title)}</h4>"
        yield f"<p>{_text(layer.definition)}</p>"
        yield from _list(_text(rule) for rule in layer.rules)
        if layout == "document":
            for label in scheme.labels:
                if label.layer == layer.id:
                    yield from _label(label)
        for asked in scheme.attributes:
            if asked.layer == layer.id:
                yield from _asked(asked)
    if layout == "document":
        for question in scheme.questions:
            yield from _asked(question)


def _label(label: Label) -> Iterator[str]:
    yield f"<p><b>{_text(label.id)}</b>{_key(label.hotkey)}: {_text(label.definition)}</p>"
    yield from _list(
        [
            *(f"yes: {_example(example)}" for example in label.examples),
            *(f"no: {_example(example)}" for example in label.counter_examples),
        ]
    )


def _asked(asked: Attribute | Question) -> Iterator[str]:
    of = f" ({', '.join(asked.labels)})" if isinstance(asked, Attribute) and asked.layer != "stance" else ""
    yield f"<p><b>{_text(asked.id.replace('_', ' '))}</b>{_text(of)}: {_text(asked.definition)}</p>"
    yield from _list(map(_value, asked.values))


def _value(value: Value) -> str:
    name = value.title or value.id.replace("_", " ")
    return f"<b>{_text(name)}</b>{_key(value.hotkey)}: {_text(value.definition)}"


def _key(hotkey: str) -> str:
    return f" <code>{_text(hotkey)}</code>" if hotkey else ""


def _example(example: Example) -> str:
    words = re.sub(r"\[\[(.+?)\]\]", r"<mark>\1</mark>", _text(example.text))
    return words + (f" — {_text(example.why)}" if example.why else "")


def _list(items: Iterable[str]) -> Iterator[str]:
    lines = [f"<li>{item}</li>" for item in items]
    if lines:
        yield f"<ul>{''.join(lines)}</ul>"


def _text(words: str) -> str:
    return html.escape(words)
