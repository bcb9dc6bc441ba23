"""Assign every document to an arm, so that a desk can measure what suggestions do to labels.

Most documents show their suggestions; a share is ``blind`` and shows none; a share is a ``decoy`` and shows wrong
ones. The arm is a keyed hash of the document's id: no list to keep, the same on every machine, and nobody can
read it from a task, which carries a token that only the key explains.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, Literal, TypeAlias, get_args

from copydesk.corpus import ArmSettings

__all__ = ["ARMS", "Arm", "arm_token", "assigned_arm", "known_arm"]

Arm: TypeAlias = Literal["shown", "blind", "decoy"]
ARMS: Final[tuple[Arm, ...]] = get_args(Arm)


def assigned_arm(document_id: str, settings: ArmSettings) -> Arm:
    """Return the arm of a document; a larger share only takes documents from those that are shown."""
    draw = int(_hash(settings.salt, f"arm of {document_id}")[:13], 16) / 16**13
    if draw < settings.blind:
        return "blind"
    # from the other end, so that neither share moves the documents of the other
    return "decoy" if draw >= 1 - settings.decoy else "shown"


def arm_token(document_id: str, arm: Arm, salt: str) -> str:
    """Return what a task's key carries in the place of its arm: twelve hexadecimal digits."""
    return _hash(salt, f"{arm} {document_id}")[:12]


def known_arm(document_id: str, token: str, salt: str) -> Arm | None:
    """Return the arm that a token stands for; None where the token was made with another salt."""
    return next((arm for arm in ARMS if hmac.compare_digest(arm_token(document_id, arm, salt), token)), None)


def _hash(salt: str, said: str) -> str:
    return hmac.new(salt.encode(), said.encode(), hashlib.sha256).hexdigest()
