"""Machine first, human last: suggest, the Label Studio round trip, the ledger of what people did."""

from __future__ import annotations

from .actor_readings import ActorReading, by_actor
from .calibration import LEAST as CALIBRATION_LEAST
from .calibration import CalibrationResult, recalibrate
from .client import StudioClient, connect
from .comparison import BASE, METRICS, Comparison, compare
from .consensus import Disagreement, consensus, mention_id, reidentify
from .correction import CorrectedMean, corrected_mean, lure_weights
from .crosswalk import LabelMap, label_map
from .decoding import Decoded, Problem, decode
from .edits import Answer, Edit, align, edits
from .entity_training import CurvePoint, EntityTraining, train_entities
from .gold import GOLD, Gold, GoldOrigin, GoldResult, Version, gold, pseudonyms
from .install import install_studio
from .labels import without_title
from .ledger import LEDGER, FinishedAnnotation, LedgerEntry, finished, ledger
from .mention_clusters import mention_clusters
from .models import tokenize, tokenizer_version
from .ner_training import NerTraining
from .pull import PullResult, pull
from .push import PushResult, push
from .queue_rows import QUEUE, QueueRow, QueueStanding, queue, queue_standing, upcoming
from .queueing import QueuePlan, plan_queue
from .replay import replay
from .reserve import reserved
from .scoring import OPERATIONS, Interval, Mark, Rate, Score, difference, score
from .stance_data import StanceData, StanceExample, read_stance_data
from .stance_training import Recipe as StanceRecipe
from .stance_training import StanceTraining, train_stance
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
from .training_data import HELD_OUT, TRAIN, Labelled, TrainingData, training_data
from .voices import attribution_around, voice, voices

__all__ = [
    "BASE",
    "CALIBRATION_LEAST",
    "GOLD",
    "HELD_OUT",
    "LEDGER",
    "METRICS",
    "OPERATIONS",
    "QUEUE",
    "TRAIN",
    "Account",
    "ActorReading",
    "Answer",
    "CalibrationResult",
    "Comparison",
    "CorrectedMean",
    "CurvePoint",
    "Decoded",
    "Disagreement",
    "Edit",
    "EntityTraining",
    "FinishedAnnotation",
    "Gold",
    "GoldOrigin",
    "GoldResult",
    "Interval",
    "LabelMap",
    "Labelled",
    "LedgerEntry",
    "Mark",
    "NerTraining",
    "Problem",
    "PullResult",
    "PushResult",
    "QueuePlan",
    "QueueRow",
    "QueueStanding",
    "Rate",
    "Score",
    "StanceData",
    "StanceExample",
    "StanceRecipe",
    "StanceTraining",
    "StudioClient",
    "StudioServer",
    "StudioStatus",
    "SuggestResult",
    "Suggester",
    "Task",
    "TrainingData",
    "Version",
    "add_annotator",
    "align",
    "attribution_around",
    "by_actor",
    "compare",
    "connect",
    "consensus",
    "corrected_mean",
    "decode",
    "difference",
    "edits",
    "encode",
    "encode_result",
    "finished",
    "gold",
    "install_studio",
    "label_map",
    "ledger",
    "load_suggester",
    "lure_weights",
    "mention_clusters",
    "mention_id",
    "own_account",
    "plan_queue",
    "pseudonyms",
    "pull",
    "push",
    "queue",
    "queue_standing",
    "read_stance_data",
    "recalibrate",
    "reidentify",
    "replay",
    "reserved",
    "score",
    "start_studio",
    "stop_studio",
    "studio_status",
    "suggest",
    "suggestions",
    "tokenize",
    "tokenizer_version",
    "train_entities",
    "train_stance",
    "training_data",
    "upcoming",
    "voice",
    "voices",
    "without_title",
]
