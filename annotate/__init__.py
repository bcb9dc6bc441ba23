"""Machine first, human last: suggest, the Label Studio round trip, the ledger of what people did."""

from __future__ import annotations

from .actor_readings import ActorReading, by_actor
from .adjudication import AdjudicateResult, Cases, adjudicate, adjudication_cases
from .agreement import CUTS, Agreement, Cut, Measure, agree, agreement
from .agreement_counts import DocumentVersions
from .anchoring import Anchoring, DecoyRate, Effect, Work, anchoring, estimate
from .assigning import (
    ASSIGNED,
    AssignResult,
    PersonStanding,
    assign,
    assignment_standing,
    assignments,
)
from .assignment import Assignment
from .calibration import LEAST as CALIBRATION_LEAST
from .calibration import CalibrationResult, recalibrate
from .carrying import carried
from .client import StudioClient, connect
from .comparison import BASE, METRICS, Comparison, compare
from .consensus import Disagreement, consensus, mention_id, reidentify
from .correction import CorrectedMean, corrected_mean, lure_weights
from .crosswalk import LabelMap, label_map
from .decisions import DECISIONS, Verdict, decisions
from .decoding import Decoded, Problem, decode
from .edits import Answer, Edit, align, edits
from .entity_training import CurvePoint, EntityTraining, train_entities
from .focus import decode_focus, focus_keys, focus_tasks
from .gamma import GAMMA_SAMPLES
from .gold import GOLD, Gold, GoldOrigin, GoldResult, Version, gold, pseudonyms
from .importing import ImportResult, import_annotations
from .install import install_studio
from .labels import without_title
from .ledger import LEDGER, FinishedAnnotation, LedgerEntry, finished, ledger
from .lint import LINTS, Lint, LintReport, lint, lint_message
from .live import Answered, listening, page_app
from .mention_clusters import mention_clusters
from .migration_tasks import MigrationTasks, migration_tasks
from .ner_training import NerTraining
from .pipelines import located
from .project import Project, find_projects, make_project
from .pull import PullResult, pull
from .push import PushResult, push
from .push_queues import push_queues
from .queue_rows import QUEUE, QueueRow, QueueStanding, queue, queue_standing, upcoming
from .queueing import QueuePlan, plan_queue
from .regions import Link, Marked, Region, marked_by
from .replay import replay
from .reserve import reserved
from .scoring import OPERATIONS, Interval, Mark, Rate, Score, difference, score
from .second_opinions import Differing, SecondOpinions
from .serve import serve
from .slips import Slip, slips
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
from .suggest import (
    Suggester,
    SuggestResult,
    current_pipeline,
    load_suggester,
    suggest,
    suggest_standing,
    suggestions,
    suggestions_folder,
)
from .tasks import encode, encode_result
from .tether import Bell, LiveEvent
from .tokens import cuts_by_piece, tokenize, tokenizer_version
from .training_data import HELD_OUT, TRAIN, Labelled, TrainingData, training_data
from .upgrading import Decision, UpgradeResult, upgrade_project
from .upgrading_all import upgrade_projects
from .voices import attribution_around, voice, voices
from .watch import watch
from .weighing import Several, weighed
from .wire import Task

__all__ = [
    "ASSIGNED",
    "BASE",
    "CALIBRATION_LEAST",
    "CUTS",
    "DECISIONS",
    "GAMMA_SAMPLES",
    "GOLD",
    "HELD_OUT",
    "LEDGER",
    "LINTS",
    "METRICS",
    "OPERATIONS",
    "QUEUE",
    "TRAIN",
    "Account",
    "ActorReading",
    "AdjudicateResult",
    "Agreement",
    "Anchoring",
    "Answer",
    "Answered",
    "AssignResult",
    "Assignment",
    "Bell",
    "CalibrationResult",
    "Cases",
    "Comparison",
    "CorrectedMean",
    "CurvePoint",
    "Cut",
    "Decision",
    "Decoded",
    "DecoyRate",
    "Differing",
    "Disagreement",
    "DocumentVersions",
    "Edit",
    "Effect",
    "EntityTraining",
    "FinishedAnnotation",
    "Gold",
    "GoldOrigin",
    "GoldResult",
    "ImportResult",
    "Interval",
    "LabelMap",
    "Labelled",
    "LedgerEntry",
    "Link",
    "Lint",
    "LintReport",
    "LiveEvent",
    "Mark",
    "Marked",
    "Measure",
    "MigrationTasks",
    "NerTraining",
    "PersonStanding",
    "Problem",
    "Project",
    "PullResult",
    "PushResult",
    "QueuePlan",
    "QueueRow",
    "QueueStanding",
    "Rate",
    "Region",
    "Score",
    "SecondOpinions",
    "Several",
    "Slip",
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
    "UpgradeResult",
    "Verdict",
    "Version",
    "Work",
    "add_annotator",
    "adjudicate",
    "adjudication_cases",
    "agree",
    "agreement",
    "align",
    "anchoring",
    "assign",
    "assignment_standing",
    "assignments",
    "attribution_around",
    "by_actor",
    "carried",
    "compare",
    "connect",
    "consensus",
    "corrected_mean",
    "current_pipeline",
    "cuts_by_piece",
    "decisions",
    "decode",
    "decode_focus",
    "difference",
    "edits",
    "encode",
    "encode_result",
    "estimate",
    "find_projects",
    "finished",
    "focus_keys",
    "focus_tasks",
    "gold",
    "import_annotations",
    "install_studio",
    "label_map",
    "ledger",
    "lint",
    "lint_message",
    "listening",
    "load_suggester",
    "located",
    "lure_weights",
    "make_project",
    "marked_by",
    "mention_clusters",
    "mention_id",
    "migration_tasks",
    "own_account",
    "page_app",
    "plan_queue",
    "pseudonyms",
    "pull",
    "push",
    "push_queues",
    "queue",
    "queue_standing",
    "read_stance_data",
    "recalibrate",
    "reidentify",
    "replay",
    "reserved",
    "score",
    "serve",
    "slips",
    "start_studio",
    "stop_studio",
    "studio_status",
    "suggest",
    "suggest_standing",
    "suggestions",
    "suggestions_folder",
    "tokenize",
    "tokenizer_version",
    "train_entities",
    "train_stance",
    "training_data",
    "upcoming",
    "upgrade_project",
    "upgrade_projects",
    "voice",
    "voices",
    "watch",
    "weighed",
    "without_title",
]
