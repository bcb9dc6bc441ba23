"""Machine first, human last: suggest, the Label Studio round trip, the ledger of what people did."""

from __future__ import annotations

from .client import StudioClient, connect
from .consensus import Disagreement, consensus, mention_id, reidentify
from .decoding import Decoded, Problem, decode
from .edits import Answer, Edit, align, edits
from .gold import GOLD, Gold, GoldOrigin, GoldResult, Version, gold, pseudonyms
from .install import install_studio
from .labels import without_title
from .ledger import LEDGER, FinishedAnnotation, LedgerEntry, finished, ledger
from .models import tokenize, tokenizer_version
from .pull import PullResult, pull
from .push import PushResult, push
from .replay import replay
from .studio import (
    Account,
    StudioServer,
    StudioStatus,
    add_annotator,
    own_account,
    start_studio,
    stop_studio,
    studio_status,
)
from .suggest import Suggester, SuggestResult, load_suggester, suggest, suggestions
from .tasks import Task, encode, encode_result

__all__ = [
    "GOLD",
    "LEDGER",
    "Account",
    "Answer",
    "Decoded",
    "Disagreement",
    "Edit",
    "FinishedAnnotation",
    "Gold",
    "GoldOrigin",
    "GoldResult",
    "LedgerEntry",
    "Problem",
    "PullResult",
    "PushResult",
    "StudioClient",
    "StudioServer",
    "StudioStatus",
    "SuggestResult",
    "Suggester",
    "Task",
    "Version",
    "add_annotator",
    "align",
    "connect",
    "consensus",
    "decode",
    "edits",
    "encode",
    "encode_result",
    "finished",
    "gold",
    "install_studio",
    "ledger",
    "load_suggester",
    "mention_id",
    "own_account",
    "pseudonyms",
    "pull",
    "push",
    "reidentify",
    "replay",
    "start_studio",
    "stop_studio",
    "studio_status",
    "suggest",
    "suggestions",
    "tokenize",
    "tokenizer_version",
    "without_title",
]
