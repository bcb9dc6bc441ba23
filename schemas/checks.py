"""Check an annotated document against its text and its scheme: coded findings, nothing raised.

A check is a short function whose docstring is its message; it yields what it found and where. Its code
is in the table: E for what is wrong, W for what is worth a look. The checks of one kind are together:

    1xx text and spans   2xx entities   3xx attribution   4xx stance   5xx questions and the whole

:mod:`check_errors` and :mod:`check_warnings` hold them, :data:`CHECKS` the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .annotations import Annotations
from .check_case import Case, Check
from .check_errors import ERRORS
from .check_warnings import WARNINGS
from .documents import Document
from .scheme import LabelScheme

__all__ = ["CHECKS", "CheckReport", "Finding", "check", "check_message"]

CHECKS: Final[dict[str, Check]] = {**ERRORS, **WARNINGS}
"""Every check by its code."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that one check found in one document.

    Attributes:
        code: The check's code, such as ``E102``.
        document_id: Whose annotations.
        of: What it is about: an entity, attribution, stance or question by its id.
        detail: The values that were found, for a person.
    """

    code: str
    document_id: str
    of: str
    detail: str = ""

    @property
    def message(self) -> str:
        """What the check says: the first line of its docstring."""
        return check_message(self.code)

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.code} {self.of}: {self.message}{detail}"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the checks found in one document, by code and then in the order of the annotations."""

    document_id: str
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are wrong."""
        return tuple(finding for finding in self.findings if finding.code.startswith("E"))

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that are worth a look."""
        return tuple(finding for finding in self.findings if finding.code.startswith("W"))

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; warnings may remain."""
        return not self.errors

    @property
    def counts(self) -> dict[str, int]:
        """How many findings each code has, codes sorted."""
        return dict(sorted(Counter(finding.code for finding in self.findings).items()))


def check_message(code: str) -> str:
    """Return what a check says: the first line of its docstring, without the full stop.

    Raises:
        KeyError: There is no such code.
    """
    return (CHECKS[code].__doc__ or "").strip().splitlines()[0].rstrip(".")


def check(
    document: Document, annotations: Annotations, scheme: LabelScheme, *, select: Iterable[str] = ("E", "W")
) -> CheckReport:
    """Run the checks over one annotated document.

    Args:
        document: The frozen text that the offsets point into.
        annotations: What is said about it.
        scheme: The scheme, or the part of it (:meth:`LabelScheme.select`), that was annotated by.
        select: Codes, or beginnings of codes: ``("E", "W1")`` runs all errors and the warnings on spans.

    Returns:
        A report; nothing that the data holds makes this raise.

    Raises:
        ValueError: A member of `select` begins no code.
    """
    wanted = tuple(select)
    for beginning in wanted:
        if not any(code.startswith(beginning) for code in CHECKS):
            raise ValueError(f"no check's code begins with {beginning!r}")
    case = Case(document, annotations, scheme)
    return CheckReport(
        document.id,
        tuple(
            Finding(code, document.id, of, detail)
            for code, run in sorted(CHECKS.items())
            if code.startswith(wanted)
            for of, detail in run(case)
        ),
    )
