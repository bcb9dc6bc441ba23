"""The published thing: gold tables, splits, releases and their differences, cards and reports."""

from __future__ import annotations

from .diff import Change, Diff, Snapshot, compare, diff, summary
from .features import CONFIGS, Classes, Config
from .figures import Figure
from .labels import LABELS_FILE, grow, read_labels
from .package import Package
from .publish import PUBLISHED_FILE, Publication, publish
from .release import Release, load_release, release
from .report import Report, report
from .splits import SPLITS, SPLITS_FILE, read_splits
from .tables import Loss, flatten
from .verify import problems, verify
from .versions import last_release, releases

__all__ = [
    "CONFIGS",
    "LABELS_FILE",
    "PUBLISHED_FILE",
    "SPLITS",
    "SPLITS_FILE",
    "Change",
    "Classes",
    "Config",
    "Diff",
    "Figure",
    "Loss",
    "Package",
    "Publication",
    "Release",
    "Report",
    "Snapshot",
    "compare",
    "diff",
    "flatten",
    "grow",
    "last_release",
    "load_release",
    "problems",
    "publish",
    "read_labels",
    "read_splits",
    "release",
    "releases",
    "report",
    "summary",
    "verify",
]
