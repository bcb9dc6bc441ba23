"""The published thing: gold tables, splits, releases and their differences, cards and reports."""

from __future__ import annotations

from .diff import Change, Diff, Snapshot, changes, compare, diff, summary
from .diff_page import diff_page
from .features import CONFIGS, Classes, Config
from .fetching import Fetcher
from .figures import Figure
from .hydrate import HYDRATION_FILE, Hydrated, hydrate
from .labels import LABELS_FILE, grow, read_labels
from .package import Package
from .publish import PUBLISHED_FILE, Publication, publish
from .release import Release, load_release, release
from .report import Report, report
from .spacy_files import SpacyFiles, write_spacy
from .splits import SPLITS, SPLITS_FILE, read_splits
from .tables import Loss, flatten
from .verify import problems, verify
from .versions import last_release, releases

__all__ = [
    "CONFIGS",
    "HYDRATION_FILE",
    "LABELS_FILE",
    "PUBLISHED_FILE",
    "SPLITS",
    "SPLITS_FILE",
    "Change",
    "Classes",
    "Config",
    "Diff",
    "Fetcher",
    "Figure",
    "Hydrated",
    "Loss",
    "Package",
    "Publication",
    "Release",
    "Report",
    "Snapshot",
    "SpacyFiles",
    "changes",
    "compare",
    "diff",
    "diff_page",
    "flatten",
    "grow",
    "hydrate",
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
    "write_spacy",
]
