"""Name what can go wrong, so that a person knows where and what to do.

Every error of copydesk is a :class:`CopydeskError`. Its text is one clear message; `where` says
which file, line, record or document, `hint` says what to do. The command line prints both and
maps the class to an exit code; nothing below the command line exits or prints.
"""

from __future__ import annotations

__all__ = [
    "BusyError",
    "CopydeskError",
    "DeskError",
    "InputError",
    "OffsetError",
    "PublishError",
    "ReleaseError",
    "SchemeError",
    "SettingsError",
    "StudioError",
]


class CopydeskError(Exception):
    """Base of every error that copydesk raises on purpose.

    Args:
        message: What is wrong, in one sentence, with what was expected and what was found.
        where: The file, line, record or document concerned.
        hint: What the reader can do about it.
    """

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n{self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[object, ...]:
        # keyword-only arguments do not survive the default pickling out of a worker process
        return (_rebuild, (type(self), self.message, self.where, self.hint, self.__dict__))


def _rebuild(
    kind: type[CopydeskError], message: str, where: str | None, hint: str | None, state: dict[str, object]
) -> CopydeskError:
    error = kind.__new__(kind)
    CopydeskError.__init__(error, message, where=where, hint=hint)
    error.__dict__.update(state)
    return error


class InputError(CopydeskError):
    """A file or record that cannot be used as it is."""


class SettingsError(CopydeskError):
    """A settings file that does not say what it should."""


class SchemeError(CopydeskError):
    """A label scheme that contradicts itself, or data that does not follow it."""


class DeskError(CopydeskError):
    """A desk that is missing, broken, locked, or made by a newer version."""


class BusyError(DeskError):
    """A desk that another copydesk is at work on: to be tried again later."""


class ReleaseError(CopydeskError):
    """A release that did not pass one of its gates: nothing was released."""


class PublishError(CopydeskError):
    """A place to publish that does not answer, refuses us, or holds something else than the release."""


class StudioError(CopydeskError):
    """A Label Studio server that does not answer, refuses us, or answers wrongly."""


class OffsetError(CopydeskError):
    """A span whose offsets and text disagree with the frozen text of its document.

    Args:
        document_id: The document whose text was sliced.
        start: Half-open code-point offset of the span.
        end: Half-open code-point offset of the span.
        expected: The text that the span carries.
        found: The text that the document has there, or why nothing could be sliced.
    """

    def __init__(self, document_id: str, start: int, end: int, *, expected: str, found: str) -> None:
        super().__init__(
            f"span [{start}, {end}) should read {expected!r} but the text has {found!r}",
            where=f"document {document_id}",
            hint="The text or the offsets changed on the way; nothing was repaired. Compare the text's sha256.",
        )
        self.document_id = document_id
        self.start = start
        self.end = end
        self.expected = expected
        self.found = found
